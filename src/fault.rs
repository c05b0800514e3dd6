//! A fault in something an operator wrote: where it is, what is wrong, what to do.

use std::fmt;

/// One fault in a file or setting. `check` shows all of them at once; a start or a reload refuses the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, or what else the words came from (an environment variable).
    pub source: String,
    /// The line in it, counted from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong, naming the key.
    pub problem: String,
    /// What to write instead.
    pub remedy: String,
}

impl Fault {
    /// A fault at a byte offset of `text`, the content of `source`.
    #[must_use]
    pub fn at(source: &str, text: &str, offset: usize, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        let line = text.as_bytes().iter().take(offset).filter(|b| **b == b'\n').count() + 1;
        Self { source: source.to_owned(), line: Some(line), problem: problem.into(), remedy: remedy.into() }
    }

    /// A fault of the whole of `source`.
    #[must_use]
    pub fn of(source: &str, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { source: source.to_owned(), line: None, problem: problem.into(), remedy: remedy.into() }
    }

    /// What the TOML parser found.
    #[must_use]
    pub fn from_toml(source: &str, text: &str, error: &toml::de::Error) -> Self {
        let offset = error.span().map_or(0, |span| span.start);
        Self::at(source, text, offset, error.message(), "write it as the shipped file of the same name does")
    }

    /// What the TOML parser found in a file of secrets: where, but not its words, which may quote them.
    #[must_use]
    pub fn from_secret_toml(source: &str, text: &str, error: &toml::de::Error, remedy: &str) -> Self {
        let offset = error.span().map_or(0, |span| span.start);
        Self::at(source, text, offset, "is not written as it should be", remedy)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}\n    remedy: {}", self.problem, self.remedy)
    }
}

/// Everything found wrong at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, fault) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
