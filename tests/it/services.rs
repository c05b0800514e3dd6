//! What each service says, as short calls to be read: through signed webhooks, word for word, with what the audit holds
//! in the end.
//!
//! `>` is what the caller presses, `<` what they hear then, `…` what is not the point there, `=` the audit. Several
//! entries in one line are pressed one after the other. What goes wrong in a call is tested elsewhere, by behaviour.

use crate::calls::{NOON, OPEN, shipped};
use crate::support::caller::{InProcess, Then};

/// Plays `script` against `hotline`: every word that is heard, and every row of the audit.
#[track_caller]
fn play(hotline: &InProcess, script: &str) {
    let mut caller = hotline.dial("CA-script");
    let mut expected = String::new();
    let lines: Vec<_> = script.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    for (n, line) in lines.iter().enumerate() {
        let (sign, rest) = line.split_at(1);
        match sign {
            ">" => drop(caller.press_all(&rest.split_whitespace().collect::<Vec<_>>()).to_owned()),
            "<" => expected.push_str(rest.trim()),
            "=" => assert_eq!(hotline.setup.audit(), rest.split_whitespace().collect::<Vec<_>>(), "{script}"),
            _ => panic!("{line}"),
        }
        if sign == "<" && !lines.get(n + 1).is_some_and(|next| next.starts_with('<')) {
            let heard = &caller.heard.said;
            assert!(fits(heard, &expected), "expected:\n{expected}\nheard:\n{heard}\nin:{script}");
            expected.clear();
        }
    }
}

/// Whether `heard` is `expected`, where `…` stands for anything.
fn fits(heard: &str, expected: &str) -> bool {
    let Some((first, mut rest)) = expected.split_once('…') else { return heard == expected };
    let Some(mut heard) = heard.strip_prefix(first) else { return false };
    while let Some((part, after)) = rest.split_once('…') {
        let Some(at) = heard.find(part) else { return false };
        (heard, rest) = (&heard[at + part.len()..], after);
    }
    heard.ends_with(rest)
}

#[test]
fn personal_balance_of_an_employee() {
    play(
        &shipped(NOON),
        "
        < 您好，欢迎致电幺二三三三人力资源和社会保障服务热线。任何时候需要人工服务，请按零。…
        < 医保账户查询，请按一。…
        > 1
        < 查询前请先验证您的身份。身份证号码，请按一。社会保障卡号，请按二。医保个人编号，请按三。…
        > 1
        < 请输入您的十八位身份证号码，末位是字母X的，请按星号键代替，按井号键结束。…
        > 11010519491231002*#
        < 您输入的号码后四位是零零二X。确认请按一，重新输入请按二。
        > 1
        < 请输入六位查询密码，按井号键结束。…
        > 739154#
        < 个人账户余额，请按一。统筹账户额度，请按二。收支明细，请按三。缴费与待遇状态，请按四。家庭共济，请按五。…
        > 1
        < 请确认周围环境安全。
        < 您的医保个人账户余额为一千零一十元零五分，其中本年账户三百一十元零五分，历年账户七百元整，截至二零二六年六月三十日。
        < 重听，请按一。收支明细，请按二。返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。
        > 9
        < 请您对本次服务作出评价。非常满意，请按一。满意，请按二。一般，请按三。不满意，请按四。
        > 9
        < 感谢您的来电，再见。
        = pin_try sign_in_ok read_personal_balance
        ",
    );
}

#[test]
fn personal_balance_by_card_and_by_personal_number() {
    for number in ["2 12345678#", "3 1000000001#"] {
        let script = format!(
            "
            > 1 {number} 1 739154# 1
            < …您的医保个人账户余额为一千零一十元零五分，…
            = pin_try sign_in_ok read_personal_balance
            "
        );
        play(&shipped(NOON), &script);
    }
}

#[test]
fn personal_balance_of_a_resident() {
    play(
        &shipped(NOON),
        "
        > 1 1 330000201604010048# 1 916408# 1
        < 您参加的是城乡居民医保，没有个人账户。重听，请按一。…
        = pin_try sign_in_ok read_personal_balance
        ",
    );
}

#[test]
fn pooled_fund_of_an_employee() {
    play(
        &shipped(NOON),
        "
        > 1 1 11010519491231002*# 1 739154# 2
        < 请确认周围环境安全。
        < 二零二六年，您的统筹账户起付线已付四百五十元五角，还需付一千三百四十九元五角；
        < 本年度已使用一千二百三十四元五角六分，剩余额度一万八千七百六十五元四角四分，截至二零二六年六月三十日。
        < 重听，请按一。返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。
        = pin_try sign_in_ok read_pooled_fund
        ",
    );
}

#[test]
fn pooled_fund_without_a_ceiling() {
    play(
        &shipped(NOON),
        "
        > 1 1 110000197611200034# 1 950736# 2
        < …起付线已付一千八百元整，还需付零元；
        < 本年度已使用三万五千二百一十元九角，没有最高支付限额，截至二零二六年六月三十日。…
        ",
    );
}

#[test]
fn pooled_fund_of_a_resident() {
    play(
        &shipped(NOON),
        "
        > 1 1 330000201604010048# 1 916408# 2
        < 请确认周围环境安全。
        < 二零二六年，您的居民医保门诊起付线已付一百元整，还需付零元；
        < 统筹基金本年度已支付两百六十元七角五分，还可支付两千七百三十九元二角五分，截至二零二六年六月三十日。…
        = pin_try sign_in_ok read_pooled_fund
        ",
    );
}

#[test]
fn pooled_fund_of_paused_insurance() {
    play(
        &shipped(NOON),
        "
        > 1 1 420000198807070056# 1 472095# 2
        < 请确认周围环境安全。
        < 您目前暂停参保，统筹账户已停止支付；二零二六年已使用零元，截至二零二六年六月三十日。
        < 暂停参保期间，统筹基金不予支付，恢复缴费后按当地规定恢复待遇。个人账户余额仍可使用。…
        ",
    );
}

#[test]
fn details() {
    play(
        &shipped(NOON),
        "
        > 1 1 11010519491231002*# 1 739154# 3
        < 划入记录，请按一。消费记录，请按二。全部记录，请按三。返回上一级，…
        > 3
        < 请确认周围环境安全。
        < 二零二六年五月十五日，划入一百零三元三角五分，账户余额一千零一十元零五分。
        < 二零二六年四月九日，退回十四元整，账户余额九百零六元七角。
        < 二零二六年四月八日，门诊消费六十八元四角，账户余额八百九十二元七角。
        < 下一页，请按一。重听本页，请按三。…
        > 1
        < …二零二六年一月十五日，划入一百零三元三角五分，账户余额八百九十三元三角五分。
        < 以上是全部记录。上一页，请按二。重听本页，请按三。…
        > * 2
        < 请确认周围环境安全。
        < 二零二六年四月八日，门诊消费六十八元四角，账户余额八百九十二元七角。
        < 二零二六年二月三日，购药消费三十五元六角，账户余额八百五十七元七角五分。
        < 以上是全部记录。重听本页，请按三。…
        = pin_try sign_in_ok read_transactions read_transactions read_transactions
        ",
    );
}

#[test]
fn status() {
    play(
        &shipped(NOON),
        "
        > 1 1 11010519491231002*# 1 739154# 4
        < 请确认周围环境安全。
        < 您的参保类型是在职职工，目前正常参保；缴费状态，正常缴费，最近缴费月份是二零二六年六月；门诊待遇正常，住院待遇正常。
        < 重听，请按一。…
        = pin_try sign_in_ok read_status
        ",
    );
}

#[test]
fn mutual_aid() {
    play(
        &shipped(NOON),
        "
        > 1 1 310000198503120012# 1 204867# 5
        < 请确认周围环境安全。您的个人账户已经开通家庭共济，共绑定三位家人。父母两位。子女一位。
        < 二零二六年，家人已使用您的个人账户八百元整，截至二零二六年六月三十日。
        < 怎样绑定家人，请按一。重听，请按二。…
        > 1
        < 您可以打开国家医保服务平台应用，…到参保地的医保窗口办理。…
        = pin_try sign_in_ok read_mutual_aid
        ",
    );
}

#[test]
fn mutual_aid_of_who_has_bound_nobody_and_of_a_resident() {
    play(
        &shipped(NOON),
        "
        > 1 1 420000198807070056# 1 472095# 5
        < 请确认周围环境安全。您的个人账户目前没有绑定家人。怎样绑定家人，请按一。…
        ",
    );
    play(
        &shipped(NOON),
        "
        > 1 1 330000201604010048# 1 916408# 5
        < 您参加的是城乡居民医保，没有个人账户，不能绑定家人；参加职工医保的家人，可以绑定您。怎样绑定家人，请按一。…
        ",
    );
}

/// The first answer of each menu; all of them stand in policy.rs.
#[test]
fn policy_and_other_channels() {
    play(
        &shipped(NOON),
        "
        > 3
        < 余额会不会清零，请按一。余额为零还能不能报销，请按二。家庭共济怎么用，请按三。哪些费用不予支付，请按四。更多问题，请按五。…
        > 1
        < 不会清零。个人账户里的钱归您本人所有，没有用完的会一直累计，直到用完为止。…
        < 重听，请按一；返回上一级，请按星号键；人工服务，请按零。
        > * 5 1
        < 不可以。任何单位和个人都不得套取医保账户里的钱，这是违法行为，账户可能被封停。…
        > * 5 1
        < 有五点区别。一是用途：…五是查询：…
        > * * * * 4 1
        < 您可以登录国家医保服务平台，或者当地医保局的网站和手机应用查询。…
        =
        ",
    );
}

#[test]
fn a_person_in_and_outside_office_hours() {
    let open = shipped(OPEN);
    play(
        &open,
        "
        > 0
        < 正在为您转接人工服务，请稍候。
        =
        ",
    );
    play(
        &shipped(NOON),
        "
        > 0
        < 抱歉，现在不是人工服务时间。…周一至周五，八点三十分到十一点三十分。…
        =
        ",
    );
    let mut caller = open.dial("CA-transfer");
    caller.press("0");
    assert!(matches!(&caller.heard.then, Then::Dial { target, .. } if target == "sip:agents@pbx.invalid"));
}

#[test]
fn a_script_can_fail() {
    for (heard, expected, fit) in [
        ("零元", "零元", true),
        ("零元", "一元", false),
        ("您的余额为零元。再见。", "您的…零元。…", true),
        ("您的余额为零元。再见。", "…零元。…", true),
        ("您的余额为零元。再见。", "…零元。", false),
        ("您的余额为零元。再见。", "余额…", false),
        ("您的余额为零元。再见。", "…再见。…您的…", false),
    ] {
        assert_eq!(fits(heard, expected), fit, "{heard} {expected}");
    }
}
