//! What is heard: words with holes, how soon, and where.

use super::caller::read_duration;
use super::header::Head;
use super::{Wrong, is_name, narrow, read_day, wrong};
use crate::member::money::Money;
use crate::replay::pattern::Part;
use crate::replay::prompt_hole::PromptHole;
use crate::replay::transcript::{Expectation, What};
use crate::replay::words::{self as w, after, is, shown};

/// `{…}余额为{金额 1010.05}{…} ≤3s @balance`
pub(super) fn read_heard(body: &str, header: &Head) -> Result<What, Wrong> {
    let mut text = body;
    let (mut optional, mut within, mut place) = (false, None, None);
    loop {
        let trimmed = text.trim_end();
        if let Some(rest) = trimmed.strip_suffix(['？', '?']).filter(|rest| rest.ends_with(['}', '｝', ' ', '　'])) {
            (optional, text) = (true, rest);
            continue;
        }
        let Some(at) = trimmed.rfind(char::is_whitespace) else {
            text = trimmed;
            break;
        };
        let (before, last) = (&trimmed[..at], trimmed[at..].trim_start());
        if let Some(name) = last.strip_prefix(['@', '＠']) {
            (place, text) = (Some(name.to_owned()), before);
        } else if let Some(time) = after(last, &["≤", "<="]) {
            (within, text) = (Some(read_duration(time)?), before);
        } else if let Some(time) = before.trim_end().strip_suffix("within").and(Some(last)) {
            within = Some(read_duration(time)?);
            text = before.trim_end().strip_suffix("within").unwrap_or(before);
        } else {
            text = trimmed;
            break;
        }
    }
    let parts = read_pattern(text, header)?;
    if parts.is_empty() {
        return wrong("nothing is heard", "write the words, or {…} for any");
    }
    Ok(What::Heard(Expectation { parts, optional, within, place }))
}

fn read_pattern(text: &str, header: &Head) -> Result<Vec<(Part, String)>, Wrong> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '｛']) {
        let brace = if rest[open..].starts_with('{') { 1 } else { '｛'.len_utf8() };
        if open > 0 {
            parts.push((Part::Text(rest[..open].to_owned()), rest[..open].to_owned()));
        }
        let inside = &rest[open + brace..];
        let Some(close) = closing(inside) else {
            return wrong("has a { without its }", "write holes as {…} or {金额 1010.05}");
        };
        let end = close + if inside[close..].starts_with('}') { 1 } else { '｝'.len_utf8() };
        parts.push((read_hole(inside[..close].trim(), header)?, rest[open..open + brace + end].to_owned()));
        rest = &inside[end..];
    }
    if !rest.is_empty() {
        parts.push((Part::Text(rest.to_owned()), rest.to_owned()));
    }
    Ok(parts)
}

/// Where the hole ends: braces of an expression inside it are part of it.
fn closing(inside: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' | '｝' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn read_hole(hole: &str, header: &Head) -> Result<Part, Wrong> {
    if matches!(hole, "…" | "..." | "……" | "。。。") {
        return Ok(Part::Any);
    }
    let (word, value) = hole.split_once(char::is_whitespace).unwrap_or((hole, ""));
    let value = value.trim();
    if is(word, w::AMOUNT) {
        let amount = match Money::parse(&narrow(value)) {
            Ok(amount) => amount,
            Err(e) => return wrong(format!("{value:?} {e}"), "write yuan with at most two decimals: {金额 1010.05}"),
        };
        Ok(Part::Amount(amount))
    } else if is(word, w::DATE) {
        match read_day(value) {
            Some(day) => Ok(Part::Date(day)),
            None => wrong(format!("{value:?} is no day"), "write it as {日期 2026-06-30}"),
        }
    } else if is(word, w::DIGITS) {
        read_digits(value, header)
    } else if is(word, w::PROMPT) {
        read_prompt(value, header).map(Part::Prompt)
    } else if is(word, w::CAPTURE) {
        let Some(name) = value.strip_prefix(['$', '＄']).filter(|name| is_name(name)) else {
            return wrong(format!("{value:?} is no name"), "write {记下 $编号}");
        };
        header.captured.borrow_mut().insert(name.to_owned());
        Ok(Part::Capture(name.to_owned()))
    } else if is(word, w::ANY_OF) {
        let choices: Vec<String> = value.split(['|', '｜']).map(|choice| choice.trim().to_owned()).collect();
        if choices.iter().any(String::is_empty) {
            return wrong("one of the choices is empty", "write them as {任一 甲|乙}");
        }
        Ok(Part::AnyOf(choices))
    } else if is(word, w::REGEX) {
        match regex::Regex::new(value) {
            Ok(expression) => Ok(Part::Matching(expression)),
            Err(e) => {
                // The last line of it says why; those before show where, as if it were a line of its own.
                let why = e.to_string();
                let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
                wrong(format!("{value:?} is no expression: {why}"), "write a regular expression as {正则 [零幺]+}")
            }
        }
    } else {
        let known = [w::AMOUNT, w::DATE, w::DIGITS, w::PROMPT, w::CAPTURE, w::ANY_OF, w::REGEX].map(shown).join(", ");
        wrong(format!("{{{hole}}} is no hole"), format!("take {{…}} or one of {known}"))
    }
}

/// `account.pooled-fund used=1200.50 year=2026`
fn read_prompt(text: &str, header: &Head) -> Result<PromptHole, Wrong> {
    let mut words = text.split_whitespace();
    let Some(id) = words.next() else { return wrong("no prompt is named", "write {提示 call.goodbye}") };
    let mut values = Vec::new();
    for word in words {
        let Some((name, value)) =
            word.split_once(['=', '＝']).filter(|(name, value)| !name.is_empty() && !value.is_empty())
        else {
            return wrong(format!("{word:?} gives {id} no value"), format!("write {{提示 {id} total=1010.05}}"));
        };
        let value = narrow(value);
        header.tails.borrow_mut().extend(value.strip_prefix('$').map(str::to_owned));
        values.push((name.to_owned(), value));
    }
    Ok(PromptHole { id: id.to_owned(), values })
}

/// `$证号 尾4`, or digits as they are.
fn read_digits(value: &str, header: &Head) -> Result<Part, Wrong> {
    let (what, rest) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
    if let Some(name) = what.strip_prefix(['$', '＄']) {
        let last = after(rest.trim(), w::LAST).map(|n| narrow(n.trim())).and_then(|n| n.parse::<usize>().ok());
        // The hotline itself says no more than the last four of anything.
        if last != Some(4) {
            return wrong("more than the last four digits are never said", format!("write {{数字 ${name} 尾4}}"));
        }
        header.tails.borrow_mut().push(name.to_owned());
        return Ok(Part::Tail(name.to_owned()));
    }
    let digits = narrow(what);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) || !rest.trim().is_empty() {
        return wrong(format!("{value:?} are no digits"), "write {数字 12333} or {数字 $证号 尾4}");
    }
    Ok(Part::Digits(digits))
}
