//! Stands where Plivo, Vonage and Cloopen stand: each signs as it does, reads its own documents as strictly as can be, and does
//! what they say.

use std::collections::BTreeMap;

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::caller::{Answer, FORM, InProcess};
use super::served::{PUBLIC_URL, Setup};

/// What they sign with, or is the secret of their addresses.
pub const KEY: &str = "MAsecret-0f1e2d3c4b5a6978";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    Plivo,
    Vonage,
    Cloopen,
}

pub const ALL: [Platform; 3] = [Platform::Plivo, Platform::Vonage, Platform::Cloopen];

impl Platform {
    /// A hotline that it may call.
    pub fn set_up(self, setup: Setup) -> Setup {
        match self {
            Self::Plivo => setup.env("PLIVO__AUTH_TOKEN", KEY),
            Self::Vonage => setup
                .env("VONAGE__SIGNATURE_SECRET", KEY)
                .env("VONAGE__API_KEY", "abcd1234")
                .env("VONAGE__RECORDER", "https://recorder.example/hotline"),
            Self::Cloopen => setup.env("CLOOPEN__SECRET", KEY).env("CLOOPEN__ADDRESSES", r#"["127.0.0.1"]"#),
        }
    }

    /// Where a call that comes in is told of.
    pub fn start(self) -> String {
        match self {
            Self::Plivo => "/plivo/answer".to_owned(),
            Self::Vonage => "/vonage/answer".to_owned(),
            Self::Cloopen => format!("/cloopen/{KEY}/startservice"),
        }
    }

    /// Posts a body, proved as it does.
    pub fn post(self, hotline: &InProcess, path: &str, body: &str) -> Answer {
        let mac = |text: &str| {
            let mut mac: Hmac<Sha256> = Hmac::new_from_slice(KEY.as_bytes()).unwrap();
            mac.update(text.as_bytes());
            mac.finalize().into_bytes()
        };
        match self {
            Self::Plivo => {
                let mut pairs: Vec<_> = form_urlencoded::parse(body.as_bytes()).collect();
                pairs.sort();
                let sorted: String = pairs.into_iter().flat_map(<[_; 2]>::from).collect();
                let signature = BASE64.encode(&mac(&format!("{PUBLIC_URL}{path}?{sorted}.05429567804466091622")));
                let headers = [
                    ("content-type", FORM),
                    ("x-plivo-signature-v3", &*signature),
                    ("x-plivo-signature-v3-nonce", "05429567804466091622"),
                ];
                hotline.wire.send("POST", path, &headers, body)
            }
            Self::Vonage => {
                let claims = json!({
                    "iat": hotline.clock.now().as_second(), "iss": "Vonage", "api_key": "abcd1234",
                    "payload_hash": HEXLOWER.encode(&Sha256::digest(body.as_bytes())),
                });
                let encode = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
                let signed = format!("{}.{}", encode(r#"{"alg":"HS256","typ":"JWT"}"#), encode(&claims.to_string()));
                let token = format!("Bearer {signed}.{}", BASE64URL_NOPAD.encode(&mac(&signed)));
                let headers = [("content-type", "application/json"), ("authorization", &*token)];
                hotline.wire.send("POST", path, &headers, body)
            }
            Self::Cloopen => hotline.wire.send("POST", path, &[("content-type", FORM)], body),
        }
    }
}

/// What a document has the caller hear, and what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    pub said: String,
    pub then: Then,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    Keys { path: String, digits: usize, finish: String, silence: String },
    Dial { path: String, target: String },
    Record { path: String },
    GoOn { path: String },
    HangUp,
}

/// An element, and where it stands.
struct Element {
    within: Vec<String>,
    name: String,
    attributes: BTreeMap<String, String>,
    text: String,
}

/// Every element, as they begin.
fn elements(xml: &str) -> Vec<Element> {
    let attributes = |element: &BytesStart<'_>| {
        let all = element.attributes().map(|attribute| {
            let attribute = attribute.unwrap();
            (attribute.key.as_ref().to_owned(), attribute.value.into_owned())
        });
        all.collect::<BTreeMap<_, _>>()
    };
    let mut reader = Reader::from_str(xml);
    let (mut found, mut open) = (Vec::<Element>::new(), Vec::<usize>::new());
    loop {
        let event = reader.read_event().unwrap();
        match &event {
            Event::Start(element) | Event::Empty(element) => {
                let within = open.iter().map(|at| found[*at].name.clone()).collect();
                let name = element.name().as_ref().to_owned();
                if matches!(event, Event::Start(_)) {
                    open.push(found.len());
                }
                found.push(Element { within, name, attributes: attributes(element), text: String::new() });
            }
            Event::Text(piece) => {
                let at = open.iter().rev().find(|at| found[**at].name != "prosody").copied().unwrap();
                found[at].text.push_str(piece);
            }
            Event::End(_) => drop(open.pop().unwrap()),
            Event::Eof => break,
            Event::Decl(_) => {}
            other => panic!("{other:?}: {xml}"),
        }
    }
    assert!(open.is_empty(), "cut off: {xml}");
    found
}

/// The path of one of our addresses.
fn path(address: &str) -> String {
    address.strip_prefix(PUBLIC_URL).unwrap_or_else(|| panic!("{address} is not ours")).to_owned()
}

fn plivo(xml: &str) -> Heard {
    let (mut said, mut then) = (String::new(), None);
    for element in elements(xml) {
        let within: Vec<_> = element.within.iter().map(String::as_str).collect();
        let attribute = |name: &str| element.attributes.get(name).unwrap_or_else(|| panic!("no {name}: {xml}")).clone();
        match (within.as_slice(), element.name.as_str()) {
            ([], "Response")
            | (["Response", "Speak"] | ["Response", "GetInput", "Speak"], "prosody" | "break")
            | ([.., "prosody"], "break") => {}
            (["Response"] | ["Response", "GetInput"], "Speak") => {
                assert!(attribute("voice").starts_with("Polly."));
                said.push_str(&element.text);
            }
            (["Response"], "GetInput") if then.is_none() => {
                let told = ["inputType", "method", "log"].map(attribute);
                assert_eq!(told, ["dtmf", "POST", "false"]);
                then = Some(Then::Keys {
                    path: path(&attribute("action")),
                    digits: attribute("numDigits").parse().unwrap(),
                    finish: attribute("finishOnKey").replace("none", ""),
                    silence: String::new(),
                });
            }
            (["Response"], "Dial") if then.is_none() => {
                then = Some(Then::Dial { path: path(&attribute("action")), target: String::new() });
            }
            (["Response", "Dial"], "Number" | "User") => {
                let Some(Then::Dial { target, .. }) = &mut then else { panic!("{xml}") };
                target.push_str(&element.text);
            }
            (["Response"], "Record") if then.is_none() => {
                then = Some(Then::Record { path: path(&attribute("action")) });
            }
            (["Response"], "Hangup") if then.is_none() => then = Some(Then::HangUp),
            (["Response"], "Redirect") => {
                assert_eq!(attribute("method"), "POST");
                let on = path(&element.text);
                match &mut then {
                    Some(Then::Keys { path, silence, .. }) => {
                        assert_eq!(on, *path);
                        *silence = on;
                    }
                    Some(Then::Dial { path, .. } | Then::Record { path }) => assert_eq!(on, *path),
                    Some(other) => panic!("{other:?}: {xml}"),
                    None => then = Some(Then::GoOn { path: on }),
                }
            }
            other => panic!("{other:?}: {xml}"),
        }
    }
    Heard { said, then: then.unwrap_or_else(|| panic!("nothing follows: {xml}")) }
}

fn vonage(text: &str) -> Heard {
    let actions: Vec<Value> = serde_json::from_str(text).unwrap();
    let (mut said, mut then) = (String::new(), Then::HangUp);
    let own = |action: &Value| path(action["eventUrl"][0].as_str().unwrap());
    for (at, action) in actions.iter().enumerate() {
        let is_last = at == actions.len() - 1;
        match action["action"].as_str().unwrap() {
            "talk" => said.push_str(action["text"].as_str().unwrap()),
            "input" if is_last => {
                let (dtmf, path) = (&action["dtmf"], own(action));
                assert!((1..=10).contains(&dtmf["timeOut"].as_u64().unwrap()) && action["eventMethod"] == "POST");
                then = Then::Keys {
                    digits: usize::try_from(dtmf["maxDigits"].as_u64().unwrap()).unwrap(),
                    finish: if dtmf["submitOnHash"] == true { "#".to_owned() } else { String::new() },
                    silence: path.clone(),
                    path,
                };
            }
            "connect" => {
                let endpoint = &action["endpoint"][0];
                let target = endpoint["number"].as_str().or(endpoint["uri"].as_str()).unwrap().to_owned();
                then = Then::Dial { path: own(action), target };
            }
            "record" => assert!(action["eventUrl"][0].as_str().unwrap().contains("?recording=vonage%3A")),
            "notify" if is_last => match then {
                Then::Dial { .. } => {}
                _ if actions.iter().any(|action| action["action"] == "record") => {
                    then = Then::Record { path: own(action) }
                }
                _ => then = Then::GoOn { path: own(action) },
            },
            other => panic!("{other}: {text}"),
        }
    }
    Heard { said, then }
}

fn cloopen(xml: &str) -> Heard {
    let (mut said, mut then) = (String::new(), None);
    let named = |name: &str| {
        assert!(!name.contains(['/', ':', '?']) && !name.is_empty(), "{name} is no name");
        format!("/cloopen/{KEY}/{name}")
    };
    for element in elements(xml) {
        let within: Vec<_> = element.within.iter().map(String::as_str).collect();
        let attribute = |name: &str| element.attributes.get(name).unwrap_or_else(|| panic!("no {name}: {xml}")).clone();
        match (within.as_slice(), element.name.as_str()) {
            ([], "Response") => {}
            (["Response"] | ["Response", "Get"], "PlayTTS") => {
                assert!(within.len() == 2 || !matches!(then, Some(Then::Keys { .. })), "{xml}");
                said.push_str(&element.text);
            }
            // It can be nothing but the first.
            (["Response"], "Get") if then.is_none() && said.is_empty() => {
                assert!((1..=60).contains(&attribute("timeout").parse().unwrap()) && attribute("method") == "POST");
                then = Some(Then::Keys {
                    path: named(&attribute("action")),
                    digits: attribute("numdigits").parse().unwrap(),
                    finish: attribute("finishkey"),
                    silence: String::new(),
                });
            }
            (["Response"], "Redirect") => match &mut then {
                Some(Then::Keys { silence, .. }) => *silence = named(&element.text),
                None => then = Some(Then::GoOn { path: named(&element.text) }),
                other => panic!("{other:?}: {xml}"),
            },
            (["Response"], "Hangup") if then.is_none() => then = Some(Then::HangUp),
            other => panic!("{other:?}: {xml}"),
        }
    }
    Heard { said, then: then.unwrap_or_else(|| panic!("nothing follows: {xml}")) }
}

/// A telephone at one of them.
pub struct Telephone<'h> {
    hotline: &'h InProcess,
    platform: Platform,
    id: String,
    pub heard: Heard,
    /// The last path, body and answer.
    pub last: (String, String, Answer),
}

impl<'h> Telephone<'h> {
    pub fn dial(hotline: &'h InProcess, platform: Platform, name: &str) -> Self {
        let heard = Heard { said: String::new(), then: Then::HangUp };
        let none = Answer { status: 0, headers: Vec::new(), body: String::new() };
        let id = if platform == Platform::Vonage { format!("CON-{name}") } else { format!("b5c2a5a2-{name}") };
        let mut telephone = Self { hotline, platform, id, heard, last: (String::new(), String::new(), none) };
        telephone.told(&platform.start(), &[]);
        telephone
    }

    /// What every webhook tells, and more.
    pub fn body(&self, more: &[(&str, &str)]) -> String {
        let (from, to) = ("8613800138000", "861012333");
        let mut form = form_urlencoded::Serializer::new(String::new());
        match self.platform {
            Platform::Plivo => {
                form.extend_pairs([("CallUUID", &*self.id), ("From", from), ("To", to), ("Direction", "inbound")]);
                if !more.iter().any(|(name, _)| *name == "CallStatus") {
                    form.append_pair("CallStatus", "in-progress");
                }
                form.extend_pairs(more).finish()
            }
            Platform::Cloopen => {
                form.extend_pairs([("callid", &*self.id), ("from", from), ("to", "12333"), ("direction", "0")]);
                form.extend_pairs(more).finish()
            }
            Platform::Vonage => {
                let mut body = json!({ "conversation_uuid": self.id, "uuid": "aaaaaaaa", "from": from, "to": to });
                for (name, value) in more {
                    body[*name] = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
                }
                body.to_string()
            }
        }
    }

    /// Posts a body, proved as the platform does.
    pub fn send(&self, path: &str, body: &str) -> Answer {
        self.platform.post(self.hotline, path, body)
    }

    /// Posts what the platform tells, and reads the document.
    pub fn told(&mut self, path: &str, more: &[(&str, &str)]) -> &str {
        let body = self.body(more);
        let answer = self.send(path, &body);
        assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{path}: {}", answer.body);
        let kind = if self.platform == Platform::Vonage { "application/json" } else { "text/xml; charset=utf-8" };
        assert_eq!(answer.header("content-type"), kind);
        self.heard = match self.platform {
            Platform::Plivo => plivo(&answer.body),
            Platform::Vonage => vonage(&answer.body),
            Platform::Cloopen => cloopen(&answer.body),
        };
        self.last = (path.to_owned(), body, answer);
        &self.heard.said
    }

    pub fn press(&mut self, keys: &str) -> &str {
        let Then::Keys { path, digits, finish, .. } = self.heard.then.clone() else { panic!("nobody waits for keys") };
        let pressed =
            Some(finish.as_str()).filter(|f| !f.is_empty()).and_then(|f| keys.strip_suffix(f)).unwrap_or(keys);
        assert!(pressed.len() <= digits, "{digits} keys are waited for");
        match self.platform {
            Platform::Plivo => self.told(&path, &[("InputType", "dtmf"), ("Digits", pressed)]),
            Platform::Cloopen => self.told(&path, &[("digits", pressed)]),
            Platform::Vonage => {
                let dtmf = json!({ "digits": pressed, "timed_out": false }).to_string();
                self.told(&path, &[("dtmf", &dtmf)])
            }
        }
    }

    /// Presses nothing until time is over.
    pub fn silence(&mut self) -> &str {
        let Then::Keys { silence, .. } = self.heard.then.clone() else { panic!("nobody waits for keys") };
        match self.platform {
            Platform::Vonage => self.told(&silence, &[("dtmf", r#"{"digits":"","timed_out":true}"#)]),
            _ => self.told(&silence, &[]),
        }
    }

    /// Goes on where it is sent.
    pub fn go_on(&mut self) -> &str {
        let Then::GoOn { path } = self.heard.then.clone() else { panic!("sent nowhere: {:?}", self.heard) };
        self.told(&path, &[])
    }

    /// The platform tells that it is over, as it does.
    pub fn hang_up(&self) -> Answer {
        let (path, body) = match self.platform {
            Platform::Plivo => {
                ("/plivo/hangup".to_owned(), self.body(&[("CallStatus", "completed"), ("Event", "Hangup")]))
            }
            Platform::Vonage => {
                ("/vonage/event".to_owned(), self.body(&[("status", "completed"), ("direction", "inbound")]))
            }
            Platform::Cloopen => (format!("/cloopen/{KEY}/stopservice"), self.body(&[])),
        };
        self.platform.post(self.hotline, &path, &body)
    }
}
