//! Which ways through the lines transcripts walk, and the transcripts of those that nobody walked, through the command that QA
//! uses.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use hotline::dialog::keyed::Walk;
use jiff::Timestamp;

use crate::support::line::{project, shipped};

/// What `hotline flow` did: its exit code and what it printed.
#[derive(Debug, PartialEq)]
struct Done {
    code: i32,
    out: String,
    err: String,
}

/// Runs `hotline flow` where the project is, with nobody's settings but the lines of this folder.
fn flow(arguments: &[&str], lines: &Path) -> Done {
    hotline(&[&["flow"][..], arguments].concat(), lines)
}

fn hotline(arguments: &[&str], lines: &Path) -> Done {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotline"));
    command.args(arguments).env_clear().env("HOTLINE_LINES__DIRECTORY", lines).current_dir(project(""));
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Done { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// A line on which callers can do little: one question, a person by day, and no message.
const SMALL: &str = r#"
name = "12333"
dialled = ["*"]
languages = ["zh-CN"]
time_zone = "+08:00"
greeting = ["greeting.welcome", "greeting.person"]

[sign_in]
numbers = ["id"]
card_rule = "digits_only"

[patience]
menu_first_key = "6s"
number_first_key = "15s"
between_keys = "5s"
misses = 2
wrong_pins = 3
transfers = 1

[person]
transfer_to = "sip:agents@pbx.invalid"
ring = "30s"
hours = [{ days = "mon-fri", from = "09:00", to = "17:00" }]

[rating]
offered = false

[menu.main]
options = [{ key = 1, say = "policy.option.carry-over", go = "answer:carry-over" }]
after = ["main.keys"]

[answer.carry-over]
say = ["policy.carry-over"]
"#;

/// Every way that keys can cause on [`SMALL`], as the flow was meant: place, what is done there, next place.
const WAYS: usize = 39;

#[test]
fn every_way_that_keys_can_cause_is_walked_on_every_line() {
    let done = flow(&["--transcripts", "tests/transcripts/ok"], &project("config/lines"));
    let whole = "\
line 12333: 1102 of 1102 ways that keys can cause are walked, 100.0 %
line 12393: 993 of 993 ways that keys can cause are walked, 100.0 %
line 95566: 581 of 581 ways that keys can cause are walked, 100.0 %
";
    assert_eq!(done, Done { code: 0, out: whole.into(), err: String::new() });
}

/// From nothing to everything, and what was written is heard as written.
#[test]
fn what_is_missing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (lines, calls) = (folder.path().join("lines"), folder.path().join("calls"));
    std::fs::create_dir(&lines).unwrap();
    std::fs::write(lines.join("12333.toml"), SMALL).unwrap();
    let into = calls.to_str().unwrap();

    let done = flow(&["--generate", into], &lines);
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{}", done.out);
    assert!(done.out.ends_with(&format!(" transcripts walk {WAYS} ways more\n")), "{}", done.out);
    let first = std::fs::read_to_string(calls.join("GEN-0001.call")).unwrap();
    insta::assert_snapshot!("generated", first);

    let done = flow(&["--transcripts", into], &lines);
    let whole = format!("line 12333: {WAYS} of {WAYS} ways that keys can cause are walked, 100.0 %\n");
    assert_eq!(done, Done { code: 0, out: whole, err: String::new() });
    let done = hotline(&["replay", into], &lines);
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{}", done.out);

    // Without one of them its ways are missing; they are written again, with a number that nobody has.
    std::fs::remove_file(calls.join("GEN-0001.call")).unwrap();
    let done = flow(&["--transcripts", into], &lines);
    assert_eq!(done.code, 1);
    insta::assert_snapshot!("missing", done.out);
    let done = flow(&["--transcripts", into, "--generate", into], &lines);
    assert_eq!(done.code, 0, "{}", done.out);
    assert!(!calls.join("GEN-0001.call").exists());
    assert_eq!(flow(&["--transcripts", into], &lines).code, 0);
}

/// Another menu than the transcripts know: what differs counts for nothing, and is told.
#[test]
fn what_differs_counts_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("12333.toml"), SMALL).unwrap();
    let call = folder.path().join("a.call");
    std::fs::write(&call, "通话 A-1 别的\n> 拨入\n‹ 别的 @main\n").unwrap();
    let done = flow(&["--transcripts", call.to_str().unwrap(), "--format", "json"], folder.path());
    assert_eq!((done.code, done.err.as_str()), (2, ""));
    let told: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&told["differ"], &told["unreadable"]), (&1.into(), &0.into()));
    assert_eq!((&told["lines"][0]["ways"], &told["lines"][0]["walked"]), (&WAYS.into(), &serde_json::json!([])));
    let not_walked = told["lines"][0]["not_walked"].as_array().unwrap();
    assert_eq!(not_walked.len(), WAYS);
    assert!(not_walked.contains(&serde_json::json!({ "from": "main", "on": "1", "to": "carry-over" })), "{told:#}");
    assert!(not_walked.contains(&serde_json::json!({ "from": "main", "on": "wrong key", "to": "person" })), "{told:#}");
    // Nor is what it may walk written a second time.
    let into = folder.path().join("generated");
    let done = flow(&["--transcripts", call.to_str().unwrap(), "--generate", into.to_str().unwrap()], folder.path());
    assert_eq!(done.code, 2);
    let why = "error: nothing is written while transcripts differ or cannot be read: see `hotline replay`\n";
    assert_eq!((done.err.as_str(), into.exists()), (why, false));
}

/// The longest holidays are longer than a week: people answer after them.
#[test]
fn a_walk_by_day_is_on_a_day_when_people_answer() {
    let eve: Timestamp = "2026-09-30T23:00:00+08:00".parse().unwrap();
    let flow = shipped("12333.toml");
    let by_day = Walk::when(&flow, eve, true).unwrap();
    assert_eq!(by_day.at, "2026-10-08T09:00:00+08:00".parse().unwrap());
    assert_eq!(Walk::when(&flow, by_day.at, false).unwrap().at, "2026-10-08T12:00:00+08:00".parse().unwrap());
}

#[test]
fn only_words_and_json() {
    let done = flow(&["--transcripts", "tests/transcripts/ok", "--format", "dot"], &project("config/lines"));
    assert_eq!((done.code, done.out.as_str()), (2, ""));
    assert_eq!(done.err, "error: what transcripts walk is told in words, or with --format json\n");
}

/// A call may begin at any place that keys lead to, on every line: the way there is found, and leads there.
#[test]
fn a_call_begins_at_any_place() {
    let told =
        flow(&["--transcripts", "tests/transcripts/failed/late.call", "--format", "json"], &project("config/lines"));
    let told: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut places = BTreeSet::new();
    for line in told["lines"].as_array().unwrap() {
        for way in line["not_walked"].as_array().unwrap() {
            places.insert((line["line"].as_str().unwrap(), way["from"].as_str().unwrap()));
        }
    }
    places.retain(|(_, place)| *place != "start");
    assert_eq!(places.len(), 156, "{places:?}");
    for (nth, (line, place)) in places.iter().enumerate() {
        let text = format!("通话 P-{nth} {place}\n  拨打 {line}\n\n> 拨入 @{place}\n‹ {{…}} @{place}\n");
        std::fs::write(folder.path().join(format!("{nth:03}.call")), text).unwrap();
    }
    let done = hotline(&["replay", folder.path().to_str().unwrap()], &project("config/lines"));
    assert_eq!(done, Done { code: 0, out: "156 passed, 0 differ · 468 calls\n".into(), err: String::new() });
}

/// Without a call but such as begin at a place, the ways there count as walked.
#[test]
fn the_way_to_a_place_counts_as_walked() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("12333.toml"), SMALL).unwrap();
    let call = folder.path().join("a.call");
    std::fs::write(&call, "通话 A-1 直接到答复\n> 拨入 @carry-over\n").unwrap();
    let done = flow(&["--transcripts", call.to_str().unwrap(), "--format", "json"], folder.path());
    let told: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    let walked: Vec<&str> =
        told["lines"][0]["walked"].as_array().unwrap().iter().map(|w| w["to"].as_str().unwrap()).collect();
    assert_eq!(walked, ["carry-over", "main"]);
}
