//! Policy answers and other channels: told to anyone, with no sign-in and no database.

use std::collections::BTreeSet;

use sqlx::Executor;

use crate::calls::{ACCOUNT, CLOSED, GOODBYE, GREETING, MAIN, NOON, OPEN, shipped};
use crate::support::caller::{Caller, Then};
use crate::support::served::{Setup, wait};

const POLICY: &str = "余额会不会清零，请按一。余额为零还能不能报销，请按二。家庭共济怎么用，请按三。哪些费用不予支付，请按四。更多问题，请按五。返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。";
const MORE: &str = "能不能套取现金，请按一。什么情况可以支取，请按二。个人账户能用在哪里，请按三。统筹基金能用在哪里，请按四。其他问题，请按五。返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。";
const OTHER: &str = "个人账户和统筹基金的区别，请按一。居民医保的个人账户，请按二。账户的钱从哪里来，请按三。激活时找不到参保人，请按四。住院先用个人账户吗，请按五。返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。";
const CHANNELS: &str = "网站和手机查询，请按一。定点医院和药店，请按二。服务窗口和所需证件，请按三。银行渠道，请按四。医保热线，请按五。返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。";
const KEYS: &str = "重听，请按一；返回上一级，请按星号键；人工服务，请按零。";
const CARRY_OVER: &str = "不会清零。个人账户里的钱归您本人所有，没有用完的会一直累计，直到用完为止。统筹基金的额度按年度计算，从一月一日到十二月三十一日，年底结算，新的一年重新计算。";
const LOCAL: &str = "具体以您参保地的规定为准。";

/// An answer: the keys from the main menu to it, the menu it is chosen in, and what must be heard of it, in this order.
type Row = (&'static [&'static str], &'static str, &'static [&'static str]);

/// Every question of DOMAIN.md 1b and every channel of 1c.
#[rustfmt::skip]
const ANSWERS: [Row; 18] = [
    // F1
    (&["3", "1"], POLICY, &[CARRY_OVER]),
    // F2 and F3 together
    (&["3", "2"], POLICY, &["可以报销。个人账户和统筹基金分开结算，互不影响。", "在药店买药、看门诊，个人负担的部分不能再刷个人账户，请用现金支付。", "住院时，只要您正常缴费，仍然可以刷卡", "您只需支付个人负担的部分。"]),
    // F4
    (&["3", "3"], POLICY, &["这叫家庭共济。", "家人是指配偶、父母、子女等近亲属。", "例如浙江全省和广州市", LOCAL]),
    // F5, the law before the localities
    (&["3", "4"], POLICY, &["社会保险法第三十条规定，四种费用医保基金不支付：应当由工伤保险支付的，应当由第三人负担的，应当由公共卫生负担的，在境外就医的。", "由医保基金先支付，再向第三人追偿。", "在非定点医院和药店发生的，急诊除外；因打架、吸毒等违法行为造成的；因醉酒、自杀、自残造成的；交通事故、医疗事故等应由责任方承担的；国家和当地规定由个人自付的。", LOCAL]),
    // F6
    (&["3", "5", "1"], MORE, &["任何单位和个人都不得套取医保账户里的钱，这是违法行为，账户可能被封停。", "第十七条要求：请保管好您的医保凭证", "暂停医疗费用联网结算三个月至十二个月；骗取医保基金的，还要处骗取金额两倍以上五倍以下的罚款。"]),
    // F7
    (&["3", "5", "2"], MORE, &["参保人去世的，由单位或者家属办理；退休前出国定居的；外籍人员退休前离境的；到外地工作的，可以转移或者支取。"]),
    // F8
    (&["3", "5", "3"], MORE, &["定点药店买药，定点医院和社区卫生服务中心的门诊、急诊，起付线以下的费用，住院时个人负担的部分，合理的医疗器械和医用耗材。", "商业健康保险或者意外保险。", LOCAL]),
    // F9
    (&["3", "5", "4"], MORE, &["肿瘤放疗化疗、透析、器官移植后的抗排异药；住院前七天内的急诊留观费用；政策规定的普通门诊费用。", "不能提取现金。", LOCAL]),
    // F10
    (&["3", "5", "5", "1"], OTHER, &["一是用途", "二是来源", "三是支取", "四是范围", "五是查询"]),
    // F12 and F13
    (&["3", "5", "5", "2"], OTHER, &["二零二零年底前已经取消。里面的钱没有清零，转入了统筹基金；门诊慢性病、特殊病的费用，可以由统筹基金按规定支付。", "没有个人账户，也就没有余额可查。"]),
    // F11, as decided: employers' money goes to the pooled fund only
    (&["3", "5", "5", "3"], OTHER, &["本人缴纳缴费基数的百分之二，全部进入个人账户；退休人员的个人账户，由统筹基金按月定额划入。账户里的钱还会计算利息。", "单位缴的费，全部进入统筹基金；统筹基金还有利息和其他收入。"]),
    // Row 15 of 1a
    (&["3", "5", "5", "4"], OTHER, &["可能是这家药店的系统没有联网，请换一家定点药店再试。"]),
    // F14
    (&["3", "5", "5", "5"], OTHER, &["不会。", "看费用清单上的项目在医保目录里怎么规定，和您个人账户里有多少钱没有关系。"]),
    // 1c
    (&["4", "1"], CHANNELS, &["国家医保服务平台", "当地医保局的网站和手机应用", "请马上修改密码。", "用支付宝，请打开城市服务或者医保码，刷脸验证后查询。用微信，请打开支付，在医疗健康里选择医保余额查询。", "深圳本地宝。"]),
    // F15
    (&["4", "2"], CHANNELS, &["可以请工作人员在刷卡机上为您查询余额，需要您本人输入密码。"]),
    (&["4", "3"], CHANNELS, &["请带上您的身份证和社保卡", "自助服务机"]),
    (&["4", "4"], CHANNELS, &["手机银行", "可以拨打九五五六六查询职工个人账户余额。", "要打印收支明细，请带身份证和医保证"]),
    (&["4", "5"], CHANNELS, &["医保服务热线幺二三九三；", "请拨打本热线幺二三三三。"]),
];

#[test]
fn every_question_is_answered_and_again_back_and_a_person_follow() {
    let hotline = shipped(OPEN);
    let mut heard = BTreeSet::new();
    for (n, (keys, menu, sentences)) in ANSWERS.into_iter().enumerate() {
        let mut caller = hotline.dial(&format!("CA-answer-{n}"));
        let (last, way) = keys.split_last().unwrap();
        assert_eq!(caller.press_all(way), menu, "{keys:?}");
        let answer = caller.press(last).to_owned();
        let mut rest = &*answer;
        for sentence in sentences {
            let at = rest.find(sentence).unwrap_or_else(|| panic!("{keys:?}: {sentence} is not in {rest}"));
            rest = &rest[at + sentence.len()..];
        }
        assert!(rest.ends_with(KEYS), "{keys:?}: {rest}");
        assert_eq!(caller.press("1"), answer, "again at {keys:?}");
        assert_eq!(caller.press("#"), answer, "again at {keys:?}");
        let mut goes_back = caller.clone();
        assert_eq!(goes_back.press("*"), menu, "back from {keys:?}");
        let mut says_goodbye = caller.clone();
        assert_eq!(says_goodbye.press("9"), crate::rating::ASKED, "goodbye from {keys:?}");
        assert_eq!(caller.press("0"), "正在为您转接人工服务，请稍候。", "a person from {keys:?}");
        assert!(matches!(&caller.heard.then, Then::Dial { .. }));
        assert!(heard.insert(answer), "{keys:?} tells what another tells");
    }
    // Whatever the line answers is in the table.
    let line = std::fs::read_to_string(crate::support::line::project("config/lines/12333.toml")).unwrap();
    // But for what a forgotten PIN needs, which stands among the card services: see pin_change.rs.
    assert_eq!(line.matches("\n[answer.").count(), ANSWERS.len() + 1);
    // And nobody was asked who they are.
    assert_eq!(hotline.setup.audit(), Vec::<String>::new());
}

/// `*` climbs one menu at a time, from the deepest answer up.
#[test]
fn back_to_where_it_was_chosen() {
    let hotline = shipped(NOON);
    let mut caller = hotline.dial("CA-up");
    caller.press_all(&["3", "5", "5", "2"]);
    for menu in [OTHER, MORE, POLICY, MAIN] {
        assert_eq!(caller.press("*"), menu);
    }
}

/// A wrong key or silence after an answer repeats the keys, not the answer: it was heard.
#[test]
fn misses_after_an_answer_are_helped_and_then_end() {
    let hotline = shipped(NOON);
    let [mut caller, mut silent] = ["CA-wrong", "CA-silent"].map(|sid| hotline.dial(sid));
    caller.press_all(&["3", "1"]);
    silent.press_all(&["3", "1"]);
    let help =
        "请先听完各项服务，再在电话键盘上按一个对应的数字键。不方便按键，请稍候，我们会为您转人工服务或告知服务时间。";
    let hours = "人工服务时间，周一至周五，八点三十分到十一点三十分。人工服务时间，周一至周五，十三点到十七点。";
    for (caller, miss, apology) in
        [(&mut caller, "7", "抱歉，这里没有这个选项。"), (&mut silent, "", "抱歉，没有收到您的按键。")]
    {
        let mut missed = || if miss.is_empty() { caller.silence().to_owned() } else { caller.press(miss).to_owned() };
        assert_eq!(missed(), [apology, KEYS].concat());
        assert_eq!(missed(), [apology, help, KEYS].concat());
        assert_eq!(missed(), [apology, CLOSED, hours, GOODBYE].concat());
        assert_eq!(caller.heard.then, Then::HangUp);
    }
}

/// Who has signed in still is after an answer.
#[test]
fn an_answer_between_does_not_sign_out() {
    let hotline = shipped(NOON);
    let mut caller = hotline.dial("CA-between");
    caller.press_all(&["1", "1", "11010519491231002*#", "1", "739154#", "*"]);
    assert_eq!(caller.press_all(&["3", "1"]), [CARRY_OVER, KEYS].concat());
    assert_eq!(caller.press_all(&["*", "*", "1"]), ACCOUNT);
}

/// Somebody else holds the database, and every question is answered all the same.
#[test]
fn answers_need_no_database() {
    let setup = Setup::new().env("STORE__DEADLINE", "300ms");
    let served = setup.serve();
    wait(async {
        let mut holder = setup.database().await;
        holder.execute("BEGIN EXCLUSIVE").await.unwrap();
        let mut caller = Caller::dial(&served, "CA-locked");
        assert_eq!(caller.heard.said, [GREETING, MAIN].concat());
        for (keys, menu, sentences) in ANSWERS {
            let answer = caller.press_all(keys).to_owned();
            assert!(answer.contains(sentences[0]), "{keys:?}: {answer}");
            assert_eq!(caller.press("1"), answer);
            assert_eq!(caller.press("*"), menu);
            for _ in 1..keys.len() {
                caller.press("*");
            }
            assert_eq!(caller.heard.said, MAIN, "{keys:?}");
        }
        assert_eq!(caller.press("9"), GOODBYE);
        holder.execute("ROLLBACK").await.unwrap();
    });
    assert_eq!(setup.audit(), Vec::<String>::new());
}
