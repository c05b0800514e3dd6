//! Who calls and what they have.
pub mod money;
pub mod tail;
pub mod account;
use serde::{Deserialize, Serialize};
use crate::secret::Key;
use jiff::civil::Date;
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum IdentifierKind { Id, Card, Personal }
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MemberKey { pub kind: IdentifierKind, pub index: [u8; 32] }
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MemberId(pub [u8; 32]);
#[derive(Clone, Debug)]
pub enum Identifier { Id(IdNumber), Card(CardNumber), Personal(PersonalNumber) }
impl Identifier { pub fn kind(&self) -> IdentifierKind { IdentifierKind::Id } pub fn tail(&self) -> tail::Tail { tail::Tail::of("0000").unwrap() } pub fn canonical(&self) -> &str { "" } }
#[derive(Clone, Debug)] pub struct IdNumber; #[derive(Clone, Debug)] pub struct CardNumber; #[derive(Clone, Debug)] pub struct PersonalNumber;
#[derive(Clone, Copy, Debug)] pub enum IdNumberError { Length(usize), Characters, Province, Date, Check }
impl IdNumber { pub fn from_keys(_: &[Key], _: Date) -> Result<Self, IdNumberError> { Ok(Self) } }
