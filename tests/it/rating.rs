//! How it was: asked once, of whom there was something to ask, and kept so that nobody can be told from it.

use hotline::dialog::{Answer, Grade, Rating, Reason, Request};
use jiff::civil::date;

use crate::calls::{BALANCE, GOODBYE, MAIN, OPEN, shipped};
use crate::cli::run;
use crate::support::caller::{Caller, InProcess, Then, Wire};
use crate::support::served::{People, Setup, line_with, until};
use crate::support::{Bed, call, on_both_engines};

pub const ASKED: &str = "请您对本次服务作出评价。非常满意，请按一。满意，请按二。一般，请按三。不满意，请按四。";
const WHY: &str = "请问是什么让您不满意？问题没有解决，请按一。服务态度不好，请按二。等待时间太久，请按三。";
const THANKS: &str = "感谢您的评价。感谢您的来电，再见。";

/// To the end of a policy answer.
fn served(hotline: &InProcess, sid: &str) -> Caller {
    let mut caller = hotline.dial(sid);
    caller.press_all(&["3", "1"]);
    caller
}

fn table(setup: &Setup) -> String {
    run(setup, &["ratings"]).strip_prefix("exit code 0\n--- out\n").unwrap().to_owned()
}

#[test]
fn a_caller_who_was_served_says_how_it_was() {
    let hotline = shipped(OPEN);
    let mut caller = served(&hotline, "CA-good");
    assert_eq!(caller.press("9"), ASKED);
    assert_eq!(caller.press("1"), THANKS);
    assert_eq!(caller.heard.then, Then::HangUp);
    let mut caller = served(&hotline, "CA-bad");
    assert_eq!(caller.press_all(&["9", "4"]), WHY);
    assert_eq!(caller.press("2"), THANKS);
    let mut caller = hotline.dial("CA-person");
    caller.press("0");
    assert_eq!(caller.transferred("completed"), ASKED);
    assert_eq!(caller.press("3"), THANKS);
    let expected = "line\tday\tratings\tvery_satisfied\tsatisfied\tfair\tdissatisfied\tunsolved\tmanner\twait\tafter_person\n\
                    12333\t2026-07-03\t3\t1\t0\t1\t1\t0\t1\t0\t1\n";
    assert_eq!(table(&hotline.setup), expected);
    assert_eq!(hotline.setup.audit(), ["rated"; 3]);
    let metrics = hotline.wire.get("/metrics").body;
    for line in ["very_satisfied\"} 1\n", "fair\"} 1\n", "dissatisfied\"} 1\n"] {
        assert!(metrics.contains(&format!("hotline_ratings_total{{grade=\"{line}")), "{metrics}");
    }
}

#[test]
fn nobody_is_asked_before_there_is_something_to_ask() {
    let hotline = shipped(OPEN);
    let mut at_once = hotline.dial("CA-at-once");
    assert_eq!(at_once.press("9"), GOODBYE);
    let mut unserved = hotline.dial("CA-unserved");
    assert_eq!(unserved.press_all(&["1", "1", "*#", "*", "9"]), GOODBYE);
    let mut not_answered = hotline.dial("CA-not-answered");
    not_answered.press("0");
    not_answered.transferred("busy");
    assert_eq!(not_answered.press("9"), GOODBYE);
    // A balance is something.
    let mut caller = hotline.dial("CA-balance");
    assert!(
        caller.press_all(&["1", "1", "310000198503120012#", "1", "204867#", "1"]).starts_with("请确认周围环境安全。")
    );
    assert_eq!(caller.press("9"), ASKED);
    assert!(!caller.heard.said.contains(BALANCE));
}

#[test]
fn one_repeat_and_then_goodbye() {
    let hotline = shipped(OPEN);
    let mut silent = served(&hotline, "CA-silent");
    silent.press("9");
    assert_eq!(silent.silence(), ["抱歉，没有收到您的按键。", ASKED].concat());
    assert_eq!(silent.silence(), GOODBYE);
    let mut wrong = served(&hotline, "CA-wrong");
    wrong.press("9");
    assert_eq!(wrong.press("7"), ["抱歉，这里没有这个选项。", ASKED].concat());
    assert_eq!(wrong.press("5"), GOODBYE);
    let mut nine = served(&hotline, "CA-nine");
    assert_eq!(nine.press_all(&["9", "9"]), GOODBYE);
    let mut again = served(&hotline, "CA-again");
    assert_eq!(again.press_all(&["9", "#"]), ASKED);
    // Not gone yet after all.
    assert_eq!(again.press("*"), MAIN);
    assert!(again.press_all(&["3", "1", "9", "0"]).starts_with("正在为您转接人工服务"));
    let nothing =
        "line\tday\tratings\tvery_satisfied\tsatisfied\tfair\tdissatisfied\tunsolved\tmanner\twait\tafter_person\n";
    assert_eq!(table(&hotline.setup), nothing);
}

/// Who is dissatisfied and does not say why, or hangs on in silence, has been heard all the same.
#[test]
fn a_reason_need_not_be_given() {
    let hotline = shipped(OPEN);
    let mut nine = served(&hotline, "CA-nine");
    assert_eq!(nine.press_all(&["9", "4", "9"]), THANKS);
    let mut silent = served(&hotline, "CA-silent");
    silent.press_all(&["9", "4"]);
    assert_eq!(silent.silence(), ["抱歉，没有收到您的按键。", WHY].concat());
    assert_eq!(silent.silence(), THANKS);
    assert!(table(&hotline.setup).ends_with("12333\t2026-07-03\t2\t0\t0\t0\t2\t0\t0\t0\t0\n"));
}

#[test]
fn a_line_need_not_ask() {
    let hotline = InProcess::new(Setup::new().people(People::Always), OPEN);
    let mut caller = served(&hotline, "CA-not-asked");
    assert_eq!(caller.press("9"), GOODBYE);
}

/// Copies of the webhook, one after the other, at once, and after `kill -9`: one rating; other keys change nothing.
#[test]
fn a_rating_counts_once() {
    let line = line_with(People::Never).replace("offered = false", "offered = true");
    let setup = Setup::new().line(&line);
    let mut serving = setup.serve();
    let mut caller = Caller::dial(&serving, "CA-once");
    caller.press_all(&["3", "1", "9"]);
    let Then::Gather { path, .. } = caller.heard.then.clone() else { panic!() };
    let form = caller.form(&[("Digits", "2"), ("FinishedOnKey", "")]);
    let copies: Vec<_> = std::thread::scope(|scope| {
        let copies: Vec<_> = (0..6).map(|_| scope.spawn(|| caller.wire.post(&path, &form))).collect();
        copies.into_iter().map(|copy| copy.join().unwrap()).collect()
    });
    for copy in &copies {
        assert!(copy.status == 200 && copy.body.contains("感谢您的评价。"), "{}", copy.body);
    }
    until("the rating is on record", || setup.audit() == ["rated"]);
    let told = |setup: &Setup| table(setup).lines().nth(1).unwrap().split('\t').skip(2).collect::<Vec<_>>().join(" ");
    assert_eq!(told(&setup), "1 0 1 0 0 0 0 0 0");
    serving.kill();
    serving = setup.serve();
    caller.wire = Wire::from(&serving);
    let again = caller.wire.post(&path, &form);
    assert_eq!(again.status, 200);
    let other = caller.wire.post(&path, &form.replace("Digits=2", "Digits=1"));
    assert_eq!(other.status, 200);
    assert!(!other.body.contains("感谢您的评价。"), "{}", other.body);
    assert_eq!((told(&setup).as_str(), setup.audit()), ("1 0 1 0 0 0 0 0 0", vec!["rated".to_owned()]));
}

on_both_engines!(a_call_is_rated_once, sums_by_line_and_day);

fn rating(grade: Grade, reason: Option<Reason>) -> Rating {
    Rating { line: "12333".into(), day: date(2026, 7, 1), grade, reason, person: false }
}

async fn a_call_is_rated_once(bed: Bed) {
    let services = bed.services();
    let good = || Request::Rate(rating(Grade::Satisfied, None));
    let once = services.perform(&call("A"), 1, good()).await;
    assert_eq!(once, Answer::Rated(Grade::Satisfied));
    assert_eq!(services.perform(&call("A"), 1, good()).await, once);
    // A copy that comes after midnight is still one.
    let later = Rating { day: date(2026, 7, 2), ..rating(Grade::Satisfied, None) };
    assert_eq!(services.perform(&call("A"), 1, Request::Rate(later)).await, once);
    // Another in the same turn, and in another turn of the same call.
    let other = || Request::Rate(rating(Grade::Dissatisfied, Some(Reason::Wait)));
    assert_eq!(services.perform(&call("A"), 1, other()).await, Answer::Superseded);
    assert_eq!(services.perform(&call("A"), 2, other()).await, Answer::Superseded);
    assert_eq!(services.perform(&call("B"), 1, other()).await, Answer::Rated(Grade::Dissatisfied));
    assert_eq!(bed.number("SELECT CAST(SUM(given) AS BIGINT) FROM ratings").await, 2);
    assert_eq!(bed.events().await, ["rated", "rated"]);
    // The audit tells that there was one, of no caller and no person.
    assert_eq!(bed.number("SELECT COUNT(*) FROM audit WHERE person IS NOT NULL OR caller IS NOT NULL").await, 0);
}

async fn sums_by_line_and_day(bed: Bed) {
    let services = bed.services();
    let ratings = [
        rating(Grade::Satisfied, None),
        rating(Grade::Satisfied, None),
        Rating { person: true, ..rating(Grade::Satisfied, None) },
        Rating { day: date(2026, 7, 2), ..rating(Grade::Satisfied, None) },
        Rating { line: "12393".into(), ..rating(Grade::Dissatisfied, Some(Reason::Unsolved)) },
    ];
    for (n, rating) in ratings.into_iter().enumerate() {
        services.perform(&call(&n.to_string()), 1, Request::Rate(rating)).await;
    }
    let sums = bed.store.ratings().await.unwrap();
    let told: Vec<_> = sums
        .iter()
        .map(|s| (s.line.as_str(), s.day.as_str(), s.grade.as_str(), s.reason.as_str(), s.person, s.count))
        .collect();
    assert_eq!(
        told,
        [
            ("12333", "2026-07-01", "satisfied", "", false, 2),
            ("12333", "2026-07-01", "satisfied", "", true, 1),
            ("12333", "2026-07-02", "satisfied", "", false, 1),
            ("12393", "2026-07-01", "dissatisfied", "unsolved", false, 1),
        ]
    );
}
