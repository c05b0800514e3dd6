//! Whole calls by the platforms of Twilio's family: each proves itself in its own way, and what is heard is the same.

use std::time::Duration;

use crate::calls::{
    ACCOUNT, BALANCE, CONFIRM, ENTER_ID, ENTER_PIN, GOODBYE, GREETING, MAIN, NOON, NUMBERS, OFFER, OPEN, TOLD,
};
use crate::queue::queue_line;
use crate::support::caller::{FORM, InProcess, Then, Wire};
use crate::support::family::{ALL, KEY, Platform, Telephone};
use crate::support::served::{BROWSER_TOKEN, Setup};

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
        assert!(matches!(&caller.heard.then, Then::Gather { finish, .. } if finish == "#"));
        assert_eq!(caller.press("11010519491231002*#"), CONFIRM);
        assert_eq!(caller.press("1"), ENTER_PIN);
        assert_eq!(caller.press("739154#"), ACCOUNT);
        assert_eq!(caller.press("1"), [BALANCE, TOLD].concat());
        assert_eq!(caller.press("9"), GOODBYE);
        assert_eq!(caller.heard.then, Then::HangUp, "{platform:?}");
        let end = caller.hang_up();
        assert_eq!((end.status, end.body.as_str()), (204, ""), "{platform:?}");
        assert_eq!(hotline.setup.audit(), ["pin_try", "sign_in_ok", "read_personal_balance"], "{platform:?}");
    }
}

#[test]
fn silence_is_asked_whether_it_is_told_or_gone_past() {
    for platform in ALL {
        let hotline = hotline(platform, NOON);
        let mut caller = Telephone::dial(&hotline, platform, "silent");
        caller.press("1");
        assert_eq!(caller.press("1"), ENTER_ID);
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
            let (path, form, answer) = caller.last.clone();
            for _ in 0..2 {
                hotline.clock.advance(Duration::from_secs(5));
                assert_eq!(platform.post(&hotline, &path, &form).body, answer.body, "{platform:?} {keys}");
            }
        }
        assert_eq!(hotline.setup.audit(), ["pin_try", "sign_in_ok", "read_personal_balance"], "{platform:?}");
    }
}

/// The state that travels with a call is its platform's: another's call of the same id opens nothing.
#[test]
fn a_step_of_one_platform_is_none_of_another() {
    let (signalwire, somleng) = (Platform::SignalWire { own: false }, Platform::Somleng);
    let hotline = InProcess::new(somleng.set_up(signalwire.set_up(Setup::new())), NOON);
    let mut caller = Telephone::dial(&hotline, signalwire, "mine");
    caller.press("1");
    assert_eq!(caller.press("1"), ENTER_ID);
    let Then::Gather { path, .. } = &caller.heard.then else { panic!("{:?}", caller.heard) };
    let theirs = path.replace("/signalwire/", "/somleng/");
    let mut other = Telephone::dial(&hotline, somleng, "mine");
    let said = other.post(&theirs, &[("Digits", "11010519491231002*")]).to_owned();
    assert!(said.ends_with(MAIN), "begun anew: {said}");
}

/// Where there are queues they are used; where there are none, whoever is to wait in one hears that nobody can be reached,
/// and may leave a message.
#[test]
fn without_queues_whoever_asks_for_a_person_is_told() {
    for platform in ALL {
        let hotline = InProcess::new(platform.set_up(Setup::new()).line(&queue_line()), OPEN);
        let mut caller = Telephone::dial(&hotline, platform, "queue");
        assert_eq!(caller.press("0"), "正在为您转接人工服务，请稍候。");
        match platform {
            Platform::SignalWire { .. } | Platform::Telnyx => {
                assert!(matches!(&caller.heard.then, Then::Enqueue { name, .. } if name == "agents"), "{platform:?}");
            }
            _ => {
                let told = ["抱歉，人工座席暂时无法接听，请稍后再试。", OFFER, MAIN].concat();
                assert_eq!(caller.go_on(), told, "{platform:?}");
            }
        }
    }
    let setup = Platform::Somleng.set_up(Setup::new()).line(&queue_line());
    let log = {
        let served = setup.serve();
        assert_eq!(Wire::from(&served).get("/healthz").status, 200);
        served.log()
    };
    let warning =
        "line 12333: Somleng has no queues, so whoever asks for a person there hears that nobody can be reached";
    assert!(log.contains(warning), "{log}");
}

#[test]
fn a_message_is_recorded_as_the_platform_can() {
    for platform in ALL {
        let hotline = hotline(platform, NOON);
        let mut caller = Telephone::dial(&hotline, platform, "message");
        for keys in ["5", "1", "1"] {
            caller.press(keys);
        }
        let Then::Record { path, beside, finish, .. } = caller.heard.then.clone() else {
            panic!("{platform:?}: {:?}", caller.heard)
        };
        assert_eq!(finish, "#");
        let tells_beside = !matches!(platform, Platform::Exotel | Platform::Kazoo);
        assert_eq!(!beside.is_empty(), tells_beside, "{platform:?}");
        let body = &caller.last.2.body;
        assert_eq!(body.contains("timeout="), platform != Platform::Telnyx, "{platform:?}: {body}");
        let recorded = [("RecordingSid", "35094891-3290"), ("RecordingDuration", "7")];
        let review = caller.post(&path, &recorded);
        assert!(review.contains("请按一"), "{platform:?}: {review}");
        let nothing = "RecordingUrl=https%3A%2F%2Frecordings.example%2Fa%2Fb.mp3&RecordingStatus=completed";
        if tells_beside {
            let form = format!("{}&{nothing}", caller.form(&[]));
            assert_eq!(platform.post(&hotline, &beside, &form).status, 204, "{platform:?}");
        }
    }
}

#[test]
fn nobody_else_gets_in_and_nobody_where_nothing_is_set_up() {
    for platform in ALL {
        let hotline = hotline(platform, NOON);
        let caller = Telephone::dial(&hotline, platform, "forged");
        let form = caller.form(&[]);
        let path = format!("{}/voice", platform.base());
        assert_eq!(platform.post(&hotline, &path, &form).status, 200, "{platform:?}");
        let forged = |path: &str, headers: &[(&str, &str)]| {
            let headers = [&[("content-type", FORM)], headers].concat();
            hotline.wire.send("POST", path, &headers, &form)
        };
        let wrong = path.replace(KEY, &KEY.to_lowercase());
        for headers in [
            &[][..],
            &[("x-signalwire-signature", ""), ("x-twilio-signature", "")],
            &[("x-twilio-signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8=")],
            &[("x-signalwire-signature", "e6342f9a079e3c1da974df2da43cb2a625fff98a")],
            &[("telnyx-timestamp", "1783051200"), ("telnyx-signature-ed25519", "AAAA")],
            &[("x-forwarded-for", "127.0.0.1")],
        ] {
            let answer = forged(&wrong, headers);
            assert_eq!((answer.status, answer.body.as_str()), (403, ""), "{platform:?} {headers:?}");
        }
        let without = InProcess::new(Setup::new(), NOON);
        assert_eq!(platform.post(&without, &path, &form).status, 404, "{platform:?}");
    }
    // What Telnyx signed is old after five minutes.
    let hotline = hotline(Platform::Telnyx, NOON);
    let caller = Telephone::dial(&hotline, Platform::Telnyx, "old");
    let (time, form) = (hotline.clock.now().as_second().to_string(), caller.form(&[]));
    let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let signature = data_encoding::BASE64.encode(pair.sign(format!("{time}|{form}").as_bytes()).as_ref());
    let headers = [("content-type", FORM), ("telnyx-timestamp", &*time), ("telnyx-signature-ed25519", &*signature)];
    let sent = || hotline.wire.send("POST", "/telnyx/voice", &headers, &form).status;
    assert_eq!(sent(), 200);
    hotline.clock.advance(Duration::from_secs(301));
    assert_eq!(sent(), 403);
}

/// Behind a proxy of ours, who calls is who called the proxy; whoever goes past it may say what they like.
#[test]
fn addresses_are_read_behind_our_own_proxies_only() {
    let setup = |proxies: &str| {
        let setup = Platform::Exotel.set_up(Setup::new()).env("EXOTEL__ADDRESSES", r#"["198.51.100.0/24"]"#);
        InProcess::new(setup.env("SERVER__TRUSTED_PROXIES", proxies), NOON)
    };
    let path = format!("/exotel/{KEY}/voice");
    let sent = |hotline: &InProcess, forwarded: &str| {
        let headers = [("content-type", FORM), ("x-forwarded-for", forwarded)];
        hotline.wire.send("POST", &path, &headers, "CallSid=c1&CallFrom=13800138000&CallTo=12333").status
    };
    let behind = setup(r#"["127.0.0.1"]"#);
    assert_eq!(sent(&behind, "198.51.100.7"), 200);
    assert_eq!(sent(&behind, "203.0.113.7"), 403);
    assert_eq!(sent(&behind, "198.51.100.7, 203.0.113.7"), 403, "a stranger pretends");
    assert_eq!(sent(&setup("[]"), "198.51.100.7"), 403, "nobody is trusted");
}

/// A secret in an address is in no log, metric or start-up text, at any level.
#[test]
fn a_secret_in_an_address_is_nowhere_to_be_seen() {
    let setup = Platform::Kazoo.set_up(Platform::Exotel.set_up(Setup::new())).env("LOG__LEVEL", "trace");
    let served = setup.serve();
    let wire = Wire::from(&served);
    let form = [("content-type", FORM)];
    for platform in [Platform::Exotel, Platform::Kazoo] {
        let base = platform.base();
        let dialled = wire.send("POST", &format!("{base}/voice"), &form, "CallSid=c1&From=13800138000&To=12333");
        assert_eq!(dialled.status, 200);
        assert_eq!(wire.send("POST", &format!("{base}/step/forged"), &form, "CallSid=c1&Digits=1").status, 200);
        assert_eq!(wire.send("POST", &format!("{base}x/voice"), &form, "CallSid=c1").status, 403);
        assert_eq!(wire.send("GET", &format!("{base}/nowhere"), &form, "").status, 404);
        assert_eq!(wire.send("PUT", &format!("{base}/voice"), &form, "CallSid=c1").status, 405);
    }
    let metrics = wire.send("GET", "/metrics", &[("authorization", &format!("Bearer {BROWSER_TOKEN}"))], "");
    assert!(metrics.body.contains("/exotel/{secret}/voice"), "{}", metrics.body);
    let log = served.log();
    let welcome = setup.serve().welcome();
    for (name, text) in [("metrics", metrics.body), ("log", log), ("start", welcome)] {
        assert!(!text.contains(KEY), "{name}: {text}");
    }
}

#[test]
fn the_start_up_text_tells_what_to_enter() {
    let told = ALL.into_iter().fold(Setup::new(), |setup, platform| platform.set_up(setup)).serve().welcome();
    let expected = "
Webhooks for SignalWire (cXML, HTTP POST):
    when a call comes in   https://hotline.test/signalwire/voice
    fallback               https://hotline.test/signalwire/fallback
    status change          https://hotline.test/signalwire/status

Webhooks for Telnyx (TeXML application, all of it POST):
    webhook                https://hotline.test/telnyx/voice
    failover               https://hotline.test/telnyx/fallback
    status callback        https://hotline.test/telnyx/status

Webhooks for Somleng (HTTP POST):
    voice                  https://hotline.test/somleng/voice
    status callback        https://hotline.test/somleng/status

Webhooks for Exotel (SECRET: what exotel.secret holds):
    a call comes in        https://hotline.test/exotel/SECRET/voice
    status callback        https://hotline.test/exotel/SECRET/status

Webhooks for Kazoo (Pivot, format twiml; SECRET: what kazoo.secret holds):
    voice_url              https://hotline.test/kazoo/SECRET/voice
    cdr_url                https://hotline.test/kazoo/SECRET/status
";
    assert!(told.contains(expected), "{told}");
    let nothing = Setup::new().serve().welcome();
    assert!(["signalwire", "telnyx", "somleng", "exotel", "kazoo"].iter().all(|p| !nothing.contains(p)), "{nothing}");
}

/// Every fault of these settings at once, and no secret among them.
#[test]
fn faults_of_settings_are_told() {
    let setup = Setup::new()
        .env("TELNYX__PUBLIC_KEY", "no key")
        .env("EXOTEL__SECRET", "a/b geheim")
        .env("KAZOO__ADDRESSES", r#"["nowhere"]"#);
    let output = setup.command(&["check"]).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("HOTLINE_KAZOO__ADDRESSES: kazoo.addresses: is not what is expected here"), "{told}");
    let setup = setup.env("KAZOO__ADDRESSES", "[]").env("KAZOO__SECRET", "short").env("PROFILE", "production");
    let output = setup.command(&["check"]).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    for fault in [
        "telnyx.public_key: is no public key",
        "exotel.secret: cannot stand in an address",
        "exotel.secret: is shorter than 16 characters (profile = \"production\")",
        "exotel.addresses: is empty: whoever learns the secret could call from anywhere (profile = \"production\")",
        "kazoo.secret: is shorter than 16 characters (profile = \"production\")",
        "kazoo.addresses: is empty: whoever learns the secret could call from anywhere (profile = \"production\")",
    ] {
        assert!(told.contains(fault), "{fault}: {told}");
    }
    assert!(!told.contains("geheim"), "{told}");
}
