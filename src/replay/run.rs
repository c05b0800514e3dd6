//! A whole replay: files in, a report out, in the order of the files whatever the number of jobs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use super::chaos::Chaos;
use super::pattern::{Pattern, Words, spoken};
use super::phone::Account;
use super::play::{Act, Mismatch, Played, Telling, Wrong, play};
use super::prompt_hole;
use super::readings::{Readings, without_drawn_numbers};
use super::report::{FileReport, Outcome, Report};
use super::stage::{InProcess, Origin, Remote, Set, Sets};
use super::transcript::{Dialect, Fault as Accident, Transcript, Truth, What};
use super::ways::Ways;
use crate::clock::Clock;
use crate::fault::{Fault, Faults};
use crate::speech::catalog::Catalog;

/// How transcripts are replayed.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Where settings come from.
    pub origin: Origin,
    /// Calls at once.
    pub jobs: usize,
    /// Only by these ways in; `None`: by all that a transcript names.
    pub dialects: Option<Vec<Dialect>>,
    /// What networks do to callbacks, from this seed.
    pub chaos: Option<u64>,
    /// The running hotline to call; `None`: one in this process for each call.
    pub against: Option<Against>,
}

/// A running hotline.
#[derive(Clone, Debug)]
pub struct Against {
    /// Where it answers.
    pub url: String,
    /// What its platforms know.
    pub account: Account,
}

/// A transcript with all it takes to play it.
struct Prepared {
    transcript: Transcript,
    /// The same with the ways that it asks for, if it asks for any: by each dialect, because they may differ.
    on_the_way: Vec<(Dialect, Transcript)>,
    set: Set,
}

impl Prepared {
    /// What is played by `dialect`.
    fn by(&self, dialect: Dialect) -> &Transcript {
        self.on_the_way.iter().find(|(by, _)| *by == dialect).map_or(&self.transcript, |(_, transcript)| transcript)
    }
}

impl Replay {
    /// Replays the transcripts of `paths`, files and folders; tells `told` of each as it is done.
    ///
    /// # Errors
    /// What keeps all of them from being replayed.
    pub fn run(&self, paths: &[PathBuf], told: &(dyn Fn(&FileReport) + Sync)) -> Result<Report, Faults> {
        let began = Instant::now();
        if let Some(against) = &self.against {
            let remedy = "start one with `hotline serve`, or replay in process";
            Remote::new(&against.url).greet().map_err(|e| Faults(vec![Fault::of("--against", e, remedy)]))?;
        }
        let mut sets = Sets::new(self.origin.clone())?;
        let runtime = runtime()?;
        let mut read = Vec::new();
        for file in files(paths)? {
            let source = file.display().to_string();
            read.push((source.clone(), read_one(&source, &file)));
        }
        told_apart(&mut read);
        let prepared: Vec<(String, Result<Prepared, Outcome>)> = runtime.block_on(async {
            let (mut prepared, mut ways) = (Vec::new(), Ways::default());
            for (source, transcript) in read {
                let one = match transcript {
                    Err(faults) => Err(Outcome::Unreadable(faults)),
                    Ok(transcript) => self.prepare(transcript, &mut sets, &mut ways).await,
                };
                prepared.push((source, one));
            }
            prepared
        });
        drop(runtime);
        let files = self.play_all(&prepared, sets.folder(), told)?;
        Ok(Report { files, took: began.elapsed() })
    }

    /// All it takes to play `transcript`; or what comes of it without.
    async fn prepare(&self, transcript: Transcript, sets: &mut Sets, ways: &mut Ways) -> Result<Prepared, Outcome> {
        let played_here = |transcript: &Transcript| match self.passed_over(transcript) {
            Some(why) => Err(Outcome::PassedOver(why)),
            None => Ok(()),
        };
        played_here(&transcript)?;
        let set = sets.prepare(&transcript).await.map_err(Outcome::Unreadable)?;
        prompt_hole::are_known(&transcript, &set.lines.catalogs()).map_err(Outcome::Unreadable)?;
        // A hotline that runs has a clock of its own.
        let now = if self.against.is_some() { Clock::system().now() } else { transcript.header.clock };
        let mut on_the_way = Vec::new();
        for dialect in self.by(&transcript) {
            if let Some(with_ways) = ways.put_in(&transcript, dialect, &set, now).map_err(Outcome::Unreadable)? {
                // A way may take what only a hotline of its own is given.
                played_here(&with_ways)?;
                on_the_way.push((dialect, with_ways));
            }
        }
        Ok(Prepared { transcript, on_the_way, set })
    }

    /// Why `transcript` is not played here, if it is not.
    fn passed_over(&self, transcript: &Transcript) -> Option<String> {
        if self.by(transcript).next().is_none() {
            return Some("is for other dialects".to_owned());
        }
        self.against.as_ref()?;
        let inside = transcript.steps.iter().any(|step| match &step.what {
            What::Fault(fault) => !matches!(fault, Accident::Duplicate(_) | Accident::Reorder),
            _ => false,
        });
        let needs = "needs a hotline of its own: it can be replayed in process only";
        (inside || transcript.header.in_process_only).then(|| needs.to_owned())
    }

    fn by(&self, transcript: &Transcript) -> impl Iterator<Item = Dialect> {
        let wanted = |dialect: &Dialect| self.dialects.as_ref().is_none_or(|wanted| wanted.contains(dialect));
        transcript.header.dialects.iter().copied().filter(wanted)
    }

    fn play_all(
        &self,
        prepared: &[(String, Result<Prepared, Outcome>)],
        folder: &Path,
        told: &(dyn Fn(&FileReport) + Sync),
    ) -> Result<Vec<FileReport>, Faults> {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(HashMap::new());
        let job = || -> Result<(), Faults> {
            let runtime = runtime()?;
            while let Some((at, (source, one))) = {
                let at = next.fetch_add(1, Ordering::Relaxed);
                prepared.get(at).map(|one| (at, one))
            } {
                let outcome = match one {
                    Ok(one) => runtime.block_on(self.play_one(one, folder)),
                    Err(outcome) => outcome.clone(),
                };
                let report = FileReport { source: source.clone(), outcome };
                told(&report);
                done.lock().unwrap_or_else(PoisonError::into_inner).insert(at, report);
            }
            Ok(())
        };
        // One job needs no thread but this one, whose log it keeps to.
        if self.jobs <= 1 {
            job()?;
        } else {
            thread::scope(|scope| {
                let jobs: Vec<_> = (0..self.jobs).map(|_| scope.spawn(job)).collect();
                let broken = || Faults(vec![Fault::of("replay", "a job broke off", "report it")]);
                jobs.into_iter().try_for_each(|job| job.join().unwrap_or_else(|_| Err(broken())))
            })?;
        }
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok((0..prepared.len()).filter_map(|at| done.remove(&at)).collect())
    }

    async fn play_one(&self, prepared: &Prepared, folder: &Path) -> Outcome {
        let Prepared { transcript: as_written, set, .. } = prepared;
        let card_rule = set.lines.dialled(&as_written.header.dialled).card_rule();
        let watched = as_written.steps.iter().any(|step| matches!(step.what, What::True(Truth::Unseen(_))));
        let mut all = Vec::new();
        for dialect in self.by(as_written) {
            let transcript = prepared.by(dialect);
            let catalogs: Vec<&Catalog> = set.lines.catalogs();
            let readings = Readings::new(&transcript.source, &transcript.header, &set.members, catalogs, card_rule);
            let readings = match readings {
                Ok(readings) => readings,
                Err(faults) => return Outcome::Unreadable(faults),
            };
            let chaos = self.chaos.map(|seed| Chaos::new(seed, &transcript.source, dialect.name()));
            if let Some(Against { url, account }) = &self.against {
                // Calls of an earlier replay are known to the hotline.
                let run = format!("{:x}", nonce());
                let telling = Telling { account, readings: &readings, chaos, run: &run };
                all.push(play(transcript, dialect, &mut Remote::new(url), telling).await);
                continue;
            }
            let written = readings.written().map(|(name, value)| (name.to_owned(), value));
            let secrets = if watched { written.collect() } else { Vec::new() };
            let stage = async {
                let mut stage = InProcess::open(set, folder, &transcript.header, secrets).await?;
                stage.remember(transcript, &readings).await?;
                Ok::<_, String>(stage)
            };
            let mut stage = match stage.await {
                Ok(stage) => stage,
                Err(why) => {
                    let fault = Fault::of(&transcript.source, why, "make room for temporary files");
                    return Outcome::Unreadable(Faults(vec![fault]));
                }
            };
            let account = Set::account();
            let telling = Telling { account: &account, readings: &readings, chaos, run: "" };
            all.push(play(transcript, dialect, &mut stage, telling).await);
        }
        alike(as_written, &mut all);
        Outcome::Played(Box::new(as_written.clone()), all)
    }
}

/// Every way in is to be heard alike: what the others say otherwise than the first is noted with them.
fn alike(transcript: &Transcript, all: &mut [Played]) {
    // Digits that were drawn for this call are no other's.
    let drawn = transcript.steps.iter().any(|step| match &step.what {
        What::Heard(expected) => {
            expected.parts.iter().any(|(part, _)| matches!(part, super::pattern::Part::Capture(_)))
        }
        _ => false,
    });
    let Some((first, others)) = all.split_first_mut() else { return };
    if drawn {
        return;
    }
    for other in others.iter_mut().filter(|other| other.mismatches.is_empty() && first.mismatches.is_empty()) {
        // Who was led another way to a place has heard of something else.
        if did(first) != did(other) {
            continue;
        }
        let (ours, theirs) = (heard(transcript, first), heard(transcript, other));
        // Nor are numbers that were drawn, where the transcript leaves them open; where it does not, it has found them right.
        let words = |said: &str| without_drawn_numbers(&spoken(said));
        let differs = ours.iter().zip(&theirs).position(|((_, a), (_, b))| words(a) != words(b));
        let Some(((line, said), (_, otherwise))) = differs.and_then(|at| Some((ours.get(at)?, theirs.get(at)?))) else {
            continue;
        };
        let Ok(pattern) = Pattern::new(vec![(vec![Words::OneOf(vec![(*said).to_owned()])], false)]) else { continue };
        let mismatch = Mismatch {
            line: *line,
            turn: 0,
            at: other.lasted,
            place: None,
            path: Vec::new(),
            pressed: Vec::new(),
            what: Wrong::Otherwise { than: first.dialect, difference: pattern.difference(otherwise) },
        };
        other.mismatches.push(mismatch);
    }
}

/// What the caller did.
fn did(played: &Played) -> Vec<&str> {
    let did = played.scenes.iter().filter_map(|scene| match &scene.act {
        Act::Caller(does) => Some(does.as_str()),
        _ => None,
    });
    did.collect()
}

/// What was heard, with its line; of a way that was put in, where it led.
fn heard<'p>(transcript: &Transcript, played: &'p Played) -> Vec<(usize, &'p str)> {
    let ways: Vec<_> = transcript.steps.iter().filter(|step| step.dials_to().is_some()).map(|step| step.line).collect();
    let mut heard: Vec<(usize, &str)> = Vec::new();
    for scene in &played.scenes {
        let Act::Heard { said, .. } = &scene.act else { continue };
        if ways.contains(&scene.line) {
            heard.pop_if(|(line, _)| *line == scene.line);
        }
        heard.push((scene.line, said));
    }
    heard
}

/// Reads the transcript at `file`.
///
/// # Errors
/// Every fault in it.
pub fn read_one(source: &str, file: &Path) -> Result<Transcript, Faults> {
    let bytes = std::fs::read(file).map_err(|e| {
        Faults(vec![Fault::of(source, format!("cannot be read: {e}"), "name a file or a folder of transcripts")])
    })?;
    Transcript::parse(source, &bytes)
}

/// A name is one transcript's: reports would not tell them apart.
fn told_apart(read: &mut [(String, Result<Transcript, Faults>)]) {
    let mut names: HashMap<String, String> = HashMap::new();
    for (source, one) in read {
        let Ok(transcript) = one else { continue };
        match names.get(&transcript.id) {
            Some(other) => {
                let problem = format!("{} is the name of {other} too", transcript.id);
                let fault = Fault { line: Some(1), ..Fault::of(source, problem, "give each call a name of its own") };
                *one = Err(Faults(vec![fault]));
            }
            None => drop(names.insert(transcript.id.clone(), source.clone())),
        }
    }
}

/// The transcripts of `paths`, in order: files as they are, and every `.call` of folders.
///
/// # Errors
/// A path that is not there, or nothing at all.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Faults> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() { folder(path, &mut found)? } else { found.push(path.clone()) }
    }
    if found.is_empty() {
        let shown = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        return Err(Faults(vec![Fault::of(&shown, "has no transcript in it", "name a folder with .call files")]));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn folder(path: &Path, found: &mut Vec<PathBuf>) -> Result<(), Faults> {
    let unreadable = |e: std::io::Error| {
        Faults(vec![Fault::of(&path.display().to_string(), format!("cannot be read: {e}"), "make it readable")])
    };
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            folder(&path, found)?;
        } else if path.extension().is_some_and(|ending| ending == "call") {
            found.push(path);
        }
    }
    Ok(())
}

/// Something that no replay before this one had.
fn nonce() -> u64 {
    let mut bytes = [0; 8];
    // Without randomness calls are told apart by less; the hotline itself would not start.
    let _ = getrandom::fill(&mut bytes);
    u64::from_ne_bytes(bytes)
}

fn runtime() -> Result<tokio::runtime::Runtime, Faults> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Faults(vec![Fault::of("replay", e.to_string(), "give it more threads")]))
}
