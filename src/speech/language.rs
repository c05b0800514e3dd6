//! The languages callers are spoken to in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A language of the hotline, named by its BCP 47 tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Language {
    /// Mandarin Chinese as spoken in mainland China.
    #[serde(rename = "zh-CN")]
    Mandarin,
}

impl Language {
    /// Every language there is.
    pub const ALL: [Self; 1] = [Self::Mandarin];

    /// The tag: `zh-CN`.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::Mandarin => "zh-CN",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(tag: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|l| l.tag().eq_ignore_ascii_case(tag)).ok_or(UnknownLanguage)
    }
}

/// The tag names no language of the hotline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no language of the hotline; take zh-CN")]
pub struct UnknownLanguage;
