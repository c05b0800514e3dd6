//! Amounts of money: yuan with exactly two decimals.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// An amount in yuan, exact to the fen, between −999,999,999,999.99 and 999,999,999,999.99.
///
/// `Debug` shows nothing: an amount is personal data wherever it stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Hundredths of a yuan.
    fen: i64,
}

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Letters, signs in the middle, nothing at all.
    #[error("is not a decimal number; write yuan as 1234.56")]
    NotANumber,
    /// A third decimal: money finer than a fen is refused, never rounded.
    #[error("is finer than a fen (0.01 yuan); at most two decimals are taken")]
    TooFine,
    /// Beyond 9999 亿, the most that can be spoken.
    #[error("is beyond 999,999,999,999.99 yuan, the most that can be spoken")]
    TooLarge,
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self { fen: 0 };
    const MOST: i64 = 99_999_999_999_999;

    /// An amount of `fen` hundredths of a yuan.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`].
    pub fn from_fen(fen: i64) -> Result<Self, MoneyError> {
        if (-Self::MOST..=Self::MOST).contains(&fen) { Ok(Self { fen }) } else { Err(MoneyError::TooLarge) }
    }

    /// Reads yuan: `1234.5`, `-0.01`. No exponents, no separators, no currency signs.
    ///
    /// # Errors
    /// What [`MoneyError`] names.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let plain = text.strip_prefix('-').unwrap_or(text);
        if plain.is_empty() || !plain.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Err(MoneyError::NotANumber);
        }
        let decimal = Decimal::from_str_exact(text).map_err(|e| match e {
            rust_decimal::Error::Underflow => MoneyError::TooFine,
            rust_decimal::Error::ExceedsMaximumPossibleValue => MoneyError::TooLarge,
            _ => MoneyError::NotANumber,
        })?;
        Self::from_decimal(decimal)
    }

    /// # Errors
    /// [`MoneyError::TooFine`] and [`MoneyError::TooLarge`].
    pub fn from_decimal(decimal: Decimal) -> Result<Self, MoneyError> {
        if decimal.normalize().scale() > 2 {
            return Err(MoneyError::TooFine);
        }
        let fen = decimal.checked_mul(Decimal::ONE_HUNDRED).ok_or(MoneyError::TooLarge)?;
        i64::try_from(fen).map_err(|_| MoneyError::TooLarge).and_then(Self::from_fen)
    }

    /// Hundredths of a yuan.
    #[must_use]
    pub fn fen(self) -> i64 {
        self.fen
    }

    /// Whole yuan, jiao and fen of the absolute amount.
    #[must_use]
    pub fn parts(self) -> (u64, u8, u8) {
        let fen = self.fen.unsigned_abs();
        (fen / 100, (fen / 10 % 10) as u8, (fen % 10) as u8)
    }

    /// Whether the amount is below zero.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.fen < 0
    }

    /// # Errors
    /// [`MoneyError::TooLarge`].
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        Self::from_fen(self.fen + other.fen)
    }

    /// # Errors
    /// [`MoneyError::TooLarge`].
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        Self::from_fen(self.fen - other.fen)
    }

    /// The amount as files hold it: `-12.30`. Not for speech, not for logs.
    #[must_use]
    pub fn to_plain(self) -> String {
        let (yuan, jiao, fen) = self.parts();
        format!("{}{yuan}.{jiao}{fen}", if self.is_negative() { "-" } else { "" })
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Money(…)")
    }
}
