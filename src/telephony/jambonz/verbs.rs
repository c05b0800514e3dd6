//! How is it said? A reply as a list of verbs.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Number, Value, json};

use super::hook::DIALECT;
use super::settings::{Settings, Voice};
use crate::dialog::{Collect, TransferTarget};
use crate::secret::{Key, Secret};
use crate::speech::language::Language;
use crate::speech::prompt::Prompt;
use crate::speech::words::Words;
use crate::telephony::public_url::PublicUrl;
use crate::telephony::spoken::{Chunk, Limit, Part, Speech};
use crate::telephony::{Pace, Reply, Then, recording_name};

/// What every hook begins with, but for the address of the hotline.
pub const HOME: &str = "/jambonz/";
/// Characters as JavaScript counts them: longer markup is cut up by the platform, and not always where a sentence ends.
const LIMIT: Limit<1> = Limit {
    most: [900],
    // <speak><prosody rate="85%"></prosody></speak>
    around: [45],
    // <break time="200ms"/>
    silence: [21],
    character: |c| match c {
        '<' | '>' | '&' => [5],
        c => [c.len_utf16()],
    },
};
/// How long keys are waited for after the words of a voice that others follow.
const MOMENT: Duration = Duration::from_millis(100);
/// What a caller in a queue hears when nothing can be said: silence, and then the platform asks again.
const BUSY_PAUSE: Duration = Duration::from_secs(10);
/// So long an answer may take before the caller is asked for a moment, and again after each time that was said.
const LONG: Duration = Duration::from_secs(2);
/// How often they are: as far as the platform waits for an answer. (Where it counts otherwise, it hangs up after them.)
const MOST_MOMENTS: u8 = 2;

/// Writes replies, in the voices and with the addresses of the settings.
pub struct Verbs {
    base: Box<str>,
    voices: BTreeMap<Language, Voice>,
    recorder: Option<Box<str>>,
}

/// A verb, as the platform reads it. Every property is written out that has a default of the platform's and matters.
#[derive(Serialize)]
#[serde(tag = "verb", rename_all = "lowercase", rename_all_fields = "camelCase")]
enum Verb<'v> {
    Say(Say<'v>),
    Play(Play),
    Gather {
        input: [&'static str; 1],
        action_hook: String,
        /// Without it, keys that nothing ends are dropped.
        min_digits: u8,
        max_digits: u8,
        /// Where it is missing, every key is data.
        #[serde(skip_serializing_if = "Option::is_none")]
        finish_on_key: Option<char>,
        inter_digit_timeout: Number,
        /// From the end of what is said on, for the first key; nought would be for ever.
        timeout: Number,
        dtmf_bargein: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        say: Option<Say<'v>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        play: Option<Play>,
        #[serde(skip_serializing_if = "Option::is_none")]
        action_hook_delay_action: Option<Delay<'v>>,
    },
    Dial {
        action_hook: String,
        answer_on_bridge: bool,
        timeout: Number,
        target: [Target<'v>; 1],
    },
    Enqueue {
        name: &'v str,
        action_hook: String,
        wait_hook: String,
    },
    Leave,
    Listen {
        url: &'v str,
        action_hook: String,
        finish_on_key: char,
        max_length: Number,
        play_beep: bool,
        mix_type: &'static str,
        metadata: Value,
    },
    Pause {
        length: Number,
    },
    Redirect {
        action_hook: String,
    },
    Hangup,
}

/// Speech, alone or while keys are waited for.
#[derive(Serialize)]
struct Say<'v> {
    /// Said one after the other.
    text: Vec<String>,
    /// The application's own voice where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    synthesizer: Option<&'v Voice>,
}

/// What is heard while the answer to a hook is waited for. There is no time in it after which the platform gives up: it would
/// hang up then, without a word. When it no longer waits for the answer, it goes on with the next verb.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Delay<'v> {
    enabled: bool,
    no_response_timeout: Number,
    retries: u8,
    actions: Vec<Verb<'v>>,
}

/// Clips, by their addresses: played one after the other.
#[derive(Serialize)]
struct Play {
    url: Vec<String>,
}

/// What one voice says.
enum Voiced<'v> {
    /// The platform's.
    Say(Say<'v>),
    /// Ours.
    Play(Play),
}

impl<'v> From<Voiced<'v>> for Verb<'v> {
    fn from(voiced: Voiced<'v>) -> Self {
        match voiced {
            Voiced::Say(say) => Self::Say(say),
            Voiced::Play(play) => Self::Play(play),
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
enum Target<'v> {
    Phone { number: &'v str },
    Sip { sip_uri: &'v str },
}

impl Verbs {
    /// Hooks are addresses that begin with `public_url`, to be posted to.
    #[must_use]
    pub fn by_http(settings: &Settings, public_url: &PublicUrl) -> Self {
        Self::of(settings, format!("{}{HOME}", public_url.as_str()))
    }

    /// Hooks are paths: an address would be posted to whatever the list of verbs came by.
    #[must_use]
    pub fn by_socket(settings: &Settings) -> Self {
        Self::of(settings, HOME.to_owned())
    }

    fn of(settings: &Settings, base: String) -> Self {
        Self { base: base.into(), voices: settings.voices.clone(), recorder: settings.recorder().map(Into::into) }
    }

    /// Writes a reply in the call `call`.
    #[must_use]
    pub fn reply(&self, reply: &Reply, call: &str) -> Vec<u8> {
        let say = |prompts| self.voiced(reply, prompts);
        let mut verbs: Vec<Verb<'_>> = Vec::new();
        match &reply.then {
            Then::Collect(collect, step) => {
                let (before, during) = reply.heard_out(collect);
                verbs.extend(say(before).into_iter().map(Verb::from));
                let mut voices = say(during);
                let last = voices.pop();
                for voice in voices {
                    // Its silence has no answer, which counts as one that takes long: nobody is asked for a moment.
                    verbs.push(self.gather(collect, "said", step, MOMENT, Some(voice), None));
                }
                verbs.push(self.gather(collect, "step", step, collect.first_key, last, self.delay(reply)));
                // Reached where the hook failed: asked again without a word, and then given up with one.
                verbs.push(self.gather(collect, "step", step, MOMENT, None, self.delay(reply)));
                self.give_up(reply, &mut verbs);
            }
            Then::Record(record, step) => {
                verbs.extend(say(&reply.say).into_iter().map(Verb::from));
                verbs.push(match &self.recorder {
                    Some(recorder) => Verb::Listen {
                        url: recorder,
                        action_hook: self.at("recorded", step),
                        finish_on_key: record.finish.as_char(),
                        max_length: seconds(record.longest),
                        play_beep: true,
                        mix_type: "mono",
                        // For the recorder: what to keep it as, and after how much silence to break off.
                        metadata: json!({
                            "recording": reference(call, step).expose(),
                            "silence": seconds(record.silence),
                        }),
                    },
                    None => Verb::Redirect { action_hook: self.at("recorded", step) },
                });
                // After a redirect that failed nothing would be reached.
                if self.recorder.is_some() {
                    self.give_up(reply, &mut verbs);
                }
            }
            Then::Transfer(transfer, step) => {
                verbs.extend(say(&reply.say).into_iter().map(Verb::from));
                let dial = |target| Verb::Dial {
                    action_hook: self.at("transferred", step),
                    // The caller hears the ringing until somebody answers.
                    answer_on_bridge: true,
                    timeout: seconds(transfer.ring),
                    target: [target],
                };
                verbs.push(match &transfer.to {
                    TransferTarget::Number(number) => dial(Target::Phone { number }),
                    TransferTarget::Sip(sip_uri) => dial(Target::Sip { sip_uri }),
                    TransferTarget::Queue(name) => Verb::Enqueue {
                        name,
                        action_hook: self.at("queued", step),
                        wait_hook: self.at("waiting", step),
                    },
                });
                self.give_up(reply, &mut verbs);
            }
            Then::Leave(_) => {
                verbs.extend(say(&reply.say).into_iter().map(Verb::from));
                verbs.push(Verb::Leave);
            }
            Then::HangUp => {
                verbs.extend(say(&reply.say).into_iter().map(Verb::from));
                verbs.push(Verb::Hangup);
            }
        }
        written(&verbs)
    }

    /// What is reached where the hook of a verb failed: the call is given up with words.
    fn give_up<'v>(&'v self, reply: &Reply, verbs: &mut Vec<Verb<'v>>) {
        verbs.extend(self.voiced(reply, &[Prompt::busy()]).into_iter().map(Verb::from));
        verbs.push(Verb::Hangup);
    }

    /// Writes a reply to one who waits in a queue: said, and then silence for as long as keys would be waited for. Whoever is
    /// to wait no longer leaves it, and hears the rest where that is told.
    #[must_use]
    pub fn waiting(&self, reply: &Reply) -> Vec<u8> {
        let mut verbs: Vec<_> = self.voiced(reply, &reply.say).into_iter().map(Verb::from).collect();
        verbs.push(match &reply.then {
            Then::Collect(collect, _) => Verb::Pause { length: seconds(collect.first_key) },
            Then::Leave(_) | Then::HangUp | Then::Transfer(..) | Then::Record(..) => Verb::Leave,
        });
        written(&verbs)
    }

    /// Writes last words.
    #[must_use]
    pub fn busy(&self, language: Language, words: &str) -> Vec<u8> {
        let text = texts(&Speech::of_text(words, Pace::Usual));
        let say = (!text.is_empty()).then(|| Verb::Say(Say { text, synthesizer: self.voices.get(&language) }));
        written(&say.into_iter().chain([Verb::Hangup]).collect::<Vec<_>>())
    }

    /// Writes what one who waits in a queue hears when nothing can be said: hanging up is not for there.
    #[must_use]
    pub fn busy_waiting() -> Vec<u8> {
        written(&[Verb::Pause { length: seconds(BUSY_PAUSE) }])
    }

    fn gather<'v>(
        &self,
        collect: &Collect,
        hook: &str,
        step: &str,
        first: Duration,
        said: Option<Voiced<'v>>,
        delay: Option<Delay<'v>>,
    ) -> Verb<'v> {
        let (say, play) = match said {
            Some(Voiced::Say(say)) => (Some(say), None),
            Some(Voiced::Play(play)) => (None, Some(play)),
            None => (None, None),
        };
        Verb::Gather {
            input: ["digits"],
            action_hook: self.at(hook, step),
            min_digits: 1,
            max_digits: collect.max.max(1),
            finish_on_key: collect.finish.map(Key::as_char),
            inter_digit_timeout: seconds(collect.between_keys),
            timeout: seconds(first),
            dtmf_bargein: true,
            say,
            play,
            action_hook_delay_action: delay,
        }
    }

    /// What is heard while an answer takes long. Nothing where there are no words for it: the platform refuses an empty list.
    fn delay(&self, reply: &Reply) -> Option<Delay<'_>> {
        let actions: Vec<_> = self.voiced(reply, &[Prompt::a_moment()]).into_iter().map(Verb::from).collect();
        (!actions.is_empty()).then(|| Delay {
            enabled: true,
            no_response_timeout: seconds(LONG),
            retries: MOST_MOMENTS,
            actions,
        })
    }

    /// The address of `hook` at `step`.
    fn at(&self, hook: &str, step: &str) -> String {
        format!("{}{hook}/{step}", self.base)
    }

    /// What is spoken, voice by voice.
    fn voiced(&self, reply: &Reply, prompts: &[Prompt]) -> Vec<Voiced<'_>> {
        let voiced = |(language, words): (Language, Words<'_>)| {
            if let Some(url) = reply.player.addresses(language, &words, reply.pace) {
                return (!url.is_empty()).then_some(Voiced::Play(Play { url }));
            }
            let text = texts(&Speech::of_pieces(words.pieces(), reply.pace));
            (!text.is_empty()).then(|| Voiced::Say(Say { text, synthesizer: self.voices.get(&language) }))
        };
        reply.spoken(prompts).filter_map(voiced).collect()
    }
}

/// What a recording made at `step` of `call` is known by, here and to who keeps it: told again, it is the same.
pub fn reference(call: &str, step: &str) -> Secret {
    Secret::new(recording_name(DIALECT, call, step))
}

fn written(verbs: &[Verb<'_>]) -> Vec<u8> {
    // Plain structs of text and numbers: there is nothing that could not be written.
    serde_json::to_vec(verbs).unwrap_or_default()
}

/// Seconds, to the millisecond; at least one of those, since nought means for ever.
fn seconds(time: Duration) -> Number {
    let millis = time.as_millis().max(1);
    match u64::try_from(millis) {
        Ok(millis) if millis % 1000 == 0 => Number::from(millis / 1000),
        _ => Number::from_f64(time.as_secs_f64().max(0.001)).unwrap_or_else(|| Number::from(1)),
    }
}

/// `speech` as the platform takes it: plain where it can be, with markup where it pauses or is slow, and in pieces.
fn texts(speech: &Speech) -> Vec<String> {
    speech.chunks(&LIMIT).map(|chunk| text(chunk, speech.pace)).collect()
}

/// One piece: as it is, or as markup.
fn text(chunk: Chunk<'_>, pace: Pace) -> String {
    if let Some(plain) = chunk.plain()
        && pace == Pace::Usual
        && !is_taken_for_address(plain)
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

/// Whether the platform would not say `text` but fetch it, or read it as markup: `Note:` begins an address.
fn is_taken_for_address(text: &str) -> bool {
    let text = text.trim_start();
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-._".contains(&b))
    };
    text.starts_with(['<', '{']) || text.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dialog::{BargeIn, Record, Transfer};
    use crate::speech::words::Piece;
    use crate::telephony::testing::{collect, player, prompt, reply};

    fn verbs(settings: &str) -> Verbs {
        Verbs::by_http(&toml::from_str(settings).unwrap(), &PublicUrl::parse("https://hotline.example/").unwrap())
    }

    fn says(say: &[&str], pace: Pace, then: Then) -> Reply {
        Reply { pace, ..reply(say.iter().map(|id| prompt(id)).collect(), then) }
    }

    fn read(verbs: &[u8]) -> Value {
        serde_json::from_slice(verbs).unwrap()
    }

    fn written(say: &[&str], then: Then) -> Value {
        read(&verbs("").reply(&says(say, Pace::Usual, then), "c1"))
    }

    /// What is heard while an answer takes long, in the wording of these tests.
    fn delay() -> Value {
        json!({ "enabled": true, "noResponseTimeout": 2, "retries": 2, "actions": [{ "verb": "say", "text": ["。"] }] })
    }

    #[test]
    fn a_menu_takes_one_key_at_any_time() {
        assert_eq!(
            written(&["greeting", "menu"], collect(1, None, 6000, 3000, BargeIn::Always)),
            json!([
                {
                    "verb": "gather",
                    "input": ["digits"],
                    "actionHook": "https://hotline.example/jambonz/step/AbC-_9",
                    "minDigits": 1,
                    "maxDigits": 1,
                    "interDigitTimeout": 3,
                    "timeout": 6,
                    "dtmfBargein": true,
                    "say": { "text": ["您好。查询请按一。"] },
                    "actionHookDelayAction": delay(),
                },
                {
                    "verb": "gather",
                    "input": ["digits"],
                    "actionHook": "https://hotline.example/jambonz/step/AbC-_9",
                    "minDigits": 1,
                    "maxDigits": 1,
                    "interDigitTimeout": 3,
                    "timeout": 0.1,
                    "dtmfBargein": true,
                    "actionHookDelayAction": delay(),
                },
                { "verb": "say", "text": ["。"] },
                { "verb": "hangup" },
            ])
        );
    }

    #[test]
    fn what_has_clips_is_played_where_platforms_are_to_play_them() {
        let player = player().on_platforms("https://hotline.example");
        let answer = |say: &[&str], then| {
            let reply = Reply { player: player.clone(), ..says(say, Pace::Usual, then) };
            serde_json::from_slice::<Value>(&verbs("").reply(&reply, "call")).unwrap()
        };
        let clip = |digit| format!("https://hotline.example/prompts/zh-CN/{}.wav", str::repeat(digit, 64));
        let urls = json!([clip("a"), clip("4")]);
        let keys = || collect(1, None, 6000, 3000, BargeIn::Always);
        let gather = &answer(&["greeting"], keys())[0];
        assert_eq!((&gather["play"]["url"], &gather["say"]), (&urls, &Value::Null));
        let gather = &answer(&["greeting", "menu"], keys())[0];
        assert_eq!(
            (&gather["play"], &gather["say"]["text"]),
            (&Value::Null, &json!(["您好。查询请按一。"])),
            "one voice"
        );
        let hung_up = answer(&["greeting"], Then::HangUp);
        assert_eq!(hung_up, json!([{ "verb": "play", "url": urls }, { "verb": "hangup" }]));
    }

    #[test]
    fn an_entry_has_times_of_its_own_for_the_first_key_and_between_keys() {
        let verbs =
            written(&["greeting", "menu"], collect(18, Some(Key::Hash), 10_000, 4500, BargeIn::AfterPrompts(1)));
        assert_eq!(
            json!(verbs.as_array().unwrap()[..2]),
            json!([
                { "verb": "say", "text": ["您好。"] },
                {
                    "verb": "gather",
                    "input": ["digits"],
                    "actionHook": "https://hotline.example/jambonz/step/AbC-_9",
                    "minDigits": 1,
                    "maxDigits": 18,
                    "finishOnKey": "#",
                    "interDigitTimeout": 4.5,
                    "timeout": 10,
                    "dtmfBargein": true,
                    "say": { "text": ["查询请按一。"] },
                    "actionHookDelayAction": delay(),
                },
            ])
        );
        assert_eq!(
            (&verbs[2]["finishOnKey"], &verbs[2]["interDigitTimeout"]),
            (&json!("#"), &json!(4.5)),
            "asked again"
        );
    }

    /// Nothing is said, no time is given: nought would be for ever.
    #[test]
    fn all_may_have_to_be_heard_out() {
        for n in [2, 200] {
            let verbs = written(&["greeting", "menu"], collect(2, Some(Key::Star), 0, 0, BargeIn::AfterPrompts(n)));
            assert_eq!(verbs[0], json!({ "verb": "say", "text": ["您好。查询请按一。"] }));
            assert_eq!((&verbs[1]["timeout"], &verbs[1]["interDigitTimeout"]), (&json!(0.001), &json!(0.001)));
            assert_eq!((&verbs[1]["say"], &verbs[1]["finishOnKey"]), (&Value::Null, &json!("*")));
        }
    }

    #[test]
    fn each_voice_is_heard_while_keys_are() {
        let settings = r#"
            voices.yue-CN = { vendor = "google", language = "yue-HK", voice = "yue-HK-Standard-A" }
            voices.en-US = { vendor = "aws", language = "en-US", voice = "Joanna", engine = "neural", label = "two" }
        "#;
        let say = vec![
            prompt("menu").in_language(Language::Mandarin),
            prompt("menu").in_language(Language::Cantonese),
            prompt("menu").in_language(Language::English),
        ];
        let reply = reply(say, collect(1, None, 6000, 3000, BargeIn::Always));
        let verbs = read(&verbs(settings).reply(&reply, "c1"));
        let heard = |at: usize| {
            let gather = &verbs[at];
            (gather["actionHook"].clone(), gather["timeout"].clone(), gather["say"].clone())
        };
        assert_eq!(
            heard(0),
            (json!("https://hotline.example/jambonz/said/AbC-_9"), json!(0.1), json!({ "text": ["查询请按一。"] }))
        );
        let google = json!({ "vendor": "google", "language": "yue-HK", "voice": "yue-HK-Standard-A" });
        assert_eq!(
            heard(1),
            (
                json!("https://hotline.example/jambonz/said/AbC-_9"),
                json!(0.1),
                json!({ "text": ["查询请揿一。"], "synthesizer": google })
            )
        );
        let aws =
            json!({ "vendor": "aws", "language": "en-US", "voice": "Joanna", "engine": "neural", "label": "two" });
        assert_eq!(
            heard(2),
            (
                json!("https://hotline.example/jambonz/step/AbC-_9"),
                json!(6),
                json!({ "text": ["For enquiries, press one."], "synthesizer": aws })
            )
        );
        let delayed: Vec<_> = (0..4).map(|at| verbs[at].get("actionHookDelayAction").is_some()).collect();
        assert_eq!(delayed, [false, false, true, true], "a voice that others follow is no question");
        assert_eq!(heard(3), (json!("https://hotline.example/jambonz/step/AbC-_9"), json!(0.1), Value::Null));
        assert_eq!(verbs.as_array().unwrap().len(), 6);
    }

    /// The platform asks for each by its own way: an address by a webhook, a path by the WebSocket it came by.
    #[test]
    fn hooks_are_addresses_by_http_and_paths_by_a_socket() {
        let reply = says(&["menu"], Pace::Usual, collect(1, None, 6000, 3000, BargeIn::Always));
        let by_socket = Verbs::by_socket(&toml::from_str("").unwrap()).reply(&reply, "c1");
        assert_eq!(read(&by_socket)[0]["actionHook"], "/jambonz/step/AbC-_9");
        let by_http = String::from_utf8(verbs("").reply(&reply, "c1")).unwrap();
        assert_eq!(by_http.replace("https://hotline.example/", "/").as_bytes(), by_socket, "all else is the same");
    }

    #[test]
    fn a_transfer_dials_a_number_or_a_sip_address_or_waits_in_a_queue() {
        let transfer = |to| Then::Transfer(Transfer { to, ring: Duration::from_secs(25) }, "S".into());
        assert_eq!(
            written(&["greeting"], transfer(TransferTarget::Number("+861012333".into()))),
            json!([
                { "verb": "say", "text": ["您好。"] },
                {
                    "verb": "dial",
                    "actionHook": "https://hotline.example/jambonz/transferred/S",
                    "answerOnBridge": true,
                    "timeout": 25,
                    "target": [{ "type": "phone", "number": "+861012333" }],
                },
                // Reached where the hook failed.
                { "verb": "say", "text": ["。"] },
                { "verb": "hangup" },
            ])
        );
        let sip = written(&[], transfer(TransferTarget::Sip("sip:agents@pbx.example".into())));
        assert_eq!(sip[0]["target"], json!([{ "type": "sip", "sipUri": "sip:agents@pbx.example" }]));
        assert_eq!(
            written(&[], transfer(TransferTarget::Queue("agents".into()))),
            json!([
                {
                    "verb": "enqueue",
                    "name": "agents",
                    "actionHook": "https://hotline.example/jambonz/queued/S",
                    "waitHook": "https://hotline.example/jambonz/waiting/S",
                },
                { "verb": "say", "text": ["。"] },
                { "verb": "hangup" },
            ])
        );
    }

    #[test]
    fn in_a_queue_there_is_speech_and_silence_only() {
        let waiting = |then| read(&verbs("").waiting(&says(&["greeting"], Pace::Usual, then)));
        let said = json!({ "verb": "say", "text": ["您好。"] });
        let announce = collect(1, None, 20_000, 5000, BargeIn::Always);
        assert_eq!(waiting(announce), json!([said, { "verb": "pause", "length": 20 }]));
        for then in [Then::Leave("S".into()), Then::HangUp] {
            assert_eq!(waiting(then), json!([said, { "verb": "leave" }]));
        }
        assert_eq!(read(&Verbs::busy_waiting()), json!([{ "verb": "pause", "length": 10 }]));
    }

    #[test]
    fn a_recording_is_streamed_to_the_recorder_and_without_one_there_is_none() {
        let record =
            || Record { longest: Duration::from_mins(2), finish: Key::Hash, silence: Duration::from_millis(4500) };
        let reply = says(&["greeting"], Pace::Usual, Then::Record(record(), "S".into()));
        let with = verbs(r#"recorder = "wss://recorder.example/hotline""#);
        let name = reference("c1", "S");
        assert_eq!(name.expose(), "jambonz:c1:8de0b3c47f112c59");
        assert_eq!(
            read(&with.reply(&reply, "c1"))[1],
            json!({
                "verb": "listen",
                "url": "wss://recorder.example/hotline",
                "actionHook": "https://hotline.example/jambonz/recorded/S",
                "finishOnKey": "#",
                "maxLength": 120,
                "playBeep": true,
                "mixType": "mono",
                "metadata": { "recording": name.expose(), "silence": 4.5 },
            })
        );
        let behind = read(&with.reply(&reply, "c1"));
        assert_eq!(behind[3], json!({ "verb": "hangup" }));
        assert_eq!(
            read(&verbs("").reply(&reply, "c1"))[1],
            json!({ "verb": "redirect", "actionHook": "https://hotline.example/jambonz/recorded/S" })
        );
    }

    #[test]
    fn a_hang_up_says_goodbye_first() {
        assert_eq!(
            written(&["greeting"], Then::HangUp),
            json!([{ "verb": "say", "text": ["您好。"] }, { "verb": "hangup" }])
        );
        assert_eq!(written(&[], Then::HangUp), json!([{ "verb": "hangup" }]));
        assert_eq!(
            read(&verbs("").busy(Language::Mandarin, "再见。")),
            json!([{ "verb": "say", "text": ["再见。"] }, { "verb": "hangup" }])
        );
        assert_eq!(read(&verbs("").busy(Language::Mandarin, " ")), json!([{ "verb": "hangup" }]));
    }

    #[test]
    fn slow_speech_and_breaks_are_markup() {
        let slow = read(&verbs("").reply(&says(&["greeting", "menu"], Pace::Slow, Then::HangUp), "c1"));
        assert_eq!(
            slow[0]["text"],
            json!([r#"<speak><prosody rate="85%">您好。<break time="400ms"/>查询请按一。</prosody></speak>"#])
        );
        let pieces = [
            Piece::Fragment { prompt: "p", part: 0, text: "请拨\u{1e}\u{0}<&" },
            Piece::Unit("幺二"),
            Piece::Break,
            Piece::Unit("三三三"),
        ];
        assert_eq!(
            texts(&Speech::of_pieces(&pieces, Pace::Usual)),
            [r#"<speak>请拨&lt;&amp;幺二<break time="200ms"/>三三三</speak>"#]
        );
    }

    #[test]
    fn what_the_platform_would_fetch_is_markup_too() {
        for text in ["Note: press one.", "silence_stream://1000", "<b>", "{a}b", " http://x"] {
            let said = texts(&Speech::of_text(text, Pace::Usual));
            assert!(said[0].starts_with("<speak>"), "{said:?}");
        }
        for text in ["您好：一。", "For enquiries: press one.", "8:30"] {
            assert_eq!(texts(&Speech::of_text(text, Pace::Usual)), [text]);
        }
    }

    #[test]
    fn long_speech_is_split_at_the_end_of_a_sentence() {
        let lengths = |text: &str| {
            let texts = texts(&Speech::of_text(text, Pace::Usual));
            texts.iter().map(|text| text.chars().count()).collect::<Vec<_>>()
        };
        let sentence = format!("{}。", "一".repeat(99));
        assert_eq!(lengths(&sentence.repeat(8)), [800]);
        assert_eq!(lengths(&sentence.repeat(9)), [800, 100]);
        assert_eq!(
            lengths(&format!("{}，{}", "一".repeat(450), "一".repeat(450))),
            [451, 450],
            "no sentence: a clause"
        );
        assert_eq!(lengths(&"一".repeat(1711)), [855, 855, 1], "neither: anywhere");
    }

    proptest! {
        #[test]
        fn every_piece_keeps_the_limit_and_loses_nothing(text in "[一二，。a:<&' \u{1e}\u{1f600}]{0,4000}", slow: bool) {
            let pace = if slow { Pace::Slow } else { Pace::Usual };
            let said = texts(&Speech::of_text(&text, pace));
            for one in &said {
                prop_assert!(one.encode_utf16().count() <= 900, "{}", one.len());
                prop_assert!(!one.starts_with('<') || (one.starts_with("<speak>") && one.ends_with("</speak>")));
            }
            let plain: String = said.concat();
            let count = |text: &str, c: char| text.chars().filter(|x| *x == c).count();
            for c in ['一', '二', '，', '。', '\u{1f600}'] {
                prop_assert_eq!(count(&plain, c), count(&text, c));
            }
        }
    }
}
