//! What happened? The parameters of a webhook.

use crate::call::caller::{Call, Caller};
use crate::dialog::Event;
use crate::secret::Keys;
use crate::telephony::form;

/// How a call is named to the rest of the house.
pub const DIALECT: &str = "cloopen";

/// The parameters that are read.
const READ: [&str; 4] = ["callid", "digits", "from", "to"];
/// Longer than the id of any call.
const LONGEST_CALL: usize = 128;

/// The parameters of a webhook, in order. Not to be printed: there are PINs among them.
pub struct Form(form::Form);

impl Form {
    /// Reads what stands in the address and an `application/x-www-form-urlencoded` body. Every text is one; what no one can
    /// mean is left as U+FFFD.
    #[must_use]
    pub fn parse(query: &[u8], body: &[u8]) -> Self {
        Self(form::Form::parse_all([query, body]))
    }

    /// Which call it is about.
    ///
    /// # Errors
    /// The call's id is missing, empty, longer than 128 characters or has others than letters, digits, `-`, `_`, `.`, `@` and
    /// `:`; or what is read here stands there twice.
    pub fn call(&self) -> Result<Call, UnknownCall> {
        let is_id = |id: &&str| {
            (1..=LONGEST_CALL).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.@:".contains(&b))
        };
        let id = self.get("callid").filter(is_id).filter(|_| !self.duplicated()).ok_or(UnknownCall)?;
        let dialled = self.get("to").filter(|to| to.len() <= 128 && !to.contains(char::is_control));
        Ok(Call {
            dialect: DIALECT,
            id: id.into(),
            caller: Caller::parse(self.get("from").unwrap_or_default()),
            dialled: dialled.unwrap_or_default().into(),
        })
    }

    /// The key that was pressed in a menu. Where none is told of, it was the one that ends an entry.
    #[must_use]
    pub fn key(&self) -> Event {
        self.unless_twice(|| match self.get("digits").unwrap_or_default() {
            "" => Keys::parse("#", false).map_or(Event::Garbled, Event::Keys),
            digits => Keys::parse(digits, false).map_or(Event::Garbled, Event::Keys),
        })
    }

    /// The keys that were pressed, of which `#` may be the last.
    #[must_use]
    pub fn keys(&self) -> Event {
        self.unless_twice(|| {
            let digits = self.get("digits").unwrap_or_default();
            let keys = digits.strip_suffix('#').unwrap_or(digits);
            // None but that one: it was pressed alone.
            let finished = keys.is_empty() || keys.len() < digits.len();
            Keys::parse(keys, finished).map_or(Event::Garbled, Event::Keys)
        })
    }

    /// The first value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)
    }

    /// Two answers are none: which of them the sender means, cannot be told.
    fn duplicated(&self) -> bool {
        self.0.has_twice(&READ)
    }

    fn unless_twice(&self, event: impl FnOnce() -> Event) -> Event {
        if self.duplicated() { Event::Garbled } else { event() }
    }
}

/// A webhook that does not say which call it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call has no id, or none that the platform gives")]
pub struct UnknownCall;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::telephony::testing::{Heard, heard, hides_digits};

    fn form(body: &str) -> Form {
        Form::parse(b"", body.as_bytes())
    }

    #[test]
    fn a_call_that_comes_in_is_read_from_the_address_or_the_body() {
        let text = b"callid=1307241452320369000100030000002f&from=13800138000&to=12333&direction=0&userdata=";
        for form in [Form::parse(text, b""), Form::parse(b"", text), Form::parse(&text[..39], &text[40..])] {
            let call = form.call().unwrap();
            assert_eq!((call.dialect, &*call.id), ("cloopen", "1307241452320369000100030000002f"));
            assert_eq!((&*call.dialled, call.caller), ("12333", Caller::Number("13800138000".into())));
        }
        for odd in
            ["", "callid=", "callid=a+b", "callid=%00", "callid=a&callid=a", "callid=a&from=1&from=2", "callId=a"]
        {
            assert_eq!(form(odd).call().err(), Some(UnknownCall), "{odd}");
        }
        assert!(Form::parse(b"callid=a", b"callid=b").call().is_err(), "in the address and in the body");
        assert!(form(&format!("callid={}", "a".repeat(129))).call().is_err());
    }

    #[test]
    fn in_a_menu_what_ends_an_entry_is_a_key() {
        let key = |body: &str| heard(form(body).key());
        let pressed = |digits: &str| Heard::Keys(digits.into(), false);
        assert_eq!((key("digits=1"), key("digits=%2A"), key("digits=0")), (pressed("1"), pressed("*"), pressed("0")));
        assert_eq!((key("digits="), key(""), key("digits=%23")), (pressed("#"), pressed("#"), pressed("#")));
        for garbled in ["digits=x", "digits=1&digits=2", "digits=1+"] {
            assert_eq!(key(garbled), Heard::Garbled, "{garbled}");
        }
    }

    #[test]
    fn an_entry_keeps_its_zeros_and_its_star() {
        let keys = |body: &str| heard(form(body).keys());
        let pressed = |digits: &str, finished| Heard::Keys(digits.into(), finished);
        assert_eq!(keys("digits=007"), pressed("007", false));
        assert_eq!(keys("digits=007%23"), pressed("007", true));
        assert_eq!(keys("digits=11010519491231002%2A"), pressed("11010519491231002*", false));
        assert_eq!(
            (keys("digits=%23"), keys("digits="), keys("")),
            (pressed("", true), pressed("", true), pressed("", true))
        );
        for garbled in ["digits=hangup", "digits=-1", "digits=1%002", "digits=1&digits=1"] {
            assert_eq!(keys(garbled), Heard::Garbled, "{garbled}");
        }
        assert_eq!(keys(&format!("digits={}", "1".repeat(65))), Heard::Garbled);
    }

    proptest! {
        #[test]
        fn anything_is_read_and_nothing_panics(query in prop::collection::vec(any::<u8>(), 0..100), body in prop::collection::vec(any::<u8>(), 0..100), known in "[a-z=&%0-9*#-]{0,80}") {
            for (query, body) in [(query, body), (known.clone().into_bytes(), [b"digits=", known.as_bytes()].concat())] {
                let form = Form::parse(&query, &body);
                let _ = (form.call(), form.key(), form.keys());
            }
        }

        #[test]
        fn what_is_keyed_is_not_shown(digits in "[0-9A-D*#]{1,70}") {
            let form = form(&format!("callid=a&digits={digits}"));
            prop_assert!(matches!(form.keys(), Event::Keys(_) | Event::Garbled));
            prop_assert!(hides_digits(&(form.call(), form.key(), form.keys())));
        }
    }
}
