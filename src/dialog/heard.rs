//! What keys meant when a caller heard of them. A reload may give them another meaning while the caller reaches for one.

use sha2::{Digest, Sha256};

use super::event::Event;
use super::flow::{Flow, MenuOption, Target};
use super::state::{Place, State};
use crate::member::IdentifierKind;
use crate::secret::Key;

impl Flow {
    /// A digest of what the keys mean where `state` stands, by the line's file; 0 where code alone decides it. It travels
    /// with the call.
    #[must_use]
    pub fn heard(&self, state: &State) -> u32 {
        match &state.place {
            Place::Menu { menu, .. } => self.menus.get(menu).map_or(0, |menu| menu.means),
            Place::NumberKind { .. } => self.numbers_mean,
            _ => 0,
        }
    }

    /// The state that a call goes on from, in which the digest was `heard`. Who chooses by a digit that means something else
    /// by now is led to the main menu instead; what works everywhere, and silence, means what it meant.
    #[must_use]
    pub fn taken_up(&self, state: State, heard: u32, event: &Event) -> State {
        let chooses = matches!(event, Event::Keys(keys) if matches!(keys.single(), Some(Key::Digit(1..=8))));
        if chooses && self.heard(&state) != heard { State { place: Place::Start, ..state } } else { state }
    }
}

/// What these keys of a menu mean.
pub(super) fn of_options(options: &[MenuOption]) -> u32 {
    let words = options.iter().map(|option| match &option.go {
        Target::Menu(menu) => format!("menu:{}", menu.as_str()),
        Target::Answer(answer) => format!("answer:{}", answer.as_str()),
        Target::Service(service) => format!("service:{}", service.name()),
        Target::Message(service) => format!("service:{}", service.name()),
        Target::Person => "person".to_owned(),
        Target::Goodbye => "goodbye".to_owned(),
    });
    digest(words)
}

/// What the keys mean that choose one of these numbers.
pub(super) fn of_numbers(numbers: &[IdentifierKind]) -> u32 {
    digest(numbers.iter().map(|kind| format!("{kind:?}")))
}

/// The same on every node and in every version: nodes carry each other's calls on.
fn digest(words: impl Iterator<Item = String>) -> u32 {
    let mut digest = Sha256::new();
    for word in words {
        digest.update(word.as_bytes());
        digest.update([0]);
    }
    digest.finalize().iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}
