//! Settings, lines and prompts with faults in them: all are told at once, each with its place and its remedy.

use crate::cli::run;
use crate::support::line::{LINES, project};
use crate::support::served::Setup;

/// Settings of one's own, in a file.
fn checked(setup: &Setup, settings: &str) -> String {
    std::fs::write(setup.path().join("hotline.toml"), settings).unwrap();
    run(setup, &["check", "--config", "hotline.toml"])
}

/// In a folder that is as the project's, so that what is told there is what an operator sees.
fn in_a_project() -> Setup {
    let setup = Setup::new()
        .env("LINES__DIRECTORY", "lines")
        .env("PROMPTS__DIRECTORY", "voice-prompts")
        .env("STORE__URL", "sqlite:data/hotline.db");
    std::fs::create_dir_all(setup.path().join("voice-prompts/zh-CN")).unwrap();
    std::fs::copy(project(PROMPTS), setup.path().join(PROMPTS)).unwrap();
    // `check` falls back to the defaults when settings have faults.
    std::fs::create_dir_all(setup.path().join("config")).unwrap();
    std::os::unix::fs::symlink("../lines", setup.path().join("config/lines")).unwrap();
    setup
}

/// Changes one text of a file.
fn change(setup: &Setup, file: &str, from: &str, to: &str) {
    let path = setup.path().join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from} is not in {file}");
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
}

const LINE: &str = "lines/12333.toml";
const PROMPTS: &str = "voice-prompts/zh-CN/prompts.toml";

/// The shipped lines, all of them.
fn with_all_lines() -> Setup {
    let setup = in_a_project();
    for file in LINES {
        std::fs::copy(project("config/lines").join(file), setup.path().join("lines").join(file)).unwrap();
    }
    setup
}

#[test]
fn what_is_as_it_should_be() {
    let setup = with_all_lines();
    insta::assert_snapshot!("check_good", run(&setup, &["check"]));
}

#[test]
fn faults_in_settings_are_told_all_at_once() {
    let setup =
        in_a_project().env("SERVER__LISTEN", "somewhere").env("SERVER__PORT", "80").env("SIGN_IN__HARD_LIMIT", "many");
    let settings = "\
profile = \"staging\"

[server]
max_in_flight = \"lots\"
header_timeout = \"-5s\"

[stoer]
url = \"sqlite:x\"

[call]
longst = \"1m\"
";
    insta::assert_snapshot!("check_settings", checked(&setup, settings));
}

#[test]
fn settings_that_contradict_each_other() {
    let setup = in_a_project();
    let settings = "\
[server]
public_url = \"ftp://hotline\"
max_in_flight = 10
reserved_for_running = 10

[call]
most_turns = 1

[sign_in]
tries_before_lock = 0
hard_limit = 1000
hash_memory_kib = 8
";
    // What the environment says counts more than the file.
    let setup = setup.env("SERVER__PUBLIC_URL", "ftp://hotline").env("SIGN_IN__HASH_MEMORY_KIB", "8");
    insta::assert_snapshot!("check_contradictions", checked(&setup, settings));
}

/// Each would panic, or hear nobody.
#[test]
fn settings_out_of_bounds() {
    let setup = in_a_project().env("SIGN_IN__HASH_MEMORY_KIB", "1048577").env("SIGN_IN__HASH_PASSES", "101");
    let setup = setup.env("STORE__DEADLINE", "49ms").env("STORE__URL", "mysql://hotline@db/hotline");
    let settings = "\
[server]
header_timeout = \"1ms\"
body_timeout = \"1h\"
max_connections = 0
max_in_flight = 9223372036854775807
drain = \"1ms\"

[log]
level = \"info,hotline=loud\"

[store]
connections = 201

[call]
longest = \"1s\"
most_registered = 0

[sign_in]
first_lock = \"25h\"
longest_lock = \"24h\"
hash_threads = 257
hash_queue = 0
";
    insta::assert_snapshot!("check_bounds", checked(&setup, settings));
}

/// What is no secret of its kind may still be one.
#[test]
fn faults_do_not_quote_secrets() {
    let setup = in_a_project().env("TWILIO__MORE_AUTH_TOKENS", "[31415926]").env("BROWSER__TOKEN", "");
    let settings = "[twilio]\naccounts = { AC1 = \"supersecret\" }\n";
    let told = checked(&setup, settings);
    insta::assert_snapshot!("check_secrets", told);
    assert!(!told.contains("31415926") && !told.contains("supersecret"));
    std::fs::write(setup.path().join("keys.toml"), "current = 1\n[keys]\n1 = 31415926\n").unwrap();
    let setup = setup.env("TWILIO__MORE_AUTH_TOKENS", "[]");
    insta::assert_snapshot!("check_secret_keys", run(&setup, &["check"]));
}

/// Kubernetes sets `HOTLINE_PORT` and the like for a service of this name; others' variables may hold any bytes.
#[test]
fn variables_of_others_are_passed_over() {
    use std::os::unix::ffi::OsStrExt;
    let bytes = std::ffi::OsStr::from_bytes(b"\xff");
    let setup = in_a_project().env("PORT", "tcp://10.0.0.1:80").env("SERVICE_HOST", "10.0.0.1");
    let checked = |name: &str| {
        let output = setup.command(&["check"]).env(name, bytes).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(checked("OTHERS").ends_with("settings: as they should be\n"), "{}", checked("OTHERS"));
    let ours = "HOTLINE_LOG__LEVEL: is not UTF-8\n    remedy: write it in UTF-8\n1 fault\n";
    assert!(checked("HOTLINE_LOG__LEVEL").ends_with(ours), "{}", checked("HOTLINE_LOG__LEVEL"));
}

#[test]
fn a_store_that_is_none_or_away() {
    let mut told = String::new();
    for url in ["sqlite:q/x.db?cache=shared", "sqlite::memory:", "sqlite:"] {
        told += &run(&in_a_project().env("STORE__URL", url), &["serve"]);
    }
    // Nobody listens at the first port.
    told += &run(&in_a_project().env("STORE__URL", "postgres://hotline:supersecret@127.0.0.1:1/hotline"), &["serve"]);
    insta::assert_snapshot!("serve_store", told);
}

#[test]
fn a_file_that_is_not_there_or_no_toml() {
    let setup = in_a_project();
    insta::assert_snapshot!("check_no_file", run(&setup, &["check", "--config", "nowhere.toml"]));
    insta::assert_snapshot!("check_no_toml", checked(&setup, "[server]\nlisten = \n"));
}

#[test]
fn production_refuses_what_is_unfit_for_it() {
    let setup = in_a_project().env("PROFILE", "production").env("TWILIO__AUTH_TOKEN", "");
    insta::assert_snapshot!("check_production", run(&setup.env("SERVER__PUBLIC_URL", ""), &["check"]));
    let setup = in_a_project()
        .env("PROFILE", "production")
        .env("STORE__SAMPLE_MEMBERS", "false")
        .env("TWILIO__AUTH_TOKEN", "short")
        .env("SERVER__PUBLIC_URL", "https://127.0.0.1:8443");
    insta::assert_snapshot!("check_production_short", run(&setup, &["check"]));
    // Another secret lets no webhook in.
    let setup = in_a_project()
        .env("PROFILE", "production")
        .env("STORE__SAMPLE_MEMBERS", "false")
        .env("TWILIO__AUTH_TOKEN", "")
        .env("KEYS__FILE", "lost/keys.toml");
    insta::assert_snapshot!("check_production_keys_and_token", run(&setup, &["check"]));
}

/// And does not start with them, nor with the example's person, nor with keys that others can read.
#[test]
fn production_does_not_start_with_what_is_unfit() {
    let fit = || in_a_project().env("PROFILE", "production").env("STORE__SAMPLE_MEMBERS", "false");
    insta::assert_snapshot!("serve_production_example", run(&fit(), &["serve"]));
    let setup = fit();
    change(&setup, LINE, "sip:agents@pbx.invalid", "+861012333");
    let keys = setup.path().join("keys.toml");
    std::fs::set_permissions(&keys, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let told = run(&setup, &["serve"]).replace(keys.to_str().unwrap(), "KEYS");
    insta::assert_snapshot!("serve_production_keys", told);
    std::fs::remove_file(&keys).unwrap();
    let told = run(&setup, &["serve"]).replace(keys.to_str().unwrap(), "KEYS");
    insta::assert_snapshot!("serve_production_no_keys", told);
    assert!(!keys.exists());
    insta::assert_snapshot!("serve_production_samples", run(&fit().env("STORE__SAMPLE_MEMBERS", "true"), &["serve"]));
}

#[test]
fn faults_in_a_line() {
    let setup = in_a_project();
    change(&setup, LINE, "time_zone = \"+08:00\"", "time_zone = \"Asia/Shanghai\"");
    change(&setup, LINE, "misses = 3", "misses = 9");
    change(&setup, LINE, "menu_first_key = \"6s\"", "menu_first_key = \"6m\"");
    change(&setup, LINE, "transfer_to = \"sip:agents@pbx.invalid\"", "transfer_to = \"somebody\"");
    change(&setup, LINE, "\"main.keys\" = \"main.keys-elder\"", "\"main.key\" = \"main.keys-older\"");
    change(&setup, LINE, "go = \"menu:account\"", "go = \"menu:acount\"");
    change(&setup, LINE, "key = 2, say = \"account.option.pooled\"", "key = 3, say = \"account.option.poled\"");
    insta::assert_snapshot!("check_line", run(&setup, &["check"]));
    let setup = in_a_project();
    change(&setup, LINE, "[patience]", "[patients]");
    insta::assert_snapshot!("check_line_unknown_key", run(&setup, &["check"]));
}

#[test]
fn faults_in_answers() {
    let setup = in_a_project();
    // A slip of the pen leaves an answer that nothing leads to; a prompt with a placeholder, and none, cannot be one.
    change(&setup, LINE, "go = \"answer:family\"", "go = \"answer:famly\"");
    change(&setup, LINE, "say = [\"policy.activation\"]", "say = [\"policy.activated\", \"policy.option.activation\"]");
    change(&setup, LINE, "say = [\"policy.inpatient\"]", "say = []");
    change(&setup, LINE, "say = [\"channels.designated\"]", "say = [\"account.personal-balance\", \"person.closed\"]");
    let mut more = std::fs::read_to_string(setup.path().join(LINE)).unwrap();
    more.push_str("\n[answer.policy]\nsay = [\"policy.local\"]\n\n[answer.Cash_Out]\nsay = [\"policy.local\"]\n");
    std::fs::write(setup.path().join(LINE), more).unwrap();
    insta::assert_snapshot!("check_answers", run(&setup, &["check"]));
    let setup = in_a_project();
    let sixth = "    { key = 6, say = \"policy.option.more\", go = \"answer:family\" },\n]";
    change(&setup, LINE, "go = \"menu:policy-more\" },\n]", &["go = \"menu:policy-more\" },\n", sixth].concat());
    insta::assert_snapshot!("check_six_options", run(&setup, &["check"]));
}

/// Well-formed, but a caller would be asked for a number in vain: only the walk can tell.
#[test]
fn faults_between_lines() {
    let setup = in_a_project();
    let text = std::fs::read_to_string(setup.path().join(LINE)).unwrap();
    std::fs::write(setup.path().join("lines/other.toml"), text).unwrap();
    insta::assert_snapshot!("check_lines_collide", run(&setup, &["check"]));
}

#[test]
fn faults_in_prompts() {
    let setup = in_a_project();
    change(&setup, PROMPTS, "\"call.goodbye\" = ", "\"call.godbye\" = ");
    change(&setup, PROMPTS, "{total:amount}", "{total:date}");
    change(&setup, PROMPTS, "{tail:tail}", "{tail}");
    change(&setup, PROMPTS, "请按{key:key}", "请按{kye:key}");
    change(&setup, PROMPTS, "\"again.no-input\" = \"抱歉，没有收到您的按键。\"", "\"again.no-input\" = \"\"");
    insta::assert_snapshot!("check_prompts", run(&setup, &["check"]));
}

/// As if they were in place: a line, a wording, a folder of lines. Nothing is written.
#[test]
fn drafts_are_checked_without_being_put_in_place() {
    let setup = in_a_project();
    let draft = |name: &str, text: String| std::fs::write(setup.path().join(name), text).unwrap();
    let shipped = std::fs::read_to_string(setup.path().join(LINE)).unwrap();
    std::fs::create_dir(setup.path().join("next")).unwrap();
    // In the place of the line of its name, under whatever name of a file.
    draft("draft.toml", shipped.replace("misses = 3", "misses = 30"));
    draft("12393.toml", shipped.replace("between_keys = \"5s\"", "between_keys = \"90s\""));
    draft("next/other.toml", shipped.replace("\"12333\"", "\"other\"").replace("[\"*\"]", "[\"4001012\", \"none\"]"));
    let wording = std::fs::read_to_string(setup.path().join(PROMPTS)).unwrap();
    draft("prompts.toml", wording.replace("\"greeting.welcome\" = \"您好", "\"greeting.welcome\" = \"3Q"));
    let mut text = String::new();
    for drafts in [&["draft.toml"][..], &["12393.toml"], &["next"], &["prompts.toml"], &["nowhere.toml"]] {
        let told = run(&setup, &[&["check"], drafts].concat());
        text.extend(["$ hotline check ", &drafts.join(" "), "\n", &told, "\n"]);
    }
    insta::assert_snapshot!("check_drafts", text);
    // A wording that no line here says is no fault: the line that says it may have been taken out, or come next.
    let good = run(&setup, &["check", LINE]);
    assert!(good.starts_with("exit code 0\n--- out\nline 12333: "), "{good}");
    let remark = "remark: voice-prompts/zh-CN/prompts.toml: no line says bank.branch, bank.loss.at-once, ";
    assert!(good.contains(remark), "{good}");
}

/// As [`in_a_project`], with every language.
fn in_every_language() -> Setup {
    let setup = in_a_project();
    for language in ["yue-CN", "en-US"] {
        let prompts = format!("voice-prompts/{language}/prompts.toml");
        std::fs::create_dir(setup.path().join("voice-prompts").join(language)).unwrap();
        std::fs::copy(project(&prompts), setup.path().join(&prompts)).unwrap();
    }
    change(&setup, LINE, "languages = [\"zh-CN\"]", "languages = [\"zh-CN\", \"yue-CN\", \"en-US\"]");
    setup
}

const CANTONESE: &str = "voice-prompts/yue-CN/prompts.toml";
const ENGLISH: &str = "voice-prompts/en-US/prompts.toml";

#[test]
fn every_language_as_it_should_be() {
    let told = run(&in_every_language(), &["check"]);
    assert!(
        told.contains("prompts zh-CN: complete\nprompts yue-CN: complete\nprompts en-US: complete\n")
            && told.ends_with("settings: as they should be\n"),
        "{told}"
    );
}

#[test]
fn a_prompt_missing_in_one_language() {
    let setup = in_every_language();
    // What the program says, what only a line names, what only one language has, and what takes a key in two of three.
    change(&setup, CANTONESE, "\"call.goodbye\" = ", "# ");
    change(&setup, ENGLISH, "\"word.benefit.waiting\" = ", "# ");
    insta::assert_snapshot!("check_languages_known", run(&setup, &["check"]));
    let setup = in_every_language();
    change(&setup, ENGLISH, "\"policy.family.how\" = ", "\"policy.family.where\" = ");
    change(&setup, CANTONESE, "余额会唔会清零，请按{key:key}。", "余额会唔会清零。");
    insta::assert_snapshot!("check_languages_uneven", run(&setup, &["check"]));
}

#[test]
fn wording_that_a_voice_cannot_read() {
    let setup = in_every_language();
    change(&setup, PROMPTS, "感谢您的来电，再见。", "感谢您的来电，bye bye。");
    change(&setup, PROMPTS, "系统繁忙，请稍后再拨。", "系统繁忙, 请稍后再拨。");
    change(&setup, CANTONESE, "多谢您嘅来电，再见。", "多谢您嘅来电，ＯＫ。");
    change(&setup, CANTONESE, "一二三三三人力", "12333人力");
    change(&setup, ENGLISH, "Thank you for calling. Goodbye.", "Thank you for calling. 再见");
    change(&setup, ENGLISH, "press {again:key}", "press{again:key}");
    change(&setup, ENGLISH, "For your transactions, press", "For your  transactions, press");
    change(&setup, ENGLISH, "The system is busy. Please call again later.", "The system is busy. ");
    change(&setup, ENGLISH, "Sorry, I did not receive a key.", "Sorry, 0 keys.");
    insta::assert_snapshot!("check_languages_characters", run(&setup, &["check"]));
}

#[test]
fn languages_that_a_line_cannot_speak() {
    let setup = in_every_language();
    std::fs::remove_file(setup.path().join(CANTONESE)).unwrap();
    let two = "dialled = [\"*\", \"8601012333\"]";
    change(&setup, LINE, "dialled = [\"*\"]", two);
    change(&setup, LINE, "\"zh-CN\", \"yue-CN\"", "\"zh-CN\", \"yue-CN\", \"zh-CN\"");
    change(&setup, LINE, "language_of = {}", "language_of = { \"1234\" = \"en-US\" }");
    insta::assert_snapshot!("check_languages_line", run(&setup, &["check"]));
    let setup = in_a_project();
    change(&setup, LINE, "dialled = [\"*\"]", two);
    change(&setup, LINE, "language_of = {}", "language_of = { \"8601012333\" = \"en-US\" }");
    insta::assert_snapshot!("check_languages_number", run(&setup, &["check"]));
    let setup = in_every_language();
    change(&setup, ENGLISH, "language = \"en-US\"", "language = \"en-GB\"");
    std::fs::copy(setup.path().join(PROMPTS), setup.path().join(CANTONESE)).unwrap();
    insta::assert_snapshot!("check_languages_folder", run(&setup, &["check"]));
}
