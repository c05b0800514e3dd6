//! Signing in: which number, the number, its last four, the PIN; then on to where the caller wanted to go.

use jiff::Timestamp;

use super::entry::{cleared, id_number_keys};
use super::event::{Answer, Denied, SignInOutcome, Welcome};
use super::flow::Flow;
use super::news::News;
use super::signed_in::SignedIn;
use super::state::{Goal, MenuId, Misses, Place, State};
use super::step::{Miss, ONE, TWO, ask_world, over};
use super::turn::{Request, Turn};
use crate::member::card_number::CardLookup;
use crate::member::id_number::{IdNumber, IdNumberError};
use crate::member::personal_number::PersonalNumber;
use crate::member::{Identifier, IdentifierKind, MemberKey};
use crate::secret::{Key, Pin};
use crate::speech::prompt::Prompt;

impl Flow {
    /// A digit at a place of the sign-in that offers choices.
    pub(super) fn sign_in_key(&self, state: State, place: Place, key: Key, now: Timestamp) -> (State, Turn) {
        match place {
            Place::NumberKind { goal, .. } => {
                let chosen = self.number_keys().find(|(k, _)| *k == key);
                match chosen {
                    Some((_, kind)) => {
                        self.go(state, Place::Number { goal, kind, misses: Misses::default() }, Vec::new())
                    }
                    None => self.miss(state, Miss::Wrong, now),
                }
            }
            Place::Confirm { goal, who, .. } if key == ONE => Self::guard(state, goal, who, false),
            Place::Confirm { goal, who, .. } if key == TWO => {
                self.go(state, Place::Number { goal, kind: who.kind, misses: Misses::default() }, Vec::new())
            }
            _ => self.miss(state, Miss::Wrong, now),
        }
    }

    /// What the world answered during the sign-in.
    pub(super) fn sign_in_answered(&self, state: State, answer: Answer, now: Timestamp) -> (State, Turn) {
        match (state.place.clone(), answer) {
            (Place::Identifying { goal, tail, .. }, Answer::Identified(who)) => {
                self.go(state, Place::Confirm { goal, tail, who, misses: Misses::default() }, Vec::new())
            }
            (Place::SigningIn { goal, who, misses }, Answer::SignIn(outcome)) => {
                self.signed_in(state, goal, who, misses, outcome, now)
            }
            (Place::SigningIn { goal, who, misses }, Answer::Superseded) => {
                self.go(state, Place::Pin { goal, who, misses }, Vec::new())
            }
            // Unavailable, or an answer to something nobody asked.
            _ => self.main_menu(state, vec![Prompt::query_unavailable()]),
        }
    }

    pub(super) fn number_keys(&self) -> impl Iterator<Item = (Key, IdentifierKind)> + '_ {
        (1..).map(Key::Digit).zip(self.numbers.iter().copied())
    }

    /// The choice of number, or the main menu where there is none.
    pub(super) fn choice_of_number(&self, goal: Goal) -> Place {
        if self.numbers.len() == 1 {
            return Place::Menu { menu: MenuId::new(MenuId::MAIN), misses: Misses::default() };
        }
        Place::NumberKind { goal, misses: Misses::default() }
    }

    pub(super) fn number(
        &self,
        state: State,
        goal: Goal,
        kind: IdentifierKind,
        misses: Misses,
        keys: &[Key],
        now: Timestamp,
    ) -> (State, Turn) {
        match self.identifier(kind, keys, now) {
            Ok(identifier) => {
                let tail = identifier.tail();
                let place = Place::Identifying { goal, kind, tail, misses };
                ask_world(State { place, ..state }, Request::Identify(identifier))
            }
            Err(reason) => self.wrong_with(state, reason, now),
        }
    }

    pub(super) fn pin(
        &self,
        state: State,
        goal: Goal,
        who: MemberKey,
        misses: Misses,
        keys: &[Key],
        now: Timestamp,
    ) -> (State, Turn) {
        match Pin::from_keys(cleared(keys)) {
            Some(pin) => {
                let place = Place::SigningIn { goal, who, misses };
                ask_world(State { place, ..state }, Request::SignIn { who, pin, initial: self.initial_pin.clone() })
            }
            None => self.wrong_with(state, Prompt::pin_incomplete(), now),
        }
    }

    /// The number in `keys`. What is wrong with its shape is no secret: it is the same for everyone.
    pub(super) fn identifier(&self, kind: IdentifierKind, keys: &[Key], now: Timestamp) -> Result<Identifier, Prompt> {
        match kind {
            IdentifierKind::Id => {
                let today = self.person.hours.offset.to_datetime(now).date();
                IdNumber::from_keys(id_number_keys(keys), today).map(Identifier::Id).map_err(|e| match e {
                    IdNumberError::Length(_) | IdNumberError::Characters => Prompt::number_incomplete(),
                    _ => Prompt::number_impossible(),
                })
            }
            IdentifierKind::Card => CardLookup::from_keys(cleared(keys), self.card_rule)
                .map(Identifier::Card)
                .map_err(|_| Prompt::number_incomplete()),
            IdentifierKind::Personal => PersonalNumber::from_keys(cleared(keys))
                .map(Identifier::Personal)
                .map_err(|_| Prompt::number_incomplete()),
        }
    }

    pub(super) fn signed_in(
        &self,
        state: State,
        goal: Goal,
        who: MemberKey,
        misses: Misses,
        outcome: SignInOutcome,
        now: Timestamp,
    ) -> (State, Turn) {
        match outcome {
            SignInOutcome::Granted(proof, Welcome { age, without_account, pin_changed }) => {
                let elder = state.elder || age >= self.elder.age;
                let news = News { pin_changed, ..state.news };
                self.reach(State { signed_in: Some(proof), elder, without_account, news, ..state }, goal, now)
            }
            SignInOutcome::InitialPin(first) => self.initial_pin(state, goal, first, now),
            SignInOutcome::Refused => {
                // A card or personal number may be another's too, or entered wrong at the office.
                let by_another = who.kind != IdentifierKind::Id && self.numbers.contains(&IdentifierKind::Id);
                let more = by_another.then(Prompt::try_id_number);
                self.denied(state, Denied::Refused, Place::Pin { goal, who, misses }, more, now)
            }
            SignInOutcome::Locked { until, at } => {
                self.denied(state, Denied::Locked { until, at }, Place::Pin { goal, who, misses }, None, now)
            }
            SignInOutcome::Barred => self.denied(state, Denied::Barred, Place::Pin { goal, who, misses }, None, now),
            SignInOutcome::CallerLimit => {
                self.denied(state, Denied::CallerLimit, Place::Pin { goal, who, misses }, None, now)
            }
            SignInOutcome::Closed => self.denied(state, Denied::Closed, Place::Pin { goal, who, misses }, None, now),
        }
    }

    /// What was shown opens nothing: asked for again at `retry`, with `more` to say, while tries are left.
    pub(super) fn denied(
        &self,
        state: State,
        denied: Denied,
        retry: Place,
        more: Option<Prompt>,
        now: Timestamp,
    ) -> (State, Turn) {
        match denied {
            Denied::Refused => {
                let state = State { wrong_pins: state.wrong_pins.saturating_add(1), ..state };
                if state.wrong_pins >= self.patience.wrong_pins {
                    return over(state, vec![Prompt::refused(), Prompt::pins_used_up(), Prompt::goodbye()]);
                }
                self.go(state, retry, std::iter::once(Prompt::refused()).chain(more).collect())
            }
            Denied::Locked { until, at } => {
                // Rounded up, so that nobody calls again a minute early.
                let minutes = (until.duration_since(at).as_secs().max(0) + 59) / 60;
                let wait = Prompt::locked(u32::try_from(minutes).unwrap_or(u32::MAX));
                self.main_menu(state, vec![wait])
            }
            Denied::Barred => self.main_menu(state, vec![Prompt::barred()]),
            Denied::CallerLimit => self.main_menu(state, vec![Prompt::caller_limit()]),
            Denied::Closed => self.person(state, vec![Prompt::sign_in_closed()], now),
        }
    }

    pub(super) fn reach(&self, state: State, goal: Goal, now: Timestamp) -> (State, Turn) {
        match goal {
            Goal::Menu(menu) => self.menu(state, &menu, now),
            Goal::Service(service, back) => self.serve(state, service, back, now),
        }
    }

    /// The proof of sign-in, or what to say before asking for it.
    pub(super) fn proof(state: &State, now: Timestamp) -> Result<SignedIn, Prompt> {
        match state.signed_in {
            Some(proof) if proof.holds(now) => Ok(proof),
            Some(_) => Err(Prompt::sign_in_expired()),
            None => Err(Prompt::sign_in_first()),
        }
    }

    pub(super) fn sign_in(&self, state: State, goal: Goal, why: Prompt) -> (State, Turn) {
        let misses = Misses::default();
        let place = match self.numbers.as_slice() {
            // Nothing to choose from: straight to the number.
            &[kind] => Place::Number { goal, kind, misses },
            _ => Place::NumberKind { goal, misses },
        };
        self.go_interruptibly(State { signed_in: None, ..state }, place, vec![why])
    }
}
