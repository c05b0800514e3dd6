//! The addresses Twilio calls.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
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
use crate::telephony::{Conversation, Reply};

/// Ten times what Twilio sends.
const BODY_LIMIT: usize = 16 * 1024;

/// How long an answer may take. Twilio waits for fifteen seconds, but nobody waits so long in silence.
const PATIENCE: Duration = Duration::from_secs(3);

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
    let Ok(call) = form.call() else { return line.busy() };
    line.answer(line.conversation.dialled(call)).await
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

/// Told for every change of a call; only its end is news. There is nobody left to say anything to.
async fn status<C: Conversation>(State(line): State<Arc<Line<C>>>, Proven(form): Proven) -> StatusCode {
    if let (Ok(call), Some(how), false) = (form.call(), form.ended(), form.duplicated()) {
        let _ = tokio::time::timeout(line.patience, line.conversation.ended(call, how)).await;
    }
    StatusCode::NO_CONTENT
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
            Ok(reply) => spoken(self.markup.reply(&reply)),
            Err(_) => self.busy(),
        }
    }

    fn busy(&self) -> Response {
        spoken(self.markup.busy(&self.conversation.busy()))
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
        let (parts, body) = request.into_parts();
        if !is_form(&parts.headers) {
            return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        let form = Form::parse(&read(body).await?);
        let path_and_query = parts.uri.path_and_query().map_or("/", |p| p.as_str());
        if line.is_signed(path_and_query, &parts.headers, &form) { Ok(Self(form)) } else { Err(StatusCode::FORBIDDEN) }
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

async fn read(body: Body) -> Result<axum::body::Bytes, StatusCode> {
    to_bytes(body, BODY_LIMIT).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)
}
