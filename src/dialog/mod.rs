//! The call flow as a pure function. No I/O, no clock, no randomness, no async: time is an argument, and what the
//! dialog needs from the world it asks for.
//!
//! Read [`Flow::step`] first: it takes a [`State`] and an [`Event`] and gives the next [`State`] and a [`Turn`], which
//! says what the caller hears and what is wanted next. [`Next::Ask`] is answered by [`Event::Answer`] before the caller
//! hears anything. [`explore`] proves what must always hold; [`times`] tells how long callers take; [`keyed`]
//! is every way they can go by keys.

mod accounts;
mod card;
mod challenge;
mod dialled;
mod entry;
mod event;
pub mod explore;
mod flow;
mod happening;
mod heard;
mod holidays;
mod hours;
pub mod keyed;
mod language;
mod message;
mod news;
mod person;
mod pin_change;
mod pin_proof;
mod rating;
mod shape;
mod sign_in;
mod signed_in;
mod state;
mod step;
pub mod times;
mod turn;

pub use challenge::ChallengePlace;
pub use dialled::DialledNumber;
pub use event::{
    Answer, Denied, Dialled, Event, Guard, LossOutcome, NewPin, PinChange, PinCheck, Recording, SignInOutcome,
    TransferEnd, Waiting, Welcome,
};
pub use flow::{Flow, MessageService};
pub use holidays::{DayKind, Holidays};
pub use hours::{Hours, Span};
pub use message::{About, Draft, Kept, MessageAnswer, MessagePlace, MessageRequest};
pub use news::News;
pub use pin_change::{Change, PinPlace};
pub use pin_proof::{FirstProof, PinGrant, PinInForce};
pub use rating::{Grade, Rating, RatingPlace, Reason};
pub use shape::{EntryShape, Shape};
pub use signed_in::SignedIn;
pub use state::{AnswerId, Goal, LossAct, LossPlace, MenuId, Misses, Place, QueuePlace, Service, State, Then};
pub use turn::{BargeIn, Collect, Next, Record, Request, Transfer, TransferTarget, Turn};

#[cfg(test)]
mod testing;
