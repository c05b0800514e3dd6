//! Calls as they are recorded: which keys of menus were pressed, the *shape* of what was keyed, the prompts that were heard.
//! Nothing here holds a number, a PIN, an amount or a day of anybody's.
//!
//! The driver tells a [`Recorder`] of every turn. What a caller keyed comes as [`Shape`], which cannot
//! hold digits; what the world answered is shifted ([`shift`]) before it is kept; what was heard is kept in words where
//! everybody hears the same, and else as the prompt's name. A call ends as a [`Take`], which is made into a transcript
//! elsewhere, replayed, and written only if the same is heard.

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
    takes: DashMap<Box<str>, Take>,
    /// Of so many calls one is recorded.
    every: u32,
    calls: AtomicU32,
    finished: Sender<Take>,
    telemetry: Arc<Telemetry>,
}

impl Recorder {
    /// Records one of `every` so many calls; those that are over come out of the receiver.
    #[must_use]
    pub fn new(every: u32, telemetry: Arc<Telemetry>) -> (Self, Receiver<Take>) {
        let (finished, takes) = mpsc::channel(WAITING);
        (Self { takes: DashMap::new(), every: every.max(1), calls: AtomicU32::new(0), finished, telemetry }, takes)
    }

    /// A call has come in, at a node that has not heard of it.
    pub fn begin(&self, call: &Call, marked: bool, now: Timestamp) {
        if !self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(self.every) {
            return;
        }
        let mut seed = [0; 8];
        // Without randomness, surrogates could be turned back into what they stand for.
        if getrandom::fill(&mut seed).is_err() || self.takes.len() >= MOST_AT_ONCE {
            return self.left_out(Why::TooMany);
        }
        let shift = Shift::new(u64::from_ne_bytes(seed));
        self.takes.insert(name(call), Take::new(call, marked, now, shift));
    }

    /// The call's take, if it is recorded and `turn` is its next, in which the caller did what `shape` says. It is given back
    /// with [`Recorder::keep`].
    pub fn take(&self, call: &Call, turn: u16, shape: Option<Shape>) -> Option<Take> {
        let (name, mut take) = self.takes.remove(&name(call))?;
        match take.is_next(turn, shape) {
            Some(true) => return Some(take),
            // A repeat.
            None => {}
            Some(false) => take.spoil(Why::Elsewhere),
        }
        self.takes.insert(name, take);
        None
    }

    /// The turn is done; `over`: and the call with it.
    pub fn keep(&self, call: &Call, take: Take, over: bool) {
        if over || take.hung_up.is_some() {
            self.finish(take);
        } else {
            self.takes.insert(name(call), take);
        }
    }

    /// Something happened for which the call cannot be recorded.
    pub fn spoil(&self, call: &Call, why: Why) {
        if let Some(mut take) = self.takes.get_mut(&name(call)) {
            take.spoil(why);
        }
    }

    /// The platform has told that the call is over.
    pub fn ended(&self, call: &Call, now: Timestamp) {
        if let Some((_, mut take)) = self.takes.remove(&name(call)) {
            take.hangs_up(now);
            self.finish(take);
        }
    }

    /// Forgets calls of which nothing was heard for `idle`: their end was told elsewhere.
    pub fn sweep(&self, now: Timestamp, idle: Duration) {
        let before = self.takes.len();
        self.takes.retain(|_, take| now.duration_since(take.last()).unsigned_abs() < idle);
        for _ in self.takes.len()..before {
            self.left_out(Why::Elsewhere);
        }
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
