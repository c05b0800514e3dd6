//! Which ways through the lines the transcripts walk, and which nobody has walked yet.
//!
//! What counts as a way, and which ways there are, is said in [`keyed`]. A transcript walks
//! the line it dials. One that names lines of its own walks another flow, and one that differs or cannot be read shows
//! nothing: neither counts.

use super::report::{Outcome, Report};
use super::run::Replay;
use super::transcript::{Fault, Transcript, What};
use crate::call::lines::Lines;
use crate::dialog::Flow;
use crate::dialog::SignedIn;
use crate::dialog::keyed::{self, Way};
use crate::fault::Faults;
use crate::replay::transcript::clock_of_calls;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What transcripts walk of one line.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// The line's name.
    pub line: String,
    /// Every way that keys can cause.
    pub ways: BTreeSet<Way>,
    /// Those that were walked, and by which transcripts.
    pub walked: BTreeMap<Way, Vec<String>>,
    /// What transcripts walked besides, each with one that did, though nothing but keys was in it: either keys can cause more
    /// than is known, or a transcript goes where it could not.
    pub beyond: BTreeMap<Way, String>,
}

impl Coverage {
    /// The ways that nobody has walked.
    pub fn missing(&self) -> impl Iterator<Item = &Way> {
        self.ways.iter().filter(|way| !self.walked.contains_key(*way))
    }

    /// Whether every way is walked.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.missing().next().is_none()
    }

    /// Percent of the ways, rounded down: 100 is all of them.
    #[must_use]
    pub fn percent(&self) -> f64 {
        let of_thousand = (self.walked.len() * 1000).checked_div(self.ways.len()).unwrap_or(1000);
        // At most a thousand.
        f64::from(u32::try_from(of_thousand).unwrap_or(1000)) / 10.0
    }
}

/// Replays the transcripts of `paths`, and tells what they walk of `flows`, which are lines of `lines`. The report too: what
/// differs in it counts for nothing.
///
/// # Errors
/// What keeps all of them from being replayed.
pub fn cover(
    replay: &Replay,
    paths: &[PathBuf],
    lines: &Lines,
    flows: &[&Flow],
) -> Result<(Vec<Coverage>, Report), Faults> {
    // None at all: then nothing is walked.
    let report = if paths.is_empty() { Report::default() } else { replay.run(paths, &|_| ())? };
    let covered = flows.iter().map(|flow| covered(flow, lines, &report)).collect();
    Ok((covered, report))
}

/// What `report` walks of `flow`.
#[must_use]
pub fn covered(flow: &Flow, lines: &Lines, report: &Report) -> Coverage {
    let ways = keyed::ways(&keyed::Walk::of(flow, clock_of_calls()));
    let (mut walked, mut beyond) = (BTreeMap::<Way, Vec<String>>::new(), BTreeMap::new());
    for file in report.files.iter().filter(|file| file.passed()) {
        let Outcome::Played(transcript, played) = &file.outcome else { continue };
        let header = &transcript.header;
        if header.lines.is_some() || lines.dialled(&header.dialled).name != flow.name {
            continue;
        }
        for step in played.iter().flat_map(|played| &played.walked) {
            if let Some(way) = keyed::known(&ways, &step.from, &step.on, &step.to) {
                let by = walked.entry(way.clone()).or_default();
                if by.last() != Some(&transcript.id) {
                    by.push(transcript.id.clone());
                }
            } else if by_keys_alone(transcript) && step.on != "waiting" {
                let way =
                    Way { from: step.from.as_str().into(), on: step.on.as_str().into(), to: step.to.as_str().into() };
                beyond.entry(way).or_insert_with(|| transcript.id.clone());
            }
        }
    }
    Coverage { line: flow.name.to_string(), ways, walked, beyond }
}

/// Whether nothing but a caller is at work in `transcript`.
fn by_keys_alone(transcript: &Transcript) -> bool {
    let header = &transcript.header;
    let own = header.members.is_some() || header.transactions.is_some() || header.mutual_aid.is_some();
    let troubled = transcript.steps.iter().any(|step| match &step.what {
        What::Fault(fault) => !harmless(*fault),
        // The sign-in has run out, or the call: a sign-in then goes on to what was asked for, which the walk does not follow.
        What::Caller { after, .. } => *after > SignedIn::LASTS,
        What::Heard(_) | What::True(_) | What::Arrived(_) => false,
    });
    !(own || troubled) && header.settings.is_empty()
}

/// Whether time goes by, and nothing else happens.
fn harmless(fault: Fault) -> bool {
    matches!(fault, Fault::Wait(_) | Fault::Delay(_))
}
