//! Before the PIN, while sign-ins look like an attack: digits are heard and must be pressed. Machines that dial lists do not
//! listen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::entry::cleared;
use super::event::{Answer, Guard};
use super::flow::Flow;
use super::state::{Goal, Misses, Place, State};
use super::step::{Lead, Miss, ask_world};
use super::turn::{BargeIn, Collect, Request, Turn};
use crate::member::MemberKey;
use crate::member::tail::Tail;
use crate::secret::Key;
use crate::speech::prompt::Prompt;

/// A place before the PIN.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ChallengePlace {
    /// The world is asked what stands before the PIN.
    Asking {
        /// Where to after sign-in.
        goal: Goal,
        /// Whose number.
        who: MemberKey,
        /// Whether other digits were pressed before.
        wrong: bool,
    },
    /// Asked for the digits that are heard.
    Digits {
        /// Where to after sign-in.
        goal: Goal,
        /// Whose number.
        who: MemberKey,
        /// What is heard.
        digits: Tail,
        /// Whether others were pressed before.
        wrong: bool,
        /// What went wrong here so far.
        misses: Misses,
    },
}

impl ChallengePlace {
    pub(super) fn goal(&self) -> &Goal {
        match self {
            Self::Asking { goal, .. } | Self::Digits { goal, .. } => goal,
        }
    }

    pub(super) fn misses(&mut self) -> Option<&mut Misses> {
        match self {
            Self::Asking { .. } => None,
            Self::Digits { misses, .. } => Some(misses),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Asking { .. } => "sign-in.guard",
            Self::Digits { .. } => "sign-in.challenge",
        }
    }

    /// `*`: to the number.
    pub(super) fn back(&self) -> Place {
        let (Self::Asking { goal, who, .. } | Self::Digits { goal, who, .. }) = self;
        Place::Number { goal: goal.clone(), kind: who.kind, misses: Misses::default() }
    }
}

impl Flow {
    /// On to the PIN, past whatever stands before it.
    pub(super) fn guard(state: State, goal: Goal, who: MemberKey, wrong: bool) -> (State, Turn) {
        let place = Place::Challenge(ChallengePlace::Asking { goal, who, wrong });
        ask_world(State { place, ..state }, Request::Guard)
    }

    /// What the world answered before the PIN.
    pub(super) fn guard_answered(
        &self,
        state: State,
        at: ChallengePlace,
        answer: Answer,
        now: Timestamp,
    ) -> (State, Turn) {
        match (at, answer) {
            (ChallengePlace::Asking { goal, who, .. }, Answer::Guard(Guard::Open)) => {
                self.go(state, Place::Pin { goal, who, misses: Misses::default() }, Vec::new())
            }
            (ChallengePlace::Asking { goal, who, wrong }, Answer::Guard(Guard::Challenge(digits))) => {
                let misses = Misses::default();
                let lead: Lead = wrong.then(Prompt::challenge_wrong).into_iter().collect();
                self.go(state, Place::Challenge(ChallengePlace::Digits { goal, who, digits, wrong, misses }), lead)
            }
            (ChallengePlace::Asking { .. }, Answer::Guard(Guard::Closed)) => {
                self.person(state, vec![Prompt::sign_in_closed()], now)
            }
            // Unavailable, or an answer to something nobody asked.
            _ => self.main_menu(state, vec![Prompt::query_unavailable()]),
        }
    }

    /// The digits, or what was meant as them. Wrong twice: this caller is better off with a person.
    pub(super) fn challenge_entry(
        &self,
        state: State,
        at: ChallengePlace,
        keys: &[Key],
        now: Timestamp,
    ) -> (State, Turn) {
        let ChallengePlace::Digits { goal, who, digits, wrong, .. } = at else {
            return self.miss(state, Miss::Wrong, now);
        };
        let pressed = cleared(keys).iter().map(|key| key.as_char());
        if pressed.eq(digits.as_str().chars()) {
            self.go(state, Place::Pin { goal, who, misses: Misses::default() }, Vec::new())
        } else if wrong {
            self.give_up(state, Miss::Wrong, Prompt::challenge_failed(), now)
        } else {
            Self::guard(state, goal, who, true)
        }
    }

    /// What is said before the PIN, and the keys that are waited for.
    pub(super) fn ask_challenge(&self, digits: Tail, barge_in: BargeIn) -> (Lead, Collect) {
        (vec![Prompt::challenge(digits), Prompt::entry_keys()], self.entry(4, barge_in))
    }
}
