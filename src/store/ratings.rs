//! What callers said of the service: sums, from which nobody can be told.

use sqlx::Row as _;

use super::effects::TurnKey;
use super::{Store, StoreError, Tx};
use crate::dialog::Rating;

/// How often callers of one line said the same on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rated {
    /// The line.
    pub line: String,
    /// The day, as 2026-07-03.
    pub day: String,
    /// What they said, as [`Grade::as_str`](crate::dialog::Grade::as_str) names it.
    pub grade: String,
    /// Why, as [`Reason::as_str`](crate::dialog::Reason::as_str) names it; empty when they were not asked or did not say.
    pub reason: String,
    /// Whether they had talked to a person.
    pub person: bool,
    /// How often.
    pub count: u64,
}

impl Store {
    /// Every sum, by line, day, grade and reason.
    ///
    /// # Errors
    /// What [`StoreError`] names.
    pub async fn ratings(&self) -> Result<Vec<Rated>, StoreError> {
        self.read(|tx| {
            Box::pin(async move {
                let all = "SELECT line, day, grade, reason, person, given FROM ratings \
                           ORDER BY line, day, grade, reason, person";
                let rows = sqlx::query(all).fetch_all(&mut *tx.conn).await?;
                let rated = |row: &sqlx::any::AnyRow| {
                    Ok(Rated {
                        line: row.try_get("line")?,
                        day: row.try_get("day")?,
                        grade: row.try_get("grade")?,
                        reason: row.try_get("reason")?,
                        person: row.try_get::<i64, _>("person")? != 0,
                        count: row.try_get::<i64, _>("given")?.unsigned_abs(),
                    })
                };
                rows.iter().map(rated).collect()
            })
        })
        .await
    }
}

impl Tx<'_> {
    /// Whether this is the first rating of the call; from now on there was one.
    pub(crate) async fn rate_once(&mut self, turn: &TurnKey) -> Result<bool, StoreError> {
        let first = sqlx::query("UPDATE calls SET rated = 1 WHERE dialect = $1 AND call = $2 AND rated = 0")
            .bind(turn.dialect)
            .bind(&*turn.call)
            .execute(&mut *self.conn)
            .await?;
        Ok(first.rows_affected() == 1)
    }

    /// Adds one to what others said alike. No row is about one call, so none can be laid beside the audit's.
    pub(crate) async fn add_rating(&mut self, rating: &Rating) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO ratings (line, day, grade, reason, person, given) VALUES ($1, $2, $3, $4, $5, 1) \
             ON CONFLICT (line, day, grade, reason, person) DO UPDATE SET given = ratings.given + 1",
        )
        .bind(&*rating.line)
        .bind(rating.day.to_string())
        .bind(rating.grade.as_str())
        .bind(rating.reason.map_or("", |reason| reason.as_str()))
        .bind(i64::from(rating.person))
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}
