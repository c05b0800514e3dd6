//! What a caller is told once, with the next words they hear: the words are kept until the world has been asked what it is
//! asked on the way.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::flow::Flow;
use super::state::State;
use super::turn::{BargeIn, Collect, Next, Turn};
use crate::speech::prompt::Prompt;

/// What is yet to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct News {
    /// When the PIN was changed, in an earlier call.
    pub pin_changed: Option<Timestamp>,
    /// The PIN was changed just now.
    pub pin_set: bool,
}

impl Flow {
    /// Tells what is to be told before what `turn` says. It is heard out. Who is signed in no more hears nothing of it.
    pub(super) fn told_first(&self, mut state: State, mut turn: Turn, now: Timestamp) -> (State, Turn) {
        if matches!(turn.next, Next::Ask(_)) {
            return (state, turn);
        }
        let News { pin_changed, pin_set } = std::mem::take(&mut state.news);
        if Self::proof(&state, now).is_err() {
            return (state, turn);
        }
        let set = pin_set.then(Prompt::pin_set);
        let changed = pin_changed.map(|at| Prompt::pin_changed(self.person.hours.offset.to_datetime(at).date()));
        let mut say: Vec<Prompt> = set.into_iter().chain(changed).collect();
        if let Next::Collect(Collect { barge_in, .. }) = &mut turn.next
            && let Ok(told @ 1..) = u8::try_from(say.len())
        {
            *barge_in = match *barge_in {
                BargeIn::Always => BargeIn::AfterPrompts(told),
                BargeIn::AfterPrompts(more) => BargeIn::AfterPrompts(told.saturating_add(more)),
            };
        }
        say.append(&mut turn.say);
        (state, Turn { say, ..turn })
    }
}
