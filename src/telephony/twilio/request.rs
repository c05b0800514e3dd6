//! What happened? The parameters of a webhook.

use std::time::Duration;

use zeroize::Zeroize;

use super::profile::{Can, Profile, Recordings};
use crate::call::caller::{Call, CallEnd, Caller};
use crate::dialog::{Event, Recording, TransferEnd, Waiting};
use crate::secret::{Keys, Secret};

/// The parameters that are read, beside those that platforms call by names of their own. They add others as they please; they
/// are signed, and otherwise nothing to us.
const READ: [&str; 11] = [
    "AccountSid",
    "AvgQueueTime",
    "DialCallStatus",
    "FinishedOnKey",
    "Hangup-Cause",
    "QueuePosition",
    "QueueResult",
    "RecordingDuration",
    "RecordingSid",
    "RecordingStatus",
    "RecordingUrl",
];
/// Longer than the id of any recording.
const LONGEST_RECORDING: usize = 128;

/// The parameters of a form post, in order. Not to be printed: there are PINs among them.
pub struct Form {
    pairs: Vec<(String, String)>,
    profile: &'static Profile,
}

impl Form {
    /// Reads an `application/x-www-form-urlencoded` body. Every text is one; what no one can mean is left as U+FFFD.
    #[must_use]
    pub fn parse(profile: &'static Profile, body: &[u8]) -> Self {
        Self { pairs: form_urlencoded::parse(body).into_owned().collect(), profile }
    }

    /// Names and values, decoded, in order.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// The first value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter that is read stands here more than once. Two answers are none: which of them the sender means,
    /// cannot be told.
    #[must_use]
    pub fn duplicated(&self) -> bool {
        let words = &self.profile.words;
        let own = [words.call, words.caller, words.dialled, words.digits, words.state].into_iter().flatten();
        READ.iter().chain(own).any(|name| self.count(name) > 1)
    }

    /// The first value of the first of `names` that was sent.
    fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }

    fn count(&self, name: &str) -> usize {
        self.pairs.iter().filter(|(n, _)| n == name).count()
    }

    /// Which call it is about.
    ///
    /// # Errors
    /// The call's id is missing, empty, there twice, longer than the platform's are, or has other characters.
    pub fn call(&self) -> Result<Call, UnknownCall> {
        let words = &self.profile.words;
        let id = self.first(words.call).ok_or(UnknownCall::Missing)?;
        if words.call.iter().any(|name| self.count(name) > 1) {
            return Err(UnknownCall::Twice);
        }
        let is_of_id = |b: u8| b.is_ascii_alphanumeric() || words.in_call.contains(&b);
        if !(1..=words.longest_call).contains(&id.len()) || !id.bytes().all(is_of_id) {
            return Err(UnknownCall::Malformed);
        }
        let dialled = self.first(words.dialled).filter(|to| to.len() <= 128 && !to.contains(char::is_control));
        Ok(Call {
            dialect: self.profile.dialect,
            id: id.into(),
            caller: Caller::parse(self.first(words.caller).unwrap_or_default()),
            dialled: dialled.unwrap_or_default().into(),
        })
    }

    /// What happened while keys were waited for.
    #[must_use]
    pub fn keys(&self) -> Event {
        self.unless_over(|| {
            let finish = self.get("FinishedOnKey").unwrap_or_default();
            // `FinishedOnKey` is sent but not documented. Where it is missing, an entry counts as ended by time or by length.
            let finished = !finish.is_empty();
            match self.digits() {
                "" if !finished => Event::Silence,
                digits => Keys::parse(digits, finished).map_or(Event::Garbled, Event::Keys),
            }
        })
    }

    /// The keys. No key is a quotation mark: Exotel puts them into some.
    fn digits(&self) -> &str {
        let digits = self.first(self.profile.words.digits).unwrap_or_default();
        digits.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(digits)
    }

    /// How a transfer ended.
    #[must_use]
    pub fn transfer(&self) -> Event {
        // Where the state told is not the caller's, it is that of the call that was placed last.
        let of_state = || self.first(self.profile.words.state).filter(|_| !self.profile.can(Can::TellState));
        self.unless_over(|| {
            Event::TransferEnded(match self.get("DialCallStatus").or_else(of_state) {
                Some("completed" | "answered") => TransferEnd::Talked,
                _ => TransferEnd::NotAnswered,
            })
        })
    }

    /// What was recorded. It is told of a call that is over, too: `hangup` stands where the key that ended it would.
    #[must_use]
    pub fn recorded(&self) -> Event {
        if self.duplicated() {
            return Event::Garbled;
        }
        let hung_up = self.ended().is_some() || self.digits() == "hangup";
        match self.recording() {
            None if hung_up => Event::HungUp,
            recording => Event::Recorded { recording, hung_up },
        }
    }

    /// What is told beside the call: a recording that is complete.
    #[must_use]
    pub fn completed_recording(&self) -> Option<Recording> {
        let complete = !self.duplicated() && self.get("RecordingStatus") == Some("completed");
        complete.then(|| self.recording()).flatten()
    }

    fn recording(&self) -> Option<Recording> {
        let reference = match self.profile.recordings {
            Recordings::Addresses => {
                self.get("RecordingUrl").filter(|url| is_recording(url, self.get("AccountSid")))?.to_owned()
            }
            Recordings::Ids => format!("{}:{}", self.profile.dialect, self.recording_id()?),
        };
        // Not told: as long as nothing says that it is empty, it is not lost.
        let seconds = match self.get("RecordingDuration").unwrap_or_default() {
            "" => 0,
            told => told.parse().ok().filter(|seconds| *seconds > 0)?,
        };
        Some(Recording { reference: Secret::new(reference), seconds })
    }

    /// The platform's own name for what was recorded: as it is told, or as it stands at the end of the address.
    fn recording_id(&self) -> Option<&str> {
        let of_address = || {
            let address = self.get("RecordingUrl")?.split(['?', '#']).next()?;
            address.rsplit('/').next()
        };
        let is_id = |id: &&str| {
            (1..=LONGEST_RECORDING).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        self.get("RecordingSid").or_else(of_address).filter(is_id)
    }

    /// How waiting in a queue ended. Somebody took the call and is done with it, or nobody will; which of the ways a queue
    /// can fail it was, is nothing to the caller.
    #[must_use]
    pub fn queue(&self) -> Event {
        self.unless_over(|| match self.get("QueueResult") {
            Some("bridged" | "redirected-from-bridged") => Event::TransferEnded(TransferEnd::Talked),
            Some("leave") => Event::TransferEnded(TransferEnd::Left),
            Some("hangup") => Event::HungUp,
            // error, system-error, queue-full, redirected, bridging-in-process, and what is yet to be invented.
            _ => Event::TransferEnded(TransferEnd::NotAnswered),
        })
    }

    /// What happened while waiting in a queue: a key, or nothing but that time has passed.
    #[must_use]
    pub fn waiting(&self) -> Event {
        match self.keys() {
            Event::Silence => {
                let number = |name| self.get(name).and_then(|text| text.parse::<u16>().ok());
                Event::Waiting(Waiting {
                    // Counted from one, oneself included.
                    ahead: number("QueuePosition").and_then(|position| position.checked_sub(1)),
                    average: number("AvgQueueTime").map(|seconds| Duration::from_secs(seconds.into())),
                    without_keys: false,
                })
            }
            event => event,
        }
    }

    /// How the call ended, if it has.
    #[must_use]
    pub fn ended(&self) -> Option<CallEnd> {
        if !self.profile.can(Can::TellState) {
            // What is told when it is over tells why.
            return self.get("Hangup-Cause").map(|_| CallEnd::Completed);
        }
        match self.first(self.profile.words.state)? {
            "completed" => Some(CallEnd::Completed),
            "busy" | "failed" | "no-answer" | "canceled" => Some(CallEnd::Failed),
            _ => None,
        }
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

/// Whether `url` names a recording of `account` on the platform itself. It is only ever named, never fetched; what names
/// another place is not taken at all.
fn is_recording(url: &str, account: Option<&str>) -> bool {
    let id = |text: &str, kind: &str| {
        text.strip_prefix(kind).is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let Some(account) = account.filter(|account| id(account, "AC")) else { return false };
    let Some((host, path)) = url.strip_prefix("https://").and_then(|rest| rest.split_once('/')) else { return false };
    // api.twilio.com, or that of a region: api.ie1.twilio.com.
    let region = host.strip_prefix("api.").and_then(|rest| rest.strip_suffix("twilio.com"));
    let is_region = |region: &str| region.len() <= 16 && region.bytes().all(|b| b.is_ascii_alphanumeric());
    let is_host = region.is_some_and(|r| r.is_empty() || r.strip_suffix('.').is_some_and(is_region));
    let recording = path
        .strip_prefix("2010-04-01/Accounts/")
        .and_then(|rest| rest.strip_prefix(account))
        .and_then(|rest| rest.strip_prefix("/Recordings/"));
    is_host && recording.is_some_and(|recording| id(recording, "RE"))
}

impl Drop for Form {
    fn drop(&mut self) {
        for (_, value) in &mut self.pairs {
            value.zeroize();
        }
    }
}

/// A webhook that does not say which call it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownCall {
    /// There is no id.
    #[error("the call has no id")]
    Missing,
    /// There are two.
    #[error("the call has two ids")]
    Twice,
    /// It is none that the platform gives.
    #[error("the call's id is none that the platform gives")]
    Malformed,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::telephony::testing::{Heard, heard};
    use crate::telephony::twilio::profile::{EXOTEL, KAZOO, SIGNALWIRE, SOMLENG, TELNYX, TWILIO};

    /// A body as it was captured from Twilio, its account and call made up.
    const CAPTURED: &str = "AccountSid=AC0&ApiVersion=2010-04-01&CallSid=CA65a1&CallStatus=in-progress&Called=%2B12248033558\
        &CalledCity=&CalledVia=%2B49494949494912248033558&Caller=%2B49221669549907&CallerState=K%C3%B6ln&Digits=123456\
        &Direction=inbound&FinishedOnKey=&ForwardedFrom=%2B49494949494912248033558&From=%2B49221669549907\
        &To=%2B12248033558&ToZip=&msg=Gather+End";

    fn keys(body: &str) -> Heard {
        heard(Form::parse(&TWILIO, body.as_bytes()).keys())
    }

    fn pressed(digits: &str) -> Heard {
        Heard::Keys(digits.into(), false)
    }

    #[test]
    fn a_captured_webhook_is_read() {
        let form = Form::parse(&TWILIO, CAPTURED.as_bytes());
        let call = form.call().unwrap();
        assert_eq!((call.dialect, &*call.id, &*call.dialled), ("twilio", "CA65a1", "+12248033558"));
        assert_eq!(call.caller, Caller::Number("+49221669549907".into()));
        assert_eq!(form.get("CallerState"), Some("Köln"));
        assert_eq!(form.get("msg"), Some("Gather End"));
        assert_eq!(heard(form.keys()), pressed("123456"));
        assert_eq!(form.ended(), None);
    }

    #[test]
    fn keys_and_what_ended_them_are_told_apart() {
        assert_eq!(keys("Digits=12&FinishedOnKey=%23"), Heard::Keys("12".into(), true));
        assert_eq!(keys("Digits=12&FinishedOnKey="), pressed("12"));
        assert_eq!(keys("Digits=12"), pressed("12"));
        // `#` alone.
        assert_eq!(keys("Digits=&FinishedOnKey=%23"), Heard::Keys(String::new(), true));
        assert_eq!(keys("Digits=%23&FinishedOnKey="), pressed("#"));
        assert_eq!(keys("Digits=&FinishedOnKey="), Heard::Silence);
        assert_eq!(keys("Digits="), Heard::Silence);
        assert_eq!(keys("CallSid=CA1"), Heard::Silence);
    }

    #[test]
    fn odd_digits_are_keys_or_garbled() {
        assert_eq!(keys("Digits=11010519491231002*"), pressed("11010519491231002*"));
        assert_eq!(keys("Digits=%EF%BC%91%EF%BC%92%EF%BC%8A"), pressed("12*"), "full-width");
        assert_eq!(keys("Digits=007"), pressed("007"));
        for garbled in ["hangup", "%D9%A1%D9%A2", "1+2", "1%002", "12%FF", "-1", "X", "1\n"] {
            assert_eq!(keys(&format!("Digits={garbled}")), Heard::Garbled, "{garbled}");
        }
        assert_eq!(keys(&format!("Digits={}", "1".repeat(64))), pressed(&"1".repeat(64)));
        assert_eq!(keys(&format!("Digits={}", "1".repeat(65))), Heard::Garbled);
        assert_eq!(keys(&format!("Digits={}", "1".repeat(10_000))), Heard::Garbled);
    }

    #[test]
    fn two_answers_are_none() {
        for body in [
            "Digits=1&Digits=2",
            "Digits=1&Digits=1",
            "Digits=1&FinishedOnKey=&FinishedOnKey=%23",
            "Digits=1&From=1&From=2",
            "Digits=1&CallStatus=in-progress&CallStatus=completed",
        ] {
            assert!(Form::parse(&TWILIO, body.as_bytes()).duplicated(), "{body}");
            assert_eq!(keys(body), Heard::Garbled, "{body}");
        }
        assert_eq!(keys("Digits=1&digits=2"), pressed("1"), "names have their case");
        assert_eq!(keys("Digits=1&Extra=1&Extra=2"), pressed("1"), "what is not read is not judged");
        assert_eq!(
            heard(Form::parse(&TWILIO, b"DialCallStatus=completed&DialCallStatus=busy").transfer()),
            Heard::Garbled
        );
    }

    #[test]
    fn a_late_webhook_tells_that_the_caller_hung_up() {
        for status in ["completed", "busy", "failed", "no-answer", "canceled"] {
            assert_eq!(keys(&format!("Digits=1&CallStatus={status}")), Heard::HungUp, "{status}");
            let body = format!("DialCallStatus=completed&CallStatus={status}");
            assert_eq!(heard(Form::parse(&TWILIO, body.as_bytes()).transfer()), Heard::HungUp, "{status}");
        }
        for status in ["queued", "ringing", "in-progress", "new-one", ""] {
            assert_eq!(keys(&format!("Digits=1&CallStatus={status}")), pressed("1"), "{status}");
        }
    }

    #[test]
    fn a_transfer_ends_talked_or_not_answered() {
        for (status, end) in [
            ("completed", TransferEnd::Talked),
            ("answered", TransferEnd::Talked),
            ("busy", TransferEnd::NotAnswered),
            ("no-answer", TransferEnd::NotAnswered),
            ("failed", TransferEnd::NotAnswered),
            ("canceled", TransferEnd::NotAnswered),
            ("", TransferEnd::NotAnswered),
        ] {
            let body = format!("CallStatus=in-progress&DialCallStatus={status}");
            assert_eq!(heard(Form::parse(&TWILIO, body.as_bytes()).transfer()), Heard::Ended(end), "{status}");
        }
        assert_eq!(heard(Form::parse(&TWILIO, b"").transfer()), Heard::Ended(TransferEnd::NotAnswered));
    }

    /// The reference and length of what was recorded, and whether the call is over with it; or another event.
    fn recorded(body: &str) -> Result<(Option<(String, u32)>, bool), Heard> {
        match Form::parse(&TWILIO, body.as_bytes()).recorded() {
            Event::Recorded { recording, hung_up } => {
                Ok((recording.map(|r| (r.reference.expose().to_owned(), r.seconds)), hung_up))
            }
            other => Err(heard(other)),
        }
    }

    const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";

    fn recording(host: &str, path: &str) -> String {
        let url = format!("https://{host}/2010-04-01/Accounts/{path}");
        form_urlencoded::Serializer::new(String::new())
            .append_pair("AccountSid", ACCOUNT)
            .append_pair("RecordingUrl", &url)
            .finish()
    }

    #[test]
    fn a_recording_is_named_by_the_platform_alone() {
        let path = format!("{ACCOUNT}/Recordings/RE{}", "0f".repeat(16));
        let ours = recording("api.twilio.com", &path);
        let url = format!("https://api.twilio.com/2010-04-01/Accounts/{path}");
        assert_eq!(recorded(&format!("{ours}&RecordingDuration=7&Digits=%23")), Ok((Some((url.clone(), 7)), false)));
        assert_eq!(recorded(&ours), Ok((Some((url, 0)), false)));
        assert!(recorded(&recording("api.ie1.twilio.com", &path)).is_ok_and(|(recording, _)| recording.is_some()));
        for host in [
            "evil.example",
            "169.254.169.254",
            "api.twilio.com.evil.example",
            "api.twilio.com:444",
            "user@api.twilio.com",
            "api.evil/twilio.com",
            "api.a.b.twilio.com",
            "apitwilio.com",
        ] {
            assert_eq!(recorded(&recording(host, &path)), Ok((None, false)), "{host}");
        }
        for path in [
            format!("AC{}/Recordings/RE{}", "1".repeat(32), "0f".repeat(16)),
            format!("{ACCOUNT}/Recordings/RE{}?x=1", "0f".repeat(16)),
            format!("{ACCOUNT}/Recordings/../../x"),
            format!("{ACCOUNT}/Recordings/"),
        ] {
            assert_eq!(recorded(&recording("api.twilio.com", &path)), Ok((None, false)), "{path}");
        }
        let plain = ours.replace("https", "http");
        assert_eq!(recorded(&plain), Ok((None, false)));
    }

    #[test]
    fn a_recording_outlives_its_call_and_nothing_is_none() {
        let ours = recording("api.twilio.com", &format!("{ACCOUNT}/Recordings/RE{}", "0f".repeat(16)));
        let told = |body: &str| recorded(body).map(|(recording, hung_up)| (recording.map(|(_, s)| s), hung_up));
        assert_eq!(told(&format!("{ours}&RecordingDuration=7&Digits=hangup")), Ok((Some(7), true)));
        assert_eq!(told(&format!("{ours}&RecordingDuration=7&CallStatus=completed")), Ok((Some(7), true)));
        for nothing in ["0", "-1", "x"] {
            assert_eq!(told(&format!("{ours}&RecordingDuration={nothing}")), Ok((None, false)), "{nothing}");
        }
        assert_eq!(told("CallSid=CA1"), Ok((None, false)));
        assert_eq!(told("Digits=hangup"), Err(Heard::HungUp));
        assert_eq!(told(&format!("{ours}&RecordingUrl=x")), Err(Heard::Garbled));
        let beside = |body: &str| Form::parse(&TWILIO, body.as_bytes()).completed_recording().map(|r| r.seconds);
        assert_eq!(beside(&format!("{ours}&RecordingDuration=7&RecordingStatus=completed")), Some(7));
        assert_eq!(beside(&format!("{ours}&RecordingDuration=7&RecordingStatus=absent")), None);
        assert_eq!(beside(&format!("{ours}&RecordingDuration=7")), None);
    }

    #[test]
    fn a_queue_is_left_in_every_way_there_is() {
        let ended = |result: &str| {
            let form = Form::parse(&TWILIO, format!("CallStatus=in-progress&QueueResult={result}").as_bytes());
            heard(form.queue())
        };
        for result in ["bridged", "redirected-from-bridged"] {
            assert_eq!(ended(result), Heard::Ended(TransferEnd::Talked), "{result}");
        }
        assert_eq!(ended("leave"), Heard::Ended(TransferEnd::Left));
        assert_eq!(ended("hangup"), Heard::HungUp);
        for result in ["error", "system-error", "queue-full", "redirected", "bridging-in-process", "news", ""] {
            assert_eq!(ended(result), Heard::Ended(TransferEnd::NotAnswered), "{result}");
        }
        assert_eq!(heard(Form::parse(&TWILIO, b"").queue()), Heard::Ended(TransferEnd::NotAnswered));
        assert_eq!(heard(Form::parse(&TWILIO, b"QueueResult=bridged&CallStatus=completed").queue()), Heard::HungUp);
        assert_eq!(heard(Form::parse(&TWILIO, b"QueueResult=bridged&QueueResult=leave").queue()), Heard::Garbled);
    }

    #[test]
    fn whoever_waits_is_told_what_the_platform_tells() {
        let waiting = |body: &str| match Form::parse(&TWILIO, body.as_bytes()).waiting() {
            Event::Waiting(Waiting { ahead, average, without_keys: false }) => (ahead, average.map(|a| a.as_secs())),
            other => panic!("{other:?}"),
        };
        assert_eq!(waiting("QueuePosition=3&AvgQueueTime=150&QueueTime=9&CurrentQueueSize=4"), (Some(2), Some(150)));
        assert_eq!(waiting("QueuePosition=1&AvgQueueTime=0&Digits="), (Some(0), Some(0)));
        for odd in ["", "QueuePosition=0", "QueuePosition=-1&AvgQueueTime=x", "QueuePosition=70000"] {
            assert_eq!(waiting(odd), (None, None), "{odd}");
        }
        assert_eq!(heard(Form::parse(&TWILIO, b"QueuePosition=3&Digits=2").waiting()), pressed("2"));
        assert_eq!(heard(Form::parse(&TWILIO, b"QueuePosition=3&CallStatus=completed").waiting()), Heard::HungUp);
    }

    #[test]
    fn a_call_ends_completed_or_failed() {
        let ended = |status| Form::parse(&TWILIO, format!("CallStatus={status}").as_bytes()).ended();
        assert_eq!(ended("completed"), Some(CallEnd::Completed));
        for status in ["busy", "failed", "no-answer", "canceled"] {
            assert_eq!(ended(status), Some(CallEnd::Failed), "{status}");
        }
        assert_eq!(ended("ringing"), None);
        assert_eq!(Form::parse(&TWILIO, b"").ended(), None);
    }

    #[test]
    fn a_call_needs_an_id() {
        let call = |body: &str| Form::parse(&TWILIO, body.as_bytes()).call().map(|call| call.id);
        assert_eq!(call("CallSid=CA1"), Ok("CA1".into()));
        assert_eq!(call("From=1"), Err(UnknownCall::Missing));
        assert_eq!(call("CallSid=CA1&CallSid=CA1"), Err(UnknownCall::Twice));
        assert_eq!(call(&format!("CallSid={}", "a".repeat(64))), Ok("a".repeat(64).into()));
        for odd in ["", "CA+1", "CA%0A1", "CA%2F1", "CA%E4%B8%80", "CA%FF", "CA%3A1", &"a".repeat(65)] {
            assert_eq!(call(&format!("CallSid={odd}")), Err(UnknownCall::Malformed), "{odd}");
        }
    }

    #[test]
    fn odd_numbers_are_withheld_and_odd_lines_unnamed() {
        let call = |body: &str| Form::parse(&TWILIO, body.as_bytes()).call().unwrap();
        assert_eq!(call("CallSid=CA1").caller, Caller::Withheld);
        assert_eq!(call("CallSid=CA1&From=anonymous").caller, Caller::Withheld);
        assert_eq!(&*call("CallSid=CA1&To=12333%0D%0Aok").dialled, "");
        assert_eq!(&*call(&format!("CallSid=CA1&To={}", "1".repeat(129))).dialled, "");
        assert_eq!(&*call("CallSid=CA1&To=sip:12333@hotline.example").dialled, "sip:12333@hotline.example");
    }

    /// What a body says at `profile`: whose call it is, from where to where, and the keys.
    fn read(profile: &'static Profile, body: &str) -> (String, Caller, String, Heard) {
        let form = Form::parse(profile, body.as_bytes());
        let call = form.call().unwrap();
        assert_eq!(call.dialect, profile.dialect);
        (call.id.into(), call.caller, call.dialled.into(), heard(form.keys()))
    }

    fn told(id: &str, caller: &str, dialled: &str, heard: Heard) -> (String, Caller, String, Heard) {
        (id.to_owned(), Caller::Number(caller.into()), dialled.to_owned(), heard)
    }

    #[test]
    fn signalwire_names_calls_by_uuids() {
        let body = "AccountSid=6bfbbe86-a901-4197-8759-2a0de1fa319d&ApiVersion=2010-04-01\
            &CallSid=0703574f-b151-465d-aedb-28972eb513c7&CallStatus=in-progress&Direction=inbound\
            &From=%2B8613800138000&To=%2B861012333&Digits=12&FinishedOnKey=%23";
        let keys = Heard::Keys("12".into(), true);
        assert_eq!(
            read(&SIGNALWIRE, body),
            told("0703574f-b151-465d-aedb-28972eb513c7", "+8613800138000", "+861012333", keys)
        );
    }

    #[test]
    fn telnyx_has_colons_in_ids() {
        let body = "AccountSid=cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b&CallSid=v3%3ADPNqxVjT-tQYaKdc_KbU0\
            &CallSidLegacy=v3%3ADPNqxVjT-tQYaKdc_KbU0&ConnectionId=1234567890&From=%2B8613800138000&To=%2B861012333\
            &CallStatus=in-progress";
        let asked = told("v3:DPNqxVjT-tQYaKdc_KbU0", "+8613800138000", "+861012333", Heard::Silence);
        assert_eq!(read(&TELNYX, body), asked);
        assert_eq!(read(&TELNYX, &format!("{body}&Digits=1")).3, pressed("1"));
        assert!(Form::parse(&TWILIO, body.as_bytes()).call().is_err(), "and nobody else");
    }

    #[test]
    fn somleng_tells_silence_without_digits() {
        let body = "Caller=%2B8613800138000&Called=12333&From=%2B8613800138000&To=12333\
            &CallSid=91ae2a8d-7a2f-4b32-a4b6-1b2d6d5bd9a2&Direction=inbound&AccountSid=a&ApiVersion=2010-04-01\
            &CallStatus=in-progress";
        let asked = told("91ae2a8d-7a2f-4b32-a4b6-1b2d6d5bd9a2", "+8613800138000", "12333", Heard::Silence);
        assert_eq!(read(&SOMLENG, body), asked);
        assert_eq!(read(&SOMLENG, &format!("{body}&Digits=11010519491231002%2A")).3, pressed("11010519491231002*"));
    }

    #[test]
    fn exotel_has_words_of_its_own_and_quotation_marks() {
        let body =
            "CallSid=c5797dcbaaeed7678c4062a4a3ed2f8a&CallFrom=01012345678&CallTo=01012333&CallStatus=in-progress";
        let caller = |heard| told("c5797dcbaaeed7678c4062a4a3ed2f8a", "01012345678", "01012333", heard);
        assert_eq!(read(&EXOTEL, body), caller(Heard::Silence));
        for digits in
            ["DigitsPressed=12", "digits=12", "Digits=12", "digits=%2212%22", "DigitsPressed=%2212%22&Digits="]
        {
            assert_eq!(read(&EXOTEL, &format!("{body}&{digits}")), caller(pressed("12")), "{digits}");
        }
        assert_eq!(read(&EXOTEL, &format!("{body}&digits=%22%22")), caller(Heard::Silence));
        for odd in ["digits=%22", "digits=%221", "digits=1%22", "DigitsPressed=1&DigitsPressed=1", "CallFrom=1"] {
            assert_eq!(read(&EXOTEL, &format!("{body}&{odd}")).3, Heard::Garbled, "{odd}");
        }
        let passthru = "CallSid=c1&From=01012345678&To=01012333";
        assert_eq!(read(&EXOTEL, passthru), told("c1", "01012345678", "01012333", Heard::Silence));
    }

    #[test]
    fn kazoo_tells_the_state_of_another_call_and_the_end_in_other_words() {
        let body = "CallSid=a1b2-c3%4010.0.0.7%3A5060&AccountSid=4a&From=1001&FromRealm=pbx.example&To=12333\
            &ToRealm=pbx.example&CallStatus=no-answer&Direction=inbound&CallerName=Li&CallerNumber=13800138000";
        let caller = |heard| told("a1b2-c3@10.0.0.7:5060", "13800138000", "12333", heard);
        assert_eq!(read(&KAZOO, body), caller(Heard::Silence));
        assert_eq!(read(&KAZOO, &format!("{body}&Digits=12")), caller(pressed("12")));
        let transferred = |more: &str| heard(Form::parse(&KAZOO, format!("{body}{more}").as_bytes()).transfer());
        assert_eq!(transferred(""), Heard::Ended(TransferEnd::NotAnswered));
        assert_eq!(transferred("&DialCallStatus=completed"), Heard::Ended(TransferEnd::Talked));
        let talked = body.replace("no-answer", "completed");
        assert_eq!(heard(Form::parse(&KAZOO, talked.as_bytes()).transfer()), Heard::Ended(TransferEnd::Talked));
        assert_eq!(Form::parse(&KAZOO, talked.as_bytes()).ended(), None);
        let over =
            Form::parse(&KAZOO, b"Call-ID=a1b2-c3%4010.0.0.7%3A5060&Hangup-Cause=NORMAL_CLEARING&Duration-Seconds=9");
        assert_eq!((over.ended(), &*over.call().unwrap().id), (Some(CallEnd::Completed), "a1b2-c3@10.0.0.7:5060"));
    }

    #[test]
    fn where_addresses_do_not_hold_a_recording_is_named_by_its_id() {
        let named = |profile, body: &str| match Form::parse(profile, body.as_bytes()).recorded() {
            Event::Recorded { recording, .. } => recording.map(|r| (r.reference.expose().to_owned(), r.seconds)),
            other => panic!("{other:?}"),
        };
        let some = |reference: &str, seconds| Some((reference.to_owned(), seconds));
        let address = "RecordingUrl=https%3A%2F%2Fs3.example%2Fa%2F9f-1.mp3%3FX-Amz-Expires%3D600&RecordingDuration=7";
        assert_eq!(
            named(&TELNYX, &format!("CallSid=v3%3Aa&RecordingSid=35094891-3290-4142-b2c2-b2eda57534cf&{address}")),
            some("telnyx:35094891-3290-4142-b2c2-b2eda57534cf", 7)
        );
        assert_eq!(named(&TELNYX, address), some("telnyx:9f-1.mp3", 7));
        assert_eq!(named(&SIGNALWIRE, "RecordingSid=r1"), some("signalwire:r1", 0));
        assert_eq!(
            named(&KAZOO, "CallSid=a&RecordingSid=r1&RecordingDuration=0"),
            None,
            "and of nothing there is none"
        );
        for odd in
            ["RecordingSid=", "RecordingSid=a%2Fb", "RecordingUrl=https%3A%2F%2Fevil.example%2F", "RecordingUrl=", ""]
        {
            assert_eq!(named(&SIGNALWIRE, odd), None, "{odd}");
        }
        assert_eq!(named(&TWILIO, "RecordingSid=r1"), None, "nobody else's");
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_not(
            pairs in prop::collection::vec(("(Call(Sid|-ID|From|To|Status)|Digits(Pressed)?|digits|From|To|Recording(Url|Sid)|[a-z]{1,3})", "[ -~]{0,20}"), 0..6),
            bytes in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
            let pairs = pairs.join("&");
            for body in [pairs.as_bytes(), &bytes] {
                for profile in [&TWILIO, &SIGNALWIRE, &TELNYX, &SOMLENG, &EXOTEL, &KAZOO] {
                    let form = Form::parse(profile, body);
                    let told = (form.ended(), form.completed_recording(), form.recorded(), form.transfer(), form.queue());
                    let shown = format!("{told:?} {:?} {:?}", form.keys(), form.waiting());
                    prop_assert!(!shown.contains("Keys([") , "{shown}");
                    if let Ok(call) = form.call() {
                        prop_assert!(call.id.bytes().all(|b| b.is_ascii_graphic()) && call.id.len() <= 128);
                    }
                }
            }
        }
    }
}
