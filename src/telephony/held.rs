//! A connection that is held for longer than its request: a WebSocket.

use std::fmt;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, watch};

/// What such a connection has of the server's edge: its place among those that may be there at once, and how it hears that
/// the server stops. Each request brings it.
#[derive(Clone)]
pub struct Held {
    /// Free again when the last of it is dropped.
    _place: Arc<OwnedSemaphorePermit>,
    stopping: watch::Receiver<bool>,
}

impl Held {
    /// A connection at `place`, of a server that says when it is `stopping`.
    #[must_use]
    pub fn new(place: OwnedSemaphorePermit, stopping: watch::Receiver<bool>) -> Self {
        Self { _place: Arc::new(place), stopping }
    }

    /// Until the server stops.
    pub async fn until_stopping(&mut self) {
        // Where nobody is left to say so, the server has ended.
        let _ = self.stopping.wait_for(|stopping| *stopping).await;
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held(…)")
    }
}
