//! What a turn did, kept so that it is done once: (dialect, call, turn) → what was asked, what was answered.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::Row as _;

use super::crypto::Place;
use super::{StoreError, Tx};
use crate::call::caller::Call;
use crate::dialog::Answer;

/// A turn of a call: what makes an effect the same effect.
#[derive(Clone, Debug)]
pub(crate) struct TurnKey {
    pub dialect: &'static str,
    pub call: Box<str>,
    pub turn: u16,
}

impl TurnKey {
    pub(crate) fn new(call: &Call, turn: u16) -> Self {
        Self { dialect: call.dialect, call: call.id.clone(), turn }
    }

    /// The row an outcome is sealed to. A dialect's name has no bar in it, and the turn's length is fixed.
    fn row(&self) -> Vec<u8> {
        [self.dialect.as_bytes(), b"|", self.call.as_bytes(), b"|", &self.turn.to_be_bytes()].concat()
    }
}

/// What is known of a turn.
#[derive(Debug)]
pub(crate) enum Known {
    /// The call is over: nothing personal is answered any more, not even again.
    Ended,
    /// Something else was asked in this turn.
    Other,
    /// This was asked, and answered so.
    Answered(Answer),
    /// This was asked, and not answered yet: whoever began it has died, or is still at it.
    Begun,
    /// Nothing was asked in this turn.
    New {
        /// PINs tried in the call so far.
        pin_tries: i64,
    },
}

impl Tx<'_> {
    /// What is known of the `turn` in which `request` (a digest) is asked. Holds the call's row until the commit, so
    /// that of two copies of a webhook the second sees what the first did.
    pub(crate) async fn known(&mut self, turn: &TurnKey, request: &[u8; 32]) -> Result<Known, StoreError> {
        let call = sqlx::query(
            "INSERT INTO calls (dialect, call, pin_tries, touched_at) VALUES ($1, $2, 0, $3) \
             ON CONFLICT (dialect, call) DO UPDATE SET touched_at = $3 RETURNING pin_tries, ended_at",
        )
        .bind(turn.dialect)
        .bind(&*turn.call)
        .bind(self.now.as_millisecond())
        .fetch_one(&mut *self.conn)
        .await?;
        let ended = call.try_get::<Option<i64>, _>("ended_at")?.is_some();
        let effect = sqlx::query("SELECT request, outcome FROM effects WHERE dialect = $1 AND call = $2 AND turn = $3")
            .bind(turn.dialect)
            .bind(&*turn.call)
            .bind(i64::from(turn.turn))
            .fetch_optional(&mut *self.conn)
            .await?;
        let Some(effect) = effect else {
            return Ok(if ended { Known::Ended } else { Known::New { pin_tries: call.try_get("pin_tries")? } });
        };
        if effect.try_get::<&[u8], _>("request")? != request {
            return Ok(if ended { Known::Ended } else { Known::Other });
        }
        match effect.try_get::<Option<Vec<u8>>, _>("outcome")? {
            Some(sealed) => {
                let answer: Answer = self.seals.open(outcome(&turn.row()), &sealed)?;
                // The turn that ended the call may be repeated like any other, and says the same: that the PIN was wrong.
                Ok(if ended && answer.is_personal() { Known::Ended } else { Known::Answered(answer) })
            }
            None if ended => Ok(Known::Ended),
            None => Ok(Known::Begun),
        }
    }

    /// What a `request` is answered that was answered before, or is not to be done: for what is done and answered in one
    /// transaction. `None`: it is to be done, and then kept with [`Tx::answer`].
    pub(crate) async fn answered(&mut self, turn: &TurnKey, request: &[u8; 32]) -> Result<Option<Answer>, StoreError> {
        Ok(match self.known(turn, request).await? {
            Known::Ended => Some(Answer::CallEnded),
            Known::Other => Some(Answer::Superseded),
            Known::Answered(answer) => Some(answer),
            Known::Begun | Known::New { .. } => None,
        })
    }

    /// Remembers what `request` was answered, which nobody began in a transaction of its own.
    pub(crate) async fn answer(
        &mut self,
        turn: &TurnKey,
        request: &[u8; 32],
        answer: &Answer,
    ) -> Result<(), StoreError> {
        let sealed = self.seals.seal(outcome(&turn.row()), answer)?;
        self.remember(turn, request, Some(sealed)).await
    }

    /// Remembers that `request` was begun in this turn.
    pub(crate) async fn begin(&mut self, turn: &TurnKey, request: &[u8; 32]) -> Result<(), StoreError> {
        self.remember(turn, request, None).await
    }

    async fn remember(
        &mut self,
        turn: &TurnKey,
        request: &[u8; 32],
        outcome: Option<Vec<u8>>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO effects (dialect, call, turn, request, outcome, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(turn.dialect)
        .bind(&*turn.call)
        .bind(i64::from(turn.turn))
        .bind(request.as_slice())
        .bind(outcome)
        .bind(self.now.as_millisecond())
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Remembers what was answered to the request that was begun in this turn.
    pub(crate) async fn finish(&mut self, turn: &TurnKey, answer: &Answer) -> Result<(), StoreError> {
        let sealed = self.seals.seal(outcome(&turn.row()), answer)?;
        let finished = sqlx::query(
            "UPDATE effects SET outcome = $4 WHERE dialect = $1 AND call = $2 AND turn = $3 AND outcome IS NULL",
        )
        .bind(turn.dialect)
        .bind(&*turn.call)
        .bind(i64::from(turn.turn))
        .bind(sealed)
        .execute(&mut *self.conn)
        .await?;
        // Who asks has just seen it unanswered in this very transaction.
        if finished.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Missing("effects")) }
    }

    /// Counts a PIN tried in the call.
    pub(crate) async fn count_pin(&mut self, turn: &TurnKey) -> Result<(), StoreError> {
        sqlx::query("UPDATE calls SET pin_tries = pin_tries + 1 WHERE dialect = $1 AND call = $2")
            .bind(turn.dialect)
            .bind(&*turn.call)
            .execute(&mut *self.conn)
            .await?;
        Ok(())
    }

    /// A PIN tried in the call was right: only wrong ones use the call's tries up.
    pub(crate) async fn uncount_pin(&mut self, turn: &TurnKey) -> Result<(), StoreError> {
        sqlx::query("UPDATE calls SET pin_tries = pin_tries - 1 WHERE dialect = $1 AND call = $2")
            .bind(turn.dialect)
            .bind(&*turn.call)
            .execute(&mut *self.conn)
            .await?;
        Ok(())
    }

    /// The call is over; told twice, it ended when it was told first.
    pub(crate) async fn end_call(&mut self, dialect: &str, call: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO calls (dialect, call, pin_tries, touched_at, ended_at) VALUES ($1, $2, 0, $3, $3) \
             ON CONFLICT (dialect, call) DO UPDATE SET ended_at = COALESCE(calls.ended_at, $3)",
        )
        .bind(dialect)
        .bind(call)
        .bind(self.now.as_millisecond())
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Forgets effects of calls that ended ten minutes ago, and everything of calls a day after their last turn. By
    /// then no platform repeats a webhook, and a sign-in of the call has long run out.
    pub(crate) async fn sweep_calls(&mut self) -> Result<(), StoreError> {
        let ago = |span| self.now.saturating_sub(span).unwrap_or(Timestamp::MIN).as_millisecond();
        let (ended, day) = (ago(Duration::from_mins(10)), ago(Duration::from_hours(24)));
        sqlx::query(
            "DELETE FROM effects WHERE created_at < $2 OR EXISTS (SELECT 1 FROM calls \
             WHERE calls.dialect = effects.dialect AND calls.call = effects.call AND calls.ended_at < $1)",
        )
        .bind(ended)
        .bind(day)
        .execute(&mut *self.conn)
        .await?;
        sqlx::query("DELETE FROM calls WHERE touched_at < $1").bind(day).execute(&mut *self.conn).await?;
        Ok(())
    }
}

fn outcome(row: &[u8]) -> Place<'_> {
    Place { table: "effects", column: "outcome", row }
}
