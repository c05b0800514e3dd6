//! Older callers: slower speech, more time, a person first; known by age once signed in, or by a marked number.

use std::time::{Duration, Instant};

use hotline::call::caller::Caller as Number;
use sqlx::Executor;

use crate::calls::{ACCOUNT, BALANCE, GREETING, MAIN, OPEN, TOLD, shipped_line};
use crate::cli::run;
use crate::support::caller::{Caller, InProcess};
use crate::support::served::{Setup, wait};
use crate::support::{Bed, OWN_NUMBER, call, call_from, on_both_engines};

const PERSON_FIRST: &str = "人工服务，请直接按零。";
const SHORT: &str = "您好，幺二三三三热线。人工服务，请直接按零。本次通话可能被录音。";

fn body(caller: &Caller) -> &str {
    &caller.sent.last().unwrap().answer.body
}

/// Born in 1949 and so over sixty-five: from the sign-in on.
#[test]
fn by_age_from_the_sign_in_on() {
    let hotline = InProcess::new(Setup::new().line(&shipped_line()), OPEN);
    let mut caller = hotline.dial("CA-elder");
    assert_eq!(caller.heard.said, [GREETING, MAIN].concat());
    assert!(!body(&caller).contains("prosody"));
    caller.press_all(&["1", "1", "11010519491231002*#", "1"]);
    assert!(body(&caller).contains(r#"timeout="5""#));
    assert_eq!(caller.press("739154#"), [PERSON_FIRST, ACCOUNT].concat());
    assert!(body(&caller).contains(
        r#"<prosody rate="85%">人工服务，请直接按零。<break time="400ms"/>个人账户余额，请按一。<break time="400ms"/>"#
    ));
    assert_eq!(caller.press("1"), [BALANCE, TOLD].concat());
    // One is spoken to so for the rest of the call, signed in or not.
    assert_eq!(caller.press_all(&["*", "*"]), [PERSON_FIRST, MAIN].concat());
    hotline.clock.advance(Duration::from_mins(6));
    assert!(caller.press_all(&["1", "1"]).starts_with("请输入您的十八位身份证号码"));
    assert!(body(&caller).contains(r#"timeout="8""#) && body(&caller).contains(r#"<Pause length="7"/>"#));
}

/// Born in 1985.
#[test]
fn nobody_younger() {
    let hotline = InProcess::new(Setup::new().line(&shipped_line()), OPEN);
    let mut caller = hotline.dial("CA-young");
    assert_eq!(caller.press_all(&["1", "1", "310000198503120012#", "1", "204867#"]), ACCOUNT);
    assert!(!body(&caller).contains("prosody"));
    // Unless the line says so.
    let line =
        shipped_line().replace("age = 65", "age = 50").replace("between_keys = \"8s\"", "between_keys = \"10s\"");
    let hotline = InProcess::new(Setup::new().line(&line), OPEN);
    let mut caller = hotline.dial("CA-young");
    assert_eq!(caller.press_all(&["1", "1", "440000195408230024#", "1", "583016#"]), [PERSON_FIRST, ACCOUNT].concat());
}

/// By the command, whatever way the platform writes the number; and no longer.
#[test]
fn by_a_number_that_is_marked() {
    let setup = Setup::new();
    let served = setup.serve();
    let dial = |sid: &str, from: &str| Caller::dial_from(&served, sid, from).heard.said;
    assert_eq!(dial("CA-before", "+8613800138000"), [GREETING, MAIN].concat());
    let mark = |what: &str, number: &str| run(&setup, &["callers", what, "--elder", number, "--by", "counter 3"]);
    assert_eq!(mark("mark", "13800138000"), "exit code 0\n--- out\nmarked\n");
    assert_eq!(mark("mark", "+8613800138000"), "exit code 0\n--- out\nwas marked already\n");
    for (sid, from) in [("CA-1", "+8613800138000"), ("CA-2", "13800138000"), ("CA-3", "sip:8613800138000@pbx.example")]
    {
        assert_eq!(dial(sid, from), [SHORT, MAIN].concat(), "{from}");
    }
    assert_eq!(dial("CA-other", "+8613800138001"), [GREETING, MAIN].concat());
    assert_eq!(dial("CA-withheld", "anonymous"), [GREETING, MAIN].concat());
    let mut caller = Caller::dial(&served, "CA-slow");
    assert!(body(&caller).contains(r#"<prosody rate="85%">"#));
    assert_eq!(caller.press("#"), [PERSON_FIRST, MAIN].concat());
    assert_eq!(mark("unmark", "008613800138000"), "exit code 0\n--- out\nno longer marked\n");
    assert_eq!(mark("unmark", "13800138000"), "exit code 0\n--- out\nwas not marked\n");
    assert_eq!(dial("CA-after", "+8613800138000"), [GREETING, MAIN].concat());
    assert_eq!(setup.audit(), ["caller_marked", "caller_unmarked"]);
    let refused = mark("mark", "nobody");
    assert!(refused.starts_with("exit code 2\n--- err\nerror: that is no telephone number"), "{refused}");
    // Stored as an index, and nowhere as a number.
    for (file, bytes) in setup.bytes() {
        assert!(!bytes.windows(11).any(|window| window == b"13800138000"), "{file}");
    }
}

/// Looking a number up is optional, and never keeps a caller waiting.
#[test]
fn a_call_starts_without_the_database() {
    let setup = Setup::new();
    let served = setup.serve();
    assert_eq!(
        run(&setup, &["callers", "mark", "--elder", "13800138000", "--by", "counter 3"]),
        "exit code 0\n--- out\nmarked\n"
    );
    assert_eq!(Caller::dial(&served, "CA-up").heard.said, [SHORT, MAIN].concat());
    wait(async {
        setup.database().await.execute("ALTER TABLE elder_callers RENAME TO elsewhere").await.unwrap();
    });
    let start = Instant::now();
    assert_eq!(Caller::dial(&served, "CA-away").heard.said, [GREETING, MAIN].concat());
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    wait(async {
        setup.database().await.execute("ALTER TABLE elsewhere RENAME TO elder_callers").await.unwrap();
    });
    assert_eq!(Caller::dial(&served, "CA-back").heard.said, [SHORT, MAIN].concat());
    drop(served);
    let setup = setup.env("CALL__MARKED_CALLERS", "false");
    assert_eq!(Caller::dial(&setup.serve(), "CA-off").heard.said, [GREETING, MAIN].concat());
}

on_both_engines!(a_number_is_marked_and_unmarked);

async fn a_number_is_marked_and_unmarked(bed: Bed) {
    let services = bed.services();
    let number = Number::parse(OWN_NUMBER);
    let known = async |id: &str| services.is_marked(&call(id), Duration::from_secs(20)).await;
    assert!(!known("A").await);
    assert_eq!(services.mark_caller(&number, true, "counter 3").await, Ok(true));
    assert_eq!(services.mark_caller(&number, true, "counter 3").await, Ok(false));
    assert!(known("A").await);
    assert!(!services.is_marked(&call_from("B", "13800000002"), Duration::from_secs(20)).await);
    assert_eq!(services.mark_caller(&Number::Withheld, true, "counter 3").await, Ok(false));
    assert_eq!(services.mark_caller(&number, false, "counter 3").await, Ok(true));
    assert_eq!(services.mark_caller(&number, false, "counter 3").await, Ok(false));
    assert!(!known("A").await);
    assert_eq!(bed.events().await, ["caller_marked", "caller_unmarked"]);
    // Nor does a look-up that has no time keep anybody.
    assert!(!services.is_marked(&call("C"), Duration::ZERO).await);
}
