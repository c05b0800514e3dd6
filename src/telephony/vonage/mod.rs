//! Vonage Voice: signed JSON webhooks in, a call control object (NCCO) out.
//!
//! ```text
//! POST /vonage/answer              a call came in
//! POST /vonage/step/{step}         keys, or silence, in answer to what was said
//! POST /vonage/transferred/{step}  what becomes of a call to a person: 204, unless nobody answered
//! POST /vonage/talked/{step}       a transfer to a person is over
//! POST /vonage/recorded/{step}     the caller has spoken, or nothing is recorded here
//! POST /vonage/queued/{step}       there is no queue: on at once
//! POST /vonage/event               a call's state: its end is news; 204
//! POST /vonage/fallback            one of the others failed; go on from the greeting
//! ```
//!
//! They are there only where a signature secret is set. A request goes through [`signature`] (is it the platform?), [`hook`]
//! (what happened?), the [`Conversation`](super::Conversation) (what now?) and [`ncco`] (how is that said?); [`routes`] puts
//! them in that order.
//!
//! Facts of the platform that shape all of it, from its documents and its own packages:
//!
//! - What all webhooks of a call have is the id of its conversation, and only some have that of the leg. The leg to a person has
//!   the same conversation, and its events are told apart by their direction: the caller's is `inbound`.
//! - `input` always tells, of silence too (`timed_out`), and has one time for the first key and between keys, of ten seconds
//!   at most. Only `#` ends an entry. Speech is stopped by a key where the `talk` before has `bargeIn`.
//! - An object that ends, ends the call: a goodbye is a `talk`, and nothing behind it.
//! - `notify` asks for the next object at once: so the conversation goes on behind a transfer, and where there is no queue. It
//!   tells no numbers, which are put into its `payload`, and come back signed.
//! - What was recorded is told to one address only, beside the call, and the call goes on without it. So recordings need a
//!   recorder of the operator's, who is told where each is to be fetched and what it is called here; without one
//!   (`recorder`) nothing is recorded, and the dialog hears that nothing was.

mod hook;
mod ncco;
mod routes;
mod settings;
mod signature;

pub use hook::Hook;
pub use routes::router;
pub use settings::{Settings, Voice};
pub use signature::Secrets;
