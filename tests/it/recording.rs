//! Calls of a running hotline become transcripts that are heard as they were, and tell of nobody.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use hotline::replay::recording::transcript;
use hotline::replay::stage::Origin;

use crate::cli::run;
use crate::support::caller::{Caller, InProcess, Then, Wire};
use crate::support::served::{People, Served, Setup, line_with, until};

/// What a hotline that records is called with, and where it records to.
struct Recorded {
    setup: Setup,
    wire: Wire,
    served: Served,
}

impl Recorded {
    fn new(setup: Setup) -> Self {
        let folder = setup.path().join("recorded").display().to_string();
        let setup = setup.env("RECORD__DIRECTORY", &folder).env("LOG__LEVEL", "info,hotline::replay=debug");
        let served = setup.serve();
        let wire = Wire::from(&served);
        Self { setup, wire, served }
    }

    fn dial(&self, sid: &str) -> Caller {
        Caller::dial(self.wire.clone(), sid)
    }

    /// The calls that were written or left out so far, by reason.
    fn counted(&self, outcome: &str) -> usize {
        let metrics = self.wire.get("/metrics").body;
        let name = format!("hotline_recordings_total{{outcome=\"{outcome}\"}} ");
        metrics.lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |count| count.parse().unwrap())
    }

    /// Waits for so many calls to be written, and none to be left out because it is heard otherwise.
    #[track_caller]
    fn written(&self, many: usize) -> Vec<(PathBuf, String)> {
        until("recordings", || self.counted("written") + self.counted("differs") + self.counted("unclear") >= many);
        let metrics = self.wire.get("/metrics").body;
        let log = self.served.so_far();
        let wrong: Vec<_> = log.lines().filter(|line| line.contains("heard otherwise")).collect();
        assert_eq!(wrong, Vec::<&str>::new());
        let recordings: Vec<_> = metrics.lines().filter(|line| line.starts_with("hotline_recordings_total")).collect();
        assert_eq!(recordings, [format!("hotline_recordings_total{{outcome=\"written\"}} {many}")]);
        self.files()
    }

    fn files(&self) -> Vec<(PathBuf, String)> {
        let files = std::fs::read_dir(self.setup.path().join("recorded")).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        files.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
    }

    /// Replays everything that was recorded: by the command that QA uses.
    #[track_caller]
    fn replayed(&self, summary: &str) {
        let said = run(&self.setup, &["replay", "recorded"]);
        assert!(said.contains(summary), "{said}");
    }
}

/// What is true of the samples that these calls are about, and must not be told.
const TRUE: [&str; 30] = [
    "110105194912310021",
    "1101051949",
    "11010519491231002",
    "19491231",
    "310000198503120012",
    "739154",
    "204867",
    "12345678",
    "20260002",
    "1000000001",
    "1000000002",
    "样例一",
    "样例二",
    "13800138000",
    "13700137123",
    "1010.05",
    "310.05",
    "一千零一十元零五分",
    "三百一十元零五分",
    "1234.56",
    "一千二百三十四元五角六分",
    "19872.30",
    // When something moved, to the hour; days are another test's: see [`NEWEST`].
    "103.35",
    "T16:20:11",
    "T09:12:45",
    "T15:30",
    "T11:05:30",
    "T08:45",
    "T14:00",
    "+861012333",
];

/// The last day on which something moved on the samples' accounts: earlier ones may come up where another is moved to.
const NEWEST: &str = "2026-06-28";

#[track_caller]
fn tells_of_nobody(files: &[(PathBuf, String)]) {
    for (path, text) in files {
        for secret in TRUE {
            assert!(!text.contains(secret), "{} tells {secret}:\n{text}", path.display());
        }
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// Every day on which something moves in what was recorded is earlier than the last on which it did.
#[track_caller]
fn moves_earlier(files: &[(PathBuf, String)]) {
    let statements = files.iter().filter(|(path, _)| path.to_str().unwrap().ends_with("-transactions.csv"));
    let mut rows = 0;
    for (path, text) in statements {
        for row in text.lines().skip(1) {
            let day = row.split(',').nth(1).unwrap();
            assert!(day < NEWEST, "{}: {row}", path.display());
            rows += 1;
        }
    }
    assert!(rows > 5, "{rows}");
}

const FIRST: [&str; 2] = ["11010519491231002*#", "739154#"];

#[test]
fn a_balance_is_recorded_and_heard_again() {
    let hotline = Recorded::new(Setup::new());
    let mut caller = hotline.dial("CA-balance");
    let [id, pin] = FIRST;
    let said = caller.press_all(&["1", "1", id, "1", pin, "1"]).to_owned();
    assert!(said.contains("一千零一十元零五分"), "{said}");
    caller.press_all(&["1", "*", "9"]);
    let files = hotline.written(1);
    tells_of_nobody(&files);
    hotline.replayed("1 passed, 0 differ · 1 calls");
    let (_, text) = files.iter().find(|(path, _)| path.extension().unwrap() == "call").unwrap();
    for line in
        ["  密值 $密码 = 样例.查询密码(1)", "  密值 $证号 = 样例.身份证(1)", "  拨打 12333", "= 日志 不含 $密码 $证号"]
    {
        assert!(text.lines().any(|l| l == line), "no {line} in\n{text}");
    }
    // Where the zeros of an amount stand is kept: speech hangs on it.
    let told = text.lines().find(|line| line.ends_with("@personal-balance")).unwrap();
    assert!(told.contains("千零") && told.contains("十元零"), "{told}");
    let (_, members) = files.iter().find(|(path, _)| path.to_str().unwrap().ends_with("-members.csv")).unwrap();
    let number = members.lines().nth(1).unwrap().split(',').next().unwrap();
    assert!(number.ends_with('X') && number[2..6] == *"0000", "{number}");
    assert!(!members.contains("2026-06-30"), "{members}");
    let from = text.lines().find_map(|line| line.strip_prefix("  主叫 +86")).unwrap();
    assert!(from.len() == 11 && from.starts_with("1540000"), "{from}");
}

/// Of a number that is keyed where a menu waits, no digit is kept that the menu does not offer, and of one that is keyed fast
/// none at all.
#[test]
fn a_number_that_is_keyed_at_a_menu_is_not_recorded() {
    let hotline = Recorded::new(Setup::new());
    hotline.dial("CA-slip").press_all(&["7", "*", "8", "9"]);
    let files = hotline.written(1);
    let [(_, text)] = files.as_slice() else { panic!("{files:?}") };
    let pressed: Vec<_> = text.lines().filter(|line| line.starts_with('>')).collect();
    let keys: Vec<_> = pressed.iter().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(keys, ["拨入", "6", "*", "6", "9"], "{text}");
    hotline.replayed("1 passed, 0 differ · 1 calls");
    // A PIN, and one each digit of which is offered where it is keyed.
    for pin in ["864195", "311111"] {
        let mut caller = hotline.dial(&format!("CA-{pin}"));
        for digit in pin.chars() {
            if matches!(caller.heard.then, Then::Gather { .. }) {
                caller.press(&digit.to_string());
            }
        }
        caller.hang_up();
    }
    until("left out", || hotline.counted("hurried") == 2);
    assert_eq!(hotline.counted("written"), 1);
    assert_eq!(hotline.files().len(), 1);
}

#[test]
fn calls_of_every_service_are_recorded() {
    let hotline = Recorded::new(Setup::new().people(People::Always));
    let [id, pin] = FIRST;
    let (second, second_pin) = ("310000198503120012#", "204867#");
    let calls: &[&[&str]] = &[
        // Menus, policy, and a key that is not offered.
        &["3", "1", "1", "#", "*", "*", "8", "*", "4", "1", "9"],
        // 统筹, 明细, 状态, 共济.
        &[
            "1", "1", id, "1", pin, "2", "*", "3", "3", "1", "#", "1", "2", "*", "1", "*", "2", "*", "*", "4", "*",
            "5", "1", "9",
        ],
        &["1", "1", second, "1", second_pin, "1", "2", "1", "*", "*", "2", "*", "4", "*", "5", "9"],
        // By card and personal number; a slip, and a wrong PIN.
        &["1", "2", "12345678#", "1", "739155#", pin, "1", "9"],
        &["1", "3", "1000000001#", "1", pin, "1", "9"],
        &["1", "1", "110105194912310022#", "1101#", "110105491231002#", "1", "73#", "739155#", pin, "1", "9"],
        // Somebody else's number first.
        &["1", "1", second, "2", id, "1", pin, "1", "9"],
        // Residents, the initial PIN, a stopped card.
        &["1", "1", "330000201604010048#", "1", "916408#", "1", "*", "2", "*", "5", "9"],
        &["2", "5", "1", "610000700315001#", "1", "385207#", "9"],
        &["2", "5", "1", "21000019830118003*#", "1", "490627#", "9"],
        &[
            "1",
            "1",
            "370000199502140068#",
            "1",
            "123456#",
            "20260008#",
            "20260007#",
            "123456#",
            "507294#",
            "507294#",
            "1",
            "9",
        ],
        // 挂失, 解除, 修改密码.
        &["2", "1", "1", second, "1", second_pin, "1", "*", "2", "1", "9"],
        &["2", "3", "1", id, "1", pin, pin, "111111#", "507294#", "507295#", "507294#", "507294#", "9"],
        // Three wrong PINs.
        &["1", "1", second, "1", "204868#", "204869#", "204860#"],
    ];
    for (n, keys) in calls.iter().enumerate() {
        let mut caller = hotline.dial(&format!("CA-{n}"));
        for keys in *keys {
            assert!(matches!(caller.heard.then, Then::Gather { .. }), "{n}: {}", caller.heard.said);
            caller.press(keys);
        }
        assert_eq!(caller.heard.then, Then::HangUp, "{n}: {}", caller.heard.said);
    }
    let files = hotline.written(calls.len());
    tells_of_nobody(&files);
    moves_earlier(&files);
    hotline.replayed("14 passed, 0 differ · 14 calls");
}

#[test]
fn people_queues_and_messages_are_recorded() {
    let queue = line_with(People::Always)
        .replace("transfer_to = \"sip:agents@pbx.invalid\"", "queue = \"agents\"\nannounce = \"25s\"");
    let hotline = Recorded::new(Setup::new().line(&queue));
    // Waits, leaves the queue, goes back; waits again, and talks.
    let mut caller = hotline.dial("CA-queue");
    caller.press("0");
    caller.waits("3", "150");
    caller.press("1");
    assert_eq!(caller.heard.then, Then::Leave);
    caller.dequeued("leave");
    caller.press("*");
    caller.press("0");
    caller.waits("1", "60");
    caller.dequeued("bridged");
    caller.hang_up();
    // A complaint, with the caller's own number for an answer.
    let mut caller = hotline.dial("CA-complaint");
    caller.press_all(&["5", "2", "1"]);
    caller.speak_nothing();
    caller.speak(9);
    caller.press_all(&["1", "#", "9"]);
    // With another number; hung up while speaking.
    let mut caller = hotline.dial("CA-message");
    caller.press_all(&["5", "1", "2", "1370013712#", "13700137123#", "1"]);
    caller.hang_up();
    // Nobody has such a message.
    let mut caller = hotline.dial("CA-progress");
    caller.press_all(&["5", "4", "12345672#", "12345673#", "*#", "9"]);
    // Nothing is pressed; the number is withheld.
    let mut caller = Caller::dial_from(hotline.wire.clone(), "CA-silent", "anonymous");
    caller.silence();
    caller.press("7");
    caller.silence();
    caller.hang_up();
    let files = hotline.written(5);
    tells_of_nobody(&files);
    hotline.replayed("5 passed, 0 differ · 5 calls");
}

/// As people call: the time they take is kept, as far as it matters to what they hear.
#[test]
fn the_time_a_caller_takes_is_kept() {
    let setup = Setup::new();
    let folder = setup.path().join("recorded");
    let setup = setup.env("RECORD__DIRECTORY", folder.to_str().unwrap());
    let hotline = InProcess::new(setup, "2026-07-01T02:00:00.250Z");
    let [id, pin] = FIRST;
    let mut caller = hotline.dial("CA-slow");
    for (seconds, keys) in [(31, "1"), (12, "1"), (40, id), (9, "1"), (15, pin), (20, "1")] {
        hotline.clock.advance(Duration::from_secs(seconds));
        caller.press(keys);
    }
    // Signed in no longer.
    hotline.clock.advance(Duration::from_secs(301));
    let said = caller.press("1").to_owned();
    assert!(!said.contains("余额为"), "{said}");
    hotline.clock.advance(Duration::from_millis(5700));
    caller.hang_up();
    let mut takes = hotline.app.recordings().unwrap().takes().unwrap();
    let take = takes.try_recv().unwrap();
    let environment = hotline.setup.environment().iter().map(|(name, value)| (name.into(), value.into())).collect();
    let origin = Origin { file: None, environment, lines: None };
    let files = transcript(&take, "REC-1", &origin).unwrap();
    let (_, text) = files.iter().find(|(name, _)| name == "REC-1.call").unwrap();
    assert!(text.contains("  时钟 2026-07-01 10:00:00 +08:00\n"), "{text}");
    assert!(text.ends_with("> +5.7s 挂机\n= 日志 不含 $密码 $证号\n"), "{text}");
    // After all was said, and before.
    let presses: Vec<_> = text.lines().filter(|line| line.contains("按 ") && line.starts_with('>')).collect();
    let [first, .., confirmed, _, _, last] = presses.as_slice() else { panic!("{presses:?}") };
    assert_eq!((*first, *confirmed), ("> +31.0s 抢按 1", "> +1.3s 按 1"), "{presses:?}");
    assert!(last.starts_with("> +27"), "{presses:?}");
}

#[test]
fn what_cannot_be_played_again_is_left_out_and_counted() {
    let hotline = Recorded::new(Setup::new().env("SIGN_IN__TRIES_BEFORE_LOCK", "2"));
    let [id, pin] = FIRST;
    // A loss that was reported in a call before.
    hotline.dial("CA-report").press_all(&["2", "1", "1", id, "1", pin, "1", "9"]);
    hotline.dial("CA-reported").press_all(&["2", "5", "1", id, "1", pin, "9"]);
    // A lock that others have their part in.
    hotline.dial("CA-wrong").press_all(&["1", "1", id, "1", "739155#", "739156#", "0#", "9"]);
    Caller::dial_from(hotline.wire.clone(), "CA-locked", "+8613900139000").press_all(&["1", "1", id, "1", pin, "9"]);
    until("counted", || hotline.counted("earlier") == 1 && hotline.counted("others") == 1);
    until("written", || hotline.counted("written") == 2);
    assert_eq!(hotline.counted("differs"), 0);
    // A turn that another node took.
    let mut here = hotline.dial("CA-elsewhere");
    let other = hotline.setup.serve();
    here.wire = Wire::from(&other);
    here.press("3");
    here.wire = hotline.wire.clone();
    here.press_all(&["1", "9"]);
    here.hang_up();
    until("counted", || hotline.counted("elsewhere") == 1);
    assert_eq!(hotline.files().iter().filter(|(path, _)| path.extension().unwrap() == "call").count(), 2);
}

#[test]
fn nothing_is_recorded_unless_it_is_asked_for() {
    let setup = Setup::new();
    let served = setup.serve();
    Caller::dial(&served, "CA-1").press("9");
    assert!(!Wire::from(&served).get("/metrics").body.contains("hotline_recordings_total{"));
    let said = run(&setup, &["record"]);
    assert!(said.ends_with(
        "Calls are not recorded. Name a folder as directory under [record], or in HOTLINE_RECORD__DIRECTORY.\n\
         What was recorded before: hotline record DIRECTORY, and with --delete to delete it.\n"
    ));
}

#[test]
fn one_call_of_three() {
    let hotline = Recorded::new(Setup::new().env("RECORD__EVERY", "3"));
    for n in 0..4 {
        hotline.dial(&format!("CA-{n}")).press("9");
    }
    hotline.written(2);
    let listed = run(&hotline.setup, &["record"]);
    assert!(listed.ends_with("2 recorded\n") && listed.contains(".call  deleted in 7 d 0 h\n"), "{listed}");
    assert!(run(&hotline.setup, &["record", "--delete"]).ends_with("\n2 deleted\n"));
    assert_eq!(hotline.files(), []);
}

/// What the network tells as the number dialled is anybody's text.
#[test]
fn the_number_dialled_is_one_of_the_line() {
    let hotline = Recorded::new(Setup::new());
    let to = "+8613800138000\n> 按 9\n";
    Caller::dial_to(hotline.wire.clone(), "CA-text", to).press("9");
    let files = hotline.written(1);
    tells_of_nobody(&files);
    let (_, text) = &files[0];
    assert!(text.lines().any(|line| line == "  拨打 12333"), "{text}");
    assert_eq!(text.matches("> ").count(), 2, "{text}");
}

/// Recording was switched off: what lies there can be listed and deleted, and what is too old goes.
#[test]
fn what_was_recorded_before_can_be_deleted() {
    let setup = Setup::new();
    let old = setup.path().join("old");
    std::fs::create_dir(&old).unwrap();
    for name in ["REC-1.call", "REC-2.call", "REC-2-members.csv"] {
        std::fs::write(old.join(name), "").unwrap();
    }
    let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365);
    std::fs::File::options().write(true).open(old.join("REC-1.call")).unwrap().set_modified(long_ago).unwrap();
    let listed = run(&setup, &["record", "old"]);
    assert!(listed.contains("1 too old, and deleted\n") && listed.ends_with("1 recorded\n"), "{listed}");
    assert!(run(&setup, &["record", "old", "--delete"]).ends_with("\n1 deleted\n"));
    assert_eq!(std::fs::read_dir(&old).unwrap().count(), 0);
    let output = setup.command(&["record", "nowhere"]).output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("nowhere is no folder"));
}

#[test]
fn no_more_are_kept_than_may_be() {
    let hotline = Recorded::new(Setup::new().env("RECORD__MOST", "1"));
    hotline.dial("CA-1").press("9");
    hotline.written(1);
    hotline.dial("CA-2").press("9");
    until("left out", || hotline.counted("too_many") == 1);
    assert_eq!(hotline.files().len(), 1);
}

#[test]
fn no_folder_that_others_look_into() {
    let setup = Setup::new();
    let open = setup.path().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
    let setup = setup.env("RECORD__DIRECTORY", open.to_str().unwrap());
    let output = setup.command(&["serve"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("open can be looked into by others") && said.contains("chmod 700"), "{said}");
}
