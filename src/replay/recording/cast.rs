//! Those who stand in a recording for the people it was about: members who do not exist, with accounts that are told alike.

use jiff::civil::{Date, date};
use jiff::{SignedDuration, ToSpan};

use crate::member::account::{
    Benefit, CardStatus, ContributionStatus, Coverage, InsuranceStatus, Movements, PersonalAccount, PooledFund, Scheme,
    StatementEntry, Transaction, TransactionKind, YearMonth,
};
use crate::member::card_number::CardNumber;
use crate::member::id_number::IdNumber;
use crate::member::money::Money;
use crate::member::mutual_aid::MutualAid;
use crate::member::personal_number::PersonalNumber;
use crate::member::pin_rule::weakness;
use crate::member::register::{MutualAidRow, TransactionRow, write_members, write_mutual_aid, write_transactions};
use crate::member::{Member, sample};
use crate::record::{Person, PinFound, Take};
use crate::replay::transcript::OFFSET;
use crate::secret::{Pin, Secret};

/// A PIN that nobody in a recording has.
pub(super) const WRONG_PIN: &str = "950318";
/// The day on which accounts stand of which nothing was told.
const AS_OF: Date = date(2026, 6, 30);

/// Members in the place of people.
pub(super) struct Cast {
    pub members: Vec<Member>,
    transactions: Vec<TransactionRow>,
    aid: Vec<MutualAidRow>,
    /// In which row of the register each person of the call is, counted from 1.
    rows: Vec<usize>,
}

impl Cast {
    /// For the people of `take`.
    pub fn new(take: &Take) -> Self {
        let mut cast = Self { members: Vec::new(), transactions: Vec::new(), aid: Vec::new(), rows: Vec::new() };
        for (n, person) in take.people.iter().enumerate() {
            match person.same_as.and_then(|first| cast.rows.get(first)) {
                Some(row) => cast.rows.push(*row),
                None => cast.add(take, n as u64, person),
            }
        }
        cast
    }

    fn add(&mut self, take: &Take, n: u64, person: &Person) {
        let member = member(take, n, person);
        let id_number = &member.id_number;
        self.transactions.extend(
            statement(person)
                .into_iter()
                .map(|transaction| TransactionRow { id_number: id_number.clone(), transaction }),
        );
        let aid = person.aid.clone().filter(|aid| *aid != MutualAid::default());
        self.aid.extend(aid.map(|aid| MutualAidRow { id_number: id_number.clone(), aid }));
        self.members.push(member);
        self.rows.push(self.members.len());
    }

    /// The row of the person at this place in the call.
    pub fn row(&self, who: usize) -> Option<usize> {
        self.rows.get(who).copied()
    }

    /// The member in this row.
    pub fn member(&self, row: usize) -> Option<&Member> {
        self.members.get(row.checked_sub(1)?)
    }

    /// The files that make up the register, by the header line that names each; those that hold nothing are left out.
    pub fn files(&self) -> std::io::Result<Vec<(crate::replay::words::Word, &'static str, String)>> {
        use crate::replay::words::{MEMBERS, MUTUAL_AID, TRANSACTIONS};
        let mut files = Vec::new();
        let mut add = |word, name, written: Vec<u8>| {
            let text = String::from_utf8(written).map_err(|e| std::io::Error::other(e.utf8_error()))?;
            files.push((word, name, text));
            Ok::<_, std::io::Error>(())
        };
        if !self.members.is_empty() {
            let mut members = Vec::new();
            write_members(self.members.iter().cloned(), &mut members)?;
            add(MEMBERS, "members", members)?;
        }
        if !self.transactions.is_empty() {
            let mut transactions = Vec::new();
            write_transactions(self.transactions.iter().cloned(), &mut transactions)?;
            add(TRANSACTIONS, "transactions", transactions)?;
        }
        if !self.aid.is_empty() {
            let mut aid = Vec::new();
            write_mutual_aid(self.aid.iter().cloned(), &mut aid)?;
            add(MUTUAL_AID, "mutual-aid", aid)?;
        }
        Ok(files)
    }
}

/// So many sequences lie between the first of one person and the first of the next: no two of a call come to one number,
/// wherever and whenever they were born. Seven people have a thousand.
const APART: u64 = 140;
/// At most so many sequences follow each other without one whose number ends as it must.
const STEPS: u64 = 40;

/// The number of the `n`-th person, of the next sequence from the one that is `drawn` whose number ends so.
fn id_number(n: u64, drawn: u64, province: u64, birth: Date, ends_in_x: bool) -> IdNumber {
    sample::id_number((n * APART + drawn) * 31 + province, birth, ends_in_x)
}

fn member(take: &Take, n: u64, person: &Person) -> Member {
    let draw = |what: &str, below| take.shift.surrogate(what, n, below);
    let first = if person.elder { date(1938, 1, 1) } else { date(1980, 1, 1) };
    let birth = first.saturating_add(i64::try_from(draw("birth", 3000)).unwrap_or_default().days());
    let id_number = id_number(n, draw("sequence", APART - STEPS), draw("province", 31), birth, person.ends_in_x);
    let has_card = person.has_card.unwrap_or(person.pin != PinFound::InitialAlone);
    let digits = draw("card", 1_000_000) * 10 + n;
    let card_number = match person.card_length {
        _ if !has_card => None,
        Some(7) => CardNumber::parse(&format!("C{digits:07}")).ok(),
        Some(9) => CardNumber::parse(&format!("98{digits:07}")).ok(),
        _ => CardNumber::parse(&format!("C8{digits:07}")).ok(),
    };
    let length = usize::from(person.personal_length.unwrap_or(10)).clamp(8, 12);
    let coverage = person.coverage.unwrap_or(Coverage {
        scheme: person.scheme.unwrap_or(Scheme::Employee),
        insurance: InsuranceStatus::Active,
        contribution: ContributionStatus::Paid,
        last_contribution: YearMonth { year: 2026, month: 6 },
        outpatient: Benefit::Normal,
        inpatient: Benefit::Normal,
        benefits_from: None,
    });
    let nothing = |as_of| PersonalAccount::new(Money::ZERO, Money::ZERO, as_of).ok();
    let as_of = person.account.map(|a| a.as_of()).or(person.fund.map(|fund| fund.as_of)).unwrap_or(AS_OF);
    let personal =
        if coverage.scheme.has_personal_account() { person.account.or_else(|| nothing(as_of)) } else { None };
    let of_pin = |try_: u64| take.shift.surrogate("pin", n * 100 + try_, 1_000_000);
    let mut pins = (0..100).filter_map(|try_| Pin::parse(&format!("{:06}", of_pin(try_))));
    let fits =
        |pin: &Pin| weakness(pin, &id_number, card_number.as_ref()).is_none() && pin.expose() != WRONG_PIN.as_bytes();
    Member {
        pin: pins.find(fits),
        pin_is_initial: person.pin != PinFound::Chosen,
        card_number,
        personal_number: PersonalNumber::parse(&format!(
            "{:0length$}",
            10_000_000 + draw("personal", 1_000_000) * 10 + n
        ))
        .ok(),
        name: Secret::new(format!("录制{}", n + 1)),
        scheme: coverage.scheme,
        insurance_status: coverage.insurance,
        contribution_status: coverage.contribution,
        last_contribution: coverage.last_contribution,
        outpatient_benefit: coverage.outpatient,
        inpatient_benefit: coverage.inpatient,
        benefits_from: coverage.benefits_from,
        card_status: person.card.unwrap_or(CardStatus::Normal),
        personal,
        pooled: person.fund.unwrap_or(PooledFund {
            year: as_of.year(),
            deductible: Money::ZERO,
            deductible_met: Money::ZERO,
            limit: None,
            used: Money::ZERO,
            as_of,
        }),
        id_number,
    }
}

/// What moved, oldest first: on the days that are told, at hours that are nobody's. Where a list went on behind what was told
/// of it and nothing of that is known, one more movement stands before them all.
fn statement(person: &Person) -> Vec<Transaction> {
    let mut entries: Vec<&StatementEntry> = person.statement.iter().collect();
    entries.sort_by_key(|entry| entry.at);
    let day = |entry: &&StatementEntry| OFFSET.to_datetime(entry.at).date();
    let first = entries.first().map_or(AS_OF, day);
    let known = entries.iter().enumerate().map(|(n, entry)| Transaction {
        amount: entry.amount,
        balance_after: entry.balance_after,
        ..moved(day(entry), n, entry.kind)
    });
    let known: Vec<_> = known.collect();
    let mut earlier: Vec<Transaction> = Vec::new();
    let mut more = person.more.clone();
    // What is missing in one of the others is missing in this as well.
    more.sort_by_key(|(list, _)| *list == Movements::Everything);
    for (list, told) in more {
        if known.iter().chain(&earlier).filter(|movement| list.include(movement)).count() > told {
            continue;
        }
        let kind = match list {
            Movements::Spending => TransactionKind::Pharmacy,
            Movements::Everything if person.ended.contains(&Movements::Credits) => TransactionKind::Pharmacy,
            Movements::Credits | Movements::Everything => TransactionKind::Credit,
        };
        earlier.push(moved(first.saturating_sub(1.day()), earlier.len(), kind));
    }
    earlier.extend(known);
    earlier
}

/// The `n`-th movement of a statement.
fn moved(day: Date, n: usize, kind: TransactionKind) -> Transaction {
    let morning = OFFSET.to_timestamp(day.at(8, 0, 0, 0)).unwrap_or_default();
    let seconds = SignedDuration::from_secs(i64::try_from(n).unwrap_or_default());
    let at = morning.saturating_add(seconds).unwrap_or(morning);
    Transaction { at, kind, amount: Money::ZERO, balance_after: Money::ZERO, place: "录制".to_owned() }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Born on one day in one province, with sequences that lie next to each other, and with whatever end.
    #[test]
    fn no_two_people_of_a_call_have_one_number() {
        for birth in [date(1938, 1, 1), date(1980, 2, 29), date(1988, 3, 18)] {
            for ends_in_x in [false, true] {
                let mut numbers = HashSet::new();
                for n in 0..7 {
                    let of = |drawn| id_number(n, drawn, 3, birth, ends_in_x).expose().to_owned();
                    let own: HashSet<_> = (0..APART - STEPS).map(of).collect();
                    assert!(
                        own.iter().all(|number| number.ends_with('X') == ends_in_x && number.starts_with("140000"))
                    );
                    let before = numbers.len();
                    let many = own.len();
                    numbers.extend(own);
                    assert_eq!(numbers.len(), before + many, "{n}");
                }
            }
        }
    }
}
