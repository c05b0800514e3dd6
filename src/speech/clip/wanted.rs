//! Which clips a language needs to say everything its catalogue can say, and how each is to be recorded: within a sentence.
//!
//! A unit recorded by itself sounds like a word of its own, and nobody understands a row of those. So each clip comes
//! with a [`Wanted::carrier`], a stretch of real speech it is cut out of.

use std::collections::{HashMap, HashSet};
use std::mem;

use jiff::civil::{Date, Time, Weekday};
use serde::Serialize;

use super::sound::{After, Before, Of, SENTENCE, SILENCES, Sound, Utterance, ends_in_speech, sounds};
use crate::member::account::YearMonth;
use crate::member::message::MessageNumber;
use crate::member::money::Money;
use crate::member::tail::Tail;
use crate::secret::Key;
use crate::speech::catalog::Catalog;
use crate::speech::prompt::{Prompt, PromptId, Slot, Value, Weekdays, Word};
use crate::speech::tempo::Pace;
use crate::speech::words::Words;

/// One clip that is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What its file is called, without `.wav`.
    pub name: String,
    /// What it speaks; nothing, if it is silence.
    pub text: String,
    /// What is said before it.
    pub before: Before,
    /// What is said after it.
    pub after: After,
    /// What it is cut out of, and which part of that it is.
    pub carrier: Vec<Chunk>,
    /// The place of the clip in its carrier. Of silence there is no carrier.
    pub at: usize,
    /// How long it is, if it is silence.
    pub silence_ms: u32,
}

/// A part of a carrier.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Chunk {
    /// Fixed wording.
    Wording(String),
    /// A unit of a value.
    Unit(String),
    /// `,` or `.`
    Pause(char),
}

/// Every clip that `catalog` needs, by name.
#[must_use]
pub fn wanted(catalog: &Catalog) -> Vec<Wanted> {
    let mut found = Found::default();
    let mut ids: Vec<_> = catalog.ids().collect();
    // Short sentences make short carriers.
    ids.sort_by_key(|id| (length(catalog, id), *id));
    for id in ids {
        let slots = catalog.slots(id).unwrap_or_default();
        let usual: Vec<_> = slots.iter().map(|(name, slot)| usual(name, *slot)).collect();
        // A word is no sentence: it is met where it stands.
        if is_word(id) {
            continue;
        }
        collect(catalog, &Prompt::of_values(PromptId::named(id), usual.clone()), &mut found);
        for (n, (name, slot)) in slots.iter().enumerate() {
            for value in values(name, *slot) {
                let mut values = usual.clone();
                values[n] = value;
                collect(catalog, &Prompt::of_values(PromptId::named(id), values), &mut found);
            }
        }
    }
    let silences = SILENCES.map(|length| {
        let silence_ms = u32::try_from(length.as_millis()).unwrap_or(u32::MAX);
        Wanted {
            name: format!("silence.{silence_ms}"),
            text: String::new(),
            before: Before::default(),
            after: After::default(),
            carrier: Vec::new(),
            at: 0,
            silence_ms,
        }
    });
    let mut wanted: Vec<_> = found.clips.into_values().flatten().chain(silences).collect();
    wanted.sort_by(|a, b| a.name.cmp(&b.name));
    wanted
}

/// What was found so far. Some hundred thousand sentences are looked at, so that nothing is looked at twice.
#[derive(Default)]
struct Found<'c> {
    /// By what they speak: few speak the same in several places.
    clips: HashMap<String, Vec<Wanted>>,
    /// Wording that has its name.
    named: HashSet<(Of<'c>, After)>,
}

/// Adds what `prompt` needs and nothing before it needed.
fn collect<'c>(catalog: &'c Catalog, prompt: &Prompt, found: &mut Found<'c>) {
    let mut words = Words::new();
    catalog.speak(prompt, &mut words);
    if ends_in_speech(&words) {
        // No full stop: what is said next follows at once.
        catalog.speak(prompt, &mut words);
    }
    let sounds = sounds(catalog.language(), &words, Pace::Usual);
    for (at, sound) in sounds.iter().enumerate() {
        let Sound::Said(said) = sound else { continue };
        if said.of != Of::Unit && !found.named.insert((said.of, said.after)) {
            continue;
        }
        let alike = found.clips.get_mut(said.text).into_iter().flatten();
        match alike.into_iter().find(|clip| (clip.before, clip.after) == (said.before, said.after)) {
            None => {
                let (carrier, at) = carrier(&sounds, at, said);
                let (name, text) = (said.name(), said.text.to_owned());
                let (before, after) = (said.before, said.after);
                let clip = Wanted { name, text, before, after, carrier, at, silence_ms: 0 };
                found.clips.entry(said.text.to_owned()).or_default().push(clip);
            }
            // Named alike however long other sentences are: by the first of all names.
            Some(other) if said.of != Of::Unit => other.name = said.name().min(mem::take(&mut other.name)),
            Some(other) if fitness(&other.carrier, other.at) < BEST => {
                let (carrier, at) = carrier(&sounds, at, said);
                if fitness(&carrier, at) > fitness(&other.carrier, other.at) {
                    (other.carrier, other.at) = (carrier, at);
                }
            }
            Some(_) => {}
        }
    }
}

/// How well a unit can be cut out of `carrier`: a number out of the blue sounds like a heading, between numerals a unit is
/// said as in an amount; in a date or a time, or before 万, it is said in passing.
fn fitness(carrier: &[Chunk], at: usize) -> u8 {
    let leads = matches!(carrier.first(), Some(Chunk::Wording(_)));
    let next = carrier.get(at + 1);
    let goes_on = matches!(next, Some(Chunk::Unit(_) | Chunk::Pause(_)));
    let in_passing = matches!(next, Some(Chunk::Unit(unit)) if IN_PASSING.contains(&unit.as_str()));
    u8::from(leads) + u8::from(goes_on) + u8::from(!in_passing)
}

const IN_PASSING: [&str; 8] = ["月", "日", "点", "分", "分钟", "小时", "万", "亿"];
/// The most that [`fitness`] says.
const BEST: u8 = 3;

/// The stretch of speech around the sound `at`: wording has its whole sentence, a unit or a word what is said in one breath.
fn carrier(sounds: &[Sound<'_>], at: usize, said: &Utterance<'_>) -> (Vec<Chunk>, usize) {
    let in_one_breath = match said.of {
        Of::Unit => true,
        Of::Wording { prompt, .. } => is_word(prompt),
    };
    let is_end = |sound: &Sound<'_>| match sound {
        Sound::Silence(length) => in_one_breath || *length >= SENTENCE,
        Sound::Said(_) => false,
    };
    let start = sounds[..at].iter().rposition(is_end).map_or(0, |end| end + 1);
    let stop = sounds[at..].iter().position(is_end).map_or(sounds.len(), |end| at + end);
    let chunk = |sound: &Sound<'_>| match sound {
        Sound::Silence(_) => Chunk::Pause(','),
        Sound::Said(Utterance { text, of: Of::Unit, .. }) => Chunk::Unit((*text).to_owned()),
        Sound::Said(Utterance { text, .. }) => Chunk::Wording((*text).to_owned()),
    };
    let mut carrier: Vec<_> = sounds[start..stop].iter().map(chunk).collect();
    carrier.push(Chunk::Pause('.'));
    (carrier, at - start)
}

fn is_word(id: &str) -> bool {
    Word::ALL.iter().any(|word| word.id() == id)
}

fn length(catalog: &Catalog, id: &str) -> usize {
    catalog.shape(id).into_iter().flatten().map(|part| part.map_or(4, |text| text.chars().count())).sum()
}

/// A value that is said quickly and easily: what stands around the wording while that is recorded.
fn usual(name: &str, slot: Slot) -> Value {
    match slot {
        Slot::Amount => amount(30_000),
        Slot::Date => Value::Date(Date::constant(2026, 6, 20)),
        Slot::Year => Value::Year(2026),
        Slot::Tail => tail(*b"3826"),
        Slot::Key => Value::Key(Key::Digit(2)),
        Slot::Time => Value::Time(Time::constant(8, 0, 0, 0)),
        Slot::Weekdays => Value::Weekdays(Weekdays { first: Weekday::Monday, last: Weekday::Friday }),
        Slot::Minutes => Value::Minutes(10),
        Slot::Count => Value::Count(3),
        Slot::Month => Value::Month(YearMonth { year: 2026, month: 6 }),
        Slot::Number => Value::Number(MessageNumber::new(2_638_263)),
        Slot::Word => Value::Word(vocabulary(name).next().unwrap_or(Word::ALL[0])),
    }
}

/// Values that are said with every unit in every place that any value of this kind is said with.
fn values(name: &str, slot: Slot) -> Vec<Value> {
    match slot {
        Slot::Amount => amounts().map(amount).collect(),
        Slot::Date => dates().map(Value::Date).collect(),
        Slot::Year => YEARS.map(Value::Year).collect(),
        Slot::Month => months().map(Value::Month).collect(),
        Slot::Tail => [*b"000X", *b"00X0", *b"X000", *b"XXXX"]
            .into_iter()
            .chain((b'0'..=b'9').map(|digit| [digit; 4]))
            .map(tail)
            .collect(),
        Slot::Number => (0..10).map(|d| Value::Number(MessageNumber::new(d * 1_111_111))).chain(numbers()).collect(),
        Slot::Key => Key::ALL.into_iter().map(Value::Key).collect(),
        Slot::Time => (0..24)
            .flat_map(|hour| (0..60).map(move |minute| Time::constant(hour, minute, 0, 0)))
            .chain([Time::MAX])
            .map(Value::Time)
            .collect(),
        Slot::Weekdays => {
            let week = || std::iter::successors(Some(Weekday::Monday), |day| Some(day.next())).take(7);
            week().flat_map(|first| week().map(move |last| Value::Weekdays(Weekdays { first, last }))).collect()
        }
        Slot::Minutes => (0..=180).chain(counts().filter_map(|n| n.checked_mul(60))).map(Value::Minutes).collect(),
        Slot::Count => counts().map(Value::Count).collect(),
        Slot::Word => vocabulary(name).map(Value::Word).collect(),
    }
}

/// Years that callers are told of.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2099;

fn dates() -> impl Iterator<Item = Date> {
    let all_days = Date::constant(2024, 1, 1).series(jiff::Span::new().days(1)).take(366);
    YEARS.map(|year| Date::constant(year, 1, 1)).chain(all_days)
}

fn months() -> impl Iterator<Item = YearMonth> {
    YEARS.flat_map(|year| (1..=12).map(move |month| YearMonth { year, month }))
}

/// Numbers of messages end in a check digit: among these each digit ends one.
fn numbers() -> impl Iterator<Item = Value> {
    (0..100).map(|n| Value::Number(MessageNumber::new(n)))
}

/// Whole numbers in which each numeral stands before and after each kind of another.
fn counts() -> impl Iterator<Item = u32> {
    let thousands = (1..10).flat_map(|d| [0, 1, 5, 10, 50, 55, 100, 150, 200, 250, 505, 955].map(|n| d * 1000 + n));
    let sections = [1, 2, 5, 9, 10, 11, 12, 15, 19, 20, 55, 99, 100, 105, 150, 155, 209, 1000, 1005, 1055, 2500, 9999];
    let large = sections.into_iter().flat_map(|n| [0, 1, 5, 50, 500, 2000, 5000, 9999].map(|m| n * 10_000 + m));
    let largest = (1..42).flat_map(|n| [0, 1, 50_000, 50_500_000, 90_000_000].map(|m| n * 100_000_000 + m));
    (0..1000).chain(thousands).chain(large).chain(largest)
}

fn amounts() -> impl Iterator<Item = i64> {
    let whole = counts().map(|yuan| i64::from(yuan) * 100);
    let huge = [1, 9, 15, 100, 505, 1050, 9999].into_iter().map(|n| n * 10_000_000_000 + 5_000_000);
    let broken = (1..100).flat_map(|fen| [fen, 100 + fen, 1000 + fen, 2500 + fen]);
    whole.chain(huge).chain(broken).flat_map(|fen| [fen, -fen])
}

fn amount(fen: i64) -> Value {
    Value::Amount(Money::from_fen(fen).unwrap_or(Money::ZERO))
}

fn tail(ascii: [u8; Tail::LENGTH]) -> Value {
    // Each of them is digits and X.
    Tail::try_from(ascii).map_or(Value::Year(0), Value::Tail)
}

/// The words that stand at a placeholder of this name; all of them where nothing is known of it.
fn vocabulary(name: &str) -> impl Iterator<Item = Word> {
    let prefix = match name {
        "scheme" => "word.scheme.",
        "insurance" => "word.insurance.",
        "contribution" => "word.contribution.",
        "outpatient" | "inpatient" | "benefit" => "word.benefit.",
        "status" => "word.card.",
        "kind" => "word.transaction.",
        "relation" => "word.relation.",
        "which" => "word.movements.",
        _ => "word.",
    };
    Word::ALL.iter().copied().filter(move |word| word.id().starts_with(prefix))
}

#[cfg(test)]
mod tests;
