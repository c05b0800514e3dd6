//! The proof that a caller has signed in.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::pin_proof::PinGrant;
use crate::member::MemberId;
use crate::secret::PinVerified;

/// The caller has shown number and PIN: every request for something personal takes one.
///
/// Its fields are private; [`SignedIn::grant`] makes one from the proof that the PIN was checked, [`SignedIn::by_change`] from
/// that for changing it, and it ends by itself.
/// It can be serialised because it travels in the sealed state, which only our own key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SignedIn {
    member: MemberId,
    until: Timestamp,
}

impl SignedIn {
    /// How long a sign-in lasts (TRUST.md 4: balances are spoken only inside five minutes after the PIN).
    pub const LASTS: Duration = Duration::from_mins(5);

    /// Grants what `proof` proves for `member`, from `now` on.
    #[must_use]
    pub fn grant(_proof: PinVerified, member: MemberId, now: Timestamp) -> Self {
        Self { member, until: now.saturating_add(Self::LASTS).unwrap_or(now) }
    }

    /// Grants what whoever has just set a PIN has shown, from `now` on.
    #[must_use]
    pub fn by_change(grant: PinGrant, now: Timestamp) -> Self {
        Self { member: grant.member(), until: now.saturating_add(Self::LASTS).unwrap_or(now) }
    }

    /// Whose accounts may be read.
    #[must_use]
    pub fn member(&self) -> MemberId {
        self.member
    }

    /// Whether it still holds at `now`.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        now < self.until
    }
}
