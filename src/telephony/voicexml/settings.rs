//! The `[voicexml]` settings.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::secret::Secret;
use crate::speech::language::Language;
use crate::telephony::sender::{Networks, Sender};

/// How a gateway proves itself to us, the voices it speaks with, and who keeps recordings.
///
/// ```toml
/// [voicexml]
/// secret = "…"
/// addresses = ["198.51.100.0/24"]
/// recorder = "https://recorder.example/messages"
/// voices.zh-CN = { language = "zh-CN", voice = "Tingting" }
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The secret in its addresses; an empty one is none. Without it there are no webhooks.
    pub secret: Option<Secret>,
    /// Where it calls from; empty: from anywhere.
    pub addresses: Networks,
    /// The address that what callers say is posted to; empty: nothing is recorded.
    pub recorder: Box<str>,
    /// Who speaks each language.
    pub voices: BTreeMap<Language, Voice>,
}

/// A voice, as documents name it. What is empty is not said to the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voice {
    /// The language tag: `zh-CN`.
    pub language: Box<str>,
    /// The voice, by the name its engine gives it.
    pub voice: Box<str>,
}

impl Settings {
    /// The secret, if there is one.
    #[must_use]
    pub fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref().filter(|secret| !secret.expose().trim().is_empty())
    }

    /// Who may send, if anyone may. `proxies` are our own.
    #[must_use]
    pub fn sender(&self, proxies: &Networks) -> Option<Sender> {
        self.secret().map(|secret| Sender::new(secret, self.addresses.clone(), proxies.clone()))
    }

    /// Where what callers say is posted to, if it is.
    #[must_use]
    pub fn recorder(&self) -> Option<&str> {
        Some(&*self.recorder).filter(|recorder| !recorder.is_empty())
    }

    /// Whether the recorder, if there is one, is an address that a gateway can post to.
    #[must_use]
    pub fn recorder_is_address(&self) -> bool {
        self.recorder().is_none_or(|recorder| {
            let rest = recorder.strip_prefix("https://").or(recorder.strip_prefix("http://"));
            rest.is_some_and(|rest| {
                !rest.is_empty() && !rest.starts_with('/') && rest.bytes().all(|b| b.is_ascii_graphic())
            })
        })
    }

    /// Who speaks `language`.
    #[must_use]
    pub(super) fn voice(&self, language: Language) -> Voice {
        let tag = match language {
            Language::Mandarin => "zh-CN",
            // As most engines call it.
            Language::Cantonese => "zh-HK",
            Language::English => "en-US",
        };
        let default = || Voice { language: tag.into(), voice: "".into() };
        self.voices.get(&language).cloned().unwrap_or_else(default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_read_from_toml_and_hide_their_secret() {
        let settings: Settings = toml::from_str(
            r#"
            secret = "geheim"
            addresses = ["203.0.113.0/24"]
            voices.zh-CN = { language = "zh-CN", voice = "Tingting" }
            "#,
        )
        .unwrap();
        assert!(settings.sender(&Networks::default()).is_some());
        assert_eq!(settings.voice(Language::Mandarin).voice.as_ref(), "Tingting");
        assert_eq!(settings.voice(Language::Cantonese), Voice { language: "zh-HK".into(), voice: "".into() });
        assert!(!format!("{settings:?}").contains("geheim"));
        assert!(toml::from_str::<Settings>(r#"secrets = "a""#).is_err());
        assert!(toml::from_str::<Settings>("addresses = [\"nowhere\"]").is_err());
    }

    #[test]
    fn an_empty_secret_is_none() {
        assert!(Settings::default().sender(&Networks::default()).is_none());
        assert!(toml::from_str::<Settings>("secret = \" \"").unwrap().secret().is_none());
    }

    #[test]
    fn a_recorder_is_an_address() {
        let is_address =
            |recorder: &str| Settings { recorder: recorder.into(), ..Settings::default() }.recorder_is_address();
        for right in ["", "https://recorder.example", "http://10.0.0.7:9000/messages?a=1"] {
            assert!(is_address(right), "{right}");
        }
        for wrong in ["wss://recorder.example", "recorder.example", "https://", "https:///a", "https://a b"] {
            assert!(!is_address(wrong), "{wrong}");
        }
    }
}
