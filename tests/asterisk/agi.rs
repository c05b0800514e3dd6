//! By AGI, for sites that have nothing else: the same call, the same people, and a hotline that is started anew in the middle.

use std::time::Duration;

use crate::balance::{BALANCE, GOODBYE, ZHANG, ZHANGS_PIN};
use crate::person::{CONNECTING, hears_the_balance_and_a_person};
use crate::phone::End;
use crate::stand::{Plan, until_said};

/// What Asterisk says while there is nobody to connect to, and whose connection went while it waited for a key.
const AWAY: &[&str] = &[
    "res_agi.c: ",
    "channel.c: The FD we were waiting for has something waiting",
    "res_http_media_cache.c: ",
    "file.c: File http://",
];

#[test]
fn a_caller_hears_the_balance_and_talks_to_a_person_and_is_back() {
    let (line, call) = hears_the_balance_and_a_person(Plan::new().by_agi());
    line.person.hang_up();
    until_said(&call, "rating.ask.1");
    call.press("1");
    assert_eq!(call.ended(), End::Theirs);
    let heard = call.kept();
    let (balance, _) = BALANCE.split_once(" 重听").unwrap();
    for said in [balance, CONNECTING, &format!("感谢您的评价 {GOODBYE}")] {
        assert_eq!(heard.matches(said).count(), 1, "{said}\n{heard}");
    }
    let audit = line.setup.audit();
    assert_eq!(audit.iter().filter(|event| *event == "read_personal_balance").count(), 1, "{audit:?}");
    line.close(&[], &["11010519491231002", ZHANGS_PIN]);
}

#[test]
fn a_call_outlives_a_restart_of_the_hotline() {
    let mut line = Plan::new().by_agi().open().connected();
    let call = line.call("13800000031");
    call.sign_in(ZHANG, ZHANGS_PIN);
    until_said(&call, "account.option.mutual-aid.1-on");
    line.kill_hotline();
    line.start_hotline();
    // Keys count again when the menu is said again.
    call.phone().sound_after(call.phone().heard().len());
    std::thread::sleep(Duration::from_secs(1));
    call.press("1");
    until_said(&call, "account.hear-again.1-on");
    // And one that is asked to end leaves the call to the next.
    line.stop_hotline();
    line.start_hotline();
    call.hears_something();
    call.hang_up();
    line.close(AWAY, &["11010519491231002", ZHANGS_PIN]);
}

#[test]
fn a_hotline_that_stays_away_is_not_waited_for_for_ever() {
    let mut line = Plan::new().by_agi().change("extensions.conf", "> 15]", "> 2]").open().connected();
    let call = line.call("13800000032");
    call.answers(&["1"]);
    call.hears_something();
    line.kill_hotline();
    until_said(&call, "call.busy.1");
    assert_eq!(call.ended(), End::Theirs);
    line.close(AWAY, &[]);
}
