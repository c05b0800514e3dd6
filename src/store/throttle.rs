//! How many tries are left: taken before a PIN is looked at, so that no race gets more of them.
//!
//! A person is counted by a keyed index **whether or not they exist**, so a lock tells nothing about that. The count is
//! of tries that were taken and not forgiven. Every fifth of them locks, each lock twice as long as the one before; the
//! twentieth locks until an operator resets it. All of it follows from one number, so nothing can disagree.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::Row as _;

use super::{StoreError, Tx, time_of};

/// How many tries there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TryLimits {
    /// In one call, whatever numbers they are for.
    pub per_call: u16,
    /// For one person, until a lock; and again so many until the next.
    pub before_lock: u16,
    /// How long the first lock lasts; each further one lasts twice as long.
    pub first_lock: Duration,
    /// No lock but the last lasts longer.
    pub longest_lock: Duration,
    /// For one person, until only an operator can help.
    pub in_all: u16,
    /// So long after the last try, the count is forgotten. The last lock never is.
    pub forgotten_after: Duration,
}

impl Default for TryLimits {
    /// 5 and 30 minutes as GB/T 22239 is read, doubling to 24 hours; 20 of the 100 that NIST SP 800-63B allows.
    fn default() -> Self {
        Self {
            per_call: 3,
            before_lock: 5,
            first_lock: Duration::from_mins(30),
            longest_lock: Duration::from_hours(24),
            in_all: 20,
            forgotten_after: Duration::from_hours(90 * 24),
        }
    }
}

/// The end of a lock that only an operator ends.
pub const FOR_EVER: Timestamp = Timestamp::MAX;

impl TryLimits {
    /// Until when the `failures`-th try, taken at `now`, locks. `None`: it does not.
    fn lock(&self, failures: i64, now: Timestamp) -> Option<Timestamp> {
        if failures >= i64::from(self.in_all) {
            return Some(FOR_EVER);
        }
        let locks = failures.checked_div(i64::from(self.before_lock))?;
        if locks == 0 || failures % i64::from(self.before_lock) != 0 {
            return None;
        }
        let doubled = u32::try_from(locks - 1).ok().and_then(|n| 2_u32.checked_pow(n)).unwrap_or(u32::MAX);
        let lasts = self.first_lock.saturating_mul(doubled).min(self.longest_lock);
        Some(now.saturating_add(lasts).unwrap_or(FOR_EVER))
    }

    /// Whether only an operator ends a lock until then; stored in milliseconds.
    pub(crate) fn is_for_ever(until: Timestamp) -> bool {
        until.as_millisecond() >= FOR_EVER.as_millisecond()
    }

    /// How many locks so many failures stand for.
    fn locks(&self, failures: i64) -> i64 {
        let ended = i64::from(failures >= i64::from(self.in_all));
        failures.checked_div(i64::from(self.before_lock)).unwrap_or_default() + ended
    }
}

/// Whether a try was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Try {
    /// One was, and is gone now.
    Taken,
    /// None is until then.
    Locked(Timestamp),
}

impl Tx<'_> {
    /// Takes a try for `person`, if one is left, and remembers that it was `caller`'s.
    pub(crate) async fn take_try(
        &mut self,
        person: &[u8; 32],
        caller: Option<&[u8; 32]>,
        limits: &TryLimits,
    ) -> Result<Try, StoreError> {
        let now = self.now;
        // One statement tests and takes, so two at once cannot both take the last. The row stays locked until the
        // commit, so the lock below is set before anybody else looks.
        let taken = sqlx::query_scalar(
            "INSERT INTO throttle (person, failures, locked_until, touched_at) VALUES ($1, 1, 0, $2) \
             ON CONFLICT (person) DO UPDATE SET failures = throttle.failures + 1, touched_at = $2 \
             WHERE throttle.locked_until <= $2 RETURNING failures",
        )
        .bind(person.as_slice())
        .bind(now.as_millisecond())
        .fetch_optional(&mut *self.conn)
        .await?;
        let Some(failures) = taken else {
            let until = sqlx::query_scalar("SELECT locked_until FROM throttle WHERE person = $1")
                .bind(person.as_slice())
                .fetch_one(&mut *self.conn)
                .await?;
            return Ok(Try::Locked(time_of(until)));
        };
        if let Some(until) = limits.lock(failures, now) {
            sqlx::query("UPDATE throttle SET locked_until = $2 WHERE person = $1")
                .bind(person.as_slice())
                .bind(until.as_millisecond())
                .execute(&mut *self.conn)
                .await?;
        }
        if let Some(caller) = caller {
            sqlx::query(
                "INSERT INTO throttle_callers (person, caller, failures, touched_at) VALUES ($1, $2, 1, $3) \
                 ON CONFLICT (person, caller) DO UPDATE SET failures = throttle_callers.failures + 1, touched_at = $3",
            )
            .bind(person.as_slice())
            .bind(caller.as_slice())
            .bind(now.as_millisecond())
            .execute(&mut *self.conn)
            .await?;
        }
        Ok(Try::Taken)
    }

    /// A try of `caller` was right: it and the earlier ones of the same number did not happen. What other numbers
    /// tried stays counted, else whoever guesses would get four fresh tries after every call of the owner. A number
    /// that is withheld is nobody's, so it is forgiven this one try only.
    pub(crate) async fn forgive(
        &mut self,
        person: &[u8; 32],
        caller: Option<&[u8; 32]>,
        limits: &TryLimits,
    ) -> Result<(), StoreError> {
        // Written first, only to lock the row in both engines: everybody takes this lock before any other of a person.
        let row = sqlx::query(
            "UPDATE throttle SET touched_at = touched_at WHERE person = $1 RETURNING failures, locked_until",
        )
        .bind(person.as_slice())
        .fetch_optional(&mut *self.conn)
        .await?;
        let own: Option<i64> = match caller {
            Some(caller) => {
                sqlx::query_scalar("DELETE FROM throttle_callers WHERE person = $1 AND caller = $2 RETURNING failures")
                    .bind(person.as_slice())
                    .bind(caller.as_slice())
                    .fetch_optional(&mut *self.conn)
                    .await?
            }
            None => Some(1),
        };
        // No row: an operator reset the count in between.
        let Some(row) = row else { return Ok(()) };
        let (before, locked_until): (i64, i64) = (row.try_get("failures")?, row.try_get("locked_until")?);
        let after = (before - own.unwrap_or(1)).max(0);
        // A lock that came only of tries that did not happen did not happen either.
        let locked_until = if limits.locks(after) < limits.locks(before) { 0 } else { locked_until };
        sqlx::query("UPDATE throttle SET failures = $2, locked_until = $3 WHERE person = $1")
            .bind(person.as_slice())
            .bind(after)
            .bind(locked_until)
            .execute(&mut *self.conn)
            .await?;
        Ok(())
    }

    /// Forgets every count and lock of `person`: an operator has seen them in person.
    pub(crate) async fn reset_tries(&mut self, person: &[u8; 32]) -> Result<(), StoreError> {
        for forget in ["DELETE FROM throttle WHERE person = $1", "DELETE FROM throttle_callers WHERE person = $1"] {
            sqlx::query(forget).bind(person.as_slice()).execute(&mut *self.conn).await?;
        }
        Ok(())
    }

    /// Forgets counts that nothing was added to for long, except those that only an operator may end.
    pub(crate) async fn sweep_tries(&mut self, limits: &TryLimits) -> Result<(), StoreError> {
        let before = self.now.saturating_sub(limits.forgotten_after).unwrap_or(Timestamp::MIN).as_millisecond();
        sqlx::query("DELETE FROM throttle WHERE touched_at < $1 AND locked_until <= $2")
            .bind(before)
            .bind(self.now.as_millisecond())
            .execute(&mut *self.conn)
            .await?;
        sqlx::query("DELETE FROM throttle_callers WHERE touched_at < $1").bind(before).execute(&mut *self.conn).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fifth_try_locks_and_the_twentieth_for_ever() {
        let limits = TryLimits::default();
        let now = Timestamp::UNIX_EPOCH;
        let minutes = |failures| {
            limits.lock(failures, now).map(|until| if until == FOR_EVER { i64::MAX } else { until.as_second() / 60 })
        };
        let locks: Vec<_> = (1..=22).filter_map(|n| minutes(n).map(|m| (n, m))).collect();
        assert_eq!(locks, [(5, 30), (10, 60), (15, 120), (20, i64::MAX), (21, i64::MAX), (22, i64::MAX)]);
    }

    #[test]
    fn no_lock_but_the_last_is_longer_than_a_day() {
        let limits = TryLimits { in_all: 1000, ..TryLimits::default() };
        let hours = |failures| limits.lock(failures, Timestamp::UNIX_EPOCH).unwrap().as_second() / 3600;
        assert_eq!([hours(30), hours(35), hours(500)], [16, 24, 24]);
    }
}
