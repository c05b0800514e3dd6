//! Reads `.call` files: line by line, the first character decides, and every fault is found at once.
//!
//! People type on phones and in Chinese: a byte-order mark, CRLF, full-width punctuation, digits and blanks mean what
//! their narrow forms mean.

mod account;
mod afterwards;
mod caller;
mod header;
mod heard;

use jiff::civil::Date;

use self::account::is_of_somebody;
use self::afterwards::{read_fault, read_truth};
use self::caller::read_caller;
use self::header::Head;
use self::heard::read_heard;
use super::transcript::{Does, Fault, Pressed, Step, Transcript, Truth, What, Whose};
use super::words::{self as w, after};
use crate::fault::{self, Faults};
use crate::member::id_number::IdNumber;

/// No birth date in a number is later: so that a number of the future is known as one too.
const LATEST: Date = jiff::civil::date(2100, 1, 1);

/// What is wrong with a piece of text, and what to write instead.
type Wrong = (String, String);

fn wrong<T>(problem: impl Into<String>, remedy: impl Into<String>) -> Result<T, Wrong> {
    Err((problem.into(), remedy.into()))
}

impl Transcript {
    /// Reads `bytes`, the content of `source`.
    ///
    /// # Errors
    /// Every fault, each with its line and remedy. A file with a fault is not a transcript: it can pass nothing.
    pub fn parse(source: &str, bytes: &[u8]) -> Result<Self, Faults> {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.trim_start_matches('\u{feff}'),
            Err(e) => {
                let line = bytes[..e.valid_up_to()].split(|b| *b == b'\n').count();
                let problem = match bytes {
                    [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "is written in UTF-16 (Unicode, in older editors)",
                    _ => "is not written in UTF-8 (in GBK, perhaps: ANSI, in older editors)",
                };
                let remedy = "save it as UTF-8: editors offer it beside the file's name";
                return Err(Faults(vec![fault::Fault {
                    line: Some(line),
                    ..fault::Fault::of(source, problem, remedy)
                }]));
            }
        };
        Reader { source, faults: Vec::new() }.read(text)
    }
}

struct Reader<'r> {
    source: &'r str,
    faults: Vec<fault::Fault>,
}

/// What a line is for, by its first character.
pub(super) enum Kind {
    Caller,
    Heard,
    True,
    Fault,
    Header,
    Title,
}

impl Reader<'_> {
    fn fault(&mut self, line: usize, (problem, remedy): Wrong) {
        self.faults.push(fault::Fault { line: Some(line), ..fault::Fault::of(self.source, problem, remedy) });
    }

    fn read(mut self, text: &str) -> Result<Transcript, Faults> {
        let mut title = None;
        let mut header = Head::default();
        let mut steps = Vec::new();
        for (n, raw) in text.lines().enumerate() {
            let line = n + 1;
            let kept = without_comment(raw);
            let Some((kind, body)) = kind_of(kept) else {
                // Nothing but a remark, in which numbers have no more to seek.
                if let Err(found) = no_real_number(raw) {
                    self.fault(line, found);
                }
                continue;
            };
            let read = match kind {
                Kind::Title => read_title(body, title.is_some() || !steps.is_empty()).map(|read| {
                    title = Some(read);
                    None
                }),
                Kind::Header if !steps.is_empty() => {
                    wrong("stands after the call has begun", "indented lines belong above the first > line")
                }
                Kind::Header => header.read(line, body).map(|()| None),
                Kind::Caller => read_caller(body).map(Some),
                Kind::Heard => read_heard(body, &header).map(Some),
                Kind::True => read_truth(body).map(|truth| Some(What::True(truth))),
                Kind::Fault => read_fault(body).map(|fault| Some(What::Fault(fault))),
            };
            let read = read.map(|what| steps.extend(what.map(|what| Step { line, what, written: body.to_owned() })));
            // Keys with blanks between them are one number all the same.
            let keyed: String = if raw.trim_start().starts_with(['>', '＞']) {
                kept.split_whitespace().collect()
            } else {
                String::new()
            };
            if let Err(found) = read.and_then(|()| no_real_number(raw)).and_then(|()| no_real_number(&keyed)) {
                self.fault(line, found);
            }
        }
        if title.is_none() {
            let remedy = format!("begin with a line such as \"{} BAL-001 余额\"", w::CALL[0]);
            self.fault(1, ("has no title".into(), remedy));
        }
        self.names(&header, &steps);
        self.order(&steps);
        match title {
            Some((id, title)) if self.faults.is_empty() => {
                Ok(Transcript { source: self.source.to_owned(), id, title, header: header.finish(), steps })
            }
            _ => {
                self.faults.sort_by_key(|fault| fault.line);
                Err(Faults(self.faults))
            }
        }
    }

    /// Every `$name` that is used is named in the header, and the other way round.
    fn names(&mut self, header: &Head, steps: &[Step]) {
        let mut used: Vec<(usize, &str)> = Vec::new();
        for step in steps {
            match &step.what {
                What::Caller { does: Does::Press(press), .. } => {
                    used.extend(press.keys.iter().filter_map(|key| match key {
                        Pressed::Secret(name) => Some((step.line, name.as_str())),
                        Pressed::Key(_) => None,
                    }));
                }
                What::True(Truth::Account(account)) => {
                    used.extend(
                        account.pins().into_iter().chain([account.whose.as_str()]).map(|name| (step.line, name)),
                    );
                    if let Err(found) = is_of_somebody(account, &header.secrets) {
                        self.fault(step.line, found);
                    }
                }
                What::True(Truth::Unseen(names)) => {
                    used.extend(names.iter().map(|name| (step.line, name.as_str())));
                    // Known by its name only after it was said: there it is, in an answer.
                    if let Some(heard) = names.iter().find(|name| header.captured.borrow().contains(*name)) {
                        let remedy = "ask for values that the header names";
                        self.fault(step.line, (format!("${heard} was heard, so it is seen"), remedy.to_owned()));
                    }
                }
                _ => {}
            }
        }
        for (line, name) in &used {
            let captured = header.captured.borrow();
            if !header.secrets.iter().any(|secret| secret.name == *name) && !captured.contains(*name) {
                let remedy = format!("add \"  {} ${name} = …\" to the header", w::SECRET[0]);
                self.fault(*line, (format!("${name} is not named in the header"), remedy));
            }
        }
        // The way to a place is walked by who is named, though nobody keys the number but the way itself.
        let on_the_way = steps.iter().any(|step| step.dials_to().is_some());
        for secret in header.secrets.iter().filter(|secret| !on_the_way || secret.whose == Whose::Nobody) {
            let tails = header.tails.borrow();
            if !used.iter().any(|(_, name)| *name == secret.name) && !tails.contains(&secret.name) {
                self.fault(secret.line, (format!("${} is never used", secret.name), "take it out".into()));
            }
        }
    }

    /// A call is dialled before anything else happens in it.
    fn order(&mut self, steps: &[Step]) {
        let first = steps.iter().find(|step| {
            !matches!(step.what, What::Fault(Fault::StoreAway | Fault::Wait(_)) | What::True(Truth::Holds(_)))
        });
        match first {
            // What happens may only be written so that nobody can read it.
            None if !self.faults.is_empty() => {}
            None => self.fault(1, ("nothing happens in it".into(), format!("dial: > {}", w::DIAL[0]))),
            Some(Step { what: What::Caller { does: Does::Dial { .. }, .. }, .. }) => {}
            Some(step) => {
                let line = step.line;
                self.fault(line, ("nobody has dialled yet".into(), format!("begin with > {}", w::DIAL[0])));
            }
        }
    }
}

/// The line without its comment: `//` at the beginning or after a blank.
pub(super) fn without_comment(line: &str) -> &str {
    let mut from = 0;
    while let Some(at) = line[from..].find("//").map(|at| at + from) {
        if at == 0 || line[..at].ends_with(char::is_whitespace) {
            return &line[..at];
        }
        from = at + 2;
    }
    line
}

/// What the line is for, and what it says. `None`: it is empty.
pub(super) fn kind_of(line: &str) -> Option<(Kind, &str)> {
    let body = line.trim();
    let first = body.chars().next()?;
    let rest = body[first.len_utf8()..].trim_start();
    Some(match first {
        '>' | '＞' => (Kind::Caller, rest),
        '‹' | '<' | '＜' | '〈' => (Kind::Heard, rest),
        '=' | '＝' => (Kind::True, rest),
        '!' | '！' => (Kind::Fault, rest),
        _ if line.starts_with(char::is_whitespace) => (Kind::Header, body),
        _ => (Kind::Title, body),
    })
}

fn read_title(body: &str, late: bool) -> Result<(String, String), Wrong> {
    let rest = after(body, w::CALL).filter(|rest| rest.starts_with(char::is_whitespace) || rest.is_empty());
    let Some(rest) = rest.filter(|_| !late) else {
        return wrong(
            format!("begins with {:?}, which means nothing here", body.chars().next().unwrap_or(' ')),
            "begin with > (the caller), ‹ (heard), = (true afterwards), ! (a fault), // (a remark), or indent a header line",
        );
    };
    let (id, title) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
    if id.is_empty() {
        return wrong("the call has no name", format!("write {} BAL-001 余额", w::CALL[0]));
    }
    Ok((id.to_owned(), title.trim().to_owned()))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// A day as people write it: 2026-07-01, 2026/7/1, 2026年7月1日.
fn read_day(text: &str) -> Option<Date> {
    let text = narrow(text);
    let mut numbers = text.trim_end_matches('日').split(['-', '/', '.', '年', '月']).map(str::parse::<i16>);
    let mut next = || numbers.next()?.ok();
    let (year, month, day) = (next()?, next()?, next()?);
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    numbers.next().is_none().then_some(date).filter(|date| date.year() > 1900)
}

/// No number of a real person stands in a transcript: what passes for one is named by `$`.
fn no_real_number(line: &str) -> Result<(), Wrong> {
    let line = narrow(line);
    let runs = line.split(|c: char| !c.is_ascii_digit() && !matches!(c, 'X' | 'x' | '*'));
    for run in runs.filter(|run| run.len() >= 13) {
        let candidate = run.replace(['*', 'x'], "X");
        let id = IdNumber::parse(candidate.trim_start_matches('X'), LATEST).is_ok();
        let card = run.bytes().all(|b| b.is_ascii_digit()) && (16..=19).contains(&run.len()) && luhn(run);
        if id || card {
            let what = if id { "an ID number" } else { "a bank card number" };
            return wrong(
                format!("has {what} in it"),
                format!("name it in the header, {} $证号 = 样例.身份证(1), and write $证号", w::SECRET[0]),
            );
        }
    }
    Ok(())
}

/// ISO/IEC 7812-1 annex B.
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, b)| {
            let digit = u32::from(b - b'0') << (place % 2);
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// `text` with full-width forms as their narrow ones.
pub(super) fn narrow(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            '\u{3000}' => ' ',
            c => c,
        })
        .collect()
}
