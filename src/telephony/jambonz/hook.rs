//! What happened? The body of a webhook.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::call::caller::{Call, CallEnd, Caller};
use crate::dialog::{Event, Recording, TransferEnd, Waiting};
use crate::secret::{Keys, Secret};

/// How a call is named to the rest of the house.
pub const DIALECT: &str = "jambonz";

/// What is read of a webhook's body; the platform tells more, and adds to it. Not to be printed: there are PINs in it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Hook {
    #[serde(deserialize_with = "text")]
    call_sid: Option<Box<str>>,
    /// Of a call that was placed to reach a person: that of the caller's.
    #[serde(deserialize_with = "text")]
    parent_call_sid: Option<Box<str>>,
    #[serde(deserialize_with = "text")]
    from: Option<Box<str>>,
    #[serde(deserialize_with = "text")]
    to: Option<Box<str>>,
    #[serde(deserialize_with = "text")]
    call_status: Option<Box<str>>,
    /// Why collecting keys ended.
    #[serde(deserialize_with = "text")]
    reason: Option<Box<str>>,
    digits: Option<Secret>,
    #[serde(deserialize_with = "text")]
    dial_call_status: Option<Box<str>>,
    /// Also of a recording.
    #[serde(deserialize_with = "number")]
    dial_call_duration: Option<u64>,
    #[serde(deserialize_with = "text")]
    queue_result: Option<Box<str>>,
    #[serde(deserialize_with = "number")]
    queue_position: Option<u64>,
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
    /// The call's id is missing, empty, longer than 64 characters or has others than letters, digits, `-` and `_`.
    pub fn call(&self) -> Result<Call, UnknownCall> {
        let id = self.call_sid.as_deref().ok_or(UnknownCall)?;
        let is_id = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if !is_id {
            return Err(UnknownCall);
        }
        let dialled = self.to.as_deref().filter(|to| to.len() <= 128 && !to.contains(char::is_control));
        Ok(Call {
            dialect: DIALECT,
            id: id.into(),
            caller: Caller::parse(self.from.as_deref().unwrap_or_default()),
            dialled: dialled.unwrap_or_default().into(),
        })
    }

    /// Whether it is about the call to a person, and not about the caller's.
    #[must_use]
    pub fn is_of_another_leg(&self) -> bool {
        self.parent_call_sid.is_some()
    }

    /// What happened while keys were waited for.
    #[must_use]
    pub fn keys(&self) -> Event {
        self.unless_over(|| {
            let digits = self.digits.as_ref().map(Secret::expose).unwrap_or_default();
            // Detected, and none there: the finish key was pressed alone. After others it is not told.
            let finished = digits.is_empty() && self.reason.as_deref() == Some("dtmfDetected");
            match digits {
                "" if !finished => Event::Silence,
                digits => Keys::parse(digits, finished).map_or(Event::Garbled, Event::Keys),
            }
        })
    }

    /// Whether nothing was pressed, and the call goes on.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        matches!(self.keys(), Event::Silence)
    }

    /// How a transfer ended.
    #[must_use]
    pub fn transfer(&self) -> Event {
        self.unless_over(|| {
            Event::TransferEnded(match self.dial_call_status.as_deref() {
                Some("completed") => TransferEnd::Talked,
                _ => TransferEnd::NotAnswered,
            })
        })
    }

    /// What was recorded at `recording`, by its name; it is told of a call that is over, too.
    #[must_use]
    pub fn recorded(&self, reference: Secret) -> Event {
        let hung_up = self.ended().is_some();
        // Where the recorder was not reached, no duration is told.
        let seconds = self.dial_call_duration.and_then(|seconds| u32::try_from(seconds).ok()).filter(|s| *s > 0);
        match seconds.map(|seconds| Recording { reference, seconds }) {
            None if hung_up => Event::HungUp,
            recording => Event::Recorded { recording, hung_up },
        }
    }

    /// How waiting in a queue ended.
    #[must_use]
    pub fn queue(&self) -> Event {
        self.unless_over(|| match self.queue_result.as_deref() {
            // `hangup` is also what the platform says when the person put down the telephone: the caller's call is not over.
            Some("bridged" | "hangup") => Event::TransferEnded(TransferEnd::Talked),
            Some("leave") => Event::TransferEnded(TransferEnd::Left),
            _ => Event::TransferEnded(TransferEnd::NotAnswered),
        })
    }

    /// That time has passed in a queue, where no key is heard.
    #[must_use]
    pub fn waiting(&self) -> Event {
        self.unless_over(|| {
            // Counted from nought.
            let ahead = self.queue_position.and_then(|position| u16::try_from(position).ok());
            Event::Waiting(Waiting { ahead, average: None, without_keys: true })
        })
    }

    /// How the call ended, if it has.
    #[must_use]
    pub fn ended(&self) -> Option<CallEnd> {
        match self.call_status.as_deref()? {
            "completed" => Some(CallEnd::Completed),
            "busy" | "failed" | "no-answer" => Some(CallEnd::Failed),
            _ => None,
        }
    }

    /// Webhooks come late, too: what was pressed before the caller hung up is no longer asked for.
    fn unless_over(&self, event: impl FnOnce() -> Event) -> Event {
        if self.ended().is_some() { Event::HungUp } else { event() }
    }
}

/// A text; anything else that stands in its place is none.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<str>>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text.into()),
        _ => None,
    })
}

/// A whole number from nought on; anything else that stands in its place is none.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_u64())
}

/// A webhook that does not say which call it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call has no id, or none that the platform gives")]
pub struct UnknownCall;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::telephony::testing::{Heard, heard};

    /// What the feature server sends of a call that comes in, shortened; its account and call are made up.
    const CALL: &str = r#"{"sip":{"headers":{"via":"SIP/2.0/UDP 10.0.0.1","x-digits":"12"},"body":"v=0\r\n","method":"INVITE"},
        "direction":"inbound","call_sid":"b6f48929-8e86-4d62-ae3b-64fb574d91f6","account_sid":"2a0b","application_sid":"7f1c",
        "from":"13800138000","to":"12333","caller_name":"Köln","call_id":"99e5","sip_status":100,"sip_reason":"Trying",
        "call_status":"trying","originating_sip_ip":"198.51.100.7:5060","local_sip_address":"10.0.0.2:5070",
        "service_provider_sid":"27a1","defaults":{"synthesizer":{"vendor":"google","language":"cmn-CN"}}}"#;

    fn hook(body: &str) -> Hook {
        Hook::parse(body.as_bytes()).unwrap_or_else(|| panic!("{body}"))
    }

    fn keys(body: &str) -> Heard {
        heard(hook(body).keys())
    }

    fn pressed(digits: &str) -> Heard {
        Heard::Keys(digits.into(), false)
    }

    #[test]
    fn a_call_that_comes_in_is_read() {
        let hook = hook(CALL);
        let call = hook.call().unwrap();
        assert_eq!((call.dialect, &*call.id), ("jambonz", "b6f48929-8e86-4d62-ae3b-64fb574d91f6"));
        assert_eq!((&*call.dialled, call.caller), ("12333", Caller::Number("13800138000".into())));
        assert_eq!(hook.ended(), None);
        assert!(!hook.is_of_another_leg());
    }

    #[test]
    fn keys_silence_and_the_finish_key_alone_are_told_apart() {
        assert_eq!(keys(r#"{"reason":"dtmfDetected","digits":"007"}"#), pressed("007"));
        assert_eq!(keys(r#"{"reason":"dtmfDetected","digits":"11010519491231002*"}"#), pressed("11010519491231002*"));
        assert_eq!(keys(r#"{"reason":"dtmfDetected","digits":""}"#), Heard::Keys(String::new(), true));
        assert_eq!(keys(r#"{"reason":"dtmfDetected"}"#), Heard::Keys(String::new(), true));
        assert_eq!(keys(r#"{"reason":"timeout"}"#), Heard::Silence);
        assert_eq!(keys(r#"{"reason":"timeout","digits":"12"}"#), pressed("12"), "not lost, should they ever be told");
        assert_eq!(keys(r#"{"reason":"timeout","digits":null}"#), Heard::Silence);
        for nothing in ["{}", r#"{"reason":"error","details":{}}"#, r#"{"reason":"stt-low-confidence"}"#] {
            assert_eq!(keys(nothing), Heard::Silence, "{nothing}");
        }
        for garbled in ["hangup", "1+2", "-1", "X", "１Ａ", "1 2"] {
            assert_eq!(keys(&format!(r#"{{"digits":"{garbled}"}}"#)), Heard::Garbled, "{garbled}");
        }
        assert_eq!(keys(&format!(r#"{{"digits":"{}"}}"#, "1".repeat(64))), pressed(&"1".repeat(64)));
        assert_eq!(keys(&format!(r#"{{"digits":"{}"}}"#, "1".repeat(65))), Heard::Garbled);
    }

    #[test]
    fn what_is_no_webhook_is_not_read() {
        for odd in
            ["", "null", "[]", "1", "{", r#"{"call_sid":"a","call_sid":"b"}"#, r#"{"digits":12}"#, "{}x", "\u{feff}{}"]
        {
            assert!(Hook::parse(odd.as_bytes()).is_none(), "{odd}");
        }
        assert!(Hook::parse(b"{\"digits\":\"\xff\"}").is_none());
        // What is not read may be as deep as it likes: it is passed over. What is read may not.
        let deep = |name: &str| format!("{{\"{name}\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(Hook::parse(deep("sip").as_bytes()).is_some());
        assert!(Hook::parse(deep("from").as_bytes()).is_none());
        // What is read and of another kind counts as not told.
        let odd =
            hook(r#"{"call_sid":"c","from":{"name":"x"},"to":7,"queue_position":"1","dial_call_duration":-3,"x":1}"#);
        let call = odd.call().unwrap();
        assert_eq!((call.caller, &*call.dialled), (Caller::Withheld, ""));
    }

    #[test]
    fn a_late_webhook_tells_that_the_caller_hung_up() {
        for status in ["completed", "busy", "failed", "no-answer"] {
            let body = format!(
                r#"{{"call_status":"{status}","digits":"1","dial_call_status":"completed","queue_result":"leave"}}"#
            );
            let hook = hook(&body);
            for event in [hook.keys(), hook.transfer(), hook.queue(), hook.waiting()] {
                assert_eq!(heard(event), Heard::HungUp, "{status}");
            }
            assert!(!hook.is_silence());
        }
        for status in ["trying", "ringing", "early-media", "in-progress", "queued", "new-one", ""] {
            assert_eq!(keys(&format!(r#"{{"call_status":"{status}","digits":"1"}}"#)), pressed("1"), "{status}");
        }
    }

    #[test]
    fn a_transfer_ends_talked_or_not_answered() {
        let ended = |body: &str| heard(hook(body).transfer());
        assert_eq!(
            ended(r#"{"dial_call_status":"completed","call_status":"in-progress"}"#),
            Heard::Ended(TransferEnd::Talked)
        );
        for status in ["failed", "busy", "no-answer", "trying", "ringing", "early-media", "in-progress", ""] {
            let body = format!(r#"{{"dial_call_status":"{status}"}}"#);
            assert_eq!(ended(&body), Heard::Ended(TransferEnd::NotAnswered), "{status}");
        }
        assert_eq!(ended("{}"), Heard::Ended(TransferEnd::NotAnswered));
    }

    #[test]
    fn a_queue_ends_in_every_way_there_is() {
        let ended = |result: &str| {
            heard(hook(&format!(r#"{{"call_status":"in-progress","queue_result":"{result}","queue_time":9}}"#)).queue())
        };
        for result in ["bridged", "hangup"] {
            assert_eq!(ended(result), Heard::Ended(TransferEnd::Talked), "{result}");
        }
        assert_eq!(ended("leave"), Heard::Ended(TransferEnd::Left));
        for result in ["error", "news", ""] {
            assert_eq!(ended(result), Heard::Ended(TransferEnd::NotAnswered), "{result}");
        }
        assert_eq!(heard(hook("{}").queue()), Heard::Ended(TransferEnd::NotAnswered));
    }

    #[test]
    fn whoever_waits_is_told_their_place_and_asked_nothing() {
        let waiting = |body: &str| match hook(body).waiting() {
            Event::Waiting(Waiting { ahead, average: None, without_keys: true }) => ahead,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            waiting(r#"{"queue_sid":"queue:a:agents","queue_time":9,"queue_size":4,"queue_position":2}"#),
            Some(2)
        );
        assert_eq!(waiting(r#"{"queue_position":0}"#), Some(0));
        for odd in ["{}", r#"{"queue_position":-1}"#, r#"{"queue_position":70000}"#, r#"{"queue_position":1.5}"#] {
            assert_eq!(waiting(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_recording_outlives_its_call_and_nothing_is_none() {
        let told = |body: &str| match hook(body).recorded(Secret::new("r")) {
            Event::Recorded { recording, hung_up } => {
                Ok((recording.map(|r| (r.reference.expose().to_owned(), r.seconds)), hung_up))
            }
            other => Err(heard(other)),
        };
        let recording = |seconds| Some(("r".to_owned(), seconds));
        assert_eq!(told(r##"{"dial_call_duration":7,"digits":"#"}"##), Ok((recording(7), false)));
        assert_eq!(told(r#"{"dial_call_duration":7,"call_status":"completed"}"#), Ok((recording(7), true)));
        for nothing in
            ["{}", r#"{"dial_call_duration":0}"#, r#"{"dial_call_duration":-1}"#, r#"{"dial_call_duration":"7"}"#]
        {
            assert_eq!(told(nothing), Ok((None, false)), "{nothing}");
        }
        assert_eq!(told(r#"{"call_status":"completed"}"#), Err(Heard::HungUp));
    }

    #[test]
    fn a_call_needs_an_id() {
        let call = |id: &str| hook(&format!(r#"{{"call_sid":"{id}"}}"#)).call().map(|call| call.id);
        assert_eq!(call("c-1_A"), Ok("c-1_A".into()));
        assert_eq!(call(&"a".repeat(64)), Ok("a".repeat(64).into()));
        for odd in ["", "a b", "a/b", "a\\n", "一", &"a".repeat(65)] {
            assert_eq!(call(odd), Err(UnknownCall), "{odd}");
        }
        for none in ["{}", r#"{"call_sid":null}"#, r#"{"call_sid":7}"#] {
            assert!(hook(none).call().is_err(), "{none}");
        }
        assert_eq!(&*hook(r#"{"call_sid":"c","to":"12333\r\nok"}"#).call().unwrap().dialled, "");
        assert!(hook(r#"{"call_sid":"b","parent_call_sid":"a"}"#).is_of_another_leg());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_not(body in any::<Vec<u8>>()) {
            if let Some(hook) = Hook::parse(&body) {
                let _ = (hook.call(), hook.keys(), hook.transfer(), hook.queue(), hook.waiting(), hook.ended());
            }
        }

        #[test]
        fn any_digits_are_keys_or_garbled(digits in any::<String>(), id in any::<String>(), status in any::<String>()) {
            let body = serde_json::json!({ "call_sid": id, "digits": digits, "call_status": status, "reason": "dtmfDetected" });
            let read = hook(&body.to_string());
            match heard(read.keys()) {
                Heard::Keys(keys, finished) => prop_assert_eq!(finished, keys.is_empty()),
                Heard::Garbled => prop_assert!(!digits.is_empty()),
                Heard::HungUp => prop_assert!(read.ended().is_some()),
                other => prop_assert!(false, "{:?}", other),
            }
            if let Ok(call) = read.call() {
                prop_assert_eq!(&*call.id, id.as_str());
            }
        }
    }
}
