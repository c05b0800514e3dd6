//! Callers who wait in a queue of Asterisk: told their place in our own voice, called back if they like, and served.

use std::process::Command;

use crate::ear::Ear;
use crate::phone::{End, Manner};
use crate::stand::{Line, Plan, until_said};
use crate::support::line::project;
use crate::support::served::{People, Setup, line_with};
use crate::voice;

/// Whether he is there is told by the trunk.
const MEMBER: &str = "member = PJSIP/4000@trunk,0,agent,PJSIP/trunk";

const NEXT: &str = "您是下一位，人工一有空闲就为您接通";
const ONE_BEFORE: &str = "您前面还有 一 位";
const CALL_BACK: &str = "不想等候，由我们按排队次序给您回电，请按 一";

fn by_queue(setup: Setup) -> Setup {
    let line = line_with(People::Always).replace("offered = false", "offered = true");
    setup.line(&line.replace("transfer_to = \"sip:agents@pbx.invalid\"", "queue = \"agents\"\nannounce = \"25s\""))
}

/// A queue whose one agent answers the trunk.
fn queue(person: Manner) -> Line {
    let plan = Plan::new().setup(by_queue).person(person);
    let plan = plan.change("queues.conf", ";member = PJSIP/agent-1", MEMBER);
    plan.change("queues.conf", "announce-frequency = 30", "announce-frequency = 8").open().connected()
}

#[test]
fn a_busy_agent_is_waited_for_and_the_caller_comes_back() {
    let saying = voice::clip(7, 16000).sound();
    let line = queue(Manner::AnswersLater { busy: 3, saying: saying.into() });
    let call = line.call("13800000036");
    call.answers(&["0"]);
    until_said(&call, "queue.call-back.1-on");
    let ear = Ear::new([voice::clip(7, 16000)]);
    line.asterisk.until("the agent is heard", |_| ear.names(&call.phone().heard()).contains(&"7".to_owned()));
    line.person.hang_up();
    until_said(&call, "rating.ask.1");
    call.press("1");
    assert_eq!(call.ended(), End::Theirs);
    let heard = call.heard();
    assert!(heard.contains(&format!("{NEXT} {CALL_BACK}")), "{heard}");
    line.close(&[], &[]);
}

#[test]
fn who_waits_behind_another_hears_so_and_may_be_called_back() {
    let line = queue(Manner::Busy);
    let first = line.call("13800000037");
    first.answers(&["0"]);
    until_said(&first, "queue.next.1");
    let second = line.call("13800000038");
    second.answers(&["0"]);
    until_said(&second, "queue.call-back.1-on");
    second.press("1");
    until_said(&second, "message.choose-phone.1");
    second.hang_up();
    first.hang_up();
    let heard = second.heard();
    // The key may have been quicker than the word for it.
    assert!(heard.contains(&format!("{ONE_BEFORE} {}", CALL_BACK.trim_end_matches(" 一"))), "{heard}");
    line.close(&[], &[]);
}

#[test]
fn nobody_waits_for_ever() {
    let line = Plan::new().setup(by_queue).person(Manner::Busy);
    let line = line.change("queues.conf", ";member = PJSIP/agent-1", MEMBER);
    let line =
        line.change("extensions.conf", "HOTLINE_QUEUE_LONGEST=600", "HOTLINE_QUEUE_LONGEST=6").open().connected();
    let call = line.call("13800000039");
    call.answers(&["0"]);
    until_said(&call, "person.not-answered.1");
    call.hang_up();
    line.close(&[], &[]);
}

/// Every place up to the last that is told has its number.
#[test]
fn every_place_has_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(project("config/asterisk/queue-sounds"))
        .arg(project("voice-prompts/zh-CN/clips"))
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let says = |name: &str| {
        let bytes = std::fs::read(folder.path().join(name).with_extension("sln")).unwrap();
        let sound: Vec<i16> = bytes.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
        crate::stand::MANDARIN.says(&sound)
    };
    assert_eq!((says("queue-youarenext").as_str(), says("queue-thankyou").as_str()), (NEXT, CALL_BACK));
    let all: Vec<String> = (2..=20).map(|place| says(&format!("digits/{place}"))).collect();
    assert_eq!(
        all.join(", "),
        "一, 两, 三, 四, 五, 六, 七, 八, 九, 十, 十 一, 十 二, 十 三, 十 四, 十 五, 十 六, 十 七, 十 八, 十 九"
    );
}
