//! hotline: an open backend for public telephone hotlines.
pub mod cli {
    //! The commands.
    pub mod say;
}
pub mod member;
pub mod secret;
pub mod speech;
