//! `hotline check`: every fault of settings, lines and prompts at once.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use crate::call::lines::Lines;
use crate::clock::Clock;
use crate::config::Settings;
use crate::fault::Faults;
use crate::server::{load_lines, unfit_keys, unfit_lines};

/// Checks, prints every fault, and says what was checked. Exit code 1: something is wrong.
///
/// # Errors
/// Standard output cannot be written.
pub fn run(config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let mut faults = Vec::new();
    let settings = match Settings::read(config, std::env::vars_os()) {
        Ok((settings, found)) => {
            faults.extend(found);
            faults.extend(unfit_keys(&settings));
            settings
        }
        Err(found) => {
            faults.extend(found.0);
            // The lines and prompts of the defaults are still worth a look.
            Settings::load(None, std::iter::empty::<(String, String)>())?
        }
    };
    let lines = load_lines(&settings);
    let mut out = std::io::stdout().lock();
    match lines {
        Ok(lines) => {
            faults.extend(unfit_lines(&settings, &lines));
            for flow in lines.flows() {
                let walked = Lines::walk(flow, &lines.catalogs());
                let (states, ways) = (walked.states, walked.edges.len());
                match walked.findings.as_slice() {
                    [] => writeln!(
                        out,
                        "line {}: {states} states, {ways} ways between places, all rules hold",
                        flow.name
                    )?,
                    findings => faults.extend(findings.iter().map(|found| Lines::fault(flow, found))),
                }
            }
            // China's day: that is where the holidays are.
            let today = jiff::tz::Offset::constant(8).to_datetime(Clock::system().now()).date();
            for warning in lines.warnings(today) {
                writeln!(out, "warning: {warning}")?;
            }
            for catalog in lines.catalogs() {
                writeln!(out, "prompts {}: complete", catalog.language())?;
            }
        }
        Err(found) => faults.extend(found.0),
    }
    if faults.is_empty() {
        writeln!(out, "settings: as they should be")?;
        return Ok(ExitCode::SUCCESS);
    }
    // As an editor goes through them.
    faults.sort_by(|a, b| (&a.source, a.line).cmp(&(&b.source, b.line)));
    let count = faults.len();
    writeln!(out, "{}\n{count} {}", Faults(faults), if count == 1 { "fault" } else { "faults" })?;
    Ok(ExitCode::from(1))
}
