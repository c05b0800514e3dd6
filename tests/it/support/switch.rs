//! Stands where FreeSWITCH' `mod_httapi` stands: does the work of documents in its order, and posts where it was last told to.

use data_encoding::BASE64;

use super::caller::{Answer, FORM, InProcess};
use super::served::{PUBLIC_URL, Setup};
use super::tree::Element;

/// The secret in its addresses.
pub const KEY: &str = "fs_0f1e2d3c4b5a69788796a5b4";
/// What it sends as well.
pub const CREDENTIALS: &str = "freeswitch:0f1e2d3c4b5a6978";

/// A hotline that it may call.
pub fn set_up(setup: Setup) -> Setup {
    let setup = setup.env("HTTAPI__SECRET", KEY).env("HTTAPI__CREDENTIALS", CREDENTIALS);
    setup.env("HTTAPI__ADDRESSES", r#"["127.0.0.1"]"#).env("HTTAPI__RECORDINGS", "/var/lib/freeswitch/recordings")
}

/// A call by the module.
pub struct Switch<'h> {
    hotline: &'h InProcess,
    id: String,
    /// Where it posts to, until it is told otherwise.
    url: String,
    /// The work to be done.
    work: Vec<Element>,
    pub said: String,
    /// The last path, form and answer.
    pub last: (String, String, Answer),
}

impl<'h> Switch<'h> {
    /// A call comes in.
    pub fn dial(hotline: &'h InProcess, name: &str) -> Self {
        let none = Answer { status: 0, headers: Vec::new(), body: String::new() };
        let mut switch = Self {
            hotline,
            id: format!("5d0c4f4e-7c1b-4a53-9a77-{name}"),
            url: format!("/httapi/{KEY}/call"),
            work: Vec::new(),
            said: String::new(),
            last: (String::new(), String::new(), none),
        };
        switch.sync(&[]);
        switch
    }

    /// Posts to where it was told last, and reads the work.
    fn sync(&mut self, more: &[(&str, &str)]) -> &str {
        let form = self.form(more);
        let path = self.url.clone();
        let answer = self.post(&path, &form);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "text/xml; charset=utf-8"),
            "{path}: {}",
            answer.body
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        // More would come in pieces, between which the module puts what no reader of XML takes.
        assert!(answer.body.len() < 16 * 1024, "{} bytes", answer.body.len());
        let document = Element::parse(&answer.body);
        assert_eq!((&*document.name, document.get("type")), ("document", "xml/freeswitch-httapi"));
        self.work.clone_from(&document.child("work").unwrap().children);
        assert!(!self.work.is_empty(), "no instructions: {}", answer.body);
        self.said = self.work.iter().filter(|tag| tag.name == "speak").map(|tag| tag.get("text")).collect();
        for tag in &self.work {
            assert!(tag.name != "speak" || !tag.get("engine").is_empty(), "the module gives it up");
            // Whatever the tag, an address counts as soon as it is met.
            if let Some(path) = tag.get("action").strip_prefix(PUBLIC_URL) {
                path.clone_into(&mut self.url);
            }
        }
        self.last = (path, form, answer);
        &self.said
    }

    pub fn post(&self, path: &str, form: &str) -> Answer {
        let basic = format!("Basic {}", BASE64.encode(CREDENTIALS.as_bytes()));
        self.hotline.wire.send("POST", path, &[("content-type", FORM), ("authorization", &basic)], form)
    }

    /// What it posts each time.
    pub fn form(&self, more: &[(&str, &str)]) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("session_id", &self.id).append_pair("hostname", "fs1").append_pair("method", "POST");
        form.append_pair("Caller-Direction", "inbound").append_pair("Caller-Caller-ID-Name", "Köln");
        form.append_pair("Caller-Caller-ID-Number", "13800138000").append_pair("Caller-Destination-Number", "12333");
        form.extend_pairs(more);
        // It ends with one.
        form.finish() + "&"
    }

    pub fn tag(&self, name: &str) -> &Element {
        self.work.iter().find(|tag| tag.name == name).unwrap_or_else(|| panic!("no {name}: {}", self.last.2.body))
    }

    /// The end of the work: what waits for keys, and by which patterns.
    fn waits(&self) -> &Element {
        let last = self.work.last().unwrap();
        assert!(last.child("bind").is_some(), "nobody waits for keys: {}", self.last.2.body);
        assert!(self.work.iter().filter(|tag| tag.child("bind").is_some()).count() == 1, "keys would be lost");
        last
    }

    /// Presses keys, of which a terminator is not told.
    pub fn press(&mut self, keys: &str) -> &str {
        let tag = self.waits();
        assert_eq!(tag.get("name"), "keys");
        let finish = tag.get("terminators");
        let entry = if finish.is_empty() { keys } else { keys.strip_suffix(finish).unwrap_or(keys) };
        let binds: Vec<_> = tag.all("bind").map(|bind| bind.text.clone()).collect();
        assert_eq!(
            binds.len(),
            if finish.is_empty() { 1 } else { 2 },
            "one pattern is taken at once, two with a terminator"
        );
        assert!(binds.iter().any(|pattern| fits(pattern, entry)), "{binds:?} {entry}");
        // What is empty is not posted.
        let mut told = vec![("input_type", "dtmf")];
        if !entry.is_empty() {
            told.push(("keys", entry));
        }
        self.sync(&told)
    }

    pub fn silence(&mut self) -> &str {
        self.waits();
        self.sync(&[])
    }

    /// The work is done, and nothing is told of it.
    pub fn go_on(&mut self) -> &str {
        self.sync(&[])
    }

    /// What `<getVar>` at the end asks for.
    pub fn told(&mut self, value: &str) -> &str {
        let last = self.work.last().unwrap();
        assert_eq!(last.name, "getVar", "{}", self.last.2.body);
        let name = last.get("name").to_owned();
        self.sync(&[(&name, value)])
    }

    /// The call is over: told once, to wherever it posts.
    pub fn hang_up(&self, more: &[(&str, &str)]) -> Answer {
        self.post(&self.url, &self.form(&[more, &[("exiting", "true")]].concat()))
    }

    /// The application was left; the dialplan goes on with the next.
    pub fn falls_back(&mut self) -> &str {
        self.url = format!("/httapi/{KEY}/fallback");
        self.sync(&[])
    }
}

/// Whether a pattern of ours, `~^[0-9*]{0,18}#?$`, fits.
fn fits(pattern: &str, keys: &str) -> bool {
    let inside = pattern.strip_prefix("~^[").and_then(|p| p.strip_suffix('$')).unwrap();
    let (class, rest) = inside.split_once("]{").unwrap();
    let (times, _) = rest.split_once('}').unwrap();
    let (least, most) = match times.split_once(',') {
        Some((least, "")) => (least.parse().unwrap(), usize::MAX),
        Some((least, most)) => (least.parse().unwrap(), most.parse().unwrap()),
        None => (times.parse().unwrap(), times.parse().unwrap()),
    };
    let others = class.strip_prefix("0-9").unwrap();
    (least..=most).contains(&keys.len()) && keys.chars().all(|key| key.is_ascii_digit() || others.contains(key))
}
