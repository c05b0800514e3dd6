//! The shipped line and wording.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hotline::dialog::{Flow, Holidays};
use hotline::speech::catalog::Catalog;
use hotline::speech::language::Language;

/// A file of the project.
pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The shipped Mandarin wording.
pub fn mandarin() -> Arc<Catalog> {
    Arc::new(wording(Language::Mandarin))
}

/// The shipped wording of a language.
pub fn wording(language: Language) -> Catalog {
    let path = format!("voice-prompts/{language}/prompts.toml");
    let text = std::fs::read_to_string(project(&path)).unwrap();
    Catalog::parse(&path, &text).unwrap_or_else(|faults| panic!("{faults}"))
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

/// The shipped line in every language.
pub fn in_every_language() -> String {
    let shipped = std::fs::read_to_string(project("config/lines/12333.toml")).unwrap();
    assert!(shipped.contains("languages = [\"zh-CN\"]"));
    shipped.replacen("languages = [\"zh-CN\"]", "languages = [\"zh-CN\", \"yue-CN\", \"en-US\"]", 1)
}

/// A line with this file.
pub fn line(text: &str) -> Flow {
    let wordings = Language::ALL.map(wording);
    let parsed = Flow::parse("line.toml", text, &wordings.each_ref(), &[china()]);
    parsed.unwrap_or_else(|faults| panic!("{faults}"))
}

/// The shipped holidays.
pub fn china() -> Arc<Holidays> {
    let path = "config/holidays/china.toml";
    let text = std::fs::read_to_string(project(path)).unwrap();
    Arc::new(Holidays::parse("china", path, &text).unwrap_or_else(|faults| panic!("{faults}")))
}
