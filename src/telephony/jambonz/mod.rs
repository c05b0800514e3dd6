//! jambonz: signed JSON webhooks in, a list of verbs out.
//!
//! ```text
//! POST /jambonz/call                a call came in
//! POST /jambonz/step/{step}         keys, or silence, in answer to what was said
//! POST /jambonz/said/{step}         keys, or that the first of several voices is done: 204, and the next one speaks
//! POST /jambonz/transferred/{step}  a transfer to a person is over
//! POST /jambonz/recorded/{step}     what the caller said, or nothing; also when they hung up meanwhile
//! POST /jambonz/queued/{step}       waiting in a queue is over, and so is what came of it
//! POST /jambonz/waiting/{step}      what is heard while waiting there
//! POST /jambonz/status              a call's state: its end is news; 204
//! ```
//!
//! They are there only where a secret is set. A request goes through [`signature`] (is it the platform?), [`hook`] (what
//! happened?), the [`Conversation`](super::Conversation) (what now?) and [`verbs`] (how is that said?); [`routes`] puts them
//! in that order.
//!
//! Facts of the platform that shape all of it, read in its feature server:
//!
//! - Without `minDigits`, keys that nothing ends are dropped, and there is no time-out between them: it is always 1.
//! - A `gather` always tells of silence (`reason` is `timeout`), and of its finish key alone (no `digits`). What ended an entry
//!   of some keys it does not tell.
//! - A `gather` has one voice. Where several speak while keys are heard, each has a `gather` of its own; an answer without
//!   verbs (204) sends the platform on to the next.
//! - After a webhook that failed, the platform goes on with the next verb, and ends the call where there is none: so a
//!   `gather` is followed by a `redirect`.
//! - Whoever waits in a queue may be spoken to, and not asked: no key is heard there ([`Waiting`](crate::dialog::Waiting) says
//!   so), and nothing but `say`, `play`, `pause` and `leave` is taken.
//! - There is no verb that keeps a recording: `listen` streams it to a WebSocket address of the operator's. Without one
//!   (`recorder`) nothing is recorded, and the dialog hears that nothing was.

mod hook;
mod routes;
mod settings;
mod signature;
mod verbs;

pub use hook::Hook;
pub use routes::router;
pub use settings::{Engine, Settings, Voice};
pub use signature::Secrets;
