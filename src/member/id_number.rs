//! Identity numbers: GB 11643-1999, and the two families of permits of the same shape.
//!
//! | who | shape |
//! |---|---|
//! | citizens | region 6, birth 8, sequence 3, check 1 |
//! | citizens before 1999 | region 6, birth 6 (no century), sequence 3: upgraded on reading |
//! | residents from Hong Kong, Macao, Taiwan | `810000` / `820000` / `830000`, birth 8, sequence 3, check 1 |
//! | foreigners with permanent residence, from 2023-12 | `9`, place 2, nation 3, birth 8, sequence 3, check 1 |
//!
//! So the birth date stands at characters 7–14 and the check character at 18 in all of them.

use std::fmt;

use jiff::civil::Date;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::tail::Tail;
use crate::secret::Key;

/// An identity number, canonical: 18 ASCII characters, digits but for a last `X`, structure and check character right.
///
/// That it is well formed does not say that anybody has it. Wiped on drop; `Debug` shows nothing.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct IdNumber([u8; IdNumber::LENGTH]);

/// What is wrong with the structure of a number. Every rule is published, so the fault may be named to a caller: it
/// tells nothing about who is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdNumberError {
    /// So many characters instead of 18 (or 15).
    #[error("must have 18 characters (15 for numbers issued before 1999), not {0}")]
    Length(usize),
    /// Something other than digits, or an `X` elsewhere than at the end of 18.
    #[error("must be digits, only the 18th may be X")]
    Characters,
    /// The first two digits are no province, no permit and no foreigner's card.
    #[error("starts with no province's code")]
    Province,
    /// The birth date does not exist, is yet to come, or is before 1870.
    #[error("has no possible birth date in characters 7 to 14")]
    Date,
    /// The last character does not follow from the others: somewhere a digit is mistyped or two are swapped.
    #[error("has a check character that does not follow from the others")]
    Check,
}

impl IdNumber {
    /// Characters of the canonical form.
    pub const LENGTH: usize = 18;
    /// Characters of the form issued until 1999.
    pub const OLD_LENGTH: usize = 15;

    /// Numbers were first given in 1984; nobody who was given one was born before this year. A limit that moved along
    /// with today (130 years, say) would refuse GB 11643's own example, of 1880.
    const EARLIEST_BIRTH_YEAR: i16 = 1870;

    /// Reads a number as files hold it: ASCII digits, the last perhaps `x` or `X`, nothing around them.
    /// 15 digits are upgraded. `today` is the last day on which the holder may have been born.
    ///
    /// Tested in this order, the first fault is told: length, characters, province, date, check character. Counties are
    /// not looked up: those abolished since (110103, 崇文区) stand in the numbers of living people.
    ///
    /// # Errors
    /// What [`IdNumberError`] names.
    pub fn parse(text: &str, today: Date) -> Result<Self, IdNumberError> {
        if text.is_ascii() {
            return Self::from_ascii(text.as_bytes(), today);
        }
        // Counted in characters: eighteen full-width digits are wrong characters, not a wrong length.
        match text.chars().count() {
            Self::LENGTH | Self::OLD_LENGTH => Err(IdNumberError::Characters),
            length => Err(IdNumberError::Length(length)),
        }
    }

    /// Reads a number as it is keyed: `*` stands for the `X` at the end of 18.
    ///
    /// # Errors
    /// As [`IdNumber::parse`]; a `*` elsewhere, or a `#`, is [`IdNumberError::Characters`].
    pub fn from_keys(keys: &[Key], today: Date) -> Result<Self, IdNumberError> {
        let mut ascii = Zeroizing::new([0; Self::LENGTH]);
        let ascii = ascii.get_mut(..keys.len()).ok_or(IdNumberError::Length(keys.len()))?;
        for (byte, key) in ascii.iter_mut().zip(keys) {
            *byte = match key {
                Key::Digit(d) => b'0' + d,
                Key::Star => b'X',
                Key::Hash => b'#',
            };
        }
        Self::from_ascii(ascii, today)
    }

    /// The number of the `sequence`-th (0–999) born on `birth` in `region` (six digits): for members who do not exist.
    pub(super) fn invented(region: u32, birth: Date, sequence: u16) -> Self {
        let mut number = Self([b'0'; Self::LENGTH]);
        number.put(0..6, region);
        number.put(6..10, u32::from(birth.year().unsigned_abs()));
        number.put(10..12, u32::from(birth.month().unsigned_abs()));
        number.put(12..14, u32::from(birth.day().unsigned_abs()));
        number.put(14..17, u32::from(sequence));
        number.0[17] = number.check_character();
        number
    }

    fn from_ascii(ascii: &[u8], today: Date) -> Result<Self, IdNumberError> {
        // Built in place and wiped by its own drop when a test fails.
        let mut number = Self([b'0'; Self::LENGTH]);
        let old = match ascii.len() {
            Self::LENGTH => {
                number.0.copy_from_slice(ascii);
                number.0[17].make_ascii_uppercase();
                false
            }
            Self::OLD_LENGTH => {
                number.0[..6].copy_from_slice(&ascii[..6]);
                number.0[8..17].copy_from_slice(&ascii[6..]);
                // The sequences 996–999 were kept for those over a hundred years old when the numbers were given.
                let century = if &ascii[12..] >= b"996".as_slice() { b"18" } else { b"19" };
                number.0[6..8].copy_from_slice(century);
                true
            }
            length => return Err(IdNumberError::Length(length)),
        };

        let [body @ .., last] = &number.0;
        if !body.iter().all(u8::is_ascii_digit) || !(last.is_ascii_digit() || *last == b'X') {
            return Err(IdNumberError::Characters);
        }
        match number.digits(0..2) {
            11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 => {}
            // Permits and foreigners' cards are younger than the 15-digit form.
            81..=83 | 90..=99 if !old => {}
            _ => return Err(IdNumberError::Province),
        }
        match number.date() {
            Some(birth) if birth.year() >= Self::EARLIEST_BIRTH_YEAR && birth <= today => {}
            _ => return Err(IdNumberError::Date),
        }
        let check = number.check_character();
        if old {
            number.0[17] = check;
        } else if number.0[17] != check {
            return Err(IdNumberError::Check);
        }
        Ok(number)
    }

    fn put(&mut self, place: std::ops::Range<usize>, mut value: u32) {
        for byte in self.0[place].iter_mut().rev() {
            *byte = b'0' + (value % 10) as u8;
            value /= 10;
        }
    }

    /// The 18 characters.
    #[must_use]
    pub fn expose(&self) -> &str {
        // Only ASCII ever gets in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The last four characters.
    #[must_use]
    pub fn tail(&self) -> Tail {
        let [.., a, b, c, d] = self.0;
        Tail::ascii([a, b, c, d])
    }

    /// The day the holder was born.
    #[must_use]
    pub fn birth_date(&self) -> Date {
        // Reading the number made sure that there is one.
        self.date().unwrap_or(Date::ZERO)
    }

    fn date(&self) -> Option<Date> {
        let year = i16::try_from(self.digits(6..10)).ok()?;
        let month = i8::try_from(self.digits(10..12)).ok()?;
        let day = i8::try_from(self.digits(12..14)).ok()?;
        Date::new(year, month, day).ok()
    }

    fn digits(&self, place: std::ops::Range<usize>) -> u16 {
        self.0[place].iter().fold(0, |n, b| n * 10 + u16::from(b - b'0'))
    }

    /// ISO 7064 MOD 11-2 over the first 17: weights 2^17 … 2^1, the whole with its check value leaves 1.
    fn check_character(&self) -> u8 {
        let p = self.0[..17].iter().fold(0, |p, b| (p + u32::from(b - b'0')) * 2 % 11);
        b"10X98765432"[p as usize]
    }
}

impl fmt::Debug for IdNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdNumber(…)")
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::secret::Keys;

    const TODAY: Date = date(2026, 7, 1);

    fn read(text: &str) -> Result<String, IdNumberError> {
        IdNumber::parse(text, TODAY).map(|n| n.expose().to_owned())
    }

    fn keyed(keys: &str) -> Result<String, IdNumberError> {
        let keys = Keys::parse(keys, true).unwrap();
        IdNumber::from_keys(keys.expose(), TODAY).map(|n| n.expose().to_owned())
    }

    #[test]
    fn numbers_that_are_right() {
        for (text, birth) in [
            ("11010519491231002X", date(1949, 12, 31)), // GB 11643-1999, example 1
            ("440524188001010014", date(1880, 1, 1)),   // GB 11643-1999, example 2
            ("911124198108030024", date(1981, 8, 3)),   // specimen of the foreigners' card of 2023: Beijing, Canada
            ("810000199408230021", date(1994, 8, 23)),  // Hong Kong
            ("820000199001010010", date(1990, 1, 1)),   // Macao
            ("830000198505050021", date(1985, 5, 5)),   // Taiwan
            ("110103198601010017", date(1986, 1, 1)),   // 崇文区, abolished in 2010
            ("110000200002290016", date(2000, 2, 29)),
            ("110000202607010012", date(2026, 7, 1)), // born today
        ] {
            let number = IdNumber::parse(text, TODAY).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(number.expose(), text);
            assert_eq!(number.birth_date(), birth);
            assert_eq!(number.tail().as_str(), &text[14..]);
        }
    }

    #[test]
    fn the_first_fault_is_told() {
        use IdNumberError::{Characters, Check, Date, Length, Province};
        for (text, fault) in [
            ("", Length(0)),
            ("1101051949123100", Length(16)),
            ("11010519491231002", Length(17)),
            ("11010519491231002X0", Length(19)),
            (" 11010519491231002X", Length(19)),
            ("11010519491231002*", Characters),
            ("1101051949123100X2", Characters),
            ("X1010519491231002X", Characters),
            ("11010519491231002Y", Characters),
            ("11010549123100X", Characters),
            ("１１０１０５１９４９１２３１００２X", Characters),
            ("１１０", Length(3)),
            ("000000194912310021", Province),
            ("160105194912310021", Province),
            ("840000199408230021", Province),
            ("810000940823002", Province),
            ("911124810803002", Province),
            ("110105194900310021", Date),
            ("110105194913310021", Date),
            ("110105194904310021", Date),
            ("110105190002290021", Date), // 1900 was no leap year
            ("110105202302290021", Date),
            ("110105186912310021", Date),
            ("110105202607020021", Date), // tomorrow
            ("110105490431002", Date),
            ("110105194912310021", Check),
            ("911124198108030025", Check),
        ] {
            assert_eq!(read(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn a_lower_case_x_is_an_x() {
        assert_eq!(read("11010519491231002x").unwrap(), "11010519491231002X");
    }

    #[test]
    fn fifteen_digits_are_upgraded() {
        assert_eq!(read("110105491231002").unwrap(), "11010519491231002X");
        assert_eq!(read("440524991231995").unwrap(), "440524199912319956");
        // Over a hundred years old when numbered: born in the eighteen-hundreds.
        assert_eq!(read("440524800101996").unwrap(), "440524188001019967");
        assert_eq!(read("440524690101996"), Err(IdNumberError::Date));
    }

    #[test]
    fn a_star_is_the_x_at_the_end() {
        assert_eq!(keyed("11010519491231002*").unwrap(), "11010519491231002X");
        assert_eq!(keyed("440524188001010014").unwrap(), "440524188001010014");
        assert_eq!(keyed("110105491231002").unwrap(), "11010519491231002X");
        assert_eq!(keyed("1101051949123100*2"), Err(IdNumberError::Characters));
        assert_eq!(keyed("*1010519491231002*"), Err(IdNumberError::Characters));
        assert_eq!(keyed("11010549123100*"), Err(IdNumberError::Characters));
        assert_eq!(keyed("11010519491231002#"), Err(IdNumberError::Characters));
        assert_eq!(keyed(""), Err(IdNumberError::Length(0)));
        assert_eq!(keyed(&"1".repeat(64)), Err(IdNumberError::Length(64)));
    }

    #[test]
    fn debug_shows_nothing() {
        let number = IdNumber::parse("11010519491231002X", TODAY).unwrap();
        assert_eq!(format!("{number:?}"), "IdNumber(…)");
    }

    fn number() -> impl Strategy<Value = String> {
        let first = date(1949, 10, 1);
        (prop::sample::select(vec![11, 31, 44, 65, 81, 91]), 0..10_000_u32, 0..27_000_i32, 0..1000_u16).prop_map(
            move |(province, county, days, sequence)| {
                let birth = first.saturating_add(jiff::Span::new().days(days));
                IdNumber::invented(province * 10_000 + county, birth, sequence).expose().to_owned()
            },
        )
    }

    proptest! {
        #[test]
        fn every_single_wrong_key_is_noticed(text in number()) {
            prop_assert_eq!(read(&text), Ok(text.clone()));
            for place in 0..text.len() {
                for wrong in "0123456789X".chars().filter(|&c| !text[place..].starts_with(c)) {
                    let mut changed = text.clone();
                    changed.replace_range(place..=place, wrong.encode_utf8(&mut [0; 4]));
                    prop_assert!(read(&changed).is_err(), "{} for {}", changed, text);
                }
            }
        }

        #[test]
        fn every_swap_of_neighbours_is_noticed(text in number()) {
            for place in 1..text.len() {
                let mut swapped = text.clone().into_bytes();
                swapped.swap(place - 1, place);
                let swapped = String::from_utf8(swapped).unwrap();
                prop_assert!(swapped == text || read(&swapped).is_err(), "{} for {}", swapped, text);
            }
        }

        /// The `idcard` crate knows citizens' numbers and agrees about the check character of each.
        #[test]
        fn another_implementation_agrees(text in number(), last in prop::sample::select(b"0123456789X".to_vec())) {
            prop_assume!(!text.starts_with(['8', '9']));
            prop_assert!(idcard::Identity::new(&text).is_valid());
            let other = format!("{}{}", &text[..17], char::from(last));
            prop_assert_eq!(idcard::Identity::new(&other).is_valid(), read(&other).is_ok());
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9xX*#零 ]{0,20}") {
            if let Ok(number) = read(&text) {
                prop_assert_eq!(read(&number), Ok(number.clone()));
            }
        }
    }
}
