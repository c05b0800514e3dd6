//! What callers key in and hear leaves no trace: not in logs at any level, metrics, addresses, files or error texts.

use std::sync::{Arc, Mutex, OnceLock};

use hotline::secret::{Keys, Pin, Secret};
use tracing_subscriber::fmt::MakeWriter;

use crate::calls::{NOON, shipped};
use crate::support::caller::{Caller, Heard, Then, Wire};
use crate::support::served::Setup;

/// Numbers, names and amounts of the people whose calls are made here, keyed or stored: none may show anywhere.
const CANARIES: [&str; 20] = [
    "13700137123",
    "Recordings/RE",
    "370000199502140068",
    "20260007",
    "11010519491231002",
    "110105194912310021",
    "19491231",
    "12345678",
    "310000198503120012",
    "440106198101010155",
    "330000201604010048",
    "13800138000",
    "13911112222",
    "样例一",
    "样例二",
    "1010.05",
    "310.05",
    "1234.56",
    "18765.44",
    "450.50",
];
/// Six digits turn up by chance in longer numbers, so these count only where no further digit stands beside them.
const PINS: [&str; 7] = ["739154", "204867", "730415", "916408", "123456", "507294", "618307"];

/// Looks for what must not be there, and counts what it looks at.
#[derive(Default)]
struct Scanner {
    bytes: usize,
    hits: Vec<String>,
}

impl Scanner {
    fn scan(&mut self, place: &str, bytes: &[u8]) {
        self.bytes += bytes.len();
        for canary in CANARIES {
            if find(bytes, canary.as_bytes()).next().is_some() {
                self.hits.push(format!("{canary} in {place}"));
            }
        }
        for pin in PINS {
            let beside = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
            let alone = |at: usize| !beside(at.checked_sub(1)) && !beside(Some(at + pin.len()));
            if find(bytes, pin.as_bytes()).any(alone) {
                self.hits.push(format!("PIN {pin} in {place}"));
            }
        }
    }

    /// A log, without the times its lines begin with: their microseconds can be anything.
    fn scan_log(&mut self, place: &str, log: &str) {
        for line in log.lines() {
            let line = match line.strip_prefix("{\"timestamp\":\"").and_then(|line| line.split_once('"')) {
                Some((_, rest)) => rest,
                None => line.split_once(' ').map_or(line, |(_, rest)| rest),
            };
            let before = self.hits.len();
            self.scan(place, line.as_bytes());
            // The values are samples: which event told them is what a failure has to say.
            for hit in &mut self.hits[before..] {
                *hit = format!("{hit}: {line:.300}");
            }
        }
    }

    fn scan_caller(&mut self, caller: &Caller) {
        for sent in &caller.sent {
            let Heard { said, then } = Heard::parse(&sent.answer.body);
            // What is said, is said in words.
            assert!(!said.contains(|c: char| c.is_ascii_digit()), "{said}");
            if let Then::Gather { path, .. } | Then::Record { path, .. } | Then::Dial { path, .. } = then {
                self.scan("an address", path.as_bytes());
            }
            for (name, value) in &sent.answer.headers {
                self.scan(&format!("the header {name}"), value.as_bytes());
            }
            // Addresses, attributes and all.
            self.scan("the markup", sent.answer.body.as_bytes());
        }
    }

    fn scan_files(&mut self, setup: &Setup) {
        let files = setup.bytes();
        assert!(files.iter().any(|(name, _)| name == "hotline.db"));
        for (name, bytes) in files {
            self.scan(&name, &bytes);
        }
    }

    #[track_caller]
    fn found_nothing(&self, at_least: usize) {
        assert!(self.bytes > at_least, "only {} bytes were looked at", self.bytes);
        assert_eq!(self.hits, Vec::<String>::new());
    }
}

fn find<'b>(bytes: &'b [u8], what: &'b [u8]) -> impl Iterator<Item = usize> + 'b {
    let first = what[0];
    (0..bytes.len()).filter(move |&at| bytes[at] == first && bytes[at..].starts_with(what))
}

#[test]
fn the_scanner_finds_what_is_planted() {
    for (planted, place) in [
        ("2026-07-03T04:00:00.000000Z TRACE hotline: keys=739154\n", "log"),
        ("{\"timestamp\":\"2026-07-03T04:00:00.000000Z\",\"fields\":{\"id\":\"11010519491231002X\"}}\n", "log"),
        ("2026-07-03T04:00:00.000000Z INFO hotline: 样例一 has 1010.05\n", "log"),
    ] {
        let mut scanner = Scanner::default();
        scanner.scan_log(place, planted);
        assert!(!scanner.hits.is_empty(), "{planted}");
    }
    let mut scanner = Scanner::default();
    scanner.scan("bytes", b"\0\xff739154\0");
    scanner.scan("bytes", b"\0\xff1739154\0");
    scanner.scan_log(
        "log",
        "2026-07-03T04:00:00.739154Z TRACE nothing\n{\"timestamp\":\"2026-07-03T04:00:00.739154Z\"}\n",
    );
    assert_eq!(scanner.hits, ["PIN 739154 in bytes"]);
}

/// Calls of every kind: balances, wrong PINs, unknown people, numbers keyed at the wrong place, forged steps.
fn all_calls(wire: &Wire) -> Vec<Caller> {
    let dial = |sid: &str, from: &str| Caller::dial_from(wire.clone(), sid, from);
    let mut by_id = dial("CA-a", "+8613800138000");
    by_id.press_all(&["1", "1", "11010519491231002*#", "1", "739154#", "1", "*", "2", "#", "9"]);
    let mut by_card = dial("CA-b", "sip:13911112222@pbx.example");
    by_card.press_all(&["1", "2", "12345678#", "1", "739154#", "1"]);
    let mut resident = dial("CA-c", "anonymous");
    resident.press_all(&["1", "1", "330000201604010048#", "1", "916408#", "1", "*", "2"]);
    let mut wrong = dial("CA-d", "+8613800138000");
    wrong.press_all(&["1", "1", "310000198503120012#", "1", "730415#", "739154#", "204867#"]);
    let mut unknown = dial("CA-e", "+8613800138000");
    unknown.press_all(&["1", "1", "440106198101010155#", "1", "730415#", "730415#", "730415#"]);
    let mut initial = dial("CA-f", "+8613800138000");
    initial.press_all(&["1", "1", "370000199502140068#", "1", "123456#", "20260008#", "20260007#", "123456#"]);
    initial.press_all(&["507294#", "618307#", "507294#", "507294#", "1"]);
    // A PIN where a number is asked for, a number with a slip, rubbish.
    let mut slips = dial("CA-g", "+8613800138000");
    slips.press_all(&["1", "1", "739154#", "110105194912310021#"]);
    let mut forged = dial("CA-h", "+8613800138000");
    for path in ["/twilio/step/11010519491231002X", "/twilio/step/739154", "/twilio/transferred/12345678"] {
        // What it was sent stands in no answer.
        forged.heard.then = Then::Gather { path: path.into(), digits: 9, finish: String::new() };
        forged.press("739154");
    }
    for path in ["/nothing/739154", "/browser/step/739154", "/twilio/step/739154"] {
        wire.send(
            "POST",
            path,
            &[("content-type", "application/json")],
            r#"{"call": "739154", "keys": "739154", "no": 1}"#,
        );
    }
    by_card.hang_up();
    // A complaint with another number than the caller's, and a look at how far it is.
    let mut complaint = dial("CA-i", "+8613911112222");
    complaint.press_all(&["5", "2", "2", "13700137123#", "1"]);
    complaint.speak(12);
    complaint.press("1");
    let mut looks = dial("CA-j", "+8613911112222");
    looks.press_all(&["5", "4", "73915466#", "00000007#"]);
    vec![by_id, by_card, resident, wrong, unknown, initial, slips, forged, complaint, looks]
}

#[test]
fn a_served_hotline_that_logs_all_it_can_tells_nothing() {
    for format in ["pretty", "json"] {
        let setup = Setup::new().env("LOG__LEVEL", "trace").env("LOG__FORMAT", format);
        let served = setup.serve();
        let wire = Wire::from(&served);
        let mut scanner = Scanner::default();
        for caller in all_calls(&wire) {
            scanner.scan_caller(&caller);
        }
        scanner.scan("metrics", wire.get("/metrics").body.as_bytes());
        let log = served.log();
        // The calls are in the log, if not what was said in them.
        for seen in ["CA-a", "granted", "personal_balance", "refused"] {
            assert!(log.contains(seen), "no {seen} in the log");
        }
        scanner.scan_log("the log", &log);
        scanner.scan_files(&setup);
        scanner.found_nothing(100_000);
    }
}

/// Everything that anything in this process traces, but for the client that tests beside this one call served hotlines
/// with: it stands where the telephone network stands, and tells what it sends.
fn traces() -> &'static Traces {
    static TRACES: OnceLock<Traces> = OnceLock::new();
    TRACES.get_or_init(|| {
        let traces = Traces::default();
        tracing_subscriber::fmt()
            .with_env_filter("trace,ureq=off,ureq_proto=off")
            .with_ansi(false)
            .with_writer(traces.clone())
            .init();
        traces
    })
}

#[derive(Clone, Default)]
struct Traces(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Traces {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Traces {
    type Writer = Self;
    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[test]
fn every_event_of_the_process_tells_nothing() {
    let traces = traces();
    let hotline = shipped(NOON);
    let mut scanner = Scanner::default();
    for caller in all_calls(&hotline.wire) {
        scanner.scan_caller(&caller);
    }
    scanner.scan("metrics", hotline.wire.get("/metrics").body.as_bytes());
    let log = String::from_utf8(traces.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("CA-a") && log.contains("DEBUG"), "the events were not caught");
    scanner.scan_log("the events", &log);
    scanner.scan_files(&hotline.setup);
    scanner.found_nothing(100_000);
}

/// What a panic or an error would print: the values themselves, by every way they have of being shown.
#[test]
fn secrets_print_nothing() {
    let keys = Keys::parse("739154", true).unwrap();
    let pin = Pin::parse("739154").unwrap();
    let secret = Secret::new("11010519491231002X");
    let event = hotline::dialog::Event::Keys(keys.clone());
    let mut scanner = Scanner::default();
    scanner.scan("Debug", format!("{keys:?} {pin:?} {secret:?} {event:?} {:?}", keys.expose()).as_bytes());
    let panicked = std::panic::catch_unwind(|| panic!("with {keys:?}")).unwrap_err();
    scanner.scan("a panic", panicked.downcast_ref::<String>().unwrap().as_bytes());
    assert!(panicked.downcast_ref::<String>().unwrap().contains("Keys(…)"));
    assert_eq!(scanner.hits, Vec::<String>::new());
}
