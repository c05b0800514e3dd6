//! What breaks: the hotline, Asterisk, the connection between them.

use crate::balance::{ACCOUNT, BALANCE, KINDS, ZHANG, ZHANGS_PIN};
use crate::call::Call;
use crate::phone::End;
use crate::stand::{Line, Plan};

/// What Asterisk says while nobody takes its connection,
const LOST: &[&str] = &[
    "res_websocket_client.c: hotline-connection",
    "ari/ari_websockets.c: hotline-connection",
    "ari/ari_websockets.c: WebSocket read error",
    "res_http_websocket.c: Unable to retrieve HTTP status line",
    "res_http_websocket.c: Web socket closed abruptly",
    "app_stasis.c: PJSIP/trunk-00000000: Stasis app 'hotline' doesn't exist",
    "func_curl.c: Failed to connect",
];
/// and what a caller hears whom nobody can serve.
const AWAY: &str = "系统繁忙，请稍后再拨";

/// Who has heard the menu hears the balance.
fn goes_on_to_the_balance(line: Line, call: &Call) {
    call.press("1");
    call.hears(BALANCE);
    call.hang_up();
    line.close(LOST, &["11010519491231002", ZHANGS_PIN]);
}

#[test]
fn a_call_goes_on_where_it_was_after_the_hotline_was_killed() {
    let mut line = Plan::new().open().connected();
    let call = line.call("13800000020");
    call.sign_in(ZHANG, ZHANGS_PIN);
    call.hears(ACCOUNT);
    line.kill_hotline();
    line.start_hotline();
    // Nobody knows how much of it was heard: it is said once more.
    call.hears(ACCOUNT);
    goes_on_to_the_balance(line, &call);
}

#[test]
fn after_a_restart_of_asterisk_calls_are_taken_as_before() {
    let mut line = Plan::new().open().connected();
    let call = line.call("13800000021");
    call.hears_something();
    line.asterisk.restart();
    assert_eq!(call.ended(), End::Theirs);
    line.wait_for_connection();
    let call = line.call("13800000021");
    call.answers(&["1"]);
    call.hears(KINDS);
    call.hang_up();
    line.close(LOST, &[]);
}

#[test]
fn while_the_hotline_is_away_callers_hear_so() {
    let mut line = Plan::new().open().connected();
    line.kill_hotline();
    let call = line.call("13800000022");
    call.hears(AWAY);
    assert_eq!(call.ended(), End::Theirs);
    // And are served when it is back.
    line.start_hotline();
    line.wait_for_connection();
    let call = line.call("13800000022");
    call.answers(&["1"]);
    call.hears(KINDS);
    call.hang_up();
    line.close(LOST, &[]);
}

/// A connection for each call: `connection_type = per_call_config`.
fn per_call() -> Plan {
    Plan::new().change("websocket_client.conf", "connection_type = persistent", "connection_type = per_call_config")
}

#[test]
fn each_call_may_have_a_connection_of_its_own() {
    let line = per_call().open();
    // The connection of the second has nothing to do with the first.
    let first = line.call("13800000027");
    first.hears_something();
    let call = line.call("13800000023");
    call.hears_something();
    first.press("1");
    first.hears(KINDS);
    first.hang_up();
    call.sign_in(ZHANG, ZHANGS_PIN);
    call.hears(ACCOUNT);
    // Neither began twice: a connection is there half a second before its call.
    assert_eq!(line.calls_that_came_in(), 2);
    goes_on_to_the_balance(line, &call);
}

#[test]
fn a_call_whose_connection_is_refused_hears_so() {
    let line = per_call().stranger().open();
    let call = line.call("13800000024");
    call.hears(AWAY);
    assert_eq!(call.ended(), End::Theirs);
    line.close(LOST, &[]);
}

#[test]
fn a_call_that_the_hotline_forgets_ends_with_a_word() {
    let line = Plan::new().change("extensions.conf", "HOTLINE_LONGEST=1800", "HOTLINE_LONGEST=30").open().connected();
    // One before it has had the clips fetched: while Asterisk waits for one, nothing ends a call.
    let call = line.call("13800000026");
    call.answers(&["1"]);
    call.hears(KINDS);
    call.hang_up();
    let call = line.call("13800000025");
    call.answers(&["1"]);
    call.hears_something();
    line.freeze_hotline();
    call.hears_what("the last words", AWAY, |said| said.ends_with(AWAY));
    assert_eq!(call.ended(), End::Theirs);
    line.thaw_hotline();
    line.close(LOST, &[]);
}
