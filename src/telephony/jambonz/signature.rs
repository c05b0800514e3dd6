//! Is it jambonz? The `Jambonz-Signature` of a webhook.
//!
//! `t=1767225600,v1=…`: when it was signed, and an HMAC-SHA256 in hexadecimal over that time, a full stop, and the body. There
//! may be several of them while a secret is changed. What was signed long ago is refused; within that time, what a repeat may
//! do is decided by the call's state.

use std::time::Duration;

use data_encoding::HEXLOWER_PERMISSIVE;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use super::settings::Settings;

/// The header the signature comes in.
pub const SIGNATURE: &str = "jambonz-signature";
/// The scheme it is made by.
const SCHEME: &str = "v1";
/// How far the platform's clock may be from ours, before or behind: as its own helpers have it.
const TOLERANCE: Duration = Duration::from_mins(5);
/// More than a header of the platform has: each costs a MAC.
const MOST: usize = 8;

/// The secrets that jambonz may sign with, each hashed into the start of its MAC. Where there is none, nothing is accepted.
pub struct Secrets(Vec<Hmac<Sha256>>);

impl Secrets {
    /// The secrets of the settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        // Keys of any length are taken: none is lost.
        let mac = |secret: &str| Hmac::new_from_slice(secret.as_bytes()).ok();
        Self(settings.secrets().filter_map(|secret| mac(secret.expose().trim())).collect())
    }

    /// Whether `header` signs `body`, and did so about `now`.
    #[must_use]
    pub fn verify(&self, header: &str, body: &[u8], now: Timestamp) -> bool {
        let Some(Header { time, signatures }) = Header::read(header) else { return false };
        let Ok(signed) = time.parse().map_err(drop).and_then(|t| Timestamp::from_second(t).map_err(drop)) else {
            return false;
        };
        if now.duration_since(signed).unsigned_abs() > TOLERANCE {
            return false;
        }
        self.0.iter().any(|mac| {
            let mut mac = mac.clone();
            mac.update(time.as_bytes());
            mac.update(b".");
            mac.update(body);
            // Compared in constant time.
            signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
        })
    }
}

/// A header, read.
struct Header<'h> {
    /// As it was signed.
    time: &'h str,
    signatures: Vec<Vec<u8>>,
}

impl<'h> Header<'h> {
    fn read(header: &'h str) -> Option<Self> {
        let (mut time, mut signatures) = (None, Vec::new());
        for part in header.split(',') {
            match part.trim().split_once('=')? {
                // Two times are none.
                ("t", value) => time = if time.is_none() { Some(value) } else { return None },
                (SCHEME, value) if signatures.len() < MOST => {
                    signatures.push(HEXLOWER_PERMISSIVE.decode(value.as_bytes()).ok()?);
                }
                (SCHEME, _) => return None,
                // Schemes that are yet to be invented.
                _ => {}
            }
        }
        Some(Self { time: time?, signatures })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Signed by `@jambonz/node-client` 0.4's `computeSignature` for the secret `wh_secret_1` at this time.
    const BODY: &str = r#"{"call_sid":"c1","digits":"123456","name":"Köln"}"#;
    const AT: i64 = 1_767_225_600;
    const SIGNED: &str = "c7b6677007f0a610d31819dab5d15c0385ee7ddab25b881eda628532fb6fad66";

    fn secrets(settings: &str) -> Secrets {
        Secrets::new(&toml::from_str(settings).unwrap())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn header() -> String {
        format!("t={AT},v1={SIGNED}")
    }

    #[test]
    fn what_the_platform_signs_is_accepted() {
        let secrets = secrets(r#"secret = "wh_secret_1""#);
        assert!(secrets.verify(&header(), BODY.as_bytes(), at(AT)));
        assert!(secrets.verify(&header().replace(',', ", "), BODY.as_bytes(), at(AT)));
        assert!(secrets.verify(&header().replace("v1=", "v0=00,v2=zz,v1="), BODY.as_bytes(), at(AT)), "other schemes");
        assert!(!secrets.verify(&header(), BODY.replace("123456", "123457").as_bytes(), at(AT)));
        assert!(!secrets.verify(&header(), b"", at(AT)));
        assert!(
            !secrets.verify(&header().replace(&AT.to_string(), "1767225601"), BODY.as_bytes(), at(AT)),
            "its time too"
        );
    }

    #[test]
    fn old_and_new_secrets_are_right_and_others_are_not() {
        for settings in [
            r#"more_secrets = ["wh_secret_1"]"#,
            "secret = \"other\"\nmore_secrets = [\"another\", \"wh_secret_1\"]",
            r#"secret = " wh_secret_1 ""#,
        ] {
            assert!(secrets(settings).verify(&header(), BODY.as_bytes(), at(AT)), "{settings}");
        }
        let wrong = "00".repeat(32);
        let two = format!("t={AT},v1={wrong},v1={SIGNED}");
        assert!(secrets(r#"secret = "wh_secret_1""#).verify(&two, BODY.as_bytes(), at(AT)));
        for settings in ["", r#"secret = """#, r#"secret = "wh_secret_2""#] {
            assert!(!secrets(settings).verify(&header(), BODY.as_bytes(), at(AT)), "{settings}");
        }
    }

    #[test]
    fn what_was_signed_long_ago_or_hereafter_is_refused() {
        let secrets = secrets(r#"secret = "wh_secret_1""#);
        for (away, right) in [(-301, false), (-300, true), (300, true), (301, false)] {
            assert_eq!(secrets.verify(&header(), BODY.as_bytes(), at(AT + away)), right, "{away}");
        }
    }

    #[test]
    fn odd_headers_are_refused() {
        let secrets = secrets(r#"secret = "wh_secret_1""#);
        for odd in [
            String::new(),
            "t=1".to_owned(),
            format!("v1={SIGNED}"),
            format!("t={AT}"),
            format!("t=,v1={SIGNED}"),
            format!("t={AT}x,v1={SIGNED}"),
            format!("t={AT},t={AT},v1={SIGNED}"),
            format!("t={AT},v1={}", &SIGNED[..62]),
            format!("t={AT},v1={SIGNED}00"),
            format!("t={AT},v1=zz"),
            format!("t={AT},v1"),
            format!("t={AT},{}v1={SIGNED}", "v1=00,".repeat(8)),
            format!("t=9223372036854775807,v1={SIGNED}"),
        ] {
            assert!(!secrets.verify(&odd, BODY.as_bytes(), at(AT)), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn no_other_header_is_right(header in "(t=|v1=|[0-9a-f]{0,70}|,|=| ){0,12}", body in any::<Vec<u8>>()) {
            prop_assert!(!secrets(r#"secret = "wh_secret_1""#).verify(&header, &body, at(AT)));
        }
    }
}
