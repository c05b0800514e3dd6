//! What is counted: a number says its measure word.

/// What is being counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Entries of an account, 笔.
    Entries,
    /// People waiting, politely: 位.
    People,
    /// People in a record: 人.
    Persons,
    /// 分钟.
    Minutes,
    /// 小时.
    Hours,
    /// 天.
    Days,
    /// 次.
    Times,
    /// Digits of a number to be keyed: 位数字.
    Digits,
}

impl Measure {
    /// Every measure there is.
    pub const ALL: [Self; 8] =
        [Self::Entries, Self::People, Self::Persons, Self::Minutes, Self::Hours, Self::Days, Self::Times, Self::Digits];
}
