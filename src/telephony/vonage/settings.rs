//! The `[vonage]` settings.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::secret::Secret;
use crate::speech::language::Language;

/// How Vonage proves itself to us, the voices it speaks with, and who keeps recordings.
///
/// ```toml
/// [vonage]
/// signature_secret = "…"
/// api_key = "abcd1234"
/// voices.zh-CN = { language = "cmn-CN", style = 1, premium = true }
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The signature secret of the account; an empty one is none. Without any, here or below, there are no webhooks.
    pub signature_secret: Option<Secret>,
    /// More of them, for the time of a rotation: the old and the new are both right.
    pub more_signature_secrets: Vec<Secret>,
    /// The account that webhooks must name; empty: whichever the secret signs for.
    pub api_key: Box<str>,
    /// The address that is told where recordings are to be fetched; empty: nothing is recorded.
    pub recorder: Box<str>,
    /// Who speaks each language.
    pub voices: BTreeMap<Language, Voice>,
}

/// A voice, by the platform's numbers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voice {
    /// The language tag: `cmn-CN`.
    pub language: Box<str>,
    /// Which of its voices.
    #[serde(default)]
    pub style: u8,
    /// Whether the dearer one of that style.
    #[serde(default)]
    pub premium: bool,
}

impl Settings {
    /// Every secret that may sign.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let all = self.signature_secret.iter().chain(&self.more_signature_secrets);
        all.filter(|secret| !secret.expose().trim().is_empty())
    }

    /// Whether anyone can be accepted at all.
    #[must_use]
    pub fn is_set_up(&self) -> bool {
        self.secrets().next().is_some()
    }

    /// The address that is told of recordings, if there is one.
    #[must_use]
    pub fn recorder(&self) -> Option<&str> {
        Some(&*self.recorder).filter(|recorder| !recorder.is_empty())
    }

    /// Whether the recorder, if there is one, is an address that the platform can post to.
    #[must_use]
    pub fn recorder_is_address(&self) -> bool {
        self.recorder().is_none_or(|recorder| {
            let host = recorder.strip_prefix("https://").or(recorder.strip_prefix("http://"));
            let plain = |host: &str| {
                !host.starts_with('/') && host.bytes().all(|b| b.is_ascii_graphic()) && !host.contains('#')
            };
            host.is_some_and(|host| !host.is_empty() && plain(host))
        })
    }

    /// Who speaks `language`.
    #[must_use]
    pub fn voice(&self, language: Language) -> Voice {
        self.voices.get(&language).cloned().unwrap_or_else(|| {
            let language = match language {
                Language::Mandarin => "cmn-CN",
                Language::Cantonese => "yue-CN",
                Language::English => "en-US",
            };
            Voice { language: language.into(), style: 0, premium: false }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telephony::testing::assert_hides;

    #[test]
    fn are_read_from_toml_and_hide_their_secrets() {
        let settings: Settings = toml::from_str(
            r#"
            signature_secret = "eins"
            more_signature_secrets = ["zwei", " "]
            api_key = "abcd1234"
            voices.zh-CN = { language = "cmn-CN", style = 2, premium = true }
            "#,
        )
        .unwrap();
        assert_eq!(settings.secrets().map(Secret::expose).collect::<Vec<_>>(), ["eins", "zwei"]);
        assert_eq!(settings.voice(Language::Mandarin).style, 2);
        assert_eq!(settings.voice(Language::Cantonese).language.as_ref(), "yue-CN");
        assert_hides(&settings, &["eins", "zwei"]);
        assert!(toml::from_str::<Settings>(r#"secret = "one""#).is_err());
        assert!(!Settings::default().is_set_up());
        assert!(!toml::from_str::<Settings>(r#"signature_secret = " ""#).unwrap().is_set_up());
    }

    #[test]
    fn a_recorder_is_an_address_that_can_be_posted_to() {
        let is_address =
            |recorder: &str| Settings { recorder: recorder.into(), ..Settings::default() }.recorder_is_address();
        for right in ["", "https://recorder.example", "http://10.0.0.7:9000/hotline?a=1"] {
            assert!(is_address(right), "{right}");
        }
        for wrong in
            ["wss://recorder.example", "recorder.example", "https://", "https:///a", "https://a b", "https://a#b"]
        {
            assert!(!is_address(wrong), "{wrong}");
        }
    }
}
