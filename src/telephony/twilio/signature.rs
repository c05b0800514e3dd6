//! Is it Twilio? The `X-Twilio-Signature` of a form post; Somleng and SignalWire make theirs in the same way.
//!
//! An HMAC over the address that was called and the parameters that were sent. It has no timestamp: a captured request stays
//! valid for ever, so what a repeat may do is decided by the call's state, not here.
//!
//! Twilio is not sure itself which spelling of an address it signs, so its own helpers try several, and so do we: with and without the
//! port; the query as it was sent, as a WHATWG URL writes it (`'` is `%27`), and as Node's `querystring` does.

use std::borrow::Cow;
use std::collections::HashMap;

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;
use sha2::Sha256;

use super::request::Form;
use super::settings::Settings;
use crate::secret::Secret;
use crate::telephony::public_url::PublicUrl;

/// The header the signature comes in.
pub const SIGNATURE: &str = "x-twilio-signature";
/// The header that says how it was made, when not with SHA-1: `key=…,algorithm=HMAC_SHA256`.
pub const SIGNATURE_SETTINGS: &str = "x-twilio-webhooks-signature-settings";

/// What a WHATWG URL escapes in the query of an `http` address.
const URL_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\'');

/// What Node's `querystring.stringify` escapes.
const QUERYSTRING: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The secrets that may sign. Where there is none, nothing is accepted.
pub struct Tokens {
    general: Vec<Token>,
    accounts: HashMap<Box<str>, Vec<Token>>,
    repeats: Repeats,
}

/// How a parameter is signed that was sent twice with one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeats {
    /// Once; values of one name in their own order.
    Once,
    /// As often as it was sent, and in that order: so do platforms that took Twilio's algorithm before it was settled.
    Each,
}

/// One secret, hashed into the start of either algorithm.
struct Token {
    sha1: Hmac<Sha1>,
    sha256: Hmac<Sha256>,
}

/// A signature as it came: decoded, its algorithm known.
enum Signature {
    Sha1(Vec<u8>),
    Sha256(Vec<u8>),
}

impl Tokens {
    /// The secrets of the settings. An empty one is none: anyone could sign with it.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            general: settings.general_tokens().filter_map(Token::new).collect(),
            accounts: settings
                .accounts
                .iter()
                .map(|(account, secrets)| (account.as_str().into(), secrets.iter().filter_map(Token::new).collect()))
                .collect(),
            repeats: Repeats::Once,
        }
    }

    /// The secrets of a platform that signs as Twilio once did.
    #[must_use]
    pub fn of_another<'s>(secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        let general = secrets.into_iter().filter_map(Token::new).collect();
        Self { general, accounts: HashMap::new(), repeats: Repeats::Each }
    }

    /// Whether `header` (and `settings`, the header that names the algorithm) signs `form`, posted to `path_and_query` of `url`.
    #[must_use]
    pub fn verify(
        &self,
        url: &PublicUrl,
        path_and_query: &str,
        form: &Form,
        header: &str,
        settings: Option<&str>,
    ) -> bool {
        let Some(signature) = Signature::read(header, settings) else { return false };
        // Which account it is, is only a claim until one of that account's secrets proves it.
        let account = form.get("AccountSid").unwrap_or_default();
        let tokens = self.accounts.get(account).unwrap_or(&self.general);
        let parameters = parameters(form, self.repeats);
        signs_any(tokens, &signature, url, path_and_query, parameters.as_bytes())
    }

    /// Whether `signature`, an HMAC-SHA1, signs `body` itself, posted to `path_and_query` of `url`.
    #[must_use]
    pub fn verify_body(&self, url: &PublicUrl, path_and_query: &str, body: &[u8], signature: Vec<u8>) -> bool {
        signs_any(&self.general, &Signature::Sha1(signature), url, path_and_query, body)
    }
}

/// Whether one of `tokens` made `signature` over one of the spellings of the address and what was sent to it.
fn signs_any(tokens: &[Token], signature: &Signature, url: &PublicUrl, path_and_query: &str, sent: &[u8]) -> bool {
    let (path, queries) = spellings(path_and_query);
    tokens.iter().any(|token| {
        queries.iter().any(|query| {
            url.signed_forms()
                .into_iter()
                .any(|base| token.signs(signature, &[base.as_bytes(), path.as_bytes(), query.as_bytes(), sent]))
        })
    })
}

impl Token {
    fn new(secret: &Secret) -> Option<Self> {
        let key = secret.expose().trim().as_bytes();
        if key.is_empty() {
            return None;
        }
        // Keys of any length are taken: neither can fail.
        Some(Self { sha1: Hmac::new_from_slice(key).ok()?, sha256: Hmac::new_from_slice(key).ok()? })
    }

    fn signs(&self, signature: &Signature, parts: &[&[u8]]) -> bool {
        match signature {
            Signature::Sha1(bytes) => signs(self.sha1.clone(), parts, bytes),
            Signature::Sha256(bytes) => signs(self.sha256.clone(), parts, bytes),
        }
    }
}

/// Compares in constant time: how much of a guess is right must not be heard.
fn signs(mut mac: impl Mac, parts: &[&[u8]], signature: &[u8]) -> bool {
    for part in parts {
        mac.update(part);
    }
    mac.verify_slice(signature).is_ok()
}

impl Signature {
    /// `None`: no base64, or an algorithm that is none of Twilio's.
    fn read(header: &str, settings: Option<&str>) -> Option<Self> {
        let bytes = BASE64.decode(header.as_bytes()).ok()?;
        let algorithm = settings.unwrap_or_default().split(',').find_map(|part| {
            let (name, value) = part.split_once('=')?;
            (name.trim() == "algorithm" && !value.trim().is_empty()).then_some(value.trim())
        });
        match algorithm {
            None => Some(Self::Sha1(bytes)),
            Some(name) if name.eq_ignore_ascii_case("HMAC_SHA1") => Some(Self::Sha1(bytes)),
            Some(name) if name.eq_ignore_ascii_case("HMAC_SHA256") => Some(Self::Sha256(bytes)),
            Some(_) => None,
        }
    }
}

/// The parameters as they are signed: sorted by name, nothing between them.
fn parameters(form: &Form, repeats: Repeats) -> String {
    let mut pairs: Vec<_> = form.pairs().iter().collect();
    match repeats {
        Repeats::Once => {
            pairs.sort_unstable();
            pairs.dedup();
        }
        Repeats::Each => pairs.sort_by(|(one, _), (other, _)| one.cmp(other)),
    }
    let mut text = String::with_capacity(pairs.iter().map(|(name, value)| name.len() + value.len()).sum());
    for (name, value) in pairs {
        text.push_str(name);
        text.push_str(value);
    }
    text
}

/// The path, and every spelling of what follows it that may have been signed.
fn spellings(path_and_query: &str) -> (&str, Vec<Cow<'_, str>>) {
    let (path, query) = path_and_query.split_at(path_and_query.find('?').unwrap_or(path_and_query.len()));
    let mut queries = vec![Cow::Borrowed(query)];
    if query.len() > 1 {
        queries.push(utf8_percent_encode(query, URL_QUERY).into());
        queries.push(querystring(&query[1..]).into());
    }
    (path, queries)
}

/// What Node's `querystring.stringify(querystring.parse(query))` makes of a query: values of one name stand together,
/// where the first of them was.
fn querystring(query: &str) -> String {
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let mut text = String::with_capacity(query.len() + 1);
    for (n, (name, _)) in pairs.iter().enumerate() {
        if pairs[..n].iter().any(|(earlier, _)| earlier == name) {
            continue;
        }
        for (_, value) in pairs[n..].iter().filter(|(other, _)| other == name) {
            text.push(if text.is_empty() { '?' } else { '&' });
            text.extend(utf8_percent_encode(name, QUERYSTRING));
            text.push('=');
            text.extend(utf8_percent_encode(value, QUERYSTRING));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telephony::twilio::profile::TWILIO;

    /// The example of Twilio's own tests, in the order it is not signed in.
    const BODY: &str =
        "To=%2B18005551212&CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309";

    fn settings(toml: &str) -> Settings {
        toml::from_str(toml).unwrap()
    }

    struct Vector<'a> {
        settings: &'a str,
        url: &'a str,
        path: &'a str,
        body: &'a str,
        algorithm: Option<&'a str>,
    }

    impl Default for Vector<'_> {
        fn default() -> Self {
            Self {
                settings: r#"auth_token = "12345""#,
                url: "https://mycompany.com",
                path: "/myapp.php?foo=1&bar=2",
                body: BODY,
                algorithm: None,
            }
        }
    }

    impl Vector<'_> {
        fn accepts(&self, header: &str) -> bool {
            let url = PublicUrl::parse(self.url).unwrap();
            let form = Form::parse(&TWILIO, self.body.as_bytes());
            Tokens::new(&settings(self.settings)).verify(&url, self.path, &form, header, self.algorithm)
        }
    }

    const OFFICIAL: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";

    #[test]
    fn the_official_vector_is_accepted_and_nothing_near_it() {
        let vector = Vector::default();
        assert!(vector.accepts(OFFICIAL));
        for forged in [
            "",
            "=",
            "RSOYDt4T1cUTdK1PDd93/VVr8B8",
            "RSOYDt4T1cUTdK1PDd93/VVr8B9=",
            "RSOYDt4T1cUTdK1PDd93/VVr",
            "RSOYDt4T",
            "王",
        ] {
            assert!(!vector.accepts(forged), "{forged}");
        }
        assert!(!Vector { path: "/myapp.php?bar=2&foo=1", ..Vector::default() }.accepts(OFFICIAL));
        assert!(!Vector { path: "/myapp.php", ..Vector::default() }.accepts(OFFICIAL));
        assert!(!Vector { url: "https://other.example", ..Vector::default() }.accepts(OFFICIAL));
        assert!(!Vector { url: "http://mycompany.com", ..Vector::default() }.accepts(OFFICIAL));
        assert!(!Vector { body: &format!("{BODY}&Digits=1"), ..Vector::default() }.accepts(OFFICIAL));
        assert!(!Vector { body: &BODY.replace("1234&", "1235&"), ..Vector::default() }.accepts(OFFICIAL));
    }

    #[test]
    fn the_port_may_be_signed_or_not() {
        const STANDARD: &str = "kvajT1Ptam85bY51eRf/AJRuM3w=";
        const OTHER: &str = "CYn1h0gLBdNxDGkKJg6hYohgeD8=";
        for url in ["https://mycompany.com", "https://mycompany.com:443"] {
            assert!(Vector { url, ..Vector::default() }.accepts(OFFICIAL));
            assert!(Vector { url, ..Vector::default() }.accepts(STANDARD));
            assert!(!Vector { url, ..Vector::default() }.accepts(OTHER));
        }
        let other = Vector { url: "https://mycompany.com:1234", ..Vector::default() };
        assert!(other.accepts(OFFICIAL) && other.accepts(OTHER) && !other.accepts(STANDARD));
    }

    #[test]
    fn an_apostrophe_may_be_signed_in_any_of_nodes_spellings() {
        let vector = Vector { path: "/myapp.php?say=It's+amazing", ..Vector::default() };
        for (signed, header) in [
            ("It's+amazing", "0b9GTNHNPKh1NcP4i6r/UszdyvE="),
            ("It%27s+amazing", "Jyes2TmvLzdqghb0bqW7TjdlHwI="),
            ("It's%20amazing", "0M1MzrrdIZmKaDi35Tf0QNBnD68="),
            (":443 It's+amazing", "JqNO39VQD5JiYz+FDR5PfWca9hA="),
            (":443 It%27s+amazing", "HHIYMmIVD9lOoLRZ/hqMgzIizWY="),
            (":443 It's%20amazing", "niP+cY039ccIsKfZ4z6nMVgzL/8="),
        ] {
            assert!(vector.accepts(header), "{signed}");
        }
        // "It%27s%20amazing": no helper of Twilio's takes this one.
        assert!(!vector.accepts("TajHT5G6BeAHyE4lMvm8mxTr4GQ="));
    }

    #[test]
    fn querystring_writes_as_node_does() {
        assert_eq!(querystring("b=1&a=x%20y&b=2&c='()*!~-._&d=ö%27+"), "?b=1&b=2&a=x%20y&c='()*!~-._&d=%C3%B6'%20");
        assert_eq!(querystring("a"), "?a=");
        assert_eq!(querystring(""), "");
    }

    #[test]
    fn repeated_values_are_signed_once_and_in_order() {
        let vector =
            Vector { body: "SidAccount=AC123&Digits=5678&Sid=CA123&Digits=1234&Digits=1234", ..Vector::default() };
        assert!(vector.accepts("IK+Dwps556ElfBT0I3Rgjkr1wJU="));
    }

    #[test]
    fn empty_and_foreign_values_are_signed_too() {
        const SIGNED: &str = "bHMOa2nhWMU50kjAlA/nPvI8gNg=";
        let body = "CallSid=CA1&CallerCity=&CallerState=K%C3%B6ln&ToZip=";
        assert!(Vector { body, ..Vector::default() }.accepts(SIGNED));
        assert!(!Vector { body: "CallSid=CA1&CallerState=K%C3%B6ln&ToZip=", ..Vector::default() }.accepts(SIGNED));
    }

    #[test]
    fn the_header_names_the_algorithm() {
        const SHA256: &str = "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s=";
        let by = |algorithm| Vector { algorithm: Some(algorithm), ..Vector::default() };
        assert!(by("key=webhooks_sharedkey_1,algorithm=HMAC_SHA256").accepts(SHA256));
        assert!(by("algorithm=hmac_sha1").accepts(OFFICIAL));
        assert!(by("key=webhooks_sharedkey_1,algorithm=").accepts(OFFICIAL));
        assert!(!by("algorithm=HMAC_SHA256").accepts(OFFICIAL));
        assert!(!by("algorithm=NONE").accepts(OFFICIAL));
        assert!(!Vector::default().accepts(SHA256));
    }

    #[test]
    fn without_a_token_nothing_is_accepted() {
        // What an empty key signs.
        let mut mac: Hmac<Sha1> = Hmac::new_from_slice(b"").unwrap();
        mac.update(b"https://mycompany.com/myapp.php?foo=1&bar=2CallSidCA1");
        let by_nobody = BASE64.encode(&mac.finalize().into_bytes());
        for settings in ["", r#"auth_token = """#, r#"more_auth_tokens = [" "]"#] {
            assert!(!Vector { settings, body: "CallSid=CA1", ..Vector::default() }.accepts(&by_nobody), "{settings}");
            assert!(!Vector { settings, ..Vector::default() }.accepts(OFFICIAL), "{settings}");
        }
    }

    #[test]
    fn during_a_rotation_both_tokens_are_right() {
        for settings in
            [r#"more_auth_tokens = ["new", "12345"]"#, "auth_token = \"new\"\nmore_auth_tokens = [\"12345\"]"]
        {
            assert!(Vector { settings, ..Vector::default() }.accepts(OFFICIAL), "{settings}");
        }
    }

    #[test]
    fn a_listed_account_is_held_to_its_own_tokens() {
        // Over the official address: AccountSidAC1CallSidCA1, by 12345.
        const SIGNED: &str = "sr5e2YVuywuXzx1AS3BGpmNivQk=";
        let body = "CallSid=CA1&AccountSid=AC1";
        let accepts = |settings| Vector { settings, body, ..Vector::default() }.accepts(SIGNED);
        assert!(accepts(r#"auth_token = "12345""#));
        assert!(accepts(r#"accounts.AC1 = ["new", "12345"]"#));
        assert!(accepts("auth_token = \"12345\"\naccounts.AC2 = [\"other\"]"));
        assert!(!accepts("auth_token = \"12345\"\naccounts.AC1 = [\"other\"]"));
        assert!(!accepts("auth_token = \"12345\"\naccounts.AC1 = []"));
        assert!(!accepts(r#"accounts.AC2 = ["12345"]"#));
    }
}
