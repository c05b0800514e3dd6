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
/// voices.zh-CN = { language = "cmn-CN", voice = "Polly.Zhiyu-Neural" }
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The secret that Twilio signs with; an empty one is none. Without any, here or below, no webhook is accepted.
    pub auth_token: Option<Secret>,
    /// More of them, for the time of a rotation: the old and the new are both right.
    pub more_auth_tokens: Vec<Secret>,
    /// The secrets of sub-accounts, by account id. An account listed here is held to its own secrets alone.
    pub accounts: BTreeMap<String, Vec<Secret>>,
    /// Who speaks each language.
    pub voices: BTreeMap<Language, Voice>,
}

/// A voice, by the names Twilio gives it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voice {
    /// The language tag: `cmn-CN`.
    pub language: Box<str>,
    /// The voice: `Polly.Zhiyu-Neural`.
    pub voice: Box<str>,
}

impl Settings {
    /// Every secret that signs for someone.
    pub fn tokens(&self) -> impl Iterator<Item = &Secret> {
        let accounts = self.accounts.values().flatten();
        self.general_tokens().chain(accounts).filter(|token| !token.expose().trim().is_empty())
    }

    /// Whether anyone can be accepted at all.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        self.tokens().next().is_some()
    }

    /// The secrets for every account that is not listed.
    pub(super) fn general_tokens(&self) -> impl Iterator<Item = &Secret> {
        self.auth_token.iter().chain(&self.more_auth_tokens)
    }
}

impl Voice {
    /// The voice of a language that the settings name none for.
    #[must_use]
    pub fn default_of(language: Language) -> Self {
        match language {
            Language::Mandarin => Self { language: "cmn-CN".into(), voice: "Polly.Zhiyu-Neural".into() },
            // Polly's own, Hiujin, speaks yue-CN, which Twilio's list of languages does not have.
            Language::Cantonese => Self { language: "yue-HK".into(), voice: "Google.yue-HK-Standard-A".into() },
            Language::English => Self { language: "en-US".into(), voice: "Polly.Joanna-Neural".into() },
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
            more_auth_tokens = ["two"]
            accounts.AC1 = ["three"]
            voices.zh-CN = { language = "cmn-CN", voice = "Google.cmn-CN-Wavenet-A" }
            "#,
        )
        .unwrap();
        assert_eq!(settings.voices[&Language::Mandarin].voice.as_ref(), "Google.cmn-CN-Wavenet-A");
        assert_eq!(settings.accounts["AC1"][0].expose(), "three");
        let shown = format!("{settings:?}");
        assert!(!shown.contains("one") && !shown.contains("two") && !shown.contains("three"), "{shown}");
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(toml::from_str::<Settings>(r#"authtoken = "one""#).is_err());
        assert!(toml::from_str::<Settings>(r#"voices.zh-CN = { lang = "cmn-CN", voice = "x" }"#).is_err());
    }

    #[test]
    fn empty_tokens_are_none() {
        let settings: Settings =
            toml::from_str("auth_token = \"\"\nmore_auth_tokens = [\" \"]\naccounts.AC1 = [\"\"]").unwrap();
        assert!(!settings.has_tokens());
        let settings: Settings = toml::from_str("auth_token = \"\"\naccounts.AC1 = [\"a\"]").unwrap();
        assert_eq!(settings.tokens().map(Secret::expose).collect::<Vec<_>>(), ["a"]);
    }
}
