//! The languages callers are spoken to in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::chinese::{CANTONESE, MANDARIN};
use super::english;
use super::prompt::Value;
use super::words::Words;

/// A language of the hotline, named by its BCP 47 tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Language {
    /// Mandarin Chinese as spoken in mainland China.
    #[serde(rename = "zh-CN")]
    Mandarin,
    /// Cantonese as formally spoken in Guangdong and Hong Kong, in simplified characters.
    #[serde(rename = "yue-CN")]
    Cantonese,
    /// English as spoken in the United States.
    #[serde(rename = "en-US")]
    English,
}

impl Language {
    /// Every language there is.
    pub const ALL: [Self; 3] = [Self::Mandarin, Self::Cantonese, Self::English];

    /// The tag: `zh-CN`.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::Mandarin => "zh-CN",
            Self::Cantonese => "yue-CN",
            Self::English => "en-US",
        }
    }

    /// Says any value a prompt holds, but for a word: those are the catalogue's.
    pub fn say(self, value: &Value, out: &mut Words<'_>) {
        match self {
            Self::Mandarin => MANDARIN.value(value, out),
            Self::Cantonese => CANTONESE.value(value, out),
            Self::English => english::value(value, out),
        }
    }

    /// Says a number that is a name, digit by digit: telephone numbers, tails of cards.
    pub fn say_digits(self, text: &str, out: &mut Words<'_>) {
        match self {
            Self::Mandarin => MANDARIN.digits(text, out),
            Self::Cantonese => CANTONESE.digits(text, out),
            Self::English => english::digits(text, out),
        }
    }

    /// Whether words are parted by spaces, and sentences too.
    #[must_use]
    pub fn is_spaced(self) -> bool {
        matches!(self, Self::English)
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
#[error("is no language of the hotline; take zh-CN, yue-CN or en-US")]
pub struct UnknownLanguage;
