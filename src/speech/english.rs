//! English: values into spoken units, as one speaks in the United States.
//!
//! As in [`chinese`](super::chinese), every value is made of units of one fixed inventory ([`units`]). A number below a
//! hundred is one unit, so that a recorded voice says it in one breath.

use std::collections::BTreeSet;
use std::iter;

use jiff::civil::{Date, Time, Weekday};

use super::measure::Measure;
use super::prompt::Value;
use super::words::{Piece, Words};
use crate::member::money::Money;
use crate::secret::Key;

/// Says any value a prompt holds.
pub fn value(value: &Value, out: &mut Words<'_>) {
    match *value {
        Value::Amount(money) => amount(money, out),
        Value::Date(of) => date(of, out),
        Value::Year(of) => year(of, out),
        Value::Tail(tail) => digits(tail.as_str(), out),
        Value::Key(pressed) => key(pressed, out),
        Value::Time(of) => time(of, out),
        Value::Weekdays(days) => weekdays(days.first, days.last, out),
        Value::Minutes(n) => minutes(n, out),
        Value::Count(n) => integer(n.into(), out),
        Value::Month(of) => month(of.year, of.month, out),
        Value::Number(number) => digits(number.as_str(), out),
        // Wording, not reckoning: the catalogue says words itself.
        Value::Word(_) => {}
    }
}

/// Says an amount as one decimal number: "one thousand two hundred thirty-four point five six yuan", "minus zero point two
/// yuan". Yuan has no plural.
pub fn amount(money: Money, out: &mut Words<'_>) {
    let (yuan, jiao, fen) = money.parts();
    if money.is_negative() {
        out.spaced_unit(MINUS);
    }
    integer(yuan, out);
    if (jiao, fen) != (0, 0) {
        out.spaced_unit(POINT);
        out.spaced_unit(digit(jiao));
    }
    if fen != 0 {
        out.spaced_unit(digit(fen));
    }
    out.spaced_unit(YUAN);
}

/// Says how many: "two entries", "one minute", "one hundred two people".
pub fn count(n: u32, measure: Measure, out: &mut Words<'_>) {
    integer(n.into(), out);
    let (one, many) = measured(measure);
    out.spaced_unit(if n == 1 { one } else { many });
}

/// Says a number that is a name, digit by digit: telephone numbers, tails of cards. It is grouped as it is in Chinese.
pub fn digits(text: &str, out: &mut Words<'_>) {
    let parts = text.split(|c: char| sayable(c).is_none()).filter(|part| !part.is_empty());
    for (i, group) in parts.flat_map(super::chinese::groups).enumerate() {
        if i > 0 {
            out.push(Piece::Break);
        }
        for unit in group.iter().filter_map(|&byte| sayable(byte.into())) {
            out.spaced_unit(unit);
        }
    }
}

/// Says the name of a key: "one", "the star key".
pub fn key(key: Key, out: &mut Words<'_>) {
    out.spaced_unit(match key {
        Key::Digit(d) => digit(d),
        Key::Star => STAR,
        Key::Hash => HASH,
    });
}

/// Says a day: "January second, twenty twenty-six".
pub fn date(date: Date, out: &mut Words<'_>) {
    out.spaced_unit(month_name(date.month()));
    out.spaced_unit(DAYS[usize::from(date.day().unsigned_abs() - 1) % 31]);
    out.push(Piece::Joint(", "));
    year(date.year(), out);
}

/// Says a month (1–12) of the year `of`: "January twenty twenty-six".
pub fn month(of: i16, month: i8, out: &mut Words<'_>) {
    out.spaced_unit(month_name(month));
    year(of, out);
}

/// Says a year of our era: "twenty twenty-six", "two thousand five", "nineteen oh five", "nineteen hundred".
pub fn year(year: i16, out: &mut Words<'_>) {
    let year = year.unsigned_abs();
    let (century, rest) = (year / 100, year % 100);
    // Twenty oh five is said by nobody; nor is ten twenty-six of what is no year of our lives.
    if century < 11 || (century.is_multiple_of(10) && rest < 10) {
        return integer(year.into(), out);
    }
    out.spaced_unit(below_hundred(century.into()));
    match rest {
        0 => out.spaced_unit(HUNDRED),
        1..10 => {
            out.spaced_unit(OH);
            out.spaced_unit(below_hundred(rest.into()));
        }
        _ => out.spaced_unit(below_hundred(rest.into())),
    }
}

/// Says a time of day on the 12-hour clock, to the minute: "eight thirty a.m.", "two p.m.", "noon".
pub fn time(time: Time, out: &mut Words<'_>) {
    let (hour, minute) = (time.hour().unsigned_abs(), time.minute().unsigned_abs());
    match (hour, minute) {
        (0, 0) => return out.spaced_unit(MIDNIGHT),
        _ if time == Time::MAX => return out.spaced_unit(MIDNIGHT),
        (12, 0) => return out.spaced_unit(NOON),
        _ => {}
    }
    out.spaced_unit(below_hundred(u64::from(hour + 11) % 12 + 1));
    if (1..10).contains(&minute) {
        out.spaced_unit(OH);
    }
    if minute > 0 {
        out.spaced_unit(below_hundred(minute.into()));
    }
    out.spaced_unit(if hour < 12 { MORNING } else { AFTERNOON });
}

/// Says how long. From an hour on in hours and minutes: "thirty minutes", "two hours", "one hour and two minutes".
pub fn minutes(n: u32, out: &mut Words<'_>) {
    let (hours, rest) = (n / 60, n % 60);
    if hours > 0 {
        count(hours, Measure::Hours, out);
    }
    if hours > 0 && rest > 0 {
        out.spaced_unit(AND);
    }
    if rest > 0 || hours == 0 {
        count(rest, Measure::Minutes, out);
    }
}

/// Says the days of the week from `first` to `last`: "Monday to Friday"; one day when they are the same: "Saturday".
pub fn weekdays(first: Weekday, last: Weekday, out: &mut Words<'_>) {
    out.spaced_unit(weekday(first));
    if first != last {
        out.spaced_unit(TO);
        out.spaced_unit(weekday(last));
    }
}

/// Every unit that can be said: the clips a recorded voice needs.
#[must_use]
pub fn units() -> BTreeSet<&'static str> {
    let scales = SCALES.iter().map(|(_, unit)| *unit);
    let words = [MINUS, POINT, YUAN, HUNDRED, OH, AND, TO, MIDNIGHT, NOON, MORNING, AFTERNOON, STAR, HASH, LETTER_X];
    let week = iter::successors(Some(Weekday::Monday), |day| Some(day.next())).take(7).map(weekday);
    let measures = Measure::ALL.map(measured).into_iter().flat_map(|(one, many)| [one, many]);
    let numerals = BELOW_HUNDRED.into_iter().chain(scales);
    numerals.chain(words).chain(DAYS).chain(MONTHS).chain(week).chain(measures).collect()
}

/// Says a whole number: "one thousand two hundred thirty-four", "zero". As in the States, nothing stands for "and".
fn integer(n: u64, out: &mut Words<'_>) {
    let mut rest = n;
    for (scale, unit) in SCALES {
        if rest >= scale {
            below_thousand(rest / scale, out);
            out.spaced_unit(unit);
            rest %= scale;
        }
    }
    if rest > 0 || n == 0 {
        below_thousand(rest, out);
    }
}

fn below_thousand(n: u64, out: &mut Words<'_>) {
    let (hundreds, rest) = (n / 100, n % 100);
    if hundreds > 0 {
        out.spaced_unit(below_hundred(hundreds));
        out.spaced_unit(HUNDRED);
    }
    if rest > 0 || hundreds == 0 {
        out.spaced_unit(below_hundred(rest));
    }
}

fn below_hundred(n: u64) -> &'static str {
    BELOW_HUNDRED[(n % 100) as usize]
}

fn digit(digit: u8) -> &'static str {
    BELOW_HUNDRED[usize::from(digit % 10)]
}

fn sayable(c: char) -> Option<&'static str> {
    match c {
        'x' | 'X' => Some(LETTER_X),
        _ => BELOW_HUNDRED.get(usize::try_from(c.to_digit(10)?).ok()?).copied(),
    }
}

/// Of one, and of any other number.
fn measured(measure: Measure) -> (&'static str, &'static str) {
    match measure {
        Measure::Entries => ("entry", "entries"),
        Measure::People => ("caller", "callers"),
        Measure::Persons => ("person", "people"),
        Measure::Minutes => ("minute", "minutes"),
        Measure::Hours => ("hour", "hours"),
        Measure::Days => ("day", "days"),
        Measure::Times => ("time", "times"),
        Measure::Digits => ("digit", "digits"),
    }
}

fn month_name(month: i8) -> &'static str {
    MONTHS[usize::from(month.unsigned_abs() + 11) % 12]
}

fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

const MINUS: &str = "minus";
const POINT: &str = "point";
const YUAN: &str = "yuan";
const HUNDRED: &str = "hundred";
const OH: &str = "oh";
const AND: &str = "and";
const TO: &str = "to";
const MIDNIGHT: &str = "midnight";
const NOON: &str = "noon";
const MORNING: &str = "a.m.";
const AFTERNOON: &str = "p.m.";
const STAR: &str = "the star key";
const HASH: &str = "the pound key";
const LETTER_X: &str = "X";

/// Beyond any amount there is; the largest first.
const SCALES: [(u64, &str); 3] = [(1_000_000_000, "billion"), (1_000_000, "million"), (1000, "thousand")];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

#[rustfmt::skip]
const BELOW_HUNDRED: [&str; 100] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    "twenty", "twenty-one", "twenty-two", "twenty-three", "twenty-four", "twenty-five", "twenty-six", "twenty-seven", "twenty-eight", "twenty-nine",
    "thirty", "thirty-one", "thirty-two", "thirty-three", "thirty-four", "thirty-five", "thirty-six", "thirty-seven", "thirty-eight", "thirty-nine",
    "forty", "forty-one", "forty-two", "forty-three", "forty-four", "forty-five", "forty-six", "forty-seven", "forty-eight", "forty-nine",
    "fifty", "fifty-one", "fifty-two", "fifty-three", "fifty-four", "fifty-five", "fifty-six", "fifty-seven", "fifty-eight", "fifty-nine",
    "sixty", "sixty-one", "sixty-two", "sixty-three", "sixty-four", "sixty-five", "sixty-six", "sixty-seven", "sixty-eight", "sixty-nine",
    "seventy", "seventy-one", "seventy-two", "seventy-three", "seventy-four", "seventy-five", "seventy-six", "seventy-seven", "seventy-eight", "seventy-nine",
    "eighty", "eighty-one", "eighty-two", "eighty-three", "eighty-four", "eighty-five", "eighty-six", "eighty-seven", "eighty-eight", "eighty-nine",
    "ninety", "ninety-one", "ninety-two", "ninety-three", "ninety-four", "ninety-five", "ninety-six", "ninety-seven", "ninety-eight", "ninety-nine",
];

/// The days of a month.
#[rustfmt::skip]
const DAYS: [&str; 31] = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth",
    "ninth", "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth",
    "seventeenth", "eighteenth", "nineteenth", "twentieth", "twenty-first", "twenty-second", "twenty-third", "twenty-fourth",
    "twenty-fifth", "twenty-sixth", "twenty-seventh", "twenty-eighth", "twenty-ninth", "thirtieth", "thirty-first",
];

#[cfg(test)]
mod tests;
