//! Who calls and what they have.
pub mod card_number;
pub mod id_number;
pub mod money;
pub mod personal_number;
pub mod tail;
