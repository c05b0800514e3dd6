//! What comes out: what is said, and what the dialog wants next.

use std::time::Duration;

use jiff::Timestamp;

use crate::member::account::{Movements, PageSize};
use crate::member::card::LossTerm;
use crate::member::pin_rule::InitialPinRule;
use crate::member::{Identifier, MemberKey};
use crate::secret::{Key, Pin, PinDraft};
use crate::speech::prompt::Prompt;

use super::message::MessageRequest;
use super::pin_proof::{FirstProof, PinGrant};
use super::rating::Rating;
use super::signed_in::SignedIn;

/// What the caller hears now, and what happens then.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Said in order.
    pub say: Vec<Prompt>,
    /// What happens after (or, for keys, during) what is said.
    pub next: Next,
}

/// What happens next.
#[derive(Clone, Debug)]
pub enum Next {
    /// Wait for keys.
    Collect(Collect),
    /// Ask the world; its answer comes back as [`Event::Answer`](super::Event::Answer) before the caller hears anything more.
    Ask(Request),
    /// Record what the caller says.
    Record(Record),
    /// Connect the caller to a person.
    Transfer(Transfer),
    /// Take the caller out of the queue they wait in; that they left comes back as [`Event::TransferEnded`](super::Event).
    Leave,
    /// End the call.
    HangUp,
}

/// How keys are collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collect {
    /// The fewest keys that make an entry.
    pub min: u8,
    /// The entry ends by itself at so many keys.
    pub max: u8,
    /// The key that ends the entry; it is not part of it. `None`: every key is data.
    pub finish: Option<Key>,
    /// How long to wait for the first key after all is said.
    pub first_key: Duration,
    /// How long to wait for each further key.
    pub between_keys: Duration,
    /// When keys stop the speech.
    pub barge_in: BargeIn,
}

impl Collect {
    /// So many keys are pressed by one who makes no mistake: of an entry, the key that ends it too. `max` has room for a `*` that
    /// clears it, and the entry again.
    #[must_use]
    pub fn expected(&self) -> u8 {
        if self.finish.is_some() { self.max / 2 + 1 } else { self.max }
    }
}

/// When keys stop the speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BargeIn {
    /// From the first syllable.
    Always,
    /// After so many prompts: what comes before (an apology, an amount) is heard out.
    AfterPrompts(u8),
}

/// Records what the caller says after a tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// No recording is longer.
    pub longest: Duration,
    /// The key that ends it.
    pub finish: Key,
    /// So much silence ends it too.
    pub silence: Duration,
}

/// Connects the caller to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Where to: only ever from a line's file.
    pub to: TransferTarget,
    /// How long to let it ring.
    pub ring: Duration,
}

/// A place people answer at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TransferTarget {
    /// An E.164 number: `+861012333`.
    Number(Box<str>),
    /// A SIP URI: `sip:agents@pbx.example`.
    Sip(Box<str>),
    /// A queue of the platform, by its name: `agents`.
    Queue(Box<str>),
}

/// What the dialog needs from the world. Everything that belongs to a person takes a [`SignedIn`].
#[derive(Clone, Debug)]
pub enum Request {
    /// The key of a number that was entered: computed, not looked up.
    Identify(Identifier),
    /// What stands before the PIN now. Nothing is done.
    Guard,
    /// Check a PIN.
    SignIn {
        /// Whose.
        who: MemberKey,
        /// What was keyed.
        pin: Pin,
        /// What the line's initial PINs are.
        initial: Option<InitialPinRule>,
    },
    /// Check the PIN in force, which is to be changed.
    CheckPin {
        /// Whose.
        proof: SignedIn,
        /// What was keyed.
        pin: Pin,
    },
    /// Check a second number of who has an initial PIN.
    ProveSecond {
        /// What was shown so far.
        first: FirstProof,
        /// The number that was keyed.
        number: Identifier,
    },
    /// Look whether a new PIN is good.
    JudgePin {
        /// Whose.
        grant: PinGrant,
        /// What was keyed.
        pin: Pin,
        /// What the line's initial PINs are.
        initial: Option<InitialPinRule>,
    },
    /// Put a new PIN in force.
    ChangePin {
        /// Whose.
        grant: PinGrant,
        /// What was keyed first.
        draft: PinDraft,
        /// What was keyed again.
        pin: Pin,
    },
    /// Read the personal account.
    PersonalBalance(SignedIn),
    /// Read the pooled fund.
    PooledFund(SignedIn),
    /// Read a page of the statement.
    Transactions {
        /// Whose.
        proof: SignedIn,
        /// Which movements.
        which: Movements,
        /// How many at once.
        size: PageSize,
        /// Which page, counted from 0.
        page: u8,
    },
    /// Read how the member is insured.
    Coverage(SignedIn),
    /// Something about messages: nobody need sign in for it.
    Message(MessageRequest),
    /// Keep a rating.
    Rate(Rating),
    /// Read for whom the personal account pays.
    MutualAid(SignedIn),
    /// Read the state of the card.
    Card(SignedIn),
    /// Report the card lost, for so long.
    ReportLoss(SignedIn, LossTerm),
    /// Let the report lapse so long from now.
    RenewLoss(SignedIn, LossTerm),
    /// Take the report back.
    ReleaseLoss(SignedIn),
}

impl Request {
    /// The sign-in it is asked with, when it is about something personal.
    #[must_use]
    pub fn proof(&self) -> Option<SignedIn> {
        match self {
            Self::Identify(_)
            | Self::Guard
            | Self::SignIn { .. }
            | Self::ProveSecond { .. }
            | Self::JudgePin { .. }
            | Self::ChangePin { .. }
            | Self::Message(_)
            | Self::Rate(_) => None,
            Self::CheckPin { proof, .. }
            | Self::PersonalBalance(proof)
            | Self::PooledFund(proof)
            | Self::Transactions { proof, .. }
            | Self::Coverage(proof)
            | Self::MutualAid(proof)
            | Self::Card(proof)
            | Self::ReportLoss(proof, _)
            | Self::RenewLoss(proof, _)
            | Self::ReleaseLoss(proof) => Some(*proof),
        }
    }

    /// Whether what it is asked with still holds at `now`.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        match self {
            Self::ProveSecond { first, .. } => first.holds(now),
            Self::JudgePin { grant, .. } | Self::ChangePin { grant, .. } => grant.holds(now),
            other => other.proof().is_none_or(|proof| proof.holds(now)),
        }
    }
}
