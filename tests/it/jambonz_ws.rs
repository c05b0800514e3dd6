//! Whole calls by jambonz over its WebSocket: the same verbs as by HTTP, carried otherwise.

use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use data_encoding::{BASE64, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;
use tungstenite::client::IntoClientRequest;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, HandshakeError, Message, WebSocket};

use crate::calls::{ACCOUNT, BALANCE, CONFIRM, ENTER_ID, ENTER_PIN, GOODBYE, GREETING, MAIN, NUMBERS, TOLD};
use crate::jambonz::{SECRET, said};
use crate::support::caller::Wire;
use crate::support::served::{DEADLINE, PUBLIC_URL, Served, Setup, until};

const CREDENTIALS: &str = "jambonz:9a8b7c6d5e4f30211203f4e5d6c7b8a9";

fn setup() -> Setup {
    Setup::new().env("JAMBONZ__CREDENTIALS", CREDENTIALS)
}

/// Opens a WebSocket with these headers; what it is answered where it is refused.
fn open(address: SocketAddr, headers: &[(&'static str, &str)]) -> Result<WebSocket<TcpStream>, (u16, String)> {
    let mut request = format!("ws://{address}/jambonz/socket").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    match tungstenite::client(request, stream) {
        Ok((socket, answer)) => {
            assert_eq!(answer.headers()["sec-websocket-protocol"], "ws.jambonz.org");
            Ok(socket)
        }
        Err(HandshakeError::Failure(Error::Http(answer))) => {
            let body = answer.body().clone().unwrap_or_default();
            Err((answer.status().as_u16(), String::from_utf8(body).unwrap()))
        }
        Err(other) => panic!("{other}"),
    }
}

fn basic(both: &str) -> String {
    format!("Basic {}", BASE64.encode(both.as_bytes()))
}

fn opened(address: SocketAddr) -> WebSocket<TcpStream> {
    let authorization = basic(CREDENTIALS);
    open(address, &[("sec-websocket-protocol", "ws.jambonz.org"), ("authorization", &authorization)]).unwrap()
}

/// A telephone at jambonz, and the connection its call has.
struct Telephone {
    address: SocketAddr,
    id: &'static str,
    socket: WebSocket<TcpStream>,
    messages: usize,
    /// The last answer.
    verbs: Vec<Value>,
    /// What the last answer was to, without its id.
    last: (&'static str, Option<String>, Value),
}

impl Telephone {
    fn dial(served: &Served, id: &'static str) -> Self {
        let (address, socket) = (served.address, opened(served.address));
        let mut telephone = Self { address, id, socket, messages: 0, verbs: Vec::new(), last: ("", None, Value::Null) };
        telephone.told("session:new", None, telephone.data(json!({ "call_status": "trying" })));
        telephone
    }

    fn data(&self, more: Value) -> Value {
        let mut data = json!({
            "call_sid": self.id, "direction": "inbound", "from": "13800138000", "to": "12333", "call_id": "x@y",
            "sip_status": 200, "call_status": "in-progress", "account_sid": "a", "application_sid": "b",
        });
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    }

    fn send(&mut self, kind: &str, hook: Option<&str>, data: &Value) -> String {
        self.messages += 1;
        let msgid = format!("{}-{}", self.id, self.messages);
        let mut message =
            json!({ "type": kind, "msgid": msgid, "call_sid": self.id, "data": data, "b3": "18228daa-dd3bdf1f-1" });
        if let Some(hook) = hook {
            message["hook"] = json!(hook);
        }
        self.socket.send(Message::text(message.to_string())).unwrap();
        msgid
    }

    /// Sends it, and gives the answer's verbs as they were written.
    fn answer(&mut self, kind: &str, hook: Option<&str>, data: &Value) -> String {
        let msgid = self.send(kind, hook, data);
        let answer = self.socket.read().unwrap().into_text().unwrap();
        assert!(answer.len() <= 24 * 1024, "{}", answer.len());
        let verbs = answer.as_str().strip_prefix(&format!(r#"{{"type":"ack","msgid":"{msgid}","data":"#));
        verbs.unwrap_or_else(|| panic!("{answer}")).strip_suffix('}').unwrap().to_owned()
    }

    fn told(&mut self, kind: &'static str, hook: Option<String>, data: Value) -> String {
        let verbs = self.answer(kind, hook.as_deref(), &data);
        self.verbs = serde_json::from_str(&verbs).unwrap();
        self.last = (kind, hook, data);
        said(&self.verbs)
    }

    fn hook(&self) -> String {
        let gather = self.verbs.iter().find(|verb| verb["verb"] == "gather").unwrap();
        gather["actionHook"].as_str().unwrap().to_owned()
    }

    fn press(&mut self, keys: &str) -> String {
        let gather = self.verbs.iter().find(|verb| verb["verb"] == "gather").unwrap();
        let finish = gather["finishOnKey"].as_str().unwrap_or_default();
        let digits = if finish.is_empty() { keys } else { keys.strip_suffix(finish).unwrap_or(keys) };
        let data = self.data(json!({ "reason": "dtmfDetected", "digits": digits }));
        self.told("verb:hook", Some(self.hook()), data)
    }

    fn press_all(&mut self, entries: &[&str]) -> String {
        entries.iter().fold(String::new(), |_, keys| self.press(keys))
    }

    /// The connection breaks, and the platform opens another.
    fn reconnects(&mut self) {
        self.socket = opened(self.address);
        let data = self.data(json!({ "call_status": "trying" }));
        self.answer("session:reconnect", None, &data);
    }

    /// What the platform reads next is that the connection is closed.
    fn is_closed(&mut self) -> Option<CloseCode> {
        match self.socket.read() {
            Ok(Message::Close(frame)) => frame.map(|frame| frame.code),
            Ok(other) => panic!("{other:?}"),
            // It is gone, and no word was said.
            Err(_) => None,
        }
    }
}

/// What the last message of `telephone` is answered by HTTP.
fn by_http(served: &Served, (kind, hook, data): &(&str, Option<String>, Value)) -> String {
    let body = data.to_string();
    let time = Timestamp::now().as_second();
    let mut mac: Hmac<Sha256> = Hmac::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{time}.{body}").as_bytes());
    let signature = format!("t={time},v1={}", HEXLOWER.encode(&mac.finalize().into_bytes()));
    let path = if *kind == "verb:hook" { hook.as_deref().unwrap() } else { "/jambonz/call" };
    let headers = [("content-type", "application/json"), ("jambonz-signature", signature.as_str())];
    let answer = Wire::from(served).send("POST", path, &headers, &body);
    assert_eq!(answer.status, 200, "{path}");
    answer.body
}

#[test]
fn a_balance_word_for_word_as_by_http() {
    let setup = setup().env("JAMBONZ__SECRET", SECRET);
    let served = setup.serve();
    let mut caller = Telephone::dial(&served, "ws-balance");
    let same = |caller: &Telephone| {
        let verbs: Value = serde_json::from_str(&by_http(&served, &caller.last).replace(PUBLIC_URL, "")).unwrap();
        assert_eq!(json!(caller.verbs), verbs);
    };
    assert_eq!(said(&caller.verbs), [GREETING, MAIN].concat());
    assert!(caller.hook().starts_with("/jambonz/step/"), "an address would be posted to");
    same(&caller);
    for (keys, heard) in [
        ("1", ["查询前请先验证您的身份。", NUMBERS].concat()),
        ("1", ENTER_ID.to_owned()),
        ("#", ENTER_ID.to_owned()),
        ("11010519491231002*#", CONFIRM.to_owned()),
        ("1", ENTER_PIN.to_owned()),
        ("739154#", ACCOUNT.to_owned()),
        ("1", [BALANCE, TOLD].concat()),
        ("9", GOODBYE.to_owned()),
    ] {
        assert_eq!(caller.press(keys), heard, "{keys}");
        same(&caller);
    }
    assert_eq!(caller.verbs.last().unwrap()["verb"], "hangup");
    assert_eq!(setup.audit(), ["pin_try", "sign_in_ok", "read_personal_balance"]);
}

#[test]
fn a_repeated_message_gets_the_same_words_and_has_no_second_effect() {
    let setup = setup();
    let served = setup.serve();
    let mut caller = Telephone::dial(&served, "ws-again");
    for keys in ["1", "1", "11010519491231002*#", "1", "739154#", "1"] {
        caller.press(keys);
        let (kind, hook, data) = caller.last.clone();
        for _ in 0..2 {
            let again = caller.answer(kind, hook.as_deref(), &data);
            assert_eq!(serde_json::from_str::<Vec<Value>>(&again).unwrap(), caller.verbs, "{keys}");
        }
    }
    assert_eq!(setup.audit(), ["pin_try", "sign_in_ok", "read_personal_balance"]);
}

/// Between any two keys; the answer to a key that it was lost with is got by another connection.
#[test]
fn a_connection_that_breaks_costs_a_caller_nothing() {
    let setup = setup();
    let served = setup.serve();
    let mut caller = Telephone::dial(&served, "ws-broken");
    for keys in ["1", "1", "11010519491231002*#", "1"] {
        caller.press(keys);
        caller.reconnects();
    }
    // The key is told, and the connection breaks before the answer to it.
    let (hook, data) = (caller.hook(), caller.data(json!({ "reason": "dtmfDetected", "digits": "739154" })));
    caller.send("verb:hook", Some(&hook), &data);
    caller.reconnects();
    assert_eq!(caller.told("verb:hook", Some(hook), data), ACCOUNT);
    // Another node, or this one after a restart: nothing of the call was kept.
    drop(served);
    let served = setup.serve();
    caller.address = served.address;
    caller.reconnects();
    assert_eq!(caller.press("1"), [BALANCE, TOLD].concat());
    assert_eq!(setup.audit(), ["pin_try", "sign_in_ok", "read_personal_balance"]);
}

/// Where the first answer was lost, the platform goes by the answer to `session:reconnect`.
#[test]
fn a_connection_that_breaks_at_once_is_answered_with_the_greeting() {
    let setup = setup();
    let served = setup.serve();
    let mut caller = Telephone::dial(&served, "ws-first");
    let first = caller.verbs.clone();
    caller.socket = opened(caller.address);
    let data = caller.data(json!({ "call_status": "trying" }));
    assert_eq!(caller.told("session:reconnect", None, data), [GREETING, MAIN].concat());
    assert_eq!(caller.verbs, first);
    assert!(caller.press("1").ends_with(NUMBERS));
}

#[test]
fn only_who_knows_the_password_opens_anything() {
    let setup = setup().env("JAMBONZ__MORE_CREDENTIALS", r#"["next:one"]"#);
    let served = setup.serve();
    let protocol = ("sec-websocket-protocol", "ws.jambonz.org");
    for right in [CREDENTIALS, "next:one"] {
        assert!(open(served.address, &[protocol, ("authorization", &basic(right))]).is_ok(), "{right}");
    }
    let refused = |headers: &[(&'static str, &str)]| open(served.address, headers).err();
    for wrong in
        ["", "jambonz:", "jambonz:9a8b7c6d5e4f30211203f4e5d6c7b8a8", "Jambonz:9a8b7c6d5e4f30211203f4e5d6c7b8a9"]
    {
        assert_eq!(refused(&[protocol, ("authorization", &basic(wrong))]), Some((403, String::new())), "{wrong}");
    }
    assert_eq!(refused(&[protocol]), Some((403, String::new())));
    assert_eq!(refused(&[protocol, ("authorization", &format!("Bearer {CREDENTIALS}"))]), Some((403, String::new())));
    let wire = Wire::from(&served);
    assert_eq!(wire.get("/jambonz/socket").status, 403, "no WebSocket, and no password");
    let (authorization, other) = (basic(CREDENTIALS), ("sec-websocket-protocol", "chat"));
    assert_eq!(refused(&[other, ("authorization", &authorization)]), Some((400, String::new())), "another language");
    assert_eq!(wire.send("GET", "/jambonz/socket", &[("authorization", &authorization)], "").status, 400);
    assert_eq!(wire.send("POST", "/jambonz/call", &[], "{}").status, 404, "no webhooks without their secret");
    let without = Setup::new();
    assert_eq!(open(without.serve().address, &[protocol]).err().unwrap().0, 404);
    drop(served);
    let elsewhere = setup.env("JAMBONZ__ADDRESSES", r#"["198.51.100.0/24"]"#);
    let served = elsewhere.serve();
    let refused = open(served.address, &[protocol, ("authorization", &authorization)]).err();
    assert_eq!(refused, Some((403, String::new())), "from here");
}

#[test]
fn garbage_ends_its_connection_and_no_other() {
    let setup = setup();
    let served = setup.serve();
    let mut caller = Telephone::dial(&served, "ws-genuine");
    let giant = json!({ "type": "session:new", "msgid": "m", "data": { "sip": "x".repeat(64 * 1024) } }).to_string();
    for (message, code) in [
        (Message::text("nonsense"), Some(CloseCode::Invalid)),
        (Message::text("[]"), Some(CloseCode::Invalid)),
        (Message::text(r#"{"type":"session:new"}"#), Some(CloseCode::Invalid)),
        (Message::binary(vec![123, 125]), Some(CloseCode::Unsupported)),
        (Message::text(giant), None),
    ] {
        let mut stranger = Telephone::dial(&served, "ws-garbage");
        // What is larger than it may be is not even read.
        let _ = stranger.socket.send(message);
        assert_eq!(stranger.is_closed(), code);
    }
    // What cannot be read inside a message that can, is answered in words.
    for data in [json!({}), json!([]), json!({ "call_sid": "a b" }), json!({ "call_sid": "c", "digits": 1 })] {
        assert_eq!(caller.told("session:new", None, data), "系统繁忙，请稍后再拨。");
        assert_eq!(caller.verbs.last().unwrap()["verb"], "hangup");
    }
    let data = caller.data(json!({}));
    assert_eq!(caller.told("session:new", None, data), [GREETING, MAIN].concat());
    assert_eq!(caller.press_all(&["1", "1"]), ENTER_ID);
    assert!(!served.log().contains("panicked"));
}

/// The platform tells of the end of a call, and of other things that nobody waits for an answer to.
#[test]
fn hanging_up_is_news_and_what_is_reported_is_logged_without_its_words() {
    let setup = setup();
    let served = setup.serve();
    let mut caller = Telephone::dial(&served, "ws-over");
    caller.press("1");
    let quoted = json!({ "msg": "InvalidMessage", "details": "739154", "content": "您的余额" });
    caller.send("jambonz:error", None, &quoted);
    caller.send("verb:status", None, &json!({ "event": "finished", "name": "say" }));
    let status = |call_sid: &str, how: &str| json!({ "call_sid": call_sid, "call_status": how, "duration": 7 });
    caller.send("call:status", None, &status("ws-over", "in-progress"));
    let mut leg = status("ws-leg", "completed");
    leg["parent_call_sid"] = json!("ws-over");
    caller.send("call:status", None, &leg);
    assert_eq!(caller.press("1"), ENTER_ID, "the call goes on");
    caller.send("call:status", None, &status("ws-over", "completed"));
    until("the call is over", || served.so_far().contains("call is over"));
    caller.press("1");
    assert_eq!(caller.verbs.last().unwrap()["verb"], "hangup");
    let log = served.log();
    assert!(log.contains("jambonz reports an error") && log.contains("InvalidMessage"), "{log}");
    assert!(!log.contains("739154") && !log.contains("余额"), "{log}");
}

/// A call that is held open is one of the connections there may be.
#[test]
fn an_open_connection_has_its_place() {
    let setup = setup().env("SERVER__MAX_CONNECTIONS", "1");
    let served = setup.serve();
    let mut caller = Telephone::dial(&served, "ws-place");
    let (asked, answered) = (served.address, channel());
    let asking = std::thread::spawn(move || {
        let status = Wire::Served(asked).get("/healthz").status;
        answered.0.send(status).unwrap();
    });
    caller.press_all(&["1", "1"]);
    assert_eq!(answered.1.recv_timeout(Duration::from_millis(100)), Err(RecvTimeoutError::Timeout));
    drop(caller);
    assert_eq!(answered.1.recv_timeout(DEADLINE), Ok(200));
    asking.join().unwrap();
}

/// The platform hears of it, and goes to another node. Nobody waits for the call's end.
#[test]
fn a_server_that_stops_says_so() {
    let setup = setup().env("SERVER__DRAIN", "20s");
    let mut served = setup.serve();
    let mut caller = Telephone::dial(&served, "ws-stop");
    caller.press("1");
    served.signal("-TERM");
    assert_eq!(caller.is_closed(), Some(CloseCode::Away));
    // The end of the connection is the platform's to make.
    while caller.socket.read().is_ok() {}
    assert!(served.ended().success());
    assert!(!served.so_far().contains("were cut"), "{}", served.so_far());
}

#[test]
fn the_start_up_text_tells_what_to_enter_and_what_is_missed() {
    let expected = "
Webhooks for jambonz over a WebSocket (basic authentication as in jambonz.credentials):
    calling webhook        wss://hotline.test/jambonz/socket
    call status webhook    wss://hotline.test/jambonz/socket
";
    let told = setup().serve().welcome();
    assert!(told.contains(expected) && !told.contains("9a8b7c6d"), "{told}");
    let missed = "line 12333: on jambonz nothing is recorded, so whoever leaves a message there hears that nothing was; \
                  recorder under [jambonz] would say where to";
    let log = |setup: Setup| {
        let served = setup.serve();
        assert_eq!(Wire::from(&served).get("/healthz").status, 200);
        served.log()
    };
    assert!(log(setup()).contains(missed));
    assert!(!log(setup().env("JAMBONZ__RECORDER", "wss://recorder.example/hotline")).contains(missed));
    assert!(!log(Setup::new()).contains(missed));
}
