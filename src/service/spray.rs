//! Whether sign-ins look like an attack on everybody: one PIN tried on many people, lists of numbers walked through.
//!
//! No lock and no limit sees that: each person is tried once, each telephone calls once. What shows is the whole of the
//! last ten minutes. It is kept in this process only, under tags made with a key that lives as long as a day: no PIN, no
//! number and no key of a person is in it, and nothing of it ever reaches a disk. Each node sees the calls it answers, and
//! raises its own level.
//!
//! | signal | counted in ten minutes | threshold |
//! |---|---|---|
//! | `same_pin` | persons refused with one and the same PIN | a setting |
//! | `neighbours` | numbers that differ only at their end (ID: the last four; others: the last two) | a setting |
//! | `unknown` | persons asked for whom nobody has registered | a share of all persons asked for |
//! | `failing` | persons who were refused and did not get in | a share of all persons asked for |
//!
//! Thresholds of shares are where honest calls come once in a million windows: the share is taken for the mean of a
//! Poisson distribution. The level follows how far the highest signal is over its threshold: 1 at the threshold (alert), 2
//! at twice it or with two signals over theirs (challenge), 3 at four times (staff only). It falls by one step at a time,
//! each after a time in which no signal came near half its threshold and challenges did not stay unanswered.
//!
//! How fast keys are pressed is not looked at: Twilio does not tell.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::member::{Identifier, IdentifierKind};
use crate::secret::Pin;

/// When sign-ins look like an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpraySettings {
    /// The level an operator has set. `None`: it follows from what is seen.
    pub pinned: Option<u8>,
    /// Persons refused with one PIN in a window.
    pub same_pin: u32,
    /// Numbers side by side in a window.
    pub neighbours: u32,
    /// Of a hundred persons that honest calls ask for, so many at most are unknown.
    pub unknown_percent: u8,
    /// Of a hundred persons that honest calls ask for, so many at most do not get in.
    pub failing_percent: u8,
    /// Of a hundred challenges that honest callers hear, so many at most lead to no PIN.
    pub unanswered_percent: u8,
    /// How long it must be calm before the level falls by one.
    pub calm: Duration,
}

impl Default for SpraySettings {
    fn default() -> Self {
        Self {
            pinned: None,
            same_pin: 29,
            neighbours: 6,
            unknown_percent: 5,
            failing_percent: 20,
            unanswered_percent: 30,
            calm: Duration::from_mins(30),
        }
    }
}

/// How a PIN was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It opens the account.
    Right,
    /// It does not, or it is one that anybody could guess.
    Wrong,
    /// Nobody has the number.
    Unknown,
}

/// What looked like an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// One PIN, many persons.
    SamePin,
    /// Numbers side by side.
    Neighbours,
    /// Many persons whom nobody has registered.
    Unknown,
    /// Many persons who do not get in.
    Failing,
    /// Many challenges that nobody answers: this raises no level, it keeps one up.
    Unanswered,
}

impl Signal {
    /// Its name in logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SamePin => "same_pin",
            Self::Neighbours => "neighbours",
            Self::Unknown => "unknown",
            Self::Failing => "failing",
            Self::Unanswered => "unanswered",
        }
    }
}

/// The level has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// From this level
    pub from: u8,
    /// to this.
    pub to: u8,
    /// The highest signal at that moment.
    pub signal: Signal,
}

/// How long anything counts.
const WINDOW: Duration = Duration::from_mins(10);
/// Things remembered of each kind: 109 PINs a second, more than a node hashes. Beyond, the window gets shorter.
const MOST: usize = 65_536;
/// How long a key lives.
const KEY_LASTS: Duration = Duration::from_hours(24);
/// Between two looks at everything, while nothing stands out.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Shares are not taken of fewer.
const FEWEST: u32 = 100;
const ALERT: f64 = 1.0;
const CHALLENGE: f64 = 2.0;
const STAFF_ONLY: f64 = 4.0;

/// What a PIN, a person or a number is known by in here.
type Tag = u64;

/// Watches the sign-ins of this node.
pub struct Spray {
    settings: SpraySettings,
    seen: Mutex<Seen>,
}

impl Spray {
    /// Has seen nothing yet.
    #[must_use]
    pub fn new(settings: SpraySettings) -> Self {
        Self { settings, seen: Mutex::new(Seen::default()) }
    }

    /// 0: as always. 1: an alert was given. 2: callers must press digits they hear. 3: only staff.
    #[must_use]
    pub fn level(&self) -> u8 {
        self.settings.pinned.unwrap_or_else(|| self.seen.lock().unwrap_or_else(PoisonError::into_inner).level)
    }

    /// A PIN was looked at, for a person known by the key `person`.
    pub fn pin(&self, now: Timestamp, pin: &Pin, person: &[u8; 32], verdict: Verdict) -> Option<Change> {
        self.see(now, |seen, key| {
            let step = Step {
                at: now,
                pin: (verdict != Verdict::Right).then(|| tag(key, &[b"pin", pin.expose()])),
                person: tag(key, &[b"person", person]),
                verdict,
            };
            seen.add_step(step)
        })
    }

    /// A number was entered.
    pub fn number(&self, now: Timestamp, number: &Identifier) -> Option<Change> {
        self.see(now, |seen, key| {
            let digits = number.canonical();
            let (kind, end) = match number.kind() {
                // Order of birth and sex, and the check digit: those born on one day in one place.
                IdentifierKind::Id => (b"i", 4),
                IdentifierKind::Card => (b"c", 2),
                IdentifierKind::Personal => (b"p", 2),
            };
            let beginning = digits.get(..digits.len().saturating_sub(end)).unwrap_or_default();
            seen.add_number(now, tag(key, &[b"beginning", kind, beginning]), tag(key, &[b"number", kind, digits]))
        })
    }

    /// A challenge was given.
    pub fn challenge(&self, now: Timestamp) -> Option<Change> {
        self.see(now, |seen, _| {
            seen.challenges.push_back(now);
            0
        })
    }

    /// Time has passed.
    pub fn look(&self, now: Timestamp) -> Option<Change> {
        self.see(now, |seen, _| {
            seen.looked = None;
            0
        })
    }

    /// Sees something, and looks whether the level changes: always when what was seen is over half of a threshold (the
    /// count it came to is what `what` gives), now and then else.
    fn see(&self, now: Timestamp, what: impl FnOnce(&mut Seen, &[u8; 32]) -> u32) -> Option<Change> {
        if self.settings.pinned.is_some() {
            return None;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Without randomness there are no tags. Nothing else works without it either.
        let key = seen.key(now)?;
        let count = what(&mut seen, &key);
        let due = seen.looked.is_none_or(|last| now.duration_since(last).unsigned_abs() >= LOOK_EVERY);
        let least = self.settings.same_pin.min(self.settings.neighbours);
        if !due && count < least {
            return None;
        }
        seen.look(now, &self.settings)
    }
}

impl fmt::Debug for Spray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spray").field("level", &self.level()).finish_non_exhaustive()
    }
}

struct Step {
    at: Timestamp,
    /// Of a PIN that opened nothing.
    pin: Option<Tag>,
    person: Tag,
    verdict: Verdict,
}

/// What was seen of a person in the window.
#[derive(Default)]
struct Person {
    right: u32,
    wrong: u32,
    unknown: u32,
}

impl Person {
    fn count(&mut self, verdict: Verdict) -> &mut u32 {
        match verdict {
            Verdict::Right => &mut self.right,
            Verdict::Wrong => &mut self.wrong,
            Verdict::Unknown => &mut self.unknown,
        }
    }
}

/// How often each member of each group was seen.
type Groups = HashMap<Tag, HashMap<Tag, u32>>;

#[derive(Default)]
struct Seen {
    key: Option<(Zeroizing<[u8; 32]>, Timestamp)>,
    steps: VecDeque<Step>,
    /// Persons by the PIN that was wrong for them.
    pins: Groups,
    persons: HashMap<Tag, Person>,
    numbers: VecDeque<(Timestamp, Tag, Tag)>,
    /// Numbers by their beginning.
    beginnings: Groups,
    challenges: VecDeque<Timestamp>,
    level: u8,
    calm_since: Option<Timestamp>,
    looked: Option<Timestamp>,
}

impl Seen {
    /// The key of the day. A new one knows nothing of the tags of the old one, so what was seen is forgotten.
    fn key(&mut self, now: Timestamp) -> Option<Zeroizing<[u8; 32]>> {
        if let Some((key, made)) = &self.key
            && now.duration_since(*made).unsigned_abs() < KEY_LASTS
        {
            return Some(key.clone());
        }
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut_slice()).ok()?;
        let (level, calm_since) = (self.level, self.calm_since);
        *self = Self { key: Some((key.clone(), now)), level, calm_since, ..Self::default() };
        Some(key)
    }

    fn add_step(&mut self, step: Step) -> u32 {
        *self.persons.entry(step.person).or_default().count(step.verdict) += 1;
        let count = step.pin.map_or(0, |pin| add(&mut self.pins, pin, step.person));
        self.steps.push_back(step);
        count
    }

    fn add_number(&mut self, now: Timestamp, beginning: Tag, number: Tag) -> u32 {
        self.numbers.push_back((now, beginning, number));
        add(&mut self.beginnings, beginning, number)
    }

    /// Forgets what is older than the window, or more than is kept.
    fn forget(&mut self, now: Timestamp) {
        let old = now.saturating_sub(WINDOW).unwrap_or(Timestamp::MIN);
        while self.steps.front().is_some_and(|step| step.at <= old) || self.steps.len() > MOST {
            let Some(step) = self.steps.pop_front() else { break };
            if let Some(pin) = step.pin {
                remove(&mut self.pins, pin, step.person);
            }
            if let Some(person) = self.persons.get_mut(&step.person) {
                *person.count(step.verdict) -= 1;
                if person.right + person.wrong + person.unknown == 0 {
                    self.persons.remove(&step.person);
                }
            }
        }
        while self.numbers.front().is_some_and(|(at, ..)| *at <= old) || self.numbers.len() > MOST {
            let Some((_, beginning, number)) = self.numbers.pop_front() else { break };
            remove(&mut self.beginnings, beginning, number);
        }
        while self.challenges.front().is_some_and(|at| *at <= old) || self.challenges.len() > MOST {
            self.challenges.pop_front();
        }
    }

    /// Each signal, as a part of its threshold.
    fn signals(&self, settings: &SpraySettings) -> [(Signal, f64); 4] {
        let peak = |groups: &Groups| groups.values().map(|group| count(group.len())).max().unwrap_or_default();
        let part = |n: u32, of: u32| f64::from(n) / f64::from(of.max(1));
        let among = |is: fn(&Person) -> bool| count(self.persons.values().filter(|person| is(person)).count());
        let all = count(self.persons.len()).max(FEWEST);
        let share = |n: u32, percent: u8| f64::from(n) / once_in_a_million(f64::from(all) * f64::from(percent) / 100.0);
        let unknown = among(|p| p.unknown > 0);
        let failing = among(|p| p.right == 0);
        [
            (Signal::SamePin, part(peak(&self.pins), settings.same_pin)),
            (Signal::Neighbours, part(peak(&self.beginnings), settings.neighbours)),
            (Signal::Unknown, share(unknown, settings.unknown_percent)),
            (Signal::Failing, share(failing, settings.failing_percent)),
        ]
    }

    /// Whether more challenges stay unanswered than honest callers leave. Those of this moment may still be answered:
    /// they are few among those of ten minutes.
    fn unanswered(&self, settings: &SpraySettings) -> f64 {
        let given = count(self.challenges.len());
        let honest = f64::from(given) * f64::from(settings.unanswered_percent) / 100.0;
        f64::from(given.saturating_sub(count(self.steps.len()))) / once_in_a_million(honest)
    }

    fn look(&mut self, now: Timestamp, settings: &SpraySettings) -> Option<Change> {
        self.forget(now);
        self.looked = Some(now);
        let signals = self.signals(settings);
        let highest = signals.into_iter().fold((Signal::SamePin, 0.0), |a, b| if b.1 > a.1 { b } else { a });
        let over = signals.iter().filter(|(_, score)| *score >= ALERT).count();
        let wanted = match highest.1 {
            score if score >= STAFF_ONLY => 3,
            score if score >= CHALLENGE || over > 1 => 2,
            score if score >= ALERT => 1,
            _ => 0,
        };
        let from = self.level;
        if wanted > from {
            (self.level, self.calm_since) = (wanted, None);
            return Some(Change { from, to: wanted, signal: highest.0 });
        }
        let unanswered = self.unanswered(settings);
        if highest.1 >= ALERT / 2.0 || unanswered >= ALERT {
            self.calm_since = None;
            return None;
        }
        let since = *self.calm_since.get_or_insert(now);
        if from == 0 || now.duration_since(since).unsigned_abs() < settings.calm {
            return None;
        }
        (self.level, self.calm_since) = (from - 1, Some(now));
        let signal = if unanswered > highest.1 { Signal::Unanswered } else { highest.0 };
        Some(Change { from, to: self.level, signal })
    }
}

/// Adds a member to a group; how many it has now.
fn add(groups: &mut Groups, group: Tag, member: Tag) -> u32 {
    let members = groups.entry(group).or_default();
    *members.entry(member).or_default() += 1;
    count(members.len())
}

fn remove(groups: &mut Groups, group: Tag, member: Tag) {
    let Some(members) = groups.get_mut(&group) else { return };
    if let Some(times) = members.get_mut(&member) {
        *times -= 1;
        if *times == 0 {
            members.remove(&member);
        }
    }
    if members.is_empty() {
        groups.remove(&group);
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// What a Poisson count of this mean reaches less than once in a million: Cornish and Fisher's expansion to its second
/// term, rounded up and one more, which is never below the exact number.
fn once_in_a_million(mean: f64) -> f64 {
    const Z: f64 = 4.753_424;
    (mean + Z * mean.sqrt() + (Z * Z - 1.0) / 6.0).ceil() + 1.0
}

/// HMAC-SHA256 over the parts, each with its length before it, cut to eight bytes: two of 65,536 are alike once in eight
/// thousand million windows.
fn tag(key: &[u8; 32], parts: &[&[u8]]) -> Tag {
    // HMAC pads a key with zeros to the hash's block of 64 bytes; done here, because then nothing can fail.
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(key);
    let mut hmac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        hmac.update(&(part.len() as u64).to_be_bytes());
        hmac.update(part);
    }
    let mac: [u8; 32] = hmac.finalize().into_bytes().into();
    mac.first_chunk().map_or(0, |first| Tag::from_be_bytes(*first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_never_below_the_exact_ones() {
        for mean in [1.0_f64, 4.5, 10.0, 20.0, 54.0, 90.0, 270.0, 360.0, 600.0] {
            let (mut term, mut below, mut k) = ((-mean).exp(), (-mean).exp(), 0.0);
            // The least k that is reached less than once in a million.
            while 1.0 - below > 1e-6 {
                k += 1.0;
                term *= mean / k;
                below += term;
            }
            let exact = k + 1.0;
            let ours = once_in_a_million(mean);
            assert!(ours >= exact && ours <= exact + 3.0, "{mean}: {ours} for {exact}");
        }
    }

    #[test]
    fn what_is_forgotten_leaves_nothing_behind() {
        let spray = Spray::new(SpraySettings::default());
        let pin = Pin::parse("739154").unwrap();
        for n in 0..200_u8 {
            let now = Timestamp::from_second(i64::from(n)).unwrap();
            spray.pin(now, &pin, &[n % 20; 32], [Verdict::Wrong, Verdict::Unknown, Verdict::Right][usize::from(n % 3)]);
            spray.challenge(now);
        }
        spray.look(Timestamp::from_second(900).unwrap());
        let seen = spray.seen.lock().unwrap();
        assert!(seen.steps.is_empty() && seen.pins.is_empty() && seen.persons.is_empty() && seen.challenges.is_empty());
    }

    #[test]
    fn a_flood_shortens_the_window_and_takes_no_more_room() {
        let spray = Spray::new(SpraySettings::default());
        let pin = Pin::parse("739154").unwrap();
        for n in 0..u32::try_from(MOST + 5000).unwrap() {
            let mut person = [0; 32];
            person[..4].copy_from_slice(&n.to_be_bytes());
            let mut seen = spray.seen.lock().unwrap();
            let person = tag(&[1; 32], &[&person]);
            let step = Step {
                at: Timestamp::UNIX_EPOCH,
                pin: Some(tag(&[1; 32], &[pin.expose()])),
                person,
                verdict: Verdict::Wrong,
            };
            seen.add_step(step);
            seen.forget(Timestamp::UNIX_EPOCH);
        }
        let seen = spray.seen.lock().unwrap();
        assert_eq!((seen.steps.len(), seen.persons.len()), (MOST, MOST));
    }
}
