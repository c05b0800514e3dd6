//! What the tests of dialects share: wording, and somebody to talk to.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::header;
use tower::ServiceExt;

use crate::call::caller::{Call, CallEnd};
use crate::dialog::{Event, Recording};
use crate::speech::catalog::{Catalog, Catalogs};
use crate::speech::language::Language;
use crate::speech::prompt::{KNOWN, Prompt, PromptId, WORDS};
use crate::telephony::{Conversation, Pace, Reply, Then};

/// Stands in for the call driver: writes down what it is told, and says the greeting.
///
/// Whatever is told of `panic` breaks it, and of `never`, it has no answer to; what is recorded at step `T` is not kept.
#[derive(Default)]
pub struct Fake {
    told: Mutex<Vec<String>>,
}

impl Fake {
    async fn tell(&self, what: String) -> Reply {
        assert!(!what.contains("panic"), "as the test asked");
        if what.contains("never") {
            std::future::pending::<()>().await;
        }
        self.told.lock().unwrap().push(what);
        reply(vec![prompt("greeting")], Then::HangUp)
    }
}

impl Conversation for Fake {
    async fn dialled(&self, call: Call, _: Option<Language>) -> Reply {
        self.tell(format!("{} dialled {} {:?}", call.id, call.dialled, call.caller)).await
    }
    async fn step(&self, call: Call, step: &str, event: Event) -> Reply {
        self.tell(format!("{} {step} {event:?}", call.id)).await
    }
    async fn recorded(&self, call: Call, step: &str, recording: Recording) -> bool {
        self.tell(format!("{} {step} recorded {}", call.id, recording.seconds)).await;
        step != "T"
    }
    async fn ended(&self, call: Call, how: CallEnd) {
        self.tell(format!("{} {how:?}", call.id)).await;
    }
    async fn resume(&self, call: Call) -> Reply {
        self.tell(format!("{} resumed", call.id)).await
    }
    fn busy(&self) -> (Language, Box<str>) {
        (Language::Mandarin, "系统繁忙。".into())
    }
}

/// The routes of a dialect, and whom they tell.
pub struct App {
    fake: Arc<Fake>,
    routes: Router,
}

/// What was answered.
#[derive(Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub kind: String,
    pub body: String,
}

impl Answer {
    /// Something to be said.
    pub fn spoken(kind: &str, body: &str) -> Self {
        Self { status: 200, kind: kind.into(), body: body.into() }
    }

    /// No word.
    pub fn bare(status: u16) -> Self {
        Self { status, kind: String::new(), body: String::new() }
    }
}

impl App {
    pub fn new(routes: impl FnOnce(Arc<Fake>) -> Router) -> Self {
        let fake = Arc::new(Fake::default());
        Self { routes: routes(Arc::clone(&fake)), fake }
    }

    pub async fn send(&self, request: Request) -> Answer {
        let response = self.routes.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE).map_or("", |kind| kind.to_str().unwrap()).to_owned();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status.as_u16(), kind, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    /// What was told since this was asked last.
    pub fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.fake.told.lock().unwrap())
    }
}

/// What is said to a caller who speaks Mandarin.
pub fn reply(say: Vec<Prompt>, then: Then) -> Reply {
    let mandarin = catalog("zh-CN", "greeting = \"您好。\"\nmenu = \"查询请按一。\"");
    let cantonese = catalog("yue-CN", "greeting = \"您好。\"\nmenu = \"查询请揿一。\"");
    let english = catalog("en-US", "greeting = \"Hello.\"\nmenu = \"For enquiries, press one.\"");
    let wording = Catalogs::new(vec![mandarin, cantonese, english]).unwrap();
    Reply { wording, language: Language::Mandarin, say, pace: Pace::Usual, then }
}

/// A catalogue of these prompts, and whatever else it must have.
fn catalog(language: &str, prompts: &str) -> Catalog {
    use std::fmt::Write;

    let mut text = format!("language = \"{language}\"\n[prompts]\n{prompts}\n");
    for signature in KNOWN.iter().chain(WORDS) {
        write!(text, "\"{}\" = \"{}", signature.id, if language == "en-US" { "Hello" } else { "。" }).unwrap();
        for (name, slot) in signature.slots.iter() {
            write!(text, "{}{{{name}:{}}}", if language == "en-US" { " " } else { "" }, slot.name()).unwrap();
        }
        text.push_str("\"\n");
    }
    Catalog::parse("prompts.toml", &text).unwrap()
}

/// The prompt called `id`, without values.
pub fn prompt(id: &str) -> Prompt {
    Prompt::of_menu(PromptId::named(id), None)
}
