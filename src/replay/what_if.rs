//! What callers of yesterday would have heard with other menus: every sentence that changes, once, with the calls that
//! hear it.

use std::collections::BTreeMap;

use similar::{ChangeTag, TextDiff};

use super::play::{Act, Played};
use super::readings::is_digit_heard;

/// A sentence that changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Changed {
    /// What is heard now; `None`: it is new.
    pub before: Option<String>,
    /// What would be heard; `None`: it is gone.
    pub after: Option<String>,
}

/// Every sentence that changes, and the calls that hear it, in the order of the sentences' first hearing.
#[derive(Clone, Debug, Default)]
pub struct WhatIf {
    changes: BTreeMap<Changed, Vec<String>>,
    order: Vec<Changed>,
}

impl WhatIf {
    /// Takes in one call, as it goes now, as it went another time now, and as it would go. What is drawn anew for each call,
    /// a message's number, is no change.
    pub fn take(&mut self, call: &str, [now, again]: [&Played; 2], then: &Played) {
        let drawn: Vec<String> =
            changes(&heard(now), &heard(again)).into_iter().filter_map(|changed| changed.before).collect();
        for changed in changes(&heard(now), &heard(then)) {
            if is_drawn(&changed, &drawn) {
                continue;
            }
            let calls = self.changes.entry(changed.clone()).or_default();
            if calls.is_empty() {
                self.order.push(changed);
            }
            if calls.last().is_none_or(|last| last != call) {
                calls.push(call.to_owned());
            }
        }
    }

    /// What changes, and who hears it.
    pub fn changes(&self) -> impl Iterator<Item = (&Changed, &[String])> {
        self.order.iter().filter_map(|changed| Some((changed, self.changes.get(changed)?.as_slice())))
    }
}

/// Whether the sentence is one of those with something `drawn` in them, and no more than digits of it changed.
fn is_drawn(changed: &Changed, drawn: &[String]) -> bool {
    let (Some(before), Some(after)) = (&changed.before, &changed.after) else { return false };
    let words = |text: &str| text.chars().filter(|c| !is_digit_heard(*c)).collect::<String>();
    drawn.contains(before) && words(before) == words(after)
}

/// The sentences of a call, turn by turn.
fn heard(played: &Played) -> Vec<&str> {
    let said = played.scenes.iter().filter_map(|scene| match &scene.act {
        Act::Heard { said, .. } => Some(said.as_str()),
        _ => None,
    });
    said.flat_map(|said| said.split_inclusive(['。', '！', '？', '.', '!', '?'])).map(str::trim).collect()
}

fn changes(before: &[&str], after: &[&str]) -> Vec<Changed> {
    let diff = TextDiff::from_slices(before, after);
    let (mut gone, mut new) = (Vec::new(), Vec::new());
    let mut out = Vec::new();
    let mut pair = |gone: &mut Vec<String>, new: &mut Vec<String>| {
        // What goes and what comes at one place belongs together, as far as there is as much of both.
        let most = gone.len().max(new.len());
        let (mut gone, mut new) = (gone.drain(..), new.drain(..));
        for _ in 0..most {
            out.push(Changed { before: gone.next(), after: new.next() });
        }
    };
    for change in diff.iter_all_changes() {
        let sentence = change.value().to_owned();
        match change.tag() {
            ChangeTag::Equal => pair(&mut gone, &mut new),
            ChangeTag::Delete => gone.push(sentence),
            ChangeTag::Insert => new.push(sentence),
        }
    }
    pair(&mut gone, &mut new);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_that_change() {
        let changed =
            changes(&["您好。", "余额请按一。", "再见。"], &["您好。", "查询余额请按一。", "留言请按五。", "再见。"]);
        let of = |before: Option<&str>, after: Option<&str>| Changed {
            before: before.map(Into::into),
            after: after.map(Into::into),
        };
        assert_eq!(changed, [of(Some("余额请按一。"), Some("查询余额请按一。")), of(None, Some("留言请按五。"))]);
    }
}
