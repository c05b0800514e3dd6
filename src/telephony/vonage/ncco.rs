//! How is it said? A reply as a call control object.

use std::collections::BTreeMap;
use std::fmt::Write;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::hook::DIALECT;
use super::settings::{Settings, Voice};
use crate::call::caller::{Call, Caller};
use crate::dialog::{Collect, TransferTarget};
use crate::secret::{Key, Secret};
use crate::speech::language::Language;
use crate::speech::prompt::Prompt;
use crate::telephony::public_url::PublicUrl;
use crate::telephony::spoken::{Chunk, Limit, Part, Speech};
use crate::telephony::{Pace, Reply, Then, recording_name, whole_seconds};

/// Fifteen hundred characters are said at a time, markup among them.
const LIMIT: Limit<1> = Limit {
    most: [1500],
    // <speak><prosody rate="85%"></prosody></speak>
    around: [45],
    // <break time="200ms"/>
    silence: [21],
    character: |c| match c {
        '<' | '>' | '&' => [5],
        c => [c.len_utf16()],
    },
};
/// The most keys that are taken at once.
const MOST_DIGITS: u8 = 20;
/// The longest that is waited for a key, in seconds.
const LONGEST_WAIT: u64 = 10;
/// How much silence may end a recording, in seconds.
const SILENCE: std::ops::RangeInclusive<u64> = 3..=10;
/// How long a recording may be, in seconds.
const RECORDING: std::ops::RangeInclusive<u64> = 3..=7200;

/// Writes replies, in the voices and with the addresses of the settings.
pub struct Nccos {
    base: Box<str>,
    voices: BTreeMap<Language, Voice>,
    recorder: Option<Box<str>>,
}

/// An action, as the platform reads it.
#[derive(Serialize)]
#[serde(tag = "action", rename_all = "lowercase", rename_all_fields = "camelCase")]
enum Action<'a> {
    Talk {
        text: String,
        language: &'a str,
        style: u8,
        #[serde(skip_serializing_if = "is_false")]
        premium: bool,
        /// A key stops it; only where an `input` follows.
        #[serde(skip_serializing_if = "is_false")]
        barge_in: bool,
    },
    Input {
        #[serde(rename = "type")]
        kind: [&'static str; 1],
        dtmf: Dtmf,
        event_url: [String; 1],
        event_method: &'static str,
    },
    Connect {
        endpoint: [Endpoint<'a>; 1],
        #[serde(flatten)]
        from: CalledBy<'a>,
        timeout: u64,
        /// Its events may be answered with another object.
        event_type: &'static str,
        event_url: [String; 1],
        event_method: &'static str,
    },
    Record {
        event_url: [String; 1],
        event_method: &'static str,
        end_on_silence: u64,
        end_on_key: char,
        time_out: u64,
        beep_start: bool,
    },
    Notify {
        payload: Told<'a>,
        event_url: [String; 1],
        event_method: &'static str,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dtmf {
    max_digits: u8,
    submit_on_hash: bool,
    time_out: u64,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Endpoint<'a> {
    Phone { number: &'a str },
    Sip { uri: &'a str },
}

/// Who calls a person: a number of the account's, which the dialled one is.
#[derive(Serialize)]
#[serde(untagged)]
enum CalledBy<'a> {
    Dialled {
        from: &'a str,
    },
    #[serde(rename_all = "camelCase")]
    Any {
        random_from_number: bool,
    },
}

/// What the platform is to tell us again.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    to: &'a str,
    #[serde(skip_serializing_if = "is_false")]
    recorded: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Nccos {
    /// Addresses begin with `public_url`.
    #[must_use]
    pub fn new(settings: &Settings, public_url: &PublicUrl) -> Self {
        Self {
            base: format!("{}/vonage/", public_url.as_str()).into(),
            voices: Language::ALL.into_iter().map(|language| (language, settings.voice(language))).collect(),
            recorder: settings.recorder().map(Into::into),
        }
    }

    /// Writes a reply in `call`.
    #[must_use]
    pub fn reply(&self, reply: &Reply, call: &Call) -> Vec<u8> {
        let mut actions = Vec::new();
        match &reply.then {
            Then::Collect(collect, step) => {
                let (before, during) = reply.heard_out(collect);
                actions.extend(self.talks(reply, before, false));
                actions.extend(self.talks(reply, during, true));
                actions.push(self.input(collect, step));
            }
            Then::Record(record, step) => {
                actions.extend(self.talks(reply, &reply.say, false));
                if let Some(recorder) = &self.recorder {
                    let within = |seconds: u64, bounds: std::ops::RangeInclusive<u64>| {
                        seconds.clamp(*bounds.start(), *bounds.end())
                    };
                    actions.push(Action::Record {
                        event_url: [named(recorder, &reference(&call.id, step))],
                        event_method: "POST",
                        end_on_silence: within(whole_seconds(record.silence), SILENCE),
                        end_on_key: record.finish.as_char(),
                        time_out: within(whole_seconds(record.longest), RECORDING),
                        beep_start: true,
                    });
                }
                actions.push(self.notify("recorded", step, call, self.recorder.is_some()));
            }
            Then::Transfer(transfer, step) => {
                actions.extend(self.talks(reply, &reply.say, false));
                let endpoint = match &transfer.to {
                    // As the platform writes numbers: without the plus.
                    TransferTarget::Number(number) => Some(Endpoint::Phone { number: number.trim_start_matches('+') }),
                    TransferTarget::Sip(uri) => Some(Endpoint::Sip { uri }),
                    TransferTarget::Queue(_) => None,
                };
                match endpoint {
                    Some(endpoint) => {
                        actions.push(Action::Connect {
                            endpoint: [endpoint],
                            from: from(&call.dialled),
                            timeout: whole_seconds(transfer.ring),
                            event_type: "synchronous",
                            event_url: [self.at("transferred", step)],
                            event_method: "POST",
                        });
                        // Reached when both have talked. Where nobody answered, the object is replaced.
                        actions.push(self.notify("talked", step, call, false));
                    }
                    // The conversation goes on as if nobody had answered.
                    None => actions.push(self.notify("queued", step, call, false)),
                }
            }
            // Nobody waits in a queue; should somebody leave it, they are told what whoever was never in one is.
            Then::Leave(step) => {
                actions.extend(self.talks(reply, &reply.say, false));
                actions.push(self.notify("queued", step, call, false));
            }
            // What ends, ends the call.
            Then::HangUp => actions.extend(self.talks(reply, &reply.say, false)),
        }
        written(&actions)
    }

    /// Writes last words.
    #[must_use]
    pub fn busy(&self, language: Language, words: &str) -> Vec<u8> {
        let speech = Speech::of_text(words, Pace::Usual);
        written(&talks(&self.voices[&language], &speech, false).collect::<Vec<_>>())
    }

    fn input(&self, collect: &Collect, step: &str) -> Action<'_> {
        let first = whole_seconds(collect.first_key);
        let wait = if collect.max > 1 { first.max(whole_seconds(collect.between_keys)) } else { first };
        Action::Input {
            kind: ["dtmf"],
            dtmf: Dtmf {
                max_digits: collect.max.clamp(1, MOST_DIGITS),
                // No other key can end an entry.
                submit_on_hash: collect.finish == Some(Key::Hash),
                time_out: wait.min(LONGEST_WAIT),
            },
            event_url: [self.at("step", step)],
            event_method: "POST",
        }
    }

    /// Goes on with what is to be had from `hook` at `step`.
    fn notify<'a>(&self, hook: &str, step: &str, call: &'a Call, recorded: bool) -> Action<'a> {
        let from = match &call.caller {
            Caller::Number(number) => Some(&**number),
            Caller::Withheld => None,
        };
        Action::Notify {
            payload: Told { from, to: &call.dialled, recorded },
            event_url: [self.at(hook, step)],
            event_method: "POST",
        }
    }

    /// The address of `hook` at `step`.
    fn at(&self, hook: &str, step: &str) -> String {
        format!("{}{hook}/{step}", self.base)
    }

    /// What is spoken, voice by voice.
    fn talks<'s>(&'s self, reply: &Reply, prompts: &[Prompt], barge_in: bool) -> Vec<Action<'s>> {
        let spoken = reply.spoken(prompts);
        spoken
            .flat_map(|(language, words)| {
                let speech = Speech::of_pieces(words.pieces(), reply.pace);
                talks(&self.voices[&language], &speech, barge_in).collect::<Vec<_>>()
            })
            .collect()
    }
}

/// What one voice says, in as many pieces as the limit asks for.
fn talks<'v>(voice: &'v Voice, speech: &Speech, barge_in: bool) -> impl Iterator<Item = Action<'v>> {
    speech.chunks(&LIMIT).map(move |chunk| Action::Talk {
        text: text(chunk, speech.pace),
        language: &voice.language,
        style: voice.style,
        premium: voice.premium,
        barge_in,
    })
}

/// One piece: as it is, or as markup.
fn text(chunk: Chunk<'_>, pace: Pace) -> String {
    if let Some(plain) = chunk.plain()
        && pace == Pace::Usual
        && !plain.contains(['<', '&'])
    {
        return plain.to_owned();
    }
    // Writing into a String cannot fail.
    let mut markup = String::from("<speak>");
    if pace == Pace::Slow {
        let _ = write!(markup, r#"<prosody rate="{}%">"#, Pace::SLOW);
    }
    for part in chunk.parts() {
        match part {
            Part::Words(words) => markup.push_str(&quick_xml::escape::partial_escape(words)),
            Part::Break(time) => {
                let _ = write!(markup, r#"<break time="{}ms"/>"#, time.as_millis());
            }
        }
    }
    if pace == Pace::Slow {
        markup.push_str("</prosody>");
    }
    markup.push_str("</speak>");
    markup
}

/// The dialled number, if it is one as the platform writes them.
fn from(dialled: &str) -> CalledBy<'_> {
    let digits = dialled.trim_start_matches('+');
    let is_number =
        (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if is_number { CalledBy::Dialled { from: digits } } else { CalledBy::Any { random_from_number: true } }
}

/// What a recording made at `step` of `call` is known by, here and to who keeps it: told again, it is the same.
pub fn reference(call: &str, step: &str) -> Secret {
    Secret::new(recording_name(DIALECT, call, step))
}

/// The recorder's address, with what the recording is called.
fn named(recorder: &str, reference: &Secret) -> String {
    let mark = if recorder.contains('?') { '&' } else { '?' };
    format!("{recorder}{mark}recording={}", utf8_percent_encode(reference.expose(), NON_ALPHANUMERIC))
}

fn written(actions: &[Action<'_>]) -> Vec<u8> {
    // Plain structs of text and numbers: there is nothing that could not be written.
    serde_json::to_vec(actions).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::dialog::{BargeIn, Record, Transfer};
    use crate::telephony::testing::{collect, prompt, reply};

    fn nccos(settings: &str) -> Nccos {
        Nccos::new(&toml::from_str(settings).unwrap(), &PublicUrl::parse("https://hotline.example/").unwrap())
    }

    fn call() -> Call {
        let caller = Caller::parse("8613800138000");
        Call { dialect: DIALECT, id: "CON-1".into(), caller, dialled: "861012333".into() }
    }

    fn says(say: &[&str], pace: Pace, then: Then) -> Reply {
        Reply { pace, ..reply(say.iter().map(|id| prompt(id)).collect(), then) }
    }

    fn read(ncco: &[u8]) -> Value {
        serde_json::from_slice(ncco).unwrap()
    }

    fn written(say: &[&str], then: Then) -> Value {
        read(&nccos("").reply(&says(say, Pace::Usual, then), &call()))
    }

    fn talk(text: &str) -> Value {
        json!({ "action": "talk", "text": text, "language": "cmn-CN", "style": 0 })
    }

    fn input(digits: u8, hash: bool, time: u64) -> Value {
        json!({
            "action": "input",
            "type": ["dtmf"],
            "dtmf": { "maxDigits": digits, "submitOnHash": hash, "timeOut": time },
            "eventUrl": ["https://hotline.example/vonage/step/AbC-_9"],
            "eventMethod": "POST",
        })
    }

    fn notify(hook: &str, recorded: bool) -> Value {
        let mut payload = json!({ "from": "8613800138000", "to": "861012333" });
        if recorded {
            payload["recorded"] = json!(true);
        }
        let address = format!("https://hotline.example/vonage/{hook}/S");
        json!({ "action": "notify", "payload": payload, "eventUrl": [address], "eventMethod": "POST" })
    }

    #[test]
    fn a_menu_takes_one_key_at_any_time() {
        let mut said = talk("您好。查询请按一。");
        said["bargeIn"] = json!(true);
        assert_eq!(
            written(&["greeting", "menu"], collect(1, None, 6000, 3000, BargeIn::Always)),
            json!([said, input(1, false, 6)])
        );
    }

    #[test]
    fn an_entry_has_one_time_for_each_key_and_what_is_important_is_heard_out() {
        let mut said = talk("查询请按一。");
        said["bargeIn"] = json!(true);
        assert_eq!(
            written(&["greeting", "menu"], collect(18, Some(Key::Hash), 8000, 4500, BargeIn::AfterPrompts(1))),
            json!([talk("您好。"), said, input(18, true, 8)])
        );
        // What the platform cannot take, is as near to it as can be.
        assert_eq!(
            written(&[], collect(64, Some(Key::Star), 20_000, 30_000, BargeIn::Always)),
            json!([input(20, false, 10)])
        );
        assert_eq!(written(&[], collect(0, None, 0, 0, BargeIn::Always)), json!([input(1, false, 1)]));
    }

    #[test]
    fn a_transfer_rings_a_number_or_a_sip_address_and_a_queue_is_none() {
        let transfer = |to| Then::Transfer(Transfer { to, ring: Duration::from_secs(25) }, "S".into());
        let connect = |endpoint: Value| {
            json!({
                "action": "connect",
                "endpoint": [endpoint],
                "from": "861012333",
                "timeout": 25,
                "eventType": "synchronous",
                "eventUrl": ["https://hotline.example/vonage/transferred/S"],
                "eventMethod": "POST",
            })
        };
        let number = json!({ "type": "phone", "number": "861012334" });
        assert_eq!(
            written(&["greeting"], transfer(TransferTarget::Number("+861012334".into()))),
            json!([talk("您好。"), connect(number), notify("talked", false)])
        );
        let sip = json!({ "type": "sip", "uri": "sip:agents@pbx.example" });
        assert_eq!(
            written(&[], transfer(TransferTarget::Sip("sip:agents@pbx.example".into()))),
            json!([connect(sip), notify("talked", false)])
        );
        let queue = transfer(TransferTarget::Queue("agents".into()));
        assert_eq!(written(&["greeting"], queue), json!([talk("您好。"), notify("queued", false)]));
        assert_eq!(written(&[], Then::Leave("S".into())), json!([notify("queued", false)]));
        // A short number is none that could call.
        let withheld = Call { caller: Caller::Withheld, dialled: "12333".into(), ..call() };
        let number = transfer(TransferTarget::Number("+861012334".into()));
        let ncco = read(&nccos("").reply(&says(&[], Pace::Usual, number), &withheld));
        assert_eq!((&ncco[0]["from"], &ncco[0]["randomFromNumber"]), (&Value::Null, &json!(true)));
        assert_eq!(ncco[1]["payload"], json!({ "to": "12333" }));
    }

    #[test]
    fn a_recording_is_for_the_recorder_and_without_one_there_is_none() {
        let record =
            || Record { longest: Duration::from_mins(2), finish: Key::Hash, silence: Duration::from_millis(4500) };
        let with = nccos(r#"recorder = "https://recorder.example/hotline""#);
        let then = Then::Record(record(), "S".into());
        assert_eq!(
            read(&with.reply(&says(&["greeting"], Pace::Usual, then), &call())),
            json!([
                talk("您好。"),
                {
                    "action": "record",
                    "eventUrl": ["https://recorder.example/hotline?recording=vonage%3ACON%2D1%3A8de0b3c47f112c59"],
                    "eventMethod": "POST",
                    "endOnSilence": 5,
                    "endOnKey": "#",
                    "timeOut": 120,
                    "beepStart": true,
                },
                notify("recorded", true),
            ])
        );
        assert_eq!(reference("CON-1", "S").expose(), "vonage:CON-1:8de0b3c47f112c59");
        assert_eq!(
            written(&["greeting"], Then::Record(record(), "S".into())),
            json!([talk("您好。"), notify("recorded", false)])
        );
    }

    #[test]
    fn a_goodbye_is_said_and_nothing_follows() {
        assert_eq!(written(&["greeting"], Then::HangUp), json!([talk("您好。")]));
        assert_eq!(written(&[], Then::HangUp), json!([]));
        assert_eq!(read(&nccos("").busy(Language::Mandarin, "再见。")), json!([talk("再见。")]));
        assert_eq!(read(&nccos("").busy(Language::Mandarin, " ")), json!([]));
    }

    #[test]
    fn each_voice_speaks_and_slow_speech_is_markup() {
        let nccos = nccos(r#"voices.en-US = { language = "en-GB", style = 3, premium = true }"#);
        let say = vec![
            prompt("greeting"),
            prompt("menu").in_language(Language::Cantonese),
            prompt("menu").in_language(Language::English),
        ];
        assert_eq!(
            read(&nccos.reply(&reply(say, Then::HangUp), &call())),
            json!([
                talk("您好。"),
                { "action": "talk", "text": "查询请揿一。", "language": "yue-CN", "style": 0 },
                { "action": "talk", "text": "For enquiries, press one.", "language": "en-GB", "style": 3, "premium": true },
            ])
        );
        let slow = read(&nccos.reply(&says(&["greeting", "menu"], Pace::Slow, Then::HangUp), &call()));
        assert_eq!(
            slow[0]["text"],
            r#"<speak><prosody rate="85%">您好。<break time="400ms"/>查询请按一。</prosody></speak>"#
        );
        assert_eq!(read(&nccos.busy(Language::Mandarin, "a<b&c"))[0]["text"], "<speak>a&lt;b&amp;c</speak>");
    }

    proptest! {
        #[test]
        fn every_piece_keeps_the_limit_and_loses_nothing(text in "[一二，。a<&' \u{1e}\u{0}\u{1f600}]{0,4000}") {
            let said = read(&nccos("").busy(Language::Mandarin, &text));
            let texts: Vec<_> = said.as_array().unwrap().iter().map(|talk| talk["text"].as_str().unwrap()).collect();
            for text in &texts {
                prop_assert!(text.encode_utf16().count() <= 1500);
            }
            let count = |text: &str, c: char| text.chars().filter(|x| *x == c).count();
            for c in ['一', '二', '，', '。', '\u{1f600}'] {
                prop_assert_eq!(count(&texts.concat(), c), count(&text, c));
            }
        }
    }
}
