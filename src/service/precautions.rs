//! What is done while sign-ins look like an attack: a challenge before the PIN, or nobody signs in.
//!
//! Nothing of it is stored: a level is this node's, in memory, and the digits of a challenge follow from the call and its
//! turn, so a repeated webhook hears the same. If the level changed between two copies of one, they may differ: neither
//! has any effect.

use super::Services;
use super::spray::Change;
use crate::dialog::{Answer, Guard};
use crate::member::Identifier;
use crate::member::tail::Tail;
use crate::store::audit::Event;
use crate::store::effects::TurnKey;

impl Services {
    /// The key of a number. Nothing is looked up; that it was entered is seen.
    pub(super) async fn identify(&self, identifier: &Identifier) -> Answer {
        self.level_changed(self.spray.number(self.store.clock().now(), identifier)).await;
        Answer::Identified(self.store.seals().member_key(identifier))
    }

    /// What stands before the PIN now.
    pub(super) async fn guard(&self, turn: &TurnKey) -> Answer {
        Answer::Guard(match self.spray.level() {
            0 | 1 => Guard::Open,
            2 => match self.digits(turn) {
                Some(digits) => {
                    self.level_changed(self.spray.challenge(self.store.clock().now())).await;
                    Guard::Challenge(digits)
                }
                None => Guard::Open,
            },
            _ => Guard::Closed,
        })
    }

    /// Four digits from 1 to 9 that nobody can tell beforehand. 0 is left out: alone it is a person.
    fn digits(&self, turn: &TurnKey) -> Option<Tail> {
        let parts = [b"challenge", turn.dialect.as_bytes(), turn.call.as_bytes(), &turn.turn.to_be_bytes()];
        let mac = self.store.seals().request(&parts);
        let first: [u8; Tail::LENGTH] = *mac.first_chunk()?;
        Tail::try_from(first.map(|byte| b'1' + byte % 9)).ok()
    }

    /// Tells the log and the audit. Who calls waits for neither more than for any other row; if the store is away, the
    /// level holds all the same.
    pub(super) async fn level_changed(&self, change: Option<Change>) {
        let Some(Change { from, to, signal }) = change else { return };
        let signal = signal.name();
        if to > from {
            tracing::warn!(from, to, signal, "sign-ins look like an attack: precautions raised");
        } else {
            tracing::warn!(from, to, "sign-ins have calmed down: precautions lowered");
        }
        let turn = TurnKey { dialect: "spray", call: signal.into(), turn: to.into() };
        let written = self.store.write(move |mut tx| {
            Box::pin(async move {
                tx.audit(Event::SprayLevel(to), &turn, None, None);
                Ok(())
            })
        });
        if let Err(trouble) = written.await {
            tracing::warn!(%trouble, to, "level not audited");
        }
    }
}
