//! The shipped line and wording.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hotline::dialog::Flow;
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

/// The shipped lines, by their files.
pub const LINES: [&str; 3] = ["12333.toml", "12393.toml", "95566.toml"];

/// A shipped line.
pub fn shipped(file: &str) -> Flow {
    line(&std::fs::read_to_string(project("config/lines").join(file)).unwrap())
}

/// The shipped line.
pub fn line_12333() -> Flow {
    line(&std::fs::read_to_string(project("config/lines/12333.toml")).unwrap())
}

/// A line with this file.
pub fn line(text: &str) -> Flow {
    Flow::parse("line.toml", text, &[&mandarin()]).unwrap_or_else(|faults| panic!("{faults}"))
}
