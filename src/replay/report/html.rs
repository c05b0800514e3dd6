//! HTML: every call readable as a dialogue, in one file that needs no other.

use askama::Template;

use super::{Outcome, Report, seconds};
use crate::replay::pattern::Run;
use crate::replay::play::{Act, Mismatch, Played};

#[derive(Template)]
#[template(path = "report.html", config = "src/replay/report/askama.toml")]
struct Page<'r> {
    passed: usize,
    failed: usize,
    unreadable: usize,
    files: Vec<File<'r>>,
}

struct File<'r> {
    title: String,
    source: &'r str,
    passed: bool,
    faults: Vec<String>,
    calls: Vec<Call>,
}

struct Call {
    dialect: &'static str,
    lasted: String,
    rows: Vec<Row>,
}

struct Row {
    /// `caller`, `heard`, `fault`, `true` or `wrong`.
    kind: &'static str,
    text: String,
    note: String,
    expected: Vec<Run>,
    heard: Vec<Run>,
}

/// The report as a page.
///
/// # Errors
/// The page cannot be written.
pub fn html(report: &Report) -> anyhow::Result<String> {
    let counts = report.counts();
    let files = report.files.iter().map(|file| {
        let (title, faults, calls) = match &file.outcome {
            Outcome::Unreadable(faults) => {
                (file.source.clone(), faults.0.iter().map(ToString::to_string).collect(), Vec::new())
            }
            Outcome::PassedOver(why) => (format!("{}: {why}", file.source), Vec::new(), Vec::new()),
            Outcome::Played(transcript, played) => {
                (format!("{} {}", transcript.id, transcript.title), Vec::new(), played.iter().map(call).collect())
            }
        };
        File { title, source: &file.source, passed: file.passed(), faults, calls }
    });
    let page =
        Page { passed: counts.passed, failed: counts.failed, unreadable: counts.unreadable, files: files.collect() };
    Ok(page.render()?)
}

fn call(played: &Played) -> Call {
    let mut rows: Vec<(usize, Row)> = Vec::new();
    let plain =
        |kind, text: &str, note| Row { kind, text: text.to_owned(), note, expected: Vec::new(), heard: Vec::new() };
    for scene in &played.scenes {
        let row = match &scene.act {
            Act::Caller(does) => plain("caller", does, format!("+{}", seconds(scene.at))),
            Act::Heard { said, place, .. } => {
                plain("heard", said, place.as_ref().map(|place| format!("@{place}")).unwrap_or_default())
            }
            Act::HungUp => plain("heard", "☎", String::new()),
            Act::Fault(fault) => plain("fault", fault, format!("+{}", seconds(scene.at))),
            Act::Looked(truth) => plain("true", truth, String::new()),
        };
        rows.push((scene.line, row));
    }
    for mismatch in &played.mismatches {
        // Below everything of the lines before it.
        let at = rows.partition_point(|(line, _)| *line <= mismatch.line);
        rows.insert(at, (mismatch.line, wrong(mismatch)));
    }
    Call {
        dialect: played.dialect.name(),
        lasted: seconds(played.lasted),
        rows: rows.into_iter().map(|(_, row)| row).collect(),
    }
}

fn wrong(mismatch: &Mismatch) -> Row {
    let difference = mismatch.what.difference();
    let (expected, heard) = difference.map(|d| (d.expected.clone(), d.heard.clone())).unwrap_or_default();
    let text = format!("{}: {}", mismatch.line, mismatch.what);
    Row { kind: "wrong", text, note: String::new(), expected, heard }
}
