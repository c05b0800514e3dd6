//! What a caller did, without what they keyed: types that cannot hold the digits of a number or a PIN.

use jiff::Timestamp;

use super::challenge::ChallengePlace;
use super::entry::{Entry, cleared, entry, id_number_keys};
use super::event::{Event, TransferEnd, Waiting};
use super::flow::Flow;
use super::message::MessagePlace;
use super::pin_change::PinPlace;
use super::state::{Misses, Place, State};
use super::step::misses_of;
use crate::member::IdentifierKind;
use crate::secret::{Key, Keys};
use crate::speech::prompt::Prompt;

/// What a caller did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A choice: one key of a menu, or what leads away from where a number is asked for; `None`: nothing but the key that ends
    /// an entry.
    Key {
        /// Which.
        key: Option<Key>,
        /// Whether the entry was ended by its finish key.
        finished: bool,
    },
    /// A number or a PIN, or what was meant as one.
    Entry {
        /// What was asked for.
        of: EntryShape,
        /// How many keys it had, without what was cleared before it.
        length: u8,
        /// Whether it was ended by its finish key.
        finished: bool,
    },
    /// Nothing, for as long as was waited.
    Silence,
    /// Spoke, and was recorded.
    Spoke {
        /// How long.
        seconds: u32,
    },
    /// Was to speak, and did not.
    SaidNothing,
    /// Waits in a queue.
    Waiting(Waiting),
    /// Is with a person no longer, or did not get to one.
    TransferEnded(TransferEnd),
    /// Put the telephone down.
    HungUp,
    /// What cannot be told so that it could be done again.
    Unclear,
}

/// What was asked for, and what of the answer may be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryShape {
    /// A number to sign in with.
    Number {
        /// Of which kind.
        kind: IdentifierKind,
        /// Whether `*` stood for an X at its end.
        ends_in_x: bool,
    },
    /// A PIN.
    Pin,
    /// A telephone number.
    Phone {
        /// Whether it began as an area code does.
        landline: bool,
    },
    /// The number of a message.
    Message,
    /// Digits that were heard.
    Challenge,
}

impl Shape {
    /// What the caller did when `event` came at `place`. `None`: it was not the caller's doing.
    #[must_use]
    pub fn of(place: &Place, event: &Event) -> Option<Shape> {
        Some(match event {
            Event::Keys(keys) if place.is_entry() => entered(place, keys),
            Event::Keys(keys) => match keys.expose() {
                [] => Shape::Key { key: None, finished: keys.finished() },
                [key] => Shape::Key { key: Some(*key), finished: keys.finished() },
                _ => Self::Unclear,
            },
            Event::Silence => Shape::Silence,
            Event::Garbled => Shape::Unclear,
            Event::Waiting(waiting) => Shape::Waiting(*waiting),
            Event::TransferEnded(end) => Shape::TransferEnded(*end),
            Event::Recorded { recording: Some(recording), hung_up: false } => {
                Shape::Spoke { seconds: recording.seconds }
            }
            Event::Recorded { recording: None, hung_up: false } => Shape::SaidNothing,
            Event::Recorded { hung_up: true, .. } | Event::HungUp => Shape::HungUp,
            Event::Dialled(_) | Event::Answer(_) | Event::LimitReached => return None,
        })
    }
}

impl Flow {
    /// What the caller did when `event` came in `state`, as [`Shape::of`] tells it; but a key that is not offered is told as the
    /// first that is not: whoever keys a number at a menu leaves no digit of it, and which key it was decides nothing.
    #[must_use]
    pub fn shape(&self, state: &State, event: &Event, now: Timestamp) -> Option<Shape> {
        let shape = Shape::of(&state.place, event)?;
        match shape {
            Shape::Key { key: Some(key), finished }
                if !state.place.is_entry() && !self.offers_key(state, key, finished, now) =>
            {
                let key = Key::ALL.into_iter().find(|key| !self.offers_key(state, *key, finished, now));
                Some(Shape::Key { key, finished })
            }
            shape => Some(shape),
        }
    }

    /// Whether `key` means something to a caller who hears what `state` offers.
    fn offers_key(&self, state: &State, key: Key, finished: bool, now: Timestamp) -> bool {
        let mut state = state.clone();
        // As if nothing had gone wrong before: nobody is given up for this key.
        if let Some(misses) = misses_of(&mut state.place) {
            *misses = Misses::default();
        }
        let (_, turn) = self.step(state, Event::Keys(Keys::new(vec![key], finished)), now);
        !turn.say.iter().any(|said| *said == Prompt::no_match() || *said == Prompt::menu_changed())
    }
}

fn entered(place: &Place, keys: &Keys) -> Shape {
    let finished = keys.finished();
    let pressed = match entry(keys) {
        Entry::Again => return Shape::Key { key: None, finished },
        Entry::Person => return Shape::Key { key: Some(Key::Digit(0)), finished },
        Entry::Back => return Shape::Key { key: Some(Key::Star), finished },
        Entry::Keys(pressed) => pressed,
    };
    let number = |kind| {
        let kept = if kind == IdentifierKind::Id { id_number_keys(pressed) } else { cleared(pressed) };
        (EntryShape::Number { kind, ends_in_x: kept.last() == Some(&Key::Star) }, kept)
    };
    let (of, kept) = match place {
        Place::Number { kind, .. } => number(*kind),
        Place::PinChange(PinPlace::Second { first, .. }) => number(first.second()),
        Place::Pin { .. } | Place::PinChange(_) => (EntryShape::Pin, cleared(pressed)),
        Place::Message(MessagePlace::Number { .. }) => (EntryShape::Message, cleared(pressed)),
        Place::Message(_) => {
            let kept = cleared(pressed);
            (EntryShape::Phone { landline: kept.first() == Some(&Key::Digit(0)) }, kept)
        }
        Place::Challenge(ChallengePlace::Digits { .. }) => (EntryShape::Challenge, cleared(pressed)),
        _ => return Shape::Unclear,
    };
    Shape::Entry { of, length: u8::try_from(kept.len()).unwrap_or(u8::MAX), finished }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialog::{Goal, MenuId};
    use crate::member::MemberKey;

    fn keys(text: &str) -> Event {
        Event::Keys(Keys::parse(text, true).unwrap())
    }

    #[test]
    fn of_an_entry_no_digit_is_known() {
        let goal = || Goal::Menu(MenuId::new(MenuId::MAIN));
        let kind = IdentifierKind::Id;
        let id = Place::Number { goal: goal(), kind, misses: Misses::default() };
        let number = |ends_in_x, length| {
            Some(Shape::Entry { of: EntryShape::Number { kind, ends_in_x }, length, finished: true })
        };
        assert_eq!(Shape::of(&id, &keys("11010519491231002*")), number(true, 18));
        assert_eq!(Shape::of(&id, &keys("1101*110105194912310021")), number(false, 18));
        assert_eq!(Shape::of(&id, &keys("110105491231002")), number(false, 15));
        let who = MemberKey { kind, index: [7; 32] };
        let pin = Place::Pin { goal: goal(), who, misses: Misses::default() };
        let entry = Shape::of(&pin, &keys("739154"));
        assert_eq!(entry, Some(Shape::Entry { of: EntryShape::Pin, length: 6, finished: true }));
        assert_eq!(format!("{entry:?}").replace("length: 6", "").find(|c: char| c.is_ascii_digit()), None);
        // What leads away is no part of a number.
        assert_eq!(Shape::of(&pin, &keys("0")), Some(Shape::Key { key: Some(Key::Digit(0)), finished: true }));
        assert_eq!(Shape::of(&pin, &keys("")), Some(Shape::Key { key: None, finished: true }));
    }
}
