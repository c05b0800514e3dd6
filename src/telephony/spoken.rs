//! Words as a voice is given them: with breaks, with pauses where speech is slow, and in chunks that a platform takes at a
//! time. How a chunk is marked up is each dialect's own.

use std::time::Duration;

use super::Pace;
use crate::speech::words::Piece;

/// Stands for a break among the words. No wording can bring it in: see [`is_legal`].
const BREAK: char = '\u{1e}';
/// Stands for a pause between the sentences of slow speech, in the same way.
const PAUSE: char = '\u{1f}';
/// Between the groups of a telephone number.
const BREAK_TIME: Duration = Duration::from_millis(200);

/// Something to be said by one voice.
pub struct Speech {
    /// With breaks and pauses marked.
    text: String,
    /// How fast.
    pub pace: Pace,
}

impl Speech {
    /// What `pieces` say.
    #[must_use]
    pub fn of_pieces(pieces: &[Piece<'_>], pace: Pace) -> Self {
        let mut text = String::with_capacity(pieces.len() * 12);
        for piece in pieces {
            match piece {
                Piece::Fragment { text: words, .. } => text.extend(legal(words)),
                Piece::Unit(unit) | Piece::Joint(unit) => text.push_str(unit),
                Piece::Break => text.push(BREAK),
            }
        }
        Self::marked(text, pace)
    }

    /// What `text` says.
    #[must_use]
    pub fn of_text(text: &str, pace: Pace) -> Self {
        Self::marked(legal(text).collect(), pace)
    }

    fn marked(text: String, pace: Pace) -> Self {
        let text = match pace {
            Pace::Usual => text,
            Pace::Slow => with_pauses(&text),
        };
        Self { text, pace }
    }

    /// In chunks that are within `limit`: each as long as it can be, up to the end of a sentence, of a clause, or at least of a
    /// character. What is all silence is left out.
    pub fn chunks<'s, const N: usize>(&'s self, limit: &'s Limit<N>) -> impl Iterator<Item = Chunk<'s>> {
        let mut rest = self.text.as_str();
        std::iter::from_fn(move || {
            while !rest.is_empty() {
                let (now, later) = rest.split_at(limit.fitting(rest));
                rest = later;
                // A pause at the end of a chunk is made by its end.
                let chunk = Chunk(now.strip_suffix(PAUSE).unwrap_or(now));
                if !chunk.is_silent() {
                    return Some(chunk);
                }
            }
            None
        })
    }
}

/// How much a platform takes at a time, by each of its measures: bytes, characters, whatever it counts.
pub struct Limit<const N: usize> {
    /// The most of each.
    pub most: [usize; N],
    /// What the markup around a chunk takes.
    pub around: [usize; N],
    /// What a break takes, as it is marked up.
    pub silence: [usize; N],
    /// What a character takes, as it is written.
    pub character: fn(char) -> [usize; N],
}

impl<const N: usize> Limit<N> {
    /// How many bytes of `text` are within it; at least one character.
    fn fitting(&self, text: &str) -> usize {
        let mut taken = self.around;
        let (mut sentence, mut clause) = (0, 0);
        for (at, c) in text.char_indices() {
            let more = if matches!(c, BREAK | PAUSE) { self.silence } else { (self.character)(c) };
            for (taken, more) in taken.iter_mut().zip(more) {
                *taken += more;
            }
            let end = at + c.len_utf8();
            if taken.iter().zip(&self.most).any(|(taken, most)| taken > most) {
                return [sentence, clause, at].into_iter().find(|end| *end > 0).unwrap_or(end);
            }
            match c {
                // "8 a.m. to noon" is one sentence.
                '.' if text[end..].trim_start_matches(' ').starts_with(|c: char| c.is_ascii_uppercase()) => {
                    sentence = end;
                }
                '。' | '！' | '？' | '；' | '!' | '?' | ';' | '\n' | PAUSE => sentence = end,
                '，' | '、' | '：' | ',' | BREAK | ' ' => clause = end,
                _ => {}
            }
        }
        text.len()
    }
}

/// What is said at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'s>(&'s str);

/// A part of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'s> {
    /// To be said as they stand.
    Words(&'s str),
    /// Silence, so long.
    Break(Duration),
}

impl<'s> Chunk<'s> {
    /// Its parts, in order.
    pub fn parts(self) -> impl Iterator<Item = Part<'s>> {
        let parts = self.0.split_inclusive([BREAK, PAUSE]).flat_map(|part| {
            let (words, silence) = match part.strip_suffix([BREAK, PAUSE]) {
                Some(words) if part.ends_with(BREAK) => (words, Some(BREAK_TIME)),
                Some(words) => (words, Some(Pace::BREAK)),
                None => (part, None),
            };
            [(!words.is_empty()).then_some(Part::Words(words)), silence.map(Part::Break)]
        });
        parts.flatten()
    }

    /// Its words, if there is nothing else.
    #[must_use]
    pub fn plain(self) -> Option<&'s str> {
        (!self.0.contains([BREAK, PAUSE])).then_some(self.0)
    }

    fn is_silent(self) -> bool {
        self.0.chars().all(|c| matches!(c, BREAK | PAUSE) || c.is_whitespace())
    }
}

/// The characters of `text` that markup can have.
pub fn legal(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| is_legal(*c))
}

/// Whether XML 1.0 has a way to write `c`. Where it has none, parsers and speech engines refuse the whole of it.
#[must_use]
pub fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// `text` with a pause marked between its sentences.
fn with_pauses(text: &str) -> String {
    let mut paused = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        paused.push(c);
        if matches!(c, '。' | '！' | '？' | '!' | '?') && chars.peek().is_some() {
            paused.push(PAUSE);
        }
    }
    paused
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Characters alone, ten of them.
    const TEN: Limit<1> = Limit { most: [10], around: [0], silence: [2], character: |_| [1] };

    fn chunks(text: &str, pace: Pace) -> Vec<String> {
        let shown = |part: Part<'_>| match part {
            Part::Words(words) => words.to_owned(),
            Part::Break(time) => format!("<{}>", time.as_millis()),
        };
        Speech::of_text(text, pace).chunks(&TEN).map(|chunk| chunk.parts().map(shown).collect()).collect()
    }

    #[test]
    fn breaks_and_pauses_are_parts_of_their_own() {
        let pieces = [
            Piece::Fragment { prompt: "p", part: 0, text: "请拨\u{1e}\u{0}" },
            Piece::Unit("幺二"),
            Piece::Break,
            Piece::Joint("，"),
            Piece::Unit("三。"),
            Piece::Unit("三"),
        ];
        let ms = Duration::from_millis;
        for (pace, after) in [
            (Pace::Usual, &[Part::Words("，三。三")][..]),
            (Pace::Slow, &[Part::Words("，三。"), Part::Break(ms(400)), Part::Words("三")]),
        ] {
            let speech = Speech::of_pieces(&pieces, pace);
            let limit = Limit { most: [100], ..TEN };
            let said: Vec<_> = speech.chunks(&limit).flat_map(Chunk::parts).collect();
            assert_eq!(said, [&[Part::Words("请拨幺二"), Part::Break(ms(200))], after].concat());
            assert_eq!(speech.chunks(&limit).next().unwrap().plain(), None);
        }
        assert_eq!(Speech::of_text("a", Pace::Usual).chunks(&TEN).next().unwrap().plain(), Some("a"));
    }

    #[test]
    fn chunks_end_with_a_sentence_a_clause_or_a_character() {
        assert_eq!(chunks("一二三四五六七八九。", Pace::Usual), ["一二三四五六七八九。"]);
        assert_eq!(chunks("一二三。四五，六七。八九十", Pace::Usual), ["一二三。四五，六七。", "八九十"]);
        assert_eq!(chunks("一二三四五，六七八九十，一", Pace::Usual), ["一二三四五，", "六七八九十，一"]);
        assert_eq!(chunks("一二三四五六七八九十一", Pace::Usual), ["一二三四五六七八九十", "一"]);
        assert_eq!(chunks("At 8 a.m. Or at 9 a.m.", Pace::Usual), ["At 8 a.m.", " Or at 9 ", "a.m."]);
        assert_eq!(chunks("一二三。四五六七。八", Pace::Slow), ["一二三。", "四五六七。<400>八"]);
        assert_eq!(chunks(" \u{1e}\n", Pace::Slow), [""; 0], "silence");
    }

    /// What nothing fits is said, a character at a time: the platform may take it, and there is no end without.
    #[test]
    fn a_limit_of_nothing_has_an_end() {
        let nothing = Limit { most: [0], ..TEN };
        assert_eq!(Speech::of_text("一二", Pace::Usual).chunks(&nothing).count(), 2);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_limits_are_kept(text in "[一二，。；a. !\u{1e}\u{1f}\u{0}\u{1f600}]{0,200}", slow: bool) {
            let pace = if slow { Pace::Slow } else { Pace::Usual };
            let speech = Speech::of_text(&text, pace);
            let mut said = String::new();
            for chunk in speech.chunks(&TEN) {
                let taken = |part| match part {
                    Part::Words(words) => words.chars().count(),
                    Part::Break(_) => 2,
                };
                prop_assert!(chunk.parts().map(taken).sum::<usize>() <= 10);
                said.extend(chunk.parts().map(|part| match part {
                    Part::Words(words) => words,
                    Part::Break(_) => "",
                }));
            }
            // A chunk of nothing but blanks is left out.
            let visible = |text: &str| legal(text).filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(visible(&said), visible(&text));
        }
    }
}
