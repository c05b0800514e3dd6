//! hotline: an open backend for public telephone hotlines.
pub mod call;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dialog;
pub mod fault;
pub mod keys;
pub mod member;
pub mod secret;
pub mod server;
pub mod service;
pub mod speech;
pub mod store;
pub mod telemetry;
pub mod telephony;
