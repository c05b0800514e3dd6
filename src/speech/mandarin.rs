//! Mandarin: values into spoken units.

use super::prompt::Value;
use super::words::Words;

/// Says any value.
pub fn value(value: &Value, words: &mut Words<'_>) {
    let _ = (value, words);
}
