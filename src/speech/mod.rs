//! Values into words.
pub mod catalog;
pub mod language;
pub mod mandarin;
pub mod prompt;
pub mod tempo;
pub mod words;
