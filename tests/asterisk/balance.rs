//! What the hotline is for: a caller signs in and hears their balance, every clip of it.

use crate::phone::End;
use crate::stand::Plan;

pub const MAIN: &str = "您好，欢迎致电幺二三三三人力资源和社会保障服务热线 任何时候需要人工服务，请按零 \
     为保证服务质量，本次通话可能被录音 医保账户查询，请按 一 社保卡服务，请按 二 医保政策咨询，请按 三 \
     办理网点与其他查询渠道，请按 四 留言、投诉与建议，请按 五 重听，请按井号键；人工服务，请按零；结束通话，请按九";
pub const KINDS: &str = "查询前请先验证您的身份 身份证号码，请按 一 社会保障卡号，请按 二 医保个人编号，请按 三 \
     返回上一级，请按星号键；重听，请按井号键；人工服务，请按零";
pub const ID: &str = "请输入您的十八位身份证号码，末位是字母X的，请按星号键代替，按井号键结束 \
     输错请按星号键清除；人工服务，请按零，再按井号键";
pub const PIN: &str =
    "请输入六位查询密码，按井号键结束 号码输错了，请按星号键，再按井号键返回；人工服务，请按零，再按井号键";
pub const ACCOUNT: &str = "个人账户余额，请按 一 统筹账户额度，请按 二 收支明细，请按 三 缴费与待遇状态，请按 四 \
     家庭共济，请按 五 返回上一级，请按星号键；重听，请按井号键；人工服务，请按零";
pub const BALANCE: &str = "请确认周围环境安全 您的医保个人账户余额为 一千 零 一十 元 零 五分 其中本年账户 三百 一十 元 零 五分 \
     历年账户 七百 元 整 截至 二 零 二 六 年 六 月 三十 日 重听，请按 一 收支明细，请按 二 \
     返回上一级，请按星号键；重听，请按井号键；人工服务，请按零";
pub const GOODBYE: &str = "感谢您的来电，再见";

/// A sample member. On a telephone the X is keyed as a star.
pub const ZHANG: &str = "11010519491231002*";
pub const ZHANGS_PIN: &str = "739154";

#[test]
fn a_caller_with_an_x_hears_every_sentence_and_the_balance() {
    let line = Plan::new().open().connected();
    let call = line.call("13800000001");
    call.hears(MAIN);
    call.press("1");
    call.hears(KINDS);
    call.press("1");
    call.hears(ID);
    call.press(&format!("{ZHANG}#"));
    call.hears("您输入的号码后四位是 零 零 二 X 确认请按 一 重新输入请按 二");
    call.press("1");
    call.hears(PIN);
    call.press(&format!("{ZHANGS_PIN}#"));
    call.hears(ACCOUNT);
    call.press("1");
    call.hears(BALANCE);
    let shown = line.asterisk.shown();
    assert!(shown.contains("HOTLINE_STATE=k."), "{shown}");
    for secret in ["11010519491231002", ZHANGS_PIN] {
        assert!(!shown.contains(secret), "{shown}");
    }
    call.press("9");
    call.hears(GOODBYE);
    assert_eq!(call.ended(), End::Theirs);
    let all = format!(
        "{MAIN} {KINDS} {ID} 您输入的号码后四位是 零 零 二 X 确认请按 一 重新输入请按 二 {PIN} {ACCOUNT} {BALANCE} {GOODBYE}"
    );
    assert_eq!(call.kept(), all);
    let audit = line.setup.audit();
    assert_eq!(audit.iter().filter(|event| *event == "read_personal_balance").count(), 1, "{audit:?}");
    line.close(&[], &["11010519491231002", ZHANGS_PIN]);
}
