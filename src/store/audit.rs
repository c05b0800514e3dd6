//! Who did what when: rows that cannot be changed unnoticed.
//!
//! Each row carries a MAC over the MAC of the row before it and its own content, by a key that is not in the database.
//! A node has a chain of its own; the head of each (`audit_chains`) moves in the transaction of the row. Whoever edits,
//! removes or swaps rows breaks a chain. Whoever cuts its end off and moves the head back with it leaves a chain that is
//! whole but shorter: that shows against *anchors*, heads appended now and then to a file outside the database.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER as HEX;
use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::effects::TurnKey;
use super::{Shared, Store, StoreError, Tx};
use crate::fault::Fault;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    /// A try was taken for a PIN.
    PinTry,
    /// Number and PIN belong together.
    SignInOk,
    /// They do not.
    SignInRefused,
    /// They do, but the PIN opens nothing.
    InitialPin,
    /// No try was left for the person.
    PinLocked,
    /// No try was left in the call.
    PinCallLimit,
    /// The number that calls may try nobody now.
    CallerLimit,
    /// A try was taken that a known number has of its own, while others had locked the person.
    KnownCallerTry,
    /// Sign-in by telephone is closed for now.
    SignInClosed,
    /// Sign-ins look like an attack so much, or no longer.
    SprayLevel(u8),
    /// 个人账户 was read.
    ReadPersonalBalance,
    /// 统筹基金 was read.
    ReadPooledFund,
    /// A page of 收支明细 was read.
    ReadTransactions,
    /// 缴费与待遇状态 was read.
    ReadStatus,
    /// The PIN to be changed was right.
    OldPinOk,
    /// It was not.
    OldPinRefused,
    /// The second number of who has an initial PIN was theirs.
    SecondNumberOk,
    /// It was not.
    SecondNumberRefused,
    /// A new PIN was looked at, and found good or too easy.
    PinProposed,
    /// A new PIN is in force.
    PinChanged,
    /// A new PIN was entered twice alike, and yet the old one stays: another change was faster, or the card is locked.
    PinNotChanged,
    /// The member was told that their PIN was changed in an earlier call.
    PinChangeTold,
    /// 家庭共济 was read.
    ReadMutualAid,
    /// 社保卡状态 was read.
    ReadCardStatus,
    /// A recording was kept, for its caller to decide on.
    MessageRecorded,
    /// A message went to the staff.
    MessageLeft,
    /// Its caller took it back.
    MessageDiscarded,
    /// A caller wants to be called back.
    CallbackAsked,
    /// An operator was shown a number and a recording.
    MessageShown,
    /// An operator began to work on a message.
    MessageTaken,
    /// An operator has answered it.
    MessageAnswered,
    /// An operator is done with it.
    MessageClosed,
    /// 临时挂失: a card was reported lost.
    LossReported,
    /// A report was made to lapse later.
    LossRenewed,
    /// 解除挂失: a report was taken back.
    LossReleased,
    /// A report's time was over.
    LossLapsed,
    /// An operator gave a person their tries back.
    TriesReset,
    /// A caller rated the service: that, and not how.
    Rated,
    /// An operator marked a calling number as an older caller's.
    CallerMarked,
    /// An operator took that mark away.
    CallerUnmarked,
}

impl Event {
    fn as_str(self) -> &'static str {
        match self {
            Self::PinTry => "pin_try",
            Self::SignInOk => "sign_in_ok",
            Self::SignInRefused => "sign_in_refused",
            Self::InitialPin => "initial_pin",
            Self::PinLocked => "pin_locked",
            Self::PinCallLimit => "pin_call_limit",
            Self::CallerLimit => "caller_limit",
            Self::KnownCallerTry => "lock_bypass_known_caller",
            Self::SignInClosed => "sign_in_closed",
            Self::SprayLevel(0) => "spray_level_0",
            Self::SprayLevel(1) => "spray_level_1",
            Self::SprayLevel(2) => "spray_level_2",
            Self::SprayLevel(_) => "spray_level_3",
            Self::ReadPersonalBalance => "read_personal_balance",
            Self::ReadPooledFund => "read_pooled_fund",
            Self::ReadTransactions => "read_transactions",
            Self::ReadStatus => "read_status",
            Self::OldPinOk => "old_pin_ok",
            Self::OldPinRefused => "old_pin_refused",
            Self::SecondNumberOk => "second_number_ok",
            Self::SecondNumberRefused => "second_number_refused",
            Self::PinProposed => "pin_proposed",
            Self::PinChanged => "pin_changed",
            Self::PinNotChanged => "pin_not_changed",
            Self::PinChangeTold => "pin_change_told",
            Self::ReadMutualAid => "read_mutual_aid",
            Self::ReadCardStatus => "read_card_status",
            Self::MessageRecorded => "message_recorded",
            Self::MessageLeft => "message_left",
            Self::MessageDiscarded => "message_discarded",
            Self::CallbackAsked => "callback_asked",
            Self::MessageShown => "message_shown",
            Self::MessageTaken => "message_taken",
            Self::MessageAnswered => "message_answered",
            Self::MessageClosed => "message_closed",
            Self::LossReported => "loss_reported",
            Self::LossRenewed => "loss_renewed",
            Self::LossReleased => "loss_released",
            Self::LossLapsed => "loss_lapsed",
            Self::TriesReset => "tries_reset",
            Self::Rated => "rated",
            Self::CallerMarked => "caller_marked",
            Self::CallerUnmarked => "caller_unmarked",
        }
    }
}

/// What a row says, and what its MAC is made of.
struct Content<'a> {
    chain: &'a str,
    seq: i64,
    at: i64,
    event: &'a str,
    dialect: &'a str,
    call: &'a str,
    turn: i64,
    person: Option<&'a [u8]>,
    caller: Option<&'a [u8]>,
}

impl Content<'_> {
    /// One row, one string of bytes: every text with its length before it.
    fn canonical(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(160);
        for number in [self.seq, self.at, self.turn] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        for text in [self.chain, self.event, self.dialect, self.call]
            .map(|t| Some(t.as_bytes()))
            .iter()
            .chain([&self.person, &self.caller])
        {
            // A missing text is not an empty one.
            bytes.extend_from_slice(&text.map_or(u64::MAX, |t| t.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.unwrap_or_default());
        }
        bytes
    }
}

/// Which row is the first that is not as it was written, and how it shows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("audit chain {chain}, row {seq}: {what}")]
pub struct BadRow {
    /// The chain.
    pub chain: String,
    /// The row's number in it.
    pub seq: i64,
    /// What is wrong.
    pub what: Tampering,
}

/// How it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Tampering {
    /// The row is not there, and later ones (or the head) are.
    #[error("missing")]
    Missing,
    /// Its content, or the order around it, does not belong to its MAC.
    #[error("changed, moved or forged")]
    Changed,
    /// The head stands before it.
    #[error("beyond the chain's head")]
    BeyondHead,
    /// An anchor tells another MAC for it.
    #[error("not the row that was anchored")]
    NotAnchored,
}

/// A whole audit.
#[derive(Clone, Copy, Debug)]
pub struct Verified {
    /// Rows looked at.
    pub rows: u64,
    /// Chains they are in.
    pub chains: u64,
    /// Anchors they agree with.
    pub anchors: u64,
    /// How long it took.
    pub took: Duration,
}

/// Why an audit is not found whole.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It is not.
    #[error(transparent)]
    Bad(#[from] BadRow),
    /// It could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The anchors could not be read.
    #[error("{0}")]
    Anchors(Fault),
}

/// The heads that were anchored: chain → row → MAC.
#[derive(Clone, Debug, Default)]
pub struct Anchors(BTreeMap<String, BTreeMap<i64, Vec<u8>>>);

impl Anchors {
    /// Reads what [`Store::anchor`] wrote.
    ///
    /// # Errors
    /// The first line that is no anchor.
    pub fn load(path: &Path) -> Result<Self, Fault> {
        let source = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|e| {
            Fault::of(&source, format!("cannot be read: {e}"), "name the file the anchors were written to")
        })?;
        let mut anchors = Self::default();
        for (n, line) in text.lines().enumerate() {
            let mut words = line.split('\t').skip(1);
            let anchor = (|| {
                let chain = words.next()?.to_owned();
                let seq = words.next()?.parse::<i64>().ok()?;
                Some((chain, seq, HEX.decode(words.next()?.as_bytes()).ok()?))
            })();
            let Some((chain, seq, mac)) = anchor else {
                return Err(Fault {
                    source,
                    line: Some(n + 1),
                    problem: "is no anchor: time, chain, row and MAC, with tabs between".to_owned(),
                    remedy:
                        "restore the file from where it is kept; if it is lost, the end of the audit cannot be proven"
                            .to_owned(),
                });
            };
            anchors.0.entry(chain).or_default().insert(seq, mac);
        }
        Ok(anchors)
    }
}

impl Store {
    /// Appends the heads of all chains to the file at `path`, which belongs on another machine, a write-once medium or
    /// at least under another user. Returns how many there are.
    ///
    /// # Errors
    /// [`VerifyError::Store`], [`VerifyError::Anchors`].
    pub async fn anchor(&self, path: &Path) -> Result<u64, VerifyError> {
        let at = self.shared.clock.now();
        let heads = self.heads().await?;
        let mut lines = String::new();
        for (chain, (seq, mac)) in &heads {
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{at}\t{chain}\t{seq}\t{}", HEX.encode(mac));
        }
        let append = || {
            let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path)?;
            file.write_all(lines.as_bytes())?;
            file.sync_all()
        };
        append().map_err(|e: std::io::Error| {
            let problem = format!("cannot be written: {e}");
            VerifyError::Anchors(Fault::of(&path.display().to_string(), problem, "make it writable for this user"))
        })?;
        Ok(heads.len() as u64)
    }

    /// Reads every row of every chain and names the first that is not as it was written. Rows may be added meanwhile.
    ///
    /// # Errors
    /// [`VerifyError::Bad`], [`VerifyError::Store`].
    pub async fn verify(&self, anchors: &Anchors) -> Result<Verified, VerifyError> {
        let start = Instant::now();
        let mut verified = Verified { rows: 0, chains: 0, anchors: 0, took: Duration::ZERO };
        let mut chains: Vec<String> = self.chains().await?;
        chains.extend(anchors.0.keys().cloned());
        chains.sort_unstable();
        chains.dedup();
        for chain in chains {
            let anchored = anchors.0.get(&chain);
            verified.rows += self.verify_chain(&chain, anchored).await?;
            verified.anchors += anchored.map_or(0, |a| a.len() as u64);
            verified.chains += 1;
        }
        verified.took = start.elapsed();
        Ok(verified)
    }

    /// How many rows the chain has.
    async fn verify_chain(&self, chain: &str, anchored: Option<&BTreeMap<i64, Vec<u8>>>) -> Result<u64, VerifyError> {
        let bad = |seq, what| VerifyError::Bad(BadRow { chain: chain.to_owned(), seq, what });
        let (mut seq, mut mac) = (0_i64, Vec::new());
        loop {
            let rows = self.rows_after(chain, if seq == 0 { i64::MIN } else { seq }).await?;
            if rows.is_empty() {
                // The head is read after the rows: it may have moved on by then, but never back.
                let head = self.heads().await?.remove(chain);
                let (head_seq, head_mac) = head.unwrap_or_default();
                if head_seq < seq {
                    return Err(bad(head_seq.max(0) + 1, Tampering::BeyondHead));
                }
                if head_seq == seq {
                    if head_mac != mac {
                        return Err(bad(seq, Tampering::Changed));
                    }
                    break;
                }
                if self.rows_after(chain, seq.max(0)).await?.is_empty() {
                    return Err(bad(seq + 1, Tampering::Missing));
                }
                continue;
            }
            for row in rows {
                let next = seq + 1;
                if row.seq != next {
                    return Err(bad(next, if row.seq < next { Tampering::Changed } else { Tampering::Missing }));
                }
                if !self.shared.seals.is_link(&row.mac, &mac, &row.canonical) {
                    return Err(bad(next, Tampering::Changed));
                }
                if anchored.and_then(|a| a.get(&next)).is_some_and(|anchor| *anchor != row.mac) {
                    return Err(bad(next, Tampering::NotAnchored));
                }
                (seq, mac) = (next, row.mac);
            }
        }
        // What was anchored must still be there: a chain cut off, head and all, ends before it.
        match anchored.and_then(|a| a.last_key_value()) {
            Some((&last, _)) if last > seq => Err(bad(seq + 1, Tampering::Missing)),
            _ => Ok(seq.unsigned_abs()),
        }
    }

    async fn heads(&self) -> Result<BTreeMap<String, (i64, Vec<u8>)>, StoreError> {
        self.read(|tx| {
            Box::pin(async move {
                let rows = sqlx::query("SELECT chain, seq, mac FROM audit_chains").fetch_all(tx.conn).await?;
                rows.iter().map(|row| Ok((row.try_get("chain")?, (row.try_get("seq")?, row.try_get("mac")?)))).collect()
            })
        })
        .await
    }

    async fn chains(&self) -> Result<Vec<String>, StoreError> {
        self.read(|tx| {
            Box::pin(async move {
                Ok(sqlx::query_scalar("SELECT chain FROM audit_chains UNION SELECT DISTINCT chain FROM audit")
                    .fetch_all(tx.conn)
                    .await?)
            })
        })
        .await
    }

    async fn rows_after(&self, chain: &str, seq: i64) -> Result<Vec<Row>, StoreError> {
        let chain = chain.to_owned();
        self.read(move |tx| {
            Box::pin(async move {
                let rows = sqlx::query(
                    "SELECT chain, seq, at, event, dialect, call, turn, person, caller, mac FROM audit \
                     WHERE chain = $1 AND seq > $2 ORDER BY seq LIMIT 5000",
                )
                .bind(chain)
                .bind(seq)
                .fetch_all(tx.conn)
                .await?;
                rows.iter().map(Row::read).collect()
            })
        })
        .await
    }
}

/// A row as read back.
struct Row {
    seq: i64,
    canonical: Vec<u8>,
    mac: Vec<u8>,
}

impl Row {
    fn read(row: &AnyRow) -> Result<Self, StoreError> {
        let seq = row.try_get("seq")?;
        // A column of another type (SQLite would keep one) is a change like any other: such a row has no MAC.
        Ok(Self::whole(row, seq).unwrap_or(Self { seq, canonical: Vec::new(), mac: Vec::new() }))
    }

    fn whole(row: &AnyRow, seq: i64) -> Result<Self, sqlx::Error> {
        let content = Content {
            chain: row.try_get("chain")?,
            seq,
            at: row.try_get("at")?,
            event: row.try_get("event")?,
            dialect: row.try_get("dialect")?,
            call: row.try_get("call")?,
            turn: row.try_get("turn")?,
            person: row.try_get("person")?,
            caller: row.try_get("caller")?,
        };
        Ok(Self { seq, canonical: content.canonical(), mac: row.try_get("mac")? })
    }
}

/// A row to be, which a job left with [`Tx::audit`].
pub(super) struct Entry {
    event: Event,
    turn: TurnKey,
    person: Option<[u8; 32]>,
    caller: Option<[u8; 32]>,
}

impl Tx<'_> {
    /// Has a row added to this node's chain, with whatever else this transaction writes.
    pub(crate) fn audit(&mut self, event: Event, turn: &TurnKey, person: Option<&[u8; 32]>, caller: Option<&[u8; 32]>) {
        self.entries.push(Entry { event, turn: turn.clone(), person: person.copied(), caller: caller.copied() });
    }
}

/// Adds `entries` to this node's chain. From here to the commit the node's other jobs wait for the chain, and this one
/// takes no other row: so no two of them wait for each other.
pub(super) async fn append(
    conn: &mut AnyConnection,
    shared: &Shared,
    now: Timestamp,
    entries: &[Entry],
) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let rows = i64::try_from(entries.len()).map_err(|_| StoreError::Unwritable("audit"))?;
    let head = sqlx::query(
        "INSERT INTO audit_chains (chain, seq, mac) VALUES ($1, $3, $2) \
         ON CONFLICT (chain) DO UPDATE SET seq = audit_chains.seq + $3 RETURNING seq, mac",
    )
    .bind(&*shared.node)
    .bind([].as_slice())
    .bind(rows)
    .fetch_one(&mut *conn)
    .await?;
    let last: i64 = head.try_get("seq")?;
    let mut mac: Vec<u8> = head.try_get("mac")?;
    for (seq, entry) in (last + 1 - rows..).zip(entries) {
        let content = Content {
            chain: &shared.node,
            seq,
            at: now.as_millisecond(),
            event: entry.event.as_str(),
            dialect: entry.turn.dialect,
            call: &entry.turn.call,
            turn: i64::from(entry.turn.turn),
            person: entry.person.as_ref().map(<[u8; 32]>::as_slice),
            caller: entry.caller.as_ref().map(<[u8; 32]>::as_slice),
        };
        mac = shared.seals.link(&mac, &content.canonical());
        sqlx::query(
            "INSERT INTO audit (chain, seq, at, event, dialect, call, turn, person, caller, mac) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(content.chain)
        .bind(content.seq)
        .bind(content.at)
        .bind(content.event)
        .bind(content.dialect)
        .bind(content.call)
        .bind(content.turn)
        .bind(content.person)
        .bind(content.caller)
        .bind(mac.as_slice())
        .execute(&mut *conn)
        .await?;
    }
    sqlx::query("UPDATE audit_chains SET mac = $2 WHERE chain = $1")
        .bind(&*shared.node)
        .bind(mac.as_slice())
        .execute(&mut *conn)
        .await?;
    Ok(())
}
