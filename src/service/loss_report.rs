//! 临时挂失: a report that a card is lost is made, renewed, taken back by telephone, and lapses by itself.
//!
//! One transaction holds the card, looks at what is reported of it, changes that, and keeps answer and audit row. Of two
//! calls at once the second finds what the first did and is told so: nothing is done twice.

use super::{Services, Trouble};
use crate::call::caller::Call;
use crate::dialog::{Answer, LossOutcome, SignedIn};
use crate::member::MemberId;
use crate::member::card::LossTerm;
use crate::store::audit::Event;
use crate::store::effects::TurnKey;
use crate::store::{StoreError, Tx};

/// Reports that lapse in one transaction.
const BATCH: u16 = 100;
/// What a batch may take: it is nobody's call.
const BATCH_DEADLINE: std::time::Duration = std::time::Duration::from_secs(30);

/// What is done about a report.
#[derive(Clone, Copy)]
pub(super) enum Loss {
    Report(LossTerm),
    Renew(LossTerm),
    Release,
}

impl Loss {
    /// What tells it from others in its place.
    fn name(self) -> &'static [u8] {
        match self {
            Self::Report(_) => b"report",
            Self::Renew(_) => b"renew",
            Self::Release => b"release",
        }
    }

    fn event(self) -> Event {
        match self {
            Self::Report(_) => Event::LossReported,
            Self::Renew(_) => Event::LossRenewed,
            Self::Release => Event::LossReleased,
        }
    }
}

impl Services {
    pub(super) async fn loss(
        &self,
        call: &Call,
        turn: &TurnKey,
        proof: SignedIn,
        what: Loss,
    ) -> Result<Answer, Trouble> {
        let seals = self.store.seals();
        let member = proof.member();
        // Not by the term: a line that is loaded anew between two copies of a webhook makes no other request of it.
        let request = seals.request(&[b"loss", what.name(), &member.0]);
        let caller = seals.caller(call);
        let turn = turn.clone();
        let job = self.store.write(move |mut tx| {
            Box::pin(async move {
                if !proof.holds(tx.now()) {
                    return Ok(None);
                }
                if let Some(answer) = tx.answered(&turn, &request).await? {
                    return Ok(Some(answer));
                }
                let Done { outcome, lapsed } = what.to(member, &mut tx).await?;
                let event = match outcome {
                    LossOutcome::Done(_) => what.event(),
                    // Told what it is, and that is all.
                    LossOutcome::NotDone(_) => Event::ReadCardStatus,
                };
                let answer = Answer::Loss(outcome);
                tx.answer(&turn, &request, &answer).await?;
                if lapsed {
                    tx.audit(Event::LossLapsed, &by_itself(), Some(&member.0), None);
                }
                tx.audit(event, &turn, Some(&member.0), caller.as_ref());
                Ok(Some(answer))
            })
        });
        job.await?.ok_or(Trouble::SignedOut)
    }

    /// Lets reports lapse whose time is over, each with its audit row; how many. Run every minute, on every node.
    ///
    /// # Errors
    /// What [`StoreError`] names; the next run does what this one did not.
    pub async fn lapse_losses(&self) -> Result<usize, StoreError> {
        let mut all = 0;
        loop {
            let (seen, lapsed) = self
                .store
                .write_within(BATCH_DEADLINE, |mut tx| {
                    Box::pin(async move {
                        let (seen, lapsed) = tx.lapse_losses(BATCH).await?;
                        // Rows first, audit last, as calls do it: so nobody waits for both at once.
                        for member in &lapsed {
                            tx.audit(Event::LossLapsed, &by_itself(), Some(&member.0), None);
                        }
                        Ok((seen, lapsed.len()))
                    })
                })
                .await?;
            all += lapsed;
            if seen < usize::from(BATCH) {
                return Ok(all);
            }
        }
    }
}

/// What was done about a report.
struct Done {
    outcome: LossOutcome,
    /// Whether an earlier report lapsed first, which nobody had come to write down yet.
    lapsed: bool,
}

impl Loss {
    async fn to(self, member: MemberId, tx: &mut Tx<'_>) -> Result<Done, StoreError> {
        let Some(held) = tx.hold_card(member).await? else {
            return Ok(Done { outcome: LossOutcome::NotDone(None), lapsed: false });
        };
        let now = tx.now();
        let lapsed = matches!(self, Self::Report(_)) && tx.lapse_loss(&held).await?;
        let done = match self {
            Self::Report(term) if held.card.can_be_reported() => tx.report_loss(&held, term.until(now)).await?,
            Self::Report(_) => None,
            Self::Renew(term) => tx.renew_loss(&held, term.until(now)).await?,
            Self::Release => tx.release_loss(&held).await?,
        };
        let outcome = match done {
            Some(card) => LossOutcome::Done(card),
            // Read again: another call may have made the report that was in the way of this one.
            None => LossOutcome::NotDone(tx.card(member).await?),
        };
        Ok(Done { outcome, lapsed })
    }
}

/// What an audit row says of something nobody asked for.
fn by_itself() -> TurnKey {
    TurnKey { dialect: "clock", call: "loss-reports".into(), turn: 0 }
}
