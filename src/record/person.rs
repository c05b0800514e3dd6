//! Somebody a call was about, as far as it was about them: nothing of it is theirs but the words of closed vocabularies.

use super::shift::Shift;
use super::take::Why;
use crate::dialog::Answer;
use crate::member::account::{CardStatus, Coverage, Movements, PersonalAccount, PooledFund, Scheme, StatementEntry};
use crate::member::mutual_aid::MutualAid;
use crate::member::{MemberId, MemberKey};

/// Somebody whose number was keyed. Amounts and days are shifted as they are learnt.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// The keyed indexes of numbers that were keyed for them: forgotten with the call.
    pub(super) keys: Vec<MemberKey>,
    /// Who they are to the store, likewise; known when they have signed in.
    pub(super) member: Option<MemberId>,
    /// They were found to be the person of this place in the call.
    pub same_as: Option<usize>,
    /// Whether the ID number ends in X.
    pub ends_in_x: bool,
    /// How many digits of the card number were keyed.
    pub card_length: Option<u8>,
    /// How many digits of the personal number were keyed.
    pub personal_length: Option<u8>,
    /// Whether they have a card, as far as that was told.
    pub has_card: Option<bool>,
    /// Whether they are of an age at which the line speaks slowly.
    pub elder: bool,
    /// What the PIN was found to be.
    pub pin: PinFound,
    /// The scheme, where it was told by what somebody of it has not.
    pub scheme: Option<Scheme>,
    /// 个人账户.
    pub account: Option<PersonalAccount>,
    /// 统筹基金.
    pub fund: Option<PooledFund>,
    /// How they are insured.
    pub coverage: Option<Coverage>,
    /// What moved on the account, as far as it was told, in no order.
    pub statement: Vec<StatementEntry>,
    /// The lists that go on behind what was told of them, and how many movements that was.
    pub more: Vec<(Movements, usize)>,
    /// The lists that were told to their end.
    pub ended: Vec<Movements>,
    /// 家庭共济.
    pub aid: Option<MutualAid>,
    /// The card as the register has it.
    pub card: Option<CardStatus>,
    /// Whether the card was reported lost in this call.
    pub reported: bool,
}

/// What a PIN was found to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PinFound {
    /// One of their own, as far as is known.
    #[default]
    Chosen,
    /// One that was given out; with a second number it leads to another.
    Initial,
    /// The same, of who has no second number.
    InitialAlone,
}

impl Person {
    /// Learns what was told of them. `page` is the one that was asked for.
    pub(super) fn learn(&mut self, answer: &Answer, page: Option<(Movements, u8)>, shift: &Shift) -> Result<(), Why> {
        match answer {
            Answer::PersonalBalance(Some(account)) => {
                self.account = Some(shift.account(account).ok_or(Why::Unclear)?);
            }
            Answer::PersonalBalance(None) | Answer::Transactions(None) | Answer::MutualAid(None) => {
                self.scheme = Some(Scheme::Resident);
            }
            Answer::PooledFund(fund, coverage) => {
                self.fund = Some(shift.fund(fund).ok_or(Why::Unclear)?);
                self.coverage = Some(shift.coverage(*coverage));
            }
            Answer::Coverage(coverage) => self.coverage = Some(shift.coverage(*coverage)),
            Answer::MutualAid(Some(aid)) => self.aid = Some(shift.aid(aid)),
            Answer::Transactions(Some(told)) => {
                for entry in &told.entries {
                    let entry = shift.entry(entry);
                    if !self.statement.contains(&entry) {
                        self.statement.push(entry);
                    }
                }
                if let Some((which, page)) = page {
                    // Where more follow, the pages before were as long.
                    self.turned_to(which, told.entries.len() * (usize::from(page) + 1), told.more);
                }
            }
            Answer::Card(None) => self.has_card = Some(false),
            Answer::Card(Some(card)) => {
                self.has_card = Some(true);
                match card.report {
                    // Made before this call: no register tells of it.
                    Some(_) if !self.reported => return Err(Why::Earlier),
                    Some(_) => {}
                    None => drop(self.card.get_or_insert(card.status)),
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn turned_to(&mut self, which: Movements, told: usize, more: bool) {
        let before = self.more.iter().find(|(list, _)| *list == which).map_or(0, |(_, told)| *told);
        self.more.retain(|(list, _)| *list != which);
        if self.ended.contains(&which) {
            return;
        }
        if more {
            self.more.push((which, told.max(before)));
        } else {
            self.ended.push(which);
        }
    }
}
