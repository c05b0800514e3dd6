//! What callers key where a number or a PIN is asked for.

use crate::secret::{Key, Keys};

/// What was keyed where a number is asked for.
pub(super) enum Entry<'k> {
    /// `#` alone.
    Again,
    /// `0` alone.
    Person,
    /// `*` alone.
    Back,
    /// A number, or what was meant as one.
    Keys(&'k [Key]),
}

pub(super) fn entry(keys: &Keys) -> Entry<'_> {
    match keys.expose() {
        [] => Entry::Again,
        [Key::Digit(0)] => Entry::Person,
        [Key::Star] => Entry::Back,
        keys => Entry::Keys(keys),
    }
}

/// What stands after the last `*`: it clears what was keyed before it.
pub(super) fn cleared(keys: &[Key]) -> &[Key] {
    let start = keys.iter().rposition(|k| *k == Key::Star).map_or(0, |star| star + 1);
    keys.get(start..).unwrap_or_default()
}

/// As [`cleared`], but a `*` in eighteenth place is the X that ends an ID number.
pub(super) fn id_number_keys(keys: &[Key]) -> &[Key] {
    match keys.split_last() {
        Some((Key::Star, before)) if cleared(before).len() == 17 => keys.get(keys.len() - 18..).unwrap_or_default(),
        _ => cleared(keys),
    }
}
