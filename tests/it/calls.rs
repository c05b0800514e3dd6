//! Whole calls through signed webhooks: what callers hear, word by word.

use crate::support::caller::{Caller, InProcess, Then};
use crate::support::served::{People, Setup};

pub const GREETING: &str = "您好，欢迎致电幺二三三三人力资源和社会保障服务热线。任何时候需要人工服务，请按零。为保证服务质量，本次通话可能被录音。";
pub const MAIN: &str = "医保账户查询，请按一。社保卡服务，请按二。医保政策咨询，请按三。办理网点与其他查询渠道，请按四。留言、投诉与建议，请按五。重听，请按井号键；人工服务，请按零；结束通话，请按九。";
pub const NUMBERS: &str = "身份证号码，请按一。社会保障卡号，请按二。医保个人编号，请按三。返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。";
pub const ENTER_ID: &str = "请输入您的十八位身份证号码，末位是字母X的，请按星号键代替，按井号键结束。输错请按星号键清除；人工服务，请按零，再按井号键。";
pub const ENTER_CARD: &str =
    "请输入社会保障卡号中的数字，字母不用输入，按井号键结束。输错请按星号键清除；人工服务，请按零，再按井号键。";
pub const CONFIRM: &str = "您输入的号码后四位是零零二X。确认请按一，重新输入请按二。";
pub const ENTER_PIN: &str =
    "请输入六位查询密码，按井号键结束。号码输错了，请按星号键，再按井号键返回；人工服务，请按零，再按井号键。";
pub const ACCOUNT: &str = "个人账户余额，请按一。统筹账户额度，请按二。收支明细，请按三。缴费与待遇状态，请按四。家庭共济，请按五。返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。";
pub const BALANCE: &str = "请确认周围环境安全。您的医保个人账户余额为一千零一十元零五分，其中本年账户三百一十元零五分，历年账户七百元整，截至二零二六年六月三十日。";
pub const FUND: &str = "请确认周围环境安全。二零二六年，您的统筹账户起付线已付四百五十元五角，还需付一千三百四十九元五角；本年度已使用一千二百三十四元五角六分，剩余额度一万八千七百六十五元四角四分，截至二零二六年六月三十日。";
/// After the balance, and after anything else.
pub const TOLD: &str = "重听，请按一。收支明细，请按二。返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。";
pub const TOLD_ALL: &str = "重听，请按一。返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。";
/// After that there is no balance.
pub const TOLD_NONE: &str =
    "重听，请按一。统筹账户额度，请按二。返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。";
pub const GOODBYE: &str = "感谢您的来电，再见。";
pub const REFUSED: &str = "抱歉，号码或密码不正确。";
pub const CLOSED: &str = "抱歉，现在不是人工服务时间。";
/// What is said after the hours.
pub const OFFER: &str = "您也可以留言，请在主菜单按五。";
const FIRST: &str = "查询前请先验证您的身份。";
const INITIAL: &str = "您使用的是初始密码，或者过于简单的密码。为了您的账户安全，修改密码后才能查询。";

/// Friday morning, when people answer; and their break at noon.
pub const OPEN: &str = "2026-07-03T10:00:00+08:00";
pub const NOON: &str = "2026-07-03T12:00:00+08:00";

/// With people whenever the shipped line has them, and nobody old enough to be spoken to slowly.
pub fn shipped(now: &str) -> InProcess {
    shipped_with(now, &[])
}

/// The same, with other settings.
pub fn shipped_with(now: &str, settings: &[(&str, &str)]) -> InProcess {
    let line = shipped_line().replace("age = 65", "age = 120");
    let setup = settings.iter().fold(Setup::new().line(&line), |setup, (name, value)| setup.env(name, value));
    InProcess::new(setup, now)
}

pub fn shipped_line() -> String {
    std::fs::read_to_string(crate::support::line::project("config/lines/12333.toml")).unwrap()
}

/// What a served hotline tells, key by key, from the dial tone to the last word.
#[test]
fn a_balance_by_id_number_that_ends_with_x() {
    let setup = Setup::new();
    let served = setup.serve();
    let mut caller = Caller::dial(&served, "CA-balance");
    assert_eq!(caller.heard.said, [GREETING, MAIN].concat());
    assert_eq!(caller.press("1"), [FIRST, NUMBERS].concat());
    assert_eq!(caller.press("1"), ENTER_ID);
    assert_eq!(caller.press("11010519491231002*#"), CONFIRM);
    assert_eq!(caller.press("1"), ENTER_PIN);
    assert_eq!(caller.press("739154#"), ACCOUNT);
    assert_eq!(caller.press("1"), [BALANCE, TOLD].concat());
    assert_eq!(caller.press("1"), [BALANCE, TOLD].concat());
    assert_eq!(caller.press("*"), ACCOUNT);
    assert_eq!(caller.press("2"), [FUND, TOLD_ALL].concat());
    assert_eq!(caller.press("9"), GOODBYE);
    assert_eq!(caller.heard.then, Then::HangUp);
    let read = ["pin_try", "sign_in_ok", "read_personal_balance", "read_personal_balance", "read_pooled_fund"];
    assert_eq!(setup.audit(), read);
}

#[test]
fn by_card_and_by_personal_number() {
    let hotline = shipped(NOON);
    let mut by_card = hotline.dial("CA-card");
    assert_eq!(by_card.press_all(&["1", "2"]), ENTER_CARD);
    assert_eq!(by_card.press("12345678#"), "您输入的号码后四位是五六七八。确认请按一，重新输入请按二。");
    assert_eq!(by_card.press_all(&["1", "739154#", "1"]), [BALANCE, TOLD].concat());
    let mut by_number = hotline.dial("CA-number");
    assert_eq!(by_number.press_all(&["1", "3", "1000000001#", "1", "739154#", "1"]), [BALANCE, TOLD].concat());
}

#[test]
fn a_resident_has_no_personal_account() {
    let hotline = shipped(NOON);
    let mut caller = hotline.dial("CA-resident");
    caller.press_all(&["1", "1", "330000201604010048#", "1", "916408#"]);
    let none = "您参加的是城乡居民医保，没有个人账户。";
    assert_eq!(caller.press("1"), [none, TOLD_NONE].concat());
    assert_eq!(caller.press("1"), [none, TOLD_NONE].concat());
    let fund = "请确认周围环境安全。二零二六年，您的居民医保门诊起付线已付一百元整，还需付零元；统筹基金本年度已支付两百六十元七角五分，还可支付两千七百三十九元二角五分，截至二零二六年六月三十日。";
    assert_eq!(caller.press("2"), [fund, TOLD_ALL].concat());
    assert_eq!(caller.press_all(&["*", "2"]), [fund, TOLD_ALL].concat());
    // The fund is a read of its own.
    let read = ["read_personal_balance", "read_personal_balance", "read_pooled_fund", "read_pooled_fund"];
    assert_eq!(hotline.setup.audit()[2..], read);
}

/// A line that tells nothing of the pooled fund does not offer it there either.
#[test]
fn a_resident_on_a_line_without_the_pooled_fund() {
    let line = shipped_line().replace("go = \"service:pooled-fund\"", "go = \"service:status\"");
    let hotline = InProcess::new(Setup::new().line(&line), NOON);
    let mut caller = hotline.dial("CA-bank");
    caller.press_all(&["1", "1", "330000201604010048#", "1", "916408#"]);
    assert_eq!(caller.press("1"), ["您参加的是城乡居民医保，没有个人账户。", TOLD_ALL].concat());
    assert_eq!(caller.press("2"), ["抱歉，这里没有这个选项。", TOLD_ALL].concat());
}

/// What is heard does not tell who exists: neither its words nor its length.
#[test]
fn an_unknown_number_sounds_as_a_wrong_pin() {
    let hotline = shipped(NOON);
    // Nobody; somebody, with another PIN; somebody without any PIN.
    let people = ["440106198101010155#", "310000198503120012#", "500000196810010020#"];
    let calls = people.map(|number| {
        let mut caller = hotline.dial(&format!("CA-{}", &number[..6]));
        caller.press_all(&["1", "1", number, "1"]);
        let mut markups = Vec::new();
        for pin in ["730415#", "730415#", "730415#"] {
            caller.press(pin);
            markups.push((caller.markup(), caller.sent.last().unwrap().answer.body.len()));
        }
        (markups, caller.heard)
    });
    assert_eq!(
        calls[0].1.said,
        "抱歉，号码或密码不正确。本次通话的尝试次数已经用完，请核对后再拨，或到服务窗口办理。感谢您的来电，再见。"
    );
    assert!(calls[0].0[0].0.contains("抱歉，号码或密码不正确。"));
    assert_eq!(calls[0], calls[1]);
    assert_eq!(calls[0], calls[2]);
}

#[test]
fn three_wrong_pins_end_the_call() {
    let hotline = shipped(NOON);
    let mut caller = hotline.dial("CA-wrong");
    caller.press_all(&["1", "1", "310000198503120012#", "1"]);
    assert_eq!(caller.press("730415#"), [REFUSED, ENTER_PIN].concat());
    assert_eq!(caller.press("730416#"), [REFUSED, ENTER_PIN].concat());
    let used_up = "本次通话的尝试次数已经用完，请核对后再拨，或到服务窗口办理。";
    assert_eq!(caller.press("730417#"), [REFUSED, used_up, GOODBYE].concat());
    assert_eq!(caller.heard.then, Then::HangUp);
    assert_eq!(hotline.setup.audit(), ["pin_try", "sign_in_refused"].repeat(3));
}

/// Five in all, over two calls: the lock is told, and so is how long it holds.
#[test]
fn five_wrong_pins_lock() {
    let hotline = shipped(NOON);
    let mut first = hotline.dial("CA-first");
    first.press_all(&["1", "1", "310000198503120012#", "1", "730415#", "730415#", "730415#"]);
    let mut second = hotline.dial("CA-second");
    second.press_all(&["1", "1", "310000198503120012#", "1", "730415#", "730415#"]);
    let mut owner = hotline.dial("CA-owner");
    owner.press_all(&["1", "1", "310000198503120012#", "1"]);
    let locked = "尝试次数过多，请三十分钟后再拨，或带身份证到服务窗口办理；需要人工服务，请按零。";
    assert_eq!(owner.press("204867#"), [locked, MAIN].concat());
    hotline.clock.advance(std::time::Duration::from_secs(30 * 60 + 1));
    let mut owner = hotline.dial("CA-later");
    assert_eq!(owner.press_all(&["1", "1", "310000198503120012#", "1", "204867#"]), ACCOUNT);
}

#[test]
fn an_initial_pin_opens_nothing() {
    let hotline = shipped(NOON);
    let mut caller = hotline.dial("CA-initial");
    caller.press_all(&["1", "1", "370000199502140068#", "1"]);
    let second = "请输入社会保障卡号中的数字，字母不用输入，按井号键结束。返回，请按星号键，再按井号键；人工服务，请按零，再按井号键。";
    assert_eq!(caller.press("123456#"), [INITIAL, second].concat());
    // Not signed in: back leads to who is calling, and so does the account.
    assert_eq!(caller.press("*#"), NUMBERS);
    assert_eq!(caller.press("*"), MAIN);
    assert_eq!(caller.press("1"), [FIRST, NUMBERS].concat());
    assert_eq!(hotline.setup.audit(), ["pin_try", "initial_pin"]);
}

#[test]
fn five_minutes_after_the_pin_nothing_is_told() {
    let hotline = shipped(NOON);
    let mut caller = hotline.dial("CA-slow");
    caller.press_all(&["1", "1", "11010519491231002*#", "1", "739154#"]);
    hotline.clock.advance(std::time::Duration::from_secs(299));
    assert_eq!(caller.press("1"), [BALANCE, TOLD].concat());
    hotline.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(caller.press("1"), ["为了您的账户安全，请重新验证身份。", NUMBERS].concat());
}

#[test]
fn silence_is_helped_and_then_ends() {
    let hotline = shipped(NOON);
    let mut caller = hotline.dial("CA-silent");
    let nothing = "抱歉，没有收到您的按键。";
    let help =
        "请先听完各项服务，再在电话键盘上按一个对应的数字键。不方便按键，请稍候，我们会为您转人工服务或告知服务时间。";
    let hours = "人工服务时间，周一至周五，八点三十分到十一点三十分。人工服务时间，周一至周五，十三点到十七点。";
    assert_eq!(caller.silence(), [nothing, MAIN].concat());
    assert_eq!(caller.silence(), [nothing, help, MAIN].concat());
    assert_eq!(caller.silence(), [nothing, CLOSED, hours, GOODBYE].concat());
    assert_eq!(caller.heard.then, Then::HangUp);
}

#[test]
fn silence_in_office_hours_ends_with_a_person() {
    let hotline = shipped(OPEN);
    let mut caller = hotline.dial("CA-silent");
    caller.silence();
    caller.silence();
    assert_eq!(caller.silence(), "抱歉，没有收到您的按键。正在为您转接人工服务，请稍候。");
    assert!(matches!(&caller.heard.then, Then::Dial { target, .. } if target == "sip:agents@pbx.invalid"));
}

/// `*` back, `#` again, `0` a person, `9` goodbye: in menus and, with their `#`, in entries.
#[test]
fn the_keys_that_work_everywhere() {
    let hotline = shipped(NOON);
    let mut caller = hotline.dial("CA-keys-0");
    let hours = "人工服务时间，周一至周五，八点三十分到十一点三十分。人工服务时间，周一至周五，十三点到十七点。";
    let closed = [CLOSED, hours, OFFER, MAIN].concat();
    assert_eq!(caller.press("#"), MAIN);
    assert_eq!(caller.press("*"), MAIN);
    assert_eq!(caller.press("0"), closed);
    for (way, here, back) in [
        (&["1"][..], NUMBERS, MAIN),
        (&["1", "1"], ENTER_ID, NUMBERS),
        (&["1", "1", "11010519491231002*#"], CONFIRM, ENTER_ID),
        (&["1", "1", "11010519491231002*#", "1"], ENTER_PIN, NUMBERS),
        (&["1", "1", "11010519491231002*#", "1", "739154#"], ACCOUNT, MAIN),
        (&["1", "1"], TOLD, ACCOUNT),
    ] {
        caller.press_all(way);
        assert_eq!(caller.press("#"), here, "again at {way:?}");
        let is_entry = [ENTER_ID, ENTER_PIN].contains(&here);
        let (star, zero) = if is_entry { ("*#", "0#") } else { ("*", "0") };
        let mut goes_back = caller.clone();
        assert_eq!(goes_back.press(star), back, "back from {way:?}");
        let mut asks_for_a_person = caller.clone();
        assert_eq!(asks_for_a_person.press(zero), closed, "a person from {way:?}");
        if !is_entry {
            let mut says_goodbye = caller.clone();
            // Whoever was served is asked how it was first.
            let goodbye = if here == TOLD { crate::rating::ASKED } else { GOODBYE };
            assert_eq!(says_goodbye.press("9"), goodbye, "goodbye from {way:?}");
        }
        caller = hotline.dial(&format!("CA-keys-{}", way.len()));
        if here == ACCOUNT {
            caller.press_all(&["1", "1", "11010519491231002*#", "1", "739154#", "*"]);
        }
    }
}

#[test]
fn a_person_answers_or_does_not() {
    let setup = Setup::new().people(People::Always);
    let served = setup.serve();
    let mut caller = Caller::dial(&served, "CA-person");
    for _ in 0..3 {
        assert_eq!(caller.press("0"), "正在为您转接人工服务，请稍候。");
        assert!(matches!(&caller.heard.then, Then::Dial { target, .. } if target == "sip:agents@pbx.invalid"));
        assert_eq!(caller.transferred("no-answer"), ["抱歉，人工座席暂时无法接听，请稍后再试。", OFFER, MAIN].concat());
    }
    // So often, and no oftener.
    assert_eq!(caller.press("0"), ["抱歉，人工座席暂时无法接听，请稍后再试。", OFFER, MAIN].concat());
    let mut lucky = Caller::dial(&served, "CA-lucky");
    lucky.press("0");
    assert_eq!(lucky.transferred("completed"), GOODBYE);
    assert_eq!(lucky.heard.then, Then::HangUp);
}

/// Nobody stays signed in behind an agent's back.
#[test]
fn a_transfer_signs_out() {
    let hotline = shipped(OPEN);
    let mut caller = hotline.dial("CA-transfer");
    caller.press_all(&["1", "1", "11010519491231002*#", "1", "739154#", "0"]);
    caller.transferred("busy");
    assert_eq!(caller.press("1"), [FIRST, NUMBERS].concat());
}

/// Keys as platforms and people send them: full-width, cleared, with a stray ending key, or none that a keypad has.
#[test]
fn keys_as_they_come() {
    let hotline = shipped(NOON);
    let mut caller = hotline.dial("CA-odd");
    assert_eq!(caller.press("１"), [FIRST, NUMBERS].concat());
    assert_eq!(caller.press("壹"), ["抱歉，这里没有这个选项。", NUMBERS].concat());
    caller.press("1");
    assert_eq!(caller.press("4401*11010519491231002*#"), CONFIRM);
    caller.press("2");
    assert_eq!(
        caller.press("110105194912310020#"),
        ["您输入的号码可能有一位按错了，请核对后重新输入。", ENTER_ID].concat()
    );
    assert!(caller.press("1101#").starts_with("您输入的号码位数不对，请重新输入。"));
}
