//! `hotline say`: prints what a caller would hear of one value, or of one value a line.

use std::io::{self, BufRead, BufWriter, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use jiff::civil::{Date, Time};

use crate::member::account::YearMonth;
use crate::member::money::{Money, MoneyError};
use crate::speech::language::Language;
use crate::speech::prompt::Value;
use crate::speech::words::Words;

/// Say an amount, a number or a date as a caller hears it.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What the value is.
    #[arg(value_enum)]
    kind: Kind,
    /// The value: yuan as 1234.56, digits as 0791-12333, a day as 2026-01-02, a month as 2026-01,
    /// a time as 08:30; `-` reads one a line from standard input.
    #[arg(allow_negative_numbers = true)]
    value: String,
    /// The language spoken: zh-CN, yue-CN or en-US.
    #[arg(long, alias = "lang", default_value_t = Language::Mandarin)]
    language: Language,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// Yuan, with at most two decimals.
    Amount,
    /// A telephone number or the tail of a card, digit by digit.
    Digits,
    /// A day of the calendar.
    Date,
    /// A month of a year.
    Month,
    /// A year.
    Year,
    /// A time of day.
    Time,
    /// A waiting time.
    Minutes,
}

/// Says what `args` ask for. Exit code 2: a value is not what it was said to be; standard error tells what was expected.
///
/// # Errors
/// Standard input cannot be read, or standard output cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let said = say(args, io::stdin().lock(), &mut out).and_then(|()| out.flush().map_err(Trouble::Io));
    match said {
        Ok(()) => Ok(ExitCode::SUCCESS),
        // Whoever reads us has seen enough: `hotline say amount - | head`.
        Err(Trouble::Io(e)) if e.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(Trouble::Io(e)) => Err(e.into()),
        Err(trouble @ Trouble::Value { .. }) => {
            out.flush()?;
            writeln!(io::stderr(), "error: {trouble}")?;
            Ok(ExitCode::from(2))
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{place}{value:?} {refused}")]
    Value { place: String, value: String, refused: Refused },
    #[error(transparent)]
    Io(#[from] io::Error),
}

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Amount(#[from] MoneyError),
    #[error("is not a number to be said digit by digit; write digits, X, spaces and hyphens, as 0791-12333")]
    Digits,
    #[error("is not a day of the calendar; write it as 2026-01-02")]
    Date,
    #[error("is not a month; write it as 2026-01")]
    Month,
    #[error("is not a year; write it as 2026")]
    Year,
    #[error("is not a time of day; write it as 08:30")]
    Time,
    #[error("is not a number of minutes; write it as 90")]
    Minutes,
}

fn say(args: &Args, mut input: impl BufRead, out: &mut impl Write) -> Result<(), Trouble> {
    if args.value != "-" {
        let text = spoken(args.language, args.kind, &args.value).map_err(|refused| Trouble::Value {
            place: String::new(),
            value: args.value.clone(),
            refused,
        })?;
        return Ok(writeln!(out, "{text}")?);
    }
    let mut line = String::new();
    for number in 1_u64.. {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            break;
        }
        let value = line.trim_end_matches(['\n', '\r']);
        let text = spoken(args.language, args.kind, value).map_err(|refused| Trouble::Value {
            place: format!("line {number}: "),
            value: value.to_owned(),
            refused,
        })?;
        writeln!(out, "{text}")?;
    }
    Ok(())
}

fn spoken(language: Language, kind: Kind, text: &str) -> Result<String, Refused> {
    let mut words = Words::new();
    let value = match kind {
        Kind::Digits => {
            let sayable = |c| matches!(c, '0'..='9' | 'x' | 'X' | ' ' | '-');
            if !text.chars().all(sayable) || !text.contains(|c: char| c.is_ascii_alphanumeric()) {
                return Err(Refused::Digits);
            }
            language.say_digits(text, &mut words);
            return Ok(words.text());
        }
        Kind::Amount => Value::Amount(Money::parse(text)?),
        Kind::Date => Value::Date(day(text).ok_or(Refused::Date)?),
        Kind::Month => {
            let first = day(&format!("{text}-01")).ok_or(Refused::Month)?;
            Value::Month(YearMonth { year: first.year(), month: first.month() })
        }
        Kind::Year => Value::Year(text.parse().ok().filter(|year| (1..=9999).contains(year)).ok_or(Refused::Year)?),
        Kind::Time => Value::Time(Time::strptime("%H:%M", text).map_err(|_| Refused::Time)?),
        Kind::Minutes => Value::Minutes(text.parse().map_err(|_| Refused::Minutes)?),
    };
    language.say(&value, &mut words);
    Ok(words.text())
}

fn day(text: &str) -> Option<Date> {
    Date::strptime("%Y-%m-%d", text).ok().filter(|date| date.year() >= 1)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    /// What is printed, then what went wrong.
    fn printed(arguments: &[&str], input: &str) -> (String, Option<String>) {
        let arguments = [&["say"], arguments].concat();
        let args = Command::try_parse_from(arguments).unwrap_or_else(|e| panic!("{e}")).args;
        let mut out = Vec::new();
        let trouble = say(&args, input.as_bytes(), &mut out).err().map(|e| e.to_string());
        (String::from_utf8_lossy(&out).into_owned(), trouble)
    }

    #[test]
    fn one_value() {
        for (arguments, expected) in [
            (&["amount", "1234.56"][..], "一千二百三十四元五角六分\n"),
            (&["amount", "-12.30"], "负十二元三角\n"),
            (&["amount", "2", "--lang", "zh-CN"], "两元整\n"),
            (&["amount", "2", "--language", "yue-CN"], "两元整\n"),
            (
                &["amount", "1234.56", "--language", "en-US"],
                "one thousand two hundred thirty-four point five six yuan\n",
            ),
            (&["digits", "13812345678", "--language", "yue-CN"], "一三八 一二三四 五六七八\n"),
            (&["digits", "12333", "--language", "en-us"], "one two three three three\n"),
            (&["date", "2026-01-02", "--language", "en-US"], "January second, twenty twenty-six\n"),
            (&["month", "2026-01"], "二零二六年一月\n"),
            (&["month", "2026-01", "--language", "en-US"], "January twenty twenty-six\n"),
            (&["year", "1905", "--language", "en-US"], "nineteen oh five\n"),
            (&["time", "08:30", "--language", "en-US"], "eight thirty a.m.\n"),
            (&["time", "14:05"], "十四点零五分\n"),
            (&["minutes", "62", "--language", "yue-CN"], "一小时两分钟\n"),
            (&["digits", "13812345678"], "幺三八 幺二三四 五六七八\n"),
            (&["digits", "0791-12333"], "零七九幺 幺二三三三\n"),
            (&["date", "2026-01-02"], "二零二六年一月二日\n"),
        ] {
            assert_eq!(printed(arguments, "not read"), (expected.to_owned(), None), "{arguments:?}");
        }
    }

    #[test]
    fn another_language_is_refused() {
        let refused = Command::try_parse_from(["say", "amount", "2", "--language", "en"]).err().map(|e| e.to_string());
        assert!(refused.is_some_and(|e| e.contains("is no language of the hotline; take zh-CN, yue-CN or en-US")));
    }

    #[test]
    fn a_value_a_line() {
        let expected = "零元\n两角\n负十元整\n".to_owned();
        assert_eq!(printed(&["amount", "-"], "0\n0.20\r\n-10"), (expected, None));
        assert_eq!(printed(&["amount", "-"], ""), (String::new(), None));
    }

    #[test]
    fn a_bad_line_is_named_after_the_good_ones() {
        let trouble = r#"line 2: "2026-02-29" is not a day of the calendar; write it as 2026-01-02"#;
        let expected = ("二零二四年二月二十九日\n".to_owned(), Some(trouble.to_owned()));
        assert_eq!(printed(&["date", "-"], "2024-02-29\n2026-02-29\n2026-03-01\n"), expected);
    }

    #[test]
    fn a_bad_value_is_refused_with_what_was_expected() {
        let digits = "is not a number to be said digit by digit; write digits, X, spaces and hyphens, as 0791-12333";
        for (kind, value, expected) in [
            ("amount", "12元", "is not a decimal number; write yuan as 1234.56"),
            ("amount", "", "is not a decimal number; write yuan as 1234.56"),
            ("amount", "0.001", "is finer than a fen (0.01 yuan); at most two decimals are taken"),
            ("amount", "1000000000000", "is beyond 999,999,999,999.99 yuan, the most that can be spoken"),
            ("digits", "12A4", digits),
            ("digits", " ", digits),
            ("digits", "１２", digits),
            ("date", "2026-01", "is not a day of the calendar; write it as 2026-01-02"),
            ("date", "-001-01-02", "is not a day of the calendar; write it as 2026-01-02"),
            ("month", "2026-13", "is not a month; write it as 2026-01"),
            ("year", "0", "is not a year; write it as 2026"),
            ("time", "24:00", "is not a time of day; write it as 08:30"),
            ("minutes", "-1", "is not a number of minutes; write it as 90"),
            ("date", "2026-01-02T03:04", "is not a day of the calendar; write it as 2026-01-02"),
        ] {
            let expected = (String::new(), Some(format!("{value:?} {expected}")));
            assert_eq!(printed(&[kind, "--", value], ""), expected);
        }
    }
}
