//! The `[cloopen]` settings.

use serde::Deserialize;

use crate::secret::Secret;
use crate::telephony::sender::Networks;

/// How the platform, which signs nothing, proves itself to us.
///
/// ```toml
/// [cloopen]
/// secret = "…"
/// addresses = ["198.51.100.0/24"]
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The secret in its addresses; an empty one is none. Without it there are no webhooks.
    pub secret: Option<Secret>,
    /// Where it calls from; empty: from anywhere.
    pub addresses: Networks,
}

impl Settings {
    /// The secret, if there is one.
    #[must_use]
    pub fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref().filter(|secret| !secret.expose().trim().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_read_from_toml_and_hide_their_secret() {
        let settings: Settings = toml::from_str("secret = \"geheim\"\naddresses = [\"203.0.113.0/24\"]").unwrap();
        assert_eq!(settings.secret().map(Secret::expose), Some("geheim"));
        assert!(!format!("{settings:?}").contains("geheim"));
        assert!(Settings::default().secret().is_none());
        assert!(toml::from_str::<Settings>("secret = \" \"").unwrap().secret().is_none());
        assert!(toml::from_str::<Settings>("addresses = [\"nowhere\"]").is_err());
        assert!(toml::from_str::<Settings>("voices = {}").is_err());
    }
}
