//! One binary for all integration tests: what stands here is a list.
mod support;

mod audit;
mod faults;
mod privacy;
mod sign_in;
mod store;
