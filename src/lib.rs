//! hotline: an open backend for public telephone hotlines.
pub mod member;
pub mod secret;
pub mod speech;
