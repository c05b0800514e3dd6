//! How it went: for people in the terminal and the browser, for machines in `JUnit` XML and JSON.

mod html;
mod json;
mod junit;
mod text;

use std::time::Duration;

pub use html::html;
pub use json::json;
pub use junit::junit;
pub use text::{pace, progress, text};

use super::play::Played;
use super::transcript::Transcript;
use crate::fault::Faults;

/// How the replay of some transcripts went.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// One file each, in the order of their names.
    pub files: Vec<FileReport>,
    /// How long the replay took.
    pub took: Duration,
}

/// How one file went.
#[derive(Clone, Debug)]
pub struct FileReport {
    /// The file.
    pub source: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a file.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is no transcript, or cannot be played: it has not passed.
    Unreadable(Faults),
    /// It is not for this replay: why not.
    PassedOver(String),
    /// It was played by each of its dialects.
    Played(Box<Transcript>, Vec<Played>),
}

impl FileReport {
    /// Whether everything was heard as written, by every dialect.
    #[must_use]
    pub fn passed(&self) -> bool {
        match &self.outcome {
            Outcome::Unreadable(_) => false,
            Outcome::PassedOver(_) => true,
            Outcome::Played(_, played) => {
                !played.is_empty() && played.iter().all(|played| played.mismatches.is_empty())
            }
        }
    }
}

impl Report {
    /// How many passed, how many differ, how many cannot be read.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { passed: 0, failed: 0, unreadable: 0, passed_over: 0, calls: 0 };
        for file in &self.files {
            match &file.outcome {
                Outcome::Unreadable(_) => counts.unreadable += 1,
                Outcome::PassedOver(_) => counts.passed_over += 1,
                Outcome::Played(_, played) => {
                    counts.calls += played.len();
                    *(if file.passed() { &mut counts.passed } else { &mut counts.failed }) += 1;
                }
            }
        }
        counts
    }

    /// Why files were not played, and how many for each reason, the most frequent first.
    #[must_use]
    pub fn passed_over(&self) -> Vec<(&str, usize)> {
        let mut reasons: Vec<(&str, usize)> = Vec::new();
        for file in &self.files {
            let Outcome::PassedOver(why) = &file.outcome else { continue };
            match reasons.iter_mut().find(|(known, _)| known == why) {
                Some((_, files)) => *files += 1,
                None => reasons.push((why, 1)),
            }
        }
        reasons.sort_by_key(|(_, files)| std::cmp::Reverse(*files));
        reasons
    }

    /// 0: all heard as written; 1: some differ; 2: a file cannot be read, or nothing was played.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.counts() {
            Counts { unreadable: 1.., .. } | Counts { calls: 0, .. } => 2,
            Counts { failed: 1.., .. } => 1,
            _ => 0,
        }
    }
}

/// Sums over the files of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Files heard as written.
    pub passed: usize,
    /// Files that differ.
    pub failed: usize,
    /// Files that are no transcript.
    pub unreadable: usize,
    /// Files that are not for this replay.
    pub passed_over: usize,
    /// Calls placed: files times their dialects.
    pub calls: usize,
}

/// Seconds with one decimal, as people read them: `14.8s`.
fn seconds(time: Duration) -> String {
    format!("{:.1}s", time.as_secs_f64())
}
