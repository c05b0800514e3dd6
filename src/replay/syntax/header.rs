//! The header: what holds before the first event.

use std::cell::RefCell;
use std::collections::BTreeSet;

use jiff::civil::Time;
use jiff::tz::Offset;

use super::{Wrong, is_name, narrow, read_day, wrong};
use crate::replay::transcript::{CLOCK, Dialect, Field, From, Header, OFFSET, SecretValue, Whose};
use crate::replay::words::{self as w, is, shown};

/// The header while it is read.
#[derive(Default)]
pub(super) struct Head {
    clock: Option<jiff::Timestamp>,
    dialects: Option<Vec<Dialect>>,
    dialled: Option<String>,
    from: Option<(From, bool)>,
    members: Option<String>,
    transactions: Option<String>,
    mutual_aid: Option<String>,
    lines: Option<String>,
    settings: Vec<(String, String)>,
    own_data: bool,
    pub(super) secrets: Vec<SecretValue>,
    /// Names whose last digits are expected to be heard.
    pub(super) tails: RefCell<Vec<String>>,
    /// Names given to digits as they are heard.
    pub(super) captured: RefCell<BTreeSet<String>>,
}

pub(super) fn once<T>(place: &mut Option<T>, value: T, word: w::Word) -> Result<(), Wrong> {
    if place.is_some() {
        return wrong(format!("{} stands here twice", word[0]), "keep one of them");
    }
    *place = Some(value);
    Ok(())
}

impl Head {
    pub(super) fn read(&mut self, line: usize, body: &str) -> Result<(), Wrong> {
        // 时钟 2026-07-01, or 时钟：2026-07-01
        let ends = |c: char| c.is_whitespace() || matches!(c, ':' | '：');
        let (word, rest) = body.split_once(ends).unwrap_or((body, ""));
        let rest = rest.trim();
        let some = |what: &str| match rest {
            "" => wrong(format!("{word} says nothing"), format!("name {what}")),
            text => Ok(text.to_owned()),
        };
        if is(word, w::CLOCK) {
            once(&mut self.clock, read_clock(rest)?, w::CLOCK)
        } else if is(word, w::DIALECTS) {
            once(&mut self.dialects, read_dialects(rest)?, w::DIALECTS)
        } else if is(word, w::DIALLED) {
            once(&mut self.dialled, some("the number dialled")?, w::DIALLED)
        } else if is(word, w::FROM) {
            once(&mut self.from, read_from(rest)?, w::FROM)
        } else if is(word, w::MEMBERS) {
            once(&mut self.members, some("a CSV file beside this one")?, w::MEMBERS)
        } else if is(word, w::TRANSACTIONS) {
            once(&mut self.transactions, some("a CSV file beside this one")?, w::TRANSACTIONS)
        } else if is(word, w::MUTUAL_AID) {
            once(&mut self.mutual_aid, some("a CSV file beside this one")?, w::MUTUAL_AID)
        } else if is(word, w::LINES) {
            once(&mut self.lines, some("a folder of lines beside this file")?, w::LINES)
        } else if is(word, w::SETTING) {
            self.settings.push(read_setting(rest)?);
            Ok(())
        } else if is(word, w::DATA) {
            if !is(rest, w::OWN) {
                return wrong(format!("{rest:?} says nothing of data"), format!("write {} {}", w::DATA[0], w::OWN[0]));
            }
            self.own_data = true;
            Ok(())
        } else if is(word, w::SECRET) {
            let secret = read_secret(line, rest)?;
            if self.secrets.iter().any(|known| known.name == secret.name) {
                return wrong(format!("${} is named twice", secret.name), "give each value a name of its own");
            }
            self.secrets.push(secret);
            Ok(())
        } else {
            let known = [
                w::CLOCK,
                w::DIALECTS,
                w::DIALLED,
                w::FROM,
                w::MEMBERS,
                w::TRANSACTIONS,
                w::MUTUAL_AID,
                w::LINES,
                w::SETTING,
                w::DATA,
                w::SECRET,
            ];
            let known = known.map(shown).join(", ");
            wrong(format!("{word:?} is no line of a header"), format!("take one of {known}"))
        }
    }

    pub(super) fn finish(self) -> Header {
        let (from, elder) = self.from.unwrap_or((From::Own, false));
        let in_process_only = self.own_data
            || elder
            || self.clock.is_some()
            || self.lines.is_some()
            || !self.settings.is_empty()
            || [&self.members, &self.transactions, &self.mutual_aid].into_iter().any(Option::is_some);
        Header {
            clock: self.clock.or_else(|| OFFSET.to_timestamp(CLOCK).ok()).unwrap_or_default(),
            dialects: self.dialects.unwrap_or_else(|| Dialect::ALL.into()),
            dialled: self.dialled.unwrap_or_else(|| "12333".to_owned()),
            from,
            elder,
            members: self.members,
            transactions: self.transactions,
            mutual_aid: self.mutual_aid,
            lines: self.lines,
            settings: self.settings,
            in_process_only,
            secrets: self.secrets,
        }
    }
}

/// `13800138000`, `13800138000 老年`, `隐藏`
fn read_from(text: &str) -> Result<(From, bool), Wrong> {
    let text = narrow(text);
    let (number, mark) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
    let elder = match mark.trim() {
        "" => false,
        mark if is(mark, w::ELDER) => true,
        mark => {
            return wrong(
                format!("{mark:?} says nothing of a number"),
                format!("write {} or nothing", shown(w::ELDER)),
            );
        }
    };
    if is(number, w::WITHHELD) && !elder {
        return Ok((From::Withheld, false));
    }
    let digits = number.strip_prefix('+').unwrap_or(number);
    if !(3..=15).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        let remedy = format!("write its digits, or {}", shown(w::WITHHELD));
        return wrong(format!("{number:?} is no telephone number"), remedy);
    }
    Ok((From::Number(number.to_owned()), elder))
}

/// `abuse.level = 2`, as the environment would say it.
fn read_setting(text: &str) -> Result<(String, String), Wrong> {
    let text = narrow(text);
    let refused = || (format!("{text:?} is no setting"), format!("write {} abuse.level = 2", w::SETTING[0]));
    let (key, value) = text.split_once('=').ok_or_else(refused)?;
    let (section, name) = key.trim().split_once('.').ok_or_else(refused)?;
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    // Secrets, and where things are, are the replay's own.
    if !is_word(section) || !is_word(name) || !matches!(section, "call" | "sign_in" | "messages" | "abuse") {
        let remedy = "those of call, sign_in, messages and abuse may be: abuse.level = 2";
        return wrong(format!("{:?} cannot be set here", key.trim()), remedy);
    }
    let value = value.trim().trim_matches('"');
    Ok((format!("{}__{}", section.to_ascii_uppercase(), name.to_ascii_uppercase()), value.to_owned()))
}

/// `2026-03-15 10:05 +08:00`; seconds and the offset may be left out.
fn read_clock(text: &str) -> Result<jiff::Timestamp, Wrong> {
    let refused = || (format!("{text:?} is no day and time"), "write it as 2026-03-15 10:05 +08:00".to_owned());
    let text = narrow(text);
    let mut words = text.split_whitespace();
    let day = words.next().ok_or_else(refused)?;
    let time = words.next().unwrap_or("10:00");
    let offset = match words.next() {
        None => OFFSET,
        Some(offset) => read_offset(offset).ok_or_else(refused)?,
    };
    let time: Time = time.parse().map_err(|_| refused())?;
    let local = read_day(day).ok_or_else(refused)?.to_datetime(time);
    if words.next().is_some() {
        return Err(refused());
    }
    offset.to_timestamp(local).map_err(|_| refused())
}

fn read_offset(text: &str) -> Option<Offset> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
    Offset::from_seconds(sign * seconds).ok()
}

fn read_dialects(text: &str) -> Result<Vec<Dialect>, Wrong> {
    let mut dialects = Vec::new();
    for name in text.split(|c: char| c.is_whitespace() || ",，、".contains(c)).filter(|name| !name.is_empty()) {
        let Some(dialect) = Dialect::ALL.into_iter().find(|d| d.name().eq_ignore_ascii_case(name)) else {
            let known = Dialect::ALL.map(Dialect::name).join(", ");
            return wrong(format!("{name:?} is no dialect calls can be replayed by"), format!("take of {known}"));
        };
        if !dialects.contains(&dialect) {
            dialects.push(dialect);
        }
    }
    if dialects.is_empty() {
        return wrong("no dialect is named", "take twilio, browser, or leave the line out for all");
    }
    Ok(dialects)
}

/// `$证号 = 样例.身份证(末位X)`
fn read_secret(line: usize, text: &str) -> Result<SecretValue, Wrong> {
    let example = || format!("write {} $证号 = 样例.身份证(末位X)", w::SECRET[0]);
    let text = narrow(text);
    let Some((name, value)) = text.split_once('=') else { return wrong("names no value", example()) };
    let Some(name) = name.trim().strip_prefix('$').filter(|name| is_name(name)) else {
        return wrong(format!("{:?} is no name", name.trim()), example());
    };
    let Some((whose, field)) = value.trim().split_once('.') else {
        return wrong(format!("{:?} says not whose it is", value.trim()), example());
    };
    let (field, selector) = match field.split_once('(') {
        Some((field, rest)) => match rest.strip_suffix(')') {
            Some(selector) => (field, Some(selector.trim())),
            None => return wrong("has a ( without its )", example()),
        },
        None => (field, None),
    };
    let fields = [
        (w::ID_NUMBER, Field::IdNumber),
        (w::CARD_NUMBER, Field::CardNumber),
        (w::PERSONAL_NUMBER, Field::PersonalNumber),
        (w::PIN, Field::Pin),
    ];
    let Some((_, field)) = fields.into_iter().find(|(word, _)| is(field.trim(), word)) else {
        let known = fields.map(|(word, _)| shown(word)).join(", ");
        return wrong(format!("{:?} is nothing that a member has", field.trim()), format!("take one of {known}"));
    };
    let whose = match selector {
        _ if is(whose.trim(), w::NOBODY) => Whose::Nobody,
        _ if !is(whose.trim(), w::SAMPLE) => {
            let known = [w::SAMPLE, w::NOBODY].map(shown).join(", ");
            return wrong(format!("{:?} is nobody known", whose.trim()), format!("take one of {known}"));
        }
        None => Whose::Row(1),
        Some(selector) if is(selector, w::ENDS_IN_X) => Whose::EndsInX,
        Some(selector) => match selector.parse() {
            Ok(row) if row > 0 => Whose::Row(row),
            _ => {
                let remedy = format!("take the number of a row, from 1, or {}", shown(w::ENDS_IN_X));
                return wrong(format!("{selector:?} picks no member"), remedy);
            }
        },
    };
    Ok(SecretValue { line, name: name.to_owned(), whose, field })
}
