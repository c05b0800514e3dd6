//! Lines are changed while calls run: what is right is taken, what is wrong is not, and no call notices but by what it
//! hears.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use hotline::call::lines::Sources;

use crate::support::caller::{Caller, InProcess, Wire};
use crate::support::line::project;
use crate::support::served::{Served, Setup, until};

const REMAINING_KEYS: &str = "重听，请按井号键；人工服务，请按零；结束通话，请按九。";
const CHANGED: &str = "菜单已经更新，为您返回主菜单。";

/// A line that is checked in a moment: what `greeting` says, and a menu of `options`.
pub fn small(greeting: &str, options: &[(&str, &str)]) -> String {
    let option =
        |(n, (say, go)): (usize, &(&str, &str))| format!("{{ key = {}, say = \"{say}\", go = \"{go}\" }}", n + 1);
    let options: Vec<_> = options.iter().enumerate().map(option).collect();
    let options = options.join(",\n    ");
    format!(
        r#"name = "12333"
dialled = ["*"]
languages = ["zh-CN"]
time_zone = "+08:00"
greeting = ["{greeting}"]

[sign_in]
numbers = ["id"]
card_rule = "digits_only"

[patience]
menu_first_key = "6s"
number_first_key = "15s"
between_keys = "5s"
misses = 3
wrong_pins = 3
transfers = 3

[person]
transfer_to = "sip:agents@pbx.invalid"
ring = "30s"
hours = []

[menu.main]
options = [
    {options},
]
after = ["main.keys"]

[answer.family]
say = ["policy.family"]

[answer.designated]
say = ["channels.designated"]
"#
    )
}

pub const FAMILY: (&str, &str) = ("policy.option.family", "answer:family");
pub const DESIGNATED: (&str, &str) = ("channels.option.designated", "answer:designated");
const OLD: &str = "greeting.welcome";
const NEW: &str = "greeting.12393";
const OLD_WORDS: &str = "您好，欢迎致电幺二三三三人力资源和社会保障服务热线。";
const NEW_WORDS: &str = "您好，欢迎致电幺二三九三医疗保障服务热线。";
const LINE: &str = "lines/12333.toml";

fn old() -> String {
    small(OLD, &[FAMILY, DESIGNATED])
}

/// What a caller who dials now is greeted with.
fn greeted(wire: impl Into<Wire>, sid: &str) -> String {
    Caller::dial(wire, sid).heard.said.split_inclusive('。').next().unwrap().to_owned()
}

fn save(setup: &Setup, file: &str, text: &str) {
    std::fs::write(setup.path().join(file), text).unwrap();
}

/// As most editors save: a new file is put in the place of the old.
fn save_by_renaming(setup: &Setup, file: &str, text: &str) {
    save(setup, "lines/.12333.toml.new", text);
    std::fs::rename(setup.path().join("lines/.12333.toml.new"), setup.path().join(file)).unwrap();
}

pub fn reloads(served: &Served, outcome: &str) -> u64 {
    let metrics = Wire::from(served).get("/metrics").body;
    let name = format!("hotline_reloads_total{{outcome=\"{outcome}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap_or(0)
}

/// Every place they stand at is gone: the bank's menus are put in the place of those of 12333.
#[test]
fn two_hundred_calls_go_on_over_a_reload() {
    let shipped = |file| std::fs::read_to_string(project("config/lines").join(file)).unwrap();
    let hotline = InProcess::new(Setup::new(), "2026-03-16T04:30:00Z");
    let entering = &["1", "1"][..];
    let signed_in = &["1", "1", "11010519491231002*#", "1", "739154#"][..];
    let mut calls: Vec<_> = (0..200)
        .map(|n| {
            let mut caller = hotline.dial(&format!("CA-live-{n}"));
            caller.press_all([&["#"][..], &["3"], &["3", "3"], entering, signed_in][n % 5]);
            caller
        })
        .collect();
    let bank = shipped("95566.toml").replace("\"95566\"", "\"12333\"").replace("[\"12333\"]", "[\"*\"]");
    save(&hotline.setup, LINE, &bank);
    let done = AtomicBool::new(false);
    let mut turns = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let reloaded = reload(&hotline);
            done.store(true, Ordering::SeqCst);
            reloaded.unwrap();
        });
        // Somebody calls and goes on all the while, and does not wait for it.
        while !done.load(Ordering::SeqCst) {
            let mut caller = hotline.dial(&format!("CA-during-{turns}"));
            assert!(caller.press("#").ends_with(REMAINING_KEYS));
            turns += 1;
        }
    });
    assert!(turns > 5, "only {turns} turns were taken meanwhile");

    let menu = "个人账户余额，请按一。收支明细，请按二。社保卡丢失或者密码问题，请按三。";
    for (n, caller) in calls.iter_mut().enumerate() {
        let heard = caller.press(["3", "3", "1", "11010519491231002*#", "1"][n % 5]);
        assert!(heard.starts_with(&[CHANGED, menu].concat()), "{n}: {heard}");
    }
    // From there the keys mean what they say, and who had signed in still is.
    assert!(calls[0].press_all(&["3", "1"]).starts_with("请先拨打幺二三三三，办理临时挂失"));
    assert!(calls[4].press("1").contains("您的医保个人账户余额为"));
}

/// What a caller heard decides what a key means, not what the file says by now.
#[test]
fn a_key_never_means_what_the_caller_has_not_heard() {
    let hotline = InProcess::new(Setup::new().line(&old()), "2026-03-16T04:30:00Z");
    let mut callers: Vec<_> = (0..4).map(|n| hotline.dial(&format!("CA-{n}"))).collect();
    save(&hotline.setup, LINE, &small(OLD, &[DESIGNATED, FAMILY]));
    reload(&hotline).unwrap();
    let menu = "定点医院和药店，请按一。家庭共济怎么用，请按二。";
    assert!(callers[0].press("1").starts_with(&[CHANGED, menu].concat()));
    assert!(callers[0].press("1").starts_with("在定点医院或者定点药店"));
    assert!(callers[1].press("#").starts_with(menu));
    assert!(callers[1].press("2").starts_with("这叫家庭共济。"));
    assert!(callers[2].press("0").starts_with("抱歉，现在不是人工服务时间。"));
    assert!(callers[3].silence().starts_with(&["抱歉，没有收到您的按键。", menu].concat()));
    // A file that says the same in other words changes nothing.
    let mut caller = hotline.dial("CA-same");
    save(&hotline.setup, LINE, &small(NEW, &[DESIGNATED, FAMILY]));
    reload(&hotline).unwrap();
    assert!(caller.press("1").starts_with("在定点医院或者定点药店"));
}

fn reload(hotline: &InProcess) -> Result<(), hotline::fault::Faults> {
    let Wire::InProcess(runtime, _) = &hotline.wire else { panic!("in process") };
    runtime.block_on(hotline.app.reload(&hotline.settings))
}

#[test]
fn what_has_a_fault_is_not_taken() {
    let hotline = InProcess::new(Setup::new().line(&old()), "2026-03-16T04:30:00Z");
    let mut caller = hotline.dial("CA-live");
    save(&hotline.setup, LINE, &small(NEW, &[FAMILY, ("channels.option.designated", "answer:nowhere")]));
    let faults = reload(&hotline).unwrap_err().0;
    let told: Vec<_> = faults.iter().map(|f| (f.line, f.problem.as_str())).collect();
    assert_eq!(
        told,
        [(Some(27), "go = \"answer:nowhere\" leads nowhere"), (Some(34), "no key leads to answer \"designated\"")]
    );
    assert_eq!(greeted(hotline.wire.clone(), "CA-next"), OLD_WORDS);
    assert!(caller.press("1").starts_with("这叫家庭共济。"));
    // No line at all is a fault too.
    std::fs::remove_file(hotline.setup.path().join(LINE)).unwrap();
    assert!(reload(&hotline).is_err());
    assert_eq!(greeted(hotline.wire.clone(), "CA-still"), OLD_WORDS);
    let metrics = hotline.app.telemetry().metrics(0, 0);
    assert!(metrics.contains("hotline_reloads_total{outcome=\"refused\"} 2\n"), "{metrics}");
    save(&hotline.setup, LINE, &small(NEW, &[FAMILY, DESIGNATED]));
    reload(&hotline).unwrap();
    assert_eq!(greeted(hotline.wire.clone(), "CA-new"), NEW_WORDS);
}

/// Its calls go on with the line that their number reaches; and stay there when it comes back.
#[test]
fn a_line_that_is_gone_hands_its_calls_over() {
    let other = small(NEW, &[DESIGNATED, FAMILY])
        .replace("name = \"12333\"\ndialled = [\"*\"]", "name = \"12393\"\ndialled = [\"12393\"]");
    let setup = Setup::new().line(&old());
    save(&setup, "lines/12393.toml", &other);
    let hotline = InProcess::new(setup, "2026-03-16T04:30:00Z");
    let mut caller = Caller::dial_to(hotline.wire.clone(), "CA-12393", "+8612393");
    assert!(caller.heard.said.starts_with(NEW_WORDS));
    caller.press("1");
    std::fs::remove_file(hotline.setup.path().join("lines/12393.toml")).unwrap();
    reload(&hotline).unwrap();
    assert!(caller.press("#").starts_with("在定点医院或者定点药店"), "an answer that both lines have");
    let menu = "家庭共济怎么用，请按一。定点医院和药店，请按二。";
    assert!(caller.press("*").starts_with(menu));
    save(&hotline.setup, "lines/12393.toml", &other);
    reload(&hotline).unwrap();
    assert!(caller.press("1").starts_with("这叫家庭共济。"));
    assert!(Caller::dial_to(hotline.wire.clone(), "CA-new", "+8612393").heard.said.starts_with(NEW_WORDS));
}

/// The line's patience with PINs is the store's too.
#[test]
fn more_wrong_pins_are_allowed_from_a_reload_on() {
    let line = |pins: &str| {
        let service = [("account.option.balance", "service:personal-balance"), FAMILY, DESIGNATED];
        small(OLD, &service).replace("wrong_pins = 3", &format!("wrong_pins = {pins}"))
    };
    let hotline = InProcess::new(Setup::new().line(&line("1")), "2026-03-16T04:30:00Z");
    let wrong = ["1", "11010519491231002*#", "1", "730415#"];
    let mut caller = hotline.dial("CA-1");
    assert!(caller.press_all(&wrong).contains("本次通话的尝试次数已经用完"));
    save(&hotline.setup, LINE, &line("3"));
    reload(&hotline).unwrap();
    let mut caller = hotline.dial("CA-2");
    caller.press_all(&wrong);
    let said = caller.press_all(&["730416#", "739154#"]);
    assert!(said.contains("您的医保个人账户余额为"), "{said}");
}

#[test]
fn sighup_reloads_the_running_process() {
    let setup = Setup::new().line(&old());
    let served = setup.serve();
    let mut caller = Caller::dial(&served, "CA-live");
    assert!(caller.heard.said.starts_with(OLD_WORDS));
    save(&setup, LINE, &small(NEW, &[FAMILY, DESIGNATED]));
    served.signal("-HUP");
    until("lines are taken", || reloads(&served, "taken") == 1);
    assert_eq!(greeted(&served, "CA-new"), NEW_WORDS);
    assert!(caller.press("1").starts_with("这叫家庭共济。"));
    save(&setup, LINE, &small(OLD, &[FAMILY, DESIGNATED]).replace("misses = 3", "misses = 30"));
    served.signal("-HUP");
    until("a fault is told", || reloads(&served, "refused") == 1);
    assert_eq!(greeted(&served, "CA-still"), NEW_WORDS);
    assert!(caller.press("*").starts_with("家庭共济怎么用，请按一。"));
    let log = served.log();
    let fault = log.lines().find(|line| line.contains("fault in lines or wording")).unwrap();
    for part in ["lines/12333.toml", "line=15", "misses is out of range", "take a number from 2 to 5"] {
        assert!(fault.contains(part), "{part} is not in {fault}");
    }
    assert!(log.contains("lines not taken: those in force stay"));
}

/// Watched, from a start in a folder of its own, with settings as an operator writes them.
fn watched(setup: Setup) -> (Setup, Served) {
    let setup = setup.env("LINES__WATCH", "true").env("LINES__DIRECTORY", "lines");
    let served = setup.serve();
    (setup, served)
}

#[test]
fn a_saved_line_is_taken() {
    let (setup, served) = watched(Setup::new().line(&old()));
    // In place.
    save(&setup, LINE, &small(NEW, &[FAMILY, DESIGNATED]));
    until("saved in place", || greeted(&served, "CA-1") == NEW_WORDS);
    // As editors save.
    save_by_renaming(&setup, LINE, &old());
    until("saved by renaming", || greeted(&served, "CA-2") == OLD_WORDS);
    // With a fault, and mended.
    let taken = reloads(&served, "taken");
    save_by_renaming(&setup, LINE, "name = ");
    until("a fault is told", || reloads(&served, "refused") == 1);
    assert_eq!(greeted(&served, "CA-3"), OLD_WORDS);
    save_by_renaming(&setup, LINE, &small(NEW, &[FAMILY, DESIGNATED]));
    until("mended", || greeted(&served, "CA-4") == NEW_WORDS);
    assert_eq!(reloads(&served, "taken"), taken + 1);
    // The folder as a whole, as a deployment does. Between the two renames there is none, which is a fault like others.
    let at = |name: &str| setup.path().join(name);
    std::fs::create_dir(at("next")).unwrap();
    std::fs::write(at("next/12333.toml"), old()).unwrap();
    std::fs::rename(at("lines"), at("previous")).unwrap();
    std::fs::rename(at("next"), at("lines")).unwrap();
    until("the folder is replaced", || greeted(&served, "CA-5") == OLD_WORDS);
    save(&setup, LINE, &small(NEW, &[FAMILY, DESIGNATED]));
    until("saved in the new folder", || greeted(&served, "CA-6") == NEW_WORDS);
}

#[test]
fn of_two_quick_saves_the_last_counts() {
    let (setup, served) = watched(Setup::new().line(&old()));
    let mut calls = 0;
    for round in 1..=3 {
        save(&setup, LINE, &small(NEW, &[FAMILY, DESIGNATED]));
        save_by_renaming(&setup, LINE, &small(OLD, &[DESIGNATED, FAMILY]));
        until("the last is taken", || {
            calls += 1;
            let mut caller = Caller::dial(&served, &format!("CA-{round}-{calls}"));
            caller.press("#").starts_with("定点医院和药店，请按一。")
        });
        // Another while that one is perhaps still being checked.
        save(&setup, LINE, &old());
        save(&setup, LINE, &small(NEW, &[FAMILY, DESIGNATED]));
        until("the very last is taken", || greeted(&served, &format!("CA-{round}")) == NEW_WORDS);
    }
}

#[test]
fn a_saved_wording_is_taken_and_what_stays_as_it_is_is_not() {
    let setup = Setup::new().line(&old()).env("PROMPTS__DIRECTORY", "voice-prompts");
    let wording = "voice-prompts/zh-CN/prompts.toml";
    std::fs::create_dir_all(setup.path().join("voice-prompts/zh-CN")).unwrap();
    let text = std::fs::read_to_string(project(wording)).unwrap();
    save(&setup, wording, &text);
    let (setup, served) = watched(setup);
    save(&setup, wording, &text.replace(OLD_WORDS, "您好，这里是幺二三三三。"));
    until("the wording is taken", || greeted(&served, "CA-1") == "您好，这里是幺二三三三。");
    // Saved as it was, and a file that is none of ours: nothing is checked again, as the next change shows.
    let taken = reloads(&served, "taken");
    save(&setup, LINE, &old());
    save(&setup, "lines/.12333.toml.swp", "x");
    save(&setup, wording, &text);
    until("the old wording is taken", || greeted(&served, "CA-2") == OLD_WORDS);
    assert_eq!((reloads(&served, "taken"), reloads(&served, "refused")), (taken + 1, 0));
}

/// Reading is told from saving by what was read.
#[test]
fn sources_are_alike_when_nothing_was_changed() {
    let setup = Setup::new().line(&old());
    let (lines, prompts) = (setup.path().join("lines"), project("voice-prompts"));
    let read = || Sources::read(&lines, Path::new(&prompts), Path::new("no holidays"));
    let before = read();
    assert_eq!(before, read());
    save(&setup, LINE, &small(NEW, &[FAMILY, DESIGNATED]));
    assert_ne!(before, read());
}
