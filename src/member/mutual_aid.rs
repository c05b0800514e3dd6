//! 家庭共济: for whom a member lets their personal account pay, and what it has paid for them.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::account::vocabulary;
use super::money::Money;

vocabulary! {
    /// 近亲属: the eight kinds of near relatives there are (civil code, article 1045), as seen from the member.
    Relation {
        /// 配偶.
        Spouse = "spouse",
        /// 父母.
        Parent = "parents",
        /// 子女.
        Child = "children",
        /// 兄弟姐妹.
        Sibling = "siblings",
        /// 祖父母.
        PaternalGrandparent = "paternal_grandparents",
        /// 外祖父母.
        MaternalGrandparent = "maternal_grandparents",
        /// 孙子女.
        SonsChild = "sons_children",
        /// 外孙子女.
        DaughtersChild = "daughters_children",
    }
}

impl Relation {
    /// The most there can be of them.
    #[must_use]
    pub fn most(self) -> u8 {
        match self {
            Self::Spouse => 1,
            _ => 99,
        }
    }
}

/// So many relatives of one kind. Who they are is not known here.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// How they are related.
    pub relation: Relation,
    /// How many, never none.
    pub count: u8,
}

/// What the account has paid for them in a year.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AidUsed {
    /// The calendar year.
    pub year: i16,
    /// How much, never below zero.
    pub amount: Money,
    /// The last day that is counted in.
    pub as_of: Date,
}

/// 家庭共济 of one member. `Debug` shows nothing: a family is as private as its money.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MutualAid {
    /// Who is bound, each kind once, in the order of [`Relation::ALL`]; nobody, where the account is not shared.
    pub bound: Vec<Bound>,
    /// What was used; `None`: the account was never shared.
    pub used: Option<AidUsed>,
}

impl MutualAid {
    /// How many are bound in all.
    #[must_use]
    pub fn people(&self) -> u32 {
        self.bound.iter().map(|bound| u32::from(bound.count)).sum()
    }
}

impl fmt::Debug for MutualAid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MutualAid(…)")
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    /// What is stored is read by these numbers.
    #[test]
    fn the_eight_near_relatives() {
        let words: Vec<_> = Relation::ALL.iter().map(|relation| relation.as_str()).collect();
        assert_eq!(
            words.join(" "),
            "spouse parents children siblings paternal_grandparents maternal_grandparents sons_children daughters_children"
        );
        for (index, relation) in Relation::ALL.iter().enumerate() {
            assert_eq!(postcard::to_allocvec(relation).unwrap(), [u8::try_from(index).unwrap()]);
        }
        assert_eq!((Relation::Spouse.most(), Relation::SonsChild.most()), (1, 99));
    }

    #[test]
    fn a_family_survives_the_store_and_does_not_show() {
        let aid = MutualAid {
            bound: vec![Bound { relation: Relation::Spouse, count: 1 }, Bound { relation: Relation::Child, count: 2 }],
            used: Some(AidUsed { year: 2026, amount: Money::parse("800").unwrap(), as_of: date(2026, 6, 30) }),
        };
        let bytes = postcard::to_allocvec(&aid).unwrap();
        assert_eq!(postcard::from_bytes::<MutualAid>(&bytes).unwrap(), aid);
        assert_eq!((aid.people(), format!("{aid:?}")), (3, "MutualAid(…)".to_owned()));
        assert_eq!(MutualAid::default().people(), 0);
    }
}
