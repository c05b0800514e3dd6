//! Which PINs a caller may not choose: those anybody would try first.

use serde::{Deserialize, Serialize};

use super::card_number::CardNumber;
use super::id_number::IdNumber;
use crate::secret::Pin;

/// Why a PIN is refused at choice. It may be told to the caller, never written down: a reason narrows the PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Weakness {
    /// One digit six times.
    Repeated,
    /// Each digit one more, or each one less, than that before it; 9 and 0 are neighbours.
    Sequence,
    /// Among those chosen most.
    Common,
    /// The holder's birthday, written in one of the usual ways.
    Birthday,
    /// Taken from the end of the holder's identity number.
    FromIdNumber,
    /// The end of the holder's card number.
    FromCardNumber,
    /// The end of the telephone number that calls.
    FromPhoneNumber,
    /// What the line gives out as initial PIN.
    Initial,
    /// The PIN it is to take the place of.
    Unchanged,
}

/// What a line's initial PINs are: given out, not chosen, so they open nothing but the way to another.
#[derive(Clone, Debug)]
pub enum InitialPinRule {
    /// One for everybody.
    Fixed(Pin),
    /// The last six of the identity number; where it ends in `X`, the six before the `X`.
    IdLast6,
    /// The six before the last of the identity number.
    IdBeforeLast,
    /// The last six of the card number.
    CardLast6,
}

impl InitialPinRule {
    /// The rule as a line's file names it: six digits, `id_last6`, `id_before_last` or `card_last6`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "id_last6" => Some(Self::IdLast6),
            "id_before_last" => Some(Self::IdBeforeLast),
            "card_last6" => Some(Self::CardLast6),
            _ => Pin::parse(text).map(Self::Fixed),
        }
    }

    /// Whether `pin` is what the holder of `id` and `card` was given.
    #[must_use]
    pub fn is(&self, pin: &Pin, id: &IdNumber, card: Option<&CardNumber>) -> bool {
        let (pin, id) = (pin.expose().as_slice(), id.expose().as_bytes());
        match self {
            Self::Fixed(fixed) => pin == fixed.expose(),
            Self::IdLast6 if !id.ends_with(b"X") => id.ends_with(pin),
            Self::IdLast6 | Self::IdBeforeLast => id[..id.len() - 1].ends_with(pin),
            Self::CardLast6 => card.is_some_and(|card| card.digits().as_bytes().ends_with(pin)),
        }
    }
}

/// What people choose, beyond runs and repeats: pairs and triples, keypad lines, dates of love and luck.
const COMMON: [&[u8; Pin::LENGTH]; 44] = [
    b"100200", b"110110", b"110119", b"110120", b"111222", b"112233", b"112211", b"121212", b"123123", b"123321",
    b"123654", b"131313", b"131420", b"131421", b"135790", b"135246", b"142536", b"147147", b"147258", b"147369",
    b"159159", b"159357", b"159753", b"168168", b"188188", b"201314", b"258258", b"258369", b"314159", b"321321",
    b"332211", b"369258", b"456123", b"518518", b"520131", b"520520", b"521521", b"556677", b"654123", b"741852",
    b"789456", b"963852", b"998877", b"102030",
];

/// Why `pin` is too easily guessed for the holder of `id` and `card`; `None` if nothing speaks against it.
#[must_use]
pub fn weakness(pin: &Pin, id: &IdNumber, card: Option<&CardNumber>) -> Option<Weakness> {
    let digits = pin.expose();
    if digits.windows(2).all(|pair| pair[0] == pair[1]) {
        Some(Weakness::Repeated)
    } else if is_run(digits) {
        Some(Weakness::Sequence)
    } else if COMMON.contains(&digits) {
        Some(Weakness::Common)
    } else if is_birthday(digits, id) {
        Some(Weakness::Birthday)
    } else if is_from_id_number(digits, id) {
        Some(Weakness::FromIdNumber)
    } else if card.is_some_and(|card| card.digits().as_bytes().ends_with(digits)) {
        Some(Weakness::FromCardNumber)
    } else {
        None
    }
}

/// Whether `pin` is the end of the telephone number `caller`.
#[must_use]
pub fn is_from_phone_number(pin: &Pin, caller: &str) -> bool {
    caller.as_bytes().ends_with(pin.expose())
}

fn is_run(digits: &[u8]) -> bool {
    let steps_by = |step: u8| digits.windows(2).all(|pair| (pair[0] - b'0' + step) % 10 == pair[1] - b'0');
    steps_by(1) || steps_by(9)
}

fn is_birthday(digits: &[u8], id: &IdNumber) -> bool {
    let Some(&[c1, c2, y1, y2, m1, m2, d1, d2]) = id.expose().as_bytes()[6..].first_chunk() else { return false };
    [[y1, y2, m1, m2, d1, d2], [c1, c2, y1, y2, m1, m2], [m1, m2, d1, d2, y1, y2]].iter().any(|form| form == digits)
}

/// Any six in a row of the last eight. That covers every initial PIN that counters give out: the last six, and where
/// the number ends in `X` the six before it or the last six with a 0 for the `X`.
fn is_from_id_number(digits: &[u8], id: &IdNumber) -> bool {
    let Some(&(mut end)) = id.expose().as_bytes().last_chunk::<8>() else { return false };
    if end[7] == b'X' {
        end[7] = b'0';
    }
    end.windows(Pin::LENGTH).any(|window| window == digits)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn judged(pin: &str) -> Option<Weakness> {
        // Born on 31 December 1949; the number ends in X.
        let id = IdNumber::parse("11010519491231002X", date(2026, 7, 1)).unwrap();
        let card = CardNumber::parse("A04739154").unwrap();
        weakness(&Pin::parse(pin).unwrap(), &id, Some(&card))
    }

    #[track_caller]
    fn all_are(pins: &[&str], weakness: Weakness) {
        for pin in pins {
            assert_eq!(judged(pin), Some(weakness), "{pin}");
        }
    }

    #[test]
    fn one_digit_six_times() {
        all_are(&["000000", "111111", "666666", "888888", "999999"], Weakness::Repeated);
    }

    #[test]
    fn runs_up_and_down() {
        all_are(&["123456", "654321", "012345", "987654", "789012", "321098"], Weakness::Sequence);
    }

    #[test]
    fn what_many_choose() {
        all_are(
            &[
                "112233", "123123", "121212", "520520", "168168", "147258", "159357", "111222", "123321", "520131",
                "131420", "201314", "110119", "102030",
            ],
            Weakness::Common,
        );
    }

    #[test]
    fn the_list_holds_nothing_the_other_rules_find() {
        let mut seen = std::collections::HashSet::new();
        for pin in COMMON {
            let digits = std::str::from_utf8(pin).unwrap();
            assert_eq!(judged(digits), Some(Weakness::Common), "{digits}");
            assert!(seen.insert(pin), "{digits} twice");
        }
    }

    #[test]
    fn the_birthday() {
        all_are(&["491231", "194912", "123149"], Weakness::Birthday);
    }

    #[test]
    fn the_end_of_the_identity_number() {
        // The last eight are 1231002X, read as 12310020.
        all_are(&["123100", "231002", "310020"], Weakness::FromIdNumber);
    }

    #[test]
    fn the_end_of_an_identity_number_without_x() {
        let id = IdNumber::parse("440524188001010014", date(2026, 7, 1)).unwrap();
        let judged = |pin| weakness(&Pin::parse(pin).unwrap(), &id, None);
        for pin in ["010100", "101001", "010014"] {
            assert_eq!(judged(pin), Some(Weakness::FromIdNumber), "{pin}");
        }
        assert_eq!(judged("110014"), None);
    }

    #[test]
    fn the_end_of_the_card_number() {
        all_are(&["739154"], Weakness::FromCardNumber);
        let id = IdNumber::parse("11010519491231002X", date(2026, 7, 1)).unwrap();
        assert_eq!(weakness(&Pin::parse("739154").unwrap(), &id, None), None);
    }

    #[test]
    fn what_a_line_gives_out() {
        let today = date(2026, 7, 1);
        let with_x = IdNumber::parse("11010519491231002X", today).unwrap();
        let without = IdNumber::parse("440524188001010014", today).unwrap();
        let card = CardNumber::parse("A04739154").unwrap();
        let is = |rule: &str, pin: &str, id: &IdNumber| {
            InitialPinRule::parse(rule).unwrap().is(&Pin::parse(pin).unwrap(), id, Some(&card))
        };
        for (rule, pin, id) in [
            ("888999", "888999", &with_x),
            ("id_last6", "010014", &without),
            ("id_last6", "231002", &with_x),
            ("id_before_last", "101001", &without),
            ("id_before_last", "231002", &with_x),
            ("card_last6", "739154", &without),
        ] {
            assert!(is(rule, pin, id), "{rule} {pin}");
            assert!(!is(rule, "384027", id), "{rule}");
        }
        assert!(!is("id_last6", "101001", &without));
        assert!(!is("id_before_last", "010014", &without));
        let nobody = InitialPinRule::CardLast6.is(&Pin::parse("739154").unwrap(), &without, None);
        assert!(!nobody);
        for none in ["", "12345", "1234567", "12345a", "last6", "ID_LAST6", "１２３４５６"] {
            assert!(InitialPinRule::parse(none).is_none(), "{none}");
        }
        assert_eq!(format!("{:?}", InitialPinRule::parse("123456")), "Some(Fixed(Pin(…)))");
    }

    #[test]
    fn others_are_free() {
        for pin in ["739155", "473915", "491232", "310021", "123457", "112234", "411231", "654320", "135791"] {
            assert_eq!(judged(pin), None, "{pin}");
        }
    }

    /// The rule must leave enough to choose from: it takes a few dozen of a million.
    #[test]
    fn hardly_any_pin_is_weak() {
        let weak = (0..1_000_000).filter(|n| judged_fast(*n)).count();
        assert_eq!(weak, 10 + 20 + 44 + 3 + 3 + 1);
    }

    fn judged_fast(number: u32) -> bool {
        thread_local! {
            static HOLDER: (IdNumber, CardNumber) = (
                IdNumber::parse("11010519491231002X", date(2026, 7, 1)).unwrap(),
                CardNumber::parse("A04739154").unwrap(),
            );
        }
        HOLDER.with(|(id, card)| weakness(&Pin::parse(&format!("{number:06}")).unwrap(), id, Some(card)).is_some())
    }
}
