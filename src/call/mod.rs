//! One call: opens its sealed state, steps the dialog, answers what it asks exactly once, seals the state again.
pub mod caller;
