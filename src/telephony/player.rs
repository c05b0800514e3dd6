//! Our own clips where a platform plays sounds, and their addresses.

use crate::speech::clip::{Clip, Clips};
use crate::speech::language::Language;
use crate::speech::words::Words;

use super::Pace;

/// The clips in force. Shared: a copy costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Player {
    clips: Clips,
    /// What platforms are to fetch them below; nothing, where they speak with their own voices.
    base: Option<Box<str>>,
}

impl Player {
    /// Plays `clips` to those who ask this server for them.
    #[must_use]
    pub fn new(clips: Clips) -> Self {
        Self { clips, base: None }
    }

    /// Plays them on platforms too, which fetch them below `base`: the public address, without a `/` at its end.
    #[must_use]
    pub fn on_platforms(self, base: &str) -> Self {
        Self { base: Some(base.into()), ..self }
    }

    /// The paths of the clips that say `words`, in order; `None` where some have no clip.
    #[must_use]
    pub fn paths(&self, language: Language, words: &Words<'_>, pace: Pace) -> Option<Vec<String>> {
        let clips = self.clips.play(language, words, pace).ok()?;
        Some(clips.into_iter().map(Clip::path).collect())
    }

    /// Their addresses, for a platform; `None` where it is to say `words` in its own voice.
    #[must_use]
    pub fn addresses(&self, language: Language, words: &Words<'_>, pace: Pace) -> Option<Vec<String>> {
        let base = self.base.as_deref()?;
        let paths = self.paths(language, words, pace)?;
        Some(paths.into_iter().map(|path| [base, &path].concat()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::words::Piece;
    use crate::telephony::testing::player;

    #[test]
    fn what_has_clips_is_played_and_what_has_not_is_not() {
        let said = |text| {
            let mut words = Words::new();
            words.push(Piece::Fragment { prompt: "greeting", part: 0, text });
            words
        };
        let player = player();
        let (mandarin, english) = (Language::Mandarin, Language::English);
        let own = player.paths(mandarin, &said("您好。"), Pace::Usual).unwrap();
        assert_eq!(own, [format!("/prompts/zh-CN/{:a>64}.wav", ""), format!("/prompts/zh-CN/{:4>64}.wav", "")]);
        assert_eq!(player.paths(mandarin, &said("再见。"), Pace::Usual), None);
        assert_eq!(player.paths(english, &said("您好。"), Pace::Usual), None);
        assert_eq!(player.addresses(mandarin, &said("您好。"), Pace::Usual), None, "platforms have their own voices");
        let player = player.on_platforms("https://hotline.example");
        let slow = player.addresses(mandarin, &said("您好。"), Pace::Slow).unwrap();
        assert_eq!(slow[1], format!("https://hotline.example/prompts/zh-CN/{:8>64}.wav", ""));
    }
}
