//! An Asterisk that cannot dial: the hotline connects to its ARI, and what goes by HTTP there does all the same.

use std::time::Duration;

use crate::asterisk::COMMANDS;
use crate::balance::{BALANCE, ZHANGS_PIN};
use crate::person::hears_the_balance_and_a_person;
use crate::stand::{Plan, until_said};

#[test]
fn a_caller_hears_the_balance_and_a_person() {
    let (line, call) = hears_the_balance_and_a_person(Plan::new().of_old());
    call.hang_up();
    let (heard, (balance, _)) = (call.heard(), BALANCE.split_once(" 重听").unwrap());
    assert_eq!(heard.matches(balance).count(), 1, "{heard}");
    line.close(&[], &["11010519491231002", ZHANGS_PIN, COMMANDS]);
}

/// It is asked to end, does so, and leaves the call in Asterisk; the next takes it up.
#[test]
fn a_call_outlives_a_restart_of_the_hotline() {
    for plan in [Plan::new(), Plan::new().of_old()] {
        let mut line = plan.open().connected();
        let call = line.call("13800000034");
        call.answers(&["1"]);
        until_said(&call, "sign-in.by-personal-number.1-on");
        line.stop_hotline();
        line.start_hotline();
        line.wait_for_connection();
        // Keys count again when the menu is said again.
        std::thread::sleep(Duration::from_secs(2));
        call.press("1");
        until_said(&call, "sign-in.enter-id.1");
        call.hang_up();
        line.close(GONE, &[]);
    }
}

/// What Asterisk says while nobody takes its connection.
const GONE: &[&str] = &[
    "res_websocket_client.c: hotline-connection",
    "ari/ari_websockets.c: ",
    "res_http_websocket.c: ",
    "func_curl.c: Failed to connect",
    // Clips of what was being said that it had not fetched yet.
    "res_http_media_cache.c: Failed to",
    "file.c: ",
    "res_stasis_playback.c: ",
];
