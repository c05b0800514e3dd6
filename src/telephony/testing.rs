//! Wording for the tests of dialects.

use crate::speech::catalog::{Catalog, Catalogs};
use crate::speech::language::Language;
use crate::speech::prompt::{KNOWN, Prompt, PromptId, WORDS};
use crate::telephony::{Pace, Reply, Then};

/// What is said to a caller who speaks Mandarin.
pub fn reply(say: Vec<Prompt>, then: Then) -> Reply {
    let mandarin = catalog("zh-CN", "greeting = \"您好。\"\nmenu = \"查询请按一。\"");
    let cantonese = catalog("yue-CN", "greeting = \"您好。\"\nmenu = \"查询请揿一。\"");
    let english = catalog("en-US", "greeting = \"Hello.\"\nmenu = \"For enquiries, press one.\"");
    let wording = Catalogs::new(vec![mandarin, cantonese, english]).unwrap();
    Reply { wording, language: Language::Mandarin, say, pace: Pace::Usual, then }
}

/// A catalogue of these prompts, and whatever else it must have.
fn catalog(language: &str, prompts: &str) -> Catalog {
    use std::fmt::Write;

    let mut text = format!("language = \"{language}\"\n[prompts]\n{prompts}\n");
    for signature in KNOWN.iter().chain(WORDS) {
        write!(text, "\"{}\" = \"{}", signature.id, if language == "en-US" { "Hello" } else { "。" }).unwrap();
        for (name, slot) in signature.slots.iter() {
            write!(text, "{}{{{name}:{}}}", if language == "en-US" { " " } else { "" }, slot.name()).unwrap();
        }
        text.push_str("\"\n");
    }
    Catalog::parse("prompts.toml", &text).unwrap()
}

/// The prompt called `id`, without values.
pub fn prompt(id: &str) -> Prompt {
    Prompt::of_menu(PromptId::named(id), None)
}
