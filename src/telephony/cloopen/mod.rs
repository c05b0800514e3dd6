//! 容联云 (Cloopen, Yuntongxun) IVR: parameters in, commands of XML out.
//!
//! ```text
//! GET or POST /cloopen/{secret}/startservice     a call came in
//!             /cloopen/{secret}/menu-{step}      the key that was pressed
//!             /cloopen/{secret}/step-{step}      the keys that were pressed, up to #
//!             /cloopen/{secret}/silence-{step}   none was
//!             /cloopen/{secret}/person-{step}    nobody is rung and there is no queue: on at once
//!             /cloopen/{secret}/recorded-{step}  nothing is recorded here: on at once
//!             /cloopen/{secret}/stopservice      the call is over
//! ```
//!
//! They are there only where a secret is set; nothing is signed ([`sender`](super::sender)). A request goes through
//! [`request`] (what happened?), the [`Conversation`](super::Conversation) (what now?) and [`document`] (how is that said?);
//! [`routes`] puts them in that order.
//!
//! What is known of the platform is its public documents on commands, and one handler in public code; there is no package that
//! could be asked, and nothing of this was tried on an account.
//!
//! - `action` is a relative address. Whether it is relative to the address that was entered or to the document, is not told:
//!   so names have no `/` in them, and of a longer path the last part counts. Where the entered address ends with
//!   `?action=`, the name may stand there.
//! - A document begins with one command; of a `Get` it is told that it can be nothing else. So there is no speech before it
//!   that must be heard out: any key stops all of it.
//! - `finishkey` cannot be none: in a menu `#` ends what nothing stands before, and that is told apart by the name. Whether the
//!   key is among the digits is not told, so it may be.
//! - `numdigits` is 12 and `timeout` 20 seconds where nothing is said; both always are. Of the time is not told whether it is
//!   that of one key or of all: so it is reckoned for all.
//! - Keys that are too few when time is over are sent; where there were none, the next command follows: a `Redirect`.
//! - Speech has one voice, one speed, and no marks in it. How long it may be is not told.
//! - Commands that ring at a person's or record are named in the documents, and what they take was not to be had. Until it is,
//!   a caller who asks for a person hears that nobody can be reached, and who leaves a message that nothing was recorded.

mod document;
mod request;
mod routes;
mod settings;

pub use request::Form;
pub use routes::router;
pub use settings::Settings;
