//! Whole calls by Plivo, Vonage and Cloopen: each proves itself in its own way, and what is heard is the same.

use std::time::Duration;

use crate::calls::{
    ACCOUNT, BALANCE, CONFIRM, ENTER_ID, ENTER_PIN, GOODBYE, GREETING, MAIN, NOON, NUMBERS, OFFER, OPEN, TOLD,
};
use crate::queue::queue_line;
use crate::support::caller::{FORM, InProcess, Wire};
use crate::support::cloud::{ALL, KEY, Platform, Telephone, Then};
use crate::support::served::{People, Setup};

fn hotline(platform: Platform, now: &str) -> InProcess {
    InProcess::new(platform.set_up(Setup::new()), now)
}

#[test]
fn a_balance_by_id_number_that_ends_with_x() {
    for platform in ALL {
        let hotline = hotline(platform, NOON);
        let mut caller = Telephone::dial(&hotline, platform, "balance");
        assert_eq!(caller.heard.said, [GREETING, MAIN].concat(), "{platform:?}");
        assert!(caller.press("1").ends_with(NUMBERS));
        assert_eq!(caller.press("1"), ENTER_ID);
        let Then::Keys { digits, finish, .. } = &caller.heard.then else { panic!("{:?}", caller.heard) };
        // An entry, a `*` that clears it, and the entry again: more than Vonage waits for.
        let most = if platform == Platform::Vonage { 20 } else { 37 };
        assert_eq!((*digits, finish.as_str()), (most, "#"), "{platform:?}");
        assert_eq!(caller.press("11010519491231002*#"), CONFIRM);
        assert_eq!(caller.press("1"), ENTER_PIN);
        assert_eq!(caller.press("739154#"), ACCOUNT);
        assert_eq!(caller.press("1"), [BALANCE, TOLD].concat());
        assert_eq!(caller.press("9"), GOODBYE);
        assert_eq!(caller.heard.then, Then::HangUp, "{platform:?}");
        let end = caller.hang_up();
        assert!([200, 204].contains(&end.status) && !end.body.contains("<Speak"), "{platform:?}: {}", end.body);
        assert_eq!(hotline.setup.audit(), ["pin_try", "sign_in_ok", "read_personal_balance"], "{platform:?}");
    }
}

/// Silence is asked, and `#` alone hears it again: in an entry and in a menu.
#[test]
fn silence_and_the_finish_key_alone() {
    for platform in ALL {
        let hotline = hotline(platform, NOON);
        let mut caller = Telephone::dial(&hotline, platform, "silent");
        assert!(caller.press("#").ends_with(MAIN), "{platform:?}");
        caller.press("1");
        assert_eq!(caller.press("1"), ENTER_ID);
        assert!(caller.press("#").ends_with(ENTER_ID), "{platform:?}");
        let asked = caller.silence();
        assert!(asked.contains("身份证号码"), "{platform:?}: {asked}");
    }
}

#[test]
fn a_repeated_webhook_gets_the_same_words_and_has_no_second_effect() {
    for platform in ALL {
        let hotline = hotline(platform, NOON);
        let mut caller = Telephone::dial(&hotline, platform, "again");
        for keys in ["1", "1", "11010519491231002*#", "1", "739154#", "1"] {
            caller.press(keys);
            let (path, body, answer) = caller.last.clone();
            for _ in 0..2 {
                hotline.clock.advance(Duration::from_secs(5));
                assert_eq!(platform.post(&hotline, &path, &body).body, answer.body, "{platform:?} {keys}");
            }
        }
        assert_eq!(hotline.setup.audit(), ["pin_try", "sign_in_ok", "read_personal_balance"], "{platform:?}");
    }
}

/// Where people are rung, they are; and where nobody answers, or there is nobody to ring, it is told.
#[test]
fn a_person_is_rung_where_the_platform_can() {
    let told = "抱歉，人工座席暂时无法接听，请稍后再试。";
    for platform in ALL {
        let hotline = InProcess::new(platform.set_up(Setup::new().people(People::Always)), OPEN);
        let mut caller = Telephone::dial(&hotline, platform, "person");
        caller.press("0");
        let said = match (platform, caller.heard.then.clone()) {
            (Platform::Plivo, Then::Dial { path, target }) => {
                assert!(!target.starts_with('+'), "{target}");
                caller.told(&path, &[("DialStatus", "no-answer")])
            }
            (Platform::Vonage, Then::Dial { path, target }) => {
                assert!(!target.starts_with('+'), "{target}");
                let ringing = caller.body(&[("status", "ringing"), ("direction", "outbound")]);
                assert_eq!(platform.post(&hotline, &path, &ringing).status, 204);
                caller.told(&path, &[("status", "timeout"), ("direction", "outbound")])
            }
            (Platform::Cloopen, Then::GoOn { .. }) => caller.go_on(),
            other => panic!("{other:?}"),
        };
        assert!(said.starts_with(told), "{platform:?}: {said}");
    }
}

#[test]
fn without_queues_whoever_asks_for_a_person_is_told() {
    for platform in ALL {
        let hotline = InProcess::new(platform.set_up(Setup::new()).line(&queue_line()), OPEN);
        let mut caller = Telephone::dial(&hotline, platform, "queue");
        assert_eq!(caller.press("0"), "正在为您转接人工服务，请稍候。");
        let told = ["抱歉，人工座席暂时无法接听，请稍后再试。", OFFER, MAIN].concat();
        assert_eq!(caller.go_on(), told, "{platform:?}");
    }
    let setup = ALL.into_iter().fold(Setup::new(), |setup, platform| platform.set_up(setup)).line(&queue_line());
    let log = {
        let served = setup.serve();
        assert_eq!(Wire::from(&served).get("/healthz").status, 200);
        served.log()
    };
    for warning in ["Plivo has no queues", "Vonage has no queues", "Cloopen has no queues", "Cloopen rings nobody"] {
        assert!(log.contains(warning), "{warning}: {log}");
    }
}

#[test]
fn a_message_is_recorded_where_the_platform_can() {
    for platform in ALL {
        let hotline = hotline(platform, NOON);
        let mut caller = Telephone::dial(&hotline, platform, "message");
        for keys in ["5", "1", "1"] {
            caller.press(keys);
        }
        match (platform, caller.heard.then.clone()) {
            (Platform::Plivo, Then::Record { path }) => {
                let review = caller.told(&path, &[("RecordingID", "6ee1a2b3"), ("RecordingDuration", "7")]);
                assert!(review.contains("请按一"), "{review}");
            }
            (Platform::Vonage, Then::Record { path }) => {
                let review = caller.told(&path, &[("payload", r#"{"recorded":true}"#)]);
                assert!(review.contains("请按一"), "{review}");
            }
            (Platform::Cloopen, Then::GoOn { .. }) => assert!(!caller.go_on().is_empty()),
            other => panic!("{other:?}"),
        }
    }
}

/// The state that travels with a call is its platform's: another's call of the same id opens nothing.
#[test]
fn a_step_of_one_platform_is_none_of_another() {
    let hotline = InProcess::new(Platform::Cloopen.set_up(Platform::Plivo.set_up(Setup::new())), NOON);
    let mut caller = Telephone::dial(&hotline, Platform::Plivo, "mine");
    caller.press("1");
    assert_eq!(caller.press("1"), ENTER_ID);
    let Then::Keys { path, .. } = &caller.heard.then else { panic!("{:?}", caller.heard) };
    let theirs = path.replace("/plivo/step/", &format!("/cloopen/{KEY}/step-"));
    let mut other = Telephone::dial(&hotline, Platform::Cloopen, "mine");
    let said = other.told(&theirs, &[("digits", "11010519491231002*")]).to_owned();
    assert!(said.ends_with(MAIN), "begun anew: {said}");
}

#[test]
fn nobody_else_gets_in_and_nobody_where_nothing_is_set_up() {
    for platform in ALL {
        let hotline = hotline(platform, NOON);
        let caller = Telephone::dial(&hotline, platform, "forged");
        let (body, path) = (caller.body(&[]), platform.start());
        let wrong = path.replace(KEY, &KEY.to_lowercase());
        let kind = if platform == Platform::Vonage { "application/json" } else { FORM };
        for headers in [
            &[][..],
            &[("authorization", "Bearer a.b.c")],
            &[
                ("x-plivo-signature-v3", "3fU3W2PDPTHJkyLfANeH6VZPCUU+8gCi3mftyRQvDSI="),
                ("x-plivo-signature-v3-nonce", "1"),
            ],
            &[("x-forwarded-for", "127.0.0.1")],
        ] {
            let headers = [&[("content-type", kind)], headers].concat();
            let answer = hotline.wire.send("POST", &wrong, &headers, &body);
            assert_eq!((answer.status, answer.body.as_str()), (403, ""), "{platform:?} {headers:?}");
        }
        let without = InProcess::new(Setup::new(), NOON);
        assert_eq!(platform.post(&without, &path, &body).status, 404, "{platform:?}");
    }
}

#[test]
fn the_start_up_text_tells_what_to_enter() {
    let told = ALL.into_iter().fold(Setup::new(), |setup, platform| platform.set_up(setup)).serve().welcome();
    let expected = "
Webhooks for Plivo (XML application, all of it POST):
    primary answer URL     https://hotline.test/plivo/answer
    fallback answer URL    https://hotline.test/plivo/fallback
    hangup URL             https://hotline.test/plivo/hangup

Webhooks for Vonage (application with Voice, HTTP POST, signed webhooks):
    answer URL             https://hotline.test/vonage/answer
    event URL              https://hotline.test/vonage/event
    fallback URL           https://hotline.test/vonage/fallback

Webhooks for Cloopen 容联云 (SECRET: what cloopen.secret holds):
    notification URL       https://hotline.test/cloopen/SECRET
";
    assert!(told.contains(expected), "{told}");
    assert!(!told.contains(KEY), "{told}");
    let nothing = Setup::new().serve().welcome();
    assert!(["plivo", "vonage", "cloopen"].iter().all(|p| !nothing.contains(p)), "{nothing}");
}

/// Every fault of these settings, and no secret among them.
#[test]
fn faults_of_settings_are_told() {
    let setup = Setup::new()
        .env("PLIVO__AUTH_TOKEN", "short")
        .env("VONAGE__SIGNATURE_SECRET", "geheim")
        .env("VONAGE__RECORDER", "wss://recorder.example")
        .env("CLOOPEN__SECRET", "a/b geheim")
        .env("PROFILE", "production");
    let output = setup.command(&["check"]).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    for fault in [
        "plivo.auth_token: a token is shorter than 16 characters (profile = \"production\")",
        "vonage.signature_secret: a secret is shorter than 16 characters (profile = \"production\")",
        "vonage.recorder: is no address",
        "cloopen.secret: cannot stand in an address",
        "cloopen.secret: is shorter than 16 characters (profile = \"production\")",
        "cloopen.addresses: is empty: whoever learns the secret could call from anywhere (profile = \"production\")",
    ] {
        assert!(told.contains(fault), "{fault}: {told}");
    }
    assert!(!told.contains("geheim"), "{told}");
}
