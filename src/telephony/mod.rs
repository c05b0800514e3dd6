//! The dialect contract: prove the sender, read an event, write a turn. Vendor words never leave their dialect.

use std::sync::Arc;

use crate::dialog::{Collect, Transfer};
use crate::speech::catalog::Catalog;
use crate::speech::prompt::Prompt;

/// What a dialect writes: one turn of one call.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The wording of the call's language.
    pub catalog: Arc<Catalog>,
    /// Said in order.
    pub say: Vec<Prompt>,
    /// What happens after (or, for keys, during) what is said.
    pub then: Then,
}

/// What follows what is said. `step` is the sealed state: it comes back with the next webhook, opaque, in the path of
/// the address (letters, digits, `-`, `_`; at most some 300 characters).
#[derive(Clone, Debug)]
pub enum Then {
    /// Wait for keys, and send them to `step`; silence goes there too.
    Collect(Collect, Box<str>),
    /// Connect to a person, and tell `step` how that ended.
    Transfer(Transfer, Box<str>),
    /// End the call.
    HangUp,
}
