//! For people, in the terminal.

use std::fmt::Write as _;

use console::{Style, style};

use super::{Counts, FileReport, Outcome, Report, seconds};
use crate::replay::pattern::Run;
use crate::replay::play::{Mismatch, Played, Wrong};
use crate::replay::transcript::Transcript;

/// The report in words; only what is not as written is told at length. `color` paints it for a terminal.
#[must_use]
pub fn text(report: &Report, color: bool) -> String {
    let mut out = String::new();
    for file in &report.files {
        if let Outcome::Unreadable(faults) = &file.outcome {
            for fault in &faults.0 {
                let _ = writeln!(out, "{}", style(fault).for_stdout().force_styling(color).red());
            }
        }
        if let Outcome::Played(transcript, played) = &file.outcome {
            tell_all(&mut out, transcript, played, color);
        }
    }
    // Nobody should have to guess what was not played.
    for (why, files) in report.passed_over() {
        let _ = writeln!(out, "{files} passed over: each {why}");
    }
    let Counts { passed, failed, unreadable, passed_over, calls } = report.counts();
    let all = if failed + unreadable == 0 { Style::new().green() } else { Style::new().red() };
    let all = all.for_stdout().force_styling(color);
    let mut sums = format!("{passed} passed, {failed} differ");
    if unreadable > 0 {
        let _ = write!(sums, ", {unreadable} cannot be read");
    }
    let _ = write!(out, "{}", all.apply_to(sums));
    if passed_over > 0 {
        let _ = write!(out, ", {passed_over} passed over");
    }
    let _ = writeln!(out, " · {calls} calls");
    out
}

/// One line a file, while it goes on.
#[must_use]
pub fn progress(file: &FileReport) -> String {
    match &file.outcome {
        Outcome::PassedOver(why) => format!("- {} {why}", file.source),
        _ if file.passed() => format!("✓ {}", file.source),
        _ => format!("✗ {}", file.source),
    }
}

/// How many calls were placed in how long.
#[must_use]
pub fn pace(report: &Report) -> String {
    let calls = report.counts().calls;
    // Calls are counted in thousands.
    let rate = u32::try_from(calls).map_or(0.0, f64::from) / report.took.as_secs_f64().max(0.001);
    format!("{calls} calls in {} ({rate:.0} a second)", seconds(report.took))
}

/// What is not as written by any of the ways in, each thing once.
fn tell_all(out: &mut String, transcript: &Transcript, played: &[Played], color: bool) {
    let mut told: Vec<(String, Vec<&str>)> = Vec::new();
    for one in played {
        for mismatch in &one.mismatches {
            let text = tell(transcript, mismatch, color);
            match told.iter_mut().find(|(known, _)| *known == text) {
                Some((_, dialects)) => dialects.push(one.dialect.name()),
                None => told.push((text, vec![one.dialect.name()])),
            }
        }
    }
    for (text, dialects) in told {
        out.push_str(&text.replacen(DIALECTS, &dialects.join(" "), 1));
    }
}

/// Stands for the ways in, in what is told.
const DIALECTS: &str = "\u{0}";

fn tell(transcript: &Transcript, mismatch: &Mismatch, color: bool) -> String {
    let mut out = String::new();
    let bold = Style::new().bold().for_stdout().force_styling(color);
    let what = match &mismatch.what {
        Wrong::Heard { .. } => "听到不符 (heard otherwise)".to_owned(),
        other => other.to_string(),
    };
    let place = mismatch.place.as_ref().map(|place| format!("  @{place}")).unwrap_or_default();
    let Mismatch { line, turn, at, .. } = mismatch;
    let head = format!("{}:{line} {what}{place}  第{turn}轮  +{}  {DIALECTS}", transcript.id, seconds(*at));
    // Writing into a String cannot fail.
    let _ = writeln!(out, "{}", bold.apply_to(head));
    let _ = writeln!(out, "  {}", transcript.source);
    if let Some(difference) = mismatch.what.difference() {
        let _ = writeln!(out, "  期望 {}", runs(&difference.expected, color, &Style::new().green()));
        let _ = writeln!(out, "  听到 {}", runs(&difference.heard, color, &Style::new().red()));
    }
    if !mismatch.path.is_empty() {
        let _ = write!(out, "  路径 {}", mismatch.path.join("→"));
        if !mismatch.pressed.is_empty() {
            let _ = write!(out, "   已按 {}", mismatch.pressed.join(" "));
        }
        out.push('\n');
    }
    out.push('\n');
    out
}

/// What is the same is shortened to what stands beside a difference; what differs is marked, and painted.
fn runs(runs: &[Run], color: bool, differs: &Style) -> String {
    const BESIDE: usize = 24;
    let differs = differs.clone().for_stdout().force_styling(color);
    let mut out = String::new();
    for (n, run) in runs.iter().enumerate() {
        if !run.same {
            let _ = write!(out, "{}", differs.apply_to(run));
            continue;
        }
        let chars: Vec<char> = run.text.chars().collect();
        let (first, last) = (n == 0, n + 1 == runs.len());
        // What has nothing to stand beside is told by its beginning.
        let head = if first && !last { 0 } else { BESIDE };
        let tail = if last { 0 } else { BESIDE };
        if chars.len() <= head + tail + 1 {
            out.push_str(&run.text);
            continue;
        }
        out.extend(&chars[..head]);
        out.push('…');
        out.extend(&chars[chars.len() - tail..]);
    }
    out
}
