//! One call while it is recorded: what the caller did, turn by turn, and which prompts they heard.

use std::time::Duration;

use jiff::Timestamp;

use super::person::{Person, PinFound};
use super::shift::Shift;
use crate::call::caller::{Call, Caller};
use crate::dialog::{
    Answer, Collect, Denied, EntryShape, Guard, LossOutcome, MessageAnswer, NewPin, Next, PinChange, PinCheck,
    PinPlace, Place, Shape, SignInOutcome, State, TransferEnd, Welcome,
};
use crate::member::account::{CardStatus, Scheme};
use crate::member::phone_number::PhoneNumber;
use crate::member::pin_rule::Weakness;
use crate::member::{IdentifierKind, MemberId, MemberKey};
use crate::secret::Key;
use crate::speech::catalog::Catalogs;
use crate::speech::prompt::{Prompt, Value};
use crate::speech::tempo;

/// Why a call is not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// Another node took some of its turns.
    Elsewhere,
    /// A turn was broken off, perhaps because the platform waited no longer.
    BrokenOff,
    /// A webhook had failed, and the call began anew.
    Resumed,
    /// What was heard depends on what others did: a lock, a limit, an attack.
    Others,
    /// What was heard depends on what was done before this call: a report of a lost card, a new PIN, a message.
    Earlier,
    /// The store was away, or too much was asked at once.
    Unavailable,
    /// Something the caller did cannot be told.
    Unclear,
    /// Digits were pressed at menus as fast as a number is keyed.
    Hurried,
    /// The call has more turns than are kept.
    TooLong,
    /// As many calls are being recorded as can be, or as many recordings are kept.
    TooMany,
    /// There is no randomness to shift by.
    NoRandomness,
    /// Replayed, other words are heard.
    Differs,
    /// The files cannot be written.
    Unwritten,
}

impl Why {
    /// The word that metrics have for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Elsewhere => "elsewhere",
            Self::BrokenOff => "broken_off",
            Self::Resumed => "resumed",
            Self::Others => "others",
            Self::Earlier => "earlier",
            Self::Unavailable => "unavailable",
            Self::Unclear => "unclear",
            Self::TooLong => "too_long",
            Self::TooMany => "too_many",
            Self::NoRandomness => "no_randomness",
            Self::Hurried => "hurried",
            Self::Differs => "differs",
            Self::Unwritten => "unwritten",
        }
    }
}

/// A call that is being recorded, or was.
#[derive(Clone, Debug)]
pub struct Take {
    /// The way it came in.
    pub dialect: &'static str,
    /// A number by which the line that was reached is dialled, as the line's file has it.
    pub dialled: Box<str>,
    /// What the calling number was like.
    pub caller: Calling,
    /// Whether it is marked as an older caller's.
    pub marked: bool,
    /// When it came in.
    pub began: Timestamp,
    /// What happened, in order.
    pub scenes: Vec<Scene>,
    /// Those it was about, in the order in which their numbers were keyed.
    pub people: Vec<Person>,
    /// How its values are shifted; surrogates are drawn from it as well.
    pub shift: Shift,
    /// When the caller put the telephone down, after the last scene; `None`: the hotline hung up.
    pub hung_up: Option<Duration>,
    turn: u16,
    last: Timestamp,
    /// Whose number was keyed last.
    current: Option<usize>,
    /// What the world answered in the turn under way.
    learnt: Learnt,
    acted: Option<(Duration, Act)>,
    hurry: Hurry,
    spoilt: Option<Why>,
}

/// What a calling number was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calling {
    /// It can be called back.
    Callable,
    /// It is one, and cannot.
    Other,
    /// It was withheld.
    Withheld,
}

/// What the caller did, and what they heard then.
#[derive(Clone, Debug)]
pub struct Scene {
    /// From the last answer to what they did.
    pub after: Duration,
    /// What they did.
    pub act: Act,
    /// What they heard.
    pub heard: Heard,
}

/// What a caller did, so that it can be done again with surrogates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what their types say")]
pub enum Act {
    Dialled,
    /// A choice; `None`: only the key that ends an entry.
    Key {
        key: Option<Key>,
        finished: bool,
    },
    /// The number of somebody, by their place in the call.
    Number {
        who: usize,
        kind: IdentifierKind,
        finished: bool,
    },
    /// Something that was no number of anybody's: too short, or with a slip, or not of whom it should be.
    NoNumber {
        kind: IdentifierKind,
        length: u8,
        ends_in_x: bool,
        finished: bool,
    },
    /// A number that is right in form, and not of whom it should be.
    OthersNumber {
        kind: IdentifierKind,
        finished: bool,
    },
    /// The PIN in force of somebody, or another one.
    Pin {
        who: Option<usize>,
        finished: bool,
    },
    /// Something that was no PIN.
    NoPin {
        length: u8,
        finished: bool,
    },
    /// A new PIN that is good, or why it is not.
    NewPin {
        who: Option<usize>,
        weakness: Option<Weakness>,
        finished: bool,
    },
    /// The new PIN once more, or another one.
    NewPinAgain {
        same: bool,
        finished: bool,
    },
    /// A telephone number, or something that was none.
    Phone {
        landline: bool,
        length: u8,
        finished: bool,
    },
    /// The number of a message: right in form, or not.
    Message {
        right: bool,
        length: u8,
        finished: bool,
    },
    /// Everything that is told by its shape alone.
    Other(Shape),
}

/// What was heard.
#[derive(Clone, Debug)]
pub struct Heard {
    /// In order.
    pub said: Vec<Said>,
    /// How long that takes.
    pub lasts: Duration,
    /// Where the dialog was then.
    pub place: Box<str>,
    /// What followed.
    pub then: Then,
}

/// One prompt that was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// What everybody hears alike, in words.
    Words(String),
    /// What tells something of somebody, by the prompt's id.
    Prompt(String),
    /// What has digits in it that were drawn, and are others in every call.
    Drawn(String),
}

/// What followed what was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Keys were awaited.
    Collect(Collect),
    /// The caller was recorded.
    Record,
    /// A person was called.
    Transfer,
    /// The caller was taken out of a queue.
    Leave,
    /// The call ended.
    HangUp,
}

/// What the world answered in one turn, as far as it tells what was keyed.
#[derive(Clone, Copy, Debug, Default)]
struct Learnt {
    identified: Option<MemberKey>,
    /// Whether what was shown was right.
    right: Option<bool>,
    new_pin: Option<Judged>,
    changed: Option<bool>,
    looked_up: bool,
    sealed: bool,
}

/// Digits pressed one after the other where one is enough: somebody may be keying a number there.
#[derive(Clone, Debug, Default)]
struct Hurry {
    /// How many.
    digits: u8,
    /// How many of them where the last was pressed.
    here: u8,
    place: Box<str>,
    /// Whether one of them was not offered.
    wrong: bool,
}

impl Hurry {
    /// Whoever presses the next key within this time does not listen for what it is.
    const WITHIN: Duration = Duration::from_millis(1500);
    /// As many as a PIN has, each of which may be offered by chance.
    const PIN: u8 = 6;
    /// More than this at one place, or with one that is not offered.
    const FEW: u8 = 3;

    /// `act` was done at `place`, `after` so long; `wrong`: it is not offered there. Whether it looks like a number by now.
    fn is_a_number(&mut self, after: Duration, act: &Act, place: &Place, wrong: bool) -> bool {
        if !matches!(act, Act::Key { key: Some(Key::Digit(_)), .. }) || place.is_entry() {
            *self = Self::default();
            return false;
        }
        if after > Self::WITHIN {
            *self = Self::default();
        }
        self.here = if *self.place == *place.name() { self.here.saturating_add(1) } else { 1 };
        self.place = place.name().into();
        self.digits = self.digits.saturating_add(1);
        self.wrong |= wrong;
        self.digits >= Self::PIN || self.here > Self::FEW || (self.wrong && self.digits > Self::FEW)
    }
}

/// What was found of a new PIN.
#[derive(Clone, Copy, Debug)]
enum Judged {
    Good,
    Easy(Weakness),
}

/// So many turns of a call are kept.
const MOST_TURNS: usize = 120;
/// Where callers wait for a person.
const QUEUE: &str = "person.queue";
/// So many people.
const MOST_PEOPLE: usize = 6;

impl Take {
    pub(super) fn new(call: &Call, dialled: Box<str>, marked: bool, now: Timestamp, shift: Shift) -> Self {
        Self {
            dialect: call.dialect,
            dialled,
            caller: match &call.caller {
                Caller::Withheld => Calling::Withheld,
                Caller::Number(number) if PhoneNumber::from_caller(number).is_some() => Calling::Callable,
                Caller::Number(_) => Calling::Other,
            },
            marked,
            began: now,
            scenes: Vec::new(),
            people: Vec::new(),
            shift,
            hung_up: None,
            turn: 0,
            last: now,
            current: None,
            learnt: Learnt::default(),
            acted: None,
            hurry: Hurry::default(),
            spoilt: None,
        }
    }

    /// Why it cannot be kept, if it cannot.
    pub(super) fn spoilt(&self) -> Option<Why> {
        self.spoilt
    }

    pub(super) fn spoil(&mut self, why: Why) {
        self.spoilt.get_or_insert(why);
    }

    /// Whether `turn`, in which the caller did what `shape` says, is the next; `None`: it was taken before.
    pub(super) fn is_next(&self, turn: u16, shape: Option<Shape>) -> Option<bool> {
        let Some(last) = self.scenes.last() else { return Some(turn == 0) };
        // The end of a queue is told by the step that led into it, whatever was heard in it meanwhile.
        let was_waiting = &*last.heard.place == QUEUE && !matches!(last.act, Act::Other(Shape::TransferEnded(_)));
        if was_waiting && matches!(shape, Some(Shape::TransferEnded(_))) {
            return Some(true);
        }
        let expected = self.turn + 1;
        (turn >= expected).then_some(turn == expected)
    }

    pub(super) fn last(&self) -> Timestamp {
        self.last
    }

    /// The caller does something: `None` where it was not their doing.
    pub fn happens(&mut self, turn: u16, shape: Option<Shape>, place: &Place, now: Timestamp) {
        self.turn = turn;
        let after = now.duration_since(self.last).unsigned_abs();
        self.last = now;
        self.learnt = Learnt::default();
        let act = match shape {
            None if turn == 0 => Act::Dialled,
            None | Some(Shape::Unclear) => {
                self.spoil(Why::Unclear);
                return;
            }
            Some(shape) => self.act(shape, place),
        };
        self.acted = Some((after, act));
    }

    fn act(&mut self, shape: Shape, place: &Place) -> Act {
        let Shape::Entry { of, length, finished } = shape else {
            return match shape {
                Shape::Key { key, finished } => Act::Key { key, finished },
                shape => Act::Other(shape),
            };
        };
        // Until the world has answered, it is none.
        match of {
            EntryShape::Number { kind, ends_in_x } => Act::NoNumber { kind, length, ends_in_x, finished },
            EntryShape::Pin => {
                if let Place::Pin { who, .. } = place {
                    self.current = self.people.iter().position(|person| person.keys.contains(who));
                }
                Act::NoPin { length, finished }
            }
            EntryShape::Phone { landline } => Act::Phone { landline, length, finished },
            EntryShape::Message => Act::Message { right: false, length, finished },
            EntryShape::Challenge => {
                self.spoil(Why::Others);
                Act::Other(shape)
            }
        }
    }

    /// The world has answered what was asked at `place`.
    pub fn answered(&mut self, place: &Place, answer: &Answer) {
        if let Err(why) = self.learn(place, answer) {
            self.spoil(why);
        }
    }

    fn learn(&mut self, place: &Place, answer: &Answer) -> Result<(), Why> {
        match answer {
            Answer::Identified(key) => self.learnt.identified = Some(*key),
            Answer::SignIn(outcome) => self.signs_in(outcome)?,
            Answer::PinCheck(PinCheck::Right(grant)) => {
                self.learnt.right = Some(true);
                self.is_member(grant.member());
            }
            Answer::PinCheck(PinCheck::CardStopped) => {
                self.learnt.right = Some(true);
                self.person()?.card = Some(CardStatus::Locked);
            }
            Answer::PinCheck(PinCheck::Denied(Denied::Refused)) => self.learnt.right = Some(false),
            Answer::NewPin(NewPin::Good(_)) => self.learnt.new_pin = Some(Judged::Good),
            Answer::NewPin(NewPin::TooEasy(weakness)) => self.learnt.new_pin = Some(Judged::Easy(*weakness)),
            Answer::PinChange(PinChange::Done(_)) => self.learnt.changed = Some(true),
            Answer::PinChange(PinChange::Mismatch) => self.learnt.changed = Some(false),
            Answer::Loss(LossOutcome::Done(_)) => self.person()?.reported = true,
            Answer::Message(MessageAnswer::Progress(Some(_))) => return Err(Why::Earlier),
            Answer::Message(MessageAnswer::Progress(None) | MessageAnswer::NoTryLeft) => self.learnt.looked_up = true,
            Answer::Message(_) => self.learnt.sealed = true,
            Answer::Rated(_) | Answer::Guard(Guard::Open) => {}
            Answer::Guard(Guard::Challenge(_) | Guard::Closed)
            | Answer::PinCheck(PinCheck::Denied(_))
            | Answer::PinChange(_)
            | Answer::Loss(LossOutcome::NotDone(_)) => return Err(Why::Others),
            Answer::Unavailable => return Err(Why::Unavailable),
            Answer::Superseded | Answer::CallEnded => return Err(Why::Unclear),
            Answer::PersonalBalance(_)
            | Answer::PooledFund(..)
            | Answer::Transactions(_)
            | Answer::Coverage(_)
            | Answer::MutualAid(_)
            | Answer::Card(_) => {
                let page = match place {
                    Place::ReadingPage { which, page, .. } => Some((*which, *page)),
                    _ => None,
                };
                let shift = self.shift.clone();
                self.person()?.learn(answer, page, &shift)?;
            }
        }
        Ok(())
    }

    fn signs_in(&mut self, outcome: &SignInOutcome) -> Result<(), Why> {
        match outcome {
            SignInOutcome::Granted(proof, Welcome { pin_changed, without_account, .. }) => {
                self.learnt.right = Some(true);
                self.is_member(proof.member());
                if *without_account {
                    self.person()?.scheme = Some(Scheme::Resident);
                }
                if pin_changed.is_some() { Err(Why::Earlier) } else { Ok(()) }
            }
            SignInOutcome::InitialPin(first) => {
                self.learnt.right = Some(true);
                if let Some(first) = first {
                    self.is_member(first.member());
                }
                self.person()?.pin = if first.is_some() { PinFound::Initial } else { PinFound::InitialAlone };
                Ok(())
            }
            SignInOutcome::Refused => {
                self.learnt.right = Some(false);
                Ok(())
            }
            SignInOutcome::Locked { .. }
            | SignInOutcome::Barred
            | SignInOutcome::CallerLimit
            | SignInOutcome::Closed => Err(Why::Others),
        }
    }

    fn person(&mut self) -> Result<&mut Person, Why> {
        let people = &mut self.people;
        self.current.and_then(|at| people.get_mut(at)).ok_or(Why::Unclear)
    }

    /// The current person is `member`: perhaps one who came by another number before.
    fn is_member(&mut self, member: MemberId) {
        let Some(at) = self.current else { return };
        match self.people.iter().position(|person| person.member == Some(member)) {
            Some(first) if first != at => {
                let again = self.people[at].clone();
                let person = &mut self.people[first];
                person.ends_in_x |= again.ends_in_x;
                person.card_length = person.card_length.or(again.card_length);
                person.personal_length = person.personal_length.or(again.personal_length);
                self.people[at].same_as = Some(first);
                self.current = Some(first);
            }
            _ => self.people[at].member = Some(member),
        }
    }

    /// What was keyed, now that the world has answered.
    fn settled(&mut self, act: Act, before: &Place) -> Act {
        let Learnt { identified, right, new_pin, changed, looked_up, sealed } = self.learnt;
        match act {
            Act::NoNumber { kind, length, ends_in_x, finished } => {
                if let Some(key) = identified {
                    let known = self.people.iter().position(|person| person.keys.contains(&key));
                    let who = known.unwrap_or_else(|| {
                        self.people.push(Person { keys: vec![key], ..Person::default() });
                        self.people.len() - 1
                    });
                    self.current = Some(self.people[who].same_as.unwrap_or(who));
                    self.has_number(who, kind, length, ends_in_x);
                    return Act::Number { who, kind, finished };
                }
                match (right, self.current) {
                    (Some(true), Some(who)) => {
                        self.has_number(who, kind, length, ends_in_x);
                        Act::Number { who, kind, finished }
                    }
                    (Some(false), _) => Act::OthersNumber { kind, finished },
                    _ => act,
                }
            }
            Act::NoPin { length, finished } => match before {
                Place::PinChange(PinPlace::New { .. }) => match new_pin {
                    Some(Judged::Good) => Act::NewPin { who: self.current, weakness: None, finished },
                    Some(Judged::Easy(why)) => Act::NewPin { who: self.current, weakness: Some(why), finished },
                    None => act,
                },
                Place::PinChange(PinPlace::Again { .. }) => match changed {
                    Some(same) => Act::NewPinAgain { same, finished },
                    None => act,
                },
                _ if length == 6 => match right {
                    Some(true) => Act::Pin { who: self.current, finished },
                    Some(false) => Act::Pin { who: None, finished },
                    None => act,
                },
                _ => act,
            },
            Act::Message { length, finished, .. } => Act::Message { right: looked_up, length, finished },
            Act::Phone { landline, length, finished } => {
                // Something of the right length may be no number all the same.
                let length = if sealed { length } else { length.min(9) };
                Act::Phone { landline, length, finished }
            }
            act => act,
        }
    }

    fn has_number(&mut self, who: usize, kind: IdentifierKind, length: u8, ends_in_x: bool) {
        let Some(person) = self.people.get_mut(who) else { return };
        match kind {
            IdentifierKind::Id => person.ends_in_x = ends_in_x,
            IdentifierKind::Card => person.card_length = Some(length),
            IdentifierKind::Personal => person.personal_length = Some(length),
        }
    }

    /// The caller hears this: the dialog went from `before` to `state`.
    pub fn hears(&mut self, before: &Place, state: &State, say: &[Prompt], next: &Next, wording: &Catalogs) {
        let Some((after, act)) = self.acted.take() else { return };
        if self.hurry.is_a_number(after, &act, before, say.contains(&Prompt::no_match())) {
            self.spoil(Why::Hurried);
        }
        let act = self.settled(act, before);
        if matches!(act, Act::Pin { who: Some(_), .. })
            && let Ok(person) = self.person()
        {
            person.elder = state.elder;
        }
        if matches!(act, Act::Other(Shape::HungUp)) {
            self.hung_up = Some(after);
            return;
        }
        if self.scenes.len() >= MOST_TURNS || self.people.len() > MOST_PEOPLE {
            return self.spoil(Why::TooLong);
        }
        let mut lasts = Duration::ZERO;
        let said = say.iter().map(|prompt| {
            let catalog = wording.of(prompt.language(state.language));
            let words = catalog.speak_all(std::slice::from_ref(prompt)).text();
            lasts += tempo::text_length(&words);
            said(prompt, words)
        });
        let said = said.collect();
        let then = match next {
            Next::Collect(collect) => Then::Collect(*collect),
            Next::Record(_) => Then::Record,
            Next::Transfer(_) => Then::Transfer,
            Next::Leave => Then::Leave,
            Next::HangUp => Then::HangUp,
            // More questions than a turn has: the caller was turned away.
            Next::Ask(_) => return self.spoil(Why::Unavailable),
        };
        let heard = Heard { said, lasts, place: state.place.name().into(), then };
        self.scenes.push(Scene { after, act, heard });
    }

    /// The caller has put the telephone down.
    pub(super) fn hangs_up(&mut self, now: Timestamp) {
        let after = now.duration_since(self.last).unsigned_abs();
        self.hung_up.get_or_insert(after);
    }
}

/// What may be kept of a prompt: its words, if everybody hears them alike.
fn said(prompt: &Prompt, words: String) -> Said {
    let has = |tells: fn(&Value) -> bool| prompt.values().iter().any(tells);
    if has(|value| matches!(value, Value::Number(_))) {
        return Said::Drawn(prompt.id().to_owned());
    }
    let tells = has(|value| {
        matches!(value, Value::Amount(_) | Value::Date(_) | Value::Month(_) | Value::Tail(_) | Value::Minutes(_))
    });
    if prompt.is_personal() || tells { Said::Prompt(prompt.id().to_owned()) } else { Said::Words(words) }
}

impl Scene {
    /// Whether the platform tells of it by itself: that a caller has left the queue follows upon their being taken out.
    #[must_use]
    pub fn follows_by_itself(&self) -> bool {
        self.act == Act::Other(Shape::TransferEnded(TransferEnd::Left))
    }
}
