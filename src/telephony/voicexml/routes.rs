//! The addresses a gateway calls.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Path, RawPathParams, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{RequestPartsExt, Router};
use data_encoding::BASE32_NOPAD;
use serde::Deserialize;
use tower_http::catch_panic::CatchPanicLayer;

use super::document::Documents;
use super::request::{DIALECT, ID_BYTES, Request};
use super::settings::Settings;
use crate::call::caller::CallEnd;
use crate::dialog::Event;
use crate::secret::Secret;
use crate::telephony::public_url::PublicUrl;
use crate::telephony::sender::{Networks, Peer, Sender};
use crate::telephony::webhook::{FORM, PATIENCE, read};
use crate::telephony::{Conversation, Reply, recording_name};

/// Many times what a gateway posts.
const BODY_LIMIT: usize = 16 * 1024;

/// The addresses under `/voicexml/`, if there is a secret. `proxies` are our own.
pub fn router<C: Conversation>(
    conversation: Arc<C>,
    settings: &Settings,
    public_url: &PublicUrl,
    proxies: &Networks,
) -> Option<Router> {
    let (sender, secret) = (settings.sender(proxies)?, settings.secret()?);
    let base = format!("{}/voicexml/{}/", public_url.as_str(), secret.expose());
    let documents = Documents::new(settings, &base);
    Some(routes(Line { conversation, sender, documents, patience: PATIENCE }))
}

fn routes<C: Conversation>(line: Line<C>) -> Router {
    let line = Arc::new(line);
    let last_words = Arc::clone(&line);
    Router::new()
        // What comes first has no keys in it, which must not stand in an address.
        .route("/voicexml/{secret}/start", get(start).post(start))
        .route("/voicexml/{secret}/{call}/dialled", post(dialled))
        .route("/voicexml/{secret}/{call}/step/{step}", post(step))
        .route("/voicexml/{secret}/{call}/transferred/{step}", post(transferred))
        .route("/voicexml/{secret}/{call}/recorded/{step}", post(recorded))
        .route("/voicexml/{secret}/{call}/queued/{step}", post(queued))
        .route("/voicexml/{secret}/{call}/fallback", post(fallback))
        .route("/voicexml/{secret}/{call}/ended", post(ended))
        // Whatever breaks behind a request, the caller hears of it in words.
        .layer(CatchPanicLayer::custom(move |_| last_words.busy()))
        .with_state(line)
}

/// What answering takes.
struct Line<C> {
    conversation: Arc<C>,
    sender: Sender,
    documents: Documents,
    patience: Duration,
}

/// Which call, as the address has it; a secret stands there, too.
#[derive(Deserialize)]
struct Of {
    call: String,
}

/// Which call, and where in its conversation.
#[derive(Deserialize)]
struct At {
    call: String,
    step: String,
}

/// A call comes in: nobody is told of it before its numbers are known.
async fn start<C: Conversation>(State(line): State<Arc<Line<C>>>, _: Proven) -> Response {
    let mut id = [0; ID_BYTES];
    match getrandom::fill(&mut id) {
        Ok(()) => spoken(line.documents.start(&BASE32_NOPAD.encode(&id), &line.conversation.busy())),
        Err(_) => line.busy(),
    }
}

async fn dialled<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    Path(Of { call: id }): Path<Of>,
    Proven(request): Proven,
) -> Response {
    let Ok(call) = request.call(&id) else { return line.busy() };
    line.answer(&id, line.conversation.dialled(call, None)).await
}

async fn step<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    Path(at): Path<At>,
    Proven(request): Proven,
) -> Response {
    line.go_on(&request, &at, request.keys()).await
}

async fn transferred<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    Path(at): Path<At>,
    Proven(request): Proven,
) -> Response {
    line.go_on(&request, &at, request.transfer()).await
}

async fn queued<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    Path(at): Path<At>,
    Proven(request): Proven,
) -> Response {
    line.go_on(&request, &at, request.transfer()).await
}

/// What was recorded. When the caller has hung up, that was the last of the call, and nobody hears an answer.
async fn recorded<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    Path(at): Path<At>,
    Proven(request): Proven,
) -> Response {
    let event = request.recorded(Secret::new(recording_name(DIALECT, &at.call, &at.step)));
    let is_over = matches!(event, Event::HungUp | Event::Recorded { hung_up: true, .. });
    let answer = line.go_on(&request, &at, event).await;
    if is_over {
        line.end(&request, &at.call).await;
    }
    answer
}

async fn fallback<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    Path(Of { call: id }): Path<Of>,
    Proven(request): Proven,
) -> Response {
    let Ok(call) = request.call(&id) else { return line.busy() };
    line.answer(&id, line.conversation.resume(call)).await
}

/// There is nobody left to say anything to.
async fn ended<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    Path(Of { call: id }): Path<Of>,
    Proven(request): Proven,
) -> Response {
    line.end(&request, &id).await;
    spoken(Documents::end())
}

impl<C: Conversation> Line<C> {
    async fn go_on(&self, request: &Request, At { call: id, step }: &At, event: Event) -> Response {
        let Ok(call) = request.call(id) else { return self.busy() };
        self.answer(id, self.conversation.step(call, step, event)).await
    }

    async fn end(&self, request: &Request, id: &str) {
        if let Ok(call) = request.call(id) {
            let _ = tokio::time::timeout(self.patience, self.conversation.ended(call, CallEnd::Completed)).await;
        }
    }

    async fn answer(&self, call: &str, reply: impl Future<Output = Reply>) -> Response {
        match tokio::time::timeout(self.patience, reply).await {
            Ok(reply) => spoken(self.documents.reply(&reply, call, &self.conversation.busy())),
            Err(_) => self.busy(),
        }
    }

    fn busy(&self) -> Response {
        spoken(self.documents.busy(&self.conversation.busy()))
    }
}

fn spoken(document: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/voicexml+xml; charset=utf-8")], document).into_response()
}

/// A request whose sender has proved to be the gateway. Extracting it is the only way to one; whoever cannot prove it gets
/// a bare status.
struct Proven(Request);

impl<C: Conversation> FromRequest<Arc<Line<C>>> for Proven {
    type Rejection = StatusCode;

    async fn from_request(request: axum::extract::Request, line: &Arc<Line<C>>) -> Result<Self, StatusCode> {
        let (mut parts, body) = if *request.method() == Method::POST {
            read(request, FORM, BODY_LIMIT).await?
        } else {
            (request.into_parts().0, Bytes::new())
        };
        // What is there in no path, or cannot be read, is no secret.
        let params = parts.extract::<RawPathParams>().await.ok();
        let secret = params.iter().flatten().find(|(name, _)| *name == "secret").map_or("", |(_, value)| value);
        let peer = parts.extensions.get::<Peer>().copied();
        if line.sender.is_proven(secret, peer, &parts.headers) {
            Ok(Self(Request::parse(&body)))
        } else {
            Err(StatusCode::FORBIDDEN)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telephony::testing::{Answer, App};

    const ID: &str = "ABCDEFGHIJKLMNOPQRST2345";
    const KEY: &str = "geheim-0123456789";

    fn app() -> App {
        let settings: Settings =
            toml::from_str(&format!("secret = \"{KEY}\"\naddresses = [\"198.51.100.0/24\"]")).unwrap();
        let base = format!("https://hotline.example/voicexml/{KEY}/");
        App::new(|conversation| {
            let sender = settings.sender(&Networks::default()).unwrap();
            let documents = Documents::new(&settings, &base);
            routes(Line { conversation, sender, documents, patience: Duration::from_millis(1) })
        })
    }

    fn request(method: Method, secret: &str, path: &str, body: &str, from: &str) -> axum::extract::Request {
        axum::http::Request::builder()
            .method(method)
            .uri(format!("/voicexml/{secret}/{path}"))
            .header(header::CONTENT_TYPE, FORM)
            .extension(Peer((from.parse::<std::net::IpAddr>().unwrap(), 1).into()))
            .body(body.to_owned().into())
            .unwrap()
    }

    async fn posted(app: &App, path: &str, body: &str) -> Answer {
        app.send(request(Method::POST, KEY, path, body, "198.51.100.9")).await
    }

    /// What an answer has the caller hear, and what follows.
    fn heard(answer: &Answer) -> &str {
        assert_eq!((answer.status, &*answer.kind), (200, "application/voicexml+xml; charset=utf-8"));
        answer.body.split_once("<form>").unwrap().1.strip_suffix("</form></vxml>").unwrap()
    }

    const GREETING: &str = r#"<block><prompt bargein="false" xml:lang="zh-CN">您好。</prompt><disconnect/></block>"#;
    const BUSY: &str = r#"<block><prompt bargein="false" xml:lang="zh-CN">系统繁忙。</prompt><disconnect/></block>"#;

    #[tokio::test]
    async fn the_first_document_gives_an_id_of_its_own_to_each_call() {
        let app = app();
        let mut addresses = Vec::new();
        for method in [Method::GET, Method::POST, Method::GET] {
            let answer = app.send(request(method, KEY, "start?ani=1", "", "198.51.100.9")).await;
            let next = heard(&answer).split('"').nth(1).unwrap().to_owned();
            let id = next.strip_prefix(&format!("https://hotline.example/voicexml/{KEY}/")).unwrap();
            assert!(Request::parse(b"").call(id.strip_suffix("/dialled").unwrap()).is_ok(), "{id}");
            assert!(!addresses.contains(&next), "{next}");
            addresses.push(next);
        }
        assert_eq!(app.told(), [""; 0], "nobody is told yet");
    }

    #[tokio::test]
    async fn each_request_tells_what_happened() {
        let app = app();
        for (path, body, told) in [
            ("dialled", "caller=tel%3A%2B8613800138000&dialled=12333", "dialled 12333 Number(…)"),
            ("step/A-b_9", "how=keys&keys=12", "A-b_9 Keys(Keys(…))"),
            ("step/S", "how=silence", "S Silence"),
            ("step/S", "how=nomatch", "S Keys(Keys(…))"),
            ("step/S", "", "S Garbled"),
            ("transferred/S", "how=far_end_disconnect", "S TransferEnded(Talked)"),
            ("transferred/S", "how=noanswer", "S TransferEnded(NotAnswered)"),
            ("queued/S", "how=unknown", "S TransferEnded(NotAnswered)"),
            ("recorded/S", "how=silence", "S Recorded { recording: None, hung_up: false }"),
            (
                "recorded/S",
                "how=recorded&seconds=7",
                "S Recorded { recording: Some(Recording { reference: Secret(…), seconds: 7 }), hung_up: false }",
            ),
            ("fallback", "", "resumed"),
        ] {
            assert_eq!(heard(&posted(&app, &format!("{ID}/{path}"), body).await), GREETING, "{path} {body}");
            assert_eq!(app.told(), [format!("{ID} {told}")], "{path} {body}");
        }
        assert_eq!(heard(&posted(&app, &format!("{ID}/ended"), "").await), "<block><exit/></block>");
        assert_eq!(app.told(), [format!("{ID} Completed")]);
        posted(&app, &format!("{ID}/recorded/S"), "how=hangup&seconds=7").await;
        let recorded = "S Recorded { recording: Some(Recording { reference: Secret(…), seconds: 7 }), hung_up: true }";
        assert_eq!(app.told(), [format!("{ID} {recorded}"), format!("{ID} Completed")]);
    }

    #[tokio::test]
    async fn whoever_cannot_prove_it_is_told_nothing() {
        let app = app();
        let id = |path: &str| format!("{ID}/{path}");
        let paths = ["dialled", "step/S", "transferred/S", "recorded/S", "queued/S", "fallback", "ended"].map(id);
        for path in paths.iter().map(String::as_str).chain(["start"]) {
            for (secret, from) in [("x", "198.51.100.9"), ("GEHEIM-0123456789", "198.51.100.9"), (KEY, "203.0.113.7")] {
                let answer = app.send(request(Method::POST, secret, path, "how=keys&keys=1", from)).await;
                assert_eq!(answer, Answer::bare(403), "{path} {secret} {from}");
            }
            let mut text = request(Method::POST, KEY, path, "", "198.51.100.9");
            text.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
            assert_eq!(app.send(text).await, Answer::bare(415), "{path}");
            if path != "start" {
                let get = request(Method::GET, KEY, path, "", "198.51.100.9");
                assert_eq!(app.send(get).await, Answer::bare(405), "{path}");
            }
        }
        let giant = format!("how=keys&keys={}", "1".repeat(BODY_LIMIT));
        assert_eq!(posted(&app, &format!("{ID}/step/S"), &giant).await, Answer::bare(413));
        assert_eq!(app.send(request(Method::GET, "x", "start", "", "198.51.100.9")).await, Answer::bare(403));
        assert_eq!(app.told(), [""; 0]);
    }

    #[tokio::test]
    async fn whatever_breaks_is_heard_in_words() {
        let app = app();
        for (path, body) in [
            ("dialled", "dialled=panic"),
            ("dialled", "dialled=never"),
            ("step/panic", "how=keys&keys=1"),
            ("step/never", "how=keys&keys=1"),
            ("transferred/never", "how=busy"),
        ] {
            assert_eq!(heard(&posted(&app, &format!("{ID}/{path}"), body).await), BUSY, "{path} {body}");
        }
        for id in ["abc", "ABCDEFGHIJKLMNOPQRST234%00"] {
            for path in ["dialled", "step/S", "recorded/S", "fallback"] {
                assert_eq!(heard(&posted(&app, &format!("{id}/{path}"), "how=keys&keys=1").await), BUSY, "{id} {path}");
            }
        }
        assert_eq!(app.told(), [""; 0]);
    }
}
