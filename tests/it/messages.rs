//! What callers leave for the staff: whole calls through signed webhooks, the store on both engines, and the commands.

use std::time::Duration;

use hotline::call::caller::{Call, CallEnd, Caller as From};
use hotline::dialog::{
    About, Answer, Dialled, Event, Flow, Kept, MessageAnswer, MessageRequest, Next, Recording, Request, State,
};
use hotline::member::message::{MessageKind, MessageNumber, MessageState, Progress};
use hotline::member::phone_number::SealedPhone;
use hotline::secret::{Key, Keys, Secret};
use hotline::service::Services;
use hotline::speech::language::Language;
use hotline::speech::prompt::{Prompt, Value};
use hotline::store::messages::Changed;
use jiff::Timestamp;

use crate::calls::{CLOSED, GOODBYE, MAIN, NOON, OPEN, shipped};
use crate::cli::run;
use crate::support::caller::{Caller, Then, Wire};
use crate::support::line::line_12333;
use crate::support::served::{Setup, until, wait};
use crate::support::{Bed, call, call_from, on_both_engines};

const MENU: &str = "留言回拨，请按一。投诉，请按二。建议，请按三。查询留言进度，请按四。返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。";
const KEYS: &str = "返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。";
const WHICH: &str = "请选择给您回电的号码。";
const PHONE: &str =
    "请输入您的联系电话，固定电话请加区号，按井号键结束。输错请按星号键清除；人工服务，请按零，再按井号键。";
const QUESTION: &str = "请说出您的姓名和要咨询的问题。";
const TONE: &str = "请在提示音后开始，最长两分钟，说完请按井号键。";
const REVIEW: &str = "发送留言，请按一；重新录音，请按二；放弃留言，请按星号键。";
const AFTER: &str = "重听，请按一；返回上一级，请按星号键；人工服务，请按零。";
const ENTER: &str = "请输入八位留言编号，按井号键结束。输错请按星号键清除；人工服务，请按零，再按井号键。";
const WHEN: &str = "工作人员会在三个工作日内答复您。请记下编号，以便查询进度。";

/// The digits of a number that was said.
fn number_in(said: &str) -> String {
    let (_, rest) = said.split_once("编号是").unwrap();
    let (number, _) = rest.split_once(['，', '。']).unwrap();
    let digit = |c: char| "零幺二三四五六七八九".chars().position(|d| d == c).unwrap();
    let number: String = number.chars().filter(|c| *c != ' ').map(|c| digit(c).to_string()).collect();
    assert_eq!(number.len(), 8, "{said}");
    number
}

/// What staff see of everything that was left: kind, state, end of the telephone number, seconds.
fn listed(setup: &Setup) -> Vec<(String, String, String, u64)> {
    let output = setup.command(&["messages", "list", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("none").to_owned();
    let row = |row: &serde_json::Value| {
        (text(&row["kind"]), text(&row["state"]), text(&row["phone_ends_with"]), row["seconds"].as_u64().unwrap())
    };
    rows.iter().map(row).collect()
}

fn left(kind: &str, phone: &str, seconds: u64) -> (String, String, String, u64) {
    (kind.to_owned(), "received".to_owned(), phone.to_owned(), seconds)
}

#[test]
fn a_message_from_the_first_key_to_its_number() {
    let hotline = shipped(NOON);
    let mut caller = hotline.dial("CA-message");
    assert_eq!(caller.press("5"), MENU);
    let own = "您现在使用的号码，后四位八零零零，请按一。其他号码，请按二。";
    assert_eq!(caller.press("1"), [WHICH, own, KEYS].concat());
    assert_eq!(caller.press("2"), PHONE);
    let wrong = "您输入的电话号码位数不对。手机号码是十一位，固定电话请加区号，请重新输入。";
    assert_eq!(caller.press("1370013712#"), [wrong, PHONE].concat());
    assert_eq!(caller.press("13700137123#"), "您输入的号码后四位是七幺二三。确认请按一，重新输入请按二。");
    assert_eq!(caller.press_all(&["2", "079112345678#"]), "您输入的号码后四位是五六七八。确认请按一，重新输入请按二。");
    assert_eq!(caller.press("1"), [QUESTION, TONE].concat());
    let Then::Record { longest, finish, .. } = caller.heard.then.clone() else { panic!("{:?}", caller.heard) };
    assert_eq!((longest, finish.as_str()), (120, "#"));
    assert_eq!(caller.speak_nothing(), ["抱歉，没有录到您的声音。", QUESTION, TONE].concat());
    assert_eq!(caller.speak(9), REVIEW);
    assert_eq!(caller.press("2"), [QUESTION, TONE].concat());
    assert_eq!(caller.speak(41), REVIEW);
    let sent = caller.press("1").to_owned();
    let number = number_in(&sent);
    assert!(sent.starts_with("您的留言已经收到，编号是") && sent.ends_with(&[WHEN, AFTER].concat()), "{sent}");
    assert_eq!(caller.press("1"), sent);
    assert_eq!(caller.press("*"), MENU);
    assert_eq!(caller.press("4"), ENTER);
    let told = "您的留言已于二零二六年七月三日收到，正在等待处理。";
    assert_eq!(caller.press(&format!("{number}#")), [told, AFTER].concat());
    assert_eq!(caller.press("1"), [told, AFTER].concat());
    assert_eq!(caller.press("9"), GOODBYE);
    caller.hang_up();
    assert_eq!(listed(&hotline.setup), [left("message", "5678", 41)]);
    let audit = ["message_recorded", "message_discarded", "message_recorded", "message_left"];
    assert_eq!(hotline.setup.audit(), audit);
}

#[test]
fn a_complaint_with_the_callers_own_number_and_a_suggestion_with_none() {
    let hotline = shipped(NOON);
    let mut caller = hotline.dial("CA-complaint");
    caller.press_all(&["5", "2"]);
    assert_eq!(caller.press("1"), ["请说明您要投诉的单位、时间和经过。", TONE].concat());
    assert_eq!(caller.speak(60), REVIEW);
    assert!(caller.press("1").starts_with("您的留言已经收到，编号是"));
    hotline.clock.advance(Duration::from_mins(1));
    let own = "您现在使用的号码，后四位八零零零，请按一。其他号码，请按二。不留电话号码，请按三。";
    assert_eq!(caller.press_all(&["*", "3"]), [WHICH, own, KEYS].concat());
    assert_eq!(caller.press("3"), ["请说出您的建议。", TONE].concat());
    caller.speak(5);
    let thanks = caller.press("1").to_owned();
    let number = number_in(&thanks);
    assert!(thanks.starts_with("感谢您的建议，编号是") && !thanks.contains("答复您"), "{thanks}");
    assert_eq!(listed(&hotline.setup), [left("complaint", "8000", 60), left("suggestion", "none", 5)]);
    assert_eq!(caller.press_all(&["*", "4", &format!("{number}#")]).chars().take(5).collect::<String>(), "您的留言已");
}

/// A withheld number is not offered; for a suggestion, none is needed.
#[test]
fn whoever_withholds_their_number_keys_one() {
    let hotline = shipped(NOON);
    let mut caller = Caller::dial_from(hotline.wire.clone(), "CA-withheld", "anonymous");
    assert_eq!(caller.press_all(&["5", "1"]), PHONE);
    assert_eq!(caller.press("*#"), MENU);
    let choice = "留下电话号码，请按一。不留电话号码，请按二。";
    assert_eq!(caller.press("3"), [WHICH, choice, KEYS].concat());
    assert_eq!(caller.press("1"), PHONE);
}

#[test]
fn only_the_star_takes_a_recording_back() {
    let hotline = shipped(NOON);
    let mut discards = hotline.dial("CA-discards");
    discards.press_all(&["5", "1", "1"]);
    discards.speak(7);
    assert_eq!(discards.press("*"), ["您的留言已经取消，没有发送。", MENU].concat());
    discards.hang_up();
    assert_eq!(listed(&hotline.setup), []);
    // What the platform tells beside the call, late, brings it back no more.
    let Then::Record { beside, .. } = crate::support::caller::spoken(&discards.sent[3].answer).then else { panic!() };
    let url = discards.recording(4);
    let form = discards.form(&[("RecordingUrl", &url), ("RecordingDuration", "7"), ("RecordingStatus", "completed")]);
    assert_eq!(hotline.wire.post(&beside, &form).status, 204);
    assert_eq!(listed(&hotline.setup), []);

    let mut silent = hotline.dial("CA-silent");
    silent.press_all(&["5", "1", "1"]);
    silent.speak(8);
    silent.silence();
    silent.silence();
    let nothing = "抱歉，没有收到您的按键。";
    assert_eq!(silent.silence(), [nothing, "您的留言已经保存，工作人员会处理。", GOODBYE].concat());
    hotline.clock.advance(Duration::from_mins(1));
    let mut person = hotline.dial("CA-person");
    person.press_all(&["5", "1", "1"]);
    person.speak(9);
    assert!(person.press("0").starts_with(CLOSED));
    person.hang_up();
    until("both are with the staff", || listed(&hotline.setup).len() == 2);
    assert_eq!(listed(&hotline.setup), [left("message", "8000", 8), left("message", "8000", 9)]);
}

#[test]
fn when_nobody_answers_a_message_is_offered_where_the_line_takes_any() {
    let hotline = shipped(NOON);
    let hours = "人工服务时间，周一至周五，八点三十分到十一点三十分。人工服务时间，周一至周五，十三点到十七点。";
    let offer = "您也可以留言，请在主菜单按五。";
    assert_eq!(hotline.dial("CA-closed").press("0"), [CLOSED, hours, offer, MAIN].concat());
    let open = shipped(OPEN);
    let mut caller = open.dial("CA-open");
    caller.press("0");
    assert_eq!(caller.transferred("no-answer"), ["抱歉，人工座席暂时无法接听，请稍后再试。", offer, MAIN].concat());
    // A line without: nothing is offered that there is not.
    let line = std::fs::read_to_string(crate::support::line::project("config/lines/12333.toml")).unwrap();
    let (before, rest) = line.split_once("[menu.messages]").unwrap();
    let (_, after) = rest.split_once("# What is told to everyone").unwrap();
    let without = format!("{before}# What is told to everyone{after}")
        .replace("    { key = 5, say = \"main.messages\", go = \"menu:messages\" },\n", "");
    let without = crate::support::line::line(&without);
    let (state, _) = without.step(without.start(), Event::Dialled(Dialled::default()), NOON.parse().unwrap());
    let zero = Event::Keys(Keys::new(vec![Key::Digit(0)], false));
    let (_, turn) = without.step(state, zero, NOON.parse().unwrap());
    assert!(turn.say.iter().all(|prompt| prompt.id() != "person.leave-message"));
}

/// Says how far staff are, to whoever knows the number; and no more to whoever tries numbers.
#[test]
fn progress_follows_the_staff_and_nobody_walks_through_numbers() {
    let hotline = shipped(NOON);
    let mut caller = hotline.dial("CA-progress");
    caller.press_all(&["5", "1", "1"]);
    caller.speak(20);
    let sent = caller.press("1").to_owned();
    let number = number_in(&sent);
    caller.press("*");
    let asks = |caller: &mut Caller| {
        let heard = caller.press_all(&["4", &format!("{number}#")]).to_owned();
        caller.press("*");
        heard
    };
    let by = |command: &str| run(&hotline.setup, &["messages", command, &number, "--by", "counter 3"]);
    for (command, state, told) in
        [("take", "taken", "开始处理，正在办理中。"), ("answer", "answered", "答复。"), ("close", "closed", "办结。")]
    {
        assert_eq!(by(command), format!("exit code 0\n--- out\n{number} is {state}\n"));
        assert_eq!(by(command), format!("exit code 1\n--- err\n{number} is {state} already\n"));
        let heard = asks(&mut caller);
        assert!(heard.contains(told), "{heard}");
    }
    assert_eq!(by("take"), format!("exit code 1\n--- err\n{number} is closed already\n"));
    let audit = hotline.setup.audit();
    assert_eq!(audit[2..], ["message_taken", "message_answered", "message_closed"]);

    // Three that there are not, in one call.
    let unknown = "抱歉，没有查到这个编号的留言。";
    let others: Vec<String> = (0..12)
        .map(|n| MessageNumber::new(n).as_str().to_owned())
        .filter(|other| *other != number)
        .map(|other| other + "#")
        .collect();
    assert!(caller.press_all(&["4", &others[0]]).starts_with(unknown));
    assert!(caller.press(&others[1]).starts_with(unknown));
    caller.press("*#");
    assert!(caller.press_all(&["4", &others[2]]).starts_with(unknown));
    let used_up = "抱歉，查询次数已经用完，请核对编号，稍后再来电查询。";
    assert_eq!(caller.press(&others[3]), [used_up, MENU].concat());
    // Ten of one caller in a day, in however many calls; even one that there is finds nothing then.
    for n in 0..2 {
        let mut again = hotline.dial(&format!("CA-again-{n}"));
        again.press_all(&["5", "4", &others[3], &others[4]]);
        again.press_all(&["*#", "4", &others[5]]);
    }
    let mut last = hotline.dial("CA-last");
    assert!(last.press_all(&["5", "4", &others[6]]).starts_with(unknown));
    assert_eq!(last.press(&format!("{number}#")), [used_up, MENU].concat());
    let mut other = Caller::dial_from(hotline.wire.clone(), "CA-other", "+8613900139000");
    assert!(other.press_all(&["5", "4", &format!("{number}#")]).contains("办结。"));
    // A slip is no try: the check digit tells.
    let slip = format!("{}{}#", &number[..7], (number.as_bytes()[7] - b'0' + 1) % 10);
    assert!(other.press_all(&["*", "4", &slip]).starts_with("您输入的号码可能有一位按错了"));
}

#[test]
fn staff_list_and_show() {
    let setup = Setup::new();
    let served = setup.serve();
    let mut caller = Caller::dial(&served, "CA-staff");
    caller.press_all(&["5", "1", "2", "13700137123#", "1"]);
    caller.speak(33);
    let number = number_in(caller.press("1"));
    let recording = caller.recording(6);
    let list = run(&setup, &["messages", "list", "--open"]);
    assert!(list.contains(&format!("{number}  message     received")) && list.contains(" 7123 "), "{list}");
    assert!(!list.contains("13700137123") && !list.contains("Recordings"), "{list}");
    assert_eq!(setup.audit(), ["message_recorded", "message_left"], "a listing discloses nothing");
    let show = run(&setup, &["messages", "show", &number, "--by", "counter 3"]);
    assert!(show.contains("phone         13700137123\n"), "{show}");
    assert!(show.contains(&format!("recording     {recording}\n")) && show.contains("note          none\n"), "{show}");
    let note = ["messages", "answer", &number, "--by", "counter 3", "--note", "已电话答复"];
    assert_eq!(run(&setup, &note), format!("exit code 0\n--- out\n{number} is answered\n"));
    let show = run(&setup, &["messages", "show", &number, "--by", "counter 3"]);
    assert!(show.contains("note          已电话答复\n"), "{show}");
    let audit = ["message_recorded", "message_left", "message_shown", "message_answered", "message_shown"];
    assert_eq!(setup.audit(), audit);
    assert_eq!(listed(&setup).len(), 1);
    assert_eq!(run(&setup, &["messages", "list", "--open", "--kind", "complaint"]).lines().count(), 3);
    let unknown = MessageNumber::new(u32::from(number == "00000007"));
    let unknown = run(&setup, &["messages", "show", unknown.as_str(), "--by", "counter 3"]);
    assert!(unknown.starts_with("exit code 1\n--- err\nthere is no message 0000000"), "{unknown}");
    let verify = run(&setup, &["audit", "verify"]);
    assert!(verify.starts_with("exit code 0\n"), "{verify}");
    // Nothing of it lies on the disk to be read.
    for (name, bytes) in setup.bytes() {
        let text: String = bytes.iter().map(|&b| char::from(b)).collect();
        assert!(!text.contains("13700137123") && !text.contains("Recordings/RE"), "{name}");
    }
}

/// The recording, sent, six times at once and after a kill: one message, the same words.
#[test]
fn copies_and_kills_leave_one_message() {
    let setup = Setup::new();
    let mut served = setup.serve();
    let mut caller = Caller::dial(&served, "CA-copies");
    caller.press_all(&["5", "1", "1"]);
    caller.speak(15);
    let at_once = |caller: &Caller| {
        let sent = caller.sent.last().unwrap().clone();
        std::thread::scope(|scope| {
            let copies: Vec<_> = (0..6).map(|_| scope.spawn(|| caller.wire.post(&sent.path, &sent.form))).collect();
            for copy in copies {
                assert_eq!(copy.join().unwrap().body, sent.answer.body);
            }
        });
    };
    at_once(&caller);
    served.kill();
    served = setup.serve();
    caller.wire = Wire::from(&served);
    at_once(&caller);
    let sent = caller.press("1").to_owned();
    at_once(&caller);
    served.kill();
    served = setup.serve();
    caller.wire = Wire::from(&served);
    at_once(&caller);
    assert_eq!(caller.press("1"), sent);
    assert_eq!(listed(&setup), [left("message", "8000", 15)]);
    assert_eq!(setup.audit(), ["message_recorded", "message_left"]);
}

/// Hung up while recording: told in whatever order, by whichever of the platform's ways, by one node or another.
#[test]
fn what_was_recorded_outlives_its_call() {
    let setup = Setup::new();
    let nodes = [setup.serve(), setup.serve()];
    let ways: [&[&str]; 7] = [
        &["action"],
        &["beside"],
        &["action", "end"],
        &["end", "action"],
        &["end", "beside", "action"],
        &["beside", "end", "action", "beside"],
        &["end", "action", "end", "beside"],
    ];
    for (n, way) in ways.iter().enumerate() {
        let mut caller = Caller::dial(&nodes[0], &format!("CA-hangs-up-{n}"));
        caller.press_all(&["5", "1", "1"]);
        let Then::Record { path, beside, .. } = caller.heard.then.clone() else { panic!() };
        let url = caller.recording(0);
        let seconds = (n + 1).to_string();
        let recording = [("RecordingUrl", url.as_str()), ("RecordingDuration", seconds.as_str())];
        for (step, event) in way.iter().enumerate() {
            let wire = Wire::from(&nodes[step % 2]);
            match *event {
                "action" => {
                    let form =
                        caller.form(&[&recording[..], &[("Digits", "hangup"), ("CallStatus", "completed")]].concat());
                    crate::support::caller::spoken(&wire.post(&path, &form));
                }
                "beside" => {
                    let form = caller.form(&[&recording[..], &[("RecordingStatus", "completed")]].concat());
                    assert_eq!(wire.post(&beside, &form).status, 204);
                }
                _ => {
                    let form = caller.form(&[("CallStatus", "completed")]);
                    assert_eq!(wire.post("/twilio/status", &form).status, 204);
                }
            }
        }
        if !way.contains(&"end") {
            caller.hang_up();
        }
        until("it is with the staff", || listed(&setup).len() == n + 1);
        assert_eq!(listed(&setup)[n], left("message", "8000", n as u64 + 1), "{way:?}");
    }
    let audit = setup.audit();
    for event in ["message_recorded", "message_left"] {
        assert_eq!(audit.iter().filter(|e| *e == event).count(), ways.len(), "{event}");
    }
}

/// A recording that is told beside a call that goes on changes nothing in it.
#[test]
fn a_recording_told_beside_the_call_leaves_the_call_alone() {
    let hotline = shipped(NOON);
    let mut caller = hotline.dial("CA-beside");
    caller.press_all(&["5", "1", "1"]);
    let Then::Record { beside, .. } = caller.heard.then.clone() else { panic!() };
    let url = caller.recording(caller.sent.len());
    let form = caller.form(&[("RecordingUrl", &url), ("RecordingDuration", "6"), ("RecordingStatus", "completed")]);
    assert_eq!(hotline.wire.post(&beside, &form).status, 204);
    assert_eq!(listed(&hotline.setup), [], "its caller has not decided");
    assert_eq!(caller.speak(6), REVIEW);
    assert_eq!(hotline.wire.post(&beside, &form).status, 204);
    assert!(caller.press("1").starts_with("您的留言已经收到"));
    assert_eq!(hotline.wire.post(&beside, &form).status, 204);
    assert_eq!(listed(&hotline.setup), [left("message", "8000", 6)]);
    assert_eq!(hotline.setup.audit(), ["message_recorded", "message_left"]);
}

#[test]
fn a_recording_that_cannot_be_kept_is_told() {
    let setup = Setup::new().env("STORE__DEADLINE", "300ms");
    let served = setup.serve();
    let mut caller = Caller::dial(&served, "CA-away");
    caller.press_all(&["5", "1", "1"]);
    let Then::Record { beside, .. } = caller.heard.then.clone() else { panic!() };
    let mut at_the_tone = caller.clone();
    let url = caller.recording(caller.sent.len());
    let form = caller.form(&[("RecordingUrl", &url), ("RecordingDuration", "6"), ("RecordingStatus", "completed")]);
    wait(async {
        let mut holder = setup.database().await;
        sqlx::Executor::execute(&mut holder, "BEGIN EXCLUSIVE").await.unwrap();
        assert_eq!(caller.speak(6), ["抱歉，系统繁忙，您的留言没有保存，请稍后再试。", MAIN].concat());
        assert_eq!(caller.wire.post(&beside, &form).status, 503, "to be told again");
        sqlx::Executor::execute(&mut holder, "ROLLBACK").await.unwrap();
    });
    assert_eq!(at_the_tone.speak(6), REVIEW, "the platform's repeat is taken");
}

/// In a terminal, where nobody hears a tone.
#[test]
fn dial_records_too() {
    let setup = Setup::new();
    let output =
        setup.command(&["dial", "--in-process", "5", "1", "13700137123#", "1", "12", "1", "9"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("— recording, 120 s at most: how many seconds you speak, nothing, or \"hang up\" —"),
        "{text}"
    );
    assert!(text.contains("您的留言已经收到，编号是") && text.contains("— the hotline has hung up —"), "{text}");
    assert_eq!(listed(&setup), [left("message", "7123", 12)]);
}

// ---- the dialog of those who leave the queue ----

/// Steps to where the world is asked, and answers it.
fn answered(
    flow: &Flow,
    (state, turn): (State, hotline::dialog::Turn),
    answer: MessageAnswer,
) -> (State, hotline::dialog::Turn) {
    assert!(matches!(turn.next, Next::Ask(Request::Message(_))));
    flow.step(state, Event::Answer(Answer::Message(answer)), NOON.parse().unwrap())
}

#[test]
fn a_callback_keeps_the_time_since_when_its_caller_has_waited() {
    let flow = line_12333();
    let since: Timestamp = "2026-07-03T03:40:00Z".parse().unwrap();
    let dialled = flow.step(flow.start(), Event::Dialled(Dialled::default()), NOON.parse().unwrap()).0;
    let (state, turn) = answered(&flow, flow.callback(dialled, since), MessageAnswer::Number(None));
    assert_eq!(
        turn.say.iter().map(Prompt::id).collect::<Vec<_>>(),
        ["message.enter-phone", "queue.no-call-back", "keys.entry"]
    );
    let keys = Event::Keys(Keys::parse("13700137123", true).unwrap());
    let sealed = hotline::member::phone_number::Callable {
        phone: SealedPhone([1; 28].into()),
        tail: hotline::member::tail::Tail::of("7123").unwrap(),
    };
    let (state, turn) =
        answered(&flow, flow.step(state, keys, NOON.parse().unwrap()), MessageAnswer::Number(Some(sealed)));
    assert_eq!(turn.say[0].id(), "sign-in.confirm");
    let one = Event::Keys(Keys::new(vec![Key::Digit(1)], false));
    let (state, turn) = flow.step(state, one, NOON.parse().unwrap());
    let Next::Ask(Request::Message(MessageRequest::CallBack { since: kept, .. })) = &turn.next else {
        panic!("{turn:?}")
    };
    assert_eq!(*kept, Some(since));
    let number = MessageNumber::new(42);
    let (state, turn) = answered(&flow, (state, turn), MessageAnswer::Sent(number));
    assert_eq!(turn.say[0].id(), "message.callback");
    assert_eq!(turn.say[0].values(), [Value::Number(number), Value::Count(1)]);
    assert_eq!(state.place.name(), "message.sent");
}

// ---- the store, on both engines ----

on_both_engines!(
    a_recording_is_one_message_by_whatever_way_it_comes,
    callbacks_are_listed_in_the_order_of_waiting,
    what_was_left_behind_is_sent_and_what_was_closed_is_forgotten,
    two_of_the_staff_do_not_take_the_same_message,
    numbers_that_there_are_not_are_counted,
);

fn about() -> About {
    About { line: "12333".into(), language: Language::Mandarin, signed_in: true }
}

fn keep(reference: &str, phone: Option<SealedPhone>) -> Request {
    let recording = Recording { reference: Secret::new(reference), seconds: 5 };
    let (kind, instead) = (MessageKind::Message, None);
    Request::Message(MessageRequest::Keep(Kept { kind, phone, recording, instead, about: about() }))
}

async fn own_number(services: &Services, call: &Call) -> SealedPhone {
    match services.perform(call, 0, Request::Message(MessageRequest::OwnNumber)).await {
        Answer::Message(MessageAnswer::Number(Some(own))) => own.phone,
        other => panic!("{other:?}"),
    }
}

fn kept(answer: &Answer) -> MessageNumber {
    let Answer::Message(MessageAnswer::Kept(number)) = answer else { panic!("{answer:?}") };
    *number
}

async fn a_recording_is_one_message_by_whatever_way_it_comes(bed: Bed) {
    let (services, call) = (bed.services(), call("A"));
    let phone = own_number(&services, &call).await;
    assert_eq!(own_number(&services, &call).await, phone, "the same bytes each time");
    let first = services.perform(&call, 4, keep("R1", Some(phone.clone()))).await;
    let number = kept(&first);
    let copies = (0..8).map(|_| {
        let (services, call, phone) = (services.clone(), call.clone(), phone.clone());
        tokio::spawn(async move { services.perform(&call, 4, keep("R1", Some(phone))).await })
    });
    for copy in copies.collect::<Vec<_>>() {
        assert_eq!(copy.await.unwrap(), first);
    }
    // Another recording in the same turn is another question.
    assert_eq!(services.perform(&call, 4, keep("R2", Some(phone.clone()))).await, Answer::Superseded);
    assert_eq!(bed.store.messages().await.unwrap(), [], "its caller has not decided");
    assert_eq!(
        services.perform(&call, 5, Request::Message(MessageRequest::Progress(number))).await,
        Answer::Message(MessageAnswer::Progress(None))
    );
    let send = || Request::Message(MessageRequest::Send(number));
    for _ in 0..2 {
        assert_eq!(services.perform(&call, 8, send()).await, Answer::Message(MessageAnswer::Sent(number)));
    }
    services.end_call(&call, CallEnd::Completed).await;
    services.end_call(&call, CallEnd::Completed).await;
    assert_eq!(services.perform(&call, 8, send()).await, Answer::CallEnded);
    assert_eq!(services.perform(&call, 4, keep("R1", Some(phone.clone()))).await, Answer::CallEnded);
    // One that is told of after the end goes to the staff at once.
    assert_eq!(services.perform(&call, 12, keep("R3", Some(phone.clone()))).await, Answer::CallEnded);
    assert_eq!(services.perform(&call, 12, keep("R3", Some(phone.clone()))).await, Answer::CallEnded);
    let messages = bed.store.messages().await.unwrap();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages.iter().filter(|message| message.number == number).count(), 1);
    assert!(messages.iter().all(|m| m.state == MessageState::Received && m.signed_in && m.seconds == 5));
    let events = ["message_recorded", "message_left", "message_recorded", "message_left"];
    assert_eq!(bed.events().await, events);
    // A number sealed for one call opens in no other.
    assert_eq!(services.perform(&call_from("B", "1"), 4, keep("R4", Some(phone))).await, Answer::Unavailable);
    let shown = bed.store.show_message(number, "counter 3").await.unwrap().unwrap();
    assert_eq!(shown.phone.unwrap().expose(), "13800000001");
    assert_eq!(shown.recording.unwrap().expose(), "R1");
    assert_eq!(bed.events().await.last().map(String::as_str), Some("message_shown"));
    bed.store.verify(&hotline::store::audit::Anchors::default()).await.unwrap();
}

async fn callbacks_are_listed_in_the_order_of_waiting(bed: Bed) {
    let services = bed.services();
    for (id, minutes) in [("A", 10), ("B", 30), ("C", 20)] {
        let call = call(id);
        let phone = own_number(&services, &call).await;
        let since = Some(bed.clock.now() - jiff::SignedDuration::from_mins(minutes));
        let ask = || Request::Message(MessageRequest::CallBack { phone: phone.clone(), since, about: about() });
        let first = services.perform(&call, 4, ask()).await;
        assert!(matches!(first, Answer::Message(MessageAnswer::Sent(_))), "{first:?}");
        assert_eq!(services.perform(&call, 4, ask()).await, first);
        bed.clock.advance(Duration::from_secs(1));
    }
    let waited: Vec<_> = bed
        .store
        .messages()
        .await
        .unwrap()
        .iter()
        .map(|m| (m.kind, m.received.as_second() - m.since.unwrap().as_second()))
        .collect();
    assert_eq!(waited, [30, 20, 10].map(|minutes| (MessageKind::Callback, minutes * 60)));
    assert_eq!(bed.events().await, ["callback_asked"; 3]);
}

async fn what_was_left_behind_is_sent_and_what_was_closed_is_forgotten(bed: Bed) {
    let (services, call) = (bed.services(), call("A"));
    let number = kept(&services.perform(&call, 4, keep("R1", None)).await);
    services.sweep().await.unwrap();
    assert_eq!(bed.store.messages().await.unwrap(), []);
    bed.clock.advance(Duration::from_hours(2));
    services.sweep().await.unwrap();
    services.sweep().await.unwrap();
    assert_eq!(bed.store.messages().await.unwrap().len(), 1);
    assert_eq!(bed.events().await, ["message_recorded", "message_left"]);
    let closed = bed.store.change_message(number, MessageState::Closed, Some("done"), "counter 3").await;
    assert_eq!(closed, Ok(Changed::Done));
    bed.clock.advance(Duration::from_hours(199 * 24));
    services.sweep().await.unwrap();
    assert_eq!(bed.store.messages().await.unwrap().len(), 1);
    bed.clock.advance(Duration::from_hours(2 * 24));
    services.sweep().await.unwrap();
    assert_eq!(bed.number("SELECT COUNT(*) FROM messages").await, 0);
    assert_eq!(bed.store.show_message(number, "counter 3").await.unwrap().map(|_| ()), None);
    assert_eq!(bed.store.change_message(number, MessageState::Taken, None, "x").await, Ok(Changed::Unknown));
}

async fn two_of_the_staff_do_not_take_the_same_message(bed: Bed) {
    let (services, call) = (bed.services(), call("A"));
    let number = kept(&services.perform(&call, 4, keep("R1", None)).await);
    services.end_call(&call, CallEnd::Completed).await;
    let both = (0..2).map(|n| {
        let store = bed.store.clone();
        tokio::spawn(
            async move { store.change_message(number, MessageState::Taken, None, &format!("counter {n}")).await },
        )
    });
    let mut done = 0;
    for taken in both.collect::<Vec<_>>() {
        match taken.await.unwrap() {
            Ok(Changed::Done) => done += 1,
            Ok(Changed::NotFrom(MessageState::Taken)) | Err(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(done, 1);
    assert_eq!(bed.events().await, ["message_recorded", "message_left", "message_taken"]);
    let at = bed.clock.now();
    let asked = services
        .perform(&call_from("B", "+8613900000002"), 4, Request::Message(MessageRequest::Progress(number)))
        .await;
    assert_eq!(asked, Answer::Message(MessageAnswer::Progress(Some(Progress { state: MessageState::Taken, at }))));
}

async fn numbers_that_there_are_not_are_counted(bed: Bed) {
    let services = bed.services();
    let unknown = Answer::Message(MessageAnswer::Progress(None));
    let none_left = Answer::Message(MessageAnswer::NoTryLeft);
    let ask = |n: u32| Request::Message(MessageRequest::Progress(MessageNumber::new(n)));
    let withheld = |id: &str| Call { dialect: "test", id: id.into(), caller: From::Withheld, dialled: "12333".into() };
    // A repeated webhook is no second try.
    for turn in [4, 4, 8, 8, 12, 12] {
        assert_eq!(services.perform(&call("A"), turn, ask(turn.into())).await, unknown);
    }
    assert_eq!(services.perform(&call("A"), 16, ask(16)).await, none_left);
    for (n, expected) in [(0, 3), (1, 3), (2, 1), (3, 0)] {
        let mut found = 0;
        for turn in [4, 8, 12_u16] {
            let answer = services.perform(&call(&format!("B{n}")), turn, ask(turn.into())).await;
            found += i32::from(answer == unknown);
            assert!(answer == unknown || answer == none_left);
        }
        assert_eq!(found, expected, "ten of one caller in a day, three of them above");
    }
    assert_eq!(services.perform(&withheld("C"), 4, ask(4)).await, unknown);
    bed.clock.advance(Duration::from_hours(25));
    assert_eq!(services.perform(&call("D"), 4, ask(4)).await, unknown, "the next day");
    services.sweep().await.unwrap();
    assert_eq!(bed.number("SELECT COUNT(*) FROM message_looks").await, 2);
}
