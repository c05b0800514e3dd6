//! Voices: the shipped ones, whose clips are known with what they speak; and some that nobody has, each another, for
//! people who answer, and where it matters only that sounds differ.

use std::collections::HashMap;
use std::f32::consts::TAU;
use std::path::{Path, PathBuf};

use crate::ear::{Clip, Ear, Heard};
use crate::phone::RATE;

/// For so long, half a second, something may go on that a key has stopped, on a machine that is busy with other things.
const REST: usize = RATE as usize / 2;

/// The clips of a language.
pub struct Voice {
    ear: Ear,
    /// What each speaks.
    texts: HashMap<String, String>,
}

impl Voice {
    pub fn shipped(language: &str) -> Self {
        let manifest = std::fs::read_to_string(folder(language).join("manifest.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let spoken = manifest["clips"].as_table().unwrap().iter().filter_map(|(name, clip)| {
            let text = clip["text"].as_str().unwrap();
            // Silence is what is heard between.
            (!text.is_empty()).then(|| (name.clone(), text.to_owned()))
        });
        let texts: HashMap<String, String> = spoken.collect();
        let ear = Ear::new(texts.keys().map(|name| Clip::read(name, &Self::file(language, name))));
        Self { ear, texts }
    }

    /// The file of a clip: a recorded take, where there is one.
    pub fn file(language: &str, name: &str) -> PathBuf {
        let take = folder(language).join(format!("{name}.take.wav"));
        if take.exists() { take } else { folder(language).join(format!("{name}.wav")) }
    }

    /// What the clips speak that are heard in `sound`, with a blank between two; `…` is behind one that was cut off. Sound that
    /// is none of theirs is `[?]`, but for the rest of what the last key stopped.
    pub fn says(&self, sound: &[i16]) -> String {
        self.says_from(sound).0
    }

    /// The same, and the first sample of a clip that is no silence.
    pub fn says_from(&self, sound: &[i16]) -> (String, usize) {
        let heard = self.ear.hears(sound);
        (self.written(sound, &heard), heard.first().map_or(sound.len(), |first| first.sounds))
    }

    /// The same, where it is all of `expected`: told soon enough to answer it. Whether it is anything else, [`Self::says`] tells.
    pub fn says_of(&self, sound: &[i16], expected: &str) -> String {
        let expected = letters(expected);
        let heard = self.ear.hears_of(sound, |name| expected.contains(&letters(&self.texts[name])));
        self.written(sound, &heard)
    }

    fn written(&self, sound: &[i16], heard: &[Heard]) -> String {
        let mut said: Vec<(usize, String)> = Ear::unexplained(sound, heard)
            .into_iter()
            .filter(|at| *at > REST)
            .map(|at| (at, "[?]".to_owned()))
            .collect();
        let text = |name: &str, whole| self.texts[name].clone() + if whole { "" } else { "…" };
        said.extend(heard.iter().map(|heard| (heard.start, text(&heard.name, heard.whole))));
        said.sort();
        let mut said: Vec<String> = said.into_iter().map(|(_, said)| said).collect();
        said.dedup_by(|next, last| next == "[?]" && last == "[?]");
        said.join(" ")
    }

    /// The names of the clips that are heard in `sound`.
    pub fn names(&self, sound: &[i16]) -> Vec<String> {
        self.ear.names(sound)
    }

    /// The first clip in `sound` that is not there to its end, and the sample it broke off at.
    pub fn cut_off(&self, sound: &[i16]) -> Option<(String, usize)> {
        let heard = self.ear.hears(sound).into_iter().find(|heard| !heard.whole)?;
        Some((self.texts[&heard.name].clone(), heard.end))
    }
}

/// Without punctuation and blanks.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

fn folder(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("voice-prompts").join(language).join("clips")
}

/// So many samples of the `n`-th voice: harmonics that glide, with breath in them, louder and softer as syllables are.
pub fn clip(n: usize, length: usize) -> Clip {
    let mut random = fastrand::Rng::with_seed(n as u64);
    let (pitch, glide) = (90.0 + random.f32() * 120.0, random.f32() * 80.0 - 40.0);
    let loud: Vec<f32> = (0..20).map(|_| random.f32() / 40.0).collect();
    let mut breath = 0.0;
    let sample = |i: usize| {
        let at = i as f32 / RATE as f32;
        let phase = TAU * (pitch * at + glide * at * at / 2.0);
        let harmonics: f32 = loud.iter().zip(1_u8..).map(|(loud, n)| loud * (phase * f32::from(n)).sin()).sum();
        breath = breath * 0.6 + (random.f32() - 0.5) * 0.3;
        (harmonics + breath) * ((at * TAU * 2.5).sin().abs() + 0.05)
    };
    Clip { name: n.to_string(), samples: (0..length).map(sample).collect() }
}

/// A WAV file, as Asterisk plays and telephones hear.
pub fn write(path: &Path, sound: &[i16]) {
    let spec =
        hound::WavSpec { channels: 1, sample_rate: RATE, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut wav = hound::WavWriter::create(path, spec).unwrap();
    for sample in sound {
        wav.write_sample(*sample).unwrap();
    }
    wav.finalize().unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::g711;
    use crate::stand::MANDARIN;

    /// Any units of the shipped voice, one right after the other: each is told from all others, also from those that speak the
    /// same elsewhere in a sentence.
    #[test]
    fn every_unit_is_told_from_every_other() {
        let mut names: Vec<&String> = MANDARIN.texts.keys().collect();
        names.sort();
        let (units, sentences): (Vec<&String>, Vec<&String>) =
            names.into_iter().partition(|name| name.starts_with("unit."));
        let mut random = fastrand::Rng::with_seed(1);
        let mut left: Vec<&String> = units.iter().chain(&units).copied().collect();
        random.shuffle(&mut left);
        for some in left.chunks(12) {
            let (first, last) = (random.choice(&sentences).unwrap(), random.choice(&sentences).unwrap());
            let said: Vec<String> = [*first].into_iter().chain(some.iter().copied()).chain([*last]).cloned().collect();
            let clips = said.iter().map(|name| Clip::read(name, &Voice::file("zh-CN", name)));
            let sound: Vec<u8> = clips.flat_map(|clip| clip.sound()).map(|sample| g711::encode(8, sample)).collect();
            assert_eq!(MANDARIN.names(&g711::decode(8, &sound).unwrap()), said);
        }
    }
}
