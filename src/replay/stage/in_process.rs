//! A hotline in this process, for one call: the real one, but for its clock.

mod accounts;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use sqlx::{AnyConnection, Connection, Executor, Row};
use tower::ServiceExt;

use super::log::Log;
use super::set::Set;
use crate::call::caller::{Call, Caller};
use crate::call::seal::Seal;
use crate::clock::Clock;
use crate::dialog::State;
use crate::dialog::explore::{self, Rule};
use crate::replay::phone::{Answer, Webhook};
use crate::replay::play::Stage;
use crate::replay::transcript::{Dialect, Fault, From, Header, Truth};
use crate::server::App;
use crate::store::{Store, StoreSettings};
use crate::telephony::browser::Peer;

/// The largest answer that is read.
const ANSWER: usize = 1 << 20;

/// Numbers the databases of calls.
static CALLS: AtomicU64 = AtomicU64::new(0);

/// A hotline in this process.
pub struct InProcess {
    set: Set,
    clock: Clock,
    seal: Seal,
    store: StoreSettings,
    database: PathBuf,
    app: App,
    /// Holds the store, while it is away.
    holder: Option<AnyConnection>,
    /// Audit rows before the first call: what was done to prepare it.
    audited: HashMap<String, i64>,
    /// Where values must not be seen: what is logged and answered, kept only if somebody will ask.
    watched: Option<(Log, String)>,
    /// The values that must not be seen, by name.
    secrets: Vec<(String, String)>,
    /// What will be asked of members' data, and how that was before the first call.
    asked: Vec<accounts::Asked>,
}

impl InProcess {
    /// A hotline as `set` says, with a database of its own in `folder`, at the clock of `header`. `secrets` are the digits
    /// that may be asked for by name; none when nobody will.
    ///
    /// # Errors
    /// There is no room for the database.
    pub async fn open(
        set: &Set,
        folder: &Path,
        header: &Header,
        secrets: Vec<(String, String)>,
    ) -> Result<Self, String> {
        let number = CALLS.fetch_add(1, Ordering::Relaxed);
        let database = folder.join(format!("call-{number}.db"));
        std::fs::copy(&*set.database, &database).map_err(|e| format!("the database cannot be copied: {e}"))?;
        let clock = Clock::manual(header.clock);
        let store = StoreSettings { deadline: set.settings.store.deadline, ..StoreSettings::sqlite(&database) };
        let watched = (!secrets.is_empty()).then(|| (Log::keep(), String::new()));
        let app = start(set, &store, &clock).await?;
        let mut audited = HashMap::new();
        if let (true, From::Number(number)) = (header.elder, &header.from) {
            let marked = app.driver().services().mark_caller(&Caller::parse(number), true, "replay").await;
            marked.map_err(|e| format!("the number cannot be marked: {e}"))?;
            audited.insert("caller_marked".to_owned(), 1);
        }
        let seal = Seal::new(&set.keys);
        let (set, holder, asked) = (set.clone(), None, Vec::new());
        Ok(Self { set, clock, seal, store, database, app, holder, audited, watched, secrets, asked })
    }

    fn state(&self, dialect: Dialect, call: &str, step: &str) -> Option<State> {
        let token = step.rsplit('/').next()?;
        let call = Call { dialect: dialect.name(), id: call.into(), caller: Caller::Withheld, dialled: "".into() };
        Some(self.seal.open(&call, token).ok()?.state)
    }

    async fn connect(&self) -> Result<AnyConnection, String> {
        AnyConnection::connect(self.store.url.expose()).await.map_err(|e| format!("the database cannot be read: {e}"))
    }

    /// Audit rows by event, once everything that goes on behind the caller's back is done.
    async fn audit(&self) -> Result<HashMap<String, i64>, String> {
        self.settle().await;
        let mut connection = self.connect().await?;
        let rows = sqlx::query("SELECT event, COUNT(*) FROM audit GROUP BY event").fetch_all(&mut connection).await;
        let rows = rows.map_err(|e| format!("the audit cannot be read: {e}"))?;
        rows.iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect::<Result<_, sqlx::Error>>()
            .map_err(|e| format!("the audit cannot be read: {e}"))
    }

    /// Lets tasks that were begun come to their end: the writer does its jobs in order, so that one after them comes last.
    async fn settle(&self) {
        const ROUNDS: usize = 8;
        for _ in 0..ROUNDS {
            tokio::task::yield_now().await;
        }
        let store = self.app.driver().services().store();
        // Where the store is away, nothing goes on in it.
        let _ = store.write(|_| Box::pin(async { Ok(()) })).await;
    }

    /// The names of `asked` whose values are seen anywhere.
    async fn seen(&self, asked: &[String]) -> Result<(), String> {
        self.settle().await;
        let mut places: Vec<(&str, Vec<u8>)> = Vec::new();
        if let Some((log, answers)) = &self.watched {
            places.push(("the log", log.text().into_bytes()));
            places.push(("an answer", answers.clone().into_bytes()));
        }
        let driver = self.app.driver();
        let metrics = self.app.telemetry().metrics(driver.live().count(), driver.services().spray_level());
        places.push(("the metrics", metrics.into_bytes()));
        for ending in ["", "-wal"] {
            let mut path = self.database.clone().into_os_string();
            path.push(ending);
            // A log that is not there holds nothing.
            places.push(("the database", std::fs::read(path).unwrap_or_default()));
        }
        for (name, value) in self.secrets.iter().filter(|(name, _)| asked.contains(name)) {
            if let Some((place, _)) = places.iter().find(|(_, bytes)| holds(bytes, value.as_bytes())) {
                return Err(format!("${name} is seen in {place}"));
            }
        }
        Ok(())
    }

    async fn hold(&mut self) -> Result<(), String> {
        if self.holder.is_none() {
            let mut holder = self.connect().await?;
            holder.execute("BEGIN IMMEDIATE").await.map_err(|e| format!("the store cannot be held: {e}"))?;
            self.holder = Some(holder);
        }
        Ok(())
    }
}

async fn start(set: &Set, store: &StoreSettings, clock: &Clock) -> Result<App, String> {
    let opened = Store::open(store, Arc::clone(&set.keys), clock.clone()).await;
    let opened = opened.map_err(|e| format!("the store cannot be opened: {e}"))?;
    Ok(App::assemble(&set.settings, Arc::clone(&set.lines), &set.keys, opened, clock.clone()))
}

impl Drop for InProcess {
    fn drop(&mut self) {
        for ending in ["", "-wal", "-shm"] {
            let mut path = self.database.clone().into_os_string();
            path.push(ending);
            // What is left goes with the folder.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Stage for InProcess {
    async fn send(&mut self, webhook: &Webhook) -> Result<(Answer, Duration), String> {
        let mut request = Request::post(&webhook.path)
            .header(header::HOST, "hotline.invalid")
            .extension(Peer(([127, 0, 0, 1], 0).into()));
        for (name, value) in &webhook.headers {
            request = request.header(*name, value);
        }
        let request =
            request.body(Body::from(webhook.body.clone())).map_err(|e| format!("no request can be made: {e}"))?;
        let Ok(response) = self.app.routes().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, ANSWER).await.map_err(|e| format!("the answer broke off: {e}"))?;
        let body = String::from_utf8(body.into()).map_err(|_| "the answer is no text".to_owned())?;
        if let Some((_, answers)) = &mut self.watched {
            answers.push_str(&body);
            answers.push('\n');
        }
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        Ok((Answer { status: parts.status.as_u16(), kind: kind.to_owned(), body }, Duration::ZERO))
    }

    fn clock(&self) -> Clock {
        self.clock.clone()
    }

    fn pass(&mut self, time: Duration) {
        self.clock.advance(time);
    }

    fn place(&self, dialect: Dialect, call: &str, step: &str) -> Option<String> {
        Some(self.state(dialect, call, step)?.place.name().to_owned())
    }

    fn holds(&self, rule: Rule, dialled: &str, at: Option<(Dialect, &str, &str)>) -> Result<(), String> {
        let flow = self.set.lines.dialled(dialled);
        let at = match at {
            None => Some(flow.start()),
            Some((dialect, call, step)) => self.state(dialect, call, step),
        };
        let at = at.ok_or_else(|| "where the call is cannot be seen".to_owned())?;
        let step = |state, event, now| flow.step(state, event, now);
        explore::holds(rule, flow, &self.set.lines.catalogs(), step, &at)
            .map_err(|found| format!("{}, by {}", found.what, found.then.join(" → ")))
    }

    async fn suffer(&mut self, fault: Fault) -> Result<(), String> {
        match fault {
            Fault::NodeKilled => {
                self.app = start(&self.set, &self.store, &self.clock).await?;
                Ok(())
            }
            Fault::StoreAway => self.hold().await,
            Fault::StoreBack => {
                let Some(mut holder) = self.holder.take() else { return Err("the store is not away".to_owned()) };
                holder.execute("ROLLBACK").await.map(drop).map_err(|e| format!("the store cannot be let go: {e}"))
            }
            Fault::StoreSlow(time) => {
                self.hold().await?;
                if let Some(mut holder) = self.holder.take() {
                    tokio::spawn(async move {
                        tokio::time::sleep(time).await;
                        // Closing it lets go, too.
                        let _ = holder.execute("ROLLBACK").await;
                    });
                }
                Ok(())
            }
            // What a hotline does by itself, it has done by then.
            Fault::Wait(_) => {
                self.app.tidy().await;
                Ok(())
            }
            Fault::Duplicate(_) | Fault::Reorder | Fault::Delay(_) => Ok(()),
        }
    }

    async fn check(&mut self, truth: &Truth) -> Result<(), String> {
        match truth {
            Truth::Audit { event, times } => {
                let count = |rows: &HashMap<String, i64>| rows.get(event).copied().unwrap_or_default();
                let since = count(&self.audit().await?) - count(&self.audited);
                if u64::try_from(since) == Ok(*times) {
                    return Ok(());
                }
                Err(format!("the audit has {since} of {event}, not {times}"))
            }
            Truth::Unseen(names) => self.seen(names).await,
            Truth::Account(account) => self.is_so(account).await,
            // Seen by who plays the call.
            Truth::CallOver | Truth::Holds(_) => Ok(()),
        }
    }
}

/// Whether `bytes` has `value` in it. Few digits turn up by chance in longer numbers: they count where no further digit
/// stands beside them.
fn holds(bytes: &[u8], value: &[u8]) -> bool {
    const FEW: usize = 12;
    let beside = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let ends = |at: usize| value.len() > FEW || !(beside(at.checked_sub(1)) || beside(Some(at + value.len())));
    !value.is_empty() && bytes.windows(value.len()).enumerate().any(|(at, window)| window == value && ends(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_digits_count_alone_only() {
        assert!(holds(b"pin=739154;", b"739154"));
        assert!(holds(b"739154", b"739154"));
        assert!(!holds(b"took 1739154 ns", b"739154"));
        assert!(!holds(b"took 7391542 ns", b"739154"));
        assert!(holds(b"id 110105194912310021 ", b"11010519491231002"));
        assert!(!holds(b"pin", b""));
    }
}
