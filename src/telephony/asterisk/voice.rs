//! How is it said? A reply as sounds, each with its address.

use crate::call::caller::Call;
use crate::secret::Secret;
use crate::speech::catalog::Catalogs;
use crate::speech::clip::{Clip, Clips, NoClip};
use crate::speech::language::Language;
use crate::speech::prompt::Prompt;
use crate::telephony::player::Player;
use crate::telephony::{Pace, Reply, Then, recording_name};

use super::tone;
use super::turns::{Script, Sound};

/// What is recorded at `step` of `call`, as the name of a file.
#[must_use]
pub fn recording(call: &Call, step: &str) -> Secret {
    Secret::new(recording_name(call.dialect, &call.id, step).replace(':', "-"))
}

/// What speaks: clips, and where they are fetched from.
#[derive(Debug)]
pub struct Voice {
    clips: Clips,
    /// What their addresses begin with.
    base: Box<str>,
}

impl Voice {
    /// Speaks with `clips`, which are fetched from below `base`.
    #[must_use]
    pub fn new(clips: Clips, base: &str) -> Self {
        Self { clips, base: base.into() }
    }

    /// What a reply in the call `call` is for the caller.
    ///
    /// # Errors
    /// There is no clip of something that is to be said.
    pub fn script(&self, reply: &Reply, call: &Call) -> Result<Script, NoClip> {
        let (before, during) = match &reply.then {
            Then::Collect(collect, _) => reply.heard_out(collect),
            Then::Record(..) | Then::Transfer(..) | Then::Leave(_) | Then::HangUp => (&reply.say[..], &[][..]),
        };
        let (mut before, during) = (self.sounds(reply, before)?, self.sounds(reply, during)?);
        let step = match &reply.then {
            Then::Record(_, step) => {
                before.push(tone::sound(&self.base));
                step
            }
            _ => "",
        };
        Ok(Script { before, during, then: reply.then.clone(), recording: recording(call, step) })
    }

    /// Last words, and the end of the call.
    ///
    /// # Errors
    /// There is no clip of them.
    pub fn last_words(&self, wording: &Catalogs, language: Language, call: &Call) -> Result<Script, NoClip> {
        let (say, pace) = (vec![Prompt::busy()], Pace::Usual);
        self.script(
            &Reply { wording: wording.clone(), language, say, pace, player: Player::default(), then: Then::HangUp },
            call,
        )
    }

    fn sounds(&self, reply: &Reply, prompts: &[Prompt]) -> Result<Vec<Sound>, NoClip> {
        let mut sounds = Vec::new();
        for (language, words) in reply.spoken(prompts) {
            let clips = self.clips.play(language, &words, reply.pace)?;
            sounds.extend(clips.into_iter().map(|clip| self.sound(clip)));
        }
        Ok(sounds)
    }

    fn sound(&self, clip: &Clip) -> Sound {
        Sound { url: format!("{}{}", self.base, clip.path()).into(), length: clip.length }
    }
}
