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
    use crate::dialog::testing::FLOW;
    use crate::dialog::{Draft, FirstProof, Goal, MenuId, PinInForce, RatingPlace};
    use crate::member::message::MessageKind;
    use crate::member::tail::Tail;
    use crate::member::{MemberId, MemberKey};
    use crate::secret::{PinDraft, PinVerified};

    fn keys(text: &str) -> Event {
        Event::Keys(Keys::parse(text, true).unwrap())
    }

    fn key(key: Key) -> Event {
        Event::Keys(Keys::new(vec![key], false))
    }

    fn main() -> MenuId {
        MenuId::new(MenuId::MAIN)
    }

    fn pin(menu: &str) -> Place {
        let who = MemberKey { kind: IdentifierKind::Id, index: [7; 32] };
        Place::Pin { goal: Goal::Menu(MenuId::new(menu)), who, misses: Misses::default() }
    }

    #[test]
    fn of_an_entry_no_digit_is_known() {
        let kind = IdentifierKind::Id;
        let id = Place::Number { goal: Goal::Menu(main()), kind, misses: Misses::default() };
        let number = |ends_in_x, length| {
            Some(Shape::Entry { of: EntryShape::Number { kind, ends_in_x }, length, finished: true })
        };
        assert_eq!(Shape::of(&id, &keys("11010519491231002*")), number(true, 18));
        assert_eq!(Shape::of(&id, &keys("1101*110105194912310021")), number(false, 18));
        assert_eq!(Shape::of(&id, &keys("110105491231002")), number(false, 15));
        let pin = pin("main");
        let entry = Shape::of(&pin, &keys("739154"));
        assert_eq!(entry, Some(Shape::Entry { of: EntryShape::Pin, length: 6, finished: true }));
        assert_eq!(format!("{entry:?}").replace("length: 6", "").find(|c: char| c.is_ascii_digit()), None);
        // What leads away is no part of a number.
        assert_eq!(Shape::of(&pin, &keys("0")), Some(Shape::Key { key: Some(Key::Digit(0)), finished: true }));
        assert_eq!(Shape::of(&pin, &keys("")), Some(Shape::Key { key: None, finished: true }));
    }

    /// Each by what is asked for at its place, and by how many keys were left of it.
    #[test]
    fn an_entry_is_what_was_asked_for() {
        let misses = Misses::default();
        let entered = |place: Place, text: &str| match Shape::of(&place, &keys(text)) {
            Some(Shape::Entry { of, length, finished: true }) => (of, length),
            other => panic!("{other:?} at {}", place.name()),
        };
        let goal = Goal::Menu(main());
        let card = Place::Number { goal: goal.clone(), kind: IdentifierKind::Card, misses };
        let number = |kind, ends_in_x| EntryShape::Number { kind, ends_in_x };
        assert_eq!(entered(card, "12345678*9"), (number(IdentifierKind::Card, false), 1));
        let old = Place::PinChange(PinPlace::Old { back: main(), misses });
        assert_eq!(entered(old, "739154"), (EntryShape::Pin, 6));
        let second = |kind| {
            let pin = PinInForce { generation: [3; 8], draft: PinDraft::new([5; 32]) };
            let proof = PinVerified::check(&[1; 32], Some(&[1; 32])).unwrap();
            let first = FirstProof::grant(proof, MemberId([9; 32]), pin, kind, Timestamp::UNIX_EPOCH);
            Place::PinChange(PinPlace::Second { goal: goal.clone(), first, misses })
        };
        assert_eq!(entered(second(IdentifierKind::Card), "123456789"), (number(IdentifierKind::Card, false), 9));
        let id = second(IdentifierKind::Id);
        assert_eq!(entered(id, "11010519491231002*"), (number(IdentifierKind::Id, true), 18));
        let of_message = Place::Message(MessagePlace::Number { back: main(), misses });
        assert_eq!(entered(of_message, "12345672"), (EntryShape::Message, 8));
        let draft = Draft { kind: MessageKind::Callback, since: None, back: main() };
        let phone = Place::Message(MessagePlace::Phone { draft, misses });
        assert_eq!(entered(phone.clone(), "13800138000"), (EntryShape::Phone { landline: false }, 11));
        assert_eq!(entered(phone, "01012345678"), (EntryShape::Phone { landline: true }, 11));
        let (who, digits) = (MemberKey { kind: IdentifierKind::Id, index: [7; 32] }, Tail::of("2748").unwrap());
        let heard = ChallengePlace::Digits { goal, who, digits, wrong: false, misses };
        assert_eq!(entered(Place::Challenge(heard), "2748"), (EntryShape::Challenge, 4));
    }

    #[test]
    fn where_one_key_is_enough_it_is_the_key() {
        let menu = Place::Menu { menu: main(), misses: Misses::default() };
        let pressed = |text: &str, finished| Shape::of(&menu, &Event::Keys(Keys::parse(text, finished).unwrap()));
        let three = Some(Key::Digit(3));
        assert_eq!(pressed("3", false), Some(Shape::Key { key: three, finished: false }));
        assert_eq!(pressed("3", true), Some(Shape::Key { key: three, finished: true }));
        assert_eq!(pressed("", true), Some(Shape::Key { key: None, finished: true }));
        // Nobody can say which of them counted.
        assert_eq!(pressed("31", false), Some(Shape::Unclear));
    }

    /// Whoever keys a number at a menu leaves no digit of it.
    #[test]
    fn of_keys_that_are_not_offered_none_is_known() {
        let told = |place: &Place, event: &Event| {
            let state = State { place: place.clone(), ..FLOW.start() };
            match FLOW.shape(&state, event, Timestamp::UNIX_EPOCH) {
                Some(Shape::Key { key: Some(key), .. }) => key.as_char(),
                other => panic!("{other:?}"),
            }
        };
        let digits = |place: &Place| -> String { Key::ALL.iter().map(|pressed| told(place, &key(*pressed))).collect() };
        let menu = |name: &str| Place::Menu { menu: MenuId::new(name), misses: Misses::default() };
        // One to five are offered, and what works everywhere.
        assert_eq!(digits(&menu("main")), "0123456669*#");
        // Whatever went wrong before: nobody is given up for it.
        let misses = Misses { silent: 0, wrong: 2 };
        let grade = Place::Rating(RatingPlace::Grade { person: false, misses });
        assert_eq!(digits(&grade), "0123455559*#");
        // Gone since a reload: nothing leads on but `0` and `9`.
        assert_eq!(digits(&menu("gone")), "011111111911");
        // Where a number is asked for, what leads away does so whatever it leads to by now.
        assert_eq!((told(&pin("main"), &keys("0")), told(&pin("main"), &keys("*"))), ('0', '*'));
        assert_eq!(told(&pin("gone"), &keys("*")), '*');
    }

    #[test]
    fn what_no_caller_does_has_no_shape() {
        let state = FLOW.start();
        let shape = |event: &Event| FLOW.shape(&state, event, Timestamp::UNIX_EPOCH);
        assert_eq!(shape(&Event::LimitReached), None);
        assert_eq!(shape(&Event::HungUp), Some(Shape::HungUp));
    }
}
