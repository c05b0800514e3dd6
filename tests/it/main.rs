//! One binary for all integration tests: what stands here is a list.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]
mod support;

mod audit;
mod faults;
mod privacy;
mod sign_in;
mod store;
