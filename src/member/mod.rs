//! Who calls and what they have.
pub mod money;
