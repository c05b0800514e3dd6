//! What callers left: sealed, found by the blind index of its number or of its recording.
//!
//! A recording is a *draft* until its caller sends it, or the call ends: only who takes it back loses it. A draft that was
//! taken back or recorded anew leaves an empty row for a day, so that what the platform tells of it late is known.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::audit::Event;
use super::crypto::{Place, random};
use super::effects::TurnKey;
use super::{Store, StoreError, Tx, key_of, time_of};
use crate::member::message::{MessageKind, MessageNumber, MessageState, Progress};
use crate::member::tail::Tail;
use crate::secret::Secret;

/// How long what is done with is kept, and how many numbers may be tried that there are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageLimits {
    /// Messages are kept so long after they were closed.
    pub kept: Duration,
    /// Unknown numbers in one call.
    pub tries_per_call: u16,
    /// Unknown numbers of one caller in a day.
    pub tries_per_caller: u16,
    /// Unknown numbers of all callers together who withhold theirs, in a day.
    pub tries_withheld: u16,
}

impl Default for MessageLimits {
    /// Half a year, as long as the audit; a tenth of a thousandth of all numbers would take one caller a hundred days.
    fn default() -> Self {
        Self { kept: Duration::from_hours(200 * 24), tries_per_call: 3, tries_per_caller: 10, tries_withheld: 100 }
    }
}

/// What is left, to be stored.
pub(crate) struct NewMessage {
    pub kind: MessageKind,
    /// The blind index of the recording.
    pub recording: Option<[u8; 32]>,
    pub since: Option<Timestamp>,
    /// Whether its caller may still take it back.
    pub draft: bool,
    pub content: Content,
}

/// What only the key ring reads.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Content {
    pub phone: Option<Box<str>>,
    pub recording: Option<Box<str>>,
    pub seconds: u32,
    pub line: Box<str>,
    pub language: Box<str>,
    pub signed_in: bool,
}

/// A stored record: the number stands in it, because the row has only its index.
#[derive(Serialize, Deserialize)]
struct Record {
    number: MessageNumber,
    content: Content,
}

/// A message as it is listed: nobody is found by it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what their types say")]
pub struct Message {
    pub number: MessageNumber,
    pub kind: MessageKind,
    pub state: MessageState,
    /// When it came in.
    pub received: Timestamp,
    /// Since when its caller had been waiting for a person.
    pub since: Option<Timestamp>,
    /// When it came to where it is now.
    pub changed: Timestamp,
    /// The end of the number to call back at.
    pub tail: Option<Tail>,
    /// How long the recording is.
    pub seconds: u32,
    pub line: Box<str>,
    pub language: Box<str>,
    pub signed_in: bool,
}

/// A message with what is somebody's own in it.
#[derive(Clone, Debug)]
pub struct WholeMessage {
    /// What a listing shows.
    pub message: Message,
    /// The number to call back at.
    pub phone: Option<Secret>,
    /// What the platform calls the recording.
    pub recording: Option<Secret>,
    /// What staff wrote down.
    pub note: Option<Secret>,
}

/// How a change of a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is done.
    Done,
    /// There is no such message.
    Unknown,
    /// It is in this state, from which there is no way to the one wanted.
    NotFrom(MessageState),
}

/// A row's state beside those of [`MessageState`], which are one more than their place in [`MessageState::ALL`].
const DRAFT: i64 = 0;
const RECEIVED: i64 = 1;
const CLOSED: i64 = 4;
const GONE: i64 = 5;

/// A draft that nobody told the end of its call for is sent after so long.
const DRAFT_LASTS: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

fn stored(state: MessageState) -> i64 {
    state as i64 + RECEIVED
}

fn state_of(stored: i64) -> Option<MessageState> {
    MessageState::ALL.into_iter().find(|state| self::stored(*state) == stored)
}

impl Tx<'_> {
    /// Stores what is left, under a number that nobody has yet.
    pub(crate) async fn put_message(&mut self, turn: &TurnKey, new: NewMessage) -> Result<MessageNumber, StoreError> {
        // So many numbers in a row that are taken, nobody draws.
        const DRAWS: u8 = 20;
        for _ in 0..DRAWS {
            let drawn = u64::from_be_bytes(random()?) % u64::from(MessageNumber::COUNT);
            let number = MessageNumber::new(u32::try_from(drawn).unwrap_or_default());
            let index = self.seals.message(number);
            let record = self.seals.seal(record_of(&index), &Record { number, content: new.content.clone() })?;
            let put = sqlx::query(
                "INSERT INTO messages (number, recording, dialect, call, kind, state, received_at, since_at, \
                 waiting_at, changed_at, record) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $7, $10) \
                 ON CONFLICT (number) DO NOTHING",
            )
            .bind(index.as_slice())
            .bind(new.recording.as_ref().map(<[u8; 32]>::as_slice))
            .bind(turn.dialect)
            .bind(&*turn.call)
            .bind(new.kind as i64)
            .bind(if new.draft { DRAFT } else { RECEIVED })
            .bind(self.now.as_millisecond())
            .bind(new.since.map(Timestamp::as_millisecond))
            .bind(new.since.unwrap_or(self.now).as_millisecond())
            .bind(record)
            .execute(&mut *self.conn)
            .await?;
            if put.rows_affected() == 1 {
                return Ok(number);
            }
        }
        Err(StoreError::Unwritable("messages"))
    }

    /// What is known of a recording: nothing, or the number it is kept under; `Some(None)`: it was taken back.
    pub(crate) async fn recorded(&mut self, recording: &[u8; 32]) -> Result<Option<Option<MessageNumber>>, StoreError> {
        let row = sqlx::query("SELECT number, record FROM messages WHERE recording = $1")
            .bind(recording.as_slice())
            .fetch_optional(&mut *self.conn)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let index = key_of(&row, "number")?;
        let record = row.try_get::<Option<Vec<u8>>, _>("record")?;
        let open = |sealed: Vec<u8>| Ok(self.seals.open::<Record>(record_of(&index), &sealed)?.number);
        record.map(open).transpose().map(Some)
    }

    /// A draft goes to the staff. Whether it was one.
    pub(crate) async fn send_draft(&mut self, number: MessageNumber) -> Result<bool, StoreError> {
        let sent = sqlx::query("UPDATE messages SET state = $2, changed_at = $3 WHERE number = $1 AND state = $4")
            .bind(self.seals.message(number).as_slice())
            .bind(RECEIVED)
            .bind(self.now.as_millisecond())
            .bind(DRAFT)
            .execute(&mut *self.conn)
            .await?;
        Ok(sent.rows_affected() == 1)
    }

    /// What its caller takes back is emptied, as long as nobody works on it. Whether it was there.
    pub(crate) async fn discard(&mut self, number: MessageNumber) -> Result<bool, StoreError> {
        let gone = sqlx::query(
            "UPDATE messages SET state = $2, changed_at = $3, record = NULL, note = NULL \
             WHERE number = $1 AND state IN ($4, $5)",
        )
        .bind(self.seals.message(number).as_slice())
        .bind(GONE)
        .bind(self.now.as_millisecond())
        .bind(DRAFT)
        .bind(RECEIVED)
        .execute(&mut *self.conn)
        .await?;
        Ok(gone.rows_affected() == 1)
    }

    /// The call is over: what was recorded in it and not taken back is sent.
    pub(crate) async fn send_drafts_of(&mut self, dialect: &'static str, call: &str) -> Result<(), StoreError> {
        let rows = sqlx::query(
            "UPDATE messages SET state = $3, changed_at = $4 WHERE dialect = $1 AND call = $2 AND state = $5 \
             RETURNING number",
        )
        .bind(dialect)
        .bind(call)
        .bind(RECEIVED)
        .bind(self.now.as_millisecond())
        .bind(DRAFT)
        .fetch_all(&mut *self.conn)
        .await?;
        for row in rows {
            let turn = TurnKey { dialect, call: call.into(), turn: 0 };
            self.audit(Event::MessageLeft, &turn, Some(&key_of(&row, "number")?), None);
        }
        Ok(())
    }

    /// How far staff are with a message. A draft is nobody's yet.
    pub(crate) async fn progress(&mut self, number: MessageNumber) -> Result<Option<Progress>, StoreError> {
        let row = sqlx::query("SELECT state, received_at, changed_at FROM messages WHERE number = $1")
            .bind(self.seals.message(number).as_slice())
            .fetch_optional(&mut *self.conn)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let Some(state) = state_of(row.try_get("state")?) else { return Ok(None) };
        let since = if state == MessageState::Received { "received_at" } else { "changed_at" };
        Ok(Some(Progress { state, at: time_of(row.try_get(since)?) }))
    }

    /// Takes a try of `who` at a message's number, if one is left today. One statement tests and takes.
    pub(crate) async fn take_look(&mut self, who: &[u8; 32], most: u16) -> Result<bool, StoreError> {
        let taken = sqlx::query(
            "INSERT INTO message_looks (who, looks, since) VALUES ($1, 1, $2) ON CONFLICT (who) DO UPDATE SET \
             looks = CASE WHEN message_looks.since < $3 THEN 1 ELSE message_looks.looks + 1 END, \
             since = CASE WHEN message_looks.since < $3 THEN $2 ELSE message_looks.since END \
             WHERE message_looks.looks < $4 OR message_looks.since < $3",
        )
        .bind(who.as_slice())
        .bind(self.now.as_millisecond())
        .bind(self.day_ago())
        .bind(i64::from(most))
        .execute(&mut *self.conn)
        .await?;
        Ok(taken.rows_affected() == 1)
    }

    /// Gives back a try that found something: only numbers that there are not are counted.
    pub(crate) async fn give_look_back(&mut self, who: &[u8; 32]) -> Result<(), StoreError> {
        sqlx::query("UPDATE message_looks SET looks = looks - 1 WHERE who = $1")
            .bind(who.as_slice())
            .execute(&mut *self.conn)
            .await?;
        Ok(())
    }

    /// Sends drafts that were left behind, and forgets what was closed long ago, what was taken back, and old tries.
    pub(crate) async fn sweep_messages(&mut self, limits: &MessageLimits) -> Result<(), StoreError> {
        let ago = |span| self.now.saturating_sub(span).unwrap_or(Timestamp::MIN).as_millisecond();
        let (left_behind, kept, day) = (ago(DRAFT_LASTS), ago(limits.kept), self.day_ago());
        let sent = sqlx::query(
            "UPDATE messages SET state = $1, changed_at = $2 WHERE state = $3 AND changed_at < $4 \
             RETURNING number, call",
        )
        .bind(RECEIVED)
        .bind(self.now.as_millisecond())
        .bind(DRAFT)
        .bind(left_behind)
        .fetch_all(&mut *self.conn)
        .await?;
        for row in sent {
            let turn = TurnKey { dialect: "sweep", call: row.try_get::<String, _>("call")?.into(), turn: 0 };
            self.audit(Event::MessageLeft, &turn, Some(&key_of(&row, "number")?), None);
        }
        for (state, before) in [(CLOSED, kept), (GONE, day)] {
            sqlx::query("DELETE FROM messages WHERE state = $1 AND changed_at < $2")
                .bind(state)
                .bind(before)
                .execute(&mut *self.conn)
                .await?;
        }
        sqlx::query("DELETE FROM message_looks WHERE since < $1").bind(day).execute(&mut *self.conn).await?;
        Ok(())
    }

    fn day_ago(&self) -> i64 {
        self.now.saturating_sub(DAY).unwrap_or(Timestamp::MIN).as_millisecond()
    }

    /// A row with what is sealed in it, and the state it was found in.
    async fn whole_message(&mut self, number: MessageNumber) -> Result<Option<WholeMessage>, StoreError> {
        let row = sqlx::query(
            "SELECT number, kind, state, received_at, since_at, changed_at, record, note FROM messages \
             WHERE number = $1",
        )
        .bind(self.seals.message(number).as_slice())
        .fetch_optional(&mut *self.conn)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let Some((message, content)) = self.read_message(&row)? else { return Ok(None) };
        let index = key_of(&row, "number")?;
        let note = row.try_get::<Option<Vec<u8>>, _>("note")?;
        let note = note.map(|sealed| self.seals.open::<String>(note_of(&index), &sealed)).transpose()?;
        Ok(Some(WholeMessage {
            message,
            phone: content.phone.map(Secret::new),
            recording: content.recording.map(Secret::new),
            note: note.map(Secret::new),
        }))
    }

    /// `None`: nobody left it, or it was taken back.
    fn read_message(&self, row: &AnyRow) -> Result<Option<(Message, Content)>, StoreError> {
        let index = key_of(row, "number")?;
        let state = state_of(row.try_get("state")?);
        let (Some(state), Some(sealed)) = (state, row.try_get::<Option<Vec<u8>>, _>("record")?) else {
            return Ok(None);
        };
        let Record { number, content } = self.seals.open(record_of(&index), &sealed)?;
        let kind = usize::try_from(row.try_get::<i64, _>("kind")?).ok().and_then(|kind| MessageKind::ALL.get(kind));
        let message = Message {
            number,
            kind: *kind.ok_or(StoreError::Unreadable("messages"))?,
            state,
            received: time_of(row.try_get("received_at")?),
            since: row.try_get::<Option<i64>, _>("since_at")?.map(time_of),
            changed: time_of(row.try_get("changed_at")?),
            tail: content.phone.as_deref().and_then(|phone| Tail::of(phone).ok()),
            seconds: content.seconds,
            line: content.line.clone(),
            language: content.language.clone(),
            signed_in: content.signed_in,
        };
        Ok(Some((message, content)))
    }
}

/// What staff do.
impl Store {
    /// Everything that was left, in the order in which its callers began to wait.
    ///
    /// # Errors
    /// What [`StoreError`] names.
    pub async fn messages(&self) -> Result<Vec<Message>, StoreError> {
        self.read(|tx| {
            Box::pin(async move {
                let rows = sqlx::query(
                    "SELECT number, kind, state, received_at, since_at, changed_at, record FROM messages \
                     WHERE state BETWEEN $1 AND $2 ORDER BY waiting_at, received_at, number",
                )
                .bind(RECEIVED)
                .bind(CLOSED)
                .fetch_all(&mut *tx.conn)
                .await?;
                let read = |row| Ok(tx.read_message(row)?.map(|(message, _)| message));
                rows.iter().filter_map(|row| read(row).transpose()).collect()
            })
        })
        .await
    }

    /// Everything about one message, told to `operator`: no audit row, no disclosure.
    ///
    /// # Errors
    /// What [`StoreError`] names.
    pub async fn show_message(
        &self,
        number: MessageNumber,
        operator: &str,
    ) -> Result<Option<WholeMessage>, StoreError> {
        let turn = TurnKey { dialect: "operator", call: operator.into(), turn: 0 };
        self.write(move |mut tx| {
            Box::pin(async move {
                let Some(whole) = tx.whole_message(number).await? else { return Ok(None) };
                let index = tx.seals.message(number);
                tx.audit(Event::MessageShown, &turn, Some(&index), None);
                Ok(Some(whole))
            })
        })
        .await
    }

    /// `operator` brings a message to the state `to`, with a note if there is one.
    ///
    /// # Errors
    /// What [`StoreError`] names.
    pub async fn change_message(
        &self,
        number: MessageNumber,
        to: MessageState,
        note: Option<&str>,
        operator: &str,
    ) -> Result<Changed, StoreError> {
        let turn = TurnKey { dialect: "operator", call: operator.into(), turn: 0 };
        let note = note.map(str::to_owned);
        self.write(move |mut tx| {
            Box::pin(async move {
                let index = tx.seals.message(number);
                let state: Option<i64> = sqlx::query_scalar("SELECT state FROM messages WHERE number = $1")
                    .bind(index.as_slice())
                    .fetch_optional(&mut *tx.conn)
                    .await?;
                let Some(from) = state.and_then(state_of) else { return Ok(Changed::Unknown) };
                let event = match (from, to) {
                    (MessageState::Received, MessageState::Taken) => Event::MessageTaken,
                    (MessageState::Received | MessageState::Taken, MessageState::Answered) => Event::MessageAnswered,
                    (MessageState::Received | MessageState::Taken | MessageState::Answered, MessageState::Closed) => {
                        Event::MessageClosed
                    }
                    _ => return Ok(Changed::NotFrom(from)),
                };
                let note = note.map(|note| tx.seals.seal(note_of(&index), &note)).transpose()?;
                let changed = sqlx::query(
                    "UPDATE messages SET state = $2, changed_at = $3, note = COALESCE($4, note) \
                     WHERE number = $1 AND state = $5",
                )
                .bind(index.as_slice())
                .bind(stored(to))
                .bind(tx.now.as_millisecond())
                .bind(note)
                .bind(stored(from))
                .execute(&mut *tx.conn)
                .await?;
                if changed.rows_affected() != 1 {
                    // Somebody else was faster, between the two statements.
                    return Err(StoreError::Unavailable("changed meanwhile"));
                }
                tx.audit(event, &turn, Some(&index), None);
                Ok(Changed::Done)
            })
        })
        .await
    }
}

fn record_of(number: &[u8; 32]) -> Place<'_> {
    Place { table: "messages", column: "record", row: number }
}

fn note_of(number: &[u8; 32]) -> Place<'_> {
    Place { table: "messages", column: "note", row: number }
}
