//! Reads `.call` files: line by line, the first character decides, and every fault is found at once.
//!
//! People type on phones and in Chinese: a byte-order mark, CRLF, full-width punctuation, digits and blanks mean what
//! their narrow forms mean.

use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

use super::pattern::Part;
use super::transcript::{
    CLOCK, Dialect, Does, Expectation, Fault, Field, From, Header, OFFSET, Press, Pressed, SecretValue, Step, Transcript,
    Truth, What, When, Whose,
};
use super::words::{self as w, after, is, shown};
use crate::fault::{self, Faults};
use crate::member::id_number::IdNumber;
use crate::member::money::Money;
use crate::secret::Key;

/// The longest wait or pace a transcript may name: enough for locks and what lapses.
const LONGEST: Duration = Duration::from_hours(24 * 40);

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
                let line = bytes[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
                return Err(Faults(vec![fault::Fault {
                    line: Some(line),
                    ..fault::Fault::of(source, "is not written in UTF-8", "save it as UTF-8")
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
            let Some((kind, body)) = kind_of(kept) else { continue };
            let read = match kind {
                Kind::Title => read_title(body, title.is_some() || !steps.is_empty()).map(|read| title = Some(read)),
                Kind::Header if !steps.is_empty() => {
                    wrong("stands after the call has begun", "indented lines belong above the first > line")
                }
                Kind::Header => header.read(line, body),
                Kind::Caller => read_caller(body).map(|what| steps.push(Step { line, what })),
                Kind::Heard => read_heard(body, &header).map(|what| steps.push(Step { line, what })),
                Kind::True => read_truth(body).map(|truth| steps.push(Step { line, what: What::True(truth) })),
                Kind::Fault => read_fault(body).map(|fault| steps.push(Step { line, what: What::Fault(fault) })),
            };
            if let Err(found) = read.and_then(|()| no_real_number(kept)) {
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
            Some((id, title)) if self.faults.is_empty() => Ok(Transcript {
                source: self.source.to_owned(),
                id,
                title,
                header: header.finish(),
                steps,
            }),
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
                What::True(Truth::Unseen(names)) => used.extend(names.iter().map(|name| (step.line, name.as_str()))),
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
        for secret in &header.secrets {
            let tails = header.tails.borrow();
            if !used.iter().any(|(_, name)| *name == secret.name) && !tails.contains(&secret.name) {
                self.fault(secret.line, (format!("${} is never used", secret.name), "take it out".into()));
            }
        }
    }

    /// A call is dialled before anything else happens in it.
    fn order(&mut self, steps: &[Step]) {
        let first = steps.iter().find(|step| !matches!(step.what, What::Fault(Fault::StoreAway | Fault::Wait(_))));
        match first {
            // What happens may only be written so that nobody can read it.
            None if !self.faults.is_empty() => {}
            None => self.fault(1, ("nothing happens in it".into(), format!("dial: > {}", w::DIAL[0]))),
            Some(Step { what: What::Caller { does: Does::Dial, .. }, .. }) => {}
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

/// The header while it is read.
#[derive(Default)]
struct Head {
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
    secrets: Vec<SecretValue>,
    /// Names whose last digits are expected to be heard.
    tails: std::cell::RefCell<Vec<String>>,
    /// Names given to digits as they are heard.
    captured: std::cell::RefCell<std::collections::BTreeSet<String>>,
}

fn once<T>(place: &mut Option<T>, value: T, word: w::Word) -> Result<(), Wrong> {
    if place.is_some() {
        return wrong(format!("{} stands here twice", word[0]), "keep one of them");
    }
    *place = Some(value);
    Ok(())
}

impl Head {
    fn read(&mut self, line: usize, body: &str) -> Result<(), Wrong> {
        let (word, rest) = body.split_once(char::is_whitespace).unwrap_or((body, ""));
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
                w::CLOCK, w::DIALECTS, w::DIALLED, w::FROM, w::MEMBERS, w::TRANSACTIONS, w::MUTUAL_AID, w::LINES, w::SETTING,
                w::DATA, w::SECRET,
            ];
            let known = known.map(shown).join(", ");
            wrong(format!("{word:?} is no line of a header"), format!("take one of {known}"))
        }
    }

    fn finish(self) -> Header {
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
        mark => return wrong(format!("{mark:?} says nothing of a number"), format!("write {} or nothing", shown(w::ELDER))),
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
    let local: DateTime = format!("{day}T{time}").parse().map_err(|_| refused())?;
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

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// `+1.2s 按 $证号 # 每键0.4s`
fn read_caller(body: &str) -> Result<What, Wrong> {
    let (after_so_long, body) = match body.strip_prefix(['+', '＋']) {
        Some(rest) => {
            let (time, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            (read_duration(time)?, rest.trim())
        }
        None => (Duration::ZERO, body),
    };
    let (word, rest) = body.split_once(char::is_whitespace).unwrap_or((body, ""));
    let rest = rest.trim();
    let alone = |does| if rest.is_empty() { Ok(does) } else { wrong(format!("{word} takes no {rest:?}"), "take it out") };
    let does = if is(word, w::DIAL) {
        alone(Does::Dial)?
    } else if is(word, w::SILENCE) {
        alone(Does::Silence)?
    } else if is(word, w::HANG_UP) {
        alone(Does::HangUp)?
    } else if is(word, w::SPEAK) {
        read_speech(rest)?
    } else if is(word, w::WAITING) {
        read_waiting(rest)?
    } else if is(word, w::PERSON) {
        match rest {
            how if is(how, w::TALKED) => Does::Transferred { talked: true },
            how if is(how, w::NOT_ANSWERED) => Does::Transferred { talked: false },
            _ => {
                let known = [w::TALKED, w::NOT_ANSWERED].map(shown).join(", ");
                return wrong(format!("{rest:?} is no end of a transfer"), format!("take one of {known}"));
            }
        }
    } else if is(word, w::PRESS) {
        Does::Press(read_press(rest, When::Heard)?)
    } else if is(word, w::PRESS_OVER) {
        Does::Press(read_press(rest, When::Over)?)
    } else if is(word, w::PRESS_AHEAD) {
        Does::Press(read_press(rest, When::Ahead)?)
    } else if is(word, w::HEARING) {
        let quoted = rest.strip_prefix(['“', '"', '「', '＂']).and_then(|rest| rest.split_once(['”', '"', '」', '＂']));
        let Some((phrase, rest)) = quoted else {
            return wrong("does not say what is heard", format!("write {} “余额” {} 1", w::HEARING[0], w::PRESS[0]));
        };
        let Some(keys) = after(rest.trim(), w::PRESS) else {
            return wrong("does not say what is pressed", format!("write {} “余额” {} 1", w::HEARING[0], w::PRESS[0]));
        };
        Does::Press(read_press(keys.trim(), When::Hearing(phrase.to_owned()))?)
    } else {
        let known = [
            w::DIAL, w::PRESS, w::PRESS_OVER, w::PRESS_AHEAD, w::HEARING, w::SILENCE, w::SPEAK, w::WAITING, w::PERSON,
            w::HANG_UP,
        ];
        let known = known.map(shown).join(", ");
        return wrong(format!("{word:?} is nothing a caller does"), format!("take one of {known}"));
    };
    Ok(What::Caller { after: after_so_long, does })
}

/// `20s`, `20s 挂机`
fn read_speech(text: &str) -> Result<Does, Wrong> {
    let (time, then) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let lasting = read_duration(time)?;
    match then.trim() {
        "" => Ok(Does::Speak { lasting, hang_up: false }),
        then if is(then, w::HANG_UP) => Ok(Does::Speak { lasting, hang_up: true }),
        then => wrong(format!("{then:?} is nothing that ends a recording"), format!("take {}", shown(w::HANG_UP))),
    }
}

/// `前面2位 平均90s`
fn read_waiting(text: &str) -> Result<Does, Wrong> {
    let example = || format!("write {} {}2{} {}90s", w::WAITING[0], w::AHEAD[0], w::PEOPLE[0], w::AVERAGE[0]);
    let (mut ahead, mut average) = (None, None);
    for word in text.split_whitespace() {
        let word = narrow(word);
        if let Some(people) = after(&word, w::AHEAD) {
            let number = w::PEOPLE.iter().find_map(|of| people.strip_suffix(of)).unwrap_or(people);
            ahead = Some(number.parse().map_err(|_| (format!("{word:?} tells no number"), example()))?);
        } else if let Some(time) = after(&word, w::AVERAGE) {
            average = Some(read_duration(time)?);
        } else {
            return wrong(format!("{word:?} says nothing of a queue"), example());
        }
    }
    Ok(Does::Wait { ahead, average })
}

/// `$证号 # 每键0.4s`
fn read_press(text: &str, when: When) -> Result<Press, Wrong> {
    let mut keys = Vec::new();
    let mut each = None;
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        if let Some(pace) = after(word, w::EACH) {
            let pace = if pace.is_empty() { words.next().unwrap_or_default() } else { pace };
            each = Some(read_duration(pace)?);
        } else if let Some(name) = word.strip_prefix(['$', '＄']) {
            // Keys may stand right behind a name: $证号#
            let end = name.find(|c: char| Key::from_char(c).is_some_and(|key| !matches!(key, Key::Digit(_))));
            let (name, rest) = name.split_at(end.unwrap_or(name.len()));
            if !is_name(name) {
                return wrong(format!("${name} is no name"), "write $ and letters, as in $证号");
            }
            keys.push(Pressed::Secret(name.to_owned()));
            keys.extend(rest.chars().filter_map(Key::from_char).map(Pressed::Key));
        } else {
            for c in word.chars() {
                match Key::from_char(c) {
                    Some(key) => keys.push(Pressed::Key(key)),
                    None => {
                        return wrong(
                            format!("{c:?} is no key of a telephone"),
                            "keys are 0 to 9, * and #; write // before a remark",
                        );
                    }
                }
            }
        }
    }
    if keys.is_empty() {
        return wrong("no key is pressed", format!("name the keys, or write {}", shown(w::SILENCE)));
    }
    // A practised finger: what a transcript that does not care is replayed at.
    Ok(Press { keys, when, each: each.unwrap_or(Duration::from_millis(300)) })
}

/// `0.4s`, `400ms`, `30分钟`
fn read_duration(text: &str) -> Result<Duration, Wrong> {
    const UNITS: [(&str, f64); 10] = [
        ("ms", 0.001),
        ("毫秒", 0.001),
        ("分钟", 60.0),
        ("小时", 3600.0),
        ("秒", 1.0),
        ("天", 86400.0),
        ("s", 1.0),
        ("m", 60.0),
        ("h", 3600.0),
        ("d", 86400.0),
    ];
    let narrowed = narrow(text);
    UNITS
        .into_iter()
        .find_map(|(unit, seconds)| Some((narrowed.strip_suffix(unit)?, seconds)))
        .and_then(|(number, seconds)| Some(number.trim().parse::<f64>().ok()? * seconds))
        .filter(|seconds| (0.0..=LONGEST.as_secs_f64()).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| (format!("{text:?} is no time"), "write it as 1.2s, 400ms, 30m or 2h; 40 days at most".to_owned()))
}

/// `{…}余额为{金额 1010.05}{…} ≤3s @balance`
fn read_heard(body: &str, header: &Head) -> Result<What, Wrong> {
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
        match narrow(value).parse::<Date>() {
            Ok(day) => Ok(Part::Date(day)),
            Err(_) => wrong(format!("{value:?} is no day"), "write it as {日期 2026-06-30}"),
        }
    } else if is(word, w::DIGITS) {
        read_digits(value, header)
    } else if is(word, w::PROMPT) {
        match value {
            "" => wrong("no prompt is named", "write {提示 goodbye}"),
            id => Ok(Part::Prompt(id.to_owned())),
        }
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

fn read_truth(body: &str) -> Result<Truth, Wrong> {
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
        let times = match words.next().map(narrow) {
            None => 1,
            Some(count) => {
                let count = w::TIMES.iter().find_map(|times| count.strip_suffix(times)).unwrap_or(&count);
                match count.parse() {
                    Ok(times) => times,
                    Err(_) => return wrong(format!("{count:?} is no count"), example()),
                }
            }
        };
        Ok(Truth::Audit { event: (*event).to_owned(), times })
    } else if is(word, w::LOG) {
        let names = after(rest, w::WITHOUT).unwrap_or_default();
        let names: Vec<String> =
            names.split_whitespace().map(|name| name.trim_start_matches(['$', '＄']).to_owned()).collect();
        if names.is_empty() || !names.iter().all(|name| is_name(name)) {
            return wrong("does not say what the log is without", format!("write {} {} $证号", w::LOG[0], w::WITHOUT[0]));
        }
        Ok(Truth::Unseen(names))
    } else if is(word, w::CALL) && is(rest, w::OVER) {
        Ok(Truth::CallOver)
    } else {
        let known = [w::AUDIT, w::LOG, w::CALL].map(shown).join(", ");
        wrong(format!("{body:?} is nothing that can be looked at"), format!("take one of {known}"))
    }
}

fn read_fault(body: &str) -> Result<Fault, Wrong> {
    let (word, rest) = body.split_once(char::is_whitespace).unwrap_or((body, ""));
    let rest = rest.trim();
    if is(word, w::DUPLICATE) {
        return match rest {
            "" => Ok(Fault::Duplicate(1)),
            count => match narrow(count).parse() {
                Ok(times @ 1..=9) => Ok(Fault::Duplicate(times)),
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
    sum % 10 == 0
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
