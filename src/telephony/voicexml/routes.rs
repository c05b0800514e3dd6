//! The addresses a gateway calls.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use data_encoding::BASE32_NOPAD;
use tower_http::catch_panic::CatchPanicLayer;

use super::document::Documents;
use super::request::{DIALECT, ID_BYTES, Request};
use super::settings::Settings;
use crate::call::caller::CallEnd;
use crate::dialog::Event;
use crate::secret::Secret;
use crate::telephony::public_url::PublicUrl;
use crate::telephony::sender::{Networks, Peer, Sender};
use crate::telephony::webhook::{FORM, PATIENCE, PathParts, read};
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
    path: PathParts,
    Proven(request): Proven,
) -> Response {
    let id = path.named("call");
    let Ok(call) = request.call(id) else { return line.busy() };
    line.answer(id, line.conversation.dialled(call, None)).await
}

async fn step<C: Conversation>(State(line): State<Arc<Line<C>>>, path: PathParts, Proven(request): Proven) -> Response {
    line.go_on(&request, &path, request.keys()).await
}

async fn transferred<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    path: PathParts,
    Proven(request): Proven,
) -> Response {
    line.go_on(&request, &path, request.transfer()).await
}

async fn queued<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    path: PathParts,
    Proven(request): Proven,
) -> Response {
    line.go_on(&request, &path, request.transfer()).await
}

/// What was recorded. When the caller has hung up, that was the last of the call, and nobody hears an answer.
async fn recorded<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    path: PathParts,
    Proven(request): Proven,
) -> Response {
    let event = request.recorded(Secret::new(recording_name(DIALECT, path.named("call"), path.named("step"))));
    let is_over = matches!(event, Event::HungUp | Event::Recorded { hung_up: true, .. });
    let answer = line.go_on(&request, &path, event).await;
    if is_over {
        line.end(&request, path.named("call")).await;
    }
    answer
}

async fn fallback<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    path: PathParts,
    Proven(request): Proven,
) -> Response {
    let id = path.named("call");
    let Ok(call) = request.call(id) else { return line.busy() };
    match tokio::time::timeout(line.patience, line.conversation.resume(call)).await {
        Ok(reply) => spoken(line.documents.resumed(&reply, id, &line.conversation.busy())),
        Err(_) => line.busy(),
    }
}

/// There is nobody left to say anything to.
async fn ended<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    path: PathParts,
    Proven(request): Proven,
) -> Response {
    line.end(&request, path.named("call")).await;
    spoken(Documents::end())
}

impl<C: Conversation> Line<C> {
    async fn go_on(&self, request: &Request, path: &PathParts, event: Event) -> Response {
        let id = path.named("call");
        let Ok(call) = request.call(id) else { return self.busy() };
        self.answer(id, self.conversation.step(call, path.named("step"), event)).await
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
        let Ok(path) = PathParts::from_request_parts(&mut parts, line).await;
        let peer = parts.extensions.get::<Peer>().copied();
        if line.sender.is_proven(path.named("secret"), peer, &parts.headers) {
            Ok(Self(Request::parse(&body)))
        } else {
            Err(StatusCode::FORBIDDEN)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telephony::testing::{Answer, App, Platform, Webhook, contract};

    const ID: &str = "ABCDEFGHIJKLMNOPQRST2345";
    const KEY: &str = "geheim-0123456789";
    const OURS: [u8; 4] = [198, 51, 100, 9];
    const GREETING: &str = concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?>"#,
        r#"<vxml version="2.1" xmlns="http://www.w3.org/2001/vxml" xml:lang="zh-CN">"#,
        r#"<property name="inputmodes" value="dtmf"/><property name="fetchtimeout" value="10s"/>"#,
        r#"<var name="caller" expr="session.connection &amp;&amp; session.connection.remote ? "#,
        r#"session.connection.remote.uri : &apos;&apos;"/>"#,
        r#"<var name="dialled" expr="session.connection &amp;&amp; session.connection.local ? "#,
        r#"session.connection.local.uri : &apos;&apos;"/>"#,
        r#"<var name="how" expr="&apos;&apos;"/><catch event="connection.disconnect">"#,
        r#"<submit next="https://hotline.example/voicexml/geheim-0123456789/ABCDEFGHIJKLMNOPQRST2345/ended" "#,
        r#"method="post" namelist="caller dialled"/></catch><catch event="error" count="1">"#,
        r#"<submit next="https://hotline.example/voicexml/geheim-0123456789/ABCDEFGHIJKLMNOPQRST2345/fallback" "#,
        r#"method="post" namelist="caller dialled"/></catch><catch event="error" count="2">"#,
        r#"<prompt bargein="false" xml:lang="zh-CN">系统繁忙。</prompt><disconnect/></catch>"#,
        r#"<form><block><prompt bargein="false" xml:lang="zh-CN">您好。</prompt><disconnect/></block></form></vxml>"#
    );
    const FALLS_BACK: &str = concat!(
        r#"<catch event="error" count="1">"#,
        r#"<submit next="https://hotline.example/voicexml/geheim-0123456789/ABCDEFGHIJKLMNOPQRST2345/fallback" "#,
        r#"method="post" namelist="caller dialled"/></catch><catch event="error" count="2">"#
    );
    const BUSY: &str = concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?>"#,
        r#"<vxml version="2.1" xmlns="http://www.w3.org/2001/vxml" xml:lang="zh-CN">"#,
        r#"<form><block><prompt bargein="false" xml:lang="zh-CN">系统繁忙。</prompt><disconnect/></block></form></vxml>"#
    );
    const END: &str = concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?><vxml version="2.1" xmlns="http://www.w3.org/2001/vxml">"#,
        r#"<form><block><exit/></block></form></vxml>"#
    );

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

    fn request(method: Method, path: &str, from: [u8; 4], body: &str) -> axum::extract::Request {
        axum::http::Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, FORM)
            .extension(Peer((from, 1).into()))
            .body(body.to_owned().into())
            .unwrap()
    }

    async fn post(app: &App, path: &str, body: &str) -> Answer {
        app.send(request(Method::POST, &format!("/voicexml/{KEY}/{path}"), OURS, body)).await
    }

    fn spoken(body: &str) -> Answer {
        Answer::spoken("application/voicexml+xml; charset=utf-8", body)
    }

    #[tokio::test]
    async fn keeps_the_contract() {
        let in_words =
            |path, body, told| Webhook { path, body, told, answer: spoken(GREETING), last_words: Some(spoken(BUSY)) };
        // Whoever fell back has no other way on than last words.
        let resumed = GREETING.replace(FALLS_BACK, r#"<catch event="error" count="1">"#);
        let webhooks = [
            in_words(
                "/{call}/dialled",
                "caller=tel%3A%2B8613800138000&dialled=12333",
                "ABCDEFGHIJKLMNOPQRST2345 dialled 12333 Number(…)",
            ),
            in_words("/{call}/step/{step}", "how=keys&keys=12", "ABCDEFGHIJKLMNOPQRST2345 S Keys(Keys(…))"),
            // In part, and the key that ends an entry alone.
            in_words("/{call}/step/{step}", "how=nomatch&keys=12", "ABCDEFGHIJKLMNOPQRST2345 S Keys(Keys(…))"),
            in_words("/{call}/step/{step}", "how=nomatch", "ABCDEFGHIJKLMNOPQRST2345 S Keys(Keys(…))"),
            in_words("/{call}/step/{step}", "how=silence", "ABCDEFGHIJKLMNOPQRST2345 S Silence"),
            in_words("/{call}/step/{step}", "", "ABCDEFGHIJKLMNOPQRST2345 S Garbled"),
            in_words(
                "/{call}/transferred/{step}",
                "how=far_end_disconnect",
                "ABCDEFGHIJKLMNOPQRST2345 S TransferEnded(Talked)",
            ),
            in_words(
                "/{call}/transferred/{step}",
                "how=noanswer",
                "ABCDEFGHIJKLMNOPQRST2345 S TransferEnded(NotAnswered)",
            ),
            in_words("/{call}/queued/{step}", "how=unknown", "ABCDEFGHIJKLMNOPQRST2345 S TransferEnded(NotAnswered)"),
            in_words(
                "/{call}/recorded/{step}",
                "how=recorded&seconds=7",
                "ABCDEFGHIJKLMNOPQRST2345 S Recorded { \
                 recording: Some(Recording { reference: Secret(…), seconds: 7 }), hung_up: false }",
            ),
            in_words(
                "/{call}/recorded/{step}",
                "how=silence",
                "ABCDEFGHIJKLMNOPQRST2345 S Recorded { recording: None, hung_up: false }",
            ),
            Webhook {
                answer: spoken(&resumed),
                ..in_words("/{call}/fallback", "", "ABCDEFGHIJKLMNOPQRST2345 resumed")
            },
            Webhook {
                path: "/{call}/ended",
                body: "",
                told: "ABCDEFGHIJKLMNOPQRST2345 Completed",
                answer: spoken(END),
                last_words: None,
            },
        ];
        let with = |secret: &str, path: &str, from, body: &str| {
            // Ids of ours for the contract's calls.
            let path = path.replace("/c1", "/ABCDEFGHIJKLMNOPQRST2345").replace("/panic", "/PANICDEFGHIJKLMNOPQRST23");
            let path = path.replace("/never", "/NEVERDEFGHIJKLMNOPQRST23");
            request(Method::POST, &format!("/voicexml/{secret}{path}"), from, body)
        };
        contract(&Platform {
            app: app(),
            webhooks: &webhooks,
            sent: &|path, body| with(KEY, path, OURS, body),
            forged: &[
                &|path, body| with("x", path, OURS, body),
                &|path, body| with("GEHEIM-0123456789", path, OURS, body),
                &|path, body| with("%FF", path, OURS, body),
                &|path, body| with("x", &path.replace("/S", "/%FF"), OURS, body),
                &|path, body| with(KEY, path, [203, 0, 113, 7], body),
                &|path, body| {
                    let mut pretended = with(KEY, path, [203, 0, 113, 7], body);
                    pretended.headers_mut().insert("x-forwarded-for", "198.51.100.9".parse().unwrap());
                    pretended
                },
            ],
            unreadable: &[
                "how=keys&keys=1&keys=2",
                "how=keys&how=silence&keys=1",
                "caller=1&caller=2",
                "seconds=1&seconds=2",
            ],
        })
        .await;
    }

    #[tokio::test]
    async fn the_first_document_gives_an_id_of_its_own_to_each_call() {
        let app = app();
        let start = format!("/voicexml/{KEY}/start?ani=1");
        let mut addresses = Vec::new();
        for method in [Method::GET, Method::POST, Method::GET] {
            let answer = app.send(request(method, &start, OURS, "")).await;
            assert_eq!((answer.status, &*answer.kind), (200, "application/voicexml+xml; charset=utf-8"));
            let (_, form) = answer.body.split_once("<form><block><submit next=\"").unwrap();
            let next = form.split('"').next().unwrap().to_owned();
            let id = next.strip_prefix(&format!("https://hotline.example/voicexml/{KEY}/")).unwrap();
            assert!(Request::parse(b"").call(id.strip_suffix("/dialled").unwrap()).is_ok(), "{id}");
            assert!(!addresses.contains(&next), "{next}");
            addresses.push(next);
        }
        for method in [Method::GET, Method::POST] {
            for (path, from) in [("/voicexml/x/start", OURS), (&*start, [203, 0, 113, 7])] {
                assert_eq!(app.send(request(method.clone(), path, from, "")).await, Answer::bare(403), "{path}");
            }
        }
        assert_eq!(app.told(), [""; 0], "nobody is told yet");
    }

    #[tokio::test]
    async fn what_was_recorded_when_the_caller_hung_up_is_told_with_the_end() {
        let app = app();
        assert_eq!(post(&app, &format!("{ID}/recorded/S"), "how=hangup&seconds=7").await, spoken(GREETING));
        let recorded = "S Recorded { recording: Some(Recording { reference: Secret(…), seconds: 7 }), hung_up: true }";
        assert_eq!(app.told(), [format!("{ID} {recorded}"), format!("{ID} Completed")]);
    }

    #[tokio::test]
    async fn an_address_without_an_id_of_ours_is_answered_in_words() {
        let app = app();
        for id in ["abc", "ABCDEFGHIJKLMNOPQRST234%00"] {
            for path in ["dialled", "step/S", "transferred/S", "recorded/S", "queued/S", "fallback"] {
                assert_eq!(post(&app, &format!("{id}/{path}"), "how=keys&keys=1").await, spoken(BUSY), "{id} {path}");
            }
            assert_eq!(post(&app, &format!("{id}/ended"), "").await, spoken(END), "{id}");
        }
        assert_eq!(app.told(), [""; 0]);
    }

    #[tokio::test]
    async fn other_methods_kinds_and_sizes_are_refused() {
        let app = app();
        for path in ["start", "ABCDEFGHIJKLMNOPQRST2345/step/S", "ABCDEFGHIJKLMNOPQRST2345/ended"] {
            let path = format!("/voicexml/{KEY}/{path}");
            let mut text = request(Method::POST, &path, OURS, "");
            text.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
            assert_eq!(app.send(text).await, Answer::bare(415), "{path}");
            if !path.ends_with("start") {
                assert_eq!(app.send(request(Method::GET, &path, OURS, "")).await, Answer::bare(405), "{path}");
            }
        }
        let giant = format!("how=keys&keys={}", "1".repeat(BODY_LIMIT));
        assert_eq!(post(&app, &format!("{ID}/step/S"), &giant).await, Answer::bare(413));
        assert_eq!(app.told(), [""; 0]);
    }
}
