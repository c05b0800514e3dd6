//! Twilio's end: signed forms out, `TwiML` in, read as strictly as the platform reads it.

use std::time::Duration;

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use sha1::Sha1;

use super::{Answer, Collecting, Happened, Heard, Phone, Recording, Then, Webhook, digits};
use crate::replay::fnv;
use crate::secret::Key;

/// The account every replayed call belongs to.
const ACCOUNT: &str = "AC00000000000000000000000000000000";

impl Phone {
    pub(super) fn twilio(&self, heard: Option<&Heard>, happened: &Happened<'_>) -> Webhook {
        let step = heard.and_then(|heard| heard.step.clone());
        let (path, status, more) = match happened {
            Happened::Dialled => (Some("/twilio/voice".to_owned()), "ringing", Vec::new()),
            Happened::Keys { keys, finish } => {
                let finish = finish.map(|key| key.as_char().to_string()).unwrap_or_default();
                (step, "in-progress", vec![("Digits", digits(keys)), ("FinishedOnKey", finish)])
            }
            Happened::Silence => (step, "in-progress", vec![("Digits", String::new())]),
            Happened::Recorded(Some(spoken)) => {
                let told = recording(step.as_deref().unwrap_or_default(), *spoken);
                (step, "in-progress", told)
            }
            // Where nothing was recorded, the platform goes on with what stands behind.
            Happened::Recorded(None) => (step, "in-progress", Vec::new()),
            Happened::Waiting { ahead, average } => {
                // One's own place, counted from 1.
                let position = ahead.map(|ahead| ("QueuePosition", ahead.saturating_add(1).to_string()));
                let average = average.map(|average| ("AvgQueueTime", average.as_secs().to_string()));
                (step, "in-progress", position.into_iter().chain(average).collect())
            }
            Happened::Transferred { talked } => {
                if let Some(queued) = &self.queued {
                    let how = if *talked { "bridged" } else { "system-error" };
                    (Some(queued.clone()), "in-progress", vec![("QueueResult", how.to_owned())])
                } else {
                    let how = if *talked { "completed" } else { "no-answer" };
                    (step, "in-progress", vec![("DialCallStatus", how.to_owned())])
                }
            }
            Happened::Left => (self.queued.clone(), "in-progress", vec![("QueueResult", "leave".to_owned())]),
            Happened::HungUp => (Some("/twilio/status".to_owned()), "completed", Vec::new()),
        };
        self.form(path.unwrap_or_default(), status, more)
    }

    pub(super) fn twilio_beside(&self, heard: &Heard, spoken: Duration) -> Option<Webhook> {
        let mut more = recording(heard.step.as_deref()?, spoken);
        more.push(("RecordingStatus", "completed".to_owned()));
        Some(self.form(self.beside.clone()?, "completed", more))
    }

    fn form(&self, path: String, status: &str, more: Vec<(&'static str, String)>) -> Webhook {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let from = self.from.as_deref().unwrap_or("anonymous");
        for (name, value) in [
            ("AccountSid", ACCOUNT),
            ("ApiVersion", "2010-04-01"),
            ("CallSid", &self.call),
            ("CallStatus", status),
            ("Called", &self.dialled),
            ("Caller", from),
            ("Direction", "inbound"),
            ("From", from),
            ("To", &self.dialled),
        ] {
            form.append_pair(name, value);
        }
        let body = form.extend_pairs(more).finish();
        let headers = vec![
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8".to_owned()),
            ("x-twilio-signature", self.signature(&path, &body)),
        ];
        Webhook { path, headers, body, of_call: true }
    }

    /// HMAC-SHA1 over the address and the sorted parameters.
    fn signature(&self, path: &str, body: &str) -> String {
        let mut pairs: Vec<_> = form_urlencoded::parse(body.as_bytes()).collect();
        pairs.sort();
        // A MAC takes keys of every length.
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(self.account.auth_token.expose().as_bytes()) else {
            return String::new();
        };
        mac.update(self.account.public_url.as_bytes());
        mac.update(path.as_bytes());
        for (name, value) in pairs {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
        BASE64.encode(&mac.finalize().into_bytes())
    }

    pub(super) fn hear_twilio(&mut self, answer: &Answer) -> Result<Heard, String> {
        if answer.status != 200 {
            return Err(format!("the answer's status is {} (error 11200 at the platform)", answer.status));
        }
        let kind = answer.kind.split(';').next().unwrap_or_default();
        if !matches!(kind, "text/xml" | "application/xml") {
            return Err(format!("the answer is {kind:?} (error 12300 at the platform)"));
        }
        let document = Document { public_url: &self.account.public_url, ..Document::default() }.read(&answer.body)?;
        match document.heard.then {
            Then::Queue => self.queued.clone_from(&document.end),
            Then::Record(_) => self.beside.clone_from(&document.end),
            // Keys pressed in a queue do not end the waiting; whatever else follows, does.
            Then::Collect(_) | Then::Leave => {}
            Then::Transfer | Then::HangUp => self.queued = None,
        }
        Ok(document.heard)
    }
}

/// What is told of the recording made at `step`.
fn recording(step: &str, spoken: Duration) -> Vec<(&'static str, String)> {
    let url = format!("https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Recordings/RE{:032x}", fnv(step));
    vec![("RecordingUrl", url), ("RecordingDuration", spoken.as_secs().to_string())]
}

/// A reply, read.
struct Reply {
    heard: Heard,
    /// Where the end of what begins here is told: of a queue, of a recording.
    end: Option<String>,
}

/// A reply while it is read.
#[derive(Default)]
struct Document<'d> {
    public_url: &'d str,
    said: String,
    then: Option<Then>,
    step: Option<String>,
    end: Option<String>,
    /// The elements that are open.
    open: Vec<String>,
    /// Seconds of silence after what is said inside of `Gather`.
    pause: u64,
}

impl Document<'_> {
    fn read(mut self, markup: &str) -> Result<Reply, String> {
        let mut reader = Reader::from_str(markup);
        loop {
            match reader.read_event().map_err(|e| format!("the markup does not parse: {e} (error 12100)"))? {
                Event::Decl(_) => {}
                Event::Start(element) => {
                    self.start(&element)?;
                    self.open.push(element.name().as_ref().to_owned());
                }
                Event::Empty(element) => self.start(&element)?,
                Event::End(element) => {
                    // English is parted by more than its full stops.
                    if element.name().as_ref() == "Say" && self.said.ends_with(|c: char| c.is_ascii()) {
                        self.said.push(' ');
                    }
                    self.open.pop();
                }
                Event::Text(text) => self.text(&text)?,
                Event::GeneralRef(reference) => {
                    let c = match &*reference {
                        "lt" => '<',
                        "gt" => '>',
                        "amp" => '&',
                        "apos" => '\'',
                        "quot" => '"',
                        other => return Err(format!("the entity &{other}; is not known (error 12100)")),
                    };
                    self.said.push(c);
                }
                Event::Eof => break,
                other => return Err(format!("the markup has {other:?} in it (error 12200)")),
            }
        }
        let mut then = self.then.ok_or("nothing follows what is said: the call would end without a goodbye")?;
        if let Then::Collect(collect) = &mut then {
            collect.first_key += Duration::from_secs(self.pause);
        }
        Ok(Reply { heard: Heard { said: self.said, then, step: self.step }, end: self.end })
    }

    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        let attribute = |name: &str| -> Result<Option<String>, String> {
            let found = element.try_get_attribute(name).map_err(|e| format!("the markup does not parse: {e}"))?;
            Ok(found.map(|attribute| attribute.value.into_owned()))
        };
        let number = |name: &str, missing: u64| -> Result<u64, String> {
            attribute(name)?.map_or(Ok(missing), |text| {
                text.parse().map_err(|_| format!("{name}={text:?} is no number (error 12200)"))
            })
        };
        let inside: Vec<&str> = self.open.iter().map(String::as_str).collect();
        let name = element.name();
        match (inside.as_slice(), name.as_ref()) {
            ([], "Response")
            | (["Response"] | ["Response", "Gather"], "Say")
            | (["Response", "Dial"], "Number" | "Sip")
            | (["Response", "Say"] | ["Response", "Gather", "Say"], "prosody") => {}
            // Reached only where the platform does not tell of silence by itself.
            (["Response"], "Redirect") if matches!(self.then, Some(Then::Collect(_) | Then::Record(_))) => {}
            (["Response"], "Gather") if self.then.is_none() => {
                let timeout = Duration::from_secs(number("timeout", 5)?);
                let finish = attribute("finishOnKey")?.unwrap_or_else(|| "#".to_owned());
                self.then = Some(Then::Collect(Collecting {
                    most: usize::try_from(number("numDigits", u64::MAX)?).unwrap_or(usize::MAX),
                    finish: finish.chars().next().and_then(Key::from_char),
                    first_key: timeout,
                    between_keys: timeout,
                }));
                self.step = Some(self.path(&attribute("action")?.unwrap_or_default())?);
            }
            (["Response", "Gather"], "Pause") => self.pause += number("length", 1)?,
            (["Response"], "Dial") if self.then.is_none() => {
                self.then = Some(Then::Transfer);
                self.step = Some(self.path(&attribute("action")?.unwrap_or_default())?);
            }
            (["Response"], "Record") if self.then.is_none() => {
                self.then = Some(Then::Record(Recording {
                    longest: Duration::from_secs(number("maxLength", 3600)?),
                    silence: Duration::from_secs(number("timeout", 5)?),
                }));
                self.step = Some(self.path(&attribute("action")?.unwrap_or_default())?);
                self.end = Some(self.path(&attribute("recordingStatusCallback")?.unwrap_or_default())?);
            }
            (["Response"], "Enqueue") if self.then.is_none() => {
                self.then = Some(Then::Queue);
                self.step = Some(self.path(&attribute("waitUrl")?.unwrap_or_default())?);
                self.end = Some(self.path(&attribute("action")?.unwrap_or_default())?);
            }
            (["Response"], "Leave") if self.then.is_none() => self.then = Some(Then::Leave),
            (["Response"], "Hangup") if self.then.is_none() => self.then = Some(Then::HangUp),
            ([.., "Say"] | [.., "Say", "prosody"], "break") => self.said.push(' '),
            (inside, name) => return Err(format!("{name} may not stand in {} here (error 12200)", inside.join("/"))),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        match self.open.last().map(String::as_str) {
            Some("Say" | "prosody") => self.said.push_str(text),
            Some("Redirect" | "Number" | "Sip" | "Enqueue") => {}
            _ if text.trim().is_empty() => {}
            _ => return Err("text stands outside of every verb (error 12200)".to_owned()),
        }
        Ok(())
    }

    /// The path of an address that must be the hotline's own.
    fn path(&self, address: &str) -> Result<String, String> {
        let path = address.strip_prefix(self.public_url).filter(|path| path.starts_with('/'));
        path.map(str::to_owned).ok_or_else(|| "the next address is not the hotline's own".to_owned())
    }
}
