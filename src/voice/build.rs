//! Renders what changed: tells a program what is to be spoken, looks at what it made, and writes the manifest.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use super::check::{RENDER_ANEW, files, place_of, place_wanted, remedy_for};
use super::wav::{measure, silence};
use super::{Folder, MANIFEST, TAKE, hash};
use crate::fault::Fault;
use crate::speech::clip::manifest::{Entry, Manifest};
use crate::speech::clip::wanted::Wanted;

/// So many clips are rendered before the manifest is written: whoever breaks off loses no more.
const BATCH: usize = 100;

/// What is to be done to a folder so that it has every clip that is wanted, and no other. Nothing that a person recorded is
/// deleted or written over.
#[derive(Debug)]
pub struct Plan<'w> {
    /// To be rendered.
    pub render: Vec<&'w Wanted>,
    /// There already, rendered or recorded.
    kept: Vec<&'w Wanted>,
    /// Files of rendered clips that nobody needs.
    pub delete: Vec<String>,
    /// Clips whose takes speak wording that is no longer said.
    pub stale: Vec<String>,
    /// Clips that are called otherwise now, whose takes go with them: from, to.
    pub renamed: Vec<(String, String)>,
    /// Files that are no clips of anything.
    pub left: Vec<String>,
}

impl<'w> Plan<'w> {
    /// Compares. With `again`, everything is rendered that nobody recorded.
    #[must_use]
    pub fn of(folder: &Folder, manifest: Option<&Manifest>, wanted: &'w [Wanted], again: bool) -> Self {
        let entries = || manifest.iter().flat_map(|manifest| &manifest.entries);
        let names: HashSet<_> = wanted.iter().map(|clip| clip.name.as_str()).collect();
        let known: HashMap<_, _> = entries().map(|entry| (&*entry.name, entry)).collect();
        let takes = Takes::of(folder, &known, wanted);
        let (mut render, mut kept, mut delete) = (Vec::new(), Vec::new(), Vec::new());
        for clip in wanted {
            let is_there = folder.clip(&clip.name).exists();
            let same = known.get(clip.name.as_str()).is_some_and(|entry| place_of(entry) == place_wanted(clip));
            if takes.speaks(folder, clip) {
                kept.push(clip);
                // What was rendered below it speaks something else, and is not to come back when the take is gone.
                if is_there && (again || !same) {
                    delete.push(format!("{}.wav", clip.name));
                }
            } else if is_there && same && !again {
                kept.push(clip);
            } else {
                render.push(clip);
            }
        }
        let needless = entries().filter(|entry| !names.contains(&*entry.name) && is_rendered(folder, entry));
        delete.extend(needless.map(|entry| format!("{}.wav", entry.name)));
        let Takes { stale, renamed } = takes;
        let moves = |name: &str| renamed.iter().any(|(from, _)| from == name);
        let is_clip = |file: &str| match file.strip_suffix(TAKE) {
            Some(name) => names.contains(name) || moves(name),
            None => names.contains(file.trim_end_matches(".wav")),
        };
        let left = files(folder).into_iter().filter(|file| !is_clip(file) && !delete.contains(file)).collect();
        Self { render, kept, delete, stale, renamed, left }
    }

    /// Does it: `program` renders. What it makes known as it goes on is handed to `progress`, line by line. Returns what
    /// is wrong with clips, and with takes: those are not played.
    ///
    /// # Errors
    /// Files cannot be read or written; the program cannot be started, fails, or leaves a clip out.
    pub fn carry_out(
        self,
        folder: &Folder,
        program: &Path,
        mut progress: impl FnMut(&str),
    ) -> Result<Vec<Fault>, BuildError> {
        std::fs::create_dir_all(folder.path()).map_err(at(folder.path()))?;
        for name in &self.stale {
            put_aside(&folder.take(name))?;
        }
        rename(folder, &self.renamed)?;
        for file in &self.delete {
            let path = folder.path().join(file);
            std::fs::remove_file(&path).map_err(at(&path))?;
        }
        let mut done = self.kept;
        let (silences, spoken): (Vec<&Wanted>, Vec<&Wanted>) =
            self.render.iter().partition(|clip| clip.text.is_empty());
        for clip in silences {
            let path = folder.clip(&clip.name);
            let bytes = silence(clip.silence_ms).map_err(|e| BuildError::Program(e.to_string()))?;
            std::fs::write(&path, bytes).map_err(at(&path))?;
            done.push(clip);
        }
        // First without what is to be rendered: recordings are in force even if nothing can render the rest.
        let mut faults = write_manifest(folder, &done)?;
        for batch in spoken.chunks(BATCH) {
            render(folder, program, batch, &mut progress)?;
            done.extend(batch);
            faults = write_manifest(folder, &done)?;
        }
        Ok(faults)
    }
}

/// What becomes of takes whose clips changed.
struct Takes {
    stale: Vec<String>,
    renamed: Vec<(String, String)>,
}

impl Takes {
    fn of(folder: &Folder, known: &HashMap<&str, &Entry>, wanted: &[Wanted]) -> Self {
        let named: HashSet<_> = wanted.iter().map(|clip| clip.name.as_str()).collect();
        let placed: HashMap<_, _> = wanted.iter().map(|clip| (place_wanted(clip), clip)).collect();
        // One that was put in its place since is another, and speaks what is said now.
        let is_known = |entry: &Entry| hash_of(&folder.take(&entry.name)).is_some_and(|hash| hash == *entry.hash);
        let mut takes = Self { stale: Vec::new(), renamed: Vec::new() };
        for entry in known.values().filter(|entry| entry.take && folder.take(&entry.name).exists()) {
            let (name, is_wanted) = (entry.name.to_string(), named.contains(&*entry.name));
            match placed.get(&place_of(entry)) {
                Some(clip) if clip.name == name => {}
                Some(clip) if is_known(entry) || !is_wanted => {
                    let other = known.get(clip.name.as_str());
                    let is_taken = folder.take(&clip.name).exists() && !other.is_some_and(|other| is_known(other));
                    if is_taken { takes.stale.push(name) } else { takes.renamed.push((name, clip.name.clone())) }
                }
                None if is_wanted && is_known(entry) => takes.stale.push(name),
                Some(_) | None => {}
            }
        }
        takes.stale.sort_unstable();
        takes.renamed.sort_unstable();
        takes
    }

    /// Whether a person speaks `clip`, when all is done.
    fn speaks(&self, folder: &Folder, clip: &Wanted) -> bool {
        let goes = |name: &String| self.stale.contains(name) || self.renamed.iter().any(|(from, _)| from == name);
        let take = match self.renamed.iter().find(|(_, to)| *to == clip.name) {
            Some((from, _)) => folder.take(from),
            None if goes(&clip.name) => return false,
            None => folder.take(&clip.name),
        };
        let measured = std::fs::read(take).ok().and_then(|bytes| measure(&bytes).ok());
        measured.is_some_and(|measured| measured.flaw(clip.text.is_empty()).is_none())
    }
}

fn hash_of(path: &Path) -> Option<String> {
    std::fs::read(path).ok().map(|bytes| hash(&bytes))
}

/// Whether the file that `entry` has is one that was rendered. Of what lies below a take, nothing else is known.
fn is_rendered(folder: &Folder, entry: &Entry) -> bool {
    hash_of(&folder.clip(&entry.name)).is_some_and(|hash| entry.take || hash == *entry.hash)
}

/// Keeps a take for whoever recorded it, but no longer plays it: as `NAME.take.wav.old`, or `….old.2`, where there is one.
fn put_aside(take: &Path) -> Result<(), BuildError> {
    let old = |n: u32| take.with_extension(if n == 1 { "wav.old".to_owned() } else { format!("wav.old.{n}") });
    let free = (1..=u32::MAX).map(old).find(|path| !path.exists()).unwrap_or_else(|| old(0));
    std::fs::rename(take, free).map_err(at(take))
}

/// Gives takes the names of their clips. All are read before any is written, since two may change names.
fn rename(folder: &Folder, renamed: &[(String, String)]) -> Result<(), BuildError> {
    let read = |(from, _): &(String, String)| std::fs::read(folder.take(from)).map_err(at(&folder.take(from)));
    let sounds = renamed.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    for ((_, to), sound) in renamed.iter().zip(sounds) {
        std::fs::write(folder.take(to), sound).map_err(at(&folder.take(to)))?;
    }
    for (from, _) in renamed.iter().filter(|(from, _)| !renamed.iter().any(|(_, to)| to == from)) {
        std::fs::remove_file(folder.take(from)).map_err(at(&folder.take(from)))?;
    }
    Ok(())
}

/// Has `program` render a batch.
fn render(
    folder: &Folder,
    program: &Path,
    batch: &[&Wanted],
    progress: &mut impl FnMut(&str),
) -> Result<(), BuildError> {
    let path = std::path::absolute(folder.path()).map_err(at(folder.path()))?;
    let work = json!({
        "language": folder.language(),
        "folder": path,
        "clips": batch
            .iter()
            .map(|clip| {
                json!({
                    "name": clip.name,
                    "text": clip.text,
                    "before": clip.before,
                    "after": clip.after,
                    "carrier": clip.carrier,
                    "at": clip.at,
                })
            })
            .collect::<Vec<_>>(),
    });
    // What lies there speaks something else: a program that leaves one out must not pass it off.
    for clip in batch {
        match std::fs::remove_file(folder.clip(&clip.name)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(at(&folder.clip(&clip.name))(e)),
            _ => {}
        }
    }
    let started = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = started.map_err(at(program))?;
    if let Some(mut input) = child.stdin.take() {
        match input.write_all(work.to_string().as_bytes()) {
            // It may know without being told.
            Err(e) if e.kind() != io::ErrorKind::BrokenPipe => return Err(at(program)(e)),
            _ => {}
        }
    }
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            progress(&line);
        }
    }
    let status = child.wait().map_err(at(program))?;
    if !status.success() {
        return Err(BuildError::Program(format!("{} ended with {status}", program.display())));
    }
    match batch.iter().find(|clip| !folder.clip(&clip.name).exists()) {
        Some(clip) => Err(BuildError::Program(format!("{} made no {}.wav", program.display(), clip.name))),
        None => Ok(()),
    }
}

/// Looks at each clip and writes down what it is. What is wrong with it is told; takes that cannot be played are left out.
fn write_manifest(folder: &Folder, done: &[&Wanted]) -> Result<Vec<Fault>, BuildError> {
    let mut faults = Vec::new();
    let mut entries = Vec::with_capacity(done.len());
    for clip in done {
        let take = folder.take(&clip.name);
        let recorded = if take.exists() { take_of(&take, clip, &mut faults)? } else { None };
        let take = recorded.is_some();
        let (ms, hash) = if let Some(of_take) = recorded {
            of_take
        } else {
            let path = folder.clip(&clip.name);
            let bytes = std::fs::read(&path).map_err(at(&path))?;
            let measured = measure(&bytes).map_err(|e| BuildError::Program(format!("{}: {e}", path.display())))?;
            if let Some(flaw) = measured.flaw(clip.text.is_empty()) {
                faults.push(Fault::of(&path.display().to_string(), flaw.to_string(), RENDER_ANEW));
            }
            (measured.ms, hash(&bytes))
        };
        entries.push(Entry {
            name: clip.name.as_str().into(),
            text: clip.text.as_str().into(),
            before: clip.before,
            after: clip.after,
            take,
            ms,
            hash: hash.into(),
        });
    }
    let path = folder.path().join(MANIFEST);
    let manifest = Manifest { language: folder.language(), entries };
    std::fs::write(&path, manifest.text()).map_err(at(&path))?;
    Ok(faults)
}

/// Length and hash of a take, if it can be played.
fn take_of(path: &Path, clip: &Wanted, faults: &mut Vec<Fault>) -> Result<Option<(u32, String)>, BuildError> {
    let bytes = std::fs::read(path).map_err(at(path))?;
    let shown = path.display().to_string();
    match measure(&bytes) {
        Err(unplayable) => {
            let remedy = remedy_for(&unplayable, &shown);
            faults.push(Fault::of(&shown, format!("{unplayable}, and is not played"), remedy));
        }
        Ok(measured) => match measured.flaw(clip.text.is_empty()) {
            Some(flaw) => {
                let remedy = "record it anew: −20 dB where there is speech, and no peak above −1";
                faults.push(Fault::of(&shown, format!("{flaw}, and is not played"), remedy));
            }
            None => return Ok(Some((measured.ms, hash(&bytes)))),
        },
    }
    Ok(None)
}

/// Why clips could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A file.
    #[error("{}: {problem}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What happened.
        problem: io::Error,
    },
    /// The program that renders.
    #[error("{0}")]
    Program(String),
}

fn at(path: &Path) -> impl Fn(io::Error) -> BuildError + '_ {
    |problem| BuildError::File { path: path.to_owned(), problem }
}
