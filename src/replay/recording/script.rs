//! A call that took place, written down as a transcript.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use super::cast::{Cast, WRONG_PIN};
use crate::dialog::{Shape, TransferEnd, Waiting};
use crate::member::IdentifierKind;
use crate::member::message::MessageNumber;
use crate::member::pin_rule::Weakness;
use crate::member::sample;
use crate::record::{Act, Calling, Heard, Said, Take, Then, Why};
use crate::replay::transcript::OFFSET;
use crate::replay::words as w;

/// Writes `take`, with `cast` in the place of its people, under the name `id`. `heard` is what each scene said when it was
/// replayed; without, what everybody hears alike is expected, and the names of the other prompts. `files` are the register.
pub(super) fn script(
    take: &Take,
    cast: &Cast,
    id: &str,
    files: &[(w::Word, String)],
    heard: Option<&[String]>,
) -> Result<String, Why> {
    let mut script = Script {
        take,
        cast,
        caller: caller(take),
        used: BTreeSet::new(),
        changed: BTreeSet::new(),
        body: String::new(),
    };
    script.call(heard)?;
    let clock = OFFSET.to_datetime(take.began);
    let mut text = format!("{} {id} {}\n", w::CALL[0], title(take));
    // Writing into a String cannot fail, here and below.
    let _ = writeln!(
        text,
        "  {} {} {:02}:{:02}:{:02} +08:00",
        w::CLOCK[0],
        clock.date(),
        clock.hour(),
        clock.minute(),
        clock.second()
    );
    let _ = writeln!(text, "  {} {}", w::DIALECTS[0], take.dialect);
    let _ = writeln!(text, "  {} {}", w::DIALLED[0], take.dialled);
    let marked = if take.marked { format!(" {}", w::ELDER[0]) } else { String::new() };
    let _ = writeln!(text, "  {} {}{marked}", w::FROM[0], script.caller);
    for (word, file) in files {
        let _ = writeln!(text, "  {} {file}", word[0]);
    }
    for Name { name, whose } in &script.used {
        let _ = writeln!(text, "  {} ${name} = {whose}", w::SECRET[0]);
    }
    let _ = write!(text, "\n{}", script.body);
    if !script.used.is_empty() {
        let names: Vec<_> = script.used.iter().map(|Name { name, .. }| format!("${name}")).collect();
        let _ = writeln!(text, "= {} {} {}", w::LOG[0], w::WITHOUT[0], names.join(" "));
    }
    Ok(text)
}

/// What the call was about: the places it came to, but for those that every call passes.
fn title(take: &Take) -> String {
    const MOST: usize = 5;
    let mut places: Vec<&str> = Vec::new();
    for scene in &take.scenes {
        let place = &*scene.heard.place;
        let passed = matches!(place, "start" | "language" | "main" | "over") || place.starts_with("sign-in.");
        if !passed && !places.contains(&place) {
            places.push(place);
        }
    }
    let more = if places.len() > MOST { "…" } else { "" };
    places.truncate(MOST);
    if places.is_empty() { "录制的通话".into() } else { format!("录制的通话：{}{more}", places.join("、")) }
}

/// The number that calls in the place of another of its kind: one that nobody can have.
fn caller(take: &Take) -> String {
    match take.caller {
        Calling::Callable => format!("+86{}", telephone(take, "caller", false, 11)),
        // Too short to be called back.
        Calling::Other => "00000".to_owned(),
        Calling::Withheld => w::WITHHELD[0].to_owned(),
    }
}

/// So many digits of a telephone number that nobody can have: no mobile number begins with 154, and no number in Beijing
/// with 0.
fn telephone(take: &Take, kind: &str, landline: bool, length: usize) -> String {
    let begins = if landline { "010" } else { "154" };
    let drawn = format!("{:04}", take.shift.surrogate(kind, 0, 10_000));
    let zeros = "0".repeat(length.saturating_sub(begins.len() + drawn.len()));
    format!("{begins}{zeros}{drawn}").chars().take(length).collect()
}

/// A named value, and whose it is.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    name: String,
    whose: String,
}

struct Script<'s> {
    take: &'s Take,
    cast: &'s Cast,
    caller: String,
    used: BTreeSet<Name>,
    /// The rows of those whose PIN was changed.
    changed: BTreeSet<usize>,
    body: String,
}

impl Script<'_> {
    fn call(&mut self, heard: Option<&[String]>) -> Result<(), Why> {
        let mut before: Option<&Heard> = None;
        let mut hearings = 0;
        let mut scenes = self.take.scenes.iter().peekable();
        while let Some(scene) = scenes.next() {
            let done = self.does(&scene.act)?;
            self.line(scene.after, before, &done);
            let mut said: Vec<&Said> = scene.heard.said.iter().collect();
            let mut last = &scene.heard;
            // What is heard after a queue was left is one hearing with what was said on the way out.
            while last.then == Then::Leave
                && let Some(next) = scenes.next_if(|next| next.follows_by_itself())
            {
                said.extend(&next.heard.said);
                last = &next.heard;
            }
            self.hears(&said, &last.place, heard.and_then(|heard| heard.get(hearings)));
            hearings += 1;
            before = Some(last);
        }
        let Some(last) = before else { return Err(Why::Unclear) };
        match self.take.hung_up {
            None => {
                let _ = writeln!(self.body, "= {} {}", w::CALL[0], w::OVER[0]);
            }
            Some(after) if last.then == Then::Record => {
                let spoken = after.saturating_sub(last.lasts).as_secs();
                let how = if spoken > 0 {
                    format!("{} {spoken}s {}", w::SPEAK[0], w::HANG_UP[0])
                } else {
                    w::HANG_UP[0].into()
                };
                let _ = writeln!(self.body, "> {how}");
            }
            Some(after) => self.line(after, None, &Done::at_once(w::HANG_UP[0])),
        }
        Ok(())
    }

    fn line(&mut self, after: Duration, before: Option<&Heard>, done: &Done) {
        let lasts = before.map_or(Duration::ZERO, |before| before.lasts);
        let after = after.saturating_sub(done.takes(before));
        let (after, over) = match done.heard_out {
            // Done before all was said.
            HeardOut::IfTimeAllows if after < lasts => (after, true),
            HeardOut::IfTimeAllows | HeardOut::Always => (after.saturating_sub(lasts), false),
            HeardOut::Never => (after, false),
        };
        let tenths = after.as_millis() / 100;
        let wait = if tenths > 0 { format!("+{}.{}s ", tenths / 10, tenths % 10) } else { String::new() };
        let word = if done.heard_out != HeardOut::IfTimeAllows {
            String::new()
        } else if over {
            format!("{} ", w::PRESS_OVER[0])
        } else {
            format!("{} ", w::PRESS[0])
        };
        let _ = writeln!(self.body, "> {wait}{word}{}", done.text);
    }

    fn hears(&mut self, said: &[&Said], place: &str, heard: Option<&String>) {
        let drawn = said.iter().any(|said| matches!(said, Said::Drawn(_)));
        let words = match heard.filter(|_| !drawn) {
            Some(heard) => heard.trim().to_owned(),
            None => said
                .iter()
                .map(|said| match said {
                    Said::Words(words) => words.clone(),
                    Said::Prompt(id) | Said::Drawn(id) => format!("{{{} {id}}}", w::PROMPT[0]),
                })
                .collect(),
        };
        if !words.is_empty() {
            let _ = writeln!(self.body, "‹ {words} @{place}");
        }
    }

    // ---- what the caller did ----

    fn does(&mut self, act: &Act) -> Result<Done, Why> {
        Ok(match *act {
            Act::Dialled => Done::at_once(w::DIAL[0]),
            Act::Key { key, finished } => match key {
                Some(key) => Done::pressed(key.as_char().to_string(), finished),
                None => Done::pressed(String::new(), true),
            },
            Act::Number { who, kind, finished } => {
                let row = self.cast.row(who).ok_or(Why::Unclear)?;
                let field = match kind {
                    IdentifierKind::Id => w::ID_NUMBER,
                    IdentifierKind::Card => w::CARD_NUMBER,
                    IdentifierKind::Personal => w::PERSONAL_NUMBER,
                };
                Done::entered(self.of_row(row, field), finished)
            }
            Act::NoNumber { kind, length, ends_in_x, finished } => {
                Done::entered(no_number(kind, length.into(), ends_in_x), finished)
            }
            Act::OthersNumber { kind, finished } => {
                let (name, field) = match kind {
                    IdentifierKind::Id => ("别的证号", w::ID_NUMBER),
                    IdentifierKind::Card => ("别的卡号", w::CARD_NUMBER),
                    IdentifierKind::Personal => ("别的编号", w::PERSONAL_NUMBER),
                };
                Done::entered(self.nobodys(name, field), finished)
            }
            Act::Pin { who: Some(who), finished } => {
                let row = self.cast.row(who).ok_or(Why::Unclear)?;
                let changed = self.changed.contains(&row);
                let pin = if changed { self.new_pin() } else { self.of_row(row, w::PIN) };
                Done::entered(pin, finished)
            }
            Act::NoPin { length, finished } => Done::entered(digits('7', length.into()), finished),
            Act::NewPin { weakness: None, finished, who } => {
                // In force once it is entered again.
                let row = who.and_then(|who| self.cast.row(who));
                self.changed.extend(row);
                Done::entered(self.new_pin(), finished)
            }
            Act::NewPin { who, weakness: Some(weakness), finished } => {
                let row = who.and_then(|who| self.cast.row(who)).ok_or(Why::Unclear)?;
                Done::entered(self.weak(weakness, row)?, finished)
            }
            Act::NewPinAgain { same: true, finished } => Done::entered(self.new_pin(), finished),
            Act::Pin { who: None, finished } | Act::NewPinAgain { same: false, finished } => {
                Done::entered(WRONG_PIN.to_owned(), finished)
            }
            Act::Phone { landline, length, finished } => {
                Done::entered(telephone(self.take, "phone", landline, length.into()), finished)
            }
            Act::Message { right, length, finished } => Done::entered(message(right, length.into()), finished),
            Act::Other(shape) => other(shape)?,
        })
    }

    /// The name of what the member in `row` has.
    fn of_row(&mut self, row: usize, field: w::Word) -> String {
        let short = match field[0] {
            "身份证" => "证号",
            "社保卡" => "卡号",
            "查询密码" => "密码",
            other => other,
        };
        let name = if self.cast.members.len() > 1 { format!("{short}{row}") } else { short.to_owned() };
        self.name(name, format!("{}.{}({row})", w::SAMPLE[0], field[0]))
    }

    fn nobodys(&mut self, name: &str, field: w::Word) -> String {
        self.name(name.to_owned(), format!("{}.{}", w::NOBODY[0], field[0]))
    }

    fn new_pin(&mut self) -> String {
        self.nobodys("新密码", w::PIN)
    }

    fn name(&mut self, name: String, whose: String) -> String {
        let shown = format!("${name} ");
        self.used.insert(Name { name, whose });
        shown
    }

    /// A PIN that is refused for this reason where the member in `row` chooses it.
    fn weak(&mut self, weakness: Weakness, row: usize) -> Result<String, Why> {
        let member = self.cast.member(row).ok_or(Why::Unclear)?;
        let id: String = member.id_number.expose().chars().filter(char::is_ascii_digit).collect();
        let last = |digits: &str| digits[digits.len().saturating_sub(6)..].to_owned();
        Ok(match weakness {
            Weakness::Repeated => "777777".to_owned(),
            Weakness::Sequence => "345678".to_owned(),
            Weakness::Common => "112233".to_owned(),
            Weakness::Birthday => id.get(8..14).unwrap_or_default().to_owned(),
            Weakness::FromIdNumber => last(&id),
            Weakness::FromCardNumber => last(member.card_number.as_ref().ok_or(Why::Unclear)?.digits()),
            Weakness::FromPhoneNumber => last(&self.caller),
            Weakness::Unchanged => self.of_row(row, w::PIN),
            // Of which rule that is, nothing was told.
            Weakness::Initial => return Err(Why::Unclear),
        })
    }
}

/// What a caller does, as a line says it, and how it stands to what was said before.
struct Done {
    text: String,
    heard_out: HeardOut,
    /// Beside the waiting that is written.
    lasts: Lasts,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum HeardOut {
    Always,
    IfTimeAllows,
    Never,
}

#[derive(Clone, Copy)]
enum Lasts {
    Nothing,
    /// As long as the first key is waited for.
    FirstKey,
    /// As long as a further key is waited for.
    FurtherKey,
    This(Duration),
}

impl Done {
    fn at_once(text: &str) -> Self {
        Self { text: text.to_owned(), heard_out: HeardOut::Never, lasts: Lasts::Nothing }
    }

    fn pressed(keys: String, finished: bool) -> Self {
        let text =
            if finished { format!("{}{}#", keys.trim_end(), if keys.is_empty() { "" } else { " " }) } else { keys };
        Self { text, heard_out: HeardOut::IfTimeAllows, lasts: Lasts::Nothing }
    }

    fn entered(keys: String, finished: bool) -> Self {
        let lasts = if finished { Lasts::Nothing } else { Lasts::FurtherKey };
        Self { lasts, ..Self::pressed(keys, finished) }
    }

    fn takes(&self, before: Option<&Heard>) -> Duration {
        let collect = match before.map(|before| before.then) {
            Some(Then::Collect(collect)) => Some(collect),
            _ => None,
        };
        match self.lasts {
            Lasts::Nothing => Duration::ZERO,
            Lasts::FirstKey => collect.map_or(Duration::ZERO, |collect| collect.first_key),
            Lasts::FurtherKey => collect.map_or(Duration::ZERO, |collect| collect.between_keys),
            Lasts::This(time) => time,
        }
    }
}

fn other(shape: Shape) -> Result<Done, Why> {
    let done = |text: String, heard_out, lasts| Ok(Done { text, heard_out, lasts });
    match shape {
        Shape::Silence | Shape::SaidNothing => done(w::SILENCE[0].to_owned(), HeardOut::Always, Lasts::FirstKey),
        Shape::Spoke { seconds } => {
            let lasting = Lasts::This(Duration::from_secs(seconds.into()));
            done(format!("{} {seconds}s", w::SPEAK[0]), HeardOut::Always, lasting)
        }
        Shape::Waiting(Waiting { ahead, average, without_keys: _ }) => {
            let ahead = ahead.map(|ahead| format!(" {}{ahead}{}", w::AHEAD[0], w::PEOPLE[0])).unwrap_or_default();
            let average =
                average.map(|average| format!(" {}{}s", w::AVERAGE[0], average.as_secs())).unwrap_or_default();
            done(format!("{}{ahead}{average}", w::WAITING[0]), HeardOut::Always, Lasts::Nothing)
        }
        Shape::TransferEnded(end) => {
            let how = match end {
                TransferEnd::Talked => w::TALKED[0],
                TransferEnd::NotAnswered => w::NOT_ANSWERED[0],
                TransferEnd::Left => return Err(Why::Unclear),
            };
            Ok(Done::at_once(&format!("{} {how}", w::PERSON[0])))
        }
        Shape::Key { .. } | Shape::Entry { .. } | Shape::HungUp | Shape::Unclear => Err(Why::Unclear),
    }
}

/// So many keys that are no number of this kind, for the reason that those were none.
fn no_number(kind: IdentifierKind, length: usize, ends_in_x: bool) -> String {
    if kind == IdentifierKind::Id && length == 18 {
        // A check character that belongs to another number.
        let born = jiff::civil::date(1990, 1, 1);
        let number = sample::id_number(7, born, !ends_in_x);
        return format!("{}{}", &number.expose()[..17], if ends_in_x { '*' } else { '0' });
    }
    if kind == IdentifierKind::Id && length == 15 {
        // Nobody was born on 30 February.
        return "650000990230123".to_owned();
    }
    digits('4', length)
}

/// `length` digits; none, where everything was cleared.
fn digits(digit: char, length: usize) -> String {
    if length == 0 { format!("{digit}*") } else { digit.to_string().repeat(length) }
}

fn message(right: bool, length: usize) -> String {
    let number = MessageNumber::new(7_654_321);
    match (right, length) {
        (true, _) => number.as_str().to_owned(),
        (false, 8) => {
            let (body, check) = number.as_str().split_at(7);
            format!("{body}{}", if check == "0" { '1' } else { '0' })
        }
        (false, length) => digits('4', length),
    }
}
