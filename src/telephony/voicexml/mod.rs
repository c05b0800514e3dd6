//! `VoiceXML` 2.1, as gateways of Cisco, Avaya, Genesys and Huawei read it: forms in, documents out.
//!
//! ```text
//! GET  /voicexml/{secret}/start                    the first document, also by POST; it sends the gateway on to
//! POST /voicexml/{secret}/{call}/dialled           a call came in
//! POST /voicexml/{secret}/{call}/step/{step}       keys, or silence, in answer to what was said
//! POST /voicexml/{secret}/{call}/transferred/{step} a transfer to a person is over
//! POST /voicexml/{secret}/{call}/recorded/{step}   what the caller said, or nothing; also when they hung up meanwhile
//! POST /voicexml/{secret}/{call}/queued/{step}     there are no queues: at once, as if nobody had answered
//! POST /voicexml/{secret}/{call}/fallback          one of the others failed; go on from the greeting
//! POST /voicexml/{secret}/{call}/ended             the call is over
//! ```
//!
//! They are there only where a secret is set: nothing is signed. A request is proved by
//! [`sender`](super::sender), read by [`request`], answered by the [`Conversation`](super::Conversation) and written by
//! [`document`]; [`routes`] puts them in that order.
//!
//! Facts of the language that shape all of it:
//!
//! - No variable that every gateway has names a call. So the first document gives it an id, drawn at random, which stands in
//!   every address from then on. What a gateway posts are names of ours: `caller`, `dialled`, `how`, `keys`, `seconds`.
//! - The first document is fetched by GET with most gateways, and is the same for every call but for the id. Keys are only ever
//!   posted, so that none stands in an address.
//! - A grammar of digits is written out: `type="digits?length=18"` is an option that gateways may lack, and `*` and `#` are not
//!   among its digits.
//! - The key that ends an entry is told from its silence by how nothing matched: `#` alone matches no grammar that asks for a key.
//! - A recording is a variable in the gateway, which keeps no recordings. `<data>` posts it to a recorder of the operator's,
//!   under a name we give it; without one (`recorder`) nothing is recorded, and the dialog hears that nothing was.
//! - Whatever fails (`error.badfetch`, …) is caught in the document itself: it asks for another way on, and if that fails, too, it
//!   has the last words with it.

mod document;
mod request;
mod routes;
mod settings;

pub use request::Request;
pub use routes::router;
pub use settings::{Settings, Voice};
