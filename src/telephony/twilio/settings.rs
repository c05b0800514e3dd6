//! The `[twilio]` settings.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::secret::Secret;
use crate::speech::language::Language;

/// How Twilio proves itself to us, and the voices it speaks with.
///
/// ```toml
/// [twilio]
/// auth_token = "…"
/// accounts.AC0123456789abcdef0123456789abcdef = ["…"]
/// voice.zh-CN = { language = "cmn-CN", name = "Polly.Zhiyu-Neural" }
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The secret that Twilio signs with. Without any, here or below, no webhook is accepted.
    pub auth_token: Option<Secret>,
    /// More of them, for the time of a rotation: the old and the new are both right.
    pub auth_tokens: Vec<Secret>,
    /// The secrets of sub-accounts, by account id. An account listed here is held to its own secrets alone.
    pub accounts: BTreeMap<String, Vec<Secret>>,
    /// Who speaks each language.
    pub voice: BTreeMap<Language, Voice>,
}

/// A voice, by the names Twilio gives it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voice {
    /// The language tag: `cmn-CN`.
    pub language: Box<str>,
    /// The voice: `Polly.Zhiyu-Neural`.
    pub name: Box<str>,
}

impl Voice {
    /// The voice of a language that the settings name none for.
    #[must_use]
    pub fn default_of(language: Language) -> Self {
        match language {
            Language::Mandarin => Self { language: "cmn-CN".into(), name: "Polly.Zhiyu-Neural".into() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_read_from_toml_and_hide_their_secrets() {
        let settings: Settings = toml::from_str(
            r#"
            auth_token = "one"
            auth_tokens = ["two"]
            accounts.AC1 = ["three"]
            voice.zh-CN = { language = "cmn-CN", name = "Google.cmn-CN-Wavenet-A" }
            "#,
        )
        .unwrap();
        assert_eq!(settings.voice[&Language::Mandarin].name.as_ref(), "Google.cmn-CN-Wavenet-A");
        assert_eq!(settings.accounts["AC1"][0].expose(), "three");
        let shown = format!("{settings:?}");
        assert!(!shown.contains("one") && !shown.contains("two") && !shown.contains("three"), "{shown}");
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(toml::from_str::<Settings>(r#"authtoken = "one""#).is_err());
        assert!(toml::from_str::<Settings>(r#"voice.zh-CN = { lang = "cmn-CN", name = "x" }"#).is_err());
    }
}
