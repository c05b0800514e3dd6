//! What must outlive a turn, in `SQLite` or `PostgreSQL`.
//!
//! | table | holds | readable without the key ring |
//! |---|---|---|
//! | `members` | a person's record and PIN, by the blind index of their ID number | nothing |
//! | `identifiers` | which numbers (as blind indexes) mean which member | who shares a card key |
//! | `accounts`, `transactions` | what they have and what moved | how many rows |
//! | `loss_reports` | which card was reported lost by telephone, and until when | when reports lapse |
//! | `throttle`, `throttle_callers` | tries taken, by person *whether or not they exist*, and by person and caller | counts and times |
//! | `messages` | what callers left: its kind, how far staff are, number and recording sealed | kinds, states and times |
//! | `message_looks` | tries at numbers of messages that there are not, by caller and by call | counts and times |
//! | `calls` | that a call is, how many PINs it tried, that it was rated, that it ended | the platform's call ids |
//! | `ratings` | what callers said, in sums by line and day | all: nobody is in it |
//! | `elder_callers` | numbers marked as older callers', by blind index | how many |
//! | `effects` | (call, turn) → what was asked (keyed digest) and answered (sealed) | which turns had effects |
//! | `audit`, `audit_chains` | who did what when, each row chained to the one before | events, times, blind indexes |
//!
//! Everything is a job on one transaction ([`Tx`]): counters, effect and audit row are written together or not at all.
//! [`sqlite`] commits jobs in groups, [`postgres`] one by one; the SQL is the same. Every job has a deadline and ends as
//! [`StoreError::Unavailable`] rather than late; the next one finds the store again by itself.

use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::{AnyConnection, Row as _};

use crate::clock::Clock;
use crate::keys::KeyRing;

pub mod audit;
mod callers;
pub mod crypto;
pub mod effects;
mod losses;
pub mod members;
pub mod messages;
mod postgres;
pub mod ratings;
mod sqlite;
pub mod throttle;

use crypto::Seals;

/// Why the store did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It is away, busy, full, or late. Trying again may do.
    #[error("the store is unavailable: {0}")]
    Unavailable(&'static str),
    /// A row of this table does not open: wrong key ring, or somebody changed it.
    #[error("a row of {0} cannot be read")]
    Unreadable(&'static str),
    /// A value for this table cannot be sealed.
    #[error("a row of {0} cannot be written")]
    Unwritable(&'static str),
    /// A row that must be there is not.
    #[error("a row of {0} is missing")]
    Missing(&'static str),
}

impl From<sqlx::Error> for StoreError {
    /// Database errors quote values, so only their class goes on.
    fn from(error: sqlx::Error) -> Self {
        Self::Unavailable(match error {
            sqlx::Error::Database(error) => match error.code().as_deref() {
                Some("13" | "53100") => "disk full",
                Some("5" | "6" | "261" | "517" | "55P03") => "locked",
                Some("57014") => "statement too slow",
                _ => "database error",
            },
            sqlx::Error::PoolTimedOut => "no free connection",
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) => "connection lost",
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
                "unexpected column"
            }
            _ => "driver error",
        })
    }
}

/// Which store, and how patient with it.
#[derive(Clone)]
pub struct StoreSettings {
    /// `sqlite:///var/lib/hotline/hotline.db` or `postgres://…`.
    pub url: crate::secret::Secret,
    /// This node's name: each node keeps an audit chain of its own, so that nodes do not wait for each other.
    pub node: Box<str>,
    /// The longest a job of a call may take.
    pub deadline: Duration,
    /// Connections to `PostgreSQL`.
    pub connections: u32,
}

impl StoreSettings {
    /// `SQLite` in the file at `path`.
    #[must_use]
    pub fn sqlite(path: &Path) -> Self {
        // What a URL gives a meaning to, and what the driver decodes.
        const SPECIAL: &percent_encoding::AsciiSet =
            &percent_encoding::CONTROLS.add(b' ').add(b'%').add(b'?').add(b'#').add(b'"').add(b'<').add(b'>').add(b'`');
        let mut url = String::from("sqlite://");
        url.extend(percent_encoding::utf8_percent_encode(&path.to_string_lossy(), SPECIAL));
        Self::url(url)
    }

    /// The store at `url`.
    #[must_use]
    pub fn url(url: impl Into<String>) -> Self {
        Self {
            url: crate::secret::Secret::new(url),
            node: "node".into(),
            deadline: Duration::from_millis(800),
            connections: 16,
        }
    }
}

impl fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreSettings")
            .field("node", &self.node)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// The store. Clones share it.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
    shared: Arc<Shared>,
}

#[derive(Clone)]
enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

/// What every job needs beside a connection.
struct Shared {
    seals: Seals,
    clock: Clock,
    node: Box<str>,
    deadline: Duration,
}

/// A step of a job: boxed, because closures cannot yet promise futures that may change threads.
pub(crate) type Step<'t, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 't>>;

/// One transaction of one job. What can be done in it stands beside what it is about: [`throttle`], [`effects`],
/// [`members`], [`audit`].
pub(crate) struct Tx<'t> {
    conn: &'t mut AnyConnection,
    seals: &'t Seals,
    now: Timestamp,
    /// What is to be audited.
    entries: &'t mut Vec<audit::Entry>,
}

impl Store {
    /// Opens the store, brings its tables up to date, and from then on keeps it open.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn open(settings: &StoreSettings, keys: Arc<KeyRing>, clock: Clock) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let shared = Arc::new(Shared {
            seals: Seals::new(keys),
            clock,
            node: settings.node.clone(),
            deadline: settings.deadline,
        });
        let url = settings.url.expose();
        let engine = if url.starts_with("sqlite:") {
            Engine::Sqlite(sqlite::Sqlite::open(url, Arc::clone(&shared)).await?)
        } else {
            Engine::Postgres(postgres::Postgres::open(url, settings).await?)
        };
        Ok(Self { engine, shared })
    }

    /// Seals, opens and indexes as this store does.
    #[must_use]
    pub fn seals(&self) -> &Seals {
        &self.shared.seals
    }

    /// The clock of this node.
    pub(crate) fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Does `job` in one transaction and commits it, within the deadline of calls.
    pub(crate) async fn write<T, J>(&self, job: J) -> Result<T, StoreError>
    where
        T: Send + 'static,
        J: for<'t> FnOnce(Tx<'t>) -> Step<'t, T> + Send + 'static,
    {
        self.write_within(self.shared.deadline, job).await
    }

    /// Does `job` in one transaction and commits it, within `deadline`. What was not committed by then may still be: a
    /// job that must happen once finds by its effect that it did.
    pub(crate) async fn write_within<T, J>(&self, deadline: Duration, job: J) -> Result<T, StoreError>
    where
        T: Send + 'static,
        J: for<'t> FnOnce(Tx<'t>) -> Step<'t, T> + Send + 'static,
    {
        let done = async {
            match &self.engine {
                Engine::Sqlite(sqlite) => sqlite.write(job).await,
                Engine::Postgres(postgres) => postgres.write(&self.shared, job).await,
            }
        };
        tokio::time::timeout(deadline, done).await.unwrap_or(Err(StoreError::Unavailable("too slow")))
    }

    /// Does `job`, which writes nothing, beside the writing.
    pub(crate) async fn read<T, J>(&self, job: J) -> Result<T, StoreError>
    where
        T: Send + 'static,
        J: for<'t> FnOnce(Tx<'t>) -> Step<'t, T> + Send + 'static,
    {
        let mut conn = match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.reader().await?,
            Engine::Postgres(postgres) => postgres.reader().await?,
        };
        let now = self.shared.clock.now();
        let mut entries = Vec::new();
        let read = job(self.shared.tx(&mut conn, now, &mut entries)).await;
        debug_assert!(entries.is_empty(), "what is audited is written");
        read
    }

    /// Whether nothing is kept here that only one key ring reads: neither members nor audit.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        self.read(|tx| {
            Box::pin(async move {
                let kept = "SELECT (SELECT COUNT(*) FROM members) + (SELECT COUNT(*) FROM audit)";
                let kept: i64 = sqlx::query_scalar(kept).fetch_one(tx.conn).await?;
                Ok(kept == 0)
            })
        })
        .await
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        let ping = self.read(|tx| {
            Box::pin(async move {
                sqlx::query("SELECT 1").execute(tx.conn).await?;
                Ok(())
            })
        });
        tokio::time::timeout(self.shared.deadline, ping).await.unwrap_or(Err(StoreError::Unavailable("too slow")))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.engine {
            Engine::Sqlite(_) => "Store(SQLite)",
            Engine::Postgres(_) => "Store(PostgreSQL)",
        })
    }
}

impl Shared {
    /// Does `job` at `now` in the transaction that `conn` is in, and then writes what it left to be audited.
    async fn run<T, J>(&self, conn: &mut AnyConnection, now: Timestamp, job: J) -> Result<T, StoreError>
    where
        J: for<'t> FnOnce(Tx<'t>) -> Step<'t, T> + Send,
    {
        let mut entries = Vec::new();
        let done = job(self.tx(conn, now, &mut entries)).await?;
        audit::append(conn, self, now, &entries).await?;
        Ok(done)
    }

    fn tx<'t>(&'t self, conn: &'t mut AnyConnection, now: Timestamp, entries: &'t mut Vec<audit::Entry>) -> Tx<'t> {
        Tx { conn, seals: &self.seals, now, entries }
    }
}

impl Tx<'_> {
    /// When this transaction is.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Seals, opens and indexes as this store does.
    pub(crate) fn seals(&self) -> &Seals {
        self.seals
    }
}

/// The 32 bytes of a key column.
fn key_of(row: &sqlx::any::AnyRow, column: &str) -> Result<[u8; 32], StoreError> {
    row.try_get::<&[u8], _>(column)?.try_into().map_err(|_| StoreError::Unavailable("unexpected column"))
}

/// A time as it is stored.
fn time_of(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(if millis < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
