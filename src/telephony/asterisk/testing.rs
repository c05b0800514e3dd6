//! What the tests of ARI and AGI share: a conversation that is written down beforehand, and clips for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::talk::Line;
use super::voice::Voice;
use crate::call::caller::{Call, CallEnd};
use crate::dialog::{BargeIn, Event, Record, Recording, Transfer, TransferTarget};
use crate::secret::Key;
use crate::speech::clip::Clips;
use crate::speech::clip::manifest::Manifest;
use crate::speech::language::Language;
use crate::telephony::testing::{collect, prompt, reply};
use crate::telephony::{Conversation, Reply, Then};

/// Says what is written, turn by turn, and then the greeting and goodbye. What is told of `panic` breaks it, and of `never` it
/// has no answer to.
#[derive(Debug, Default)]
pub struct Written {
    told: Mutex<Vec<String>>,
    turns: Mutex<VecDeque<Reply>>,
}

impl Written {
    /// Says these.
    pub fn new(turns: impl IntoIterator<Item = Reply>) -> Arc<Self> {
        Arc::new(Self { told: Mutex::default(), turns: Mutex::new(turns.into_iter().collect()) })
    }

    /// What was told since this was asked last.
    pub fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }

    async fn tell(&self, what: String) -> Reply {
        self.told.lock().unwrap().push(what.clone());
        assert!(!what.contains("panic"), "as the test asked");
        if what.contains("never") {
            std::future::pending::<()>().await;
        }
        let next = self.turns.lock().unwrap().pop_front();
        next.unwrap_or_else(|| reply(vec![prompt("greeting")], Then::HangUp))
    }
}

impl Conversation for Written {
    async fn dialled(&self, call: Call, language: Option<Language>) -> Reply {
        let language = language.map(|language| format!(" {language}")).unwrap_or_default();
        self.tell(format!("{} dialled {} {:?}{language}", call.id, call.dialled, call.caller)).await
    }
    async fn step(&self, call: Call, step: &str, event: Event) -> Reply {
        self.tell(format!("{} {step} {event:?}", call.id)).await
    }
    async fn recorded(&self, _: Call, _: &str, _: Recording) -> bool {
        true
    }
    async fn ended(&self, call: Call, how: CallEnd) {
        self.told.lock().unwrap().push(format!("{} {how:?}", call.id));
    }
    async fn resume(&self, call: Call) -> Reply {
        self.tell(format!("{} resumed", call.id)).await
    }
    fn busy(&self) -> (Language, Box<str>) {
        (Language::Mandarin, "系统繁忙。".into())
    }
}

/// What a call of this conversation takes.
pub fn line(conversation: &Arc<Written>) -> Arc<Line<Written>> {
    let clip = |name: &str, text: &str, ms: u32, hash: char| {
        let hash = hash.to_string().repeat(64);
        format!("\"{name}\" = {{ text = \"{text}\", ms = {ms}, sha256 = \"{hash}\" }}\n")
    };
    let mut manifest = "language = \"zh-CN\"\n[clips]\n".to_owned();
    manifest += &clip("greeting.1", "您好", 500, 'a');
    manifest += &clip("menu.1", "查询请按一", 900, 'b');
    for silence in [200, 400, 800] {
        manifest += &clip(&format!("silence.{silence}"), "", silence, 'c').replace("cccc", &format!("{silence:04}"));
    }
    let clips = Clips::new([Manifest::parse("manifest.toml", &manifest).unwrap()]);
    Arc::new(Line {
        conversation: Arc::clone(conversation),
        voice: Voice::new(clips, "http://h"),
        transfer_context: "hotline-transfer".into(),
        patience: Duration::from_millis(50),
    })
}

/// The greeting is heard out, and then the menu waits for one key.
pub fn menu() -> Reply {
    reply(vec![prompt("greeting"), prompt("menu")], collect(1, None, 6000, 3000, BargeIn::AfterPrompts(1)))
}

/// Keys stop it: up to six, and `#`.
pub fn entry() -> Reply {
    reply(vec![prompt("menu")], collect(6, Some(Key::Hash), 6000, 3000, BargeIn::Always))
}

/// To somebody, without a word.
pub fn transfer(to: TransferTarget) -> Reply {
    reply(Vec::new(), Then::Transfer(Transfer { to, ring: Duration::from_secs(25) }, "T".into()))
}

/// A message, without a word.
pub fn record() -> Reply {
    let record = Record { longest: Duration::from_mins(2), finish: Key::Hash, silence: Duration::from_millis(4500) };
    reply(Vec::new(), Then::Record(record, "R".into()))
}
