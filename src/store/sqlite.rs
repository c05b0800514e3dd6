//! `SQLite`: one connection writes, in groups; a few read.
//!
//! A durable commit costs a flush of the disk, whatever is in it. So jobs queue for the one writer, it takes all that
//! wait, and one commit makes all of them durable before any is answered: the busier the store, the cheaper an effect.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::any::AnyPoolOptions;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor};
use tokio::sync::{mpsc, oneshot};

use super::{Shared, Step, StoreError, Tx};

/// Jobs that may wait; more are turned away at once.
const QUEUE: usize = 1024;
/// Jobs committed together.
const GROUP: usize = 128;

#[derive(Clone)]
pub(super) struct Sqlite {
    jobs: mpsc::Sender<Box<dyn Job>>,
    readers: AnyPool,
}

impl Sqlite {
    pub(super) async fn open(url: &str, shared: Arc<Shared>) -> Result<Self, StoreError> {
        let url = format!("{url}?mode=rwc");
        let mut conn = connect(&url).await?;
        // The migrator is not for a path of secrets: it locks, compares and applies, and says which migration failed.
        super::postgres::MIGRATIONS.run(&mut conn).await.map_err(|_| StoreError::Unavailable("migration failed"))?;
        let readers = AnyPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_millis(500))
            .after_connect(|conn, _| {
                Box::pin(
                    async move { conn.execute("PRAGMA query_only = ON; PRAGMA busy_timeout = 5000").await.map(drop) },
                )
            })
            .connect_lazy(&url)?;
        let (jobs, queue) = mpsc::channel(QUEUE);
        tokio::spawn(Writer { url, conn: Some(conn), shared }.run(queue));
        Ok(Self { jobs, readers })
    }

    pub(super) async fn write<T, J>(&self, job: J) -> Result<T, StoreError>
    where
        T: Send + 'static,
        J: for<'t> FnOnce(Tx<'t>) -> Step<'t, T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.jobs
            .try_send(Box::new(Asked { job: Some(job), done: None, reply }))
            .map_err(|_| StoreError::Unavailable("too many waiting"))?;
        answer.await.unwrap_or(Err(StoreError::Unavailable("the writer is gone")))
    }

    pub(super) async fn reader(&self) -> Result<PoolConnection<Any>, StoreError> {
        Ok(self.readers.acquire().await?)
    }
}

/// A job in the queue, whatever it answers.
trait Job: Send {
    /// Whether nobody waits for it any more: then it is not begun, so that nothing happens behind a caller's back.
    fn is_abandoned(&self) -> bool;
    /// Does it, and keeps what it answers. Whether it succeeded.
    fn run<'t>(&'t mut self, shared: &'t Shared, conn: &'t mut AnyConnection, now: Timestamp) -> Step<'t, ()>;
    /// Gives the answer, now that it is known whether it was committed.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Asked<T, J> {
    job: Option<J>,
    done: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, J> Job for Asked<T, J>
where
    T: Send + 'static,
    J: for<'t> FnOnce(Tx<'t>) -> Step<'t, T> + Send,
{
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run<'t>(&'t mut self, shared: &'t Shared, conn: &'t mut AnyConnection, now: Timestamp) -> Step<'t, ()> {
        Box::pin(async move {
            let Some(job) = self.job.take() else { return Ok(()) };
            let done = shared.run(conn, now, job).await;
            let result = done.as_ref().map(drop).map_err(|e| *e);
            self.done = Some(done);
            result
        })
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let answer = match (self.done, committed) {
            // A job that failed was undone alone, and says why.
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (Some(done), Ok(())) => done,
            (None, Ok(())) => Err(StoreError::Unavailable("not begun")),
        };
        // Who asked may have gone.
        let _ = self.reply.send(answer);
    }
}

struct Writer {
    url: String,
    /// `None` after trouble: the next group connects anew.
    conn: Option<AnyConnection>,
    shared: Arc<Shared>,
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::Receiver<Box<dyn Job>>) {
        let mut group = Vec::with_capacity(GROUP);
        while queue.recv_many(&mut group, GROUP).await > 0 {
            group.retain(|job| !job.is_abandoned());
            if group.is_empty() {
                continue;
            }
            let committed = self.commit(&mut group).await;
            for job in group.drain(..) {
                job.answer(committed);
            }
        }
        if let Some(conn) = self.conn.take() {
            // The last connection to close folds the log into the database; if that fails, the next to open does.
            let _ = conn.close().await;
        }
    }

    /// Does the jobs of `group` in one transaction.
    async fn commit(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => connect(&self.url).await?,
        };
        conn.execute("BEGIN IMMEDIATE").await?;
        let alone = group.len() == 1;
        let now = self.shared.clock.now();
        let mut keep = true;
        for job in group {
            if alone {
                keep = job.run(&self.shared, &mut conn, now).await.is_ok();
                continue;
            }
            conn.execute("SAVEPOINT job").await?;
            if job.run(&self.shared, &mut conn, now).await.is_err() {
                // After some errors (disk full) SQLite has undone the whole transaction already; then this fails, and
                // with it the group.
                conn.execute("ROLLBACK TO job").await?;
            }
            conn.execute("RELEASE job").await?;
        }
        if keep {
            conn.execute("COMMIT").await?;
        } else if conn.execute("ROLLBACK").await.is_err() {
            return Ok(());
        }
        // Only a connection that did all it was told is used again; any other is dropped above, and its transaction
        // with it.
        self.conn = Some(conn);
        Ok(())
    }
}

async fn connect(url: &str) -> Result<AnyConnection, StoreError> {
    let mut conn = AnyConnection::connect(url).await?;
    for setting in [
        "PRAGMA busy_timeout = 5000",
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = ON",
    ] {
        conn.execute(setting).await?;
    }
    Ok(conn)
}
