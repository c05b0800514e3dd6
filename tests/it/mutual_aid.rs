//! For whom an account pays besides its owner: imported, told and kept, by number and never by name.

use hotline::call::caller::CallEnd;
use hotline::dialog::{Answer, Request};
use hotline::member::money::Money;
use hotline::member::mutual_aid::{AidUsed, Bound, MutualAid, Relation};
use jiff::civil::date;
use sqlx::Row;

use crate::calls::{ACCOUNT, NOON, shipped};
use crate::cli::run;
use crate::support::caller::{Caller, Wire};
use crate::support::line::project;
use crate::support::served::Setup;
use crate::support::{Bed, PIN, call, granted, member, on_both_engines, sign_in};

const SAFE: &str = "请确认周围环境安全。";
const KEYS: &str = "怎样绑定家人，请按一。重听，请按二。返回上一级，请按星号键；重听，请按井号键；人工服务，请按零。";
const HOW: &str = "您可以打开国家医保服务平台应用，实名认证以后，在家庭共济里添加家人；也可以带您和家人的身份证、社保卡，到参保地的医保窗口办理。家人须参加基本医疗保险，具体以参保地的规定为准。";
const FAMILY: &str = "您的个人账户已经开通家庭共济，共绑定三位家人。配偶一位。子女两位。二零二六年，家人已使用您的个人账户零元，截至二零二六年六月三十日。";
const NOBODY: &str = "您的个人账户目前没有绑定家人。";

const EMPLOYEE: (&str, &str) = ("11010519491231002*#", "739154#");

/// Signed in, in the account menu.
fn account(wire: impl Into<Wire>, sid: &str, (id, pin): (&str, &str)) -> Caller {
    let mut caller = Caller::dial(wire, sid);
    assert_eq!(caller.press_all(&["1", "1", id, "1", pin]), ACCOUNT);
    caller
}

#[test]
fn who_is_bound_and_how_to_bind() {
    let hotline = shipped(NOON);
    let mut caller = account(hotline.wire.clone(), "CA-family", EMPLOYEE);
    assert_eq!(caller.press("5"), [SAFE, FAMILY, KEYS].concat());
    assert_eq!(caller.press("1"), [HOW, KEYS].concat());
    assert_eq!(caller.press("2"), [SAFE, FAMILY, KEYS].concat());
    // What was told is heard again by choice only.
    assert_eq!(caller.press("#"), KEYS);
    assert_eq!(caller.press("3"), ["抱歉，这里没有这个选项。", KEYS].concat());
    assert_eq!(caller.press("*"), ACCOUNT);
    assert_eq!(hotline.setup.audit(), ["pin_try", "sign_in_ok", "read_mutual_aid", "read_mutual_aid"]);
}

#[test]
fn every_relation_and_what_they_used() {
    let hotline = shipped(NOON);
    let mut parents = account(hotline.wire.clone(), "CA-parents", ("310000198503120012#", "204867#"));
    let told = "您的个人账户已经开通家庭共济，共绑定三位家人。父母两位。子女一位。二零二六年，家人已使用您的个人账户八百元整，截至二零二六年六月三十日。";
    assert_eq!(parents.press("5"), [SAFE, told, KEYS].concat());
    let mut ten = account(hotline.wire.clone(), "CA-ten", ("110000197611200034#", "950736#"));
    let told = "共绑定十位家人。配偶一位。父母两位。子女两位。兄弟姐妹两位。祖父母一位。外祖父母两位。二零二六年，";
    assert!(ten.press("5").contains(told), "{}", ten.heard.said);
    let mut retired = account(hotline.wire.clone(), "CA-retired", ("440000195408230024#", "583016#"));
    let told = "共绑定四位家人。兄弟姐妹一位。孙子女两位。外孙子女一位。";
    assert!(retired.press("5").contains(told), "{}", retired.heard.said);
}

#[test]
fn nobody_bound_nobody_any_more_and_no_account_to_share() {
    let hotline = shipped(NOON);
    let mut nobody = account(hotline.wire.clone(), "CA-nobody", ("420000198807070056#", "472095#"));
    assert_eq!(nobody.press("5"), [SAFE, NOBODY, KEYS].concat());
    assert_eq!(nobody.press("1"), [HOW, KEYS].concat());
    let mut no_more = account(hotline.wire.clone(), "CA-no-more", ("320000197909090017#", "317560#"));
    let used = "二零二六年，家人已使用您的个人账户一百二十元五角，截至二零二六年六月三十日。";
    assert_eq!(no_more.press("5"), [SAFE, NOBODY, used, KEYS].concat());
    let mut resident = account(hotline.wire.clone(), "CA-resident", ("330000201604010048#", "916408#"));
    let none = "您参加的是城乡居民医保，没有个人账户，不能绑定家人；参加职工医保的家人，可以绑定您。";
    assert_eq!(resident.press("5"), [none, KEYS].concat());
}

/// Read once, however often and wherever the webhook comes; other keys in the same turn read nothing.
#[test]
fn a_family_is_read_once_over_a_kill() {
    let setup = Setup::new();
    let mut served = setup.serve();
    let mut caller = Caller::dial(&served, "CA-killed");
    caller.press_all(&["1", "1", EMPLOYEE.0, "1", EMPLOYEE.1, "5"]);
    assert_eq!(caller.heard.said, [SAFE, FAMILY, KEYS].concat());
    let (sent, rows) = (caller.sent.last().unwrap().clone(), setup.audit());
    assert_eq!(rows, ["pin_try", "sign_in_ok", "read_mutual_aid"]);
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
    let other = caller.wire.post(&sent.path, &sent.form.replace("Digits=5", "Digits=1"));
    assert!(!other.body.contains("余额为"), "{}", other.body);
    assert_eq!(setup.audit(), rows);
}

/// A row is all there is of its member; importing members again leaves families as they are.
#[test]
fn families_are_imported_and_imported_again() {
    const HEADER: &str = "id_number,year,used,as_of,spouse,parents,children,siblings,paternal_grandparents,\
                          maternal_grandparents,sons_children,daughters_children";
    let setup = Setup::new().env("STORE__SAMPLE_MEMBERS", "false");
    let members = project("config/sample/members.csv");
    let import = |rows: &[&str]| {
        let file = setup.path().join("mutual-aid.csv");
        std::fs::write(file, [&[HEADER], rows].concat().join("\n")).unwrap();
        run(&setup, &["members", "import", members.to_str().unwrap(), "--mutual-aid", "mutual-aid.csv"])
    };
    let heard = |sid: &str| account(&setup.serve(), sid, EMPLOYEE).press("5").to_owned();
    let bad = "11010519491231002X,2026,1,2026-06-30,3,,,,,,,";
    let told = import(&["11010519491231002X,2026,10,2026-06-30,1,,12,,,,,", bad]);
    assert!(told.starts_with("exit code 1\n"), "{told}");
    assert!(told.contains("mutual-aid.csv: 1 rows taken, 1 refused\n"), "{told}");
    assert!(told.ends_with("mutual-aid.csv:3: spouse: must be a number from 0 to 1, or empty for none\n"), "{told}");
    let first = "您的个人账户已经开通家庭共济，共绑定十三位家人。配偶一位。子女十二位。二零二六年，家人已使用您的个人账户十元整，截至二零二六年六月三十日。";
    assert_eq!(heard("CA-one"), [SAFE, first, KEYS].concat());
    assert!(run(&setup, &["members", "import", members.to_str().unwrap()]).starts_with("exit code 0\n"));
    assert_eq!(heard("CA-two"), [SAFE, first, KEYS].concat());
    assert!(import(&["11010519491231002X,2026,0,2026-07-01,,,,,,,,"]).starts_with("exit code 0\n"));
    assert_eq!(heard("CA-three"), [SAFE, NOBODY, KEYS].concat());
}

on_both_engines!(a_family_is_kept_sealed_and_told_once);

async fn a_family_is_kept_sealed_and_told_once(bed: Bed) {
    let (someone, nobody, mut resident) = (member(1), member(2), member(3));
    resident.personal = None;
    let aid = |children: u8| MutualAid {
        bound: vec![Bound { relation: Relation::Child, count: children }],
        used: Some(AidUsed { year: 2026, amount: Money::parse("800").unwrap(), as_of: date(2026, 6, 30) }),
    };
    // Before the members themselves: files come in any order.
    let families = |children| vec![(someone.id_number.clone(), aid(children)), (resident.id_number.clone(), aid(1))];
    bed.store.import_mutual_aid(families(1)).await.unwrap();
    bed.import([someone.clone(), nobody.clone(), resident.clone()]).await;
    let (services, a) = (bed.services(), call("A"));
    let proof = granted(services.perform(&a, 1, sign_in(bed.key(&someone), PIN)).await);
    let told = services.perform(&a, 2, Request::MutualAid(proof)).await;
    assert_eq!(told, Answer::MutualAid(Some(aid(1))));

    // Once told, a turn tells the same, whatever was imported since; and it was read once.
    bed.store.import_mutual_aid(families(2)).await.unwrap();
    assert_eq!(services.perform(&a, 2, Request::MutualAid(proof)).await, told);
    assert_eq!(services.perform(&a, 2, Request::Coverage(proof)).await, Answer::Superseded);
    assert_eq!(services.perform(&a, 3, Request::MutualAid(proof)).await, Answer::MutualAid(Some(aid(2))));
    // Importing members again leaves it.
    bed.import([someone.clone()]).await;
    assert_eq!(services.perform(&a, 4, Request::MutualAid(proof)).await, Answer::MutualAid(Some(aid(2))));
    assert_eq!(bed.events().await[2..], ["read_mutual_aid"; 3]);
    services.end_call(&a, CallEnd::Completed).await;
    assert_eq!(services.perform(&a, 2, Request::MutualAid(proof)).await, Answer::CallEnded);

    for (id, who, expected) in [("B", &nobody, Some(MutualAid::default())), ("C", &resident, None)] {
        let proof = granted(services.perform(&call(id), 1, sign_in(bed.key(who), PIN)).await);
        let told = services.perform(&call(id), 2, Request::MutualAid(proof)).await;
        assert_eq!(told, Answer::MutualAid(expected));
    }
    // One sealed row each, of which nothing can be read: 800.00 is 80,000 fen, and a postcard of it would show.
    let rows = bed.rows("SELECT record FROM accounts WHERE kind = 2").await;
    let plain = postcard::to_allocvec(&aid(2)).unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let sealed: Vec<u8> = row.get(0);
        assert!(!sealed.windows(4).any(|window| plain.windows(4).any(|p| p == window)), "not sealed");
    }
}
