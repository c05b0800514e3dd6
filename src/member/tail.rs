//! The last four characters of a number: all that is ever read back of one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The last four characters of an identifier: digits, the last one perhaps X.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tail([u8; 4]);

impl Tail {
    /// The last four of `text`. `None`: shorter than four, or other than ASCII digits and X.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let tail: [u8; 4] = bytes.get(bytes.len().checked_sub(4)?..)?.try_into().ok()?;
        tail.iter().all(|b| b.is_ascii_digit() || *b == b'X').then_some(Self(tail))
    }

    /// The four characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII gets in by the constructor; a forged serialised one is spoken as nothing.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tail(…)")
    }
}
