//! The manifest of a language's clips, `voice-prompts/<language>/clips/manifest.toml`: what each clip speaks, the hash of its
//! file and its length. `hotline prompts build` writes it.
//!
//! ```toml
//! language = "zh-CN"
//!
//! [clips]
//! "greeting.welcome.1" = { text = "您好，欢迎致电…", ms = 4120, sha256 = "64 hex digits" }
//! "unit.五.digit-third-tone" = { text = "五", before = "digit", after = "third-tone", ms = 310, sha256 = "…" }
//! "silence.400" = { text = "", ms = 400, sha256 = "…" }
//! ```

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::sound::{After, Before, SILENCES};
use crate::fault::{Fault, Faults};
use crate::speech::language::Language;

/// What clips a language has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The language.
    pub language: Language,
    /// By name.
    pub entries: Vec<Entry>,
}

/// One clip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its file, without `.wav`.
    pub name: Box<str>,
    /// What it speaks; nothing, if it is silence.
    pub text: Box<str>,
    /// What is said before it.
    pub before: Before,
    /// What is said after it.
    pub after: After,
    /// Whether a recorded take, `NAME.take.wav`, is played in its place: length and hash are then of that.
    pub take: bool,
    /// How long it is.
    pub ms: u32,
    /// SHA-256 of its file, in hex.
    pub hash: Box<str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    language: Spanned<String>,
    clips: BTreeMap<Spanned<String>, Spanned<Line>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    text: String,
    #[serde(default)]
    before: Before,
    #[serde(default)]
    after: After,
    #[serde(default)]
    take: bool,
    ms: u32,
    sha256: String,
}

/// What to do about a manifest that is not as it should be.
const BUILD_ANEW: &str = "run hotline prompts build, which writes this file";

impl Manifest {
    /// Reads `text`, the content of `source`.
    ///
    /// # Errors
    /// Every fault at once: names that are no file's, hashes that are none, two clips of the same, silences missing.
    pub fn parse(source: &str, text: &str) -> Result<Self, Faults> {
        let file: File = toml::from_str(text).map_err(|e| Faults(vec![Fault::from_toml(source, text, &e)]))?;
        let language = file.language.get_ref().parse::<Language>().map_err(|e| {
            let at = file.language.span().start;
            Faults(vec![Fault::at(source, text, at, format!("language: {e}"), "write the name of its folder")])
        })?;
        let mut faults = Vec::new();
        let mut said = HashMap::with_capacity(file.clips.len());
        for (name, line) in &file.clips {
            let clip = line.get_ref();
            let mut fault = |problem: String| {
                let problem = format!("clip \"{}\" {problem}", name.get_ref());
                faults.push(Fault::at(source, text, name.span().start, problem, BUILD_ANEW));
            };
            if !is_file_name(name.get_ref()) {
                fault("has a name that no file can have".to_owned());
            }
            if !is_hash(&clip.sha256) {
                fault("has no SHA-256 in 64 lower-case hex digits".to_owned());
            }
            if clip.ms == 0 {
                fault("is 0 ms long".to_owned());
            }
            let ms = if clip.text.is_empty() { clip.ms } else { 0 };
            if let Some(other) = said.insert((&clip.text, clip.before, clip.after, ms), name.get_ref()) {
                fault(format!("speaks what \"{other}\" speaks"));
            }
        }
        for ms in SILENCES.map(|silence| u32::try_from(silence.as_millis()).unwrap_or(u32::MAX)) {
            if !file.clips.values().any(|clip| clip.get_ref().text.is_empty() && clip.get_ref().ms == ms) {
                faults.push(Fault::of(source, format!("has no clip of {ms} ms silence"), BUILD_ANEW));
            }
        }
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        let entries = file.clips.into_iter().map(|(name, line)| {
            let Line { text, before, after, take, ms, sha256 } = line.into_inner();
            let (name, text) = (name.into_inner().into(), text.into());
            Entry { name, text, before, after, take, ms, hash: sha256.into() }
        });
        Ok(Self { language, entries: entries.collect() })
    }

    /// The file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        let mut text = format!("{HEADER}\nlanguage = \"{}\"\n\n[clips]\n", self.language);
        for entry in entries {
            // Neither names nor wording have characters that would have to be escaped; writing into a String cannot fail.
            let _ = write!(text, "\"{}\" = {{ text = \"{}\"", entry.name, entry.text);
            if entry.before != Before::default() {
                let _ = write!(text, ", before = \"{}\"", word(entry.before));
            }
            if entry.after != After::default() {
                let _ = write!(text, ", after = \"{}\"", word(entry.after));
            }
            if entry.take {
                text.push_str(", take = true");
            }
            let _ = writeln!(text, ", ms = {}, sha256 = \"{}\" }}", entry.ms, entry.hash);
        }
        text
    }
}

const HEADER: &str = "\
# What each clip of this folder speaks, and where: what is said before and after it, if that changes how it sounds.
# Written by `hotline prompts build`. A clip is served under the SHA-256 of its file.
";

fn word(of: impl Serialize) -> String {
    // Both are words.
    serde_json::to_value(of).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn is_file_name(name: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    (1..=120).contains(&name.len()) && !name.starts_with('.') && name.chars().all(allowed)
}
