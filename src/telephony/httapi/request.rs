//! What happened? The parameters that FreeSWITCH posts.

use crate::call::caller::{Call, Caller};
use crate::dialog::{Event, Recording, TransferEnd};
use crate::secret::{Keys, Secret};
use crate::telephony::form::Form;

/// How a call is named to the rest of the house.
pub const DIALECT: &str = "httapi";
/// What we have it call the keys.
pub const KEYS: &str = "keys";
/// The variable that tells how placing a call went.
pub const DISPOSITION: &str = "originate_disposition";
/// The variable that tells how long a recording is.
pub const RECORDED: &str = "record_seconds";
/// What is read. It posts more: its own name, whatever the dialplan gave it, all of the channel if it is told to.
const READ: [&str; 8] = [
    "session_id",
    "Caller-Caller-ID-Number",
    "Caller-Destination-Number",
    "exiting",
    "input_type",
    KEYS,
    DISPOSITION,
    RECORDED,
];
/// Longer than the id of any call.
const LONGEST_CALL: usize = 128;

/// A request. Not to be printed: there may be a PIN in it.
pub struct Request(Form);

impl Request {
    /// Reads a body. Every text is one.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        Self(Form::parse(body))
    }

    /// Which call it is about.
    ///
    /// # Errors
    /// The call's id is missing, there with two values, longer than 128 characters or has others than letters, digits, `-`, `_` and `.`.
    pub fn call(&self) -> Result<Call, UnknownCall> {
        let is_id = |id: &&str| {
            (1..=LONGEST_CALL).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        let id =
            self.0.get("session_id").filter(is_id).filter(|_| !self.0.contradicts_itself(&READ)).ok_or(UnknownCall)?;
        let dialled = self.0.get("Caller-Destination-Number");
        let dialled = dialled.filter(|to| to.len() <= 128 && !to.contains(char::is_control));
        Ok(Call {
            dialect: DIALECT,
            id: id.into(),
            caller: Caller::parse(self.0.get("Caller-Caller-ID-Number").unwrap_or_default()),
            dialled: dialled.unwrap_or_default().into(),
        })
    }

    /// Whether the call is over; whatever else is told, is told of what was before.
    #[must_use]
    pub fn is_exiting(&self) -> bool {
        self.0.get("exiting") == Some("true")
    }

    /// What happened while keys were waited for.
    #[must_use]
    pub fn keys(&self) -> Event {
        match (self.0.get("input_type"), self.0.get(KEYS)) {
            // An empty parameter is not posted at all: the key that ends an entry was pressed alone.
            (Some("dtmf"), None | Some("")) => Keys::parse("", true).map_or(Event::Garbled, Event::Keys),
            (Some("dtmf"), Some(keys)) => Keys::parse(keys, false).map_or(Event::Garbled, Event::Keys),
            (None, None) => Event::Silence,
            _ => Event::Garbled,
        }
    }

    /// How a transfer ended: whether the person answered is all that is told.
    #[must_use]
    pub fn transfer(&self) -> Event {
        Event::TransferEnded(match self.0.get(DISPOSITION) {
            Some("SUCCESS" | "call accepted") => TransferEnd::Talked,
            _ => TransferEnd::NotAnswered,
        })
    }

    /// What was recorded, to be known as `reference`. It is told of a call that is over, too.
    #[must_use]
    pub fn recorded(&self, reference: Secret) -> Event {
        let hung_up = self.is_exiting();
        let seconds = self.0.get(RECORDED).and_then(|told| told.parse::<u32>().ok()).filter(|seconds| *seconds > 0);
        match seconds.map(|seconds| Recording { reference, seconds }) {
            None if hung_up => Event::HungUp,
            recording => Event::Recorded { recording, hung_up },
        }
    }
}

/// A request that does not say which call it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call has no id, or none that FreeSWITCH gives")]
pub struct UnknownCall;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::telephony::testing::{Heard, heard, hides_digits};

    /// What the module posts of a call that comes in, as `switch_caller_profile_event_set_data` names it; shortened.
    const CALL: &str = "session_id=5d0c4f4e-7c1b-4a53-9a77-0242ac120002&method=POST&url=https%3A//hotline.example/httapi/x/call\
        &hostname=fs1&Caller-Direction=inbound&Caller-Username=13800138000&Caller-Dialplan=XML&Caller-Caller-ID-Name=K%C3%B6ln\
        &Caller-Caller-ID-Number=13800138000&Caller-Network-Addr=198.51.100.7&Caller-ANI=13800138000\
        &Caller-Destination-Number=12333&Caller-Unique-ID=5d0c4f4e-7c1b-4a53-9a77-0242ac120002&Caller-Context=public&";

    fn request(body: &str) -> Request {
        Request::parse(body.as_bytes())
    }

    #[test]
    fn a_call_that_comes_in_is_read() {
        let call = request(CALL).call().unwrap();
        assert_eq!((call.dialect, &*call.id), ("httapi", "5d0c4f4e-7c1b-4a53-9a77-0242ac120002"));
        assert_eq!((&*call.dialled, call.caller), ("12333", Caller::Number("13800138000".into())));
        assert!(!request(CALL).is_exiting() && request(&format!("{CALL}exiting=true")).is_exiting());
        for odd in
            ["", "session_id=", "session_id=a+b", "session_id=a&session_id=b", "session_id=a&exiting=1&exiting=true"]
        {
            assert_eq!(request(odd).call().map(|call| call.id), Err(UnknownCall), "{odd}");
        }
        assert!(request(&format!("session_id={}", "a".repeat(129))).call().is_err());
        // What holds for all of the call may be posted with what holds for once, too.
        assert!(request("session_id=a&session_id=a&input_type=dtmf&keys=1").call().is_ok());
    }

    #[test]
    fn keys_silence_and_the_finish_key_alone_are_told_apart() {
        let keys = |body: &str| heard(request(&format!("{CALL}{body}")).keys());
        assert_eq!(keys("keys=007&input_type=dtmf"), Heard::Keys("007".into(), false));
        assert_eq!(keys("keys=11010519491231002*&input_type=dtmf"), Heard::Keys("11010519491231002*".into(), false));
        assert_eq!(keys("keys=%23&input_type=dtmf"), Heard::Keys("#".into(), false));
        assert_eq!(keys("input_type=dtmf"), Heard::Keys(String::new(), true));
        assert_eq!(keys("keys=&input_type=dtmf"), Heard::Keys(String::new(), true));
        assert_eq!(keys(""), Heard::Silence);
        for garbled in
            ["keys=invalid&input_type=invalid", "keys=1", "keys=A&input_type=dtmf", "keys=1&input_type=detected_speech"]
        {
            assert_eq!(keys(garbled), Heard::Garbled, "{garbled}");
        }
        assert_eq!(keys(&format!("keys={}&input_type=dtmf", "1".repeat(65))), Heard::Garbled);
    }

    #[test]
    fn a_transfer_ends_talked_or_not_answered() {
        let ended = |body: &str| heard(request(body).transfer());
        assert_eq!(ended("originate_disposition=SUCCESS"), Heard::Ended(TransferEnd::Talked));
        for told in ["originate_disposition=NO_ANSWER", "originate_disposition=USER_BUSY", "originate_disposition=", ""]
        {
            assert_eq!(ended(told), Heard::Ended(TransferEnd::NotAnswered), "{told}");
        }
    }

    #[test]
    fn a_recording_outlives_its_call_and_nothing_is_none() {
        let told = |body: &str| match request(body).recorded(Secret::new("r")) {
            Event::Recorded { recording, hung_up } => Ok((recording.map(|r| r.seconds), hung_up)),
            other => Err(heard(other)),
        };
        assert_eq!(told("record_seconds=7"), Ok((Some(7), false)));
        assert_eq!(told("record_seconds=7&exiting=true"), Ok((Some(7), true)));
        for nothing in ["", "record_seconds=0", "record_seconds=-1", "record_seconds=x"] {
            assert_eq!(told(nothing), Ok((None, false)), "{nothing}");
        }
        assert_eq!(told("exiting=true"), Err(Heard::HungUp));
    }

    proptest! {
        #[test]
        fn every_body_is_read(body in prop::collection::vec(any::<u8>(), 0..400)) {
            let request = Request::parse(&body);
            let _ = (request.call(), request.keys(), request.transfer(), request.recorded(Secret::new("r")), request.is_exiting());
        }

        #[test]
        fn whatever_is_keyed_is_a_keys_event_or_garbled(kind in "(dtmf|invalid|[a-z]{0,4})", keys in "\\PC{0,80}") {
            let mut form = form_urlencoded::Serializer::new(String::new());
            let body = form.append_pair("input_type", &kind).append_pair("keys", &keys).finish();
            prop_assert!(matches!(Request::parse(body.as_bytes()).keys(), Event::Keys(_) | Event::Garbled));
        }

        #[test]
        fn what_is_keyed_is_not_shown(keys in "[0-9A-D*#]{1,70}") {
            let told = request(&format!("session_id=a&input_type=dtmf&keys={keys}"));
            prop_assert!(hides_digits(&(told.call(), told.keys(), told.transfer(), told.recorded(Secret::new("r")))));
        }
    }
}
