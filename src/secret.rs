//! What a caller keys in, and how it may be used.
//!
//! Nothing here can be printed, compared by `==` against a guess, or serialised by accident: `Debug` shows a class and
//! a length at most, memory is wiped on drop, and the only ways to the digits are methods whose names say so.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};
use zeroize::{DefaultIsZeroes, Zeroize, ZeroizeOnDrop};

/// One key of a telephone keypad.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A digit, 0–9.
    Digit(u8),
    /// `*`, 星号键.
    Star,
    /// `#`, 井号键.
    Hash,
}

impl Key {
    /// Every key there is, in the order of the digits, then `*`, then `#`.
    pub const ALL: [Self; 12] = [
        Self::Digit(0),
        Self::Digit(1),
        Self::Digit(2),
        Self::Digit(3),
        Self::Digit(4),
        Self::Digit(5),
        Self::Digit(6),
        Self::Digit(7),
        Self::Digit(8),
        Self::Digit(9),
        Self::Star,
        Self::Hash,
    ];

    /// Reads a key as people and platforms write it: ASCII or full-width digits, `*`/`＊`, `#`/`＃`.
    #[must_use]
    pub fn from_char(c: char) -> Option<Self> {
        match c {
            '0'..='9' => (u32::from(c) - u32::from('0')).try_into().ok().map(Self::Digit),
            '０'..='９' => (u32::from(c) - u32::from('０')).try_into().ok().map(Self::Digit),
            '*' | '＊' => Some(Self::Star),
            '#' | '＃' => Some(Self::Hash),
            _ => None,
        }
    }

    /// The key as it is printed on a telephone.
    #[must_use]
    pub fn as_char(self) -> char {
        match self {
            Self::Digit(d) => char::from(b'0' + d),
            Self::Star => '*',
            Self::Hash => '#',
        }
    }
}

impl Default for Key {
    /// What wiping leaves.
    fn default() -> Self {
        Self::Digit(0)
    }
}

impl DefaultIsZeroes for Key {}

impl fmt::Debug for Key {
    /// A single key is a menu choice at most, but a log of them one by one spells a PIN: so none is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(·)")
    }
}

/// The keys pressed in answer to one prompt, without the key that ended the entry.
#[derive(Clone, Default, PartialEq, Eq, Hash, Zeroize, ZeroizeOnDrop)]
pub struct Keys {
    pressed: Vec<Key>,
    finished: bool,
}

impl Keys {
    /// More than any entry needs; a platform that sends more is sending rubbish.
    pub const MAX: usize = 64;

    /// `finished` tells that the entry was ended by its finish key (which is not among `pressed`).
    #[must_use]
    pub fn new(pressed: Vec<Key>, finished: bool) -> Self {
        Self { pressed, finished }
    }

    /// Reads what a platform calls digits. `None`: longer than [`Keys::MAX`], or a character no keypad has.
    #[must_use]
    pub fn parse(text: &str, finished: bool) -> Option<Self> {
        // Built in place: an early return drops it, and dropping wipes it.
        let mut keys = Self { pressed: Vec::with_capacity(text.len().min(Self::MAX)), finished };
        for c in text.chars() {
            if keys.pressed.len() == Self::MAX {
                return None;
            }
            keys.pressed.push(Key::from_char(c)?);
        }
        Some(keys)
    }

    /// The keys themselves.
    #[must_use]
    pub fn expose(&self) -> &[Key] {
        &self.pressed
    }

    /// Whether the caller ended the entry with its finish key.
    #[must_use]
    pub fn finished(&self) -> bool {
        self.finished
    }

    /// How many keys, the finish key not counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pressed.len()
    }

    /// Whether nothing but perhaps the finish key was pressed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pressed.is_empty()
    }

    /// The one key pressed, if it was one.
    #[must_use]
    pub fn single(&self) -> Option<Key> {
        match *self.pressed.as_slice() {
            [key] => Some(key),
            _ => None,
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

/// A text that must not be seen: a sealed personal field, an identifier, a token of a platform.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// Takes `text` into keeping.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The digits in `keys`. `None`: a `*` or `#` among them.
    #[must_use]
    pub fn from_digits(keys: &[Key]) -> Option<Self> {
        // Room for all at once: a string that grows leaves copies of its beginning behind.
        let mut digits = Self(String::with_capacity(keys.len()));
        for key in keys {
            let Key::Digit(_) = key else { return None };
            digits.0.push(key.as_char());
        }
        Some(digits)
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

/// A query PIN as keyed or imported: exactly six digits.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Pin([u8; Pin::LENGTH]);

impl Pin {
    /// Digits in a query PIN.
    pub const LENGTH: usize = 6;

    /// The PIN in `keys`. `None`: another length, or a `*` among them.
    #[must_use]
    pub fn from_keys(keys: &[Key]) -> Option<Self> {
        let mut digits = [0; Self::LENGTH];
        if keys.len() != Self::LENGTH {
            return None;
        }
        for (digit, key) in digits.iter_mut().zip(keys) {
            let Key::Digit(d) = key else { return None };
            *digit = b'0' + d;
        }
        Some(Self(digits))
    }

    /// The PIN written in `text`. `None`: not six ASCII digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; Self::LENGTH] = text.as_bytes().try_into().ok()?;
        digits.iter().all(u8::is_ascii_digit).then_some(Self(digits))
    }

    /// The six ASCII digits, for hashing and for the weakness rules.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

/// The keyed digest of a PIN that was entered once and is to be entered again: it travels in the sealed state of a call,
/// where no PIN may. Nobody without the key gets back from it to the PIN, and it fits one member's only.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct PinDraft([u8; 32]);

impl PinDraft {
    /// The draft with this keyed `digest`.
    #[must_use]
    pub fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Whether both are of the same PIN, in constant time.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        use subtle::ConstantTimeEq;
        self.0.ct_eq(&other.0).into()
    }

    /// The digest, to be mixed into another.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for PinDraft {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other)
    }
}

impl Eq for PinDraft {}

impl Hash for PinDraft {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for PinDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinDraft(…)")
    }
}

/// Proof that a [`Pin`] was checked against a member's stored hash and is theirs. Only [`PinVerified::check`] makes one.
#[derive(Debug)]
pub struct PinVerified(());

impl PinVerified {
    /// Compares what `hash` computed for the PIN that was keyed with what is stored, in constant time.
    /// The caller hashes for unknown members too (constant work) and passes `stored = None` for them.
    #[must_use]
    pub fn check(computed: &[u8; 32], stored: Option<&[u8; 32]>) -> Option<Self> {
        use subtle::{Choice, ConstantTimeEq};
        let known = Choice::from(u8::from(stored.is_some()));
        let equal = computed.ct_eq(stored.unwrap_or(&[0; 32]));
        bool::from(known & equal).then_some(Self(()))
    }
}
