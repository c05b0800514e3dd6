//! When people answer: by the week, on holidays, and on the Saturdays and Sundays that are worked for them.

use std::sync::Arc;

use hotline::dialog::{Dialled, Event, Flow, Holidays, Hours, Next, Span};
use hotline::secret::Keys;
use hotline::speech::prompt::Weekdays;
use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday, date, time};
use jiff::tz::Offset;

use crate::calls::{CLOSED, GOODBYE, MAIN, OFFER, shipped};
use crate::cli::run;
use crate::support::line::{china, line, mandarin, project};
use crate::support::served::Setup;

const HOURS: &str = "人工服务时间，周一至周五，八点三十分到十一点三十分。人工服务时间，周一至周五，十三点到十七点。";
const HOLIDAY: &str = "今天是法定节假日，人工服务暂停。";
const CONNECTING: &str = "正在为您转接人工服务，请稍候。";

/// As the shipped line: half past eight to half past eleven, one to five, Monday to Friday.
fn hours(holidays: Option<Arc<Holidays>>) -> Hours {
    let days = Weekdays { first: Weekday::Monday, last: Weekday::Friday };
    let spans = [((8, 30), (11, 30)), ((13, 0), (17, 0))].map(|(from, to)| Span {
        days,
        from: time(from.0, from.1, 0, 0),
        to: time(to.0, to.1, 0, 0),
    });
    Hours { offset: Offset::constant(8), spans: spans.into(), holidays }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn next(text: &str) -> Option<DateTime> {
    hours(Some(china())).next(at(text))
}

#[test]
fn to_the_last_second_by_the_lines_own_clocks() {
    let hours = hours(Some(china()));
    for (moment, open) in [
        ("2026-07-03T08:29:59.999999999+08:00", false),
        ("2026-07-03T08:30:00+08:00", true),
        ("2026-07-03T11:29:59.999999999+08:00", true),
        ("2026-07-03T11:30:00+08:00", false),
        ("2026-07-03T12:59:59+08:00", false),
        ("2026-07-03T13:00:00+08:00", true),
        ("2026-07-03T16:59:59+08:00", true),
        ("2026-07-03T17:00:00+08:00", false),
        // The same moments on another clock, where it is still Thursday, and where it is Saturday already.
        ("2026-07-02T20:30:00-04:00", true),
        ("2026-07-02T20:29:59-04:00", false),
        ("2026-07-03T22:59:59+14:00", true),
        ("2026-07-04T10:00:00+08:00", false),
    ] {
        assert_eq!(hours.open(at(moment)), open, "{moment}");
    }
}

/// Monday by its name and a holiday all the same; Saturday, and worked.
#[test]
fn holidays_are_off_and_what_is_worked_for_them_is_on() {
    let with = hours(Some(china()));
    let without = hours(None);
    for (moment, is_open, was_open) in [
        ("2026-02-13T10:00:00+08:00", true, true),
        ("2026-02-14T10:00:00+08:00", true, false),
        ("2026-02-14T12:00:00+08:00", false, false),
        ("2026-02-14T16:59:59+08:00", true, false),
        ("2026-02-14T17:00:00+08:00", false, false),
        ("2026-02-16T10:00:00+08:00", false, true),
        ("2026-02-23T16:59:59+08:00", false, true),
        ("2026-02-24T08:30:00+08:00", true, true),
        ("2026-09-20T10:00:00+08:00", true, false),
        ("2026-10-07T10:00:00+08:00", false, true),
        ("2026-10-10T10:00:00+08:00", true, false),
        // Not announced: the days of the week alone.
        ("2027-01-01T10:00:00+08:00", true, true),
    ] {
        assert_eq!((with.open(at(moment)), without.open(at(moment))), (is_open, was_open), "{moment}");
    }
    // Midnight on the line's clocks ends a holiday, wherever the server is.
    assert!(with.is_holiday(at("2026-10-07T15:59:59Z")) && !with.is_holiday(at("2026-10-07T16:00:00Z")));
}

#[test]
fn when_people_answer_next() {
    let morning = |day: jiff::civil::Date| Some(day.at(8, 30, 0, 0));
    assert_eq!(next("2026-07-03T07:00:00+08:00"), morning(date(2026, 7, 3)));
    assert_eq!(next("2026-07-03T12:00:00+08:00"), Some(date(2026, 7, 3).at(13, 0, 0, 0)));
    assert_eq!(next("2026-07-03T17:00:00+08:00"), morning(date(2026, 7, 6)));
    assert_eq!(next("2026-10-01T12:00:00+08:00"), morning(date(2026, 10, 8)));
    assert_eq!(next("2026-02-13T18:00:00+08:00"), morning(date(2026, 2, 14)), "a Saturday");
    assert_eq!(next("2026-02-14T18:00:00+08:00"), morning(date(2026, 2, 24)), "the eve of the Spring Festival");
    assert_eq!(next("2026-12-31T18:00:00+08:00"), morning(date(2027, 1, 1)), "not announced");
    assert_eq!(Hours { spans: Vec::new(), ..hours(None) }.next(at("2026-07-03T12:00:00+08:00")), None);
}

/// A line whose days differ works a moved day by the first weekday that has hours; one that answers on Saturdays anyway
/// has a weekday's hours on those that are worked.
#[test]
fn a_worked_saturday_has_the_hours_of_a_weekday() {
    let on = |first, last, from, to| Span {
        days: Weekdays { first, last },
        from: time(from, 0, 0, 0),
        to: time(to, 0, 0, 0),
    };
    let spans = vec![
        on(Weekday::Tuesday, Weekday::Thursday, 9, 17),
        on(Weekday::Friday, Weekday::Friday, 9, 12),
        on(Weekday::Saturday, Weekday::Sunday, 10, 11),
    ];
    let hours = Hours { spans, ..hours(Some(china())) };
    assert!(hours.open(at("2026-02-14T16:59:59+08:00")) && !hours.open(at("2026-02-14T17:00:00+08:00")));
    assert!(!hours.open(at("2026-07-04T09:30:00+08:00")) && hours.open(at("2026-07-04T10:30:00+08:00")));
}

/// What a caller hears on a holiday, on its eve, on a weekend before one, and on a Saturday that is worked.
#[test]
fn callers_hear_when_people_answer_next() {
    let at = |now: &str| {
        let hotline = shipped(now);
        let mut caller = hotline.dial("CA-hours");
        caller.press("0").to_owned()
    };
    let next = "下一次人工服务从二零二六年十月八日八点三十分开始。";
    assert_eq!(at("2026-10-01T10:00:00+08:00"), [CLOSED, HOLIDAY, HOURS, next, OFFER, MAIN].concat());
    assert_eq!(at("2026-09-30T17:00:00+08:00"), [CLOSED, HOURS, next, OFFER, MAIN].concat());
    let spring = "下一次人工服务从二零二六年二月二十四日八点三十分开始。";
    assert_eq!(at("2026-02-14T17:00:00+08:00"), [CLOSED, HOURS, spring, OFFER, MAIN].concat());
    assert_eq!(at("2026-02-14T16:59:59+08:00"), CONNECTING);
    // An evening like any other: the days of the week tell.
    assert_eq!(at("2026-07-03T17:00:00+08:00"), [CLOSED, HOURS, OFFER, MAIN].concat());
}

#[test]
fn silence_on_a_holiday_ends_with_when_people_answer() {
    let hotline = shipped("2026-10-07T16:00:00+08:00");
    let mut caller = hotline.dial("CA-silent");
    caller.silence();
    caller.silence();
    let next = "下一次人工服务从二零二六年十月八日八点三十分开始。";
    let end = ["抱歉，没有收到您的按键。", CLOSED, HOLIDAY, HOURS, next, GOODBYE].concat();
    assert_eq!(caller.silence(), end);
}

/// The shipped days are those the State Council announced: 33 days off and six worked, none of them wrong by a weekday.
#[test]
fn the_shipped_year_is_as_announced() {
    let holidays = china();
    let days = || date(2026, 1, 1).series(jiff::Span::new().days(1)).take(365);
    let count = |kind| days().filter(|day| holidays.kind(*day) == kind).count();
    assert_eq!((count(hotline::dialog::DayKind::Off), count(hotline::dialog::DayKind::Working)), (33, 6));
    assert_eq!(holidays.missing(date(2026, 10, 31)), Vec::<i16>::new());
    assert_eq!(holidays.missing(date(2026, 11, 1)), [2027]);
    assert_eq!(holidays.missing(date(2027, 1, 1)), [2027]);
    assert_eq!(holidays.missing(date(2027, 11, 1)), [2027, 2028]);
}

#[test]
fn faults_in_holidays() {
    let file = r#"
[2026]
source = " "
off = [
    { name = "", from = "2026-01-01", to = "2026-01-03" },
    { name = "元旦", from = "2026-01-03", to = "2026-01-03" },
    { name = "春节", from = "2026-02-23", to = "2026-02-15" },
    { name = "劳动节", from = "2026-05-01", to = "2026-06-05" },
    { name = "国庆节", from = "2027-10-01", to = "2027-10-02" },
]
working = ["2026-01-04", "2026-01-04", "2026-01-05", "2026-01-03", "2025-11-29"]

[twenty]
source = "x"
off = []
"#;
    let faults = Holidays::parse("china", "china.toml", file).unwrap_err().to_string();
    insta::assert_snapshot!("holidays", faults);
    let unknown = Holidays::parse("china", "china.toml", "[2026]\nsource = \"x\"\noff = []\nwork = []\n").unwrap_err();
    assert!(unknown.to_string().starts_with("china.toml:4: "), "{unknown}");
    let december = "[2027]\nsource = \"x\"\noff = [{ name = \"元旦\", from = \"2026-12-31\", to = \"2027-01-02\" }]\n\
                    working = [\"2026-12-27\"]\n";
    assert!(Holidays::parse("china", "china.toml", december).is_ok());
}

/// A line may name holidays that are there, and no others; faults in them stop it as faults in the line do.
#[test]
fn a_line_names_holidays_that_are_there() {
    let shipped = std::fs::read_to_string(project("config/lines/12333.toml")).unwrap();
    let setup = Setup::new().line(&shipped.replace("holidays = \"china\"", "holidays = \"chian\""));
    insta::assert_snapshot!("no_such_holidays", run(&setup, &["check"]));
    let setup = Setup::new().line(&shipped).env("HOLIDAYS__DIRECTORY", "nowhere");
    let told = run(&setup, &["check"]);
    assert!(told.contains("there are no holidays \"china\"") && told.contains("; there are none"), "{told}");
}

/// 24:00 is the end of the day, to the last second, and is said so.
#[test]
fn round_the_clock() {
    let shipped = std::fs::read_to_string(project("config/lines/12333.toml")).unwrap();
    let with = |hours: &str| {
        let (before, rest) = shipped.split_once("hours = [").unwrap();
        let (_, after) = rest.split_once(']').unwrap();
        line(&format!("{before}hours = [{hours}]{after}").replace("holidays = \"china\"", ""))
    };
    let put_through = |flow: &Flow, at: &str| {
        let (state, _) = flow.step(flow.start(), Event::Dialled(Dialled::default()), at.parse().unwrap());
        let (_, turn) = flow.step(state, Event::Keys(Keys::parse("0", false).unwrap()), at.parse().unwrap());
        (matches!(turn.next, Next::Transfer(_)), mandarin().speak_all(&turn.say).text())
    };
    let always = with("{ days = \"mon-sun\", from = \"00:00\", to = \"24:00\" }");
    for moment in ["2026-07-03T23:59:59.999+08:00", "2026-07-04T00:00:00+08:00", "2026-10-01T03:00:00+08:00"] {
        assert!(put_through(&always, moment).0, "{moment}");
    }
    let (through, said) =
        put_through(&with("{ days = \"sat\", from = \"20:00\", to = \"24:00\" }"), "2026-07-05T00:00:00+08:00");
    assert!(!through && said.contains("人工服务时间，周六，二十点到二十四点。"), "{said}");
}
