//! What has to do with people: ratings, and numbers that are marked as older callers'.

use std::time::Duration;

use super::{Services, Trouble};
use crate::call::caller::{Call, Caller};
use crate::dialog::{Answer, Rating};
use crate::store::StoreError;
use crate::store::audit::Event;
use crate::store::effects::TurnKey;

impl Services {
    /// Keeps `rating`, the first of its call. That there was one is audited with the call; what it was stands nowhere
    /// with it.
    pub(super) async fn rate(&self, turn: &TurnKey, rating: Rating) -> Result<Answer, Trouble> {
        // Not the day: a copy of the webhook may come after midnight.
        let reason = rating.reason.map_or("", |reason| reason.as_str());
        let seals = self.store.seals();
        let request = seals.request(&[
            b"rate",
            rating.line.as_bytes(),
            rating.grade.as_str().as_bytes(),
            reason.as_bytes(),
            &[u8::from(rating.person)],
        ]);
        let turn = turn.clone();
        let job = self.store.write(move |mut tx| {
            Box::pin(async move {
                if let Some(answer) = tx.answered(&turn, &request).await? {
                    return Ok(answer);
                }
                let answer = if tx.rate_once(&turn).await? {
                    tx.add_rating(&rating).await?;
                    tx.audit(Event::Rated, &turn, None, None);
                    Answer::Rated(rating.grade)
                } else {
                    Answer::Superseded
                };
                tx.answer(&turn, &request, &answer).await?;
                Ok(answer)
            })
        });
        Ok(job.await?)
    }

    /// Whether the calling number is marked, for all that is known `within` that time: a call does not wait for more.
    pub async fn is_marked(&self, call: &Call, within: Duration) -> bool {
        let Some(caller) = self.store.seals().marked_caller(&call.caller) else { return false };
        match tokio::time::timeout(within, self.store.is_marked(caller)).await {
            Ok(Ok(marked)) => marked,
            Ok(Err(trouble)) => {
                tracing::warn!(dialect = call.dialect, %trouble, "calling number not looked up");
                false
            }
            Err(_) => {
                tracing::warn!(dialect = call.dialect, "calling number not looked up in time");
                false
            }
        }
    }

    /// Marks `caller` as an older caller's number, or takes the mark away, by order of `operator`. Whether that changed
    /// anything; only then it is audited.
    ///
    /// # Errors
    /// What [`StoreError`] names.
    pub async fn mark_caller(&self, caller: &Caller, marked: bool, operator: &str) -> Result<bool, StoreError> {
        let Some(caller) = self.store.seals().marked_caller(caller) else { return Ok(false) };
        let turn = TurnKey { dialect: "operator", call: operator.into(), turn: 0 };
        self.store
            .write(move |mut tx| {
                Box::pin(async move {
                    let changed = tx.mark_caller(&caller, marked).await?;
                    if changed {
                        let event = if marked { Event::CallerMarked } else { Event::CallerUnmarked };
                        tx.audit(event, &turn, None, Some(&caller));
                    }
                    Ok(changed)
                })
            })
            .await
    }
}
