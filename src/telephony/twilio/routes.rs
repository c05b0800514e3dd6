//! The addresses Twilio calls.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tower_http::catch_panic::CatchPanicLayer;

use super::markup::Markup;
use super::request::Form;
use super::settings::Settings;
use super::signature::{SIGNATURE, SIGNATURE_SETTINGS, Tokens};
use crate::dialog::Event;
use crate::telephony::public_url::PublicUrl;
use crate::telephony::webhook::{self, PATIENCE};
use crate::telephony::{Conversation, Reply};

/// Ten times what Twilio sends.
const BODY_LIMIT: usize = 16 * 1024;

/// The webhooks under `/twilio/`.
pub fn router<C: Conversation>(conversation: Arc<C>, settings: &Settings, public_url: &PublicUrl) -> Router {
    routes(Line {
        conversation,
        tokens: Tokens::new(settings),
        markup: Markup::new(settings, public_url),
        public_url: public_url.clone(),
        patience: PATIENCE,
    })
}

fn routes<C: Conversation>(line: Line<C>) -> Router {
    let line = Arc::new(line);
    let last_words = Arc::clone(&line);
    Router::new()
        .route("/twilio/voice", post(voice))
        .route("/twilio/step/{step}", post(step))
        .route("/twilio/transferred/{step}", post(transferred))
        .route("/twilio/recorded/{step}", post(recorded))
        .route("/twilio/recording/{step}", post(recording))
        .route("/twilio/queued/{step}", post(queued))
        .route("/twilio/waiting/{step}", post(waiting))
        .route("/twilio/status", post(status))
        .route("/twilio/fallback", post(fallback))
        // Whatever breaks behind a webhook, the caller hears of it in words.
        .layer(CatchPanicLayer::custom(move |_| last_words.busy()))
        .with_state(line)
}

/// What answering takes.
struct Line<C> {
    conversation: Arc<C>,
    tokens: Tokens,
    markup: Markup,
    public_url: PublicUrl,
    patience: Duration,
}

async fn voice<C: Conversation>(State(line): State<Arc<Line<C>>>, Proven(form): Proven) -> Response {
    let (Ok(call), false) = (form.call(), form.duplicated()) else { return line.busy() };
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

/// Told when a recording is complete: of a call that ended while it was made, perhaps here alone. There is nobody to speak
/// to, so that what cannot be kept now is refused, to be told again.
async fn recording<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    Path(step): Path<String>,
    Proven(form): Proven,
) -> StatusCode {
    let (Ok(call), Some(recording)) = (form.call(), form.completed_recording()) else { return StatusCode::NO_CONTENT };
    match tokio::time::timeout(line.patience, line.conversation.recorded(call, &step, recording)).await {
        Ok(true) => StatusCode::NO_CONTENT,
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

async fn waiting<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    Path(step): Path<String>,
    Proven(form): Proven,
) -> Response {
    let Ok(call) = form.call() else { return line.busy() };
    match tokio::time::timeout(line.patience, line.conversation.step(call, &step, form.waiting())).await {
        Ok(reply) => spoken(line.markup.waiting(&reply)),
        Err(_) => line.busy(),
    }
}

/// Told for every change of a call; only its end is news. There is nobody left to say anything to.
async fn status<C: Conversation>(State(line): State<Arc<Line<C>>>, Proven(form): Proven) -> StatusCode {
    if let (Ok(call), Some(how), false) = (form.call(), form.ended(), form.duplicated()) {
        let _ = tokio::time::timeout(line.patience, line.conversation.ended(call, how)).await;
    }
    StatusCode::NO_CONTENT
}

async fn fallback<C: Conversation>(State(line): State<Arc<Line<C>>>, Proven(form): Proven) -> Response {
    let (Ok(call), false) = (form.call(), form.duplicated()) else { return line.busy() };
    line.answer(line.conversation.resume(call)).await
}

impl<C: Conversation> Line<C> {
    async fn go_on(&self, form: &Form, step: &str, event: Event) -> Response {
        let Ok(call) = form.call() else { return self.busy() };
        self.answer(self.conversation.step(call, step, event)).await
    }

    async fn answer(&self, reply: impl Future<Output = Reply>) -> Response {
        match tokio::time::timeout(self.patience, reply).await {
            Ok(reply) => spoken(self.markup.reply(&reply)),
            Err(_) => self.busy(),
        }
    }

    fn busy(&self) -> Response {
        let (language, words) = self.conversation.busy();
        spoken(self.markup.busy(language, &words))
    }

    /// Whether Twilio sent `form` to `path_and_query`.
    fn is_signed(&self, path_and_query: &str, headers: &HeaderMap, form: &Form) -> bool {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        text(SIGNATURE).is_some_and(|signature| {
            self.tokens.verify(&self.public_url, path_and_query, form, signature, text(SIGNATURE_SETTINGS))
        })
    }
}

fn spoken(markup: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], markup).into_response()
}

/// A form whose sender has proved to be Twilio. Extracting it is the only way to one; whoever cannot prove it gets a bare
/// status.
struct Proven(Form);

impl<C: Conversation> FromRequest<Arc<Line<C>>> for Proven {
    type Rejection = StatusCode;

    async fn from_request(request: Request, line: &Arc<Line<C>>) -> Result<Self, StatusCode> {
        let (parts, body) = webhook::read(request, webhook::FORM, BODY_LIMIT).await?;
        let form = Form::parse(&body);
        let path_and_query = parts.uri.path_and_query().map_or("/", |p| p.as_str());
        if line.is_signed(path_and_query, &parts.headers, &form) { Ok(Self(form)) } else { Err(StatusCode::FORBIDDEN) }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use data_encoding::BASE64;
    use hmac::{Hmac, KeyInit, Mac};
    use sha1::Sha1;

    use super::*;
    use crate::telephony::testing::{Answer, App, Platform, Webhook, contract};

    const GREETING: &str = concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#,
        r#"<Say language="cmn-CN" voice="Polly.Zhiyu-Neural">您好。</Say><Hangup/></Response>"#
    );
    const BUSY: &str = concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#,
        r#"<Say language="cmn-CN" voice="Polly.Zhiyu-Neural">系统繁忙。</Say><Hangup/></Response>"#
    );
    const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

    fn app() -> App {
        let settings = toml::from_str(r#"auth_token = "12345""#).unwrap();
        let public_url = PublicUrl::parse("https://hotline.example").unwrap();
        App::new(|conversation| {
            routes(Line {
                conversation,
                tokens: Tokens::new(&settings),
                markup: Markup::new(&settings, &public_url),
                public_url,
                patience: Duration::from_millis(1),
            })
        })
    }

    /// As Twilio would send it.
    fn signed(path: &str, body: &str) -> Request {
        request(path, body).header(SIGNATURE, sign(path, body)).body(body.to_owned().into()).unwrap()
    }

    async fn post(app: &App, path: &str, body: &str) -> Answer {
        app.send(signed(path, body)).await
    }

    fn spoken(body: &str) -> Answer {
        Answer::spoken("text/xml; charset=utf-8", body)
    }

    fn request(path: &str, body: &str) -> axum::http::request::Builder {
        Request::post(path).header(header::CONTENT_TYPE, FORM).header(header::CONTENT_LENGTH, body.len())
    }

    fn sign(path: &str, body: &str) -> String {
        let mut pairs: Vec<_> = form_urlencoded::parse(body.as_bytes()).collect();
        pairs.sort();
        pairs.dedup();
        let text: String = pairs.into_iter().flat_map(<[_; 2]>::from).collect();
        let mut mac: Hmac<Sha1> = Hmac::new_from_slice(b"12345").unwrap();
        mac.update(format!("https://hotline.example{path}{text}").as_bytes());
        BASE64.encode(&mac.finalize().into_bytes())
    }

    #[tokio::test]
    async fn keeps_the_contract() {
        let in_words =
            |path, body, told| Webhook { path, body, told, answer: spoken(GREETING), last_words: Some(spoken(BUSY)) };
        let beside = |path, body, told| Webhook { path, body, told, answer: Answer::bare(204), last_words: None };
        let account = format!("AC{}", "0".repeat(32));
        let url = format!("https://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/RE{}", "1".repeat(32));
        let recorded = format!("CallSid={{call}}&AccountSid={account}&RecordingUrl={url}&RecordingDuration=7");
        let complete = format!("{recorded}&RecordingStatus=completed");
        let webhooks = [
            in_words("/twilio/voice?line=a", "CallSid={call}&To=12333", "c1 dialled 12333 Withheld"),
            in_words("/twilio/step/{step}", "CallSid={call}&Digits=12&FinishedOnKey=%23", "c1 S Keys(Keys(…))"),
            in_words("/twilio/step/{step}", "CallSid={call}", "c1 S Silence"),
            in_words(
                "/twilio/transferred/{step}",
                "CallSid={call}&DialCallStatus=busy",
                "c1 S TransferEnded(NotAnswered)",
            ),
            in_words("/twilio/queued/{step}", "CallSid={call}&QueueResult=leave", "c1 S TransferEnded(Left)"),
            in_words(
                "/twilio/waiting/{step}",
                "CallSid={call}&QueuePosition=2",
                "c1 S Waiting(Waiting { ahead: Some(1), average: None, without_keys: false })",
            ),
            in_words("/twilio/waiting/{step}", "CallSid={call}&Digits=2", "c1 S Keys(Keys(…))"),
            in_words("/twilio/fallback", "CallSid={call}&ErrorCode=11200&ErrorUrl=x", "c1 resumed"),
            in_words(
                "/twilio/recorded/{step}",
                &recorded,
                "c1 S Recorded { recording: Some(Recording { reference: Secret(…), seconds: 7 }), hung_up: false }",
            ),
            in_words("/twilio/recorded/{step}", "CallSid={call}", "c1 S Recorded { recording: None, hung_up: false }"),
            beside("/twilio/recording/{step}", &complete, "c1 S recorded 7"),
            beside("/twilio/status", "CallSid={call}&CallStatus=completed", "c1 Completed"),
        ];
        let with = |path: &str, body: &str, signature: &str| {
            request(path, body).header(SIGNATURE, signature).body(body.to_owned().into()).unwrap()
        };
        contract(&Platform {
            app: app(),
            webhooks: &webhooks,
            sent: &signed,
            forged: &[
                &|path, body| request(path, body).body(body.to_owned().into()).unwrap(),
                &|path, body| with(path, body, ""),
                &|path, body| with(path, body, "王"),
                &|path, body| with(path, body, &sign(path, body)[..20]),
                &|path, body| with(path, body, &sign(path, body)[..27]),
                &|path, body| with(path, body, &sign(path, body).to_lowercase()),
                &|path, body| with(path, body, &sign("/twilio/other", body)),
            ],
            unreadable: &["", "From=1", "CallSid=", "CallSid=%00", "CallSid=CA1&CallSid=CA2&Digits=1"],
        })
        .await;
    }

    #[tokio::test]
    async fn a_recording_that_is_not_kept_is_to_be_told_again() {
        let app = app();
        let account = format!("AC{}", "0".repeat(32));
        let url = format!("https://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/RE{}", "1".repeat(32));
        let body = format!("CallSid=CA1&AccountSid={account}&RecordingUrl={url}&RecordingDuration=7");
        assert_eq!(post(&app, "/twilio/recording/S", &body).await, Answer::bare(204), "it is not complete");
        assert_eq!(app.told(), [""; 0]);
        let complete = format!("{body}&RecordingStatus=completed");
        assert_eq!(post(&app, "/twilio/recording/T", &complete).await, Answer::bare(503));
        assert_eq!(app.told(), ["CA1 T recorded 7"]);
    }

    #[tokio::test]
    async fn only_the_end_of_a_call_is_news() {
        let app = app();
        for body in [
            "CallSid=CA1&CallStatus=ringing",
            "CallSid=CA1",
            "CallStatus=completed",
            "CallSid=CA1&CallStatus=completed&CallStatus=busy",
        ] {
            assert_eq!(post(&app, "/twilio/status", body).await, Answer::bare(204), "{body}");
        }
        assert_eq!(app.told(), [""; 0]);
    }

    #[tokio::test]
    async fn what_a_client_says_of_its_host_is_not_asked() {
        let app = app();
        let body = "CallSid=CA1";
        let signed = request("/twilio/voice", body).header(SIGNATURE, sign("/twilio/voice", body));
        let forwarded = signed
            .header("host", "evil.example")
            .header("x-forwarded-host", "evil.example")
            .header("x-forwarded-proto", "http");
        assert_eq!(app.send(forwarded.body(body.into()).unwrap()).await, spoken(GREETING));
        let absolute = request("http://evil.example/twilio/voice", body).header(SIGNATURE, sign("/twilio/voice", body));
        assert_eq!(app.send(absolute.body(body.into()).unwrap()).await, spoken(GREETING));
    }

    #[tokio::test]
    async fn other_methods_kinds_and_sizes_are_refused() {
        let app = app();
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
            let request = Request::builder().method(method).uri("/twilio/voice").body(String::new().into()).unwrap();
            assert_eq!(app.send(request).await, Answer::bare(405));
        }
        for kind in [
            "application/json",
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded2",
            "",
        ] {
            let signed = Request::post("/twilio/voice").header(SIGNATURE, sign("/twilio/voice", "CallSid=CA1"));
            let request = signed.header(header::CONTENT_TYPE, kind).body("CallSid=CA1".into()).unwrap();
            assert_eq!(app.send(request).await, Answer::bare(415), "{kind}");
        }
        let fits = format!("CallSid=CA1&Digits={}", "1".repeat(BODY_LIMIT - 19));
        assert_eq!(fits.len(), BODY_LIMIT);
        assert_eq!(post(&app, "/twilio/step/S", &fits).await, spoken(GREETING));
        assert_eq!(post(&app, "/twilio/step/S", &format!("{fits}1")).await, Answer::bare(413));
        assert_eq!(app.told(), ["CA1 S Garbled"]);
    }

    #[tokio::test]
    async fn a_step_that_breaks_is_last_words_too_and_the_end_of_a_call_none() {
        let app = app();
        for step in ["panic", "never"] {
            assert_eq!(
                post(&app, &format!("/twilio/step/{step}"), "CallSid=CA1&Digits=1").await,
                spoken(BUSY),
                "{step}"
            );
        }
        assert_eq!(post(&app, "/twilio/status", "CallSid=never&CallStatus=completed").await, Answer::bare(204));
        assert_eq!(app.told(), [""; 0]);
    }
}
