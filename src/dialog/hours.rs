//! When people answer.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::Offset;

use super::holidays::{DayKind, Holidays};
use crate::speech::prompt::Weekdays;

/// The hours in which people answer, in the line's own time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    /// The offset of the line's clocks from UTC. China has no summer time.
    pub offset: Offset,
    /// The spans, in the order they are told to callers.
    pub spans: Vec<Span>,
    /// The days on which the week is not as usual.
    pub holidays: Option<Arc<Holidays>>,
}

/// One span of hours on some days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// On these days of the week.
    pub days: Weekdays,
    /// From this time on.
    pub from: Time,
    /// Until just before this time; [`Time::MAX`] is the end of the day, 24:00.
    pub to: Time,
}

/// The longest anybody looks ahead: longer than any holiday and the weekends around it.
const DAYS_AHEAD: usize = 60;
const WEEKDAYS: [Weekday; 5] =
    [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];

impl Hours {
    /// Whether people answer at `now`.
    #[must_use]
    pub fn open(&self, now: Timestamp) -> bool {
        let here = self.offset.to_datetime(now);
        self.on(here.date()).any(|span| span.from <= here.time() && here.time() < span.to)
    }

    /// Whether `now` is on a public holiday.
    #[must_use]
    pub fn is_holiday(&self, now: Timestamp) -> bool {
        self.kind(self.offset.to_datetime(now).date()) == DayKind::Off
    }

    /// The next time after `now` at which people begin to answer. `None`: not in the weeks to come.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Option<DateTime> {
        let here = self.offset.to_datetime(now);
        let mut days = here.date().series(jiff::Span::new().days(1)).take(DAYS_AHEAD);
        days.find_map(|day| {
            let begins = self.on(day).map(|span| day.to_datetime(span.from)).filter(|begin| *begin > here);
            begins.min()
        })
    }

    /// Whether the days of the week alone would tell a caller something else than [`Hours::next`]: on holidays, on their
    /// eves, and before a Saturday that is worked.
    #[must_use]
    pub fn is_unusual(&self, now: Timestamp) -> bool {
        let week = Self { holidays: None, ..self.clone() };
        self.is_holiday(now) || week.next(now) != self.next(now)
    }

    fn kind(&self, day: Date) -> DayKind {
        self.holidays.as_ref().map_or(DayKind::Usual, |holidays| holidays.kind(day))
    }

    /// The spans of `day`.
    fn on(&self, day: Date) -> impl Iterator<Item = &Span> {
        let of = match self.kind(day) {
            DayKind::Off => None,
            DayKind::Usual => Some(day.weekday()),
            // The first weekday that has hours: where days differ, nothing says which of them was moved.
            DayKind::Working => WEEKDAYS.into_iter().find(|weekday| self.spans.iter().any(|span| span.is_on(*weekday))),
        };
        self.spans.iter().filter(move |span| of.is_some_and(|of| span.is_on(of)))
    }
}

impl Span {
    fn is_on(&self, day: Weekday) -> bool {
        let first = self.days.first.to_monday_zero_offset();
        let length = (self.days.last.to_monday_zero_offset() - first).rem_euclid(7);
        (day.to_monday_zero_offset() - first).rem_euclid(7) <= length
    }
}
