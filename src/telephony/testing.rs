//! What the tests of dialects share: wording, and somebody to talk to.

use std::fmt::Debug;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::header;
use tower::ServiceExt;

use crate::call::caller::{Call, CallEnd};
use crate::dialog::{BargeIn, Collect, Event, Recording, TransferEnd};
use crate::secret::Key;
use crate::speech::catalog::{Catalog, Catalogs};
use crate::speech::clip::Clips;
use crate::speech::clip::manifest::Manifest;
use crate::speech::language::Language;
use crate::speech::prompt::{KNOWN, Prompt, PromptId, WORDS};
use crate::telephony::player::Player;
use crate::telephony::{Conversation, Pace, Reply, Then};

/// Stands in for the call driver: writes down what it is told, and says the greeting.
///
/// Whatever is told of `panic` breaks it, and of `never`, it has no answer to, in capitals, too; what is recorded at step `T`
/// is not kept.
#[derive(Default)]
pub struct Fake {
    told: Mutex<Vec<String>>,
}

impl Fake {
    async fn tell(&self, what: String) -> Reply {
        let asked = what.to_ascii_lowercase();
        assert!(!asked.contains("panic"), "as the test asked");
        if asked.contains("never") {
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

/// Keys are waited for, at the step `AbC-_9`; times are milliseconds.
pub fn collect(max: u8, finish: Option<Key>, first_key: u64, between_keys: u64, barge_in: BargeIn) -> Then {
    let collect = Collect {
        min: 1,
        max,
        finish,
        first_key: Duration::from_millis(first_key),
        between_keys: Duration::from_millis(between_keys),
        barge_in,
    };
    Then::Collect(collect, "AbC-_9".into())
}

/// What a dialect reads, with the keys to be seen.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// Keys, and whether the finish key ended them.
    Keys(String, bool),
    Silence,
    Garbled,
    Ended(TransferEnd),
    HungUp,
}

/// What `event` is.
pub fn heard(event: Event) -> Heard {
    match event {
        Event::Keys(keys) => Heard::Keys(keys.expose().iter().copied().map(Key::as_char).collect(), keys.finished()),
        Event::Silence => Heard::Silence,
        Event::Garbled => Heard::Garbled,
        Event::TransferEnded(end) => Heard::Ended(end),
        Event::HungUp => Heard::HungUp,
        other => panic!("{other:?}"),
    }
}

/// Whether what is read has no digit to be seen.
pub fn hides_digits(read: &impl Debug) -> bool {
    !format!("{read:?}").contains(|c: char| c.is_ascii_digit())
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

/// Makes a request of a path and a body.
pub type Sender<'p> = dyn Fn(&str, &str) -> Request + 'p;

/// A platform's webhooks, for the contract of every dialect. In their paths and bodies `{call}` stands for the call's id, and
/// `{step}` for the step.
pub struct Platform<'p> {
    pub app: App,
    pub webhooks: &'p [Webhook<'p>],
    /// As the platform sends a body to a path.
    pub sent: &'p Sender<'p>,
    /// As others would, who cannot prove to be the platform.
    pub forged: &'p [&'p Sender<'p>],
    /// Bodies of the platform's that tell nothing.
    pub unreadable: &'p [&'p str],
}

/// One kind of webhook.
pub struct Webhook<'p> {
    pub path: &'p str,
    pub body: &'p str,
    /// What the conversation is told by it.
    pub told: &'p str,
    /// What it is answered.
    pub answer: Answer,
    /// What it is answered when nothing else can be said; `None` where nobody waits to hear it.
    pub last_words: Option<Answer>,
}

/// What every dialect is held to: strangers get a bare 403 and reach nobody; a repeat is answered the same; whatever breaks
/// behind a webhook, or takes too long, or cannot be read, is answered, and in words that the platform can speak where they
/// are heard.
pub async fn contract(platform: &Platform<'_>) {
    let Platform { app, webhooks, sent, forged, unreadable } = platform;
    for Webhook { path, body, told, answer, last_words } in *webhooks {
        let of = |call: &str, step: &str| [path, body].map(|text| text.replace("{call}", call).replace("{step}", step));
        let [genuine, body] = of("c1", "S");
        for forge in *forged {
            assert_eq!(app.send(forge(&genuine, &body)).await, Answer::bare(403), "{path}");
        }
        assert_eq!(app.told(), [""; 0], "{path}");
        for _ in 0..2 {
            assert_eq!(app.send(sent(&genuine, &body)).await, *answer, "{path}");
            assert_eq!(app.told(), [*told], "{path}");
        }
        let broken = ["panic", "never"].map(|call| of(call, "S"));
        let broken = broken.into_iter().chain(unreadable.iter().map(|body| [genuine.clone(), (*body).to_owned()]));
        for [path, body] in broken {
            let answered = app.send(sent(&path, &body)).await;
            if let Some(last_words) = last_words {
                assert_eq!(answered, *last_words, "{path} {body}");
            }
        }
        assert_eq!(app.told(), [""; 0], "{path}");
        assert_eq!(app.send(sent(&genuine, &body)).await, *answer, "others go on");
        app.told();
    }
}

/// What is said to a caller who speaks Mandarin.
pub fn reply(say: Vec<Prompt>, then: Then) -> Reply {
    let mandarin = catalog("zh-CN", "greeting = \"您好。\"\nmenu = \"查询请按一。\"");
    let cantonese = catalog("yue-CN", "greeting = \"您好。\"\nmenu = \"查询请揿一。\"");
    let english = catalog("en-US", "greeting = \"Hello.\"\nmenu = \"For enquiries, press one.\"");
    let wording = Catalogs::new(vec![mandarin, cantonese, english]).unwrap();
    Reply { wording, language: Language::Mandarin, say, pace: Pace::Usual, player: Player::default(), then }
}

/// Plays clips of "您好" and of silence in Mandarin, and no other.
pub fn player() -> Player {
    let mut manifest = String::from("language = \"zh-CN\"\n[clips]\n");
    let clips = [
        ("greeting", "您好", 600, "a"),
        ("silence-200", "", 200, "2"),
        ("silence-400", "", 400, "4"),
        ("silence-800", "", 800, "8"),
    ];
    for (name, text, ms, digit) in clips {
        let hash = digit.repeat(64);
        let _ = writeln!(manifest, "{name} = {{ text = \"{text}\", ms = {ms}, sha256 = \"{hash}\" }}");
    }
    Player::new(Clips::new([Manifest::parse("manifest.toml", &manifest).unwrap()]))
}

/// A catalogue of these prompts, and whatever else it must have.
fn catalog(language: &str, prompts: &str) -> Catalog {
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

/// Whatever prints `settings` prints none of their `secrets`.
#[track_caller]
pub fn assert_hides(settings: &impl Debug, secrets: &[&str]) {
    let shown = format!("{settings:?}");
    assert!(!secrets.iter().any(|secret| shown.contains(secret)), "{shown}");
}
