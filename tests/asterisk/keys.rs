//! Keys: over the prompt, ahead of it, wrong, none, and a telephone that is put down.

use std::time::Duration;

use crate::balance::{ACCOUNT, BALANCE, ID, KINDS, MAIN, ZHANG, ZHANGS_PIN};
use crate::phone::End;
use crate::stand::Plan;

#[test]
fn a_key_stops_what_is_said() {
    let line = Plan::new().open().connected();
    let call = line.call("13800000002");
    call.hears_something();
    std::thread::sleep(Duration::from_millis(1500));
    call.press("1");
    let up = call.phone().pressed().last().copied().unwrap();
    call.hears(KINDS);
    let (clip, end) = call.cut_off().unwrap();
    assert_eq!(clip, "您好，欢迎致电幺二三三三人力资源和社会保障服务热线");
    // Within a frame of 20 ms where nothing else is done. It is told to 50 ms here, and a busy machine takes longer.
    assert!(end < up + 8000 / 5, "{:?} after the key", Duration::from_secs(end as u64 - up as u64) / 8000);
    call.hang_up();
    line.close(&[], &[]);
}

#[test]
fn keys_ahead_of_every_prompt_are_not_lost() {
    let line = Plan::new().open().connected();
    let call = line.call("13800000003");
    call.hears_something();
    // As fast as a telephone's memory: the finish keys that full entries do not need are among them.
    call.press_fast(&format!("11{ZHANG}#1{ZHANGS_PIN}#1"));
    call.hears(BALANCE);
    call.hang_up();
    line.close(&[], &["11010519491231002", ZHANGS_PIN]);
}

#[test]
fn a_finish_key_after_a_full_entry_is_no_answer_to_what_follows() {
    let line = Plan::new().open().connected();
    let call = line.call("13800000004");
    call.answers(&["1", "1", &format!("{ZHANG}#")]);
    call.hears("您输入的号码后四位是 零 零 二 X 确认请按 一 重新输入请按 二");
    call.hang_up();
    line.close(&[], &["11010519491231002"]);
}

#[test]
fn a_wrong_pin_is_told_and_asked_for_again() {
    let line = Plan::new().open().connected();
    let call = line.call("13800000005");
    call.sign_in(ZHANG, "739155");
    let again =
        call.hears_what("a refusal and the question once more", "抱歉，号码或密码不正确 …", |said| {
            said.starts_with("抱歉，号码或密码不正确 ")
        });
    assert!(!again.contains("余额"), "{again}");
    call.hang_up();
    assert_eq!(call.ended(), End::Ours);
    let audit = line.setup.audit();
    assert!(audit.contains(&"sign_in_refused".to_owned()) && !audit.contains(&"sign_in_ok".to_owned()), "{audit:?}");
    line.close(&[], &["11010519491231002", "739155"]);
}

#[test]
fn whoever_says_nothing_is_asked_again() {
    let line = Plan::new().open().connected();
    let call = line.call("13800000006");
    call.answers(&["1"]);
    call.hears(KINDS);
    call.hears(&format!("抱歉，没有收到您的按键 {}", KINDS.split_once(' ').unwrap().1));
    call.hang_up();
    line.close(&[], &[]);
}

#[test]
fn a_telephone_may_be_put_down_in_the_middle_of_a_number() {
    let line = Plan::new().open().connected();
    let call = line.call("13800000007");
    call.hears(MAIN);
    call.press("1");
    call.answers(&["1"]);
    call.hears(ID);
    call.press("110105194");
    call.hang_up();
    assert_eq!(call.ended(), End::Ours);
    line.asterisk.until("the channel is gone", |asterisk| asterisk.channels().is_empty());
    // Nothing is left of it that would disturb the next call.
    let call = line.call("13800000007");
    call.sign_in(ZHANG, ZHANGS_PIN);
    call.hears(ACCOUNT);
    call.hang_up();
    line.close(&[], &["110105194", ZHANGS_PIN]);
}
