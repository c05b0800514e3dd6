use jiff::civil::{Date, Time};

use super::*;
use crate::member::money::Money;
use crate::member::tail::Tail;
use crate::secret::Key;
use crate::speech::prompt::Value;
use crate::speech::words::Piece;

/// The sounds of `words`: names of utterances, silences in milliseconds.
fn heard(language: Language, words: &Words<'_>, pace: Pace) -> Vec<String> {
    let shown = |sound: Sound<'_>| match sound {
        Sound::Said(said) => said.name(),
        Sound::Silence(length) => length.as_millis().to_string(),
    };
    sounds(language, words, pace).into_iter().map(shown).collect()
}

/// "X is {value}Y." with the value in it.
fn sentence<'w>(language: Language, before: &'w str, value: &Value, after: &'w str) -> Words<'w> {
    let mut words = Words::new();
    words.push(Piece::Fragment { prompt: "p", part: 0, text: before });
    language.say(value, &mut words);
    words.push(Piece::Fragment { prompt: "p", part: 1, text: after });
    words
}

fn mandarin(value: &Value, after: &str) -> String {
    heard(Language::Mandarin, &sentence(Language::Mandarin, "为", value, after), Pace::Usual).join(" ")
}

fn yuan(text: &str) -> Value {
    Value::Amount(Money::parse(text).unwrap())
}

fn tail(text: &str) -> Value {
    Value::Tail(Tail::of(text).unwrap())
}

#[test]
fn units_where_they_stand() {
    for (value, after, expected) in [
        (
            yuan("3655.05"),
            "。",
            "p.1-on unit.三千.on unit.六百.third-tone unit.五十.on unit.五.numeral-on unit.元.on unit.零.on unit.五分.end 400",
        ),
        (yuan("201"), "，", "p.1-on unit.两百.on unit.零.numeral-digit unit.一.digit-on unit.元.on unit.整.end 200"),
        (yuan("1"), "。", "p.1-on unit.一.on unit.元.on unit.整.end 400"),
        (yuan("10000"), "。", "p.1-on unit.一.fourth-tone unit.万.on unit.元.on unit.整.end 400"),
        (yuan("21"), "。", "p.1-on unit.二十.on unit.一.numeral-on unit.元.on unit.整.end 400"),
        (
            tail("005X"),
            "的社保卡。",
            "p.1-on unit.零.digit unit.零.digit-digit unit.五.digit-digit unit.X.digit-on p.2 400",
        ),
        (tail("1119"), "。", "p.1-on unit.幺.digit unit.幺.digit-digit unit.幺.digit-digit unit.九.digit-end 400"),
        (Value::Key(Key::Digit(1)), "。", "p.1-on unit.一.end 400"),
        (Value::Key(Key::Star), "。", "p.1-on unit.星号键.end 400"),
        (Value::Count(1), "位。", "p.1-on unit.一.fourth-tone p.2 400"),
        (Value::Count(5), "笔。", "p.1-on unit.五.third-tone p.2 400"),
        (Value::Count(5), "天。", "p.1-on unit.五.on p.2 400"),
        (
            Value::Time(Time::constant(9, 50, 0, 0)),
            "。",
            "p.1-on unit.九.third-tone unit.点.third-tone unit.五十.on unit.分.end 400",
        ),
        (
            Value::Date(Date::constant(2026, 1, 1)),
            "。",
            "p.1-on unit.二.digit unit.零.digit-digit unit.二.digit-digit unit.六.digit-on unit.年.on unit.一.numeral-on unit.月.on unit.一.numeral-on unit.日.end 400",
        ),
    ] {
        assert_eq!(mandarin(&value, after), expected);
    }
}

#[test]
fn english_units_stand_within_a_sentence_or_at_its_end() {
    let say = |value: &Value, after| {
        heard(Language::English, &sentence(Language::English, "It is ", value, after), Pace::Usual)
    };
    assert_eq!(
        say(&yuan("1234.05"), ".").join(" "),
        "p.1-on unit.one.on unit.thousand.on unit.two.on unit.hundred.on unit.thirty-four.on unit.point.on \
         unit.zero.digit unit.five.on unit.yuan.end 400"
    );
    assert_eq!(
        say(&Value::Time(Time::constant(8, 5, 0, 0)), ".").join(" "),
        "p.1-on unit.eight.digit unit.oh.digit unit.five.on unit.a.m.end 400"
    );
}

#[test]
fn sentences_are_clips_and_punctuation_is_silence() {
    let said = |texts: &[&'static str], pace| {
        let mut words = Words::new();
        for (part, text) in (0..).zip(texts) {
            words.push(Piece::Fragment { prompt: "p", part, text });
        }
        let shown = |sound| match sound {
            Sound::Said(Utterance { text, .. }) => text.to_owned(),
            Sound::Silence(length) => length.as_millis().to_string(),
        };
        sounds(Language::Mandarin, &words, pace).into_iter().map(shown).collect::<Vec<_>>()
    };
    let two = ["这叫家庭共济。职工医保，可以用：定点药店；", "完。"];
    assert_eq!(said(&two, Pace::Usual), ["这叫家庭共济", "400", "职工医保，可以用：定点药店", "200", "完", "400"]);
    assert_eq!(said(&two, Pace::Slow), ["这叫家庭共济", "800", "职工医保，可以用：定点药店", "200", "完", "800"]);
    assert_eq!(said(&["。", "，（一）！", "”"], Pace::Usual), ["一", "400"], "what begins with silence loses it");
    assert_eq!(said(&["好吗？好。"], Pace::Usual), ["好吗？", "400", "好", "400"], "a question is spoken as one");
    assert_eq!(said(&["，请按"], Pace::Usual), ["请按"]);
    assert_eq!(said(&["一，", "。二"], Pace::Usual), ["一", "400", "二"], "the longest of silences in a row");
    assert_eq!(said(&[], Pace::Usual), [""; 0]);
}

#[test]
fn breaks_are_silence_and_joints_are_nothing() {
    let mut words = Words::new();
    Language::English.say_digits("1234567", &mut words);
    assert_eq!(
        heard(Language::English, &words, Pace::Usual).join(" "),
        "unit.one.digit unit.two.digit unit.three.digit unit.four.end 200 unit.five.digit unit.six.digit unit.seven.end"
    );
}

/// A manifest made by hand, of what "余额为三元整。" needs.
const MANIFEST: &str = r#"
language = "zh-CN"

[clips]
"p.1-on" = { text = "余额为", after = "on", ms = 700, sha256 = "00000000000000000000000000000000000000000000000000000000000000a1" }
"unit.三.on" = { text = "三", after = "on", ms = 300, sha256 = "00000000000000000000000000000000000000000000000000000000000000a2" }
"unit.元.on" = { text = "元", after = "on", ms = 250, sha256 = "00000000000000000000000000000000000000000000000000000000000000a3" }
"unit.整.end" = { text = "整", ms = 400, take = true, sha256 = "00000000000000000000000000000000000000000000000000000000000000a4" }
"silence.200" = { text = "", ms = 200, sha256 = "00000000000000000000000000000000000000000000000000000000000000b2" }
"silence.400" = { text = "", ms = 400, sha256 = "00000000000000000000000000000000000000000000000000000000000000b4" }
"silence.800" = { text = "", ms = 800, sha256 = "00000000000000000000000000000000000000000000000000000000000000b8" }
"#;

fn clips() -> Clips {
    Clips::new([Manifest::parse("manifest.toml", MANIFEST).unwrap()])
}

#[test]
fn words_become_clips() {
    let clips = clips();
    assert!(clips.speaks(Language::Mandarin) && !clips.speaks(Language::Cantonese));
    let words = sentence(Language::Mandarin, "余额为", &yuan("3"), "。");
    let played = clips.play(Language::Mandarin, &words, Pace::Usual).unwrap();
    let names: Vec<_> = played.iter().map(|clip| &*clip.name).collect();
    assert_eq!(names, ["p.1-on", "unit.三.on", "unit.元.on", "unit.整.end", "silence.400"]);
    assert_eq!(played.iter().map(|clip| clip.length).sum::<Duration>(), Duration::from_millis(2050));
    assert_eq!(played[0].path(), "/prompts/zh-CN/00000000000000000000000000000000000000000000000000000000000000a1.wav");
    let slow = clips.play(Language::Mandarin, &words, Pace::Slow).unwrap();
    assert_eq!(&*slow[4].name, "silence.800");
    assert_eq!(clips.iter().count(), 7);
}

#[test]
fn newer_clips_are_taken_and_the_wording_before_them_still_spoken() {
    let clips = clips();
    let copy = clips.clone();
    let [before, now] = ["余额为", "余额是"].map(|text| sentence(Language::Mandarin, text, &yuan("3"), "。"));
    let newer = |text: &str, unit: &str| {
        let text = MANIFEST.replace("余额为", text).replace("00a1", "00c1").replace("00a2", unit);
        Clips::new([Manifest::parse("manifest.toml", &text).unwrap()])
    };
    clips.take(&newer("余额是", "00c2"));
    let hashes = |words| {
        let played = copy.play(Language::Mandarin, words, Pace::Usual).unwrap();
        played.iter().map(|clip| clip.hash[62..].to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(hashes(&now), "c1 c2 a3 a4 b4");
    assert_eq!(hashes(&before), "a1 c2 a3 a4 b4", "a turn that began before");
    // What lacks, lacks of what is in force.
    let wanted = |text: &str| Wanted {
        name: "p.1-on".to_owned(),
        text: text.to_owned(),
        before: Before::Other,
        after: After::On,
        carrier: Vec::new(),
        at: 0,
        silence_ms: 0,
    };
    let wanted = [wanted("余额为"), wanted("余额是"), Wanted { silence_ms: 400, ..wanted("") }];
    assert_eq!(copy.lack(Language::Mandarin, &wanted), [&wanted[0]]);
    assert_eq!(copy.lack(Language::English, &wanted).len(), 3);
    assert_eq!(copy.iter().count(), 7);
    // The same once more adds nothing; what was once comes back.
    clips.take(&newer("余额是", "00c2"));
    assert_eq!(clips.voices(Language::Mandarin).len(), 2);
    clips.take(&self::clips());
    assert_eq!(hashes(&before), "a1 a2 a3 a4 b4");
}

#[test]
fn what_has_no_clip_is_told_but_not_which_unit() {
    let clips = clips();
    let told = |before, value: &Value, language| {
        let words = sentence(Language::Mandarin, before, value, "。");
        clips.play(language, &words, Pace::Usual).unwrap_err().to_string()
    };
    assert_eq!(
        told("余额是", &yuan("3"), Language::Mandarin),
        "there is no clip p.1-on in zh-CN that speaks the wording in force; hotline prompts check lists what is missing"
    );
    assert_eq!(
        told("余额为", &yuan("4"), Language::Mandarin),
        "there is no clip in zh-CN of a unit that a value is said with; hotline prompts check lists what is missing"
    );
    assert_eq!(
        told("余额为", &yuan("3"), Language::Cantonese),
        "there are no clips in yue-CN; hotline prompts check lists what is missing"
    );
}

#[test]
fn a_manifest_is_written_as_it_is_read() {
    let manifest = Manifest::parse("manifest.toml", MANIFEST).unwrap();
    let text = manifest.text();
    assert_eq!(Manifest::parse("manifest.toml", &text).unwrap(), manifest);
    assert!(text.contains("\n\"unit.整.end\" = { text = \"整\", take = true, ms = 400, sha256 = \"00000"), "{text}");
}

#[test]
fn faults_of_a_manifest_are_told_at_once() {
    let hash = "0".repeat(64);
    let text = format!(
        "language = \"zh-CN\"\n[clips]\n\
         \"a\" = {{ text = \"一\", ms = 0, sha256 = \"{hash}\" }}\n\
         \"b\" = {{ text = \"一\", ms = 1, sha256 = \"ABC\" }}\n\
         \"../c\" = {{ text = \"\", ms = 200, sha256 = \"{hash}\" }}\n\
         \"d\" = {{ text = \"\", ms = 800, sha256 = \"{hash}\" }}\n"
    );
    let faults = Manifest::parse("m", &text).unwrap_err();
    let told: Vec<_> = faults.0.iter().map(|fault| (fault.line.unwrap_or(0), fault.problem.as_str())).collect();
    assert_eq!(
        told,
        [
            (5, "clip \"../c\" has a name that no file can have"),
            (3, "clip \"a\" is 0 ms long"),
            (4, "clip \"b\" has no SHA-256 in 64 lower-case hex digits"),
            (4, "clip \"b\" speaks what \"a\" speaks"),
            (0, "has no clip of 400 ms silence"),
        ]
    );
    for (text, line, problem) in [
        ("language = \"fr\"\nclips = {}", 1, "language: is no language of the hotline; take zh-CN, yue-CN or en-US"),
        (
            "language = \"zh-CN\"\n[clips]\na = { text = \"\", ms = 1, sha256 = \"\", after = \"soon\" }",
            3,
            "unknown variant `soon`, expected one of `end`, `on`, `digit`, `third-tone`, `fourth-tone`",
        ),
    ] {
        let faults = Manifest::parse("m", text).unwrap_err();
        assert_eq!((faults.0[0].line, faults.0[0].problem.as_str()), (Some(line), problem));
    }
}
