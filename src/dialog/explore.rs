//! Walks everything a caller can do, and holds each turn against what must always be true.
//!
//! A breadth-first search over every reachable [`State`], every kind of [`Event`] and both sides of the office hours.
//! The same walk draws the flow for `hotline flow`. It takes the step as a function, so that tests can hand it broken
//! ones and see each rule catch its own.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt;
use std::time::Duration;

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};

use super::challenge::ChallengePlace;
use super::event::{
    Answer, Denied, Dialled, Event, Guard, LossOutcome, NewPin, PinChange, PinCheck, Recording, SignInOutcome,
    TransferEnd, Waiting, Welcome,
};
use super::flow::Flow;
use super::message::{MessageAnswer, MessagePlace};
use super::pin_change::PinPlace;
use super::pin_proof::{FirstProof, PinGrant, PinInForce};
use super::rating::{Grade, RatingPlace};
use super::signed_in::SignedIn;
use super::state::{AnswerId, Goal, LossPlace, Misses, Place, Service, State};
use super::step::misses_of;
use super::turn::{Next, Request, Turn};
use crate::member::account::{
    Benefit, CardStatus, ContributionStatus, Coverage, InsuranceStatus, PersonalAccount, PooledFund, Scheme,
    StatementEntry, StatementPage, TransactionKind, YearMonth,
};
use crate::member::card::{Card, LossReport};
use crate::member::message::{MessageKind, MessageNumber, MessageState, Progress};
use crate::member::money::Money;
use crate::member::mutual_aid::{AidUsed, Bound, MutualAid, Relation};
use crate::member::phone_number::{Callable, SealedPhone};
use crate::member::pin_rule::Weakness;
use crate::member::tail::Tail;
use crate::member::{IdentifierKind, MemberId, MemberKey};
use crate::secret::{Key, Keys, PinDraft, PinVerified, Secret};
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
}

/// A way to break a rule.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// What was seen.
    pub what: String,
    /// The events that lead there, from the dial tone.
    pub path: Vec<&'static str>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}\n    by: {}", self.rule, self.what, self.path.join(" → "))
    }
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
    let mut walk = Walk {
        flow,
        catalogs,
        step: &step,
        seen: HashMap::new(),
        queue: VecDeque::new(),
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
    };
    walk.run(enough);
    walk.out
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
    seen: HashMap<State, Option<(State, &'static str)>>,
    queue: VecDeque<State>,
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

impl<S: Fn(State, Event, Timestamp) -> (State, Turn)> Walk<'_, S> {
    fn run(&mut self, enough: impl Fn(&[Finding]) -> bool) {
        let start = self.flow.start();
        self.seen.insert(start.clone(), None);
        self.queue.push_back(start.clone());
        let times = self.times();
        // Whoever has waited for a person may leave the queue to be called back.
        if self.flow.takes_messages()
            && let Some(since) = times.first()
        {
            let dialled = (self.step)(start.clone(), Event::Dialled(Dialled::default()), *since).0;
            let (waited, _) = self.flow.callback(dialled.clone(), *since);
            self.seen.insert(dialled.clone(), Some((start, "dial")));
            self.seen.insert(waited.clone(), Some((dialled.clone(), "leaves the queue")));
            self.queue.extend([dialled, waited]);
        }
        let holiday = self.holiday();
        let mut events: Vec<_> = times.first().map(|first| events(*first)).unwrap_or_default();
        if let [_, .., last] = *self.flow.languages {
            events.push(("dial in a language", Event::Dialled(Dialled { language: Some(last), elder: false })));
        }
        while let Some(state) = self.queue.pop_front() {
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
                    if unasked && !plain && !happens(&state.place, event) {
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
            self.arrive(before, name, event, &state, &turn);
            return;
        }
        if matches!(event, Event::HungUp) {
            (state, turn) = (self.step)(state, Event::Silence, now);
            if !matches!(turn.next, Next::HangUp) || state.place != Place::Over {
                self.find(Rule::OverIsOver, before, name, "a call went on after hanging up".to_owned());
            }
            return;
        }
        self.arrive(before, name, event, &state, &turn);
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
        // One of them each time, by turns: every kind of step is taken in each, and the walk is not as many times as long.
        let others = self.flow.languages.get(1..).unwrap_or_default();
        if others.is_empty() {
            return;
        }
        let language = others[self.out.steps % others.len()];
        let (there, said) = (self.step)(State { language, ..before.clone() }, event.clone(), now);
        let same = there == State { language, ..state.clone() }
            && said.say == turn.say
            && std::mem::discriminant(&said.next) == std::mem::discriminant(&turn.next);
        if !same {
            let what = format!("it goes another way in {language} (at {})", before.place.name());
            self.find(Rule::SameInEveryLanguage, before, name, what);
        }
    }

    fn arrive(&mut self, before: &State, name: &'static str, event: &Event, state: &State, turn: &Turn) {
        if happens(&before.place, event) {
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
        let mut state = state.clone();
        if !matches!(state.place, Place::Language { .. }) {
            state.language = self.flow.start().language;
        }
        if !is_far_on && !is_alike && !self.seen.contains_key(&state) {
            self.seen.insert(state.clone(), Some((before.clone(), name)));
            self.queue.push_back(state);
        }
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
        let mut path = vec![name];
        let mut at = before;
        while let Some(Some((previous, on))) = self.seen.get(at) {
            path.push(on);
            at = previous;
        }
        path.reverse();
        self.out.findings.push(Finding { rule, what, path });
    }
}

/// Whether `event` can happen at `place`. What cannot is walked too, because anybody may send anything, but is no way to
/// draw: an answer that nobody asked for, a key while the world is asked.
pub(super) fn happens(place: &Place, event: &Event) -> bool {
    match event {
        Event::Dialled(_) | Event::LimitReached | Event::HungUp => true,
        Event::TransferEnded(TransferEnd::Left) | Event::Waiting(_) => matches!(place, Place::Queue(_)),
        Event::TransferEnded(_) => matches!(place, Place::WithPerson | Place::Queue(_)),
        Event::Recorded { .. } => matches!(place, Place::Message(MessagePlace::Recording { .. })),
        Event::Keys(_) | Event::Silence | Event::Garbled => {
            (misses_possible(place) || matches!(place, Place::Queue(_)))
                && !matches!(place, Place::Message(MessagePlace::Recording { .. }))
        }
        Event::Answer(answer) => match (place, answer) {
            (Place::Identifying { kind, .. }, Answer::Identified(who)) => who.kind == *kind,
            (place, Answer::Unavailable | Answer::Superseded | Answer::CallEnded) => {
                matches!(
                    place,
                    Place::Identifying { .. } | Place::SigningIn { .. } | Place::Rating(RatingPlace::Keeping)
                ) || matches!(place, Place::PinChange(place) if !place.is_entry())
                    || place.is_reading()
                    || matches!(place, Place::Message(place) if place.is_asking())
            }
            (Place::Message(place), Answer::Message(answer)) => answers_message(place, answer),
            _ => matches!(
                (place, answer),
                (Place::SigningIn { .. }, Answer::SignIn(_))
                    | (
                        Place::PinChange(PinPlace::CheckingOld { .. } | PinPlace::CheckingSecond { .. }),
                        Answer::PinCheck(_)
                    )
                    | (Place::PinChange(PinPlace::Judging { .. }), Answer::NewPin(_))
                    | (Place::PinChange(PinPlace::Changing { .. }), Answer::PinChange(_))
                    | (Place::Challenge(ChallengePlace::Asking { .. }), Answer::Guard(_))
                    | (Place::Reading { service: Service::PersonalBalance, .. }, Answer::PersonalBalance(_))
                    | (Place::Reading { service: Service::PooledFund, .. }, Answer::PooledFund(..))
                    | (Place::Reading { service: Service::Status, .. }, Answer::Coverage(_))
                    | (Place::Reading { service: Service::MutualAid, .. }, Answer::MutualAid(_))
                    | (
                        Place::Reading {
                            service: Service::CardStatus | Service::ReportLoss | Service::ReleaseLoss,
                            ..
                        },
                        Answer::Card(_)
                    )
                    | (Place::Loss(LossPlace::Doing { .. }), Answer::Loss(_))
                    | (Place::ReadingPage { .. }, Answer::Transactions(_))
                    | (Place::Rating(RatingPlace::Keeping), Answer::Rated(_))
            ),
        },
    }
}

/// Whether `answer` is one to what is asked at `place`.
fn answers_message(place: &MessagePlace, answer: &MessageAnswer) -> bool {
    matches!(
        (place, answer),
        (MessagePlace::Asking { .. }, MessageAnswer::Number(_))
            | (MessagePlace::Sealing { .. }, MessageAnswer::Number(Some(_)))
            | (MessagePlace::Keeping { .. }, MessageAnswer::Kept(_))
            | (MessagePlace::Sending { .. } | MessagePlace::AskingCallback { .. }, MessageAnswer::Sent(_))
            | (MessagePlace::Discarding { .. }, MessageAnswer::Discarded)
            | (MessagePlace::LookingUp { .. }, MessageAnswer::Progress(_) | MessageAnswer::NoTryLeft)
    )
}

/// Whether nothing went wrong yet where `place` counts what does.
pub(super) fn nothing_went_wrong(place: &Place) -> bool {
    misses_of(&mut place.clone()).is_none_or(|misses| *misses == Misses::default())
}

/// Whether a state leads nowhere that another does not. Who is older hears something else in menus: from anywhere else, all
/// goes on as for others. And who was served signs in as others do.
fn is_like_others(state: &State) -> bool {
    let signing_in = matches!(
        state.place,
        Place::NumberKind { .. }
            | Place::Number { .. }
            | Place::Identifying { .. }
            | Place::Confirm { .. }
            | Place::Pin { .. }
            | Place::SigningIn { .. }
    );
    (state.elder && !matches!(state.place, Place::Menu { .. })) || (state.served && signing_in)
}

/// Whether `place` waits for keys, and so counts what goes wrong with them.
fn misses_possible(place: &Place) -> bool {
    misses_of(&mut place.clone()).is_some()
}

/// Pages are turned to this one, counted from 0: the first, one between, one more.
const FAR: u8 = 2;

/// Every kind of thing that can happen, one of each.
pub(super) fn events(now: Timestamp) -> Vec<(&'static str, Event)> {
    let keys = |text: &str, finished| Event::Keys(Keys::parse(text, finished).unwrap_or_default());
    let waiting =
        |ahead, average: Option<u64>| Event::Waiting(Waiting { ahead, average: average.map(Duration::from_secs) });
    let mut events = vec![
        ("dial", Event::Dialled(Dialled::default())),
        ("dial from a marked number", Event::Dialled(Dialled { elder: true, ..Dialled::default() })),
        ("silence", Event::Silence),
        ("garbled", Event::Garbled),
        ("# alone", keys("", true)),
        ("ID number", keys("11010519491231002*", true)),
        ("ID number without #", keys("110105194912310021", false)),
        ("cleared ID number", keys("1101*11010519491231002*", true)),
        ("card number", keys("123456789", true)),
        ("six digits", keys("739154", true)),
        ("too few digits", keys("73", true)),
        ("telephone number", keys("13800138000", true)),
        ("message number", keys("12345672", true)),
        ("message number with a slip", keys("12345673", true)),
        ("recorded", Event::Recorded { recording: Some(recording()), hung_up: false }),
        ("recorded, hung up", Event::Recorded { recording: Some(recording()), hung_up: true }),
        ("nothing recorded", Event::Recorded { recording: None, hung_up: false }),
        ("digits heard", keys("2748", true)),
        ("talked", Event::TransferEnded(TransferEnd::Talked)),
        ("not answered", Event::TransferEnded(TransferEnd::NotAnswered)),
        ("left", Event::TransferEnded(TransferEnd::Left)),
        ("two ahead", waiting(Some(2), Some(150))),
        ("two ahead, for how long is not told", waiting(Some(2), None)),
        ("nobody ahead", waiting(Some(0), Some(150))),
        ("waiting", waiting(None, None)),
        ("limit", Event::LimitReached),
        ("hang-up", Event::HungUp),
    ];
    let pressed = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#"];
    events
        .extend(Key::ALL.into_iter().zip(pressed).map(|(key, name)| (name, Event::Keys(Keys::new(vec![key], false)))));
    events.extend(answers(now).into_iter().map(|(name, answer)| (name, Event::Answer(answer))));
    events
}

fn recording() -> Recording {
    Recording { reference: Secret::new("recording"), seconds: 12 }
}

fn message_answers(now: Timestamp) -> Vec<(&'static str, Answer)> {
    let own = Tail::of("8000").ok().map(|tail| Callable { phone: SealedPhone([7; 28].into()), tail });
    let number = MessageNumber::new(1_234_567);
    let at = |state| MessageAnswer::Progress(Some(Progress { state, at: now }));
    let answers = [
        ("number withheld", MessageAnswer::Number(None)),
        ("number known", MessageAnswer::Number(own)),
        ("recording kept", MessageAnswer::Kept(number)),
        ("sent", MessageAnswer::Sent(number)),
        ("discarded", MessageAnswer::Discarded),
        ("received", at(MessageState::Received)),
        ("taken", at(MessageState::Taken)),
        ("answered", at(MessageState::Answered)),
        ("closed", at(MessageState::Closed)),
        ("no such message", MessageAnswer::Progress(None)),
        ("no try left", MessageAnswer::NoTryLeft),
    ];
    answers.map(|(name, answer)| (name, Answer::Message(answer))).into()
}

fn answers(now: Timestamp) -> Vec<(&'static str, Answer)> {
    let key = |kind| MemberKey { kind, index: [7; 32] };
    let grant = |at: Timestamp| {
        PinVerified::check(&[1; 32], Some(&[1; 32])).map(|proof| SignedIn::grant(proof, MemberId([9; 32]), at))
    };
    let amount = |fen| Money::from_fen(fen).unwrap_or(Money::ZERO);
    let as_of = Date::constant(2026, 1, 2);
    let account = PersonalAccount::new(amount(31005), amount(70000), as_of).ok();
    let fund = PooledFund {
        year: 2026,
        deductible: amount(180_000),
        deductible_met: amount(50_000),
        limit: Some(amount(2_000_000)),
        used: amount(12_345),
        as_of,
    };
    let mut answers = vec![
        ("identified ID", Answer::Identified(key(IdentifierKind::Id))),
        ("identified card", Answer::Identified(key(IdentifierKind::Card))),
        ("refused", Answer::SignIn(SignInOutcome::Refused)),
        (
            "locked",
            Answer::SignIn(SignInOutcome::Locked {
                until: now.saturating_add(SignedDuration::from_mins(30)).unwrap_or(now),
                at: now,
            }),
        ),
        ("initial PIN of who has one number", Answer::SignIn(SignInOutcome::InitialPin(None))),
        ("barred", Answer::SignIn(SignInOutcome::Barred)),
        ("too many from here", Answer::SignIn(SignInOutcome::CallerLimit)),
        ("sign-in closed", Answer::SignIn(SignInOutcome::Closed)),
        ("no guard", Answer::Guard(Guard::Open)),
        ("closed", Answer::Guard(Guard::Closed)),
        ("balance", Answer::PersonalBalance(account)),
        ("no account", Answer::PersonalBalance(None)),
        ("rated", Answer::Rated(Grade::Fair)),
        ("unavailable", Answer::Unavailable),
        ("superseded", Answer::Superseded),
        ("call ended", Answer::CallEnded),
    ];
    answers.extend(Tail::of("2748").map(|digits| ("challenge", Answer::Guard(Guard::Challenge(digits)))));
    answers.extend(funds(fund));
    answers.extend(coverages().map(|(name, coverage)| (name, Answer::Coverage(coverage))));
    answers.extend(pages(now));
    answers.extend(message_answers(now));
    answers.extend(pin_changes(now));
    let granted = |proof, age, pin_changed| Answer::SignIn(SignInOutcome::Granted(proof, Welcome { age, pin_changed }));
    answers.extend(grant(now).map(|proof| ("granted", granted(proof, 40, None))));
    answers.extend(grant(now).map(|proof| ("granted to an older caller", granted(proof, 90, None))));
    answers.extend(grant(now).map(|proof| ("granted after a change of PIN", granted(proof, 40, Some(now)))));
    answers.extend(families());
    answers.extend(cards(now));
    let long_ago = now.saturating_sub(SignedDuration::from_hours(1)).unwrap_or(now);
    answers.extend(grant(long_ago).map(|proof| ("granted long ago", granted(proof, 40, None))));
    answers
}

fn coverage(scheme: Scheme, insurance: InsuranceStatus, contribution: ContributionStatus, care: Benefit) -> Coverage {
    let last_contribution = YearMonth { year: 2026, month: 6 };
    Coverage { scheme, insurance, contribution, last_contribution, outpatient: care, inpatient: care }
}

/// Every word of every vocabulary, and every way it decides what is said.
fn coverages() -> [(&'static str, Coverage); 5] {
    use ContributionStatus::{Exempt, Interrupted, Owing, Paid};
    use InsuranceStatus::{Active, Ended, Paused};
    [
        ("insured", coverage(Scheme::Employee, Active, Paid, Benefit::Normal)),
        ("waiting", coverage(Scheme::Flexible, Active, Owing, Benefit::Waiting)),
        ("paused", coverage(Scheme::Employee, Paused, Interrupted, Benefit::Stopped)),
        ("paused resident", coverage(Scheme::Resident, Paused, Owing, Benefit::Stopped)),
        ("ended", coverage(Scheme::Retired, Ended, Exempt, Benefit::Stopped)),
    ]
}

fn funds(fund: PooledFund) -> Vec<(&'static str, Answer)> {
    let [(_, employee), (_, waiting), (_, paused), _, (_, ended)] = coverages();
    let resident = Coverage { scheme: Scheme::Resident, ..employee };
    let unlimited = PooledFund { limit: None, ..fund };
    vec![
        ("fund", Answer::PooledFund(fund, employee)),
        ("fund without ceiling", Answer::PooledFund(unlimited, employee)),
        ("resident's fund", Answer::PooledFund(fund, resident)),
        ("resident's fund without ceiling", Answer::PooledFund(unlimited, resident)),
        ("fund that waits", Answer::PooledFund(fund, waiting)),
        ("paused fund", Answer::PooledFund(fund, paused)),
        ("ended fund", Answer::PooledFund(fund, ended)),
    ]
}

/// Everything that may be answered while a PIN is changed.
fn pin_changes(now: Timestamp) -> Vec<(&'static str, Answer)> {
    let right = || PinVerified::check(&[1; 32], Some(&[1; 32]));
    let (member, draft) = (MemberId([9; 32]), PinDraft::new([5; 32]));
    let pin = PinInForce { generation: [3; 8], draft };
    let first = |second| right().map(|proof| FirstProof::grant(proof, member, pin, second, now));
    let initial = |second| Answer::SignIn(SignInOutcome::InitialPin(first(second)));
    let until = now.saturating_add(SignedDuration::from_mins(30)).unwrap_or(now);
    let denied = |denied| Answer::PinCheck(PinCheck::Denied(denied));
    let easy = |weakness| Answer::NewPin(NewPin::TooEasy(weakness));
    let mut answers = vec![
        ("initial PIN of who called by ID number", initial(IdentifierKind::Card)),
        ("initial PIN of who called by card number", initial(IdentifierKind::Id)),
        ("PIN check: refused", denied(Denied::Refused)),
        ("PIN check: locked", denied(Denied::Locked { until, at: now })),
        ("PIN check: barred", denied(Denied::Barred)),
        ("PIN check: card stopped", Answer::PinCheck(PinCheck::CardStopped)),
        ("new PIN: good", Answer::NewPin(NewPin::Good(draft))),
        ("new PIN: repeated", easy(Weakness::Repeated)),
        ("new PIN: sequence", easy(Weakness::Sequence)),
        ("new PIN: common", easy(Weakness::Common)),
        ("new PIN: birthday", easy(Weakness::Birthday)),
        ("new PIN: of ID number", easy(Weakness::FromIdNumber)),
        ("new PIN: of card number", easy(Weakness::FromCardNumber)),
        ("new PIN: initial", easy(Weakness::Initial)),
        ("new PIN: the old one", easy(Weakness::Unchanged)),
        ("change: mismatch", Answer::PinChange(PinChange::Mismatch)),
        ("change: card stopped", Answer::PinChange(PinChange::CardStopped)),
        ("change: overtaken", Answer::PinChange(PinChange::Overtaken)),
        ("change: turned away", Answer::PinChange(PinChange::TurnedAway)),
    ];
    if let Some(grant) = right().map(|proof| PinGrant::grant(proof, member, pin, now)) {
        answers.push(("PIN check: right", Answer::PinCheck(PinCheck::Right(grant))));
        answers.push(("change: done", Answer::PinChange(PinChange::Done(SignedIn::by_change(grant, now)))));
    }
    answers
}

/// A card in every state, one reported by telephone, and none.
fn cards(now: Timestamp) -> Vec<(&'static str, Answer)> {
    let Ok(tail) = Tail::of("5678") else { return Vec::new() };
    let card = |status, report| Answer::Card(Some(Card { tail, status, report }));
    let loss = |outcome: fn(Card) -> LossOutcome, status, report| Answer::Loss(outcome(Card { tail, status, report }));
    let until = now.saturating_add(SignedDuration::from_hours(7 * 24)).unwrap_or(now);
    let report = LossReport { since: now, until };
    vec![
        ("card", card(CardStatus::Normal, None)),
        ("inactive card", card(CardStatus::Inactive, None)),
        ("reported card", card(CardStatus::TemporaryLoss, Some(report))),
        ("card reported elsewhere", card(CardStatus::TemporaryLoss, None)),
        ("formally reported card", card(CardStatus::FormalLoss, None)),
        ("locked card", card(CardStatus::Locked, None)),
        ("cancelled card", card(CardStatus::Cancelled, None)),
        ("no card", Answer::Card(None)),
        ("done and reported", loss(LossOutcome::Done, CardStatus::TemporaryLoss, Some(report))),
        ("done and not reported", loss(LossOutcome::Done, CardStatus::Normal, None)),
        ("reported by another", loss(|card| LossOutcome::NotDone(Some(card)), CardStatus::TemporaryLoss, Some(report))),
        ("not reported by another", loss(|card| LossOutcome::NotDone(Some(card)), CardStatus::Normal, None)),
    ]
}

/// Pages with another behind them, one without, every kind of movement on them; none at all, and no account.
fn pages(now: Timestamp) -> Vec<(&'static str, Answer)> {
    let amount = |fen| Money::from_fen(fen).unwrap_or(Money::ZERO);
    let entry = |kind| StatementEntry { at: now, kind, amount: amount(-1), balance_after: amount(-12_040) };
    let page = |kinds: &[TransactionKind], more| {
        let entries = kinds.iter().copied().map(entry).collect();
        Answer::Transactions(Some(StatementPage { entries, more }))
    };
    let full = TransactionKind::ALL.chunks(StatementPage::SIZE).map(|kinds| page(kinds, true));
    let mut pages: Vec<_> = ["page", "another page", "a third page"].into_iter().zip(full).collect();
    pages.extend([
        ("last page", page(&[TransactionKind::Adjustment], false)),
        ("no entries", page(&[], false)),
        ("no statement", Answer::Transactions(None)),
    ]);
    pages
}

/// A family as there are many, one of every kind of relatives, nobody yet, nobody any more, and no account.
fn families() -> [(&'static str, Answer); 5] {
    let used = |fen| Money::from_fen(fen).ok().map(|amount| AidUsed { year: 2026, amount, as_of: date(2026, 1, 2) });
    let aid = |relations: &[Relation], fen| {
        let bound = relations.iter().map(|&relation| Bound { relation, count: 1 }).collect();
        Answer::MutualAid(Some(MutualAid { bound, used: used(fen) }))
    };
    [
        ("family", aid(&[Relation::Spouse, Relation::Child], 80_000)),
        ("everybody bound", aid(Relation::ALL, 0)),
        ("nobody bound", Answer::MutualAid(Some(MutualAid::default()))),
        ("nobody bound any more", aid(&[], 12_050)),
        ("nothing to share", Answer::MutualAid(None)),
    ]
}
