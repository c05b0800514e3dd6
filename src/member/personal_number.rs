//! The number a local scheme gives its members: 个人编号, 医保号.

use super::tail::Tail;
use crate::secret::{Key, Secret};

/// A personal number: 8 to 12 digits, as many as the place gives.
#[derive(Clone, Debug)]
pub struct PersonalNumber(Secret);

/// Why a text is not a personal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PersonalNumberError {
    /// So many characters.
    #[error("must have 8 to 12 digits, not {0}")]
    Length(usize),
    /// Something other than digits.
    #[error("must be digits")]
    Characters,
}

impl PersonalNumber {
    /// Reads a number as files hold it.
    ///
    /// # Errors
    /// What [`PersonalNumberError`] names.
    pub fn parse(text: &str) -> Result<Self, PersonalNumberError> {
        Self::check_length(text.chars().count())?;
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| Self(Secret::new(text))).ok_or(PersonalNumberError::Characters)
    }

    /// Reads a number as it is keyed.
    ///
    /// # Errors
    /// What [`PersonalNumberError`] names.
    pub fn from_keys(keys: &[Key]) -> Result<Self, PersonalNumberError> {
        Self::check_length(keys.len())?;
        Secret::from_digits(keys).map(Self).ok_or(PersonalNumberError::Characters)
    }

    fn check_length(length: usize) -> Result<(), PersonalNumberError> {
        (8..=12).contains(&length).then_some(()).ok_or(PersonalNumberError::Length(length))
    }

    /// The digits.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The last four digits.
    #[must_use]
    pub fn tail(&self) -> Tail {
        Tail::of_digits(self.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Keys;

    #[test]
    fn eight_to_twelve_digits() {
        use PersonalNumberError::{Characters, Length};
        let read = |text: &str| PersonalNumber::parse(text).map(|n| n.expose().to_owned());
        let keyed = |text: &str| {
            let keys = Keys::parse(text, true).unwrap();
            PersonalNumber::from_keys(keys.expose()).map(|n| n.expose().to_owned())
        };
        for right in ["00000001", "123456789012"] {
            assert_eq!(read(right).unwrap(), right);
            assert_eq!(keyed(right).unwrap(), right);
        }
        for (wrong, fault) in [("1234567", Length(7)), ("1234567890123", Length(13)), ("1234567*", Characters)] {
            assert_eq!(read(wrong), Err(fault));
            assert_eq!(keyed(wrong), Err(fault));
        }
        assert_eq!(read("１２３４５６７８"), Err(Characters));
    }

    #[test]
    fn the_tail_may_be_seen_the_number_not() {
        let number = PersonalNumber::parse("9876543210").unwrap();
        assert_eq!(number.tail().as_str(), "3210");
        assert_eq!(format!("{number:?}"), "PersonalNumber(Secret(…))");
    }
}
