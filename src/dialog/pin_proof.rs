//! What a caller must have shown before they may set another PIN.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::signed_in::SignedIn;
use crate::member::{IdentifierKind, MemberId};
use crate::secret::{PinDraft, PinVerified};

/// The PIN that is in force: the one a change is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PinInForce {
    /// Another in each PIN that is set: a change finds by it that nobody was faster.
    pub generation: [u8; 8],
    /// What tells a new PIN from it.
    pub draft: PinDraft,
}

/// The caller has shown number and PIN, but the PIN is an initial one, and proves little: it opens nothing. A second
/// number of theirs must follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FirstProof {
    member: MemberId,
    pin: PinInForce,
    second: IdentifierKind,
    until: Timestamp,
}

impl FirstProof {
    /// Grants what `proof` proves for `member`: to show a number of the kind `second`, from `now` on.
    #[must_use]
    pub fn grant(
        _proof: PinVerified,
        member: MemberId,
        pin: PinInForce,
        second: IdentifierKind,
        now: Timestamp,
    ) -> Self {
        Self { member, pin, second, until: ends(now) }
    }

    /// Whose PIN is to be changed.
    #[must_use]
    pub fn member(&self) -> MemberId {
        self.member
    }

    /// Which number must follow.
    #[must_use]
    pub fn second(&self) -> IdentifierKind {
        self.second
    }

    /// Whether it still holds at `now`.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

/// The caller may set another PIN: they have shown the one in force, and a second number where it is an initial one.
///
/// It can be serialised because it travels in the sealed state, which only our own key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PinGrant {
    member: MemberId,
    pin: PinInForce,
    until: Timestamp,
}

impl PinGrant {
    /// Grants what `proof` proves for `member`, from `now` on.
    #[must_use]
    pub fn grant(_proof: PinVerified, member: MemberId, pin: PinInForce, now: Timestamp) -> Self {
        Self { member, pin, until: ends(now) }
    }

    /// Grants what `first` and a number that was found to be of `owner` prove together. `None`: they are of two people.
    #[must_use]
    pub fn with_second(first: FirstProof, owner: MemberId, now: Timestamp) -> Option<Self> {
        (owner == first.member).then_some(Self { member: first.member, pin: first.pin, until: ends(now) })
    }

    /// Whose PIN may be changed.
    #[must_use]
    pub fn member(&self) -> MemberId {
        self.member
    }

    /// The PIN that may be changed.
    #[must_use]
    pub fn pin(&self) -> PinInForce {
        self.pin
    }

    /// Whether it still holds at `now`.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

/// As long as a sign-in.
fn ends(now: Timestamp) -> Timestamp {
    now.saturating_add(SignedIn::LASTS).unwrap_or(now)
}
