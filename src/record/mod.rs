//! Calls as they are recorded: which keys of menus were pressed, the *shape* of what was keyed, the prompts that were heard.
//!
//! The driver tells a [`Recorder`] of every turn. What a caller keyed comes as [`Shape`], which cannot
//! hold the digits of a number or a PIN; a key that a menu does not offer comes as another one of those. What the world
//! answered is shifted ([`shift`]) before it is kept; what was heard is kept in words where everybody hears the same, and
//! else as the prompt's name. A call ends as a [`Take`], which is made into a transcript elsewhere, replayed, and written only
//! if the same is heard.
//!
//! What a [`Take`] holds while the call is up, in memory alone: of each person the keyed indexes of their numbers and their
//! place in the store, by which they are known again in the call; amounts and days, shifted; the two keys these were shifted
//! with. No number, no PIN, no name, no amount or day as it is.

mod folder;
mod person;
pub mod shift;
mod take;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use jiff::Timestamp;
use tokio::sync::mpsc::{self, Receiver, Sender};

pub use folder::{Folder, Recording};
pub use person::{Person, PinFound};
pub use take::{Act, Calling, Heard, Said, Scene, Take, Then, Why};

use crate::call::caller::Call;
use crate::dialog::Shape;
use crate::telemetry::{Occurrence, Telemetry};
use shift::Shift;

/// So many calls are recorded at once, of some ten kilobytes each.
const MOST_AT_ONCE: usize = 500;
/// So many finished calls wait to be written.
const WAITING: usize = 100;

/// Takes down the calls of this node.
#[derive(Debug)]
pub struct Recorder {
    takes: DashMap<Box<str>, Slot>,
    /// Of so many calls one is recorded.
    every: u32,
    calls: AtomicU32,
    finished: Sender<Take>,
    telemetry: Arc<Telemetry>,
}

/// Where a call is taken down.
#[derive(Debug)]
enum Slot {
    /// Between two turns.
    Here(Box<Take>),
    /// While a turn is under way; it stays so if the turn is broken off.
    Away(Away),
}

/// What happens to a call while a turn of it is under way.
#[derive(Debug)]
struct Away {
    since: Timestamp,
    spoilt: Option<Why>,
    ended: Option<Timestamp>,
}

impl Recorder {
    /// Records one of `every` so many calls; those that are over come out of the receiver.
    #[must_use]
    pub fn new(every: u32, telemetry: Arc<Telemetry>) -> (Self, Receiver<Take>) {
        let (finished, takes) = mpsc::channel(WAITING);
        (Self { takes: DashMap::new(), every: every.max(1), calls: AtomicU32::new(0), finished, telemetry }, takes)
    }

    /// A call has come in, at a node that has not heard of it, to a line that `dialled` leads to.
    pub fn begin(&self, call: &Call, dialled: Option<&str>, marked: bool, now: Timestamp) {
        if !self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(self.every) {
            return;
        }
        if self.takes.len() >= MOST_AT_ONCE {
            return self.left_out(Why::TooMany);
        }
        let Some(dialled) = dialled else { return self.left_out(Why::Unclear) };
        let Some(shift) = Shift::drawn() else { return self.left_out(Why::NoRandomness) };
        let take = Take::new(call, dialled.into(), marked, now, shift);
        self.takes.insert(name(call), Slot::Here(Box::new(take)));
    }

    /// The call's take, if it is recorded and `turn` is its next, in which the caller did what `shape` says. It is given back
    /// with [`Recorder::keep`].
    pub fn take(&self, call: &Call, turn: u16, shape: Option<Shape>) -> Option<Box<Take>> {
        let mut slot = self.takes.get_mut(&name(call))?;
        let since = match &mut *slot {
            Slot::Here(take) => match take.is_next(turn, shape) {
                Some(true) => take.last(),
                // A repeat.
                None => return None,
                Some(false) => {
                    take.spoil(Why::Elsewhere);
                    return None;
                }
            },
            // Turns of a call come one after the other: the one before was broken off.
            Slot::Away(away) => {
                away.spoilt.get_or_insert(Why::BrokenOff);
                return None;
            }
        };
        match std::mem::replace(&mut *slot, Slot::Away(Away { since, spoilt: None, ended: None })) {
            Slot::Here(take) => Some(take),
            Slot::Away(_) => None,
        }
    }

    /// The turn is done; `over`: and the call with it.
    pub fn keep(&self, call: &Call, mut take: Box<Take>, over: bool) {
        let name = name(call);
        // Counted already, if it is gone.
        let Some((_, Slot::Away(away))) = self.takes.remove(&name) else { return };
        if let Some(why) = away.spoilt {
            take.spoil(why);
        }
        if let Some(at) = away.ended.filter(|_| !over) {
            take.hangs_up(at);
        }
        if over || take.hung_up.is_some() {
            self.finish(*take);
        } else {
            self.takes.insert(name, Slot::Here(take));
        }
    }

    /// Something happened for which the call cannot be recorded.
    pub fn spoil(&self, call: &Call, why: Why) {
        match self.takes.get_mut(&name(call)).as_deref_mut() {
            Some(Slot::Here(take)) => take.spoil(why),
            Some(Slot::Away(away)) => drop(away.spoilt.get_or_insert(why)),
            None => {}
        }
    }

    /// The platform has told that the call is over.
    pub fn ended(&self, call: &Call, now: Timestamp) {
        let name = name(call);
        if let Some(Slot::Away(away)) = self.takes.get_mut(&name).as_deref_mut()
            && away.spoilt.is_none()
        {
            away.ended = Some(now);
            return;
        }
        match self.takes.remove(&name) {
            Some((_, Slot::Here(mut take))) => {
                take.hangs_up(now);
                self.finish(*take);
            }
            Some((_, Slot::Away(away))) => self.left_out(away.spoilt.unwrap_or(Why::BrokenOff)),
            None => {}
        }
    }

    /// Forgets calls of which nothing was heard for `idle`: their end was told elsewhere, or a turn was broken off.
    pub fn sweep(&self, now: Timestamp, idle: Duration) {
        self.takes.retain(|_, slot| {
            let (last, why) = match slot {
                Slot::Here(take) => (take.last(), take.spoilt().unwrap_or(Why::Elsewhere)),
                Slot::Away(away) => (away.since, away.spoilt.unwrap_or(Why::BrokenOff)),
            };
            let kept = now.duration_since(last).unsigned_abs() < idle;
            if !kept {
                self.left_out(why);
            }
            kept
        });
    }

    fn finish(&self, take: Take) {
        match take.spoilt() {
            Some(why) => self.left_out(why),
            None if self.finished.try_send(take).is_err() => self.left_out(Why::TooMany),
            None => {}
        }
    }

    fn left_out(&self, why: Why) {
        self.telemetry.record(&Occurrence::NotRecorded { why: why.name() });
    }
}

fn name(call: &Call) -> Box<str> {
    format!("{}/{}", call.dialect, call.id).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::caller::Caller;

    fn call() -> Call {
        Call { dialect: "twilio", id: "CA-1".into(), caller: Caller::Withheld, dialled: "+861012333\n> 按 1".into() }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn recorder() -> (Recorder, Receiver<Take>) {
        let (recorder, takes) = Recorder::new(1, Arc::new(Telemetry::new()));
        recorder.begin(&call(), Some("12333"), false, at(0));
        (recorder, takes)
    }

    /// What the platform tells while a turn is under way is not lost.
    #[test]
    fn a_call_that_ends_in_a_turn_is_kept() {
        let (recorder, mut takes) = recorder();
        let take = recorder.take(&call(), 0, None).unwrap();
        recorder.ended(&call(), at(7));
        recorder.keep(&call(), take, false);
        let take = takes.try_recv().unwrap();
        assert_eq!((take.hung_up, &*take.dialled), (Some(Duration::from_secs(7)), "12333"));
        assert!(recorder.takes.is_empty());
    }

    #[test]
    fn a_turn_that_is_broken_off_spoils_the_call() {
        let (recorder, mut takes) = recorder();
        drop(recorder.take(&call(), 0, None).unwrap());
        // The platform tries once more.
        assert!(recorder.take(&call(), 0, None).is_none());
        assert_eq!(recorder.takes.len(), 1);
        recorder.ended(&call(), at(7));
        assert!(recorder.takes.is_empty() && takes.try_recv().is_err());
        let (recorder, _takes) = self::recorder();
        drop(recorder.take(&call(), 0, None).unwrap());
        recorder.sweep(at(59), Duration::from_mins(1));
        assert_eq!(recorder.takes.len(), 1);
        recorder.sweep(at(60), Duration::from_mins(1));
        assert!(recorder.takes.is_empty());
    }

    #[test]
    fn what_spoils_a_call_in_a_turn_spoils_it() {
        let (recorder, mut takes) = recorder();
        let take = recorder.take(&call(), 0, None).unwrap();
        recorder.spoil(&call(), Why::Resumed);
        recorder.keep(&call(), take, true);
        assert!(recorder.takes.is_empty() && takes.try_recv().is_err());
    }
}
