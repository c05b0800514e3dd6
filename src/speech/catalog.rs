//! The wording of one language: `voice-prompts/<language>/prompts.toml`, one id a prompt, placeholders typed.
//!
//! ```toml
//! [prompts]
//! "account.personal-balance" = "您的个人账户余额为{total:amount}，截至{as_of:date}。"
//! ```

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::language::Language;
use super::mandarin;
use super::prompt::{KNOWN, Prompt, Signature, Slot, Value, WORDS, signature};
use super::words::{Piece, Words};
use crate::fault::{Fault, Faults};

/// The compiled wording of one language.
#[derive(Debug)]
pub struct Catalog {
    language: Language,
    wordings: HashMap<Box<str>, Wording>,
}

#[derive(Debug)]
struct Wording {
    id: Box<str>,
    parts: Vec<Part>,
    /// Whether it takes the key of a menu option.
    takes_key: bool,
}

#[derive(Debug)]
enum Part {
    Text(Box<str>),
    /// The value at this place of the prompt's signature.
    Value(usize),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    language: Spanned<String>,
    prompts: BTreeMap<Spanned<String>, Spanned<String>>,
}

impl Catalog {
    /// Compiles `text`, the content of `source`.
    ///
    /// # Errors
    /// Every fault at once: prompts that code says and the file lacks, placeholders unknown, missing or of another
    /// kind than the code fills in, digits left in the wording.
    pub fn parse(source: &str, text: &str) -> Result<Self, Faults> {
        let file: File = toml::from_str(text).map_err(|e| Faults(vec![Fault::from_toml(source, text, &e)]))?;
        let mut faults = Vec::new();
        let language = file.language.get_ref().parse().unwrap_or_else(|e| {
            faults.push(Fault::at(source, text, file.language.span().start, format!("language: {e}"), "take zh-CN"));
            Language::Mandarin
        });
        let mut wordings = HashMap::with_capacity(file.prompts.len());
        for (id, wording) in &file.prompts {
            match compile(id.get_ref(), wording.get_ref()) {
                Ok(compiled) => {
                    wordings.insert(compiled.id.clone(), compiled);
                }
                Err((problem, remedy)) => faults.push(Fault::at(
                    source,
                    text,
                    start(&id.span()),
                    format!("prompt \"{}\": {problem}", id.get_ref()),
                    remedy,
                )),
            }
        }
        for known in KNOWN.iter().chain(WORDS) {
            if !file.prompts.keys().any(|id| id.get_ref() == &known.id) {
                faults.push(Fault::of(
                    source,
                    format!("prompt \"{}\" is missing", known.id),
                    format!("add a line under [prompts] with the placeholders {}", placeholders(known)),
                ));
            }
        }
        if faults.is_empty() { Ok(Self { language, wordings }) } else { Err(Faults(faults)) }
    }

    /// The language spoken.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// Whether the catalogue has a wording that a menu may name; `takes_key` says whether it is that of an option.
    #[must_use]
    pub fn has(&self, id: &str, takes_key: bool) -> bool {
        self.wordings.get(id).is_some_and(|w| w.takes_key == takes_key)
    }

    /// The ids of the catalogue that code does not say: those that lines may name.
    pub fn menu_prompts(&self) -> impl Iterator<Item = &str> {
        self.wordings.keys().map(AsRef::as_ref).filter(|id| signature(id).is_none())
    }

    /// The wording of a prompt: its texts in order, `None` where a value stands.
    #[must_use]
    pub fn shape(&self, id: &str) -> Option<Vec<Option<&str>>> {
        let part = |part| match part {
            &Part::Text(ref text) => Some(&**text),
            Part::Value(_) => None,
        };
        Some(self.wordings.get(id)?.parts.iter().map(part).collect())
    }

    /// Says `prompt`: appends its words.
    pub fn speak<'c>(&'c self, prompt: &Prompt, words: &mut Words<'c>) {
        // Every prompt of code and of every line in force is in the catalogue: checked before either is taken.
        let Some(wording) = self.wordings.get(prompt.id()) else { return };
        self.speak_wording(wording, prompt.values(), words);
    }

    fn speak_wording<'c>(&'c self, wording: &'c Wording, values: &[Value], words: &mut Words<'c>) {
        let mut fragment = 0;
        for part in &wording.parts {
            match part {
                Part::Text(text) => {
                    words.push(Piece::Fragment { prompt: &wording.id, part: fragment, text });
                    fragment += 1;
                }
                Part::Value(n) => {
                    if let Some(value) = values.get(*n) {
                        self.say(value, words);
                    }
                }
            }
        }
    }

    /// The words of several prompts, one after the other.
    #[must_use]
    pub fn speak_all<'c>(&'c self, prompts: &[Prompt]) -> Words<'c> {
        let mut words = Words::new();
        for prompt in prompts {
            self.speak(prompt, &mut words);
        }
        words
    }

    fn say<'c>(&'c self, value: &Value, words: &mut Words<'c>) {
        match (value, self.language) {
            (Value::Word(word), _) => {
                // As above; and nothing stands in the wording of a word.
                if let Some(wording) = self.wordings.get(word.id()) {
                    self.speak_wording(wording, &[], words);
                }
            }
            (value, Language::Mandarin) => mandarin::value(value, words),
        }
    }
}

fn start(span: &Range<usize>) -> usize {
    span.start
}

fn placeholders(signature: &Signature) -> String {
    if signature.slots.is_empty() {
        return "none".to_owned();
    }
    signature.slots.iter().map(|(name, slot)| format!("{{{name}:{}}}", slot.name())).collect::<Vec<_>>().join(" ")
}

/// Splits a wording at its placeholders and holds them against the signature. `Err`: what is wrong, and the remedy.
fn compile(id: &str, text: &str) -> Result<Wording, (String, String)> {
    let known = signature(id);
    let slots: &[(&str, Slot)] = known.map_or(Signature::OPTION, |s| &s.slots);
    let mut used = vec![false; slots.len()];
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, after) = rest.split_at(open);
        push_text(&mut parts, before)?;
        let close = after
            .find('}')
            .ok_or_else(|| ("has a { without its }".to_owned(), "write placeholders as {name:kind}".to_owned()))?;
        let inner = &after[1..close];
        let (name, kind) = inner.split_once(':').unwrap_or((inner, ""));
        let place = slots.iter().position(|(n, slot)| *n == name && slot.name() == kind).ok_or_else(|| {
            let expected = known.map_or_else(|| "{key:key}, or none".to_owned(), placeholders);
            (format!("has a placeholder {{{inner}}} that nothing fills"), format!("this prompt may have {expected}"))
        })?;
        used[place] = true;
        parts.push(Part::Value(place));
        rest = &after[close + 1..];
    }
    push_text(&mut parts, rest)?;
    if known.is_some()
        && let Some(unused) = used.iter().position(|used| !used)
    {
        let (name, slot) = slots[unused];
        return Err((
            format!("never says {{{name}:{}}}", slot.name()),
            "put the placeholder where the value belongs: callers must hear it".to_owned(),
        ));
    }
    if parts.is_empty() {
        return Err(("is empty".to_owned(), "write what the caller hears".to_owned()));
    }
    let takes_key = known.is_none() && used[0];
    Ok(Wording { id: id.into(), parts, takes_key })
}

fn push_text(parts: &mut Vec<Part>, text: &str) -> Result<(), (String, String)> {
    if let Some(c) = text.chars().find(|c| c.is_ascii_digit() || ('０'..='９').contains(c)) {
        return Err((
            format!("has the digit {c}"),
            "write numbers in words (一二三三三 as 幺二三三三), and keys as {key:key}: no speech engine is trusted to read digits"
                .to_owned(),
        ));
    }
    if let Some(c) = text.chars().find(|c| c.is_control() || *c == '}') {
        return Err((format!("has the character {c:?}"), "write plain text on one line".to_owned()));
    }
    if !text.is_empty() {
        parts.push(Part::Text(text.into()));
    }
    Ok(())
}
