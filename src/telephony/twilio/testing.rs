//! Wording for this dialect's tests.

use crate::speech::catalog::Catalog;
use crate::speech::prompt::{KNOWN, Prompt, PromptId, WORDS};

/// A catalogue of a greeting and a menu (and whatever else it must have).
pub fn catalog() -> Catalog {
    use std::fmt::Write;

    let mut text = String::from("language = \"zh-CN\"\n[prompts]\ngreeting = \"您好。\"\nmenu = \"查询请按一。\"\n");
    for signature in KNOWN.iter().chain(WORDS) {
        write!(text, "\"{}\" = \"。", signature.id).unwrap();
        for (name, slot) in signature.slots.iter() {
            write!(text, "{{{name}:{}}}", slot.name()).unwrap();
        }
        text.push_str("\"\n");
    }
    Catalog::parse("prompts.toml", &text).unwrap()
}

/// The prompt called `id`, without values.
pub fn prompt(id: &str) -> Prompt {
    Prompt::of_menu(PromptId::named(id), None)
}
