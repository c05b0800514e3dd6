//! Twilio Programmable Voice and its family: form posts in, `TwiML` out.
//!
//! ```text
//! POST /twilio/voice               a call came in
//! POST /twilio/step/{step}         keys, or silence, in answer to what was said
//! POST /twilio/transferred/{step}  a transfer to a person is over
//! POST /twilio/recorded/{step}     what the caller said, or nothing
//! POST /twilio/recording/{step}    the same, beside the call and perhaps after it; 204
//! POST /twilio/queued/{step}       waiting in a queue is over, and so is what came of it
//! POST /twilio/waiting/{step}      what is heard while waiting there, and keys pressed meanwhile
//! POST /twilio/status              the call is over; 204
//! POST /twilio/fallback            one of the others failed; go on from the greeting
//! ```
//!
//! Others read the same documents, and have the same addresses under names of their own, where they are set up: `/signalwire/`,
//! `/telnyx/`, `/somleng/`, and with a secret in the path, since they sign nothing, `/exotel/{secret}/` and `/kazoo/{secret}/`.
//! [`profile`] tells what each can do. What one cannot, is said in another way: without a queue, whoever is to wait in one hears
//! that nobody can be reached (a line that has one is warned of); without pauses between words and keys, every key is waited
//! for as long as the first.
//!
//! A request goes through [`proof`] (is it the platform? [`signature`], [`signalwire`], [`telnyx`]), [`request`] (what
//! happened?), the [`Conversation`](super::Conversation) (what now?) and [`markup`] (how is that said?); [`routes`] puts them
//! in that order.
//!
//! Two facts of the platforms shape all of it. A caller hears "an application error has occurred" and is cut off whenever
//! a webhook is answered with anything but 200 and well-formed markup: so whoever has proved to be the platform gets that, even
//! if it is only a goodbye. And Twilio repeats a webhook it got no answer to: so a repeat must hear the same words. That is
//! the conversation's work, which knows a repeat by its call and step. The `I-Twilio-Idempotency-Token` header names
//! repeats too, but it is not signed, not always sent, and tells nothing that call and step do not: it is not read.

mod markup;
mod profile;
mod proof;
mod request;
mod routes;
mod settings;
mod signalwire;
mod signature;
mod telnyx;

pub use profile::{Can, PROFILES, Profile};
pub use request::Form;
pub use routes::router;
pub use settings::{Platform, Settings, SignalWire, Somleng, Telnyx, Unsigned, Voice};
pub use signalwire::SigningKeys;
pub use signature::Tokens;
pub use telnyx::PublicKeys;
