//! The calls that are up, as far as this node has seen them: a bounded register, never a session store.
//!
//! Everything here may be lost without harm to a call. It makes copies of a webhook wait for the first one, gives them
//! the same moment in time, remembers for a while which calls are over, and counts.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use jiff::Timestamp;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::caller::Call;

/// The register of live calls.
#[derive(Debug)]
pub struct LiveCalls {
    calls: DashMap<Box<str>, Entry>,
    most: usize,
}

#[derive(Debug)]
struct Entry {
    seen: Timestamp,
    /// The platform has told that it is over.
    over: bool,
    /// The dialog has hung up; the platform may yet repeat its last webhook.
    hung_up: bool,
    /// One webhook of a call at a time; holds the moment of the last turn.
    turn: Arc<Mutex<Moment>>,
}

/// When a turn of a call was first taken, and when the call came in.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    came: Timestamp,
    /// Which, and whether it was one of waiting.
    turn: Option<(u16, bool)>,
    at: Timestamp,
    /// The furthest turn taken.
    furthest: Option<u16>,
    /// The turn in which the dialog hung up.
    last: Option<u16>,
}

impl Moment {
    fn new(now: Timestamp) -> Self {
        Self { came: now, turn: None, at: now, furthest: None, last: None }
    }

    /// The moment of `turn`: `now`, or when its first copy came. Waiting in a queue may be told of at one and the same step
    /// many times, and then that it is over: that has a moment of its own.
    pub fn of_turn(&mut self, turn: u16, waits: bool, now: Timestamp) -> Timestamp {
        if self.turn != Some((turn, waits)) {
            *self = Self { turn: Some((turn, waits)), at: now, furthest: self.furthest.max(Some(turn)), ..*self };
        }
        self.at
    }

    /// The dialog hangs up in `turn`.
    pub fn hang_up(&mut self, turn: u16) {
        self.last.get_or_insert(turn);
    }

    /// Whether the dialog has hung up, and not in `turn`: what was left behind then is not taken up again.
    #[must_use]
    pub fn is_past(&self, turn: u16) -> bool {
        self.last.is_some_and(|last| last != turn)
    }

    /// The moment of the turn that is being taken.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// When this node first heard of the call.
    #[must_use]
    pub fn came(&self) -> Timestamp {
        self.came
    }

    /// A turn that this call has not had yet, as far as this node knows.
    #[must_use]
    pub fn next_turn(&self) -> u16 {
        self.furthest.map_or(0, |turn| turn.saturating_add(1))
    }
}

impl LiveCalls {
    /// How long an ended call is remembered, so that what comes late is told from what goes on.
    const AFTER_END: Duration = Duration::from_mins(10);

    /// Room for `most` calls; those beyond are served all the same, unregistered.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { calls: DashMap::new(), most }
    }

    /// Waits until no other webhook of `call` is being answered, and notes that one is.
    pub async fn enter(&self, call: &Call, now: Timestamp) -> OwnedMutexGuard<Moment> {
        let turn = self.register(call, now);
        turn.lock_owned().await
    }

    fn register(&self, call: &Call, now: Timestamp) -> Arc<Mutex<Moment>> {
        let name = name(call);
        if let Some(mut entry) = self.calls.get_mut(&name) {
            entry.seen = now;
            return Arc::clone(&entry.turn);
        }
        let turn = Arc::new(Mutex::new(Moment::new(now)));
        if self.calls.len() < self.most {
            let entry =
                self.calls.entry(name).or_insert_with(|| Entry { seen: now, over: false, hung_up: false, turn });
            return Arc::clone(&entry.turn);
        }
        turn
    }

    /// Notes that `call` is over.
    pub fn end(&self, call: &Call, now: Timestamp) {
        if let Some(mut entry) = self.calls.get_mut(&name(call)) {
            entry.over = true;
            entry.seen = now;
        } else if self.calls.len() < self.most {
            let turn = Arc::new(Mutex::new(Moment::new(now)));
            self.calls.insert(name(call), Entry { seen: now, over: true, hung_up: true, turn });
        }
    }

    /// Notes that the dialog has hung up on `call`.
    pub fn hang_up(&self, call: &Call) {
        if let Some(mut entry) = self.calls.get_mut(&name(call)) {
            entry.hung_up = true;
        }
    }

    /// Whether this node knows that `call` is over.
    #[must_use]
    pub fn is_over(&self, call: &Call) -> bool {
        self.calls.get(&name(call)).is_some_and(|entry| entry.over)
    }

    /// How many calls are up, as far as this node has seen them.
    #[must_use]
    pub fn count(&self) -> usize {
        self.calls.iter().filter(|entry| !entry.over && !entry.hung_up).count()
    }

    /// Forgets calls that ended a while ago, or that nothing was heard of for `idle`.
    pub fn sweep(&self, now: Timestamp, idle: Duration) {
        self.calls.retain(|_, entry| {
            let unheard = now.duration_since(entry.seen).unsigned_abs();
            unheard < if entry.over || entry.hung_up { Self::AFTER_END } else { idle }
        });
    }
}

fn name(call: &Call) -> Box<str> {
    format!("{}/{}", call.dialect, call.id).into()
}
