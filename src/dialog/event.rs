//! What goes in: what happened since the last turn.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::message::MessageAnswer;
use super::pin_proof::{FirstProof, PinGrant};
use super::rating::Grade;
use super::signed_in::SignedIn;
use crate::member::MemberKey;
use crate::member::account::{Coverage, PersonalAccount, PooledFund, StatementPage};
use crate::member::card::Card;
use crate::member::mutual_aid::MutualAid;
use crate::member::pin_rule::Weakness;
use crate::member::tail::Tail;
use crate::secret::{Keys, PinDraft, Secret};
use crate::speech::language::Language;

/// What happened since the last turn.
#[derive(Clone, Debug)]
pub enum Event {
    /// A call came in.
    Dialled(Dialled),
    /// Keys were pressed in answer to the last [`Collect`](super::Collect).
    Keys(Keys),
    /// Nothing was pressed in time.
    Silence,
    /// Something was pressed that cannot be told: characters no keypad has, the same field twice.
    Garbled,
    /// The answer to the [`Request`](super::Request) the last step asked.
    Answer(Answer),
    /// A [`Transfer`](super::Transfer) to a queue goes on: the platform asks what the caller hears while they wait.
    Waiting(Waiting),
    /// A [`Transfer`](super::Transfer) is over.
    TransferEnded(TransferEnd),
    /// A [`Record`](super::Record) is over.
    Recorded {
        /// What was recorded, if anything was.
        recording: Option<Recording>,
        /// Whether the call is over with it.
        hung_up: bool,
    },
    /// The call has lasted too long, or has taken too many turns.
    LimitReached,
    /// The caller hung up.
    HungUp,
}

/// What was recorded: it stays with the platform, and is only named here.
#[derive(Clone, Debug)]
pub struct Recording {
    /// What the platform calls it. Never fetched, and never shown but to the staff who ask for it.
    pub reference: Secret,
    /// How long it is.
    pub seconds: u32,
}

/// A call that came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialled {
    /// The language the caller asked for by the number dialled, if that tells one.
    pub language: Option<Language>,
    /// Whether the calling number is marked as that of an older caller.
    pub elder: bool,
}

/// What the platform tells of a queue, for one who waits in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many are before them.
    pub ahead: Option<u16>,
    /// How long people wait in it on average.
    pub average: Option<Duration>,
    /// Whether the platform hears no key there: then none is offered.
    pub without_keys: bool,
}

/// How a transfer to a person ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TransferEnd {
    /// They talked; the person is done.
    Talked,
    /// Busy, no answer, or the platform could not connect.
    NotAnswered,
    /// The caller has left the queue: they wanted to.
    Left,
}

/// The outcome of a [`Request`](super::Request). What is stored for a repeated webhook is this, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The key of the number that was entered, whether or not anyone has it.
    Identified(MemberKey),
    /// What stands before the PIN.
    Guard(Guard),
    /// How the sign-in went.
    SignIn(SignInOutcome),
    /// Whether the PIN may be changed.
    PinCheck(PinCheck),
    /// Whether a new PIN is good.
    NewPin(NewPin),
    /// How the change went.
    PinChange(PinChange),
    /// The personal account; `None` for residents, who have none.
    PersonalBalance(Option<PersonalAccount>),
    /// The pooled fund, and what decides whether it pays.
    PooledFund(PooledFund, Coverage),
    /// A page of the statement; `None` for residents, who have no account.
    Transactions(Option<StatementPage>),
    /// How the member is insured.
    Coverage(Coverage),
    /// What was asked about messages.
    Message(MessageAnswer),
    /// The rating is kept, with this grade.
    Rated(Grade),
    /// For whom the personal account pays; `None` for residents, who have none.
    MutualAid(Option<MutualAid>),
    /// The card; `None` when the member has none.
    Card(Option<Card>),
    /// What was done about a report that the card is lost.
    Loss(LossOutcome),
    /// Nothing was told: the store is away, or too much is asked at once. A try that was taken before the store went away is
    /// kept for the repeat of this very turn.
    Unavailable,
    /// Nothing was done: another answer was given to this very turn before (the keys differ). The caller hears the prompt again.
    Superseded,
    /// Nothing was done: the call is over.
    CallEnded,
}

impl Answer {
    /// Whether it tells, or opens, something of one person: never given again after the call.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        !matches!(
            self,
            Self::SignIn(SignInOutcome::Refused | SignInOutcome::Locked { .. } | SignInOutcome::Barred)
                | Self::PinCheck(PinCheck::Denied(_))
                | Self::PinChange(PinChange::Mismatch | PinChange::Overtaken | PinChange::TurnedAway)
                | Self::Rated(_)
                | Self::Unavailable
                | Self::Superseded
                | Self::CallEnded
        )
    }
}

/// How a sign-in went. Who does not exist, who has another PIN and who has none are one outcome.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SignInOutcome {
    /// Number and PIN belong together; and what is to be known of the caller, and told, first.
    Granted(SignedIn, Welcome),
    /// They do not.
    Refused,
    /// No try was left for this number; the next is possible at `until`.
    Locked {
        /// When the lock ends.
        until: Timestamp,
        /// When it was told: what the caller hears is counted from here, so that a repeat says the same.
        at: Timestamp,
    },
    /// The PIN is right, but it is the initial one or too easy to guess: it opens nothing, but with a second number the way to
    /// another PIN. `None`: no second number is known.
    InitialPin(Option<FirstProof>),
    /// No try is left for this number until an operator gives them back.
    Barred,
    /// The telephone has been used for too many sign-ins: whoever it asks for, nothing was looked at.
    CallerLimit,
    /// Nobody signs in by telephone for now.
    Closed,
}

/// What stands before the PIN.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Guard {
    /// Nothing, as always.
    Open,
    /// These digits, to be heard and pressed.
    Challenge(Tail),
    /// Nobody signs in by telephone for now.
    Closed,
}

/// What a sign-in tells of the caller, beside who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Welcome {
    /// How old they are, in years.
    pub age: u8,
    /// Whether their scheme has no personal account.
    pub without_account: bool,
    /// When the PIN was changed by telephone: told once, in the first call after.
    pub pin_changed: Option<Timestamp>,
}

/// Why what was shown opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Denied {
    /// It does not belong together.
    Refused,
    /// No try was left; the next is possible at `until`.
    Locked {
        /// When the lock ends.
        until: Timestamp,
        /// When it was told.
        at: Timestamp,
    },
    /// No try is left until an operator gives them back.
    Barred,
    /// The telephone has been used for too many sign-ins: whoever it asks for, nothing was looked at.
    CallerLimit,
    /// Nobody signs in by telephone for now.
    Closed,
}

impl From<Denied> for SignInOutcome {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Refused => Self::Refused,
            Denied::Locked { until, at } => Self::Locked { until, at },
            Denied::Barred => Self::Barred,
            Denied::CallerLimit => Self::CallerLimit,
            Denied::Closed => Self::Closed,
        }
    }
}

/// Whether what was shown suffices to change the PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PinCheck {
    /// It does.
    Right(PinGrant),
    /// It does, but the card is locked or cancelled.
    CardStopped,
    /// It does not.
    Denied(Denied),
}

/// What a new PIN is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NewPin {
    /// Good, and to be entered again.
    Good(PinDraft),
    /// Too easily guessed.
    TooEasy(Weakness),
}

/// How a change of PIN went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PinChange {
    /// The new PIN is in force, and who has set it is signed in.
    Done(SignedIn),
    /// The two entries differ.
    Mismatch,
    /// The card is locked or cancelled.
    CardStopped,
    /// Another PIN was put in force since the old one was shown.
    Overtaken,
    /// Too much is asked at once: nothing was changed.
    TurnedAway,
}

/// What was done about a report that a card is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LossOutcome {
    /// It was done; the card is as it is now.
    Done(Card),
    /// Nothing was done: the card, or its report, is no more as it was told. `None`: there is no card.
    NotDone(Option<Card>),
}
