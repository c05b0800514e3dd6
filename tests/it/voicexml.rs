//! Whole calls by a `VoiceXML` gateway, which reads the documents it is given.

use std::time::Duration;

use crate::calls::{
    ACCOUNT, BALANCE, CONFIRM, ENTER_ID, ENTER_PIN, GOODBYE, GREETING, MAIN, NOON, NUMBERS, OFFER, OPEN, TOLD,
};
use crate::queue::queue_line;
use crate::support::caller::{FORM, InProcess, Wire};
use crate::support::gateway::{Gateway, KEY, property, set_up};
use crate::support::served::{BROWSER_TOKEN, People, Setup};

const NOT_ANSWERED: &str = "抱歉，人工座席暂时无法接听，请稍后再试。";

fn hotline(now: &str) -> InProcess {
    InProcess::new(set_up(Setup::new()), now)
}

#[test]
fn a_balance_by_id_number_that_ends_with_x() {
    let hotline = hotline(NOON);
    let mut caller = Gateway::dial(&hotline, "12333");
    assert_eq!(caller.said, [GREETING, MAIN].concat());
    assert!(caller.press("1").ends_with(NUMBERS));
    assert_eq!(caller.press("1"), ENTER_ID);
    assert_eq!(property(&caller.item("field"), "termchar"), "#");
    assert_eq!(caller.press("11010519491231002*#"), CONFIRM);
    assert_eq!(caller.press("1"), ENTER_PIN);
    assert_eq!(caller.press("739154#"), ACCOUNT);
    assert_eq!(caller.press("1"), [BALANCE, TOLD].concat());
    assert_eq!(caller.press("9"), GOODBYE);
    assert!(caller.is_over());
    caller.hang_up(None);
    assert_eq!(hotline.setup.audit(), ["pin_try", "sign_in_ok", "read_personal_balance"]);
}

#[test]
fn silence_and_the_finish_key_alone() {
    let hotline = hotline(NOON);
    let mut caller = Gateway::dial(&hotline, "12333");
    caller.press("1");
    assert_eq!(caller.press("1"), ENTER_ID);
    assert!(caller.press("#").ends_with(ENTER_ID));
    let asked = caller.silence();
    assert!(asked.contains("身份证号码"), "{asked}");
}

#[test]
fn a_repeated_request_gets_the_same_words_and_has_no_second_effect() {
    let hotline = hotline(NOON);
    let mut caller = Gateway::dial(&hotline, "12333");
    for keys in ["1", "1", "11010519491231002*#", "1", "739154#", "1"] {
        caller.press(keys);
        let (path, form, answer) = caller.last.clone();
        for _ in 0..2 {
            hotline.clock.advance(Duration::from_secs(5));
            assert_eq!(caller.post(&path, &form).body, answer.body, "{keys}");
        }
    }
    assert_eq!(hotline.setup.audit(), ["pin_try", "sign_in_ok", "read_personal_balance"]);
}

/// A step stands in an address beside the call it belongs to: with another's it opens nothing.
#[test]
fn a_step_is_of_one_call_alone() {
    let hotline = hotline(NOON);
    let mut caller = Gateway::dial(&hotline, "12333");
    caller.press("1");
    assert_eq!(caller.press("1"), ENTER_ID);
    let field = caller.item("field");
    let next = field.child("filled").unwrap().child("submit").unwrap().get("next").to_owned();
    let path = next.split_once("/voicexml/").unwrap().1;
    let [secret, call, kind, step]: [&str; 4] = path.split('/').collect::<Vec<_>>().try_into().unwrap();
    assert_eq!((secret, kind, call.len()), (KEY, "step", 24));
    let mut other = call.chars().rev().collect::<String>();
    if other == call {
        other.replace_range(..1, "A");
    }
    let answer = caller.post(&format!("/voicexml/{KEY}/{other}/step/{step}"), "how=keys&keys=11010519491231002*");
    assert!(answer.body.contains("医保账户查询，请按一"), "begun anew: {}", answer.body);
}

#[test]
fn a_person_is_rung_and_every_end_of_it_is_told() {
    for (how, heard) in [("noanswer", NOT_ANSWERED), ("busy", NOT_ANSWERED), ("far_end_disconnect", "")] {
        let hotline = InProcess::new(set_up(Setup::new().people(People::Always)), OPEN);
        let mut caller = Gateway::dial(&hotline, "12333");
        caller.press("0");
        let transfer = caller.item("transfer");
        assert_eq!((transfer.get("bridge"), transfer.get("dest")), ("true", "sip:agents@pbx.invalid"));
        let said = caller.transferred(how);
        assert_eq!(said.contains(NOT_ANSWERED), !heard.is_empty(), "{how}: {said}");
    }
}

#[test]
fn there_are_no_queues_and_the_start_says_so() {
    let setup = set_up(Setup::new()).line(&queue_line());
    let hotline = InProcess::new(setup, OPEN);
    let mut caller = Gateway::dial(&hotline, "12333");
    // What is said before the document leads on is heard with what it leads to.
    caller.press("0");
    assert!(caller.said.ends_with(&[NOT_ANSWERED, OFFER, MAIN].concat()), "{}", caller.said);
    let setup = set_up(Setup::new()).line(&queue_line());
    let log = {
        let served = setup.serve();
        assert_eq!(Wire::from(&served).get("/healthz").status, 200);
        served.log()
    };
    for warning in [
        "line 12333: VoiceXML has no queues, so whoever asks for a person there hears that nobody can be reached",
        "line 12333: on VoiceXML nothing is recorded, so whoever leaves a message there hears that nothing was",
    ] {
        assert!(log.contains(warning), "{log}");
    }
}

#[test]
fn a_message_goes_to_the_recorder() {
    let recorder = |setup: Setup| setup.env("VOICEXML__RECORDER", "https://recorder.example/messages");
    let hotline = InProcess::new(recorder(set_up(Setup::new())), NOON);
    let mut caller = Gateway::dial(&hotline, "12333");
    for keys in ["5", "1", "1"] {
        caller.press(keys);
    }
    let record = caller.item("record");
    let data = record.child("filled").unwrap().child("data").unwrap();
    assert_eq!((data.get("src"), data.get("namelist")), ("https://recorder.example/messages", "recording message"));
    let review = caller.speak(7).to_owned();
    assert!(review.contains("请按一"), "{review}");
    // Hanging up sends it, too.
    let mut caller = Gateway::dial(&hotline, "12333");
    for keys in ["5", "1", "1"] {
        caller.press(keys);
    }
    caller.hang_up(Some(9));
    // Without a recorder the document goes on at once, and nothing was recorded.
    let hotline = InProcess::new(set_up(Setup::new()), NOON);
    let mut caller = Gateway::dial(&hotline, "12333");
    for keys in ["5", "1", "1"] {
        caller.press(keys);
    }
    assert!(caller.last.0.contains("/recorded/"), "{}", caller.last.0);
}

/// A document that fails asks for another way on, and if there is none, it has the last words with it.
#[test]
fn whatever_fails_leads_on_and_then_to_last_words() {
    let hotline = hotline(NOON);
    let mut caller = Gateway::dial(&hotline, "12333");
    caller.press("1");
    let resumed = caller.fails("1").to_owned();
    assert!(resumed.ends_with(MAIN), "{resumed}");
    // What fails at once again has no third way: a voice that the gateway has not got would be asked for without end.
    let last = caller.fails("1").to_owned();
    assert_eq!(last, "系统繁忙，请稍后再拨。");
    // A document that was spoken leads on again; and where that is not to be had, it has the last words.
    let mut caller = Gateway::dial(&hotline, "12333");
    assert_eq!(caller.fails("2"), "系统繁忙，请稍后再拨。");
}

#[test]
fn nobody_else_gets_in_and_nobody_where_nothing_is_set_up() {
    let hotline = hotline(NOON);
    let caller = Gateway::dial(&hotline, "12333");
    let sent = |path: &str| hotline.wire.send("POST", path, &[("content-type", FORM)], "how=keys&keys=1");
    let right = caller.last.0.clone();
    assert_eq!(sent(&right).status, 200);
    for wrong in [right.replace(KEY, &KEY.to_lowercase().replace("vx", "VX")), right.replace(KEY, "x")] {
        let answer = sent(&wrong);
        assert_eq!((answer.status, answer.body.as_str()), (403, ""), "{wrong}");
    }
    let elsewhere = set_up(Setup::new()).env("VOICEXML__ADDRESSES", r#"["198.51.100.0/24"]"#);
    let elsewhere = InProcess::new(elsewhere, NOON);
    assert_eq!(elsewhere.wire.send("GET", &format!("/voicexml/{KEY}/start"), &[], "").status, 403);
    let without = InProcess::new(Setup::new(), NOON);
    assert_eq!(without.wire.send("GET", &format!("/voicexml/{KEY}/start"), &[], "").status, 404);
}

/// A secret in an address, an id and what was keyed are in no log, metric or start-up text, at any level.
#[test]
fn nothing_secret_is_to_be_seen() {
    let setup = set_up(Setup::new()).env("LOG__LEVEL", "trace");
    let served = setup.serve();
    let wire = Wire::from(&served);
    let start = wire.send("GET", &format!("/voicexml/{KEY}/start"), &[], "");
    assert_eq!(start.status, 200);
    let form = [("content-type", FORM)];
    let path = format!("/voicexml/{KEY}/ABCDEFGHIJKLMNOPQRST2345");
    assert_eq!(
        wire.send("POST", &format!("{path}/dialled"), &form, "caller=tel:13800138000&dialled=12333").status,
        200
    );
    assert_eq!(wire.send("POST", &format!("{path}/step/forged"), &form, "how=keys&keys=739154").status, 200);
    let metrics = wire.send("GET", "/metrics", &[("authorization", &format!("Bearer {BROWSER_TOKEN}"))], "");
    assert!(metrics.body.contains("/voicexml/{secret}/{call}/step/{step}"), "{}", metrics.body);
    let log = served.log();
    let welcome = setup.serve().welcome();
    for (name, text) in [("metrics", metrics.body), ("log", log), ("start", welcome)] {
        assert!(!text.contains(KEY) && !text.contains("739154"), "{name}: {text}");
    }
}

#[test]
fn the_start_up_text_tells_what_to_enter() {
    let told = set_up(Setup::new()).serve().welcome();
    let expected = "
Webhooks for VoiceXML 2.1 (GET or POST; SECRET: what voicexml.secret holds):
    first document         https://hotline.test/voicexml/SECRET/start
";
    assert!(told.contains(expected), "{told}");
    assert!(!Setup::new().serve().welcome().contains("voicexml"));
}

#[test]
fn faults_of_settings_are_told() {
    let setup = Setup::new().env("VOICEXML__SECRET", "a/b geheim").env("VOICEXML__RECORDER", "recorder");
    let output = setup.env("PROFILE", "production").command(&["check"]).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    for fault in [
        "voicexml.secret: cannot stand in an address",
        "voicexml.recorder: is no address",
        "voicexml.secret: is shorter than 16 characters (profile = \"production\")",
        "voicexml.addresses: is empty: whoever learns the secret could call from anywhere (profile = \"production\")",
    ] {
        assert!(told.contains(fault), "{fault}: {told}");
    }
    assert!(!told.contains("geheim"), "{told}");
}
