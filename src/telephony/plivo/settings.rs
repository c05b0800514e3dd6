//! The `[plivo]` settings.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::secret::Secret;
use crate::speech::language::Language;

/// How Plivo proves itself to us, and the voices it speaks with.
///
/// ```toml
/// [plivo]
/// auth_token = "…"
/// voices.zh-CN = { language = "cmn-CN", voice = "Polly.Zhiyu" }
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The auth token of the account or subaccount; an empty one is none. Without any, here or below, there are no webhooks.
    pub auth_token: Option<Secret>,
    /// More of them, for the time of a rotation: the old and the new are both right.
    pub more_auth_tokens: Vec<Secret>,
    /// Who speaks each language.
    pub voices: BTreeMap<Language, Voice>,
}

/// A voice, by the names the platform gives it. What is empty is not said to it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voice {
    /// The language tag: `cmn-CN`.
    pub language: Box<str>,
    /// The voice: `Polly.Zhiyu`.
    pub voice: Box<str>,
}

impl Settings {
    /// Every token that may sign.
    pub fn tokens(&self) -> impl Iterator<Item = &Secret> {
        let all = self.auth_token.iter().chain(&self.more_auth_tokens);
        all.filter(|token| !token.expose().trim().is_empty())
    }

    /// Whether anyone can be accepted at all.
    #[must_use]
    pub fn is_set_up(&self) -> bool {
        self.tokens().next().is_some()
    }

    /// Who speaks `language`. Of the platform's own list nobody speaks Cantonese: its characters are read in Mandarin until the
    /// settings name a voice.
    #[must_use]
    pub fn voice(&self, language: Language) -> Voice {
        self.voices.get(&language).cloned().unwrap_or_else(|| {
            let (language, voice) = match language {
                Language::Mandarin | Language::Cantonese => ("cmn-CN", "Polly.Zhiyu"),
                Language::English => ("en-US", "Polly.Joanna"),
            };
            Voice { language: language.into(), voice: voice.into() }
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
            auth_token = "eins"
            more_auth_tokens = ["zwei", " "]
            voices.yue-CN = { language = "zh-HK", voice = "WOMAN" }
            "#,
        )
        .unwrap();
        assert_eq!(settings.tokens().map(Secret::expose).collect::<Vec<_>>(), ["eins", "zwei"]);
        assert_eq!(settings.voice(Language::Cantonese).voice.as_ref(), "WOMAN");
        assert_eq!(settings.voice(Language::Mandarin).voice.as_ref(), "Polly.Zhiyu");
        assert_hides(&settings, &["eins", "zwei"]);
        assert!(toml::from_str::<Settings>(r#"token = "one""#).is_err());
        assert!(toml::from_str::<Settings>(r#"voices.zh-CN = { language = "cmn-CN" }"#).is_err(), "no voice");
    }

    #[test]
    fn empty_tokens_are_none() {
        assert!(!Settings::default().is_set_up());
        let set_up = |text: &str| toml::from_str::<Settings>(text).unwrap().is_set_up();
        assert!(!set_up("auth_token = \"\"\nmore_auth_tokens = [\" \"]"));
        assert!(set_up("more_auth_tokens = [\"a\"]"));
    }
}
