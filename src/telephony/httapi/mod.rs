//! FreeSWITCH, by its `mod_httapi`: forms in, documents of work out.
//!
//! ```text
//! POST /httapi/{secret}/call                a call came in
//! POST /httapi/{secret}/step/{step}         keys, or silence, in answer to what was said
//! POST /httapi/{secret}/transferred/{step}  a transfer to a person is over
//! POST /httapi/{secret}/recorded/{step}     what the caller said, or nothing; also when they hung up meanwhile
//! POST /httapi/{secret}/queued/{step}       there are no queues: at once, as if nobody had answered
//! POST /httapi/{secret}/fallback            one of the others failed; go on from the greeting
//! ```
//!
//! They are there only where a secret is set: nothing is signed. Credentials, if any are set, are asked for as well. A request is
//! proved by [`sender`](super::sender), read by [`request`], answered by the [`Conversation`](super::Conversation) and
//! written by [`work`]; [`routes`] puts them in that order.
//!
//! Facts of the module that shape all of it, read in its source (`mod_httapi.c`, `switch_ivr_async.c`):
//!
//! - An address given once with `action` holds until another is: what comes next is asked for there, and so is the end of the
//!   call, which any address may be told of (`exiting=true`); it is answered with a plain OK.
//! - Anything but 200 and `text/xml` ends the application, and the dialplan goes on behind it: there stands the fallback.
//! - All of the work is done before the next address is asked, keys or no keys. So keys are waited for with the last piece that
//!   is said, and those that are pressed before are kept for it.
//! - A pattern that stands alone ends an entry as soon as it fits; of several one is taken when time is up, or with a
//!   terminator. An entry has two, for as many keys as there may be and for more, and a terminator: so what was keyed when time
//!   is up is told, too. The key that ended an entry is not told; that it was pressed alone is (`input_type`, and no keys).
//! - The wait for keys is one for all of them: `input-timeout` runs from the end of what is said, whatever is keyed meanwhile.
//! - `<record>` posts the sound itself, which is none of ours. The application `record` leaves it on FreeSWITCH' own disk, under
//!   a name we give it: it needs a folder (`recordings`). Without one nothing is recorded, and the dialog hears that nothing was.
//! - `<answer>` ends the application: the dialplan answers.

mod request;
mod routes;
mod settings;
mod work;

pub use request::Request;
pub use routes::router;
pub use settings::{Settings, Voice};
