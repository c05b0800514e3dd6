//! The call flow as a pure function. No I/O, no clock, no randomness, no async: time is an argument, and what the
//! dialog needs from the world it asks for.
//!
//! Read [`Flow::step`] first: it takes a [`State`] and an [`Event`] and gives the next [`State`] and a [`Turn`], which
//! says what the caller hears and what is wanted next. [`Next::Ask`] is answered by [`Event::Answer`] before the caller
//! hears anything. [`explore`] proves what must always hold.

mod accounts;
mod card;
mod challenge;
mod entry;
mod event;
pub mod explore;
mod flow;
mod hours;
mod person;
mod sign_in;
mod signed_in;
mod state;
mod step;
mod turn;

pub use challenge::ChallengePlace;
pub use event::{Answer, Dialled, Event, Guard, LossOutcome, SignInOutcome, TransferEnd};
pub use flow::Flow;
pub use hours::{Hours, Span};
pub use signed_in::SignedIn;
pub use state::{AnswerId, Goal, LossAct, LossPlace, MenuId, Misses, Place, Service, State};
pub use turn::{BargeIn, Collect, Next, Request, Transfer, TransferTarget, Turn};
