//! How many webhooks are answered at once: running calls may use every place, new calls leave some free for them.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Places for webhooks.
#[derive(Debug)]
pub struct Admission {
    all: Arc<Semaphore>,
    new: Arc<Semaphore>,
}

/// A place; given back when dropped.
#[derive(Debug)]
pub struct Place {
    _all: OwnedSemaphorePermit,
    _new: Option<OwnedSemaphorePermit>,
}

impl Admission {
    /// `all` places, of which new calls never take the last `reserved`.
    #[must_use]
    pub fn new(all: usize, reserved: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), new: Arc::new(Semaphore::new(all.saturating_sub(reserved))) }
    }

    /// A place for a call that comes in; `None` when it must be turned away.
    #[must_use]
    pub fn new_call(&self) -> Option<Place> {
        let new = Arc::clone(&self.new).try_acquire_owned().ok()?;
        let all = Arc::clone(&self.all).try_acquire_owned().ok()?;
        Some(Place { _all: all, _new: Some(new) })
    }

    /// A place for a step of a running call.
    #[must_use]
    pub fn step(&self) -> Option<Place> {
        let all = Arc::clone(&self.all).try_acquire_owned().ok()?;
        Some(Place { _all: all, _new: None })
    }
}
