//! `hotline flow --transcripts`: which ways through the lines transcripts walk, and which not.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::call::lines::Lines;
use crate::dialog::Flow;
use crate::dialog::keyed::Way;
use crate::replay::coverage::{Coverage, cover};
use crate::replay::generate::{Generated, generate};
use crate::replay::report::Report;
use crate::replay::run::Replay;
use crate::replay::stage::Origin;

/// Tells what the transcripts in `paths` walk of `flows`. Exit code 1: not everything; 2: a transcript differs or cannot be
/// read, so that what it walks counts for nothing.
///
/// # Errors
/// The transcripts cannot be replayed.
pub fn run(
    paths: &[PathBuf],
    into: Option<&Path>,
    lines: &Lines,
    flows: &[&Flow],
    as_json: bool,
    config: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let replay = replay(config);
    let (covered, report) = cover(&replay, paths, lines, flows)?;
    let mut out = std::io::stdout().lock();
    if let Some(folder) = into {
        // What they walk counts for nothing: it would be written a second time.
        let counts = report.counts();
        if counts.failed + counts.unreadable > 0 {
            out.write_all(text(&covered, &report).as_bytes())?;
            anyhow::bail!("nothing is written while transcripts differ or cannot be read: see `hotline replay`");
        }
        return write(&replay, folder, flows, &covered);
    }
    if as_json {
        writeln!(out, "{:#}", json(&covered, &report))?;
    } else {
        out.write_all(text(&covered, &report).as_bytes())?;
    }
    out.flush()?;
    Ok(ExitCode::from(match (report.exit_code(), covered.iter().all(Coverage::is_whole)) {
        (1.., _) => 2,
        (0, false) => 1,
        (0, true) => 0,
    }))
}

/// Writes what is missing. Exit code 1: not all of it could be.
fn write(replay: &Replay, folder: &Path, flows: &[&Flow], covered: &[Coverage]) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let mut whole = true;
    for (flow, coverage) in flows.iter().zip(covered) {
        let Generated { written, left } = generate(replay, flow, coverage, folder, &|missing| {
            if std::io::stderr().is_terminal() {
                // Whoever cannot see it need not.
                let _ = writeln!(std::io::stderr(), "line {}: {missing} ways to go", flow.name);
            }
        })?;
        for path in &written {
            writeln!(out, "{}", path.display())?;
        }
        for Way { from, on, to } in &left {
            writeln!(out, "    no call walks: {from}  {on} → {to}")?;
        }
        let walked = coverage.missing().count() - left.len();
        writeln!(out, "line {}: {} transcripts walk {walked} ways more", flow.name, written.len())?;
        whole &= left.is_empty();
    }
    out.flush()?;
    Ok(ExitCode::from(u8::from(!whole)))
}

/// In this process, as the hotline is set up here.
pub(super) fn replay(config: Option<&Path>) -> Replay {
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let origin = Origin { file: config.map(Path::to_owned), environment: std::env::vars_os().collect(), lines: None };
    Replay { origin, jobs: cores.get(), dialects: None, chaos: None, against: None }
}

fn text(covered: &[Coverage], report: &Report) -> String {
    let mut text = String::new();
    for coverage in covered {
        let Coverage { line, ways, walked, beyond } = coverage;
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "line {line}: {} of {} ways that keys can cause are walked, {:.1} %",
            walked.len(),
            ways.len(),
            coverage.percent()
        );
        for Way { from, on, to } in coverage.missing() {
            let _ = writeln!(text, "    not walked: {from}  {on} → {to}");
        }
        for (Way { from, on, to }, by) in beyond {
            let _ = writeln!(text, "    walked by {by}, though keys cannot cause it: {from}  {on} → {to}");
        }
    }
    let counts = report.counts();
    if report.exit_code() != 0 {
        let _ = writeln!(
            text,
            "{} transcripts differ and {} cannot be read: they count for nothing, see `hotline replay`",
            counts.failed, counts.unreadable
        );
    }
    text
}

fn json(covered: &[Coverage], report: &Report) -> Value {
    let way = |way: &Way| json!({ "from": way.from, "on": way.on, "to": way.to });
    let lines = covered.iter().map(|coverage| {
        let walked = coverage.walked.iter().map(|(walked, by)| {
            let mut walked = way(walked);
            walked["by"] = by.as_slice().into();
            walked
        });
        let beyond = coverage.beyond.iter().map(|(walked, by)| {
            let mut walked = way(walked);
            walked["by"] = by.as_str().into();
            walked
        });
        json!({
            "line": coverage.line,
            "ways": coverage.ways.len(),
            "percent": coverage.percent(),
            "walked": walked.collect::<Vec<_>>(),
            "not_walked": coverage.missing().map(way).collect::<Vec<_>>(),
            "beyond": beyond.collect::<Vec<_>>(),
        })
    });
    let counts = report.counts();
    json!({ "lines": lines.collect::<Vec<_>>(), "differ": counts.failed, "unreadable": counts.unreadable })
}
