//! Clips: finished recordings of everything that is said, for platforms that play sounds, and how words become a list of them.
//!
//! A clip holds one sentence of a prompt's fixed wording, or one unit of a value, or silence. A unit sounds otherwise at the
//! end of a sentence than within it, so there is a clip for each place it is said at: see [`sound`]. A clip is found by
//! the very text it speaks: wording that was changed since has none, and nobody hears the old one.

pub mod manifest;
pub mod sound;
pub mod wanted;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use std::{fmt, iter};

use manifest::Manifest;
use sound::{After, Before, Of, Sound, Utterance, sounds};
use wanted::Wanted;

use super::language::Language;
use super::tempo::Pace;
use super::words::Words;

/// One recording, 8 kHz mono.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    /// The language it is of.
    pub language: Language,
    /// Its file, without `.wav`: `greeting.welcome.1`, `unit.三千.on`, `silence.400`.
    pub name: Box<str>,
    /// SHA-256 of the file, 64 lower-case hex digits: what it is served under, so that it never changes.
    pub hash: Box<str>,
    /// How long it is.
    pub length: Duration,
}

impl Clip {
    /// Where it is served, below the public address.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/prompts/{}/{}.wav", self.language, self.hash)
    }
}

/// The clips of every language that has any. Shared: a copy costs nothing.
///
/// What is newer is put in force while calls run. What was in force before stays behind it, so that a turn that began with the
/// wording of then finds its clips: they speak that and nothing else.
#[derive(Clone, Debug, Default)]
pub struct Clips(Arc<Chain>);

/// Voices, the newest last. Other clips come a few times a year: what is kept of them is half a megabyte each time.
type Chain = OnceLock<Box<Link>>;

#[derive(Debug)]
struct Link {
    voice: Voice,
    newer: Chain,
}

/// The clips of one language.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Voice {
    language: Language,
    /// By what is said, and then by where.
    said: HashMap<Box<str>, Vec<(Before, After, Clip)>>,
    /// By length.
    silences: Vec<Clip>,
}

impl Clips {
    /// Puts the clips of `manifests` together, each of another language.
    #[must_use]
    pub fn new(manifests: impl IntoIterator<Item = Manifest>) -> Self {
        let clips = Self::default();
        manifests.into_iter().for_each(|manifest| clips.put(Voice::of(manifest)));
        clips
    }

    /// Puts `newer` in force, for everybody who has a copy of this.
    pub fn take(&self, newer: &Self) {
        for language in Language::ALL {
            match (newer.voices(language).first(), self.voices(language).first()) {
                (Some(newer), other) if other != Some(newer) => self.put(Voice::clone(newer)),
                _ => {}
            }
        }
    }

    fn put(&self, voice: Voice) {
        let (mut end, mut link) = (&*self.0, Box::new(Link { voice, newer: Chain::new() }));
        // Whoever puts another at the same time is before or behind this one.
        while let Err(again) = end.set(link) {
            link = again;
            let Some(next) = end.get() else { return };
            end = &next.newer;
        }
    }

    /// Whether there are clips of `language` at all. Whether of all that it says, [`Self::lack`] tells.
    #[must_use]
    pub fn speaks(&self, language: Language) -> bool {
        !self.voices(language).is_empty()
    }

    /// What is `wanted` in `language` and not there.
    #[must_use]
    pub fn lack<'w>(&self, language: Language, wanted: &'w [Wanted]) -> Vec<&'w Wanted> {
        let newest = self.voices(language).first().copied();
        wanted.iter().filter(|clip| !newest.is_some_and(|voice| voice.has(clip))).collect()
    }

    /// The clips to play, in order, to say `words` of `language`.
    ///
    /// # Errors
    /// The first of what is said that there is no clip of.
    pub fn play(&self, language: Language, words: &Words<'_>, pace: Pace) -> Result<Vec<&Clip>, NoClip> {
        let voices = self.voices(language);
        if voices.is_empty() {
            return Err(NoClip { language, of: Missing::Everything });
        }
        let mut clips = Vec::with_capacity(words.pieces().len() * 2);
        for sound in sounds(language, words, pace) {
            let clip = match &sound {
                Sound::Said(said) => voices.iter().find_map(|voice| voice.utterance(said)),
                Sound::Silence(length) => voices.iter().find_map(|voice| voice.silence(*length)),
            };
            clips.push(clip.ok_or_else(|| NoClip { language, of: Missing::of(&sound) })?);
        }
        Ok(clips)
    }

    /// Every clip in force.
    pub fn iter(&self) -> impl Iterator<Item = &Clip> {
        Language::ALL.into_iter().filter_map(|language| self.voices(language).first().copied()).flat_map(|voice| {
            let said = voice.said.values().flatten().map(|(_, _, clip)| clip);
            said.chain(&voice.silences)
        })
    }

    /// Those of `language`, the one in force first.
    fn voices(&self, language: Language) -> Vec<&Voice> {
        let links = iter::successors(self.0.get(), |link| link.newer.get());
        let mut voices: Vec<_> = links.map(|link| &link.voice).filter(|voice| voice.language == language).collect();
        voices.reverse();
        voices
    }
}

impl Voice {
    fn of(manifest: Manifest) -> Self {
        let mut voice = Self { language: manifest.language, said: HashMap::new(), silences: Vec::new() };
        for entry in manifest.entries {
            let clip = Clip {
                language: manifest.language,
                name: entry.name,
                hash: entry.hash,
                length: Duration::from_millis(entry.ms.into()),
            };
            if entry.text.is_empty() {
                voice.silences.push(clip);
            } else {
                voice.said.entry(entry.text).or_default().push((entry.before, entry.after, clip));
            }
        }
        voice
    }

    fn utterance(&self, said: &Utterance<'_>) -> Option<&Clip> {
        self.spoken(said.text, said.before, said.after)
    }

    fn spoken(&self, text: &str, before: Before, after: After) -> Option<&Clip> {
        let mut places = self.said.get(text).into_iter().flatten();
        places.find(|place| (place.0, place.1) == (before, after)).map(|(.., clip)| clip)
    }

    fn silence(&self, length: Duration) -> Option<&Clip> {
        self.silences.iter().find(|clip| clip.length == length)
    }

    fn has(&self, wanted: &Wanted) -> bool {
        if wanted.text.is_empty() {
            self.silence(Duration::from_millis(wanted.silence_ms.into())).is_some()
        } else {
            self.spoken(&wanted.text, wanted.before, wanted.after).is_some()
        }
    }
}

/// There is no clip of something that is to be said. Of a value it does not tell which unit: what is written of it may
/// be read by those whom a balance does not concern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoClip {
    /// In which language.
    pub language: Language,
    /// What is missing.
    pub of: Missing,
}

/// What there is no clip of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The language.
    Everything,
    /// A sentence of a prompt, by the name its clip would have.
    Wording(Box<str>),
    /// A unit of a value.
    Unit,
    /// Silence, so long.
    Silence(Duration),
}

impl Missing {
    fn of(sound: &Sound<'_>) -> Self {
        match sound {
            Sound::Said(said) => match said.of {
                Of::Wording { .. } => Self::Wording(said.name().into()),
                Of::Unit => Self::Unit,
            },
            Sound::Silence(length) => Self::Silence(*length),
        }
    }
}

impl fmt::Display for NoClip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let language = self.language;
        match &self.of {
            Missing::Everything => write!(f, "there are no clips in {language}"),
            Missing::Wording(name) => {
                write!(f, "there is no clip {name} in {language} that speaks the wording in force")
            }
            Missing::Unit => write!(f, "there is no clip in {language} of a unit that a value is said with"),
            Missing::Silence(length) => {
                write!(f, "there is no clip in {language} of {} ms silence", length.as_millis())
            }
        }?;
        f.write_str("; hotline prompts check lists what is missing")
    }
}

impl std::error::Error for NoClip {}

#[cfg(test)]
mod tests;
