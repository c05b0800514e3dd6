//! Reading what a member has: one transaction reads, writes the audit row and keeps the answer.

use super::{Services, Trouble};
use crate::call::caller::Call;
use crate::dialog::{Answer, SignedIn};
use crate::member::MemberId;
use crate::member::account::{Movements, PageSize};
use crate::store::audit::Event;
use crate::store::effects::TurnKey;
use crate::store::{StoreError, Tx};

/// What is read.
#[derive(Clone, Copy)]
pub(super) enum Read {
    PersonalBalance,
    PooledFund,
    /// A page, counted from 0.
    Transactions(Movements, PageSize, u8),
    Coverage,
    MutualAid,
    Card,
}

impl Read {
    /// What tells this reading from others in its place.
    fn name(self) -> Vec<u8> {
        match self {
            Self::PersonalBalance => b"personal-balance".into(),
            Self::PooledFund => b"pooled-fund".into(),
            Self::Transactions(which, size, page) => {
                let size = match size {
                    PageSize::Three => b".3.",
                    PageSize::One => b".1.",
                };
                [b"details.", which.as_str().as_bytes(), size, &[page]].concat()
            }
            Self::Coverage => b"status".into(),
            Self::MutualAid => b"mutual-aid".into(),
            Self::Card => b"card-status".into(),
        }
    }

    fn event(self) -> Event {
        match self {
            Self::PersonalBalance => Event::ReadPersonalBalance,
            Self::PooledFund => Event::ReadPooledFund,
            Self::Transactions(..) => Event::ReadTransactions,
            Self::Coverage => Event::ReadStatus,
            Self::MutualAid => Event::ReadMutualAid,
            Self::Card => Event::ReadCardStatus,
        }
    }

    async fn of(self, member: MemberId, tx: &mut Tx<'_>) -> Result<Answer, StoreError> {
        Ok(match self {
            Self::PersonalBalance => Answer::PersonalBalance(tx.personal_account(member).await?),
            Self::PooledFund => Answer::PooledFund(tx.pooled_fund(member).await?, tx.coverage(member).await?),
            Self::Transactions(which, size, page) => {
                Answer::Transactions(tx.statement(member, which, size, page).await?)
            }
            Self::Coverage => Answer::Coverage(tx.coverage(member).await?),
            Self::MutualAid => Answer::MutualAid(tx.mutual_aid(member).await?),
            Self::Card => Answer::Card(tx.card(member).await?),
        })
    }
}

impl Services {
    pub(super) async fn read(
        &self,
        call: &Call,
        turn: &TurnKey,
        proof: SignedIn,
        read: Read,
    ) -> Result<Answer, Trouble> {
        let seals = self.store.seals();
        let member = proof.member();
        let request = seals.request(&[b"read", &read.name(), &member.0]);
        let caller = seals.caller(call);
        let turn = turn.clone();
        let job = self.store.write(move |mut tx| {
            Box::pin(async move {
                // By the store's clock, which also told when the sign-in ends: what was read before is not told again
                // after it either.
                if !proof.holds(tx.now()) {
                    return Ok(None);
                }
                if let Some(answer) = tx.answered(&turn, &request).await? {
                    return Ok(Some(answer));
                }
                let answer = read.of(member, &mut tx).await?;
                tx.answer(&turn, &request, &answer).await?;
                // No audit row, no disclosure: if this fails, the answer goes no further than this block.
                tx.audit(read.event(), &turn, Some(&member.0), caller.as_ref());
                Ok(Some(answer))
            })
        });
        job.await?.ok_or(Trouble::SignedOut)
    }
}
