//! Is it Plivo? The `X-Plivo-Signature-V3` of a form post.
//!
//! An HMAC-SHA256, in base64, over the address that was called, its query and the parameters that were sent, both sorted, and
//! a nonce that comes with it: as the packages `plivo` of `PyPI` and npm make it. The header may hold several, parted by commas,
//! while a token is changed. `X-Plivo-Signature-Ma-V3` is made in the same way with the token of the main account, whichever
//! subaccount the call is of: either will do.
//!
//! It has no timestamp: a captured request stays valid for ever, so what a repeat may do is decided by the call's state.

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::request::Form;
use crate::secret::Secret;

/// The header of the account's or subaccount's signatures.
pub const SIGNATURE: &str = "x-plivo-signature-v3";
/// The header of the main account's.
pub const MAIN_SIGNATURE: &str = "x-plivo-signature-ma-v3";
/// The header of what is signed along with the rest.
pub const NONCE: &str = "x-plivo-signature-v3-nonce";
/// More signatures than the platform sends.
const MOST: usize = 8;

/// The tokens that Plivo may sign with, each hashed into the start of its MAC. Where there is none, nothing is accepted.
pub struct Tokens(Vec<Hmac<Sha256>>);

impl Tokens {
    /// An empty token is none: anyone could sign with it.
    #[must_use]
    pub fn new<'s>(tokens: impl IntoIterator<Item = &'s Secret>) -> Self {
        let tokens = tokens.into_iter().map(|token| token.expose().trim()).filter(|token| !token.is_empty());
        // Keys of any length are taken: none is lost.
        Self(tokens.filter_map(|token| Hmac::new_from_slice(token.as_bytes()).ok()).collect())
    }

    /// Whether `header` has a signature of `form` and `nonce`, posted to `path_and_query` under the address `base`.
    #[must_use]
    pub fn verify(&self, base: &str, path_and_query: &str, form: &Form, nonce: &str, header: &str) -> bool {
        let signatures: Vec<_> = header.split(',').take(MOST + 1).collect();
        if nonce.is_empty() || signatures.len() > MOST {
            return false;
        }
        let message = message(base, path_and_query, form, nonce);
        let signatures: Vec<_> = signatures.iter().filter_map(|one| BASE64.decode(one.as_bytes()).ok()).collect();
        self.0.iter().any(|mac| {
            let mut mac = mac.clone();
            mac.update(message.as_bytes());
            // Compared in constant time.
            signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
        })
    }
}

/// What is signed.
fn message(base: &str, path_and_query: &str, form: &Form, nonce: &str) -> String {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let mut asked: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let mut sent: Vec<&(String, String)> = form.pairs().iter().collect();
    asked.sort();
    sent.sort();
    let mut text = [base, path].concat();
    if !asked.is_empty() || !sent.is_empty() {
        text.push('?');
    }
    for (n, (name, value)) in asked.iter().enumerate() {
        text.extend([if n > 0 { "&" } else { "" }, name.as_str(), "=", value.as_str()]);
    }
    if !asked.is_empty() && !sent.is_empty() {
        text.push('.');
    }
    for (name, value) in sent {
        text.extend([name.as_str(), value.as_str()]);
    }
    text.extend([".", nonce]);
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOME: &str = "https://hotline.example";
    const TOKEN: &str = "MAtoken-0f1e2d3c4b5a6978";
    const NONCE: &str = "05429567804466091622";
    const BODY: &str = "CallUUID=b5c2a5a2-1e6a-4b1c-9d7e-0a1b2c3d4e5f&From=8613800138000&To=861012333&Direction=inbound\
        &CallStatus=in-progress&Digits=007%2A&CallerName=K%C3%B6ln+%E4%BA%8C&Event=";
    /// Made by `plivo` 4.63.0 of `PyPI`, and taken by it and by `plivo` 4.79.0 of npm; the second with another token.
    const SIGNED: &str = "3fU3W2PDPTHJkyLfANeH6VZPCUU+8gCi3mftyRQvDSI=";
    const OLD: &str = "VBWuLSId+DcSpb9tsb8FdrBsMyHaCo9dhdjErQoJ4bQ=";
    const STEP: &str = "/plivo/step/AbC-_9";

    fn tokens(tokens: &[&str]) -> Tokens {
        let tokens: Vec<_> = tokens.iter().map(|token| Secret::new(*token)).collect();
        Tokens::new(&tokens)
    }

    fn signs(header: &str) -> bool {
        tokens(&[TOKEN]).verify(HOME, STEP, &Form::parse(BODY.as_bytes()), NONCE, header)
    }

    #[test]
    fn what_the_platforms_own_packages_sign_is_accepted() {
        for (base, path, body, signature) in [
            (HOME, STEP, BODY, SIGNED),
            (HOME, "/plivo/answer?line=b&line=a&x=c+1%2B", BODY, "BJhQMyO0aPy55m8JFoK/Sc/D1bpxxdvqvueBz2uhD5c="),
            (HOME, "/plivo/answer", "", "FheMeKGyIwk168+PFFhHP9RWpXDRW3bE8/t6o3Bp5xE="),
            (HOME, "/plivo/answer?a=1", "", "uXE16WhJo92WH8M05xDW8/tdjTx2sDvz50QAeH08cKk="),
            (
                "https://hotline.example:8443/a",
                "/plivo/answer",
                "A=2&A=1&B=x",
                "znCDF6NWrsnPqYy2vzsqRm/ExjHtaigAnNBfP3kZ4bA=",
            ),
        ] {
            let form = Form::parse(body.as_bytes());
            assert!(tokens(&[TOKEN]).verify(base, path, &form, NONCE, signature), "{path} {body}");
            for wrong in [
                tokens(&[TOKEN]).verify(base, path, &form, "05429567804466091623", signature),
                tokens(&[TOKEN]).verify(base, path, &form, "", signature),
                tokens(&[TOKEN]).verify(base, "/plivo/hangup", &form, NONCE, signature),
                tokens(&[TOKEN]).verify("http://hotline.example", path, &form, NONCE, signature),
                tokens(&["other"]).verify(base, path, &form, NONCE, signature),
                tokens(&[]).verify(base, path, &form, NONCE, signature),
                tokens(&["", " "]).verify(base, path, &form, NONCE, signature),
            ] {
                assert!(!wrong, "{path} {body}");
            }
            let more = Form::parse(format!("{body}&X=").as_bytes());
            assert!(!tokens(&[TOKEN]).verify(base, path, &more, NONCE, signature), "{path} {body}");
        }
    }

    #[test]
    fn of_several_one_is_enough_and_the_old_token_is_as_good() {
        assert!(signs(SIGNED));
        assert!(signs(&format!("{OLD},{SIGNED}")) && signs(&format!("{SIGNED},{OLD}")));
        assert!(signs(&format!("x,,{SIGNED}")), "what is none beside it");
        assert!(!signs(OLD), "of a token that is none of ours");
        let both = tokens(&[TOKEN, " old-token-8796a5b4c3d2e1f0 "]);
        for signature in [SIGNED, OLD] {
            assert!(both.verify(HOME, STEP, &Form::parse(BODY.as_bytes()), NONCE, signature), "{signature}");
        }
        assert!(signs(&format!("{}{SIGNED}", "x,".repeat(7))) && !signs(&format!("{}{SIGNED}", "x,".repeat(8))));
    }

    #[test]
    fn what_is_no_signature_is_none() {
        let moved = SIGNED.replacen('3', "4", 1);
        for header in ["", ",", "x", &SIGNED[..43], &format!(" {SIGNED}"), &SIGNED.to_lowercase(), &moved, "王"] {
            assert!(!signs(header), "{header}");
        }
    }

    proptest! {
        #[test]
        fn nobody_guesses_it(header in "[A-Za-z0-9+/=, ]{0,90}", nonce in "[0-9a-z]{0,30}") {
            let form = Form::parse(BODY.as_bytes());
            prop_assert!(!tokens(&[TOKEN]).verify(HOME, STEP, &form, &nonce, &header));
        }
    }
}
