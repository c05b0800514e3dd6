//! Who calls and what they have. Pure: no clock, no store, no way for a number or an amount to be printed by accident.
//!
//! | module | what |
//! |---|---|
//! | [`id_number`], [`card_number`], [`personal_number`] | the numbers people are known by, canonical or refused |
//! | [`tail`] | the end of a number, which may be said back |
//! | [`pin_rule`] | which PINs may not be chosen |
//! | [`account`], [`money`], [`mutual_aid`], [`card`] | what a member has |
//! | [`message`], [`phone_number`] | what anybody may leave, and where they are called back |
//! | [`register`] | members and transactions as files hold them |
//! | [`sample`] | members who do not exist, for trying out and for load |

pub mod account;
pub mod card;
pub mod card_number;
pub mod id_number;
pub mod message;
pub mod money;
pub mod mutual_aid;
pub mod personal_number;
pub mod phone_number;
pub mod pin_rule;
pub mod register;
pub mod sample;
pub mod tail;

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use account::{
    Benefit, CardStatus, ContributionStatus, InsuranceStatus, PersonalAccount, PooledFund, Scheme, YearMonth,
};
use card_number::{CardLookup, CardNumber, CardRule};
use id_number::IdNumber;
use personal_number::PersonalNumber;
use tail::Tail;

use crate::secret::{Pin, Secret};

/// A member (参保人) and all a call can tell them, as imported or as opened from the store.
#[derive(Clone)]
pub struct Member {
    /// 身份证号, which is also the 社会保障号码.
    pub id_number: IdNumber,
    /// 社保卡号.
    pub card_number: Option<CardNumber>,
    /// 个人编号.
    pub personal_number: Option<PersonalNumber>,
    /// 姓名.
    pub name: Secret,
    /// 参保类型.
    pub scheme: Scheme,
    /// 参保状态.
    pub insurance_status: InsuranceStatus,
    /// 缴费状态.
    pub contribution_status: ContributionStatus,
    /// The last month that contributions were paid for (缴费年月).
    pub last_contribution: YearMonth,
    /// 门诊待遇.
    pub outpatient_benefit: Benefit,
    /// 住院待遇.
    pub inpatient_benefit: Benefit,
    /// 等待期: the day from which the benefits that wait are paid; `None`: not known, or none waits.
    pub benefits_from: Option<Date>,
    /// 社保卡状态.
    pub card_status: CardStatus,
    /// 查询密码; `None`: none was ever set, nobody can sign in.
    pub pin: Option<Pin>,
    /// Whether the PIN is one that was given out: it opens nothing but the change to another.
    pub pin_is_initial: bool,
    /// 个人账户; `None` for residents, and only for them.
    pub personal: Option<PersonalAccount>,
    /// 统筹基金.
    pub pooled: PooledFund,
}

impl Member {
    /// Every number the member is found by, whatever a line's card rule.
    pub fn every_identifier(&self) -> impl Iterator<Item = Identifier> {
        let cards = self.card_number.iter().flat_map(|card| CardRule::ALL.map(|rule| card.lookup(rule)));
        let personal = self.personal_number.clone().map(Identifier::Personal);
        std::iter::once(Identifier::Id(self.id_number.clone())).chain(cards.map(Identifier::Card)).chain(personal)
    }

    /// Every number the member may key on a line with this card `rule`.
    pub fn identifiers(&self, rule: CardRule) -> impl Iterator<Item = Identifier> {
        let card = self.card_number.as_ref().map(|card| Identifier::Card(card.lookup(rule)));
        let personal = self.personal_number.clone().map(Identifier::Personal);
        std::iter::once(Identifier::Id(self.id_number.clone())).chain(card).chain(personal)
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Member(…)")
    }
}

/// A number somebody claims to be known by.
#[derive(Clone, Debug)]
pub enum Identifier {
    /// 身份证号.
    Id(IdNumber),
    /// 社保卡号, by the digits a line looks up.
    Card(CardLookup),
    /// 个人编号.
    Personal(PersonalNumber),
}

impl Identifier {
    /// Which kind of number it is.
    #[must_use]
    pub fn kind(&self) -> IdentifierKind {
        match self {
            Self::Id(_) => IdentifierKind::Id,
            Self::Card(_) => IdentifierKind::Card,
            Self::Personal(_) => IdentifierKind::Personal,
        }
    }

    /// The exact bytes of which a blind index is made. Kind and card rule are not among them: equal digits of a card and of
    /// a personal number are told apart only if they are mixed in.
    #[must_use]
    pub fn canonical(&self) -> &[u8] {
        match self {
            Self::Id(number) => number.expose().as_bytes(),
            Self::Card(number) => number.expose().as_bytes(),
            Self::Personal(number) => number.expose().as_bytes(),
        }
    }

    /// What may be said back of it.
    #[must_use]
    pub fn tail(&self) -> Tail {
        match self {
            Self::Id(number) => number.tail(),
            Self::Card(number) => number.tail(),
            Self::Personal(number) => number.tail(),
        }
    }
}

/// By which kind of number a member is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierKind {
    /// 身份证号.
    Id,
    /// 社保卡号.
    Card,
    /// 个人编号.
    Personal,
}

/// An [`Identifier`] as the store and a call's state keep it: its keyed blind index, from which nobody without the
/// key gets back to the number, and which is there whether or not such a member exists.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MemberKey {
    /// Of which kind of number.
    pub kind: IdentifierKind,
    /// The keyed hash of its canonical bytes.
    pub index: [u8; 32],
}

impl fmt::Debug for MemberKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, ..] = self.index;
        write!(f, "MemberKey({:?} {a:02x}{b:02x}…)", self.kind)
    }
}

/// Who a member is throughout the store, whichever of their numbers was keyed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MemberId(pub [u8; 32]);

impl fmt::Debug for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, ..] = self.0;
        write!(f, "MemberId({a:02x}{b:02x}…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_four_digits_of_an_index_at_most() {
        let key = MemberKey { kind: IdentifierKind::Card, index: [0xab; 32] };
        assert_eq!(format!("{key:?} {:?}", MemberId([0x0f; 32])), "MemberKey(Card abab…) MemberId(0f0f…)");
    }

    #[test]
    fn an_identifier_is_its_kind_and_its_canonical_bytes() {
        let today = jiff::civil::date(2026, 7, 1);
        let id = Identifier::Id(IdNumber::parse("110105491231002", today).unwrap());
        assert_eq!((id.kind(), id.canonical()), (IdentifierKind::Id, b"11010519491231002X".as_slice()));
        assert_eq!(id.tail().as_str(), "002X");
        let card = Identifier::Card(CardNumber::parse("A12345678").unwrap().lookup(CardRule::DigitsOnly));
        assert_eq!((card.kind(), card.canonical()), (IdentifierKind::Card, b"12345678".as_slice()));
        let personal = Identifier::Personal(PersonalNumber::parse("12345678").unwrap());
        assert_eq!((personal.kind(), personal.canonical()), (IdentifierKind::Personal, b"12345678".as_slice()));
        assert_eq!(
            format!("{id:?} {card:?} {personal:?}"),
            "Id(IdNumber(…)) Card(CardLookup { digits: Secret(…), rule: DigitsOnly }) \
             Personal(PersonalNumber(Secret(…)))"
        );
    }

    #[test]
    fn keys_are_stored_compactly() {
        let key = MemberKey { kind: IdentifierKind::Personal, index: [7; 32] };
        let bytes = postcard::to_allocvec(&key).unwrap();
        assert_eq!((bytes[0], bytes.len()), (2, 33));
        assert_eq!(postcard::from_bytes::<MemberKey>(&bytes).unwrap(), key);
    }
}
