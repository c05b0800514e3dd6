//! The JSON dialect, for `hotline dial`, browsers and tools.
//!
//! ```text
//! POST /browser/call          {"dialled": "12333", "from": "13800138000"}         → a turn
//! POST /browser/step/{step}   {"call": "…", "keys": "1"}                          → a turn
//!                             {"call": "…", "keys": "739154", "finished": true}
//!                             {"call": "…", "silence": true} · {"call": "…", "transfer": "talked" | "not_answered" | "left"}
//! POST /browser/hang-up       {"call": "…"}                                       → 204
//! ```
//!
//! A turn is `{"call", "heard": [{"prompt", "text"}], "pace", "then": "collect" | "transfer" | "leave" | "hang_up", "step",
//! "collect", "transfer"}`; times are milliseconds, and pace is in hundredths of the usual speed. A transfer goes to a number, a
//! SIP address or a queue, by its name; "leave" takes the caller out of the queue again, and is answered with "left". A call's id is the one given with its first turn: 1 to 64 letters and digits. Open to this machine
//! in development without a public address; with the token of `[browser]` from anywhere.

use std::net::SocketAddr;
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

use super::{Conversation, Pace, Reply, Then};
use crate::call::caller::{Call, CallEnd, Caller};
use crate::dialog::{BargeIn, Event, TransferEnd, TransferTarget};
use crate::secret::{Keys, Secret};

/// The name of this dialect.
const DIALECT: &str = "browser";
const PATIENCE: Duration = Duration::from_secs(3);

/// Who may come in.
#[derive(Clone, Debug)]
pub struct Gate {
    /// The bearer token; empty for none.
    pub token: Secret,
    /// Whether this machine may come in without it.
    pub open_to_this_machine: bool,
}

/// The peer of a connection, as the server's edge saw it.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

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
}

/// What follows what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Following {
    /// Keys are awaited.
    Collect,
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
    shared.answer(id, shared.conversation.dialled(call)).await
}

async fn step<C: Conversation>(
    State(shared): State<Arc<Shared<C>>>,
    Path(step): Path<String>,
    Admitted(happened): Admitted<Happened>,
) -> Response {
    let event = match (&happened.keys, happened.silence, happened.transfer) {
        (Some(keys), false, None) => Keys::parse(keys, happened.finished).map_or(Event::Garbled, Event::Keys),
        (None, true, None) => Event::Silence,
        (None, false, Some(Transferred::Talked)) => Event::TransferEnded(TransferEnd::Talked),
        (None, false, Some(Transferred::NotAnswered)) => Event::TransferEnded(TransferEnd::NotAnswered),
        (None, false, Some(Transferred::Left)) => Event::TransferEnded(TransferEnd::Left),
        _ => return (StatusCode::BAD_REQUEST, "send one of keys, silence and transfer\n").into_response(),
    };
    let Some(call) = called(happened.call.clone()) else { return no_call() };
    shared.answer(happened.call, shared.conversation.step(call, &step, event)).await
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
        let heard = vec![Said { prompt: "call.busy".into(), text: self.conversation.busy().into() }];
        let reply = Heard {
            call: call.into(),
            heard,
            pace: None,
            then: Following::HangUp,
            step: None,
            collect: None,
            transfer: None,
        };
        Json(reply).into_response()
    }
}

fn heard(call: Box<str>, reply: &Reply) -> Heard {
    let said =
        |prompt| Said { prompt: prompt_id(prompt), text: reply.catalog.speak_all(std::slice::from_ref(prompt)).text() };
    let heard = reply.say.iter().map(said).collect();
    let pace = match reply.pace {
        Pace::Usual => None,
        Pace::Slow => Some(Pace::SLOW),
    };
    let millis = |wait: Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    match &reply.then {
        Then::Collect(c, step) => {
            let collect = Collecting {
                min: c.min,
                max: c.max,
                finish: c.finish.map(crate::secret::Key::as_char),
                first_key: millis(c.first_key),
                between_keys: millis(c.between_keys),
                heard_out: match c.barge_in {
                    BargeIn::Always => 0,
                    BargeIn::AfterPrompts(n) => n,
                },
            };
            Heard {
                call,
                heard,
                pace,
                then: Following::Collect,
                step: Some(step.clone()),
                collect: Some(collect),
                transfer: None,
            }
        }
        Then::Transfer(transfer, step) => {
            let (TransferTarget::Number(to) | TransferTarget::Sip(to) | TransferTarget::Queue(to)) = &transfer.to;
            Heard {
                call,
                heard,
                pace,
                then: Following::Transfer,
                step: Some(step.clone()),
                collect: None,
                transfer: Some(to.clone()),
            }
        }
        Then::Leave(step) => {
            Heard { call, heard, pace, then: Following::Leave, step: Some(step.clone()), collect: None, transfer: None }
        }
        Then::HangUp => Heard { call, heard, pace, then: Following::HangUp, step: None, collect: None, transfer: None },
    }
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
