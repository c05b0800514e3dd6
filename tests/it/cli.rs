//! The commands as people and scripts meet them: what they print, and with what code they end.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use sqlx::Executor;

use crate::calls::{ACCOUNT, BALANCE, TOLD};
use crate::support::caller::Caller;
use crate::support::served::{Setup, wait};

/// Exit code, standard output and standard error, for a snapshot.
pub fn run(setup: &Setup, arguments: &[&str]) -> String {
    shown(setup, &output(setup.command(arguments), ""))
}

fn shown(setup: &Setup, output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap().replace(setup.path().to_str().unwrap(), "DIR");
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    let part = |name: &str, text: &str| if text.is_empty() { String::new() } else { format!("--- {name}\n{text}") };
    format!("exit code {}\n{}{}", output.status.code().unwrap(), part("out", &out), part("err", &err))
}

fn output(mut command: Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn help() {
    let setup = Setup::new();
    let commands: [&[&str]; 18] = [
        &[],
        &["serve"],
        &["dial"],
        &["check"],
        &["flow"],
        &["members"],
        &["members", "import"],
        &["members", "sample"],
        &["messages"],
        &["messages", "list"],
        &["messages", "show"],
        &["messages", "take"],
        &["messages", "answer"],
        &["messages", "close"],
        &["replay"],
        &["say"],
        &["audit"],
        &["audit", "verify"],
    ];
    let mut text = String::new();
    for command in commands {
        let arguments = [command, &["--help"]].concat();
        write!(text, "$ hotline {}\n{}\n", arguments.join(" "), run(&setup, &arguments)).unwrap();
    }
    insta::assert_snapshot!("help", text);
}

#[test]
fn bad_arguments() {
    let setup = Setup::new();
    let mut text = String::new();
    for arguments in [
        &["sreve"][..],
        &["serve", "--port", "80"],
        &["members", "sample", "--count", "0"],
        &["dial", "--in-process", "--server", "x"],
    ] {
        write!(text, "$ hotline {}\n{}\n", arguments.join(" "), run(&setup, arguments)).unwrap();
    }
    insta::assert_snapshot!("bad_arguments", text);
}

#[test]
fn the_flow_is_drawn() {
    let shipped = crate::support::line::project("config/lines");
    let setup = Setup::new().env("LINES__DIRECTORY", shipped.to_str().unwrap());
    insta::assert_snapshot!("flow_mermaid", run(&setup, &["flow"]));
    let bank = run(&setup, &["flow", "95566"]);
    assert!(bank.contains("main[\"main\"] -->|\"3\"| card[\"card\"]") && !bank.contains("policy"), "{bank}");
    // Nobody to be put through to: the same places, and fewer ways.
    let setup = Setup::new();
    insta::assert_snapshot!("flow_dot", run(&setup, &["flow", "--format", "dot"]));
    let json = output(setup.command(&["flow", "--format", "json", "--all"]), "");
    let drawing: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(drawing["line"], "12333");
    let ways = drawing["ways"].as_array().unwrap();
    let way = |from: &str, to: &str, on: &str| {
        ways.iter().any(|w| w["from"] == from && w["to"] == to && w["on"].as_array().unwrap().contains(&on.into()))
    };
    assert!(way("main", "sign-in.number-kind", "1") && way("sign-in.pin", "sign-in.checking", "six digits"));
    assert!(way("account", "over", "9") && !way("main", "personal-balance", "1"));
    insta::assert_snapshot!("flow_no_such_line", run(&setup, &["flow", "12345"]));
}

#[test]
fn how_long_callers_take() {
    let shipped = crate::support::line::project("config/lines");
    let setup = Setup::new().env("LINES__DIRECTORY", shipped.to_str().unwrap());
    let told = run(&setup, &["flow", "--times"]);
    assert_eq!(run(&setup, &["flow", "--times"]), told);
    insta::assert_snapshot!("flow_times", told);
}

#[test]
fn values_are_said() {
    let setup = Setup::new();
    let mut text = String::new();
    for arguments in [
        &["say", "amount", "1010.05"][..],
        &["say", "amount", "-0.2"],
        &["say", "digits", "0791-12333"],
        &["say", "date", "2026-01-02"],
        &["say", "amount", "1.001"],
        &["say", "date", "2026-02-29"],
        &["say", "weight", "1"],
    ] {
        write!(text, "$ hotline {}\n{}\n", arguments.join(" "), run(&setup, arguments)).unwrap();
    }
    let lines = output(setup.command(&["say", "amount", "-"]), "2\n10000\n1e3\n5\n");
    write!(text, "$ printf '2\\n10000\\n1e3\\n5\\n' | hotline say amount -\n{}", shown(&setup, &lines)).unwrap();
    insta::assert_snapshot!("say", text);
}

/// Members of one's own: `n` of those that `sample` makes up, with its header.
fn sample(setup: &Setup, n: usize) -> String {
    let output = output(setup.command(&["members", "sample", "--count", &n.to_string()]), "");
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap()
}

fn count(setup: &Setup, sql: &'static str) -> i64 {
    wait(async { sqlx::query_scalar(sql).fetch_one(&mut setup.database().await).await.unwrap() })
}

#[test]
fn members_are_imported_and_imported_again() {
    let setup = Setup::new().env("STORE__SAMPLE_MEMBERS", "false");
    let csv = sample(&setup, 10_000);
    assert_eq!(csv.lines().count(), 10_001);
    std::fs::write(setup.path().join("members.csv"), &csv).unwrap();
    let all = run(&setup, &["members", "import", "members.csv"]);
    assert_eq!(all, "exit code 0\n--- out\nmembers.csv: 10000 rows taken, 0 refused\n");
    assert_eq!(count(&setup, "SELECT count(*) FROM members"), 10_000);
    // Some of them again: they are brought up to date, and nobody is there twice.
    let some: String = csv.split_inclusive('\n').take(101).collect();
    std::fs::write(setup.path().join("members.csv"), some).unwrap();
    let transactions = ["members", "sample", "--count", "100", "--transactions", "--output", "transactions.csv"];
    assert_eq!(run(&setup, &transactions), "exit code 0\n");
    let import = ["members", "import", "members.csv", "--transactions", "transactions.csv"];
    let first = run(&setup, &import);
    let rows = count(&setup, "SELECT count(*) FROM transactions");
    assert!(first.ends_with(&format!("transactions.csv: {rows} rows taken, 0 refused\n")), "{first}");
    let second = run(&setup, &import);
    assert!(second.contains("members.csv: 100 rows taken, 0 refused\n"), "{second}");
    assert_eq!(count(&setup, "SELECT count(*) FROM members"), 10_000);
    assert!(
        second.ends_with(&format!("transactions.csv: {rows} rows taken ({rows} were there already), 0 refused\n")),
        "{second}"
    );
    assert_eq!(count(&setup, "SELECT count(*) FROM transactions"), rows);
}

/// The good rows are taken, the bad ones named by line and reason, and nothing of what stands in them is shown.
#[test]
fn rows_that_cannot_be_taken() {
    let setup = Setup::new().env("STORE__SAMPLE_MEMBERS", "false");
    let good = std::fs::read_to_string(crate::support::line::project("config/sample/members.csv")).unwrap();
    let mut lines: Vec<String> = good.lines().map(str::to_owned).collect();
    lines[2] = lines[2].replace("310000198503120012", "310000198503120013");
    lines[3] = lines[3].replace("583016", "58301");
    lines[4] = lines[4].replace("88.80", "88.8x");
    lines[5] = lines[5].replace("2026-06-30", "30.06.2026");
    lines[6] = "420000198807070056,F20260006".to_owned();
    std::fs::write(setup.path().join("members.csv"), lines.join("\n")).unwrap();
    let told = run(&setup, &["members", "import", "members.csv"]);
    for value in ["310000198503120013", "58301", "88.8x", "30.06.2026", "420000198807070056", "样例"] {
        assert!(!told.contains(value), "{value} in {told}");
    }
    insta::assert_snapshot!("import_bad_rows", told);
    // Whoever was in a good row can call.
    let served = setup.serve();
    let mut caller = Caller::dial(&served, "CA-imported");
    caller.press_all(&["1", "1", "11010519491231002*#", "1", "739154#"]);
    assert_eq!(caller.press("1"), [BALANCE, TOLD].concat());
}

#[test]
fn files_that_cannot_be_imported() {
    let setup = Setup::new().env("STORE__SAMPLE_MEMBERS", "false");
    std::fs::write(setup.path().join("header.csv"), "id_number,name\n1,2\n").unwrap();
    let mut text = String::new();
    for file in ["nowhere.csv", "header.csv"] {
        text += &run(&setup, &["members", "import", file]);
    }
    insta::assert_snapshot!("import_bad_files", text);
}

/// Whole after calls, and broken by whoever changes a row behind our back: the row is named.
#[test]
fn the_audit_is_verified() {
    let setup = Setup::new();
    let served = setup.serve();
    let mut caller = Caller::dial(&served, "CA-audited");
    caller.press_all(&["1", "1", "11010519491231002*#", "1", "739154#", "1", "*", "2"]);
    // Ending well writes the head of the chain outside the database.
    let mut served = served;
    served.signal("-TERM");
    assert_eq!(served.ended().code(), Some(0));
    let verify = || {
        let told = run(&setup, &["audit", "verify"]);
        // How long it took and where it ran differ.
        told.split(" (").next().unwrap().trim_end().to_owned()
    };
    let good = verify();
    assert!(good.starts_with("exit code 0\n--- out\naudit whole: 4 rows in 1 chains, "), "{good}");
    let change = |sql: &'static str| wait(async { setup.database().await.execute(sql).await.map(drop).unwrap() });
    for (break_it, mend_it) in [
        (
            "UPDATE audit SET event = 'sign_in_refused' WHERE seq = 2",
            "UPDATE audit SET event = 'sign_in_ok' WHERE seq = 2",
        ),
        ("UPDATE audit SET at = at + 1 WHERE seq = 3", "UPDATE audit SET at = at - 1 WHERE seq = 3"),
        ("UPDATE audit SET call = 'CA-other' WHERE seq = 3", "UPDATE audit SET call = 'CA-audited' WHERE seq = 3"),
    ] {
        change(break_it);
        let told = verify();
        assert!(told.starts_with("exit code 1\n--- out\naudit broken: "), "{break_it}: {told}");
        change(mend_it);
        assert_eq!(verify(), good);
    }
    // A tail that is cut off is told by the anchor.
    change("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)");
    assert!(verify().starts_with("exit code 1\n--- out\naudit broken: "));
}

/// Who looks makes nothing: a new key ring or database would look whole.
#[test]
fn what_is_verified_must_be_there() {
    let setup = Setup::new().env("KEYS__FILE", "data/keys.toml").env("STORE__URL", "sqlite:data/hotline.db");
    insta::assert_snapshot!("verify_no_keys", run(&setup, &["audit", "verify"]));
    let setup = Setup::new().env("STORE__URL", "sqlite:data/hotline.db");
    insta::assert_snapshot!("verify_no_store", run(&setup, &["audit", "verify"]));
    assert!(!setup.path().join("data").exists());
}

/// A ring is made beside an empty store only: beside another's data it would read nothing.
#[test]
fn a_key_ring_is_made_for_an_empty_store_only() {
    let setup = Setup::new().env("KEYS__FILE", "new/keys.toml");
    let members = crate::support::line::project("config/sample/members.csv");
    let import = ["members", "import", members.to_str().unwrap()];
    assert!(run(&setup, &import).starts_with("exit code 0\n"));
    assert!(setup.path().join("new/keys.toml").exists());
    let setup = setup.env("KEYS__FILE", "lost/keys.toml");
    let refused = run(&setup, &import);
    insta::assert_snapshot!("keys_lost", refused);
    assert_eq!(run(&setup, &["serve"]), refused);
    assert!(!setup.path().join("lost").exists());
}

/// In production nobody comes in without the token, so it takes that of its settings.
#[test]
fn a_telephone_in_the_terminal_of_production() {
    let call = ["dial", "--in-process", "9"];
    let setup = crate::edge::production().env("BROWSER__TOKEN", "");
    let refused = "exit code 2\n--- err\nerror: these settings let nobody in without a token: set browser.token\n";
    assert_eq!(run(&setup, &call), refused);
    std::fs::write(setup.path().join("hotline.toml"), "[browser]\ntoken = \"3a1f5c7e9b2d4f60\"\n").unwrap();
    let mut command = setup.command(&[&call[..], &["--config", "hotline.toml"]].concat());
    command.env_remove("HOTLINE_BROWSER__TOKEN");
    let told = String::from_utf8(output(command, "").stdout).unwrap();
    assert!(told.ends_with("感谢您的来电，再见。\n— the hotline has hung up —\n"), "{told}");
}

#[test]
fn a_telephone_in_the_terminal() {
    let setup = Setup::new();
    let call = ["dial", "--in-process", "1", "1", "11010519491231002*#", "1", "739154#", "1", "9"];
    let in_process = output(setup.command(&call), "");
    let said = String::from_utf8(in_process.stdout).unwrap();
    insta::assert_snapshot!("dial", said);
    let served = setup.serve();
    let address = format!("http://{}", served.address);
    let call = [&["dial", "--server", &address], &call[2..]].concat();
    let over_http = output(setup.command(&call), "");
    assert_eq!(String::from_utf8(over_http.stdout).unwrap(), said);
    // From a pipe, with an empty line for silence.
    let from_a_pipe = output(setup.command(&["dial", "--server", &address]), "\n8\n9\n");
    let said = String::from_utf8(from_a_pipe.stdout).unwrap();
    assert!(
        said.contains("抱歉，没有收到您的按键。")
            && said.contains("抱歉，这里没有这个选项。")
            && said.contains("感谢您的来电，再见。")
    );
    served.kill();
    let told = run(&setup, &["dial", "--server", &address]).replace(&address, "SERVER");
    let expected = "exit code 2\n--- err\nerror: no hotline answers at SERVER; start one with `hotline serve`, or dial --in-process";
    assert!(told.starts_with(expected), "{told}");
}

/// A member is locked, shows who they are at the counter, and is let in again by the running hotline.
#[test]
fn a_member_gets_their_tries_back() {
    const TO_THE_PIN: [&str; 4] = ["1", "1", "11010519491231002*#", "1"];
    let setup = Setup::new();
    let served = setup.serve();
    for (sid, pins) in
        [("CA-first", ["730415#", "730416#", "730417#"]), ("CA-second", ["730418#", "730419#", "739154#"])]
    {
        Caller::dial(&served, sid).press_all(&[&TO_THE_PIN[..], &pins].concat());
    }
    let right = [&TO_THE_PIN[..], &["739154#"]].concat();
    let locked = "尝试次数过多，请三十分钟后再拨，或带身份证到服务窗口办理；需要人工服务，请按零。";
    assert!(Caller::dial(&served, "CA-locked").press_all(&right).starts_with(locked));

    let unlock = |number: &str| output(setup.command(&["members", "unlock", "--by", "counter 3"]), number);
    let refused = unlock("110105194912310021\n");
    assert_eq!(refused.status.code(), Some(2));
    assert!(!String::from_utf8_lossy(&refused.stderr).contains("110105"), "the number is not told");
    assert!(Caller::dial(&served, "CA-still").press_all(&right).starts_with(locked));

    let done = unlock("11010519491231002x\n");
    assert_eq!((done.status.code(), &*done.stdout), (Some(0), &b"all tries are given back\n"[..]));
    assert_eq!(Caller::dial(&served, "CA-again").press_all(&right), ACCOUNT);
    let audit = setup.audit();
    assert_eq!(audit[audit.len() - 3..], ["tries_reset", "pin_try", "sign_in_ok"]);
}
