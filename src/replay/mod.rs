//! Keypress transcripts: what QA writes down of a call, and holds every change against.

pub mod bless;
pub mod chaos;
pub mod counter_example;
pub mod coverage;
pub mod figures;
pub mod format;
pub mod generate;
pub mod pattern;
pub mod phone;
pub mod play;
pub mod prompt_hole;
pub mod readings;
pub mod recording;
pub mod report;
pub mod run;
mod script;
pub mod stage;
pub mod syntax;
pub mod transcript;
pub mod ways;
pub mod what_if;
pub mod words;

/// FNV-1a: a short name for a file, the same on every machine.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
