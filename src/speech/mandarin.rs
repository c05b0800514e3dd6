//! Mandarin: values into spoken units.
