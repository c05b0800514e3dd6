//! `hotline check`: every fault of settings, lines and prompts at once.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use anyhow::Context;

use crate::call::lines::Lines;
use crate::clock::Clock;
use crate::config::Settings;
use crate::fault::Faults;
use crate::replay::counter_example;
use crate::server::{missed, read_lines, unfit_keys, unfit_lines};

/// Check settings, lines and prompts: all faults at once, with file, line and remedy.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Drafts, to be checked as if they were in place: a line's file, a prompts.toml, a folder of lines or of languages.
    drafts: Vec<PathBuf>,
    /// Write a transcript of each way to break a rule that is found into this folder: it fails until that is mended.
    #[arg(long, value_name = "DIR")]
    counter_examples: Option<PathBuf>,
}

/// Checks, prints every fault, and says what was checked. Exit code 1: something is wrong.
///
/// # Errors
/// Standard output cannot be written.
pub fn run(args: &Args, config: Option<&Path>) -> anyhow::Result<ExitCode> {
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
    let mut sources = read_lines(&settings);
    for draft in &args.drafts {
        sources.put_draft(draft);
    }
    let lines = sources.compile();
    let mut remarks = Vec::new();
    let mut out = std::io::stdout().lock();
    match lines {
        Ok(lines) => {
            faults.extend(unfit_lines(&settings, &lines));
            let catalogs = lines.catalogs();
            // Each walk takes about a second, and there are several lines.
            let walked = thread::scope(|scope| {
                let walks: Vec<_> = lines.flows().map(|flow| scope.spawn(|| Lines::walk(flow, &catalogs))).collect();
                walks.into_iter().map(thread::ScopedJoinHandle::join).collect::<Result<Vec<_>, _>>()
            });
            let walked = walked.map_err(|_| anyhow::anyhow!("a walk broke off"))?;
            for (flow, walked) in lines.flows().zip(walked) {
                let (states, ways) = (walked.states, walked.edges.len());
                match walked.findings.as_slice() {
                    [] => writeln!(
                        out,
                        "line {}: {states} states, {ways} ways between places, all rules hold",
                        flow.name
                    )?,
                    findings => {
                        faults.extend(findings.iter().map(|found| Lines::fault(flow, found)));
                        if let Some(folder) = &args.counter_examples {
                            let written = counter_example::write(flow, findings, folder)
                                .with_context(|| format!("{} cannot be written", folder.display()))?;
                            for (path, found) in written.iter().zip(findings) {
                                match path {
                                    Some(path) => writeln!(out, "written: {}", path.display())?,
                                    None => writeln!(out, "no caller alone brings it about: {:?}", found.rule)?,
                                }
                            }
                        }
                    }
                }
            }
            // China's day: that is where the holidays are.
            let today = jiff::tz::Offset::constant(8).to_datetime(Clock::system().now()).date();
            for warning in lines.warnings(today).into_iter().chain(missed(&settings, &lines)) {
                writeln!(out, "warning: {warning}")?;
            }
            for catalog in lines.catalogs() {
                writeln!(out, "prompts {}: complete", catalog.language())?;
            }
            remarks = lines.unsaid();
        }
        Err(found) => faults.extend(found.0),
    }
    if faults.is_empty() {
        for remark in remarks {
            writeln!(out, "remark: {remark}")?;
        }
        writeln!(out, "settings: as they should be")?;
        return Ok(ExitCode::SUCCESS);
    }
    // As an editor goes through them.
    faults.sort_by(|a, b| (&a.source, a.line).cmp(&(&b.source, b.line)));
    let count = faults.len();
    writeln!(out, "{}\n{count} {}", Faults(faults), if count == 1 { "fault" } else { "faults" })?;
    Ok(ExitCode::from(1))
}
