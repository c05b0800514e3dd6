//! What happened? The names of ours that a gateway posts.

use zeroize::Zeroizing;

use crate::call::caller::{Call, Caller};
use crate::dialog::{Event, Recording, TransferEnd};
use crate::secret::{Keys, Secret};
use crate::telephony::form::Form;

/// How a call is named to the rest of the house.
pub const DIALECT: &str = "voicexml";
/// What is read. Documents of ours post nothing else; what a gateway may add is nothing to us.
const READ: [&str; 5] = ["caller", "dialled", "how", "keys", "seconds"];
/// The id of a call is so many letters and digits of base 32: 120 bits, drawn when it comes in.
pub const ID_BYTES: usize = 15;
const ID_LENGTH: usize = 24;

/// A request. Not to be printed: there may be a PIN in it.
pub struct Request(Form);

impl Request {
    /// Reads a body. Every text is one.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        Self(Form::parse(body))
    }

    /// Which call it is about, of which the address says that it is `id`.
    ///
    /// # Errors
    /// That is no id of ours; or what is read here stands there twice: which of them is meant, cannot be told.
    pub fn call(&self, id: &str) -> Result<Call, UnknownCall> {
        let is_id = id.len() == ID_LENGTH && id.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b));
        if !is_id || self.0.has_twice(&READ) {
            return Err(UnknownCall);
        }
        let dialled = self.0.get("dialled").filter(|to| to.len() <= 128 && !to.contains(char::is_control));
        Ok(Call {
            dialect: DIALECT,
            id: id.into(),
            caller: Caller::parse(self.0.get("caller").unwrap_or_default()),
            dialled: dialled.unwrap_or_default().into(),
        })
    }

    /// What happened while keys were waited for.
    #[must_use]
    pub fn keys(&self) -> Event {
        let pressed = pressed(self.0.get("keys").unwrap_or_default());
        match (self.how(), pressed.as_str()) {
            ("keys", "") | ("silence", _) => Event::Silence,
            ("keys", keys) => Keys::parse(keys, false).map_or(Event::Garbled, Event::Keys),
            // Nothing matched: keys that are told nevertheless, or the key that ends an entry, alone. Where there is nothing
            // of it to be read (`undefined`, say), it is that: every other key is in the grammar.
            ("nomatch", keys) => match Keys::parse(keys, keys.is_empty()) {
                Some(keys) => Event::Keys(keys),
                None => Keys::parse("", true).map_or(Event::Garbled, Event::Keys),
            },
            _ => Event::Garbled,
        }
    }

    /// How a transfer ended.
    #[must_use]
    pub fn transfer(&self) -> Event {
        Event::TransferEnded(match self.how() {
            // They were connected, whoever ended it.
            "near_end_disconnect" | "far_end_disconnect" | "network_disconnect" | "maxtime_disconnect" => {
                TransferEnd::Talked
            }
            // busy, noanswer, network_busy, unknown; error where it was not even tried.
            _ => TransferEnd::NotAnswered,
        })
    }

    /// What was recorded, to be known as `reference`.
    #[must_use]
    pub fn recorded(&self, reference: Secret) -> Event {
        let hung_up = self.how() == "hangup";
        let seconds = match self.0.get("seconds").unwrap_or_default() {
            // Some gateways do not tell how long: as long as nothing says that it is empty, it is not lost.
            "" | "NaN" | "undefined" => Some(0),
            told => told.parse::<u32>().ok().filter(|seconds| *seconds > 0),
        };
        let recording = seconds.filter(|_| hung_up || self.how() == "recorded");
        match recording.map(|seconds| Recording { reference, seconds }) {
            None if hung_up => Event::HungUp,
            recording => Event::Recorded { recording, hung_up },
        }
    }

    fn how(&self) -> &str {
        self.0.get("how").unwrap_or_default()
    }
}

/// Keys as a keypad has them. What matched a grammar is told as its words: some gateways put blanks between them, and some have
/// names for two of them.
fn pressed(text: &str) -> Zeroizing<String> {
    // Room for all at once: a string that grows leaves copies of its beginning behind.
    let mut keys = Zeroizing::new(String::with_capacity(text.len()));
    for word in text.split_whitespace() {
        keys.push_str(match word.strip_prefix("dtmf-").unwrap_or(word) {
            "star" | "asterisk" => "*",
            "pound" | "hash" => "#",
            key => key,
        });
    }
    keys
}

/// A request whose address does not say which call it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call has no id of ours")]
pub struct UnknownCall;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::telephony::testing::{Heard, heard, hides_digits};

    const ID: &str = "ABCDEFGHIJKLMNOPQRST2345";

    fn keys(body: &str) -> Heard {
        heard(Request::parse(body.as_bytes()).keys())
    }

    fn keyed(digits: &str) -> Heard {
        Heard::Keys(digits.into(), false)
    }

    #[test]
    fn a_call_is_known_by_its_address_and_tells_both_numbers() {
        let told = Request::parse(b"caller=tel%3A%2B8613800138000&dialled=sip%3A12333%40gateway.example");
        let call = told.call(ID).unwrap();
        assert_eq!((call.dialect, &*call.id, &*call.dialled), ("voicexml", ID, "sip:12333@gateway.example"));
        assert_eq!(call.caller, Caller::Number("+8613800138000".into()));
        let nothing = Request::parse(b"caller=undefined&dialled=%00").call(ID).unwrap();
        assert_eq!((nothing.caller, &*nothing.dialled), (Caller::Withheld, ""));
        for odd in
            ["", "ABC", "abcdefghijklmnopqrst2345", "ABCDEFGHIJKLMNOPQRST234=", "ABCDEFGHIJKLMNOPQRST23451", "王"]
        {
            assert_eq!(told.call(odd).map(|call| call.id), Err(UnknownCall), "{odd}");
        }
    }

    #[test]
    fn keys_silence_and_the_finish_key_alone_are_told_apart() {
        assert_eq!(keys("how=keys&keys=007"), keyed("007"));
        assert_eq!(keys("how=keys&keys=11010519491231002*"), keyed("11010519491231002*"));
        assert_eq!(keys("how=keys&keys=7+3+9+1+5+4"), keyed("739154"), "as words");
        assert_eq!(keys("how=keys&keys=dtmf-1+dtmf-star+pound"), keyed("1*#"), "by their names");
        assert_eq!(keys("how=keys&keys="), Heard::Silence);
        assert_eq!(keys("how=silence"), Heard::Silence);
        assert_eq!(keys("how=nomatch&keys=12"), keyed("12"));
        for alone in ["how=nomatch", "how=nomatch&keys=", "how=nomatch&keys=undefined", "how=nomatch&keys=noise"] {
            assert_eq!(keys(alone), Heard::Keys(String::new(), true), "{alone}");
        }
        for garbled in ["hangup", "%D9%A1", "1%2B2", "-1", "X", "undefined", "12%FF", "[object+Object]"] {
            assert_eq!(keys(&format!("how=keys&keys={garbled}")), Heard::Garbled, "{garbled}");
        }
        assert_eq!(keys(&format!("how=keys&keys={}", "1".repeat(65))), Heard::Garbled);
        for garbled in ["", "keys=1", "how=", "how=other&keys=1"] {
            assert_eq!(keys(garbled), Heard::Garbled, "{garbled}");
        }
    }

    #[test]
    fn two_answers_are_none() {
        for body in ["how=keys&keys=1&keys=2", "how=keys&how=silence&keys=1", "how=keys&keys=1&caller=1&caller=2"] {
            assert_eq!(Request::parse(body.as_bytes()).call(ID).map(|call| call.id), Err(UnknownCall), "{body}");
        }
        assert!(Request::parse(b"how=keys&keys=1&extra=1&extra=2").call(ID).is_ok(), "what is not read is not judged");
    }

    #[test]
    fn a_transfer_ends_talked_or_not_answered() {
        let ended = |how: &str| heard(Request::parse(format!("how={how}").as_bytes()).transfer());
        for how in ["near_end_disconnect", "far_end_disconnect", "network_disconnect", "maxtime_disconnect"] {
            assert_eq!(ended(how), Heard::Ended(TransferEnd::Talked), "{how}");
        }
        for how in ["busy", "noanswer", "network_busy", "unknown", "error", "", "news"] {
            assert_eq!(ended(how), Heard::Ended(TransferEnd::NotAnswered), "{how}");
        }
    }

    #[test]
    fn a_recording_outlives_its_call_and_nothing_is_none() {
        let told = |body: &str| match Request::parse(body.as_bytes()).recorded(Secret::new("r")) {
            Event::Recorded { recording, hung_up } => {
                Ok((recording.map(|r| (r.reference.expose().to_owned(), r.seconds)), hung_up))
            }
            other => Err(heard(other)),
        };
        let recording = |seconds| Some(("r".to_owned(), seconds));
        assert_eq!(told("how=recorded&seconds=7"), Ok((recording(7), false)));
        assert_eq!(told("how=hangup&seconds=7"), Ok((recording(7), true)));
        assert_eq!(told("how=recorded&seconds=NaN"), Ok((recording(0), false)));
        for nothing in ["how=silence", "how=error&seconds=7", "how=recorded&seconds=0", "how=recorded&seconds=-1", ""] {
            assert_eq!(told(nothing), Ok((None, false)), "{nothing}");
        }
        assert_eq!(told("how=hangup&seconds=0"), Err(Heard::HungUp));
    }

    proptest! {
        #[test]
        fn every_body_is_read(body in prop::collection::vec(any::<u8>(), 0..400), id in ".{0,30}") {
            let request = Request::parse(&body);
            let _ = (request.call(&id), request.keys(), request.transfer(), request.recorded(Secret::new("r")));
        }

        #[test]
        fn whatever_is_keyed_is_a_keys_event_or_garbled(how in "(keys|nomatch|silence|[a-z]{0,4})", keys in "\\PC{0,80}") {
            let mut form = form_urlencoded::Serializer::new(String::new());
            let body = form.append_pair("how", &how).append_pair("keys", &keys).finish();
            let event = Request::parse(body.as_bytes()).keys();
            prop_assert!(matches!(event, Event::Keys(_) | Event::Silence | Event::Garbled));
        }

        #[test]
        fn what_is_keyed_is_not_shown(how in "(keys|nomatch|recorded)", keys in "[0-9A-D*#]{1,70}") {
            let told = Request::parse(format!("how={how}&keys={keys}").as_bytes());
            prop_assert!(hides_digits(&(told.call("ABCDEFGHIJKLMNOPQRSTUVWX"), told.keys(), told.transfer())));
        }
    }
}
