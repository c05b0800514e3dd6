//! A member's card (社保卡), as calls tell of it.

use jiff::Timestamp;
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
