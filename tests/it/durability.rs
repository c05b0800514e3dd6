//! Nothing is lost and nothing is done twice, whatever happens to the process, the database and the webhooks.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use sqlx::Executor;

use crate::calls::{ACCOUNT, BALANCE, GOODBYE, GREETING, MAIN, TOLD};
use crate::support::caller::{Answer, Caller, FORM, Heard, Sent, Then, Wire, signature, spoken};
use crate::support::served::{Served, Setup, until, wait};

/// The balance call, key by key, and how each turn's words begin.
const CALL: [(&str, &str); 7] = [
    ("1", "查询前请先验证您的身份。"),
    ("1", "请输入您的十八位身份证号码"),
    ("11010519491231002*#", "您输入的号码后四位是零零二X。"),
    ("1", "请输入六位查询密码"),
    ("739154#", ACCOUNT),
    ("1", BALANCE),
    ("9", GOODBYE),
];
/// One row an effect of it.
const AUDIT: [&str; 3] = ["pin_try", "sign_in_ok", "read_personal_balance"];
/// What belongs to one person in all that is said.
const PERSONAL: [&str; 4] = ["余额为", "统筹账户起付线", "没有个人账户", "零零二X"];
const HANG_UP: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Response><Hangup/></Response>"#;

#[track_caller]
fn tells_nothing_personal(answer: &Answer) {
    for word in PERSONAL {
        assert!(!answer.body.contains(word), "{word} in {}", answer.body);
    }
}

/// `kill -9` between every two keys; each next process finds nothing but the disk.
#[test]
fn a_call_outlives_its_process_between_any_two_keys() {
    let setup = Setup::new();
    let mut served = setup.serve();
    let mut caller = Caller::dial(&served, "CA-killed");
    for (keys, expected) in CALL {
        served.kill();
        served = setup.serve();
        caller.wire = Wire::from(&served);
        let heard = caller.press(keys);
        assert!(heard.starts_with(expected), "after {keys}: {heard}");
    }
    assert_eq!(setup.audit(), AUDIT);
}

/// `kill -9` while the PIN is checked: the try is spent and on record, the answer is not given. The platform sends the
/// webhook again, and that same try goes on.
#[test]
fn a_webhook_cut_off_by_a_kill_is_repeated_without_a_second_try() {
    // Hashing takes long enough to be killed in.
    let setup = Setup::new().env("SIGN_IN__HASH_PASSES", "40");
    let mut served = setup.serve();
    let mut caller = Caller::dial(&served, "CA-cut");
    for (keys, _) in &CALL[..4] {
        caller.press(keys);
    }
    let Then::Gather { path, .. } = caller.heard.then.clone() else { panic!() };
    let form = caller.form(&[("Digits", "739154"), ("FinishedOnKey", "#")]);
    let mut connection = TcpStream::connect(served.address).unwrap();
    let signature = signature(&path, &form);
    write!(
        connection,
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {FORM}\r\nx-twilio-signature: {signature}\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    )
    .unwrap();
    until("the try is on record", || setup.audit() == ["pin_try"]);
    served.kill();
    assert_eq!(setup.audit(), ["pin_try"], "killed before the PIN was checked");
    served = setup.serve();
    caller.wire = Wire::from(&served);
    assert_eq!(caller.press("739154#"), ACCOUNT);
    assert_eq!(caller.press("1"), [BALANCE, TOLD].concat());
    assert_eq!(setup.audit(), AUDIT);
}

/// Sends what was sent before once more.
fn again(wire: &Wire, sent: &Sent) -> Answer {
    wire.post(&sent.path, &sent.form)
}

fn content(answer: &Answer) -> (u16, &str) {
    (answer.status, &answer.body)
}

#[test]
fn every_webhook_sent_again_gets_the_same_bytes_and_does_nothing() {
    let setup = Setup::new();
    let served = setup.serve();
    let mut caller = Caller::dial(&served, "CA-repeated");
    let mut rows = 0;
    for n in 0..=CALL.len() {
        if n == CALL.len() - 1 {
            // Late ones, out of order; after the goodbye there are none any more: see below.
            for sent in caller.sent[1..n].iter().rev() {
                assert_eq!(content(&again(&caller.wire, sent)), content(&sent.answer), "late {}", sent.form);
            }
        }
        let sent = caller.sent.last().unwrap().clone();
        let after = setup.audit().len();
        assert!(after >= rows);
        for _ in 0..2 {
            assert_eq!(content(&again(&caller.wire, &sent)), content(&sent.answer), "webhook {n}");
        }
        assert_eq!(setup.audit().len(), after, "webhook {n}");
        rows = after;
        if let Some((keys, expected)) = CALL.get(n) {
            assert!(caller.press(keys).starts_with(expected));
        }
    }
    assert_eq!(setup.audit(), AUDIT);
}

#[test]
fn copies_at_the_same_time_get_the_same_bytes_and_one_effect() {
    let setup = Setup::new();
    let served = setup.serve();
    let mut caller = Caller::dial(&served, "CA-parallel");
    for (keys, expected) in CALL {
        let Then::Gather { path, .. } = caller.heard.then.clone() else { panic!() };
        let (digits, finished) = keys.strip_suffix('#').map_or((keys, ""), |digits| (digits, "#"));
        let form = caller.form(&[("Digits", digits), ("FinishedOnKey", finished)]);
        let barrier = Barrier::new(6);
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let copies: Vec<_> = (0..6)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        caller.wire.post(&path, &form)
                    })
                })
                .collect();
            copies.into_iter().map(|copy| copy.join().unwrap()).collect()
        });
        for answer in &answers {
            assert_eq!(content(answer), content(&answers[0]), "after {keys}");
        }
        let answer = answers.into_iter().next().unwrap();
        assert!(caller.take(Sent { path, form, answer }).starts_with(expected));
    }
    assert_eq!(setup.audit(), AUDIT);
}

/// The same turn with other keys: the first counts, and the second hears the prompt again.
#[test]
fn other_keys_at_a_turn_that_is_answered_change_nothing() {
    let setup = Setup::new();
    let served = setup.serve();
    let mut caller = Caller::dial(&served, "CA-twice");
    for (keys, _) in &CALL[..4] {
        caller.press(keys);
    }
    let mut other = caller.clone();
    assert_eq!(caller.press("739154#"), ACCOUNT);
    assert!(other.press("739155#").starts_with("请输入六位查询密码"));
    assert_eq!(setup.audit(), ["pin_try", "sign_in_ok"]);
    assert_eq!(caller.press("1"), [BALANCE, TOLD].concat());
}

/// A step is sealed for its call: in another it opens nothing, however far the first has come.
#[test]
fn a_step_of_another_call_opens_nothing() {
    let setup = Setup::new();
    let served = setup.serve();
    let mut signed_in = Caller::dial(&served, "CA-mine");
    for (keys, _) in &CALL[..5] {
        signed_in.press(keys);
    }
    let mut other = Caller::dial(&served, "CA-theirs");
    let Then::Gather { path, .. } = signed_in.heard.then.clone() else { panic!() };
    let begins_anew = ["菜单已经更新，为您返回主菜单。", GREETING, MAIN].concat();
    for path in [path.clone(), path.replace("/step/", "/transferred/")] {
        for keys in ["1", "2", "#", "739154"] {
            let answer = other.wire.post(&path, &other.form(&[("Digits", keys)]));
            tells_nothing_personal(&answer);
            assert_eq!(spoken(&answer).said, begins_anew);
        }
    }
    // So does one that somebody made up, or cut.
    let (most, _) = path.split_at(path.len() - 1);
    for path in ["/twilio/step/x", most, "/twilio/step/AQE", "/twilio/step/%F0%9F%98%80"] {
        let answer = signed_in.wire.post(path, &signed_in.form(&[("Digits", "1")]));
        assert_eq!(spoken(&answer).said, begins_anew, "{path}");
    }
    // And whoever was led back has to sign in again.
    let Then::Gather { path, .. } = Heard::parse(&other.sent[0].answer.body).then else { panic!() };
    other.heard.then = Then::Gather { path, digits: 1, finish: String::new() };
    assert!(other.press("1").starts_with("查询前请先验证您的身份。"));
    assert_eq!(setup.audit(), ["pin_try", "sign_in_ok"]);
    assert_eq!(signed_in.press("1"), [BALANCE, TOLD].concat());
}

#[test]
fn after_the_end_nothing_is_said_any_more() {
    let setup = Setup::new();
    let mut served = setup.serve();
    let mut caller = Caller::dial(&served, "CA-ended");
    for (keys, _) in &CALL[..6] {
        caller.press(keys);
    }
    caller.hang_up();
    for sent in &caller.sent[1..] {
        assert_eq!(content(&again(&caller.wire, sent)), (200, HANG_UP));
    }
    // A process that has not seen the call goes by what is stored: menus at most, and nothing personal.
    served.kill();
    served = setup.serve();
    let wire = Wire::from(&served);
    for sent in &caller.sent {
        let answer = again(&wire, sent);
        spoken(&answer);
        for word in ["余额为", "统筹账户起付线", "没有个人账户"] {
            assert!(!answer.body.contains(word), "{word} in {}", answer.body);
        }
    }
    assert_eq!(content(&again(&wire, &caller.sent[5])), (200, HANG_UP), "the PIN");
    assert_eq!(content(&again(&wire, &caller.sent[6])), (200, HANG_UP), "the balance");
    assert_eq!(setup.audit(), AUDIT);
}

#[test]
fn after_goodbye_an_old_step_reads_nothing() {
    let setup = Setup::new();
    let mut served = setup.serve();
    let mut caller = Caller::dial(&served, "CA-goodbye");
    for (keys, _) in &CALL[..6] {
        caller.press(keys);
    }
    assert_eq!(caller.press("9"), GOODBYE);
    let (goodbye, before) = caller.sent.split_last().unwrap();
    for sent in &before[1..] {
        assert_eq!(content(&again(&caller.wire, sent)), (200, HANG_UP));
    }
    assert!(again(&caller.wire, goodbye).body.contains("感谢您的来电，再见。"), "the last webhook may be repeated");
    // Nor on a node that has not seen the call, once the goodbye is stored.
    until("the goodbye is stored", || {
        wait(async {
            let ended = sqlx::query("SELECT 1 FROM calls WHERE ended_at IS NOT NULL");
            ended.fetch_optional(&mut setup.database().await).await.unwrap().is_some()
        })
    });
    served.kill();
    served = setup.serve();
    let wire = Wire::from(&served);
    assert_eq!(content(&again(&wire, &caller.sent[5])), (200, HANG_UP), "the PIN");
    assert_eq!(content(&again(&wire, &caller.sent[6])), (200, HANG_UP), "the balance");
    assert_eq!(setup.audit(), AUDIT);
}

/// Somebody else holds the database: what needs it says so at once, everything else goes on, and so does this, after.
#[test]
fn menus_go_on_without_the_database() {
    const UNAVAILABLE: &str = "系统繁忙，暂时无法查询或办理。请稍后再试，或者请人工服务办理。";
    let setup = Setup::new().env("STORE__DEADLINE", "300ms");
    let served = setup.serve();
    let mut caller = Caller::dial(&served, "CA-locked");
    for (keys, _) in &CALL[..4] {
        caller.press(keys);
    }
    wait(async {
        let mut holder = setup.database().await;
        holder.execute("BEGIN EXCLUSIVE").await.unwrap();
        let mut at_the_pin = caller.clone();
        let start = Instant::now();
        assert_eq!(at_the_pin.press("739154#"), [UNAVAILABLE, MAIN].concat());
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        // Menus, numbers and goodbyes, of this call and of new ones.
        let mut menus = Caller::dial(&served, "CA-menus");
        assert_eq!(menus.heard.said, [GREETING, MAIN].concat());
        for (keys, expected) in &CALL[..4] {
            assert!(menus.press(keys).starts_with(expected));
        }
        assert_eq!(menus.press("*#"), crate::calls::NUMBERS);
        assert_eq!(menus.press("9"), GOODBYE);
        menus.hang_up();
        assert_eq!(menus.wire.get("/healthz").status, 200);
        holder.execute("ROLLBACK").await.unwrap();
    });
    // No try was spent, and the platform's repeat of the very same webhook is answered now.
    assert_eq!(setup.audit(), Vec::<String>::new());
    assert_eq!(caller.press("739154#"), ACCOUNT);
    assert_eq!(caller.press("1"), [BALANCE, TOLD].concat());
    assert_eq!(setup.audit(), AUDIT);
}

/// A rolling restart: two processes on one database take the steps in turn.
#[test]
fn two_processes_share_a_call() {
    let setup = Setup::new();
    let nodes: [Served; 2] = [setup.serve(), setup.serve()];
    let mut caller = Caller::dial(&nodes[0], "CA-rolling");
    for (n, (keys, expected)) in CALL.iter().enumerate() {
        caller.wire = Wire::from(&nodes[(n + 1) % 2]);
        assert!(caller.press(keys).starts_with(expected), "{}", caller.heard.said);
        // The other one, sent a copy, answers with the same words.
        let other = Wire::from(&nodes[n % 2]);
        let copy = again(&other, caller.sent.last().unwrap());
        assert_eq!(content(&copy), content(&caller.sent.last().unwrap().answer));
    }
    assert_eq!(setup.audit(), AUDIT);
    let verify = setup.command(&["audit", "verify"]).output().unwrap();
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
}
