//! What has moved on an account and how its owner is insured: whole calls, word by word.

use std::time::Duration;

use crate::calls::{ACCOUNT, BALANCE, NOON, TOLD, TOLD_ALL, TOLD_NONE, shipped, shipped_line};
use crate::support::caller::{Caller, InProcess, Wire};
use crate::support::served::Setup;

const DETAILS: &str = "划入记录，请按一。消费记录，请按二。全部记录，请按三。返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。";
const SAFE: &str = "请确认周围环境安全。";
const END: &str = "以上是全部记录。";
const KEYS: &str = "返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。";
const NEXT: &str = "下一页，请按一。";
const PREVIOUS: &str = "上一页，请按二。";
const AGAIN: &str = "重听本页，请按三。";
const WRONG_KEY: &str = "抱歉，这里没有这个选项。";

const MAY: &str = "二零二六年五月十五日，划入一百零三元三角五分，账户余额一千零一十元零五分。";
const REFUND: &str = "二零二六年四月九日，退回十四元整，账户余额九百零六元七角。";
const DOCTOR: &str = "二零二六年四月八日，门诊消费六十八元四角，账户余额八百九十二元七角。";
const MARCH: &str = "二零二六年三月十五日，划入一百零三元三角五分，账户余额九百六十一元一角。";
const PHARMACY: &str = "二零二六年二月三日，购药消费三十五元六角，账户余额八百五十七元七角五分。";
const JANUARY: &str = "二零二六年一月十五日，划入一百零三元三角五分，账户余额八百九十三元三角五分。";

const EMPLOYEE: (&str, &str) = ("11010519491231002*#", "739154#");

/// Signed in, in the account menu.
fn account(hotline: &InProcess, sid: &str, (id, pin): (&str, &str)) -> Caller {
    let mut caller = hotline.dial(sid);
    assert_eq!(caller.press_all(&["1", "1", id, "1", pin]), ACCOUNT);
    caller
}

#[test]
fn to_the_last_page_and_back() {
    let hotline = shipped(NOON);
    let mut caller = account(&hotline, "CA-pages", EMPLOYEE);
    assert_eq!(caller.press("3"), DETAILS);
    let first = [SAFE, MAY, REFUND, DOCTOR, NEXT, AGAIN, KEYS].concat();
    let last = [MARCH, PHARMACY, JANUARY, END, PREVIOUS, AGAIN, KEYS].concat();
    assert_eq!(caller.press("3"), first);
    // There is none before the first and none after the last, and the keys keep their meaning.
    assert_eq!(caller.press("2"), [WRONG_KEY, NEXT, AGAIN, KEYS].concat());
    assert_eq!(caller.press("#"), [NEXT, AGAIN, KEYS].concat());
    assert_eq!(caller.press("1"), last);
    assert_eq!(caller.press("3"), last);
    assert_eq!(caller.press("1"), [WRONG_KEY, PREVIOUS, AGAIN, KEYS].concat());
    assert_eq!(caller.press("2"), first);
    assert_eq!(caller.press("*"), DETAILS);
    assert_eq!(caller.press("*"), ACCOUNT);
    // A row for each page that was read, and for nothing else.
    assert_eq!(hotline.setup.audit(), [vec!["pin_try", "sign_in_ok"], vec!["read_transactions"; 4]].concat());
}

#[test]
fn what_came_in_and_what_went_out_after_the_balance() {
    let hotline = shipped(NOON);
    let mut caller = account(&hotline, "CA-kinds", EMPLOYEE);
    assert_eq!(caller.press("1"), [BALANCE, TOLD].concat());
    assert_eq!(caller.press("2"), DETAILS);
    assert_eq!(caller.press("1"), [SAFE, MAY, REFUND, MARCH, NEXT, AGAIN, KEYS].concat());
    assert_eq!(caller.press("1"), [JANUARY, END, PREVIOUS, AGAIN, KEYS].concat());
    assert_eq!(caller.press_all(&["*", "2"]), [SAFE, DOCTOR, PHARMACY, END, AGAIN, KEYS].concat());
}

/// Midnight in Beijing is the day before in Greenwich; a relative's costs and premium are told as what they are.
#[test]
fn days_are_those_of_the_line() {
    let hotline = shipped(NOON);
    let mut caller = account(&hotline, "CA-family", ("310000198503120012#", "204867#"));
    let interest = "二零二六年六月二十八日，利息二十二元三角，账户余额一万九千八百七十二元三角。";
    let premium = "二零二六年三月十日，缴纳居民医保四百元整，账户余额一万九千八百五十元整。";
    let relative = "二零二六年三月二日，家庭共济支出四百元整，账户余额两万零二百五十元整。";
    let hospital = "二零二六年二月二十日，住院消费两千五百元整，账户余额两万零六百五十元整。";
    let credit = "二零二六年一月十五日，划入一千二百五十元整，账户余额两万三千一百五十元整。";
    assert_eq!(caller.press_all(&["3", "3"]), [SAFE, interest, premium, relative, NEXT, AGAIN, KEYS].concat());
    assert_eq!(caller.press("1"), [hospital, credit, END, PREVIOUS, AGAIN, KEYS].concat());
}

#[test]
fn nothing_to_list() {
    let hotline = shipped(NOON);
    let mut caller = account(&hotline, "CA-none", ("440000195408230024#", "583016#"));
    assert_eq!(caller.press_all(&["3", "2"]), ["您查询的消费记录目前没有内容。", DETAILS].concat());
    let credit = "二零二六年一月五日，划入六百二十元零二分，账户余额六百二十元零二分。";
    assert_eq!(caller.press("1"), [SAFE, credit, END, AGAIN, KEYS].concat());
}

/// A balance below zero, the correction that made it so, and one the other way.
#[test]
fn below_zero() {
    let setup = Setup::new();
    let members = std::fs::read_to_string(crate::support::line::project("config/sample/members.csv")).unwrap();
    let header = members.lines().next().unwrap();
    let row = "500000196810010020,N20260013,1000000013,样例十三,employee,active,paid,2026-06,normal,normal,normal,317284,false,\
               -120.40,20.00,2026,1800.00,0.00,20000.00,0.00,2026-06-30,";
    let moved = "id_number,at,kind,amount,balance_after,place\n\
                 500000196810010020,2026-05-20T17:00:00+08:00,adjustment,-120.40,-100.40,样例社保中心\n\
                 500000196810010020,2026-05-21T17:00:00+08:00,adjustment,0.40,-100.00,样例社保中心\n";
    let (members, transactions) = (setup.path().join("members.csv"), setup.path().join("transactions.csv"));
    std::fs::write(&members, format!("{header}\n{row}\n")).unwrap();
    std::fs::write(&transactions, moved).unwrap();
    let import = ["members", "import", members.to_str().unwrap(), "--transactions", transactions.to_str().unwrap()];
    assert!(setup.command(&import).output().unwrap().status.success());
    let hotline = InProcess::new(setup, NOON);
    let mut caller = account(&hotline, "CA-negative", ("500000196810010020#", "317284#"));
    let balance = "您的医保个人账户余额为负一百元四角，其中本年账户负一百二十元四角，历年账户二十元整，截至二零二六年六月三十日。";
    assert_eq!(caller.press("1"), [SAFE, balance, TOLD].concat());
    let down = "二零二六年五月二十日，账户调整负一百二十元四角，账户余额负一百元四角。";
    let up = "二零二六年五月二十一日，账户调整四角，账户余额负一百元整。";
    assert_eq!(caller.press_all(&["2", "3"]), [SAFE, up, down, END, AGAIN, KEYS].concat());
    assert_eq!(caller.press_all(&["*", "2"]), [SAFE, down, END, AGAIN, KEYS].concat());
    assert_eq!(caller.press_all(&["*", "1"]), [SAFE, up, END, AGAIN, KEYS].concat());
}

#[test]
fn residents_have_no_account_to_list() {
    let hotline = shipped(NOON);
    let mut caller = account(&hotline, "CA-resident", ("330000201604010048#", "916408#"));
    // Before it is asked which records they want: there are none.
    let none = "您参加的是城乡居民医保，没有个人账户。";
    assert_eq!(caller.press("3"), [none, ACCOUNT].concat());
    assert_eq!(hotline.setup.audit(), ["pin_try", "sign_in_ok", "read_transactions"]);
    let status = "您的参保类型是城乡居民，目前正常参保；缴费状态，正常缴费，最近缴费月份是二零二六年一月；门诊待遇正常，住院待遇正常。";
    assert_eq!(caller.press("4"), [SAFE, status, TOLD_ALL].concat());
    // Nor is a statement offered where there is no balance.
    assert_eq!(caller.press_all(&["*", "1"]), [none, TOLD_NONE].concat());
    assert_eq!(caller.press("3"), [WRONG_KEY, TOLD_NONE].concat());
}

/// It is known from the sign-in on, so also where they had chosen before; and of the next who signs in, anew.
#[test]
fn residents_are_told_so_right_after_the_sign_in() {
    let details = "say = \"account.option.details\", go = \"service:details\"";
    let line = shipped_line().replace("say = \"card.option.status\", go = \"service:card-status\"", details);
    let hotline = InProcess::new(Setup::new().line(&line.replace("age = 65", "age = 120")), NOON);
    let mut caller = hotline.dial("CA-goal");
    caller.press_all(&["2", "5", "1", "330000201604010048#", "1"]);
    assert!(caller.press("916408#").starts_with("您参加的是城乡居民医保，没有个人账户。"));
    hotline.clock.advance(Duration::from_mins(6));
    assert_eq!(caller.press_all(&["5", "1", "11010519491231002*#", "1", "739154#"]), DETAILS);
}

#[test]
fn paused_insurance_is_explained() {
    let hotline = shipped(NOON);
    let mut caller = account(&hotline, "CA-paused", ("420000198807070056#", "472095#"));
    let paused = "暂停参保期间，统筹基金不予支付，恢复缴费后按当地规定恢复待遇。个人账户余额仍可使用。";
    let status = "您的参保类型是在职职工，目前暂停参保；缴费状态，中断缴费，最近缴费月份是二零二六年一月；门诊待遇停止，住院待遇停止。";
    assert_eq!(caller.press("4"), [SAFE, status, paused, TOLD_ALL].concat());
    assert_eq!(caller.press("1"), [SAFE, status, paused, TOLD_ALL].concat());
    let fund = "您目前暂停参保，统筹账户已停止支付；二零二六年已使用零元，截至二零二六年六月三十日。";
    assert_eq!(caller.press_all(&["*", "2"]), [SAFE, fund, paused, TOLD_ALL].concat());
    let audit = ["pin_try", "sign_in_ok", "read_status", "read_status", "read_pooled_fund"];
    assert_eq!(hotline.setup.audit(), audit);
}

/// The date is told where something waits, and of each benefit that it is not paid.
#[test]
fn a_waiting_period() {
    let hotline = shipped(NOON);
    let mut caller = account(&hotline, "CA-waits", ("911124198108030024#", "627081#"));
    let from = "等待期内的待遇，从二零二六年九月一日起享受。";
    let status = "您的参保类型是在职职工，目前正常参保；缴费状态，正常缴费，最近缴费月份是二零二六年六月；门诊待遇在等待期内，住院待遇在等待期内。";
    assert_eq!(caller.press("4"), [SAFE, status, from, TOLD_ALL].concat());
    let outpatient = "您的门诊待遇目前在等待期内，统筹账户暂不支付门诊费用。";
    let inpatient = "您的住院待遇目前在等待期内，统筹账户暂不支付住院费用。";
    let fund = caller.press_all(&["*", "2"]);
    assert!(fund.starts_with(&[SAFE, outpatient, inpatient, from, "二零二六年，"].concat()), "{fund}");
    // Of who is only stopped there is no such day.
    let mut caller = account(&hotline, "CA-stopped", ("51000019901105003*#", "860493#"));
    let outpatient = "您的门诊待遇目前停止，统筹账户暂不支付门诊费用。";
    let fund = caller.press("2");
    assert!(fund.starts_with(&[SAFE, outpatient, "二零二六年，"].concat()), "{fund}");
}

#[test]
fn insurance_that_has_ended() {
    let hotline = shipped(NOON);
    let mut caller = account(&hotline, "CA-ended", ("810000199408230021#", "648203#"));
    let status = "您的参保类型是灵活就业人员，目前终止参保；缴费状态，正常缴费，最近缴费月份是二零二五年十二月；门诊待遇停止，住院待遇停止。";
    assert_eq!(caller.press("4"), [SAFE, status, "终止参保后，统筹基金不再支付。", TOLD_ALL].concat());
}

/// Insured, and yet the fund pays nothing for outpatient care: for who owes contributions, and for who has just begun.
#[test]
fn benefits_that_are_stopped_or_not_yet_begun() {
    let hotline = shipped(NOON);
    let mut owing = account(&hotline, "CA-owing", ("51000019901105003*#", "860493#"));
    let status = "您的参保类型是灵活就业人员，目前正常参保；缴费状态，欠费，最近缴费月份是二零二六年三月；门诊待遇停止，住院待遇正常。";
    assert_eq!(owing.press("4"), [SAFE, status, TOLD_ALL].concat());
    let fund = "二零二六年，您的统筹账户起付线已付两百元整，还需付一千六百元整；本年度已使用零元，剩余额度两万元整，截至二零二六年六月三十日。";
    let stopped = "您的门诊待遇目前停止，统筹账户暂不支付门诊费用。";
    assert_eq!(owing.press_all(&["*", "2"]), [SAFE, stopped, fund, TOLD_ALL].concat());
    let mut new = account(&hotline, "CA-new", ("911124198108030024#", "627081#"));
    let waiting = "您的门诊待遇目前在等待期内，统筹账户暂不支付门诊费用。";
    assert!(new.press("2").starts_with(&[SAFE, waiting].concat()));
}

/// The page number outlives the process; a page that was read is read once, however often the webhook comes.
#[test]
fn a_page_read_again_after_a_kill_is_read_once() {
    let setup = Setup::new();
    let mut served = setup.serve();
    let mut caller = Caller::dial(&served, "CA-killed");
    caller.press_all(&["1", "1", EMPLOYEE.0, "1", EMPLOYEE.1, "3", "3"]);
    caller.press("1");
    let (sent, rows) = (caller.sent.last().unwrap().clone(), setup.audit());
    assert_eq!(rows, ["pin_try", "sign_in_ok", "read_transactions", "read_transactions"]);
    served.kill();
    served = setup.serve();
    caller.wire = Wire::from(&served);
    let copies: Vec<_> = std::thread::scope(|scope| {
        let copies: Vec<_> = (0..4).map(|_| scope.spawn(|| caller.wire.post(&sent.path, &sent.form))).collect();
        copies.into_iter().map(|copy| copy.join().unwrap()).collect()
    });
    for copy in copies {
        assert_eq!((copy.status, &copy.body), (200, &sent.answer.body));
    }
    assert_eq!(setup.audit(), rows);
    // Other keys in the same turn read nothing.
    let other = sent.form.replace("Digits=1", "Digits=3");
    let answer = caller.wire.post(&sent.path, &other);
    assert!(answer.body.contains("划入记录，请按一。") && !answer.body.contains("账户余额"), "{}", answer.body);
    assert_eq!(setup.audit(), rows);
    assert_eq!(caller.press("2"), [SAFE, MAY, REFUND, DOCTOR, NEXT, AGAIN, KEYS].concat());
}

#[test]
fn five_minutes_after_the_pin_no_page_is_turned() {
    let hotline = shipped(NOON);
    let mut caller = account(&hotline, "CA-slow", EMPLOYEE);
    caller.press_all(&["3", "3"]);
    hotline.clock.advance(Duration::from_mins(5));
    assert!(caller.press("1").starts_with("为了您的账户安全，请重新验证身份。"));
    // Whoever signs in now begins at the beginning.
    assert_eq!(caller.press_all(&["1", EMPLOYEE.0, "1", EMPLOYEE.1]), DETAILS);
    let read = hotline.setup.audit().iter().filter(|event| *event == "read_transactions").count();
    assert_eq!(read, 1);
}
