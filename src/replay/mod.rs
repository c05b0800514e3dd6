//! Keypress transcripts: what QA writes down of a call, and holds every change against.

pub mod bless;
pub mod chaos;
pub mod format;
pub mod pattern;
pub mod phone;
pub mod play;
pub mod readings;
pub mod report;
pub mod run;
pub mod stage;
pub mod syntax;
pub mod transcript;
pub mod what_if;
pub mod words;
