//! The `[httapi]` settings.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::secret::Secret;
use crate::speech::language::Language;
use crate::telephony::remote_folder::RemoteFolder;
use crate::telephony::sender::{Networks, Sender, can_be_sent};

/// Stands in a dial string for the number, or for what follows `sip:`.
const TO: &str = "{to}";

/// How FreeSWITCH proves itself to us, how it reaches people, the voices it speaks with, and where it keeps recordings.
///
/// ```toml
/// [httapi]
/// secret = "…"
/// addresses = ["198.51.100.7"]
/// credentials = "freeswitch:…"
/// dial_number = "sofia/gateway/carrier/{to}"
/// voices.zh-CN = { engine = "unimrcp", voice = "xiaoyan" }
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The secret in its addresses; an empty one is none. Without it there are no webhooks.
    pub secret: Option<Secret>,
    /// Where it calls from; empty: from anywhere.
    pub addresses: Networks,
    /// `user:password` that it must send as well; empty: none.
    pub credentials: Option<Secret>,
    /// The dial string of a number.
    pub dial_number: Box<str>,
    /// The dial string of a SIP address.
    pub dial_sip: Box<str>,
    /// The folder on FreeSWITCH' disk that what callers say is recorded into; empty: nothing is recorded.
    pub recordings: RemoteFolder,
    /// Whether the engines read SSML.
    pub ssml: bool,
    /// Who speaks each language.
    pub voices: BTreeMap<Language, Voice>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            secret: None,
            addresses: Networks::default(),
            credentials: None,
            dial_number: "sofia/gateway/hotline/{to}".into(),
            dial_sip: "sofia/external/{to}".into(),
            recordings: RemoteFolder::default(),
            ssml: false,
            voices: BTreeMap::new(),
        }
    }
}

/// A voice, by the names FreeSWITCH has for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voice {
    /// What makes it speak: `unimrcp`, `tts_commandline`.
    pub engine: Box<str>,
    /// The voice, by the name its engine gives it.
    pub voice: Box<str>,
}

impl Settings {
    /// The secret, if there is one.
    #[must_use]
    pub fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref().filter(|secret| !secret.expose().trim().is_empty())
    }

    /// User and password, if they are asked for.
    #[must_use]
    pub fn credentials(&self) -> Option<&Secret> {
        self.credentials.as_ref().filter(|credentials| !credentials.expose().is_empty())
    }

    /// Whether the credentials, if there are any, can be sent: a user, a colon, a password.
    #[must_use]
    pub fn credentials_can_be_sent(&self) -> bool {
        self.credentials().is_none_or(can_be_sent)
    }

    /// Who may send, if anyone may. `proxies` are our own.
    #[must_use]
    pub fn sender(&self, proxies: &Networks) -> Option<Sender> {
        self.secret().map(|secret| Sender::new(secret, self.addresses.clone(), proxies.clone()))
    }

    /// Whether both dial strings have a place for whom they reach.
    #[must_use]
    pub fn dial_strings_reach_someone(&self) -> bool {
        [&self.dial_number, &self.dial_sip].iter().all(|dial| dial.contains(TO) && dial.contains('/'))
    }

    /// The dial string that reaches `number`.
    pub(super) fn number(&self, number: &str) -> String {
        self.dial_number.replace(TO, number)
    }

    /// The dial string that reaches `uri`.
    pub(super) fn sip(&self, uri: &str) -> String {
        self.dial_sip.replace(TO, uri.strip_prefix("sip:").unwrap_or(uri))
    }

    /// Who speaks `language`.
    pub(super) fn voice(&self, language: Language) -> Voice {
        let voice = match language {
            Language::Mandarin => "zh-CN",
            Language::Cantonese => "zh-HK",
            Language::English => "en-US",
        };
        // An engine must be named: without one the document is given up.
        let default = || Voice { engine: "unimrcp".into(), voice: voice.into() };
        self.voices.get(&language).cloned().unwrap_or_else(default)
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
            secret = "geheim"
            credentials = "switch:passwort"
            voices.zh-CN = { engine = "tts_commandline", voice = "xiaoyan" }
            "#,
        )
        .unwrap();
        assert!(settings.sender(&Networks::default()).is_some() && settings.credentials_can_be_sent());
        assert_eq!(settings.voice(Language::Mandarin).engine.as_ref(), "tts_commandline");
        assert_eq!(settings.voice(Language::English), Voice { engine: "unimrcp".into(), voice: "en-US".into() });
        assert_hides(&settings, &["geheim", "passwort"]);
        assert!(toml::from_str::<Settings>("dial = \"a\"").is_err());
    }

    #[test]
    fn what_is_empty_is_none() {
        let settings: Settings = toml::from_str("secret = \"\"\ncredentials = \"\"").unwrap();
        assert!(settings.sender(&Networks::default()).is_none() && settings.credentials().is_none());
        assert!(settings.recordings.path().is_none());
    }

    #[test]
    fn what_cannot_be_is_told() {
        let credentials = |text: &str| Settings { credentials: Some(Secret::new(text)), ..Settings::default() };
        for (text, can) in [("a:b", true), ("a:b:c", true), ("", true), ("a", false), (":b", false), ("a:", false)] {
            assert_eq!(credentials(text).credentials_can_be_sent(), can, "{text}");
        }
        let dial = |text: &str| Settings { dial_number: text.into(), ..Settings::default() };
        for (text, can) in [("sofia/gateway/a/{to}", true), ("sofia/gateway/a", false), ("{to}", false)] {
            assert_eq!(dial(text).dial_strings_reach_someone(), can, "{text}");
        }
    }

    #[test]
    fn people_are_reached_by_dial_strings() {
        let settings = Settings::default();
        assert_eq!(settings.number("+861012333"), "sofia/gateway/hotline/+861012333");
        assert_eq!(settings.sip("sip:agents@pbx.example"), "sofia/external/agents@pbx.example");
    }
}
