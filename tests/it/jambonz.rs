//! Whole calls by jambonz: signed JSON in, verbs out, word by word what other platforms say.

use std::time::Duration;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::calls::{
    ACCOUNT, BALANCE, CONFIRM, ENTER_ID, ENTER_PIN, GOODBYE, GREETING, MAIN, NOON, NUMBERS, OPEN, TOLD,
};
use crate::queue::queue_line;
use crate::support::caller::{Answer, InProcess};
use crate::support::line::in_every_language;
use crate::support::served::{PUBLIC_URL, Setup};

pub const SECRET: &str = "wh_secret_0f1e2d3c4b5a69788796a5b4";

fn setup() -> Setup {
    Setup::new().env("JAMBONZ__SECRET", SECRET)
}

/// A telephone at jambonz.
struct Telephone<'h> {
    hotline: &'h InProcess,
    id: &'static str,
    verbs: Vec<Value>,
    last: (String, String, Answer),
}

impl<'h> Telephone<'h> {
    fn dial(hotline: &'h InProcess, id: &'static str) -> Self {
        let none = Answer { status: 0, headers: Vec::new(), body: String::new() };
        let mut telephone = Self { hotline, id, verbs: Vec::new(), last: (String::new(), String::new(), none) };
        telephone
            .told("/jambonz/call", json!({ "call_status": "trying", "sip": { "method": "INVITE", "body": "v=0" } }));
        telephone
    }

    /// Posts what the platform tells, and reads the verbs.
    fn told(&mut self, path: &str, more: Value) -> String {
        let mut body = json!({
            "call_sid": self.id, "direction": "inbound", "from": "13800138000", "to": "12333", "call_id": "x@y",
            "sip_status": 200, "call_status": "in-progress", "account_sid": "a", "application_sid": "b",
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let body = body.to_string();
        let answer = post(self.hotline, path, &body);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "application/json"),
            "{path}: {}",
            answer.body
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        self.verbs = serde_json::from_str(&answer.body).unwrap();
        self.last = (path.to_owned(), body, answer);
        self.said()
    }

    fn said(&self) -> String {
        said(&self.verbs)
    }

    fn verb(&self, name: &str) -> &Value {
        self.verbs.iter().find(|verb| verb["verb"] == name).unwrap_or_else(|| panic!("no {name}: {:?}", self.verbs))
    }

    fn hook(&self, verb: &str, hook: &str) -> String {
        self.verb(verb)[hook].as_str().unwrap().strip_prefix(PUBLIC_URL).unwrap().to_owned()
    }

    fn press(&mut self, keys: &str) -> String {
        let path = self.hook("gather", "actionHook");
        let finish = self.verb("gather")["finishOnKey"].as_str().unwrap_or_default().to_owned();
        let digits = if finish.is_empty() { keys } else { keys.strip_suffix(&finish).unwrap_or(keys) };
        self.told(&path, json!({ "reason": "dtmfDetected", "digits": digits }))
    }
}

/// What is heard: all up to the keys that are waited for. What stands behind them is for when their hook fails.
pub fn said(verbs: &[Value]) -> String {
    let waits = |verb: &Value| verb["actionHook"].as_str().is_some_and(|hook| hook.contains("/step/"));
    let end = verbs.iter().position(waits).map_or(verbs.len(), |at| at + 1);
    let texts = |say: &Value| say["text"].as_array().cloned().unwrap_or_default();
    let said = verbs[..end].iter().flat_map(|verb| match verb["verb"].as_str().unwrap() {
        "say" => texts(verb),
        "gather" => texts(&verb["say"]),
        _ => Vec::new(),
    });
    said.map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn signature(hotline: &InProcess, body: &str) -> String {
    let time = hotline.clock.now().as_second();
    let mut mac: Hmac<Sha256> = Hmac::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{time}.{body}").as_bytes());
    format!("t={time},v1={}", HEXLOWER.encode(&mac.finalize().into_bytes()))
}

fn post(hotline: &InProcess, path: &str, body: &str) -> Answer {
    let signature = signature(hotline, body);
    hotline.wire.send("POST", path, &[("content-type", "application/json"), ("jambonz-signature", &signature)], body)
}

#[test]
fn a_balance_by_id_number_that_ends_with_x() {
    let hotline = InProcess::new(setup(), NOON);
    let mut caller = Telephone::dial(&hotline, "c-balance");
    assert_eq!(caller.said(), [GREETING, MAIN].concat());
    assert!(caller.press("1").ends_with(NUMBERS));
    assert_eq!(caller.press("1"), ENTER_ID);
    assert_eq!(caller.verb("gather")["finishOnKey"], "#");
    assert_eq!(caller.verb("gather")["minDigits"], 1);
    assert_eq!(caller.press("11010519491231002*#"), CONFIRM);
    assert_eq!(caller.press("1"), ENTER_PIN);
    assert_eq!(caller.press("739154#"), ACCOUNT);
    assert_eq!(caller.press("1"), [BALANCE, TOLD].concat());
    assert_eq!(caller.press("9"), GOODBYE);
    assert_eq!(caller.verbs.last().unwrap()["verb"], "hangup");
    assert_eq!(hotline.setup.audit(), ["pin_try", "sign_in_ok", "read_personal_balance"]);
}

/// `#` alone hears it again, silence is asked, and what a failed webhook leaves to the platform is asked as silence is.
#[test]
fn silence_and_the_finish_key_alone() {
    let hotline = InProcess::new(setup(), NOON);
    let mut caller = Telephone::dial(&hotline, "c-silent");
    caller.press("1");
    assert_eq!(caller.press("1"), ENTER_ID);
    assert!(caller.press("#").ends_with(ENTER_ID));
    let step = caller.hook("gather", "actionHook");
    let asked = caller.told(&step, json!({ "reason": "timeout" }));
    assert!(asked.contains("身份证号码"), "{asked}");
}

/// 请稍候 while an answer takes long; the same asked again where the hook failed; and words before the call is given up.
#[test]
fn slow_and_failed_hooks_are_covered_by_words() {
    let hotline = InProcess::new(setup(), NOON);
    let mut caller = Telephone::dial(&hotline, "c-slow");
    caller.press("1");
    assert_eq!(caller.press("1"), ENTER_ID);
    let [asks, asks_again, says, ends] = &caller.verbs[..] else { panic!("{:?}", caller.verbs) };
    let moment = json!([{ "verb": "say", "text": ["请稍候。"] }]);
    let delay = json!({ "enabled": true, "noResponseTimeout": 2, "retries": 2, "actions": moment });
    assert_eq!((&asks["actionHookDelayAction"], &asks_again["actionHookDelayAction"]), (&delay, &delay));
    assert_eq!((&asks_again["actionHook"], &asks_again["timeout"]), (&asks["actionHook"], &json!(0.1)));
    assert_eq!((&asks_again["say"], &asks_again["finishOnKey"]), (&Value::Null, &json!("#")));
    assert_eq!(says["text"], json!(["系统繁忙，请稍后再拨。"]));
    assert_eq!(ends["verb"], "hangup");
    let step = caller.hook("gather", "actionHook");
    let asked = caller.told(&step, json!({}));
    assert!(asked.contains("身份证号码"), "{asked}");
    let hotline = InProcess::new(setup().line(&in_every_language()), NOON);
    let mut caller = Telephone::dial(&hotline, "c-english");
    caller.press("3");
    assert_eq!(caller.verb("gather")["actionHookDelayAction"]["actions"][0]["text"], json!(["One moment, please."]));
}

#[test]
fn a_repeated_webhook_gets_the_same_words_and_has_no_second_effect() {
    let hotline = InProcess::new(setup(), NOON);
    let mut caller = Telephone::dial(&hotline, "c-again");
    for keys in ["1", "1", "11010519491231002*#", "1", "739154#", "1"] {
        caller.press(keys);
        let (path, body, answer) = caller.last.clone();
        for _ in 0..2 {
            hotline.clock.advance(Duration::from_secs(5));
            assert_eq!(post(&hotline, &path, &body), answer, "{keys}");
        }
    }
    assert_eq!(hotline.setup.audit(), ["pin_try", "sign_in_ok", "read_personal_balance"]);
}

/// However long they wait and talk, the call goes on after it. No key is heard there, so none is offered.
#[test]
fn a_queue_tells_how_many_are_before_and_asks_nothing() {
    let hotline = InProcess::new(setup().line(&queue_line()), OPEN);
    let mut caller = Telephone::dial(&hotline, "c-queue");
    caller.press("0");
    assert_eq!(caller.verb("enqueue")["name"], "agents");
    let (waiting, queued) = (caller.hook("enqueue", "waitHook"), caller.hook("enqueue", "actionHook"));
    for (position, said) in
        [(2, "您前面还有两位。"), (1, "您前面还有一位。"), (0, "您是下一位，人工一有空闲就为您接通。")]
    {
        let heard = caller.told(&waiting, json!({ "queue_time": 9, "queue_position": position, "queue_size": 3 }));
        assert_eq!(heard, said);
        assert_eq!(caller.verbs.last().unwrap(), &json!({ "verb": "pause", "length": 25 }));
        hotline.clock.advance(Duration::from_mins(20));
    }
    let asked = caller.told(&queued, json!({ "queue_result": "hangup", "queue_time": 3600 }));
    assert!(asked.starts_with("请您对本次服务作出评价。"), "{asked}");
    assert!(!caller.press("1").is_empty());
    // The platform takes nothing but speech and silence while somebody waits.
    let mut left = Telephone::dial(&hotline, "c-left");
    left.press("0");
    let waiting = left.hook("enqueue", "waitHook");
    let status = json!({ "call_sid": "c-left", "call_status": "completed", "duration": 60 }).to_string();
    assert_eq!(post(&hotline, "/jambonz/status", &status).status, 204);
    left.told(&waiting, json!({ "queue_time": 60, "queue_position": 0 }));
    assert_eq!(left.verbs.last().unwrap(), &json!({ "verb": "leave" }));
}

#[test]
fn only_the_platform_gets_in_and_only_where_there_is_a_secret() {
    let hotline = InProcess::new(setup(), NOON);
    let body = r#"{"call_sid":"c-forged","to":"12333"}"#;
    let signed = signature(&hotline, body);
    let sent = |path: &str, signature: &str, body: &str| {
        let headers = [("content-type", "application/json"), ("jambonz-signature", signature)];
        hotline.wire.send("POST", path, &headers, body).status
    };
    assert_eq!(sent("/jambonz/call", &signed, body), 200);
    assert_eq!(sent("/jambonz/call", &signed, &body.replace("forged", "other")), 403);
    assert_eq!(sent("/jambonz/call", "t=1,v1=00", body), 403);
    hotline.clock.advance(Duration::from_secs(301));
    assert_eq!(sent("/jambonz/call", &signed, body), 403);
    let without = InProcess::new(Setup::new(), NOON);
    assert_eq!(post(&without, "/jambonz/call", body).status, 404);
}

#[test]
fn the_start_up_text_tells_what_to_enter() {
    let setup = setup();
    let told = setup.serve().welcome();
    let expected = "
Webhooks for jambonz (POST, application/json):
    calling webhook        https://hotline.test/jambonz/call#rc=2&rp=5xx,ct,rt
    call status webhook    https://hotline.test/jambonz/status
";
    assert!(told.contains(expected), "{told}");
    let without = Setup::new();
    assert!(!without.serve().welcome().contains("jambonz"));
}
