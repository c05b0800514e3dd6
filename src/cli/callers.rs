//! `hotline callers`: numbers whose callers are spoken to slowly and offered a person first.

use std::process::ExitCode;

use anyhow::bail;
use zeroize::Zeroizing;

use super::{operator, runtime};
use crate::call::caller::Caller;
use crate::clock::Clock;
use crate::config::Settings;

/// The commands on calling numbers.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Marks a number as an older caller's: a person by one key at once, slower speech, more time. It is audited.
    Mark(Marked),
    /// Takes the mark away again; it is audited.
    Unmark(Marked),
}

/// Which number, and who says so.
#[derive(Debug, clap::Args)]
pub struct Marked {
    /// The number, as 13800138000 or +8613800138000; `-` reads it from standard input, so that it stands in no list of
    /// processes and in no history.
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    elder: String,
    /// Who says so: a name or a counter, for the audit.
    #[arg(long, value_name = "NAME", value_parser = operator)]
    by: String,
}

/// Marks or unmarks.
///
/// # Errors
/// It is no telephone number, or the store is out of reach.
pub fn run(command: &Command, settings: &Settings) -> anyhow::Result<ExitCode> {
    let (Command::Mark(marked) | Command::Unmark(marked)) = command;
    let mut number = Zeroizing::new(marked.elder.clone());
    if *number == "-" {
        number.clear();
        std::io::stdin().read_line(&mut number)?;
    }
    let caller = Caller::parse(&number);
    if caller == Caller::Withheld {
        bail!("that is no telephone number; write it as 13800138000 or +8613800138000");
    }
    let mark = matches!(command, Command::Mark(_));
    let changed =
        runtime()?.block_on(crate::server::mark_caller(settings, Clock::system(), &caller, mark, &marked.by))?;
    println!(
        "{}",
        match (mark, changed) {
            (true, true) => "marked",
            (true, false) => "was marked already",
            (false, true) => "no longer marked",
            (false, false) => "was not marked",
        }
    );
    Ok(ExitCode::SUCCESS)
}
