//! A lost card, by telephone: reported, extended, released, and what its state is. Whole calls, word by word.

use std::sync::Barrier;
use std::time::Duration;

use sqlx::Executor;

use crate::calls::{CLOSED, GOODBYE, MAIN, NOON, NUMBERS, OFFER, OPEN, TOLD_ALL, shipped};
use crate::support::caller::{Caller, InProcess, Sent, Then, Wire};
use crate::support::line::{mandarin, project};
use crate::support::served::{Setup, until, wait};

const CARD: &str = "临时挂失，请按一。解除挂失，请按二。修改查询密码，请按三。忘记密码怎么办，请按四。社保卡状态查询，请按五。返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。";
const KEYS: &str = "返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。";
const SAFE: &str = "请确认周围环境安全。";
const OF: &str = "您要挂失的是卡号后四位是五六七八的社保卡。";
const CONFIRM: &str = "临时挂失以后，这张卡马上停用，七天内有效，到期自动解除。卡内银行账户不包括在内，请另行致电发卡银行挂失，发卡银行是中国银行的，请拨打九五五六六。确认挂失，请按一；不挂失，请按二。";
const DONE: &str = "您的社保卡已临时挂失，七天内有效，有效到二零二六年七月十日二十四点。";
const NEXT: &str = "请在有效期内办理正式挂失和补卡：由单位出具证明，到医保经办机构盖章，再带身份证到发卡银行的储蓄网点办理，新卡七天后领取。卡内银行账户请另行致电发卡银行挂失。";
const REPORTED: &str =
    "您卡号后四位是五六七八的社保卡，已于二零二六年七月三日临时挂失，有效到二零二六年七月十日二十四点。";
const ADVICE: &str = "挂失期间，社保卡不能使用。卡已找到的，可以解除挂失；没有找到的，请在有效期内办理正式挂失和补卡。";
const RENEW: &str = "需要延长的，从今天起再延长七天。确认延长，请按一；不延长，请按二。";
const RENEWED: &str = "您的社保卡临时挂失已经延长，有效到二零二六年七月十一日二十四点。";
const REPORTED_LONGER: &str =
    "您卡号后四位是五六七八的社保卡，已于二零二六年七月三日临时挂失，有效到二零二六年七月十一日二十四点。";
const RELEASE: &str = "解除挂失以后，这张卡马上恢复挂失前的状态，请确认卡在您手里。确认解除，请按一；不解除，请按二。";
const RELEASED: &str = "您的社保卡已解除挂失，目前状态是正常。银行账户另行挂失的，请联系发卡银行解除。";
const NORMAL: &str = "您卡号后四位是五六七八的社保卡，目前状态是正常。";
const USABLE: &str = "这张卡可以正常使用。";
const NOTHING: &str = "没有生效的电话临时挂失，不需要解除。";
const UNCHANGED: &str = "没有办理，您的社保卡状态不变。";
const UNCERTAIN: &str = "系统繁忙，您的办理可能没有成功。请稍后查询社保卡状态，或者请人工服务办理。";
const HOURS: &str = "人工服务时间，周一至周五，八点三十分到十一点三十分。人工服务时间，周一至周五，十三点到十七点。";

const EMPLOYEE: (&str, &str) = ("11010519491231002*#", "739154#");
const SIGNED_IN: [&str; 2] = ["pin_try", "sign_in_ok"];
const DAY: Duration = Duration::from_hours(24);

/// Signed in after choosing `key` in the card menu: what is heard then.
fn choose(wire: impl Into<Wire>, sid: &str, key: &str, (id, pin): (&str, &str)) -> Caller {
    let mut caller = Caller::dial(wire, sid);
    assert_eq!(caller.press("2"), CARD);
    assert_eq!(caller.press(key), ["查询前请先验证您的身份。", NUMBERS].concat());
    caller.press_all(&["1", id, "1", pin]);
    caller
}

fn chosen(hotline: &InProcess, sid: &str, key: &str, who: (&str, &str)) -> Caller {
    choose(hotline.wire.clone(), sid, key, who)
}

#[test]
fn reported_extended_and_released() {
    let hotline = shipped(NOON);
    let mut caller = chosen(&hotline, "CA-report", "1", EMPLOYEE);
    assert_eq!(caller.heard.said, [OF, CONFIRM, KEYS].concat());
    assert_eq!(caller.press("1"), [DONE, NEXT, TOLD_ALL].concat());
    // What was done can be heard again, and is not done again.
    assert_eq!(caller.press("1"), [SAFE, REPORTED, ADVICE, TOLD_ALL].concat());
    assert_eq!(caller.press("*"), CARD);
    // Asked for once more on the same day: told, for there is nothing to gain by extending it.
    assert_eq!(caller.press("1"), [SAFE, REPORTED, ADVICE, TOLD_ALL].concat());
    let reported = [&SIGNED_IN[..], &["read_card_status", "loss_reported", "read_card_status", "read_card_status"]];
    assert_eq!(hotline.setup.audit(), reported.concat());

    hotline.clock.advance(DAY);
    let mut caller = chosen(&hotline, "CA-renew", "1", EMPLOYEE);
    assert_eq!(caller.heard.said, [REPORTED, RENEW, KEYS].concat());
    assert_eq!(caller.press("2"), [UNCHANGED, CARD].concat());
    assert_eq!(caller.press("1"), [REPORTED, RENEW, KEYS].concat());
    assert_eq!(caller.press("1"), [RENEWED, NEXT, TOLD_ALL].concat());
    assert_eq!(caller.press_all(&["*", "2"]), [REPORTED_LONGER, RELEASE, KEYS].concat());
    assert_eq!(caller.press("1"), [RELEASED, TOLD_ALL].concat());
    assert_eq!(caller.press("1"), [SAFE, NORMAL, USABLE, TOLD_ALL].concat());
    // There is nothing left to release, and a lost card can be reported anew.
    assert_eq!(caller.press_all(&["*", "2"]), [NORMAL, NOTHING, TOLD_ALL].concat());
    assert_eq!(caller.press_all(&["*", "1"]), [OF, CONFIRM, KEYS].concat());
    let changes: Vec<_> = hotline.setup.audit().into_iter().filter(|event| event.starts_with("loss_")).collect();
    assert_eq!(changes, ["loss_reported", "loss_renewed", "loss_released"]);
}

/// The line's last day ends at midnight in China, whether or not anybody has come to write that down.
#[test]
fn a_report_lapses_at_midnight() {
    let hotline = shipped(NOON);
    chosen(&hotline, "CA-report", "1", EMPLOYEE).press("1");
    // On the same day there is nothing to gain by extending it.
    assert_eq!(chosen(&hotline, "CA-again", "1", EMPLOYEE).heard.said, [SAFE, REPORTED, ADVICE, TOLD_ALL].concat());
    hotline.clock.advance(Duration::from_millis((7 * 24 + 12) * 3_600_000 - 1));
    let caller = chosen(&hotline, "CA-before", "5", EMPLOYEE);
    assert_eq!(caller.heard.said, [SAFE, REPORTED, ADVICE, TOLD_ALL].concat());
    let mut at_the_question = chosen(&hotline, "CA-late", "2", EMPLOYEE);
    assert_eq!(at_the_question.heard.said, [REPORTED, RELEASE, KEYS].concat());
    hotline.clock.advance(Duration::from_millis(1));
    let mut caller = chosen(&hotline, "CA-after", "5", EMPLOYEE);
    assert_eq!(caller.heard.said, [SAFE, NORMAL, USABLE, TOLD_ALL].concat());
    // Whoever was asked before and answers after hears what is true now.
    assert_eq!(at_the_question.press("1"), [NORMAL, NOTHING, TOLD_ALL].concat());
    // The next report is another: the first is on record as lapsed.
    assert_eq!(caller.press_all(&["*", "1"]), [OF, CONFIRM, KEYS].concat());
    let done = "您的社保卡已临时挂失，七天内有效，有效到二零二六年七月十八日二十四点。";
    assert_eq!(caller.press("1"), [done, NEXT, TOLD_ALL].concat());
    let changes: Vec<_> = hotline.setup.audit().into_iter().filter(|event| event.starts_with("loss_")).collect();
    assert_eq!(changes, ["loss_reported", "loss_lapsed", "loss_reported"]);
}

/// What the register knows is told with what it means, and nothing is done that a telephone cannot do.
#[test]
fn every_state_in_words() {
    let setup = Setup::new();
    let members = std::fs::read_to_string(project("config/sample/members.csv")).unwrap();
    let (formal, cancelled) = (",formal_loss,317284,", ",N20260014,1000000014,");
    let members = members.replace(",formal_loss,,", formal).replace(",,1000000014,", cancelled);
    assert!(members.contains(formal) && members.contains(cancelled));
    let file = setup.path().join("members.csv");
    std::fs::write(&file, members).unwrap();
    let import = ["members", "import", file.to_str().unwrap()];
    assert!(setup.command(&import).output().unwrap().status.success());
    let hotline = InProcess::new(setup, NOON);
    let told = |tail: &str, state: &str| format!("您卡号后四位是{tail}的社保卡，目前状态是{state}。");
    let by_counter = "这次挂失是在其他渠道办理的，延长或者解除，请带身份证到服务网点办理。";
    let for_good = "正式挂失不能通过电话解除，请带身份证到服务网点补办新卡。";
    let unlock = "锁定期间不能使用，请本人带身份证和社保卡到服务网点办理解锁。";
    let gone = "注销以后不能使用，需要新卡的，请带身份证到服务网点办理。";
    let people = [
        (("320000197909090017#", "317560#"), told("零零幺幺", "临时挂失"), by_counter),
        (("500000196810010020#", "317284#"), told("零零幺三", "正式挂失"), for_good),
        (("610000700315001#", "385207#"), told("零零零八", "锁定"), unlock),
        (("21000019830118003*#", "490627#"), told("零零幺四", "注销"), gone),
    ];
    for (n, (who, card, meaning)) in people.into_iter().enumerate() {
        // Whether it is asked for, to be reported or to be released.
        for key in ["5", "1", "2"] {
            let caller = chosen(&hotline, &format!("CA-{n}-{key}"), key, who);
            assert_eq!(caller.heard.said, [SAFE, &card, meaning, TOLD_ALL].concat(), "{key}");
        }
    }
    // A card that was never activated can be lost, and is again what it was when it is found.
    let unused = ("810000199408230021#", "648203#");
    let mut caller = chosen(&hotline, "CA-unused", "5", unused);
    let activate = "激活以后才能使用，请带身份证和社保卡到服务网点或者发卡银行办理激活。";
    let inactive = told("零零幺二", "未激活");
    assert_eq!(caller.heard.said, [SAFE, &inactive, activate, TOLD_ALL].concat());
    assert_eq!(caller.press_all(&["*", "1", "1"]), [DONE, NEXT, TOLD_ALL].concat());
    let released = "您的社保卡已解除挂失，目前状态是未激活。银行账户另行挂失的，请联系发卡银行解除。";
    assert_eq!(caller.press_all(&["*", "2", "1"]), [released, TOLD_ALL].concat());
    assert_eq!(caller.press_all(&["*", "2"]), [&inactive, NOTHING, TOLD_ALL].concat());
    let changes: Vec<_> = hotline.setup.audit().into_iter().filter(|event| event.starts_with("loss_")).collect();
    assert_eq!(changes, ["loss_reported", "loss_released"]);
}

#[test]
fn who_has_no_card_is_told_so() {
    let hotline = shipped(NOON);
    for key in ["1", "2", "5"] {
        let caller = chosen(&hotline, &format!("CA-none-{key}"), key, ("21000019830118003*#", "490627#"));
        let none = "没有查到您名下的社保卡。需要办卡的，请带身份证到服务网点办理。";
        assert_eq!(caller.heard.said, [none, TOLD_ALL].concat());
    }
}

/// At the question every key does what it does elsewhere, and only `1` reports.
#[test]
fn nothing_is_done_but_by_the_key_that_says_so() {
    let hotline = shipped(NOON);
    let asked = chosen(&hotline, "CA-asked", "1", EMPLOYEE);
    let heard = |key: &str| asked.clone().press(key).to_owned();
    assert_eq!(heard("2"), [UNCHANGED, CARD].concat());
    assert_eq!(heard("*"), CARD);
    assert_eq!(heard("#"), [CONFIRM, KEYS].concat());
    assert_eq!(heard("0"), [CLOSED, HOURS, OFFER, MAIN].concat());
    assert_eq!(heard("3"), ["抱歉，这里没有这个选项。", CONFIRM, KEYS].concat());
    let mut silent = asked.clone();
    assert_eq!(silent.silence(), ["抱歉，没有收到您的按键。", CONFIRM, KEYS].concat());
    silent.silence();
    assert_eq!(silent.silence(), ["抱歉，没有收到您的按键。", GOODBYE].concat());
    assert_eq!(hotline.setup.audit(), [&SIGNED_IN[..], &["read_card_status"]].concat());

    let hotline = shipped(OPEN);
    let mut caller = chosen(&hotline, "CA-person", "1", EMPLOYEE);
    assert_eq!(caller.press("0"), "正在为您转接人工服务，请稍候。");
}

#[test]
fn five_minutes_after_the_pin_nothing_is_reported() {
    let hotline = shipped(NOON);
    let mut caller = chosen(&hotline, "CA-slow", "1", EMPLOYEE);
    hotline.clock.advance(Duration::from_mins(5));
    assert_eq!(caller.press("1"), ["为了您的账户安全，请重新验证身份。", NUMBERS].concat());
    // From the start: somebody else may sign in now.
    assert_eq!(caller.press_all(&["1", EMPLOYEE.0, "1", EMPLOYEE.1]), [OF, CONFIRM, KEYS].concat());
    assert!(!hotline.setup.audit().contains(&"loss_reported".to_owned()));
}

#[test]
fn an_initial_pin_reports_nothing() {
    let hotline = shipped(NOON);
    let caller = chosen(&hotline, "CA-initial", "1", ("370000199502140068#", "123456#"));
    assert!(!caller.heard.said.contains("挂失的是"), "{}", caller.heard.said);
    assert!(!hotline.setup.audit().iter().any(|event| event.starts_with("loss_") || event == "read_card_status"));
}

/// Two calls are asked about one card, and both say yes: one report, and both hear what is true.
#[test]
fn two_calls_report_one_card() {
    let hotline = shipped(NOON);
    let [mut first, mut second] = ["CA-first", "CA-second"].map(|sid| chosen(&hotline, sid, "1", EMPLOYEE));
    assert_eq!(first.press("1"), [DONE, NEXT, TOLD_ALL].concat());
    assert_eq!(second.press("1"), [SAFE, REPORTED, ADVICE, TOLD_ALL].concat());
    let mut third = chosen(&hotline, "CA-third", "2", EMPLOYEE);
    let mut fourth = chosen(&hotline, "CA-fourth", "2", EMPLOYEE);
    assert_eq!(third.press("1"), [RELEASED, TOLD_ALL].concat());
    assert_eq!(fourth.press("1"), [NORMAL, NOTHING, TOLD_ALL].concat());
    // Released meanwhile: there is nothing to extend, but something to report.
    assert_eq!(second.press("1"), [OF, CONFIRM, KEYS].concat());
    let changes: Vec<_> = hotline.setup.audit().into_iter().filter(|event| event.starts_with("loss_")).collect();
    assert_eq!(changes, ["loss_reported", "loss_released"]);
}

/// What the register brings later does not undo what a caller has reported, and wins where it knows more.
#[test]
fn an_import_keeps_a_report() {
    let hotline = shipped(NOON);
    chosen(&hotline, "CA-report", "1", EMPLOYEE).press("1");
    let file = hotline.setup.path().join("members.csv");
    let members = std::fs::read_to_string(project("config/sample/members.csv")).unwrap();
    let import = |members: &str| {
        std::fs::write(&file, members).unwrap();
        let import = ["members", "import", file.to_str().unwrap()];
        assert!(hotline.setup.command(&import).output().unwrap().status.success());
    };
    let status = |sid: &str| chosen(&hotline, sid, "5", EMPLOYEE).heard.said;
    import(&members);
    assert_eq!(status("CA-again"), [SAFE, REPORTED, ADVICE, TOLD_ALL].concat());
    let own_row =
        |state: &str| members.replacen("normal,normal,normal,739154", &format!("normal,normal,{state},739154"), 1);
    import(&own_row("formal_loss"));
    assert!(status("CA-formal").contains("目前状态是正式挂失。"));
    import(&members);
    assert_eq!(status("CA-back"), [SAFE, REPORTED, ADVICE, TOLD_ALL].concat());
    // A new card is not lost.
    import(&members.replacen("A12345678", "A12345679", 1));
    assert!(status("CA-new").contains("后四位是五六七九的社保卡，目前状态是正常。"));
}

/// However often the webhook of the answer comes, at once or later, on whichever node: one report, the same words.
#[test]
fn a_webhook_sent_again_reports_once() {
    let setup = Setup::new();
    let nodes = [setup.serve(), setup.serve()];
    let mut caller = choose(&nodes[0], "CA-copies", "1", EMPLOYEE);
    let Then::Gather { path, .. } = caller.heard.then.clone() else { panic!() };
    let form = caller.form(&[("Digits", "1"), ("FinishedOnKey", "")]);
    let barrier = Barrier::new(8);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let copies: Vec<_> = (0..8)
            .map(|n| {
                let (wire, barrier, path, form) = (Wire::from(&nodes[n % 2]), &barrier, &path, &form);
                scope.spawn(move || {
                    barrier.wait();
                    wire.post(path, form)
                })
            })
            .collect();
        copies.into_iter().map(|copy| copy.join().unwrap()).collect()
    });
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (200, &answers[0].body));
    }
    let answer = answers.into_iter().next().unwrap();
    let said = caller.take(Sent { path: path.clone(), form: form.clone(), answer }).to_owned();
    assert!(said.starts_with("您的社保卡已临时挂失，七天内有效，"), "{said}");
    let rows = setup.audit();
    assert_eq!(rows, [&SIGNED_IN[..], &["read_card_status", "loss_reported"]].concat());
    caller.press("*");
    assert_eq!(caller.wire.post(&path, &form).body, caller.sent[caller.sent.len() - 2].answer.body, "late");
    assert_eq!(setup.audit(), rows);
}

/// `kill -9` after the report is on record and before its answer is: the repeated webhook is told, and does nothing more.
#[test]
fn a_report_cut_off_by_a_kill_is_told_once_more_and_made_once() {
    use crate::support::caller::{FORM, signature};
    use std::io::Write;

    let setup = Setup::new();
    for n in 0..5 {
        let mut served = setup.serve();
        let mut caller = choose(&served, &format!("CA-cut-{n}"), if n % 2 == 0 { "1" } else { "2" }, EMPLOYEE);
        let Then::Gather { path, .. } = caller.heard.then.clone() else { panic!() };
        let form = caller.form(&[("Digits", "1"), ("FinishedOnKey", "")]);
        let (signature, rows) = (signature(&path, &form), setup.audit());
        let mut connection = std::net::TcpStream::connect(served.address).unwrap();
        write!(
            connection,
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {FORM}\r\nx-twilio-signature: {signature}\r\ncontent-length: {}\r\n\r\n{form}",
            form.len()
        )
        .unwrap();
        until("the change is on record", || setup.audit().len() > rows.len());
        served.kill();
        served = setup.serve();
        caller.wire = Wire::from(&served);
        let said = caller.press("1");
        assert!(said.starts_with(["您的社保卡已临时挂失", "您的社保卡已解除挂失"][n % 2]), "{said}");
        let event = ["loss_reported", "loss_released"][n % 2];
        assert_eq!(setup.audit(), [&rows[..], &[event.to_owned()]].concat());
        served.kill();
    }
}

/// Somebody else holds the database: the caller is not told that it was done, and the webhook sent again tells what was.
#[test]
fn a_report_without_the_database_promises_nothing() {
    let setup = Setup::new().env("STORE__DEADLINE", "300ms");
    let served = setup.serve();
    let mut caller = choose(&served, "CA-locked", "1", EMPLOYEE);
    assert!(caller.heard.said.starts_with(OF));
    wait(async {
        let mut holder = setup.database().await;
        holder.execute("BEGIN EXCLUSIVE").await.unwrap();
        assert_eq!(caller.clone().press("1"), [UNCERTAIN, CARD].concat());
        holder.execute("ROLLBACK").await.unwrap();
    });
    assert!(caller.press("1").starts_with("您的社保卡已临时挂失，七天内有效，"), "{}", caller.heard.said);
    assert_eq!(setup.audit(), [&SIGNED_IN[..], &["read_card_status", "loss_reported"]].concat());
}

/// A line says for how many days, and one that offers reports must.
#[test]
fn the_line_says_for_how_long() {
    let text = std::fs::read_to_string(project("config/lines/12333.toml")).unwrap();
    let faults = |text: &str| {
        hotline::dialog::Flow::parse("line.toml", text, &[&mandarin()], &[crate::support::line::china()]).map(drop)
    };
    let line_of = |what: &str, text: &str| text.lines().position(|line| line.contains(what)).unwrap() + 1;
    for days in ["0", "31"] {
        let text = text.replace("loss_days = 7", &format!("loss_days = {days}"));
        let fault = format!(
            "line.toml:{}: loss_days is out of range\n    remedy: take a number from 1 to 30",
            line_of("loss_days", &text)
        );
        assert_eq!(faults(&text).unwrap_err().to_string().trim(), fault);
    }
    let without = text.replace("[card]\n", "").replace("loss_days = 7\n", "");
    let fault = format!(
        "line.toml:{}: nothing tells for how many days a card is reported lost\n    remedy: add [card] with loss_days = 7",
        line_of("service:report-loss", &without)
    );
    assert_eq!(faults(&without).unwrap_err().to_string().trim(), fault);

    let hotline = InProcess::new(Setup::new().line(&text.replace("loss_days = 7", "loss_days = 2")), NOON);
    let mut caller = chosen(&hotline, "CA-short", "1", EMPLOYEE);
    assert!(caller.heard.said.contains("两天内有效，到期自动解除。"), "{}", caller.heard.said);
    let done = "您的社保卡已临时挂失，两天内有效，有效到二零二六年七月五日二十四点。";
    assert_eq!(caller.press("1"), [done, NEXT, TOLD_ALL].concat());
}
