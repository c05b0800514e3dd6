//! What a member has: their scheme, the state of their insurance and card, the two accounts and what moved on them.
//!
//! The order of the words in each vocabulary is how the store keeps them: new ones go to the end.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::money::{Money, MoneyError};

/// A word that a vocabulary does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {}", .0.join(", "))]
pub struct UnknownWord(pub(super) &'static [&'static str]);

/// Declares a closed set of words with one spelling in files, settings and JSON.
macro_rules! vocabulary {
    ($(#[$about:meta])* $name:ident { $($(#[$about_word:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$about_word])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// All there are, in the order in which the store numbers them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word as files and settings spell it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::member::account::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::member::account::UnknownWord(&[$($word,)+])),
                }
            }
        }
    };
}
pub(super) use vocabulary;

vocabulary! {
    /// 参保类型: by which scheme a member is insured.
    Scheme {
        /// 在职职工.
        Employee = "employee",
        /// 退休职工.
        Retired = "retired",
        /// 灵活就业人员.
        Flexible = "flexible",
        /// 城乡居民: has no personal account.
        Resident = "resident",
    }
}

impl Scheme {
    /// Whether members of this scheme have a personal account (个人账户). Residents' were abolished by the end of 2020.
    #[must_use]
    pub fn has_personal_account(self) -> bool {
        self != Self::Resident
    }
}

vocabulary! {
    /// 参保状态.
    InsuranceStatus {
        /// 正常参保.
        Active = "active",
        /// 暂停参保: the balance can be spent, the pooled fund pays nothing.
        Paused = "paused",
        /// 终止参保.
        Ended = "ended",
    }
}

vocabulary! {
    /// 缴费状态.
    ContributionStatus {
        /// 正常缴费.
        Paid = "paid",
        /// 欠费.
        Owing = "owing",
        /// 中断缴费.
        Interrupted = "interrupted",
        /// 退休不缴费, or paid for by the public.
        Exempt = "exempt",
    }
}

vocabulary! {
    /// 待遇状态, of outpatient and of inpatient care.
    Benefit {
        /// 正常.
        Normal = "normal",
        /// 等待期.
        Waiting = "waiting",
        /// 停止.
        Stopped = "stopped",
    }
}

vocabulary! {
    /// 社保卡状态.
    CardStatus {
        /// 正常.
        Normal = "normal",
        /// 未激活.
        Inactive = "inactive",
        /// 临时挂失: ends by itself after some days, can be taken back.
        TemporaryLoss = "temporary_loss",
        /// 正式挂失: cannot be taken back by telephone.
        FormalLoss = "formal_loss",
        /// 锁定.
        Locked = "locked",
        /// 注销.
        Cancelled = "cancelled",
    }
}

vocabulary! {
    /// 收支类型: what moved money on a personal account.
    TransactionKind {
        /// 划入: contributions credited.
        Credit = "credit",
        /// 利息.
        Interest = "interest",
        /// 退回: of an earlier payment, an entry of its own.
        Refund = "refund",
        /// 门诊消费.
        Outpatient = "outpatient",
        /// 购药消费.
        Pharmacy = "pharmacy",
        /// 住院消费.
        Inpatient = "inpatient",
        /// 共济支出: paid for a near relative.
        MutualAid = "mutual_aid",
        /// 缴居民医保: a relative's resident premium.
        ResidentPremium = "resident_premium",
        /// 调整: a correction, the only kind whose amount may be below zero.
        Adjustment = "adjustment",
    }
}

impl TransactionKind {
    /// Whether the amount left the account. An adjustment tells by its sign, so it does not count as spending.
    #[must_use]
    pub fn is_spending(self) -> bool {
        match self {
            Self::Outpatient | Self::Pharmacy | Self::Inpatient | Self::MutualAid | Self::ResidentPremium => true,
            Self::Credit | Self::Interest | Self::Refund | Self::Adjustment => false,
        }
    }
}

vocabulary! {
    /// 收支明细: which movements are listed.
    Movements {
        /// 划入记录: what came in.
        Credits = "credits",
        /// 消费记录: what went out.
        Spending = "spending",
        /// 全部.
        Everything = "all",
    }
}

impl Movements {
    /// Whether `transaction` is listed. An adjustment is listed by its sign: below zero it took money away.
    #[must_use]
    pub fn include(self, transaction: &Transaction) -> bool {
        let went_out = transaction.kind.is_spending() || transaction.amount.is_negative();
        match self {
            Self::Credits => !went_out,
            Self::Spending => went_out,
            Self::Everything => true,
        }
    }
}

/// A month of a year, as contributions are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct YearMonth {
    /// 1949–9999.
    pub year: i16,
    /// 1–12.
    pub month: i8,
}

/// A text that is no month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a month written as 2026-06")]
pub struct YearMonthError;

impl std::str::FromStr for YearMonth {
    type Err = YearMonthError;

    fn from_str(text: &str) -> Result<Self, YearMonthError> {
        let (year, month) = text.split_once('-').ok_or(YearMonthError)?;
        let plain = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
        if !plain(year, 4) || !plain(month, 2) {
            return Err(YearMonthError);
        }
        let (year, month) = (year.parse().map_err(|_| YearMonthError)?, month.parse().map_err(|_| YearMonthError)?);
        if year < 1949 || !(1..=12).contains(&month) {
            return Err(YearMonthError);
        }
        Ok(Self { year, month })
    }
}

impl fmt::Display for YearMonth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// 缴费与待遇状态: how a member is insured, what is paid for them, what they are entitled to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Coverage {
    /// 参保类型.
    pub scheme: Scheme,
    /// 参保状态.
    pub insurance: InsuranceStatus,
    /// 缴费状态.
    pub contribution: ContributionStatus,
    /// The last month that is paid for.
    pub last_contribution: YearMonth,
    /// 门诊待遇.
    pub outpatient: Benefit,
    /// 住院待遇.
    pub inpatient: Benefit,
    /// Of what waits, the day from which it is paid, where that is known.
    pub benefits_from: Option<Date>,
}

/// 个人账户. Either part may be below zero (负) after a correction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "PersonalAccountParts")]
pub struct PersonalAccount {
    current_year: Money,
    carried: Money,
    as_of: Date,
    /// Made sure of at the start, so that nobody has to ask whether the sum can be spoken.
    #[serde(skip)]
    total: Money,
}

/// What is stored of a [`PersonalAccount`].
#[derive(Deserialize)]
struct PersonalAccountParts {
    current_year: Money,
    carried: Money,
    as_of: Date,
}

impl PersonalAccount {
    /// An account as it stood at the end of `as_of`.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`]: the two together are more than can be spoken.
    pub fn new(current_year: Money, carried: Money, as_of: Date) -> Result<Self, MoneyError> {
        Ok(Self { current_year, carried, as_of, total: current_year.checked_add(carried)? })
    }

    /// 当年账户余额: what was credited this year and is not spent.
    #[must_use]
    pub fn current_year(&self) -> Money {
        self.current_year
    }

    /// 历年账户余额: what earlier years left.
    #[must_use]
    pub fn carried(&self) -> Money {
        self.carried
    }

    /// 账户余额: both together.
    #[must_use]
    pub fn total(&self) -> Money {
        self.total
    }

    /// The last day that is counted in.
    #[must_use]
    pub fn as_of(&self) -> Date {
        self.as_of
    }
}

impl TryFrom<PersonalAccountParts> for PersonalAccount {
    type Error = MoneyError;

    fn try_from(parts: PersonalAccountParts) -> Result<Self, MoneyError> {
        Self::new(parts.current_year, parts.carried, parts.as_of)
    }
}

/// 统筹基金: what the pooled fund still pays for outpatient care in a settlement year, 1 January to 31 December.
/// No amount is below zero. It is a limit, never a purse: nothing of it can be withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PooledFund {
    /// The settlement year.
    pub year: i16,
    /// 起付标准: what the member pays before the fund does.
    pub deductible: Money,
    /// What they have paid of it.
    pub deductible_met: Money,
    /// 支付限额: the most the fund pays in the year. `None`: no ceiling (Beijing since 2023).
    pub limit: Option<Money>,
    /// What the fund has paid.
    pub used: Money,
    /// The last day that is counted in.
    pub as_of: Date,
}

impl PooledFund {
    /// What the member has yet to pay before the fund does: zero when more was met than asked.
    #[must_use]
    pub fn deductible_left(&self) -> Money {
        left(self.deductible, self.deductible_met)
    }

    /// 剩余额度: what the fund still pays this year; zero when more than the limit was used (a limit lowered within the
    /// year). `None`: there is no ceiling.
    #[must_use]
    pub fn remaining(&self) -> Option<Money> {
        self.limit.map(|limit| left(limit, self.used))
    }
}

/// What of `whole` is left after `part`, never below zero.
fn left(whole: Money, part: Money) -> Money {
    // The difference of two amounts that are not below zero is always an amount.
    whole.checked_sub(part).map_or(Money::ZERO, |difference| difference.max(Money::ZERO))
}

/// One movement on a personal account. `Debug` shows nothing: where a person was treated is as private as what they paid.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// When, to the millisecond (a number of five or six bytes in the store, not a text).
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub at: Timestamp,
    /// What.
    pub kind: TransactionKind,
    /// How much; [`TransactionKind::is_spending`] tells the direction. Below zero only in an adjustment.
    pub amount: Money,
    /// What the account held after it.
    pub balance_after: Money,
    /// Where: a hospital, a pharmacy, an office.
    pub place: String,
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transaction(…)")
    }
}

/// What is told of a [`Transaction`]: not where it was. `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementEntry {
    /// When.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub at: Timestamp,
    /// What.
    pub kind: TransactionKind,
    /// How much, as in [`Transaction::amount`].
    pub amount: Money,
    /// What the account held after it.
    pub balance_after: Money,
}

impl From<Transaction> for StatementEntry {
    fn from(transaction: Transaction) -> Self {
        let Transaction { at, kind, amount, balance_after, place: _ } = transaction;
        Self { at, kind, amount, balance_after }
    }
}

impl fmt::Debug for StatementEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StatementEntry(…)")
    }
}

/// How many entries of 收支明细 are told at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageSize {
    /// As many as are remembered at once.
    Three,
    /// For older callers.
    One,
}

impl PageSize {
    /// So many.
    #[must_use]
    pub const fn entries(self) -> usize {
        match self {
            Self::Three => 3,
            Self::One => 1,
        }
    }
}

/// One page of 收支明细, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementPage {
    /// As many as a page has ([`PageSize`]), fewer on the last one, none when there is nothing to list.
    pub entries: Vec<StatementEntry>,
    /// Whether older ones follow on the next page.
    pub more: bool,
}

impl StatementPage {
    /// Page `page`, counted from 0, of those of `transactions` that `which` includes. Those of one moment keep their order.
    #[must_use]
    pub fn of(mut transactions: Vec<Transaction>, which: Movements, size: PageSize, page: u8) -> Self {
        transactions.retain(|transaction| which.include(transaction));
        transactions.sort_by_key(|transaction| std::cmp::Reverse(transaction.at));
        let mut rest = transactions.into_iter().skip(usize::from(page) * size.entries());
        let entries = rest.by_ref().take(size.entries()).map(StatementEntry::from).collect();
        Self { entries, more: rest.next().is_some() }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn yuan(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn pooled(deductible: &str, met: &str, limit: Option<&str>, used: &str) -> PooledFund {
        PooledFund {
            year: 2026,
            deductible: yuan(deductible),
            deductible_met: yuan(met),
            limit: limit.map(yuan),
            used: yuan(used),
            as_of: date(2026, 6, 30),
        }
    }

    #[test]
    fn one_spelling_everywhere() {
        macro_rules! spelled {
            ($($name:ident: $count:literal),+) => {$(
                assert_eq!($name::ALL.len(), $count);
                for (index, &word) in $name::ALL.iter().enumerate() {
                    assert_eq!(word.as_str().parse::<$name>(), Ok(word));
                    assert_eq!(serde_json::to_string(&word).unwrap(), format!("\"{}\"", word.as_str()));
                    assert_eq!(postcard::to_allocvec(&word).unwrap(), [u8::try_from(index).unwrap()]);
                }
            )+};
        }
        spelled!(
            Scheme: 4, InsuranceStatus: 3, ContributionStatus: 4, Benefit: 3, CardStatus: 6, TransactionKind: 9,
            Movements: 3
        );
    }

    /// Members already stored are read by these numbers.
    #[test]
    fn the_store_numbers_words_by_their_order() {
        let words = |all: &[&'static str]| all.join(" ");
        let of = |all: &[TransactionKind]| words(&all.iter().map(|w| w.as_str()).collect::<Vec<_>>());
        assert_eq!(
            of(TransactionKind::ALL),
            "credit interest refund outpatient pharmacy inpatient mutual_aid resident_premium adjustment"
        );
        let of = |all: &[CardStatus]| words(&all.iter().map(|w| w.as_str()).collect::<Vec<_>>());
        assert_eq!(of(CardStatus::ALL), "normal inactive temporary_loss formal_loss locked cancelled");
        let of = |all: &[Scheme]| words(&all.iter().map(|w| w.as_str()).collect::<Vec<_>>());
        assert_eq!(of(Scheme::ALL), "employee retired flexible resident");
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_known() {
        let error = "Active".parse::<InsuranceStatus>().unwrap_err();
        assert_eq!(error.to_string(), "must be one of active, paused, ended");
    }

    #[test]
    fn residents_have_no_personal_account() {
        assert!(Scheme::Employee.has_personal_account());
        assert!(Scheme::Retired.has_personal_account());
        assert!(Scheme::Flexible.has_personal_account());
        assert!(!Scheme::Resident.has_personal_account());
    }

    #[test]
    fn the_balance_is_both_years_together() {
        let account = PersonalAccount::new(yuan("310.05"), yuan("700"), date(2026, 6, 30)).unwrap();
        assert_eq!(account.total(), yuan("1010.05"));
        let owing = PersonalAccount::new(yuan("-310.05"), yuan("10"), date(2026, 6, 30)).unwrap();
        assert_eq!(owing.total(), yuan("-300.05"));
        let most = yuan("999999999999.99");
        assert_eq!(PersonalAccount::new(most, yuan("0.01"), date(2026, 6, 30)), Err(MoneyError::TooLarge));
    }

    #[test]
    fn what_the_pooled_fund_still_pays() {
        let fund = pooled("1800", "450.50", Some("20000"), "1234.56");
        assert_eq!(fund.deductible_left(), yuan("1349.50"));
        assert_eq!(fund.remaining(), Some(yuan("18765.44")));
        let beyond = pooled("1800", "1800.01", Some("500"), "500.01");
        assert_eq!(beyond.deductible_left(), Money::ZERO);
        assert_eq!(beyond.remaining(), Some(Money::ZERO));
        assert_eq!(pooled("0", "0", None, "99").remaining(), None);
    }

    #[test]
    fn pages_newest_first() {
        use TransactionKind::{Adjustment, Credit, Interest, MutualAid, Pharmacy, Refund};

        let of = |day: i64, kind, amount: &str| Transaction {
            at: Timestamp::from_second(day * 86_400).unwrap(),
            kind,
            amount: yuan(amount),
            balance_after: yuan("0"),
            place: String::new(),
        };
        let all = || {
            vec![
                of(2, Pharmacy, "2"),
                of(1, Credit, "1"),
                of(7, Adjustment, "-7"),
                of(3, Refund, "3"),
                of(6, Adjustment, "6"),
                of(5, MutualAid, "5"),
                of(4, Interest, "4"),
            ]
        };
        let page_of = |size| {
            move |which, page| {
                let page = StatementPage::of(all(), which, size, page);
                (page.entries.iter().map(|e| e.amount.fen() / 100).collect::<Vec<_>>(), page.more)
            }
        };
        let page = page_of(PageSize::Three);
        assert_eq!(page(Movements::Everything, 0), (vec![-7, 6, 5], true));
        assert_eq!(page(Movements::Everything, 1), (vec![4, 3, 2], true));
        assert_eq!(page(Movements::Everything, 2), (vec![1], false));
        assert_eq!(page(Movements::Everything, 3), (vec![], false));
        assert_eq!(page(Movements::Everything, u8::MAX), (vec![], false));
        assert_eq!(page(Movements::Credits, 0), (vec![6, 4, 3], true));
        assert_eq!(page(Movements::Credits, 1), (vec![1], false));
        // Three and no more: there is no next page.
        assert_eq!(page(Movements::Spending, 0), (vec![-7, 5, 2], false));
        let page = page_of(PageSize::One);
        assert_eq!(page(Movements::Spending, 0), (vec![-7], true));
        assert_eq!(page(Movements::Spending, 1), (vec![5], true));
        assert_eq!(page(Movements::Spending, 2), (vec![2], false));
        assert_eq!(page(Movements::Spending, 3), (vec![], false));
    }

    #[test]
    fn months() {
        assert_eq!("2026-06".parse(), Ok(YearMonth { year: 2026, month: 6 }));
        assert_eq!(YearMonth { year: 2026, month: 6 }.to_string(), "2026-06");
        for bad in
            ["", "2026", "2026-00", "2026-13", "2026-6", "26-06", "+026-06", "1948-12", "2026-06-01", "二〇二六-06"]
        {
            assert_eq!(bad.parse::<YearMonth>(), Err(YearMonthError), "{bad}");
        }
    }

    #[test]
    fn accounts_survive_the_store() {
        let account = PersonalAccount::new(yuan("310.05"), yuan("700"), date(2026, 6, 30)).unwrap();
        let fund = pooled("1800", "450.50", None, "0");
        let transaction = Transaction {
            at: "2026-06-18T09:30:05.250+08:00".parse().unwrap(),
            kind: TransactionKind::Pharmacy,
            amount: yuan("35.60"),
            balance_after: yuan("1010.05"),
            place: "样例药店".to_owned(),
        };
        let bytes = postcard::to_allocvec(&(account, fund, &transaction)).unwrap();
        let back: (PersonalAccount, PooledFund, Transaction) = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(back, (account, fund, transaction));
        assert_eq!(back.0.total(), yuan("1010.05"));
    }

    #[test]
    fn debug_shows_no_amount_and_no_place() {
        let account = PersonalAccount::new(yuan("310.05"), yuan("700"), date(2026, 6, 30)).unwrap();
        assert_eq!(
            format!("{account:?}"),
            "PersonalAccount { current_year: Money(…), carried: Money(…), as_of: 2026-06-30, total: Money(…) }"
        );
        let transaction = Transaction {
            at: Timestamp::UNIX_EPOCH,
            kind: TransactionKind::Inpatient,
            amount: yuan("1"),
            balance_after: yuan("2"),
            place: "样例医院".to_owned(),
        };
        assert_eq!(format!("{transaction:?}"), "Transaction(…)");
    }
}
