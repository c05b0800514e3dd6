//! The addresses Plivo calls.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequest, Request, State};
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
use crate::telephony::webhook::{FORM, PATIENCE, PathParts, read};
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

async fn step<C: Conversation>(State(line): State<Arc<Line<C>>>, path: PathParts, Proven(form): Proven) -> Response {
    line.go_on(&form, path.named("step"), form.keys()).await
}

async fn transferred<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    path: PathParts,
    Proven(form): Proven,
) -> Response {
    line.go_on(&form, path.named("step"), form.transfer()).await
}

async fn recorded<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    path: PathParts,
    Proven(form): Proven,
) -> Response {
    line.go_on(&form, path.named("step"), form.recorded()).await
}

/// Told when a recording is ready: of a call that ended while it was made, perhaps here alone. There is nobody to speak to,
/// so that what cannot be kept now is refused, to be told again.
async fn recording<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    path: PathParts,
    Proven(form): Proven,
) -> StatusCode {
    let (Ok(call), Some(recording)) = (form.call(), form.ready_recording()) else { return StatusCode::OK };
    match tokio::time::timeout(line.patience, line.conversation.recorded(call, path.named("step"), recording)).await {
        Ok(true) => StatusCode::OK,
        Ok(false) | Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn queued<C: Conversation>(State(line): State<Arc<Line<C>>>, path: PathParts, Proven(form): Proven) -> Response {
    line.go_on(&form, path.named("step"), form.queue()).await
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
    use crate::telephony::testing::{Answer, App, Platform, Webhook, contract};

    const GREETING: &str = concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#,
        r#"<Speak language="cmn-CN" voice="Polly.Zhiyu">您好。</Speak><Hangup/></Response>"#
    );
    const BUSY: &str = concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#,
        r#"<Speak language="cmn-CN" voice="Polly.Zhiyu">系统繁忙。</Speak><Hangup/></Response>"#
    );

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

    /// As Plivo would send it.
    fn signed(path: &str, body: &str) -> Request {
        request(path, &[(SIGNATURE, &sign(path, body)), (NONCE, "7")], body)
    }

    fn sign(path: &str, body: &str) -> String {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut pairs: Vec<_> = form_urlencoded::parse(body.as_bytes()).collect();
        pairs.sort();
        let text: String = pairs.into_iter().flat_map(<[_; 2]>::from).collect();
        let mark = if query.is_empty() && text.is_empty() { "" } else { "?" };
        let dot = if query.is_empty() || text.is_empty() { "" } else { "." };
        let mut mac: Hmac<Sha256> = Hmac::new_from_slice(b"12345").unwrap();
        mac.update(format!("https://hotline.example{path}{mark}{query}{dot}{text}.7").as_bytes());
        BASE64.encode(&mac.finalize().into_bytes())
    }

    fn request(path: &str, headers: &[(&str, &str)], body: &str) -> Request {
        let request = Request::post(path).header(header::CONTENT_TYPE, FORM);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.body(body.to_owned().into()).unwrap()
    }

    fn spoken(body: &str) -> Answer {
        Answer::spoken("text/xml; charset=utf-8", body)
    }

    #[tokio::test]
    async fn keeps_the_contract() {
        let in_words =
            |path, body, told| Webhook { path, body, told, answer: spoken(GREETING), last_words: Some(spoken(BUSY)) };
        let beside = |path, body, told| Webhook { path, body, told, answer: Answer::bare(200), last_words: None };
        let recorded = "CallUUID={call}&RecordingID=r&RecordingDuration=7";
        let webhooks = [
            in_words(
                "/plivo/answer?line=a",
                "CallUUID={call}&From=8613800138000&To=12333",
                "c1 dialled 12333 Number(…)",
            ),
            in_words("/plivo/step/{step}", "CallUUID={call}&Digits=12&InputType=dtmf", "c1 S Keys(Keys(…))"),
            in_words("/plivo/step/{step}", "CallUUID={call}&Digits=&InputType=dtmf", "c1 S Keys(Keys(…))"),
            in_words("/plivo/step/{step}", "CallUUID={call}", "c1 S Silence"),
            in_words("/plivo/step/{step}", "CallUUID={call}&Digits=1&CallStatus=completed", "c1 S HungUp"),
            in_words("/plivo/transferred/{step}", "CallUUID={call}&DialStatus=completed", "c1 S TransferEnded(Talked)"),
            in_words("/plivo/transferred/{step}", "CallUUID={call}", "c1 S TransferEnded(NotAnswered)"),
            in_words("/plivo/queued/{step}", "CallUUID={call}", "c1 S TransferEnded(NotAnswered)"),
            in_words(
                "/plivo/recorded/{step}",
                recorded,
                "c1 S Recorded { recording: Some(Recording { reference: Secret(…), seconds: 7 }), hung_up: false }",
            ),
            in_words("/plivo/recorded/{step}", "CallUUID={call}", "c1 S Recorded { recording: None, hung_up: false }"),
            in_words("/plivo/fallback", "CallUUID={call}", "c1 resumed"),
            beside("/plivo/recording/{step}", recorded, "c1 S recorded 7"),
            beside("/plivo/hangup", "CallUUID={call}&CallStatus=completed&Event=Hangup", "c1 Completed"),
        ];
        contract(&Platform {
            app: app(),
            webhooks: &webhooks,
            sent: &signed,
            forged: &[
                &|path, body| request(path, &[], body),
                &|path, body| request(&path.replace("/S", "/%FF"), &[], body),
                &|path, body| request(path, &[(SIGNATURE, &sign(path, body))], body),
                &|path, body| request(path, &[(SIGNATURE, ""), (NONCE, "7")], body),
                &|path, body| request(path, &[(SIGNATURE, &sign(path, body)), (NONCE, "8")], body),
                &|path, body| request(path, &[(SIGNATURE, &sign(path, body)), (NONCE, "7"), (NONCE, "7")], body),
                &|path, body| {
                    let signature = sign(path, body);
                    request(path, &[(SIGNATURE, &signature), (SIGNATURE, &signature), (NONCE, "7")], body)
                },
                &|path, body| request(path, &[("x-plivo-signature-v2", &sign(path, body)), (NONCE, "7")], body),
                &|path, body| request(path, &[(SIGNATURE, &sign(path, "CallUUID=c2")), (NONCE, "7")], body),
                &|path, body| request(path, &[(SIGNATURE, &sign("/plivo/other", body)), (NONCE, "7")], body),
            ],
            unreadable: &[
                "",
                "From=1",
                "CallUUID=",
                "CallUUID=%00",
                "CallUUID=c1&CallUUID=c2",
                "CallUUID=c1&Digits=1&Digits=2",
            ],
        })
        .await;
    }

    #[tokio::test]
    async fn the_main_account_signs_too_and_one_of_several_is_right() {
        let app = app();
        let (path, body) = ("/plivo/step/S", "CallUUID=c1&Digits=1");
        let right = sign(path, body);
        let several = format!("{},{right}", sign(path, "CallUUID=c1"));
        for signature in [(MAIN_SIGNATURE, &*right), (SIGNATURE, &*several)] {
            assert_eq!(app.send(request(path, &[signature, (NONCE, "7")], body)).await, spoken(GREETING));
            assert_eq!(app.told(), ["c1 S Keys(Keys(…))"]);
        }
    }

    #[tokio::test]
    async fn what_is_told_beside_the_call_is_news_or_none_and_what_is_not_kept_is_told_again() {
        let app = app();
        let recording = |call: &str| format!("CallUUID={call}&RecordingID=r&RecordingDuration=7");
        for (path, body, status, told) in [
            ("hangup", "CallUUID=c1&CallStatus=busy", 200, &["c1 Failed"][..]),
            ("hangup", "CallUUID=c1&CallStatus=in-progress", 200, &[]),
            ("hangup", "CallStatus=completed", 200, &[]),
            ("hangup", "CallUUID=never&CallStatus=completed", 200, &[]),
            ("recording/S", "CallUUID=c1", 200, &[]),
            ("recording/T", &recording("c1"), 503, &["c1 T recorded 7"]),
            ("recording/S", &recording("never"), 503, &[]),
        ] {
            assert_eq!(app.send(signed(&format!("/plivo/{path}"), body)).await, Answer::bare(status), "{path} {body}");
            assert_eq!(app.told(), told, "{path} {body}");
        }
    }

    #[tokio::test]
    async fn other_methods_kinds_and_sizes_are_refused() {
        let app = app();
        for path in ["/plivo/answer", "/plivo/step/S", "/plivo/recording/S", "/plivo/hangup", "/plivo/fallback"] {
            let mut get = signed(path, "CallUUID=c1");
            *get.method_mut() = Method::GET;
            assert_eq!(app.send(get).await, Answer::bare(405), "{path}");
            let mut json = signed(path, "CallUUID=c1");
            json.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
            assert_eq!(app.send(json).await, Answer::bare(415), "{path}");
        }
        let giant = format!("CallUUID=c1&x={}", "1".repeat(BODY_LIMIT));
        assert_eq!(app.send(signed("/plivo/answer", &giant)).await, Answer::bare(413));
        assert_eq!(app.told(), [""; 0]);
    }
}
