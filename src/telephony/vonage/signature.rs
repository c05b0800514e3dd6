//! Is it Vonage? The token of a signed webhook.
//!
//! `Authorization: Bearer …`, a JSON web token signed with HMAC-SHA256 by the account's signature secret. Its claims name the
//! account (`api_key`), when it was made (`iat`), and the SHA-256 of the body (`payload_hash`), in hexadecimal. All three are
//! asked for: a token without `payload_hash` would be good for any body. What was signed long ago is refused; within that
//! time, what a repeat may do is decided by the call's state.
//!
//! One algorithm and five claims: what a library of JSON web tokens would bring is mostly ways to be told another algorithm. The
//! MAC, its comparison in constant time, base64 and JSON come from the crates that are here already.

use std::time::Duration;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::settings::Settings;

/// How old a signature may be.
const TOLERANCE: Duration = Duration::from_mins(5);
/// How far the platform's clock may be before ours.
const AHEAD: Duration = Duration::from_mins(1);
/// Longer than any token of the platform's.
const LONGEST: usize = 4096;

/// The secrets that Vonage may sign with, each hashed into the start of its MAC. Where there is none, nothing is accepted.
pub struct Secrets {
    macs: Vec<Hmac<Sha256>>,
    api_key: Box<str>,
}

#[derive(Deserialize)]
struct Header {
    alg: Box<str>,
}

#[derive(Deserialize)]
struct Claims {
    payload_hash: Box<str>,
    iat: i64,
    exp: Option<i64>,
    nbf: Option<i64>,
    #[serde(default)]
    api_key: Box<str>,
}

impl Secrets {
    /// The secrets of the settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        // Keys of any length are taken: none is lost.
        let mac = |secret: &str| Hmac::new_from_slice(secret.as_bytes()).ok();
        Self {
            macs: settings.secrets().filter_map(|secret| mac(secret.expose().trim())).collect(),
            api_key: settings.api_key.trim().into(),
        }
    }

    /// Whether `authorization` signs `body`, and did so about `now`.
    #[must_use]
    pub fn verify(&self, authorization: &str, body: &[u8], now: Timestamp) -> bool {
        self.claims(authorization).is_some_and(|claims| claims.hold(body, now, &self.api_key))
    }

    /// What is claimed, if one of the secrets signs it.
    fn claims(&self, authorization: &str) -> Option<Claims> {
        let (scheme, token) = authorization.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") || token.len() > LONGEST {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?;
        let is_signed = self.macs.iter().any(|mac| {
            let mut mac = mac.clone();
            mac.update(signed.as_bytes());
            // Compared in constant time.
            mac.verify_slice(&signature).is_ok()
        });
        if !is_signed {
            return None;
        }
        let read = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).ok();
        let header: Header = serde_json::from_slice(&read(header)?).ok()?;
        if &*header.alg != "HS256" {
            return None;
        }
        serde_json::from_slice(&read(claims)?).ok()
    }
}

impl Claims {
    fn hold(&self, body: &[u8], now: Timestamp, api_key: &str) -> bool {
        let at = |seconds: i64| Timestamp::from_second(seconds).ok();
        let Some(made) = at(self.iat) else { return false };
        let age = now.duration_since(made);
        let in_time = if age.is_negative() { age.unsigned_abs() <= AHEAD } else { age.unsigned_abs() <= TOLERANCE };
        let lasts = self.exp.is_none_or(|exp| at(exp).is_some_and(|exp| now < exp));
        let begun = self.nbf.is_none_or(|nbf| at(nbf).is_some_and(|nbf| nbf <= now));
        let Ok(hash) = HEXLOWER_PERMISSIVE.decode(self.payload_hash.as_bytes()) else { return false };
        let is_of_body: bool = hash.ct_eq(Sha256::digest(body).as_slice()).into();
        in_time && lasts && begun && is_of_body && (api_key.is_empty() || *api_key == *self.api_key)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BODY: &str =
        r#"{"uuid":"aaaaaaaa-bbbb","conversation_uuid":"CON-1","dtmf":{"digits":"007","timed_out":false}}"#;
    const AT: i64 = 1_767_225_600;
    const SECRET: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
    /// Made by `PyJWT` 2.15 as `vonage-jwt` 1.1 has it, and taken by that package's `verify_signature`.
    const SIGNED: &str = concat!(
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3NjcyMjU2MDAsImp0aSI6ImM1YmE4ZjI0LTFhMTQtNGMxMC1iZmR",
        "mLTNmYmU4Y2U1MTFiNSIsImlzcyI6IlZvbmFnZSIsInBheWxvYWRfaGFzaCI6IjZlOWRmOTk5MTY3MDA3Mjk2OTgwNDc2MWZlN2Y",
        "1MmYwMTA1MTM4M2JmZGU3MGRiMjA4N2QxNmRhMWVjNDY3NzciLCJhcGlfa2V5IjoiYWJjZDEyMzQiLCJhcHBsaWNhdGlvbl9pZCI",
        "6ImFhYWFhYWFhLWJiYmItY2NjYy1kZGRkLTAxMjM0NTY3ODlhYiJ9.AHngNktgxbu7BzfHuTXqS5qSeRC-bZU5hPC6yGhDt9w",
    );
    /// The same with another secret; without a hash; with HS512; unsigned; and one that was over a second ago.
    const OLD: &str = concat!(
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3NjcyMjU2MDAsImp0aSI6ImM1YmE4ZjI0LTFhMTQtNGMxMC1iZmR",
        "mLTNmYmU4Y2U1MTFiNSIsImlzcyI6IlZvbmFnZSIsInBheWxvYWRfaGFzaCI6IjZlOWRmOTk5MTY3MDA3Mjk2OTgwNDc2MWZlN2Y",
        "1MmYwMTA1MTM4M2JmZGU3MGRiMjA4N2QxNmRhMWVjNDY3NzciLCJhcGlfa2V5IjoiYWJjZDEyMzQiLCJhcHBsaWNhdGlvbl9pZCI",
        "6ImFhYWFhYWFhLWJiYmItY2NjYy1kZGRkLTAxMjM0NTY3ODlhYiJ9.fXiTUSJhDBU0NqQfLhbos13pQdpIXmVuWNBO0V-FkrI",
    );
    const NO_HASH: &str = concat!(
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3NjcyMjU2MDAsImp0aSI6ImM1YmE4ZjI0LTFhMTQtNGMxMC1iZmR",
        "mLTNmYmU4Y2U1MTFiNSIsImlzcyI6IlZvbmFnZSIsImFwaV9rZXkiOiJhYmNkMTIzNCIsImFwcGxpY2F0aW9uX2lkIjoiYWFhYWF",
        "hYWEtYmJiYi1jY2NjLWRkZGQtMDEyMzQ1Njc4OWFiIn0.Ga3fwS54LyU1S4kylUq6wo6PvyIamN6qXETFsD1CIRs",
    );
    const HS512: &str = concat!(
        "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3NjcyMjU2MDAsImp0aSI6ImM1YmE4ZjI0LTFhMTQtNGMxMC1iZmR",
        "mLTNmYmU4Y2U1MTFiNSIsImlzcyI6IlZvbmFnZSIsInBheWxvYWRfaGFzaCI6IjZlOWRmOTk5MTY3MDA3Mjk2OTgwNDc2MWZlN2Y",
        "1MmYwMTA1MTM4M2JmZGU3MGRiMjA4N2QxNmRhMWVjNDY3NzciLCJhcGlfa2V5IjoiYWJjZDEyMzQiLCJhcHBsaWNhdGlvbl9pZCI",
        "6ImFhYWFhYWFhLWJiYmItY2NjYy1kZGRkLTAxMjM0NTY3ODlhYiJ9.qxVdq4LjQcUVH3uHxt8-9fVtlxPqTOuhwQIUJpd-OuQJwm",
        "d2JOp8WnA7N0BQ_XD5ENhfbZO73pd5C86K_nd7Zg",
    );
    const NONE: &str = concat!(
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJpYXQiOjE3NjcyMjU2MDAsImp0aSI6ImM1YmE4ZjI0LTFhMTQtNGMxMC1iZmRm",
        "LTNmYmU4Y2U1MTFiNSIsImlzcyI6IlZvbmFnZSIsInBheWxvYWRfaGFzaCI6IjZlOWRmOTk5MTY3MDA3Mjk2OTgwNDc2MWZlN2Y1",
        "MmYwMTA1MTM4M2JmZGU3MGRiMjA4N2QxNmRhMWVjNDY3NzciLCJhcGlfa2V5IjoiYWJjZDEyMzQiLCJhcHBsaWNhdGlvbl9pZCI6",
        "ImFhYWFhYWFhLWJiYmItY2NjYy1kZGRkLTAxMjM0NTY3ODlhYiJ9.",
    );
    const EXPIRED: &str = concat!(
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3NjcyMjU2MDAsImp0aSI6ImM1YmE4ZjI0LTFhMTQtNGMxMC1iZmR",
        "mLTNmYmU4Y2U1MTFiNSIsImlzcyI6IlZvbmFnZSIsInBheWxvYWRfaGFzaCI6IjZlOWRmOTk5MTY3MDA3Mjk2OTgwNDc2MWZlN2Y",
        "1MmYwMTA1MTM4M2JmZGU3MGRiMjA4N2QxNmRhMWVjNDY3NzciLCJhcGlfa2V5IjoiYWJjZDEyMzQiLCJhcHBsaWNhdGlvbl9pZCI",
        "6ImFhYWFhYWFhLWJiYmItY2NjYy1kZGRkLTAxMjM0NTY3ODlhYiIsImV4cCI6MTc2NzIyNTU5OX0.iqXbEsAQ_WFtaJ422MtH8Rn",
        "bOxV5Z5C-8A9nrIlrlyM",
    );

    fn secrets(settings: &str) -> Secrets {
        Secrets::new(&toml::from_str(settings).unwrap())
    }

    fn usual() -> Secrets {
        secrets(&format!("signature_secret = \"{SECRET}\"\napi_key = \"abcd1234\""))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn verify(secrets: &Secrets, token: &str) -> bool {
        secrets.verify(&format!("Bearer {token}"), BODY.as_bytes(), at(AT))
    }

    #[test]
    fn what_the_platform_signs_is_accepted() {
        assert!(verify(&usual(), SIGNED));
        assert!(usual().verify(&format!("bearer {SIGNED}"), BODY.as_bytes(), at(AT)));
        assert!(!usual().verify(&format!("Bearer {SIGNED}"), BODY.replace("007", "008").as_bytes(), at(AT)));
        assert!(!usual().verify(&format!("Bearer {SIGNED}"), b"", at(AT)));
    }

    #[test]
    fn old_and_new_secrets_are_right_and_others_are_not() {
        assert!(!verify(&usual(), OLD));
        let both =
            secrets(&format!("signature_secret = \"{SECRET}\"\nmore_signature_secrets = [\" old-8796a5b4c3d2e1f0 \"]"));
        assert!(verify(&both, SIGNED) && verify(&both, OLD));
        for settings in ["", r#"signature_secret = """#, r#"signature_secret = "other""#] {
            assert!(!verify(&secrets(settings), SIGNED), "{settings}");
        }
        let other_account = format!("signature_secret = \"{SECRET}\"\napi_key = \"abcd1235\"");
        assert!(!verify(&secrets(&other_account), SIGNED));
    }

    #[test]
    fn what_was_signed_long_ago_is_refused() {
        for (seconds, holds) in [(0, true), (300, true), (301, false), (-60, true), (-61, false)] {
            let at = at(AT + seconds);
            assert_eq!(usual().verify(&format!("Bearer {SIGNED}"), BODY.as_bytes(), at), holds, "{seconds}");
        }
        assert!(!verify(&usual(), EXPIRED));
    }

    #[test]
    fn a_token_without_a_hash_or_of_another_algorithm_is_none() {
        for token in [NO_HASH, HS512, NONE] {
            assert!(!verify(&usual(), token), "{token}");
        }
        let (signed, signature) = SIGNED.rsplit_once('.').unwrap();
        let (_, claims) = signed.split_once('.').unwrap();
        // alg: none
        let renamed = format!("eyJhbGciOiJub25lIn0.{claims}.{signature}");
        for token in
            [&*renamed, signed, &format!("{signed}."), "", ".", "..", "...", &SIGNED[1..], &format!("{SIGNED}=")]
        {
            assert!(!verify(&usual(), token), "{token}");
        }
        for header in ["", "Bearer", SIGNED, &format!("Basic {SIGNED}"), &format!("Bearer  {SIGNED}")] {
            assert!(!usual().verify(header, BODY.as_bytes(), at(AT)), "{header}");
        }
        assert!(!verify(&usual(), &"a.".repeat(LONGEST)));
    }

    proptest! {
        #[test]
        fn nobody_guesses_it(header in "(Bearer )?[A-Za-z0-9_.=-]{0,90}") {
            prop_assert!(!usual().verify(&header, BODY.as_bytes(), at(AT)));
        }
    }
}
