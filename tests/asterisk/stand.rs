//! A hotline, the Asterisk in front of it, and somebody to be put through to: a line that can be called.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use crate::asterisk::{Asterisk, COMMANDS, Change, Site, free_tcp};
use crate::call::Call;
use crate::ear::{Clip, Ear};
use crate::phone::{DEADLINE, Manner, Phone};
use crate::support::served::{People, Served, Setup};
use crate::voice::Voice;

/// What Asterisk says it is, and what the hotline wants it to say.
const PASSWORD: &str = "5f0c9d1e8b7a46352413f0e1d2c3b4a5";

/// The shipped Mandarin voice.
pub static MANDARIN: LazyLock<Arc<Voice>> = LazyLock::new(|| Arc::new(Voice::shipped("zh-CN")));
/// And the English one.
static ENGLISH: LazyLock<Arc<Voice>> = LazyLock::new(|| Arc::new(Voice::shipped("en-US")));

/// By which of its ways calls come from Asterisk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It connects to the hotline.
    Connects,
    /// The hotline connects to it.
    IsConnectedTo,
    /// By AGI, and nothing else.
    Agi,
}

/// How a line is set up.
pub struct Plan {
    setup: Setup,
    way: Way,
    person: Phone,
    /// What Asterisk believes the password to be.
    password: &'static str,
    changes: Vec<Change>,
}

impl Plan {
    /// People answer always, and nobody is old: the line is the shipped one otherwise.
    pub fn new() -> Self {
        let setup = Setup::new().people(People::Always).env("ASTERISK__PASSWORD", PASSWORD);
        let way = Way::Connects;
        Self { setup, way, person: Phone::answering(Manner::Away), password: PASSWORD, changes: Vec::new() }
    }

    /// An Asterisk that cannot connect to anybody: the hotline connects to it.
    pub fn of_old(mut self) -> Self {
        self.way = Way::IsConnectedTo;
        self
    }

    /// An Asterisk that is set up for AGI alone.
    pub fn by_agi(mut self) -> Self {
        self.way = Way::Agi;
        self
    }

    pub fn person(mut self, manner: Manner) -> Self {
        self.person = Phone::answering(manner);
        self
    }

    pub fn setup(mut self, change: impl FnOnce(Setup) -> Setup) -> Self {
        self.setup = change(self.setup);
        self
    }

    /// Another word in a file of Asterisk's.
    pub fn change(mut self, file: &'static str, from: &str, to: &str) -> Self {
        self.changes.push((file, from.to_owned(), to.to_owned()));
        self
    }

    /// Asterisk says the wrong password.
    pub fn stranger(mut self) -> Self {
        self.password = "no such password";
        self
    }

    /// Where the person is reached.
    pub fn address(&self) -> SocketAddr {
        self.person.address
    }

    pub fn setup_so_far(&self) -> &Setup {
        &self.setup
    }

    pub fn open(self) -> Line {
        let Self { setup, way, person, password, changes } = self;
        // One that is known beforehand: after a restart it is the same.
        let address = format!("127.0.0.1:{}", free_tcp());
        let setup = setup.env("SERVER__LISTEN", &address).env("ASTERISK__MEDIA_URL", &format!("http://{address}"));
        let (setup, ari, of_the_way) = way.sides(setup);
        let hotline = setup.serve();
        let mut site = Site::new(hotline.address);
        password.clone_into(&mut site.password);
        site.person = person.address;
        site.ari = ari;
        site.changes = of_the_way;
        site.changes.extend(changes);
        site.sounds.push(("hotline-away".to_owned(), Voice::file("zh-CN", AWAY)));
        let asterisk = Asterisk::start(&site);
        Line { setup, way, hotline: Some(hotline), asterisk, person }
    }
}

impl Way {
    /// What is other for it: with the hotline, the port of Asterisk's own ARI, in Asterisk's files.
    fn sides(self, setup: Setup) -> (Setup, Option<u16>, Vec<Change>) {
        match self {
            Self::Connects => (setup, None, Vec::new()),
            Self::IsConnectedTo => {
                let port = free_tcp();
                let setup = setup.env("ASTERISK__CONNECT_TO", &format!("http://127.0.0.1:{port}/ari"));
                let setup = setup.env("ASTERISK__CONNECT_PASSWORD", COMMANDS).env("ASTERISK__PASSWORD", "");
                (setup, Some(port), vec![("ari.conf", CONNECTS.to_owned(), String::new())])
            }
            Self::Agi => {
                let at = format!("127.0.0.1:{}", free_tcp());
                let setup = setup.env("ASTERISK__AGI_LISTEN", &at).env("ASTERISK__AGI_ADDRESSES", r#"["127.0.0.1"]"#);
                let changes = vec![
                    ("ari.conf", "enabled = yes".to_owned(), "enabled = no".to_owned()),
                    ("ari.conf", CONNECTS.to_owned(), String::new()),
                    ("extensions.conf", "127.0.0.1:4573".to_owned(), at),
                    ("extensions.conf", "Goto(hotline-call,".to_owned(), "Goto(hotline-agi,".to_owned()),
                ];
                (setup.env("ASTERISK__PASSWORD", ""), None, changes)
            }
        }
    }
}

/// The connection in ari.conf, for an Asterisk that has none.
const CONNECTS: &str = "[hotline-connection]
type = outbound_websocket
websocket_client_id = hotline
apps = hotline
subscribe_all = no
local_ari_user = hotline
";

/// What is heard when the hotline is away, as config/asterisk/README.md has it.
const AWAY: &str = "call.busy.1";

/// What Asterisk says when somebody hangs up while something is said. Of a clip that it does not get it says more.
const HUNG_UP: &str = "res_stasis_playback.c: ";

/// A line that can be called.
pub struct Line {
    pub setup: Setup,
    way: Way,
    hotline: Option<Served>,
    pub asterisk: Asterisk,
    pub person: Phone,
}

impl Line {
    /// Waits until Asterisk and the hotline are connected.
    #[track_caller]
    pub fn connected(self) -> Self {
        self.wait_for_connection();
        self
    }

    #[track_caller]
    pub fn wait_for_connection(&self) {
        self.asterisk.until("Asterisk is connected", |asterisk| match self.way {
            Way::Connects => asterisk.command("ari show websocket sessions").lines().any(|line| line.contains(" Up ")),
            Way::IsConnectedTo => asterisk.command("ari show apps").lines().any(|line| line.starts_with("hotline")),
            // Each call has a connection of its own.
            Way::Agi => true,
        });
    }

    pub fn call(&self, own: &str) -> Call {
        self.number().call(own)
    }

    /// For those who call from threads of their own.
    pub fn number(&self) -> Number {
        Number { exchange: self.asterisk.sip, dialled: "12333", voice: &MANDARIN }
    }

    /// How many calls the hotline has begun.
    pub fn calls_that_came_in(&self) -> usize {
        self.hotline.as_ref().unwrap().so_far().matches("call came in").count()
    }

    /// `kill -9`.
    pub fn kill_hotline(&mut self) {
        if let Some(hotline) = self.hotline.take() {
            hotline.kill();
        }
    }

    /// It is told to end, finishes what it does, and ends.
    #[track_caller]
    pub fn stop_hotline(&mut self) {
        let mut hotline = self.hotline.take().unwrap();
        hotline.signal("-TERM");
        assert!(hotline.ended().success(), "{}", hotline.log());
    }

    /// It is there, and does nothing.
    pub fn freeze_hotline(&self) {
        self.hotline.as_ref().unwrap().signal("-STOP");
    }

    pub fn thaw_hotline(&self) {
        self.hotline.as_ref().unwrap().signal("-CONT");
    }

    /// Starts it where it was.
    pub fn start_hotline(&mut self) {
        self.hotline = Some(self.setup.serve());
    }

    /// Ends both. What Asterisk warned of is `expected`, and neither wrote down anything of `secrets`.
    #[track_caller]
    pub fn close(self, expected: &[&str], secrets: &[&str]) {
        let Self { asterisk, hotline, .. } = self;
        asterisk.until("all channels are gone", |asterisk| asterisk.channels().is_empty());
        let expected: Vec<&str> = expected.iter().copied().chain([HUNG_UP]).collect();
        asterisk.stop(&expected, secrets);
        let Some(hotline) = hotline else { return };
        let log = hotline.log();
        assert!(!log.contains("panicked"), "{log}");
        for secret in secrets {
            assert!(!log.contains(secret), "the log of the hotline shows what was keyed");
        }
    }
}

/// Waits until this clip has been said to its end since the last key. Of one clip that is soon told, on a busy machine too.
#[track_caller]
pub fn until_said(call: &Call, clip: &str) {
    let ear = Ear::new([Clip::read(clip, &Voice::file("zh-CN", clip))]);
    let since = call.phone().pressed().last().copied().unwrap_or_default();
    let end = Instant::now() + DEADLINE;
    while !ear.hears(&call.phone().heard()[since..]).iter().any(|heard| heard.whole) {
        assert!(Instant::now() < end, "not heard: {clip}; the call is {:?}", call.phone().stage());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What is dialled.
#[derive(Clone, Copy)]
pub struct Number {
    exchange: SocketAddr,
    dialled: &'static str,
    /// Whom the caller expects to hear.
    voice: &'static LazyLock<Arc<Voice>>,
}

impl Number {
    /// Another number than 12333.
    pub fn dialled(self, dialled: &'static str) -> Self {
        Self { dialled, ..self }
    }

    /// English is spoken.
    pub fn in_english(self) -> Self {
        Self { voice: &ENGLISH, ..self }
    }

    pub fn call(self, own: &str) -> Call {
        self.call_saying(own, [].into())
    }

    /// Somebody who says this over and over.
    pub fn call_saying(self, own: &str, voice: Arc<[i16]>) -> Call {
        Call::new(Phone::dial_saying(self.exchange, self.dialled, own, voice), own, Arc::clone(self.voice))
    }
}
