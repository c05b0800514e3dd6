//! `PostgreSQL`: a pool, a transaction a job, the database's clock.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, AssertSqlSafe, Connection, Executor};

use super::{Shared, Step, StoreError, StoreSettings, Tx, time_of};

/// The tables, for both engines.
pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("src/store/migrations");

/// How long a database may take to let us in when the hotline starts.
const REACHED_WITHIN: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(super) struct Postgres {
    pool: AnyPool,
}

impl Postgres {
    pub(super) async fn open(url: &str, settings: &StoreSettings) -> Result<Self, StoreError> {
        // A server that is slow gives up by itself, so that its connections come back. The isolation is the default,
        // written down because the conditional updates rely on it: a second one waits for the first and then sees
        // what it left.
        let patience = settings.deadline.as_millis();
        let setup = Arc::<str>::from(format!(
            "SET statement_timeout = {patience}; SET lock_timeout = {patience}; \
             SET idle_in_transaction_session_timeout = {}; SET default_transaction_isolation = 'read committed'",
            4 * patience
        ));
        // One connection by itself first: a pool tries for as long as it may, and then only tells that it has none.
        let first = tokio::time::timeout(REACHED_WITHIN, AnyConnection::connect(url)).await;
        let cannot_be_reached = StoreError::Unavailable("it cannot be reached");
        let first = first.map_err(|_| cannot_be_reached)?.map_err(|trouble| match trouble {
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) => cannot_be_reached,
            other => other.into(),
        })?;
        first.close().await?;
        let pool = AnyPoolOptions::new()
            .max_connections(settings.connections)
            // Who waits so long for a connection has too little left to do anything with it.
            .acquire_timeout(settings.deadline * 5 / 8)
            .after_connect(move |conn, _| {
                let setup = AssertSqlSafe(Arc::clone(&setup));
                Box::pin(async move { conn.execute(setup).await.map(drop) })
            })
            .connect_lazy(url)?;
        MIGRATIONS.run(&pool).await.map_err(|_| StoreError::Unavailable("migration failed"))?;
        Ok(Self { pool })
    }

    pub(super) async fn write<T, J>(&self, shared: &Shared, job: J) -> Result<T, StoreError>
    where
        J: for<'t> FnOnce(Tx<'t>) -> Step<'t, T> + Send,
    {
        let mut tx = self.pool.begin().await?;
        let now = now(&mut tx, shared).await?;
        let done = shared.run(&mut tx, now, job).await?;
        tx.commit().await?;
        Ok(done)
    }

    pub(super) async fn reader(&self) -> Result<PoolConnection<Any>, StoreError> {
        Ok(self.pool.acquire().await?)
    }
}

/// Nodes' clocks differ, the database has one: locks end by it. A clock of tests is moved by hand, so it tells the
/// time here too.
async fn now(conn: &mut AnyConnection, shared: &Shared) -> Result<Timestamp, StoreError> {
    if shared.clock.is_manual() {
        return Ok(shared.clock.now());
    }
    let millis = sqlx::query_scalar("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)");
    Ok(time_of(millis.fetch_one(conn).await?))
}
