//! The voice on disk: the folder of a language's clips, what is wrong with it, and the clips in force.
//!
//! ```text
//! voice-prompts/zh-CN/prompts.toml         what is said
//! voice-prompts/zh-CN/clips/manifest.toml  what each clip speaks, its length, the hash of its file
//! voice-prompts/zh-CN/clips/NAME.wav       a clip: 8 kHz, mono, 16 bits
//! voice-prompts/zh-CN/clips/NAME.take.wav  the same, recorded by a person: played in its place
//! ```

pub mod build;
pub mod check;
pub mod wav;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::fault::{Fault, Faults};
use crate::speech::clip::Clips;
use crate::speech::clip::manifest::{Entry, Manifest};
use crate::speech::language::Language;

/// The folder of a language's clips.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    language: Language,
    path: PathBuf,
}

impl Folder {
    /// That of `language`, in the folder of all prompts. It need not be there.
    #[must_use]
    pub fn of(prompts: &Path, language: Language) -> Self {
        Self { language, path: prompts.join(language.tag()).join("clips") }
    }

    /// The language.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it; nothing, if there are no clips of this language.
    ///
    /// # Errors
    /// The manifest is not as it should be, or is another language's.
    pub fn manifest(&self) -> Result<Option<Manifest>, Faults> {
        let path = self.path.join(MANIFEST);
        let source = path.display().to_string();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => {
                let problem = format!("cannot be read: {e}");
                return Err(Faults(vec![Fault::of(&source, problem, "make it a readable file in UTF-8")]));
            }
        };
        let manifest = Manifest::parse(&source, &text)?;
        if manifest.language != self.language {
            let problem = format!("is of {}, and lies in the folder of {}", manifest.language, self.language);
            return Err(Faults(vec![Fault::of(&source, problem, "put the clips of each language in its own folder")]));
        }
        Ok(Some(manifest))
    }

    /// The rendered clip called `name`.
    #[must_use]
    pub fn clip(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.wav"))
    }

    /// What a person recorded in its place, if anybody did.
    #[must_use]
    pub fn take(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}{TAKE}"))
    }

    /// What is played of `entry`.
    #[must_use]
    pub fn played(&self, entry: &Entry) -> PathBuf {
        if entry.take { self.take(&entry.name) } else { self.clip(&entry.name) }
    }
}

const MANIFEST: &str = "manifest.toml";
const TAKE: &str = ".take.wav";

/// The hash that a file of these bytes is served under.
#[must_use]
pub fn hash(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// What the manifests say, in the order of [`Language::ALL`]: what is in force is another once this is another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifests(Vec<Result<Option<Manifest>, Faults>>);

impl Manifests {
    /// Reads those in the folder of all prompts. What is wrong with them, [`Library::read`] tells.
    #[must_use]
    pub fn read(prompts: &Path) -> Self {
        Self(Language::ALL.map(|language| Folder::of(prompts, language).manifest()).into())
    }
}

/// The clips of every language, and their sounds, in memory: nothing that is done to files while calls run makes a clip fail,
/// since a list of sounds that lacks one may be another amount. Shared: a copy costs nothing.
#[derive(Clone, Default)]
pub struct Library {
    clips: Clips,
    sounds: Arc<ArcSwap<Sounds>>,
}

/// By language and hash.
type Sounds = HashMap<(Language, Box<str>), Arc<[u8]>>;

impl Library {
    /// Reads what is in the folder of all prompts. Without any manifest there are no clips, and that is no fault.
    ///
    /// # Errors
    /// Every fault of every manifest; every clip that has no file, or another than its manifest tells.
    pub fn read(prompts: &Path) -> Result<Self, Faults> {
        Self::default().newer(prompts, Manifests::read(prompts))
    }

    /// What the folder has by now, where `manifests` are what was read of it. Sounds that are in memory already are not read again.
    ///
    /// # Errors
    /// As when it was first read.
    pub fn newer(&self, prompts: &Path, manifests: Manifests) -> Result<Self, Faults> {
        let (mut whole, mut faults) = (Vec::new(), Vec::new());
        let mut sounds = Sounds::new();
        for manifest in manifests.0 {
            match manifest {
                Ok(Some(manifest)) => {
                    let folder = Folder::of(prompts, manifest.language);
                    for entry in &manifest.entries {
                        let known = self.sound(manifest.language, &entry.hash).map(Ok);
                        match known.unwrap_or_else(|| sound(&folder.played(entry), &entry.hash)) {
                            Ok(sound) => _ = sounds.insert((manifest.language, entry.hash.clone()), sound),
                            Err(fault) => faults.push(fault),
                        }
                    }
                    whole.push(manifest);
                }
                Ok(None) => {}
                Err(found) => faults.extend(found.0),
            }
        }
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        Ok(Self { clips: Clips::new(whole), sounds: Arc::new(ArcSwap::from_pointee(sounds)) })
    }

    /// Puts the clips of `newer` in force, for everybody who has a copy of this. What was in force is served as before: a
    /// platform may have been told to play it, and not have fetched it yet.
    pub fn take(&self, newer: &Self) {
        let added = newer.sounds.load();
        self.sounds.rcu(|known| {
            let mut sounds = Sounds::clone(known);
            sounds.extend(added.iter().map(|(key, sound)| (key.clone(), Arc::clone(sound))));
            sounds
        });
        self.clips.take(&newer.clips);
    }

    /// The clips.
    #[must_use]
    pub fn clips(&self) -> &Clips {
        &self.clips
    }

    /// The file that is served under `hash`.
    #[must_use]
    pub fn sound(&self, language: Language, hash: &str) -> Option<Arc<[u8]>> {
        self.sounds.load().get(&(language, hash.into())).cloned()
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library").field("clips", &self.clips.iter().count()).finish_non_exhaustive()
    }
}

/// The file at `path`, if it is the one that has this hash: under it no other may ever be served.
fn sound(path: &Path, expected: &str) -> Result<Arc<[u8]>, Fault> {
    let fault = |problem: String| Fault::of(&path.display().to_string(), problem, "run hotline prompts build");
    let bytes = std::fs::read(path).map_err(|e| fault(format!("is a clip that cannot be read: {e}")))?;
    if hash(&bytes) != expected {
        return Err(fault("is another file than its manifest tells".to_owned()));
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests;
