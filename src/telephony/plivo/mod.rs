//! Plivo: form posts in, its own XML out.
//!
//! ```text
//! POST /plivo/answer               a call came in
//! POST /plivo/step/{step}          keys, or silence, in answer to what was said
//! POST /plivo/transferred/{step}   a transfer to a person is over
//! POST /plivo/recorded/{step}      what the caller said, or nothing
//! POST /plivo/recording/{step}     the same, beside the call and perhaps after it; 200 without a word
//! POST /plivo/queued/{step}        there is no queue: on at once
//! POST /plivo/hangup               the call is over; 200 without a word
//! POST /plivo/fallback             the answer address failed; go on from the greeting
//! ```
//!
//! They are there only where a token is set. A request goes through [`signature`] (is it the platform?), [`request`] (what
//! happened?), the [`Conversation`](super::Conversation) (what now?) and [`document`] (how is that said?); [`routes`] puts them
//! in that order.
//!
//! Facts of the platform that shape all of it, from its documents and its own packages:
//!
//! - `GetInput` replaced `GetDigits`. It tells of no silence: the platform goes on with the next element, which is a `Redirect`
//!   to the same step. What comes from there has no `InputType`, so that the finish key alone can be told from silence.
//! - Between keys it waits for two seconds where nothing else is said, and for ten at most. Its `executionTimeout` (5 to 60
//!   seconds, from the end of what is said on) is called the maximum for which input is looked for: so it is read as the time for
//!   all keys, and each further key adds two seconds to what the first may take.
//! - `log="false"` keeps keys out of the platform's own logs.
//! - `action` must be a whole address. There is no queue, and no way to tell a caller's place in one.
//! - Marks of SSML are understood by the voices called `Polly.…`; three thousand characters are said at a time.
//! - Signatures have no time in them: a captured webhook can be sent again, and gets the same words.

mod document;
mod request;
mod routes;
mod settings;
mod signature;

pub use request::Form;
pub use routes::router;
pub use settings::{Settings, Voice};
pub use signature::Tokens;
