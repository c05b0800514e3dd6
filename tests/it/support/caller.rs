//! Stands where Twilio stands: signs, posts forms, does what the markup says.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use hotline::telephony::browser::Peer;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use sha1::Sha1;
use tower::ServiceExt;

use super::served::{AUTH_TOKEN, BROWSER_TOKEN, PUBLIC_URL, Served};

pub const FORM: &str = "application/x-www-form-urlencoded";

/// How requests reach a hotline.
#[derive(Clone)]
pub enum Wire {
    /// Over a connection of their own each.
    Served(SocketAddr),
    /// Straight into the routes.
    InProcess(Arc<tokio::runtime::Runtime>, Router),
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }
}

impl From<&Served> for Wire {
    fn from(served: &Served) -> Self {
        Self::Served(served.address)
    }
}

impl Wire {
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let request = headers
            .iter()
            .fold(Request::builder().method(method), |request, (name, value)| request.header(*name, *value));
        match self {
            Self::Served(address) => {
                let agent = ureq::Agent::config_builder().http_status_as_error(false).max_idle_connections(0).build();
                let request = request.uri(format!("http://{address}{path}")).body(body.to_owned()).unwrap();
                let mut response = ureq::Agent::new_with_config(agent).run(request).unwrap();
                let body = response.body_mut().read_to_string().unwrap();
                answer(response.status().as_u16(), response.headers(), body)
            }
            Self::InProcess(runtime, routes) => runtime.block_on(async {
                let peer = Peer(([127, 0, 0, 1], 0).into());
                let request = request.uri(path).extension(peer).body(Body::from(body.to_owned())).unwrap();
                let response = routes.clone().oneshot(request).await.unwrap();
                let (parts, body) = response.into_parts();
                let body = to_bytes(body, usize::MAX).await.unwrap();
                answer(parts.status.as_u16(), &parts.headers, String::from_utf8(body.into()).unwrap())
            }),
        }
    }

    /// Gets a page as the hotline's own people do.
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[("authorization", &format!("Bearer {BROWSER_TOKEN}"))], "")
    }

    /// Posts a form as Twilio does.
    pub fn post(&self, path: &str, form: &str) -> Answer {
        self.send("POST", path, &[("content-type", FORM), ("x-twilio-signature", &signature(path, form))], form)
    }
}

fn answer(status: u16, headers: &axum::http::HeaderMap, body: String) -> Answer {
    let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    Answer { status, headers: headers.collect(), body }
}

/// HMAC-SHA1 over the address and the sorted parameters.
pub fn signature(path: &str, form: &str) -> String {
    let mut pairs: Vec<_> = form_urlencoded::parse(form.as_bytes()).collect();
    pairs.sort();
    let mut mac: Hmac<Sha1> = Hmac::new_from_slice(AUTH_TOKEN.as_bytes()).unwrap();
    mac.update(format!("{PUBLIC_URL}{path}").as_bytes());
    for (name, value) in pairs {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    BASE64.encode(&mac.finalize().into_bytes())
}

/// What the markup has the caller hear, and what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    pub said: String,
    pub then: Then,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    Gather {
        path: String,
        digits: usize,
        finish: String,
    },
    Record {
        path: String,
        beside: String,
        longest: usize,
        finish: String,
    },
    Dial {
        path: String,
        target: String,
    },
    /// Into a queue: what is heard in it comes from `waiting`, how it ended goes to `path`.
    Enqueue {
        path: String,
        waiting: String,
        name: String,
    },
    /// Out of the queue.
    Leave,
    /// On at once, with what is to be had there.
    GoOn {
        path: String,
    },
    HangUp,
}

impl Heard {
    /// Reads markup as strictly as can be: what is not known here is not understood by the platform either.
    pub fn parse(markup: &str) -> Self {
        let mut reader = Reader::from_str(markup);
        let (mut said, mut then, mut open) = (String::new(), None, Vec::<String>::new());
        let mut text = String::new();
        let attribute = |element: &BytesStart<'_>, name: &str| {
            let value = element.try_get_attribute(name).unwrap().unwrap_or_else(|| panic!("no {name}"));
            value.value.into_owned()
        };
        let path = |address: &str| address.strip_prefix(PUBLIC_URL).unwrap().to_owned();
        loop {
            match reader.read_event().unwrap() {
                Event::Decl(_) => {}
                Event::Start(element) => {
                    let name = element.name().as_ref().to_owned();
                    let inside: Vec<_> = open.iter().map(String::as_str).collect();
                    match (inside.as_slice(), name.as_str()) {
                        ([], "Response")
                        | (["Response"], "Redirect")
                        | (["Response", "Dial"], "Number" | "Sip")
                        | (["Response"] | ["Response", "Gather"], "Say") => {}
                        (["Response", "Say"] | ["Response", "Gather", "Say"], "prosody") => {
                            assert_eq!(attribute(&element, "rate"), "85%");
                            open.push(name);
                            continue;
                        }
                        (["Response"], "Enqueue") if then.is_none() => {
                            assert_eq!(attribute(&element, "waitUrlMethod"), "POST");
                            let waiting = path(&attribute(&element, "waitUrl"));
                            let path = path(&attribute(&element, "action"));
                            then = Some(Then::Enqueue { path, waiting, name: String::new() });
                        }
                        (["Response"], "Gather") if then.is_none() => {
                            then = Some(Then::Gather {
                                path: path(&attribute(&element, "action")),
                                digits: attribute(&element, "numDigits").parse().unwrap(),
                                finish: attribute(&element, "finishOnKey"),
                            });
                        }
                        (["Response"], "Dial") if then.is_none() => {
                            then =
                                Some(Then::Dial { path: path(&attribute(&element, "action")), target: String::new() });
                        }
                        _ => panic!("{name} in {inside:?}: {markup}"),
                    }
                    open.push(name);
                    text.clear();
                }
                Event::Empty(element) => match (open.last().unwrap().as_str(), element.name().as_ref()) {
                    ("Say", "break") => text.push(' '),
                    // Between sentences a break is heard, and not read.
                    ("prosody", "break") | ("Gather", "Pause") => {}
                    ("Response", "Record") if then.is_none() => {
                        then = Some(Then::Record {
                            path: path(&attribute(&element, "action")),
                            // Not every platform tells beside the call.
                            beside: element
                                .try_get_attribute("recordingStatusCallback")
                                .unwrap()
                                .map_or_else(String::new, |value| path(&value.value)),
                            longest: attribute(&element, "maxLength").parse().unwrap(),
                            finish: attribute(&element, "finishOnKey"),
                        });
                    }
                    ("Response", "Hangup") if then.is_none() => then = Some(Then::HangUp),
                    ("Response", "Leave") if then.is_none() => then = Some(Then::Leave),
                    other => panic!("{other:?}: {markup}"),
                },
                Event::Text(piece) => text.push_str(&piece),
                Event::End(_) => match (open.pop().unwrap().as_str(), &mut then) {
                    ("Say", _) => {
                        // English is parted by more than its full stops.
                        if said.ends_with(|c: char| c.is_ascii()) {
                            said.push(' ');
                        }
                        said.push_str(&std::mem::take(&mut text));
                    }
                    ("Enqueue", Some(Then::Enqueue { name, .. })) => *name = std::mem::take(&mut text),
                    ("Number" | "Sip", Some(Then::Dial { target, .. })) => *target = std::mem::take(&mut text),
                    ("Redirect", Some(Then::Gather { path: action, .. } | Then::Record { path: action, .. })) => {
                        assert_eq!(path(&text), *action);
                    }
                    ("Redirect", none @ None) => *none = Some(Then::GoOn { path: path(&text) }),
                    ("Redirect", _) => panic!("{markup}"),
                    _ => {}
                },
                Event::Eof => break,
                other => panic!("{other:?}: {markup}"),
            }
        }
        assert!(open.is_empty(), "cut off: {markup}");
        Self { said, then: then.unwrap_or_else(|| panic!("nothing follows: {markup}")) }
    }
}

/// One request of a call, and what it was answered.
#[derive(Clone)]
pub struct Sent {
    pub path: String,
    pub form: String,
    pub answer: Answer,
}

/// A caller, and the platform between.
#[derive(Clone)]
pub struct Caller {
    pub wire: Wire,
    pub sid: String,
    pub from: String,
    pub to: String,
    pub heard: Heard,
    pub sent: Vec<Sent>,
    /// Where the end of the queue is told.
    pub queued: String,
}

impl Caller {
    /// Dials, and hears the greeting.
    pub fn dial(wire: impl Into<Wire>, sid: &str) -> Self {
        Self::dial_from(wire, sid, "+8613800138000")
    }

    pub fn dial_from(wire: impl Into<Wire>, sid: &str, from: &str) -> Self {
        Self::dial_from_to(wire, sid, from, "+861012333")
    }

    /// Dials this number.
    pub fn dial_to(wire: impl Into<Wire>, sid: &str, to: &str) -> Self {
        Self::dial_from_to(wire, sid, "+8613800138000", to)
    }

    fn dial_from_to(wire: impl Into<Wire>, sid: &str, from: &str, to: &str) -> Self {
        let heard = Heard { said: String::new(), then: Then::HangUp };
        let (sid, from, to) = (sid.to_owned(), from.to_owned(), to.to_owned());
        let mut caller = Self { wire: wire.into(), sid, from, to, heard, sent: Vec::new(), queued: String::new() };
        caller.post("/twilio/voice".to_owned(), &[("CallStatus", "ringing")]);
        caller
    }

    /// Presses keys; the platform takes as many as it is told to.
    pub fn press(&mut self, keys: &str) -> &str {
        let Then::Gather { path, digits, finish } = self.heard.then.clone() else { panic!("nobody waits for keys") };
        let (taken, finished) = match keys.strip_suffix(finish.as_str()) {
            Some(taken) if !finish.is_empty() => (taken, finish.as_str()),
            _ => (keys, ""),
        };
        assert!(taken.chars().count() <= digits, "{digits} keys are waited for");
        self.post(path, &[("Digits", taken), ("FinishedOnKey", finished)])
    }

    /// Presses these one after the other, and tells what is heard last.
    pub fn press_all(&mut self, entries: &[&str]) -> &str {
        for keys in entries {
            self.press(keys);
        }
        &self.heard.said
    }

    pub fn silence(&mut self) -> &str {
        let Then::Gather { path, .. } = self.heard.then.clone() else { panic!("nobody waits for keys") };
        self.post(path, &[("Digits", "")])
    }

    /// Speaks for so many seconds after the tone, and ends with `#`.
    pub fn speak(&mut self, seconds: u32) -> &str {
        let Then::Record { path, .. } = self.heard.then.clone() else { panic!("nobody listens") };
        let (url, seconds) = (self.recording(self.sent.len()), seconds.to_string());
        self.post(path, &[("RecordingUrl", &url), ("RecordingDuration", &seconds), ("Digits", "#")])
    }

    /// Says nothing after the tone: the platform goes on behind it.
    pub fn speak_nothing(&mut self) -> &str {
        let Then::Record { path, .. } = self.heard.then.clone() else { panic!("nobody listens") };
        self.post(path, &[])
    }

    /// What the platform calls the `n`-th recording of this call.
    pub fn recording(&self, n: usize) -> String {
        let call = self.sid.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let account = "AC00000000000000000000000000000000";
        format!("https://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/RE{call:016x}{n:016x}")
    }

    /// The transfer is over: `completed`, `no-answer`, `busy`, `failed`.
    pub fn transferred(&mut self, how: &str) -> &str {
        let Then::Dial { path, .. } = self.heard.then.clone() else { panic!("nobody is called") };
        self.post(path, &[("DialCallStatus", how)])
    }

    /// Time passes in the queue, at this place of it.
    pub fn waits(&mut self, position: &str, average: &str) -> &str {
        let told =
            [("QueuePosition", position), ("AvgQueueTime", average), ("QueueTime", "30"), ("CurrentQueueSize", "9")];
        let told: Vec<_> = told.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let path = match self.heard.then.clone() {
            Then::Enqueue { path, waiting, .. } => {
                self.queued = path;
                waiting
            }
            // Nothing was pressed: what ends a wait for keys tells of the queue as well.
            Then::Gather { path, .. } => path,
            _ => panic!("nobody waits"),
        };
        self.post(path, &told)
    }

    /// Waiting in the queue is over: `bridged`, `leave`, `queue-full`.
    pub fn dequeued(&mut self, how: &str) -> &str {
        let path = match self.heard.then.clone() {
            Then::Enqueue { path, .. } => path,
            _ => self.queued.clone(),
        };
        self.post(path, &[("QueueResult", how), ("QueueTime", "60")])
    }

    /// Hangs up: the platform tells.
    pub fn hang_up(&self) {
        let answer = self.wire.post("/twilio/status", &self.form(&[("CallStatus", "completed")]));
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    }

    pub fn form(&self, more: &[(&str, &str)]) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("AccountSid", "AC00000000000000000000000000000000").append_pair("CallSid", &self.sid);
        form.append_pair("From", &self.from).append_pair("To", &self.to);
        if !more.iter().any(|(name, _)| *name == "CallStatus") {
            form.append_pair("CallStatus", "in-progress");
        }
        form.extend_pairs(more).finish()
    }

    fn post(&mut self, path: String, more: &[(&str, &str)]) -> &str {
        let form = self.form(more);
        let answer = self.wire.post(&path, &form);
        self.take(Sent { path, form, answer })
    }

    /// Goes on from this answer.
    pub fn take(&mut self, sent: Sent) -> &str {
        self.heard = spoken(&sent.answer);
        self.sent.push(sent);
        &self.heard.said
    }

    /// The last answer with what differs from call to call left out.
    pub fn markup(&self) -> String {
        let body = &self.sent.last().unwrap().answer.body;
        match &self.heard.then {
            Then::Gather { path, .. }
            | Then::Record { path, .. }
            | Then::Dial { path, .. }
            | Then::GoOn { path }
            | Then::Enqueue { path, .. } => {
                let (_, step) = path.rsplit_once('/').unwrap();
                body.replace(step, "…")
            }
            Then::Leave | Then::HangUp => body.clone(),
        }
    }
}

/// What a genuine webhook is always answered with: 200, and markup that can be spoken.
#[track_caller]
pub fn spoken(answer: &Answer) -> Heard {
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/xml; charset=utf-8"), "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    Heard::parse(&answer.body)
}

/// A hotline in this process, of which tests hold the clock.
pub struct InProcess {
    pub wire: Wire,
    pub clock: hotline::clock::Clock,
    pub app: hotline::server::App,
    pub settings: hotline::config::Settings,
    pub setup: super::served::Setup,
}

impl InProcess {
    pub fn new(setup: super::served::Setup, now: &str) -> Self {
        let clock = hotline::clock::Clock::manual(now.parse().unwrap());
        let settings = hotline::config::Settings::load(None, setup.environment().iter().cloned()).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let app = runtime.block_on(hotline::server::App::build(&settings, clock.clone())).unwrap();
        Self { wire: Wire::InProcess(Arc::new(runtime), app.routes()), clock, app, settings, setup }
    }

    pub fn dial(&self, sid: &str) -> Caller {
        Caller::dial(self.wire.clone(), sid)
    }
}
