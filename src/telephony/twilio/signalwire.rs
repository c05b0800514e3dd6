//! Is it SignalWire? The signature of a webhook, in either of its two ways.
//!
//! In both the signing key of the project makes an HMAC-SHA1 that begins with the address. As Twilio does it, the sorted
//! parameters follow, and it is written in base64; in its own way the body follows as it was sent, and it is written in
//! hexadecimal. Which of them it is, is told by how it is written. Neither has a time in it.

use data_encoding::HEXLOWER;

use super::request::Form;
use super::signature::Tokens;
use crate::secret::Secret;
use crate::telephony::public_url::PublicUrl;

/// The header the signature comes in; older numbers still send Twilio's.
pub const SIGNATURE: &str = "x-signalwire-signature";
/// Bytes of an HMAC-SHA1.
const LENGTH: usize = 20;

/// The keys that may sign. Where there is none, nothing is accepted.
pub struct SigningKeys(Tokens);

impl SigningKeys {
    /// An empty key is none.
    #[must_use]
    pub fn new<'s>(keys: impl IntoIterator<Item = &'s Secret>) -> Self {
        Self(Tokens::of_another(keys))
    }

    /// Whether `header` signs `body`, which reads as `form`, posted to `path_and_query` of `url`.
    #[must_use]
    pub fn verify(&self, url: &PublicUrl, path_and_query: &str, body: &[u8], form: &Form, header: &str) -> bool {
        match HEXLOWER.decode(header.as_bytes()) {
            Ok(signature) if signature.len() == LENGTH => self.0.verify_body(url, path_and_query, body, signature),
            _ => self.0.verify(url, path_and_query, form, header, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telephony::twilio::profile::SIGNALWIRE;

    /// The key of the package's own test.
    const KEY: &str = "PSK_7TruNcSNTxp4zNrykMj4EPzF";
    const BODY: &str =
        "CallSid=0703574f-b151-465d-aedb-28972eb513c7&From=%2B8613800138000&To=%2B861012333&Digits=12&Empty=";
    const PATH: &str = "/signalwire/step/S";
    // Made by PyPI signalwire 2.1.1 for https://hotline.example, with and without the port; the first pair also by npm
    // @signalwire/compatibility-api 3.2.0.
    const OWN: &str = "e6342f9a079e3c1da974df2da43cb2a625fff98a";
    const TWILIOS: &str = "yBjCuMKiFaXco5Fja6TcMZpTqoU=";

    struct Sent<'a> {
        key: &'a str,
        path: &'a str,
        body: &'a str,
    }

    impl Default for Sent<'_> {
        fn default() -> Self {
            Self { key: KEY, path: PATH, body: BODY }
        }
    }

    impl Sent<'_> {
        fn accepts(&self, header: &str) -> bool {
            let url = PublicUrl::parse("https://hotline.example").unwrap();
            let keys = SigningKeys::new(&[Secret::new(self.key)]);
            keys.verify(&url, self.path, self.body.as_bytes(), &Form::parse(&SIGNALWIRE, self.body.as_bytes()), header)
        }
    }

    #[test]
    fn both_ways_are_right_with_and_without_the_port() {
        for header in [OWN, TWILIOS, "f80f76a676e7a0696d842b9191b52ffa1e1e64a9", "FjO7GGjPQpaIfLW6/Z+PqL0ZkuU="] {
            assert!(Sent::default().accepts(header), "{header}");
        }
        let voice = Sent { path: "/signalwire/voice?line=a", ..Sent::default() };
        assert!(voice.accepts("c87844119114f54f9150dbaa64c72e8a796f211c"));
        assert!(voice.accepts("DfP4zsPkdkUo50UJGY5KtExDZlE="));
    }

    #[test]
    fn the_packages_own_example_is_right() {
        const JSON: &str = concat!(
            r#"{"call":{"call_id":"b5d63b2e-f75b-4dc8-b6d4-269b635f96c0","#,
            r#""node_id":"fa3570ae-f8bd-42c2-83f4-9950d906c91b@us-west","#,
            r#""segment_id":"b5d63b2e-f75b-4dc8-b6d4-269b635f96c0","call_state":"created","direction":"inbound","#,
            r#""type":"phone","from":"+12135877632","to":"+12089806814","from_number":"+12135877632","#,
            r#""to_number":"+12089806814","project_id":"4b7ae78a-d02e-4889-a63b-08b156d5916e","#,
            r#""space_id":"62615f44-2a34-4235-b38b-76b5a1de6ef8"},"vars":{}}"#
        );
        let url = PublicUrl::parse("https://81f2-2-45-18-191.ngrok-free.app").unwrap();
        let keys = SigningKeys::new(&[Secret::new(KEY)]);
        let signed =
            |header: &str| keys.verify(&url, "/", JSON.as_bytes(), &Form::parse(&SIGNALWIRE, JSON.as_bytes()), header);
        assert!(signed("b18500437ebb010220ddd770cbe6fd531ea0ba0d"));
        assert!(!signed("b18500437ebb010220ddd770cbe6fd531ea0ba0e"));
    }

    #[test]
    fn nothing_near_it_is() {
        for header in [
            "",
            &OWN[..38],
            &OWN.to_uppercase(),
            &format!("{OWN}00"),
            &TWILIOS[..27],
            &TWILIOS.to_lowercase(),
            // The one way's bytes, written in the other's.
            "5jQvmgeePB2pdN8tpDyypiX/+Yo=",
            "王",
        ] {
            assert!(!Sent::default().accepts(header), "{header}");
        }
        for header in [OWN, TWILIOS] {
            assert!(!Sent { key: "PSK_other", ..Sent::default() }.accepts(header));
            assert!(!Sent { key: "", ..Sent::default() }.accepts(header));
            assert!(!Sent { path: "/signalwire/step/T", ..Sent::default() }.accepts(header));
            assert!(!Sent { body: &BODY.replace("Digits=12", "Digits=13"), ..Sent::default() }.accepts(header));
        }
        // Only the one way has a mind for the order.
        let turned = Sent { body: &format!("Empty=&{}", BODY.replace("&Empty=", "")), ..Sent::default() };
        assert!(turned.accepts(TWILIOS) && !turned.accepts(OWN));
    }

    #[test]
    fn what_is_sent_twice_is_signed_twice() {
        // Made by npm @signalwire/compatibility-api 3.2.0.
        let twice = Sent { body: "CallSid=a&Extra=b&Extra=a&Extra=a", ..Sent::default() };
        assert!(twice.accepts("wXzkyTqyxH99RcKdvuYL3btRjC0="));
        assert!(!Sent { body: "CallSid=a&Extra=b&Extra=a", ..Sent::default() }.accepts("wXzkyTqyxH99RcKdvuYL3btRjC0="));
    }
}
