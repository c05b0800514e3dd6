//! Amounts and days that are not the caller's own, and are spoken alike.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use jiff::civil::Date;
use jiff::{Span, ToSpan};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::member::account::{Coverage, PersonalAccount, PooledFund, StatementEntry, YearMonth};
use crate::member::money::Money;
use crate::member::mutual_aid::{AidUsed, MutualAid};

/// How the values of one call are shifted: the same value is shifted to the same wherever it is heard in it, and to another in
/// every other call.
///
/// An amount keeps what speech depends on: how many digits it has, where its zeros stand, its sign. Every other digit becomes
/// another one.
///
/// It is two keys, which are drawn for the call, wiped with it and never written: who has a recording cannot compute from
/// what stands in it in clear what anything else was.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Shift {
    /// Of what is in the place of true values.
    values: [u8; 32],
    /// Of what is made up, some of which says the very number that was drawn.
    surrogates: [u8; 32],
}

impl fmt::Debug for Shift {
    /// Who knows it gets back from what is written to what it stands for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shift(…)")
    }
}

/// What is moved by a number of days of its own: from one day that everybody knows (accounts all stand of one) follows no
/// other.
#[derive(Clone, Copy)]
enum Days {
    /// Of which an account stands.
    AsOf,
    /// On which something moved: all as far, so that they stay in order.
    Movements,
    /// From which is paid.
    Benefits,
}

impl Days {
    const fn label(self) -> &'static str {
        match self {
            Self::AsOf => "as of",
            Self::Movements => "movements",
            Self::Benefits => "benefits from",
        }
    }
}

/// So often another part is tried, until it is none that was told.
const TRIES: u64 = 64;

impl Shift {
    /// The shift of a call. `None`: the system has no randomness.
    #[must_use]
    pub fn drawn() -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *key).ok()?;
        Some(Self::new(&key))
    }

    /// The shift that comes of this key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self { values: mac(key, "values", &[]), surrogates: mac(key, "surrogates", &[]) }
    }

    /// A number below `below` for the `nth` surrogate of this kind.
    #[must_use]
    pub fn surrogate(&self, kind: &str, nth: u64, below: u64) -> u64 {
        draw(&self.surrogates, kind, &[nth], below)
    }

    /// Another amount in the place of `amount`.
    #[must_use]
    pub fn amount(&self, amount: Money) -> Money {
        self.amount_again(amount, 0)
    }

    /// The same for the `again`-th time, where the one before did not fit.
    fn amount_again(&self, amount: Money, again: u64) -> Money {
        let fen = amount.fen().unsigned_abs();
        let (mut rest, mut place, mut shifted) = (fen, 1, 0);
        while rest > 0 {
            let digit = rest % 10;
            if digit > 0 {
                // One of the eight other digits that are not zero.
                let step = 1 + draw(&self.values, "amount", &[fen, place, again], 8);
                shifted += (1 + (digit - 1 + step) % 9) * place;
            }
            rest /= 10;
            place *= 10;
        }
        let shifted = i64::try_from(shifted).unwrap_or_default();
        Money::from_fen(if amount.is_negative() { -shifted } else { shifted }).unwrap_or(Money::ZERO)
    }

    /// Another amount in the place of `part`, which is as much less than the other `whole` as it was less than `of`: not at
    /// all, somewhat, or not less. Neither it nor what is left of the whole is what it was. `None`: there is no such amount.
    fn part(&self, part: Money, of: Money, whole: Money) -> Option<Money> {
        if part == of || part == Money::ZERO {
            return Some(if part == of { whole } else { part });
        }
        let left = of.checked_sub(part).ok()?;
        (0..TRIES).find_map(|again| {
            let other = if part > of {
                whole.checked_add(self.amount_again(part.checked_sub(of).ok()?, again)).ok()?
            } else {
                let drawn = self.amount_again(part, again);
                if drawn < whole { drawn } else { Money::from_fen(drawn.fen().checked_rem(whole.fen())?).ok()? }
            };
            let fits = other != part && other > Money::ZERO && whole.checked_sub(other).ok()? != left;
            fits.then_some(other)
        })
    }

    fn day(&self, day: Date, of: Days) -> Date {
        day.saturating_sub(self.days(of).days())
    }

    /// How many days back, one to 27.
    fn days(&self, of: Days) -> i64 {
        i64::try_from(draw(&self.values, of.label(), &[], 27)).unwrap_or_default() + 1
    }

    /// An earlier month.
    fn month(&self, month: YearMonth) -> YearMonth {
        let back = i64::try_from(draw(&self.values, "month", &[], 11)).unwrap_or_default() + 1;
        let first = Date::new(month.year, month.month, 1).unwrap_or(Date::ZERO);
        let shifted = first.saturating_sub(Span::new().months(back));
        YearMonth { year: shifted.year().max(1998), month: shifted.month() }
    }

    /// Another month that was paid for last, and another day from which is paid.
    #[must_use]
    pub fn coverage(&self, coverage: Coverage) -> Coverage {
        let last_contribution = self.month(coverage.last_contribution);
        let benefits_from = coverage.benefits_from.map(|day| self.day(day, Days::Benefits));
        Coverage { last_contribution, benefits_from, ..coverage }
    }

    /// Another account: its total is what other places of the call make of the total, and its parts still add up. `None`: there
    /// is none of which nothing is as it was.
    #[must_use]
    pub fn account(&self, account: &PersonalAccount) -> Option<PersonalAccount> {
        let as_of = self.day(account.as_of(), Days::AsOf);
        let (current, carried, total) = (account.current_year(), account.carried(), account.total());
        if current.is_negative() || carried.is_negative() {
            let other = PersonalAccount::new(self.amount(current), self.amount(carried), as_of).ok()?;
            return (other.total() != total).then_some(other);
        }
        let shifted = self.amount(total);
        let part = self.part(carried, total, shifted)?;
        PersonalAccount::new(shifted.checked_sub(part).ok()?, part, as_of).ok()
    }

    /// Another fund of the same year, used up where it was. `None`, as of an account.
    #[must_use]
    pub fn fund(&self, fund: &PooledFund) -> Option<PooledFund> {
        let deductible = self.amount(fund.deductible);
        let limit = fund.limit.map(|limit| self.amount(limit));
        Some(PooledFund {
            year: fund.year,
            deductible,
            deductible_met: self.part(fund.deductible_met, fund.deductible, deductible)?,
            limit,
            used: match (fund.limit, limit) {
                (Some(of), Some(whole)) => self.part(fund.used, of, whole)?,
                _ => self.amount(fund.used),
            },
            as_of: self.day(fund.as_of, Days::AsOf),
        })
    }

    /// Another movement, as many days before the others as it was.
    #[must_use]
    pub fn entry(&self, entry: &StatementEntry) -> StatementEntry {
        StatementEntry {
            at: entry.at.saturating_sub((self.days(Days::Movements) * 24).hours()).unwrap_or(entry.at),
            kind: entry.kind,
            amount: self.amount(entry.amount),
            balance_after: self.amount(entry.balance_after),
        }
    }

    /// The same kinds of relatives, and other amounts.
    #[must_use]
    pub fn aid(&self, aid: &MutualAid) -> MutualAid {
        let used = aid.used.map(|used| AidUsed {
            year: used.year,
            amount: self.amount(used.amount),
            as_of: self.day(used.as_of, Days::AsOf),
        });
        MutualAid { bound: aid.bound.clone(), used }
    }
}

/// A number below `below` that only this key gives for what it is drawn for.
fn draw(key: &[u8; 32], label: &str, what: &[u64], below: u64) -> u64 {
    let drawn = mac(key, label, what);
    drawn.first_chunk().map_or(0, |first| u64::from_be_bytes(*first)) % below.max(1)
}

/// HMAC-SHA256 over the label, with its length before it, and the numbers.
fn mac(key: &[u8; 32], label: &str, what: &[u64]) -> [u8; 32] {
    // HMAC pads a key with zeros to the hash's block of 64 bytes; done here, because then nothing can fail.
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(key);
    let mut hmac = Hmac::<Sha256>::new((&*block).into());
    hmac.update(&(label.len() as u64).to_be_bytes());
    hmac.update(label.as_bytes());
    for number in what {
        hmac.update(&number.to_be_bytes());
    }
    hmac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::member::account::{Benefit, ContributionStatus, InsuranceStatus, Scheme, TransactionKind};

    fn yuan(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn money(fen: i64) -> Money {
        Money::from_fen(fen).unwrap()
    }

    fn shift(seed: u8) -> Shift {
        Shift::new(&[seed; 32])
    }

    /// In its place stands another amount; nothing stays nothing.
    #[track_caller]
    fn is_another(other: Money, than: Money) {
        assert_eq!(other == than, than == Money::ZERO, "{}", than.to_plain());
        assert_eq!(other == Money::ZERO, than == Money::ZERO, "{}", than.to_plain());
    }

    proptest! {
        #[test]
        fn an_amount_becomes_another_that_is_spoken_alike(key: [u8; 32], fen in -99_999_999_999_i64..99_999_999_999) {
            let shift = Shift::new(&key);
            let amount = money(fen);
            let other = shift.amount(amount);
            prop_assert_eq!(other, shift.amount(amount));
            is_another(other, amount);
            let zeros = |amount: Money| amount.to_plain().replace(|c: char| ('1'..='9').contains(&c), "n");
            prop_assert_eq!(zeros(other), zeros(amount));
        }

        #[test]
        fn what_adds_up_adds_up(key: [u8; 32], current in 0..100_000_i64, carried in 0..100_000_i64) {
            let account = PersonalAccount::new(money(current), money(carried), date(2026, 6, 30)).unwrap();
            let shift = Shift::new(&key);
            // Of a few fen there may be no other parts.
            let Some(other) = shift.account(&account) else {
                prop_assert!(current < 20 || carried < 20);
                return Ok(());
            };
            prop_assert_eq!(other.total(), shift.amount(account.total()));
            is_another(other.total(), account.total());
            is_another(other.carried(), account.carried());
            is_another(other.current_year(), account.current_year());
            prop_assert!(other.as_of() < account.as_of());
        }

        #[test]
        fn no_amount_of_a_fund_stays(key: [u8; 32], met in 0..250_000_i64, used in 0..2_500_000_i64) {
            let fund = PooledFund {
                year: 2026,
                deductible: yuan("1800"),
                deductible_met: money(met),
                limit: Some(yuan("20000")),
                used: money(used),
                as_of: date(2026, 6, 30),
            };
            let Some(other) = Shift::new(&key).fund(&fund) else {
                prop_assert!(met < 100 || used < 100);
                return Ok(());
            };
            is_another(other.deductible, fund.deductible);
            is_another(other.deductible_met, fund.deductible_met);
            is_another(other.deductible_left(), fund.deductible_left());
            is_another(other.limit.unwrap(), fund.limit.unwrap());
            is_another(other.used, fund.used);
            is_another(other.remaining().unwrap(), fund.remaining().unwrap());
            prop_assert!(other.as_of < fund.as_of);
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
        let other = shift(7).fund(&fund).unwrap();
        assert_eq!((other.deductible_left(), other.remaining()), (Money::ZERO, Some(Money::ZERO)));
        assert_ne!((other.deductible, other.limit), (fund.deductible, fund.limit));
        let half = PooledFund { deductible_met: yuan("999.99"), used: yuan("19999.99"), ..fund };
        for seed in 0..100 {
            let other = shift(seed).fund(&half).unwrap();
            assert!(other.deductible_left() > Money::ZERO && other.remaining() > Some(Money::ZERO), "{seed}");
        }
    }

    #[test]
    fn months_days_and_movements_become_others() {
        let (day, at) = (date(2026, 7, 15), "2026-06-18T09:30:05+08:00".parse().unwrap());
        let coverage = Coverage {
            scheme: Scheme::Employee,
            insurance: InsuranceStatus::Active,
            contribution: ContributionStatus::Paid,
            last_contribution: YearMonth { year: 2026, month: 6 },
            outpatient: Benefit::Normal,
            inpatient: Benefit::Normal,
            benefits_from: Some(day),
        };
        let entry = StatementEntry {
            at,
            kind: TransactionKind::Pharmacy,
            amount: yuan("35.60"),
            balance_after: yuan("857.75"),
        };
        let aid = MutualAid {
            bound: Vec::new(),
            used: Some(AidUsed { year: 2026, amount: yuan("400"), as_of: date(2026, 6, 30) }),
        };
        for seed in 0..100 {
            let shift = shift(seed);
            let other = shift.coverage(coverage);
            assert!(other.last_contribution != coverage.last_contribution && other.benefits_from < Some(day), "{seed}");
            let told = shift.entry(&entry);
            assert!(told.at < at && told.amount != entry.amount && told.balance_after != entry.balance_after, "{seed}");
            let used = shift.aid(&aid).used.unwrap();
            assert!(used.as_of < date(2026, 6, 30) && used.amount != yuan("400") && used.year == 2026, "{seed}");
        }
    }

    /// Of which day accounts stand everybody knows: how far it is from the one that is written tells of no other.
    #[test]
    fn days_of_other_kinds_are_moved_otherwise() {
        let apart = (0..100).filter(|seed| {
            let shift = shift(*seed);
            let days = [Days::AsOf, Days::Movements, Days::Benefits].map(|of| shift.days(of));
            assert!(days.iter().all(|days| (1..=27).contains(days)), "{days:?}");
            days[0] != days[1] && days[1] != days[2] && days[0] != days[2]
        });
        // Nine in ten; were they moved as one, none.
        assert!(apart.count() > 70);
    }

    #[test]
    fn of_a_shift_nothing_is_shown() {
        assert_eq!(format!("{:?}", shift(7)), "Shift(…)");
        let (one, other) = (shift(1), shift(2));
        assert_ne!(one.values, one.surrogates);
        assert_ne!(one.surrogate("file", 0, u64::MAX), other.surrogate("file", 0, u64::MAX));
        assert_ne!(one.surrogate("file", 0, u64::MAX), one.surrogate("caller", 0, u64::MAX));
    }
}
