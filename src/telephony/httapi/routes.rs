//! The addresses FreeSWITCH calls.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, Path, RawPathParams, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{RequestPartsExt, Router};
use serde::Deserialize;
use tower_http::catch_panic::CatchPanicLayer;

use super::request::{DIALECT, Request};
use super::settings::Settings;
use super::work::Work;
use crate::call::caller::CallEnd;
use crate::dialog::Event;
use crate::secret::Secret;
use crate::telephony::public_url::PublicUrl;
use crate::telephony::sender::{Credentials, Networks, Peer, Sender};
use crate::telephony::webhook::{FORM, PATIENCE, read};
use crate::telephony::{Conversation, Reply, recording_name};

/// What is posted with all of the channel in it (`extended-data`) is some thousand bytes.
const BODY_LIMIT: usize = 16 * 1024;

/// The addresses under `/httapi/`, if there is a secret. `proxies` are our own.
pub fn router<C: Conversation>(
    conversation: Arc<C>,
    settings: &Settings,
    public_url: &PublicUrl,
    proxies: &Networks,
) -> Option<Router> {
    let proof = Proof::new(settings, proxies)?;
    let base = format!("{}/httapi/{}/", public_url.as_str(), settings.secret()?.expose());
    Some(routes(Line { conversation, proof, work: Work::new(settings, &base), patience: PATIENCE }))
}

fn routes<C: Conversation>(line: Line<C>) -> Router {
    let line = Arc::new(line);
    let last_words = Arc::clone(&line);
    Router::new()
        .route("/httapi/{secret}/call", post(call))
        .route("/httapi/{secret}/step/{step}", post(step))
        .route("/httapi/{secret}/transferred/{step}", post(transferred))
        .route("/httapi/{secret}/recorded/{step}", post(recorded))
        .route("/httapi/{secret}/queued/{step}", post(queued))
        .route("/httapi/{secret}/fallback", post(fallback))
        // Whatever breaks behind a request, the caller hears of it in words.
        .layer(CatchPanicLayer::custom(move |_| last_words.busy()))
        .with_state(line)
}

/// What answering takes.
struct Line<C> {
    conversation: Arc<C>,
    proof: Proof,
    work: Work,
    patience: Duration,
}

/// What proves that FreeSWITCH sent it.
struct Proof {
    sender: Sender,
    /// Asked for as well, where there are any.
    credentials: Option<Credentials>,
}

impl Proof {
    fn new(settings: &Settings, proxies: &Networks) -> Option<Self> {
        let credentials = settings.credentials().map(|credentials| Credentials::new([credentials]));
        Some(Self { sender: settings.sender(proxies)?, credentials })
    }

    /// Whether a request is FreeSWITCH' that has `secret` in its path, comes from `peer` and has these headers.
    fn holds(&self, secret: &str, peer: Option<Peer>, headers: &HeaderMap) -> bool {
        let knows_the_password = self.credentials.as_ref().is_none_or(|credentials| credentials.are_in(headers));
        self.sender.is_proven(secret, peer, headers) && knows_the_password
    }
}

/// Where in a conversation, as the address has it; a secret stands there, too.
#[derive(Deserialize)]
struct At {
    step: String,
}

async fn call<C: Conversation>(State(line): State<Arc<Line<C>>>, Proven(request): Proven) -> Response {
    let Ok(call) = request.call() else { return line.busy() };
    if request.is_exiting() {
        return line.end(&request).await;
    }
    let id = call.id.clone();
    line.answer(&id, line.conversation.dialled(call, None)).await
}

async fn step<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    Path(At { step }): Path<At>,
    Proven(request): Proven,
) -> Response {
    line.go_on(&request, &step, request.keys()).await
}

async fn transferred<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    Path(At { step }): Path<At>,
    Proven(request): Proven,
) -> Response {
    line.go_on(&request, &step, request.transfer()).await
}

async fn queued<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    Path(At { step }): Path<At>,
    Proven(request): Proven,
) -> Response {
    line.go_on(&request, &step, request.transfer()).await
}

/// What was recorded. Of a call that is over it is told with its end.
async fn recorded<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    Path(At { step }): Path<At>,
    Proven(request): Proven,
) -> Response {
    let Ok(call) = request.call() else { return line.busy() };
    let event = request.recorded(Secret::new(recording_name(DIALECT, &call.id, &step)));
    if request.is_exiting() {
        if matches!(event, Event::Recorded { .. }) {
            let _ = tokio::time::timeout(line.patience, line.conversation.step(call, &step, event)).await;
        }
        return line.end(&request).await;
    }
    line.go_on(&request, &step, event).await
}

async fn fallback<C: Conversation>(State(line): State<Arc<Line<C>>>, Proven(request): Proven) -> Response {
    let Ok(call) = request.call() else { return line.busy() };
    if request.is_exiting() {
        return line.end(&request).await;
    }
    let id = call.id.clone();
    line.answer(&id, line.conversation.resume(call)).await
}

impl<C: Conversation> Line<C> {
    async fn go_on(&self, request: &Request, step: &str, event: Event) -> Response {
        let Ok(call) = request.call() else { return self.busy() };
        if request.is_exiting() {
            return self.end(request).await;
        }
        let id = call.id.clone();
        self.answer(&id, self.conversation.step(call, step, event)).await
    }

    /// The call is over, and there is nobody left to say anything to.
    async fn end(&self, request: &Request) -> Response {
        if let Ok(call) = request.call() {
            let _ = tokio::time::timeout(self.patience, self.conversation.ended(call, CallEnd::Completed)).await;
        }
        "OK\n".into_response()
    }

    async fn answer(&self, call: &str, reply: impl Future<Output = Reply>) -> Response {
        match tokio::time::timeout(self.patience, reply).await {
            Ok(reply) => spoken(self.work.reply(&reply, call)),
            Err(_) => self.busy(),
        }
    }

    fn busy(&self) -> Response {
        let (language, words) = self.conversation.busy();
        spoken(self.work.busy(language, &words))
    }
}

fn spoken(work: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], work).into_response()
}

/// A request whose sender has proved to be FreeSWITCH. Extracting it is the only way to one; whoever cannot prove it gets a
/// bare status.
struct Proven(Request);

impl<C: Conversation> FromRequest<Arc<Line<C>>> for Proven {
    type Rejection = StatusCode;

    async fn from_request(request: axum::extract::Request, line: &Arc<Line<C>>) -> Result<Self, StatusCode> {
        let (mut parts, body) = read(request, FORM, BODY_LIMIT).await?;
        // What is there in no path, or cannot be read, is no secret.
        let params = parts.extract::<RawPathParams>().await.ok();
        let secret = params.iter().flatten().find(|(name, _)| *name == "secret").map_or("", |(_, value)| value);
        let peer = parts.extensions.get::<Peer>().copied();
        if line.proof.holds(secret, peer, &parts.headers) {
            Ok(Self(Request::parse(&body)))
        } else {
            Err(StatusCode::FORBIDDEN)
        }
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;

    use super::*;
    use crate::telephony::testing::{Answer, App};

    const KEY: &str = "geheim-0123456789";
    const GREETING: &str = concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?><document type="xml/freeswitch-httapi"><work>"#,
        r#"<speak engine="unimrcp" voice="zh-CN" text="您好。"/><hangup cause="NORMAL_CLEARING"/></work></document>"#
    );
    const BUSY: &str = concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?><document type="xml/freeswitch-httapi"><work>"#,
        r#"<speak engine="unimrcp" voice="zh-CN" text="系统繁忙。"/><hangup cause="NORMAL_CLEARING"/></work></document>"#
    );

    fn app(settings: &str) -> App {
        let settings: Settings =
            toml::from_str(&format!("secret = \"{KEY}\"\naddresses = [\"198.51.100.0/24\"]\n{settings}")).unwrap();
        App::new(|conversation| {
            let work = Work::new(&settings, &format!("https://hotline.example/httapi/{KEY}/"));
            let proof = Proof::new(&settings, &Networks::default()).unwrap();
            routes(Line { conversation, proof, work, patience: Duration::from_millis(1) })
        })
    }

    fn request(secret: &str, path: &str, body: &str, from: &str) -> axum::extract::Request {
        axum::http::Request::post(format!("/httapi/{secret}/{path}"))
            .header(header::CONTENT_TYPE, FORM)
            .extension(Peer((from.parse::<std::net::IpAddr>().unwrap(), 1).into()))
            .body(body.to_owned().into())
            .unwrap()
    }

    async fn posted(app: &App, path: &str, body: &str) -> Answer {
        app.send(request(KEY, path, body, "198.51.100.9")).await
    }

    fn spoken(body: &str) -> Answer {
        Answer::spoken("text/xml; charset=utf-8", body)
    }

    fn ok() -> Answer {
        Answer { status: 200, kind: "text/plain; charset=utf-8".into(), body: "OK\n".into() }
    }

    #[tokio::test]
    async fn each_request_tells_what_happened() {
        let app = app("");
        let recorded =
            "c1 S Recorded { recording: Some(Recording { reference: Secret(…), seconds: 7 }), hung_up: false }";
        for (path, body, told) in [
            (
                "call",
                "Caller-Caller-ID-Number=13800138000&Caller-Destination-Number=12333",
                "c1 dialled 12333 Number(…)",
            ),
            ("step/A-b_9", "keys=12&input_type=dtmf", "c1 A-b_9 Keys(Keys(…))"),
            ("step/S", "", "c1 S Silence"),
            ("transferred/S", "originate_disposition=SUCCESS", "c1 S TransferEnded(Talked)"),
            ("queued/S", "", "c1 S TransferEnded(NotAnswered)"),
            ("recorded/S", "record_seconds=7", recorded),
            ("recorded/S", "", "c1 S Recorded { recording: None, hung_up: false }"),
            ("fallback", "", "c1 resumed"),
        ] {
            let body = format!("session_id=c1&hostname=fs1&{body}");
            assert_eq!(posted(&app, path, &body).await, spoken(GREETING), "{path}");
            assert_eq!(app.told(), [told], "{path}");
        }
    }

    #[tokio::test]
    async fn the_end_is_told_to_any_address_and_answered_plainly() {
        let app = app("");
        for path in ["call", "step/S", "transferred/S", "queued/S", "recorded/S", "fallback"] {
            let body = "session_id=c1&exiting=true&keys=1&input_type=dtmf&originate_disposition=SUCCESS";
            assert_eq!(posted(&app, path, body).await, ok(), "{path}");
            assert_eq!(app.told(), ["c1 Completed"], "{path}");
        }
        assert_eq!(posted(&app, "recorded/S", "session_id=c1&exiting=true&record_seconds=7").await, ok());
        let recorded =
            "c1 S Recorded { recording: Some(Recording { reference: Secret(…), seconds: 7 }), hung_up: true }";
        assert_eq!(app.told(), [recorded, "c1 Completed"]);
        assert_eq!(posted(&app, "step/S", "session_id=never&exiting=true").await, ok());
    }

    #[tokio::test]
    async fn whoever_cannot_prove_it_is_told_nothing() {
        let app = app("");
        let body = "session_id=c1&keys=1&input_type=dtmf";
        for path in ["call", "step/S", "transferred/S", "recorded/S", "queued/S", "fallback"] {
            for (secret, from) in [("x", "198.51.100.9"), ("GEHEIM-0123456789", "198.51.100.9"), (KEY, "203.0.113.7")] {
                assert_eq!(
                    app.send(request(secret, path, body, from)).await,
                    Answer::bare(403),
                    "{path} {secret} {from}"
                );
            }
            let mut text = request(KEY, path, body, "198.51.100.9");
            text.headers_mut().insert(header::CONTENT_TYPE, "multipart/form-data; boundary=x".parse().unwrap());
            assert_eq!(app.send(text).await, Answer::bare(415), "{path}");
            let mut get = request(KEY, path, "", "198.51.100.9");
            *get.method_mut() = axum::http::Method::GET;
            assert_eq!(app.send(get).await, Answer::bare(405), "{path}");
        }
        let giant = format!("session_id=c1&keys={}", "1".repeat(BODY_LIMIT));
        assert_eq!(posted(&app, "step/S", &giant).await, Answer::bare(413));
        assert_eq!(app.told(), [""; 0]);
    }

    #[tokio::test]
    async fn credentials_are_asked_for_as_well() {
        let app = app(r#"credentials = "fs:pass:wort""#);
        let sent = async |secret: &str, authorization: Option<String>| {
            let mut request = request(secret, "fallback", "session_id=c1", "198.51.100.9");
            if let Some(value) = authorization {
                request.headers_mut().insert(header::AUTHORIZATION, value.parse().unwrap());
            }
            app.send(request).await.status
        };
        let basic = |both: &str| Some(format!("Basic {}", BASE64.encode(both.as_bytes())));
        assert_eq!(sent(KEY, basic("fs:pass:wort")).await, 200);
        assert_eq!(sent("x", basic("fs:pass:wort")).await, 403, "not instead of the secret");
        let lower = Some(format!("basic {}", BASE64.encode(b"fs:pass:wort")));
        assert_eq!(sent(KEY, lower).await, 200);
        for wrong in
            [None, basic(""), basic("fs:"), basic("fs:pass:wor"), Some("Basic !".into()), Some("Bearer x".into())]
        {
            assert_eq!(sent(KEY, wrong.clone()).await, 403, "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn whatever_breaks_is_heard_in_words() {
        let app = app("");
        for (path, body) in [
            ("call", "session_id=panic"),
            ("call", "session_id=never"),
            ("step/panic", "session_id=c1"),
            ("step/never", "session_id=c1"),
            ("call", ""),
            ("step/S", "session_id=a+b&keys=1"),
            ("recorded/S", "session_id=c1&session_id=c2"),
            ("fallback", "session_id="),
        ] {
            assert_eq!(posted(&app, path, body).await, spoken(BUSY), "{path} {body}");
        }
        assert_eq!(app.told(), [""; 0]);
    }
}
