//! One binary for all integration tests, one file a behaviour: what stands here is a list.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod support;

mod abuse;
mod architecture;
mod audit;
mod calls;
mod card;
mod cli;
mod config;
mod details;
mod durability;
mod edge;
mod faults;
mod flow;
mod loss;
mod mutual_aid;
mod policy;
mod privacy;
mod properties;
mod secrets;
mod sign_in;
mod store;
mod voice;
