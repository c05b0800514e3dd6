//! Social-security card numbers. There is no national rule for them: nine characters, some with a letter in front;
//! eight on old cards. What a telephone can key of them is their digits, so a line says by which digits it looks up.

use serde::{Deserialize, Serialize};

use super::tail::Tail;
use crate::secret::{Key, Secret};

/// By which digits of a card number a line looks members up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardRule {
    /// All of them; a letter in front is dropped.
    #[default]
    DigitsOnly,
    /// The last eight of them (all, where there are no more).
    Last8,
}

impl CardRule {
    /// Every rule there is: members are found by each of them.
    pub const ALL: [Self; 2] = [Self::DigitsOnly, Self::Last8];

    fn apply(self, digits: &str) -> &str {
        match self {
            Self::DigitsOnly => digits,
            Self::Last8 => &digits[digits.len().saturating_sub(8)..],
        }
    }
}

/// A card number as it is printed: eight or nine ASCII characters, digits but for a first letter (made upper case).
#[derive(Clone, Debug)]
pub struct CardNumber(Secret);

/// Why a text is not a card number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardNumberError {
    /// So many characters printed, or so many keys.
    #[error("must have 8 or 9 characters, not {0}")]
    Length(usize),
    /// Something other than digits, or a letter elsewhere than in front.
    #[error("must be digits, only the first character may be a letter")]
    Characters,
}

impl CardNumber {
    /// Reads a number as files hold it.
    ///
    /// # Errors
    /// What [`CardNumberError`] names.
    pub fn parse(text: &str) -> Result<Self, CardNumberError> {
        let length = text.chars().count();
        if !(8..=9).contains(&length) {
            return Err(CardNumberError::Length(length));
        }
        let digits = text.strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(text);
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(CardNumberError::Characters);
        }
        Ok(Self(Secret::new(text.to_ascii_uppercase())))
    }

    /// The number as printed.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// All its digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        self.expose().trim_start_matches(|c: char| c.is_ascii_alphabetic())
    }

    /// By what the number is looked up on a line with this `rule`.
    #[must_use]
    pub fn lookup(&self, rule: CardRule) -> CardLookup {
        CardLookup { digits: Secret::new(rule.apply(self.digits())), rule }
    }

    /// The last four digits.
    #[must_use]
    pub fn tail(&self) -> Tail {
        Tail::of_digits(self.digits())
    }
}

/// The digits by which a card number is looked up: seven (a letter and seven digits) to nine. And the rule they were taken
/// by: one card's last eight digits are not another card of eight.
#[derive(Clone, Debug)]
pub struct CardLookup {
    digits: Secret,
    rule: CardRule,
}

impl CardLookup {
    /// Reads what a caller keyed, by the line's `rule`: the same digits as [`CardNumber::lookup`] gives for their card.
    ///
    /// # Errors
    /// [`CardNumberError::Length`]: fewer than 7 or more than 9 keys; [`CardNumberError::Characters`]: `*` or `#`.
    pub fn from_keys(keys: &[Key], rule: CardRule) -> Result<Self, CardNumberError> {
        if !(7..=9).contains(&keys.len()) {
            return Err(CardNumberError::Length(keys.len()));
        }
        let digits = Secret::from_digits(keys).ok_or(CardNumberError::Characters)?;
        Ok(Self { digits: Secret::new(rule.apply(digits.expose())), rule })
    }

    /// The digits.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.digits.expose()
    }

    /// The rule they were taken by.
    #[must_use]
    pub fn rule(&self) -> CardRule {
        self.rule
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

    fn keyed(keys: &str, rule: CardRule) -> Result<String, CardNumberError> {
        let keys = Keys::parse(keys, true).unwrap();
        CardLookup::from_keys(keys.expose(), rule).map(|k| k.expose().to_owned())
    }

    #[test]
    fn printed_keyed_and_looked_up() {
        for (printed, by_digits, by_last8) in [
            ("A12345678", "12345678", "12345678"),
            ("123456789", "123456789", "23456789"),
            ("12345678", "12345678", "12345678"),
            ("A1234567", "1234567", "1234567"),
        ] {
            let card = CardNumber::parse(printed).unwrap();
            assert_eq!(card.expose(), printed);
            assert_eq!(card.tail().as_str(), &printed[printed.len() - 4..]);
            assert_eq!(card.lookup(CardRule::DigitsOnly).expose(), by_digits);
            assert_eq!(card.lookup(CardRule::Last8).expose(), by_last8);
            assert_eq!(keyed(card.digits(), CardRule::DigitsOnly).unwrap(), by_digits);
            assert_eq!(keyed(card.digits(), CardRule::Last8).unwrap(), by_last8);
            assert_eq!(card.lookup(CardRule::Last8).tail(), card.tail());
        }
    }

    #[test]
    fn what_is_no_card_number() {
        use CardNumberError::{Characters, Length};
        for (text, fault) in [
            ("", Length(0)),
            ("1234567", Length(7)),
            ("1234567890", Length(10)),
            ("社保卡", Length(3)),
            ("AB1234567", Characters),
            ("12345678A", Characters),
            ("１２３４５６７８", Characters),
            ("1234 5678", Characters),
        ] {
            assert_eq!(CardNumber::parse(text).map(drop), Err(fault), "{text}");
        }
        assert_eq!(keyed("123456", CardRule::DigitsOnly), Err(Length(6)));
        assert_eq!(keyed("1234567890", CardRule::Last8), Err(Length(10)));
        assert_eq!(keyed("1234567*", CardRule::DigitsOnly), Err(Characters));
    }

    #[test]
    fn a_letter_has_no_case() {
        assert_eq!(CardNumber::parse("a12345678").unwrap().expose(), "A12345678");
    }

    #[test]
    fn rules_are_named_in_settings() {
        assert_eq!(
            serde_json::to_string(&[CardRule::DigitsOnly, CardRule::Last8]).unwrap(),
            r#"["digits_only","last8"]"#
        );
    }

    #[test]
    fn debug_shows_no_digit() {
        let card = CardNumber::parse("A12345678").unwrap();
        let shown = format!("{card:?} {:?}", card.lookup(CardRule::Last8));
        assert_eq!(shown, "CardNumber(Secret(…)) CardLookup { digits: Secret(…), rule: Last8 }");
    }
}
