//! The `[jambonz]` settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::secret::Secret;
use crate::speech::language::Language;
use crate::telephony::sender::{Networks, can_be_sent};

/// How jambonz proves itself to us, the voices it speaks with, and who keeps recordings.
///
/// ```toml
/// [jambonz]
/// secret = "wh_secret_…"
/// credentials = "jambonz:…"
/// recorder = "wss://recorder.example/hotline"
/// voices.zh-CN = { vendor = "google", language = "cmn-CN", voice = "cmn-CN-Wavenet-A" }
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The webhook secret of the account; an empty one is none. Without any, here or below, there are no webhooks.
    pub secret: Secret,
    /// More of them, for the time of a rotation: the old and the new are both right.
    pub more_secrets: Vec<Secret>,
    /// `user:password` of the application's WebSocket; an empty one is none. Without any, here or below, there is no
    /// WebSocket.
    pub credentials: Secret,
    /// More of them.
    pub more_credentials: Vec<Secret>,
    /// Where the WebSocket is opened from; empty: from anywhere.
    pub addresses: Networks,
    /// The WebSocket address that what callers say is streamed to; empty: nothing is recorded.
    pub recorder: Box<str>,
    /// Who speaks each language; the application's own voice where none is named.
    pub voices: BTreeMap<Language, Voice>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            secret: Secret::new(""),
            more_secrets: Vec::new(),
            credentials: Secret::new(""),
            more_credentials: Vec::new(),
            addresses: Networks::default(),
            recorder: "".into(),
            voices: BTreeMap::new(),
        }
    }
}

/// A voice, by the names jambonz and its vendors give it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voice {
    /// The vendor: `google`, `aws`, `microsoft`, `custom:…`.
    pub vendor: Box<str>,
    /// The vendor's credentials, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Box<str>>,
    /// The language tag: `cmn-CN`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Box<str>>,
    /// The voice: `cmn-CN-Wavenet-A`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<Box<str>>,
    /// What makes it speak, where a vendor has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
}

/// What makes a voice speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the vendor's own names")]
pub enum Engine {
    Standard,
    Neural,
    Generative,
    LongForm,
}

impl Settings {
    /// Every secret that may sign; an empty one is none.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        [&self.secret].into_iter().chain(&self.more_secrets).filter(|secret| !secret.expose().trim().is_empty())
    }

    /// Whether any webhook can be accepted at all.
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        self.secrets().next().is_some()
    }

    /// Every user and password that may open a WebSocket; an empty one is none.
    pub fn credentials(&self) -> impl Iterator<Item = &Secret> {
        [&self.credentials].into_iter().chain(&self.more_credentials).filter(|both| !both.expose().is_empty())
    }

    /// Whether any WebSocket can be accepted at all.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        self.credentials().next().is_some()
    }

    /// Whether all credentials can be sent: a user, a colon, a password.
    #[must_use]
    pub fn credentials_can_be_sent(&self) -> bool {
        self.credentials().all(can_be_sent)
    }

    /// Whether a call can come in, by either way.
    #[must_use]
    pub fn is_set_up(&self) -> bool {
        self.has_secrets() || self.has_credentials()
    }

    /// Where what callers say is streamed to, if it is.
    #[must_use]
    pub fn recorder(&self) -> Option<&str> {
        Some(&*self.recorder).filter(|recorder| !recorder.is_empty())
    }

    /// Whether the recorder, if there is one, is an address that the platform can stream to.
    #[must_use]
    pub fn recorder_is_address(&self) -> bool {
        self.recorder().is_none_or(|recorder| {
            let host = recorder.strip_prefix("wss://").or(recorder.strip_prefix("ws://"));
            let plain = |host: &str| !host.starts_with('/') && host.bytes().all(|b| b.is_ascii_graphic());
            host.is_some_and(|host| !host.is_empty() && plain(host))
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
            secret = "eins"
            more_secrets = ["zwei"]
            credentials = "jambonz:drei"
            addresses = ["198.51.100.0/24"]
            recorder = "wss://recorder.example/hotline"
            voices.zh-CN = { vendor = "aws", language = "cmn-CN", voice = "Zhiyu", engine = "neural" }
            "#,
        )
        .unwrap();
        assert_eq!(settings.voices[&Language::Mandarin].engine, Some(Engine::Neural));
        assert_eq!(settings.secrets().map(Secret::expose).collect::<Vec<_>>(), ["eins", "zwei"]);
        assert_hides(&settings, &["eins", "zwei", "drei"]);
        assert!(toml::from_str::<Settings>(r#"secrets = "one""#).is_err());
        assert!(toml::from_str::<Settings>(r#"voices.zh-CN = { language = "cmn-CN" }"#).is_err(), "no vendor");
    }

    #[test]
    fn empty_secrets_are_none() {
        assert!(!Settings::default().has_secrets());
        assert!(!toml::from_str::<Settings>("secret = \"\"\nmore_secrets = [\" \"]").unwrap().has_secrets());
        assert!(toml::from_str::<Settings>("more_secrets = [\"a\"]").unwrap().has_secrets());
        assert!(!Settings::default().has_credentials() && !Settings::default().is_set_up());
        let rotated: Settings = toml::from_str("credentials = \"\"\nmore_credentials = [\"\", \"a:b\"]").unwrap();
        assert!(rotated.has_credentials() && rotated.is_set_up() && rotated.credentials_can_be_sent());
        assert!(!toml::from_str::<Settings>("more_credentials = [\"a\"]").unwrap().credentials_can_be_sent());
    }

    #[test]
    fn a_recorder_is_an_address_of_web_sockets() {
        let is_address =
            |recorder: &str| Settings { recorder: recorder.into(), ..Settings::default() }.recorder_is_address();
        for right in ["", "wss://recorder.example", "ws://10.0.0.7:9000/hotline?a=1"] {
            assert!(is_address(right), "{right}");
        }
        for wrong in ["https://recorder.example", "recorder.example", "wss://", "wss:///a", "wss://a b"] {
            assert!(!is_address(wrong), "{wrong}");
        }
    }
}
