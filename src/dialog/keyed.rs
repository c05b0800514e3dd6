//! Every way a caller can cause by keys: what transcripts are held against, and where those that are missing would lead.
//!
//! # What counts
//!
//! A [`Way`] leads from a place where a caller is waited for, by what the caller does there, to the next such place. Places
//! where the world is asked are passed through: nobody hears anything there.
//!
//! A caller dials, presses one of the twelve keys where one is enough, keys an entry where a number is asked for (`0`,
//! `*` and `#` alone are no entry), stays silent, speaks or not where that is recorded, and comes back from a person
//! they talked to or who did not answer. Where an entry leads tells whether it was a good one. Each key counts, offered
//! or not; but which one it was that was wrong once too often is all the same: that way is a [`WRONG_KEY`]'s. Not
//! counted, because they lead to the same end from everywhere and no key does them: hanging up, the limit of a call's
//! length, what a platform could not read.
//!
//! The world gives the answers it can give with the sample members, by day and by night, after a pause as long as a
//! sign-in holds, with the number shown or withheld, and after earlier calls of the same caller. So a locked number and
//! a spent try count: enough wrong PINs bring them about. It is one world: what it told is still so a moment later.
//! What takes somebody or something else does not ([`BY_OTHERS`]): the store away, the same webhook twice, a card
//! reported by another call meanwhile, an attack that closes sign-in. A marked number is spoken to as an older caller
//! is who has signed in, and led no other ways.
//!
//! # How they are found
//!
//! By a breadth-first walk over [`Flow::step`], as [`explore`](super::explore) does, but for three things: answers are only
//! those of such a world, ways are looked at as a whole from one place of waiting to the next, and the shortest is
//! remembered. States that differ in nothing that decides where a key leads are walked once: how often a caller was put
//! through (whoever can be no more is led as by night), wrong PINs where none is asked for, silence after wrong keys, and,
//! where something was pressed that is not offered, what the caller had come for.

use std::collections::{BTreeSet, HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::event::{Answer, Dialled, Event, Recording, TransferEnd};
use super::explore::{Taken, misses_possible};
use super::flow::Flow;
use super::happening::{answers, events, happens};
use super::message::MessagePlace;
use super::news::News;
use super::pin_change::PinPlace;
use super::signed_in::SignedIn;
use super::state::{Misses, Place, Service, State};
use super::step::misses_of;
use super::turn::{Next, Turn};
use crate::member::account::Movements;
use crate::member::{IdentifierKind, MemberKey};
use crate::secret::{Key, Keys, Secret};

/// A way from one place where a caller is waited for to the next.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Way {
    /// From this place,
    pub from: Box<str>,
    /// when the caller does this,
    pub on: Box<str>,
    /// to this one.
    pub to: Box<str>,
}

/// What a caller does whose patience with a place is at its end: one more key that is not offered.
pub const WRONG_KEY: &str = "wrong key";

/// What a caller does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Dials.
    Dial,
    /// Presses a key where one is enough.
    Key(Key),
    /// Where a number is asked for: presses this key, and `#`; or `#` alone.
    Alone(Option<Key>),
    /// Where a number is asked for: keys one that looks right, or one that cannot be.
    Entry {
        /// Whether it looks right.
        right: bool,
    },
    /// Presses nothing.
    Silence,
    /// Is recorded, or says nothing.
    Speak(bool),
    /// Comes back from a person, or from where none answered.
    Person {
        /// Whether they talked.
        talked: bool,
    },
}

impl Act {
    /// The name in ways.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Dial => "dialled".to_owned(),
            Self::Key(key) | Self::Alone(Some(key)) => key.as_char().to_string(),
            Self::Alone(None) => "#".to_owned(),
            Self::Entry { .. } => "entry".to_owned(),
            Self::Silence => "silence".to_owned(),
            Self::Speak(true) => "recorded".to_owned(),
            Self::Speak(false) => "not recorded".to_owned(),
            Self::Person { talked: true } => "talked".to_owned(),
            Self::Person { talked: false } => "not answered".to_owned(),
        }
    }
}

/// One step of a caller.
#[derive(Clone, Debug)]
pub struct Move {
    /// What the caller does,
    pub act: Act,
    /// after a pause in which a sign-in runs out,
    pub late: bool,
    /// and the world answers this, one after the other;
    pub answers: Vec<&'static str>,
    /// which leads this way,
    pub way: Way,
    /// to this one of the walk's [`stops`](Walk::stops); `None` where the walk goes on as from another one.
    pub stop: Option<usize>,
}

/// A state in which a caller is waited for.
#[derive(Clone, Debug)]
pub struct Stop {
    /// Its place.
    pub place: Box<str>,
    /// Whether something went wrong here already.
    pub missed: bool,
    /// The stop before it and the move from there, by its number, on the shortest way to it. `None`: the dial tone.
    pub reached: Option<(usize, usize)>,
    /// Everything a caller can do here.
    pub moves: Vec<Move>,
}

/// All that callers of a line can do at one time of day.
#[derive(Clone, Debug)]
pub struct Walk {
    /// When.
    pub at: Timestamp,
    /// Every state walked, in the order of the shortest ways to them; the first is the dial tone.
    pub stops: Vec<Stop>,
}

/// What no caller brings about alone, whatever they press.
const BY_OTHERS: [&str; 14] = [
    // The store is away, or another answer was given to the same webhook.
    "unavailable",
    "superseded",
    // The call is over on another node.
    "call ended",
    // Somebody else's tries on other people's numbers, all over the hotline.
    "closed",
    "challenge",
    "sign-in closed",
    // An operator alone gives tries back.
    "barred",
    "PIN check: barred",
    // Another call about the same card, or the same PIN, meanwhile.
    "reported by another",
    "not reported by another",
    "change: overtaken",
    // Too much at once.
    "change: turned away",
    // A node whose clock is behind.
    "granted long ago",
    // Whom no member of the samples is: an initial PIN, and only one number.
    "initial PIN of who has one number",
];

impl Walk {
    /// Walks `flow` when people answer, and when nobody does; the times are after `from`, on a full hour.
    #[must_use]
    pub fn of(flow: &Flow, from: Timestamp) -> Vec<Self> {
        [true, false].into_iter().filter_map(|open| Self::when(flow, from, open)).collect()
    }

    /// Walks `flow` when people answer, or when nobody does, at the first such full hour from `from` on. `None`: there is
    /// none.
    #[must_use]
    pub fn when(flow: &Flow, from: Timestamp, open: bool) -> Option<Self> {
        moment(flow, from, open).map(|at| Self::at(flow, at))
    }

    /// Walks `flow` at this moment.
    #[must_use]
    pub fn at(flow: &Flow, at: Timestamp) -> Self {
        Walking::new(flow, at).run()
    }

    /// Every way of it.
    pub fn ways(&self) -> impl Iterator<Item = &Way> {
        self.stops.iter().flat_map(|stop| stop.moves.iter().map(|a_move| &a_move.way))
    }

    /// The moves from the dial tone to `stop`.
    #[must_use]
    pub fn moves_to(&self, stop: usize) -> Vec<&Move> {
        self.moves_back(stop, |at| self.stops.get(at).and_then(|stop| stop.reached))
    }

    /// Every stop that such moves alone as `can_be` lead to, in the order of the shortest ways to them, with the moves there
    /// from the dial tone.
    #[must_use]
    pub fn reached_by(&self, can_be: impl Fn(&Move) -> bool) -> Vec<(&Stop, Vec<&Move>)> {
        let mut reached: HashMap<usize, Option<(usize, usize)>> = HashMap::from([(0, None)]);
        let mut order = Vec::new();
        let mut queue = VecDeque::from([0]);
        while let Some((at, stop)) = queue.pop_front().and_then(|at| Some((at, self.stops.get(at)?))) {
            order.push((at, stop));
            for (nth, a_move) in stop.moves.iter().enumerate().filter(|(_, a_move)| can_be(a_move)) {
                let Some(next) = a_move.stop.filter(|next| !reached.contains_key(next)) else { continue };
                reached.insert(next, Some((at, nth)));
                queue.push_back(next);
            }
        }
        order
            .into_iter()
            .map(|(at, stop)| (stop, self.moves_back(at, |at| reached.get(&at).copied().flatten())))
            .collect()
    }

    fn moves_back(&self, stop: usize, reached: impl Fn(usize) -> Option<(usize, usize)>) -> Vec<&Move> {
        let mut moves = Vec::new();
        let mut at = stop;
        while let Some((before, nth)) = reached(at) {
            moves.extend(self.stops.get(before).and_then(|stop| stop.moves.get(nth)));
            at = before;
        }
        moves.reverse();
        moves
    }
}

/// The first full hour after `from` at which people answer, or nobody does, if there is such a time.
fn moment(flow: &Flow, from: Timestamp, open: bool) -> Option<Timestamp> {
    let mut hours = (0..24 * 14).filter_map(|hour| from.checked_add(SignedDuration::from_hours(hour)).ok());
    hours.find(|at| people_answer(flow, *at) == open)
}

/// When a caller calls, after `from`, and what they do, to go `path`, which ends in the state `at`; `None` where something
/// happens on it that is not theirs to do.
#[must_use]
pub fn calls(flow: &Flow, from: Timestamp, path: &[Taken], at: &State) -> Option<(Timestamp, Vec<Move>)> {
    let events: HashMap<&str, Event> = events(Timestamp::UNIX_EPOCH).into_iter().collect();
    let mut moves: Vec<Move> = Vec::new();
    let mut by_day = true;
    for (nth, taken) in path.iter().enumerate() {
        let to: Box<str> = path.get(nth + 1).map_or(at, |next| &next.from).place.name().into();
        let place = &taken.from.place;
        // A number that tells the language is one number of a line: by any other, the language is chosen.
        if taken.on == "dial in a language" {
            moves.extend(dialled(flow, path.get(nth + 1).map_or(at, |next| &next.from), taken.now)?);
            continue;
        }
        let act = match events.get(taken.on).filter(|event| happens(place, event))? {
            Event::Answer(_) | Event::TransferEnded(TransferEnd::Left) => {
                let last = moves.last_mut()?;
                last.answers.push(taken.on);
                last.way.to = to;
                continue;
            }
            Event::Dialled(_) => Act::Dial,
            Event::Silence => Act::Silence,
            Event::Recorded { hung_up: false, recording } => Act::Speak(recording.is_some()),
            Event::TransferEnded(end) => Act::Person { talked: matches!(end, TransferEnd::Talked) },
            Event::Keys(keys) if place.is_entry() => match (keys.expose(), keys.single()) {
                ([], _) => Act::Alone(None),
                (_, Some(key @ (Key::Star | Key::Digit(0)))) => Act::Alone(Some(key)),
                // What looks right is looked up.
                _ => Act::Entry { right: taken.asked },
            },
            Event::Keys(keys) => Act::Key(keys.single()?),
            _ => return None,
        };
        let late = taken.from.signed_in.is_some_and(|proof| !proof.holds(taken.now));
        let way = Way { from: place.name().into(), on: act.name().into(), to };
        // What is so late that a sign-in has run out goes the same way by day.
        by_day &= late || people_answer(flow, taken.now);
        moves.push(Move { act, late, answers: Vec::new(), way, stop: None });
    }
    Some((moment(flow, from, by_day)?, moves))
}

/// Dials, and chooses a language, to come to where `to` is.
fn dialled(flow: &Flow, to: &State, now: Timestamp) -> Option<[Move; 2]> {
    let (asked, _) = flow.step(flow.start(), Event::Dialled(Dialled::default()), now);
    let key = Key::ALL.into_iter().find(|key| {
        let (chosen, _) = flow.step(asked.clone(), Event::Keys(Keys::new(vec![*key], false)), now);
        chosen.place == to.place
    })?;
    let a_move = |act: Act, from: &State, to: &State| {
        let way = Way { from: from.place.name().into(), on: act.name().into(), to: to.place.name().into() };
        Move { act, late: false, answers: Vec::new(), way, stop: None }
    };
    Some([a_move(Act::Dial, &flow.start(), &asked), a_move(Act::Key(key), &asked, to)])
}

/// Whether people answer `flow` at this moment: nothing else about it decides where keys lead.
#[must_use]
pub fn people_answer(flow: &Flow, at: Timestamp) -> bool {
    flow.person.hours.open(at)
}

/// Every way of `walks`, once.
#[must_use]
pub fn ways(walks: &[Walk]) -> BTreeSet<Way> {
    walks.iter().flat_map(Walk::ways).cloned().collect()
}

/// The one of `ways` that somebody went who did `on`, if it is any of them.
#[must_use]
pub fn known<'w>(ways: &'w BTreeSet<Way>, from: &str, on: &str, to: &str) -> Option<&'w Way> {
    let by = |on: &str| ways.get(&Way { from: from.into(), on: on.into(), to: to.into() });
    by(on).or_else(|| by(WRONG_KEY).filter(|_| on.len() == 1))
}

/// What tells states apart that lead elsewhere.
#[derive(PartialEq, Eq, Hash)]
enum Alike {
    /// Nothing went wrong here: all of it, and what was told of the card.
    Fresh(Box<State>, Option<&'static str>),
    /// Something did: where it ends is decided by this.
    Missed { name: Box<str>, misses: Misses, wrong_pins: u8, signed_in: bool, served: bool },
}

/// Where a move begins.
struct From<'f> {
    stop: usize,
    place: &'f Place,
    /// What was told of the card in this sign-in.
    card: Option<&'static str>,
}

struct Walking<'w> {
    flow: &'w Flow,
    at: Timestamp,
    answers: Vec<(&'static str, Answer)>,
    known: HashMap<Alike, usize>,
    queue: VecDeque<(usize, State, Option<&'static str>)>,
    stops: Vec<Stop>,
}

impl<'w> Walking<'w> {
    fn new(flow: &'w Flow, at: Timestamp) -> Self {
        let mut answers = answers(at);
        answers.retain(|(name, _)| !BY_OTHERS.contains(name));
        let personal = MemberKey { kind: IdentifierKind::Personal, index: [7; 32] };
        answers.push(("identified personal number", Answer::Identified(personal)));
        Self { flow, at, answers, known: HashMap::new(), queue: VecDeque::new(), stops: Vec::new() }
    }

    fn run(mut self) -> Walk {
        self.stop(self.flow.start(), None, None);
        while let Some((stop, state, card)) = self.queue.pop_front() {
            for (act, event) in acts(&state.place) {
                self.take(stop, &state, card, (act, false), &event);
            }
            if state.signed_in.is_some() || matches!(state.place, Place::PinChange(_)) {
                for (act, event) in acts(&state.place) {
                    self.take(stop, &state, card, (act, true), &event);
                }
            }
        }
        let mut stops = self.stops;
        let fresh = stops.iter().filter(|stop| !stop.missed).flat_map(|stop| &stop.moves);
        let fresh: BTreeSet<Way> = fresh.map(|a_move| a_move.way.clone()).collect();
        for a_move in stops.iter_mut().filter(|stop| stop.missed).flat_map(|stop| &mut stop.moves) {
            if matches!(a_move.act, Act::Key(_)) && !fresh.contains(&a_move.way) {
                a_move.way.on = WRONG_KEY.into();
            }
        }
        Walk { at: self.at, stops }
    }

    fn take(
        &mut self,
        stop: usize,
        state: &State,
        card: Option<&'static str>,
        (act, late): (Act, bool),
        event: &Event,
    ) {
        let now = if late { self.at.saturating_add(SignedIn::LASTS).unwrap_or(self.at) } else { self.at };
        let (after, turn) = self.flow.step(state.clone(), event.clone(), now);
        let from = From { stop, place: &state.place, card };
        self.follow(&from, (act, late), Vec::new(), (after, &turn), now);
    }

    /// Follows the answers of the world to where the caller is waited for again.
    fn follow(
        &mut self,
        from: &From<'_>,
        (act, late): (Act, bool),
        answered: Vec<&'static str>,
        (state, turn): (State, &Turn),
        now: Timestamp,
    ) {
        let told: Vec<(&'static str, Event)> = match &turn.next {
            // It ends: an answer leads to something that is heard, or from sign-in to one question more (`Rule::AnswersSpeak`).
            Next::Ask(_) => {
                let told = self.answers.iter().map(|(name, answer)| (*name, Event::Answer(answer.clone())));
                let told = told.filter(|(_, event)| happens(&state.place, event));
                told.filter(|(name, _)| fits(from, &state, &answered, name)).collect()
            }
            Next::Leave => vec![("left", Event::TransferEnded(TransferEnd::Left))],
            _ => {
                let (on, to) = (act.name().into(), state.place.name().into());
                let way = Way { from: from.place.name().into(), on, to };
                self.arrive(from, Move { act, late, answers: answered, way, stop: None }, state);
                return;
            }
        };
        for (name, event) in told {
            let (after, turn) = self.flow.step(state.clone(), event, now);
            let answered = answered.iter().copied().chain([name]).collect();
            self.follow(from, (act, late), answered, (after, &turn), now);
        }
    }

    fn arrive(&mut self, from: &From<'_>, mut a_move: Move, state: State) {
        let stop = from.stop;
        let told = a_move.answers.iter().rev().find_map(|answer| card_after(answer));
        let card = told.or(from.card).filter(|_| is_about_card(&state.place));
        let Some(moves) = self.stops.get(stop).map(|stop| stop.moves.len()) else { return };
        if state.place != Place::Over && !a_move.late {
            a_move.stop = self.stop(state, card, Some((stop, moves)));
        }
        if let Some(stop) = self.stops.get_mut(stop) {
            stop.moves.push(a_move);
        }
    }

    /// The stop that `state` is, or is as; a new one is walked from later on.
    fn stop(&mut self, mut state: State, card: Option<&'static str>, reached: Option<(usize, usize)>) -> Option<usize> {
        self.forget(&mut state);
        let misses = misses_of(&mut state.place).map(|misses| *misses).unwrap_or_default();
        if misses.silent > 0 && misses.wrong > 0 {
            return None;
        }
        let alike = if misses == Misses::default() {
            Alike::Fresh(Box::new(state.clone()), card)
        } else {
            let (name, signed_in, served) = (state.place.name().into(), state.signed_in.is_some(), state.served);
            Alike::Missed { name, misses, wrong_pins: state.wrong_pins, signed_in, served }
        };
        if let Some(known) = self.known.get(&alike) {
            return Some(*known);
        }
        let number = self.stops.len();
        self.known.insert(alike, number);
        let went_wrong = misses != Misses::default();
        self.stops.push(Stop { place: state.place.name().into(), missed: went_wrong, reached, moves: Vec::new() });
        self.queue.push_back((number, state, card));
        Some(number)
    }

    /// Leaves out of `state` what does not decide where keys lead.
    fn forget(&self, state: &mut State) {
        state.language = self.flow.start().language;
        // Known again with the next sign-in.
        if state.signed_in.is_none() {
            state.elder = false;
            state.without_account = false;
        }
        state.news = News::default();
        state.transfers = 0;
        let counts = matches!(
            state.place,
            Place::NumberKind { .. } | Place::Number { .. } | Place::Confirm { .. } | Place::Pin { .. }
        ) || matches!(&state.place, Place::PinChange(place) if place.counts_wrong_pins());
        if !counts {
            state.wrong_pins = 0;
        }
    }
}

/// Whether what was told of a card can still decide where a key leads.
fn is_about_card(place: &Place) -> bool {
    matches!(
        place,
        Place::Menu { .. }
            | Place::Loss(_)
            | Place::Told { service: Service::CardStatus | Service::ReportLoss | Service::ReleaseLoss, .. }
    )
}

/// What can be told of a card: the same again, until it is reported or released.
const CARDS: [&str; 8] = [
    "card",
    "inactive card",
    "reported card",
    "card reported elsewhere",
    "formally reported card",
    "locked card",
    "cancelled card",
    "no card",
];

/// What residents, who have no account, are never told.
const OF_AN_ACCOUNT: [&str; 10] = [
    "balance",
    "page",
    "another page",
    "a third page",
    "last page",
    "no entries",
    "family",
    "everybody bound",
    "nobody bound",
    "nobody bound any more",
];

/// What is told of a card after `answer`, if it is about one.
fn card_after(answer: &str) -> Option<&'static str> {
    match answer {
        "done and reported" => Some("reported card"),
        "done and not reported" => Some("card"),
        answer => CARDS.into_iter().find(|card| *card == answer),
    }
}

/// The name of every answer of the world.
#[cfg(test)]
pub(crate) fn every_answer() -> BTreeSet<&'static str> {
    answers(Timestamp::UNIX_EPOCH).into_iter().map(|(name, _)| name).collect()
}

/// Whether the world, which is one world, gives this answer after what it told before.
fn fits(from: &From<'_>, state: &State, answered: &[&str], answer: &str) -> bool {
    let at = &state.place;
    let by_id = matches!(at, Place::SigningIn { who, .. } if who.kind == IdentifierKind::Id);
    match answer {
        "initial PIN of who called by ID number" => by_id,
        "initial PIN of who called by card number" => !by_id,
        // Who has just signed in has a try left.
        "PIN check: locked" => {
            let first = |misses: &Misses| misses.wrong == 0 || state.wrong_pins == 0;
            !matches!(at, Place::PinChange(PinPlace::CheckingOld { misses, .. }) if first(misses))
        }
        "no account" | "no statement" | "nothing to share" => state.without_account,
        _ if state.without_account && OF_AN_ACCOUNT.contains(&answer) => false,
        // Who has turned a page has one with something on it.
        "no entries" => !matches!(from.place, Place::Page { .. }),
        // Nobody in the samples has spent so often that it takes a second page, unless each has one only.
        "page" | "another page" | "a third page" => {
            state.elder || !matches!(at, Place::ReadingPage { which: Movements::Spending, .. })
        }
        // Who has an initial PIN in the samples has a card as it should be.
        card if CARDS.contains(&card) => {
            let known = from.card.or(answered.contains(&"change: done").then_some("card"));
            known.is_none_or(|known| known == card)
        }
        _ => true,
    }
}

/// What callers do at `place`, and what becomes of it.
fn acts(place: &Place) -> Vec<(Act, Event)> {
    let keys = |text: &str, finished| Event::Keys(Keys::parse(text, finished).unwrap_or_default());
    match place {
        Place::Start => vec![(Act::Dial, Event::Dialled(Dialled::default()))],
        Place::WithPerson => vec![
            (Act::Person { talked: true }, Event::TransferEnded(TransferEnd::Talked)),
            (Act::Person { talked: false }, Event::TransferEnded(TransferEnd::NotAnswered)),
        ],
        Place::Message(MessagePlace::Recording { .. }) => {
            let recording = Recording { reference: Secret::new("recording"), seconds: 12 };
            vec![
                (Act::Speak(true), Event::Recorded { recording: Some(recording), hung_up: false }),
                (Act::Speak(false), Event::Recorded { recording: None, hung_up: false }),
            ]
        }
        place if place.is_entry() => {
            let mut acts = vec![
                (Act::Alone(Some(Key::Digit(0))), keys("0", true)),
                (Act::Alone(Some(Key::Star)), keys("*", true)),
                (Act::Alone(None), keys("", true)),
                (Act::Entry { right: false }, keys("73", true)),
                (Act::Silence, Event::Silence),
            ];
            acts.extend(right(place).map(|right| (Act::Entry { right: true }, keys(right, true))));
            acts
        }
        place if misses_possible(place) || matches!(place, Place::Queue(_)) => {
            let pressed = Key::ALL.into_iter().map(|key| (Act::Key(key), Event::Keys(Keys::new(vec![key], false))));
            pressed.chain([(Act::Silence, Event::Silence)]).collect()
        }
        _ => Vec::new(),
    }
}

/// An entry that looks right at `place`; what it is answered decides the rest.
fn right(place: &Place) -> Option<&'static str> {
    let number = |kind: IdentifierKind| match kind {
        IdentifierKind::Id => "11010519491231002*",
        IdentifierKind::Card => "12345678",
        IdentifierKind::Personal => "1000000001",
    };
    match place {
        Place::Number { kind, .. } => Some(number(*kind)),
        Place::PinChange(PinPlace::Second { first, .. }) => Some(number(first.second())),
        Place::Pin { .. } | Place::PinChange(_) => Some("739154"),
        Place::Message(MessagePlace::Phone { .. }) => Some("13800138000"),
        Place::Message(MessagePlace::Number { .. }) => Some("12345672"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::dialog::testing::{FLOW, LINE, line};
    use crate::dialog::{Goal, MenuId, Then};
    use crate::member::MemberId;
    use crate::secret::PinVerified;
    use crate::speech::language::Language;

    /// 12333 by day and by night.
    static WALKS: LazyLock<Vec<Walk>> = LazyLock::new(|| Walk::of(&FLOW, at("2026-07-01T10:00")));

    /// This moment in China.
    fn at(time: &str) -> Timestamp {
        format!("{time}:00+08:00").parse().unwrap()
    }

    /// A name that no answer has leaves nothing out.
    #[test]
    fn what_others_do_is_known() {
        let known = every_answer();
        let named = BY_OTHERS.iter().chain(&CARDS).chain(&OF_AN_ACCOUNT);
        let unknown: Vec<_> = named.filter(|name| !known.contains(*name)).collect();
        assert_eq!(unknown, Vec::<&&str>::new());
    }

    #[test]
    fn each_act_has_its_name() {
        let acts = [
            (Act::Dial, "dialled"),
            (Act::Key(Key::Digit(3)), "3"),
            (Act::Key(Key::Hash), "#"),
            (Act::Alone(Some(Key::Star)), "*"),
            (Act::Alone(None), "#"),
            (Act::Entry { right: true }, "entry"),
            (Act::Entry { right: false }, "entry"),
            (Act::Silence, "silence"),
            (Act::Speak(true), "recorded"),
            (Act::Speak(false), "not recorded"),
            (Act::Person { talked: true }, "talked"),
            (Act::Person { talked: false }, "not answered"),
        ];
        for (act, name) in acts {
            assert_eq!(act.name(), name);
        }
    }

    /// The longest holidays are longer than a week: people answer after them.
    #[test]
    fn the_first_hour_at_which_people_answer_or_do_not() {
        let eve = at("2026-09-30T17:00");
        assert_eq!(moment(&FLOW, eve, true), Some(at("2026-10-08T09:00")));
        assert_eq!(moment(&FLOW, eve, false), Some(eve));
        let on_sundays = line(&LINE.replace("mon-fri", "sun"));
        assert_eq!(moment(&on_sundays, at("2026-07-01T10:00"), true), Some(at("2026-07-05T09:00")));
        assert!(people_answer(&FLOW, at("2026-07-01T11:29")) && !people_answer(&FLOW, at("2026-07-01T11:30")));
        let when: Vec<_> = WALKS.iter().map(|walk| walk.at).collect();
        assert_eq!(when, [at("2026-07-01T10:00"), at("2026-07-01T12:00")]);
    }

    /// `from on to`, what the world answers meanwhile, and whether it is late.
    fn told<'m>(moves: impl IntoIterator<Item = &'m Move>) -> Vec<String> {
        let told = |a_move: &Move| {
            let Way { from, on, to } = &a_move.way;
            let late = if a_move.late { " (late)" } else { "" };
            let answers = a_move.answers.iter().fold(String::new(), |told, answer| told + " · " + answer);
            format!("{from} {on} {to}{answers}{late}")
        };
        moves.into_iter().map(told).collect()
    }

    #[test]
    fn the_shortest_way_to_a_stop() {
        let walk = &WALKS[0];
        let balance = walk.stops.iter().position(|stop| &*stop.place == "personal-balance").unwrap();
        let way = [
            "start dialled main",
            "main 1 sign-in.number-kind",
            "sign-in.number-kind 1 sign-in.id-number",
            "sign-in.id-number entry sign-in.confirm · identified ID",
            "sign-in.confirm 1 sign-in.pin · no guard",
            "sign-in.pin entry account · granted",
            "account 1 personal-balance · balance",
        ];
        assert_eq!(told(walk.moves_to(balance)), way);
        assert_eq!(told(walk.moves_to(0)), Vec::<String>::new());
        // By any moves, every stop in its order, by the same way.
        let all = walk.reached_by(|_| true);
        assert_eq!(all.len(), walk.stops.len());
        for (nth, (stop, moves)) in all.iter().enumerate() {
            assert!(std::ptr::eq(*stop, &raw const walk.stops[nth]));
            assert_eq!(told(moves.iter().copied()), told(walk.moves_to(nth)));
        }
        // By no entry, nobody signs in; by card number, whoever cannot say another.
        let without = walk.reached_by(|a_move| !matches!(a_move.act, Act::Entry { .. }));
        let places: BTreeSet<&str> = without.iter().map(|(stop, _)| &*stop.place).collect();
        assert!(places.contains("message.phone") && !places.contains("sign-in.confirm"), "{places:?}");
        let by_card = walk.reached_by(|a_move| !(&*a_move.way.from == "sign-in.number-kind" && &*a_move.way.on == "1"));
        let (_, moves) = by_card.iter().find(|(stop, _)| &*stop.place == "personal-balance").unwrap();
        assert_eq!(told(moves.iter().copied())[2], "sign-in.number-kind 2 sign-in.card-number");
    }

    /// What a caller does at the main menu, one after the other, and the stop that it leads to.
    #[test]
    fn what_went_wrong_twice_in_the_same_way_is_walked_on() {
        let walk = &WALKS[0];
        let by = |on: &[&str]| {
            on.iter().try_fold(1, |stop, on| walk.stops[stop].moves.iter().find(|m| m.act.name() == *on)?.stop)
        };
        assert_eq!((&*walk.stops[1].place, walk.stops[1].missed), ("main", false));
        for again in [["7", "7"], ["silence", "silence"]] {
            let stop = by(&again).unwrap();
            assert_eq!((&*walk.stops[stop].place, walk.stops[stop].missed), ("main", true), "{again:?}");
        }
        assert_eq!(by(&["7"]), by(&["8"]));
        // Goes on as from where nothing but the last went wrong.
        assert_eq!((by(&["7", "silence"]), by(&["silence", "7"])), (None, None));
    }

    #[test]
    fn what_decides_nothing_is_forgotten() {
        let signed_in = PinVerified::check(&[1; 32], Some(&[1; 32]))
            .map(|proof| SignedIn::grant(proof, MemberId([9; 32]), Timestamp::UNIX_EPOCH));
        let main = Place::Menu { menu: MenuId::new("main"), misses: Misses::default() };
        let known = |signed_in: Option<SignedIn>, place: &Place| {
            let (language, place) = (Language::English, place.clone());
            let known = State { language, wrong_pins: 2, transfers: 1, elder: true, signed_in, ..FLOW.start() };
            let mut state = State { without_account: true, served: true, place, ..known };
            Walking::new(&FLOW, at("2026-07-01T10:00")).forget(&mut state);
            assert_eq!((state.language, state.transfers, state.served), (Language::Mandarin, 0, true));
            (state.wrong_pins, state.elder, state.without_account)
        };
        assert_eq!(known(None, &main), (0, false, false));
        assert_eq!(known(signed_in, &main), (0, true, true));
        // Where a PIN is to come, it counts how many were wrong.
        let goal = Goal::Menu(MenuId::new("account"));
        assert_eq!(known(None, &Place::NumberKind { goal, misses: Misses::default() }), (2, false, false));
        let old = PinPlace::Old { back: MenuId::new("card"), misses: Misses::default() };
        assert_eq!(known(signed_in, &Place::PinChange(old)), (2, true, true));
    }

    #[test]
    fn a_card_is_thought_of_while_it_is_about_the_card() {
        let (menu, misses) = (MenuId::new("card"), Misses::default());
        let told = |service| Place::Told { service, then: Then::Nothing, back: menu.clone(), misses };
        assert!(
            is_about_card(&told(Service::ReleaseLoss)) && is_about_card(&Place::Menu { menu: menu.clone(), misses })
        );
        assert!(!is_about_card(&told(Service::Status)) && !is_about_card(&Place::WithPerson));
        assert_eq!(card_after("done and reported"), Some("reported card"));
        assert_eq!(card_after("no card"), Some("no card"));
        assert_eq!(card_after("balance"), None);
    }

    /// It is one world: what was told before is still so.
    #[test]
    fn the_world_answers_what_it_can() {
        let (back, misses) = (MenuId::new("account"), Misses::default());
        let reading = Place::Reading { service: Service::CardStatus, back: back.clone() };
        let here = State { place: reading.clone(), ..FLOW.start() };
        let answers = |state: &State, answer: &str| {
            fits(&From { stop: 0, place: &Place::WithPerson, card: None }, state, &[], answer)
        };
        // Whom an initial PIN is shown to has another number to show.
        let (by_id, by_card) = ("initial PIN of who called by ID number", "initial PIN of who called by card number");
        for (kind, of_id) in
            [(IdentifierKind::Id, true), (IdentifierKind::Card, false), (IdentifierKind::Personal, false)]
        {
            let who = MemberKey { kind, index: [7; 32] };
            let place = Place::SigningIn { goal: Goal::Menu(back.clone()), who, misses };
            let state = State { place, ..FLOW.start() };
            assert_eq!((answers(&state, by_id), answers(&state, by_card)), (of_id, !of_id), "{kind:?}");
        }
        // Who has just signed in has a try left, and so has who keyed half a PIN.
        let locked = |wrong, wrong_pins| {
            let misses = Misses { silent: 0, wrong };
            let place = Place::PinChange(PinPlace::CheckingOld { back: back.clone(), misses });
            answers(&State { wrong_pins, place, ..FLOW.start() }, "PIN check: locked")
        };
        assert_eq!([locked(0, 0), locked(0, 1), locked(1, 0), locked(1, 1)], [false, false, false, true]);
        assert!(answers(&here, "PIN check: locked"));
        // Residents have no account, and nobody else is told so.
        let resident = State { without_account: true, ..here.clone() };
        for (answer, of_resident, of_other) in
            [("no account", true, false), ("balance", false, true), ("insured", true, true)]
        {
            assert_eq!((answers(&resident, answer), answers(&here, answer)), (of_resident, of_other), "{answer}");
        }
        // Nobody in the samples has a second page of spending, but who hears one entry a page.
        let page = |which, elder| {
            let place = Place::ReadingPage { which, page: 0, back: back.clone() };
            let state = State { elder, place, ..FLOW.start() };
            (answers(&state, "another page"), answers(&state, "last page"))
        };
        assert_eq!(page(Movements::Spending, false), (false, true));
        assert_eq!(page(Movements::Spending, true), (true, true));
        assert_eq!(page(Movements::Credits, false), (true, true));
        // Who has turned a page has one with something on it.
        let turned = Place::Page { which: Movements::Credits, page: 0, more: true, back: back.clone(), misses };
        assert!(!fits(&From { stop: 0, place: &turned, card: None }, &here, &[], "no entries"));
        assert!(answers(&here, "no entries"));
        // A card is as it was told, or as who has just set their first PIN has it.
        let card = |card, answered: &[&str]| {
            let from = From { stop: 0, place: &reading, card };
            ["card", "reported card"].map(|answer| fits(&from, &here, answered, answer))
        };
        assert_eq!(card(None, &[]), [true, true]);
        assert_eq!(card(Some("reported card"), &[]), [false, true]);
        assert_eq!(card(None, &["change: done"]), [true, false]);
        assert_eq!(card(Some("reported card"), &["change: done"]), [false, true]);
    }

    /// Walks `flow` by these events, each at its moment: the path, and the state at its end.
    fn path(flow: &Flow, by: &[(&'static str, &str)]) -> (Vec<Taken>, State) {
        let (mut state, mut path) = (flow.start(), Vec::new());
        for &(on, time) in by {
            let now = at(time);
            let mut known = events(now);
            let last = *flow.languages.last().unwrap();
            known.push(("dial in a language", Event::Dialled(Dialled { language: Some(last), elder: false })));
            let (_, event) = known.into_iter().find(|(name, _)| *name == on).unwrap_or_else(|| panic!("{on}"));
            let (after, turn) = flow.step(state.clone(), event, now);
            path.push(Taken { from: state, on, now, asked: matches!(turn.next, Next::Ask(_)) });
            state = after;
        }
        (path, state)
    }

    const FROM: &str = "2026-07-01T10:00";

    /// What a caller does to go this way, and when they call.
    fn called(flow: &Flow, by: &[(&'static str, &str)]) -> Option<(Timestamp, Vec<String>)> {
        let (path, state) = path(flow, by);
        calls(flow, at(FROM), &path, &state).map(|(at, moves)| (at, told(&moves)))
    }

    const SIGNED_IN: [(&str, &str); 10] = [
        ("dial", FROM),
        ("1", FROM),
        ("1", FROM),
        ("ID number", FROM),
        ("identified ID", FROM),
        ("1", FROM),
        ("no guard", FROM),
        ("six digits", FROM),
        ("granted", FROM),
        ("1", FROM),
    ];

    #[test]
    fn a_path_is_a_call_by_day() {
        let path = [&SIGNED_IN[..], &[("balance", FROM), ("silence", FROM)]].concat();
        let moves = [
            "start dialled main",
            "main 1 sign-in.number-kind",
            "sign-in.number-kind 1 sign-in.id-number",
            "sign-in.id-number entry sign-in.confirm · identified ID",
            "sign-in.confirm 1 sign-in.pin · no guard",
            "sign-in.pin entry account · granted",
            "account 1 personal-balance · balance",
            "personal-balance silence personal-balance",
        ];
        assert_eq!(called(&FLOW, &path), Some((at(FROM), moves.map(str::to_owned).into())));
    }

    #[test]
    fn a_path_that_goes_so_by_night_alone_is_a_call_by_night() {
        let night = "2026-07-01T02:00";
        let path = [("dial from a marked number", night), ("0", night)];
        let moves = ["start dialled main", "main 0 main"].map(str::to_owned).into();
        assert_eq!(called(&FLOW, &path), Some((at("2026-07-01T12:00"), moves)));
        // One step is enough.
        let moves = ["start dialled main", "main 0 main"].map(str::to_owned).into();
        assert_eq!(called(&FLOW, &[("dial", FROM), ("0", night)]), Some((at("2026-07-01T12:00"), moves)));
    }

    /// What runs out while nobody answers runs out by day as well.
    #[test]
    fn a_pause_in_which_a_sign_in_runs_out_is_of_no_hour() {
        let path = [&SIGNED_IN[..], &[("balance", FROM), ("1", "2026-07-01T11:35")]].concat();
        let (when, moves) = called(&FLOW, &path).unwrap();
        assert_eq!(when, at(FROM));
        let last = &moves[6..];
        assert_eq!(last, ["account 1 personal-balance · balance", "personal-balance 1 sign-in.number-kind (late)"]);
    }

    #[test]
    fn what_is_keyed_where_a_number_is_asked_for() {
        let path = |by: &'static str| [&SIGNED_IN[..3], &[(by, FROM)]].concat();
        let act = |by| {
            let (path, state) = self::path(&FLOW, &path(by));
            let (_, moves) = calls(&FLOW, at(FROM), &path, &state).unwrap();
            (moves[3].act, told(&moves[3..]).concat())
        };
        let number = "sign-in.id-number";
        assert_eq!(act("# alone"), (Act::Alone(None), format!("{number} # {number}")));
        assert_eq!(act("0"), (Act::Alone(Some(Key::Digit(0))), format!("{number} 0 person")));
        assert_eq!(act("*"), (Act::Alone(Some(Key::Star)), format!("{number} * sign-in.number-kind")));
        assert_eq!(act("too few digits"), (Act::Entry { right: false }, format!("{number} entry {number}")));
        assert_eq!(act("7"), (Act::Entry { right: false }, format!("{number} entry {number}")));
        assert_eq!(act("ID number"), (Act::Entry { right: true }, format!("{number} entry sign-in.identifying")));
    }

    #[test]
    fn speech_and_people() {
        let recorded = |by: &'static str| {
            [("dial", FROM), ("5", FROM), ("2", FROM), ("number known", FROM), ("1", FROM), (by, FROM)]
        };
        let last = |path: &[(&'static str, &str)]| {
            let (path, state) = self::path(&FLOW, path);
            let (_, moves) = calls(&FLOW, at(FROM), &path, &state)?;
            Some((moves.last()?.act, told(moves.last()).concat()))
        };
        let spoken = "message.recording recorded message.keeping".to_owned();
        assert_eq!(last(&recorded("recorded")), Some((Act::Speak(true), spoken)));
        let silent = "message.recording not recorded message.recording".to_owned();
        assert_eq!(last(&recorded("nothing recorded")), Some((Act::Speak(false), silent)));
        assert_eq!(last(&recorded("recorded, hung up")), None);
        let with_person = |by: &'static str| [("dial", FROM), ("0", FROM), (by, FROM)];
        let talked = "person talked rating".to_owned();
        assert_eq!(last(&with_person("talked")), Some((Act::Person { talked: true }, talked)));
        let alone = "person not answered main".to_owned();
        assert_eq!(last(&with_person("not answered")), Some((Act::Person { talked: false }, alone)));
    }

    /// That somebody left a queue is the platform's to say, after the key that asked for it.
    #[test]
    fn a_queue_is_left_by_a_key() {
        let queue =
            line(&LINE.replace(r#"transfer_to = "sip:agents@pbx.invalid""#, "queue = \"agents\"\nannounce = \"25s\""));
        let path = [("dial", FROM), ("0", FROM), ("*", FROM), ("left", FROM)];
        let moves = ["start dialled main", "main 0 person.queue", "person.queue * message.asking · left"];
        assert_eq!(called(&queue, &path), Some((at(FROM), moves.map(str::to_owned).into())));
        let ways = ways(&Walk::of(&queue, at(FROM)));
        let left = Way { from: "person.queue".into(), on: "*".into(), to: "message.choice".into() };
        assert!(ways.contains(&left), "{ways:#?}");
    }

    #[test]
    fn what_no_caller_does_is_no_call() {
        for by in ["garbled", "limit", "hang-up", "two ahead", "talked", "balance"] {
            assert_eq!(called(&FLOW, &[("dial", FROM), (by, FROM)]), None, "{by}");
        }
        // Nobody dials twice, nor keys two digits where one is enough.
        assert_eq!(called(&FLOW, &[("dial", FROM), ("six digits", FROM)]), None);
        assert_eq!(called(&FLOW, &[]), Some((at(FROM), Vec::new())));
    }

    /// Whoever dials one number of a line hears one language; by any other it is chosen, and that is two steps.
    #[test]
    fn a_language_that_was_dialled_is_chosen() {
        let every = line(&LINE.replace(r#"languages = ["zh-CN"]"#, r#"languages = ["zh-CN", "yue-CN", "en-US"]"#));
        let path = [("dial in a language", FROM), ("3", FROM)];
        let moves = ["start dialled language", "language 1 main", "main 3 policy"];
        assert_eq!(called(&every, &path), Some((at(FROM), moves.map(str::to_owned).into())));
        assert_eq!(called(&every, &path[..1]), Some((at(FROM), moves[..2].iter().map(|m| (*m).to_owned()).collect())));
    }

    #[test]
    fn a_way_is_known_by_its_key_or_as_a_wrong_one() {
        let way = |from: &str, on: &str, to: &str| Way { from: from.into(), on: on.into(), to: to.into() };
        let ways = BTreeSet::from([way("main", "1", "account"), way("main", WRONG_KEY, "person")]);
        let known = |on: &str, to: &str| known(&ways, "main", on, to).map(|way| &*way.on);
        assert_eq!(known("1", "account"), Some("1"));
        assert_eq!(known("7", "person"), Some(WRONG_KEY));
        assert_eq!(known("1", "person"), Some(WRONG_KEY));
        assert_eq!(known("silence", "person"), None);
        assert_eq!(known("7", "account"), None);
    }

    #[test]
    fn places_that_wait_for_nothing_are_led_nowhere() {
        assert!(acts(&Place::Over).is_empty());
        assert!(acts(&Place::Reading { service: Service::Status, back: MenuId::new("account") }).is_empty());
    }
}
