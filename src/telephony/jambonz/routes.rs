//! By HTTP: the addresses jambonz calls.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tower_http::catch_panic::CatchPanicLayer;

use super::hook::Hook;
use super::line::{About, Line};
use super::settings::Settings;
use super::signature::{SIGNATURE, Secrets};
use super::verbs::{HOME, Verbs};
use crate::clock::Clock;
use crate::telephony::Conversation;
use crate::telephony::public_url::PublicUrl;
use crate::telephony::webhook::{self, PATIENCE, PathParts};

/// What the platform sends first has the whole invitation of the call in it; still it is less than this.
pub const BODY_LIMIT: usize = 64 * 1024;

/// The webhooks under `/jambonz/`. `clock` tells which signatures are old.
pub fn router<C: Conversation>(
    conversation: Arc<C>,
    settings: &Settings,
    public_url: &PublicUrl,
    clock: Clock,
) -> Router {
    let line = Line { conversation, verbs: Verbs::by_http(settings, public_url), patience: PATIENCE };
    routes(Webhooks { line, secrets: Secrets::new(settings), clock })
}

/// What answering webhooks takes.
struct Webhooks<C> {
    line: Line<C>,
    secrets: Secrets,
    clock: Clock,
}

type Served<C> = State<Arc<Webhooks<C>>>;

fn routes<C: Conversation>(webhooks: Webhooks<C>) -> Router {
    let webhooks = Arc::new(webhooks);
    let mut routes = Router::new()
        .route(&format!("{HOME}call"), post(call))
        .route(&format!("{HOME}status"), post(status))
        .layer(last_words(&webhooks, About::Step));
    for (word, about) in About::ALL {
        let told = move |State(webhooks): Served<C>, path: PathParts, Proven(hook): Proven| async move {
            match webhooks.line.told(about, path.named("step"), hook.as_ref()).await {
                Some(verbs) => spoken(verbs),
                None => StatusCode::NO_CONTENT.into_response(),
            }
        };
        routes = routes.route(&format!("{HOME}{word}/{{step}}"), post(told).layer(last_words(&webhooks, about)));
    }
    routes.with_state(webhooks)
}

/// Whatever breaks behind a webhook, the caller hears of it in words.
fn last_words<C: Conversation>(
    webhooks: &Arc<Webhooks<C>>,
    about: About,
) -> CatchPanicLayer<impl Fn(Box<dyn Any + Send>) -> Response + Clone + use<C>> {
    let webhooks = Arc::clone(webhooks);
    CatchPanicLayer::custom(move |_| spoken(webhooks.line.last_words(about)))
}

async fn call<C: Conversation>(State(webhooks): Served<C>, Proven(hook): Proven) -> Response {
    spoken(webhooks.line.dialled(hook.as_ref()).await)
}

async fn status<C: Conversation>(State(webhooks): Served<C>, Proven(hook): Proven) -> StatusCode {
    if let Some(hook) = hook {
        webhooks.line.status(&hook).await;
    }
    StatusCode::NO_CONTENT
}

impl<C> Webhooks<C> {
    /// Whether the platform sent `body`.
    fn is_signed(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let signature = headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
        signature.is_some_and(|signature| self.secrets.verify(signature, body, self.clock.now()))
    }
}

fn spoken(verbs: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], verbs).into_response()
}

/// A webhook whose sender has proved to be jambonz; `None`: what it says cannot be read. Extracting it is the only way to
/// one; whoever cannot prove it gets a bare status.
struct Proven(Option<Hook>);

impl<C: Conversation> FromRequest<Arc<Webhooks<C>>> for Proven {
    type Rejection = StatusCode;

    async fn from_request(request: Request, webhooks: &Arc<Webhooks<C>>) -> Result<Self, StatusCode> {
        let (parts, body) = webhook::read(request, webhook::JSON, BODY_LIMIT).await?;
        if webhooks.is_signed(&parts.headers, &body) {
            Ok(Self(Hook::parse(&body)))
        } else {
            Err(StatusCode::FORBIDDEN)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::Method;
    use data_encoding::HEXLOWER;
    use hmac::{Hmac, KeyInit, Mac};
    use jiff::Timestamp;
    use sha2::Sha256;

    use super::*;
    use crate::telephony::testing::{Answer, App, Platform, Webhook, contract};

    const GREETING: &str = r#"[{"verb":"say","text":["您好。"]},{"verb":"hangup"}]"#;
    const BUSY: &str = r#"[{"verb":"say","text":["系统繁忙。"]},{"verb":"hangup"}]"#;
    const AT: i64 = 1_767_225_600;

    /// Whoever waits in a queue goes on waiting.
    const BUSY_WAITING: &str = r#"[{"verb":"pause","length":10}]"#;

    fn app() -> (App, Clock) {
        let settings = toml::from_str(r#"secret = "12345""#).unwrap();
        let public_url = PublicUrl::parse("https://hotline.example").unwrap();
        let clock = Clock::manual(Timestamp::from_second(AT).unwrap());
        let app = App::new(|conversation| {
            let verbs = Verbs::by_http(&settings, &public_url);
            let line = Line { conversation, verbs, patience: Duration::from_millis(1) };
            routes(Webhooks { line, secrets: Secrets::new(&settings), clock: clock.clone() })
        });
        (app, clock)
    }

    /// As jambonz would send it.
    fn signed(path: &str, body: &str) -> Request {
        request(path, body).header(SIGNATURE, signature(body)).body(body.to_owned().into()).unwrap()
    }

    fn request(path: &str, body: &str) -> axum::http::request::Builder {
        Request::post(path).header(header::CONTENT_TYPE, "application/json").header(header::CONTENT_LENGTH, body.len())
    }

    async fn post(app: &App, path: &str, body: &str) -> Answer {
        app.send(signed(path, body)).await
    }

    fn spoken(body: &str) -> Answer {
        Answer::spoken("application/json", body)
    }

    fn signature(body: &str) -> String {
        let mut mac: Hmac<Sha256> = Hmac::new_from_slice(b"12345").unwrap();
        mac.update(format!("{AT}.{body}").as_bytes());
        format!("t={AT},v1={}", HEXLOWER.encode(&mac.finalize().into_bytes()))
    }

    #[tokio::test]
    async fn keeps_the_contract() {
        let (app, _) = app();
        let in_words =
            |path, body, told| Webhook { path, body, told, answer: spoken(GREETING), last_words: Some(spoken(BUSY)) };
        let webhooks = [
            in_words(
                "/jambonz/call",
                r#"{"call_sid":"{call}","from":"13800138000","to":"12333"}"#,
                "c1 dialled 12333 Number(…)",
            ),
            in_words(
                "/jambonz/step/{step}",
                r#"{"call_sid":"{call}","reason":"dtmfDetected","digits":"1"}"#,
                "c1 S Keys(Keys(…))",
            ),
            in_words("/jambonz/step/{step}", r#"{"call_sid":"{call}","reason":"timeout"}"#, "c1 S Silence"),
            in_words("/jambonz/step/{step}", r#"{"call_sid":"{call}"}"#, "c1 S Silence"),
            in_words(
                "/jambonz/said/{step}",
                r#"{"call_sid":"{call}","reason":"dtmfDetected","digits":"1"}"#,
                "c1 S Keys(Keys(…))",
            ),
            in_words(
                "/jambonz/transferred/{step}",
                r#"{"call_sid":"{call}","dial_call_status":"completed"}"#,
                "c1 S TransferEnded(Talked)",
            ),
            in_words(
                "/jambonz/queued/{step}",
                r#"{"call_sid":"{call}","queue_result":"leave"}"#,
                "c1 S TransferEnded(Left)",
            ),
            in_words(
                "/jambonz/recorded/{step}",
                r#"{"call_sid":"{call}","dial_call_duration":7}"#,
                "c1 S Recorded { recording: Some(Recording { reference: Secret(…), seconds: 7 }), hung_up: false }",
            ),
            in_words(
                "/jambonz/recorded/{step}",
                r#"{"call_sid":"{call}"}"#,
                "c1 S Recorded { recording: None, hung_up: false }",
            ),
            Webhook {
                path: "/jambonz/waiting/{step}",
                body: r#"{"call_sid":"{call}","queue_position":2}"#,
                told: "c1 S Waiting(Waiting { ahead: Some(2), average: None, without_keys: true })",
                answer: spoken(r#"[{"verb":"say","text":["您好。"]},{"verb":"leave"}]"#),
                last_words: Some(spoken(BUSY_WAITING)),
            },
            Webhook {
                path: "/jambonz/status",
                body: r#"{"call_sid":"{call}","call_status":"completed"}"#,
                told: "c1 Completed",
                answer: Answer::bare(204),
                last_words: None,
            },
        ];
        let with = |path: &str, body: &str, signature: &str| {
            request(path, body).header(SIGNATURE, signature).body(body.to_owned().into()).unwrap()
        };
        contract(&Platform {
            app,
            webhooks: &webhooks,
            sent: &signed,
            forged: &[
                &|path, body| request(path, body).body(body.to_owned().into()).unwrap(),
                &|path, body| with(path, body, ""),
                &|path, body| with(path, body, "t=1,v1=00"),
                &|path, body| with(path, body, &signature("{}")),
                &|path, body| with(&path.replace("/S", "/%FF"), body, ""),
            ],
            unreadable: &["{}", "[]", "", r#"{"call_sid":"c 1"}"#, r#"{"call_sid":"c1","digits":1}"#],
        })
        .await;
    }

    #[tokio::test]
    async fn the_next_voice_speaks_where_no_key_was_pressed() {
        let (app, _) = app();
        assert_eq!(post(&app, "/jambonz/said/S", r#"{"call_sid":"c1","reason":"timeout"}"#).await, Answer::bare(204));
        assert!(app.told().is_empty());
        let over = r#"{"call_sid":"c1","reason":"timeout","call_status":"completed"}"#;
        assert_eq!(post(&app, "/jambonz/said/S", over).await, spoken(GREETING));
        assert_eq!(app.told(), ["c1 S HungUp"]);
    }

    #[tokio::test]
    async fn the_end_of_a_call_is_news_and_that_of_another_leg_is_not() {
        let (app, _) = app();
        for (body, told) in [
            (r#"{"call_sid":"c1","call_status":"completed"}"#, &["c1 Completed"][..]),
            (r#"{"call_sid":"c1","call_status":"no-answer"}"#, &["c1 Failed"]),
            (r#"{"call_sid":"c1","call_status":"in-progress"}"#, &[]),
            (r#"{"call_sid":"c2","parent_call_sid":"c1","call_status":"completed"}"#, &[]),
            (r#"{"call_status":"completed"}"#, &[]),
            ("[]", &[]),
        ] {
            assert_eq!(post(&app, "/jambonz/status", body).await, Answer::bare(204), "{body}");
            assert_eq!(app.told(), told, "{body}");
        }
    }

    #[tokio::test]
    async fn other_kinds_sizes_and_times_are_refused() {
        let (app, clock) = app();
        let body = r#"{"call_sid":"c1","digits":"1"}"#;
        let mut text = signed("/jambonz/step/S", body);
        text.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
        assert_eq!(app.send(text).await, Answer::bare(415));
        let mut get = signed("/jambonz/step/S", body);
        *get.method_mut() = Method::GET;
        assert_eq!(app.send(get).await, Answer::bare(405));
        let giant = format!(r#"{{"call_sid":"c1","sip":"{}"}}"#, "x".repeat(BODY_LIMIT));
        assert_eq!(post(&app, "/jambonz/call", &giant).await, Answer::bare(413));
        clock.advance(Duration::from_secs(301));
        assert_eq!(post(&app, "/jambonz/step/S", body).await, Answer::bare(403), "signed too long ago");
        assert!(app.told().is_empty());
    }
}
