//! `hotline replay`: places the calls of transcripts, and holds what is heard against what they say.

use std::collections::{BTreeSet, HashMap};
use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::config::Settings;
use crate::replay::bless::bless;
use crate::replay::format::format;
use crate::replay::phone::Account;
use crate::replay::report::{self, FileReport, Outcome, Report};
use crate::replay::run::{Against, Replay, files, read_one};
use crate::replay::stage::Origin;
use crate::replay::transcript::Dialect;
use crate::replay::what_if::WhatIf;
use crate::secret::Secret;

/// Place the calls of transcripts, and tell where something else is heard than they say.
///
/// Exit codes: 0 all heard as written, 1 some differ, 2 a file cannot be read (or nothing was played).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Transcripts, and folders of them (*.call).
    #[arg(default_value = "tests/transcripts/ok")]
    paths: Vec<PathBuf>,
    /// Calls at once. [default: eight for each core; one by one with --against]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Only by this way in; may be given more than once.
    #[arg(long, value_enum)]
    dialect: Vec<By>,
    /// Call the hotline that runs here, instead of one in this process.
    #[arg(
        long,
        value_name = "URL",
        long_help = "Call the hotline that runs here, instead of one in this process: \
        http://127.0.0.1:8080. Webhooks are signed with HOTLINE_TWILIO__AUTH_TOKEN for the address \
        HOTLINE_SERVER__PUBLIC_URL (this one, if there is none), and with HOTLINE_JAMBONZ__SECRET, if it is set. Transcripts that need a hotline of their own (a clock, \
        members, lines, settings, faults behind it) are passed over; what = lines say is not looked at"
    )]
    against: Option<String>,
    /// Repeat, reorder and delay callbacks at every step, as this seed has it: what is heard must not change.
    #[arg(long, value_name = "SEED")]
    chaos: Option<u64>,
    /// Every sentence that callers of these transcripts would hear otherwise with the lines of this folder, and who does.
    #[arg(long, value_name = "LINES_DIR", conflicts_with_all = ["against", "chaos", "bless", "json", "junit", "html"])]
    what_if: Option<PathBuf>,
    #[command(flatten)]
    instead: Instead,
    /// With --fmt: only tell which are not in the usual form, and write nothing.
    #[arg(long, requires = "fmt")]
    check: bool,
    #[command(flatten)]
    reports: Reports,
}

/// What is done instead of, or after, holding what is heard against what is written.
#[derive(Debug, clap::Args)]
struct Instead {
    /// Write what was heard into the transcripts, in the place of what was expected, and show each change.
    #[arg(long, conflicts_with_all = ["against", "chaos"])]
    bless: bool,
    /// Read the transcripts only, and tell what is wrong with them.
    #[arg(long, conflicts_with_all = ["against", "chaos", "bless", "what_if"])]
    lint: bool,
    /// Write the transcripts in the usual form, and tell which were not.
    #[arg(long, conflicts_with_all = ["against", "chaos", "bless", "what_if", "lint"])]
    fmt: bool,
}

/// Where it is told, beside the terminal.
#[derive(Debug, clap::Args)]
struct Reports {
    /// Write the report as `JUnit` XML to this file.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the report as a page, every call as a dialogue, to this file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// A way in.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    /// Signed form posts, `TwiML`.
    Twilio,
    /// The JSON way in.
    Browser,
    /// Signed JSON, lists of verbs.
    Jambonz,
}

impl From<By> for Dialect {
    fn from(by: By) -> Self {
        match by {
            By::Twilio => Self::Twilio,
            By::Browser => Self::Browser,
            By::Jambonz => Self::Jambonz,
        }
    }
}

/// Replays. Exit code 1: something else is heard; 2: a file cannot be read.
///
/// # Errors
/// The hotline cannot be reached or put together, or a report cannot be written.
pub fn run(args: &Args, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    if args.instead.lint {
        return lint(&args.paths);
    }
    if args.instead.fmt {
        return reform(&args.paths, !args.check);
    }
    let replay = replay(args, config)?;
    if let Some(lines) = &args.what_if {
        return what_if(&replay, &args.paths, lines);
    }
    let mut report = place(&replay, &args.paths)?;
    if args.instead.bless && write_blessed(&report)? {
        report = place(&replay, &args.paths)?;
    }
    write_reports(args, &report)?;
    Ok(ExitCode::from(report.exit_code()))
}

/// Calls at once for each core. A call mostly waits: for the disk, and for a store that is away, until its deadline.
const EACH_CORE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);

fn replay(args: &Args, config: Option<&Path>) -> anyhow::Result<Replay> {
    let mut dialects: Vec<Dialect> = args.dialect.iter().copied().map(Into::into).collect();
    let against = args.against.as_deref().map(|url| against(url, config, &mut dialects)).transpose()?;
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    // Members of one register: who signs in several times at once has used up their tries.
    let by_itself = if against.is_some() { NonZeroUsize::MIN } else { cores.saturating_mul(EACH_CORE) };
    Ok(Replay {
        origin: Origin { file: config.map(Path::to_owned), environment: std::env::vars_os().collect(), lines: None },
        jobs: args.jobs.unwrap_or(by_itself).get(),
        dialects: (!dialects.is_empty()).then_some(dialects),
        chaos: args.chaos,
        against,
    })
}

/// What platforms know of the hotline at `url`: what its settings tell them. Where no way in is named, it is called by those
/// that it has.
fn against(url: &str, config: Option<&Path>, dialects: &mut Vec<Dialect>) -> anyhow::Result<Against> {
    let settings = Settings::load(config, std::env::vars_os())?;
    let url = url.trim_end_matches('/').to_owned();
    let public_url = match settings.server.public_url.trim_end_matches('/') {
        "" => url.clone(),
        public => public.to_owned(),
    };
    let auth_token = settings.twilio.tokens().next().cloned();
    if auth_token.is_none() && (dialects.is_empty() || dialects.contains(&Dialect::Twilio)) {
        bail!("webhooks cannot be signed: set HOTLINE_TWILIO__AUTH_TOKEN as the hotline has it, or --dialect browser");
    }
    let auth_token = auth_token.unwrap_or_else(|| Secret::new(""));
    let jambonz_secret = settings.jambonz.secrets().next().cloned();
    if jambonz_secret.is_none() && dialects.contains(&Dialect::Jambonz) {
        bail!("webhooks cannot be signed: set HOTLINE_JAMBONZ__SECRET as the hotline has it");
    }
    if jambonz_secret.is_none() && dialects.is_empty() {
        dialects.extend(Dialect::ALL.into_iter().filter(|dialect| *dialect != Dialect::Jambonz));
    }
    let jambonz_secret = jambonz_secret.unwrap_or_else(|| Secret::new(""));
    let account = Account { public_url, auth_token, browser_token: settings.browser.token.clone(), jambonz_secret };
    Ok(Against { url, account })
}

/// Replays, with a bar for whoever waits at a terminal.
fn place(replay: &Replay, paths: &[PathBuf]) -> anyhow::Result<Report> {
    let target =
        if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let many = files(paths)?.len();
    let bar = ProgressBar::with_draw_target(u64::try_from(many).ok(), target);
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} {wide_msg}")?);
    let told = |file: &FileReport| {
        if !file.passed() {
            bar.println(report::progress(file));
        }
        bar.set_message(file.source.clone());
        bar.inc(1);
    };
    let report = replay.run(paths, &told)?;
    bar.finish_and_clear();
    Ok(report)
}

fn write_reports(args: &Args, report: &Report) -> anyhow::Result<()> {
    let write = |path: &Path, text: String| {
        std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
    };
    if let Some(path) = &args.reports.junit {
        write(path, report::junit(report)?)?;
    }
    if let Some(path) = &args.reports.html {
        write(path, report::html(report)?)?;
    }
    let mut out = std::io::stdout().lock();
    if args.reports.json {
        writeln!(out, "{:#}", report::json(report))?;
    } else {
        let color = console::colors_enabled();
        write!(out, "{}", report::text(report, color))?;
        if std::io::stderr().is_terminal() {
            writeln!(std::io::stderr(), "{}", report::pace(report))?;
        }
    }
    out.flush()?;
    Ok(())
}

/// Writes what was heard into the transcripts. Whether anything changed.
fn write_blessed(report: &Report) -> anyhow::Result<bool> {
    let mut out = std::io::stdout().lock();
    let mut any = false;
    for file in &report.files {
        let Outcome::Played(transcript, played) = &file.outcome else { continue };
        // All ways in are heard alike; one that is not, is no matter of wording.
        let Some(played) = played.iter().find(|played| !played.mismatches.is_empty()) else { continue };
        let before =
            std::fs::read_to_string(&file.source).with_context(|| format!("{} cannot be read", file.source))?;
        let (after, blessed) = bless(transcript, &before, played);
        if after == before {
            continue;
        }
        std::fs::write(&file.source, after).with_context(|| format!("{} cannot be written", file.source))?;
        any = true;
        for change in blessed {
            writeln!(out, "{}:{}\n- {}\n+ {}", file.source, change.line, change.before, change.after)?;
        }
    }
    Ok(any)
}

/// Reads only. Exit code 2: a file cannot be read.
fn lint(paths: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let (mut read, mut refused) = (0, 0);
    let mut names: HashMap<String, String> = HashMap::new();
    for file in files(paths)? {
        let source = file.display().to_string();
        match read_one(&source, &file) {
            Ok(transcript) => {
                read += 1;
                if let Some(other) = names.insert(transcript.id.clone(), source.clone()) {
                    refused += 1;
                    writeln!(out, "{source}:1: {} is the name of {other} too", transcript.id)?;
                    writeln!(out, "    remedy: give each call a name of its own")?;
                }
            }
            Err(faults) => {
                refused += 1;
                writeln!(out, "{faults}")?;
            }
        }
    }
    writeln!(out, "{read} read, {refused} with faults")?;
    Ok(ExitCode::from(if refused > 0 { 2 } else { 0 }))
}

/// Tells which are not in the usual form, and has them `written` so. Exit code 1: some were not.
fn reform(paths: &[PathBuf], written: bool) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let mut changed = 0;
    for file in files(paths)? {
        let shown = file.display();
        let before = std::fs::read_to_string(&file).with_context(|| format!("{shown} cannot be read"))?;
        let after = format(&before);
        if after != before {
            if written {
                std::fs::write(&file, after).with_context(|| format!("{shown} cannot be written"))?;
            }
            writeln!(out, "{shown}")?;
            changed += 1;
        }
    }
    writeln!(out, "{changed} {}", if written { "rewritten" } else { "to rewrite" })?;
    Ok(ExitCode::from(u8::from(changed > 0)))
}

/// Tells what the callers of these transcripts would hear otherwise. Exit code 1: something; 2: a file cannot be read.
fn what_if(replay: &Replay, paths: &[PathBuf], lines: &Path) -> anyhow::Result<ExitCode> {
    let now = place(replay, paths)?;
    let mut draft = replay.clone();
    draft.origin.lines = Some(lines.to_owned());
    let then = place(&draft, paths)?;
    // What differs from itself has something drawn in it.
    let again = place(replay, paths)?;
    let mut changed = WhatIf::default();
    let mut out = std::io::stdout().lock();
    let mut unreadable = BTreeSet::new();
    for ((now, again), then) in now.files.iter().zip(&again.files).zip(&then.files) {
        match (&now.outcome, &again.outcome, &then.outcome) {
            (Outcome::Played(transcript, now), Outcome::Played(_, again), Outcome::Played(_, then)) => {
                for ((now, again), then) in now.iter().zip(again).zip(then) {
                    changed.take(&transcript.id, [now, again], then);
                }
            }
            // A fault of the lines is every call's: it is told once.
            (Outcome::Unreadable(faults), ..) | (.., Outcome::Unreadable(faults))
                if unreadable.insert(faults.to_string()) =>
            {
                writeln!(out, "{faults}")?;
            }
            _ => {}
        }
    }
    let mut many = 0_usize;
    for (sentence, calls) in changed.changes() {
        many += 1;
        let (before, after) = (sentence.before.as_deref(), sentence.after.as_deref());
        for (mark, text) in [('-', before), ('+', after)] {
            if let Some(text) = text {
                writeln!(out, "{mark} {text}")?;
            }
        }
        let what = if calls.len() == 1 { "call" } else { "calls" };
        writeln!(out, "  {} {what}: {}", calls.len(), calls.join(" "))?;
    }
    writeln!(out, "{many} {}", if many == 1 { "sentence changes" } else { "sentences change" })?;
    Ok(ExitCode::from(match (!unreadable.is_empty(), many) {
        (true, _) => 2,
        (false, 1..) => 1,
        (false, 0) => 0,
    }))
}
