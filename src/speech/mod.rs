//! Values into words.
pub mod mandarin;
pub mod words;
