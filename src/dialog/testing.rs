//! The shipped lines, for the tests of this module.

use std::sync::{Arc, LazyLock};

use super::flow::Flow;
use super::holidays::Holidays;
use crate::speech::catalog::Catalog;

/// The file of the line 12333.
pub(super) const LINE: &str = include_str!("../../config/lines/12333.toml");

/// The line 12333.
pub(super) static FLOW: LazyLock<Flow> = LazyLock::new(|| line(LINE));

/// The shipped wordings, in the order of the languages.
pub(super) static WORDINGS: LazyLock<[Catalog; 3]> = LazyLock::new(|| {
    let wordings = [
        ("zh-CN", include_str!("../../voice-prompts/zh-CN/prompts.toml")),
        ("yue-CN", include_str!("../../voice-prompts/yue-CN/prompts.toml")),
        ("en-US", include_str!("../../voice-prompts/en-US/prompts.toml")),
    ];
    wordings.map(|(name, text)| Catalog::parse(name, text).unwrap_or_else(|faults| panic!("{faults}")))
});

/// A line with this file.
pub(super) fn line(text: &str) -> Flow {
    let holidays = include_str!("../../config/holidays/china.toml");
    let holidays = Holidays::parse("china", "china.toml", holidays).unwrap_or_else(|faults| panic!("{faults}"));
    Flow::parse("line.toml", text, &WORDINGS.each_ref(), &[Arc::new(holidays)])
        .unwrap_or_else(|faults| panic!("{faults}"))
}
