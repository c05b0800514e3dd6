//! Reading what a member has: one transaction reads, writes the audit row and keeps the answer.

use super::{Services, Trouble};
use crate::call::caller::Call;
use crate::dialog::{Answer, Service, SignedIn};
use crate::store::audit::Event;
use crate::store::effects::{Known, TurnKey};

impl Services {
    pub(super) async fn personal_balance(
        &self,
        call: &Call,
        turn: &TurnKey,
        proof: SignedIn,
    ) -> Result<Answer, Trouble> {
        self.read(call, turn, proof, Service::PersonalBalance).await
    }

    pub(super) async fn pooled_fund(&self, call: &Call, turn: &TurnKey, proof: SignedIn) -> Result<Answer, Trouble> {
        self.read(call, turn, proof, Service::PooledFund).await
    }

    async fn read(&self, call: &Call, turn: &TurnKey, proof: SignedIn, service: Service) -> Result<Answer, Trouble> {
        let seals = self.store.seals();
        let member = proof.member();
        let request = seals.request(&[b"read", service.name().as_bytes(), &member.0]);
        let caller = seals.caller(call);
        let turn = turn.clone();
        let job = self.store.write(move |mut tx| {
            Box::pin(async move {
                // By the store's clock, which also told when the sign-in ends: what was read before is not told again
                // after it either.
                if !proof.holds(tx.now()) {
                    return Ok(None);
                }
                match tx.known(&turn, &request).await? {
                    Known::Ended => return Ok(Some(Answer::CallEnded)),
                    Known::Other => return Ok(Some(Answer::Superseded)),
                    Known::Answered(answer) => return Ok(Some(answer)),
                    // Begun and finished in this one transaction: the one is never there without the other.
                    Known::Begun | Known::New { .. } => {}
                }
                let (answer, event) = match service {
                    Service::PersonalBalance => {
                        (Answer::PersonalBalance(tx.personal_account(member).await?), Event::ReadPersonalBalance)
                    }
                    Service::PooledFund => (Answer::PooledFund(tx.pooled_fund(member).await?), Event::ReadPooledFund),
                };
                tx.begin(&turn, &request).await?;
                tx.finish(&turn, &answer).await?;
                // No audit row, no disclosure: if this fails, the answer goes no further than this block.
                tx.audit(event, &turn, Some(&member.0), caller.as_ref()).await?;
                Ok(Some(answer))
            })
        });
        job.await?.ok_or(Trouble::SignedOut)
    }
}
