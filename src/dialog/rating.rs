//! 满意度评价: asked once, after a person or at the goodbye of a caller who was served; then the call is over.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::Answer;
use super::flow::Flow;
use super::state::{Misses, Place, State};
use super::step::{Lead, Miss, ask_world, over};
use super::turn::{Request, Turn};
use crate::secret::Key;
use crate::speech::prompt::Prompt;

/// Where in the rating a caller is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RatingPlace {
    /// Asked how it was.
    Grade {
        /// Whether they have just talked to a person.
        person: bool,
        /// What went wrong here so far.
        misses: Misses,
    },
    /// Asked why it was not good.
    Reason {
        /// Whether they have just talked to a person.
        person: bool,
        /// What went wrong here so far.
        misses: Misses,
    },
    /// The rating is being kept.
    Keeping,
}

/// How it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Grade {
    /// 非常满意.
    VerySatisfied,
    /// 满意.
    Satisfied,
    /// 一般.
    Fair,
    /// 不满意.
    Dissatisfied,
}

impl Grade {
    /// Every grade, in the order of its keys.
    pub const ALL: [Self; 4] = [Self::VerySatisfied, Self::Satisfied, Self::Fair, Self::Dissatisfied];

    /// The name in tables and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerySatisfied => "very_satisfied",
            Self::Satisfied => "satisfied",
            Self::Fair => "fair",
            Self::Dissatisfied => "dissatisfied",
        }
    }
}

/// Why it was not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reason {
    /// 没解决.
    Unsolved,
    /// 态度.
    Manner,
    /// 等待太久.
    Wait,
}

impl Reason {
    /// Every reason, in the order of its keys.
    pub const ALL: [Self; 3] = [Self::Unsolved, Self::Manner, Self::Wait];

    /// The name in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsolved => "unsolved",
            Self::Manner => "manner",
            Self::Wait => "wait",
        }
    }
}

/// What is kept of a rating. Nothing in it tells who gave it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rating {
    /// Of which line.
    pub line: Box<str>,
    /// On which day, by the line's clocks.
    pub day: jiff::civil::Date,
    /// How it was.
    pub grade: Grade,
    /// Why, when it was not good.
    pub reason: Option<Reason>,
    /// Whether they had talked to a person.
    pub person: bool,
}

/// Misses that end it: nobody is kept for the sake of our own curiosity.
const MISSES: u8 = 2;

impl RatingPlace {
    pub(super) fn misses(&mut self) -> Option<&mut Misses> {
        match self {
            Self::Grade { misses, .. } | Self::Reason { misses, .. } => Some(misses),
            Self::Keeping => None,
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Grade { .. } => "rating",
            Self::Reason { .. } => "rating.reason",
            Self::Keeping => "rating.keeping",
        }
    }
}

impl Flow {
    /// The caller wants to end the call. Whoever was served is asked how it was.
    pub(super) fn goodbye(&self, state: State) -> (State, Turn) {
        if state.served { self.rate(state, false) } else { over(state, vec![Prompt::goodbye()]) }
    }

    /// Asks how it was, where the line does.
    pub(super) fn rate(&self, state: State, person: bool) -> (State, Turn) {
        if !self.rating {
            return over(state, vec![Prompt::goodbye()]);
        }
        let place = Place::Rating(RatingPlace::Grade { person, misses: Misses::default() });
        // It is the end of whatever they had signed in for.
        self.go_interruptibly(State { signed_in: None, ..state }, place, Vec::new())
    }

    /// A digit in the rating.
    pub(super) fn rating_key(&self, state: State, place: RatingPlace, key: Key, now: Timestamp) -> (State, Turn) {
        let nth = match key {
            Key::Digit(digit) => usize::from(digit).checked_sub(1),
            Key::Star | Key::Hash => None,
        };
        match place {
            RatingPlace::Grade { person, .. } => match nth.and_then(|n| Grade::ALL.get(n)) {
                Some(Grade::Dissatisfied) => {
                    let place = Place::Rating(RatingPlace::Reason { person, misses: Misses::default() });
                    self.go(state, place, Vec::new())
                }
                Some(grade) => self.keep_rating(state, *grade, None, person, now),
                None => self.miss(state, Miss::Wrong, now),
            },
            RatingPlace::Reason { person, .. } => match nth.and_then(|n| Reason::ALL.get(n)) {
                Some(reason) => self.keep_rating(state, Grade::Dissatisfied, Some(*reason), person, now),
                None => self.miss(state, Miss::Wrong, now),
            },
            RatingPlace::Keeping => self.miss(state, Miss::Wrong, now),
        }
    }

    fn keep_rating(
        &self,
        state: State,
        grade: Grade,
        reason: Option<Reason>,
        person: bool,
        now: Timestamp,
    ) -> (State, Turn) {
        let day = self.person.hours.offset.to_datetime(now).date();
        let rating = Rating { line: self.name.clone(), day, grade, reason, person };
        ask_world(State { place: Place::Rating(RatingPlace::Keeping), ..state }, Request::Rate(rating))
    }

    /// Kept or not, it is over: that it could not be kept is our trouble and not the caller's.
    pub(super) fn rating_answered(state: State, answer: &Answer) -> (State, Turn) {
        match answer {
            Answer::Rated(_) => over(state, vec![Prompt::rating_thanks(), Prompt::goodbye()]),
            _ => over(state, vec![Prompt::goodbye()]),
        }
    }

    /// One repeat, and no more.
    pub(super) fn rating_missed(&self, state: State, count: u8, apology: Prompt, now: Timestamp) -> (State, Turn) {
        if count < MISSES { self.ask(state, vec![apology]) } else { self.rating_left(state, now) }
    }

    /// No more is to be had. Who was dissatisfied has said so, even if not why.
    pub(super) fn rating_left(&self, state: State, now: Timestamp) -> (State, Turn) {
        match state.place {
            Place::Rating(RatingPlace::Reason { person, .. }) => {
                self.keep_rating(state, Grade::Dissatisfied, None, person, now)
            }
            _ => over(state, vec![Prompt::goodbye()]),
        }
    }
}

/// What a place of the rating asks.
pub(super) fn rating_asks(place: &RatingPlace) -> Lead {
    let key = |n: u8| Key::Digit(n);
    match place {
        RatingPlace::Grade { .. } => vec![
            Prompt::rating_ask(),
            Prompt::rating_very_satisfied(key(1)),
            Prompt::rating_satisfied(key(2)),
            Prompt::rating_fair(key(3)),
            Prompt::rating_dissatisfied(key(4)),
        ],
        RatingPlace::Reason { .. } => vec![
            Prompt::rating_why(),
            Prompt::rating_unsolved(key(1)),
            Prompt::rating_manner(key(2)),
            Prompt::rating_wait(key(3)),
        ],
        RatingPlace::Keeping => Vec::new(),
    }
}
