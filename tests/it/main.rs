//! The one integration binary: one file a behaviour.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod architecture;
mod calls;
mod cli;
mod config;
mod durability;
mod edge;
mod flow;
mod properties;
mod secrets;
mod support;
mod voice;
