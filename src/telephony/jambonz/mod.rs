//! jambonz: JSON in, by signed webhooks or over a WebSocket, and a list of verbs out.
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
//! GET  /jambonz/socket              the same by messages over a WebSocket: see [`socket`]
//! ```
//!
//! The webhooks are there only where a secret is set, the WebSocket only where credentials are. What comes goes through
//! [`signature`] or a password (is it the platform?), [`hook`] (what happened?), the [`Conversation`] (what
//! now?) and [`verbs`] (how is that said?). [`mod@line`] has the last three in that order; [`routes`] and [`socket`] carry them.
//!
//! Facts of the platform that shape all of it, read in its feature server:
//!
//! - Without `minDigits`, keys that nothing ends are dropped, and there is no time-out between them: it is always 1.
//! - A `gather` always tells of silence (`reason` is `timeout`), and of its finish key alone (no `digits`). What ended an entry
//!   of some keys it does not tell.
//! - A `gather` has one voice. Where several speak while keys are heard, each has a `gather` of its own; an answer without
//!   verbs (204) sends the platform on to the next.
//! - After a hook of a `gather` that failed, the platform goes on with the next verb, and ends the call where there is none, or
//!   where what failed was a `redirect`: so a `gather` is followed by a second one without words, and that by last words.
//! - While the answer to a `gather` is waited for, it can say something (`actionHookDelayAction`). Where it is told when to give
//!   up (`noResponseGiveUpTimeout`), it hangs up then without a word; what it would say instead (`giveUpActions`), versions
//!   before it came refuse with all the verbs.
//! - Whoever waits in a queue may be spoken to, and not asked: no key is heard there ([`Waiting`](crate::dialog::Waiting) says
//!   so), and nothing but `say`, `play`, `pause` and `leave` is taken.
//! - There is no verb that keeps a recording: `listen` streams it to a WebSocket address of the operator's. Without one
//!   (`recorder`) nothing is recorded, and the dialog hears that nothing was.

mod hook;
mod line;
mod routes;
mod settings;
mod signature;
mod socket;
mod verbs;

use std::sync::Arc;

use axum::Router;

use super::Conversation;
use super::public_url::PublicUrl;
use super::sender::Networks;
use crate::clock::Clock;

pub use hook::Hook;
pub use settings::{Engine, Settings, Voice};
pub use signature::Secrets;

/// Every way in that is set up. `clock` tells which signatures are old; `proxies` are our own.
pub fn router<C: Conversation>(
    conversation: &Arc<C>,
    settings: &Settings,
    public_url: &PublicUrl,
    proxies: &Networks,
    clock: Clock,
) -> Router {
    let mut router = Router::new();
    if settings.has_secrets() {
        router = router.merge(routes::router(Arc::clone(conversation), settings, public_url, clock));
    }
    if settings.has_credentials() {
        router = router.merge(socket::router(Arc::clone(conversation), settings, proxies));
    }
    router
}
