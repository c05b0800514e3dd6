//! Callers who want a person: put through, answered or not, and back at the hotline.

use std::time::Duration;

use crate::balance::{GOODBYE, ZHANG, ZHANGS_PIN};
use crate::call::Call;
use crate::ear::Ear;
use crate::phone::{End, Manner};
use crate::stand::{Line, Plan, until_said};
use crate::support::served::{People, Setup, line_with};
use crate::voice;

const CALLER: &str = "13800000010";
pub const CONNECTING: &str = "正在为您转接人工服务，请稍候";
const NOT_ANSWERED: &str = "抱歉，人工座席暂时无法接听，请稍后再试";

/// People who are reached by a number, at all hours, and callers who are asked how it was.
pub fn by_number(setup: Setup) -> Setup {
    let line = line_with(People::Always).replace("offered = false", "offered = true");
    setup.line(&line.replace("sip:agents@pbx.invalid", "+861012333").replace("ring = \"30s\"", "ring = \"5s\""))
}

pub fn answers() -> Manner {
    Manner::Answers { after: Duration::from_millis(400), saying: voice::clip(7, 16000).sound().into() }
}

/// Waits until the caller hears the person.
fn hears_the_person(line: &Line, call: &Call) {
    let ear = Ear::new([voice::clip(7, 16000)]);
    assert_eq!(line.person.called_by(), CALLER);
    let from = call.phone().heard().len();
    line.asterisk.until("the person is heard", |_| ear.names(&call.phone().heard()[from..]).contains(&"7".to_owned()));
}

/// A caller who hears their balance, wants a person in the midst of it, and hears the person.
pub fn hears_the_balance_and_a_person(plan: Plan) -> (Line, Call) {
    let line = plan.setup(by_number).person(answers()).open().connected();
    let call = line.call(CALLER);
    call.sign_in(ZHANG, ZHANGS_PIN);
    call.answers(&["1"]);
    until_said(&call, "account.hear-again.1-on");
    call.press("0");
    hears_the_person(&line, &call);
    (line, call)
}

/// A caller who asked for a person at once, and hears them.
fn asks_for_a_person(plan: Plan) -> (Line, Call) {
    let line = plan.open().connected();
    let call = line.call(CALLER);
    call.answers(&["0"]);
    hears_the_person(&line, &call);
    (line, call)
}

/// Whoever hangs up while talking hangs up on the person.
fn hangs_up_on_the_person(line: Line, call: &Call) {
    call.hang_up();
    assert_eq!(line.person.ended(), End::Theirs);
    line.close(&[], &[]);
}

#[test]
fn a_person_answers_and_the_caller_comes_back() {
    let (line, call) = asks_for_a_person(Plan::new().setup(by_number).person(answers()));
    assert_eq!(call.heard().matches(CONNECTING).count(), 1);
    line.person.hang_up();
    call.hears_what("the question how it was", "请您对本次服务作出评价 …", |said| {
        said.contains("请您对本次服务作出评价 非常满意，请按 一 满意，请按 二 一般，请按 三 不满意，请按 四")
    });
    call.press("1");
    call.hears(&format!("感谢您的评价 {GOODBYE}"));
    assert_eq!(call.ended(), End::Theirs);
    line.close(&[], &[]);
}

#[test]
fn a_person_may_have_a_sip_address() {
    let plan = Plan::new().person(answers());
    let address = format!("sip:agents@{}", plan.address());
    let line = line_with(People::Always).replace("sip:agents@pbx.invalid", &address);
    let (line, call) = asks_for_a_person(plan.setup(|setup| setup.line(&line)));
    hangs_up_on_the_person(line, &call);
}

#[test]
fn whoever_hangs_up_while_talking_hangs_up_on_the_person() {
    let (line, call) = asks_for_a_person(Plan::new().setup(by_number).person(answers()));
    hangs_up_on_the_person(line, &call);
}

#[test]
fn nobody_answers_or_is_busy() {
    for manner in [Manner::Busy, Manner::Away] {
        let line = Plan::new().setup(by_number).person(manner.clone()).open().connected();
        let call = line.call(CALLER);
        call.answers(&["0"]);
        call.hears_what("that nobody can be reached", NOT_ANSWERED, |said| said.contains(NOT_ANSWERED));
        let person = line.person.ended();
        assert!(
            matches!((&manner, &person), (Manner::Busy, End::Refused(486)) | (Manner::Away, End::Theirs)),
            "{person:?}"
        );
        call.hang_up();
        line.close(&[], &[]);
    }
}
