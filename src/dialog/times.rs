//! How long callers take: for every service of a line the shortest way to it, and the seconds that a practised and a
//! slow caller spend on that way. Reckoned from the words that are said and from the keys that are pressed.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use super::event::{Answer, Dialled, Event, LossOutcome, PinChange, SignInOutcome, Welcome};
use super::explore::nothing_went_wrong;
use super::flow::{Flow, Target};
use super::happening::{events, happens};
use super::state::{Place, Service, State};
use super::turn::{BargeIn, Next, Request, Turn};
use crate::secret::Keys;
use crate::speech::catalog::Catalogs;
use crate::speech::language::Language;
use crate::speech::prompt::Prompt;
use crate::speech::tempo;

/// From the last key to the first word of what follows: the webhook, the work behind it, and the platform's voice.
/// Taken; a platform's voice is most of it, and a PIN is hashed within it.
pub const ROUND_TRIP: Duration = Duration::from_millis(500);

/// A kind of caller.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// Whether they hear what is said out before they press.
    pub hears_all: bool,
    /// Before each entry, once they have heard what they wait for.
    pub thinks: Duration,
    /// For each key.
    pub a_key: Duration,
}

/// Knows the way and presses as soon as keys are taken. A key as in the keystroke-level model (Card, Moran and Newell
/// 1980: 0.28 s for who types, but not for a living).
pub const PRACTISED: Caller = Caller { hears_all: false, thinks: Duration::ZERO, a_key: Duration::from_millis(300) };
/// Hears everything first, and looks for every key. Slower than that model's slowest (1.2 s a key, 1.35 s to think).
pub const SLOW: Caller = Caller { hears_all: true, thinks: Duration::from_secs(2), a_key: Duration::from_millis(1500) };

/// What a way costs one caller, from the dial tone until the answer has been heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// All of it.
    pub whole: Duration,
    /// Of that, listening.
    pub speech: Duration,
}

/// The shortest way to what a service tells.
#[derive(Clone, Debug)]
pub struct WayTo {
    /// Which.
    pub service: Service,
    /// What is entered on the way, as a walk names it: `1`, `ID number`.
    pub entries: Vec<&'static str>,
    /// How many keys that is, with the `#` that ends a number.
    pub keys: u32,
    /// What it costs [`PRACTISED`].
    pub practised: Spent,
    /// What it costs [`SLOW`].
    pub slow: Spent,
}

/// The way to every service that a menu of `flow` offers, with the fewest entries (of several, the one offered first),
/// in `language` with this `wording`: through the choice of language, where there is one. `None` in place of a way: keys alone do not lead there.
#[must_use]
pub fn ways(flow: &Flow, language: Language, wording: &Catalogs) -> Vec<(Service, Option<WayTo>)> {
    let services = Service::ALL.into_iter().filter(|service| flow.offers(*service));
    services
        .map(|service| (service, Walk::to(flow, service, language).map(|walk| walk.reckon(language, wording))))
        .collect()
}

/// A moment on the way.
struct Step {
    state: State,
    turn: Turn,
    /// Whether the service was chosen in a menu.
    chosen: bool,
    /// The step before, and what led from there to here.
    from: Option<(usize, &'static str, Option<Keys>)>,
}

struct Walk {
    service: Service,
    /// From the dial tone to what the service tells.
    steps: Vec<Step>,
}

impl Walk {
    /// Breadth first, over nothing but what leads on: no wrong key, no silence, no way back.
    fn to(flow: &Flow, service: Service, language: Language) -> Option<Self> {
        let now = Timestamp::UNIX_EPOCH;
        let events = events(now);
        let (state, turn) = flow.step(flow.start(), Event::Dialled(Dialled::default()), now);
        let mut steps = vec![Step { state, turn, chosen: false, from: None }];
        let mut seen = HashSet::new();
        let mut queue = VecDeque::from([0]);
        while let Some(at) = queue.pop_front() {
            for (name, event) in &events {
                let Step { state, turn, chosen, .. } = &steps[at];
                if !leads_on(&state.place, &turn.next, name, event) {
                    continue;
                }
                let chosen = *chosen || chooses(flow, &state.place, event, service);
                let told = chosen && tells(service, &turn.next) && state.language == language && !fails(event);
                let (state, turn) = flow.step(state.clone(), event.clone(), now);
                if !nothing_went_wrong(&state.place) || state.wrong_pins > 0 {
                    continue;
                }
                let keys = if let Event::Keys(keys) = event { Some(keys.clone()) } else { None };
                if told && matches!(turn.next, Next::Collect(_) | Next::HangUp) {
                    steps.push(Step { state, turn, chosen, from: Some((at, name, keys)) });
                    return Some(Self { service, steps: path(steps) });
                }
                if seen.insert((state.clone(), chosen)) {
                    queue.push_back(steps.len());
                    steps.push(Step { state, turn, chosen, from: Some((at, name, keys)) });
                }
            }
        }
        None
    }

    fn reckon(&self, language: Language, wording: &Catalogs) -> WayTo {
        let heard = |prompts: &[Prompt]| {
            wording.speak(prompts, language).map(|(_, words)| tempo::length(&words)).sum::<Duration>()
        };
        let mut way = WayTo {
            service: self.service,
            entries: Vec::new(),
            keys: 0,
            practised: Spent::default(),
            slow: Spent::default(),
        };
        for (step, next) in self.steps.iter().zip(self.steps.iter().skip(1)) {
            let Some((_, name, Some(keys))) = &next.from else { continue };
            let Next::Collect(collect) = &step.turn.next else { continue };
            let pressed = u32::try_from(keys.len()).unwrap_or(u32::MAX) + u32::from(keys.finished());
            way.entries.push(name);
            way.keys += pressed;
            let say = &step.turn.say;
            let held = match collect.barge_in {
                BargeIn::Always => 0,
                BargeIn::AfterPrompts(n) => usize::from(n).min(say.len()),
            };
            for (caller, spent) in [(PRACTISED, &mut way.practised), (SLOW, &mut way.slow)] {
                let listens = heard(if caller.hears_all { say } else { &say[..held] });
                spent.speech += listens;
                spent.whole += ROUND_TRIP + listens + caller.thinks + caller.a_key * pressed;
            }
        }
        // The answer is heard by both; what may be done then, by neither.
        if let Some(last) = self.steps.last() {
            let say = &last.turn.say;
            let answer = say.iter().rposition(Prompt::is_personal).map_or(say.len(), |last| last + 1);
            let listens = heard(&say[..answer]);
            for spent in [&mut way.practised, &mut way.slow] {
                spent.speech += listens;
                spent.whole += ROUND_TRIP + listens;
            }
        }
        way
    }
}

/// Whether `event` is what somebody does who wants to get on: not a key that works everywhere, no slip, no bad answer.
fn leads_on(place: &Place, next: &Next, name: &str, event: &Event) -> bool {
    const NO_WAY: [&str; 8] =
        ["0", "9", "*", "#", "# alone", "ID number without #", "cleared ID number", "too few digits"];
    match (next, event) {
        (Next::Collect(_), Event::Keys(_)) => !NO_WAY.contains(&name),
        // The first of a sign-in is once in a caller's life, and a longer way; the other is to nothing that can be told.
        (
            Next::Ask(_),
            Event::Answer(
                Answer::Unavailable
                | Answer::Superseded
                | Answer::CallEnded
                | Answer::SignIn(
                    SignInOutcome::InitialPin(_) | SignInOutcome::Granted(_, Welcome { without_account: true, .. }),
                ),
            ),
        ) => false,
        (Next::Ask(_), Event::Answer(_)) => happens(place, event),
        _ => false,
    }
}

/// Whether this is the key of `service` in a menu.
fn chooses(flow: &Flow, place: &Place, event: &Event, service: Service) -> bool {
    let (Place::Menu { menu, .. }, Event::Keys(keys)) = (place, event) else { return false };
    let menu = flow.menus.get(menu);
    let option = menu.and_then(|menu| menu.options.iter().find(|option| Some(option.key) == keys.single()));
    option.is_some_and(|option| option.go == Target::Service(service))
}

/// Whether what is asked is what the service was chosen for.
fn tells(service: Service, next: &Next) -> bool {
    let Next::Ask(request) = next else { return false };
    matches!(
        (service, request),
        (Service::PersonalBalance, Request::PersonalBalance(_))
            | (Service::PooledFund, Request::PooledFund(_))
            | (Service::Details, Request::Transactions { .. })
            | (Service::Status, Request::Coverage(_))
            | (Service::MutualAid, Request::MutualAid(_))
            | (Service::ChangePin, Request::ChangePin { .. })
            | (Service::CardStatus, Request::Card(_))
            | (Service::ReportLoss, Request::ReportLoss(..))
            | (Service::ReleaseLoss, Request::ReleaseLoss(_))
    )
}

/// Whether the world did not do what it was asked.
fn fails(event: &Event) -> bool {
    match event {
        Event::Answer(Answer::Loss(outcome)) => !matches!(outcome, LossOutcome::Done(_)),
        Event::Answer(Answer::PinChange(change)) => !matches!(change, PinChange::Done(_)),
        _ => false,
    }
}

/// The steps that lead to the last.
fn path(mut steps: Vec<Step>) -> Vec<Step> {
    let mut way = Vec::new();
    let mut at = steps.len().checked_sub(1);
    while let Some(n) = at {
        // Each comes from one before it, so what is cut off behind it is no longer wanted.
        steps.truncate(n + 1);
        let Some(step) = steps.pop() else { break };
        at = step.from.as_ref().map(|(before, ..)| *before);
        way.push(step);
    }
    way.reverse();
    way
}
