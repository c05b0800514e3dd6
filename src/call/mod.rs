//! One call: opens its sealed state, steps the dialog, answers what it asks exactly once, seals the state again.
//!
//! Read [`driver::Driver`] first.

pub mod admission;
pub mod caller;
pub mod driver;
pub mod lines;
pub mod live;
pub mod seal;
