//! Walks everything a caller can do, and holds each turn against what must always be true.
//!
//! A breadth-first search over every reachable [`State`], every kind of [`Event`] and both sides of the office hours.
//! The same walk draws the flow for `hotline flow`. It takes the step as a function, so that tests can hand it broken
//! ones and see each rule catch its own.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt;

use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};

use super::event::{Answer, Dialled, Event};
use super::flow::Flow;
use super::happening::{events, happens};
use super::pin_change::PinPlace;
use super::signed_in::SignedIn;
use super::state::{AnswerId, Goal, LossPlace, Misses, Place, Service, State, Then};
use super::step::misses_of;
use super::turn::{Next, Request, Turn};
use crate::member::account::PageSize;
use crate::member::message::MessageKind;
use crate::speech::catalog::Catalog;
use crate::speech::prompt::{Prompt, Value, signature};

/// What is always true of a call, whatever happens in it (DESIGN.md, principle 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// `0` leads to a person, or to when there is one.
    PersonByOneKey,
    /// A caller who stays silent is not kept for ever.
    SilenceEnds,
    /// Hanging up ends the call, and what is over stays over.
    OverIsOver,
    /// Nothing of an account is said, and none is asked for, without a sign-in that still holds.
    NothingPersonalBeforeSignIn,
    /// Every prompt has its wording, and its values are of the kinds the wording takes.
    EveryPromptSpeaks,
    /// Whoever is asked for keys hears what for, and has time to press them.
    CollectMakesSense,
    /// Wrong PINs end the call at the line's limit.
    WrongPinsEnd,
    /// Transfers are within the line's limit.
    TransfersEnd,
    /// A question to the world is answered with something the caller hears.
    AnswersSpeak,
    /// The call goes the same way in every language, and stays in the one that was chosen.
    SameInEveryLanguage,
    /// Nothing about a lost card is changed but by the key that says so, where it was asked for.
    ChangesAreConfirmed,
    /// Older callers are told one thing at a time.
    OneThingAtATime,
}

/// A way to break a rule.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// What was seen.
    pub what: String,
    /// What leads, from the dial tone,
    pub path: Vec<Taken>,
    /// to where the caller is waited for in this state;
    pub at: State,
    /// and what breaks the rule then: what the caller does, and the world's answers.
    pub then: Vec<&'static str>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: Vec<_> = self.path.iter().map(|taken| taken.on).chain(self.then.iter().copied()).collect();
        write!(f, "{:?}: {}\n    by: {}", self.rule, self.what, path.join(" → "))
    }
}

/// One step of a walk.
#[derive(Clone, Debug)]
pub struct Taken {
    /// From this state,
    pub from: State,
    /// when this happens,
    pub on: &'static str,
    /// at this moment,
    pub now: Timestamp,
    /// to one in which the world is `asked`, or the caller waited for.
    pub asked: bool,
}

/// One way from a place to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// From this place,
    pub from: String,
    /// when this happens,
    pub on: &'static str,
    /// to this place.
    pub to: String,
    /// Whether the caller hears first that this was not what was asked for.
    pub missed: bool,
}

/// What the walk saw.
#[derive(Clone, Debug)]
pub struct Exploration {
    /// Distinct states reached.
    pub states: usize,
    /// Steps taken.
    pub steps: usize,
    /// Every way between places.
    pub edges: BTreeSet<Edge>,
    /// Every rule broken, once each with the shortest path.
    pub findings: Vec<Finding>,
    /// Prompts heard by someone.
    pub prompts: BTreeSet<String>,
}

/// Walks `step`, starting at `flow`'s start, to the end or until what was found is `enough`.
pub fn explore(
    flow: &Flow,
    catalogs: &[&Catalog],
    step: impl Fn(State, Event, Timestamp) -> (State, Turn),
    enough: impl Fn(&[Finding]) -> bool,
) -> Exploration {
    let mut walk = Walk::new(flow, catalogs, &step, false);
    walk.run(flow.start(), enough);
    walk.out
}

/// Whether `rule` holds for all that can happen next to a caller who is waited for in the state `at`, and what breaks it if
/// not: a walk that ends where somebody is waited for again.
///
/// # Errors
/// What was seen.
pub fn holds(
    rule: Rule,
    flow: &Flow,
    catalogs: &[&Catalog],
    step: impl Fn(State, Event, Timestamp) -> (State, Turn),
    at: &State,
) -> Result<(), Box<Finding>> {
    let mut walk = Walk::new(flow, catalogs, &step, true);
    walk.run(at.clone(), |_| false);
    walk.out.findings.into_iter().find(|finding| finding.rule == rule).map_or(Ok(()), |finding| Err(Box::new(finding)))
}

/// What a caller hears who pressed what was not asked for, or nothing.
const APOLOGIES: [&str; 9] = [
    "again.no-input",
    "again.no-match",
    "sign-in.number-incomplete",
    "sign-in.number-impossible",
    "sign-in.pin-incomplete",
    "message.phone-incomplete",
    "message.number-incomplete",
    "message.nothing-recorded",
    "message.unknown",
];

/// Of the moments that are tried, the one when a sign-in has run out.
const RUN_OUT: usize = 2;

struct Walk<'w, S> {
    flow: &'w Flow,
    catalogs: &'w [&'w Catalog],
    step: &'w S,
    /// How each state was first reached.
    seen: HashMap<State, Option<Taken>>,
    queue: VecDeque<State>,
    /// States that only something leads to which cannot happen where it did: a path without such is found first, if there is one.
    later: VecDeque<State>,
    /// Those of them that nothing else led to yet.
    put_off: HashSet<State>,
    /// Whether to go no further than to where a caller is waited for again.
    near: bool,
    /// What was said already, and need not be looked at again.
    said: HashSet<Prompt>,
    /// The policy answer that stands for all where something goes wrong.
    answer: Option<AnswerId>,
    /// The kind of message that stands for all where something goes wrong.
    kind: Option<MessageKind>,
    /// The goal that stands for all where something goes wrong in a change of PIN.
    goal: Option<Goal>,
    out: Exploration,
}

impl<'w, S: Fn(State, Event, Timestamp) -> (State, Turn)> Walk<'w, S> {
    fn new(flow: &'w Flow, catalogs: &'w [&'w Catalog], step: &'w S, near: bool) -> Self {
        Self {
            flow,
            catalogs,
            step,
            seen: HashMap::new(),
            queue: VecDeque::new(),
            later: VecDeque::new(),
            put_off: HashSet::new(),
            near,
            said: HashSet::new(),
            answer: None,
            kind: None,
            goal: None,
            out: Exploration {
                states: 0,
                steps: 0,
                edges: BTreeSet::new(),
                findings: Vec::new(),
                prompts: BTreeSet::new(),
            },
        }
    }

    fn run(&mut self, start: State, enough: impl Fn(&[Finding]) -> bool) {
        self.seen.insert(start.clone(), None);
        self.queue.push_back(start);
        let times = self.times();
        let holiday = self.holiday();
        let mut events: Vec<_> = times.first().map(|first| events(*first)).unwrap_or_default();
        if let [_, .., last] = *self.flow.languages {
            events.push(("dial in a language", Event::Dialled(Dialled { language: Some(last), elder: false })));
        }
        while let Some(state) = self.next() {
            if enough(&self.out.findings) {
                break;
            }
            let fresh = nothing_went_wrong(&state.place);
            let dialled = state.place != Place::Start;
            if let (Some(now), true, Some((name, event))) =
                (holiday, fresh && dialled, events.iter().find(|(name, _)| *name == "0"))
            {
                self.take(&state, name, event, now);
            }
            let plain = fresh && state.transfers == 0 && state.wrong_pins == 0;
            for &now in &times {
                // When a sign-in has run out is all the same to who has none.
                if state.signed_in.is_none()
                    && !matches!(state.place, Place::PinChange(_))
                    && times.iter().position(|t| *t == now) == Some(RUN_OUT)
                {
                    continue;
                }
                for (name, event) in &events {
                    // Nothing but dialling begins a call, and nothing dials twice.
                    if matches!(event, Event::Dialled(_)) != (state.place == Place::Start)
                        && !matches!(event, Event::HungUp)
                    {
                        continue;
                    }
                    // What nobody waits for is the same whatever went wrong before: it is tried where nothing did.
                    let unasked = matches!(
                        event,
                        Event::Answer(_) | Event::TransferEnded(_) | Event::Recorded { .. } | Event::Waiting(_)
                    );
                    if unasked && !plain && !self.near && !happens(&state.place, event) {
                        continue;
                    }
                    self.take(&state, name, event, now);
                }
                if fresh {
                    self.silence_ends(&state, now);
                }
            }
        }
        self.out.states = self.seen.len();
    }

    /// A moment inside the hours of people and one outside, a minute apart where the hours end: so a sign-in holds at both.
    /// And a third, when it has just run out.
    fn times(&self) -> Vec<Timestamp> {
        let hours = &self.flow.person.hours;
        let monday = date(2026, 3, 16).at(0, 0, 0, 0);
        let minutes = (0..7 * 24 * 60).filter_map(|minute| {
            let local = monday.checked_add(SignedDuration::from_mins(minute)).ok()?;
            hours.offset.to_timestamp(local).ok()
        });
        let minutes: Vec<_> = minutes.collect();
        let end = minutes.windows(2).find(|pair| hours.open(pair[0]) && !hours.open(pair[1]));
        let mut times = end.unwrap_or(&minutes[..1]).to_vec();
        let run_out = times.first().and_then(|first| first.checked_add(SignedIn::LASTS).ok());
        times.extend(run_out);
        times
    }

    /// A moment on a public holiday: it differs from others outside the hours only in what is said of people.
    fn holiday(&self) -> Option<Timestamp> {
        let hours = &self.flow.person.hours;
        let noon = hours.holidays.as_ref()?.first_off()?.at(12, 0, 0, 0);
        hours.offset.to_timestamp(noon).ok()
    }

    fn take(&mut self, before: &State, name: &'static str, event: &Event, now: Timestamp) {
        let (mut state, mut turn) = (self.step)(before.clone(), event.clone(), now);
        self.out.steps += 1;
        self.check(before, name, event, &state, &turn, now);
        self.other_languages(before, name, event, &state, &turn, now);
        // The world answers before the caller hears anything: follow it through every answer it may give.
        if let Next::Ask(_) = &turn.next {
            self.arrive(before, name, event, &state, &turn, now);
            return;
        }
        if matches!(event, Event::HungUp) {
            (state, turn) = (self.step)(state, Event::Silence, now);
            if !matches!(turn.next, Next::HangUp) || state.place != Place::Over {
                self.find(Rule::OverIsOver, before, name, "a call went on after hanging up".to_owned());
            }
            return;
        }
        self.arrive(before, name, event, &state, &turn, now);
    }

    /// Takes the same step in the other languages: since nothing comes of it but the same, they need no walk of their own.
    fn other_languages(
        &mut self,
        before: &State,
        name: &'static str,
        event: &Event,
        state: &State,
        turn: &Turn,
        now: Timestamp,
    ) {
        // What went wrong before is counted in the same way everywhere.
        if matches!(before.place, Place::Start | Place::Language { .. }) || !nothing_went_wrong(&before.place) {
            return;
        }
        let others = self.flow.languages.get(1..).unwrap_or_default();
        let turns = self.out.steps;
        for (nth, &language) in others.iter().enumerate() {
            // One of them each time, by turns: every kind of step is taken in each, and the walk is not as many times as long.
            if !self.near && nth != turns % others.len() {
                continue;
            }
            let (there, said) = (self.step)(State { language, ..before.clone() }, event.clone(), now);
            let same = there == State { language, ..state.clone() }
                && said.say == turn.say
                && std::mem::discriminant(&said.next) == std::mem::discriminant(&turn.next);
            if !same {
                let what = format!("it goes another way in {language} (at {})", before.place.name());
                self.find(Rule::SameInEveryLanguage, before, name, what);
            }
        }
    }

    fn arrive(
        &mut self,
        before: &State,
        name: &'static str,
        event: &Event,
        state: &State,
        turn: &Turn,
        now: Timestamp,
    ) {
        let happens = happens(&before.place, event);
        if happens {
            let (from, to) = (before.place.name().to_owned(), state.place.name().to_owned());
            let missed = turn.say.first().is_some_and(|first| APOLOGIES.contains(&first.id()));
            self.out.edges.insert(Edge { from, on: name, to, missed });
        }
        // Every page further on is as the last one looked at: without an end of pages, there is none of states.
        let is_far_on = matches!(state.place, Place::Page { page, .. } | Place::ReadingPage { page, .. } if page > FAR);
        let went_wrong = match &state.place {
            // Wrong PINs and transfers before it are as any other thing that went wrong.
            Place::PinChange(place) => place.went_wrong() || state.wrong_pins > 0 || state.transfers > 0,
            place => !nothing_went_wrong(place),
        };
        let is_alike =
            went_wrong && self.goes_wrong_elsewhere(state) || self.is_left_alike(state) || is_like_others(state);
        let asked = matches!(turn.next, Next::Ask(_));
        let goes_on = if self.near { asked } else { !is_far_on && !is_alike };
        let mut state = state.clone();
        if !matches!(state.place, Place::Language { .. }) {
            state.language = self.flow.start().language;
        }
        let is_new = !self.seen.contains_key(&state);
        if goes_on && (is_new || happens && self.put_off.remove(&state)) {
            self.seen.insert(state.clone(), Some(Taken { from: before.clone(), on: name, now, asked }));
            if happens {
                self.queue.push_back(state);
            } else {
                self.put_off.insert(state.clone());
                self.later.push_back(state);
            }
        }
    }

    /// The state to go on from.
    fn next(&mut self) -> Option<State> {
        if let Some(state) = self.queue.pop_front() {
            return Some(state);
        }
        while let Some(state) = self.later.pop_front() {
            if self.put_off.remove(&state) {
                return Some(state);
            }
        }
        None
    }

    /// Whether what is left in `state` is left in another that is alike: wrong PINs have nothing to do with messages, nor
    /// do transfers where their limit is far.
    fn is_left_alike(&self, state: &State) -> bool {
        let some_transfers = (1..self.flow.patience.transfers).contains(&state.transfers);
        matches!(state.place, Place::Message(_)) && (some_transfers || state.wrong_pins > 0)
    }

    /// Whether what goes wrong in `state` is followed in another that is alike: one policy answer is as the other, and
    /// earlier transfers and wrong PINs only count where their limit is near.
    fn goes_wrong_elsewhere(&mut self, state: &State) -> bool {
        let other_answer = match &state.place {
            Place::Answered { answer, .. } => *self.answer.get_or_insert_with(|| answer.clone()) != *answer,
            _ => false,
        };
        let other_goal = match &state.place {
            Place::PinChange(place) => place.initial_goal().is_some_and(|goal| {
                let first = self.goal.get_or_insert_with(|| goal.clone());
                first != goal
            }),
            _ => false,
        };
        let some_transfers = (1..self.flow.patience.transfers).contains(&state.transfers);
        let counts_wrong_pins = match &state.place {
            Place::PinChange(place) => place.counts_wrong_pins(),
            place => matches!(place, Place::Pin { .. } | Place::SigningIn { .. }),
        };
        let some_wrong_pins = state.wrong_pins > 0 && !counts_wrong_pins;
        let other_kind = match &state.place {
            Place::Message(place) => {
                place.kind().is_some_and(|kind| *self.kind.get_or_insert(kind) != kind) || state.signed_in.is_some()
            }
            _ => false,
        };
        // What is told is told to somebody who is served from then on: only there is it not one more of the same.
        let served_elsewhere = state.served && !state.place.is_told() && !matches!(state.place, Place::Rating(_));
        other_answer || other_kind || other_goal || some_transfers || some_wrong_pins || served_elsewhere
    }

    fn check(&mut self, before: &State, name: &'static str, event: &Event, state: &State, turn: &Turn, now: Timestamp) {
        let mut broken = Vec::new();
        let proof = before.signed_in.filter(|p| p.holds(now));
        // What is told first of all is told by who has just signed in.
        let just_signed_in =
            matches!(before.place, Place::SigningIn { .. }) && state.signed_in.is_some_and(|proof| proof.holds(now));
        let may_tell = just_signed_in || (proof.is_some() && before.place.is_reading());
        if turn.say.iter().any(Prompt::is_personal) && !may_tell {
            broken.push((
                Rule::NothingPersonalBeforeSignIn,
                "an account is told to someone who has not signed in".to_owned(),
            ));
        }
        if let Next::Ask(request) = &turn.next
            && !request.holds(now)
        {
            broken.push((
                Rule::NothingPersonalBeforeSignIn,
                "an account is asked for with a sign-in that is over".to_owned(),
            ));
        }
        for prompt in &turn.say {
            if !self.said.insert(prompt.clone()) {
                continue;
            }
            self.out.prompts.insert(prompt.id().to_owned());
            self.out.prompts.extend(prompt.values().iter().filter_map(|value| match value {
                Value::Word(word) => Some(word.id().to_owned()),
                _ => None,
            }));
            let fits = match signature(prompt.id()) {
                Some(known) => known.slots.iter().map(|(_, slot)| *slot).eq(prompt.values().iter().map(Value::slot)),
                None => self.catalogs.iter().all(|c| c.has(prompt.id(), !prompt.values().is_empty())),
            };
            let silent =
                self.catalogs.iter().any(|c| c.speak_all(std::slice::from_ref(prompt)).text().trim().is_empty());
            if !fits || silent {
                broken.push((Rule::EveryPromptSpeaks, format!("\"{}\" cannot be said", prompt.id())));
            }
        }
        let several = matches!(turn.next, Next::Ask(Request::Transactions { size, .. }) if size != PageSize::One)
            || turn.say.iter().any(|said| said.id() == Prompt::BALANCE_IN_FULL);
        if state.elder && several {
            broken.push((Rule::OneThingAtATime, "an older caller is told several things at once".to_owned()));
        }
        match &turn.next {
            Next::Collect(c) => {
                let waits = [c.first_key, c.between_keys].iter().all(|w| (1..=60).contains(&w.as_secs()));
                if turn.say.is_empty() || c.min == 0 || c.min > c.max || !waits || (c.max > 1 && c.finish.is_none()) {
                    broken.push((Rule::CollectMakesSense, "keys are asked for in a way nobody can answer".to_owned()));
                }
            }
            Next::Transfer(_) if state.transfers > self.flow.patience.transfers => {
                broken.push((Rule::TransfersEnd, "one transfer too many".to_owned()));
            }
            Next::Record(record) => {
                let lasts = [record.longest, record.silence].iter().all(|time| time.as_secs() >= 1);
                if turn.say.is_empty() || !lasts || !matches!(state.place, Place::Message(_)) {
                    broken.push((Rule::CollectMakesSense, "a recording that nobody can make".to_owned()));
                }
            }
            Next::Leave if !matches!(before.place, Place::Queue(_)) => {
                broken.push((Rule::CollectMakesSense, "a queue is left by someone who is in none".to_owned()));
            }
            Next::Transfer(_) | Next::Leave | Next::HangUp => {}
            Next::Ask(request) => {
                let changes =
                    matches!(request, Request::ReportLoss(..) | Request::RenewLoss(..) | Request::ReleaseLoss(_));
                let confirmed = matches!(before.place, Place::Loss(LossPlace::Confirm { .. })) && name == "1";
                if changes && !confirmed {
                    broken.push((Rule::ChangesAreConfirmed, "a card is reported or released unasked".to_owned()));
                }
                if !turn.say.is_empty() {
                    broken.push((
                        Rule::AnswersSpeak,
                        "something is said while the world is asked, and would be lost".to_owned(),
                    ));
                }
                if matches!(event, Event::Answer(_))
                    && !matches!(before.place, Place::SigningIn { .. } | Place::PinChange(PinPlace::Changing { .. }))
                {
                    broken.push((Rule::AnswersSpeak, "an answer led to another question".to_owned()));
                }
            }
        }
        if state.wrong_pins >= self.flow.patience.wrong_pins && !matches!(turn.next, Next::HangUp) {
            broken.push((Rule::WrongPinsEnd, "the call goes on after the last wrong PIN".to_owned()));
        }
        let over = matches!(event, Event::HungUp | Event::LimitReached | Event::Answer(Answer::CallEnded))
            || before.place == Place::Over;
        if over && !(matches!(turn.next, Next::HangUp) && state.place == Place::Over && state.signed_in.is_none()) {
            broken.push((Rule::OverIsOver, "what should be over goes on".to_owned()));
        }
        let asked_person = name == "0" && before.place != Place::Over && misses_possible(&before.place);
        let told = turn.say.iter().any(|p| matches!(p.id(), "person.closed" | "person.not-answered"));
        if asked_person && !told && !matches!(turn.next, Next::Transfer(_)) {
            broken.push((Rule::PersonByOneKey, "0 leads neither to a person nor to when there is one".to_owned()));
        }
        for (rule, what) in broken {
            self.find(rule, before, name, format!("{what} (at {})", before.place.name()));
        }
    }

    /// Follows a caller who never presses anything.
    fn silence_ends(&mut self, state: &State, now: Timestamp) {
        const MOST: usize = 12;
        let mut current = state.clone();
        // Silence is what people do who wait for a person.
        if matches!(current.place, Place::Start | Place::Queue(_)) {
            return;
        }
        for _ in 0..MOST {
            let (next, turn) = (self.step)(current, Event::Silence, now);
            self.out.steps += 1;
            if matches!(turn.next, Next::HangUp | Next::Transfer(_)) {
                return;
            }
            current = next;
        }
        self.find(Rule::SilenceEnds, state, "silence", format!("silence goes on for ever from {}", state.place.name()));
    }

    fn find(&mut self, rule: Rule, before: &State, name: &'static str, what: String) {
        if self.out.findings.iter().any(|f| f.rule == rule && f.what == what) {
            return;
        }
        // Back to where the caller was waited for, and from there to the dial tone.
        let (mut at, mut then) = (before, vec![name]);
        while let Some(Some(taken)) = self.seen.get(at).filter(|taken| taken.as_ref().is_some_and(|taken| taken.asked))
        {
            then.push(taken.on);
            at = &taken.from;
        }
        then.reverse();
        let (mut path, mut back) = (Vec::new(), at);
        while let Some(Some(taken)) = self.seen.get(back) {
            path.push(taken.clone());
            back = &taken.from;
        }
        path.reverse();
        self.out.findings.push(Finding { rule, what, path, at: at.clone(), then });
    }
}

/// Whether nothing went wrong yet where `place` counts what does.
pub(super) fn nothing_went_wrong(place: &Place) -> bool {
    misses_of(&mut place.clone()).is_none_or(|misses| *misses == Misses::default())
}

/// Whether a state leads nowhere that another does not. Who is older hears something else in menus, of the balance and of the
/// statement: from anywhere else, all goes on as for others, and what goes wrong does. And who was served signs in as others do.
fn is_like_others(state: &State) -> bool {
    let told_apart = match &state.place {
        Place::Menu { .. } => true,
        Place::Reading { service: Service::PersonalBalance, .. }
        | Place::ReadingParts { .. }
        | Place::Told { then: Then::Parts | Then::AfterParts, .. }
        | Place::Details { .. }
        | Place::ReadingPage { .. }
        | Place::Page { .. } => nothing_went_wrong(&state.place) && state.wrong_pins == 0 && state.transfers == 0,
        _ => false,
    };
    let signing_in = matches!(
        state.place,
        Place::NumberKind { .. }
            | Place::Number { .. }
            | Place::Identifying { .. }
            | Place::Confirm { .. }
            | Place::Pin { .. }
            | Place::SigningIn { .. }
    );
    // Who has no personal account is asked less in a menu, and nowhere else.
    let asked_less = matches!(state.place, Place::Menu { .. })
        && nothing_went_wrong(&state.place)
        && state.wrong_pins == 0
        && state.transfers == 0;
    (state.elder && !told_apart) || (state.without_account && !asked_less) || (state.served && signing_in)
}

/// Whether `place` waits for keys, and so counts what goes wrong with them.
pub(super) fn misses_possible(place: &Place) -> bool {
    misses_of(&mut place.clone()).is_some()
}

/// Pages are turned to this one, counted from 0: the first, one between, one more.
const FAR: u8 = 2;

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;
    use crate::dialog::MenuId;
    use crate::dialog::testing::{FLOW, LINE, WORDINGS, line};
    use crate::secret::Key;
    use crate::speech::language::Language;

    /// A line on which little can be done.
    const LINE_95566: &str = include_str!("../../config/lines/95566.toml");

    #[test]
    fn a_finding_tells_how_to_get_there() {
        let taken = |on| Taken { from: FLOW.start(), on, now: Timestamp::UNIX_EPOCH, asked: false };
        let (path, then) = (vec![taken("dial"), taken("1")], vec!["six digits", "granted"]);
        let finding = Finding { rule: Rule::TransfersEnd, what: "too many".to_owned(), path, at: FLOW.start(), then };
        assert_eq!(finding.to_string(), "TransfersEnd: too many\n    by: dial → 1 → six digits → granted");
    }

    fn main_menu(misses: Misses) -> Place {
        Place::Menu { menu: MenuId::new("main"), misses }
    }

    /// What nobody waits for, wherever nothing went wrong before; and where somebody does, always.
    #[test]
    fn what_cannot_happen_is_tried_where_nothing_went_wrong() {
        let flow = line(LINE_95566);
        let (strange, talked) = ([Cell::new(0), Cell::new(0)], Cell::new(false));
        let step = |state: State, event: Event, now| {
            let unasked = matches!(
                event,
                Event::Answer(_) | Event::TransferEnded(_) | Event::Recorded { .. } | Event::Waiting(_)
            );
            if unasked && !happens(&state.place, &event) {
                let wrong = !nothing_went_wrong(&state.place) || state.transfers > 0 || state.wrong_pins > 0;
                strange[usize::from(wrong)].update(|tried| tried + 1);
            }
            if state.place == Place::WithPerson && state.transfers == 3 && matches!(event, Event::TransferEnded(_)) {
                talked.set(true);
            }
            flow.step(state, event, now)
        };
        explore(&flow, &[&WORDINGS[0]], step, |_| false);
        let [right, wrong] = strange.map(Cell::into_inner);
        assert_eq!((right > 10_000, wrong, talked.get()), (true, 0, true));
    }

    #[test]
    fn of_two_languages_the_other_is_tried() {
        let two = LINE_95566.replace(r#"languages = ["zh-CN"]"#, r#"languages = ["zh-CN", "en-US"]"#);
        let flow = line(&two);
        let step = |state: State, event: Event, now| {
            let english = state.language == Language::English && matches!(state.place, Place::Menu { .. });
            let (mut state, turn) = flow.step(state, event, now);
            if english {
                state.language = Language::Mandarin;
            }
            (state, turn)
        };
        let found = explore(&flow, &WORDINGS.each_ref(), step, |found| !found.is_empty()).findings;
        assert_eq!(found.first().map(|found| found.rule), Some(Rule::SameInEveryLanguage));
    }

    /// From one place on: everything, whatever went wrong before, and in every language each time.
    #[test]
    fn near_by_everything_is_tried() {
        let every = line(&LINE.replace(r#"languages = ["zh-CN"]"#, r#"languages = ["zh-CN", "yue-CN", "en-US"]"#));
        let holds_at = |place: Place| {
            let (at, tried) = (State { place, ..every.start() }, RefCell::new(Vec::new()));
            let step = |state: State, event: Event, now| {
                tried.borrow_mut().push((state.clone(), event.clone()));
                every.step(state, event, now)
            };
            assert!(holds(Rule::TransfersEnd, &every, &WORDINGS.each_ref(), step, &at).is_ok());
            tried.into_inner()
        };
        let menu = main_menu(Misses { silent: 0, wrong: 2 });
        let strange = holds_at(menu.clone());
        assert!(strange.iter().any(|(state, event)| state.place == menu && matches!(event, Event::TransferEnded(_))));
        let tried = holds_at(main_menu(Misses::default()));
        for key in [Key::Digit(3), Key::Digit(8)] {
            let pressed = |language| {
                let by = tried.iter().filter(|(state, event)| {
                    state.language == language
                        && state.place == main_menu(Misses::default())
                        && matches!(event, Event::Keys(keys) if keys.single() == Some(key))
                });
                by.count()
            };
            // By day, by night, and as the day's sign-in has run out, if anybody has one.
            assert_eq!(Language::ALL.map(pressed), [2, 2, 2], "{key:?}");
        }
    }
}
