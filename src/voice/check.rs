//! What is wrong with the clips of a language.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use super::wav::{Unplayable, measure};
use super::{Folder, TAKE, hash};
use crate::fault::Fault;
use crate::speech::clip::manifest::{Entry, Manifest};
use crate::speech::clip::wanted::Wanted;

/// What to do about a rendered clip that is not fit to be heard.
pub(super) const RENDER_ANEW: &str = "delete the file, then run hotline prompts build";

/// Everything wrong with the clips in `folder`, which has `manifest`, held against what is wanted; by clip.
#[must_use]
pub fn faults(folder: &Folder, manifest: &Manifest, wanted: &[Wanted]) -> Vec<Fault> {
    let mut faults = BTreeMap::new();
    let by_name: HashMap<_, _> = manifest.entries.iter().map(|entry| (&*entry.name, entry)).collect();
    let spoken: HashMap<_, _> = manifest.entries.iter().map(|entry| (place_of(entry), entry)).collect();
    let mut needed = BTreeSet::new();
    for clip in wanted {
        if let Some(entry) = spoken.get(&place_wanted(clip)) {
            needed.insert(&*entry.name);
            continue;
        }
        let fault = match by_name.get(clip.name.as_str()) {
            Some(entry) if entry.take => (
                format!("was recorded as “{}”, and is to say “{}” now", entry.text, clip.text),
                "record it anew as the same file, then run hotline prompts build".to_owned(),
            ),
            Some(entry) => (
                format!("speaks “{}”, and is to say “{}” now", entry.text, clip.text),
                "run hotline prompts build".to_owned(),
            ),
            None => (format!("is missing: “{}”", clip.text), "run hotline prompts build".to_owned()),
        };
        faults.insert(clip.name.clone(), fault);
    }
    for entry in &manifest.entries {
        let wanted_otherwise = faults.contains_key(&*entry.name);
        if !needed.contains(&*entry.name) {
            if !wanted_otherwise {
                let problem = "is said by no prompt any more".to_owned();
                faults.insert(
                    entry.name.to_string(),
                    (problem, "run hotline prompts build, which deletes it".to_owned()),
                );
            }
        } else if let Some(fault) = fault_of_file(folder, entry) {
            faults.insert(entry.name.to_string(), fault);
        }
    }
    for name in files(folder) {
        let is_take = name.ends_with(TAKE);
        let of = name.strip_suffix(TAKE).or_else(|| name.strip_suffix(".wav")).unwrap_or(&name);
        match by_name.get(of) {
            Some(entry) if is_take && !entry.take => {
                let problem = "has a take that is not played".to_owned();
                let remedy = "run hotline prompts build, which takes it if it can be played";
                faults.entry(of.to_owned()).or_insert((problem, remedy.to_owned()));
            }
            None => {
                let problem = format!("is not in the manifest, and {name} lies there");
                let remedy = "name it as the clip it is to be, or delete it; then run hotline prompts build";
                faults.entry(of.to_owned()).or_insert((problem, remedy.to_owned()));
            }
            Some(_) => {}
        }
    }
    let source = folder.path().display().to_string();
    faults
        .into_iter()
        .map(|(name, (problem, remedy))| Fault::of(&source, format!("{name} {problem}"), remedy))
        .collect()
}

/// What is wrong with the file that is played of a clip, and what to do.
fn fault_of_file(folder: &Folder, entry: &Entry) -> Option<(String, String)> {
    let path = folder.played(entry);
    let Ok(bytes) = std::fs::read(&path) else {
        let problem = format!("has no file {}", path.file_name().unwrap_or_default().display());
        return Some((problem, "bring it back, or run hotline prompts build".to_owned()));
    };
    let record_anew = |remedy: &str| {
        if entry.take { format!("record it anew{remedy}") } else { RENDER_ANEW.to_owned() }
    };
    match measure(&bytes) {
        Err(unplayable) => Some((unplayable.to_string(), remedy_for(&unplayable, &path.display().to_string()))),
        Ok(_) if hash(&bytes) != *entry.hash => {
            let problem = "is another file than the manifest tells".to_owned();
            Some((problem, "run hotline prompts build, which looks at it and takes it".to_owned()))
        }
        Ok(measured) => {
            let flaw = measured.flaw(entry.text.is_empty())?;
            Some((flaw.to_string(), record_anew(": −20 dB where there is speech, and no peak above −1")))
        }
    }
}

/// What to do about a file that cannot be played.
pub(super) fn remedy_for(unplayable: &Unplayable, path: &str) -> String {
    match unplayable {
        Unplayable::NoWav(_) => "save it as WAV: 8 kHz, mono, 16 bits".to_owned(),
        Unplayable::Format { .. } => {
            format!("make it 8 kHz, mono, 16 bits: sox {path} -r 8000 -c 1 -b 16 -e signed-integer NEW.wav")
        }
    }
}

/// The sound files of a folder, by name.
pub(super) fn files(folder: &Folder) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder.path()).into_iter().flatten().flatten();
    let is_sound = |name: &String| Path::new(name).extension().is_some_and(|extension| extension == "wav");
    entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(is_sound).collect()
}

/// What tells one clip from another: what it speaks and where, or how long it is silent.
pub(super) type Place<'p> = (&'p str, Around, u32);
type Around = (crate::speech::clip::sound::Before, crate::speech::clip::sound::After);

pub(super) fn place_of(entry: &Entry) -> Place<'_> {
    (&entry.text, (entry.before, entry.after), if entry.text.is_empty() { entry.ms } else { 0 })
}

pub(super) fn place_wanted(clip: &Wanted) -> Place<'_> {
    (&clip.text, (clip.before, clip.after), clip.silence_ms)
}
