//! What happened? The parameters of a webhook.

use crate::call::caller::{Call, CallEnd, Caller};
use crate::dialog::{Event, Recording, TransferEnd};
use crate::secret::{Keys, Secret};
use crate::telephony::form;

/// How a call is named to the rest of the house.
pub const DIALECT: &str = "plivo";

/// The parameters that are read. The platform adds others as it pleases; they are signed, and otherwise nothing to us.
const READ: [&str; 10] = [
    "CallStatus",
    "CallUUID",
    "DialStatus",
    "Digits",
    "From",
    "InputType",
    "RecordUrl",
    "RecordingDuration",
    "RecordingID",
    "To",
];
/// Longer than the id of any call, or recording.
const LONGEST_ID: usize = 128;

/// The parameters of a form post, in order. Not to be printed: there are PINs among them.
pub struct Form(form::Form);

impl Form {
    /// Reads an `application/x-www-form-urlencoded` body. Every text is one; what no one can mean is left as U+FFFD.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        Self(form::Form::parse(body))
    }

    /// Names and values, decoded, in order.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        self.0.pairs()
    }

    /// Whether a parameter that is read stands here more than once. Two answers are none: which of them the sender means,
    /// cannot be told.
    #[must_use]
    pub fn duplicated(&self) -> bool {
        self.0.has_twice(&READ)
    }

    /// Which call it is about.
    ///
    /// # Errors
    /// The call's id is missing, empty, longer than 128 characters or has others than letters, digits, `-` and `_`; or what
    /// is read here stands there twice.
    pub fn call(&self) -> Result<Call, UnknownCall> {
        let id = self.get("CallUUID").filter(|id| is_id(id) && !self.duplicated()).ok_or(UnknownCall)?;
        let dialled = self.get("To").filter(|to| to.len() <= 128 && !to.contains(char::is_control));
        Ok(Call {
            dialect: DIALECT,
            id: id.into(),
            caller: Caller::parse(self.get("From").unwrap_or_default()),
            dialled: dialled.unwrap_or_default().into(),
        })
    }

    /// What happened while keys were waited for.
    #[must_use]
    pub fn keys(&self) -> Event {
        self.unless_over(|| {
            let digits = self.get("Digits").unwrap_or_default();
            // Told of input, and none there: the finish key was pressed alone. After others it is not told.
            let finished = digits.is_empty() && self.get("InputType").is_some_and(|kind| !kind.is_empty());
            match digits {
                "" if !finished => Event::Silence,
                digits => Keys::parse(digits, finished).map_or(Event::Garbled, Event::Keys),
            }
        })
    }

    /// How a transfer ended.
    #[must_use]
    pub fn transfer(&self) -> Event {
        self.unless_over(|| {
            Event::TransferEnded(match self.get("DialStatus") {
                Some("completed") => TransferEnd::Talked,
                // busy, failed, timeout, no-answer, cancel, and what is yet to be invented.
                _ => TransferEnd::NotAnswered,
            })
        })
    }

    /// How waiting in a queue ended, where there is none.
    #[must_use]
    pub fn queue(&self) -> Event {
        self.unless_over(|| Event::TransferEnded(TransferEnd::NotAnswered))
    }

    /// What was recorded; it is told of a call that is over, too.
    #[must_use]
    pub fn recorded(&self) -> Event {
        if self.duplicated() {
            return Event::Garbled;
        }
        let hung_up = self.ended().is_some();
        match self.recording() {
            None if hung_up => Event::HungUp,
            recording => Event::Recorded { recording, hung_up },
        }
    }

    /// What is told beside the call: a recording that is ready.
    #[must_use]
    pub fn ready_recording(&self) -> Option<Recording> {
        if self.duplicated() { None } else { self.recording() }
    }

    /// How the call ended, if it has.
    #[must_use]
    pub fn ended(&self) -> Option<CallEnd> {
        match self.get("CallStatus")? {
            "completed" => Some(CallEnd::Completed),
            "busy" | "failed" | "timeout" | "no-answer" | "cancel" => Some(CallEnd::Failed),
            _ => None,
        }
    }

    /// By the platform's own name for it: as it is told, or as it stands at the end of the address. It is only ever named,
    /// never fetched.
    fn recording(&self) -> Option<Recording> {
        let of_address = || {
            let file = self.get("RecordUrl")?.split(['?', '#']).next()?.rsplit('/').next()?;
            Some(file.rsplit_once('.').map_or(file, |(name, _)| name))
        };
        let told = self.get("RecordingID").filter(|id| !id.is_empty());
        let id = told.or_else(of_address).filter(|id| is_id(id))?;
        // Not told: as long as nothing says that it is empty, it is not lost.
        let seconds = match self.get("RecordingDuration").unwrap_or_default() {
            "" => 0,
            told => told.split('.').next()?.parse().ok().filter(|seconds| *seconds > 0)?,
        };
        Some(Recording { reference: Secret::new(format!("{DIALECT}:{id}")), seconds })
    }

    /// The first value of a name.
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)
    }

    /// Webhooks come late, too: what was pressed before the caller hung up is no longer asked for.
    fn unless_over(&self, event: impl FnOnce() -> Event) -> Event {
        if self.duplicated() {
            Event::Garbled
        } else if self.ended().is_some() {
            Event::HungUp
        } else {
            event()
        }
    }
}

fn is_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
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

    /// As the documents list the parameters; the call is made up.
    const CALL: &str = "CallUUID=b5c2a5a2-1e6a-4b1c-9d7e-0a1b2c3d4e5f&From=8613800138000&To=861012333&CallStatus=ringing\
        &Direction=inbound&Event=StartApp&ForwardedFrom=&CallerName=K%C3%B6ln&ALegUUID=b5c2a5a2";

    fn form(body: &str) -> Form {
        Form::parse(body.as_bytes())
    }

    fn keys(body: &str) -> Heard {
        heard(form(body).keys())
    }

    fn pressed(digits: &str) -> Heard {
        Heard::Keys(digits.into(), false)
    }

    #[test]
    fn a_call_that_comes_in_is_read() {
        let form = form(CALL);
        let call = form.call().unwrap();
        assert_eq!((call.dialect, &*call.id), ("plivo", "b5c2a5a2-1e6a-4b1c-9d7e-0a1b2c3d4e5f"));
        assert_eq!((&*call.dialled, call.caller), ("861012333", Caller::Number("8613800138000".into())));
        assert_eq!(form.ended(), None);
    }

    #[test]
    fn keys_silence_and_the_finish_key_alone_are_told_apart() {
        assert_eq!(keys("Digits=007&InputType=dtmf"), pressed("007"));
        assert_eq!(keys("Digits=11010519491231002%2A&InputType=dtmf"), pressed("11010519491231002*"));
        assert_eq!(keys("Digits=%23&InputType=dtmf"), pressed("#"));
        assert_eq!(keys("Digits=&InputType=dtmf"), Heard::Keys(String::new(), true));
        assert_eq!(keys("InputType=dtmf"), Heard::Keys(String::new(), true));
        for nothing in ["", "Digits=", "InputType=", "Event=Redirect&CallStatus=in-progress"] {
            assert_eq!(keys(nothing), Heard::Silence, "{nothing}");
        }
        for garbled in ["hangup", "1%2B2", "-1", "X", "%EF%BC%A1", "1+2", "1%00"] {
            assert_eq!(keys(&format!("Digits={garbled}&InputType=dtmf")), Heard::Garbled, "{garbled}");
        }
        assert_eq!(keys(&format!("Digits={}", "1".repeat(64))), pressed(&"1".repeat(64)));
        assert_eq!(keys(&format!("Digits={}", "1".repeat(65))), Heard::Garbled);
    }

    #[test]
    fn two_answers_are_none() {
        for body in ["Digits=1&Digits=2", "Digits=1&CallUUID=a&CallUUID=a", "Digits=1&InputType=dtmf&InputType="] {
            assert_eq!(keys(body), Heard::Garbled, "{body}");
            assert!(matches!(form(body).recorded(), Event::Garbled));
            assert!(form(body).ready_recording().is_none() && form(body).call().is_err());
        }
        assert_eq!(keys("Digits=1&digits=2&Extra=1&Extra=2"), pressed("1"));
    }

    #[test]
    fn what_is_no_call_is_none() {
        for odd in ["", "CallUUID=", "CallUUID=a+b", "CallUUID=%00", "calluuid=a", "CallUUID=王"] {
            assert_eq!(form(odd).call().err(), Some(UnknownCall), "{odd}");
        }
        assert!(form(&format!("CallUUID={}", "a".repeat(129))).call().is_err());
        let odd = form("CallUUID=a&From=anonymous&To=1%0a2").call().unwrap();
        assert_eq!((odd.caller, &*odd.dialled), (Caller::Withheld, ""));
    }

    #[test]
    fn a_late_webhook_tells_that_the_caller_hung_up() {
        for status in ["completed", "busy", "failed", "timeout", "no-answer", "cancel"] {
            let form = form(&format!("CallStatus={status}&Digits=1&InputType=dtmf&DialStatus=completed"));
            for event in [form.keys(), form.transfer(), form.queue(), form.recorded()] {
                assert_eq!(heard(event), Heard::HungUp, "{status}");
            }
        }
        for status in ["ringing", "in-progress", "new-one", ""] {
            assert_eq!(keys(&format!("CallStatus={status}&Digits=1")), pressed("1"), "{status}");
        }
    }

    #[test]
    fn a_transfer_ends_talked_or_not_answered() {
        let ended = |body: &str| heard(form(body).transfer());
        assert_eq!(ended("DialStatus=completed&CallStatus=in-progress"), Heard::Ended(TransferEnd::Talked));
        for status in ["busy", "failed", "timeout", "no-answer", "cancel", "news", ""] {
            assert_eq!(ended(&format!("DialStatus={status}")), Heard::Ended(TransferEnd::NotAnswered), "{status}");
        }
        assert_eq!(ended(""), Heard::Ended(TransferEnd::NotAnswered));
        assert_eq!(heard(form("").queue()), Heard::Ended(TransferEnd::NotAnswered));
    }

    #[test]
    fn a_recording_is_named_and_nothing_is_none() {
        let told = |body: &str| match form(body).recorded() {
            Event::Recorded { recording, hung_up } => {
                (recording.map(|r| (r.reference.expose().to_owned(), r.seconds)), hung_up)
            }
            other => panic!("{:?}", heard(other)),
        };
        let recording = |seconds| Some(("plivo:6ee1a2b3-0c4d".to_owned(), seconds));
        let address = "RecordUrl=https%3A%2F%2Fmedia.plivo.com%2Fv1%2FAccount%2FMA0%2FRecording%2F6ee1a2b3-0c4d.mp3";
        assert_eq!(told("RecordingID=6ee1a2b3-0c4d&RecordingDuration=7"), (recording(7), false));
        assert_eq!(told(&format!("{address}&RecordingDuration=7.9&Digits=%23")), (recording(7), false));
        assert_eq!(told(address), (recording(0), false), "not told how long");
        assert_eq!(told(&format!("{address}&CallStatus=completed")), (recording(0), true));
        for nothing in [
            "",
            "RecordingID=6ee1a2b3-0c4d&RecordingDuration=0",
            "RecordingID=6ee1a2b3-0c4d&RecordingDuration=-1",
            "RecordingID=a+b&RecordingDuration=7",
            "RecordUrl=https%3A%2F%2Fmedia.plivo.com%2F&RecordingDuration=7",
        ] {
            assert_eq!(told(nothing), (None, false), "{nothing}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_read_and_nothing_panics(body in prop::collection::vec(any::<u8>(), 0..200), known in "[a-zA-Z=&%0-9*#-]{0,80}") {
            for body in [body, [b"CallUUID=a&Digits=".to_vec(), known.clone().into_bytes()].concat(), known.into_bytes()] {
                let form = Form::parse(&body);
                let _ = (form.call(), form.keys(), form.transfer(), form.queue(), form.recorded(), form.ended());
                let _ = form.ready_recording();
            }
        }

        #[test]
        fn what_is_keyed_is_not_shown(digits in "[0-9A-D*#]{1,70}") {
            let form = form(&format!("CallUUID=a&Digits={digits}&InputType=dtmf"));
            prop_assert!(matches!(form.keys(), Event::Keys(_) | Event::Garbled));
            prop_assert!(hides_digits(&(form.call(), form.keys(), form.transfer(), form.queue(), form.recorded())));
        }
    }
}
