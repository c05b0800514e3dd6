//! The settings of each platform: `[twilio]`, `[signalwire]`, `[telnyx]`, `[somleng]`, `[exotel]`, `[kazoo]`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::profile::{EXOTEL, KAZOO, Profile, SIGNALWIRE, SOMLENG, TELNYX, TWILIO};
use super::proof::Proof;
use super::signalwire::SigningKeys;
use super::signature::Tokens;
use super::telnyx::{PublicKeys, is_public_key};
use crate::secret::Secret;
use crate::speech::language::Language;
use crate::telephony::sender::{Networks, Sender};

/// One platform, as it is set up: what it can do, how it proves itself, who speaks, and the secret in its addresses if it
/// signs nothing.
pub struct Platform {
    pub(super) profile: &'static Profile,
    pub(super) proof: Proof,
    pub(super) voices: BTreeMap<Language, Voice>,
    pub(super) secret: Option<Secret>,
}

impl Platform {
    /// What the platform can do.
    #[must_use]
    pub fn profile(&self) -> &'static Profile {
        self.profile
    }
}

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

/// How SignalWire proves itself to us, and the voices it speaks with.
///
/// ```toml
/// [signalwire]
/// signing_key = "PSK_…"
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignalWire {
    /// The signing key of the project; an empty one is none. Without any, here or below, there are no webhooks.
    pub signing_key: Option<Secret>,
    /// More of them, for the time of a rotation: the old and the new are both right.
    pub more_signing_keys: Vec<Secret>,
    /// Who speaks each language.
    pub voices: BTreeMap<Language, Voice>,
}

/// How Telnyx proves itself to us, and the voices it speaks with.
///
/// ```toml
/// [telnyx]
/// public_key = "…="
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telnyx {
    /// The public key of the account, in base64; an empty one is none. Without any, here or below, there are no webhooks.
    pub public_key: Box<str>,
    /// More of them, for the time of a rotation: the old and the new are both right.
    pub more_public_keys: Vec<Box<str>>,
    /// Who speaks each language.
    pub voices: BTreeMap<Language, Voice>,
}

/// How Somleng proves itself to us, and the voices it speaks with.
///
/// ```toml
/// [somleng]
/// auth_token = "…"
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Somleng {
    /// The auth token of the account; an empty one is none. Without any, here or below, there are no webhooks.
    pub auth_token: Option<Secret>,
    /// More of them, for the time of a rotation: the old and the new are both right.
    pub more_auth_tokens: Vec<Secret>,
    /// Who speaks each language.
    pub voices: BTreeMap<Language, Voice>,
}

/// How a platform proves itself to us that signs nothing, and the voices it speaks with.
///
/// ```toml
/// [exotel]
/// secret = "…"
/// addresses = ["198.51.100.0/24"]
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Unsigned {
    /// The secret in its addresses; an empty one is none. Without it there are no webhooks.
    pub secret: Option<Secret>,
    /// Where it calls from; empty: from anywhere.
    pub addresses: Networks,
    /// Who speaks each language.
    pub voices: BTreeMap<Language, Voice>,
}

/// A voice, by the names the platform gives it. What is empty is not said to it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voice {
    /// The language tag: `cmn-CN`.
    pub language: Box<str>,
    /// The voice: `Polly.Zhiyu-Neural`.
    pub voice: Box<str>,
}

fn is_there(secret: &Secret) -> bool {
    !secret.expose().trim().is_empty()
}

impl Settings {
    /// Every secret that signs for someone.
    pub fn tokens(&self) -> impl Iterator<Item = &Secret> {
        let accounts = self.accounts.values().flatten();
        self.general_tokens().chain(accounts).filter(|secret| is_there(secret))
    }

    /// Twilio, which is there in any case: without a token it is refused.
    #[must_use]
    pub fn platform(&self) -> Platform {
        Platform {
            profile: &TWILIO,
            proof: Proof::Twilio(Tokens::new(self)),
            voices: self.voices.clone(),
            secret: None,
        }
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

impl SignalWire {
    /// Every key that may sign.
    pub fn keys(&self) -> impl Iterator<Item = &Secret> {
        self.signing_key.iter().chain(&self.more_signing_keys).filter(|secret| is_there(secret))
    }

    /// SignalWire, if it is set up.
    #[must_use]
    pub fn platform(&self) -> Option<Platform> {
        self.keys().next()?;
        let proof = Proof::SignalWire(SigningKeys::new(self.keys()));
        Some(Platform { profile: &SIGNALWIRE, proof, voices: self.voices.clone(), secret: None })
    }
}

impl Telnyx {
    /// Every key of one who may sign.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        [&self.public_key].into_iter().chain(&self.more_public_keys).map(|key| key.trim()).filter(|key| !key.is_empty())
    }

    /// Whether each of them is one.
    #[must_use]
    pub fn keys_are_keys(&self) -> bool {
        self.keys().all(is_public_key)
    }

    /// Telnyx, if it is set up.
    #[must_use]
    pub fn platform(&self) -> Option<Platform> {
        self.keys().next()?;
        let proof = Proof::Telnyx(PublicKeys::new(self.keys()));
        Some(Platform { profile: &TELNYX, proof, voices: self.voices.clone(), secret: None })
    }
}

impl Somleng {
    /// Every token that may sign.
    pub fn tokens(&self) -> impl Iterator<Item = &Secret> {
        self.auth_token.iter().chain(&self.more_auth_tokens).filter(|secret| is_there(secret))
    }

    /// Somleng, if it is set up.
    #[must_use]
    pub fn platform(&self) -> Option<Platform> {
        self.tokens().next()?;
        let proof = Proof::Twilio(Tokens::of_another(self.tokens()));
        Some(Platform { profile: &SOMLENG, proof, voices: self.voices.clone(), secret: None })
    }
}

impl Unsigned {
    /// The secret, if there is one.
    #[must_use]
    pub fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref().filter(|secret| is_there(secret))
    }

    /// Exotel, if it is set up. `proxies` are our own.
    #[must_use]
    pub fn exotel(&self, proxies: &Networks) -> Option<Platform> {
        self.platform(&EXOTEL, proxies)
    }

    /// Kazoo, if it is set up. `proxies` are our own.
    #[must_use]
    pub fn kazoo(&self, proxies: &Networks) -> Option<Platform> {
        self.platform(&KAZOO, proxies)
    }

    fn platform(&self, profile: &'static Profile, proxies: &Networks) -> Option<Platform> {
        let secret = self.secret()?;
        let sender = Sender::new(secret, self.addresses.clone(), proxies.clone());
        let (proof, secret) = (Proof::Unsigned(sender), Some(secret.clone()));
        Some(Platform { profile, proof, voices: self.voices.clone(), secret })
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
            auth_token = "one"
            more_auth_tokens = ["two"]
            accounts.AC1 = ["three"]
            voices.zh-CN = { language = "cmn-CN", voice = "Google.cmn-CN-Wavenet-A" }
            "#,
        )
        .unwrap();
        assert_eq!(settings.voices[&Language::Mandarin].voice.as_ref(), "Google.cmn-CN-Wavenet-A");
        assert_eq!(settings.accounts["AC1"][0].expose(), "three");
        assert_hides(&settings, &["one", "two", "three"]);
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

    #[test]
    fn other_platforms_are_there_once_they_are_set_up() {
        let signalwire = |text: &str| toml::from_str::<SignalWire>(text).unwrap().platform().map(|p| p.profile.dialect);
        assert_eq!(signalwire(""), None);
        assert_eq!(signalwire("signing_key = \"\"\nmore_signing_keys = [\" \"]"), None);
        assert_eq!(signalwire("signing_key = \"PSK_a\""), Some("signalwire"));
        assert_eq!(signalwire("more_signing_keys = [\"PSK_a\"]"), Some("signalwire"));
        let somleng = |text: &str| toml::from_str::<Somleng>(text).unwrap().platform().map(|p| p.profile.dialect);
        assert_eq!((somleng(""), somleng("auth_token = \"a\"")), (None, Some("somleng")));
        let telnyx: Telnyx = toml::from_str("more_public_keys = [\" \", \"a\"]").unwrap();
        assert_eq!(telnyx.platform().map(|p| p.profile.dialect), Some("telnyx"));
        assert!(!telnyx.keys_are_keys() && Telnyx::default().keys_are_keys());
        assert!(Telnyx::default().platform().is_none());
        let exotel: Unsigned = toml::from_str("secret = \"geheim\"\naddresses = [\"203.0.113.0/24\"]").unwrap();
        assert_eq!(exotel.exotel(&Networks::default()).map(|p| p.profile.dialect), Some("exotel"));
        assert_eq!(exotel.kazoo(&Networks::default()).map(|p| p.profile.dialect), Some("kazoo"));
        assert!(Unsigned::default().exotel(&Networks::default()).is_none());
        let shown = format!("{exotel:?} {:?}", toml::from_str::<SignalWire>("signing_key = \"PSK_a\"").unwrap());
        assert!(!shown.contains("geheim") && !shown.contains("PSK_a"), "{shown}");
        assert!(toml::from_str::<Unsigned>("addresses = [\"nowhere\"]").is_err());
    }
}
