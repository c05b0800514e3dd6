//! `hotline record`: the calls that a running hotline wrote down as transcripts.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use crate::clock::Clock;
use crate::config::Settings;
use crate::record::Folder;

/// List the calls that were recorded as transcripts, the oldest first, or delete them.
///
/// A hotline records by itself while it runs: `directory` under `[record]` of its settings says where, and nothing is recorded
/// without it. To hear the recordings again: `hotline replay DIRECTORY`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder they lie in: without it, the one that the settings name.
    directory: Option<PathBuf>,
    /// Delete all of them now. Each goes when it is as old as `kept` under `[record]` says: from a hotline that records by
    /// itself, from any other folder when it is listed.
    #[arg(long)]
    delete: bool,
}

/// Lists or deletes.
///
/// # Errors
/// The folder is not as it must be, or cannot be read.
pub fn run(args: &Args, settings: &Settings) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let Settings { record, .. } = settings;
    let folder = match (&args.directory, record.folder()) {
        (Some(path), _) => Folder::left(path, record.kept)?,
        (None, Some(path)) => Folder::open(path, record.kept, record.most)?,
        (None, None) => {
            writeln!(
                out,
                "Calls are not recorded. Name a folder as directory under [record], or in HOTLINE_RECORD__DIRECTORY.\n\
                 What was recorded before: hotline record DIRECTORY, and with --delete to delete it."
            )?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    let unreadable = || format!("{} cannot be read", folder.path().display());
    let undeletable = || format!("in {} not everything can be deleted", folder.path().display());
    if args.delete {
        writeln!(out, "{} deleted", folder.clear().with_context(undeletable)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let now = Clock::system().now();
    let swept = folder.sweep(now).with_context(undeletable)?;
    if swept > 0 {
        writeln!(out, "{swept} too old, and deleted")?;
    }
    let recordings = folder.recordings().with_context(unreadable)?;
    for recording in &recordings {
        let left = folder.kept().saturating_sub(recording.age(now));
        writeln!(out, "{}  deleted in {}", recording.path.display(), hours(left))?;
    }
    writeln!(out, "{} recorded", recordings.len())?;
    Ok(ExitCode::SUCCESS)
}

/// Days and hours, begun ones counted in.
fn hours(time: Duration) -> String {
    let hours = time.as_secs().div_ceil(3600);
    if hours < 48 { format!("{hours} h") } else { format!("{} d {} h", hours / 24, hours % 24) }
}
