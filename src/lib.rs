//! hotline: an open backend for public telephone hotlines.
pub mod call;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dialog;
pub mod fault;
pub mod member;
pub mod secret;
pub mod speech;
pub mod telephony;
