//! Transcripts, through the command that QA uses: what passes, what differs, and what cannot be read, each with the
//! output that stands beside it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::caller::Wire;
use crate::support::line::project;
use crate::support::served::{AUTH_TOKEN, BROWSER_TOKEN, PUBLIC_URL, Setup};

/// What `hotline replay` did: its exit code and what it printed.
#[derive(Debug, PartialEq)]
struct Done {
    code: i32,
    out: String,
    err: String,
}

/// Runs `hotline replay` where the project is, without anybody's settings.
fn replay(arguments: &[&str]) -> Done {
    replay_with(arguments, &[])
}

fn replay_with(arguments: &[&str], environment: &[(&str, &str)]) -> Done {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotline"));
    command.arg("replay").args(arguments).env_clear().envs(environment.iter().copied()).current_dir(project(""));
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Done { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// The transcripts in a folder of the project, by their names.
fn transcripts(folder: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(project(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending == "call")).collect();
    files.sort();
    files
}

/// Replays each transcript of `folder` by itself, and holds what is printed against the file of that name with `.out`.
#[track_caller]
fn as_it_stands_beside(folder: &str, code: i32, at_least: usize) {
    let all = transcripts(folder);
    assert!(all.len() >= at_least, "only {} in {folder}", all.len());
    for path in all {
        let name = path.strip_prefix(project("")).unwrap().to_str().unwrap();
        let expected = std::fs::read_to_string(path.with_extension("out")).unwrap_or_default();
        assert_eq!(replay(&[name]), Done { code, out: expected, err: String::new() }, "{name}");
    }
}

const ALL: &str = "tests/transcripts/ok";

fn last_line(done: &Done) -> &str {
    done.out.lines().last().unwrap_or_default()
}

#[test]
fn the_library_is_heard_as_written() {
    let done = replay(&[ALL]);
    assert_eq!(done, Done { code: 0, out: "1184 passed, 0 differ · 1536 calls\n".into(), err: String::new() });
}

#[test]
fn what_differs_is_told_with_place_and_path() {
    as_it_stands_beside("tests/transcripts/failed", 1, 17);
}

#[test]
fn what_cannot_be_read_is_told_with_line_and_remedy() {
    as_it_stands_beside("tests/transcripts/parse_error", 2, 24);
}

/// The order of the report is that of the files, whoever is done first.
#[test]
fn any_number_of_jobs_tells_the_same() {
    let one = replay(&["--json", "--jobs", "1", "tests/transcripts/failed", "tests/transcripts/ok/menu"]);
    let many = replay(&["--json", "--jobs", "7", "tests/transcripts/ok/menu", "tests/transcripts/failed"]);
    assert_eq!((one.code, one.err.as_str()), (1, ""));
    assert_eq!(one, many);
    let report: serde_json::Value = serde_json::from_str(&one.out).unwrap();
    let sum = |name: &str| report[name].as_u64().unwrap();
    assert_eq!([sum("passed"), sum("failed"), sum("unreadable"), sum("calls")], [6, 17, 0, 67]);
}

#[test]
fn what_networks_do_to_callbacks_is_not_heard() {
    let done = replay(&["--chaos", "1", ALL]);
    assert_eq!((done.code, last_line(&done)), (0, "1184 passed, 0 differ · 1536 calls"), "{}", done.out);
    // Those that people wrote go through more.
    let folders = std::fs::read_dir(project(ALL)).unwrap().map(|entry| entry.unwrap().path());
    let written: Vec<_> = folders.filter(|folder| !folder.ends_with("generated")).collect();
    let written: Vec<_> = written.iter().map(|folder| folder.to_str().unwrap()).collect();
    for seed in ["2", "2026"] {
        let done = replay(&[&["--chaos", seed][..], &written].concat());
        assert_eq!((done.code, last_line(&done)), (0, "198 passed, 0 differ · 550 calls"), "{seed}: {}", done.out);
    }
}

/// What networks do is done: the hotline is asked more often than callers ask.
#[test]
fn callbacks_are_repeated() {
    let shipped = project("config/lines");
    let setup = Setup::new().env("LINES__DIRECTORY", shipped.to_str().unwrap());
    let served = setup.serve();
    let url = format!("http://{}", served.address);
    let known = [("HOTLINE_SERVER__PUBLIC_URL", PUBLIC_URL), ("HOTLINE_TWILIO__AUTH_TOKEN", AUTH_TOKEN)];
    let requests = |chaos: &[&str]| {
        let count = || {
            let metrics = Wire::from(&served).get("/metrics").body;
            let line = metrics.lines().find_map(|line| {
                line.strip_prefix("hotline_requests_total{route=\"/twilio/step/{step}\",status=\"200\"} ")
            });
            line.map_or(0, |count| count.parse::<u32>().unwrap())
        };
        let before = count();
        let called = ["--dialect", "twilio", "--against", &url, "tests/transcripts/ok/policy"];
        let done = replay_with(&[chaos, &called].concat(), &known);
        assert_eq!(done.code, 0, "{}", done.out);
        count() - before
    };
    let plain = requests(&[]);
    let struck = requests(&["--chaos", "1"]);
    // One copy of each on average, and every other time the one before once more.
    assert!(struck > plain * 2, "{plain} requests, {struck} with chaos");
}

#[test]
fn one_way_in_at_a_time() {
    let done = replay(&["--dialect", "browser", "tests/transcripts/ok/person"]);
    let told = "6 passed over: each is for other dialects\n11 passed, 0 differ, 6 passed over · 11 calls\n";
    assert_eq!((done.code, done.out.as_str()), (0, told));
}

/// `hotline replay … | head`: who reads has seen enough, and nothing is complained of.
#[test]
fn nobody_reads_on() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotline"));
    command.args(["replay", "--lint", "tests/transcripts/parse_error"]).env_clear().current_dir(project(""));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    assert_eq!((done.status.code(), String::from_utf8(done.stderr).unwrap()), (Some(141), String::new()));
}

/// Over real connections, signed: whatever does not need a hotline of its own.
#[test]
fn a_running_hotline_is_heard_as_written() {
    let shipped = project("config/lines");
    let setup = Setup::new().env("LINES__DIRECTORY", shipped.to_str().unwrap());
    let served = setup.serve();
    let url = format!("http://{}", served.address);
    let known = [
        ("HOTLINE_SERVER__PUBLIC_URL", PUBLIC_URL),
        ("HOTLINE_TWILIO__AUTH_TOKEN", AUTH_TOKEN),
        ("HOTLINE_BROWSER__TOKEN", BROWSER_TOKEN),
    ];
    // Again, too: nothing is changed that somebody else's call asks for.
    for _ in 0..2 {
        let done = replay_with(&["--against", &url, ALL], &known);
        assert_eq!(
            (done.code, last_line(&done)),
            (0, "78 passed, 0 differ, 1106 passed over · 156 calls"),
            "{}",
            done.out
        );
    }
    // A signature made with another token is refused, and that is no pass.
    let forged = [("HOTLINE_SERVER__PUBLIC_URL", PUBLIC_URL), ("HOTLINE_TWILIO__AUTH_TOKEN", "another")];
    let done =
        replay_with(&["--against", &url, "--dialect", "twilio", "tests/transcripts/ok/policy/POL-001.call"], &forged);
    assert_eq!(done.code, 1);
    assert!(done.out.contains("POL-001:3 the answer's status is 403 (error 11200 at the platform)"), "{}", done.out);
    let done = replay(&["--against", &url, ALL]);
    assert_eq!(
        done.err,
        "error: webhooks cannot be signed: set HOTLINE_TWILIO__AUTH_TOKEN as the hotline has it, or --dialect browser\n"
    );
    assert_eq!(done.code, 2);
}

#[test]
fn nobody_answers() {
    let done = replay_with(&["--against", "http://127.0.0.1:9", ALL], &[("HOTLINE_TWILIO__AUTH_TOKEN", "x")]);
    assert_eq!((done.code, done.out.as_str()), (2, ""));
    assert!(done.err.starts_with("--against: no hotline answers at http://127.0.0.1:9: "), "{}", done.err);
}

/// A folder of transcripts of one's own.
fn own(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn shown(done: Done, folder: &Path) -> Done {
    let out = done.out.replace(folder.to_str().unwrap(), "DIR");
    Done { out, ..done }
}

const UNBLESSED: &str = "通话 A-1 一句旧话  // 留着\r
\r
> 拨入   // 也留着\r
‹ 您好，欢迎来电{…}按{任一 一|二}。{…}   ≤3s @menu // 都留着\r
> 按 3\r
‹ {…}\r
> 按 9\r
‹ {提示 call.goodbye}？\r
‹ 再会。\r
";

const BLESSED: &str = "通话 A-1 一句旧话  // 留着\r
\r
> 拨入   // 也留着\r
‹ 您好，欢迎致电{…}按{任一 一|二}。{…}   ≤3s @main // 都留着\r
> 按 3\r
‹ {…}\r
> 按 9\r
‹ {提示 call.goodbye}？\r
‹ 感谢您的来电，再见。\r
";

const SHOWN: &str = "DIR/a.call:4
- ‹ 您好，欢迎来电{…}按{任一 一|二}。{…}   ≤3s @menu // 都留着
+ ‹ 您好，欢迎致电{…}按{任一 一|二}。{…}   ≤3s @main // 都留着
DIR/a.call:9
- ‹ 再会。
+ ‹ 感谢您的来电，再见。
1 passed, 0 differ · 3 calls
";

#[test]
fn blessing_rewrites_what_differs_and_nothing_else() {
    let folder = own(&[("a.call", UNBLESSED)]);
    let done = shown(replay(&["--bless", folder.path().to_str().unwrap()]), folder.path());
    let now = std::fs::read_to_string(folder.path().join("a.call")).unwrap();
    assert_eq!(now, BLESSED);
    assert_eq!(done, Done { code: 0, out: SHOWN.into(), err: String::new() });
}

/// What a hole says is brought up to date, and it stays a hole.
#[test]
fn a_blessed_amount_stays_an_amount() {
    let balance = |amount: &str, day: &str| {
        format!(
            "通话 A-1 余额\n  密值 $证号 = 样例.身份证(2)\n  密值 $密码 = 样例.查询密码(2)\n\n> 拨入\n> 连按 1 1 $证号 # 1 $密码 #\n\
             > 按 1\n‹ {{…}}余额为{{金额 {amount}}}，{{…}}截至{{日期 {day}}}{{…}}\n"
        )
    };
    let folder = own(&[("a.call", &balance("1010.05", "2020-01-01"))]);
    let done = replay(&["--bless", folder.path().to_str().unwrap()]);
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{}", done.out);
    assert_eq!(std::fs::read_to_string(folder.path().join("a.call")).unwrap(), balance("19872.30", "2026-06-30"));
}

/// What is expected is never less than before: no words are cut in half, and nothing that was held is let go.
#[test]
fn a_blessed_line_is_held_against_as_much() {
    let heard = "您的医保个人账户余额为一万九千八百七十二元三角";
    for expected in ["{…}余额为{金额 19872.30}。", "{…}余额为{任一 一元|两元}，{…}", "{…}一句从来没有人说过的话{…}"]
    {
        let text = format!(
            "通话 A-1 余额\n  密值 $证号 = 样例.身份证(2)\n  密值 $密码 = 样例.查询密码(2)\n\n> 拨入\n> 连按 1 1 $证号 # 1 $密码 #\n\
             > 按 1\n‹ {expected} @personal-balance\n"
        );
        let folder = own(&[("a.call", &text)]);
        let done = replay(&["--bless", folder.path().to_str().unwrap()]);
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{}", done.out);
        let now = std::fs::read_to_string(folder.path().join("a.call")).unwrap();
        let last = now.lines().last().unwrap();
        assert!(last.contains(heard) && last.ends_with(" @personal-balance"), "{last}");
    }
}

/// Other menus than the same ones change nothing, whatever numbers are drawn.
#[test]
fn the_same_menus_change_nothing() {
    let done = replay(&["--what-if", "config/lines", "tests/transcripts/ok/messages", "tests/transcripts/ok/sign-in"]);
    assert_eq!(done, Done { code: 0, out: "0 sentences change\n".into(), err: String::new() });
}

#[test]
fn the_usual_form() {
    let typed = std::fs::read_to_string(project("tests/transcripts/ok/format/FMT-001.call")).unwrap();
    let folder = own(&[("a.call", &typed), ("b.call", "通话 B-1 好\n\n> 拨入\n")]);
    let path = folder.path().to_str().unwrap();
    let done = shown(replay(&["--fmt", "--check", path]), folder.path());
    assert_eq!(done, Done { code: 1, out: "DIR/a.call\n1 to rewrite\n".into(), err: String::new() });
    assert_eq!(std::fs::read_to_string(folder.path().join("a.call")).unwrap(), typed);
    let done = shown(replay(&["--fmt", path]), folder.path());
    assert_eq!(done, Done { code: 1, out: "DIR/a.call\n1 rewritten\n".into(), err: String::new() });
    let formatted = std::fs::read_to_string(folder.path().join("a.call")).unwrap();
    insta::assert_snapshot!("formatted", formatted);
    assert_eq!(replay(&["--fmt", path]), Done { code: 0, out: "0 rewritten\n".into(), err: String::new() });
    assert_eq!(last_line(&replay(&[path])), "2 passed, 0 differ · 6 calls");
}

#[test]
fn reading_only() {
    let same = "通话 A-1 同名\n> 拨入\n";
    let folder = own(&[("a.call", same), ("b.call", same), ("c.call", "拨入")]);
    let path = folder.path().to_str().unwrap();
    insta::assert_snapshot!("lint", shown(replay(&["--lint", path]), folder.path()).out);
    insta::assert_snapshot!("lint_replayed", shown(replay(&[path]), folder.path()).out);
    assert_eq!(
        replay(&["--lint", ALL]),
        Done { code: 0, out: "1184 read, 0 with faults\n".into(), err: String::new() }
    );
}

#[test]
fn a_folder_without_transcripts_is_no_pass() {
    let folder = own(&[]);
    let done = replay(&[folder.path().to_str().unwrap()]);
    assert_eq!((done.code, done.out.as_str()), (2, ""));
    assert!(done.err.contains("has no transcript in it"), "{}", done.err);
}

#[test]
fn reports_for_machines_and_browsers() {
    let folder = own(&[]);
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (junit, html) = (at("junit.xml"), at("report.html"));
    let files = [
        "tests/transcripts/failed/several.call",
        "tests/transcripts/parse_error/clock.call",
        "tests/transcripts/ok/menu/MENU-004.call",
    ];
    let done = replay(&[&["--junit", &junit, "--html", &html, "--json"][..], &files].concat());
    assert_eq!(done.code, 2);
    insta::assert_snapshot!("replay_json", done.out);
    insta::assert_snapshot!("replay_junit", std::fs::read_to_string(junit).unwrap());
    insta::assert_snapshot!("replay_html", std::fs::read_to_string(html).unwrap());
}

#[test]
fn what_if_the_menus_were_others() {
    let folder = own(&[]);
    for file in crate::support::line::LINES {
        let shipped = std::fs::read_to_string(project("config/lines").join(file)).unwrap();
        let mut lines: Vec<String> = shipped.lines().map(str::to_owned).collect();
        // Policy and places to go change keys, where they stand so.
        let policy = lines.iter().position(|line| line.contains("{ key = 3, say = \"main.policy\""));
        if let Some(at) = policy {
            lines[at] = lines[at].replace("key = 3", "key = 4");
            lines[at + 1] = lines[at + 1].replace("key = 4", "key = 3");
            lines.swap(at, at + 1);
        }
        std::fs::write(folder.path().join(file), lines.join("\n")).unwrap();
    }
    let calls = [
        "tests/transcripts/ok/menu/MENU-004.call",
        "tests/transcripts/ok/policy/POL-001.call",
        "tests/transcripts/ok/lines",
    ];
    let done = replay(&[&["--what-if", folder.path().to_str().unwrap()][..], &calls].concat());
    assert_eq!((done.code, done.err.as_str()), (1, ""));
    insta::assert_snapshot!("what_if", done.out);
    let same = replay(&["--what-if", "config/lines", "tests/transcripts/ok/menu"]);
    assert_eq!(same, Done { code: 0, out: "0 sentences change\n".into(), err: String::new() });
}
