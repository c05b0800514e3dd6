//! The dialog.
mod event;
mod hours;
mod sign_in;
mod state;
mod turn;

pub use event::{Answer, Dialled, Event, SignInOutcome, TransferEnd};
pub use hours::{Hours, Span};
pub use sign_in::SignedIn;
pub use state::{Goal, MenuId, Misses, Place, Service, State};
pub use turn::{BargeIn, Collect, Next, Request, Transfer, TransferTarget, Turn};
