//! `hotline flow`: the call flow as it really is, drawn from a walk over everything a caller can do; and how long it takes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::ValueEnum;
use serde::Serialize;

use super::coverage;
use crate::call::lines::Lines;
use crate::config::Settings;
use crate::dialog::Flow;
use crate::dialog::explore::Exploration;
use crate::dialog::times::{PRACTISED, ROUND_TRIP, SLOW, WayTo, ways as ways_to};
use crate::speech::tempo;

/// Draw the call flow.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How. [default: mermaid; with --transcripts, in words]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Which line, by its name; the one that takes any number by default, with --transcripts every one.
    line: Option<String>,
    /// What would only clutter the drawing too: silence, wrong keys, hang-ups, and what works everywhere.
    #[arg(long)]
    all: bool,
    /// How long callers take instead: seconds from the dial tone until each service has told its answer.
    #[arg(long, conflicts_with_all = ["format", "all"])]
    times: bool,
    /// Which ways through the flow these transcripts walk instead, and which not; may be given more than once. Exit codes: 0
    /// they walk every way that keys can cause, 1 some are missing, 2 a transcript differs or cannot be read.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["all", "times"])]
    transcripts: Vec<PathBuf>,
    /// Write transcripts of the ways that are missing into this folder, each the shortest that leads there and on to others.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["all", "times"])]
    generate: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For Markdown.
    Mermaid,
    /// For Graphviz.
    Dot,
    /// For programs.
    Json,
}

/// What happens in every place alike, or leads nowhere new.
const EVERYWHERE: [&str; 8] = ["silence", "garbled", "# alone", "limit", "hang-up", "9", "#", "call ended"];

/// Draws.
///
/// # Errors
/// The line is not there, or it has faults.
pub fn run(args: &Args, settings: &Settings, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let lines = crate::server::load_lines(settings)?;
    let flow = match &args.line {
        Some(name) => lines.named(name).with_context(|| {
            let names: Vec<_> = lines.flows().map(|f| f.name.to_string()).collect();
            format!("there is no line {name:?}; there are {}", names.join(", "))
        })?,
        None => lines.dialled(""),
    };
    if !args.transcripts.is_empty() || args.generate.is_some() {
        let as_json = match args.format {
            None => false,
            Some(Format::Json) => true,
            Some(_) => bail!("what transcripts walk is told in words, or with --format json"),
        };
        let every = lines.flows().map(|flow| &**flow).filter(|every| args.line.is_none() || every.name == flow.name);
        let flows: Vec<&Flow> = every.collect();
        return coverage::run(&args.transcripts, args.generate.as_deref(), &lines, &flows, as_json, config);
    }
    if args.times {
        std::io::stdout().lock().write_all(times(&lines, flow).as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let seen = Lines::walk(flow, &lines.catalogs());
    let ways = ways(&seen, args.all);
    let text = match args.format {
        None | Some(Format::Mermaid) => mermaid(&ways),
        Some(Format::Dot) => dot(&ways),
        Some(Format::Json) => json(&flow.name, &seen, &ways)?,
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn times(lines: &Lines, flow: &Flow) -> String {
    let mut text = String::new();
    for &language in &flow.languages {
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "line {}, {language}: seconds from the dial tone until the answer has been told, of which speech\n\n\
             {:<18}{:>5}{:>11}{:>9}{:>9}{:>9}   entries",
            flow.name, "service", "keys", "practised", "speech", "slow", "speech"
        );
        for (service, way) in ways_to(flow, language, lines.wording()) {
            let _ = match way {
                Some(WayTo { entries, keys, practised, slow, .. }) => writeln!(
                    text,
                    "{:<18}{keys:>5}{:>11}{:>9}{:>9}{:>9}   {}",
                    service.name(),
                    seconds(practised.whole),
                    seconds(practised.speech),
                    seconds(slow.whole),
                    seconds(slow.speech),
                    entries.join(", ")
                ),
                None => writeln!(text, "{:<18}    - keys alone do not lead there", service.name()),
            };
        }
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "Reckoned, not measured:\n\
         - speech: {} Chinese syllables a minute or {} words, {} s after a sentence, {} s after a comma\n\
         - {} s from the last key to the first word of what follows\n\
         - practised: presses as soon as keys are taken, {} s a key\n\
         - slow: hears everything out, then thinks for {} s, {} s a key\n\
         - both hear the answer out; it is that of a member with something to tell",
        tempo::SYLLABLES_IN_TEN_SECONDS * 6,
        tempo::WORDS_A_MINUTE,
        seconds(tempo::SENTENCE_PAUSE),
        seconds(tempo::CLAUSE_PAUSE),
        seconds(ROUND_TRIP),
        seconds(PRACTISED.a_key),
        seconds(SLOW.thinks),
        seconds(SLOW.a_key),
    );
    text
}

/// With one decimal from a second on, rounded; below, as it is: 12.3, 0.25.
fn seconds(of: Duration) -> String {
    if of < Duration::from_secs(1) { of.as_secs_f64().to_string() } else { format!("{:.1}", of.as_secs_f64()) }
}

/// From place to place: what leads there.
type Ways<'e> = BTreeMap<(&'e str, &'e str), Vec<&'static str>>;

fn ways(seen: &Exploration, all: bool) -> Ways<'_> {
    let mut ways = Ways::new();
    for edge in &seen.edges {
        let to_itself = edge.from == edge.to;
        if all || !(to_itself || edge.missed || EVERYWHERE.contains(&edge.on)) {
            let on = ways.entry((&edge.from, &edge.to)).or_default();
            // The same key may be wrong where it was right before: it is drawn once.
            if on.last() != Some(&edge.on) {
                on.push(edge.on);
            }
        }
    }
    ways
}

fn mermaid(ways: &Ways<'_>) -> String {
    let mut text = String::from("flowchart TD\n");
    let node = |place: &str| place.replace(['-', '.'], "_");
    for ((from, to), on) in ways {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "    {}[\"{from}\"] -->|\"{}\"| {}[\"{to}\"]", node(from), on.join(", "), node(to));
    }
    text
}

fn dot(ways: &Ways<'_>) -> String {
    let mut text = String::from("digraph flow {\n    node [shape=box];\n");
    for ((from, to), on) in ways {
        let _ = writeln!(text, "    \"{from}\" -> \"{to}\" [label=\"{}\"];", on.join(", "));
    }
    text.push_str("}\n");
    text
}

#[derive(Serialize)]
struct Drawing<'d> {
    line: &'d str,
    states: usize,
    ways: Vec<Way<'d>>,
}

#[derive(Serialize)]
struct Way<'d> {
    from: &'d str,
    to: &'d str,
    on: &'d [&'static str],
}

fn json(line: &str, seen: &Exploration, ways: &Ways<'_>) -> anyhow::Result<String> {
    let ways = ways.iter().map(|((from, to), on)| Way { from, to, on }).collect();
    let mut text = serde_json::to_string_pretty(&Drawing { line, states: seen.states, ways })?;
    text.push('\n');
    Ok(text)
}
