//! The addresses the platform calls.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, RawPathParams, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{RequestPartsExt, Router};
use tower_http::catch_panic::CatchPanicLayer;

use super::document;
use super::request::Form;
use super::settings::Settings;
use crate::call::caller::CallEnd;
use crate::dialog::{Event, TransferEnd};
use crate::secret::Secret;
use crate::telephony::sender::{Networks, Peer, Sender};
use crate::telephony::webhook::{FORM, PATIENCE, read};
use crate::telephony::{Conversation, Reply};

/// Ten times what any platform sends.
const BODY_LIMIT: usize = 16 * 1024;

/// The webhooks under `/cloopen/`. `proxies` are our own.
pub fn router<C: Conversation>(conversation: Arc<C>, settings: &Settings, proxies: &Networks) -> Router {
    let nobody = Secret::new("");
    let secret = settings.secret().unwrap_or(&nobody);
    let sender = Sender::new(secret, settings.addresses.clone(), proxies.clone());
    routes(Line { conversation, sender, patience: PATIENCE })
}

fn routes<C: Conversation>(line: Line<C>) -> Router {
    let line = Arc::new(line);
    let last_words = Arc::clone(&line);
    // Which of the two it takes for what, cannot be chosen everywhere.
    let either = || post(hook).merge(get(hook));
    Router::new()
        .route("/cloopen/{secret}", either())
        .route("/cloopen/{secret}/{*action}", either())
        // Whatever breaks behind a webhook, the caller hears of it in words.
        .layer(CatchPanicLayer::custom(move |_| last_words.busy()))
        .with_state(line)
}

/// What answering takes.
struct Line<C> {
    conversation: Arc<C>,
    sender: Sender,
    patience: Duration,
}

async fn hook<C: Conversation>(State(line): State<Arc<Line<C>>>, Proven { action, form }: Proven) -> Response {
    let Ok(call) = form.call() else { return line.busy() };
    let (name, step) = action.split_once('-').unwrap_or((&action, ""));
    let event = match name {
        "startservice" => return line.answer(line.conversation.dialled(call, None)).await,
        "stopservice" => {
            let _ = tokio::time::timeout(line.patience, line.conversation.ended(call, CallEnd::Completed)).await;
            return spoken(document::nothing());
        }
        "menu" => form.key(),
        "step" => form.keys(),
        "silence" => Event::Silence,
        "person" => Event::TransferEnded(TransferEnd::NotAnswered),
        "recorded" => Event::Recorded { recording: None, hung_up: false },
        // Told without being asked for.
        _ => return spoken(document::nothing()),
    };
    line.answer(line.conversation.step(call, step, event)).await
}

impl<C: Conversation> Line<C> {
    async fn answer(&self, reply: impl Future<Output = Reply>) -> Response {
        match tokio::time::timeout(self.patience, reply).await {
            Ok(reply) => spoken(document::reply(&reply)),
            Err(_) => self.busy(),
        }
    }

    fn busy(&self) -> Response {
        let (_, words) = self.conversation.busy();
        spoken(document::busy(&words))
    }
}

fn spoken(document: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], document).into_response()
}

/// A webhook whose sender has proved to be the platform, and what it is about. Extracting it is the only way to one; whoever
/// cannot prove it gets a bare status.
struct Proven {
    action: String,
    form: Form,
}

impl<C: Conversation> FromRequest<Arc<Line<C>>> for Proven {
    type Rejection = StatusCode;

    async fn from_request(request: Request, line: &Arc<Line<C>>) -> Result<Self, StatusCode> {
        let has_body = *request.method() == Method::POST && request.headers().contains_key(header::CONTENT_TYPE);
        let (mut parts, body) =
            if has_body { read(request, FORM, BODY_LIMIT).await? } else { (request.into_parts().0, Bytes::new()) };
        // What cannot be read is no secret.
        let params = parts.extract::<RawPathParams>().await.ok();
        let of_path = |name: &str| {
            let found = params.iter().flatten().find(|(n, _)| *n == name);
            found.map(|(_, value)| value).unwrap_or_default()
        };
        let peer = parts.extensions.get::<Peer>().copied();
        if !line.sender.is_proven(of_path("secret"), peer, &parts.headers) {
            return Err(StatusCode::FORBIDDEN);
        }
        let form = Form::parse(parts.uri.query().unwrap_or_default().as_bytes(), &body);
        let of_path = of_path("action").rsplit('/').find(|part| !part.is_empty());
        let action = of_path.or_else(|| form.get("action")).unwrap_or_default().to_owned();
        Ok(Self { action, form })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telephony::testing::{Answer, App};

    const KEY: &str = "geheim-0123456789";
    const GREETING: &str =
        r#"<?xml version="1.0" encoding="UTF-8"?><Response><PlayTTS>您好。</PlayTTS><Hangup/></Response>"#;
    const BUSY: &str =
        r#"<?xml version="1.0" encoding="UTF-8"?><Response><PlayTTS>系统繁忙。</PlayTTS><Hangup/></Response>"#;
    const NOTHING: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Response></Response>"#;

    fn app() -> App {
        let addresses = vec!["198.51.100.0/24".to_owned()].try_into().unwrap();
        let sender = Sender::new(&Secret::new(KEY), addresses, Networks::default());
        App::new(|conversation| routes(Line { conversation, sender, patience: Duration::from_millis(1) }))
    }

    fn request(method: Method, path: &str, from: [u8; 4], body: &str) -> Request {
        let request = Request::builder().method(method).uri(format!("/cloopen/{path}"));
        let request = if body.is_empty() { request } else { request.header(header::CONTENT_TYPE, FORM) };
        request.extension(Peer((from, 1).into())).body(body.to_owned().into()).unwrap()
    }

    async fn send(app: &App, action: &str, body: &str) -> Answer {
        app.send(request(Method::POST, &format!("{KEY}/{action}"), [198, 51, 100, 7], body)).await
    }

    fn spoken(body: &str) -> Answer {
        Answer::spoken("text/xml; charset=utf-8", body)
    }

    #[tokio::test]
    async fn each_webhook_tells_what_happened() {
        let app = app();
        for (action, body, told) in [
            ("startservice", "callid=c1&from=13800138000&to=12333", "c1 dialled 12333 Number(…)"),
            ("menu-A-b_9", "callid=c1&digits=1", "c1 A-b_9 Keys(Keys(…))"),
            ("step-S", "callid=c1&digits=12", "c1 S Keys(Keys(…))"),
            // Relative to the document.
            ("menu-A/step-S", "callid=c1&digits=12", "c1 S Keys(Keys(…))"),
            ("silence-S", "callid=c1", "c1 S Silence"),
            ("person-S", "callid=c1", "c1 S TransferEnded(NotAnswered)"),
            ("recorded-S", "callid=c1", "c1 S Recorded { recording: None, hung_up: false }"),
        ] {
            assert_eq!(send(&app, action, body).await, spoken(GREETING), "{action}");
            assert_eq!(app.told(), [told], "{action}");
            // The same in the address, where the platform asks so; and named by a parameter.
            for path in [format!("{KEY}/{action}?{body}"), format!("{KEY}?action={action}&{body}")] {
                if path.contains("action=menu-A/") {
                    continue;
                }
                for method in [Method::GET, Method::POST] {
                    let request = request(method, &path, [198, 51, 100, 7], "");
                    assert_eq!(app.send(request).await, spoken(GREETING), "{path}");
                    assert_eq!(app.told(), [told], "{path}");
                }
            }
        }
        assert_eq!(send(&app, "stopservice", "callid=c1").await, spoken(NOTHING));
        assert_eq!(app.told(), ["c1 Completed"]);
        assert_eq!(send(&app, "dtmfreport", "callid=c1&digits=1").await, spoken(NOTHING));
        assert_eq!(app.told(), [""; 0]);
    }

    #[tokio::test]
    async fn whoever_cannot_prove_it_is_told_nothing() {
        let app = app();
        let body = "callid=c1&digits=1";
        for action in ["startservice", "step-S", "stopservice", "else"] {
            for (path, from) in [
                (format!("geheim-0123456788/{action}"), [198, 51, 100, 7]),
                (format!("{KEY}x/{action}"), [198, 51, 100, 7]),
                (format!("{KEY}/{action}"), [203, 0, 113, 7]),
                (format!("x?action={action}"), [198, 51, 100, 7]),
            ] {
                let refused = app.send(request(Method::POST, &path, from, body)).await;
                assert_eq!(refused, Answer::bare(403), "{path}");
            }
            let put = request(Method::PUT, &format!("{KEY}/{action}"), [198, 51, 100, 7], body);
            assert_eq!(app.send(put).await, Answer::bare(405), "{action}");
            let mut json = request(Method::POST, &format!("{KEY}/{action}"), [198, 51, 100, 7], body);
            json.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
            assert_eq!(app.send(json).await, Answer::bare(415), "{action}");
        }
        assert_eq!(send(&app, "step-S", &"1".repeat(BODY_LIMIT + 1)).await, Answer::bare(413));
        assert_eq!(app.told(), [""; 0]);
    }

    #[tokio::test]
    async fn whatever_breaks_is_heard_in_words() {
        let app = app();
        for id in ["panic", "never"] {
            for action in ["startservice", "menu-S", "step-S", "silence-S", "person-S", "recorded-S"] {
                assert_eq!(send(&app, action, &format!("callid={id}&digits=1")).await, spoken(BUSY), "{action} {id}");
            }
        }
        for body in ["from=1", "callid=", "callid=a&callid=b", "callid=%00"] {
            assert_eq!(send(&app, "startservice", body).await, spoken(BUSY), "{body}");
        }
        assert_eq!(send(&app, "stopservice", "callid=never").await, spoken(NOTHING));
        assert_eq!(app.told(), [""; 0]);
    }
}
