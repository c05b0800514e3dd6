//! Stands where the platforms of Twilio's family stand: each signs as it does, has its own words, and does what the markup says
//! as far as it can.

use std::fmt::Write;

use data_encoding::{BASE64, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use ring::signature::{Ed25519KeyPair, KeyPair};
use sha1::Sha1;

use super::caller::{Answer, FORM, Heard, InProcess, Then, spoken};
use super::served::{PUBLIC_URL, Setup};

/// What they sign with, or is the secret of their addresses.
pub const KEY: &str = "PSK_0f1e2d3c4b5a69788796a5b4";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// The signature in base64, as Twilio's, or of the body as it is.
    SignalWire {
        own: bool,
    },
    Telnyx,
    Somleng,
    Exotel,
    Kazoo,
}

pub const ALL: [Platform; 6] = [
    Platform::SignalWire { own: false },
    Platform::SignalWire { own: true },
    Platform::Telnyx,
    Platform::Somleng,
    Platform::Exotel,
    Platform::Kazoo,
];

fn telnyx() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

impl Platform {
    /// Where its webhooks are.
    pub fn base(self) -> String {
        match self {
            Self::SignalWire { .. } => "/signalwire".to_owned(),
            Self::Telnyx => "/telnyx".to_owned(),
            Self::Somleng => "/somleng".to_owned(),
            Self::Exotel => format!("/exotel/{KEY}"),
            Self::Kazoo => format!("/kazoo/{KEY}"),
        }
    }

    /// A hotline that it may call.
    pub fn set_up(self, setup: Setup) -> Setup {
        match self {
            Self::SignalWire { .. } => setup.env("SIGNALWIRE__SIGNING_KEY", KEY),
            Self::Telnyx => setup.env("TELNYX__PUBLIC_KEY", &BASE64.encode(telnyx().public_key().as_ref())),
            Self::Somleng => setup.env("SOMLENG__AUTH_TOKEN", KEY),
            Self::Exotel => setup.env("EXOTEL__SECRET", KEY).env("EXOTEL__ADDRESSES", r#"["127.0.0.1"]"#),
            Self::Kazoo => setup.env("KAZOO__SECRET", KEY).env("KAZOO__ADDRESSES", r#"["127.0.0.0/8"]"#),
        }
    }

    /// The id of a call, in the form it gives them.
    pub fn id(self, name: &str) -> String {
        match self {
            Self::SignalWire { .. } | Self::Somleng => format!("0703574f-b151-465d-aedb-{name}"),
            Self::Telnyx => format!("v3:DPNqxVjTNtQYaKdcKbU0QgRFrQ3YzuAQrVYC4Ggcuq7zTpDkUB7A4w-{name}"),
            Self::Exotel => format!("c5797dcbaaeed7678c4062a4a3ed2f8a{name}"),
            Self::Kazoo => format!("{name}@10.0.0.7:5060"),
        }
    }

    /// What it calls the keys, and how it writes them.
    fn digits(self, keys: &str) -> (&'static str, String) {
        if self == Self::Exotel { ("digits", format!("\"{keys}\"")) } else { ("Digits", keys.to_owned()) }
    }

    /// Posts a form, proved as it does.
    pub fn post(self, hotline: &InProcess, path: &str, form: &str) -> Answer {
        let address = format!("{PUBLIC_URL}{path}");
        let mac = |parts: &[&str]| {
            let mut mac: Hmac<Sha1> = Hmac::new_from_slice(KEY.as_bytes()).unwrap();
            for part in parts {
                mac.update(part.as_bytes());
            }
            mac.finalize().into_bytes()
        };
        let sorted = || {
            let mut pairs: Vec<_> = form_urlencoded::parse(form.as_bytes()).collect();
            pairs.sort();
            pairs.into_iter().fold(String::new(), |mut text, (name, value)| {
                write!(text, "{name}{value}").unwrap();
                text
            })
        };
        let signed = match self {
            Self::SignalWire { own: true } => {
                vec![("x-signalwire-signature", HEXLOWER.encode(&mac(&[&address, form])))]
            }
            Self::SignalWire { own: false } => {
                vec![("x-signalwire-signature", BASE64.encode(&mac(&[&address, &sorted()])))]
            }
            Self::Somleng => vec![("x-twilio-signature", BASE64.encode(&mac(&[&address, &sorted()])))],
            Self::Telnyx => {
                let time = hotline.clock.now().as_second();
                let signature = telnyx().sign(format!("{time}|{form}").as_bytes());
                vec![
                    ("telnyx-timestamp", time.to_string()),
                    ("telnyx-signature-ed25519", BASE64.encode(signature.as_ref())),
                ]
            }
            Self::Exotel | Self::Kazoo => Vec::new(),
        };
        let mut headers = vec![("content-type", FORM)];
        headers.extend(signed.iter().map(|(name, value)| (*name, value.as_str())));
        hotline.wire.send("POST", path, &headers, form)
    }
}

/// A telephone at one of them.
pub struct Telephone<'h> {
    hotline: &'h InProcess,
    platform: Platform,
    id: String,
    pub heard: Heard,
    /// The last path, form and answer.
    pub last: (String, String, Answer),
}

impl<'h> Telephone<'h> {
    pub fn dial(hotline: &'h InProcess, platform: Platform, name: &str) -> Self {
        let heard = Heard { said: String::new(), then: Then::HangUp };
        let none = Answer { status: 0, headers: Vec::new(), body: String::new() };
        let last = (String::new(), String::new(), none);
        let mut telephone = Self { hotline, platform, id: platform.id(name), heard, last };
        let (path, form) = (format!("{}/voice", platform.base()), telephone.form(&[]));
        // Two of them ask for the first document with GET, and only one can be told not to.
        let answer = match platform {
            Platform::Exotel | Platform::Kazoo => hotline.wire.send("GET", &format!("{path}?{form}"), &[], ""),
            _ => platform.post(hotline, &path, &form),
        };
        telephone.heard = spoken(&answer);
        telephone.last = (path, form, answer);
        telephone
    }

    /// What every webhook tells.
    pub fn form(&self, more: &[(&str, &str)]) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let (from, to, state) = ("13800138000", "12333", "in-progress");
        match self.platform {
            Platform::Exotel => form.extend_pairs([("CallFrom", from), ("CallTo", to), ("CallStatus", state)]),
            // The state is that of the call that was placed last.
            Platform::Kazoo => form.extend_pairs([
                ("CallerNumber", from),
                ("From", "1001"),
                ("To", to),
                ("ToRealm", "pbx.example"),
                ("CallStatus", "no-answer"),
            ]),
            _ => form.extend_pairs([("From", from), ("To", to), ("CallStatus", state), ("ApiVersion", "2010-04-01")]),
        };
        form.append_pair("CallSid", &self.id).extend_pairs(more).finish()
    }

    /// Posts a form, proved as the platform does.
    pub fn send(&self, path: &str, form: &str) -> Answer {
        self.platform.post(self.hotline, path, form)
    }

    pub fn post(&mut self, path: &str, more: &[(&str, &str)]) -> &str {
        let form = self.form(more);
        let answer = self.send(path, &form);
        self.heard = spoken(&answer);
        self.last = (path.to_owned(), form, answer);
        &self.heard.said
    }

    /// Presses keys. None but Twilio tells which key ended them; and of the finish key alone none tells anything.
    pub fn press(&mut self, keys: &str) -> &str {
        let Then::Gather { path, digits, finish } = self.heard.then.clone() else { panic!("nobody waits for keys") };
        let keys = Some(finish.as_str()).filter(|f| !f.is_empty()).and_then(|f| keys.strip_suffix(f)).unwrap_or(keys);
        assert!(!keys.is_empty() && keys.len() <= digits, "{digits} keys are waited for");
        let (name, digits) = self.platform.digits(keys);
        self.post(&path, &[(name, &digits)])
    }

    /// Presses nothing: some tell so, others go on behind, and both are the same address.
    pub fn silence(&mut self) -> &str {
        let Then::Gather { path, .. } = self.heard.then.clone() else { panic!("nobody waits for keys") };
        self.post(&path, &[])
    }

    /// Goes on where it is sent.
    pub fn go_on(&mut self) -> &str {
        let Then::GoOn { path } = self.heard.then.clone() else { panic!("sent nowhere: {:?}", self.heard) };
        self.post(&path, &[])
    }

    /// The platform tells that it is over, as it does.
    pub fn hang_up(&self) -> Answer {
        let form = match self.platform {
            Platform::Kazoo => format!("Call-ID={}&Hangup-Cause=NORMAL_CLEARING", self.id.replace('@', "%40")),
            _ => self.form(&[]).replace("in-progress", "completed"),
        };
        self.platform.post(self.hotline, &format!("{}/status", self.platform.base()), &form)
    }
}
