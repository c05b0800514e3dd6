//! The end of a number: what may be said back to a caller so that they know which number was understood.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The last four characters of an identifier: digits, and `X` where an identity number ends in it.
///
/// Small enough to stand in a call's state and to be spoken (尾号), too short to find a person by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "[u8; 4]", into = "[u8; 4]")]
pub struct Tail([u8; Tail::LENGTH]);

/// Four bytes that are not the end of any identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tail is four characters, each 0-9 or X")]
pub struct TailError;

impl Tail {
    /// Characters in a tail.
    pub const LENGTH: usize = 4;

    /// The last four characters of `text`.
    ///
    /// # Errors
    /// [`TailError`]: fewer than four, or one of them neither a digit nor `X`.
    pub fn of(text: &str) -> Result<Self, TailError> {
        Self::try_from(*text.as_bytes().last_chunk().ok_or(TailError)?)
    }

    /// The four `ascii` characters of a number already read.
    pub(super) fn ascii(ascii: [u8; Self::LENGTH]) -> Self {
        Self(ascii)
    }

    /// The last four of the `digits` of a number already read, which has at least as many.
    pub(super) fn of_digits(digits: &str) -> Self {
        Self(digits.as_bytes().last_chunk().copied().unwrap_or([b'0'; Self::LENGTH]))
    }

    /// The four characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII ever gets in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl TryFrom<[u8; Tail::LENGTH]> for Tail {
    type Error = TailError;

    fn try_from(ascii: [u8; Tail::LENGTH]) -> Result<Self, TailError> {
        ascii.iter().all(|&b| b.is_ascii_digit() || b == b'X').then_some(Self(ascii)).ok_or(TailError)
    }
}

impl From<Tail> for [u8; Tail::LENGTH] {
    fn from(tail: Tail) -> Self {
        tail.0
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tail(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_characters_of_the_end() {
        assert_eq!(Tail::of("11010519491231002X").unwrap().as_str(), "002X");
        assert_eq!(Tail::of("1234").unwrap().as_str(), "1234");
        for bad in ["", "123", "12x4", "一二三四", "12 4"] {
            assert_eq!(Tail::of(bad), Err(TailError), "{bad}");
        }
    }

    #[test]
    fn stored_as_four_bytes_and_checked_when_read_back() {
        let tail = Tail::of("002X").unwrap();
        let bytes = postcard::to_allocvec(&tail).unwrap();
        assert_eq!(bytes, b"002X");
        assert_eq!(postcard::from_bytes::<Tail>(&bytes).unwrap(), tail);
        assert!(postcard::from_bytes::<Tail>(b"00#X").is_err());
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Tail::of("002X").unwrap()), "Tail(…)");
    }
}
