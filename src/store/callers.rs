//! Calling numbers that are marked as older callers': by blind index only.

use super::{Store, StoreError, Tx};

impl Store {
    /// Whether the number with this index is marked.
    ///
    /// # Errors
    /// What [`StoreError`] names.
    pub(crate) async fn is_marked(&self, caller: [u8; 32]) -> Result<bool, StoreError> {
        self.read(move |tx| {
            Box::pin(async move {
                let found: Option<i64> = sqlx::query_scalar("SELECT marked_at FROM elder_callers WHERE caller = $1")
                    .bind(caller.as_slice())
                    .fetch_optional(&mut *tx.conn)
                    .await?;
                Ok(found.is_some())
            })
        })
        .await
    }
}

impl Tx<'_> {
    /// Marks the number with this index, or takes the mark away. Whether that changed anything.
    pub(crate) async fn mark_caller(&mut self, caller: &[u8; 32], marked: bool) -> Result<bool, StoreError> {
        let sql = if marked {
            "INSERT INTO elder_callers (caller, marked_at) VALUES ($1, $2) ON CONFLICT (caller) DO NOTHING"
        } else {
            // The second value says nothing here, and is bound all the same.
            "DELETE FROM elder_callers WHERE caller = $1 AND marked_at <= $2"
        };
        let changed = sqlx::query(sql)
            .bind(caller.as_slice())
            .bind(if marked { self.now.as_millisecond() } else { i64::MAX })
            .execute(&mut *self.conn)
            .await?;
        Ok(changed.rows_affected() == 1)
    }
}
