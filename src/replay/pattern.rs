//! What is heard, with holes in it.
//!
//! ```text
//! ‹ {…}余额为{金额 1010.05}，截至{日期 2026-06-30}{…}
//! ```

use std::fmt::{self, Write as _};

use jiff::civil::Date;
use regex::Regex;

use super::prompt_hole::PromptHole;
use crate::member::money::Money;

/// What a hole takes that takes anything.
pub const ANYTHING: &str = ".*?";

/// A part of what a line of a transcript expects to hear.
#[derive(Clone, Debug)]
pub enum Part {
    /// These words.
    Text(String),
    /// Anything, or nothing.
    Any,
    /// This amount, in any accepted reading.
    Amount(Money),
    /// This day.
    Date(Date),
    /// These digits, one by one.
    Digits(String),
    /// The last four of the secret value of this name.
    Tail(String),
    /// This prompt, with what is to stand in it.
    Prompt(PromptHole),
    /// Digits, to be known by this name from now on.
    Capture(String),
    /// One of these.
    AnyOf(Vec<String>),
    /// Whatever this expression takes.
    Matching(Regex),
}

/// A pattern in the words of one language: text, holes, and choices.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// What must be heard.
    parts: Vec<Words>,
    whole: Whole,
    names: Vec<String>,
}

/// All of a pattern.
#[derive(Clone, Debug)]
enum Whole {
    /// Nothing but these words: most are so, and need no expression.
    Plain(String),
    Expression(Regex),
}

/// A part of a pattern, in words.
#[derive(Clone, Debug)]
pub enum Words {
    /// One of these; never empty.
    OneOf(Vec<String>),
    /// Whatever this expression takes.
    Hole(Regex),
    /// Whatever this expression takes, to be known by this name.
    Named(String, Regex),
    /// One of these wordings of a prompt, which together are this expression.
    Prompt(Regex, Vec<Vec<Words>>),
}

/// The words of lines without choices and holes.
fn plain(lines: &[(Vec<Words>, bool)]) -> Option<String> {
    let mut words = String::new();
    for (parts, optional) in lines {
        for part in parts {
            match part {
                Words::OneOf(choices) if !optional => {
                    words.push_str(&spoken(choices.first().filter(|_| choices.len() == 1)?));
                }
                _ => return None,
            }
        }
    }
    Some(words)
}

impl Pattern {
    /// Puts a pattern together of lines that are heard one after the other; an optional one need not be.
    ///
    /// # Errors
    /// The lines make an expression that is too large.
    pub fn new(lines: Vec<(Vec<Words>, bool)>) -> Result<Self, regex::Error> {
        if let Some(plain) = plain(&lines) {
            let parts = lines.into_iter().flat_map(|(parts, _)| parts).collect();
            return Ok(Self { parts, whole: Whole::Plain(plain), names: Vec::new() });
        }
        let mut whole = String::from("^(?s)");
        let mut names = Vec::new();
        for (parts, optional) in &lines {
            whole.push_str("(?:");
            for part in parts {
                whole.push_str("(?:");
                if let Words::Named(name, expression) = part {
                    // What a name may be here is less than what it may be in a transcript.
                    let _ = write!(whole, "(?<n{}>{})", names.len(), expression.as_str());
                    names.push(name.clone());
                } else {
                    whole.push_str(&part.expression());
                }
                whole.push(')');
            }
            whole.push_str(if *optional { ")?" } else { ")" });
        }
        whole.push('$');
        let parts = lines.into_iter().filter(|(_, optional)| !optional).flat_map(|(parts, _)| parts).collect();
        Ok(Self { whole: Whole::Expression(Regex::new(&whole)?), parts, names })
    }

    /// What was heard where names are given, by name.
    #[must_use]
    pub fn named(&self, heard: &str) -> Vec<(&str, String)> {
        let Whole::Expression(whole) = &self.whole else { return Vec::new() };
        let heard = spoken(heard);
        let Some(found) = whole.captures(&heard) else { return Vec::new() };
        let named = self
            .names
            .iter()
            .enumerate()
            .filter_map(|(n, name)| Some((name.as_str(), found.name(&format!("n{n}"))?.as_str().to_owned())));
        named.collect()
    }

    /// Whether this is what `heard` says.
    #[must_use]
    pub fn hears(&self, heard: &str) -> bool {
        match &self.whole {
            Whole::Plain(words) => spoken(heard) == *words,
            Whole::Expression(whole) => whole.is_match(&spoken(heard)),
        }
    }

    /// How what was heard differs, as little as can be told.
    #[must_use]
    pub fn difference(&self, heard: &str) -> Difference {
        let mut difference = Difference::of(&lay(&self.parts, &heard_chars(heard)));
        // Where all the words are right, it is a hole that does not take what stands in it.
        if !self.hears(heard) && difference.expected.iter().chain(&difference.heard).all(|run| run.same) {
            let mut strict = self.parts.iter().filter_map(|part| match part {
                Words::OneOf(_) | Words::Prompt(..) => None,
                Words::Hole(expression) | Words::Named(_, expression) => Some(expression.as_str() != ANYTHING),
            });
            let mut marked = Vec::new();
            for c in difference.expected.iter().flat_map(|run| run.text.chars()) {
                push(&mut marked, c, c != '…' || !strict.next().unwrap_or(false));
            }
            difference.expected = marked;
        }
        difference
    }

    /// For each part, what was heard in its place; `None` where it was heard as expected.
    #[must_use]
    pub fn corrections(&self, heard: &str) -> Vec<Option<String>> {
        let chars = heard_chars(heard);
        let laid = lay(&self.parts, &chars);
        let offset = |n: usize| chars.get(n).map_or(heard.len(), |c| c.at);
        let parts = self.parts.iter().zip(&laid.spans);
        let correction = |(part, &(from, to)): (&Words, &(usize, usize))| {
            let there = heard.get(offset(from.min(to))..offset(to)).unwrap_or_default().trim();
            match part {
                Words::Hole(_) | Words::Named(..) | Words::Prompt(..) => None,
                Words::OneOf(choices) if choices.iter().any(|choice| spoken(choice) == spoken(there)) => None,
                Words::OneOf(_) => Some(tidy(there)),
            }
        };
        parts.map(correction).collect()
    }
}

/// `text` as people write it: without the blanks that part Chinese sentences in slow speech.
#[must_use]
pub fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = false;
    for c in text.chars() {
        if c.is_whitespace() {
            blank = !out.is_empty();
            continue;
        }
        if blank && c.is_ascii() && out.ends_with(|last: char| last.is_ascii()) {
            out.push(' ');
        }
        blank = false;
        out.push(c);
    }
    out
}

/// The words of `text` without what nobody hears: blanks between Chinese characters, the width of punctuation.
#[must_use]
pub fn spoken(text: &str) -> String {
    heard_chars(text).into_iter().map(|heard| heard.c).collect()
}

/// A character that is heard, and where it is written.
#[derive(Clone, Copy)]
struct HeardChar {
    /// As it is compared.
    c: char,
    /// As it is written.
    written: char,
    at: usize,
}

fn heard_chars(text: &str) -> Vec<HeardChar> {
    let mut out: Vec<HeardChar> = Vec::with_capacity(text.len());
    let (mut blank, mut before) = (false, '\0');
    for (at, written) in text.char_indices() {
        if written.is_whitespace() {
            blank = true;
            continue;
        }
        let c = narrow(written);
        // A blank parts words written in letters, and nothing else.
        if blank && c.is_ascii_alphanumeric() && before.is_ascii_graphic() {
            out.push(HeardChar { c: ' ', written: ' ', at });
        }
        (blank, before) = (false, written);
        out.push(HeardChar { c, written, at });
    }
    out
}

/// Punctuation and letters in full width, as the narrow ones that mean the same.
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '。' => '.',
        '、' => ',',
        '“' | '”' | '「' | '」' => '"',
        '‘' | '’' => '\'',
        other => other,
    }
}

/// Two sentences side by side, what differs marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What was expected.
    pub expected: Vec<Run>,
    /// What was heard.
    pub heard: Vec<Run>,
}

/// Characters in a row, and whether the other side has them too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The characters; none where only the other side has something.
    pub text: String,
    /// Whether they stand on the other side too.
    pub same: bool,
}

/// One character of a pattern, for laying it beside what was heard.
#[derive(Clone, Copy)]
enum Unit {
    Char(HeardChar),
    /// Takes any number of characters.
    Any,
}

impl Difference {
    fn of(laid: &Laid) -> Self {
        let mut difference = Self { expected: Vec::new(), heard: Vec::new() };
        for pair in &laid.pairs {
            match *pair {
                Pair::Both { expected, heard } => {
                    let same = expected.c == heard.c;
                    push(&mut difference.expected, expected.written, same);
                    push(&mut difference.heard, heard.written, same);
                }
                Pair::Missing(c) => {
                    push(&mut difference.expected, c.written, false);
                    gap(&mut difference.heard);
                }
                Pair::Extra(c) => {
                    push(&mut difference.heard, c.written, false);
                    gap(&mut difference.expected);
                }
                Pair::Hole => push(&mut difference.expected, '…', true),
                Pair::Taken(c) => push(&mut difference.heard, c.written, true),
            }
        }
        difference
    }
}

/// A pattern laid beside what was heard.
struct Laid {
    cost: usize,
    pairs: Vec<Pair>,
    /// For each part, what of the heard text lies beside it: from this character to that.
    spans: Vec<(usize, usize)>,
}

#[derive(Clone, Copy)]
enum Pair {
    Both {
        expected: HeardChar,
        heard: HeardChar,
    },
    Missing(HeardChar),
    Extra(HeardChar),
    Hole,
    /// Taken by the hole before it.
    Taken(HeardChar),
}

/// The cheapest way to lay `parts` beside `heard`; of several choices the one that lies best counts.
fn lay(parts: &[Words], heard: &[HeardChar]) -> Laid {
    let most = parts.iter().map(Words::choices).max();
    let tried = (0..most.unwrap_or(1).max(1)).map(|choice| {
        let units: Vec<(Unit, usize)> = parts
            .iter()
            .enumerate()
            .flat_map(|(n, part)| part.units(choice).into_iter().map(move |unit| (unit, n)))
            .collect();
        align(&units, parts.len(), heard)
    });
    tried.min_by_key(|laid| laid.cost).unwrap_or(Laid { cost: 0, pairs: Vec::new(), spans: vec![(0, 0); parts.len()] })
}

impl Words {
    /// One of these `wordings` of a prompt.
    ///
    /// # Errors
    /// They make an expression that is too large.
    pub fn prompt(wordings: Vec<Vec<Self>>) -> Result<Self, regex::Error> {
        let expression = |wording: &Vec<Self>| {
            let mut whole = String::new();
            for (n, words) in wording.iter().enumerate() {
                let parted = n > 0 && Self::parted(&wording[n - 1], words);
                whole.push_str(if parted { " ?" } else { "" });
                whole.push_str(&words.expression());
            }
            whole
        };
        let expressions: Vec<_> = wordings.iter().map(expression).collect();
        Ok(Self::Prompt(Regex::new(&expressions.join("|"))?, wordings))
    }

    /// What takes it.
    fn expression(&self) -> String {
        match self {
            Self::OneOf(choices) => {
                let choices: Vec<_> = choices.iter().map(|choice| regex::escape(&spoken(choice))).collect();
                format!("(?:{})", choices.join("|"))
            }
            Self::Hole(expression) | Self::Named(_, expression) | Self::Prompt(expression, _) => {
                expression.as_str().to_owned()
            }
        }
    }

    /// Whether a blank stands between `before` and `after`, in one of them.
    fn parted(before: &Self, after: &Self) -> bool {
        let text = |words: &Self| if let Self::OneOf(choices) = words { choices.first().cloned() } else { None };
        text(before).is_some_and(|text| text.ends_with(char::is_whitespace))
            || text(after).is_some_and(|text| text.starts_with(char::is_whitespace))
    }

    /// How many ways there are to say it.
    fn choices(&self) -> usize {
        match self {
            Self::OneOf(choices) => choices.len(),
            Self::Prompt(_, wordings) => wordings.len(),
            Self::Hole(_) | Self::Named(..) => 1,
        }
    }

    /// What is laid beside what was heard: this choice, or the first if there is no such.
    fn units(&self, choice: usize) -> Vec<Unit> {
        match self {
            Self::OneOf(choices) => {
                let text = choices.get(choice).or(choices.first()).map_or("", String::as_str);
                heard_chars(text).into_iter().map(Unit::Char).collect()
            }
            Self::Prompt(_, wordings) => {
                let wording = wordings.get(choice).or(wordings.first());
                let mut units: Vec<Unit> = Vec::new();
                let mut before = None;
                for words in wording.into_iter().flatten() {
                    let next = words.units(0);
                    let blank = HeardChar { c: ' ', written: ' ', at: 0 };
                    if before.is_some_and(|before| Self::parted(before, words))
                        && matches!(units.last(), Some(Unit::Char(last)) if last.c.is_ascii_graphic())
                        && matches!(next.first(), Some(Unit::Char(first)) if first.c.is_ascii_alphanumeric())
                    {
                        units.push(Unit::Char(blank));
                    }
                    units.extend(next);
                    before = Some(words);
                }
                units
            }
            Self::Hole(_) | Self::Named(..) => vec![Unit::Any],
        }
    }
}

/// How the characters up to here were laid beside each other.
#[derive(Clone, Copy)]
enum Move {
    Both,
    Missing,
    Extra,
    /// Taken by a hole.
    Taken,
    /// The hole ends.
    Closed,
}

/// A character that is another one, or missing.
const OTHER: usize = 4;
/// Characters that are too much: one more of a row of them is cheap, so that a sentence is laid beside the one it is meant to
/// be, however much is said behind it, and not beside bits of others.
const FIRST_EXTRA: usize = 5;
const MORE_EXTRA: usize = 1;

/// Each unit with its part, laid as cheaply as can be.
fn align(units: &[(Unit, usize)], parts: usize, heard: &[HeardChar]) -> Laid {
    let width = heard.len() + 1;
    let cells = (units.len() + 1) * width;
    // Of each cell: the cheapest way there, and the cheapest that ends with what is too much.
    let (mut cost, mut extra) = (vec![0_usize; cells], vec![usize::MAX; cells]);
    let mut moves = vec![Move::Extra; cells];
    // Whether what is too much goes on from the character before.
    let mut goes_on = vec![false; cells];
    for at in 1..width {
        extra[at] = FIRST_EXTRA + MORE_EXTRA * (at - 1);
        cost[at] = extra[at];
    }
    for (row, (unit, _)) in units.iter().enumerate() {
        let (above, this) = (row * width, (row + 1) * width);
        for at in 0..width {
            let mut best = (usize::MAX, Move::Extra);
            let mut offer = |cost, how| {
                if cost < best.0 {
                    best = (cost, how);
                }
            };
            match unit {
                Unit::Any => {
                    offer(cost[above + at], Move::Closed);
                    if at > 0 {
                        offer(cost[this + at - 1], Move::Taken);
                    }
                }
                Unit::Char(c) => {
                    if at > 0 {
                        let other = if heard[at - 1].c == c.c { 0 } else { OTHER };
                        offer(cost[above + at - 1] + other, Move::Both);
                        let (first, more) =
                            (cost[this + at - 1] + FIRST_EXTRA, extra[this + at - 1].saturating_add(MORE_EXTRA));
                        (extra[this + at], goes_on[this + at]) = (first.min(more), more < first);
                        offer(extra[this + at], Move::Extra);
                    }
                    offer(cost[above + at] + OTHER, Move::Missing);
                }
            }
            (cost[this + at], moves[this + at]) = best;
        }
    }
    let mut laid = Laid {
        cost: cost.last().copied().unwrap_or_default(),
        pairs: Vec::new(),
        spans: vec![(heard.len(), 0); parts],
    };
    let (mut row, mut at, mut too_much) = (units.len(), heard.len(), false);
    while row > 0 || at > 0 {
        let how = if row == 0 || too_much { Move::Extra } else { moves[row * width + at] };
        too_much = matches!(how, Move::Extra) && goes_on[row * width + at];
        let unit = row.checked_sub(1).map(|n| units[n]);
        let before = at;
        match (how, unit) {
            (Move::Both, Some((Unit::Char(expected), _))) => {
                laid.pairs.push(Pair::Both { expected, heard: heard[at - 1] });
                row -= 1;
                at -= 1;
            }
            (Move::Missing, Some((Unit::Char(c), _))) => {
                laid.pairs.push(Pair::Missing(c));
                row -= 1;
            }
            (Move::Closed, _) => {
                laid.pairs.push(Pair::Hole);
                row -= 1;
            }
            (Move::Taken, _) => {
                laid.pairs.push(Pair::Taken(heard[at - 1]));
                at -= 1;
            }
            _ => {
                laid.pairs.push(Pair::Extra(heard[at - 1]));
                at -= 1;
            }
        }
        // What is too much belongs to the part before it.
        let part = unit.or(units.first().copied()).map(|(_, part)| part);
        if let Some((from, to)) = part.and_then(|part| laid.spans.get_mut(part)) {
            *from = (*from).min(at);
            *to = (*to).max(before);
        }
    }
    laid.pairs.reverse();
    laid
}

fn push(runs: &mut Vec<Run>, c: char, same: bool) {
    match runs.last_mut() {
        Some(run) if run.same == same => run.text.push(c),
        _ => runs.push(Run { text: c.into(), same }),
    }
}

/// Nothing stands here, beside something on the other side.
fn gap(runs: &mut Vec<Run>) {
    if runs.last().is_none_or(|run| run.same) {
        runs.push(Run { text: String::new(), same: false });
    }
}

impl fmt::Display for Run {
    /// What differs stands in 〔〕; 〔缺〕 where something is missing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.same, self.text.as_str()) {
            (true, text) => f.write_str(text),
            (false, "") => f.write_str("〔缺〕"),
            (false, text) => write!(f, "〔{text}〕"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(parts: Vec<Words>) -> Pattern {
        Pattern::new(vec![(parts, false)]).unwrap()
    }

    fn text(text: &str) -> Words {
        Words::OneOf(vec![text.into()])
    }

    fn shown(runs: &[Run]) -> String {
        runs.iter().map(Run::to_string).collect()
    }

    fn any() -> Words {
        hole(".*?")
    }

    fn hole(expression: &str) -> Words {
        Words::Hole(Regex::new(expression).unwrap())
    }

    #[test]
    fn what_nobody_hears_does_not_count() {
        let said = pattern(vec![text("您好， 欢迎。")]);
        assert!(said.hears("您好,欢迎."));
        assert!(said.hears("您 好，\n欢迎。"));
        assert!(!said.hears("您好，欢迎您。"));
        assert_eq!(spoken("press  one 。"), "press one.");
        assert_eq!(spoken("请按 1 。"), "请按1.");
        assert_eq!(spoken("请按二。 For one"), "请按二.For one");
    }

    #[test]
    fn a_prompt_is_one_of_its_wordings() {
        let amount = || Words::OneOf(vec!["两元整".into(), "二元整".into()]);
        let wordings =
            vec![vec![text("余额为"), amount(), any()], vec![text("Your balance is "), text("2 yuan"), any()]];
        let said = pattern(vec![Words::prompt(wordings).unwrap()]);
        assert!(said.hears("余额为二元整。"));
        assert!(said.hears("Your balance is 2 yuan."));
        assert!(!said.hears("余额为三元整。"));
        // Laid beside the wording that is meant.
        assert_eq!(shown(&said.difference("余额为三元整。").expected), "余额为〔两〕元整…");
        assert_eq!(shown(&said.difference("Your balance is 3 yuan.").expected), "Your balance is 〔2〕 yuan…");
        assert_eq!(shown(&said.difference("余额为三元整。").heard), "余额为〔三〕元整。");
    }

    #[test]
    fn holes_take_what_they_may() {
        let amount = || Words::OneOf(vec!["两百元整".into(), "二百元整".into()]);
        let said = pattern(vec![any(), text("余额为"), amount(), any()]);
        assert!(said.hears("您的余额为二百元整。"));
        assert!(said.hears("余额为两百元整"));
        assert!(!said.hears("您的余额为三百元整。"));
        let said = pattern(vec![text("尾号"), hole("[零幺二三]{4}")]);
        assert!(said.hears("尾号零零幺三"));
        assert!(!said.hears("尾号零零幺四"));
    }

    #[test]
    fn an_optional_line_need_not_be_heard() {
        let said = Pattern::new(vec![(vec![text("请稍候。")], true), (vec![text("您好。"), any()], false)]).unwrap();
        assert!(said.hears("请稍候。您好。"));
        assert!(said.hears("您好。再见。"));
        assert!(!said.hears("请稍候。"));
    }

    #[test]
    fn what_was_heard_instead_stands_beside_its_part() {
        let said = pattern(vec![any(), text("余额为"), text("一元整"), text("，截至"), any()]);
        assert_eq!(
            said.corrections("您的余额为两元整，截至今天。"),
            [None, None, Some("两元整".to_owned()), None, None]
        );
        let said = pattern(vec![text("您好。"), any()]);
        assert_eq!(said.corrections("您好。再见。"), [None, None]);
        let said = pattern(vec![text("您好。")]);
        assert_eq!(said.corrections("您好， 再见。 "), [Some("您好，再见。".to_owned())]);
        assert_eq!(said.corrections("Good  day. Bye."), [Some("Good day. Bye.".to_owned())]);
    }

    #[test]
    fn differences_are_marked_at_the_character() {
        let shown = |parts: Vec<Words>, heard: &str| {
            let found = pattern(parts).difference(heard);
            let line = |runs: &[Run]| runs.iter().map(Run::to_string).collect::<String>();
            (line(&found.expected), line(&found.heard))
        };
        assert_eq!(
            shown(vec![any(), text("余额为一千零一十元零五分"), any()], "您的余额为一千零十元零五分，截至"),
            ("…余额为一千零〔一〕十元零五分…".into(), "您的余额为一千零〔缺〕十元零五分，截至".into())
        );
        assert_eq!(shown(vec![text("甲乙丙")], "甲丁丙"), ("甲〔乙〕丙".into(), "甲〔丁〕丙".into()));
        let amount = Words::OneOf(vec!["两百元整".into(), "二百元整".into()]);
        assert_eq!(shown(vec![amount], "二百元"), ("二百元〔整〕".into(), "二百元〔缺〕".into()));
        assert_eq!(shown(vec![text("甲"), hole("[丙]"), text("乙")], "甲丁乙"), ("甲〔…〕乙".into(), "甲丁乙".into()));
        assert_eq!(shown(vec![any(), hole("[丙]"), text("乙")], "甲丁乙"), ("…〔…〕乙".into(), "甲丁乙".into()));
        assert_eq!(shown(vec![], "多"), ("〔缺〕".into(), "〔多〕".into()));
    }
}
