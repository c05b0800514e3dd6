//! The words of transcripts: each may be written in Chinese or in English.

use crate::dialog::explore::Rule;
use crate::member::account::CardStatus;

/// A word, in both languages.
pub type Word = &'static [&'static str];

/// The first word of a file.
pub const CALL: Word = &["通话", "call"];

/// `  时钟 2026-03-15 10:05 +08:00`
pub const CLOCK: Word = &["时钟", "clock"];
/// `  方言 twilio browser`
pub const DIALECTS: Word = &["方言", "dialects"];
/// `  拨打 12333`
pub const DIALLED: Word = &["拨打", "dialled"];
/// `  主叫 13800138000`
pub const FROM: Word = &["主叫", "from"];
/// `  成员 members.csv`
pub const MEMBERS: Word = &["成员", "members"];
/// `  明细 transactions.csv`
pub const TRANSACTIONS: Word = &["明细", "transactions"];
/// `  共济 mutual-aid.csv`
pub const MUTUAL_AID: Word = &["共济", "mutual-aid"];
/// `  线路 lines/queue`
pub const LINES: Word = &["线路", "lines"];
/// `  设置 abuse.level = 2`
pub const SETTING: Word = &["设置", "setting"];
/// `  数据 专用`
pub const DATA: Word = &["数据", "data"];
/// Data that nobody else calls for.
pub const OWN: Word = &["专用", "own"];
/// `  密值 $证号 = 样例.身份证(末位X)`
pub const SECRET: Word = &["密值", "secret"];
/// A number that is withheld.
pub const WITHHELD: Word = &["隐藏", "withheld"];
/// A number that is marked as an older caller's: `  主叫 13800138000 老年`
pub const ELDER: Word = &["老年", "elder"];

/// `> 拨入`
pub const DIAL: Word = &["拨入", "dial"];
/// `> 按 1`
pub const PRESS: Word = &["按", "press"];
/// `> 抢按 1`
pub const PRESS_OVER: Word = &["抢按", "press-over"];
/// `> 连按 1 1`
pub const PRESS_AHEAD: Word = &["连按", "press-ahead"];
/// `> 听到 “余额” 按 1`
pub const HEARING: Word = &["听到", "hearing", "hears"];
/// `> 静默`
pub const SILENCE: Word = &["静默", "silence"];
/// `> 留言 20s`, `> 留言 20s 挂机`
pub const SPEAK: Word = &["留言", "speak"];
/// `> 等候 前面2位 平均90s`
pub const WAITING: Word = &["等候", "waiting"];
/// Of a queue: `前面2位`
pub const AHEAD: Word = &["前面", "ahead"];
/// Of those before: `2位`
pub const PEOPLE: Word = &["位", "people"];
/// Of a queue: `平均90s`
pub const AVERAGE: Word = &["平均", "average"];
/// `> 挂机`
pub const HANG_UP: Word = &["挂机", "hang-up"];
/// `> 人工 通话`, `> 人工 无人接听`
pub const PERSON: Word = &["人工", "person"];
/// They talked.
pub const TALKED: Word = &["通话", "talked"];
/// Nobody answered.
pub const NOT_ANSWERED: Word = &["无人接听", "not-answered"];
/// `每键0.4s`
pub const EACH: Word = &["每键", "each"];

/// `≤3s`
pub const WITHIN: Word = &["≤", "within"];

/// `= 审计 读取余额 1 次`
pub const AUDIT: Word = &["审计", "audit"];
/// Of an audit row.
pub const TIMES: Word = &["次", "times"];
/// `= 日志 不含 $证号`
pub const LOG: Word = &["日志", "log"];
/// Of a log.
pub const WITHOUT: Word = &["不含", "without"];
/// `= 通话 结束`
pub const OVER: Word = &["结束", "over"];

/// `= 账户 $证号 卡 正常→挂失`
pub const ACCOUNT: Word = &["账户", "account"];
/// Of an account.
pub const CARD: Word = &["卡", "card"];
/// Of an account.
pub const BALANCE: Word = &["余额", "balance"];
/// Of an account: `密码 $密码→$新密码`
pub const PIN_IN_FORCE: Word = &["密码", "pin"];
/// Of an account: `密码错误次数 0→2`
pub const WRONG_PINS: Word = &["密码错误次数", "wrong-pins"];
/// There is none.
pub const NOTHING: Word = &["没有", "none"];

/// `! 重发`
pub const DUPLICATE: Word = &["重发", "duplicate"];
/// `! 乱序`
pub const REORDER: Word = &["乱序", "reorder"];
/// `! 节点重启`
pub const NODE_KILLED: Word = &["节点重启", "node-killed"];
/// `! 数据库 断开`
pub const STORE: Word = &["数据库", "store"];
/// Of the store.
pub const AWAY: Word = &["断开", "away"];
/// Of the store.
pub const BACK: Word = &["恢复", "back"];
/// Of the store: `! 数据库 慢 300ms`
pub const SLOW: Word = &["慢", "slow"];
/// `! 延迟 5s`
pub const DELAY: Word = &["延迟", "delay"];
/// `! 等待 31分钟`
pub const WAIT: Word = &["等待", "wait"];

/// `{金额 1010.05}`
pub const AMOUNT: Word = &["金额", "amount"];
/// `{日期 2026-06-30}`
pub const DATE: Word = &["日期", "date"];
/// `{数字 $证号 尾4}`
pub const DIGITS: Word = &["数字", "digits"];
/// `{提示 goodbye}`
pub const PROMPT: Word = &["提示", "prompt"];
/// `{记下 $编号}`
pub const CAPTURE: Word = &["记下", "capture"];
/// `{任一 甲|乙}`
pub const ANY_OF: Word = &["任一", "any-of"];
/// `{正则 [零幺]+}`
pub const REGEX: Word = &["正则", "regex"];
/// The last of a number's digits: `尾4`.
pub const LAST: Word = &["尾", "last"];

/// Whose: the members of the register.
pub const SAMPLE: Word = &["样例", "sample"];
/// Whose: nobody's.
pub const NOBODY: Word = &["无人", "nobody"];
/// `末位X`
pub const ENDS_IN_X: Word = &["末位X", "ends-in-x"];
/// 身份证号码
pub const ID_NUMBER: Word = &["身份证", "id-number"];
/// 社会保障卡号
pub const CARD_NUMBER: Word = &["社保卡", "card-number"];
/// 医保个人编号
pub const PERSONAL_NUMBER: Word = &["个人编号", "personal-number"];
/// 查询密码
pub const PIN: Word = &["查询密码", "pin"];

/// The states of a card.
pub const CARDS: [(Word, Option<CardStatus>); 7] = [
    (&["正常", "normal"], Some(CardStatus::Normal)),
    (&["未激活", "inactive"], Some(CardStatus::Inactive)),
    (&["挂失", "temporary_loss"], Some(CardStatus::TemporaryLoss)),
    (&["正式挂失", "formal_loss"], Some(CardStatus::FormalLoss)),
    (&["锁定", "locked"], Some(CardStatus::Locked)),
    (&["注销", "cancelled"], Some(CardStatus::Cancelled)),
    (NOTHING, None),
];

/// What the audit calls what happened, and what a tester calls it.
pub const EVENTS: &[Word] = &[
    &["验证密码", "pin_try"],
    &["登录成功", "sign_in_ok"],
    &["登录被拒", "sign_in_refused"],
    &["初始密码", "initial_pin"],
    &["密码锁定", "pin_locked"],
    &["本次通话次数用尽", "pin_call_limit"],
    &["主叫受限", "caller_limit"],
    &["锁定中常用号码再试", "lock_bypass_known_caller"],
    &["登录关闭", "sign_in_closed"],
    &["攻击级别0", "spray_level_0"],
    &["攻击级别1", "spray_level_1"],
    &["攻击级别2", "spray_level_2"],
    &["攻击级别3", "spray_level_3"],
    &["读取余额", "read_personal_balance"],
    &["读取统筹", "read_pooled_fund"],
    &["读取明细", "read_transactions"],
    &["读取状态", "read_status"],
    &["读取共济", "read_mutual_aid"],
    &["读取卡状态", "read_card_status"],
    &["原密码正确", "old_pin_ok"],
    &["原密码被拒", "old_pin_refused"],
    &["第二号码正确", "second_number_ok"],
    &["第二号码被拒", "second_number_refused"],
    &["提出新密码", "pin_proposed"],
    &["密码已修改", "pin_changed"],
    &["密码未修改", "pin_not_changed"],
    &["告知密码修改", "pin_change_told"],
    &["录音已保存", "message_recorded"],
    &["留言已提交", "message_left"],
    &["留言已撤回", "message_discarded"],
    &["要求回拨", "callback_asked"],
    &["挂失", "loss_reported"],
    &["延长挂失", "loss_renewed"],
    &["解除挂失", "loss_released"],
    &["挂失到期", "loss_lapsed"],
    &["评价", "rated"],
];

/// `= 规则 一键人工`
pub const RULE: Word = &["规则", "rule"];

/// What must always hold of a call, and what a tester calls it.
pub const RULES: [(Word, Rule); 12] = [
    (&["一键人工", "person-by-one-key"], Rule::PersonByOneKey),
    (&["静默有尽", "silence-ends"], Rule::SilenceEnds),
    (&["挂机即止", "over-is-over"], Rule::OverIsOver),
    (&["先验证后告知", "nothing-personal-before-sign-in"], Rule::NothingPersonalBeforeSignIn),
    (&["提示皆有词", "every-prompt-speaks"], Rule::EveryPromptSpeaks),
    (&["收键有提示", "collect-makes-sense"], Rule::CollectMakesSense),
    (&["错密有限", "wrong-pins-end"], Rule::WrongPinsEnd),
    (&["转接有限", "transfers-end"], Rule::TransfersEnd),
    (&["有问必答", "answers-speak"], Rule::AnswersSpeak),
    (&["各语言一致", "same-in-every-language"], Rule::SameInEveryLanguage),
    (&["变更须确认", "changes-are-confirmed"], Rule::ChangesAreConfirmed),
    (&["一次一事", "one-thing-at-a-time"], Rule::OneThingAtATime),
];

/// Whether `text` is `word`, in either language.
#[must_use]
pub fn is(text: &str, word: Word) -> bool {
    word.iter().any(|form| form.eq_ignore_ascii_case(text))
}

/// What follows `word` at the beginning of `text`, in either language.
#[must_use]
pub fn after(text: &str, word: Word) -> Option<&str> {
    word.iter().find_map(|form| {
        let (head, rest) = text.split_at_checked(form.len())?;
        head.eq_ignore_ascii_case(form).then_some(rest)
    })
}

/// How `word` is shown in errors: `静默 (silence)`.
#[must_use]
pub fn shown(word: Word) -> String {
    match word {
        [chinese, english, ..] => format!("{chinese} ({english})"),
        forms => forms.join(" "),
    }
}
