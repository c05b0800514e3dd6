//! Is it Telnyx? The Ed25519 signature of a webhook.
//!
//! It signs a time, a bar and the body as it was sent; not the address. What was signed long ago is refused; within that time,
//! what a repeat may do is decided by the call's state, which only its own call's steps open.

use std::time::Duration;

use data_encoding::BASE64;
use jiff::Timestamp;
use ring::signature::{ED25519, UnparsedPublicKey};

/// The header the signature comes in.
pub const SIGNATURE: &str = "telnyx-signature-ed25519";
/// The header that tells when it was made, in seconds.
pub const TIMESTAMP: &str = "telnyx-timestamp";
/// How far the platform's clock may be from ours, before or behind: as its own packages have it.
const TOLERANCE: Duration = Duration::from_mins(5);

/// Bytes of a public key.
const KEY: usize = 32;

/// The keys of those who may sign. Where there is none, nothing is accepted.
pub struct PublicKeys(Vec<UnparsedPublicKey<[u8; KEY]>>);

impl PublicKeys {
    /// The keys, in base64. What is none is left out.
    #[must_use]
    pub fn new<'k>(keys: impl IntoIterator<Item = &'k str>) -> Self {
        let key = |bytes| UnparsedPublicKey::new(&ED25519, bytes);
        Self(keys.into_iter().filter_map(read_key).map(key).collect())
    }

    /// Whether `signature`, made at `time`, signs `body`, and did so about `now`.
    #[must_use]
    pub fn verify(&self, signature: &str, time: &str, body: &[u8], now: Timestamp) -> bool {
        let Ok(signature) = BASE64.decode(signature.as_bytes()) else { return false };
        // A sign or a blank before it would be read as well.
        let digits = Some(time).filter(|time| time.bytes().all(|b| b.is_ascii_digit()));
        let seconds = digits.and_then(|digits| digits.parse().ok());
        let Some(signed) = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()) else { return false };
        // In whole seconds, as it was written.
        if now.as_second().abs_diff(signed.as_second()) > TOLERANCE.as_secs() {
            return false;
        }
        let message = [time.as_bytes(), b"|", body].concat();
        self.0.iter().any(|key| key.verify(&message, &signature).is_ok())
    }
}

/// A key of 32 bytes, in base64.
fn read_key(text: &str) -> Option<[u8; KEY]> {
    BASE64.decode(text.trim().as_bytes()).ok()?.try_into().ok()
}

/// Whether `text` is a public key as the portal shows it. All noughts would be one that anybody can sign for.
#[must_use]
pub fn is_public_key(text: &str) -> bool {
    read_key(text).is_some_and(|key| key != [0; KEY])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ring::signature::{Ed25519KeyPair, KeyPair};

    use super::*;

    // Made by PyNaCl 1.6.2 and found right by PyPI telnyx 4.189.0, the key of SHA-256("hotline test key 1").
    const PUBLIC: &str = "DfDMwtr3IJZOKrzbbYZ2SLfep04M0MkLZmYp6ZbODIY=";
    const BODY: &str = "AccountSid=cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b\
        &CallSid=v3%3ADPNqxVjTNtQYaKdcKbU0QgRFrQ3YzuAQrVYC4Ggcuq7zTpDkUB7A4w\
        &CallSidLegacy=v3%3ADPNqxVjTNtQYaKdcKbU0QgRFrQ3YzuAQrVYC4Ggcuq7zTpDkUB7A4w\
        &From=%2B8613800138000&To=%2B861012333&Digits=123456";
    const AT: i64 = 1_767_225_600;
    const SIGNED: &str = "LCqwi0m/GdBkGI3vhmAuBIBfXNS8oezEDM+UqhLV3fFzZnPDR/7wQueJCPiMe+VuTOXMQqhJKHYLgecculN9Cg==";
    const SIGNED_NOTHING: &str =
        "jNlAhQ1iemEasb5sC2/2lsiBEoR9zY2EpTahT8hp39PHtb/dbOe0TZHMJgPt0jKvn2ODa8ew/EIT7TvjrmvyDg==";
    const OTHER: &str = "GA/Fa6e/WpIqG6oLY9eGS+Gtay4beHmzamgeawncgcQ=";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn accepts(keys: &[&str], signature: &str, time: &str, body: &str, now: i64) -> bool {
        PublicKeys::new(keys.iter().copied()).verify(signature, time, body.as_bytes(), at(now))
    }

    #[test]
    fn what_the_platform_signs_is_accepted_and_nothing_near_it() {
        let time = AT.to_string();
        assert!(accepts(&[PUBLIC], SIGNED, &time, BODY, AT));
        assert!(accepts(&[PUBLIC], SIGNED_NOTHING, &time, "", AT));
        assert!(!accepts(&[PUBLIC], SIGNED, &time, &BODY.replace("123456", "123457"), AT));
        assert!(!accepts(&[PUBLIC], SIGNED, &time, &format!("{BODY}&Digits=1"), AT));
        assert!(!accepts(&[PUBLIC], SIGNED, &time, "", AT));
        assert!(!accepts(&[PUBLIC], SIGNED_NOTHING, &time, BODY, AT));
        assert!(!accepts(&[PUBLIC], SIGNED, &(AT + 1).to_string(), BODY, AT), "its time too");
        for forged in ["", "=", &SIGNED[..80], &SIGNED[..84], &SIGNED.to_lowercase(), &format!("{SIGNED}="), "王"] {
            assert!(!accepts(&[PUBLIC], forged, &time, BODY, AT), "{forged}");
        }
    }

    #[test]
    fn old_and_new_keys_are_right_and_others_are_not() {
        let time = AT.to_string();
        for keys in [&[OTHER, PUBLIC][..], &[" DfDMwtr3IJZOKrzbbYZ2SLfep04M0MkLZmYp6ZbODIY= "], &["", PUBLIC]] {
            assert!(accepts(keys, SIGNED, &time, BODY, AT), "{keys:?}");
        }
        for keys in [&[][..], &[""], &[OTHER], &[&PUBLIC[..43]], &["王"]] {
            assert!(!accepts(keys, SIGNED, &time, BODY, AT), "{keys:?}");
        }
    }

    #[test]
    fn what_was_signed_long_ago_or_hereafter_is_refused() {
        for (away, right) in [(-301, false), (-300, true), (0, true), (300, true), (301, false), (1_000_000_000, false)]
        {
            assert_eq!(accepts(&[PUBLIC], SIGNED, &AT.to_string(), BODY, AT + away), right, "{away}");
        }
        let keys = PublicKeys::new([PUBLIC]);
        let late = Timestamp::from_millisecond((AT + 300) * 1000 + 999).unwrap();
        assert!(keys.verify(SIGNED, &AT.to_string(), BODY.as_bytes(), late), "whole seconds count");
    }

    #[test]
    fn odd_times_are_none() {
        for time in ["", "+1767225600", " 1767225600", "1767225600.0", "1767225600 ", "-1", "9223372036854775808", "１"]
        {
            assert!(!accepts(&[PUBLIC], SIGNED, time, BODY, AT), "{time}");
        }
        // Signed, and yet none.
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let public = BASE64.encode(pair.public_key().as_ref());
        for (time, right) in [(AT.to_string(), true), (format!("+{AT}"), false), (format!(" {AT}"), false)] {
            let signature = BASE64.encode(pair.sign(format!("{time}|{BODY}").as_bytes()).as_ref());
            assert_eq!(accepts(&[&public], &signature, &time, BODY, AT), right, "{time}");
        }
    }

    #[test]
    fn a_public_key_is_known_when_it_is_seen() {
        assert!(is_public_key(PUBLIC) && is_public_key(OTHER));
        for odd in ["", "PUBLIC", &PUBLIC[..43], &format!("{PUBLIC}{PUBLIC}"), &BASE64.encode(&[0; 32])] {
            assert!(!is_public_key(odd), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn no_other_signature_is_right(bytes in prop::collection::vec(any::<u8>(), 0..70), body in "[ -~]{0,40}") {
            prop_assert!(!accepts(&[PUBLIC], &BASE64.encode(&bytes), &AT.to_string(), &body, AT));
        }
    }
}
