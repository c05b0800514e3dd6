//! 修改查询密码: the PIN in force, or the second number of who has an initial one; the new PIN; the new PIN again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::entry::cleared;
use super::event::{Answer, Denied, NewPin, PinChange, PinCheck};
use super::flow::Flow;
use super::pin_proof::{FirstProof, PinGrant};
use super::state::{Goal, MenuId, Misses, Place, Service, State};
use super::step::{Lead, ask_world};
use super::turn::{Request, Turn};
use crate::member::IdentifierKind;
use crate::member::pin_rule::Weakness;
use crate::secret::{Key, Pin, PinDraft};
use crate::speech::prompt::Prompt;

/// So often the new PIN may be entered twice unlike before the old one stays (DOMAIN.md 4a).
const MOST_MISMATCHES: u8 = 3;

/// A place in the change of a PIN. None holds a PIN.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PinPlace {
    /// Asked for the PIN in force.
    Old {
        /// The menu to go back to.
        back: MenuId,
        /// What went wrong here so far.
        misses: Misses,
    },
    /// It is being checked.
    CheckingOld {
        /// The menu to go back to.
        back: MenuId,
        /// What went wrong with it so far.
        misses: Misses,
    },
    /// The PIN is an initial one: asked for a second number.
    Second {
        /// Where to after the change.
        goal: Goal,
        /// What was shown so far.
        first: FirstProof,
        /// What went wrong here so far.
        misses: Misses,
    },
    /// It is being checked.
    CheckingSecond {
        /// Where to after the change.
        goal: Goal,
        /// What was shown so far.
        first: FirstProof,
        /// What went wrong with it so far.
        misses: Misses,
    },
    /// Asked for the new PIN.
    New {
        /// What is being changed.
        change: Change,
        /// What went wrong here so far.
        misses: Misses,
    },
    /// It is being looked at.
    Judging {
        /// What is being changed.
        change: Change,
        /// What went wrong with it so far.
        misses: Misses,
    },
    /// Asked for the new PIN again.
    Again {
        /// What is being changed.
        change: Change,
        /// What was entered first.
        draft: PinDraft,
        /// What went wrong here so far.
        misses: Misses,
    },
    /// It is being put in force.
    Changing {
        /// What is being changed.
        change: Change,
        /// What was entered first.
        draft: PinDraft,
        /// What went wrong with it so far.
        misses: Misses,
    },
}

/// A change under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Change {
    /// Where to after it.
    pub goal: Goal,
    /// That it may be made.
    pub grant: PinGrant,
    /// How often the new PIN was entered twice unlike.
    pub mismatches: u8,
}

impl PinPlace {
    /// The name of the place.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Old { .. } => "card.pin.old",
            Self::CheckingOld { .. } => "card.pin.checking",
            Self::Second { first, .. } => match first.second() {
                IdentifierKind::Id => "card.pin.id-number",
                IdentifierKind::Card => "card.pin.card-number",
                IdentifierKind::Personal => "card.pin.personal-number",
            },
            Self::CheckingSecond { .. } => "card.pin.proving",
            Self::New { .. } => "card.pin.new",
            Self::Judging { .. } => "card.pin.judging",
            Self::Again { .. } => "card.pin.again",
            Self::Changing { .. } => "card.pin.changing",
        }
    }

    /// Whether a number or a PIN is asked for.
    #[must_use]
    pub fn is_entry(&self) -> bool {
        matches!(self, Self::Old { .. } | Self::Second { .. } | Self::New { .. } | Self::Again { .. })
    }

    /// The menu of the line's file that it names.
    #[must_use]
    pub fn menu(&self) -> &MenuId {
        match self {
            Self::Old { back, .. } | Self::CheckingOld { back, .. } => back,
            Self::Second { goal, .. } | Self::CheckingSecond { goal, .. } => goal.menu(),
            Self::New { change, .. }
            | Self::Judging { change, .. }
            | Self::Again { change, .. }
            | Self::Changing { change, .. } => change.goal.menu(),
        }
    }

    /// What went wrong, where keys are waited for.
    pub(super) fn misses(&mut self) -> Option<&mut Misses> {
        match self {
            Self::Old { misses, .. }
            | Self::Second { misses, .. }
            | Self::New { misses, .. }
            | Self::Again { misses, .. } => Some(misses),
            Self::CheckingOld { .. } | Self::CheckingSecond { .. } | Self::Judging { .. } | Self::Changing { .. } => {
                None
            }
        }
    }

    /// Whether what is wrong here counts as a wrong PIN.
    pub(super) fn counts_wrong_pins(&self) -> bool {
        matches!(self, Self::Old { .. } | Self::CheckingOld { .. } | Self::Second { .. } | Self::CheckingSecond { .. })
    }

    /// Whether anything went wrong so far, here or on the way here.
    pub(super) fn went_wrong(&self) -> bool {
        let (mismatches, misses) = match self {
            Self::Old { misses, .. }
            | Self::CheckingOld { misses, .. }
            | Self::Second { misses, .. }
            | Self::CheckingSecond { misses, .. } => (0, misses),
            Self::New { change, misses }
            | Self::Judging { change, misses }
            | Self::Again { change, misses, .. }
            | Self::Changing { change, misses, .. } => (change.mismatches, misses),
        };
        mismatches > 0 || *misses != Misses::default()
    }

    /// Where who has an initial PIN wanted to go.
    pub(super) fn initial_goal(&self) -> Option<&Goal> {
        let goal = match self {
            Self::Old { .. } | Self::CheckingOld { .. } => None,
            Self::Second { goal, .. } | Self::CheckingSecond { goal, .. } => Some(goal),
            Self::New { change, .. }
            | Self::Judging { change, .. }
            | Self::Again { change, .. }
            | Self::Changing { change, .. } => Some(&change.goal),
        };
        goal.filter(|goal| !matches!(goal, Goal::Service(Service::ChangePin, _)))
    }

    /// The place that asks for what is looked at here.
    fn asking(self) -> Self {
        match self {
            Self::CheckingOld { back, misses } => Self::Old { back, misses },
            Self::CheckingSecond { goal, first, misses } => Self::Second { goal, first, misses },
            Self::Judging { change, misses } => Self::New { change, misses },
            Self::Changing { change, draft, misses } => Self::Again { change, draft, misses },
            asking => asking,
        }
    }
}

impl From<PinPlace> for Place {
    fn from(place: PinPlace) -> Self {
        Self::PinChange(place)
    }
}

impl Flow {
    /// Asks for the PIN in force, of who is signed in.
    pub(super) fn change_pin(&self, state: State, back: MenuId) -> (State, Turn) {
        self.go(state, PinPlace::Old { back, misses: Misses::default() }.into(), Vec::new())
    }

    /// The PIN of who signs in is an initial one: nothing is opened before it is changed, and it does not suffice for that.
    pub(super) fn initial_pin(
        &self,
        state: State,
        goal: Goal,
        first: Option<FirstProof>,
        now: Timestamp,
    ) -> (State, Turn) {
        let why = vec![Prompt::initial_pin()];
        match first {
            Some(first) => {
                self.go_interruptibly(state, PinPlace::Second { goal, first, misses: Misses::default() }.into(), why)
            }
            // No second number is known of them.
            None => self.person(state, why, now),
        }
    }

    /// What a place asks for, how many keys it takes at most, and that a word tells who may not remember it.
    pub(super) fn pin_asked(place: &PinPlace) -> (Lead, u8) {
        let (asked, longest) = match place {
            PinPlace::Second { first, .. } => match first.second() {
                IdentifierKind::Id => (Prompt::enter_id(), 18),
                IdentifierKind::Card => (Prompt::enter_card(), 9),
                IdentifierKind::Personal => (Prompt::enter_personal_number(), 12),
            },
            PinPlace::New { .. } => (Prompt::enter_new_pin(), 6),
            PinPlace::Again { .. } => (Prompt::enter_new_pin_again(), 6),
            _ => (Prompt::enter_old_pin(), 6),
        };
        (vec![asked, Prompt::pin_change_keys()], longest)
    }

    /// A number or a PIN, or what was meant as one.
    pub(super) fn pin_entered(&self, state: State, place: PinPlace, keys: &[Key], now: Timestamp) -> (State, Turn) {
        let proof = Self::proof(&state, now);
        let (goal, holds) = match &place {
            PinPlace::Old { back, .. } => (Goal::Service(Service::ChangePin, back.clone()), proof.is_ok()),
            PinPlace::Second { goal, first, .. } => (goal.clone(), first.holds(now)),
            PinPlace::New { change, .. } | PinPlace::Again { change, .. } => {
                (change.goal.clone(), change.grant.holds(now))
            }
            _ => return self.main_menu(state, vec![Prompt::pin_unavailable()]),
        };
        if !holds {
            return self.sign_in(state, goal, Prompt::sign_in_expired());
        }
        let request = match &place {
            PinPlace::Second { first, .. } => {
                self.identifier(first.second(), keys, now).map(|number| Request::ProveSecond { first: *first, number })
            }
            _ => Pin::from_keys(cleared(keys)).ok_or_else(Prompt::pin_incomplete).and_then(|pin| match &place {
                PinPlace::New { change, .. } => {
                    Ok(Request::JudgePin { grant: change.grant, pin, initial: self.initial_pin.clone() })
                }
                PinPlace::Again { change, draft, .. } => {
                    Ok(Request::ChangePin { grant: change.grant, draft: *draft, pin })
                }
                _ => proof.map(|proof| Request::CheckPin { proof, pin }),
            }),
        };
        let waiting = match place {
            PinPlace::Old { back, misses } => PinPlace::CheckingOld { back, misses },
            PinPlace::Second { goal, first, misses } => PinPlace::CheckingSecond { goal, first, misses },
            PinPlace::New { change, misses } => PinPlace::Judging { change, misses },
            PinPlace::Again { change, draft, misses } => PinPlace::Changing { change, draft, misses },
            other => other,
        };
        match request {
            Ok(request) => ask_world(State { place: waiting.into(), ..state }, request),
            Err(reason) => self.wrong_with(state, reason, now),
        }
    }

    /// `*`: from the second entry to the first, from everything else out of the change.
    pub(super) fn pin_back(&self, state: &State, place: PinPlace) -> Place {
        let misses = Misses::default();
        match place {
            PinPlace::Again { change, .. } => PinPlace::New { change, misses }.into(),
            PinPlace::Second { goal, .. } => self.choice_of_number(goal),
            // Who must change an initial PIN has no menu yet.
            PinPlace::New { change, .. } if state.signed_in.is_none() => self.choice_of_number(change.goal),
            other => Place::Menu { menu: other.menu().clone(), misses },
        }
    }

    /// What the world answered during a change.
    pub(super) fn pin_answered(&self, state: State, place: PinPlace, answer: Answer, now: Timestamp) -> (State, Turn) {
        let misses = Misses::default();
        match (place, answer) {
            (place, Answer::Superseded) => self.go(state, place.asking().into(), Vec::new()),
            (PinPlace::CheckingOld { back, .. }, Answer::PinCheck(PinCheck::Right(grant))) => {
                let change = Change { goal: Goal::Service(Service::ChangePin, back), grant, mismatches: 0 };
                self.go(state, PinPlace::New { change, misses }.into(), Vec::new())
            }
            (PinPlace::CheckingSecond { goal, .. }, Answer::PinCheck(PinCheck::Right(grant))) => {
                let change = Change { goal, grant, mismatches: 0 };
                self.go(state, PinPlace::New { change, misses }.into(), Vec::new())
            }
            (
                place @ (PinPlace::CheckingOld { .. } | PinPlace::CheckingSecond { .. }),
                Answer::PinCheck(PinCheck::Denied(denied)),
            ) => {
                // No try is left: whoever is there now need not be who signed in.
                let signed_in = state.signed_in.filter(|_| denied == Denied::Refused);
                self.denied(State { signed_in, ..state }, denied, place.asking().into(), None, now)
            }
            (PinPlace::Judging { change, misses }, Answer::NewPin(judged)) => match judged {
                NewPin::Good(draft) => {
                    self.go(state, PinPlace::Again { change, draft, misses: Misses::default() }.into(), Vec::new())
                }
                NewPin::TooEasy(weakness) => {
                    let place = PinPlace::New { change, misses }.into();
                    self.wrong_with(State { place, ..state }, too_easy(weakness), now)
                }
            },
            (PinPlace::Changing { change, .. }, Answer::PinChange(PinChange::Done(proof))) => {
                // Nothing new is known of who they are.
                let same = state.signed_in.is_some_and(|before| before.member() == proof.member());
                let without_account = state.without_account && same;
                let mut state = State { signed_in: Some(proof), without_account, ..state };
                state.news.pin_set = true;
                match change.goal {
                    Goal::Service(Service::ChangePin, back) => self.menu(state, &back, now),
                    goal => self.reach(state, goal, now),
                }
            }
            (PinPlace::Changing { change, .. }, Answer::PinChange(PinChange::Mismatch)) => {
                let mismatches = change.mismatches.saturating_add(1);
                if mismatches >= MOST_MISMATCHES {
                    return self.unchanged(state, change.goal.menu(), Prompt::pin_unchanged());
                }
                let change = Change { mismatches, ..change };
                self.go(state, PinPlace::New { change, misses }.into(), vec![Prompt::pin_mismatch()])
            }
            (place, Answer::PinCheck(PinCheck::CardStopped) | Answer::PinChange(PinChange::CardStopped)) => {
                self.unchanged(state, place.menu(), Prompt::pin_card_stopped())
            }
            (place, Answer::PinChange(PinChange::Overtaken)) => {
                self.unchanged(state, place.menu(), Prompt::pin_overtaken())
            }
            // The store went away, and may have done it before.
            (place @ PinPlace::Changing { .. }, Answer::Unavailable) => {
                self.unchanged(state, place.menu(), Prompt::pin_uncertain())
            }
            // Unavailable, too much at once, or an answer to something nobody asked.
            (place, _) => self.unchanged(state, place.menu(), Prompt::pin_unavailable()),
        }
    }

    /// Out of the change, with the old PIN: to `menu`, or to the main menu for who could not sign in with it.
    fn unchanged(&self, state: State, menu: &MenuId, why: Prompt) -> (State, Turn) {
        if state.signed_in.is_none() {
            return self.main_menu(state, vec![why]);
        }
        self.go(state, Place::Menu { menu: menu.clone(), misses: Misses::default() }, vec![why])
    }
}

fn too_easy(weakness: Weakness) -> Prompt {
    match weakness {
        Weakness::Repeated => Prompt::pin_repeated(),
        Weakness::Sequence => Prompt::pin_sequence(),
        Weakness::Common => Prompt::pin_common(),
        Weakness::Birthday => Prompt::pin_birthday(),
        Weakness::FromIdNumber => Prompt::pin_from_id_number(),
        Weakness::FromCardNumber => Prompt::pin_from_card_number(),
        Weakness::FromPhoneNumber => Prompt::pin_from_phone_number(),
        Weakness::Initial => Prompt::pin_still_initial(),
        Weakness::Unchanged => Prompt::pin_same(),
    }
}
