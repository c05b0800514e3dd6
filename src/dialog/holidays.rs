//! Public holidays, and the working days they are moved to: a file of its own, since many lines share it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::{Date, Weekday};
use serde::Deserialize;
use toml::Spanned;

use crate::fault::{Fault, Faults};

/// The days on which the week is not as usual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holidays {
    /// By what a line's file names them: `china`.
    pub name: Arc<str>,
    years: BTreeSet<i16>,
    off: BTreeSet<Date>,
    working: BTreeSet<Date>,
}

/// What a day is, beside its day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayKind {
    /// What its day of the week says.
    Usual,
    /// A holiday: nobody works.
    Off,
    /// A Saturday or Sunday on which people work as on a weekday.
    Working,
}

type File = BTreeMap<Spanned<String>, YearFile>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct YearFile {
    source: Spanned<String>,
    off: Vec<SpanFile>,
    #[serde(default)]
    working: Vec<Spanned<Date>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpanFile {
    name: Spanned<String>,
    from: Spanned<Date>,
    to: Date,
}

/// No holiday lasts longer, moved days and all: beyond it a month was mistyped.
const LONGEST: usize = 16;

impl Holidays {
    /// Compiles `text`, the content of `source`, as the holidays called `name`.
    ///
    /// # Errors
    /// Every fault at once, with its line and remedy.
    pub fn parse(name: &str, source: &str, text: &str) -> Result<Self, Faults> {
        let file: File = toml::from_str(text).map_err(|e| Faults(vec![Fault::from_toml(source, text, &e)]))?;
        let mut faults = Vec::new();
        let mut holidays =
            Self { name: name.into(), years: BTreeSet::new(), off: BTreeSet::new(), working: BTreeSet::new() };
        for (year, days) in &file {
            let mut fault = |at: usize, problem: String, remedy: &str| {
                faults.push(Fault::at(source, text, at, problem, remedy));
            };
            let Some(of) = year.get_ref().parse().ok().filter(|y| (2000..=2999).contains(y)) else {
                fault(year.span().start, format!("[{}] is no year", year.get_ref()), "write it as [2026]");
                continue;
            };
            holidays.years.insert(of);
            if days.source.get_ref().trim().is_empty() {
                fault(days.source.span().start, "source is empty".to_owned(), "name what announced these days");
            }
            // New Year may begin in December, and its moved days may stand before it.
            let within = |day: Date| day.year() == of || (day.year() == of - 1 && day.month() == 12);
            for span in &days.off {
                let from = *span.from.get_ref();
                let at = span.from.span().start;
                if span.name.get_ref().trim().is_empty() {
                    fault(span.name.span().start, "a holiday has no name".to_owned(), "name it: name = \"元旦\"");
                }
                let length = from.series(jiff::Span::new().days(1)).take_while(|day| *day <= span.to).take(LONGEST + 1);
                let days: Vec<Date> = length.collect();
                if days.is_empty() || days.len() > LONGEST {
                    fault(at, "a holiday ends before it begins, or lasts for weeks".to_owned(), "check from and to");
                    continue;
                }
                if !within(from) || !within(span.to) {
                    fault(at, format!("{from} to {} is not in {of}", span.to), "write it under the year it is in");
                }
                for day in days {
                    if !holidays.off.insert(day) {
                        fault(at, format!("{day} is a holiday twice"), "let the spans not overlap");
                    }
                }
            }
            for day in &days.working {
                let (date, at) = (*day.get_ref(), day.span().start);
                if !within(date) {
                    fault(at, format!("{date} is not in {of}"), "write it under the year it is in");
                }
                if !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
                    fault(at, format!("{date} is a weekday anyway"), "name Saturdays and Sundays that are worked");
                }
                if !holidays.working.insert(date) {
                    fault(at, format!("{date} stands here twice"), "name each day once");
                }
            }
        }
        for (year, days) in &file {
            for day in days.working.iter().filter(|day| holidays.off.contains(day.get_ref())) {
                let problem = format!("{} is a holiday and a working day", day.get_ref());
                let remedy = format!("take it out of off or of working under [{}]", year.get_ref());
                faults.push(Fault::at(source, text, day.span().start, problem, remedy));
            }
        }
        if faults.is_empty() { Ok(holidays) } else { Err(Faults(faults)) }
    }

    /// What `day` is.
    #[must_use]
    pub fn kind(&self, day: Date) -> DayKind {
        if self.off.contains(&day) {
            DayKind::Off
        } else if self.working.contains(&day) {
            DayKind::Working
        } else {
            DayKind::Usual
        }
    }

    /// The first holiday there is.
    #[must_use]
    pub fn first_off(&self) -> Option<Date> {
        self.off.first().copied()
    }

    /// The years that should stand here on `today` and do not: this one and, when it is announced by then, the next.
    #[must_use]
    pub fn missing(&self, today: Date) -> Vec<i16> {
        let next = (today.month() >= 11).then(|| today.year() + 1);
        [Some(today.year()), next].into_iter().flatten().filter(|year| !self.years.contains(year)).collect()
    }
}
