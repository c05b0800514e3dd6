//! Transcripts as real calls: what QA wrote down is pressed on a telephone, and held against what was heard there.

use std::time::Duration;

use hotline::member::card_number::CardRule;
use hotline::replay::pattern::Part;
use hotline::replay::readings::Readings;
use hotline::replay::transcript::{Does, Expectation, Press, Pressed, Transcript, What, When};
use hotline::server::Register;

use crate::call::Call;
use crate::phone::Pace;
use crate::stand::{Number, Plan};
use crate::support::line::{mandarin, project};

/// Calls for which it needs nothing but a telephone: no day of their own, no accident, no person.
const TRANSCRIPTS: [&str; 8] = [
    "sign-in/SIGN-001.call",
    "sign-in/SIGN-003.call",
    "sign-in/SIGN-015.call",
    "account/BAL-004.call",
    "account/DET-002.call",
    "account/POOL-001.call",
    "menu/MENU-005.call",
    "policy/POL-001.call",
];

#[test]
fn what_was_written_down_is_heard() {
    let shipped = std::fs::read_to_string(project("config/lines/12333.toml")).unwrap();
    let line = Plan::new().setup(|setup| setup.line(&shipped)).open().connected();
    let secrets: Vec<String> = std::thread::scope(|scope| {
        let number = line.number();
        let calls = TRANSCRIPTS.iter().zip(0..).map(|(name, n)| {
            let caller = move || play(name, Caller::new(number, &format!("1370000{n:04}")));
            scope.spawn(caller)
        });
        let calls: Vec<_> = calls.collect();
        calls.into_iter().flat_map(|call| call.join().unwrap()).collect()
    });
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    line.close(&[], &secrets);
}

/// Plays a transcript, and tells what nobody may have written down.
fn play(name: &str, mut caller: Caller) -> Vec<String> {
    let bytes = std::fs::read(project("tests/transcripts/ok").join(name)).unwrap();
    let Transcript { header, steps, .. } = Transcript::parse(name, &bytes).unwrap_or_else(|faults| panic!("{faults}"));
    let catalog = mandarin();
    let members = Register::samples().members(jiff::civil::date(2026, 7, 1)).unwrap_or_else(|f| panic!("{f}"));
    let readings = Readings::new(name, &header, &members, vec![&*catalog], CardRule::DigitsOnly);
    let readings = readings.unwrap_or_else(|faults| panic!("{faults}"));
    let keys = |press: &Press| -> String {
        let one = |pressed: &Pressed| match pressed {
            Pressed::Key(key) => key.as_char().to_string(),
            Pressed::Secret(name) => readings.keys_of(name).unwrap().iter().map(|key| key.as_char()).collect(),
        };
        press.keys.iter().map(one).collect()
    };
    let mut at = 0;
    while let Some(step) = steps.get(at) {
        at += 1;
        match &step.what {
            What::Caller { after, does } => {
                std::thread::sleep(*after);
                match does {
                    Does::Dial { to: None } => caller.dial(),
                    Does::Press(press) => caller.press(&keys(press), press),
                    Does::Silence => {}
                    Does::HangUp => caller.call().hang_up(),
                    other => panic!("{name}:{}: {other:?} is nothing a telephone does", step.line),
                }
            }
            // Lines of what is heard that follow each other are one hearing.
            What::Heard(_) => {
                let lines: Vec<Expectation> = steps[at - 1..].iter().map_while(heard).collect();
                at += lines.len() - 1;
                let pattern = readings.pattern(lines.iter()).unwrap();
                let what = format!("what {name}:{} says", step.line);
                let written: String = steps[at - lines.len()..at].iter().map(|step| step.written.as_str()).collect();
                let fits = |said: &str| pattern.hears(&without_punctuation(said));
                // Where something may stand that is not written down, all clips are looked for; where anything may, none.
                if fits("") {
                    caller.call().hears_all();
                } else if written.contains('{') {
                    caller.call().hears_what(&what, &written, fits);
                } else {
                    caller.call().hears_of(&what, &written, fits);
                }
                caller.heard = true;
            }
            // What became of the data is looked at where transcripts are replayed.
            What::True(_) => {}
            What::Fault(_) | What::Arrived(_) => panic!("{name}:{}: not for a telephone", step.line),
        }
    }
    readings.written().map(|(_, written)| written).collect()
}

/// Who calls.
struct Caller {
    number: Number,
    own: String,
    call: Option<Call>,
    /// Whether what is said now was heard out.
    heard: bool,
}

impl Caller {
    fn new(number: Number, own: &str) -> Self {
        Self { number, own: own.to_owned(), call: None, heard: false }
    }

    fn dial(&mut self) {
        self.call = Some(self.number.call(&self.own));
        self.heard = false;
    }

    fn call(&self) -> &Call {
        self.call.as_ref().unwrap()
    }

    fn press(&mut self, keys: &str, press: &Press) {
        let call = self.call();
        match &press.when {
            // What was to be told of it is told: nothing is left to be pressed over.
            When::Heard | When::Over | When::Ahead if self.heard => {}
            When::Heard => call.hears_all(),
            When::Over | When::Ahead => call.hears_something(),
            When::Hearing(phrase) => {
                let phrase = without_punctuation(phrase);
                call.hears_within(&phrase, |said| without_punctuation(said).contains(&phrase));
            }
        }
        let tone = Duration::from_millis(100);
        let gap = press.each.saturating_sub(tone).max(Duration::from_millis(60));
        call.press_at(keys, Pace { tone, gap });
        self.heard = false;
    }
}

/// What a line expects to be heard, without the punctuation, which nobody hears.
fn heard(step: &hotline::replay::transcript::Step) -> Option<Expectation> {
    let What::Heard(expected) = &step.what else { return None };
    let mut expected = expected.clone();
    for (part, _) in &mut expected.parts {
        match part {
            Part::Text(text) => *text = without_punctuation(text),
            Part::AnyOf(texts) => texts.iter_mut().for_each(|text| *text = without_punctuation(text)),
            _ => {}
        }
    }
    Some(expected)
}

fn without_punctuation(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !"，。；：？！、“”".contains(*c)).collect()
}
