//! `--bless`: what was heard becomes what is expected, and nothing else of the file changes.

use similar::TextDiff;

use super::figures;
use super::pattern::{Difference, Part};
use super::play::{Played, Wrong};
use super::transcript::{Step, Transcript, What};
use crate::member::money::Money;

/// A line that is rewritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blessed {
    /// The line, counted from 1.
    pub line: usize,
    /// As it stood.
    pub before: String,
    /// As it stands now.
    pub after: String,
}

/// Rewrites `text`, the file of `transcript`, so that it expects what `played` heard; what was changed.
#[must_use]
pub fn bless(transcript: &Transcript, text: &str, played: &Played) -> (String, Vec<Blessed>) {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let mut blessed = Vec::new();
    for mismatch in &played.mismatches {
        let (difference, corrections) = match &mismatch.what {
            Wrong::Heard { difference, corrections } => (difference, corrections),
            Wrong::Place { expected, is } => {
                rewrite(&mut lines, mismatch.line, &format!("@{expected}"), &format!("@{is}"), &mut blessed);
                continue;
            }
            _ => continue,
        };
        // The corrections run on over the lines of one hearing; optional ones have none.
        let mut corrections = corrections.iter();
        let first = transcript.steps.iter().position(|step| step.line == mismatch.line).unwrap_or(usize::MAX);
        let lines_of = |step: &Step| {
            if let What::Heard(expected) = &step.what { Some((step.line, expected.clone())) } else { None }
        };
        let hearing: Vec<_> = transcript.steps.iter().skip(first).map_while(lines_of).collect();
        let told: Vec<_> = hearing.iter().filter(|(_, expected)| !expected.optional).collect();
        let parts = told.iter().flat_map(|(_, expected)| &expected.parts);
        if !parts.zip(corrections.clone()).all(|((part, written), heard)| holds(part, written, heard.as_deref())) {
            // No part of it says the same: then all that was heard is written down, if there is one line for it.
            if let [(line, expected)] = told.as_slice() {
                let written: String = expected.parts.iter().map(|(_, written)| written.as_str()).collect();
                rewrite(&mut lines, *line, &written, &whole(difference), &mut blessed);
            }
            continue;
        }
        for (line, expected) in told {
            let written: String = expected.parts.iter().map(|(_, written)| written.as_str()).collect();
            let mut corrected = String::new();
            for (part, written) in &expected.parts {
                match corrections.next() {
                    Some(Some(heard)) => corrected.push_str(&correct(part, written, heard)),
                    _ => corrected.push_str(written),
                }
            }
            rewrite(&mut lines, *line, &written, &corrected, &mut blessed);
        }
    }
    (lines.concat(), blessed)
}

/// All that was heard, as a line expects it.
fn whole(difference: &Difference) -> String {
    let heard: String = difference.heard.iter().map(|run| run.text.as_str()).collect();
    as_expected(&heard)
}

/// Words as a line expects them: a question's mark at the end would make it one that need not be heard.
pub(super) fn as_expected(said: &str) -> String {
    let open = if said.ends_with(['？', '?']) { "{…}" } else { "" };
    format!("{said}{open}")
}

/// Whether what was `heard` in the place of `part` can be written there, so that it is held against the same as before: most
/// of the words, or another figure. A choice, a name and an expression say what is meant: no words take their place.
fn holds(part: &Part, written: &str, heard: Option<&str>) -> bool {
    let Some(heard) = heard else { return true };
    match part {
        Part::Text(_) => TextDiff::from_chars(written.trim(), heard).ratio() > 0.5,
        Part::Amount(_) => figures::amount(heard).is_some(),
        Part::Date(_) => figures::day(heard).is_some(),
        _ => false,
    }
}

/// What is written for what was `heard` where `part` is `written`: an amount and a day stay holes.
fn correct(part: &Part, written: &str, heard: &str) -> String {
    let figure = match part {
        Part::Amount(_) => figures::amount(heard).map(Money::to_plain),
        Part::Date(_) => figures::day(heard).map(|day| day.to_string()),
        _ => None,
    };
    match (figure, written.rsplit_once(char::is_whitespace)) {
        (Some(figure), Some((hole, _))) => format!("{hole} {figure}{}", written.chars().last().unwrap_or('}')),
        _ => heard.to_owned(),
    }
}

/// Puts `after` where line `line` says `before`.
fn rewrite(lines: &mut [String], line: usize, before: &str, after: &str, blessed: &mut Vec<Blessed>) {
    let Some(text) = line.checked_sub(1).and_then(|n| lines.get_mut(n)) else { return };
    let rewritten = text.replacen(before, after, 1);
    if rewritten != *text {
        let shown = |line: &str| line.trim_end().to_owned();
        match blessed.iter_mut().find(|known| known.line == line) {
            Some(known) => known.after = shown(&rewritten),
            None => blessed.push(Blessed { line, before: shown(text), after: shown(&rewritten) }),
        }
        *text = rewritten;
    }
}
