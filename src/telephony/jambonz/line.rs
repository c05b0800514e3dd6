//! What is answered, however it is carried: what the platform tells in, verbs out.

use std::sync::Arc;
use std::time::Duration;

use super::hook::Hook;
use super::verbs::{Verbs, reference};
use crate::dialog::Event;
use crate::telephony::Conversation;

/// What a hook is about: the word before the step in its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Keys, or silence.
    Step,
    /// Keys, or that the first of several voices is done.
    Said,
    /// The end of a transfer.
    Transferred,
    /// What was recorded.
    Recorded,
    /// The end of a queue.
    Queued,
    /// What is heard in it.
    Waiting,
}

impl About {
    /// All there are, by their words.
    pub const ALL: [(&'static str, Self); 6] = [
        ("step", Self::Step),
        ("said", Self::Said),
        ("transferred", Self::Transferred),
        ("recorded", Self::Recorded),
        ("queued", Self::Queued),
        ("waiting", Self::Waiting),
    ];

    /// What `word` says.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, about)| *about)
    }
}

/// Takes what the platform tells to the conversation, and has what it says written as verbs.
///
/// `None` in the place of a hook: what came could not be read.
pub struct Line<C> {
    /// The one who carries the conversation on.
    pub conversation: Arc<C>,
    /// Writes what is said.
    pub verbs: Verbs,
    /// So long an answer may take.
    pub patience: Duration,
}

impl<C: Conversation> Line<C> {
    /// A call came in.
    pub async fn dialled(&self, hook: Option<&Hook>) -> Vec<u8> {
        let Some(call) = hook.and_then(|hook| hook.call().ok()) else { return self.busy() };
        let id = call.id.clone();
        match tokio::time::timeout(self.patience, self.conversation.dialled(call, None)).await {
            Ok(reply) => self.verbs.reply(&reply, &id),
            Err(_) => self.busy(),
        }
    }

    /// Something happened at `step`. `None`: the platform is to go on with the verbs it has.
    pub async fn told(&self, about: About, step: &str, hook: Option<&Hook>) -> Option<Vec<u8>> {
        let happened = |event: &dyn Fn(&Hook) -> Event| hook.and_then(|hook| Some((hook.call().ok()?, event(hook))));
        let happened = match about {
            // Silence while the first of several voices spoke is no answer: the next one speaks.
            About::Said if hook.is_some_and(|hook| hook.call().is_ok() && hook.is_silence()) => return None,
            About::Step | About::Said => happened(&Hook::keys),
            About::Transferred => happened(&Hook::transfer),
            About::Recorded => happened(&|hook| {
                let call = hook.call().map(|call| call.id).unwrap_or_default();
                hook.recorded(reference(&call, step))
            }),
            About::Queued => happened(&Hook::queue),
            About::Waiting => happened(&Hook::waiting),
        };
        let Some((call, event)) = happened else { return Some(self.last_words(about)) };
        let id = call.id.clone();
        let reply = tokio::time::timeout(self.patience, self.conversation.step(call, step, event)).await;
        Some(match (reply, about) {
            (Ok(reply), About::Waiting) => self.verbs.waiting(&reply),
            (Ok(reply), _) => self.verbs.reply(&reply, &id),
            (Err(_), about) => self.last_words(about),
        })
    }

    /// Told for every change of a call, and of the calls to people; only the end of the caller's is news. There is nobody
    /// left to say anything to.
    pub async fn status(&self, hook: &Hook) {
        if !hook.is_of_another_leg()
            && let (Ok(call), Some(how)) = (hook.call(), hook.ended())
        {
            let _ = tokio::time::timeout(self.patience, self.conversation.ended(call, how)).await;
        }
    }

    /// What is heard when nothing else can be said.
    pub fn last_words(&self, about: About) -> Vec<u8> {
        match about {
            // In a queue there is no hanging up, and after last words the platform would ask at once again.
            About::Waiting => Verbs::busy_waiting(),
            _ => self.busy(),
        }
    }

    /// Last words to a caller who does not wait in a queue.
    pub fn busy(&self) -> Vec<u8> {
        let (language, words) = self.conversation.busy();
        self.verbs.busy(language, &words)
    }
}
