//! The JSON dialect, for `hotline dial`, browsers and tools.
//!
//! ```text
//! POST /browser/call          {"dialled": "12333", "from": "13800138000"}         → a turn
//!                             {"dialled": "12333", "language": "en-US"}           without asking for it, if the line has it
//! POST /browser/step/{step}   {"call": "…", "keys": "1"}                          → a turn
//!                             {"call": "…", "keys": "739154", "finished": true}
//!                             {"call": "…", "silence": true} · {"call": "…", "transfer": "talked" | "not_answered" | "left"}
//!                             {"call": "…", "recorded": 12} (seconds; 0: nothing)
//! POST /browser/hang-up       {"call": "…"}                                       → 204
//! ```
//!
//! A turn is `{"call", "heard": [{"prompt", "text", "play"}], "pace", "then": "collect" | "record" | "transfer" | "leave" | "hang_up",
//! "step", "collect", "record", "transfer"}`; times are milliseconds, and pace is in hundredths of the usual speed. A transfer
//! goes to a number, a SIP address or a queue, by its name; "leave" takes the caller out of the queue again, and is answered
//! with "left". A call's id is the one given with its first turn: 1 to 64 letters and digits. Open to this machine
//! in development without a public address; with the token of `[browser]` from anywhere.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, Path, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use data_encoding::BASE32_NOPAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tower_http::catch_panic::CatchPanicLayer;

pub use super::sender::Peer;
use super::webhook::PATIENCE;
use super::{Conversation, Pace, Reply, Then, recording_name};
use crate::call::caller::{Call, CallEnd, Caller};
use crate::dialog::{BargeIn, Event, Recording, TransferEnd, TransferTarget};
use crate::secret::{Key, Keys, Secret};
use crate::speech::language::Language;

/// The name of this dialect.
const DIALECT: &str = "browser";

/// Who may come in.
#[derive(Clone, Debug)]
pub struct Gate {
    /// The bearer token; empty for none.
    pub token: Secret,
    /// Whether this machine may come in without it.
    pub open_to_this_machine: bool,
}

/// A call to begin.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dial {
    /// The number dialled.
    #[serde(default)]
    pub dialled: Box<str>,
    /// The number that calls.
    #[serde(default)]
    pub from: Box<str>,
    /// The language wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

/// What happened at a step: one of the fields beside `call`.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Happened {
    /// Which call.
    pub call: Box<str>,
    /// The keys pressed, without the one that ended the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Box<str>>,
    /// Whether the entry was ended by its finish key.
    #[serde(default)]
    pub finished: bool,
    /// Nothing was pressed in time.
    #[serde(default)]
    pub silence: bool,
    /// How a transfer ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Transferred>,
    /// So many seconds were recorded. The recording is the client's own, and known by its call and step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<u32>,
}

/// How a transfer ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transferred {
    /// They talked.
    Talked,
    /// Nobody answered.
    NotAnswered,
    /// The caller left the queue.
    Left,
}

/// A call to end.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HangUp {
    /// Which call.
    pub call: Box<str>,
}

/// What the caller hears, and what follows.
#[derive(Debug, Serialize, Deserialize)]
pub struct Heard {
    /// The call's id, to be sent with each step.
    pub call: Box<str>,
    /// What is said, prompt by prompt.
    pub heard: Vec<Said>,
    /// How fast it is said, in hundredths of the usual speed; not told where it is said as usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<u8>,
    /// What follows.
    pub then: Following,
    /// Where the next event goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Box<str>>,
    /// How keys are collected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collect: Option<Collecting>,
    /// How is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Recorder>,
    /// Where the call goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Box<str>>,
}

/// One prompt.
#[derive(Debug, Serialize, Deserialize)]
pub struct Said {
    /// Its id.
    pub prompt: Box<str>,
    /// Its words.
    pub text: String,
    /// The clips that say it, by their paths on this server; not told where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub play: Option<Vec<String>>,
}

/// What follows what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Following {
    /// Keys are awaited.
    Collect,
    /// The caller speaks, and is recorded.
    Record,
    /// The call goes to a person.
    Transfer,
    /// The call leaves the queue it waits in.
    Leave,
    /// The call ends.
    HangUp,
}

/// How keys are collected; times in milliseconds.
#[derive(Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as dialog::Collect documents them")]
pub struct Collecting {
    pub min: u8,
    pub max: u8,
    pub finish: Option<char>,
    pub first_key: u64,
    pub between_keys: u64,
    pub heard_out: u8,
}

/// How is recorded; times in milliseconds.
#[derive(Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as dialog::Record documents them")]
pub struct Recorder {
    pub longest: u64,
    pub finish: char,
    pub silence: u64,
}

/// The addresses under `/browser/`.
pub fn router<C: Conversation>(conversation: Arc<C>, gate: Gate) -> Router {
    let shared = Arc::new(Shared { conversation, gate });
    let last_words = Arc::clone(&shared);
    Router::new()
        .route("/browser/call", post(call))
        .route("/browser/step/{step}", post(step))
        .route("/browser/hang-up", post(hang_up))
        .layer(CatchPanicLayer::custom(move |_| last_words.busy("")))
        .with_state(shared)
}

struct Shared<C> {
    conversation: Arc<C>,
    gate: Gate,
}

async fn call<C: Conversation>(State(shared): State<Arc<Shared<C>>>, Admitted(dial): Admitted<Dial>) -> Response {
    let mut id = [0; 15];
    if getrandom::fill(&mut id).is_err() {
        return shared.busy("");
    }
    let call = Call {
        dialect: DIALECT,
        id: BASE32_NOPAD.encode(&id).into(),
        caller: Caller::parse(&dial.from),
        dialled: dial.dialled,
    };
    let id = call.id.clone();
    shared.answer(id, shared.conversation.dialled(call, dial.language)).await
}

async fn step<C: Conversation>(
    State(shared): State<Arc<Shared<C>>>,
    Path(step): Path<String>,
    Admitted(happened): Admitted<Happened>,
) -> Response {
    let Some(event) = happened.event(&step) else {
        return (StatusCode::BAD_REQUEST, "send one of keys, silence, transfer and recorded\n").into_response();
    };
    let Some(call) = called(happened.call.clone()) else { return no_call() };
    shared.answer(happened.call, shared.conversation.step(call, &step, event)).await
}

impl Happened {
    /// What it tells; `None` where it is nothing, or more than one thing.
    #[must_use]
    pub fn event(&self, step: &str) -> Option<Event> {
        Some(match (&self.keys, self.silence, self.transfer, self.recorded) {
            (Some(keys), false, None, None) => Keys::parse(keys, self.finished).map_or(Event::Garbled, Event::Keys),
            (None, true, None, None) => Event::Silence,
            (None, false, Some(Transferred::Talked), None) => Event::TransferEnded(TransferEnd::Talked),
            (None, false, Some(Transferred::NotAnswered), None) => Event::TransferEnded(TransferEnd::NotAnswered),
            (None, false, Some(Transferred::Left), None) => Event::TransferEnded(TransferEnd::Left),
            (None, false, None, Some(seconds)) => {
                let recording = (seconds > 0).then(|| recording(&self.call, step, seconds));
                Event::Recorded { recording, hung_up: false }
            }
            _ => return None,
        })
    }
}

/// A recording that the client made at `step`: told again, it is the same.
fn recording(call: &str, step: &str, seconds: u32) -> Recording {
    Recording { reference: Secret::new(recording_name(DIALECT, call, step)), seconds }
}

async fn hang_up<C: Conversation>(State(shared): State<Arc<Shared<C>>>, Admitted(ended): Admitted<HangUp>) -> Response {
    let Some(call) = called(ended.call) else { return no_call() };
    let end = shared.conversation.ended(call, CallEnd::Completed);
    let _ = tokio::time::timeout(PATIENCE, end).await;
    StatusCode::NO_CONTENT.into_response()
}

/// The call of this id. The number dialled stands in the step. The caller's is told when the call comes in, and not again:
/// from then on it counts as withheld, and a right PIN forgives its own try only.
fn called(id: Box<str>) -> Option<Call> {
    let is_id = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
    is_id.then(|| Call { dialect: DIALECT, id, caller: Caller::Withheld, dialled: "".into() })
}

fn no_call() -> Response {
    (StatusCode::BAD_REQUEST, "call is no call's id: 1 to 64 letters and digits\n").into_response()
}

impl<C: Conversation> Shared<C> {
    async fn answer(&self, call: Box<str>, reply: impl Future<Output = Reply>) -> Response {
        match tokio::time::timeout(PATIENCE, reply).await {
            Ok(reply) => Json(heard(call, &reply)).into_response(),
            Err(_) => self.busy(&call),
        }
    }

    fn busy(&self, call: &str) -> Response {
        let heard = vec![Said { prompt: "call.busy".into(), text: self.conversation.busy().1.into(), play: None }];
        Json(turn(call.into(), heard, Following::HangUp, None)).into_response()
    }
}

fn heard(call: Box<str>, reply: &Reply) -> Heard {
    let said = |prompt| Said {
        prompt: prompt_id(prompt),
        text: reply.spoken(std::slice::from_ref(prompt)).map(|(_, words)| words.text()).collect(),
        play: reply.played(std::slice::from_ref(prompt)),
    };
    let heard = reply.say.iter().map(said).collect();
    let pace = match reply.pace {
        Pace::Usual => None,
        Pace::Slow => Some(Pace::SLOW),
    };
    let millis = |wait: Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    let told = match &reply.then {
        Then::Collect(c, step) => {
            let collect = Collecting {
                min: c.min,
                max: c.max,
                finish: c.finish.map(Key::as_char),
                first_key: millis(c.first_key),
                between_keys: millis(c.between_keys),
                heard_out: match c.barge_in {
                    BargeIn::Always => 0,
                    BargeIn::AfterPrompts(n) => n,
                },
            };
            Heard { collect: Some(collect), ..turn(call, heard, Following::Collect, Some(&**step)) }
        }
        Then::Record(record, step) => {
            let (longest, silence) = (millis(record.longest), millis(record.silence));
            let record = Recorder { longest, finish: record.finish.as_char(), silence };
            Heard { record: Some(record), ..turn(call, heard, Following::Record, Some(&**step)) }
        }
        Then::Transfer(transfer, step) => {
            let (TransferTarget::Number(to) | TransferTarget::Sip(to) | TransferTarget::Queue(to)) = &transfer.to;
            Heard { transfer: Some(to.clone()), ..turn(call, heard, Following::Transfer, Some(&**step)) }
        }
        Then::Leave(step) => turn(call, heard, Following::Leave, Some(&**step)),
        Then::HangUp => turn(call, heard, Following::HangUp, None),
    };
    Heard { pace, ..told }
}

/// A turn without what only some have.
fn turn(call: Box<str>, heard: Vec<Said>, then: Following, step: Option<&str>) -> Heard {
    Heard { call, heard, pace: None, then, step: step.map(Into::into), collect: None, record: None, transfer: None }
}

fn prompt_id(prompt: &crate::speech::prompt::Prompt) -> Box<str> {
    prompt.id().into()
}

/// A JSON body from someone who may come in.
struct Admitted<T>(T);

impl<T: DeserializeOwned, C: Conversation> FromRequest<Arc<Shared<C>>> for Admitted<T> {
    type Rejection = Response;

    async fn from_request(request: Request, shared: &Arc<Shared<C>>) -> Result<Self, Response> {
        let peer = request.extensions().get::<Peer>().copied();
        if !shared.gate.lets_in(peer, request.headers()) {
            return Err(StatusCode::FORBIDDEN.into_response());
        }
        // Json wants its content type: a page of another site cannot send that without asking first (CORS).
        match Json::<T>::from_request(request, &()).await {
            Ok(Json(body)) => Ok(Self(body)),
            // Not the rejection's own text: it may quote what was sent.
            Err(rejection) => {
                Err((rejection.status(), "the body is not the JSON that this address takes\n").into_response())
            }
        }
    }
}

impl Gate {
    /// Whether a request of `peer` with these headers may come in.
    #[must_use]
    pub fn lets_in(&self, peer: Option<Peer>, headers: &HeaderMap) -> bool {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|v| v.as_bytes().strip_prefix(b"Bearer "));
        let expected = self.token.expose().as_bytes();
        if !expected.is_empty() && bearer.is_some_and(|given| bool::from(given.ct_eq(expected))) {
            return true;
        }
        self.open_to_this_machine && peer.is_some_and(|p| p.0.ip().is_loopback()) && is_local(headers)
    }
}

/// Whether a request from this machine was meant for it: not forwarded by a proxy, and not sent by a page whose name was
/// made to point here.
fn is_local(headers: &HeaderMap) -> bool {
    let forwarded = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok()).and_then(|h| h.parse::<Authority>().ok());
    // Nothing but a name and perhaps a port.
    let names_us = |host: &Authority| {
        let bare =
            host.as_str() == host.host() || host.as_str().rsplit_once(':').is_some_and(|(n, _)| n == host.host());
        bare && matches!(host.host(), "localhost" | "127.0.0.1" | "[::1]")
    };
    !forwarded.iter().any(|h| headers.contains_key(*h)) && host.as_ref().is_some_and(names_us)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_hosts_are_this_machine() {
        let local = |host: &str| is_local(&HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]));
        for host in ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]", "[::1]:8080"] {
            assert!(local(host), "{host}");
        }
        for host in ["", "hotline.example", "localhost.example", "[::1", "[::1]x", "::1", "[::2]:8080", "a@localhost"] {
            assert!(!local(host), "{host}");
        }
    }
}
