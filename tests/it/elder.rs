//! Older callers: slower speech, more time, a person first; known by age once signed in, or by a marked number.

use std::time::{Duration, Instant};

use hotline::call::caller::Caller as Number;
use hotline::dialog::{Event, MenuId, Misses, Place, State};
use hotline::secret::Keys;
use hotline::speech::language::Language;
use hotline::speech::prompt::Prompt;
use sqlx::Executor;

use crate::calls::{ACCOUNT, GREETING, MAIN, OPEN, TOLD, shipped_line};
use crate::cli::run;
use crate::support::caller::{Caller, InProcess};
use crate::support::line::{LINES, shipped, wording};
use crate::support::served::{Setup, wait};
use crate::support::{Bed, OWN_NUMBER, call, call_from, on_both_engines};

const PERSON_FIRST: &str = "人工服务，请直接按零。";
const SHORT: &str = "您好，幺二三三三热线。人工服务，请直接按零。本次通话可能被录音。";

const TOTAL: &str = "请确认周围环境安全。您的医保个人账户余额为一千零一十元零五分，截至二零二六年六月三十日。";
const TOLD_TOTAL: &str = "重听，请按一。收支明细，请按二。本年和历年账户余额，请按三。返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。";
const PARTS: &str = "您的个人账户余额中，本年账户三百一十元零五分，历年账户七百元整，截至二零二六年六月三十日。";
const MOVEMENTS: &str = "划入记录，请按一。消费记录，请按二。全部记录，请按三。返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。";

/// What a menu says to who has heard of a person first.
fn once(menu: &str) -> String {
    let short = menu.replace("人工服务，请按零；", "").replace("；人工服务，请按零。", "。");
    assert_ne!(short, menu);
    short
}

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
    assert_eq!(caller.press("739154#"), [PERSON_FIRST, &once(ACCOUNT)].concat());
    assert!(body(&caller).contains(
        r#"<prosody rate="85%">人工服务，请直接按零。<break time="400ms"/>个人账户余额，请按一。<break time="400ms"/>"#
    ));
    assert_eq!(caller.press("1"), [TOTAL, TOLD_TOTAL].concat());
    // One is spoken to so for the rest of the call, signed in or not.
    assert_eq!(caller.press_all(&["*", "*"]), [PERSON_FIRST, &once(MAIN)].concat());
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
    let member = ["1", "1", "440000195408230024#", "1", "583016#"];
    assert_eq!(caller.press_all(&member), [PERSON_FIRST, &once(ACCOUNT)].concat());
}

/// The total, and by a key what it is made up of. Each is read, and audited, as it is told.
#[test]
fn a_balance_one_thing_at_a_time() {
    let hotline = InProcess::new(Setup::new().line(&shipped_line()), OPEN);
    let mut caller = hotline.dial("CA-parts");
    caller.press_all(&["1", "1", "11010519491231002*#", "1", "739154#"]);
    assert_eq!(caller.press("1"), [TOTAL, TOLD_TOTAL].concat());
    assert_eq!(caller.press("3"), [PARTS, TOLD].concat());
    assert_eq!(caller.press("1"), [PARTS, TOLD].concat());
    assert_eq!(caller.press("3"), ["抱歉，这里没有这个选项。", TOLD].concat());
    assert_eq!(caller.press("2"), MOVEMENTS);
    assert_eq!(caller.press_all(&["*", "1"]), [TOTAL, TOLD_TOTAL].concat());
    assert_eq!(caller.press("1"), [TOTAL, TOLD_TOTAL].concat());
    assert_eq!(hotline.setup.audit()[2..], ["read_personal_balance"; 5]);
    // Who takes longer than a sign-in holds shows who they are, and hears the total first.
    hotline.clock.advance(Duration::from_mins(6));
    assert!(caller.press("3").starts_with("为了您的账户安全，请重新验证身份。"));
    assert_eq!(caller.press_all(&["1", "11010519491231002*#", "1", "739154#"]), [TOTAL, TOLD_TOTAL].concat());
}

/// One entry after the other, newest first; each is read, and audited, as it is told.
#[test]
fn a_statement_entry_by_entry() {
    const NEXT: &str = "下一笔，请按一。";
    const PREVIOUS: &str = "上一笔，请按二。";
    const AGAIN: &str = "重听这一笔，请按三。";
    const KEYS: &str = "返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。";
    const MAY: &str = "二零二六年五月十五日，划入一百零三元三角五分，账户余额一千零一十元零五分。";
    const MARCH: &str = "二零二六年三月十五日，划入一百零三元三角五分，账户余额九百六十一元一角。";
    const REFUND: &str = "二零二六年四月九日，退回十四元整，账户余额九百零六元七角。";
    const JANUARY: &str = "二零二六年一月十五日，划入一百零三元三角五分，账户余额八百九十三元三角五分。";
    let first = ["请确认周围环境安全。", MAY, NEXT, AGAIN, KEYS].concat();
    let second = [REFUND, NEXT, PREVIOUS, AGAIN, KEYS].concat();
    let last = [JANUARY, "以上是全部记录。", PREVIOUS, AGAIN, KEYS].concat();
    let hotline = InProcess::new(Setup::new().line(&shipped_line()), OPEN);
    let mut caller = hotline.dial("CA-entries");
    caller.press_all(&["1", "1", "11010519491231002*#", "1", "739154#"]);
    assert_eq!(caller.press("3"), MOVEMENTS);
    // What came in, of which there are four.
    assert_eq!(caller.press("1"), first);
    assert_eq!(caller.press("1"), second);
    assert_eq!(caller.press("1"), [MARCH, NEXT, PREVIOUS, AGAIN, KEYS].concat());
    assert_eq!(caller.press("1"), last);
    assert_eq!(caller.press("3"), last);
    assert_eq!(caller.press("1"), ["抱歉，这里没有这个选项。", PREVIOUS, AGAIN, KEYS].concat());
    assert_eq!(caller.press_all(&["2", "2"]), second);
    assert_eq!(caller.press("#"), [NEXT, PREVIOUS, AGAIN, KEYS].concat());
    assert_eq!(hotline.setup.audit()[2..], ["read_transactions"; 7]);
}

/// In every menu of every shipped line, in every language it has: first, and not again.
#[test]
fn a_person_is_offered_once() {
    let zero = [(Language::Mandarin, "按零"), (Language::Cantonese, "按零"), (Language::English, "press zero")];
    let mut menus = 0;
    for file in LINES {
        let flow = shipped(file);
        let now = OPEN.parse().unwrap();
        let again = Event::Keys(Keys::parse("#", false).unwrap());
        for (language, zero) in zero.into_iter().filter(|(language, _)| flow.languages.contains(language)) {
            let wording = wording(language);
            for menu in
                ["main", "account", "card", "pin", "policy", "policy-more", "policy-other", "channels", "messages"]
            {
                let place = Place::Menu { menu: MenuId::new(menu), misses: Misses::default() };
                let state = State { language, elder: true, place: place.clone(), ..flow.start() };
                let (after, turn) = flow.step(state, again.clone(), now);
                // A menu that this line does not have.
                if after.place != place {
                    continue;
                }
                menus += 1;
                let said = wording.speak_all(&turn.say).text();
                assert_eq!(said.matches(zero).count(), 1, "{file}, {menu}: {said}");
                assert_eq!(turn.say[0], Prompt::elder_person());
            }
        }
    }
    assert_eq!(menus, 36);
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
        assert_eq!(dial(sid, from), [SHORT, &once(MAIN)].concat(), "{from}");
    }
    assert_eq!(dial("CA-other", "+8613800138001"), [GREETING, MAIN].concat());
    assert_eq!(dial("CA-withheld", "anonymous"), [GREETING, MAIN].concat());
    let mut caller = Caller::dial(&served, "CA-slow");
    assert!(body(&caller).contains(r#"<prosody rate="85%">"#));
    assert_eq!(caller.press("#"), [PERSON_FIRST, &once(MAIN)].concat());
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
    assert_eq!(Caller::dial(&served, "CA-up").heard.said, [SHORT, &once(MAIN)].concat());
    wait(async {
        setup.database().await.execute("ALTER TABLE elder_callers RENAME TO elsewhere").await.unwrap();
    });
    let start = Instant::now();
    assert_eq!(Caller::dial(&served, "CA-away").heard.said, [GREETING, MAIN].concat());
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    wait(async {
        setup.database().await.execute("ALTER TABLE elsewhere RENAME TO elder_callers").await.unwrap();
    });
    assert_eq!(Caller::dial(&served, "CA-back").heard.said, [SHORT, &once(MAIN)].concat());
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
