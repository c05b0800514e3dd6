//! Numbers as trunks write them.

use crate::stand::{Plan, until_said};

#[test]
fn a_number_with_a_plus_is_a_line() {
    let routed = "exten = +8601012333,1,Goto(hotline-call,${EXTEN},1)";
    let line = Plan::new().change("extensions.conf", "exten = 95566,1,Goto(hotline-call,${EXTEN},1)", routed);
    let line = line.open().connected();
    let call = line.number().dialled("+8601012333").call("13800000040");
    call.answers(&["1"]);
    until_said(&call, "sign-in.by-personal-number.1-on");
    call.hang_up();
    line.close(&[], &[]);
}
