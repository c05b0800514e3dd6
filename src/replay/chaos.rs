//! What networks do to callbacks: repeats, late copies, delays, at every step, from a seed.
//!
//! The same seed does the same to the same transcript on every machine.

use std::time::Duration;

use fastrand::Rng;

/// Decides what happens to each callback of one call.
#[derive(Clone, Debug)]
pub struct Chaos(Rng);

/// What happens to one callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mishap {
    /// It is delivered so many times more, at the same time; each copy must be answered the same.
    pub copies: u8,
    /// The callback before it is delivered again, late; what comes of that nobody hears.
    pub late_copy: bool,
    /// It comes so much later.
    pub delay: Duration,
}

impl Chaos {
    /// For one transcript by one dialect.
    #[must_use]
    pub fn new(seed: u64, transcript: &str, dialect: &str) -> Self {
        let mixed = transcript
            .bytes()
            .chain(dialect.bytes())
            .fold(seed, |mix, byte| (mix ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23));
        Self(Rng::with_seed(mixed))
    }

    /// What happens to the next callback.
    pub fn strike(&mut self) -> Mishap {
        Mishap {
            copies: self.0.u8(0..=2),
            late_copy: self.0.bool(),
            // Less than a caller takes to lose patience, and than a sign-in takes to run out.
            delay: Duration::from_millis(self.0.u64(0..=1500)),
        }
    }
}
