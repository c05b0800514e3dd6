//! By WebSocket: one that jambonz opens for each call, and over which it tells what happens.
//!
//! ```text
//! GET /jambonz/socket               upgraded, sub-protocol ws.jambonz.org
//!   session:new                     a call came in                                            → ack with verbs
//!   verb:hook                       a hook of the verbs, as `hook` names it                   → ack with verbs
//!   session:reconnect               the connection broke, and this is another of the same call → ack with verbs
//!   call:status                     a call's state: its end is news
//!   jambonz:error                   what it could not do
//! ```
//!
//! Nothing is kept here: a call goes on wherever its next message comes. A message is answered within five seconds, with an
//! `ack` that has its `msgid` and at most 24 kB. Nothing in it is signed, so whoever opens one has to know a password.
//!
//! When a connection breaks before the answer to `session:new` came, the platform takes that to `session:reconnect` in its
//! place; later it takes no notice of what is in it. So that is answered as the call was.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::ExtensionRejection;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseCode, CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::hook::Hook;
use super::line::{About, Line};
use super::routes::BODY_LIMIT;
use super::settings::Settings;
use super::verbs::{HOME, Verbs};
use crate::telephony::Conversation;
use crate::telephony::held::Held;
use crate::telephony::sender::{Credentials, Networks, Origins, Peer};
use crate::telephony::webhook::PATIENCE;

/// Where it is opened, below [`HOME`].
pub const SOCKET: &str = "socket";
/// What both ends call what they speak.
const PROTOCOL: &str = "ws.jambonz.org";
/// The most the platform takes at a time: it would break off the connection.
const MOST: usize = 24 * 1024;
/// A message's id is some twenty characters long.
const LONGEST_ID: usize = 64;
/// After so long without a word the platform is asked whether it is there, and given up after as long again. Calls may be
/// silent for an hour, while two people talk.
const QUIET: Duration = Duration::from_secs(30);

/// The WebSocket under `/jambonz/`. `proxies` are our own.
pub fn router<C: Conversation>(conversation: Arc<C>, settings: &Settings, proxies: &Networks) -> Router {
    let line = Line { conversation, verbs: Verbs::by_socket(settings), patience: PATIENCE };
    let credentials = Credentials::new(settings.credentials());
    let origins = Origins::new(settings.addresses.clone(), proxies.clone());
    routes(Door { credentials, origins, line: Arc::new(line), quiet: QUIET })
}

fn routes<C: Conversation>(door: Door<C>) -> Router {
    Router::new().route(&format!("{HOME}{SOCKET}"), get(open)).with_state(Arc::new(door))
}

/// Who may open a WebSocket, and who answers there.
struct Door<C> {
    credentials: Credentials,
    origins: Origins,
    line: Arc<Line<C>>,
    quiet: Duration,
}

/// Whoever cannot prove to be the platform is told no more than that, before anything is opened.
async fn open<C: Conversation>(
    State(door): State<Arc<Door<C>>>,
    peer: Result<Extension<Peer>, ExtensionRejection>,
    held: Result<Extension<Held>, ExtensionRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    headers: HeaderMap,
) -> Response {
    if !door.credentials.are_in(&headers) || !door.origins.have(peer.ok().map(|Extension(peer)| peer), &headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade.protocols([PROTOCOL]),
        Err(other) => return other.into_response(),
    };
    if upgrade.selected_protocol().is_none() {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let (line, quiet) = (Arc::clone(&door.line), door.quiet);
    let held = held.ok().map(|Extension(held)| held);
    upgrade
        .max_message_size(BODY_LIMIT)
        .max_frame_size(BODY_LIMIT)
        .on_upgrade(move |socket| listen(socket, line, quiet, held))
}

/// Answers message by message, until either end has enough.
async fn listen<C: Conversation>(mut socket: WebSocket, line: Arc<Line<C>>, quiet: Duration, mut held: Option<Held>) {
    let mut is_asked = false;
    loop {
        let came = tokio::select! {
            () = until_stopping(&mut held) => return close(socket, close_code::AWAY).await,
            came = tokio::time::timeout(quiet, socket.recv()) => came,
        };
        let sent = match came {
            Err(_) if is_asked => return,
            Err(_) => {
                is_asked = true;
                socket.send(Message::Ping(Bytes::new())).await
            }
            // It is gone, or sent what no WebSocket may, or more than it may.
            Ok(None | Some(Err(_))) => return,
            Ok(Some(Ok(message))) => {
                is_asked = false;
                match message {
                    Message::Text(text) => match answer(&line, text.as_str()).await {
                        Ok(Some(ack)) => socket.send(Message::text(ack)).await,
                        Ok(None) => Ok(()),
                        Err(Garbage) => return close(socket, close_code::INVALID).await,
                    },
                    Message::Binary(_) => return close(socket, close_code::UNSUPPORTED).await,
                    // Answered by the protocol itself.
                    Message::Ping(_) | Message::Pong(_) | Message::Close(_) => Ok(()),
                }
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn until_stopping(held: &mut Option<Held>) {
    match held {
        Some(held) => held.until_stopping().await,
        None => std::future::pending().await,
    }
}

async fn close(mut socket: WebSocket, code: CloseCode) {
    let _ = socket.send(Message::Close(Some(CloseFrame { code, reason: "".into() }))).await;
    // So that it is read before the connection goes. What is told meanwhile has no answer: the same is asked again.
    let _ = tokio::time::timeout(PATIENCE, async { while let Some(Ok(_)) = socket.recv().await {} }).await;
}

/// What is no message of the platform's; what is wrong with it is not told, that may quote it.
#[derive(Debug, PartialEq)]
struct Garbage;

/// A message, but for what it tells. Not to be printed: there are PINs in it.
#[derive(Deserialize)]
struct Envelope<'m> {
    #[serde(rename = "type")]
    kind: String,
    msgid: String,
    /// Of the verbs' hooks: which.
    #[serde(default)]
    hook: Option<String>,
    #[serde(default, borrow)]
    data: Option<&'m RawValue>,
}

#[derive(Serialize)]
struct Ack<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    msgid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

/// What answers `message`, if anything does.
async fn answer<C: Conversation>(line: &Arc<Line<C>>, message: &str) -> Result<Option<String>, Garbage> {
    // A list would do for an object to the reader.
    let is_object = message.trim_start().starts_with('{');
    let envelope = if is_object { serde_json::from_str(message).ok() } else { None };
    let Envelope { kind, msgid, hook: name, data } = envelope.ok_or(Garbage)?;
    if !(1..=LONGEST_ID).contains(&msgid.len()) {
        return Err(Garbage);
    }
    let hook = data.and_then(|data| Hook::parse(data.get().as_bytes()));
    let answering = Arc::clone(line);
    // Whatever breaks on the way to an answer, breaks by itself: the caller hears of it in words.
    let (answer, about) = match kind.as_str() {
        "session:new" | "session:reconnect" => {
            (tokio::spawn(async move { Some(answering.dialled(hook.as_ref()).await) }), About::Step)
        }
        "verb:hook" => {
            let Some((about, step)) = name.as_deref().and_then(named) else {
                return Ok(Some(ack(&msgid, Some(line.busy()))));
            };
            let step = step.to_owned();
            (tokio::spawn(async move { answering.told(about, &step, hook.as_ref()).await }), about)
        }
        "call:status" => {
            // Not waited for: nobody waits for an answer, and the next message may be one that somebody waits with.
            if let Some(hook) = hook {
                tokio::spawn(async move { answering.status(&hook).await });
            }
            return Ok(None);
        }
        "jambonz:error" => {
            report(data);
            return Ok(None);
        }
        "verb:status" => return Ok(None),
        // What is yet to be invented may be waited with.
        _ => return Ok(Some(ack(&msgid, None))),
    };
    let verbs = answer.await.unwrap_or_else(|_| Some(line.last_words(about)));
    let answer = ack(&msgid, verbs);
    if answer.len() <= MOST {
        return Ok(Some(answer));
    }
    tracing::error!(bytes = answer.len(), "more is to be said than jambonz takes at a time");
    Ok(Some(ack(&msgid, Some(line.last_words(about)))))
}

/// What a hook of ours is about, and the step it belongs to.
fn named(hook: &str) -> Option<(About, &str)> {
    let (word, step) = hook.strip_prefix(HOME)?.split_once('/')?;
    Some((About::of(word)?, step))
}

fn ack(msgid: &str, verbs: Option<Vec<u8>>) -> String {
    let data = verbs.and_then(|verbs| serde_json::from_slice::<Box<RawValue>>(&verbs).ok());
    // Text and JSON: there is nothing that could not be written.
    serde_json::to_string(&Ack { kind: "ack", msgid, data: data.as_deref() }).unwrap_or_default()
}

/// Writes what the platform could not do to the log: its kind of words alone. The rest of it may quote ours.
fn report(data: Option<&RawValue>) {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Trouble {
        msg: String,
        verb: String,
    }
    const LONGEST: usize = 60;
    let trouble: Trouble = data.and_then(|data| serde_json::from_str(data.get()).ok()).unwrap_or_default();
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_ascii_alphabetic() || matches!(c, ' ' | ':' | '-')).take(LONGEST).collect()
    };
    tracing::warn!(what = %plain(&trouble.msg), verb = %plain(&trouble.verb), "jambonz reports an error");
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpStream;

    use proptest::prelude::*;
    use tungstenite::client::IntoClientRequest;

    use super::*;
    use crate::telephony::testing::{App, Fake};

    const GREETING: &str = r#"[{"verb":"say","text":["您好。"]},{"verb":"hangup"}]"#;
    const BUSY: &str = r#"[{"verb":"say","text":["系统繁忙。"]},{"verb":"hangup"}]"#;
    /// Whoever waits in a queue goes on waiting.
    const BUSY_WAITING: &str = r#"[{"verb":"pause","length":10}]"#;

    fn line() -> (App, Arc<Line<Fake>>) {
        let mut line = None;
        let app = App::new(|conversation| {
            let verbs = Verbs::by_socket(&Settings::default());
            line = Some(Arc::new(Line { conversation, verbs, patience: Duration::from_millis(1) }));
            Router::new()
        });
        (app, line.unwrap())
    }

    fn message(kind: &str, hook: &str, data: &str) -> String {
        format!(r#"{{"type":"{kind}","msgid":"m1","call_sid":"c1","hook":"{hook}","data":{data},"b3":"0-0-1"}}"#)
    }

    fn acked(verbs: &str) -> String {
        format!(r#"{{"type":"ack","msgid":"m1","data":{verbs}}}"#)
    }

    #[tokio::test]
    async fn each_message_is_told_and_answered_as_often_as_it_comes() {
        let (app, line) = line();
        for (kind, hook, data, told) in [
            ("session:new", "", r#"{"call_sid":"c1","from":"13800138000","to":"12333"}"#, "c1 dialled 12333 Number(…)"),
            ("session:reconnect", "", r#"{"call_sid":"c1","to":"12333"}"#, "c1 dialled 12333 Withheld"),
            ("verb:hook", "/jambonz/step/S", r#"{"call_sid":"c1","digits":"1"}"#, "c1 S Keys(Keys(…))"),
            ("verb:hook", "/jambonz/step/S", r#"{"call_sid":"c1","reason":"timeout"}"#, "c1 S Silence"),
            ("verb:hook", "/jambonz/said/S", r#"{"call_sid":"c1","digits":"1"}"#, "c1 S Keys(Keys(…))"),
            (
                "verb:hook",
                "/jambonz/transferred/S",
                r#"{"call_sid":"c1","dial_call_status":"completed"}"#,
                "c1 S TransferEnded(Talked)",
            ),
            (
                "verb:hook",
                "/jambonz/queued/S",
                r#"{"call_sid":"c1","queue_result":"leave"}"#,
                "c1 S TransferEnded(Left)",
            ),
            (
                "verb:hook",
                "/jambonz/recorded/S",
                r#"{"call_sid":"c1","dial_call_duration":7}"#,
                "c1 S Recorded { recording: Some(Recording { reference: Secret(…), seconds: 7 }), hung_up: false }",
            ),
        ] {
            for _ in 0..2 {
                assert_eq!(answer(&line, &message(kind, hook, data)).await, Ok(Some(acked(GREETING))), "{kind} {data}");
                assert_eq!(app.told(), [told]);
            }
        }
        let waiting = message("verb:hook", "/jambonz/waiting/S", r#"{"call_sid":"c1","queue_position":2}"#);
        let leave = r#"[{"verb":"say","text":["您好。"]},{"verb":"leave"}]"#;
        assert_eq!(answer(&line, &waiting).await, Ok(Some(acked(leave))));
        app.told();
        let next_voice = message("verb:hook", "/jambonz/said/S", r#"{"call_sid":"c1","reason":"timeout"}"#);
        assert_eq!(answer(&line, &next_voice).await, Ok(Some(r#"{"type":"ack","msgid":"m1"}"#.into())));
        assert_eq!(app.told(), [""; 0]);
    }

    #[tokio::test]
    async fn whatever_breaks_is_heard_in_words() {
        let (app, line) = line();
        for (kind, hook, data, verbs) in [
            ("session:new", "", r#"{"call_sid":"panic"}"#, BUSY),
            ("session:new", "", r#"{"call_sid":"never"}"#, BUSY),
            ("verb:hook", "/jambonz/step/panic", r#"{"call_sid":"c1"}"#, BUSY),
            ("verb:hook", "/jambonz/step/never", r#"{"call_sid":"c1"}"#, BUSY),
            ("verb:hook", "/jambonz/waiting/panic", r#"{"call_sid":"c1"}"#, BUSY_WAITING),
            ("verb:hook", "/jambonz/waiting/never", r#"{"call_sid":"c1"}"#, BUSY_WAITING),
            ("verb:hook", "/jambonz/waiting/S", "{}", BUSY_WAITING),
            ("session:new", "", "{}", BUSY),
            ("session:new", "", "[]", BUSY),
            ("session:new", "", "null", BUSY),
            ("verb:hook", "/jambonz/step/S", r#"{"call_sid":"c1","digits":1}"#, BUSY),
            ("verb:hook", "/jambonz/step/S", r#"{"call_sid":"c1","call_sid":"c2"}"#, BUSY),
            ("verb:hook", "/jambonz/call/S", r#"{"call_sid":"c1"}"#, BUSY),
            ("verb:hook", "https://hotline.example/jambonz/step/S", r#"{"call_sid":"c1"}"#, BUSY),
            ("verb:hook", "", r#"{"call_sid":"c1"}"#, BUSY),
        ] {
            assert_eq!(answer(&line, &message(kind, hook, data)).await, Ok(Some(acked(verbs))), "{kind} {hook} {data}");
        }
        assert_eq!(app.told(), [""; 0]);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_not_answered() {
        let (app, line) = line();
        for (kind, data) in [
            ("verb:status", r#"{"event":"finished"}"#),
            ("jambonz:error", r#"{"msg":"InvalidMessage","details":"x"}"#),
            ("jambonz:error", "7"),
            ("call:status", "7"),
        ] {
            assert_eq!(answer(&line, &message(kind, "", data)).await, Ok(None), "{kind}");
        }
        assert_eq!(app.told(), [""; 0]);
        let ended = message("call:status", "", r#"{"call_sid":"c1","call_status":"completed"}"#);
        assert_eq!(answer(&line, &ended).await, Ok(None));
        // Told beside the conversation.
        tokio::task::yield_now().await;
        assert_eq!(app.told(), ["c1 Completed"]);
        let new = message("agent:invented", "", "{}");
        assert_eq!(answer(&line, &new).await, Ok(Some(r#"{"type":"ack","msgid":"m1"}"#.into())));
    }

    #[tokio::test]
    async fn what_is_no_message_is_garbage() {
        let (app, line) = line();
        let long = format!(r#"{{"type":"session:new","msgid":"{}"}}"#, "m".repeat(65));
        for odd in [
            "",
            "x",
            "null",
            "[]",
            r#"["session:new","m1"]"#,
            r#"{"type":"session:new"}"#,
            r#"{"msgid":"m1"}"#,
            r#"{"type":"session:new","msgid":7}"#,
            r#"{"type":"session:new","msgid":""}"#,
            r#"{"type":"session:new","type":"x","msgid":"m1"}"#,
            r#"{"type":"session:new","msgid":"m1"}x"#,
            &long,
        ] {
            assert_eq!(answer(&line, odd).await, Err(Garbage), "{odd}");
        }
        assert_eq!(app.told(), [""; 0]);
    }

    /// An id is written as it came, whatever is in it.
    #[tokio::test]
    async fn an_ack_has_the_id_of_its_message() {
        let (_, line) = line();
        let odd = r#"{"type":"x","msgid":"\"}\n,一"}"#;
        assert_eq!(answer(&line, odd).await, Ok(Some(r#"{"type":"ack","msgid":"\"}\n,一"}"#.into())));
    }

    proptest! {
        #[test]
        fn any_text_is_answered_or_garbage(text in any::<String>(), kind in "(session:new|verb:hook|x)", data in "[{}\\[\\]\":a-z0-9,]{0,30}") {
            let (_, line) = line();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let _ = runtime.block_on(answer(&line, &text));
            let _ = runtime.block_on(answer(&line, &message(&kind, "/jambonz/step/S", &data)));
        }
    }

    /// Opens a WebSocket to a server that waits so long for a word, in a thread of its own.
    fn opened(quiet: Duration) -> tungstenite::WebSocket<TcpStream> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let settings: Settings = toml::from_str(r#"credentials = "a:b""#).unwrap();
            let door = Door {
                credentials: Credentials::new(settings.credentials()),
                origins: Origins::new(Networks::default(), Networks::default()),
                line: line().1,
                quiet,
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, routes(door)).await.unwrap();
            });
        });
        let mut request = format!("ws://{address}/jambonz/socket").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", PROTOCOL.parse().unwrap());
        request.headers_mut().insert("authorization", "Basic YTpi".parse().unwrap());
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        tungstenite::client(request, stream).unwrap().0
    }

    #[test]
    fn whoever_says_nothing_is_asked_and_then_given_up() {
        let mut socket = opened(Duration::from_millis(50));
        let mut heard = Vec::new();
        // Below the protocol, which would answer.
        socket.get_mut().read_to_end(&mut heard).unwrap();
        assert_eq!(heard, [0x89, 0], "one ping, and the end");
    }

    #[test]
    fn whoever_answers_may_be_silent_for_as_long_as_they_like() {
        let mut socket = opened(Duration::from_millis(400));
        // Each ping is answered as the next one is waited for.
        for _ in 0..3 {
            assert!(matches!(socket.read().unwrap(), tungstenite::Message::Ping(_)));
        }
        socket.send(tungstenite::Message::text(message("x", "", "{}"))).unwrap();
        let heard = std::iter::from_fn(|| socket.read().ok()).find(tungstenite::Message::is_text).unwrap();
        assert_eq!(heard.to_text().unwrap(), r#"{"type":"ack","msgid":"m1"}"#);
    }
}
