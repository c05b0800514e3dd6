//! Amounts and days that are not the caller's own, and are spoken alike.

use std::fmt;

use jiff::civil::Date;
use jiff::{Span, ToSpan};

use crate::member::account::{Coverage, PersonalAccount, PooledFund, StatementEntry, YearMonth};
use crate::member::money::Money;
use crate::member::mutual_aid::{AidUsed, MutualAid};

/// How the values of one call are shifted: the same value is shifted to the same wherever it is heard in it, and to another in
/// every other call.
///
/// An amount keeps what speech depends on: how many digits it has, where its zeros stand, its sign. Every other digit becomes
/// another one.
#[derive(Clone, Copy)]
pub struct Shift(u64);

impl fmt::Debug for Shift {
    /// Who knows it gets back from what is written to what it stands for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shift(…)")
    }
}

impl Shift {
    /// The shift of a call, from randomness of its own.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `below` that only this shift gives for `what`.
    #[must_use]
    pub fn draw(self, what: u64, below: u64) -> u64 {
        // SplitMix64's finisher, over both.
        let mut z = self.0 ^ what.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below.max(1)
    }

    /// Another amount in the place of `amount`.
    #[must_use]
    pub fn amount(self, amount: Money) -> Money {
        let fen = amount.fen().unsigned_abs();
        let (mut rest, mut place, mut shifted) = (fen, 1, 0);
        while rest > 0 {
            let digit = rest % 10;
            if digit > 0 {
                // One of the eight other digits that are not zero.
                let step = 1 + self.draw(fen.wrapping_mul(31).wrapping_add(place), 8);
                shifted += (1 + (digit - 1 + step) % 9) * place;
            }
            rest /= 10;
            place *= 10;
        }
        let shifted = i64::try_from(shifted).unwrap_or_default();
        Money::from_fen(if amount.is_negative() { -shifted } else { shifted }).unwrap_or(Money::ZERO)
    }

    /// Another amount in the place of `part`, which is as much less than the other `whole` as it was less than `of`: not at
    /// all, somewhat, or not less.
    fn part(self, part: Money, of: Money, whole: Money) -> Money {
        let shifted = self.amount(part);
        if part == of {
            return whole;
        }
        let runs_over = part < of && shifted >= whole && whole > Money::ZERO;
        if runs_over { Money::from_fen(shifted.fen() % whole.fen()).unwrap_or(Money::ZERO) } else { shifted }
    }

    /// An earlier day: all days of a call are moved as far.
    #[must_use]
    pub fn day(self, day: Date) -> Date {
        let back = i64::try_from(self.draw(0, 27)).unwrap_or_default() + 1;
        day.saturating_sub(back.days())
    }

    /// An earlier month.
    fn month(self, month: YearMonth) -> YearMonth {
        let back = i64::try_from(self.draw(1, 11)).unwrap_or_default() + 1;
        let first = Date::new(month.year, month.month, 1).unwrap_or(Date::ZERO);
        let shifted = first.saturating_sub(Span::new().months(back));
        YearMonth { year: shifted.year().max(1998), month: shifted.month() }
    }

    /// Another month that was paid for last, and another day from which is paid.
    #[must_use]
    pub fn coverage(self, coverage: Coverage) -> Coverage {
        let last_contribution = self.month(coverage.last_contribution);
        let benefits_from = coverage.benefits_from.map(|day| self.day(day));
        Coverage { last_contribution, benefits_from, ..coverage }
    }

    /// Another account: its total is what other places of the call make of the total, and its parts still add up.
    #[must_use]
    pub fn account(self, account: &PersonalAccount) -> Option<PersonalAccount> {
        let as_of = self.day(account.as_of());
        let (current, carried, total) = (account.current_year(), account.carried(), account.total());
        if current.is_negative() || carried.is_negative() {
            return PersonalAccount::new(self.amount(current), self.amount(carried), as_of).ok();
        }
        let shifted = self.amount(total);
        let part = self.part(carried, total, shifted);
        let rest = shifted.checked_sub(part).ok()?;
        // By chance, what is left may be what it was.
        let (rest, part) = if rest == current && current > Money::ZERO {
            let fen = Money::from_fen(1).ok()?;
            (rest.checked_sub(fen).ok()?, part.checked_add(fen).ok()?)
        } else {
            (rest, part)
        };
        PersonalAccount::new(rest, part, as_of).ok()
    }

    /// Another fund of the same year, used up where it was.
    #[must_use]
    pub fn fund(self, fund: &PooledFund) -> PooledFund {
        let deductible = self.amount(fund.deductible);
        let limit = fund.limit.map(|limit| self.amount(limit));
        PooledFund {
            year: fund.year,
            deductible,
            deductible_met: self.part(fund.deductible_met, fund.deductible, deductible),
            limit,
            used: match (fund.limit, limit) {
                (Some(of), Some(whole)) => self.part(fund.used, of, whole),
                _ => self.amount(fund.used),
            },
            as_of: self.day(fund.as_of),
        }
    }

    /// Another movement, as many days before the others as it was.
    #[must_use]
    pub fn entry(self, entry: &StatementEntry) -> StatementEntry {
        let back = i64::try_from(self.draw(0, 27)).unwrap_or_default() + 1;
        StatementEntry {
            at: entry.at.saturating_sub((back * 24).hours()).unwrap_or(entry.at),
            kind: entry.kind,
            amount: self.amount(entry.amount),
            balance_after: self.amount(entry.balance_after),
        }
    }

    /// The same kinds of relatives, and other amounts.
    #[must_use]
    pub fn aid(self, aid: &MutualAid) -> MutualAid {
        let used = aid.used.map(|used| AidUsed {
            year: used.year,
            amount: self.amount(used.amount),
            as_of: self.day(used.as_of),
        });
        MutualAid { bound: aid.bound.clone(), used }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn yuan(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    proptest! {
        #[test]
        fn an_amount_becomes_another_that_is_spoken_alike(seed: u64, fen in -99_999_999_999_i64..99_999_999_999) {
            let shift = Shift::new(seed);
            let amount = Money::from_fen(fen).unwrap();
            let other = shift.amount(amount);
            prop_assert_eq!(other, shift.amount(amount));
            prop_assert_eq!(other == amount, fen == 0);
            let zeros = |amount: Money| amount.to_plain().replace(|c: char| ('1'..='9').contains(&c), "n");
            prop_assert_eq!(zeros(other), zeros(amount));
        }

        #[test]
        fn what_adds_up_adds_up(seed: u64, current in 0..10_000_000_i64, carried in 0..10_000_000_i64) {
            let money = |fen| Money::from_fen(fen).unwrap();
            let account = PersonalAccount::new(money(current), money(carried), date(2026, 6, 30)).unwrap();
            let shift = Shift::new(seed);
            let other = shift.account(&account).unwrap();
            prop_assert_eq!(other.total(), shift.amount(account.total()));
            prop_assert!(carried > 0 || other.carried() == Money::ZERO);
            prop_assert!(!other.current_year().is_negative());
            prop_assert!(current == 0 || other.current_year() != account.current_year());
            prop_assert!(other.as_of() < account.as_of());
        }
    }

    #[test]
    fn a_fund_that_is_used_up_stays_so() {
        let fund = PooledFund {
            year: 2026,
            deductible: yuan("1800"),
            deductible_met: yuan("1800"),
            limit: Some(yuan("20000")),
            used: yuan("20000"),
            as_of: date(2026, 6, 30),
        };
        let other = Shift::new(7).fund(&fund);
        assert_eq!((other.deductible_left(), other.remaining()), (Money::ZERO, Some(Money::ZERO)));
        assert_ne!((other.deductible, other.limit), (fund.deductible, fund.limit));
        let half = PooledFund { deductible_met: yuan("999.99"), used: yuan("19999.99"), ..fund };
        for seed in 0..100 {
            let other = Shift::new(seed).fund(&half);
            assert!(other.deductible_left() > Money::ZERO && other.remaining() > Some(Money::ZERO), "{seed}");
        }
    }
}
