//! How fast is spoken, and how long speech takes, reckoned from its words: for comparing flows, not for driving them.

use std::time::Duration;

use super::words::{Piece, Words};

/// How fast is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As the voice does.
    Usual,
    /// At [`Pace::SLOW`] of its speed, with [`Pace::BREAK`] between sentences.
    Slow,
}

impl Pace {
    /// The speed of slow speech, in hundredths of the usual one.
    pub const SLOW: u8 = 85;
    /// Between its sentences.
    pub const BREAK: Duration = Duration::from_millis(400);
}

/// Chinese syllables in ten seconds: 250 a minute, a calm reading. Taken, not measured on any voice: newsreaders come to
/// 300 a minute, and long texts are asked of the agents of 12333 at 120.
pub const SYLLABLES_IN_TEN_SECONDS: u64 = 42;
/// Words of other languages a minute, as books are read aloud.
pub const WORDS_A_MINUTE: u64 = 150;
/// At the end of a sentence.
pub const SENTENCE_PAUSE: Duration = Duration::from_millis(500);
/// At a comma, and between the groups of a number.
pub const CLAUSE_PAUSE: Duration = Duration::from_millis(250);

/// How long `words` take.
#[must_use]
pub fn length(words: &Words<'_>) -> Duration {
    words.pieces().iter().map(piece).sum()
}

fn piece(piece: &Piece<'_>) -> Duration {
    match piece {
        Piece::Fragment { text, .. } => text_length(text),
        Piece::Unit(unit) | Piece::Joint(unit) => text_length(unit),
        Piece::Break => CLAUSE_PAUSE,
    }
}

/// How long `text` takes, as it is written.
#[must_use]
pub fn text_length(text: &str) -> Duration {
    let (mut syllables, mut words, mut pauses) = (0, 0, Duration::ZERO);
    let mut in_word = false;
    for c in text.chars() {
        let letter = c.is_alphanumeric() || matches!(c, '\'' | '’' | '-');
        let chinese = ('\u{3400}'..='\u{9fff}').contains(&c);
        match c {
            _ if chinese => syllables += 1,
            '。' | '！' | '？' | '.' | '!' | '?' => pauses += SENTENCE_PAUSE,
            '，' | '；' | '：' | '、' | ',' | ';' | ':' => pauses += CLAUSE_PAUSE,
            _ if letter && !in_word => words += 1,
            _ => {}
        }
        in_word = letter && !chinese;
    }
    let spoken = syllables * 10_000 / SYLLABLES_IN_TEN_SECONDS + words * 60_000 / WORDS_A_MINUTE;
    Duration::from_millis(spoken) + pauses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syllables_words_and_pauses() {
        for (text, millis) in [
            ("", 0),
            // Twenty-one syllables are five seconds.
            ("人力资源和社会保障服务热线人力资源和社会保", 5000),
            ("您好，您好。", 4 * 10_000 / 42 + 250 + 500),
            ("末位是字母X的", 6 * 10_000 / 42 + 400),
            ("For an agent, press zero.", 5 * 400 + 250 + 500),
            ("the caller’s well-known number", 4 * 400),
        ] {
            assert_eq!(text_length(text), Duration::from_millis(millis), "{text}");
        }
    }

    #[test]
    fn values_take_time_too() {
        let mut words = Words::new();
        for unit in ["一千", "零", "一十", "元"] {
            words.unit(unit);
        }
        words.push(Piece::Break);
        // Each piece to the millisecond below.
        assert_eq!(length(&words), Duration::from_millis(2 * 476 + 2 * 238 + 250));
    }
}
