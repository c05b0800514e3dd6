//! Values into words.
pub mod catalog;
pub mod chinese;
pub mod clip;
pub mod english;
pub mod language;
pub mod measure;
pub mod prompt;
pub mod tempo;
pub mod words;
