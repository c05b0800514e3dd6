//! Real calls: telephones of our own call a hotline through an Asterisk on the configuration we ship, and what they heard
//! is told from the sound. `cargo test --test asterisk`, best with `-- --test-threads 6`: calls take the time they take.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stderr, reason = "where the sound of a call is kept, and what was measured")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sound is computed, and is far from any limit"
)]

mod asterisk;
mod call;
mod ear;
mod phone;
mod stand;
mod voice;

#[expect(dead_code, reason = "the other tests stand on more of it")]
#[path = "../it/support"]
mod support {
    pub mod caller;
    pub mod line;
    pub mod served;
}

mod agi;
mod away;
mod balance;
mod crowd;
mod english;
mod inbound;
mod keys;
mod messages;
mod numbers;
mod outages;
mod person;
mod queue;
mod settings;
mod strangers;
mod telephones;
mod transcripts;
