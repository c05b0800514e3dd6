//! placeholder until branch member
use super::money::*;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PersonalAccount { pub current_year: Money, pub carried: Money, pub as_of: Date }
impl PersonalAccount { pub fn total(&self) -> Result<Money, MoneyError> { self.current_year.checked_add(self.carried) } }
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PooledFund { pub year: i16, pub deductible: Money, pub deductible_met: Money, pub limit: Option<Money>, pub used: Money, pub as_of: Date }
impl PooledFund { pub fn deductible_left(&self) -> Money { Money::ZERO } pub fn remaining(&self) -> Option<Money> { None } }
