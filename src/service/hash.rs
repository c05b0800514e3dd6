//! Hashing PINs: so many at a time, so many waiting, and never on a thread that answers calls.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

use super::Trouble;
use crate::store::members::HashCost;

/// How PINs are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashSettings {
    /// What one hash costs.
    pub cost: HashCost,
    /// How many are computed at a time.
    pub at_once: usize,
    /// How many more may wait.
    pub waiting: usize,
}

impl Default for HashSettings {
    /// One core is left for everything else, where there is more than one. Forty waiting are served in under a second.
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self { cost: HashCost::OWASP, at_once: cores.saturating_sub(1).max(1), waiting: 40 }
    }
}

/// Computes argon2id in memory that is allocated once: fresh memory costs more than the hash.
pub struct Hasher {
    cost: HashCost,
    places: Arc<Semaphore>,
    permits: Arc<Semaphore>,
    memory: Arc<Mutex<Vec<Vec<Block>>>>,
    runs: AtomicU64,
}

/// A place in the queue: had before a try is taken, so that who is turned away loses none.
pub(super) struct QueuePlace(OwnedSemaphorePermit);

impl Hasher {
    /// Allocates the memory for as many hashes as are computed at a time.
    #[must_use]
    pub fn new(settings: HashSettings) -> Self {
        let block = vec![Block::default(); settings.cost.memory as usize];
        Self {
            cost: settings.cost,
            places: Arc::new(Semaphore::new(settings.at_once + settings.waiting)),
            permits: Arc::new(Semaphore::new(settings.at_once)),
            memory: Arc::new(Mutex::new(vec![block; settings.at_once])),
            runs: AtomicU64::new(0),
        }
    }

    /// What a new hash costs.
    pub(super) fn cost(&self) -> HashCost {
        self.cost
    }

    /// How many hashes were begun since the start.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// A place in the queue, if there is one.
    pub(super) fn admit(&self) -> Option<QueuePlace> {
        Arc::clone(&self.places).try_acquire_owned().ok().map(QueuePlace)
    }

    /// argon2id of `input` with `salt`, under `pepper`.
    pub(super) async fn hash(
        &self,
        place: QueuePlace,
        cost: HashCost,
        pepper: Zeroizing<[u8; 32]>,
        input: Zeroizing<[u8; 32]>,
        salt: [u8; 16],
    ) -> Result<Zeroizing<[u8; 32]>, Trouble> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Trouble::Hash)?;
        let memory = Arc::clone(&self.memory);
        self.runs.fetch_add(1, Ordering::Relaxed);
        // If whoever waits gives up, the thread still ends its hash, and only then gives place, permit and memory back.
        let hashing = tokio::task::spawn_blocking(move || {
            let _held = (place.0, permit);
            let mut blocks = memory.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
            let mut hash = Zeroizing::new([0; 32]);
            // A hash of other cost (a setting was changed) may need more.
            blocks.resize(blocks.len().max(cost.memory as usize), Block::default());
            let result = Params::new(cost.memory, cost.passes, 1, Some(32))
                .and_then(|params| {
                    Argon2::new_with_secret(pepper.as_slice(), Algorithm::Argon2id, Version::V0x13, params)
                })
                .and_then(|argon2| {
                    argon2.hash_password_into_with_memory(input.as_slice(), &salt, hash.as_mut_slice(), &mut blocks)
                });
            memory.lock().unwrap_or_else(PoisonError::into_inner).push(blocks);
            result.map(|()| hash)
        });
        hashing.await.map_err(|_| Trouble::Hash)?.map_err(|_| Trouble::Hash)
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("cost", &self.cost).finish_non_exhaustive()
    }
}
