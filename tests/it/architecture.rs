//! Arrows point one way: what each module may know of the others, held against what its files name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::support::line::project;

/// Every module, and the modules of this crate that it may name.
const MAY_KNOW: [(&str, &[&str]); 19] = [
    // Pure.
    ("secret", &[]),
    ("fault", &[]),
    ("member", &["secret"]),
    ("speech", &["fault", "member", "secret"]),
    ("dialog", &["fault", "member", "secret", "speech"]),
    // What they stand on.
    ("clock", &[]),
    ("keys", &["fault", "secret"]),
    ("telemetry", &["call::caller", "dialog", "fault"]),
    // From the database up to the call.
    ("store", &["call::caller", "clock", "dialog", "fault", "keys", "member", "secret"]),
    ("service", &["call::caller", "dialog", "member", "secret", "store"]),
    // What is said, as files.
    ("voice", &["fault", "speech"]),
    // What is kept of a call: of what was keyed, the shape.
    ("record", &["call::caller", "dialog", "fault", "member", "secret", "speech", "telemetry"]),
    ("call", &["clock", "dialog", "fault", "keys", "record", "service", "speech", "telemetry", "telephony"]),
    // From the network down to the call: the contract, and nothing behind it.
    ("telephony", &["call::caller", "clock", "dialog", "secret", "speech"]),
    // Where all is put together.
    ("config", &["fault", "secret", "telephony"]),
    (
        "server",
        &[
            "call",
            "clock",
            "config",
            "fault",
            "keys",
            "member",
            "record",
            "service",
            "speech",
            "store",
            "telemetry",
            "telephony",
            "voice",
        ],
    ),
    // A platform's end of the line, and a hotline to place calls to.
    (
        "replay",
        &[
            "call",
            "clock",
            "config",
            "dialog",
            "fault",
            "keys",
            "member",
            "record",
            "secret",
            "server",
            "service",
            "speech",
            "store",
            "telemetry",
            "telephony::browser",
        ],
    ),
    (
        "cli",
        &[
            "call",
            "clock",
            "config",
            "dialog",
            "fault",
            "member",
            "record",
            "replay",
            "secret",
            "server",
            "speech",
            "store",
            "telephony",
            "voice",
        ],
    ),
    ("main", &["cli"]),
];

const PURE: [&str; 5] = ["dialog", "speech", "member", "secret", "fault"];
/// What makes a module depend on more than its arguments.
const IMPURE: [&str; 21] = [
    "tokio",
    "axum",
    "hyper",
    "hyper_util",
    "tower",
    "sqlx",
    "tracing",
    "rand",
    "getrandom",
    "ureq",
    "dashmap",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::SystemTime",
    "std::time::Instant",
    "jiff::Timestamp::now",
    "jiff::Zoned",
    "SystemTime::now",
];
/// Words of vendors, and the only dialects that may say them.
const VENDOR_WORDS: [(&str, &[&str]); 44] = [
    ("Stasis", &["asterisk"]),
    ("ChannelDtmfReceived", &["asterisk"]),
    ("RESTRequest", &["asterisk"]),
    ("STREAM FILE", &["asterisk"]),
    ("GetInput", &["plivo"]),
    ("CallUUID", &["plivo"]),
    ("x-plivo", &["plivo"]),
    ("conversation_uuid", &["vonage"]),
    ("NCCO", &["vonage"]),
    ("PlayTTS", &["cloopen"]),
    ("Gather", &["twilio", "jambonz"]),
    ("CallSid", &["twilio"]),
    ("TwiML", &["twilio"]),
    ("AccountSid", &["twilio"]),
    ("numDigits", &["twilio", "plivo"]),
    ("finishOnKey", &["twilio", "jambonz", "plivo"]),
    ("X-Twilio", &["twilio"]),
    ("x-twilio", &["twilio"]),
    ("DialCallStatus", &["twilio"]),
    ("Enqueue", &["twilio", "jambonz"]),
    ("QueueResult", &["twilio"]),
    ("waitUrl", &["twilio"]),
    ("<Say ", &["twilio"]),
    ("Jambonz-Signature", &["jambonz"]),
    ("jambonz-signature", &["jambonz"]),
    ("call_sid", &["jambonz"]),
    ("dtmfDetected", &["jambonz"]),
    ("dial_call_", &["jambonz"]),
    ("queue_result", &["jambonz"]),
    ("actionHook", &["jambonz"]),
    ("action_hook", &["jambonz"]),
    ("minDigits", &["jambonz"]),
    ("waitHook", &["jambonz"]),
    ("synthesizer", &["jambonz"]),
    ("vxml", &["voicexml"]),
    ("namelist", &["voicexml"]),
    ("nomatch", &["voicexml"]),
    ("interdigittimeout", &["voicexml"]),
    ("bargein", &["voicexml", "jambonz"]),
    ("session.connection", &["voicexml"]),
    ("freeswitch-httapi", &["httapi"]),
    ("digit-timeout", &["httapi"]),
    ("input_type", &["httapi"]),
    ("originate_disposition", &["httapi"]),
];

/// The code of a file: no comments, no tests.
fn code(text: &str) -> String {
    let lines = text.lines().take_while(|line| line.trim() != "#[cfg(test)]");
    lines
        .map(|line| if line.trim_start().starts_with("//") { "" } else { line })
        .fold(String::new(), |code, line| code + line + "\n")
}

/// Every path that code names, with the names in braces multiplied out: `crate::{a, b::c}` are two.
fn paths(code: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut paths = BTreeSet::new();
    let mut rest = code;
    while let Some(start) = rest.find(is_name) {
        rest = &rest[start..];
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let first = &rest[..end];
        if rest[end..].starts_with("::") {
            let length = follow(first.to_owned(), &rest[end..], &mut paths);
            rest = &rest[end + length..];
        } else {
            rest = &rest[end..];
        }
    }
    paths
}

/// Follows a path from its `::` on; tells how far it went.
fn follow(path: String, text: &str, paths: &mut BTreeSet<String>) -> usize {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let Some(after) = text.strip_prefix("::") else {
        paths.insert(path);
        return 0;
    };
    if let Some(group) = after.strip_prefix('{') {
        let mut at = 0;
        while let Some(next) = group[at..].find(|c: char| is_name(c) || c == '}') {
            at += next;
            if group[at..].starts_with('}') {
                at += 1;
                break;
            }
            let end = group[at..].find(|c| !is_name(c)).map_or(group.len(), |end| at + end);
            let name = &group[at..end];
            let inner = if name == "self" { path.clone() } else { format!("{path}::{name}") };
            at = end + follow(inner, &group[end..], paths);
        }
        return 3 + at;
    }
    let end = after.find(|c| !is_name(c)).unwrap_or(after.len());
    if end == 0 {
        paths.insert(path);
        return 2;
    }
    2 + end + follow(format!("{path}::{}", &after[..end]), &after[end..], paths)
}

/// Whether `path` is `prefix` or something in it.
fn within(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// What `file` of `module` does that it may not.
fn violations(module: &str, file: &str, text: &str) -> Vec<String> {
    let code = code(text);
    let paths = paths(&code);
    let allowed = MAY_KNOW.iter().find(|(name, _)| *name == module).map_or(&[][..], |(_, allowed)| allowed);
    let mut found = Vec::new();
    for path in &paths {
        let known = path.strip_prefix("crate::").or(path.strip_prefix("hotline::"));
        if let Some(known) = known
            && !within(known, module)
            && !allowed.iter().any(|allowed| within(known, allowed))
        {
            found.push(format!("{file} names {path}"));
        }
        if PURE.contains(&module) && IMPURE.iter().any(|impure| within(path, impure)) {
            found.push(format!("{file} is not pure: {path}"));
        }
        // Dialects know each other by the contract alone.
        let mut other = known.and_then(|k| k.strip_prefix("telephony::")).into_iter();
        if module == "telephony" && file != "telephony/mod.rs" && other.any(|o| is_other_dialect(file, o)) {
            found.push(format!("{file} knows another dialect: {path}"));
        }
    }
    let may_say = |dialects: &[&str]| {
        let own = |dialect| {
            [format!("telephony/{dialect}"), format!("replay/phone/{dialect}")].iter().any(|own| file.starts_with(own))
        };
        file == "cli/serve.rs" || dialects.iter().any(own)
    };
    let said = VENDOR_WORDS.iter().filter(|(word, dialects)| code.contains(word) && !may_say(dialects));
    found.extend(said.map(|(word, _)| format!("{file} says {word}")));
    found
}

fn is_other_dialect(file: &str, name: &str) -> bool {
    let dialects = ["asterisk", "browser", "cloopen", "httapi", "jambonz", "plivo", "twilio", "voicexml", "vonage"];
    let own = dialects.into_iter().find(|dialect| file.starts_with(&format!("telephony/{dialect}")));
    dialects.iter().any(|dialect| within(name, dialect) && own != Some(dialect))
}

fn files(directory: &Path, into: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let name = path.strip_prefix(project("src")).unwrap().to_str().unwrap().to_owned();
            // Files of tests alone are no part of the program.
            if !["/tests.rs", "/testing.rs"].iter().any(|end| name.ends_with(end)) {
                into.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
}

#[test]
fn arrows_point_one_way() {
    let mut all = BTreeMap::new();
    files(&project("src"), &mut all);
    assert!(all.len() > 40, "only {} files", all.len());
    let mut found = Vec::new();
    for (file, text) in &all {
        let module = file.split(['/', '.']).next().unwrap();
        assert!(module == "lib" || MAY_KNOW.iter().any(|(name, _)| *name == module), "{module} is not in the table");
        if module != "lib" {
            found.extend(violations(module, file, text));
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

/// No module knows one that knows it, but for the driver, which is the telephony contract's other side.
#[test]
fn the_table_has_no_circles() {
    let knows = |module: &str| MAY_KNOW.iter().find(|(name, _)| *name == module).map_or(&[][..], |(_, knows)| knows);
    for (module, _) in MAY_KNOW {
        // `call::caller` is a leaf: which call it is.
        let mut reached: Vec<&str> = knows(module).iter().copied().filter(|k| *k != "call::caller").collect();
        let mut at = 0;
        while let Some(next) = reached.get(at).copied() {
            reached.extend(
                knows(next)
                    .iter()
                    .filter(|k| **k != "call::caller" && !reached.contains(k))
                    .copied()
                    .collect::<Vec<_>>(),
            );
            at += 1;
        }
        assert!(!reached.contains(&module), "{module} leads back to itself over {reached:?}");
    }
}

#[test]
fn what_is_planted_is_caught() {
    let caught = |module: &str, file: &str, text: &str| violations(module, file, text);
    assert_eq!(caught("dialog", "dialog/step.rs", "use tokio::time;"), ["dialog/step.rs is not pure: tokio::time"]);
    assert_eq!(
        caught("member", "member/mod.rs", "use std::{fmt, time::{Duration, Instant}};"),
        ["member/mod.rs is not pure: std::time::Instant"]
    );
    assert_eq!(
        caught("speech", "speech/mod.rs", "let x = std::env::var(\"X\");"),
        ["speech/mod.rs is not pure: std::env::var"]
    );
    assert_eq!(
        caught("dialog", "dialog/flow.rs", "use crate::store::Store;"),
        ["dialog/flow.rs names crate::store::Store"]
    );
    assert_eq!(
        caught("telephony", "telephony/mod.rs", "use crate::{call::{caller::Call, live::LiveCalls}, secret::Keys};"),
        ["telephony/mod.rs names crate::call::live::LiveCalls"]
    );
    assert_eq!(
        caught("store", "store/mod.rs", "crate::service::Services::new()"),
        ["store/mod.rs names crate::service::Services::new"]
    );
    assert_eq!(
        caught("telephony", "telephony/browser.rs", "use crate::telephony::twilio::Settings;"),
        ["telephony/browser.rs knows another dialect: crate::telephony::twilio::Settings"]
    );
    assert_eq!(
        caught("telephony", "telephony/jambonz/verbs.rs", "use crate::telephony::twilio::Settings;"),
        ["telephony/jambonz/verbs.rs knows another dialect: crate::telephony::twilio::Settings"]
    );
    assert_eq!(caught("call", "call/driver.rs", "let verb = \"Gather\";"), ["call/driver.rs says Gather"]);
    assert_eq!(
        caught("telephony", "telephony/jambonz/hook.rs", "let id = \"CallSid\";"),
        ["telephony/jambonz/hook.rs says CallSid"]
    );
    assert_eq!(
        caught("replay", "replay/phone/twilio.rs", "let id = \"call_sid\";"),
        ["replay/phone/twilio.rs says call_sid"]
    );
    let innocent =
        "// use tokio::time;\nuse std::time::Duration;\nuse crate::secret::Key;\n#[cfg(test)]\nuse tokio::time;\n";
    assert_eq!(caught("dialog", "dialog/step.rs", innocent), Vec::<String>::new());
}
