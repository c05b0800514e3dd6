//! One binary for all integration tests, one file a behaviour: what stands here is a list.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod support;

mod audit;
mod faults;
mod flow;
mod privacy;
mod sign_in;
mod store;
