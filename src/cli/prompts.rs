//! `hotline prompts`: the clips of what callers hear, checked and built.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use crate::config::Settings;
use crate::fault::{Fault, Faults};
use crate::server::load_lines;
use crate::speech::catalog::Catalog;
use crate::speech::clip::manifest::Manifest;
use crate::speech::clip::wanted::wanted;
use crate::speech::language::Language;
use crate::voice::build::Plan;
use crate::voice::{Folder, check};

/// Check the clips, or render those that are missing.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Tell which clips are missing, needless, changed, or not fit to be heard. Exit code 1: some are.
    Check {
        /// The languages: without any, those that have clips.
        languages: Vec<Language>,
    },
    /// Render what is missing or changed, take recordings in, delete rendered clips that are needless.
    Build {
        /// The languages: without any, those that have clips.
        languages: Vec<Language>,
        /// Render everything, also what has not changed.
        #[arg(long)]
        again: bool,
        /// Render with another program than render/run in the folder of prompts: it gets the work list on standard input, and
        /// writes NAME.wav of each clip.
        #[arg(long, value_name = "PROGRAM")]
        with: Option<PathBuf>,
    },
}

/// Checks or builds.
///
/// # Errors
/// The prompts are not as they should be; files cannot be read or written; nothing can be rendered.
pub fn run(command: &Command, settings: &Settings) -> anyhow::Result<ExitCode> {
    let lines = load_lines(settings)?;
    let prompts = &settings.prompts.directory;
    match command {
        Command::Check { languages } => check(prompts, &lines.catalogs(), languages),
        Command::Build { languages, again, with } => {
            let program = with.clone().unwrap_or_else(|| prompts.join("render").join("run"));
            build(prompts, &lines.catalogs(), languages, *again, &program)
        }
    }
}

fn check(prompts: &Path, catalogs: &[&Catalog], languages: &[Language]) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let mut faults = unworded(catalogs, languages);
    for (catalog, asked) in asked(catalogs, languages) {
        let language = catalog.language();
        let folder = Folder::of(prompts, language);
        match folder.manifest() {
            Ok(Some(manifest)) => {
                let takes = manifest.entries.iter().filter(|entry| entry.take).count();
                let seconds = manifest.entries.iter().map(|entry| u64::from(entry.ms)).sum::<u64>() / 1000;
                writeln!(
                    out,
                    "clips {language}: {}, {takes} of them recorded, {}:{:02} minutes",
                    manifest.entries.len(),
                    seconds / 60,
                    seconds % 60
                )?;
                faults.extend(check::faults(&folder, &manifest, &wanted(catalog)));
            }
            Ok(None) => {
                writeln!(out, "clips {language}: none; platforms that play clips cannot speak it")?;
                if asked {
                    // What there is to record or to render.
                    let nothing = Manifest { language, entries: Vec::new() };
                    faults.extend(check::faults(&folder, &nothing, &wanted(catalog)));
                }
            }
            Err(found) => faults.extend(found.0),
        }
    }
    if faults.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let count = faults.len();
    writeln!(out, "{}\n{count} {}", Faults(faults), if count == 1 { "fault" } else { "faults" })?;
    Ok(ExitCode::from(1))
}

fn build(
    prompts: &Path,
    catalogs: &[&Catalog],
    languages: &[Language],
    again: bool,
    program: &Path,
) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let mut faults = unworded(catalogs, languages);
    for (catalog, asked) in asked(catalogs, languages) {
        let language = catalog.language();
        let folder = Folder::of(prompts, language);
        let manifest = match folder.manifest() {
            Ok(None) if !asked => continue,
            Ok(manifest) => manifest,
            Err(found) => {
                writeln!(out, "{found}\nclips {language}: the manifest is made anew, and everything rendered")?;
                None
            }
        };
        let wanted = wanted(catalog);
        let plan = Plan::of(&folder, manifest.as_ref(), &wanted, again);
        writeln!(out, "clips {language}: {} to render, {} to delete", plan.render.len(), plan.delete.len())?;
        for name in &plan.stale {
            writeln!(out, "{name}: was recorded with other wording, and is put aside as {name}.take.wav.old")?;
        }
        for (from, to) in &plan.renamed {
            writeln!(out, "{from}: is {to} now, and so is its recording")?;
        }
        for file in &plan.left {
            writeln!(out, "{file}: is no clip of what is said, and is left where it is")?;
        }
        let done = plan.carry_out(&folder, program, |line| {
            // Whoever does not look at it misses nothing.
            let _ = writeln!(out, "{line}");
        });
        faults.extend(done.with_context(|| format!("the clips of {language} could not be built"))?);
    }
    if faults.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "{}", Faults(faults))?;
    Ok(ExitCode::from(1))
}

/// The wording of the languages that are asked for, and whether by name: where none is named, all of them are.
fn asked<'c>(catalogs: &'c [&Catalog], languages: &[Language]) -> impl Iterator<Item = (&'c Catalog, bool)> {
    let named = |catalog: &'c &Catalog| (*catalog, languages.contains(&catalog.language()));
    catalogs.iter().map(named).filter(|(_, named)| *named || languages.is_empty())
}

/// Languages that were asked for and have no wording.
fn unworded(catalogs: &[&Catalog], languages: &[Language]) -> Vec<Fault> {
    let is_worded = |language: &&Language| catalogs.iter().any(|catalog| catalog.language() == **language);
    let unworded = languages.iter().filter(|language| !is_worded(language));
    let fault = |language: &Language| {
        let remedy = format!("write {language}/prompts.toml, or ask for another language");
        Fault::of("prompts", format!("there is no wording in {language}"), remedy)
    };
    unworded.map(fault).collect()
}
