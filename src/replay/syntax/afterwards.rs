//! What is true afterwards, and what goes wrong.

use super::account::read_account;
use super::caller::read_duration;
use super::{Wrong, is_name, narrow, wrong};
use crate::replay::transcript::{Fault, Truth};
use crate::replay::words::{self as w, after, is, shown};

pub(super) fn read_truth(body: &str) -> Result<Truth, Wrong> {
    let (word, rest) = body.split_once(char::is_whitespace).unwrap_or((body, ""));
    let rest = rest.trim();
    if is(word, w::AUDIT) {
        let mut words = rest.split_whitespace();
        let example = || format!("write {} sign_in_ok 1 {}", w::AUDIT[0], w::TIMES[0]);
        let Some(event) = words.next() else { return wrong("no event is named", example()) };
        let Some([_, event]) = w::EVENTS.iter().find(|word| is(event, word)) else {
            let known = w::EVENTS.iter().map(|event| shown(event)).collect::<Vec<_>>().join(", ");
            return wrong(format!("the audit has no event {event:?}"), format!("take one of {known}"));
        };
        let times = match words.next() {
            None => Some(1),
            Some(count) => read_times(count),
        };
        match times {
            Some(times) => Ok(Truth::Audit { event: (*event).to_owned(), times }),
            None => wrong(format!("{rest:?} has no count"), example()),
        }
    } else if is(word, w::LOG) {
        let names = after(rest, w::WITHOUT).unwrap_or_default();
        let names: Vec<String> =
            names.split_whitespace().map(|name| name.trim_start_matches(['$', '＄']).to_owned()).collect();
        if names.is_empty() || !names.iter().all(|name| is_name(name)) {
            return wrong(
                "does not say what the log is without",
                format!("write {} {} $证号", w::LOG[0], w::WITHOUT[0]),
            );
        }
        Ok(Truth::Unseen(names))
    } else if is(word, w::ACCOUNT) {
        read_account(rest).map(Truth::Account)
    } else if is(word, w::CALL) && is(rest, w::OVER) {
        Ok(Truth::CallOver)
    } else if is(word, w::RULE) {
        let Some((_, rule)) = w::RULES.iter().find(|(word, _)| is(rest, word)) else {
            let known = w::RULES.iter().map(|(word, _)| shown(word)).collect::<Vec<_>>().join(", ");
            return wrong(format!("there is no rule {rest:?}"), format!("take one of {known}"));
        };
        Ok(Truth::Holds(*rule))
    } else {
        let known = [w::AUDIT, w::LOG, w::ACCOUNT, w::CALL, w::RULE].map(shown).join(", ");
        wrong(format!("{body:?} is nothing that can be looked at"), format!("take one of {known}"))
    }
}

/// `2`, `2次`, `2 times`
fn read_times<T: std::str::FromStr>(count: &str) -> Option<T> {
    let count = narrow(count);
    let count = w::TIMES.iter().find_map(|times| count.strip_suffix(times)).unwrap_or(&count);
    count.trim_end().parse().ok()
}

pub(super) fn read_fault(body: &str) -> Result<Fault, Wrong> {
    let (word, rest) = body.split_once(char::is_whitespace).unwrap_or((body, ""));
    let rest = rest.trim();
    // People write 重发2次 in one.
    let (word, rest) = match after(word, w::DUPLICATE) {
        Some(count) if rest.is_empty() => (w::DUPLICATE[0], count),
        _ => (word, rest),
    };
    if is(word, w::DUPLICATE) {
        return match rest {
            "" => Ok(Fault::Duplicate(1)),
            count => match read_times(count) {
                Some(times @ 1..=9) => Ok(Fault::Duplicate(times)),
                _ => wrong(format!("{count:?} is no count"), format!("write {} 2; nine at most", w::DUPLICATE[0])),
            },
        };
    }
    if is(word, w::DELAY) {
        return read_duration(rest).map(Fault::Delay);
    }
    if is(word, w::WAIT) {
        return read_duration(rest).map(Fault::Wait);
    }
    match (word, rest) {
        (word, "") if is(word, w::REORDER) => Ok(Fault::Reorder),
        (word, how) if is(word, w::STORE) && after(how, w::SLOW).is_some() => {
            read_duration(after(how, w::SLOW).unwrap_or_default().trim()).map(Fault::StoreSlow)
        }
        (word, "") if is(word, w::NODE_KILLED) => Ok(Fault::NodeKilled),
        (word, how) if is(word, w::STORE) && is(how, w::AWAY) => Ok(Fault::StoreAway),
        (word, how) if is(word, w::STORE) && is(how, w::BACK) => Ok(Fault::StoreBack),
        _ => {
            let known = [w::DUPLICATE, w::REORDER, w::DELAY, w::WAIT, w::NODE_KILLED, w::STORE];
            let known = known.map(shown).join(", ");
            wrong(format!("{body:?} is no fault that can be injected"), format!("take one of {known}"))
        }
    }
}
