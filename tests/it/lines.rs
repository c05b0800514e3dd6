//! Several lines on one hotline: the number dialled decides greeting, menu, hours, and how a card number is keyed.

use hotline::member::card_number::CardNumber;
use hotline::member::card_number::CardRule::{DigitsOnly, Last8};
use hotline::member::{Identifier, Member};

use crate::cli::run;
use crate::support::caller::{Caller, InProcess, Then};
use crate::support::line::{LINES, project};
use crate::support::served::Setup;

/// The shipped lines.
fn shipped() -> Setup {
    let setup = Setup::new();
    for file in LINES {
        std::fs::copy(project("config/lines").join(file), setup.path().join("lines").join(file)).unwrap();
    }
    setup
}

/// One member whose card has nine digits: what is keyed of it differs by the line's rule.
fn with_nine_digits(setup: Setup, also: &str) -> Setup {
    let setup = setup.env("STORE__SAMPLE_MEMBERS", "false");
    let csv = std::fs::read_to_string(project("config/sample/members.csv")).unwrap();
    let (header, rest) = csv.split_once('\n').unwrap();
    let row = rest.lines().next().unwrap().replace("A12345678", "912345678");
    std::fs::write(setup.path().join("members.csv"), [header, &row, also].join("\n")).unwrap();
    setup
}

const REMAINING_KEYS: &str = "重听，请按井号键；人工服务，请按零；结束通话，请按九。";

#[test]
fn each_number_has_its_greeting_its_menu_and_its_hours() {
    // Monday, 12:30 in China: only the bank's people are there.
    let hotline = InProcess::new(shipped(), "2026-03-16T04:30:00Z");
    let mut heard = Vec::new();
    for (sid, to) in [("CA-12333", "+861012333"), ("CA-12393", "sip:12393@hotline.example"), ("CA-bank", "02195566")] {
        let mut caller = Caller::dial_to(hotline.wire.clone(), sid, to);
        let mut said = caller.heard.said.clone();
        // The one that speaks three languages asks for one after its first words.
        if let Some((greeting, asked)) = said.split_once("普通话请按一。") {
            assert!(asked.ends_with("press three."), "{asked}");
            said = [greeting, caller.press("1")].concat();
        }
        let (greeting, menu) = said.split_once("任何时候需要人工服务，请按零。").unwrap();
        let menu = menu.strip_prefix("为保证服务质量，本次通话可能被录音。").unwrap();
        heard.push((greeting.to_owned(), menu.strip_suffix(REMAINING_KEYS).unwrap().to_owned()));
        let person = caller.press("0").to_owned();
        let (hours, _) = person.split_once("医保账户查询").unwrap_or((&person, ""));
        heard.push((hours.to_owned(), format!("{:?}", matches!(caller.heard.then, Then::Dial { .. }))));
    }
    let menu = "医保账户查询，请按一。社保卡服务，请按二。医保政策咨询，请按三。办理网点与其他查询渠道，请按四。\
                留言、投诉与建议，请按五。";
    let medical = "医保账户查询，请按一。医保政策咨询，请按二。办理网点与其他查询渠道，请按三。查询密码，请按四。\
                   留言、投诉与建议，请按五。";
    let bank = "个人账户余额，请按一。收支明细，请按二。社保卡丢失或者密码问题，请按三。\
                办理网点与其他查询渠道，请按四。留言、投诉与建议，请按五。";
    let closed = |hours: [&str; 2]| {
        let [first, second] = hours.map(|hours| format!("人工服务时间，周一至周五，{hours}。"));
        format!("抱歉，现在不是人工服务时间。{first}{second}您也可以留言，请在主菜单按五。")
    };
    let expected = [
        ("您好，欢迎致电幺二三三三人力资源和社会保障服务热线。".to_owned(), menu),
        (closed(["八点三十分到十一点三十分", "十三点到十七点"]), "false"),
        ("您好，欢迎致电幺二三九三医疗保障服务热线。".to_owned(), medical),
        (closed(["九点到十二点", "十三点到十七点"]), "false"),
        ("您好，欢迎致电九五五六六，社会保障卡银行服务。".to_owned(), bank),
        ("正在为您转接人工服务，请稍候。".to_owned(), "true"),
    ];
    assert_eq!(heard, expected.map(|(first, second)| (first, second.to_owned())));
}

/// The same card: all its nine digits on one line, the last eight on the other; and neither's on the other.
#[test]
fn a_card_number_is_keyed_by_the_lines_rule() {
    const BALANCE: &str = "您的医保个人账户余额为一千零一十元零五分";
    const REFUSED: &str = "抱歉，号码或密码不正确。您也可以返回，改用身份证号码验证。";
    let setup = with_nine_digits(shipped(), "");
    assert!(run(&setup, &["members", "import", "members.csv"]).starts_with("exit code 0\n"));
    let hotline = InProcess::new(setup, "2026-03-16T04:30:00Z");
    let call = |sid: &str, to: &str| Caller::dial_to(hotline.wire.clone(), sid, to);

    let mut caller = call("CA-digits", "12393");
    let asked = caller.press_all(&["1", "1", "2"]);
    assert!(asked.starts_with("请输入社会保障卡号中的数字，字母不用输入，按井号键结束。"), "{asked}");
    caller.press_all(&["912345678#", "1", "739154#", "1"]);
    assert!(caller.heard.said.contains(BALANCE), "{}", caller.heard.said);
    assert!(caller.press("9").starts_with("请您对本次服务作出评价。"));
    let mut caller = call("CA-too-few", "12393");
    assert!(caller.press_all(&["1", "1", "2", "12345678#", "1", "739154#"]).starts_with(REFUSED));

    let mut caller = call("CA-last8", "95566");
    let asked = caller.press_all(&["1", "1"]);
    assert!(asked.starts_with("请输入社会保障卡号的最后八位数字，按井号键结束。"), "{asked}");
    caller.press_all(&["12345678#", "1", "739154#"]);
    assert!(caller.heard.said.contains(BALANCE), "{}", caller.heard.said);
    assert!(caller.press("9").starts_with("请您对本次服务作出评价。"));
    // Who keys all nine is understood too: the last eight of them count.
    let mut caller = call("CA-all-nine", "95566");
    assert!(caller.press_all(&["1", "1", "912345678#", "1", "739154#"]).contains(BALANCE));
}

/// An import tells by row which cards tell nobody from another, and who keys one is sent to the ID number.
#[test]
fn a_card_that_two_members_share_opens_nothing() {
    let sample = std::fs::read_to_string(project("config/sample/members.csv")).unwrap();
    let rows: Vec<_> = sample.lines().collect();
    // Line 3 shares the last eight digits with line 2; lines 4 and 5 all their digits, behind different letters.
    let also = [
        rows[2].replace("B20260002", "12345678"),
        rows[3].replace("C20260003", "C20260099"),
        rows[4].replace("D20260004", "D20260099"),
        rows[5].to_owned(),
    ];
    let setup = with_nine_digits(shipped(), &also.join("\n"));
    insta::assert_snapshot!("import_shared_cards", run(&setup, &["members", "import", "members.csv"]));
    let hotline = InProcess::new(setup, "2026-03-16T04:30:00Z");
    let call = |sid: &str, to: &str| Caller::dial_to(hotline.wire.clone(), sid, to);
    let sign_in = |sid: &str, to: &str, keys: &[&str], card: &str, pin: &str| {
        let mut caller = call(sid, to);
        caller.press_all(&[keys, &[card, "1", pin]].concat());
        caller.heard.said
    };
    let refused = "抱歉，号码或密码不正确。您也可以返回，改用身份证号码验证。";
    let account = "个人账户余额，请按一。";
    let elder = "人工服务，请直接按零。个人账户余额，请按一。";
    let balance = "请确认周围环境安全。";
    for (sid, card, pin, heard) in [
        // All digits: the nine are one member's, the eight another's.
        ("CA-1", "912345678#", "739154#", elder),
        ("CA-2", "12345678#", "204867#", account),
        ("CA-3", "20260099#", "583016#", refused),
        ("CA-4", "20260099#", "860493#", refused),
    ] {
        let said = sign_in(sid, "12393", &["1", "1", "2"], card, pin);
        assert!(said.starts_with(heard), "{sid}: {said}");
    }
    for (sid, card, pin, heard) in [
        ("CA-5", "12345678#", "739154#", refused),
        ("CA-6", "12345678#", "204867#", refused),
        ("CA-7", "20260005#", "916408#", "您参加的是城乡居民医保"),
    ] {
        let said = sign_in(sid, "95566", &["1", "1"], card, pin);
        assert!(said.trim_start_matches(balance).starts_with(heard), "{sid}: {said}");
    }
    // The ID number opens what the card did not.
    let mut caller = call("CA-8", "95566");
    caller.press_all(&["1", "1", "12345678#", "1", "739154#", "*#", "2", "11010519491231002*#", "1", "739154#"]);
    assert!(caller.heard.said.contains("您的医保个人账户余额为"), "{}", caller.heard.said);
}

/// Two forms of one card are two rows, and nothing of the number stands in the database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cards_are_indexed_by_every_rule_on_both_engines() {
    for bed in [crate::support::Bed::sqlite().await, crate::support::Bed::postgres().await] {
        let (mut one, mut two) = (crate::support::member(1), crate::support::member(2));
        one.card_number = CardNumber::parse("912345678").ok();
        two.card_number = CardNumber::parse("12345678").ok();
        bed.import([one.clone(), two.clone()]).await;
        bed.import([one.clone()]).await;
        assert_eq!(bed.number("SELECT COUNT(*) FROM identifiers WHERE kind = 1").await, 4);
        let shared = bed.store.shared_cards().await.unwrap();
        let key = |member: &Member, rule| {
            let card = member.card_number.as_ref().unwrap().lookup(rule);
            bed.store.seals().member_key(&Identifier::Card(card)).index
        };
        assert_eq!(shared.into_iter().collect::<Vec<_>>(), [key(&one, Last8)]);
        assert_eq!(key(&one, Last8), key(&two, Last8));
        assert_ne!(key(&two, DigitsOnly), key(&two, Last8));
        bed.rows("DELETE FROM identifiers").await;
        assert!(bed.store.shared_cards().await.unwrap().is_empty());
    }
}
