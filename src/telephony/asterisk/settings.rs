//! The `[asterisk]` settings.

use std::net::{IpAddr, SocketAddr};

use axum::http::Uri;
use serde::{Deserialize, Deserializer};

use crate::secret::Secret;
use crate::telephony::public_url::PublicUrl;
use crate::telephony::remote_folder::RemoteFolder;
use crate::telephony::sender::Networks;

/// How Asterisk reaches us, or we it, and what it plays and dials.
///
/// ```toml
/// [asterisk]
/// password = "…"
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What Asterisk calls itself to us.
    pub user: Box<str>,
    /// What it proves that with; an empty one is none, and then there is no address to connect to.
    pub password: Option<Secret>,
    /// The name of the application in its dialplan.
    pub app: Box<str>,
    /// What the addresses of clips begin with, as Asterisk fetches them; empty: our own address.
    pub media_url: Box<str>,
    /// The context of its dialplan that puts callers through.
    pub transfer_context: Box<str>,
    /// Where its own ARI is, for us to connect to; empty: it connects to us.
    pub connect_to: Box<str>,
    /// Who we are there.
    pub connect_user: Box<str>,
    /// And what we prove that with.
    pub connect_password: Secret,
    /// Where AGI is listened for; none: nowhere.
    #[serde(deserialize_with = "address")]
    pub agi_listen: Option<SocketAddr>,
    /// Who may connect there.
    pub agi_addresses: Networks,
    /// The folder on Asterisk's disk that AGI records into; empty: nothing is recorded by AGI.
    pub agi_recordings: RemoteFolder,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            user: "asterisk".into(),
            password: None,
            app: "hotline".into(),
            media_url: "".into(),
            transfer_context: "hotline-transfer".into(),
            connect_to: "".into(),
            connect_user: "hotline".into(),
            connect_password: Secret::new(""),
            agi_listen: None,
            agi_addresses: Networks::default(),
            agi_recordings: RemoteFolder::default(),
        }
    }
}

impl Settings {
    /// The password that Asterisk connects with, if it may.
    #[must_use]
    pub fn password(&self) -> Option<&Secret> {
        self.password.as_ref().filter(|password| !password.expose().trim().is_empty())
    }

    /// Where we connect to, if we do.
    #[must_use]
    pub fn connect_to(&self) -> Option<&str> {
        Some(self.connect_to.trim_end_matches('/')).filter(|url| !url.is_empty())
    }

    /// Whether calls come by any of its ways.
    #[must_use]
    pub fn is_set_up(&self) -> bool {
        self.password().is_some() || self.connect_to().is_some() || self.agi_listen.is_some()
    }

    /// Whether where we connect to, if we do, is an address that can be connected to: plain HTTP, TLS is not for here.
    #[must_use]
    pub fn connect_to_is_address(&self) -> bool {
        self.connect_to().is_none_or(|url| url.starts_with("http://") && PublicUrl::parse(url).is_ok())
    }

    /// Whether that address names nobody: who we are there has settings of its own, and one of them is secret.
    #[must_use]
    pub fn connect_to_names_nobody(&self) -> bool {
        !self.connect_to().is_some_and(|url| url.contains('@'))
    }

    /// Whether we can prove who we are where we connect to, if we do.
    #[must_use]
    pub fn connect_password_is_there(&self) -> bool {
        self.connect_to().is_none() || !self.connect_password.expose().trim().is_empty()
    }

    /// Whether the media address, if there is one, is one.
    #[must_use]
    pub fn media_url_is_address(&self) -> bool {
        // A comma parts the sounds of a list.
        self.media_url.is_empty() || PublicUrl::parse(&self.media_url).is_ok() && !self.media_url.contains([',', '&'])
    }

    /// Whether clips could be fetched at all, where `own` is what others reach us by: an address to listen at everywhere is
    /// none to be reached by.
    #[must_use]
    pub fn media_can_be_fetched(&self, own: &str) -> bool {
        let media = self.media(own).parse::<Uri>().ok();
        let host = media.as_ref().and_then(Uri::host).map(|host| host.trim_matches(['[', ']']).parse::<IpAddr>());
        !host.is_some_and(|ip| ip.is_ok_and(|ip| ip.is_unspecified()))
    }

    /// Whether the names of the dialplan can be names there.
    #[must_use]
    pub fn names_can_be_dialplan(&self) -> bool {
        let is_name =
            |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        is_name(&self.app) && is_name(&self.transfer_context)
    }

    /// Whether the user can be sent: with a colon it would end early.
    #[must_use]
    pub fn user_can_be_sent(&self) -> bool {
        [&self.user, &self.connect_user].iter().all(|user| !user.is_empty() && !user.contains(':'))
    }

    /// What the addresses of clips begin with; `own` is what others reach us by.
    #[must_use]
    pub fn media<'s>(&'s self, own: &'s str) -> &'s str {
        Some(self.media_url.trim_end_matches('/')).filter(|url| !url.is_empty()).unwrap_or(own)
    }
}

/// An address with its port; an empty text is none.
fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = Box::<str>::deserialize(deserializer)?;
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(serde::de::Error::custom) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telephony::testing::assert_hides;

    #[test]
    fn are_read_from_toml_and_hide_their_secrets() {
        let settings: Settings = toml::from_str(
            r#"
            password = "geheim"
            connect_to = "http://127.0.0.1:8088/ari/"
            connect_password = "passwort"
            agi_listen = "127.0.0.1:4573"
            "#,
        )
        .unwrap();
        assert!(settings.is_set_up() && settings.password().is_some());
        assert_eq!(settings.connect_to(), Some("http://127.0.0.1:8088/ari"));
        assert_eq!(settings.agi_listen, Some("127.0.0.1:4573".parse().unwrap()));
        assert_hides(&settings, &["geheim", "passwort"]);
        assert!(toml::from_str::<Settings>("secret = \"a\"").is_err());
        assert!(toml::from_str::<Settings>("agi_listen = \"here\"").is_err());
    }

    #[test]
    fn what_is_empty_is_none() {
        let settings: Settings = toml::from_str("password = \" \"\nconnect_to = \"\"\nagi_listen = \"\"").unwrap();
        assert!(!settings.is_set_up() && settings.connect_to_is_address() && settings.media_url_is_address());
        assert_eq!(settings.media("http://127.0.0.1:8080"), "http://127.0.0.1:8080");
    }

    #[test]
    fn what_cannot_be_is_told() {
        let connect = |to: &str| Settings { connect_to: to.into(), ..Settings::default() }.connect_to_is_address();
        assert!(connect("http://pbx:8088/ari"));
        assert!(!connect("https://pbx:8088/ari") && !connect("ws://pbx:8088/ari") && !connect("pbx"));
        let names_nobody =
            |to: &str| Settings { connect_to: to.into(), ..Settings::default() }.connect_to_names_nobody();
        assert!(names_nobody("http://pbx:8088/ari") && names_nobody("") && !names_nobody("http://u:p@pbx:8088/ari"));
        let proves = |to: &str, password: &str| {
            let connect_password = Secret::new(password);
            Settings { connect_to: to.into(), connect_password, ..Settings::default() }.connect_password_is_there()
        };
        assert!(proves("", "") && proves("http://pbx", "p") && !proves("http://pbx", " "));
        let fetched = |media: &str, own: &str| {
            Settings { media_url: media.into(), ..Settings::default() }.media_can_be_fetched(own)
        };
        assert!(fetched("", "http://127.0.0.1:8080") && fetched("http://10.0.0.7:8080", "http://0.0.0.0:8080"));
        assert!(!fetched("", "http://0.0.0.0:8080") && !fetched("", "http://[::]:8080"));
        assert!(!fetched("http://0.0.0.0:8080", "https://hotline.example") && fetched("", ""));
        let media = |url: &str| Settings { media_url: url.into(), ..Settings::default() }.media_url_is_address();
        assert!(media("http://10.0.0.7:8080/") && !media("10.0.0.7") && !media("http://a,b"));
        let app = |app: &str| Settings { app: app.into(), ..Settings::default() }.names_can_be_dialplan();
        assert!(app("hotline-2") && !app("") && !app("a,b") && !app("a b"));
        let user = |user: &str| Settings { user: user.into(), ..Settings::default() }.user_can_be_sent();
        assert!(user("asterisk") && !user("a:b") && !user(""));
    }
}
