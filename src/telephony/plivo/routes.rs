//! The addresses Plivo calls.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tower_http::catch_panic::CatchPanicLayer;

use super::document::Documents;
use super::request::Form;
use super::settings::Settings;
use super::signature::{MAIN_SIGNATURE, NONCE, SIGNATURE, Tokens};
use crate::dialog::Event;
use crate::telephony::public_url::PublicUrl;
use crate::telephony::webhook::{FORM, PATIENCE, read};
use crate::telephony::{Conversation, Reply};

/// Ten times what the platform sends.
const BODY_LIMIT: usize = 16 * 1024;

/// The webhooks under `/plivo/`.
pub fn router<C: Conversation>(conversation: Arc<C>, settings: &Settings, public_url: &PublicUrl) -> Router {
    routes(Line {
        conversation,
        tokens: Tokens::new(settings.tokens()),
        documents: Documents::new(settings, public_url),
        public_url: public_url.clone(),
        patience: PATIENCE,
    })
}

fn routes<C: Conversation>(line: Line<C>) -> Router {
    let line = Arc::new(line);
    let last_words = Arc::clone(&line);
    Router::new()
        .route("/plivo/answer", post(answer))
        .route("/plivo/step/{step}", post(step))
        .route("/plivo/transferred/{step}", post(transferred))
        .route("/plivo/recorded/{step}", post(recorded))
        .route("/plivo/recording/{step}", post(recording))
        .route("/plivo/queued/{step}", post(queued))
        .route("/plivo/hangup", post(hangup))
        .route("/plivo/fallback", post(fallback))
        // Whatever breaks behind a webhook, the caller hears of it in words.
        .layer(CatchPanicLayer::custom(move |_| last_words.busy()))
        .with_state(line)
}

/// What answering takes.
struct Line<C> {
    conversation: Arc<C>,
    tokens: Tokens,
    documents: Documents,
    public_url: PublicUrl,
    patience: Duration,
}

async fn answer<C: Conversation>(State(line): State<Arc<Line<C>>>, Proven(form): Proven) -> Response {
    let Ok(call) = form.call() else { return line.busy() };
    line.answer(line.conversation.dialled(call, None)).await
}

async fn step<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    Path(step): Path<String>,
    Proven(form): Proven,
) -> Response {
    line.go_on(&form, &step, form.keys()).await
}

async fn transferred<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    Path(step): Path<String>,
    Proven(form): Proven,
) -> Response {
    line.go_on(&form, &step, form.transfer()).await
}

async fn recorded<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    Path(step): Path<String>,
    Proven(form): Proven,
) -> Response {
    line.go_on(&form, &step, form.recorded()).await
}

/// Told when a recording is ready: of a call that ended while it was made, perhaps here alone. There is nobody to speak to,
/// so that what cannot be kept now is refused, to be told again.
async fn recording<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    Path(step): Path<String>,
    Proven(form): Proven,
) -> StatusCode {
    let (Ok(call), Some(recording)) = (form.call(), form.ready_recording()) else { return StatusCode::OK };
    match tokio::time::timeout(line.patience, line.conversation.recorded(call, &step, recording)).await {
        Ok(true) => StatusCode::OK,
        Ok(false) | Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn queued<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    Path(step): Path<String>,
    Proven(form): Proven,
) -> Response {
    line.go_on(&form, &step, form.queue()).await
}

/// There is nobody left to say anything to.
async fn hangup<C: Conversation>(State(line): State<Arc<Line<C>>>, Proven(form): Proven) -> StatusCode {
    if let (Ok(call), Some(how)) = (form.call(), form.ended()) {
        let _ = tokio::time::timeout(line.patience, line.conversation.ended(call, how)).await;
    }
    StatusCode::OK
}

async fn fallback<C: Conversation>(State(line): State<Arc<Line<C>>>, Proven(form): Proven) -> Response {
    let Ok(call) = form.call() else { return line.busy() };
    line.answer(line.conversation.resume(call)).await
}

impl<C: Conversation> Line<C> {
    async fn go_on(&self, form: &Form, step: &str, event: Event) -> Response {
        let Ok(call) = form.call() else { return self.busy() };
        self.answer(self.conversation.step(call, step, event)).await
    }

    async fn answer(&self, reply: impl Future<Output = Reply>) -> Response {
        match tokio::time::timeout(self.patience, reply).await {
            Ok(reply) => spoken(self.documents.reply(&reply)),
            Err(_) => self.busy(),
        }
    }

    fn busy(&self) -> Response {
        let (language, words) = self.conversation.busy();
        spoken(self.documents.busy(language, &words))
    }

    /// Whether the platform sent `form`: as the account that the call is of, or as the main one.
    fn is_signed(&self, uri: &Uri, headers: &HeaderMap, form: &Form) -> bool {
        let Some(nonce) = only(headers, NONCE) else { return false };
        let path_and_query = uri.path_and_query().map_or("/", |p| p.as_str());
        [SIGNATURE, MAIN_SIGNATURE]
            .into_iter()
            .filter_map(|name| only(headers, name))
            .any(|signature| self.tokens.verify(self.public_url.as_str(), path_and_query, form, nonce, signature))
    }
}

/// The one value of a header. Of two, nobody can tell which is meant; what is no text, proves nothing.
fn only<'h>(headers: &'h HeaderMap, name: &'static str) -> Option<&'h str> {
    let mut values = headers.get_all(HeaderName::from_static(name)).into_iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

fn spoken(document: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], document).into_response()
}

/// A form whose sender has proved to be Plivo. Extracting it is the only way to one; whoever cannot prove it gets a bare status.
struct Proven(Form);

impl<C: Conversation> FromRequest<Arc<Line<C>>> for Proven {
    type Rejection = StatusCode;

    async fn from_request(request: Request, line: &Arc<Line<C>>) -> Result<Self, StatusCode> {
        let (parts, body) = read(request, FORM, BODY_LIMIT).await?;
        let form = Form::parse(&body);
        if line.is_signed(&parts.uri, &parts.headers, &form) { Ok(Self(form)) } else { Err(StatusCode::FORBIDDEN) }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use data_encoding::BASE64;
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    use super::*;
    use crate::telephony::testing::{Answer, App};

    const GREETING: &str = concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#,
        r#"<Speak language="cmn-CN" voice="Polly.Zhiyu">您好。</Speak><Hangup/></Response>"#
    );
    const BUSY: &str = concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#,
        r#"<Speak language="cmn-CN" voice="Polly.Zhiyu">系统繁忙。</Speak><Hangup/></Response>"#
    );
    const ALL: [&str; 8] =
        ["answer", "step/S", "transferred/S", "recorded/S", "recording/S", "queued/S", "hangup", "fallback"];

    fn app() -> App {
        let settings: Settings = toml::from_str(r#"auth_token = "12345""#).unwrap();
        let public_url = PublicUrl::parse("https://hotline.example").unwrap();
        App::new(|conversation| {
            routes(Line {
                conversation,
                tokens: Tokens::new(settings.tokens()),
                documents: Documents::new(&settings, &public_url),
                public_url,
                patience: Duration::from_millis(1),
            })
        })
    }

    fn sign(path: &str, body: &str, nonce: &str) -> String {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut pairs: Vec<_> = form_urlencoded::parse(body.as_bytes()).collect();
        pairs.sort();
        let text: String = pairs.into_iter().flat_map(<[_; 2]>::from).collect();
        let mark = if query.is_empty() && text.is_empty() { "" } else { "?" };
        let dot = if query.is_empty() || text.is_empty() { "" } else { "." };
        let mut mac: Hmac<Sha256> = Hmac::new_from_slice(b"12345").unwrap();
        mac.update(format!("https://hotline.example/plivo/{path}{mark}{query}{dot}{text}.{nonce}").as_bytes());
        BASE64.encode(&mac.finalize().into_bytes())
    }

    fn request(path: &str, headers: &[(&str, &str)], body: &str) -> Request {
        let request = Request::post(format!("/plivo/{path}")).header(header::CONTENT_TYPE, FORM);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.body(body.to_owned().into()).unwrap()
    }

    async fn send(app: &App, path: &str, body: &str) -> Answer {
        app.send(request(path, &[(SIGNATURE, &sign(path, body, "7")), (NONCE, "7")], body)).await
    }

    fn spoken(body: &str) -> Answer {
        Answer::spoken("text/xml; charset=utf-8", body)
    }

    #[tokio::test]
    async fn each_webhook_tells_what_happened() {
        let app = app();
        for (path, body, told) in [
            ("answer?line=a", "CallUUID=c1&From=8613800138000&To=12333", "c1 dialled 12333 Number(…)"),
            ("step/A-b_9", "CallUUID=c1&Digits=12&InputType=dtmf", "c1 A-b_9 Keys(Keys(…))"),
            ("step/S", "CallUUID=c1", "c1 S Silence"),
            ("transferred/S", "CallUUID=c1&DialStatus=completed", "c1 S TransferEnded(Talked)"),
            ("transferred/S", "CallUUID=c1", "c1 S TransferEnded(NotAnswered)"),
            ("queued/S", "CallUUID=c1", "c1 S TransferEnded(NotAnswered)"),
            (
                "recorded/S",
                "CallUUID=c1&RecordingID=r&RecordingDuration=7",
                "c1 S Recorded { recording: Some(Recording { reference: Secret(…), seconds: 7 }), hung_up: false }",
            ),
            ("recorded/S", "CallUUID=c1", "c1 S Recorded { recording: None, hung_up: false }"),
            ("fallback", "CallUUID=c1", "c1 resumed"),
        ] {
            assert_eq!(send(&app, path, body).await, spoken(GREETING), "{path}");
            assert_eq!(app.told(), [told], "{path}");
        }
        for (path, body, status, told) in [
            ("hangup", "CallUUID=c1&CallStatus=completed&Event=Hangup", 200, &["c1 Completed"][..]),
            ("hangup", "CallUUID=c1&CallStatus=busy", 200, &["c1 Failed"]),
            ("hangup", "CallUUID=c1&CallStatus=in-progress", 200, &[]),
            ("hangup", "CallStatus=completed", 200, &[]),
            ("recording/S", "CallUUID=c1&RecordingID=r&RecordingDuration=7", 200, &["c1 S recorded 7"]),
            ("recording/T", "CallUUID=c1&RecordingID=r&RecordingDuration=7", 503, &["c1 T recorded 7"]),
            ("recording/S", "CallUUID=c1", 200, &[]),
        ] {
            assert_eq!(send(&app, path, body).await, Answer::bare(status), "{path} {body}");
            assert_eq!(app.told(), told, "{path} {body}");
        }
    }

    #[tokio::test]
    async fn whoever_cannot_prove_it_is_told_nothing() {
        let app = app();
        let body = "CallUUID=c1&Digits=1";
        for path in ALL {
            let right = sign(path, body, "7");
            let several = format!("{},{right}", sign(path, body, "8"));
            // The main account's will do, and one of several.
            for headers in [[(MAIN_SIGNATURE, &*right), (NONCE, "7")], [(SIGNATURE, &*several), (NONCE, "7")]] {
                assert_eq!(app.send(request(path, &headers, body)).await.status, 200, "{path}");
            }
            app.told();
            for headers in [
                &[][..],
                &[(SIGNATURE, &*right)],
                &[(SIGNATURE, &*right), (NONCE, "8")],
                &[(SIGNATURE, &*right), (NONCE, "7"), (NONCE, "7")],
                &[(SIGNATURE, &*right), (SIGNATURE, &*right), (NONCE, "7")],
                &[(SIGNATURE, ""), (NONCE, "7")],
                &[("x-plivo-signature-v2", &*right), ("x-plivo-signature-v2-nonce", "7")],
            ] {
                assert_eq!(app.send(request(path, headers, body)).await, Answer::bare(403), "{path} {headers:?}");
            }
            let other = request(path, &[(SIGNATURE, &right), (NONCE, "7")], "CallUUID=c1&Digits=2");
            assert_eq!(app.send(other).await, Answer::bare(403), "{path}");
            let mut get = request(path, &[(SIGNATURE, &right), (NONCE, "7")], body);
            *get.method_mut() = Method::GET;
            assert_eq!(app.send(get).await, Answer::bare(405), "{path}");
            let mut json = request(path, &[(SIGNATURE, &right), (NONCE, "7")], body);
            json.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
            assert_eq!(app.send(json).await, Answer::bare(415), "{path}");
        }
        let giant = format!("CallUUID=c1&x={}", "1".repeat(BODY_LIMIT));
        assert_eq!(send(&app, "answer", &giant).await, Answer::bare(413));
        assert_eq!(app.told(), [""; 0]);
    }

    #[tokio::test]
    async fn whatever_breaks_is_heard_in_words() {
        let app = app();
        for id in ["panic", "never"] {
            let body = format!("CallUUID={id}&Digits=1&InputType=dtmf");
            for path in ["answer", "step/S", "transferred/S", "recorded/S", "queued/S", "fallback"] {
                assert_eq!(send(&app, path, &body).await, spoken(BUSY), "{path} {id}");
            }
        }
        for body in ["From=1", "CallUUID=", "CallUUID=a&CallUUID=b", "CallUUID=%00", "CallUUID=a&Digits=1&Digits=2"] {
            for path in ["answer", "step/S", "fallback"] {
                assert_eq!(send(&app, path, body).await, spoken(BUSY), "{path} {body}");
            }
        }
        assert_eq!(send(&app, "hangup", "CallUUID=never&CallStatus=completed").await, Answer::bare(200));
        let recording = "CallUUID=never&RecordingID=r&RecordingDuration=7";
        assert_eq!(send(&app, "recording/S", recording).await, Answer::bare(503));
        assert_eq!(app.told(), [""; 0]);
    }
}
