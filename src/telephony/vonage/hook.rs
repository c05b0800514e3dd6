//! What happened? The body of a webhook.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::call::caller::{Call, CallEnd, Caller};
use crate::dialog::{Event, Recording, TransferEnd};
use crate::secret::{Keys, Secret};

/// How a call is named to the rest of the house.
pub const DIALECT: &str = "vonage";

/// What is read of a webhook's body; the platform tells more, and adds to it. Not to be printed: there are PINs in it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Hook {
    #[serde(deserialize_with = "text")]
    conversation_uuid: Option<Box<str>>,
    #[serde(deserialize_with = "text")]
    from: Option<Box<str>>,
    #[serde(deserialize_with = "text")]
    to: Option<Box<str>>,
    /// The state of a leg.
    #[serde(deserialize_with = "text")]
    status: Option<Box<str>>,
    /// Whose leg: the caller's comes in.
    #[serde(deserialize_with = "text")]
    direction: Option<Box<str>>,
    dtmf: Option<Dtmf>,
    /// What a `notify` was given.
    payload: Option<Told>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Dtmf {
    digits: Option<Secret>,
    timed_out: bool,
}

/// What this dialect tells itself by way of the platform.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    #[serde(deserialize_with = "text")]
    from: Option<Box<str>>,
    #[serde(deserialize_with = "text")]
    to: Option<Box<str>>,
    /// Whether there was a recorder to speak to.
    recorded: bool,
}

impl Hook {
    /// Reads a body. `None`: it is no object of JSON, says something twice that is read here, or its digits are no text.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Self> {
        // A list would do for an object to the reader. What is wrong is not told: that may quote it.
        let is_object = body.trim_ascii_start().first() == Some(&b'{');
        if is_object { serde_json::from_slice(body).ok() } else { None }
    }

    /// Which call it is about.
    ///
    /// # Errors
    /// The conversation's id is missing, empty, longer than 64 characters or has others than letters, digits, `-` and `_`.
    pub fn call(&self) -> Result<Call, UnknownCall> {
        let id = self.conversation_uuid.as_deref().ok_or(UnknownCall)?;
        let is_id = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if !is_id {
            return Err(UnknownCall);
        }
        // Of the leg to a person both numbers are others.
        let is_callers = self.direction.as_deref() != Some("outbound");
        let told = |own: &Option<Box<str>>, told: fn(&Told) -> Option<&str>| {
            let own = own.as_deref().filter(|_| is_callers);
            own.or_else(|| self.payload.as_ref().and_then(told)).unwrap_or_default().to_owned()
        };
        let (from, to) = (told(&self.from, |t| t.from.as_deref()), told(&self.to, |t| t.to.as_deref()));
        let is_line = to.len() <= 128 && !to.contains(char::is_control);
        Ok(Call {
            dialect: DIALECT,
            id: id.into(),
            caller: Caller::parse(&from),
            dialled: if is_line { to.into() } else { "".into() },
        })
    }

    /// What happened while keys were waited for.
    #[must_use]
    pub fn keys(&self) -> Event {
        let Some(dtmf) = &self.dtmf else { return Event::Silence };
        let digits = dtmf.digits.as_ref().map(Secret::expose).unwrap_or_default();
        // None, and not for want of time: the finish key was pressed alone. After others it is not told.
        let finished = digits.is_empty() && !dtmf.timed_out;
        match digits {
            "" if !finished => Event::Silence,
            digits => Keys::parse(digits, finished).map_or(Event::Garbled, Event::Keys),
        }
    }

    /// What a call to a person means for the caller, whose object is replaced only where nobody answered.
    #[must_use]
    pub fn transfer(&self) -> Option<Event> {
        match self.status.as_deref()? {
            "timeout" | "failed" | "rejected" | "unanswered" | "busy" | "cancelled" => {
                Some(Event::TransferEnded(TransferEnd::NotAnswered))
            }
            _ => None,
        }
    }

    /// What was recorded, by its name.
    #[must_use]
    pub fn recorded(&self, reference: Secret) -> Event {
        let is_recorded = self.payload.as_ref().is_some_and(|told| told.recorded);
        // How long is told beside the call, and not to us: as long as nothing says that it is empty, it is not lost.
        let recording = is_recorded.then_some(Recording { reference, seconds: 0 });
        Event::Recorded { recording, hung_up: false }
    }

    /// How the caller's leg ended, if it has.
    #[must_use]
    pub fn ended(&self) -> Option<CallEnd> {
        if self.direction.as_deref() == Some("outbound") {
            return None;
        }
        match self.status.as_deref()? {
            "completed" => Some(CallEnd::Completed),
            "timeout" | "failed" | "rejected" | "unanswered" | "busy" | "cancelled" => Some(CallEnd::Failed),
            _ => None,
        }
    }
}

/// A text; anything else that stands in its place is none.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<str>>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text.into()),
        _ => None,
    })
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

    fn hook(body: &str) -> Hook {
        Hook::parse(body.as_bytes()).unwrap_or_else(|| panic!("{body}"))
    }

    fn keys(dtmf: &str) -> Heard {
        heard(hook(&format!(r#"{{"conversation_uuid":"CON-1","dtmf":{dtmf}}}"#)).keys())
    }

    #[test]
    fn a_call_that_comes_in_is_read() {
        let hook = hook(
            r#"{"region_url":"https://api-us-3.vonage.com","from":"8613800138000","to":"861012333",
                "uuid":"aaaaaaaa-bbbb-cccc-dddd-0123456789ab","conversation_uuid":"CON-aaaaaaaa-bbbb-cccc"}"#,
        );
        let call = hook.call().unwrap();
        assert_eq!((call.dialect, &*call.id, &*call.dialled), ("vonage", "CON-aaaaaaaa-bbbb-cccc", "861012333"));
        assert_eq!(call.caller, Caller::Number("8613800138000".into()));
        assert_eq!(hook.ended(), None);
    }

    #[test]
    fn numbers_that_were_given_along_come_back() {
        let told =
            hook(r#"{"conversation_uuid":"CON-1","payload":{"from":"13800138000","to":"12333","recorded":true}}"#);
        let call = told.call().unwrap();
        assert_eq!((call.caller, &*call.dialled), (Caller::Number("13800138000".into()), "12333"));
        let own = hook(r#"{"conversation_uuid":"CON-1","from":"1001","to":"1","payload":{"from":"2","to":"2"}}"#);
        assert_eq!((own.call().unwrap().caller, &*own.call().unwrap().dialled), (Caller::Number("1001".into()), "1"));
    }

    #[test]
    fn keys_silence_and_the_finish_key_alone_are_told_apart() {
        let pressed = |digits: &str| Heard::Keys(digits.into(), false);
        assert_eq!(keys(r#"{"digits":"007","timed_out":false}"#), pressed("007"));
        assert_eq!(keys(r#"{"digits":"12","timed_out":true}"#), pressed("12"), "in part");
        assert_eq!(keys(r#"{"digits":"11010519491231002*","timed_out":false}"#), pressed("11010519491231002*"));
        assert_eq!(keys(r#"{"digits":"","timed_out":false}"#), Heard::Keys(String::new(), true));
        assert_eq!(keys(r#"{"digits":null,"timed_out":true}"#), Heard::Silence);
        assert_eq!(keys(r#"{"digits":"","timed_out":true}"#), Heard::Silence);
        assert_eq!(keys("null"), Heard::Silence);
        assert!(matches!(hook("{}").keys(), Event::Silence));
        for garbled in ["hangup", "1+2", "-1", "X", "1 2"] {
            assert_eq!(keys(&format!(r#"{{"digits":"{garbled}"}}"#)), Heard::Garbled, "{garbled}");
        }
        assert_eq!(keys(&format!(r#"{{"digits":"{}"}}"#, "1".repeat(65))), Heard::Garbled);
    }

    #[test]
    fn what_is_no_webhook_is_not_read() {
        for odd in [
            "",
            "null",
            "[]",
            "1",
            "{",
            r#"{"to":"a","to":"b"}"#,
            r#"{"dtmf":{"digits":12}}"#,
            r#"{"dtmf":"12"}"#,
            r#"{"dtmf":{"digits":"1","digits":"2"}}"#,
            "{}x",
            "\u{feff}{}",
        ] {
            assert!(Hook::parse(odd.as_bytes()).is_none(), "{odd}");
        }
        for odd in ["{}", r#"{"conversation_uuid":""}"#, r#"{"conversation_uuid":"a b"}"#, r#"{"conversation_uuid":1}"#]
        {
            assert_eq!(hook(odd).call().err(), Some(UnknownCall), "{odd}");
        }
        let odd = hook(r#"{"conversation_uuid":"c","from":{"x":1},"to":7,"status":[]}"#);
        assert_eq!((odd.call().unwrap().caller, &*odd.call().unwrap().dialled), (Caller::Withheld, ""));
    }

    #[test]
    fn a_transfer_nobody_answers_is_news_and_a_leg_to_a_person_is_no_end() {
        let leg = |status: &str, direction: &str| {
            hook(&format!(r#"{{"conversation_uuid":"c","status":"{status}","direction":"{direction}"}}"#))
        };
        for status in ["timeout", "failed", "rejected", "unanswered", "busy", "cancelled"] {
            let told = leg(status, "outbound");
            assert!(matches!(told.transfer(), Some(Event::TransferEnded(TransferEnd::NotAnswered))), "{status}");
            assert_eq!((told.ended(), leg(status, "inbound").ended()), (None, Some(CallEnd::Failed)), "{status}");
        }
        for status in ["started", "ringing", "answered", "machine", "completed", "news", ""] {
            assert!(leg(status, "outbound").transfer().is_none(), "{status}");
        }
        assert_eq!(leg("completed", "outbound").ended(), None);
        assert_eq!(leg("completed", "inbound").ended(), Some(CallEnd::Completed));
        for status in ["started", "ringing", "answered", "news", ""] {
            assert_eq!(leg(status, "inbound").ended(), None, "{status}");
        }
    }

    #[test]
    fn what_was_recorded_is_known_by_its_name() {
        let told = |body: &str| match hook(body).recorded(Secret::new("r")) {
            Event::Recorded { recording, hung_up: false } => {
                recording.map(|r| (r.reference.expose().to_owned(), r.seconds))
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(told(r#"{"payload":{"recorded":true}}"#), Some(("r".to_owned(), 0)));
        for nothing in ["{}", r#"{"payload":{"recorded":false}}"#, r#"{"payload":{}}"#, r#"{"payload":null}"#] {
            assert_eq!(told(nothing), None, "{nothing}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_read_and_nothing_panics(body in prop::collection::vec(any::<u8>(), 0..200), digits in "[ -~]{0,80}", text in any::<String>()) {
            let json = serde_json::json!({ "conversation_uuid": text, "from": text, "to": text, "status": digits,
                "direction": text, "dtmf": { "digits": digits, "timed_out": text.is_empty() }, "payload": { "from": text } });
            for body in [body, json.to_string().into_bytes(), digits.clone().into_bytes()] {
                if let Some(hook) = Hook::parse(&body) {
                    let _ = (hook.call(), hook.keys(), hook.transfer(), hook.ended(), hook.recorded(Secret::new("r")));
                }
            }
        }

        #[test]
        fn what_is_keyed_is_not_shown(digits in "[0-9A-D*#]{1,70}", timed_out: bool) {
            let dtmf = serde_json::json!({ "digits": digits, "timed_out": timed_out });
            let hook = hook(&serde_json::json!({ "conversation_uuid": "a", "dtmf": dtmf }).to_string());
            prop_assert!(matches!(hook.keys(), Event::Keys(_) | Event::Garbled));
            prop_assert!(hides_digits(&(hook.call(), hook.keys(), hook.transfer(), hook.ended())));
        }
    }
}
