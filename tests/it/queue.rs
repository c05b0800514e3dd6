//! Waiting for a person in a queue of the platform: what is heard meanwhile, and every way it ends.

use hotline::dialog::explore::explore;
use hotline::dialog::{Event, Flow, State};
use hotline::speech::prompt::KNOWN;

use crate::calls::{ACCOUNT, GOODBYE, MAIN, OFFER, OPEN};
use crate::support::caller::{Caller, InProcess, Then};
use crate::support::line::{line, mandarin};
use crate::support::served::{People, Setup, line_with};

const CONNECTING: &str = "正在为您转接人工服务，请稍候。";
const NOT_ANSWERED: &str = "抱歉，人工座席暂时无法接听，请稍后再试。";
const LEAVE: &str = "不想等候，由我们按排队次序给您回电，请按一。";
const WAITING: &str = "人工座席正忙，请您稍候，我们会尽快接听。";

/// The shipped line, with a queue, people in it at all hours, and the question how it was.
pub fn queue_line() -> String {
    let line = line_with(People::Always).replace("offered = false", "offered = true");
    line.replace("transfer_to = \"sip:agents@pbx.invalid\"", "queue = \"agents\"\nannounce = \"25s\"")
}

fn hotline() -> InProcess {
    InProcess::new(Setup::new().line(&queue_line()), OPEN)
}

/// In the queue.
fn waiting(hotline: &InProcess, sid: &str) -> Caller {
    let mut caller = hotline.dial(sid);
    assert_eq!(caller.press("0"), CONNECTING);
    assert!(matches!(&caller.heard.then, Then::Enqueue { name, .. } if name == "agents"));
    caller
}

#[test]
fn a_caller_hears_how_many_are_before_them_until_somebody_is_free() {
    let hotline = hotline();
    let mut caller = waiting(&hotline, "CA-waits");
    assert_eq!(caller.waits("3", "150"), ["您前面还有两位，平均等待约三分钟。", LEAVE].concat());
    assert!(caller.sent.last().unwrap().answer.body.contains(r#"timeout="25""#), "and then nothing for a while");
    assert_eq!(caller.waits("2", "60"), ["您前面还有一位，平均等待约一分钟。", LEAVE].concat());
    assert_eq!(caller.waits("2", "0"), ["您前面还有一位。", LEAVE].concat());
    assert_eq!(caller.waits("1", "60"), ["您是下一位，人工一有空闲就为您接通。", LEAVE].concat());
    // A platform that tells nothing.
    assert_eq!(caller.waits("", ""), [WAITING, LEAVE].concat());
    assert!(caller.dequeued("bridged").starts_with("请您对本次服务作出评价。"));
}

/// Called back in their turn, or back to the main menu. No platform tells by which key a queue was left.
#[test]
fn whoever_will_not_wait_is_called_back_or_goes_back() {
    let hotline = hotline();
    for (sid, key) in [("CA-one", "1"), ("CA-star", "*")] {
        let mut caller = waiting(&hotline, sid);
        caller.waits("3", "150");
        assert_eq!(caller.press(key), "");
        assert_eq!(caller.heard.then, Then::Leave);
        let asked = caller.dequeued("leave");
        assert!(asked.starts_with("请选择给您回电的号码。"), "{asked}");
        assert!(asked.contains("不需要回电，返回主菜单，请按星号键。"), "{asked}");
        assert_eq!(caller.press("*"), MAIN);
        assert_eq!(caller.press("9"), GOODBYE, "nobody has served them: nobody asks how it was");
    }
}

/// Where the line takes no messages there is only the way back.
#[test]
fn who_cannot_be_called_back_goes_back() {
    let line = queue_line();
    let (before, rest) = line.split_once("[messages]").unwrap();
    let (_, after) = rest.split_once("\n[").unwrap();
    let (main, menus) = after.split_once("[menu.messages]").unwrap();
    let (_, others) = menus.split_once("\n[").unwrap();
    let main = main.lines().filter(|line| !line.contains("menu:messages")).collect::<Vec<_>>().join("\n");
    let hotline = InProcess::new(Setup::new().line(&format!("{before}[{main}\n[{others}")), OPEN);
    let mut caller = waiting(&hotline, "CA-none");
    assert_eq!(caller.waits("1", "60"), "您是下一位，人工一有空闲就为您接通。不再等候，返回主菜单，请按二。");
    assert_eq!(caller.press("1"), "抱歉，这里没有这个选项。不再等候，返回主菜单，请按二。");
    caller.press("2");
    assert!(caller.dequeued("leave").starts_with("医保账户查询，请按一。"), "{}", caller.heard.said);
}

#[test]
fn keys_while_waiting() {
    let hotline = hotline();
    let mut caller = waiting(&hotline, "CA-keys");
    caller.waits("3", "150");
    assert_eq!(caller.press("7"), ["抱歉，这里没有这个选项。", LEAVE].concat());
    // Who asks for a person waits for one.
    assert_eq!(caller.press("0"), [WAITING, LEAVE].concat());
    assert_eq!(caller.press("#"), [WAITING, LEAVE].concat());
    assert_eq!(caller.waits("2", "90"), ["您前面还有一位，平均等待约两分钟。", LEAVE].concat());
    assert_eq!(caller.press("9"), GOODBYE);
    assert_eq!(caller.heard.then, Then::HangUp);
}

/// Every way a queue can end on its own: told, and back at the main menu; so often, and no oftener.
#[test]
fn whoever_is_not_answered_is_told() {
    let hotline = hotline();
    for (n, how) in ["queue-full", "error", "system-error", "redirected", "bridging-in-process"].iter().enumerate() {
        let mut caller = waiting(&hotline, &format!("CA-{n}"));
        assert_eq!(caller.dequeued(how), [NOT_ANSWERED, OFFER, MAIN].concat(), "{how}");
    }
    let mut caller = waiting(&hotline, "CA-often");
    for _ in 0..2 {
        caller.dequeued("queue-full");
        assert_eq!(caller.press("0"), CONNECTING);
    }
    caller.dequeued("queue-full");
    assert_eq!(caller.press("0"), [NOT_ANSWERED, OFFER, MAIN].concat());
    let mut gone = waiting(&hotline, "CA-gone");
    gone.waits("3", "150");
    assert_eq!(gone.dequeued("hangup"), "");
    assert_eq!(gone.heard.then, Then::HangUp);
}

/// Nobody stays signed in behind an agent's back, and waiting longer than a call may last does not end it.
#[test]
fn a_long_wait_is_no_long_call() {
    let hotline = hotline();
    let mut caller = hotline.dial("CA-long");
    assert_eq!(caller.press_all(&["1", "1", "11010519491231002*#", "1", "739154#"]), ACCOUNT);
    caller.press("0");
    for _ in 0..60 {
        hotline.clock.advance(std::time::Duration::from_secs(30));
        assert_eq!(caller.waits("2", "90"), ["您前面还有一位，平均等待约两分钟。", LEAVE].concat());
    }
    hotline.clock.advance(std::time::Duration::from_mins(40));
    assert!(caller.dequeued("bridged").starts_with("请您对本次服务作出评价。"));
    let mut other = waiting(&hotline, "CA-other");
    other.dequeued("error");
    assert!(other.press("1").starts_with("查询前请先验证您的身份。"));
}

/// Copies of a webhook get the same bytes; what is waited in another call's queue opens nothing.
#[test]
fn webhooks_of_the_queue_are_as_any_others() {
    let hotline = hotline();
    let mut caller = waiting(&hotline, "CA-mine");
    caller.waits("3", "150");
    caller.press("2");
    for sent in &caller.sent[2..] {
        assert_eq!(caller.wire.post(&sent.path, &sent.form).body, sent.answer.body);
    }
    let other = hotline.dial("CA-theirs");
    let answer = other.wire.post(&caller.sent[2].path, &other.form(&[("QueuePosition", "3")]));
    assert!(answer.body.contains("菜单已经更新"), "{}", answer.body);
    let forged =
        other.wire.send("POST", &caller.sent[2].path, &[("content-type", crate::support::caller::FORM)], "x=1");
    assert_eq!((forged.status, &*forged.body), (403, ""));
}

/// A queue by its name, for clients that are not a platform.
#[test]
fn the_json_way_in_is_told_the_queue_by_its_name() {
    let setup = Setup::new().line(&queue_line());
    let mut command = setup.command(&["dial", "--in-process", "0"]);
    let told = command.stdin(std::process::Stdio::null()).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("— to agents: "), "{told}");
    let mut command = setup.command(&["dial", "--in-process", "0", "left", "*#", "9"]);
    let told = String::from_utf8(command.stdin(std::process::Stdio::null()).output().unwrap().stdout).unwrap();
    assert!(told.ends_with("感谢您的来电，再见。\n— the hotline has hung up —\n"), "{told}");
}

/// The walk holds for a line with a queue, and there every word of it is heard.
#[test]
fn a_line_with_a_queue_keeps_every_rule() {
    let flow: Flow = line(&queue_line());
    let step = |state: State, event: Event, now| flow.step(state, event, now);
    let seen = explore(&flow, &[&mandarin()], step, |_| false);
    let findings: Vec<String> = seen.findings.iter().map(ToString::to_string).collect();
    assert_eq!(findings, Vec::<String>::new());
    let of_queues: Vec<_> = KNOWN.iter().map(|known| known.id.as_ref()).filter(|id| id.starts_with("queue.")).collect();
    let unheard: Vec<_> = of_queues.iter().filter(|id| !seen.prompts.contains(**id)).collect();
    // Said where no messages are taken: see below.
    assert_eq!((of_queues.len(), unheard), (7, vec![&"queue.leave"]));
    assert!(seen.prompts.contains("message.callback"), "who waits may leave to be called back");
}

#[test]
fn one_place_where_people_answer() {
    let place = "queue = \"agents\"\nannounce = \"25s\"";
    let faults = |to: &str| {
        let text = queue_line().replace(place, to);
        Flow::parse("line.toml", &text, &[&mandarin()], &[]).unwrap_err().to_string()
    };
    insta::assert_snapshot!(
        "one_place",
        [
            faults("queue = \"agents\"\ntransfer_to = \"+861012333\""),
            faults(""),
            faults("queue = \"agents and others\""),
            faults(&format!("queue = \"{}\"\nannounce = \"0s\"", "a".repeat(65))),
        ]
        .join("\n")
    );
}
