//! How many tries are left: taken before a PIN is looked at, so that no race gets more of them.
//!
//! A person is counted by a keyed index **whether or not they exist**, so a lock tells nothing about that. The count is
//! of tries that were taken and not forgiven. Every fifth of them locks, each lock twice as long as the one before; the
//! twentieth locks until an operator resets it. All of it follows from one number, so nothing can disagree.
//!
//! The number that calls is counted too, whoever it asks for: persons in any hour, failures in a day. Caller numbers can be
//! forged, so this narrows what one telephone can do and replaces nothing. And the other way round: a number that has
//! signed in for a person before has a few tries of its own while a lock holds, so that nobody is shut out by what others
//! tried. They count towards the twentieth like any other.
//!
//! Rows are locked in one order, so that no two calls wait for each other: the calling number, the person, the two
//! together.

use std::collections::HashSet;
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
    /// What one calling number may do, whoever it asks for.
    pub callers: CallerLimits,
}

/// What one calling number may do, whoever it asks for; and what it may do more for whom it is known to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerLimits {
    /// Persons it may try in any hour.
    pub persons_an_hour: u16,
    /// Tries that may fail in a day, which begins with the first of them.
    pub failures_a_day: u16,
    /// The same for all withheld numbers together, in an hour that begins with the first.
    pub withheld_failures_an_hour: u16,
    /// Numbers without these limits, by the index they are known by: see [`Seals::number`](super::crypto::Seals::number).
    pub exempt: HashSet<[u8; 32]>,
    /// Tries of its own that a number has for a person it signed in for, while others have locked them.
    pub known_tries: u16,
    /// So long after its last success a number is known.
    pub known_for: Duration,
}

impl Default for CallerLimits {
    /// A family telephone, a bad day, and nobody who walks through a list.
    fn default() -> Self {
        Self {
            persons_an_hour: 3,
            failures_a_day: 10,
            withheld_failures_an_hour: 10,
            exempt: HashSet::new(),
            known_tries: 3,
            known_for: Duration::from_hours(90 * 24),
        }
    }
}

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

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
            callers: CallerLimits::default(),
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
    /// None was for others; one of those this number has of its own is gone now.
    TakenInLock,
    /// None is until then.
    Locked(Timestamp),
    /// The calling number may not try anybody now. Says nothing of the person.
    CallerLimit,
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
        // From here to the commit, calls of this number go one by one: what is counted below stands still.
        if !self.count_caller(caller, &limits.callers).await? {
            return Ok(Try::CallerLimit);
        }
        let (hour_ago, most) = self.persons_limit(caller, &limits.callers);
        // One statement tests and takes, so two at once cannot both take the last. The row stays locked until the
        // commit, so the lock below is set before anybody else looks.
        let taken = sqlx::query_scalar(
            "INSERT INTO throttle (person, failures, locked_until, touched_at) SELECT $1, 1, 0, $2 \
             WHERE (SELECT COUNT(*) FROM throttle_callers WHERE caller = $3 AND touched_at > $4 AND person <> $1) < $5 \
             ON CONFLICT (person) DO UPDATE SET failures = throttle.failures + 1, touched_at = $2 \
             WHERE throttle.locked_until <= $2 RETURNING failures",
        )
        .bind(person.as_slice())
        .bind(now.as_millisecond())
        .bind(caller.map_or(&[][..], <[u8; 32]>::as_slice))
        .bind(hour_ago)
        .bind(most)
        .fetch_optional(&mut *self.conn)
        .await?;
        let Some(failures) = taken else { return self.not_taken(person, caller, limits).await };
        if let Some(until) = limits.lock(failures, now) {
            sqlx::query("UPDATE throttle SET locked_until = $2 WHERE person = $1")
                .bind(person.as_slice())
                .bind(until.as_millisecond())
                .execute(&mut *self.conn)
                .await?;
        }
        if let Some(caller) = caller {
            sqlx::query(
                "INSERT INTO throttle_callers (person, caller, failures, own_tries, forgiven, succeeded_at, touched_at) \
                 VALUES ($1, $2, 1, 0, 0, 0, $3) \
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

    /// Why no try was taken; or takes one of those that `caller` has of its own.
    async fn not_taken(
        &mut self,
        person: &[u8; 32],
        caller: Option<&[u8; 32]>,
        limits: &TryLimits,
    ) -> Result<Try, StoreError> {
        let (hour_ago, most) = self.persons_limit(caller, &limits.callers);
        let others: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM throttle_callers WHERE caller = $2 AND touched_at > $3 AND person <> $1",
        )
        .bind(person.as_slice())
        .bind(caller.map_or(&[][..], <[u8; 32]>::as_slice))
        .bind(hour_ago)
        .fetch_one(&mut *self.conn)
        .await?;
        // Told first: who is locked is nothing for a number that walks through a list.
        if others >= most {
            self.uncount_caller(caller, &limits.callers).await?;
            return Ok(Try::CallerLimit);
        }
        let row = sqlx::query(
            "UPDATE throttle SET touched_at = touched_at WHERE person = $1 RETURNING failures, locked_until",
        )
        .bind(person.as_slice())
        .fetch_one(&mut *self.conn)
        .await?;
        let (failures, until): (i64, i64) = (row.try_get("failures")?, row.try_get("locked_until")?);
        if failures < i64::from(limits.in_all) && self.take_own(person, caller, &limits.callers).await? {
            let longer = limits.lock(failures + 1, self.now).map_or(until, |longer| until.max(longer.as_millisecond()));
            sqlx::query("UPDATE throttle SET failures = $2, locked_until = $3, touched_at = $4 WHERE person = $1")
                .bind(person.as_slice())
                .bind(failures + 1)
                .bind(longer)
                .bind(self.now.as_millisecond())
                .execute(&mut *self.conn)
                .await?;
            return Ok(Try::TakenInLock);
        }
        // A PIN that nobody looks at has not failed.
        self.uncount_caller(caller, &limits.callers).await?;
        Ok(Try::Locked(time_of(until)))
    }

    /// Takes one of the tries that `caller` has of its own for `person`, if it is known for them and has one left.
    async fn take_own(
        &mut self,
        person: &[u8; 32],
        caller: Option<&[u8; 32]>,
        limits: &CallerLimits,
    ) -> Result<bool, StoreError> {
        let Some(caller) = caller else { return Ok(false) };
        let taken = sqlx::query(
            "UPDATE throttle_callers SET failures = failures + 1, own_tries = own_tries + 1, touched_at = $3 \
             WHERE person = $1 AND caller = $2 AND succeeded_at > $4 AND own_tries < $5",
        )
        .bind(person.as_slice())
        .bind(caller.as_slice())
        .bind(self.now.as_millisecond())
        .bind(self.ago(limits.known_for))
        .bind(i64::from(limits.known_tries))
        .execute(&mut *self.conn)
        .await?;
        Ok(taken.rows_affected() == 1)
    }

    /// Counts a failure of `caller`, before it is known to be one. `false`: it has none left.
    async fn count_caller(&mut self, caller: Option<&[u8; 32]>, limits: &CallerLimits) -> Result<bool, StoreError> {
        let Some((key, lasts, most)) = self.budget(caller, limits) else { return Ok(true) };
        let counted: Option<i64> = sqlx::query_scalar(
            "INSERT INTO callers (caller, failures, since) VALUES ($1, 1, $2) \
             ON CONFLICT (caller) DO UPDATE SET \
             failures = CASE WHEN callers.since <= $3 THEN 1 ELSE callers.failures + 1 END, \
             since = CASE WHEN callers.since <= $3 THEN $2 ELSE callers.since END \
             WHERE callers.since <= $3 OR callers.failures < $4 RETURNING failures",
        )
        .bind(key.as_slice())
        .bind(self.now.as_millisecond())
        .bind(self.ago(lasts))
        .bind(i64::from(most))
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(counted.is_some())
    }

    /// What was counted was no failure.
    async fn uncount_caller(&mut self, caller: Option<&[u8; 32]>, limits: &CallerLimits) -> Result<(), StoreError> {
        let Some((key, ..)) = self.budget(caller, limits) else { return Ok(()) };
        sqlx::query("UPDATE callers SET failures = failures - 1 WHERE caller = $1 AND failures > 0")
            .bind(key.as_slice())
            .execute(&mut *self.conn)
            .await?;
        Ok(())
    }

    /// Under which key failures of `caller` are counted, how long one counts, how many there may be. `None`: they are not.
    fn budget(&self, caller: Option<&[u8; 32]>, limits: &CallerLimits) -> Option<([u8; 32], Duration, u16)> {
        match caller {
            Some(number) if limits.exempt.contains(number) => None,
            Some(number) => Some((*number, DAY, limits.failures_a_day)),
            None => Some((self.seals.withheld(), HOUR, limits.withheld_failures_an_hour)),
        }
    }

    /// Since when persons are counted for `caller`, and how many there may be.
    fn persons_limit(&self, caller: Option<&[u8; 32]>, limits: &CallerLimits) -> (i64, i64) {
        let counted = caller.is_some_and(|number| !limits.exempt.contains(number));
        (self.ago(HOUR), if counted { i64::from(limits.persons_an_hour) } else { i64::MAX })
    }

    /// The time so long ago, as it is stored.
    fn ago(&self, span: Duration) -> i64 {
        self.now.saturating_sub(span).unwrap_or(Timestamp::MIN).as_millisecond()
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
        self.uncount_caller(caller, &limits.callers).await?;
        // Written first, only to lock the row in both engines: everybody takes this lock before any other of a person.
        let row = sqlx::query(
            "UPDATE throttle SET touched_at = touched_at WHERE person = $1 RETURNING failures, locked_until",
        )
        .bind(person.as_slice())
        .fetch_optional(&mut *self.conn)
        .await?;
        // From now on the number is known for the person. Without a row an operator reset the count in between: then only
        // this try is forgiven.
        let own: i64 = match caller {
            Some(caller) => {
                sqlx::query_scalar(
                    "INSERT INTO throttle_callers \
                     (person, caller, failures, own_tries, forgiven, succeeded_at, touched_at) \
                     VALUES ($1, $2, 0, 0, 1, $3, $3) ON CONFLICT (person, caller) DO UPDATE SET \
                     forgiven = throttle_callers.failures, failures = 0, own_tries = 0, succeeded_at = $3, \
                     touched_at = $3 RETURNING forgiven",
                )
                .bind(person.as_slice())
                .bind(caller.as_slice())
                .bind(self.now.as_millisecond())
                .fetch_one(&mut *self.conn)
                .await?
            }
            None => 1,
        };
        // No row: an operator reset the count in between.
        let Some(row) = row else { return Ok(()) };
        let (before, locked_until): (i64, i64) = (row.try_get("failures")?, row.try_get("locked_until")?);
        let after = (before - own).max(0);
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

    /// How many tries for `person` were taken and not forgiven.
    pub(crate) async fn failures(&mut self, person: &[u8; 32]) -> Result<u64, StoreError> {
        let failures: Option<i64> = sqlx::query_scalar("SELECT failures FROM throttle WHERE person = $1")
            .bind(person.as_slice())
            .fetch_optional(&mut *self.conn)
            .await?;
        Ok(failures.unwrap_or_default().unsigned_abs())
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
        sqlx::query("DELETE FROM callers WHERE since <= $1").bind(self.ago(DAY)).execute(&mut *self.conn).await?;
        sqlx::query("DELETE FROM throttle WHERE touched_at < $1 AND locked_until <= $2")
            .bind(self.ago(limits.forgotten_after))
            .bind(self.now.as_millisecond())
            .execute(&mut *self.conn)
            .await?;
        sqlx::query("DELETE FROM throttle_callers WHERE touched_at < $1")
            .bind(self.ago(limits.forgotten_after.max(limits.callers.known_for)))
            .execute(&mut *self.conn)
            .await?;
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
