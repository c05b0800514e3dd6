//! One contract for every way in: the same words, the same answer to a repeat, no word to strangers.
//!
//! The platforms' ends are those that transcripts are replayed by, where a dialect has one, and those of `support` for the
//! others.

use std::fmt::Write;

use hotline::replay::pattern::tidy;
use hotline::replay::phone::{Account, Answer, Happened, Heard, Phone, Then, Webhook};
use hotline::replay::transcript::Dialect;
use hotline::secret::{Key, Secret};

use crate::calls::{
    ACCOUNT, BALANCE, CONFIRM, ENTER_ID, ENTER_PIN, GOODBYE, GREETING, MAIN, NOON, NUMBERS, OFFER, REFUSED, TOLD,
};
use crate::support::caller::InProcess;
use crate::support::gateway::{self, Gateway};
use crate::support::handset::Handset;
use crate::support::served::{AUTH_TOKEN, BROWSER_TOKEN, PUBLIC_URL, People, Setup};
use crate::support::switch::{self, Switch};
use crate::support::{cloud, family};

const SECRET: &str = "wh_secret_0f1e2d3c4b5a69788796a5b4";
const BUSY: &str = "系统繁忙，请稍后再拨。";
const NOTHING: &str = "抱歉，没有收到您的按键。";
const FIRST: &str = "查询前请先验证您的身份。";

fn hotline() -> InProcess {
    InProcess::new(Setup::new().people(People::Always).env("JAMBONZ__SECRET", SECRET), NOON)
}

/// A telephone at one of the platforms.
struct Telephone<'h> {
    hotline: &'h InProcess,
    dialect: Dialect,
    phone: Phone,
    heard: Option<Heard>,
}

impl<'h> Telephone<'h> {
    fn new(hotline: &'h InProcess, dialect: Dialect) -> Self {
        let account = Account {
            public_url: PUBLIC_URL.to_owned(),
            auth_token: Secret::new(AUTH_TOKEN),
            browser_token: Secret::new(BROWSER_TOKEN),
            jambonz_secret: Secret::new(SECRET),
        };
        let (call, from) = ("CA1".to_owned(), Some("13800138000".to_owned()));
        let phone = Phone::new(account, hotline.clock.clone(), dialect, call, from, "12333".to_owned());
        Self { hotline, dialect, phone, heard: None }
    }

    fn webhook(&self, happened: &Happened<'_>) -> Webhook {
        self.phone.webhook(self.heard.as_ref(), happened).unwrap()
    }

    fn send(&self, webhook: &Webhook) -> Answer {
        let headers: Vec<_> = webhook.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = self.hotline.wire.send("POST", &webhook.path, &headers, &webhook.body);
        assert_eq!(answer.header("cache-control"), "no-store", "{:?} {}", self.dialect, webhook.path);
        let kind = answer.header("content-type").to_owned();
        Answer { status: answer.status, kind, body: answer.body }
    }

    /// What is heard when the platform tells this, and tells it again.
    fn tell(&mut self, happened: &Happened<'_>) -> String {
        let webhook = self.webhook(happened);
        let answer = self.send(&webhook);
        if webhook.of_call {
            assert_eq!(self.send(&webhook), answer, "{:?}", self.dialect);
        }
        let heard = self.phone.hear(&answer).unwrap();
        let said = tidy(&heard.said);
        self.heard = Some(heard);
        said
    }

    /// What is heard when the caller does this: `dial`, `silence`, `not answered`, or keys.
    fn does(&mut self, what: &str) -> String {
        let keys: Vec<_> = what.chars().filter_map(Key::from_char).collect();
        match (what, self.heard.as_ref().map(|heard| heard.then)) {
            ("dial", None) => self.tell(&Happened::Dialled),
            ("silence", Some(Then::Collect(_))) => self.tell(&Happened::Silence),
            ("not answered", Some(Then::Transfer)) => self.tell(&Happened::Transferred { talked: false }),
            (_, Some(Then::Collect(collect))) if keys.len() == what.len() => {
                let finish = collect.finish.filter(|finish| keys.last() == Some(finish));
                let keys = &keys[..keys.len() - usize::from(finish.is_some())];
                assert!(keys.len() <= collect.most, "{what}: {} keys are awaited", collect.most);
                self.tell(&Happened::Keys { keys, finish })
            }
            (_, then) => panic!("{what} cannot be done: {then:?}"),
        }
    }
}

impl Handset for Telephone<'_> {
    fn hears(&self) -> String {
        tidy(&self.heard.as_ref().unwrap().said)
    }

    fn presses(&mut self, keys: &str) {
        self.does(keys);
    }

    fn is_silent(&mut self) {
        self.does("silence");
    }

    fn nobody_answers(&mut self) {
        self.does("not answered");
    }

    /// It always does, and holds the answers alike.
    fn tells_again(&self) -> bool {
        true
    }

    fn is_over(&self) -> bool {
        self.heard.as_ref().is_some_and(|heard| heard.then == Then::HangUp)
    }
}

/// An X at the end, a wrong PIN, silence, `#` alone, a balance to the cent, a person who does not answer.
#[test]
fn one_call_is_heard_in_the_same_words_by_every_way_in() {
    for dialect in Dialect::ALL {
        let hotline = hotline();
        let mut telephone = Telephone::new(&hotline, dialect);
        telephone.does("dial");
        holds_the_call(&format!("{dialect:?}"), &hotline, &mut telephone);
    }
    for platform in family::ALL {
        let hotline = InProcess::new(platform.set_up(Setup::new().people(People::Always)), NOON);
        let mut telephone = family::Telephone::dial(&hotline, platform, "script");
        holds_the_call(&format!("{platform:?}"), &hotline, &mut telephone);
    }
    for platform in cloud::ALL {
        let hotline = InProcess::new(platform.set_up(Setup::new().people(People::Always)), NOON);
        let mut telephone = cloud::Telephone::dial(&hotline, platform, "script");
        holds_the_call(&format!("{platform:?}"), &hotline, &mut telephone);
    }
    let hotline = InProcess::new(gateway::set_up(Setup::new().people(People::Always)), NOON);
    holds_the_call("VoiceXML", &hotline, &mut Gateway::dial(&hotline, "12333"));
    let hotline = InProcess::new(switch::set_up(Setup::new().people(People::Always)), NOON);
    holds_the_call("FreeSWITCH", &hotline, &mut Switch::dial(&hotline, "script"));
}

/// Where every place is taken, whoever calls hears so, and hangs up no wiser: by every way in. The place is taken by a caller
/// whose PIN waits for the store.
#[test]
fn whoever_comes_when_every_place_is_taken_hears_so_by_every_way_in() {
    let setup = switch::set_up(gateway::set_up(Setup::new())).env("JAMBONZ__SECRET", SECRET);
    let setup = family::ALL.into_iter().fold(setup, |setup, platform| platform.set_up(setup));
    let setup = cloud::ALL.into_iter().fold(setup, |setup, platform| platform.set_up(setup));
    let setup = setup.env("SERVER__MAX_IN_FLIGHT", "1").env("SERVER__RESERVED_FOR_RUNNING", "0");
    let hotline = &InProcess::new(setup, NOON);
    let mut ways: Vec<(String, Box<dyn Fn() -> String + '_>)> = vec![
        ("VoiceXML".to_owned(), Box::new(|| Gateway::dial(hotline, "12333").hears())),
        ("FreeSWITCH".to_owned(), Box::new(|| Switch::dial(hotline, "busy").hears())),
    ];
    for dialect in Dialect::ALL {
        let dials = move || {
            let mut telephone = Telephone::new(hotline, dialect);
            let answer = telephone.send(&telephone.webhook(&Happened::Dialled));
            tidy(&telephone.phone.hear(&answer).unwrap().said)
        };
        ways.push((format!("{dialect:?}"), Box::new(dials)));
    }
    for platform in family::ALL {
        let dials = move || family::Telephone::dial(hotline, platform, "busy").hears();
        ways.push((format!("{platform:?}"), Box::new(dials)));
    }
    for platform in cloud::ALL {
        let dials = move || cloud::Telephone::dial(hotline, platform, "busy").hears();
        ways.push((format!("{platform:?}"), Box::new(dials)));
    }
    for (name, dials) in ways {
        let mut holder = hotline.dial(&format!("CA-{}", name.replace(|c: char| !c.is_ascii_alphanumeric(), "")));
        assert_eq!(holder.press_all(&["1", "1", "11010519491231002*#", "1"]), ENTER_PIN, "{name}");
        let store = hotline.setup.nobody_writes();
        let heard = std::thread::scope(|scope| {
            // Another may have the place at that moment, and then it is asked for again.
            let held = scope.spawn(|| {
                let asked = holder.heard.clone();
                while holder.press("739154#") == BUSY {
                    holder.heard = asked.clone();
                }
            });
            // Until the place is taken, whoever calls is welcome.
            let mut heard = dials();
            while heard == [GREETING, MAIN].concat() && !held.is_finished() {
                heard = dials();
            }
            drop(store);
            heard
        });
        assert_eq!(heard, BUSY, "{name}");
    }
}

/// Does the call that has been dialled; everything is told twice.
fn holds_the_call(name: &str, hotline: &InProcess, telephone: &mut impl Handset) {
    let call = [
        ("silence", [NOTHING, MAIN].concat()),
        ("1", [FIRST, NUMBERS].concat()),
        ("1", ENTER_ID.to_owned()),
        ("#", ENTER_ID.to_owned()),
        ("11010519491231002*#", CONFIRM.to_owned()),
        ("1", ENTER_PIN.to_owned()),
        ("739155#", [REFUSED, ENTER_PIN].concat()),
        ("739154#", ACCOUNT.to_owned()),
        ("1", [BALANCE, TOLD].concat()),
        ("#", TOLD.to_owned()),
        ("0", "正在为您转接人工服务，请稍候。".to_owned()),
        ("not answered", ["抱歉，人工座席暂时无法接听，请稍后再试。", OFFER, MAIN].concat()),
        ("9", GOODBYE.to_owned()),
    ];
    let (mut expected, mut heard) = (format!("dial: {GREETING}{MAIN}\n"), format!("dial: {}\n", telephone.hears()));
    for (at, (does, words)) in call.iter().enumerate() {
        // Where `#` alone is not told of, it is asked for as silence is.
        let is_silence = at == 3 && !telephone.tells_finish_alone();
        let (does, words) = if is_silence { ("silence", &[NOTHING, ENTER_ID].concat()) } else { (*does, words) };
        writeln!(expected, "{does}: {words}").unwrap();
        writeln!(heard, "{does}: {}", telephone.does(does)).unwrap();
        assert!(telephone.tells_again(), "{name}: {does}");
    }
    assert_eq!(heard, expected, "{name}");
    assert!(telephone.is_over(), "{name}");
    // Nothing was done twice.
    let done = ["pin_try", "sign_in_refused", "pin_try", "sign_in_ok", "read_personal_balance"];
    assert_eq!(hotline.setup.audit(), done, "{name}");
}

/// Whatever proves the sender: without it, or with one character of it changed, there is a bare 403, and nothing is done.
#[test]
fn whoever_cannot_prove_who_they_are_is_told_nothing() {
    for dialect in Dialect::ALL {
        let hotline = hotline();
        let mut telephone = Telephone::new(&hotline, dialect);
        for does in ["dial", "1", "1", "11010519491231002*#", "1"] {
            telephone.does(does);
        }
        let keys: Vec<_> = "739154".chars().filter_map(Key::from_char).collect();
        let genuine = telephone.webhook(&Happened::Keys { keys: &keys, finish: Some(Key::Hash) });
        let proofs: Vec<_> =
            genuine.headers.iter().map(|(name, _)| *name).filter(|name| *name != "content-type").collect();
        assert_ne!(proofs, [""; 0], "{dialect:?}");
        for proof in proofs {
            let mut without = genuine.clone();
            without.headers.retain(|(name, _)| *name != proof);
            let mut forged = genuine.clone();
            for (_, value) in forged.headers.iter_mut().filter(|(name, _)| *name == proof) {
                let at = value.rfind(|c: char| c.is_ascii_alphanumeric()).unwrap();
                let other = if value[at..].starts_with('0') { "1" } else { "0" };
                value.replace_range(at..=at, other);
            }
            for webhook in [without, forged] {
                let answer = telephone.send(&webhook);
                assert_eq!((answer.status, answer.body.as_str()), (403, ""), "{dialect:?} {proof}");
            }
        }
        assert_eq!(hotline.setup.audit(), [""; 0], "{dialect:?}");
        assert_eq!(telephone.send(&genuine).status, 200, "{dialect:?}");
        assert_eq!(hotline.setup.audit(), ["pin_try", "sign_in_ok"], "{dialect:?}");
    }
}
