//! Words as sounds: what one clip speaks at a time, and where in the flow of speech it stands.
//!
//! Punctuation is not spoken: it is silence between clips, so that each sentence can be a clip of its own, and slow speech
//! has longer silences between the same clips.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::speech::language::Language;
use crate::speech::tempo::Pace;
use crate::speech::words::{Piece, Words};

/// What is heard at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sound<'w> {
    /// Words.
    Said(Utterance<'w>),
    /// Silence: one of [`SILENCES`].
    Silence(Duration),
}

/// What one clip speaks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Utterance<'w> {
    /// The words, with the punctuation that stands within them.
    pub text: &'w str,
    /// What was said right before.
    pub before: Before,
    /// What is said right after.
    pub after: After,
    /// Where they come from.
    pub of: Of<'w>,
}

/// Where words come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Of<'w> {
    /// Fixed wording.
    Wording {
        /// The prompt.
        prompt: &'w str,
        /// Which of its fragments, from 0.
        part: u8,
        /// Which sentence of that fragment, from 0.
        sentence: usize,
    },
    /// A value.
    Unit,
}

/// What is said before a digit by itself. It matters to nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Before {
    /// No number.
    #[default]
    Other,
    /// Another digit by itself: 三八.
    Digit,
    /// A numeral of the same number: 二十一, 第一.
    Numeral,
}

/// What is said after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum After {
    /// Silence: the voice falls, and takes its time.
    #[default]
    End,
    /// Speech goes on.
    On,
    /// Another digit, each by itself, after a digit by itself.
    Digit,
    /// A syllable of the third tone, after one that changes its tone before it: 五点, 九笔.
    ThirdTone,
    /// A syllable of the fourth tone, after 一, which changes its tone before it: 一位.
    FourthTone,
}

/// At a comma, and between the groups of a telephone number.
pub const CLAUSE: Duration = Duration::from_millis(200);
/// Between sentences.
pub const SENTENCE: Duration = Duration::from_millis(400);
/// Between sentences of slow speech: [`Pace::BREAK`] more.
pub const SLOW_SENTENCE: Duration = Duration::from_millis(800);
/// Every silence there is.
pub const SILENCES: [Duration; 3] = [CLAUSE, SENTENCE, SLOW_SENTENCE];

impl Utterance<'_> {
    /// The name of the clip, if it is the first to need it: `account.personal-balance.1`, `policy.family.1.2` (its second
    /// sentence), `unit.三千.on`, `unit.五.digit-third-tone`.
    #[must_use]
    pub fn name(&self) -> String {
        match self.of {
            Of::Wording { prompt, part, sentence } => {
                let mut name = format!("{prompt}.{}", u32::from(part) + 1);
                if sentence > 0 {
                    name = format!("{name}.{}", sentence + 1);
                }
                // A word may stand at the end of one prompt and within another.
                if self.after == After::On { name + "-on" } else { name }
            }
            Of::Unit => {
                let before = match self.before {
                    Before::Other => "",
                    Before::Digit => "digit-",
                    Before::Numeral => "numeral-",
                };
                let after = match self.after {
                    After::End => "end",
                    After::On => "on",
                    After::Digit => "digit",
                    After::ThirdTone => "third-tone",
                    After::FourthTone => "fourth-tone",
                };
                let unit = self.text.replace(' ', "-");
                format!("unit.{}.{before}{after}", unit.trim_end_matches('.'))
            }
        }
    }
}

/// What is heard of `words` of `language`, in order. Nothing is said twice and nothing left out; silences in a row are the
/// longest of them.
#[must_use]
pub fn sounds<'w>(language: Language, words: &Words<'w>, pace: Pace) -> Vec<Sound<'w>> {
    let tokens = tokens(words, pace);
    let mut sounds = Vec::with_capacity(tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        sounds.push(match *token {
            Token::Silence(length) => Sound::Silence(length),
            Token::Said(text, of) => {
                let said = |token: Option<&Token<'w>>| match token {
                    Some(Token::Said(text, of)) => Some((*text, *of)),
                    _ => None,
                };
                let previous = at.checked_sub(1).and_then(|at| said(tokens.get(at)));
                let (before, after) = place(language, previous, (text, of), said(tokens.get(at + 1)));
                Sound::Said(Utterance { text, before, after, of })
            }
        });
    }
    sounds
}

/// Whether there is no silence behind the last of `words`.
#[must_use]
pub fn ends_in_speech(words: &Words<'_>) -> bool {
    match words.pieces().last() {
        Some(Piece::Fragment { text, .. }) => {
            !text.chars().rev().take_while(|c| !is_spoken(*c)).any(|c| is_sentence_end(c) || is_clause_end(c))
        }
        Some(Piece::Unit(_)) => true,
        Some(Piece::Break | Piece::Joint(_)) | None => false,
    }
}

/// Sounds that do not know of each other yet.
#[derive(Clone, Copy)]
enum Token<'w> {
    Said(&'w str, Of<'w>),
    Silence(Duration),
}

fn tokens<'w>(words: &Words<'w>, pace: Pace) -> Vec<Token<'w>> {
    let mut tokens = Vec::with_capacity(words.pieces().len() * 2);
    for piece in words.pieces() {
        match *piece {
            Piece::Fragment { prompt, part, text } => {
                sentences(text, pace, |n, said| match said {
                    Spoken::Text(text) => tokens.push(Token::Said(text, Of::Wording { prompt, part, sentence: n })),
                    Spoken::Silence(length) => silence(&mut tokens, length),
                });
            }
            Piece::Unit(unit) => tokens.push(Token::Said(unit, Of::Unit)),
            Piece::Break => silence(&mut tokens, CLAUSE),
            // A comma within an English date is no more than its rhythm.
            Piece::Joint(_) => {}
        }
    }
    tokens
}

/// What begins with silence loses it: nothing was said that it could part.
fn silence(tokens: &mut Vec<Token<'_>>, length: Duration) {
    match tokens.last_mut() {
        Some(Token::Silence(before)) => *before = length.max(*before),
        Some(Token::Said(..)) => tokens.push(Token::Silence(length)),
        None => {}
    }
}

enum Spoken<'w> {
    Text(&'w str),
    Silence(Duration),
}

/// Goes through the sentences of `text`, counted from 0, and the silences around and between them.
fn sentences<'w>(text: &'w str, pace: Pace, mut heard: impl FnMut(usize, Spoken<'w>)) {
    let mut count = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(is_sentence_end).unwrap_or(rest.len());
        let (lead, tail) = (rest[..end].find(is_spoken).unwrap_or(end), rest[..end].rfind(is_spoken));
        if rest[..lead].contains(is_clause_end) {
            heard(count, Spoken::Silence(CLAUSE));
        }
        if let Some(last) = tail {
            let stop = last + rest[last..].chars().next().map_or(0, char::len_utf8);
            let trails = rest[stop..end].contains(is_clause_end);
            // A question is spoken as one.
            let asks = rest[end..].chars().next().filter(|c| matches!(c, '？' | '?') && stop == end);
            heard(count, Spoken::Text(&rest[lead..stop + asks.map_or(0, char::len_utf8)]));
            count += 1;
            if trails {
                heard(count, Spoken::Silence(CLAUSE));
            }
        }
        let later = rest[end..].trim_start_matches(is_sentence_end);
        if later.len() < rest.len() - end {
            heard(count, Spoken::Silence(if pace == Pace::Slow { SLOW_SENTENCE } else { SENTENCE }));
        }
        rest = later;
    }
}

fn is_sentence_end(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '.' | '!' | '?')
}

fn is_clause_end(c: char) -> bool {
    matches!(c, '，' | '、' | '：' | '；' | ',' | ':' | ';')
}

/// Whether a voice makes a sound of it. An apostrophe at the edge of a word is no loss.
fn is_spoken(c: char) -> bool {
    c.is_alphanumeric()
}

/// Where `said` stands between what is said right before and right after it.
fn place<'w>(
    language: Language,
    before: Option<(&'w str, Of<'w>)>,
    said: (&'w str, Of<'w>),
    after: Option<(&'w str, Of<'w>)>,
) -> (Before, After) {
    let is_digit = |(text, of)| of == Of::Unit && is_digit(language, text);
    let Some(next) = after else {
        return (if is_digit(said) { before_digit(language, before) } else { Before::Other }, After::End);
    };
    if !is_digit(said) {
        let rises = said.1 == Of::Unit && language == Language::Mandarin && said.0.ends_with(['百', '两', '点']);
        return (Before::Other, if rises && is_third(next.0) { After::ThirdTone } else { After::On });
    }
    let before = before_digit(language, before);
    let after = if is_digit(next) { After::Digit } else { After::On };
    match said.0 {
        "五" | "九" if language == Language::Mandarin && after == After::On && is_third(next.0) => {
            (before, After::ThirdTone)
        }
        // First in a number, 一 changes its tone, but not in the name of a month or a day.
        "一" if language == Language::Mandarin && after == After::On && before == Before::Other => match next.0 {
            "月" | "日" => (Before::Numeral, After::On),
            text if text.starts_with(FOURTH) => (before, After::FourthTone),
            _ => (before, After::On),
        },
        _ => (before, after),
    }
}

fn before_digit(language: Language, before: Option<(&str, Of<'_>)>) -> Before {
    match before {
        // English digits sound alike after whatever is said.
        _ if language == Language::English => Before::Other,
        Some((text, Of::Unit)) if is_digit(language, text) => Before::Digit,
        Some((text, Of::Unit)) if text.ends_with(NUMERAL) => Before::Numeral,
        _ => Before::Other,
    }
}

fn is_digit(language: Language, unit: &str) -> bool {
    match language {
        Language::Mandarin | Language::Cantonese => {
            matches!(unit, "零" | "一" | "二" | "三" | "四" | "五" | "六" | "七" | "八" | "九" | "幺" | "X")
        }
        Language::English => matches!(
            unit,
            "zero" | "one" | "two" | "three" | "four" | "five" | "six" | "seven" | "eight" | "nine" | "oh" | "X"
        ),
    }
}

/// What ends a numeral that a digit may follow.
const NUMERAL: [char; 6] = ['十', '百', '千', '万', '亿', '第'];

/// Of what may follow a number, what begins in the third tone.
fn is_third(next: &str) -> bool {
    next.starts_with(['五', '九', '两', '点', '笔', '小', '整', '角', '本', '秒', '种', '起'])
}

/// And in the fourth, after a 一.
const FOURTH: [char; 10] = ['万', '亿', '位', '次', '个', '件', '块', '岁', '倍', '类'];
