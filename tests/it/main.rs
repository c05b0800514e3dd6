//! The one integration binary: one file a behaviour.

mod flow;
mod support;
