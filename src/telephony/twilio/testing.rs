//! Wording for this dialect's tests.

use crate::speech::catalog::Catalog;
use crate::speech::prompt::{KNOWN, Prompt, PromptId};

/// A catalogue of a greeting and a menu (and whatever else it must have).
pub fn catalog() -> Catalog {
    use std::fmt::Write;

    let mut text = String::from("language = \"zh-CN\"\n[prompts]\ngreeting = \"您好。\"\nmenu = \"查询请按一。\"\n");
    for signature in KNOWN {
        let slots: String = signature.slots.iter().map(|(name, slot)| format!("{{{name}:{}}}", slot.name())).collect();
        writeln!(text, "\"{}\" = \"。{slots}\"", signature.id).unwrap();
    }
    Catalog::parse("prompts.toml", &text).unwrap()
}

/// The prompt called `id`, without values.
pub fn prompt(id: &str) -> Prompt {
    Prompt::of_menu(PromptId::named(id), None)
}
