//! The dialect contract: prove the sender, read an event, write a turn. Vendor words never leave their dialect.

pub mod asterisk;
pub mod browser;
pub mod cloopen;
mod form;
pub mod held;
pub mod httapi;
pub mod jambonz;
pub mod player;
pub mod plivo;
pub mod promptly;
pub mod public_url;
pub mod remote_folder;
pub mod sender;
mod spoken;
#[cfg(test)]
mod testing;
pub mod twilio;
pub mod voicexml;
pub mod vonage;
mod webhook;
mod xml;

use std::time::Duration;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::call::caller::{Call, CallEnd};
use player::Player;

use crate::dialog::{BargeIn, Collect, Event, Record, Recording, Transfer};
use crate::speech::catalog::Catalogs;
use crate::speech::language::Language;
use crate::speech::prompt::Prompt;
pub use crate::speech::tempo::Pace;
use crate::speech::words::Words;

/// What a dialect writes: one turn of one call.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The wording of every language.
    pub wording: Catalogs,
    /// The language the call is held in. A prompt may be said in another: the choice of language is.
    pub language: Language,
    /// Said in order.
    pub say: Vec<Prompt>,
    /// How fast.
    pub pace: Pace,
    /// The clips that can be played in its place.
    pub player: Player,
    /// What happens after (or, for keys, during) what is said.
    pub then: Then,
}

impl Reply {
    /// The words of `prompts`, some of what is said: piece by piece, each of one language.
    pub fn spoken<'r>(&'r self, prompts: &'r [Prompt]) -> impl Iterator<Item = (Language, Words<'r>)> + 'r {
        self.wording.speak(prompts, self.language)
    }

    /// The paths of the clips that say `prompts`; `None` where some of it has no clip.
    #[must_use]
    pub fn played(&self, prompts: &[Prompt]) -> Option<Vec<String>> {
        let paths = self.spoken(prompts).map(|(language, words)| self.player.paths(language, &words, self.pace));
        Some(paths.collect::<Option<Vec<_>>>()?.concat())
    }

    /// What is heard out before keys count, and what they may stop.
    #[must_use]
    pub fn heard_out(&self, collect: &Collect) -> (&[Prompt], &[Prompt]) {
        self.say.split_at(match collect.barge_in {
            BargeIn::Always => 0,
            BargeIn::AfterPrompts(n) => usize::from(n).min(self.say.len()),
        })
    }
}

/// What follows what is said. `step` is the sealed state: it comes back with the next webhook, opaque, in the path of
/// the address (letters, digits, `-`, `_`; at most some 300 characters).
#[derive(Clone, Debug)]
pub enum Then {
    /// Wait for keys, and send them to `step`; silence goes there too.
    Collect(Collect, Box<str>),
    /// Record, and tell `step` what was recorded; nothing goes there too.
    Record(Record, Box<str>),
    /// Connect to a person, and tell `step` how that ended.
    Transfer(Transfer, Box<str>),
    /// Take the caller out of the queue they wait in. The platform then tells the step that the transfer began with; one
    /// that cannot, tells this.
    Leave(Box<str>),
    /// End the call.
    HangUp,
}

/// The one who carries a conversation on: what a dialect hands each proven webhook to.
///
/// Nothing here can fail: whatever goes wrong behind it, there is something to say. A dialect stops waiting after a few
/// seconds (the platform would hang up on the caller), so every future may be dropped half-way.
pub trait Conversation: Send + Sync + 'static {
    /// A call came in; in `language`, where its way in asks for one.
    fn dialled(&self, call: Call, language: Option<Language>) -> impl Future<Output = Reply> + Send;

    /// Something happened at `step`, which is as the webhook's address brought it: not yet known to be ours.
    fn step(&self, call: Call, step: &str, event: Event) -> impl Future<Output = Reply> + Send;

    /// The platform tells, beside the call and perhaps after its end, what was recorded at `step`. Whether that is taken
    /// care of; if not, it may tell again.
    fn recorded(&self, call: Call, step: &str, recording: Recording) -> impl Future<Output = bool> + Send;

    /// The platform tells that the call is over.
    fn ended(&self, call: Call, how: CallEnd) -> impl Future<Output = ()> + Send;

    /// An earlier webhook of this call failed: the caller hears an apology and is back at the greeting, not signed in.
    fn resume(&self, call: Call) -> impl Future<Output = Reply> + Send;

    /// The last words, for when nothing else can be said, and their language.
    fn busy(&self) -> (Language, Box<str>);
}

/// What a recording made at `step` of `call` is known by, where we are the ones who name it: told again, it is the same.
fn recording_name(dialect: &str, call: &str, step: &str) -> String {
    let digest = Sha256::digest(step.as_bytes());
    let of_step = HEXLOWER.encode(digest.get(..8).unwrap_or_default());
    format!("{dialect}:{call}:{of_step}")
}

/// Whole seconds, at least one, for platforms that take nothing else. Rather a moment longer than a moment too short.
fn whole_seconds(time: Duration) -> u64 {
    (time.as_secs() + u64::from(time.subsec_nanos() > 0)).max(1)
}
