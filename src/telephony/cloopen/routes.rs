//! The addresses the platform calls.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use super::document;
use super::request::Form;
use super::settings::Settings;
use crate::call::caller::CallEnd;
use crate::dialog::{Event, TransferEnd};
use crate::secret::Secret;
use crate::telephony::sender::{Networks, Peer, Sender};
use crate::telephony::webhook::{FORM, PATIENCE, PathParts, read};
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
        let Ok(path) = PathParts::from_request_parts(&mut parts, line).await;
        let peer = parts.extensions.get::<Peer>().copied();
        if !line.sender.is_proven(path.named("secret"), peer, &parts.headers) {
            return Err(StatusCode::FORBIDDEN);
        }
        let form = Form::parse(parts.uri.query().unwrap_or_default().as_bytes(), &body);
        let of_path = path.named("action").rsplit('/').find(|part| !part.is_empty());
        let action = of_path.or_else(|| form.get("action")).unwrap_or_default().to_owned();
        Ok(Self { action, form })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telephony::testing::{Answer, App, Platform, Webhook, contract};

    const KEY: &str = "geheim-0123456789";
    const OURS: [u8; 4] = [198, 51, 100, 7];
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

    /// As the platform sends what it tells: in a form, or in the address.
    fn request(method: &Method, path: &str, from: [u8; 4], told: &str) -> Request {
        let mark = if path.contains('?') { '&' } else { '?' };
        let request = Request::builder().method(method);
        let (request, body) = match *method {
            Method::GET => (request.uri(format!("{path}{mark}{told}")), ""),
            _ => (request.uri(path).header(header::CONTENT_TYPE, FORM), told),
        };
        request.extension(Peer((from, 1).into())).body(body.to_owned().into()).unwrap()
    }

    async fn post(app: &App, action: &str, body: &str) -> Answer {
        app.send(request(&Method::POST, &format!("/cloopen/{KEY}/{action}"), OURS, body)).await
    }

    fn spoken(body: &str) -> Answer {
        Answer::spoken("text/xml; charset=utf-8", body)
    }

    #[tokio::test]
    async fn keeps_the_contract() {
        let in_words =
            |path, body, told| Webhook { path, body, told, answer: spoken(GREETING), last_words: Some(spoken(BUSY)) };
        let webhooks = [
            in_words("/startservice", "callid={call}&from=13800138000&to=12333", "c1 dialled 12333 Number(…)"),
            in_words("/menu-{step}", "callid={call}&digits=1", "c1 S Keys(Keys(…))"),
            in_words("/step-{step}", "callid={call}&digits=12", "c1 S Keys(Keys(…))"),
            // Named by a parameter, and relative to the document.
            in_words("?action=step-{step}", "callid={call}&digits=12", "c1 S Keys(Keys(…))"),
            in_words("/menu-A/step-{step}", "callid={call}&digits=12", "c1 S Keys(Keys(…))"),
            in_words("/silence-{step}", "callid={call}", "c1 S Silence"),
            in_words("/person-{step}", "callid={call}", "c1 S TransferEnded(NotAnswered)"),
            in_words("/recorded-{step}", "callid={call}", "c1 S Recorded { recording: None, hung_up: false }"),
            Webhook {
                path: "/stopservice",
                body: "callid={call}",
                told: "c1 Completed",
                answer: spoken(NOTHING),
                last_words: None,
            },
        ];
        for method in [Method::POST, Method::GET] {
            let with = |secret: &str, path: &str, from, body: &str| {
                request(&method, &format!("/cloopen/{secret}{path}"), from, body)
            };
            contract(&Platform {
                app: app(),
                webhooks: &webhooks,
                sent: &|path, body| with(KEY, path, OURS, body),
                forged: &[
                    &|path, body| with("x", path, OURS, body),
                    &|path, body| with("geheim-0123456788", path, OURS, body),
                    &|path, body| with("geheim-0123456789x", path, OURS, body),
                    &|path, body| with("%FF", path, OURS, body),
                    &|path, body| with(KEY, path, [203, 0, 113, 7], body),
                    &|path, body| {
                        let mut pretended = with(KEY, path, [203, 0, 113, 7], body);
                        pretended.headers_mut().insert("x-forwarded-for", "198.51.100.7".parse().unwrap());
                        pretended
                    },
                ],
                unreadable: &[
                    "",
                    "from=1",
                    "callid=",
                    "callid=%00",
                    "callid=a&callid=b",
                    "callid=c1&digits=1&digits=2",
                ],
            })
            .await;
        }
    }

    #[tokio::test]
    async fn what_is_not_asked_for_is_no_news_and_the_end_of_a_call_is_not_waited_for() {
        let app = app();
        for (action, body) in
            [("dtmfreport", "callid=c1&digits=1"), ("-", "callid=c1"), ("stopservice", "callid=never")]
        {
            assert_eq!(post(&app, action, body).await, spoken(NOTHING), "{action}");
        }
        assert_eq!(app.told(), [""; 0]);
    }

    #[tokio::test]
    async fn other_methods_kinds_and_sizes_are_refused() {
        let app = app();
        let path = format!("/cloopen/{KEY}/step-S");
        let put = request(&Method::PUT, &path, OURS, "callid=c1&digits=1");
        assert_eq!(app.send(put).await, Answer::bare(405));
        let mut json = request(&Method::POST, &path, OURS, "callid=c1&digits=1");
        json.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        assert_eq!(app.send(json).await, Answer::bare(415));
        assert_eq!(post(&app, "step-S", &"1".repeat(BODY_LIMIT + 1)).await, Answer::bare(413));
        assert_eq!(app.told(), [""; 0]);
    }
}
