//! What is heard, with holes in it.
//!
//! ```text
//! ‹ {…}余额为{金额 1010.05}，截至{日期 2026-06-30}{…}
//! ```

use std::fmt;

use jiff::civil::Date;
use regex::Regex;

use crate::member::money::Money;

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
    /// This prompt, whatever stands in it.
    Prompt(String),
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
    whole: Regex,
}

/// A part of a pattern, in words.
#[derive(Clone, Debug)]
pub enum Words {
    /// One of these; never empty.
    OneOf(Vec<String>),
    /// Whatever this expression takes.
    Hole(Regex),
}

impl Pattern {
    /// Puts a pattern together of lines that are heard one after the other; an optional one need not be.
    ///
    /// # Errors
    /// The lines make an expression that is too large.
    pub fn new(lines: Vec<(Vec<Words>, bool)>) -> Result<Self, regex::Error> {
        let mut whole = String::from("^(?s)");
        for (parts, optional) in &lines {
            whole.push_str("(?:");
            for part in parts {
                whole.push_str("(?:");
                match part {
                    Words::OneOf(choices) => {
                        let choices: Vec<_> = choices.iter().map(|choice| regex::escape(&spoken(choice))).collect();
                        whole.push_str(&choices.join("|"));
                    }
                    Words::Hole(expression) => whole.push_str(expression.as_str()),
                }
                whole.push(')');
            }
            whole.push_str(if *optional { ")?" } else { ")" });
        }
        whole.push('$');
        let parts = lines.into_iter().filter(|(_, optional)| !optional).flat_map(|(parts, _)| parts).collect();
        Ok(Self { whole: Regex::new(&whole)?, parts })
    }

    /// Whether this is what `heard` says.
    #[must_use]
    pub fn hears(&self, heard: &str) -> bool {
        self.whole.is_match(&spoken(heard))
    }

    /// How what was heard differs, as little as can be told.
    #[must_use]
    pub fn difference(&self, heard: &str) -> Difference {
        Difference::between(&self.parts, &spoken(heard))
    }
}

/// The words of `text` without what nobody hears: blanks between Chinese characters, the width of punctuation.
#[must_use]
pub fn spoken(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = false;
    for c in text.chars() {
        if c.is_whitespace() {
            blank = true;
            continue;
        }
        let c = narrow(c);
        // A blank parts words written in letters, and nothing else.
        if blank && c.is_ascii_alphanumeric() && out.ends_with(|last: char| last.is_ascii_graphic()) {
            out.push(' ');
        }
        blank = false;
        out.push(c);
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
    /// The characters.
    pub text: String,
    /// Whether they stand on the other side too.
    pub same: bool,
}

/// One character of a pattern, for laying it beside what was heard.
#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Char(char),
    /// Takes any number of characters.
    Any,
}

/// How the characters up to here were laid beside each other.
#[derive(Clone, Copy)]
enum Move {
    Same,
    Swapped,
    Missing,
    Extra,
    /// Taken by a hole.
    Taken,
    /// The hole ends.
    Closed,
}

impl Difference {
    fn between(parts: &[Words], heard: &str) -> Self {
        let heard: Vec<char> = heard.chars().collect();
        // Of several choices the one that lies best counts.
        let most = parts.iter().map(|part| if let Words::OneOf(choices) = part { choices.len() } else { 1 }).max();
        let laid = (0..most.unwrap_or(1)).map(|choice| {
            let units: Vec<Unit> = parts
                .iter()
                .flat_map(|part| match part {
                    Words::OneOf(choices) => {
                        let text = choices.get(choice).or(choices.first()).map_or("", String::as_str);
                        spoken(text).chars().map(Unit::Char).collect()
                    }
                    Words::Hole(_) => vec![Unit::Any],
                })
                .collect();
            align(&units, &heard)
        });
        let best = laid.min_by_key(|(cost, _)| *cost);
        best.map_or_else(|| Self { expected: Vec::new(), heard: Vec::new() }, |(_, difference)| difference)
    }
}

/// The cheapest way to lay `units` beside `heard`: what is swapped, missing or too much costs one each.
fn align(units: &[Unit], heard: &[char]) -> (usize, Difference) {
    let width = heard.len() + 1;
    let mut cost = vec![0_usize; (units.len() + 1) * width];
    let mut moves = vec![Move::Extra; cost.len()];
    for (at, cell) in cost.iter_mut().enumerate().take(width) {
        *cell = at;
    }
    for (row, unit) in units.iter().enumerate() {
        let (above, this) = (row * width, (row + 1) * width);
        for at in 0..width {
            let mut options = Vec::with_capacity(3);
            match unit {
                Unit::Any => {
                    options.push((cost[above + at], Move::Closed));
                    if at > 0 {
                        options.push((cost[this + at - 1], Move::Taken));
                    }
                }
                Unit::Char(c) => {
                    if at > 0 {
                        let same = heard[at - 1] == *c;
                        options.push((
                            cost[above + at - 1] + usize::from(!same),
                            if same { Move::Same } else { Move::Swapped },
                        ));
                        options.push((cost[this + at - 1] + 1, Move::Extra));
                    }
                    options.push((cost[above + at] + 1, Move::Missing));
                }
            }
            if let Some((least, how)) = options.into_iter().min_by_key(|(cost, _)| *cost) {
                cost[this + at] = least;
                moves[this + at] = how;
            }
        }
    }
    let mut difference = Difference { expected: Vec::new(), heard: Vec::new() };
    let (mut row, mut at) = (units.len(), heard.len());
    while row > 0 || at > 0 {
        let how = if row == 0 { Move::Extra } else { moves[row * width + at] };
        let unit = row.checked_sub(1).map(|n| units[n]);
        match (how, unit) {
            (Move::Same | Move::Swapped, Some(Unit::Char(c))) => {
                let same = matches!(how, Move::Same);
                push(&mut difference.expected, c, same);
                push(&mut difference.heard, heard[at - 1], same);
                row -= 1;
                at -= 1;
            }
            (Move::Missing, Some(Unit::Char(c))) => {
                push(&mut difference.expected, c, false);
                row -= 1;
            }
            (Move::Closed, _) => {
                push(&mut difference.expected, '…', true);
                row -= 1;
            }
            (how, _) => {
                push(&mut difference.heard, heard[at - 1], matches!(how, Move::Taken));
                at -= 1;
            }
        }
    }
    for runs in [&mut difference.expected, &mut difference.heard] {
        runs.reverse();
        for run in runs.iter_mut() {
            run.text = run.text.chars().rev().collect();
        }
    }
    (cost.last().copied().unwrap_or_default(), difference)
}

fn push(runs: &mut Vec<Run>, c: char, same: bool) {
    match runs.last_mut() {
        Some(run) if run.same == same => run.text.push(c),
        _ => runs.push(Run { text: c.into(), same }),
    }
}

impl fmt::Display for Run {
    /// What differs stands in 〔〕.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.same { f.write_str(&self.text) } else { write!(f, "〔{}〕", self.text) }
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
    fn differences_are_marked_at_the_character() {
        let shown = |parts: Vec<Words>, heard: &str| {
            let found = pattern(parts).difference(heard);
            let line = |runs: &[Run]| runs.iter().map(Run::to_string).collect::<String>();
            (line(&found.expected), line(&found.heard))
        };
        assert_eq!(
            shown(vec![any(), text("余额为一千零一十元零五分"), any()], "您的余额为一千零十元零五分,截至"),
            ("…余额为一千零〔一〕十元零五分…".into(), "您的余额为一千零十元零五分,截至".into())
        );
        assert_eq!(shown(vec![text("甲乙丙")], "甲丁丙"), ("甲〔乙〕丙".into(), "甲〔丁〕丙".into()));
        let amount = Words::OneOf(vec!["两百元整".into(), "二百元整".into()]);
        assert_eq!(shown(vec![amount], "二百元"), ("二百元〔整〕".into(), "二百元".into()));
        assert_eq!(shown(vec![], "多"), (String::new(), "〔多〕".into()));
    }
}
