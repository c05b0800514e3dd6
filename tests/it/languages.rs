//! Mandarin, Cantonese, English: the choice, and what is heard after it.

use hotline::dialog::explore::{Exploration, Finding, Rule, explore};
use hotline::dialog::{Dialled, Event, Flow, Misses, Next, Place, State, Turn};
use hotline::secret::{Key, Keys};
use hotline::speech::language::Language;
use jiff::Timestamp;
use serde_json::Value;

use crate::calls::{GREETING, MAIN, NOON, OPEN};
use crate::support::caller::{InProcess, Then};
use crate::support::line::{in_every_language, line, line_12333, wording};
use crate::support::served::{BROWSER_TOKEN, People, Setup, line_with};

const WELCOME: &str = "您好，欢迎致电幺二三三三人力资源和社会保障服务热线。";
const CHOICE: &str = "普通话请按一。粤语请按二。For English, press three.";
const ENGLISH: &str =
    "To speak to a person at any time, press zero. To help us serve you better, this call may be recorded.";

/// With nobody old enough to be spoken to slowly.
fn every_language(now: &str) -> InProcess {
    InProcess::new(Setup::new().line(&in_every_language().replace("age = 65", "age = 120")), now)
}

#[test]
fn a_balance_in_english() {
    let hotline = every_language(NOON);
    let mut caller = hotline.dial("CA-english");
    assert_eq!(caller.heard.said, [WELCOME, CHOICE].concat());
    let main = caller.press("3").to_owned();
    assert!(main.starts_with(&format!("{ENGLISH} For your medical insurance account, press one. ")), "{main}");
    caller.press_all(&["1", "1"]);
    assert_eq!(
        caller.press("11010519491231002*#"),
        "The last four characters of the number you entered are zero zero two X. To confirm, press one. To enter it \
         again, press two."
    );
    caller.press_all(&["1", "739154#"]);
    assert_eq!(
        caller.press("1"),
        "Please make sure that nobody around you can listen in. The balance of your medical insurance personal account \
         is one thousand ten point zero five yuan. Of this, three hundred ten point zero five yuan is from this year, and \
         seven hundred yuan is from earlier years. This is as of June thirtieth, twenty twenty-six. To hear this again, \
         press one. For your transactions, press two. To go back, press the star key. To hear this again, press the pound \
         key. For a person, press zero."
    );
    assert_eq!(
        caller.press("9"),
        "Please rate this service. If you are very satisfied, press one. If you are satisfied, press two. If it was fair, \
         press three. If you are not satisfied, press four."
    );
    assert_eq!(caller.press("1"), "Thank you for your rating. Thank you for calling. Goodbye.");
    assert_eq!(caller.heard.then, Then::HangUp);
    assert_eq!(hotline.setup.audit(), ["pin_try", "sign_in_ok", "read_personal_balance", "rated"]);
}

#[test]
fn a_balance_in_cantonese() {
    let hotline = every_language(NOON);
    let mut caller = hotline.dial("CA-cantonese");
    let main = caller.press("2").to_owned();
    assert!(
        main.starts_with("任何时候需要人工服务，请按零。为保证服务质素，本次通话可能会被录音。医保账户查询，请按一。"),
        "{main}"
    );
    caller.press_all(&["1", "1"]);
    assert_eq!(caller.press("11010519491231002*#"), "您输入嘅号码后四位系零零二X。确认请按一，重新输入请按二。");
    caller.press_all(&["1", "739154#"]);
    let balance = "请确认周围环境安全。您嘅医保个人账户余额为一千零一十元零五分，其中本年账户三百一十元零五分，历年账户七百元整，截至二零二六年六月三十日。";
    assert!(caller.press("1").starts_with(balance), "{}", caller.heard.said);
    assert_eq!(
        caller.press("9"),
        "请您对本次服务作出评价。非常满意，请按一。满意，请按二。一般，请按三。唔满意，请按四。"
    );
    assert_eq!(caller.press("9"), "多谢您嘅来电，再见。");
}

/// The total, then its parts; the statement one by one.
#[test]
fn a_balance_to_an_older_caller() {
    let hotline = InProcess::new(Setup::new().line(&in_every_language()), NOON);
    let mut caller = hotline.dial("CA-older-cantonese");
    caller.press_all(&["2", "1", "1", "11010519491231002*#", "1", "739154#"]);
    let keys = "返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。";
    let total = "请确认周围环境安全。您嘅医保个人账户余额为一千零一十元零五分，截至二零二六年六月三十日。";
    let choices = "重听，请按一。收支明细，请按二。本年同历年账户余额，请按三。";
    assert_eq!(caller.press("1"), [total, choices, keys].concat());
    let parts = "您嘅个人账户余额之中，本年账户三百一十元零五分，历年账户七百元整，截至二零二六年六月三十日。";
    assert_eq!(caller.press("3"), [parts, "重听，请按一。收支明细，请按二。", keys].concat());
    assert!(caller.press_all(&["2", "3"]).ends_with(&["下一笔，请按一。重听呢一笔，请按三。", keys].concat()));
    let mut caller = hotline.dial("CA-older-english");
    caller.press_all(&["3", "1", "1", "11010519491231002*#", "1", "739154#"]);
    assert!(caller.press("1").starts_with(
        "Please make sure that nobody around you can listen in. The balance of your medical insurance personal account \
         is one thousand ten point zero five yuan, as of June thirtieth, twenty twenty-six. To hear this again, press one. \
         For your transactions, press two. For the parts from this year and from earlier years, press three. "
    ));
    assert!(caller.press("3").starts_with(
        "Of your personal account balance, three hundred ten point zero five yuan is from this year, and seven hundred \
         yuan is from earlier years. This is as of June thirtieth, twenty twenty-six. To hear this again, press one. "
    ));
    let one = "For the next one, press one. For the previous one, press two. To hear this one again, press three. ";
    assert!(caller.press_all(&["2", "3", "1"]).contains(one), "{}", caller.heard.said);
}

/// Each language by its own voice, the choice too.
#[test]
fn each_language_has_its_voice() {
    let hotline = every_language(NOON);
    let mut caller = hotline.dial("CA-voices");
    insta::assert_snapshot!("choice", caller.markup().replace("><", ">\n<"));
    caller.press("3");
    let markup = caller.markup();
    assert!(markup.contains(r#"<Say language="en-US" voice="Polly.Joanna-Neural">"#), "{markup}");
    assert!(!markup.contains("cmn-CN") && !markup.contains("yue-HK"), "{markup}");
}

#[test]
fn silence_is_the_first_language() {
    let hotline = every_language(NOON);
    let mut caller = hotline.dial("CA-silence");
    assert_eq!([WELCOME, caller.silence()].concat(), [GREETING, MAIN].concat());
    let mut other = hotline.dial("CA-one");
    assert_eq!(other.press("1"), caller.heard.said);
}

#[test]
fn a_wrong_key_is_asked_again_and_then_led_on() {
    let hotline = every_language(OPEN);
    let mut caller = hotline.dial("CA-wrong");
    assert_eq!(caller.press("7"), ["抱歉，这里没有这个选项。", CHOICE].concat());
    assert!(caller.press("7").ends_with(CHOICE));
    caller.press("7");
    assert!(matches!(caller.heard.then, Then::Dial { .. }), "the third time a person");
    let mut caller = hotline.dial("CA-back");
    assert_eq!(caller.press("*"), CHOICE);
    assert_eq!(caller.press("#"), CHOICE);
    caller.press("0");
    assert!(matches!(caller.heard.then, Then::Dial { .. }));
    assert_eq!(hotline.dial("CA-bye").press("9"), "感谢您的来电，再见。");
}

/// Who pressed the wrong one is not left in a language they do not speak.
#[test]
fn from_the_main_menu_back_to_the_choice() {
    let hotline = every_language(NOON);
    let mut caller = hotline.dial("CA-slip");
    caller.press("3");
    assert_eq!(caller.press("*"), CHOICE);
    assert_eq!(caller.press("1"), MAIN, "the greeting is not said twice");
    assert_eq!(caller.press_all(&["*", "2"]), cantonese_main(&hotline));
}

fn cantonese_main(hotline: &InProcess) -> String {
    let mut caller = hotline.dial("CA-cantonese-main");
    caller.press("2");
    caller.press("#").to_owned()
}

/// The number dialled is the platform's `+861012333` in every test.
#[test]
fn a_number_may_tell_the_language() {
    let text = in_every_language().replacen("dialled = [\"*\"]", "dialled = [\"*\", \"1012333\", \"12333\"]", 1);
    let text =
        text.replacen("language_of = {}", "language_of = { \"1012333\" = \"en-US\", \"12333\" = \"yue-CN\" }", 1);
    let hotline = InProcess::new(Setup::new().line(&text), NOON);
    let welcome = "Hello. You have reached one two three three three, the human resources and social security hotline.";
    let heard = hotline.dial("CA-number").heard.said;
    assert!(heard.starts_with(&format!("{welcome} {ENGLISH} For your")), "{heard}");
}

#[test]
fn the_json_way_in_may_tell_the_language() {
    let hotline = every_language(NOON);
    let dial = |body: &str| {
        let bearer = format!("Bearer {BROWSER_TOKEN}");
        let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        let answer = hotline.wire.send("POST", "/browser/call", &headers, body);
        let turn: Value = serde_json::from_str(&answer.body).unwrap();
        turn["heard"]
            .as_array()
            .unwrap()
            .iter()
            .map(|said| said["text"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(dial("{}"), [WELCOME, "普通话请按一。", "粤语请按二。", "For English, press three."]);
    assert_eq!(dial(r#"{"language": "yue-CN"}"#)[0], "您好，欢迎致电一二三三三人力资源和社会保障服务热线。");
}

/// A node that is told to speak one language only goes on with a call that was begun in another.
#[test]
fn a_language_that_is_gone_gives_way_to_the_first() {
    let flow = line_12333();
    let place = Place::Language { greeted: true, misses: Misses::default() };
    let state = State { language: Language::English, place, ..flow.start() };
    let keys = Event::Keys(Keys::new(vec![Key::Digit(1)], false));
    let (state, turn) = flow.step(state, keys, Timestamp::UNIX_EPOCH);
    assert_eq!((state.language, state.place.name()), (Language::Mandarin, "main"));
    assert!(!turn.say.is_empty());
}

/// A restart, or a webhook that failed, may bring any step to any hotline of one language.
#[test]
fn a_call_of_one_language_is_not_asked() {
    let hotline = InProcess::new(Setup::new().line(&line_with(People::Never)), NOON);
    assert_eq!(hotline.dial("CA-one").heard.said, [GREETING, MAIN].concat());
    let mut caller = hotline.dial("CA-star");
    assert_eq!(caller.press("*"), MAIN);
}

fn walk(
    step: impl Fn(&Flow, State, Event, Timestamp) -> (State, Turn),
    enough: impl Fn(&[Finding]) -> bool,
) -> Exploration {
    let flow = line(&in_every_language());
    let wordings = Language::ALL.map(wording);
    explore(&flow, &wordings.each_ref(), |state, event, now| step(&flow, state, event, now), enough)
}

#[test]
fn a_line_of_every_language_keeps_every_rule() {
    let seen = walk(Flow::step, |_| false);
    assert_eq!(seen.findings.iter().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
    assert!(seen.prompts.contains("language.option"));
    let ways: Vec<_> = seen.edges.iter().filter(|e| e.from == "language" && e.to == "main").map(|e| e.on).collect();
    assert!(["1", "2", "3", "silence"].iter().all(|on| ways.contains(on)), "{ways:?}");
    assert!(seen.edges.iter().any(|e| (e.from.as_str(), e.on, e.to.as_str()) == ("main", "*", "language")));
}

#[test]
fn a_call_that_goes_another_way_in_one_language_is_caught() {
    let broken = |flow: &Flow, state: State, event: Event, now: Timestamp| {
        let english = state.language == Language::English && matches!(state.place, Place::Pin { .. });
        let (mut state, turn) = flow.step(state, event, now);
        if english {
            state.language = Language::Mandarin;
        }
        (state, turn)
    };
    let seen = walk(broken, |findings| findings.iter().any(|f| f.rule == Rule::SameInEveryLanguage));
    assert!(seen.findings.iter().any(|f| f.rule == Rule::SameInEveryLanguage), "{:?}", seen.findings);
}

/// What is said of the choice does not depend on the language the call is held in.
#[test]
fn every_option_is_said_in_its_own_language() {
    let flow = line(&in_every_language());
    let (state, turn) = flow.step(flow.start(), Event::Dialled(Dialled::default()), Timestamp::UNIX_EPOCH);
    assert_eq!(state.place.name(), "language");
    for held_in in Language::ALL {
        let spoken: Vec<_> = turn.say.iter().map(|prompt| prompt.language(held_in)).collect();
        assert_eq!(spoken, [held_in, Language::Mandarin, Language::Cantonese, Language::English]);
    }
    assert!(matches!(turn.next, Next::Collect(collect) if collect.max == 1));
}
