//! Clips, from the command that builds them to the caller who hears them.

use std::fs;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use hotline::speech::catalog::Catalog;
use hotline::speech::clip::wanted::wanted;
use hotline::speech::language::Language;
use hotline::voice::{Folder, check};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::reload::{DESIGNATED, FAMILY, reloads, small};
use crate::support::caller::Wire;
use crate::support::line::project;
use crate::support::served::{BROWSER_TOKEN, PUBLIC_URL, Served, Setup, until};

/// A hotline whose prompts are the shipped ones, and a program that renders each clip as the same tone.
fn setup() -> Setup {
    let setup = Setup::new();
    let prompts = setup.path().join("prompts");
    for language in ["zh-CN", "en-US"] {
        fs::create_dir_all(prompts.join(language)).unwrap();
        let wording = format!("{language}/prompts.toml");
        fs::copy(project("voice-prompts").join(&wording), prompts.join(&wording)).unwrap();
    }
    fs::write(setup.path().join("tone.wav"), tone()).unwrap();
    let render = setup.path().join("render");
    let clips = prompts.join("zh-CN/clips");
    // The names of the work list, as a shell can read them.
    let script = format!(
        "#!/bin/sh\ngrep -o '\"name\":\"[^\"]*\"' | cut -d'\"' -f4 | while read -r name; do\n\
         cp {} {}/$name.wav; done; echo batch\n",
        setup.path().join("tone.wav").display(),
        clips.display()
    );
    fs::write(&render, script).unwrap();
    fs::set_permissions(&render, fs::Permissions::from_mode(0o755)).unwrap();
    let prompts = prompts.display().to_string();
    setup.env("PROMPTS__DIRECTORY", &prompts)
}

fn tone() -> Vec<u8> {
    let spec =
        hound::WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut file = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
    for n in 0..2000 {
        writer.write_sample(if n / 8 % 2 == 0 { 3000_i16 } else { -3000 }).unwrap();
    }
    writer.finalize().unwrap();
    file.into_inner()
}

fn told(output: &Output) -> (i32, String) {
    let text = [&output.stdout[..], &output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

fn build(setup: &Setup) -> (i32, String) {
    let render = setup.path().join("render").display().to_string();
    told(&setup.command(&["prompts", "build", "zh-CN", "--with", &render]).output().unwrap())
}

fn check(setup: &Setup) -> (i32, String) {
    told(&setup.command(&["prompts", "check"]).output().unwrap())
}

#[test]
fn clips_are_built_and_checked() {
    let setup = setup();
    let none = "none; platforms that play clips cannot speak it";
    assert_eq!(check(&setup), (0, format!("clips zh-CN: {none}\nclips en-US: {none}\n")));
    let (code, text) = build(&setup);
    let first = text.lines().next().unwrap();
    assert_eq!(code, 0, "{text}");
    assert!(first.starts_with("clips zh-CN: ") && first.ends_with(" to render, 0 to delete"), "{first}");
    assert!(text.ends_with("batch\nbatch\n"), "in batches: {text}");
    assert_eq!(build(&setup), (0, "clips zh-CN: 0 to render, 0 to delete\n".to_owned()));
    let (code, text) = check(&setup);
    assert!(code == 0 && text.contains(", 0 of them recorded, "), "{text}");
    let prompts = setup.path().join("prompts/zh-CN/prompts.toml");
    let wording = fs::read_to_string(&prompts).unwrap().replace("感谢您的来电，再见。", "谢谢，再见。");
    fs::write(&prompts, wording).unwrap();
    fs::write(setup.path().join("prompts/zh-CN/clips/call.busy.1.wav"), b"no sound").unwrap();
    let clips = setup.path().join("prompts/zh-CN/clips").display().to_string();
    let (code, text) = check(&setup);
    assert_eq!(
        (code, text.lines().skip(1).map(|line| line.replace(&clips, "…")).collect::<Vec<_>>().join("\n")),
        (
            1,
            [
                "clips en-US: none; platforms that play clips cannot speak it",
                "…: call.busy.1 is no WAV file: Ill-formed WAVE file: no RIFF tag found",
                "    remedy: save it as WAV: 8 kHz, mono, 16 bits",
                "…: call.goodbye.1 speaks “感谢您的来电，再见”, and is to say “谢谢，再见” now",
                "    remedy: run hotline prompts build",
                "2 faults",
            ]
            .join("\n")
        )
    );
    assert_eq!(told(&setup.command(&["prompts", "check", "en-US"]).output().unwrap()).0, 1, "asked for by name");
}

/// What a client gets: status, headers and bytes.
fn fetch(served: &Served, method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, axum::http::HeaderMap, Vec<u8>) {
    let request = axum::http::Request::builder().method(method).uri(format!("http://{}{path}", served.address));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let agent = ureq::Agent::config_builder().http_status_as_error(false).max_idle_connections(0).build();
    let mut response = ureq::Agent::new_with_config(agent).run(request.body(()).unwrap()).unwrap();
    let bytes = response.body_mut().read_to_vec().unwrap();
    (response.status().as_u16(), response.headers().clone(), bytes)
}

fn header<'h>(headers: &'h axum::http::HeaderMap, name: &str) -> &'h str {
    headers[name].to_str().unwrap()
}

#[test]
fn clips_are_served_once_and_for_ever() {
    let setup = setup();
    assert_eq!(build(&setup).0, 0);
    let served = setup.serve();
    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(tone()));
    let path = format!("/prompts/zh-CN/{hash}.wav");
    let (status, headers, bytes) = fetch(&served, "GET", &path, &[]);
    assert_eq!((status, bytes), (200, tone()));
    let tag = format!("\"{hash}\"");
    for (name, value) in [
        ("content-type", "audio/wav"),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("etag", &tag),
        ("content-length", &tone().len().to_string()),
    ] {
        assert_eq!(header(&headers, name), value, "{name}");
    }
    let (status, headers, bytes) = fetch(&served, "HEAD", &path, &[]);
    assert_eq!((status, bytes.len(), header(&headers, "content-length")), (200, 0, &*tone().len().to_string()));
    for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        for method in ["GET", "HEAD"] {
            let (status, headers, bytes) = fetch(&served, method, &path, &[("if-none-match", &known)]);
            assert_eq!((status, bytes.len(), header(&headers, "etag")), (304, 0, &*tag), "{method} {known}");
        }
    }
    assert_eq!(fetch(&served, "GET", &path, &[("if-none-match", "\"other\"")]).0, 200);
    let other = hash.replace(|c: char| c.is_ascii_digit(), "0");
    for path in [
        format!("/prompts/en-US/{hash}.wav"),
        format!("/prompts/zh-CN/{other}.wav"),
        format!("/prompts/zh-CN/{hash}"),
        "/prompts/zh-CN/manifest.toml".to_owned(),
        "/prompts/zh-CN/..%2f..%2fkeys.toml".to_owned(),
        "/prompts/xx/a.wav".to_owned(),
    ] {
        let (status, headers, bytes) = fetch(&served, "GET", &path, &[]);
        assert_eq!((status, header(&headers, "cache-control"), bytes.len()), (404, "no-store", 0), "{path}");
    }
    // Files that are replaced while calls run change nothing, and nobody starts with them.
    spoil(&setup.path().join("prompts/zh-CN/clips"));
    let (status, _, bytes) = fetch(&served, "GET", &path, &[]);
    assert_eq!((status, bytes), (200, tone()));
    drop(served);
    let (code, text) = told(&setup.command(&["serve"]).output().unwrap());
    let fault =
        "account.balance-stays.1.wav: is another file than its manifest tells\n    remedy: run hotline prompts build\n";
    assert!(code != 0 && text.contains(fault), "{text}");
}

/// Wording and clips come into force together, and wording without clips not at all where nothing else speaks.
#[test]
fn wording_is_taken_with_its_clips() {
    let setup = setup()
        .env("ASTERISK__PASSWORD", "a-password-of-its-own")
        .line(&small("greeting.welcome", &[FAMILY, DESIGNATED]));
    assert_eq!(build(&setup).0, 0);
    let served = setup.serve();
    let greeted = || {
        let headers = [("authorization", &*format!("Bearer {BROWSER_TOKEN}")), ("content-type", "application/json")];
        let dial = json!({ "dialled": "12333", "language": "zh-CN" }).to_string();
        let turn = Wire::from(&served).send("POST", "/browser/call", &headers, &dial);
        let turn: Value = serde_json::from_str(&turn.body).unwrap();
        (turn["heard"][0]["text"].as_str().unwrap().to_owned(), turn["heard"][0]["play"][0].clone())
    };
    let (old, played) = greeted();
    let prompts = setup.path().join("prompts/zh-CN/prompts.toml");
    let new = "您好，这里是幺二三三三。";
    fs::write(&prompts, fs::read_to_string(&prompts).unwrap().replace(&*old, new)).unwrap();
    served.signal("-HUP");
    until("wording without clips is refused", || reloads(&served, "refused") == 1);
    assert_eq!(greeted(), (old, played.clone()));
    let (_, headers, _) = fetch(&served, "GET", "/asterisk/tone.wav", &[]);
    assert_eq!(header(&headers, "cache-control"), "public, max-age=86400", "the tone");
    let (_, headers, _) = fetch(&served, "GET", "/healthz", &[]);
    assert_eq!(header(&headers, "cache-control"), "no-store");
    // Another sound, so that its address is another.
    fs::write(setup.path().join("tone.wav"), silent_end(tone())).unwrap();
    assert_eq!(build(&setup).0, 0);
    served.signal("-HUP");
    until("wording with clips is taken", || reloads(&served, "taken") == 1);
    let (said, path) = greeted();
    assert!(said == new && path != played, "{said} {path}");
    assert_eq!(fetch(&served, "GET", path.as_str().unwrap(), &[]).2, silent_end(tone()));
    assert_eq!(fetch(&served, "GET", played.as_str().unwrap(), &[]).2, tone(), "whoever was told of it fetches it yet");
    let fault = "there is no clip in zh-CN that speaks greeting.welcome.1 (“您好，这里是幺二三三三”)";
    let log = served.log();
    assert!(log.contains(fault) && log.contains("run hotline prompts build zh-CN"), "{log}");
}

/// The same sound, but for its last sample.
fn silent_end(mut wav: Vec<u8>) -> Vec<u8> {
    let end = wav.len() - 2;
    wav[end..].fill(0);
    wav
}

#[test]
fn every_language_asked_for_is_told_of() {
    let setup = setup();
    assert_eq!(build(&setup).0, 0);
    fs::write(setup.path().join("prompts/zh-CN/clips/call.busy.1.wav"), b"no sound").unwrap();
    let run = |command, languages: &[&str]| {
        told(&setup.command(&[&["prompts", command], languages].concat()).output().unwrap())
    };
    let (code, text) = run("check", &["zh-CN", "en-US"]);
    for part in ["call.busy.1 is no WAV file", "clips en-US: none", "account.balance-stays.1 is missing: “"] {
        assert!(code == 1 && text.contains(part), "{part}: {text}");
    }
    for command in ["check", "build"] {
        let (code, text) = run(command, &["yue-CN"]);
        let fault = "prompts: there is no wording in yue-CN\n    remedy: write yue-CN/prompts.toml, or ask for another language\n";
        assert!(code == 1 && text.contains(fault), "{command}: {text}");
    }
    // A manifest that cannot be read is written anew; that of a language not asked for is not looked at.
    let render = setup.path().join("render").display().to_string();
    for language in ["zh-CN", "en-US"] {
        let clips = setup.path().join("prompts").join(language).join("clips");
        fs::create_dir_all(&clips).unwrap();
        fs::write(clips.join("manifest.toml"), "<<<<<<< HEAD\n").unwrap();
    }
    assert_eq!(run("check", &["zh-CN"]).0, 1);
    let (code, text) = run("build", &["zh-CN", "--with", &render]);
    assert!(code == 0 && text.contains("clips zh-CN: the manifest is made anew"), "{text}");
    assert_eq!(run("check", &["zh-CN"]).0, 0);
}

fn spoil(clips: &Path) {
    for file in fs::read_dir(clips).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|e| e == "wav") {
            fs::write(file, b"other").unwrap();
        }
    }
}

#[test]
fn browsers_are_told_what_to_play_and_platforms_where_the_settings_say_so() {
    let setup = setup();
    assert_eq!(build(&setup).0, 0);
    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(tone()));
    let form = "CallSid=CA00000000000000000000000000000001&From=%2B8613800138000&To=12333";
    let served = setup.serve();
    let headers = [("authorization", &*format!("Bearer {BROWSER_TOKEN}")), ("content-type", "application/json")];
    let dial = json!({ "dialled": "12333", "language": "zh-CN" }).to_string();
    let turn = Wire::from(&served).send("POST", "/browser/call", &headers, &dial);
    let turn: Value = serde_json::from_str(&turn.body).unwrap();
    assert_eq!(turn["heard"][0]["play"][0], format!("/prompts/zh-CN/{hash}.wav"), "{turn}");
    let markup = Wire::from(&served).post("/twilio/voice", form).body;
    assert!(markup.contains("<Say") && !markup.contains("<Play>"), "{markup}");
    drop(served);
    let served = setup.env("PROMPTS__VOICE", "clips").serve();
    let markup = Wire::from(&served).post("/twilio/voice", form).body;
    assert!(markup.contains(&format!("<Play>{PUBLIC_URL}/prompts/zh-CN/{hash}.wav</Play>")), "{markup}");
}

/// The two voices that are shipped have a clip of everything they say, which can be heard and is the file its manifest tells of.
#[test]
fn shipped_clips_speak_the_shipped_wording() {
    let prompts = project("voice-prompts");
    for language in [Language::Mandarin, Language::English] {
        let folder = Folder::of(&prompts, language);
        let manifest = folder.manifest().unwrap().unwrap();
        let text = fs::read_to_string(prompts.join(language.tag()).join("prompts.toml")).unwrap();
        let wanted = wanted(&Catalog::parse("prompts.toml", &text).unwrap());
        assert_eq!(check::faults(&folder, &manifest, &wanted), [], "{language}");
        assert!(manifest.entries.len() > 500, "{language}: {}", manifest.entries.len());
    }
}
