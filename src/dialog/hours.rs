//! When people answer.

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::Offset;

use crate::speech::prompt::Weekdays;

/// The hours in which people answer, in the line's own time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    /// The offset of the line's clocks from UTC. China has no summer time.
    pub offset: Offset,
    /// The spans, in the order they are told to callers.
    pub spans: Vec<Span>,
}

/// One span of hours on some days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// On these days of the week.
    pub days: Weekdays,
    /// From this time on.
    pub from: Time,
    /// Until just before this time.
    pub to: Time,
}

impl Hours {
    /// Whether people answer at `now`.
    #[must_use]
    pub fn open(&self, now: Timestamp) -> bool {
        let here = self.offset.to_datetime(now);
        self.spans.iter().any(|span| span.holds(here.date().weekday(), here.time()))
    }
}

impl Span {
    fn holds(&self, day: Weekday, time: Time) -> bool {
        let first = self.days.first.to_monday_zero_offset();
        let length = (self.days.last.to_monday_zero_offset() - first).rem_euclid(7);
        (day.to_monday_zero_offset() - first).rem_euclid(7) <= length && self.from <= time && time < self.to
    }
}
