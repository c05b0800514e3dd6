//! `hotline audit`: looks whether the audit is whole.

use std::io::Write;
use std::process::ExitCode;

use super::runtime;
use crate::clock::Clock;
use crate::config::Settings;
use crate::server::open_existing;
use crate::store::audit::{Anchors, VerifyError};

/// The commands on the audit.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Reads every row and names the first that is not as it was written. Exit code 1: there is one.
    Verify,
}

/// Verifies.
///
/// # Errors
/// Keys, store or anchors cannot be read.
pub fn run(command: &Command, settings: &Settings) -> anyhow::Result<ExitCode> {
    let Command::Verify = command;
    runtime()?.block_on(verify(settings))
}

async fn verify(settings: &Settings) -> anyhow::Result<ExitCode> {
    let store = open_existing(settings, Clock::system()).await?;
    let file = &settings.store.audit_anchors;
    let mut out = std::io::stdout().lock();
    let anchors = if file.exists() {
        Anchors::load(file).map_err(|fault| anyhow::anyhow!("{fault}"))?
    } else {
        writeln!(out, "no anchors at {}: rows cut off at the end would not show", file.display())?;
        Anchors::default()
    };
    match store.verify(&anchors).await {
        Ok(verified) => {
            writeln!(
                out,
                "audit whole: {} rows in {} chains, {} anchors agree ({:.1} s)",
                verified.rows,
                verified.chains,
                verified.anchors,
                verified.took.as_secs_f64()
            )?;
            Ok(ExitCode::SUCCESS)
        }
        Err(VerifyError::Bad(bad)) => {
            writeln!(out, "audit broken: {bad}")?;
            Ok(ExitCode::from(1))
        }
        Err(trouble) => Err(trouble.into()),
    }
}
