//! A connection whose other side waits for acknowledgements before it sends on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asks the edge to acknowledge at once whatever comes by this connection.
///
/// A sender that gathers small messages until the last one is acknowledged (Asterisk's websocket client does) and a
/// receiver that delays acknowledgements wait for each other, 40 ms at a time.
#[derive(Clone, Debug, Default)]
pub struct Promptly(Arc<AtomicBool>);

impl Promptly {
    /// From now on.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
