//! A member's card (社保卡), and what a report by telephone that it is lost does to it.

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::account::CardStatus;
use super::tail::Tail;

/// A card and its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Card {
    /// What is told of its number.
    pub tail: Tail,
    /// Its state now.
    pub status: CardStatus,
    /// The report by telephone behind [`CardStatus::TemporaryLoss`]; `None` when that was made elsewhere.
    pub report: Option<LossReport>,
}

/// A temporary loss report (临时挂失) made by telephone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LossReport {
    /// When it was made.
    pub since: Timestamp,
    /// When it lapses by itself: the first moment it holds no more.
    pub until: Timestamp,
}

/// For how long reports hold on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LossTerm {
    /// Whole days after the one on which a report is made or renewed.
    pub days: u8,
    /// The line's clocks, by which days begin and end.
    pub offset: Offset,
}

impl Card {
    /// The card as it is at `now` with the `report` made of it, if any. A report that is over is none. What the register
    /// knows of a card that is formally lost, locked or cancelled is more than a report by telephone tells.
    #[must_use]
    pub fn reported(self, report: Option<LossReport>, now: Timestamp) -> Self {
        let weaker = matches!(self.status, CardStatus::Normal | CardStatus::Inactive | CardStatus::TemporaryLoss);
        match report.filter(|report| weaker && report.holds(now)) {
            Some(report) => Self { status: CardStatus::TemporaryLoss, report: Some(report), ..self },
            None => self,
        }
    }

    /// Whether a report that it is lost would change anything.
    #[must_use]
    pub fn can_be_reported(&self) -> bool {
        matches!(self.status, CardStatus::Normal | CardStatus::Inactive)
    }
}

impl LossReport {
    /// Whether it has not lapsed at `now`.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        now < self.until
    }

    /// The last day on which it holds, by clocks with this `offset`.
    #[must_use]
    pub fn last_day(&self, offset: Offset) -> Date {
        offset.to_datetime(self.until.saturating_sub(SignedDuration::from_nanos(1)).unwrap_or(self.until)).date()
    }
}

impl LossTerm {
    /// When a report made or renewed at `now` lapses: at midnight, so that one date tells it, and never before as many
    /// days have passed as were promised.
    #[must_use]
    pub fn until(self, now: Timestamp) -> Timestamp {
        let today = self.offset.to_datetime(now).date();
        let end = today.checked_add(SignedDuration::from_hours(24 * (i64::from(self.days) + 1)));
        end.and_then(|end| self.offset.to_timestamp(end.at(0, 0, 0, 0))).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_report_lapses_at_the_end_of_the_last_day() {
        let china = |days| LossTerm { days, offset: Offset::constant(8) };
        for (now, days, until, last) in [
            ("2026-07-03T12:00:00+08:00", 7, "2026-07-11T00:00:00+08:00", "2026-07-10"),
            ("2026-07-03T00:00:00+08:00", 7, "2026-07-11T00:00:00+08:00", "2026-07-10"),
            // The day of the line, not that of Greenwich.
            ("2026-07-02T16:00:00Z", 7, "2026-07-11T00:00:00+08:00", "2026-07-10"),
            ("2026-07-02T15:59:59.999Z", 7, "2026-07-10T00:00:00+08:00", "2026-07-09"),
            ("2028-02-28T23:59:59+08:00", 1, "2028-03-01T00:00:00+08:00", "2028-02-29"),
            ("2026-12-31T08:00:00+08:00", 30, "2027-01-31T00:00:00+08:00", "2027-01-30"),
        ] {
            let report = LossReport { since: at(now), until: china(days).until(at(now)) };
            assert_eq!(report.until, at(until), "{now}");
            assert_eq!(report.last_day(Offset::constant(8)).to_string(), last, "{now}");
            assert!(report.until.duration_since(report.since).as_hours() >= i64::from(days) * 24);
        }
    }

    #[test]
    fn a_report_holds_until_its_last_moment_and_never_over_what_the_register_knows() {
        use CardStatus::{Cancelled, FormalLoss, Inactive, Locked, Normal, TemporaryLoss};
        let (since, until) = (at("2026-07-03T04:00:00Z"), at("2026-07-10T16:00:00Z"));
        let report = Some(LossReport { since, until });
        let card = |status| Card { tail: Tail::of("5678").unwrap(), status, report: None };
        for status in [Normal, Inactive, TemporaryLoss] {
            let reported = card(status).reported(report, at("2026-07-10T15:59:59.999Z"));
            assert_eq!((reported.status, reported.report), (TemporaryLoss, report));
            assert_eq!(card(status).reported(report, until), card(status));
            assert_eq!(card(status).reported(None, since), card(status));
        }
        for status in [FormalLoss, Locked, Cancelled] {
            assert_eq!(card(status).reported(report, since), card(status));
        }
        let can = |status: &CardStatus| card(*status).can_be_reported();
        assert_eq!(CardStatus::ALL.iter().copied().filter(can).collect::<Vec<_>>(), [Normal, Inactive]);
    }
}
