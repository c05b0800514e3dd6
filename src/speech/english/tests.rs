use super::*;
use crate::member::account::YearMonth;
use crate::member::tail::Tail;
use crate::speech::prompt::Weekdays;

type Say<'f> = &'f dyn Fn(&mut Words<'_>);

/// The text of what `say` says; every unit of it must be in the inventory.
fn heard(say: Say<'_>) -> String {
    let mut words = Words::new();
    say(&mut words);
    let inventory = units();
    for piece in words.pieces() {
        if let Piece::Unit(unit) = piece {
            assert!(inventory.contains(unit), "{unit} is missing in units()");
        }
    }
    words.text()
}

fn yuan(text: &str) -> Money {
    Money::parse(text).unwrap_or_else(|e| panic!("{text} {e}"))
}

fn day(text: &str) -> Date {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn amounts() {
    for (value, expected) in [
        ("0.00", "zero yuan"),
        ("0.02", "zero point zero two yuan"),
        ("0.20", "zero point two yuan"),
        ("0.22", "zero point two two yuan"),
        ("1.00", "one yuan"),
        ("1.05", "one point zero five yuan"),
        ("2.00", "two yuan"),
        ("10.50", "ten point five yuan"),
        ("20.00", "twenty yuan"),
        ("21.00", "twenty-one yuan"),
        ("100.05", "one hundred point zero five yuan"),
        ("101.00", "one hundred one yuan"),
        ("1000.00", "one thousand yuan"),
        ("1001.00", "one thousand one yuan"),
        ("1010.05", "one thousand ten point zero five yuan"),
        ("1234.56", "one thousand two hundred thirty-four point five six yuan"),
        ("12000.00", "twelve thousand yuan"),
        ("100500.00", "one hundred thousand five hundred yuan"),
        ("1000001.00", "one million one yuan"),
        ("20020002.00", "twenty million twenty thousand two yuan"),
        ("101000000.00", "one hundred one million yuan"),
        ("1000000000.10", "one billion point one yuan"),
        (
            "999999999999.99",
            "nine hundred ninety-nine billion nine hundred ninety-nine million nine hundred ninety-nine thousand \
             nine hundred ninety-nine point nine nine yuan",
        ),
        ("-12.30", "minus twelve point three yuan"),
        ("-0.02", "minus zero point zero two yuan"),
        ("-2", "minus two yuan"),
    ] {
        assert_eq!(heard(&|out| amount(yuan(value), out)), expected, "{value}");
    }
}

#[test]
fn what_is_not_an_amount() {
    let rows: &[(Say<'_>, &str)] = &[
        (&|out| digits("13812345678", out), "one three eight one two three four five six seven eight"),
        (&|out| digits("1012", out), "one zero one two"),
        (&|out| digits("003x", out), "zero zero three X"),
        (&|out| digits("0791-12333", out), "zero seven nine one one two three three three"),
        (&|out| digits("", out), ""),
        (&|out| date(day("2026-01-02"), out), "January second, twenty twenty-six"),
        (&|out| date(day("2026-02-22"), out), "February twenty-second, twenty twenty-six"),
        (&|out| date(day("2011-11-11"), out), "November eleventh, twenty eleven"),
        (&|out| date(day("2000-12-31"), out), "December thirty-first, two thousand"),
        (&|out| date(day("2005-03-03"), out), "March third, two thousand five"),
        (&|out| month(2026, 1, out), "January twenty twenty-six"),
        (&|out| month(2026, 12, out), "December twenty twenty-six"),
        (&|out| year(2010, out), "twenty ten"),
        (&|out| year(2100, out), "twenty-one hundred"),
        (&|out| year(1905, out), "nineteen oh five"),
        (&|out| year(1900, out), "nineteen hundred"),
        (&|out| year(1111, out), "eleven eleven"),
        (&|out| year(1066, out), "one thousand sixty-six"),
        (&|out| year(987, out), "nine hundred eighty-seven"),
        (&|out| time(Time::constant(0, 0, 0, 0), out), "midnight"),
        (&|out| time(Time::constant(0, 5, 0, 0), out), "twelve oh five a.m."),
        (&|out| time(Time::constant(2, 0, 0, 0), out), "two a.m."),
        (&|out| time(Time::constant(8, 30, 0, 0), out), "eight thirty a.m."),
        (&|out| time(Time::constant(11, 59, 59, 0), out), "eleven fifty-nine a.m."),
        (&|out| time(Time::constant(12, 0, 0, 0), out), "noon"),
        (&|out| time(Time::constant(12, 30, 0, 0), out), "twelve thirty p.m."),
        (&|out| time(Time::constant(13, 0, 0, 0), out), "one p.m."),
        (&|out| time(Time::constant(17, 9, 0, 0), out), "five oh nine p.m."),
        (&|out| count(0, Measure::Entries, out), "zero entries"),
        (&|out| count(1, Measure::Entries, out), "one entry"),
        (&|out| count(2, Measure::People, out), "two callers"),
        (&|out| count(1, Measure::Persons, out), "one person"),
        (&|out| count(102, Measure::Persons, out), "one hundred two people"),
        (&|out| count(7, Measure::Days, out), "seven days"),
        (&|out| count(3, Measure::Times, out), "three times"),
        (&|out| count(18, Measure::Digits, out), "eighteen digits"),
        (
            &|out| count(u32::MAX, Measure::Days, out),
            "four billion two hundred ninety-four million nine hundred sixty-seven thousand two hundred ninety-five days",
        ),
        (&|out| minutes(0, out), "zero minutes"),
        (&|out| minutes(1, out), "one minute"),
        (&|out| minutes(30, out), "thirty minutes"),
        (&|out| minutes(60, out), "one hour"),
        (&|out| minutes(62, out), "one hour and two minutes"),
        (&|out| minutes(1397, out), "twenty-three hours and seventeen minutes"),
        (&|out| weekdays(Weekday::Monday, Weekday::Friday, out), "Monday to Friday"),
        (&|out| weekdays(Weekday::Saturday, Weekday::Saturday, out), "Saturday"),
    ];
    for (say, expected) in rows {
        assert_eq!(&heard(say), expected);
    }
}

#[test]
fn values_of_prompts() {
    for (said, expected) in [
        (Value::Amount(yuan("200")), "two hundred yuan"),
        (Value::Date(day("2026-01-02")), "January second, twenty twenty-six"),
        (Value::Year(2026), "twenty twenty-six"),
        (Value::Tail(Tail::of("11010519491231002X").unwrap()), "zero zero two X"),
        (Value::Key(Key::Digit(1)), "one"),
        (Value::Time(Time::constant(8, 30, 0, 0)), "eight thirty a.m."),
        (Value::Time(Time::MAX), "midnight"),
        (Value::Weekdays(Weekdays { first: Weekday::Monday, last: Weekday::Friday }), "Monday to Friday"),
        (Value::Minutes(30), "thirty minutes"),
        (Value::Month(YearMonth { year: 2026, month: 6 }), "June twenty twenty-six"),
    ] {
        assert_eq!(heard(&|out| value(&said, out)), expected);
    }
}

#[test]
fn keys() {
    let names: Vec<_> = Key::ALL.into_iter().map(|pressed| heard(&|out| key(pressed, out))).collect();
    let digits = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    assert_eq!(names[..10], digits);
    assert_eq!(names[10..], ["the star key", "the pound key"]);
}

/// A recorded voice is cut by this list.
#[test]
fn inventory() {
    let units = units();
    assert_eq!(units.len(), 100 + 31 + 12 + 7 + 3 + 14 + 16);
    for unit in ["zero", "ninety-nine", "thirty-first", "December", "Sunday", "billion", "the pound key", "entries"] {
        assert!(units.contains(unit), "{unit}");
    }
}
