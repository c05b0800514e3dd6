//! The addresses Vonage calls.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tower_http::catch_panic::CatchPanicLayer;

use super::hook::Hook;
use super::ncco::{Nccos, reference};
use super::settings::Settings;
use super::signature::Secrets;
use crate::call::caller::Call;
use crate::clock::Clock;
use crate::dialog::{Event, TransferEnd};
use crate::telephony::public_url::PublicUrl;
use crate::telephony::webhook::{self, PATIENCE, PathParts};
use crate::telephony::{Conversation, Reply};

/// Ten times what the platform sends.
const BODY_LIMIT: usize = 16 * 1024;

/// The webhooks under `/vonage/`. `clock` tells which signatures are old.
pub fn router<C: Conversation>(
    conversation: Arc<C>,
    settings: &Settings,
    public_url: &PublicUrl,
    clock: Clock,
) -> Router {
    routes(Line {
        conversation,
        secrets: Secrets::new(settings),
        nccos: Nccos::new(settings, public_url),
        clock,
        patience: PATIENCE,
    })
}

fn routes<C: Conversation>(line: Line<C>) -> Router {
    let line = Arc::new(line);
    let last_words = Arc::clone(&line);
    Router::new()
        .route("/vonage/answer", post(answer))
        .route("/vonage/step/{step}", post(step))
        .route("/vonage/transferred/{step}", post(transferred))
        .route("/vonage/talked/{step}", post(talked))
        .route("/vonage/recorded/{step}", post(recorded))
        .route("/vonage/queued/{step}", post(queued))
        .route("/vonage/event", post(event))
        .route("/vonage/fallback", post(fallback))
        // Whatever breaks behind a webhook, the caller hears of it in words.
        .layer(CatchPanicLayer::custom(move |_| last_words.busy()))
        .with_state(line)
}

/// What answering takes.
struct Line<C> {
    conversation: Arc<C>,
    secrets: Secrets,
    nccos: Nccos,
    clock: Clock,
    patience: Duration,
}

async fn answer<C: Conversation>(State(line): State<Arc<Line<C>>>, Proven(hook): Proven) -> Response {
    let Some(call) = hook.and_then(|hook| hook.call().ok()) else { return line.busy() };
    line.answer(&call.clone(), line.conversation.dialled(call, None)).await
}

async fn step<C: Conversation>(State(line): State<Arc<Line<C>>>, path: PathParts, Proven(hook): Proven) -> Response {
    line.go_on(hook.as_ref(), path.named("step"), |hook, _| hook.keys()).await
}

/// Told for every change of the call to a person. Only that nobody answers is news: it is answered with what follows.
async fn transferred<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    path: PathParts,
    Proven(hook): Proven,
) -> Response {
    match hook.as_ref().and_then(Hook::transfer) {
        Some(event) => line.go_on(hook.as_ref(), path.named("step"), |_, _| event).await,
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

async fn talked<C: Conversation>(State(line): State<Arc<Line<C>>>, path: PathParts, Proven(hook): Proven) -> Response {
    line.go_on(hook.as_ref(), path.named("step"), |_, _| Event::TransferEnded(TransferEnd::Talked)).await
}

async fn recorded<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    path: PathParts,
    Proven(hook): Proven,
) -> Response {
    line.go_on(hook.as_ref(), path.named("step"), |hook, call| hook.recorded(reference(&call.id, path.named("step"))))
        .await
}

async fn queued<C: Conversation>(State(line): State<Arc<Line<C>>>, path: PathParts, Proven(hook): Proven) -> Response {
    line.go_on(hook.as_ref(), path.named("step"), |_, _| Event::TransferEnded(TransferEnd::NotAnswered)).await
}

/// Told for every change of every leg; only the end of the caller's is news. There is nobody left to say anything to.
async fn event<C: Conversation>(State(line): State<Arc<Line<C>>>, Proven(hook): Proven) -> StatusCode {
    line.ended(hook.as_ref()).await;
    StatusCode::NO_CONTENT
}

/// What failed may have been news of the end, too.
async fn fallback<C: Conversation>(State(line): State<Arc<Line<C>>>, Proven(hook): Proven) -> Response {
    if line.ended(hook.as_ref()).await {
        return StatusCode::NO_CONTENT.into_response();
    }
    let Some(call) = hook.and_then(|hook| hook.call().ok()) else { return line.busy() };
    line.answer(&call.clone(), line.conversation.resume(call)).await
}

impl<C: Conversation> Line<C> {
    async fn go_on(&self, hook: Option<&Hook>, step: &str, event: impl FnOnce(&Hook, &Call) -> Event) -> Response {
        let Some((hook, call)) = hook.and_then(|hook| Some((hook, hook.call().ok()?))) else { return self.busy() };
        let event = event(hook, &call);
        self.answer(&call.clone(), self.conversation.step(call, step, event)).await
    }

    async fn answer(&self, call: &Call, reply: impl Future<Output = Reply>) -> Response {
        match tokio::time::timeout(self.patience, reply).await {
            Ok(reply) => spoken(self.nccos.reply(&reply, call)),
            Err(_) => self.busy(),
        }
    }

    /// Tells that a call is over, if it is.
    async fn ended(&self, hook: Option<&Hook>) -> bool {
        let Some((call, how)) = hook.and_then(|hook| Some((hook.call().ok()?, hook.ended()?))) else { return false };
        let _ = tokio::time::timeout(self.patience, self.conversation.ended(call, how)).await;
        true
    }

    fn busy(&self) -> Response {
        let (language, words) = self.conversation.busy();
        spoken(self.nccos.busy(language, &words))
    }

    /// Whether the platform sent `body`. Of two tokens, nobody can tell which is meant.
    fn is_signed(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let mut values = headers.get_all(header::AUTHORIZATION).into_iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        value.to_str().is_ok_and(|token| self.secrets.verify(token, body, self.clock.now()))
    }
}

fn spoken(ncco: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], ncco).into_response()
}

/// A webhook whose sender has proved to be Vonage; `None`: what it says cannot be read. Extracting it is the only way to one;
/// whoever cannot prove it gets a bare status.
struct Proven(Option<Hook>);

impl<C: Conversation> FromRequest<Arc<Line<C>>> for Proven {
    type Rejection = StatusCode;

    async fn from_request(request: Request, line: &Arc<Line<C>>) -> Result<Self, StatusCode> {
        let (parts, body) = webhook::read(request, webhook::JSON, BODY_LIMIT).await?;
        if line.is_signed(&parts.headers, &body) { Ok(Self(Hook::parse(&body))) } else { Err(StatusCode::FORBIDDEN) }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
    use hmac::{Hmac, KeyInit, Mac};
    use jiff::Timestamp;
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::telephony::testing::{Answer, App, Platform, Webhook, contract};

    const GREETING: &str = r#"[{"action":"talk","text":"您好。","language":"cmn-CN","style":0}]"#;
    const BUSY: &str = r#"[{"action":"talk","text":"系统繁忙。","language":"cmn-CN","style":0}]"#;
    const AT: i64 = 1_767_225_600;

    fn app() -> (App, Clock) {
        let settings = toml::from_str(r#"signature_secret = "12345""#).unwrap();
        let public_url = PublicUrl::parse("https://hotline.example").unwrap();
        let clock = Clock::manual(Timestamp::from_second(AT).unwrap());
        let app = App::new(|conversation| {
            routes(Line {
                conversation,
                secrets: Secrets::new(&settings),
                nccos: Nccos::new(&settings, &public_url),
                clock: clock.clone(),
                patience: Duration::from_millis(1),
            })
        });
        (app, clock)
    }

    /// As Vonage would send it.
    fn signed(path: &str, body: &str) -> Request {
        request(path, &[&token(body)], body)
    }

    fn token(body: &str) -> String {
        let hash = HEXLOWER.encode(&Sha256::digest(body.as_bytes()));
        let claims = format!(r#"{{"iat":{AT},"iss":"Vonage","payload_hash":"{hash}","api_key":"k"}}"#);
        let encode = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        let signed = format!("{}.{}", encode(r#"{"alg":"HS256","typ":"JWT"}"#), encode(&claims));
        let mut mac: Hmac<Sha256> = Hmac::new_from_slice(b"12345").unwrap();
        mac.update(signed.as_bytes());
        format!("Bearer {signed}.{}", BASE64URL_NOPAD.encode(&mac.finalize().into_bytes()))
    }

    fn request(path: &str, tokens: &[&str], body: &str) -> Request {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        let request = tokens.iter().fold(request, |request, token| request.header(header::AUTHORIZATION, *token));
        request.body(body.to_owned().into()).unwrap()
    }

    async fn post(app: &App, path: &str, body: &str) -> Answer {
        app.send(signed(path, body)).await
    }

    fn spoken(body: &str) -> Answer {
        Answer::spoken("application/json", body)
    }

    #[tokio::test]
    async fn keeps_the_contract() {
        let in_words =
            |path, body, told| Webhook { path, body, told, answer: spoken(GREETING), last_words: Some(spoken(BUSY)) };
        let beside = |path, body, told| Webhook { path, body, told, answer: Answer::bare(204), last_words: None };
        let webhooks = [
            in_words(
                "/vonage/answer",
                r#"{"conversation_uuid":"{call}","from":"8613800138000","to":"12333"}"#,
                "c1 dialled 12333 Number(…)",
            ),
            in_words(
                "/vonage/step/{step}",
                r#"{"conversation_uuid":"{call}","dtmf":{"digits":"12","timed_out":false}}"#,
                "c1 S Keys(Keys(…))",
            ),
            // In part.
            in_words(
                "/vonage/step/{step}",
                r#"{"conversation_uuid":"{call}","dtmf":{"digits":"12","timed_out":true}}"#,
                "c1 S Keys(Keys(…))",
            ),
            in_words(
                "/vonage/step/{step}",
                r#"{"conversation_uuid":"{call}","dtmf":{"digits":"","timed_out":true}}"#,
                "c1 S Silence",
            ),
            // Of all that is told of the call to a person, this alone is waited for: what cannot be read is not it.
            Webhook {
                path: "/vonage/transferred/{step}",
                body: r#"{"conversation_uuid":"{call}","status":"busy","direction":"outbound"}"#,
                told: "c1 S TransferEnded(NotAnswered)",
                answer: spoken(GREETING),
                last_words: None,
            },
            in_words(
                "/vonage/talked/{step}",
                r#"{"conversation_uuid":"{call}","payload":{"to":"1"}}"#,
                "c1 S TransferEnded(Talked)",
            ),
            in_words("/vonage/queued/{step}", r#"{"conversation_uuid":"{call}"}"#, "c1 S TransferEnded(NotAnswered)"),
            in_words(
                "/vonage/recorded/{step}",
                r#"{"conversation_uuid":"{call}","payload":{"recorded":true}}"#,
                "c1 S Recorded { recording: Some(Recording { reference: Secret(…), seconds: 0 }), hung_up: false }",
            ),
            in_words(
                "/vonage/recorded/{step}",
                r#"{"conversation_uuid":"{call}"}"#,
                "c1 S Recorded { recording: None, hung_up: false }",
            ),
            in_words("/vonage/fallback", r#"{"conversation_uuid":"{call}","reason":"x"}"#, "c1 resumed"),
            beside(
                "/vonage/fallback",
                r#"{"conversation_uuid":"{call}","status":"completed","direction":"inbound"}"#,
                "c1 Completed",
            ),
            beside(
                "/vonage/event",
                r#"{"conversation_uuid":"{call}","status":"completed","direction":"inbound"}"#,
                "c1 Completed",
            ),
        ];
        contract(&Platform {
            app: app().0,
            webhooks: &webhooks,
            sent: &signed,
            forged: &[
                &|path, body| request(path, &[], body),
                &|path, body| request(&path.replace("/S", "/%FF"), &[], body),
                &|path, body| request(path, &[""], body),
                &|path, body| request(path, &["Bearer a.b.c"], body),
                &|path, body| request(path, &[&token("{}")], body),
                &|path, body| request(path, &[&token(body), &token(body)], body),
            ],
            unreadable: &[
                "{}",
                "[]",
                "",
                r#"{"conversation_uuid":"c 1"}"#,
                r#"{"conversation_uuid":"c1","dtmf":{"digits":1}}"#,
            ],
        })
        .await;
    }

    #[tokio::test]
    async fn a_call_to_a_person_goes_on_unless_nobody_answers() {
        let (app, _) = app();
        for body in [
            r#"{"conversation_uuid":"c1","status":"ringing","direction":"outbound"}"#,
            r#"{"conversation_uuid":"c1","status":"completed","direction":"outbound"}"#,
            r#"{"conversation_uuid_from":"c1"}"#,
            "[]",
        ] {
            assert_eq!(post(&app, "/vonage/transferred/S", body).await, Answer::bare(204), "{body}");
        }
        for call in ["panic", "never", "c 1"] {
            let body = format!(r#"{{"conversation_uuid":"{call}","status":"busy"}}"#);
            assert_eq!(post(&app, "/vonage/transferred/S", &body).await, spoken(BUSY), "{body}");
        }
        assert_eq!(app.told(), [""; 0]);
    }

    #[tokio::test]
    async fn the_end_of_a_call_is_news_and_that_of_another_leg_is_not() {
        let (app, _) = app();
        for (body, told) in [
            (r#"{"conversation_uuid":"c1","status":"unanswered","direction":"inbound"}"#, &["c1 Failed"][..]),
            (r#"{"conversation_uuid":"c1","status":"completed","direction":"outbound"}"#, &[]),
            (r#"{"conversation_uuid":"c1","status":"answered","direction":"inbound"}"#, &[]),
            (r#"{"conversation_uuid":"never","status":"completed","direction":"inbound"}"#, &[]),
            ("[]", &[]),
        ] {
            assert_eq!(post(&app, "/vonage/event", body).await, Answer::bare(204), "{body}");
            assert_eq!(app.told(), told, "{body}");
        }
    }

    #[tokio::test]
    async fn other_kinds_sizes_and_times_are_refused() {
        let (app, clock) = app();
        let body = r#"{"conversation_uuid":"c1","dtmf":{"digits":"1"}}"#;
        for path in ["/vonage/answer", "/vonage/step/S", "/vonage/event", "/vonage/fallback"] {
            let mut get = signed(path, body);
            *get.method_mut() = Method::GET;
            assert_eq!(app.send(get).await, Answer::bare(405), "{path}");
            let mut text = signed(path, body);
            text.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
            assert_eq!(app.send(text).await, Answer::bare(415), "{path}");
        }
        let giant = format!(r#"{{"conversation_uuid":"c1","x":"{}"}}"#, "x".repeat(BODY_LIMIT));
        assert_eq!(post(&app, "/vonage/answer", &giant).await, Answer::bare(413));
        clock.advance(Duration::from_secs(301));
        assert_eq!(post(&app, "/vonage/step/S", body).await, Answer::bare(403), "signed too long ago");
        assert_eq!(app.told(), [""; 0]);
    }
}
