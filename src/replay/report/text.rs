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
            for played in played {
                for mismatch in &played.mismatches {
                    tell(&mut out, transcript, played, mismatch, color);
                }
            }
        }
    }
    let Counts { passed, failed, unreadable, calls } = report.counts();
    let all = if failed + unreadable == 0 { Style::new().green() } else { Style::new().red() };
    let all = all.for_stdout().force_styling(color);
    let _ = write!(out, "{}", all.apply_to(format!("{passed} passed, {failed} differ")));
    if unreadable > 0 {
        let _ = write!(out, "{}", all.apply_to(format!(", {unreadable} cannot be read")));
    }
    let rate = calls as f64 / report.took.as_secs_f64().max(0.001);
    let _ = writeln!(out, " · {calls} calls in {} ({rate:.0} a second)", seconds(report.took));
    out
}

/// One line a file, while it goes on.
#[must_use]
pub fn progress(file: &FileReport) -> String {
    let mark = if file.passed() { '✓' } else { '✗' };
    format!("{mark} {}", file.source)
}

fn tell(out: &mut String, transcript: &Transcript, played: &Played, mismatch: &Mismatch, color: bool) {
    let bold = Style::new().bold().for_stdout().force_styling(color);
    let place = mismatch.place.as_deref().unwrap_or("?");
    let what = match &mismatch.what {
        Wrong::Heard { .. } => "听到不符 (heard otherwise)".to_owned(),
        other => other.to_string(),
    };
    let head = format!(
        "{}:{} {what}  @{place}  第{}轮  +{}  {}",
        transcript.id,
        mismatch.line,
        mismatch.turn,
        seconds(mismatch.at),
        played.dialect.name()
    );
    let _ = writeln!(out, "{}", bold.apply_to(head));
    let _ = writeln!(out, "  {}", transcript.source);
    if let Wrong::Heard { difference, .. } = &mismatch.what {
        let _ = writeln!(out, "  期望 {}", runs(&difference.expected, color, &Style::new().green()));
        let _ = writeln!(out, "  听到 {}", runs(&difference.heard, color, &Style::new().red()));
    }
    let _ = writeln!(out, "  路径 {}   已按 {}", mismatch.path.join("→"), mismatch.pressed.join(" "));
    let _ = writeln!(out);
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
        let (head, tail) = (if first { 0 } else { BESIDE }, if last { 0 } else { BESIDE });
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
