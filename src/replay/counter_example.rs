//! A way to break a rule of the flow, as a transcript: it leads where the rule breaks, and fails there until that is mended.

use std::path::{Path, PathBuf};

use super::generate::dialled;
use super::script::{Before, Script, prepare, rows};
use super::transcript::clock_of_calls;
use super::words::{RULE, RULES};
use crate::dialog::Flow;
use crate::dialog::explore::Finding;
use crate::dialog::keyed::{Walk, calls};

/// The transcript of `found`; `None` where something happens on its path that no caller does.
#[must_use]
pub fn written(flow: &Flow, found: &Finding, id: &str) -> Option<String> {
    let (at, moves) = calls(flow, clock_of_calls(), &found.path, &found.at)?;
    let answers: Vec<&str> = moves.iter().flat_map(|a_move| a_move.answers.iter().copied()).collect();
    let before = Before::of(&answers);
    let withheld = before == Before::NearlyLocked || answers.contains(&"number withheld");
    let mut script = Script::new(rows(&answers).first().copied().unwrap_or(1), withheld);
    if found.path.iter().any(|taken| taken.on == "dial from a marked number") {
        script.mark();
    }
    if before != Before::Nothing {
        prepare(&mut script, Walk::of(flow, clock_of_calls()).first()?, before)?;
    }
    let mut heard = Vec::new();
    for a_move in &moves {
        script.act(&a_move.way.from, a_move);
        heard.push(String::new());
    }
    if let Some(last) = heard.last_mut() {
        *last = format!("{{…}} @{}", found.at.place.name());
    }
    let (word, _) = RULES.iter().find(|(_, rule)| *rule == found.rule)?;
    let title = format!("{}：{}", word[0], found.what);
    let text = script.text(id, &title, &dialled(flow), at, &heard);
    // At the dial tone already: nothing leads there.
    let dial = if moves.is_empty() { "> 拨入\n" } else { "" };
    Some(format!("{text}= {} {}\n{dial}", RULE[0], word[0]))
}

/// Writes a transcript of each of `found` into `folder`; `None` for those that no caller can bring about alone.
///
/// # Errors
/// The folder cannot be written.
pub fn write(flow: &Flow, found: &[Finding], folder: &Path) -> std::io::Result<Vec<Option<PathBuf>>> {
    std::fs::create_dir_all(folder)?;
    let each = found.iter().enumerate().map(|(nth, found)| {
        let id = format!("RULE-{}-{}", flow.name, nth + 1);
        let Some(text) = written(flow, found, &id) else { return Ok(None) };
        let path = folder.join(format!("{id}.call"));
        std::fs::write(&path, text)?;
        Ok(Some(path))
    });
    each.collect()
}
