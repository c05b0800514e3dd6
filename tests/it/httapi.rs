//! Whole calls by FreeSWITCH' `mod_httapi`, which does the work it is given.

use std::time::Duration;

use crate::calls::{
    ACCOUNT, BALANCE, CONFIRM, ENTER_ID, ENTER_PIN, GOODBYE, GREETING, MAIN, NOON, NUMBERS, OFFER, OPEN, TOLD,
};
use crate::queue::queue_line;
use crate::support::caller::{FORM, InProcess};
use crate::support::served::{People, Setup};
use crate::support::switch::{KEY, Switch, set_up};

const NOT_ANSWERED: &str = "抱歉，人工座席暂时无法接听，请稍后再试。";

fn hotline(now: &str) -> InProcess {
    InProcess::new(set_up(Setup::new()), now)
}

#[test]
fn a_balance_by_id_number_that_ends_with_x() {
    let hotline = hotline(NOON);
    let mut caller = Switch::dial(&hotline, "balance");
    assert_eq!(caller.said, [GREETING, MAIN].concat());
    assert!(caller.press("1").ends_with(NUMBERS));
    assert_eq!(caller.press("1"), ENTER_ID);
    assert!(caller.last.2.body.contains("terminators=\"#\""), "{}", caller.last.2.body);
    assert_eq!(caller.press("11010519491231002*#"), CONFIRM);
    assert_eq!(caller.press("1"), ENTER_PIN);
    assert_eq!(caller.press("739154#"), ACCOUNT);
    assert_eq!(caller.press("1"), [BALANCE, TOLD].concat());
    assert_eq!(caller.press("9"), GOODBYE);
    assert_eq!(caller.tag("hangup").get("cause"), "NORMAL_CLEARING");
    let end = caller.hang_up(&[]);
    assert_eq!((end.status, end.body.as_str()), (200, "OK\n"));
    assert_eq!(hotline.setup.audit(), ["pin_try", "sign_in_ok", "read_personal_balance"]);
}

#[test]
fn silence_and_the_finish_key_alone() {
    let hotline = hotline(NOON);
    let mut caller = Switch::dial(&hotline, "silent");
    caller.press("1");
    assert_eq!(caller.press("1"), ENTER_ID);
    assert!(caller.press("#").ends_with(ENTER_ID));
    let asked = caller.silence();
    assert!(asked.contains("身份证号码"), "{asked}");
}

#[test]
fn a_repeated_request_gets_the_same_words_and_has_no_second_effect() {
    let hotline = hotline(NOON);
    let mut caller = Switch::dial(&hotline, "again");
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

#[test]
fn a_person_is_rung_and_the_end_of_it_is_told() {
    for (how, is_missed) in [("NO_ANSWER", true), ("USER_BUSY", true), ("SUCCESS", false)] {
        let hotline = InProcess::new(set_up(Setup::new().people(People::Always)), OPEN);
        let mut caller = Switch::dial(&hotline, "person");
        caller.press("0");
        assert!(caller.tag("dial").text.ends_with("]sofia/external/agents@pbx.invalid"), "{}", caller.tag("dial").text);
        let said = caller.told(how);
        assert_eq!(said.contains(NOT_ANSWERED), is_missed, "{how}: {said}");
    }
    let hotline = InProcess::new(set_up(Setup::new()).line(&queue_line()), OPEN);
    let mut caller = Switch::dial(&hotline, "queue");
    caller.press("0");
    assert_eq!(caller.go_on(), [NOT_ANSWERED, OFFER, MAIN].concat(), "there are no queues");
}

#[test]
fn a_message_stays_where_it_is_recorded() {
    let hotline = hotline(NOON);
    for hung_up in [false, true] {
        let mut caller = Switch::dial(&hotline, &format!("message-{hung_up}"));
        for keys in ["5", "1", "1"] {
            caller.press(keys);
        }
        let record = caller.tag("getVar");
        assert_eq!(record.get("name"), "record_seconds");
        if hung_up {
            assert_eq!(caller.hang_up(&[("record_seconds", "7")]).body, "OK\n");
        } else {
            let review = caller.told("7");
            assert!(review.contains("请按一"), "{review}");
        }
    }
}

/// An answer that FreeSWITCH does not take ends the application: behind it in the dialplan stands another, which goes on.
#[test]
fn the_dialplan_falls_back() {
    let hotline = hotline(NOON);
    let mut caller = Switch::dial(&hotline, "fallback");
    caller.press("1");
    let resumed = caller.falls_back();
    assert!(resumed.ends_with(MAIN), "{resumed}");
}

#[test]
fn nobody_else_gets_in_and_nobody_where_nothing_is_set_up() {
    let hotline = hotline(NOON);
    let caller = Switch::dial(&hotline, "forged");
    let (path, form) = (format!("/httapi/{KEY}/call"), caller.form(&[]));
    assert_eq!(caller.post(&path, &form).status, 200);
    assert_eq!(caller.post(&path.replace(KEY, "x"), &form).status, 403);
    let bare = hotline.wire.send("POST", &path, &[("content-type", FORM)], &form);
    assert_eq!((bare.status, bare.body.as_str()), (403, ""), "without credentials");
    let elsewhere = InProcess::new(set_up(Setup::new()).env("HTTAPI__ADDRESSES", r#"["198.51.100.7"]"#), NOON);
    assert_eq!(elsewhere.wire.send("POST", &path, &[("content-type", FORM)], &form).status, 403);
    let without = InProcess::new(Setup::new(), NOON);
    assert_eq!(without.wire.send("POST", &path, &[("content-type", FORM)], &form).status, 404);
}

#[test]
fn the_start_up_text_tells_what_to_enter() {
    let told = set_up(Setup::new()).serve().welcome();
    let expected = "
Webhooks for FreeSWITCH (mod_httapi, method POST; SECRET: what httapi.secret holds):
    gateway-url                https://hotline.test/httapi/SECRET/call
    after it, in the dialplan  https://hotline.test/httapi/SECRET/fallback
";
    assert!(told.contains(expected), "{told}");
    assert!(!told.contains(KEY));
}

#[test]
fn faults_of_settings_are_told() {
    let setup = Setup::new()
        .env("HTTAPI__DIAL_NUMBER", "sofia/gateway/carrier")
        .env("HTTAPI__RECORDINGS", "recordings")
        .env("HTTAPI__CREDENTIALS", "geheim");
    let output = setup.command(&["check"]).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    for fault in [
        "httapi.dial_number, httapi.dial_sip: reaches nobody",
        "httapi.recordings: is no folder that FreeSWITCH can be told of",
        "httapi.credentials: cannot be sent",
    ] {
        assert!(told.contains(fault), "{fault}: {told}");
    }
    assert!(!told.contains("geheim"), "{told}");
}
