//! What callers leave: messages, complaints, suggestions, and the wish to be called back.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::secret::{Key, Keys};

/// What somebody leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// 留言.
    Message,
    /// 投诉.
    Complaint,
    /// 建议.
    Suggestion,
    /// 回拨: nothing is recorded, and the place in the queue is kept.
    Callback,
}

impl MessageKind {
    /// Every kind there is, in the order of its numbers in the store.
    pub const ALL: [Self; 4] = [Self::Message, Self::Complaint, Self::Suggestion, Self::Callback];

    /// The name in line files and listings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Complaint => "complaint",
            Self::Suggestion => "suggestion",
            Self::Callback => "callback",
        }
    }
}

/// How far staff are with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// It has come in.
    Received,
    /// Somebody works on it.
    Taken,
    /// Whoever left it has an answer.
    Answered,
    /// There is nothing more to do.
    Closed,
}

impl MessageState {
    /// Every state there is, in order.
    pub const ALL: [Self; 4] = [Self::Received, Self::Taken, Self::Answered, Self::Closed];

    /// The name in listings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Taken => "taken",
            Self::Answered => "answered",
            Self::Closed => "closed",
        }
    }
}

/// How far staff are, and since when: all that is told to whoever keys a message's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Progress {
    /// How far.
    pub state: MessageState,
    /// Since when.
    pub at: Timestamp,
}

/// The number a message goes by: seven digits that nobody can guess, and a check digit (ISO/IEC 7064, MOD 11,10), so that
/// a slip of the finger is not taken for another's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct MessageNumber([u8; MessageNumber::LENGTH]);

/// Why digits are no message's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageNumberError {
    /// Not eight digits.
    #[error("a message's number has eight digits")]
    Length,
    /// The last digit does not go with the others.
    #[error("there is no such number: one digit may be wrong")]
    CheckDigit,
}

impl MessageNumber {
    /// Digits in a number.
    pub const LENGTH: usize = 8;
    /// So many numbers there are.
    pub const COUNT: u32 = 10_000_000;

    /// The number made of `body`, of which the last seven digits count, and its check digit.
    #[must_use]
    pub fn new(body: u32) -> Self {
        let mut digits = [b'0'; Self::LENGTH];
        let mut rest = body;
        for digit in digits[..Self::LENGTH - 1].iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
        digits[Self::LENGTH - 1] = b'0' + (11 - product(&digits[..Self::LENGTH - 1])) % 10;
        Self(digits)
    }

    /// The number in `text`.
    ///
    /// # Errors
    /// [`MessageNumberError`].
    pub fn parse(text: &str) -> Result<Self, MessageNumberError> {
        let digits: [u8; Self::LENGTH] = text.as_bytes().try_into().map_err(|_| MessageNumberError::Length)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(MessageNumberError::Length);
        }
        let [body @ .., check] = &digits;
        if (product(body) + check - b'0') % 10 == 1 { Ok(Self(digits)) } else { Err(MessageNumberError::CheckDigit) }
    }

    /// The number in `keys`.
    ///
    /// # Errors
    /// [`MessageNumberError`].
    pub fn from_keys(keys: &[Key]) -> Result<Self, MessageNumberError> {
        if keys.len() > Keys::MAX {
            return Err(MessageNumberError::Length);
        }
        Self::parse(&keys.iter().map(|key| key.as_char()).collect::<String>())
    }

    /// The eight digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII ever gets in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The hybrid product of ISO/IEC 7064 over ASCII digits, from 1 to 10.
fn product(digits: &[u8]) -> u8 {
    digits.iter().fold(10, |product, digit| {
        let sum = (product + digit - b'0') % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    })
}

impl TryFrom<u32> for MessageNumber {
    type Error = MessageNumberError;

    fn try_from(number: u32) -> Result<Self, MessageNumberError> {
        Self::parse(&format!("{number:08}"))
    }
}

impl From<MessageNumber> for u32 {
    fn from(number: MessageNumber) -> Self {
        number.0.iter().fold(0, |sum, digit| sum * 10 + Self::from(digit - b'0'))
    }
}

impl fmt::Debug for MessageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageNumber(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_is_that_of_the_standard() {
        // 0794 has the check digit 5 in ISO/IEC 7064; zeros in front of it are digits of their own here.
        assert_eq!(product(b"0794"), 6);
        assert_eq!(MessageNumber::new(0).as_str(), "00000007");
        assert_eq!(MessageNumber::new(1_234_567).as_str(), "12345672");
        assert_eq!(MessageNumber::new(9_999_999).as_str(), "99999997");
    }

    #[test]
    fn no_single_slip_makes_another_number() {
        for body in (0..MessageNumber::COUNT).step_by(99_991) {
            let number = MessageNumber::new(body);
            assert_eq!(MessageNumber::parse(number.as_str()), Ok(number));
            assert_eq!(MessageNumber::try_from(u32::from(number)), Ok(number));
            for at in 0..MessageNumber::LENGTH {
                for digit in b'0'..=b'9' {
                    let mut slip = number.0;
                    slip[at] = digit;
                    let slip = std::str::from_utf8(&slip).unwrap();
                    assert_eq!(MessageNumber::parse(slip).is_ok(), slip == number.as_str(), "{slip}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for bad in ["", "1234567", "123456766", "1234567x", "1234567*", "一二"] {
            assert_eq!(MessageNumber::parse(bad), Err(MessageNumberError::Length), "{bad}");
        }
        assert_eq!(MessageNumber::parse("12345675"), Err(MessageNumberError::CheckDigit));
        assert_eq!(format!("{:?}", MessageNumber::new(7)), "MessageNumber(…)");
    }
}
