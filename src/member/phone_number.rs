//! The telephone number somebody can be called back at.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::tail::Tail;
use crate::secret::{Key, Secret};

/// A telephone number as staff dial it: a mobile number, a landline with its area code, or a foreign one with `+`.
#[derive(Clone)]
pub struct PhoneNumber(Secret);

/// What was keyed is no telephone number: eleven digits that begin with 1, or ten to twelve that begin with 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a mobile number, and not a landline with its area code")]
pub struct PhoneNumberError;

impl PhoneNumber {
    /// The most digits a keyed number has.
    pub const LONGEST: u8 = 12;
    /// The most digits any number has (E.164).
    const MOST: usize = 15;
    /// A number of fewer digits is an extension of somebody's own exchange, and reaches nobody from here.
    const FEWEST: usize = 7;

    /// The number in `keys`.
    ///
    /// # Errors
    /// [`PhoneNumberError`].
    pub fn from_keys(keys: &[Key]) -> Result<Self, PhoneNumberError> {
        let number = Secret::from_digits(keys).ok_or(PhoneNumberError)?;
        let digits = number.expose();
        let is_landline = (10..=12).contains(&digits.len()) && digits.starts_with('0') && !digits.starts_with("00");
        if is_mobile(digits) || is_landline { Ok(Self(number)) } else { Err(PhoneNumberError) }
    }

    /// The number that calls, as the network tells it: digits with an optional leading `+`. Numbers of this country lose
    /// its code. `None`: it cannot be called back.
    #[must_use]
    pub fn from_caller(number: &str) -> Option<Self> {
        let digits = number.strip_prefix('+').unwrap_or(number);
        let fits = (Self::FEWEST..=Self::MOST).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        if !fits {
            return None;
        }
        let national = digits.strip_prefix("86").filter(|rest| number.starts_with('+') || is_mobile(rest));
        Some(Self(Secret::new(match national {
            Some(mobile) if is_mobile(mobile) => mobile.to_owned(),
            Some(landline) => format!("0{landline}"),
            None => number.to_owned(),
        })))
    }

    /// The number itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What may be said back of it.
    #[must_use]
    pub fn tail(&self) -> Tail {
        Tail::of_digits(self.expose())
    }
}

fn is_mobile(digits: &str) -> bool {
    digits.len() == 11 && matches!(digits.as_bytes(), [b'1', b'3'..=b'9', ..])
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(…)")
    }
}

/// A [`PhoneNumber`] as a call's state keeps it: sealed by the service, and opened only there, for the same call.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SealedPhone(pub Box<[u8]>);

impl fmt::Debug for SealedPhone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedPhone(…)")
    }
}

/// A number to call back at, and what may be said back of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Callable {
    /// The number, sealed.
    pub phone: SealedPhone,
    /// Its last four.
    pub tail: Tail,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Keys;

    fn keyed(text: &str) -> Result<String, PhoneNumberError> {
        let keys = Keys::parse(text, true).unwrap();
        PhoneNumber::from_keys(keys.expose()).map(|number| number.expose().to_owned())
    }

    #[test]
    fn mobiles_and_landlines_are_taken() {
        for number in ["13800138000", "19912345678", "01012345678", "0791123456", "079112345678"] {
            assert_eq!(keyed(number).as_deref(), Ok(number));
        }
        for bad in ["", "1380013800", "138001380000", "12012345678", "23800138000", "010123456", "0791123456789"] {
            assert_eq!(keyed(bad), Err(PhoneNumberError), "{bad}");
        }
        for bad in ["00861012345", "1380013*000", "12333"] {
            assert_eq!(keyed(bad), Err(PhoneNumberError), "{bad}");
        }
    }

    #[test]
    fn the_network_writes_numbers_in_many_ways() {
        let number = |text: &str| PhoneNumber::from_caller(text).map(|number| number.expose().to_owned());
        for (told, dialled) in [
            ("+8613800138000", "13800138000"),
            ("8613800138000", "13800138000"),
            ("13800138000", "13800138000"),
            ("+861012345678", "01012345678"),
            ("01012345678", "01012345678"),
            ("+12248033558", "+12248033558"),
            ("86123456", "86123456"),
        ] {
            assert_eq!(number(told).as_deref(), Some(dialled));
        }
        for unknown in ["", "1001", "12333", "+1234567890123456", "1380013800a"] {
            assert_eq!(number(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn the_last_four_are_all_that_shows() {
        let number = PhoneNumber::from_caller("+8613800138012").unwrap();
        assert_eq!(number.tail().as_str(), "8012");
        assert_eq!(format!("{number:?} {:?}", SealedPhone([1, 2].into())), "PhoneNumber(…) SealedPhone(…)");
    }
}
