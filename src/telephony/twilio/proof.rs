//! Is it the platform? Each proves itself in its own way.

use axum::http::{HeaderMap, HeaderName};
use jiff::Timestamp;

use super::request::Form;
use super::signalwire::{self, SigningKeys};
use super::signature::{SIGNATURE, SIGNATURE_SETTINGS, Tokens};
use super::telnyx::{self, PublicKeys};
use crate::telephony::public_url::PublicUrl;
use crate::telephony::sender::{Peer, Sender};

/// Stands for a header that is no text: nothing is signed by it.
const UNREADABLE: &str = "?";

/// What proves a platform.
pub enum Proof {
    /// As Twilio signs.
    Twilio(Tokens),
    /// As SignalWire signs, in two ways.
    SignalWire(SigningKeys),
    /// As Telnyx signs.
    Telnyx(PublicKeys),
    /// Nothing is signed.
    Unsigned(Sender),
}

/// A request, as far as it has to do with who sent it.
pub struct Sent<'r> {
    /// What was asked for.
    pub path_and_query: &'r str,
    /// The secret in the path, where there is one.
    pub secret: &'r str,
    /// The headers.
    pub headers: &'r HeaderMap,
    /// The body as it came.
    pub body: &'r [u8],
    /// The same, read.
    pub form: &'r Form,
    /// Whose connection it came by.
    pub peer: Option<Peer>,
}

impl Proof {
    /// Whether the platform sent it, `now`, to a path under `url`.
    #[must_use]
    pub fn holds(&self, sent: &Sent<'_>, url: &PublicUrl, now: Timestamp) -> bool {
        match self {
            Self::Twilio(tokens) => sent.header(SIGNATURE).is_some_and(|signature| {
                tokens.verify(url, sent.path_and_query, sent.form, signature, sent.settings())
            }),
            Self::SignalWire(keys) => {
                let signature = sent.header(signalwire::SIGNATURE).or_else(|| sent.header(SIGNATURE));
                signature
                    .is_some_and(|signature| keys.verify(url, sent.path_and_query, sent.body, sent.form, signature))
            }
            Self::Telnyx(keys) => {
                let (signature, time) = (sent.header(telnyx::SIGNATURE), sent.header(telnyx::TIMESTAMP));
                let both = signature.zip(time);
                both.is_some_and(|(signature, time)| keys.verify(signature, time, sent.body, now))
            }
            Self::Unsigned(sender) => sender.is_proven(sent.secret, sent.peer, sent.headers),
        }
    }
}

impl<'r> Sent<'r> {
    /// The one value of a header. Of two, nobody can tell which is meant; what is no text, proves nothing.
    fn header(&self, name: &'static str) -> Option<&'r str> {
        let mut values = self.headers.get_all(HeaderName::from_static(name)).into_iter();
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        Some(value.to_str().unwrap_or(UNREADABLE))
    }

    /// How Twilio's signature was made. Two of them, and what is no text, name no algorithm that there is.
    fn settings(&self) -> Option<&'r str> {
        let is_there = self.headers.contains_key(SIGNATURE_SETTINGS);
        is_there.then(|| self.header(SIGNATURE_SETTINGS).filter(|text| *text != UNREADABLE).unwrap_or("algorithm=?"))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::secret::Secret;
    use crate::telephony::sender::Networks;
    use crate::telephony::twilio::profile::TWILIO;
    use crate::telephony::twilio::settings::Settings;

    const AT: i64 = 1_767_225_600;

    fn holds(proof: &Proof, headers: &[(&'static str, &str)], secret: &str, body: &str) -> bool {
        let values = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap()));
        let headers: HeaderMap = values.collect();
        let form = Form::parse(&TWILIO, body.as_bytes());
        let sent = Sent {
            path_and_query: "/signalwire/step/S",
            secret,
            headers: &headers,
            body: body.as_bytes(),
            form: &form,
            peer: Some(Peer(([203, 0, 113, 7], 1).into())),
        };
        proof.holds(&sent, &PublicUrl::parse("https://hotline.example").unwrap(), Timestamp::from_second(AT).unwrap())
    }

    /// As in the tests of `signalwire`.
    const BODY: &str =
        "CallSid=0703574f-b151-465d-aedb-28972eb513c7&From=%2B8613800138000&To=%2B861012333&Digits=12&Empty=";
    const OWN: &str = "e6342f9a079e3c1da974df2da43cb2a625fff98a";
    const TWILIOS: &str = "yBjCuMKiFaXco5Fja6TcMZpTqoU=";
    const KEY: &str = "PSK_7TruNcSNTxp4zNrykMj4EPzF";

    #[test]
    fn signalwire_sends_either_header_and_its_own_counts() {
        let proof = Proof::SignalWire(SigningKeys::new(&[Secret::new(KEY)]));
        for header in [OWN, TWILIOS] {
            assert!(holds(&proof, &[(signalwire::SIGNATURE, header)], "", BODY));
            assert!(holds(&proof, &[(SIGNATURE, header)], "", BODY));
            assert!(holds(&proof, &[(signalwire::SIGNATURE, header), (SIGNATURE, "")], "", BODY));
            assert!(!holds(&proof, &[(signalwire::SIGNATURE, ""), (SIGNATURE, header)], "", BODY));
            for twice in [[header, header], ["", header], [header, ""]] {
                let headers = twice.map(|value| (signalwire::SIGNATURE, value));
                assert!(!holds(&proof, &headers, "", BODY), "{twice:?}");
            }
        }
        assert!(!holds(&proof, &[], "", BODY));
        assert!(!holds(&proof, &[(signalwire::SIGNATURE, "王")], "", BODY));
        // It is not asked how it is made.
        assert!(holds(&proof, &[(SIGNATURE, TWILIOS), (SIGNATURE_SETTINGS, "algorithm=HMAC_SHA256")], "", BODY));
    }

    #[test]
    fn twilio_sends_one_signature_and_one_algorithm() {
        let settings: Settings = toml::from_str(&format!("auth_token = \"{KEY}\"")).unwrap();
        let proof = Proof::Twilio(Tokens::new(&settings));
        assert!(holds(&proof, &[(SIGNATURE, TWILIOS)], "", BODY));
        assert!(holds(&proof, &[(SIGNATURE, TWILIOS), (SIGNATURE_SETTINGS, "algorithm=HMAC_SHA1")], "", BODY));
        assert!(!holds(&proof, &[(SIGNATURE, OWN)], "", BODY), "another's way");
        assert!(!holds(&proof, &[(signalwire::SIGNATURE, TWILIOS)], "", BODY), "another's header");
        assert!(!holds(&proof, &[(SIGNATURE, TWILIOS), (SIGNATURE, TWILIOS)], "", BODY));
        let sha1 = (SIGNATURE_SETTINGS, "algorithm=HMAC_SHA1");
        assert!(!holds(&proof, &[(SIGNATURE, TWILIOS), sha1, sha1], "", BODY));
        assert!(!holds(&proof, &[(SIGNATURE, TWILIOS), (SIGNATURE_SETTINGS, "algorithm=王")], "", BODY));
    }

    #[test]
    fn telnyx_sends_a_signature_and_a_time() {
        // Made by PyNaCl for this body and time, as in the tests of `telnyx`.
        const PUBLIC: &str = "DfDMwtr3IJZOKrzbbYZ2SLfep04M0MkLZmYp6ZbODIY=";
        const SIGNED: &str = "jNlAhQ1iemEasb5sC2/2lsiBEoR9zY2EpTahT8hp39PHtb/dbOe0TZHMJgPt0jKvn2ODa8ew/EIT7TvjrmvyDg==";
        let proof = Proof::Telnyx(PublicKeys::new([PUBLIC]));
        let (signature, time) = ((telnyx::SIGNATURE, SIGNED), (telnyx::TIMESTAMP, "1767225600"));
        assert!(holds(&proof, &[signature, time], "", ""));
        for headers in [
            &[][..],
            &[signature],
            &[time],
            &[signature, (telnyx::TIMESTAMP, "1767225601")],
            &[signature, time, time],
            &[signature, signature, time],
            &[signature, (telnyx::TIMESTAMP, "1767225000"), time],
        ] {
            assert!(!holds(&proof, headers, "", ""), "{headers:?}");
        }
        assert!(!holds(&proof, &[signature, time], "", "Digits=1"));
    }

    #[test]
    fn who_signs_nothing_knows_the_secret() {
        let sender = Sender::new(&Secret::new("geheim"), Networks::default(), Networks::default());
        let proof = Proof::Unsigned(sender);
        assert!(holds(&proof, &[], "geheim", BODY));
        for wrong in ["", "Geheim", "geheim2"] {
            assert!(!holds(&proof, &[(SIGNATURE, TWILIOS)], wrong, BODY), "{wrong}");
        }
    }
}
