//! The addresses FreeSWITCH calls.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequest, FromRequestParts, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tower_http::catch_panic::CatchPanicLayer;

use super::request::{DIALECT, Request};
use super::settings::Settings;
use super::work::Work;
use crate::call::caller::CallEnd;
use crate::dialog::Event;
use crate::secret::Secret;
use crate::telephony::public_url::PublicUrl;
use crate::telephony::sender::{Credentials, Networks, Peer, Sender};
use crate::telephony::webhook::{FORM, PATIENCE, PathParts, read};
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

async fn call<C: Conversation>(State(line): State<Arc<Line<C>>>, Proven(request): Proven) -> Response {
    let Ok(call) = request.call() else { return line.busy() };
    if request.is_exiting() {
        return line.end(&request).await;
    }
    let id = call.id.clone();
    line.answer(&id, line.conversation.dialled(call, None)).await
}

async fn step<C: Conversation>(State(line): State<Arc<Line<C>>>, path: PathParts, Proven(request): Proven) -> Response {
    line.go_on(&request, path.named("step"), request.keys()).await
}

async fn transferred<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    path: PathParts,
    Proven(request): Proven,
) -> Response {
    line.go_on(&request, path.named("step"), request.transfer()).await
}

async fn queued<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    path: PathParts,
    Proven(request): Proven,
) -> Response {
    line.go_on(&request, path.named("step"), request.transfer()).await
}

/// What was recorded. Of a call that is over it is told with its end.
async fn recorded<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    path: PathParts,
    Proven(request): Proven,
) -> Response {
    let Ok(call) = request.call() else { return line.busy() };
    let event = request.recorded(Secret::new(recording_name(DIALECT, &call.id, path.named("step"))));
    if request.is_exiting() {
        if matches!(event, Event::Recorded { .. }) {
            let _ = tokio::time::timeout(line.patience, line.conversation.step(call, path.named("step"), event)).await;
        }
        return line.end(&request).await;
    }
    line.go_on(&request, path.named("step"), event).await
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
        let Ok(path) = PathParts::from_request_parts(&mut parts, line).await;
        let peer = parts.extensions.get::<Peer>().copied();
        if line.proof.holds(path.named("secret"), peer, &parts.headers) {
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
    use crate::telephony::testing::{Answer, App, Platform, Webhook, contract};

    const KEY: &str = "geheim-0123456789";
    const OURS: [u8; 4] = [198, 51, 100, 9];
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

    fn request(path: &str, from: [u8; 4], credentials: Option<&str>, body: &str) -> axum::extract::Request {
        let request = axum::http::Request::post(path).header(header::CONTENT_TYPE, FORM);
        let request = request.extension(Peer((from, 1).into()));
        let request = credentials.into_iter().fold(request, |request, credentials| {
            request.header(header::AUTHORIZATION, format!("Basic {}", BASE64.encode(credentials.as_bytes())))
        });
        request.body(body.to_owned().into()).unwrap()
    }

    async fn post(app: &App, path: &str, body: &str) -> Answer {
        app.send(request(&format!("/httapi/{KEY}/{path}"), OURS, None, body)).await
    }

    fn spoken(body: &str) -> Answer {
        Answer::spoken("text/xml; charset=utf-8", body)
    }

    fn ok() -> Answer {
        Answer { status: 200, kind: "text/plain; charset=utf-8".into(), body: "OK\n".into() }
    }

    #[tokio::test]
    async fn keeps_the_contract() {
        let in_words =
            |path, body, told| Webhook { path, body, told, answer: spoken(GREETING), last_words: Some(spoken(BUSY)) };
        let at_the_end = |path| Webhook {
            path,
            body: "session_id={call}&exiting=true&keys=1&input_type=dtmf&originate_disposition=SUCCESS",
            told: "c1 Completed",
            answer: ok(),
            last_words: None,
        };
        let webhooks = [
            in_words(
                "/call",
                "session_id={call}&Caller-Caller-ID-Number=13800138000&Caller-Destination-Number=12333",
                "c1 dialled 12333 Number(…)",
            ),
            in_words("/step/{step}", "session_id={call}&hostname=fs1&keys=12&input_type=dtmf", "c1 S Keys(Keys(…))"),
            in_words("/step/{step}", "session_id={call}&input_type=dtmf", "c1 S Keys(Keys(…))"),
            in_words("/step/{step}", "session_id={call}", "c1 S Silence"),
            in_words(
                "/transferred/{step}",
                "session_id={call}&originate_disposition=SUCCESS",
                "c1 S TransferEnded(Talked)",
            ),
            in_words(
                "/transferred/{step}",
                "session_id={call}&originate_disposition=NO_ANSWER",
                "c1 S TransferEnded(NotAnswered)",
            ),
            in_words("/queued/{step}", "session_id={call}", "c1 S TransferEnded(NotAnswered)"),
            in_words(
                "/recorded/{step}",
                "session_id={call}&record_seconds=7",
                "c1 S Recorded { recording: Some(Recording { reference: Secret(…), seconds: 7 }), hung_up: false }",
            ),
            in_words("/recorded/{step}", "session_id={call}", "c1 S Recorded { recording: None, hung_up: false }"),
            in_words("/fallback", "session_id={call}", "c1 resumed"),
            // Whichever address it stands at.
            at_the_end("/call"),
            at_the_end("/step/{step}"),
            at_the_end("/transferred/{step}"),
            at_the_end("/recorded/{step}"),
            at_the_end("/queued/{step}"),
            at_the_end("/fallback"),
        ];
        let with = |secret: &str, path: &str, from, credentials, body: &str| {
            request(&format!("/httapi/{secret}{path}"), from, credentials, body)
        };
        let right = Some("fs:pass:wort");
        contract(&Platform {
            app: app(r#"credentials = "fs:pass:wort""#),
            webhooks: &webhooks,
            sent: &|path, body| with(KEY, path, OURS, right, body),
            forged: &[
                &|path, body| with("x", path, OURS, right, body),
                &|path, body| with("GEHEIM-0123456789", path, OURS, right, body),
                &|path, body| with("%FF", path, OURS, right, body),
                &|path, body| with("x", &path.replace("/S", "/%FF"), OURS, right, body),
                &|path, body| with(KEY, path, [203, 0, 113, 7], right, body),
                &|path, body| with(KEY, path, OURS, None, body),
                &|path, body| with(KEY, path, OURS, Some("fs:pass:wor"), body),
                &|path, body| with(KEY, path, OURS, Some(""), body),
                &|path, body| {
                    let mut pretended = with(KEY, path, [203, 0, 113, 7], right, body);
                    pretended.headers_mut().insert("x-forwarded-for", "198.51.100.9".parse().unwrap());
                    pretended
                },
            ],
            unreadable: &[
                "",
                "session_id=",
                "session_id=a+b&keys=1",
                "session_id=c1&session_id=c2",
                "session_id=c1&keys=1&keys=2&input_type=dtmf",
            ],
        })
        .await;
    }

    #[tokio::test]
    async fn what_was_recorded_when_the_caller_hung_up_is_told_with_the_end() {
        let app = app("");
        assert_eq!(post(&app, "recorded/S", "session_id=c1&exiting=true&record_seconds=7").await, ok());
        let recorded =
            "c1 S Recorded { recording: Some(Recording { reference: Secret(…), seconds: 7 }), hung_up: true }";
        assert_eq!(app.told(), [recorded, "c1 Completed"]);
        assert_eq!(post(&app, "step/S", "session_id=never&exiting=true").await, ok());
    }

    #[tokio::test]
    async fn credentials_are_read_as_they_are_sent() {
        let app = app(r#"credentials = "fs:pass:wort""#);
        for (value, status) in [("basic ZnM6cGFzczp3b3J0", 200), ("Basic !", 403), ("Bearer ZnM6cGFzczp3b3J0", 403)] {
            let mut request = request(&format!("/httapi/{KEY}/fallback"), OURS, None, "session_id=c1");
            request.headers_mut().insert(header::AUTHORIZATION, value.parse().unwrap());
            assert_eq!(app.send(request).await.status, status, "{value}");
        }
    }

    #[tokio::test]
    async fn other_methods_kinds_and_sizes_are_refused() {
        let app = app("");
        for path in ["call", "step/S", "transferred/S", "recorded/S", "queued/S", "fallback"] {
            let sent = || request(&format!("/httapi/{KEY}/{path}"), OURS, None, "session_id=c1");
            let mut upload = sent();
            upload.headers_mut().insert(header::CONTENT_TYPE, "multipart/form-data; boundary=x".parse().unwrap());
            assert_eq!(app.send(upload).await, Answer::bare(415), "{path}");
            let mut get = sent();
            *get.method_mut() = axum::http::Method::GET;
            assert_eq!(app.send(get).await, Answer::bare(405), "{path}");
        }
        let giant = format!("session_id=c1&keys={}", "1".repeat(BODY_LIMIT));
        assert_eq!(post(&app, "step/S", &giant).await, Answer::bare(413));
        assert_eq!(app.told(), [""; 0]);
    }
}
