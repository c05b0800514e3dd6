//! The shipped line and wording.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hotline::dialog::{Flow, Holidays};
use hotline::speech::catalog::Catalog;

/// A file of the project.
pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The shipped Mandarin wording.
pub fn mandarin() -> Arc<Catalog> {
    let path = "voice-prompts/zh-CN/prompts.toml";
    let text = std::fs::read_to_string(project(path)).unwrap();
    Arc::new(Catalog::parse(path, &text).unwrap_or_else(|faults| panic!("{faults}")))
}

/// The shipped line.
pub fn line_12333() -> Flow {
    line(&std::fs::read_to_string(project("config/lines/12333.toml")).unwrap())
}

/// A line with this file.
pub fn line(text: &str) -> Flow {
    Flow::parse("line.toml", text, &[&mandarin()], &[china()]).unwrap_or_else(|faults| panic!("{faults}"))
}

/// The shipped holidays.
pub fn china() -> Arc<Holidays> {
    let path = "config/holidays/china.toml";
    let text = std::fs::read_to_string(project(path)).unwrap();
    Arc::new(Holidays::parse("china", path, &text).unwrap_or_else(|faults| panic!("{faults}")))
}
