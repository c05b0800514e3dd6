//! The commands, one file each.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "commands talk to a terminal")]

pub mod audit;
pub mod callers;
pub mod check;
mod coverage;
pub mod dial;
pub mod flow;
pub mod members;
pub mod messages;
pub mod prompts;
pub mod ratings;
pub mod record;
pub mod replay;
pub mod say;
pub mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::config::Settings;
use crate::fault::Faults;

const EXIT_CODES: &str = "Exit codes: 0 done, 1 not as it should be (faults found, audit broken, rows refused), \
2 could not be done (bad arguments or settings, a file or the store out of reach).";

/// A backend for public telephone hotlines: balances, policy answers and people, by webhook.
#[derive(Debug, Parser)]
#[command(name = "hotline", version, after_help = EXIT_CODES)]
struct Arguments {
    /// A file of settings, over the defaults and under the environment (`HOTLINE_SECTION__KEY`).
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer calls (the default).
    Serve,
    /// A telephone in the terminal: shows what is heard, takes keys.
    Dial(dial::Args),
    /// Check settings, lines and prompts: all faults at once, with file, line and remedy.
    Check(check::Args),
    /// Draw the call flow.
    Flow(flow::Args),
    /// Import members, or make up some.
    #[command(subcommand)]
    Members(members::Command),
    /// List what callers left, and tell how far you are with it.
    #[command(subcommand)]
    Messages(messages::Command),
    /// Mark calling numbers as older callers'.
    #[command(subcommand)]
    Callers(callers::Command),
    /// Place the calls of transcripts, and tell where something else is heard than they say.
    Replay(replay::Args),
    /// List the calls that were recorded as transcripts, or delete them.
    Record(record::Args),
    /// Check the clips of what callers hear, or render those that are missing.
    #[command(subcommand)]
    Prompts(prompts::Command),
    /// Print what callers said of the service, by line and day.
    Ratings,
    /// Say an amount, a number or a date as a caller hears it.
    Say(say::Args),
    /// Look whether the audit is whole.
    #[command(subcommand)]
    Audit(audit::Command),
}

/// Runs the command that the process was started with.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let config = arguments.config;
    let done = match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => settings(config.clone()).and_then(|settings| serve::run(&settings, config)),
        Command::Record(args) => settings(config).and_then(|settings| record::run(&args, &settings)),
        Command::Dial(args) => dial::run(&args, || settings(config)),
        Command::Check(args) => check::run(&args, config.as_deref()),
        Command::Flow(args) => {
            settings(config.clone()).and_then(|settings| flow::run(&args, &settings, config.as_deref()))
        }
        Command::Members(command) => members::run(&command, || settings(config)),
        Command::Messages(command) => settings(config).and_then(|settings| messages::run(&command, &settings)),
        Command::Callers(command) => settings(config).and_then(|settings| callers::run(&command, &settings)),
        Command::Replay(args) => replay::run(&args, config.as_deref()),
        Command::Prompts(command) => settings(config).and_then(|settings| prompts::run(&command, &settings)),
        Command::Ratings => settings(config).and_then(|settings| ratings::run(&settings)),
        Command::Say(args) => say::run(&args),
        Command::Audit(command) => settings(config).and_then(|settings| audit::run(&command, &settings)),
    };
    done.unwrap_or_else(|trouble| {
        // Who reads the output has seen enough: `| head`.
        if trouble.chain().any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(is_broken_pipe)) {
            return ExitCode::from(BROKEN_PIPE);
        }
        match trouble.downcast_ref::<Faults>() {
            Some(faults) => eprintln!("{faults}"),
            None => eprintln!("error: {trouble:#}"),
        }
        ExitCode::from(2)
    })
}

/// 128 and SIGPIPE, as shells tell it.
const BROKEN_PIPE: u8 = 141;

fn is_broken_pipe(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::BrokenPipe
}

fn settings(config: Option<PathBuf>) -> anyhow::Result<Settings> {
    Ok(Settings::load(config.as_deref(), std::env::vars_os())?)
}

/// A name that may stand in the audit.
fn operator(name: &str) -> Result<String, String> {
    let fits = (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_alphanumeric() || " -._".contains(c));
    if fits { Ok(name.to_owned()) } else { Err("take letters, digits, spaces and -._, 64 bytes at most".to_owned()) }
}

/// A runtime for commands that wait for something.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the threads of the runtime could not be made")
}
