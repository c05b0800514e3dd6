//! The shipped lines, for the tests of this module.

use std::sync::{Arc, LazyLock};

use super::flow::Flow;
use super::holidays::Holidays;
use crate::speech::catalog::Catalog;

/// The file of the line 12333.
pub(super) const LINE: &str = include_str!("../../config/lines/12333.toml");

/// The line 12333.
pub(super) static FLOW: LazyLock<Flow> = LazyLock::new(|| line(LINE));

/// A line with this file, in every language.
pub(super) fn line(text: &str) -> Flow {
    let wordings = [
        ("zh-CN", include_str!("../../voice-prompts/zh-CN/prompts.toml")),
        ("yue-CN", include_str!("../../voice-prompts/yue-CN/prompts.toml")),
        ("en-US", include_str!("../../voice-prompts/en-US/prompts.toml")),
    ];
    let wordings = wordings.map(|(name, text)| Catalog::parse(name, text).unwrap_or_else(|faults| panic!("{faults}")));
    let holidays = include_str!("../../config/holidays/china.toml");
    let holidays = Holidays::parse("china", "china.toml", holidays).unwrap_or_else(|faults| panic!("{faults}"));
    Flow::parse("line.toml", text, &wordings.each_ref(), &[Arc::new(holidays)])
        .unwrap_or_else(|faults| panic!("{faults}"))
}
