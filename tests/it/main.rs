//! The one integration binary: one file a behaviour.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod flow;
mod support;
