//! The wording of one language: `voice-prompts/<language>/prompts.toml`, one id a prompt, placeholders typed.
//!
//! ```toml
//! [prompts]
//! "account.personal-balance" = "您的个人账户余额为{total:amount}，截至{as_of:date}。"
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::language::Language;
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
        let language: Language = file.language.get_ref().parse().map_err(|e| {
            let at = file.language.span().start;
            Faults(vec![Fault::at(source, text, at, format!("language: {e}"), "write the name of its folder")])
        })?;
        let mut faults = Vec::new();
        let mut wordings = HashMap::with_capacity(file.prompts.len());
        for (id, wording) in &file.prompts {
            match compile(language, id.get_ref(), wording.get_ref()) {
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

    /// The id of every prompt, in no order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.wordings.keys().map(AsRef::as_ref)
    }

    /// The ids of the catalogue that code does not say: those that lines may name.
    pub fn menu_prompts(&self) -> impl Iterator<Item = &str> {
        self.wordings.keys().map(AsRef::as_ref).filter(|id| signature(id).is_none())
    }

    /// The wording of a prompt: its texts in order, and where a value stands, which of its [`Catalog::slots`] it fills.
    #[must_use]
    pub fn shape(&self, id: &str) -> Option<impl Iterator<Item = Result<&str, usize>>> {
        let parts = &self.wordings.get(id)?.parts;
        Some(parts.iter().map(|part| match part {
            Part::Text(text) => Ok(&**text),
            Part::Value(slot) => Err(*slot),
        }))
    }

    /// What stands in a prompt, by name and kind.
    #[must_use]
    pub fn slots(&self, id: &str) -> Option<&'static [(&'static str, Slot)]> {
        let wording = self.wordings.get(id)?;
        Some(match signature(id) {
            Some(known) => &known.slots,
            None if wording.takes_key => Signature::OPTION,
            None => &[],
        })
    }

    /// Says `prompt`: appends its words.
    pub fn speak<'c>(&'c self, prompt: &Prompt, words: &mut Words<'c>) {
        // Every prompt of code and of every line in force is in the catalogue: checked before either is taken.
        let Some(wording) = self.wordings.get(prompt.id()) else { return };
        if self.language.is_spaced() && !words.pieces().is_empty() {
            words.push(Piece::Joint(" "));
        }
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
        match value {
            Value::Word(word) => {
                // As above; and nothing stands in the wording of a word.
                if let Some(wording) = self.wordings.get(word.id()) {
                    self.speak_wording(wording, &[], words);
                }
            }
            value => self.language.say(value, words),
        }
    }
}

/// The wording of every language that has one. Shared: a copy costs nothing.
#[derive(Clone, Debug)]
pub struct Catalogs(Arc<[Catalog]>);

impl Catalogs {
    /// Puts `catalogs` together; `None` when there is none.
    #[must_use]
    pub fn new(catalogs: Vec<Catalog>) -> Option<Self> {
        (!catalogs.is_empty()).then(|| Self(catalogs.into()))
    }

    /// The wording of `language`, or the first where it has none: no line offers such a language.
    #[must_use]
    pub fn of(&self, language: Language) -> &Catalog {
        self.0.iter().find(|catalog| catalog.language == language).unwrap_or(&self.0[0])
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Catalog> {
        self.0.iter()
    }

    /// The words of several prompts in a call that is held in `language`: piece by piece, each of one language.
    pub fn speak<'c>(
        &'c self,
        prompts: &'c [Prompt],
        language: Language,
    ) -> impl Iterator<Item = (Language, Words<'c>)> + 'c {
        let of_one = prompts.chunk_by(move |a, b| a.language(language) == b.language(language));
        of_one.map(move |prompts| {
            let catalog = self.of(prompts[0].language(language));
            (catalog.language, catalog.speak_all(prompts))
        })
    }
}

impl<'c> IntoIterator for &'c Catalogs {
    type Item = &'c Catalog;
    type IntoIter = std::slice::Iter<'c, Catalog>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// What lines may name must be worded in every language, and alike: each catalogue stands beside the file it came from.
#[must_use]
pub fn uneven(catalogs: &[(String, Catalog)]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (source, catalog) in catalogs {
        let mut told = BTreeSet::new();
        for (other_source, other) in catalogs {
            for id in other.menu_prompts() {
                match (catalog.wordings.get(id), other.wordings.get(id)) {
                    (None, Some(_)) if told.insert(id) => faults.push(Fault::of(
                        source,
                        format!("prompt \"{id}\" is missing, and {other_source} has it"),
                        "word it here too, or take it out there",
                    )),
                    (Some(here), Some(there)) if !here.takes_key && there.takes_key && told.insert(id) => {
                        faults.push(Fault::of(
                            source,
                            format!("prompt \"{id}\" never says {{key:key}}, and in {other_source} it does"),
                            "put the placeholder where the key belongs, in every language or in none",
                        ));
                    }
                    _ => {}
                }
            }
        }
    }
    faults.sort_by(|a, b| (&a.source, &a.problem).cmp(&(&b.source, &b.problem)));
    faults
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
fn compile(language: Language, id: &str, text: &str) -> Result<Wording, (String, String)> {
    let known = signature(id);
    let slots: &[(&str, Slot)] = known.map_or(Signature::OPTION, |s| &s.slots);
    let mut used = vec![false; slots.len()];
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, after) = rest.split_at(open);
        push_text(language, &mut parts, before)?;
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
    push_text(language, &mut parts, rest)?;
    if language.is_spaced() {
        spaced(text)?;
    }
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

fn push_text(language: Language, parts: &mut Vec<Part>, text: &str) -> Result<(), (String, String)> {
    if let Some(c) = text.chars().find(|c| c.is_ascii_digit() || ('０'..='９').contains(c)) {
        let remedy = match language {
            Language::Mandarin => "write numbers in words (一二三三三 as 幺二三三三), and keys as {key:key}",
            Language::Cantonese => "write numbers in words (一二三三三), and keys as {key:key}",
            Language::English => "write numbers in words (one two three three three), and keys as {key:key}",
        };
        return Err((format!("has the digit {c}"), format!("{remedy}: no speech engine is trusted to read digits")));
    }
    if let Some(c) = text.chars().find(|c| c.is_control() || *c == '}') {
        return Err((format!("has the character {c:?}"), "write plain text on one line".to_owned()));
    }
    let may_write = match language {
        Language::Mandarin | Language::Cantonese => is_chinese,
        Language::English => is_english,
    };
    if let Some(c) = text.chars().find(|c| !may_write(*c)) {
        let remedy = match language {
            Language::Mandarin | Language::Cantonese => {
                "write Chinese characters and punctuation; of letters only the X of a number"
            }
            Language::English => "write English letters, spaces and . , ; : ? ! ' - ( )",
        };
        return Err((format!("has the character {c}, which {language} is not written with"), remedy.to_owned()));
    }
    if !text.is_empty() {
        parts.push(Part::Text(text.into()));
    }
    Ok(())
}

/// What a Chinese voice reads: of other scripts it spells, drops or guesses.
fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | 'X' | '，' | '。' | '；' | '：' | '、' | '？' | '！' | '（' | '）' | '“' | '”' | '《' | '》')
}

fn is_english(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, ' ' | '.' | ',' | ';' | ':' | '?' | '!' | '\'' | '-' | '(' | ')')
}

/// Words and values stand apart, and prompts are put together with one space between them.
fn spaced(text: &str) -> Result<(), (String, String)> {
    let letter_at = |at: Option<char>| at.is_some_and(|c| c.is_alphanumeric() || c == '{' || c == '}');
    let glued = text.char_indices().any(|(at, c)| {
        (c == '{' && letter_at(text[..at].chars().next_back()))
            || (c == '}' && letter_at(text[at + 1..].chars().next()))
    });
    if glued || text.contains("  ") || text.trim() != text {
        let remedy = "write one space around a placeholder and between words, and none at the ends";
        return Err(("has a space too many or too few".to_owned(), remedy.to_owned()));
    }
    Ok(())
}
