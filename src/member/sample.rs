//! Members who do not exist: a dozen made by hand to try everything out with, and any number made by arithmetic for load.
//!
//! No real person can have these numbers: the hand-made are published specimens or, like all the others, of a region
//! ending in `0000`, a whole province, where no county ever gave out a number (permits, which all begin so, are of
//! sequences made up).

use std::io::{self, Write};

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};

use super::Member;
use super::account::{
    Benefit, CardStatus, ContributionStatus, InsuranceStatus, PersonalAccount, PooledFund, Scheme, Transaction,
    TransactionKind, YearMonth,
};
use super::card_number::CardNumber;
use super::id_number::IdNumber;
use super::money::Money;
use super::mutual_aid::{AidUsed, Bound, MutualAid, Relation};
use super::personal_number::PersonalNumber;
use super::pin_rule::weakness;
use super::register::{MutualAidRow, TransactionRow, write_members, write_mutual_aid, write_transactions};
use crate::secret::{Pin, Secret};

/// Members made by hand, one for each thing a caller may hear.
pub const MEMBERS_CSV: &str = include_str!("../../config/sample/members.csv");
/// What moved on their accounts, oldest first.
pub const TRANSACTIONS_CSV: &str = include_str!("../../config/sample/transactions.csv");

/// Whom they let their accounts pay for.
pub const MUTUAL_AID_CSV: &str = include_str!("../../config/sample/mutual-aid.csv");

/// How many synthetic members there can be with no number given twice.
pub const SYNTHETIC_MOST: u64 = 100_000_000;

const AS_OF: Date = date(2026, 6, 30);
/// Midnight in China at the end of [`AS_OF`].
const AS_OF_END: Timestamp = Timestamp::constant(1_782_835_200, 0);

/// The provinces of the mainland.
const PROVINCES: [u32; 31] = [
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63,
    64, 65,
];

/// A number in the right form that no sample has: of somebody older than all of them.
#[must_use]
pub fn nobody() -> IdNumber {
    IdNumber::invented(650_000, date(1901, 1, 1), 999)
}

/// One of many numbers that nobody has, of somebody born on `birth`; whether it ends in X is given.
#[must_use]
pub fn id_number(index: u64, birth: Date, ends_in_x: bool) -> IdNumber {
    let region = PROVINCES[(index % 31) as usize] * 10_000;
    let number = |n: u64| IdNumber::invented(region, birth, ((index / 31 + n) % 1000) as u16);
    // One in eleven sequences ends in X.
    (0..1000).map(number).find(|number| number.expose().ends_with('X') == ends_in_x).unwrap_or_else(nobody)
}

/// The `index`-th synthetic member, always the same: 70% employees, 14% retired, 8% flexible, 8% residents; one in
/// twenty with an initial PIN, one in twenty without a card number, one in fifty paused.
///
/// Numbers are unique below [`SYNTHETIC_MOST`].
#[must_use]
pub fn synthetic(index: u64) -> Member {
    let chance = mix(index);
    let (hundred, place) = (index / 100, (index % 100) as usize);
    // 37 and 100 have no common divisor, so each hundred has its share of every scheme, in no plain order.
    let (scheme, first_birth, births) = match place * 37 % 100 {
        0..70 => (Scheme::Employee, date(1966, 1, 1), 15_000),
        70..84 => (Scheme::Retired, date(1936, 1, 1), 10_950),
        84..92 => (Scheme::Flexible, date(1966, 1, 1), 15_000),
        _ => (Scheme::Resident, date(1950, 1, 1), 24_000),
    };

    // Of the members of a hundred that share a province, each has its own sequence modulo 4; members at the same place
    // of other hundreds have another day (7919 is a prime and divides no number of days), or a sequence four further on.
    let region = PROVINCES[place % PROVINCES.len()] * 10_000;
    let birth = first_birth.saturating_add(SignedDuration::from_hours((hundred * 7919 % births * 24).cast_signed()));
    let sequence = hundred / births * 4 + (place / PROVINCES.len()) as u64 + 1;
    let id_number = IdNumber::invented(region, birth, (sequence % 1000) as u16);

    // Odd multipliers that 5 does not divide go through all 10^8 and 10^9 before any comes again.
    let card_digits = (index * 61_803_399 + 20_260_001) % 100_000_000;
    let card_first = char::from(b"ABCDEFGH12345678"[(chance >> 8 & 15) as usize]);
    let card_number = match chance % 20 {
        0 => None,
        _ => CardNumber::parse(&format!("{card_first}{card_digits:08}")).ok(),
    };
    let personal_digits = (index * 618_033_989 + 12_333) % 1_000_000_000;

    let pin_is_initial = chance >> 16 & 0xffff < 0x1_0000 / 20;
    let pin = if pin_is_initial {
        Pin::parse("123456")
    } else {
        // Fewer than a hundred PINs in a million are weak: the first or the second attempt is good.
        (0..100)
            .filter_map(|attempt: u64| Pin::parse(&format!("{:06}", mix(chance ^ attempt) % 1_000_000)))
            .find(|pin| weakness(pin, &id_number, card_number.as_ref()).is_none())
    };

    let paused = chance >> 32 & 0xffff < 0x1_0000 / 50;
    let benefit = if paused { Benefit::Stopped } else { Benefit::Normal };
    let personal = if scheme.has_personal_account() {
        PersonalAccount::new(fen(chance >> 3, 500_000), fen(mix(!chance), 3_000_000), AS_OF).ok()
    } else {
        None
    };
    Member {
        card_number,
        personal_number: PersonalNumber::parse(&format!("3{personal_digits:09}")).ok(),
        name: Secret::new(format!("合成{index}")),
        scheme,
        insurance_status: if paused { InsuranceStatus::Paused } else { InsuranceStatus::Active },
        contribution_status: match scheme {
            _ if paused => ContributionStatus::Interrupted,
            Scheme::Retired => ContributionStatus::Exempt,
            _ => ContributionStatus::Paid,
        },
        last_contribution: YearMonth { year: 2026, month: if paused { 2 } else { 6 } },
        outpatient_benefit: benefit,
        inpatient_benefit: benefit,
        benefits_from: None,
        card_status: if (chance >> 48).is_multiple_of(256) { CardStatus::Inactive } else { CardStatus::Normal },
        pin,
        pin_is_initial,
        personal,
        pooled: PooledFund {
            year: AS_OF.year(),
            deductible: fen(180_000, u64::MAX),
            deductible_met: fen(chance >> 5, 180_001),
            limit: Some(fen(if scheme == Scheme::Retired { 2_500_000 } else { 2_000_000 }, u64::MAX)),
            used: fen(chance >> 7, 2_000_001),
            as_of: AS_OF,
        },
        id_number,
    }
}

/// The last five movements on the account of [`synthetic`]`(index)`, oldest first, ending in its balance.
/// Residents have none.
#[must_use]
pub fn synthetic_transactions(index: u64) -> Vec<TransactionRow> {
    const KINDS: [TransactionKind; 5] = [
        TransactionKind::Credit,
        TransactionKind::Pharmacy,
        TransactionKind::Outpatient,
        TransactionKind::MutualAid,
        TransactionKind::Refund,
    ];
    let Member { id_number, personal: Some(account), .. } = synthetic(index) else { return Vec::new() };
    let mut balance_after = account.total();
    let mut rows = Vec::with_capacity(KINDS.len());
    // Backwards from the balance that is known.
    for back in 0..KINDS.len() as u64 {
        let chance = mix(index ^ (back << 56));
        let kind = KINDS[(chance % 5) as usize];
        let amount = fen(chance >> 3, 30_000);
        let before =
            if kind.is_spending() { balance_after.checked_add(amount) } else { balance_after.checked_sub(amount) };
        let Ok(before) = before else { break };
        let hours = 1 + back * 200 + (chance >> 40) % 200;
        rows.push(TransactionRow {
            id_number: id_number.clone(),
            transaction: Transaction {
                at: AS_OF_END - SignedDuration::from_hours(hours.cast_signed()),
                kind,
                amount,
                balance_after,
                place: format!("合成机构{}", chance >> 20 & 0xff),
            },
        });
        balance_after = before;
    }
    rows.reverse();
    rows
}

/// Whom [`synthetic`]`(index)` lets their account pay for: one in three of those who have one, and of theirs.
#[must_use]
pub fn synthetic_mutual_aid(index: u64) -> Option<MutualAidRow> {
    let Member { id_number, personal: Some(_), .. } = synthetic(index) else { return None };
    let chance = mix(!index);
    let count = |relation, most: u64, shift: u32| {
        let count = u8::try_from((chance >> shift) % (most + 1)).ok().filter(|count| *count > 0)?;
        Some(Bound { relation, count })
    };
    let bound = [(Relation::Spouse, 1, 8), (Relation::Parent, 2, 16), (Relation::Child, 2, 24)];
    let bound: Vec<_> = bound.into_iter().filter_map(|(relation, most, shift)| count(relation, most, shift)).collect();
    let used = Some(AidUsed { year: AS_OF.year(), amount: fen(chance >> 9, 100_000), as_of: AS_OF });
    (chance.is_multiple_of(3) && !bound.is_empty())
        .then_some(MutualAidRow { id_number, aid: MutualAid { bound, used } })
}

/// Writes the first `count` synthetic members as `members.csv`.
///
/// # Errors
/// Those of `to`.
pub fn write_members_csv(count: u64, to: impl Write) -> io::Result<()> {
    write_members((0..count).map(synthetic), to)
}

/// Writes what moved on the accounts of the first `count` synthetic members as `transactions.csv`.
///
/// # Errors
/// Those of `to`.
pub fn write_transactions_csv(count: u64, to: impl Write) -> io::Result<()> {
    write_transactions((0..count).flat_map(synthetic_transactions), to)
}

/// Writes whom the first `count` synthetic members let their accounts pay for as `mutual-aid.csv`.
///
/// # Errors
/// Those of `to`.
pub fn write_mutual_aid_csv(count: u64, to: impl Write) -> io::Result<()> {
    write_mutual_aid((0..count).filter_map(synthetic_mutual_aid), to)
}

/// A number of fen below `below`.
fn fen(chance: u64, below: u64) -> Money {
    i64::try_from(chance % below).ok().and_then(|fen| Money::from_fen(fen).ok()).unwrap_or(Money::ZERO)
}

/// `SplitMix64`: neighbours in, strangers out.
fn mix(index: u64) -> u64 {
    let mut z = index.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::super::register::{MemberRows, MutualAidRows, TransactionRows};
    use super::*;
    use crate::member::card_number::CardRule;

    const TODAY: Date = date(2026, 7, 1);

    fn members() -> Vec<Member> {
        MemberRows::new(MEMBERS_CSV.as_bytes(), TODAY)
            .unwrap()
            .map(|row| row.unwrap_or_else(|e| panic!("{e}")))
            .collect()
    }

    fn transactions() -> Vec<TransactionRow> {
        let rows = TransactionRows::new(TRANSACTIONS_CSV.as_bytes(), TODAY).unwrap();
        rows.map(|row| row.unwrap_or_else(|e| panic!("{e}"))).collect()
    }

    fn mutual_aid() -> Vec<MutualAidRow> {
        let rows = MutualAidRows::new(MUTUAL_AID_CSV.as_bytes(), TODAY).unwrap();
        rows.map(|row| row.unwrap_or_else(|e| panic!("{e}"))).collect()
    }

    fn one(id: &str) -> Member {
        members().into_iter().find(|m| m.id_number.expose() == id).unwrap_or_else(|| panic!("no {id}"))
    }

    /// Every movement leads from the balance before it to the balance after it, and the last to the balance told.
    #[track_caller]
    fn adds_up<'a>(rows: impl IntoIterator<Item = &'a TransactionRow>, members: &[Member]) -> usize {
        let mut last: HashMap<&str, &Transaction> = HashMap::new();
        for TransactionRow { id_number, transaction: next } in rows {
            if let Some(before) = last.insert(id_number.expose(), next) {
                let sign = if next.kind.is_spending() { -1 } else { 1 };
                let expected = before.balance_after.fen() + sign * next.amount.fen();
                assert_eq!(next.balance_after.fen(), expected, "{} {}", id_number.expose(), next.at);
                assert!(before.at < next.at, "{} {}", id_number.expose(), next.at);
            }
        }
        for (id, transaction) in &last {
            let member = members.iter().find(|m| m.id_number.expose() == *id).unwrap_or_else(|| panic!("no {id}"));
            let balance = member.personal.map(|account| account.total().fen());
            assert_eq!(balance, Some(transaction.balance_after.fen()), "{id}");
        }
        last.len()
    }

    #[test]
    fn the_samples_read_without_a_fault_and_are_all_different() {
        let members = members();
        assert_eq!(members.len(), 14);
        let mut numbers = HashSet::new();
        for member in &members {
            for number in member.identifiers(CardRule::Last8) {
                assert!(numbers.insert((number.kind(), number.canonical().to_vec())), "{}", member.name.expose());
            }
        }
    }

    #[test]
    fn the_samples_show_everything_there_is_to_hear() {
        let members = members();
        for scheme in Scheme::ALL {
            assert!(members.iter().any(|m| m.scheme == *scheme), "{scheme:?}");
        }
        for status in InsuranceStatus::ALL {
            assert!(members.iter().any(|m| m.insurance_status == *status), "{status:?}");
        }
        for status in ContributionStatus::ALL {
            assert!(members.iter().any(|m| m.contribution_status == *status), "{status:?}");
        }
        for benefit in Benefit::ALL {
            assert!(members.iter().any(|m| m.outpatient_benefit == *benefit), "{benefit:?}");
            assert!(members.iter().any(|m| m.inpatient_benefit == *benefit), "{benefit:?}");
        }
        assert!(members.iter().any(|m| m.benefits_from.is_some()));
        for status in CardStatus::ALL {
            assert!(members.iter().any(|m| m.card_status == *status), "{status:?}");
        }
        let transactions = transactions();
        for kind in TransactionKind::ALL {
            assert!(transactions.iter().any(|t| t.transaction.kind == *kind), "{kind:?}");
        }
        let aid = mutual_aid();
        for relation in Relation::ALL {
            assert!(aid.iter().any(|row| row.aid.bound.iter().any(|b| b.relation == *relation)), "{relation:?}");
        }
        assert!(aid.iter().any(|row| row.aid.bound.is_empty()));
        assert!(members.iter().any(|m| m.pin.is_none()));
        assert!(members.iter().any(|m| m.card_number.is_none()));
        assert!(members.iter().any(|m| m.personal.is_some_and(|a| a.total().is_negative())));
    }

    #[test]
    fn the_samples_others_rely_on() {
        let first = one("11010519491231002X");
        assert_eq!(first.scheme, Scheme::Employee);
        let account = first.personal.unwrap();
        assert_eq!(
            [account.total(), account.current_year(), account.carried()].map(Money::to_plain),
            ["1010.05", "310.05", "700.00"]
        );
        assert_eq!(first.pin.unwrap().expose(), b"739154");
        assert_eq!(first.card_number.unwrap().expose(), "A12345678");

        assert_eq!(one("610000197003150019").name.expose(), "样例八", "written with 15 digits");
        assert_eq!(one("911124198108030024").name.expose(), "样例九");
        let resident = one("330000201604010048");
        assert!(resident.scheme == Scheme::Resident && resident.personal.is_none());
        let initial = one("370000199502140068");
        assert!(initial.pin_is_initial && initial.pin.unwrap().expose() == b"123456");
        assert_eq!(one("110000197611200034").pooled.remaining(), None);
    }

    #[test]
    fn no_sample_has_a_weak_pin_of_its_own() {
        for member in members().iter().filter(|m| !m.pin_is_initial) {
            let Some(pin) = &member.pin else { continue };
            assert_eq!(weakness(pin, &member.id_number, member.card_number.as_ref()), None, "{}", member.name.expose());
        }
    }

    #[test]
    fn the_sample_accounts_add_up() {
        assert_eq!(adds_up(&transactions(), &members()), 4);
    }

    /// What relatives used is what left the account for them.
    #[test]
    fn the_sample_families_add_up() {
        let transactions = transactions();
        let used = |id: &str| {
            let of_relatives = transactions.iter().filter(|row| {
                let kinds = [TransactionKind::MutualAid, TransactionKind::ResidentPremium];
                row.id_number.expose() == id && kinds.contains(&row.transaction.kind)
            });
            of_relatives.map(|row| row.transaction.amount.fen()).sum::<i64>()
        };
        for MutualAidRow { id_number, aid } in mutual_aid() {
            let id = id_number.expose();
            assert!(one(id).personal.is_some(), "{id} has an account");
            // One whose account is shared no more, and whose statement is not among the samples.
            if !aid.bound.is_empty() {
                assert_eq!(aid.used.unwrap().amount.fen(), used(id), "{id}");
            }
        }
    }

    #[test]
    fn synthetic_families_are_read_as_they_are_written() {
        let mut file = Vec::new();
        write_mutual_aid_csv(1000, &mut file).unwrap();
        let read: Vec<_> = MutualAidRows::new(&*file, TODAY).unwrap().map(Result::unwrap).collect();
        assert!((200..400).contains(&read.len()), "{}", read.len());
        let mut again = Vec::new();
        write_mutual_aid(read, &mut again).unwrap();
        assert!(again == file);
    }

    #[test]
    fn synthetic_members_are_read_as_they_are_written() {
        let mut file = Vec::new();
        write_members_csv(1000, &mut file).unwrap();
        let read: Vec<Member> = MemberRows::new(&*file, TODAY).unwrap().map(Result::unwrap).collect();
        assert_eq!(read.len(), 1000);
        let mut again = Vec::new();
        write_members(read.clone(), &mut again).unwrap();
        assert!(again == file);

        let of = |scheme| read.iter().filter(|m| m.scheme == scheme).count();
        let schemes = [Scheme::Employee, Scheme::Retired, Scheme::Flexible, Scheme::Resident];
        assert_eq!(schemes.map(of), [700, 140, 80, 80]);
        for member in read.iter().filter(|m| !m.pin_is_initial) {
            let pin = member.pin.as_ref().unwrap();
            assert_eq!(weakness(pin, &member.id_number, member.card_number.as_ref()), None);
        }
    }

    #[test]
    fn synthetic_transactions_add_up() {
        let mut file = Vec::new();
        write_transactions_csv(200, &mut file).unwrap();
        let rows: Vec<_> = TransactionRows::new(&*file, TODAY).unwrap().map(Result::unwrap).collect();
        let members: Vec<_> = (0..200).map(synthetic).collect();
        assert_eq!(rows.len(), 5 * 184);
        assert_eq!(adds_up(&rows, &members), 184);
        assert!(rows.iter().all(|row| row.transaction.at < AS_OF_END));
        assert_eq!(AS_OF_END.to_string(), "2026-06-30T16:00:00Z");
    }

    /// Members of every scale, and among them neighbours, have no number in common.
    #[test]
    fn synthetic_numbers_are_unique() {
        let mut numbers = HashSet::new();
        let far = [0, 1_095_000, 1_500_000, 2_400_000, 9_995_000, SYNTHETIC_MOST - 5000];
        for index in far.into_iter().flat_map(|start| start..start + 5000) {
            for number in synthetic(index).identifiers(CardRule::Last8) {
                let fresh = numbers.insert((number.kind(), number.canonical().to_vec()));
                assert!(fresh, "{:?} of {index} came before", number.kind());
            }
        }
    }

    /// Recordings are cast with these numbers: by province and sequence, the next sequence that ends as it must.
    #[test]
    fn numbers_that_nobody_has() {
        let births = [date(1990, 1, 1), date(1988, 3, 18), date(2000, 2, 29)];
        let numbers = [
            (0, 0, false, "110000199001010005"),
            (7, 0, false, "230000199001010002"),
            (7, 0, true, "23000019900101007X"),
            (62, 0, false, "110000199001010021"),
            (31 * 999 + 30, 1, false, "650000198803189992"),
            // There is no thousandth: the first follows the last.
            (31 * 999 + 30, 1, true, "65000019880318004X"),
            (31 * 123_456 + 5, 2, false, "210000200002294563"),
        ];
        for (index, birth, ends_in_x, number) in numbers {
            assert_eq!(id_number(index, births[birth], ends_in_x).expose(), number, "{index}");
        }
    }

    /// Load tests dial as these members; files written by an earlier version must still fit.
    #[test]
    fn the_same_member_every_time() {
        let mut file = Vec::new();
        write_members([synthetic(12_333)], &mut file).unwrap();
        let file = String::from_utf8(file).unwrap();
        assert_eq!(
            file.lines().nth(1),
            Some(
                "130000200406070021,A41579868,3213198670,合成12333,employee,active,paid,2026-06,normal,normal,normal,\
                 624883,false,10.61,21665.05,2026,1800.00,1157.39,20000.00,17967.32,2026-06-30,"
            )
        );
    }
}
