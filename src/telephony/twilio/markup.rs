//! How is it said? A reply as `TwiML`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::profile::{Can, KeyTimer, Profile};
use super::settings::Voice;
use crate::dialog::{Collect, Record, TransferTarget};
use crate::speech::language::Language;
use crate::speech::prompt::Prompt;
use crate::speech::words::Words;
use crate::telephony::spoken::{Limit, Part, Speech};
use crate::telephony::{Pace, Reply, Then, whole_seconds, xml};

/// Bytes, since Amazon's voices take no more at a time; and bytes of the text URL-encoded, since Twilio does not: five hundred
/// Chinese characters. Nobody says whether Twilio counts before or after escaping: so it is counted as it stands.
const USUAL: Limit<2> = Limit {
    most: [3000, 4500],
    around: [0, 0],
    // <break time="200ms"/>
    silence: [21, 41],
    character: |c| match c {
        // &quot; at most
        '<' | '>' | '&' | '\'' | '"' | '\r' => [6, 10],
        c if c.is_ascii_alphanumeric() => [1, 1],
        c => [c.len_utf8(), c.len_utf8() * 3],
    },
};
/// The same with `<prosody rate="85%"></prosody>` around it.
const SLOW: Limit<2> = Limit { around: [30, 48], ..USUAL };

/// The longest that any platform waits for a key, in seconds.
const LONGEST_WAIT: u64 = 120;
/// Where all keys are waited for together: the seconds that each further one may take.
const EACH_KEY: u64 = 2;
/// How long whoever waits in a queue hears nothing of ours when nothing can be said, in seconds.
const BUSY_PAUSE: u64 = 10;

/// Writes replies, as a platform can take them, in the voices and with the addresses of the settings.
pub struct Markup {
    profile: &'static Profile,
    steps: Box<str>,
    transferred: Box<str>,
    recorded: Box<str>,
    recording: Box<str>,
    queued: Box<str>,
    waiting: Box<str>,
    voices: BTreeMap<Language, Voice>,
}

impl Markup {
    /// Addresses begin with `base`, which ends with `/`.
    #[must_use]
    pub fn new(profile: &'static Profile, voices: &BTreeMap<Language, Voice>, base: &str) -> Self {
        let voice = |language| voices.get(&language).cloned().unwrap_or_else(|| profile.default_voice(language));
        let at = |path: &str| format!("{base}{path}/").into();
        Self {
            profile,
            steps: at("step"),
            transferred: at("transferred"),
            queued: at("queued"),
            waiting: at("waiting"),
            recorded: at("recorded"),
            recording: at("recording"),
            voices: Language::ALL.into_iter().map(|language| (language, voice(language))).collect(),
        }
    }

    /// Writes a reply.
    #[must_use]
    pub fn reply(&self, reply: &Reply) -> Vec<u8> {
        self.page(reply, &self.steps)
    }

    /// Writes a reply to one who waits in a queue: keys are sent to where the next words come from, and silence is.
    #[must_use]
    pub fn waiting(&self, reply: &Reply) -> Vec<u8> {
        self.page(reply, &self.waiting)
    }

    fn page(&self, reply: &Reply, steps: &str) -> Vec<u8> {
        let mut page = Page::new(self.profile);
        let say = |prompts| self.voiced(reply, prompts);
        match &reply.then {
            Then::Collect(collect, step) => {
                let (before, during) = reply.heard_out(collect);
                page.say(&say(before));
                page.gather(collect, &[steps, step].concat(), &say(during));
            }
            Then::Record(record, step) => {
                page.say(&say(&reply.say));
                page.record(record, &[&*self.recorded, step].concat(), &[&*self.recording, step].concat());
            }
            Then::Transfer(transfer, step) => {
                page.say(&say(&reply.say));
                match &transfer.to {
                    TransferTarget::Number(number) => {
                        page.dial("Number", number, transfer.ring, &[&*self.transferred, step].concat());
                    }
                    TransferTarget::Sip(uri) => {
                        page.dial("Sip", uri, transfer.ring, &[&*self.transferred, step].concat());
                    }
                    // Told no way in which waiting ended, the conversation goes on as if nobody had answered.
                    TransferTarget::Queue(_) if !self.profile.can(Can::Queue) => {
                        page.redirect(&[&*self.queued, step].concat());
                    }
                    TransferTarget::Queue(name) => {
                        page.enqueue(name, &[&*self.queued, step].concat(), &[&*self.waiting, step].concat());
                    }
                }
            }
            Then::Leave(_) => {
                page.say(&say(&reply.say));
                page.xml.empty("Leave", &[]);
            }
            Then::HangUp => {
                page.say(&say(&reply.say));
                page.xml.empty("Hangup", &[]);
            }
        }
        page.xml.finish()
    }

    /// Writes last words.
    #[must_use]
    pub fn busy(&self, language: Language, words: &str) -> Vec<u8> {
        let mut page = Page::new(self.profile);
        page.say_one(self.voice(language), &Speech::of_text(words, Pace::Usual));
        page.xml.empty("Hangup", &[]);
        page.xml.finish()
    }

    /// Writes what one who waits in a queue hears when nothing can be said. After it the platform asks again.
    #[must_use]
    pub fn busy_waiting(&self) -> Vec<u8> {
        let mut page = Page::new(self.profile);
        page.xml.empty("Pause", &[("length", &BUSY_PAUSE.to_string())]);
        page.xml.finish()
    }

    /// What is spoken, voice by voice.
    fn voiced(&self, reply: &Reply, prompts: &[Prompt]) -> Vec<Voiced<'_>> {
        let said = |(language, words): (Language, Words<'_>)| match reply.player.addresses(language, &words, reply.pace)
        {
            Some(clips) => Voiced::Clips(clips),
            None => Voiced::Speech(self.voice(language), Speech::of_pieces(words.pieces(), reply.pace)),
        };
        reply.spoken(prompts).map(said).collect()
    }

    fn voice(&self, language: Language) -> &Voice {
        &self.voices[&language]
    }
}

/// What one voice says.
enum Voiced<'v> {
    /// The platform's.
    Speech(&'v Voice, Speech),
    /// Ours: clips, by their addresses.
    Clips(Vec<String>),
}

/// A document that is being written.
struct Page {
    xml: xml::Page,
    profile: &'static Profile,
}

impl Page {
    fn new(profile: &'static Profile) -> Self {
        Self { xml: xml::Page::new("Response", &[]), profile }
    }

    /// Waits for keys. Its `timeout` is both the wait for the first key, once all is said, and the wait for each further
    /// one: so it is set to the latter, and a pause makes up for what the first key may take longer. Keys end a pause.
    /// Where no pause is taken it is the longer of the two; and where it is the time for all keys, that.
    fn gather(&mut self, collect: &Collect, step: &str, said: &[Voiced<'_>]) {
        let first_key = whole_seconds(collect.first_key);
        let each_key = if collect.max > 1 { whole_seconds(collect.between_keys) } else { first_key };
        let (timeout, pause) = match self.profile.keys {
            KeyTimer::EachAfterPause => (each_key, first_key.saturating_sub(each_key)),
            KeyTimer::Each => (first_key.max(each_key).min(LONGEST_WAIT), 0),
            KeyTimer::Whole => {
                let further = EACH_KEY * u64::from(collect.expected().saturating_sub(1));
                ((first_key + further).min(LONGEST_WAIT), 0)
            }
        };
        let finish = collect.finish.map(|key| key.as_char().to_string()).unwrap_or_default();
        let (digits, timeout) = (collect.max.max(1).to_string(), timeout.to_string());
        let mut attributes = vec![
            ("input", "dtmf"),
            ("action", step),
            ("method", "POST"),
            ("numDigits", &*digits),
            // Where it is missing, it is `#`.
            ("finishOnKey", &*finish),
            ("timeout", &*timeout),
        ];
        if self.profile.can(Can::TellSilence) {
            attributes.push(("actionOnEmptyResult", "true"));
        }
        self.xml.start("Gather", &attributes);
        self.say(said);
        if pause > 0 {
            self.xml.empty("Pause", &[("length", &pause.to_string())]);
        }
        self.xml.end("Gather");
        // Not reached where `actionOnEmptyResult` is known. Where it is not, silence falls through to here; a document that
        // ended here would end the call.
        self.redirect(step);
    }

    /// Records after a tone. What was recorded is told to `step`; and to `beside`, even when the caller has hung up.
    fn record(&mut self, record: &Record, step: &str, beside: &str) {
        let finish = record.finish.as_char().to_string();
        let (silence, longest) = (whole_seconds(record.silence).to_string(), whole_seconds(record.longest).to_string());
        let mut attributes = vec![("action", step), ("method", "POST"), ("finishOnKey", &*finish)];
        if self.profile.can(Can::EndAtSilence) {
            attributes.push(("timeout", &*silence));
        }
        attributes.extend([("maxLength", &*longest), ("playBeep", "true")]);
        if self.profile.can(Can::TellRecordings) {
            attributes.extend([("recordingStatusCallback", beside), ("recordingStatusCallbackMethod", "POST")]);
        }
        if self.profile.can(Can::ChooseRecordingNews) {
            attributes.push(("recordingStatusCallbackEvent", "completed"));
        }
        self.xml.empty("Record", &attributes);
        // Where nothing was recorded, nothing is told to `step`: Twilio goes on here.
        self.redirect(step);
    }

    /// Goes on with what is to be had at `step`.
    fn redirect(&mut self, step: &str) {
        self.xml.element("Redirect", &[("method", "POST")], step);
    }

    /// Rings at a person's; what comes after is told to `step`, so nothing stands behind it.
    fn dial(&mut self, noun: &str, target: &str, ring: Duration, step: &str) {
        let ring = whole_seconds(ring).to_string();
        let mut attributes = vec![("action", step), ("method", "POST"), ("timeout", &*ring)];
        if self.profile.can(Can::AnswerOnBridge) {
            // The caller is not charged, and hears the ringing, until somebody answers.
            attributes.push(("answerOnBridge", "true"));
        }
        self.xml.start("Dial", &attributes);
        self.xml.element(noun, &[], target);
        self.xml.end("Dial");
    }

    /// Puts the caller into a queue. Meanwhile they hear what comes from `waiting`; how it ended is told to `step`.
    fn enqueue(&mut self, name: &str, step: &str, waiting: &str) {
        let attributes = [("action", step), ("method", "POST"), ("waitUrl", waiting), ("waitUrlMethod", "POST")];
        self.xml.element("Enqueue", &attributes, name);
    }

    /// Says what each voice has to say.
    fn say(&mut self, said: &[Voiced<'_>]) {
        for voiced in said {
            match voiced {
                Voiced::Speech(voice, speech) => self.say_one(voice, speech),
                Voiced::Clips(clips) => clips.iter().for_each(|clip| self.xml.element("Play", &[], clip)),
            }
        }
    }

    /// Says `speech`, in as many pieces as the limits ask for. Where marks in it are not understood, its breaks are left to
    /// the voice, and it is slow as a whole or not at all.
    fn say_one(&mut self, voice: &Voice, speech: &Speech) {
        let marked = self.profile.can(Can::Ssml);
        let is_slow = speech.pace == Pace::Slow;
        let slow = format!("{}%", Pace::SLOW);
        let speed = format!("0.{:02}", Pace::SLOW);
        let mut attributes = Vec::with_capacity(3);
        for (name, value) in [("language", &voice.language), ("voice", &voice.voice)] {
            if !value.is_empty() {
                attributes.push((name, &**value));
            }
        }
        if is_slow && self.profile.can(Can::VoiceSpeed) {
            attributes.push(("voiceSpeed", &*speed));
        }
        for chunk in speech.chunks(if is_slow { &SLOW } else { &USUAL }) {
            self.xml.start("Say", &attributes);
            if is_slow && marked {
                self.xml.start("prosody", &[("rate", &slow)]);
            }
            for part in chunk.parts() {
                match part {
                    Part::Words(words) => self.xml.text(words),
                    Part::Break(time) if marked => {
                        self.xml.empty("break", &[("time", &format!("{}ms", time.as_millis()))]);
                    }
                    Part::Break(_) => {}
                }
            }
            if is_slow && marked {
                self.xml.end("prosody");
            }
            self.xml.end("Say");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quick_xml::Reader;
    use quick_xml::escape::resolve_predefined_entity;
    use quick_xml::events::Event;

    use super::*;
    use crate::dialog::{BargeIn, Transfer};
    use crate::secret::Key;
    use crate::speech::words::Piece;
    use crate::telephony::spoken::legal;
    use crate::telephony::testing::{collect, player, prompt, reply};
    use crate::telephony::twilio::profile::{EXOTEL, KAZOO, PROFILES, SIGNALWIRE, SOMLENG, TELNYX, TWILIO};
    use crate::telephony::twilio::settings::Settings;

    const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

    fn markup_of(profile: &'static Profile) -> Markup {
        Markup::new(profile, &BTreeMap::new(), &format!("https://hotline.example/{}/", profile.dialect))
    }

    fn markup() -> Markup {
        markup_of(&TWILIO)
    }

    fn written(say: &[&str], then: Then) -> String {
        let text = String::from_utf8(markup().reply(&says(say, Pace::Usual, then))).unwrap();
        text.strip_prefix(DECLARATION).unwrap().to_owned()
    }

    fn says(say: &[&str], pace: Pace, then: Then) -> Reply {
        Reply { pace, ..reply(say.iter().map(|id| prompt(id)).collect(), then) }
    }

    #[test]
    fn a_queue_has_an_address_for_its_end_and_one_for_the_time_in_it() {
        let transfer = Transfer { to: TransferTarget::Queue("agents".into()), ring: Duration::from_secs(25) };
        assert_eq!(
            written(&["greeting"], Then::Transfer(transfer, "S".into())),
            concat!(
                r#"<Response>"#,
                r#"<Say language="cmn-CN" voice="Polly.Zhiyu-Neural">您好。</Say>"#,
                r#"<Enqueue action="https://hotline.example/twilio/queued/S" method="POST" waitUrl="https://hotline.example/twilio/waiting/S" waitUrlMethod="POST">agents</Enqueue>"#,
                r#"</Response>"#
            )
        );
        let waiting = |then| {
            let text = markup().waiting(&says(&["greeting"], Pace::Usual, then));
            String::from_utf8(text).unwrap().strip_prefix(DECLARATION).unwrap().to_owned()
        };
        assert_eq!(
            waiting(collect(1, None, 20_000, 5000, BargeIn::Always)),
            concat!(
                r#"<Response>"#,
                r#"<Gather input="dtmf" action="https://hotline.example/twilio/waiting/AbC-_9" method="POST" numDigits="1" finishOnKey="" timeout="20" actionOnEmptyResult="true">"#,
                r#"<Say language="cmn-CN" voice="Polly.Zhiyu-Neural">您好。</Say>"#,
                r#"</Gather>"#,
                r#"<Redirect method="POST">https://hotline.example/twilio/waiting/AbC-_9</Redirect>"#,
                r#"</Response>"#
            )
        );
        assert_eq!(waiting(Then::Leave("S".into())).rsplit_once("</Say>").unwrap().1, "<Leave/></Response>");
    }

    /// What `profile` is answered, with `…` for its addresses.
    fn answered(profile: &'static Profile, say: &[&str], pace: Pace, then: Then) -> String {
        let text = String::from_utf8(markup_of(profile).reply(&says(say, pace, then))).unwrap();
        let body = text.strip_prefix(DECLARATION).and_then(|text| text.strip_prefix("<Response>")).unwrap();
        let body = body.strip_suffix("</Response>").unwrap();
        body.replace(&format!("https://hotline.example/{}", profile.dialect), "…")
    }

    #[test]
    fn each_platform_waits_for_keys_as_it_can() {
        let entry = |profile| {
            answered(profile, &["menu"], Pace::Usual, collect(37, Some(Key::Hash), 10_000, 4500, BargeIn::Always))
        };
        let behind = r#"<Redirect method="POST">…/step/AbC-_9</Redirect>"#;
        let gather = |timeout: u8, more: &str, inside: &str| {
            let keys = r##"method="POST" numDigits="37" finishOnKey="#""##;
            format!(
                r#"<Gather input="dtmf" action="…/step/AbC-_9" {keys} timeout="{timeout}"{more}>{inside}</Gather>{behind}"#
            )
        };
        let say = r#"<Say language="cmn-CN" voice="Polly.Zhiyu-Neural">查询请按一。</Say>"#;
        let tells = r#" actionOnEmptyResult="true""#;
        let paused = format!(r#"{say}<Pause length="5"/>"#);
        assert_eq!(entry(&TWILIO), gather(5, tells, &paused));
        assert_eq!(entry(&SIGNALWIRE), gather(5, tells, &paused));
        assert_eq!(entry(&SOMLENG), gather(10, tells, say));
        assert_eq!(entry(&TELNYX), gather(10, "", say));
        assert_eq!(entry(&EXOTEL), gather(10, "", r#"<Say language="zh-CN">查询请按一。</Say>"#));
        // All of eighteen and the `#` in this time: the room to clear them and begin again takes none.
        assert_eq!(entry(&KAZOO), gather(46, "", "<Say>查询请按一。</Say>"));
        // One key is waited for as long everywhere, and never longer than Telnyx can.
        for profile in PROFILES {
            let wait = |first| answered(profile, &[], Pace::Usual, collect(1, None, first, 4500, BargeIn::Always));
            assert!(wait(6000).contains(r#" numDigits="1" finishOnKey="" timeout="6""#), "{}", profile.name);
            if profile.keys != KeyTimer::EachAfterPause {
                assert!(wait(600_000).contains(r#" timeout="120""#), "{}", profile.name);
            }
        }
    }

    #[test]
    fn each_platform_speaks_slowly_as_it_can() {
        let slow = |profile| answered(profile, &["greeting", "menu"], Pace::Slow, Then::HangUp);
        let voice = r#"language="cmn-CN" voice="Polly.Zhiyu-Neural""#;
        let marked = r#"<prosody rate="85%">您好。<break time="400ms"/>查询请按一。</prosody>"#;
        assert_eq!(slow(&TWILIO), format!("<Say {voice}>{marked}</Say><Hangup/>"));
        assert_eq!(slow(&SIGNALWIRE), slow(&TWILIO));
        assert_eq!(slow(&TELNYX), format!(r#"<Say {voice} voiceSpeed="0.85">您好。查询请按一。</Say><Hangup/>"#));
        assert_eq!(slow(&SOMLENG), format!("<Say {voice}>您好。查询请按一。</Say><Hangup/>"));
        assert_eq!(slow(&EXOTEL), r#"<Say language="zh-CN">您好。查询请按一。</Say><Hangup/>"#);
        assert_eq!(slow(&KAZOO), "<Say>您好。查询请按一。</Say><Hangup/>");
    }

    #[test]
    fn what_has_clips_is_played_where_platforms_are_to_play_them() {
        let player = player().on_platforms("https://hotline.example");
        let then = collect(1, None, 6000, 3000, BargeIn::AfterPrompts(1));
        let reply = Reply { player, ..reply(vec![prompt("greeting"), prompt("menu")], then) };
        let text = String::from_utf8(markup().reply(&reply)).unwrap();
        let clip = |digit| format!("<Play>https://hotline.example/prompts/zh-CN/{}.wav</Play>", str::repeat(digit, 64));
        let expected = format!(
            r#"<Response>{}{}<Gather input="dtmf" action="https://hotline.example/twilio/step/AbC-_9" method="POST" numDigits="1" finishOnKey="" timeout="6" actionOnEmptyResult="true"><Say language="cmn-CN" voice="Polly.Zhiyu-Neural">查询请按一。</Say></Gather>"#,
            clip("a"),
            clip("4")
        );
        assert!(text.contains(&expected), "{text}");
    }

    #[test]
    fn each_platform_transfers_as_it_can() {
        let to = |profile, to| {
            let transfer = Transfer { to, ring: Duration::from_secs(25) };
            answered(profile, &[], Pace::Usual, Then::Transfer(transfer, "S".into()))
        };
        let number = || TransferTarget::Number("+861012333".into());
        let queue = || TransferTarget::Queue("agents".into());
        let dial = |more: &str| {
            let rings = format!(r#"<Dial action="…/transferred/S" method="POST" timeout="25"{more}>"#);
            format!("{rings}<Number>+861012333</Number></Dial>")
        };
        let waiting = r#"action="…/queued/S" method="POST" waitUrl="…/waiting/S" waitUrlMethod="POST""#;
        for profile in [&TWILIO, &SIGNALWIRE] {
            assert_eq!(to(profile, number()), dial(r#" answerOnBridge="true""#), "{}", profile.name);
            assert_eq!(to(profile, queue()), format!("<Enqueue {waiting}>agents</Enqueue>"), "{}", profile.name);
        }
        assert_eq!(to(&TELNYX, queue()), format!("<Enqueue {waiting}>agents</Enqueue>"));
        for profile in [&TELNYX, &SOMLENG, &EXOTEL, &KAZOO] {
            assert_eq!(to(profile, number()), dial(""), "{}", profile.name);
        }
        for profile in [&SOMLENG, &EXOTEL, &KAZOO] {
            assert_eq!(to(profile, queue()), r#"<Redirect method="POST">…/queued/S</Redirect>"#, "{}", profile.name);
        }
    }

    #[test]
    fn each_platform_records_as_it_can() {
        let record = |profile| {
            let (longest, silence) = (Duration::from_mins(2), Duration::from_secs(5));
            let record = Record { longest, finish: Key::Hash, silence };
            answered(profile, &[], Pace::Usual, Then::Record(record, "S".into()))
        };
        let written = |timeout: &str, beside: &str| {
            let head =
                format!(r##"<Record action="…/recorded/S" method="POST" finishOnKey="#"{timeout} maxLength="120""##);
            format!(r#"{head} playBeep="true"{beside}/><Redirect method="POST">…/recorded/S</Redirect>"#)
        };
        let (timeout, told) =
            (r#" timeout="5""#, r#" recordingStatusCallback="…/recording/S" recordingStatusCallbackMethod="POST""#);
        let chosen = format!(r#"{told} recordingStatusCallbackEvent="completed""#);
        assert_eq!(record(&TWILIO), written(timeout, &chosen));
        assert_eq!(record(&SIGNALWIRE), written(timeout, &chosen));
        assert_eq!(record(&TELNYX), written("", told));
        assert_eq!(record(&SOMLENG), written(timeout, told));
        assert_eq!(record(&EXOTEL), written(timeout, ""));
        assert_eq!(record(&KAZOO), written(timeout, ""));
    }

    #[test]
    fn an_empty_language_or_voice_is_not_said() {
        let voices = [(Language::Mandarin, Voice { language: "".into(), voice: "woman".into() })].into();
        let markup = Markup::new(&KAZOO, &voices, "https://hotline.example/kazoo/geheim/");
        let text = String::from_utf8(markup.reply(&says(&["greeting"], Pace::Usual, Then::HangUp))).unwrap();
        assert_eq!(
            text.strip_prefix(DECLARATION).unwrap(),
            r#"<Response><Say voice="woman">您好。</Say><Hangup/></Response>"#
        );
        let transfer = Transfer { to: TransferTarget::Sip("sip:a@b.example".into()), ring: Duration::from_secs(25) };
        let text = markup.reply(&says(&[], Pace::Usual, Then::Transfer(transfer, "S".into())));
        assert!(String::from_utf8(text).unwrap().contains("https://hotline.example/kazoo/geheim/transferred/S"));
    }

    #[test]
    fn slow_speech_is_slow_and_pauses_between_sentences() {
        let text = String::from_utf8(markup().reply(&says(&["greeting", "menu"], Pace::Slow, Then::HangUp))).unwrap();
        assert_eq!(
            text.strip_prefix(DECLARATION).unwrap(),
            concat!(
                r#"<Response>"#,
                r#"<Say language="cmn-CN" voice="Polly.Zhiyu-Neural"><prosody rate="85%">您好。<break time="400ms"/>查询请按一。</prosody></Say>"#,
                r#"<Hangup/>"#,
                r#"</Response>"#
            )
        );
    }

    #[test]
    fn slow_speech_keeps_the_limits() {
        let voice = TWILIO.default_voice(Language::Mandarin);
        let mut page = Page::new(&TWILIO);
        page.say_one(&voice, &Speech::of_text(&format!("{}。", "一".repeat(9)).repeat(120), Pace::Slow));
        let markup = page.xml.finish();
        let inside = |say: &str| {
            let url_encoded: usize = form_urlencoded::byte_serialize(say.as_bytes()).map(str::len).sum();
            assert!(say.len() <= 3000 && url_encoded <= 4500, "{} {url_encoded}", say.len());
        };
        let text = String::from_utf8(markup.clone()).unwrap();
        let says: Vec<_> = text.split("</Say>").filter_map(|part| part.split_once(r#"Neural">"#)).collect();
        assert!(says.len() > 1);
        for (_, say) in says {
            inside(say);
        }
        assert_eq!(said(&markup).concat().chars().count(), 1200);
    }

    #[test]
    fn a_menu_takes_one_key_at_any_time() {
        assert_eq!(
            written(&["greeting", "menu"], collect(1, None, 6000, 3000, BargeIn::Always)),
            concat!(
                r#"<Response>"#,
                r#"<Gather input="dtmf" action="https://hotline.example/twilio/step/AbC-_9" method="POST" numDigits="1" finishOnKey="" timeout="6" actionOnEmptyResult="true">"#,
                r#"<Say language="cmn-CN" voice="Polly.Zhiyu-Neural">您好。查询请按一。</Say>"#,
                r#"</Gather>"#,
                r#"<Redirect method="POST">https://hotline.example/twilio/step/AbC-_9</Redirect>"#,
                r#"</Response>"#
            )
        );
    }

    #[test]
    fn an_entry_waits_longer_for_its_first_key() {
        assert_eq!(
            written(&["greeting", "menu"], collect(18, Some(Key::Hash), 10_000, 4500, BargeIn::AfterPrompts(1))),
            concat!(
                r#"<Response>"#,
                r#"<Say language="cmn-CN" voice="Polly.Zhiyu-Neural">您好。</Say>"#,
                r##"<Gather input="dtmf" action="https://hotline.example/twilio/step/AbC-_9" method="POST" numDigits="18" finishOnKey="#" timeout="5" actionOnEmptyResult="true">"##,
                r#"<Say language="cmn-CN" voice="Polly.Zhiyu-Neural">查询请按一。</Say>"#,
                r#"<Pause length="5"/>"#,
                r#"</Gather>"#,
                r#"<Redirect method="POST">https://hotline.example/twilio/step/AbC-_9</Redirect>"#,
                r#"</Response>"#
            )
        );
    }

    #[test]
    fn all_may_have_to_be_heard_out() {
        for n in [2, 200] {
            assert_eq!(
                written(&["greeting", "menu"], collect(2, Some(Key::Star), 0, 0, BargeIn::AfterPrompts(n))),
                concat!(
                    r#"<Response>"#,
                    r#"<Say language="cmn-CN" voice="Polly.Zhiyu-Neural">您好。查询请按一。</Say>"#,
                    r#"<Gather input="dtmf" action="https://hotline.example/twilio/step/AbC-_9" method="POST" numDigits="2" finishOnKey="*" timeout="1" actionOnEmptyResult="true">"#,
                    r#"</Gather>"#,
                    r#"<Redirect method="POST">https://hotline.example/twilio/step/AbC-_9</Redirect>"#,
                    r#"</Response>"#
                )
            );
        }
    }

    #[test]
    fn a_transfer_dials_a_number_or_a_sip_address() {
        let transfer = |to| Then::Transfer(Transfer { to, ring: Duration::from_secs(25) }, "S".into());
        assert_eq!(
            written(&["greeting"], transfer(TransferTarget::Number("+861012333".into()))),
            concat!(
                r#"<Response>"#,
                r#"<Say language="cmn-CN" voice="Polly.Zhiyu-Neural">您好。</Say>"#,
                r#"<Dial action="https://hotline.example/twilio/transferred/S" method="POST" timeout="25" answerOnBridge="true">"#,
                r#"<Number>+861012333</Number>"#,
                r#"</Dial>"#,
                r#"</Response>"#
            )
        );
        assert_eq!(
            written(&[], transfer(TransferTarget::Sip("sip:agents@pbx.example?a=1&b=<2>".into()))),
            concat!(
                r#"<Response>"#,
                r#"<Dial action="https://hotline.example/twilio/transferred/S" method="POST" timeout="25" answerOnBridge="true">"#,
                r#"<Sip>sip:agents@pbx.example?a=1&amp;b=&lt;2&gt;</Sip>"#,
                r#"</Dial>"#,
                r#"</Response>"#
            )
        );
    }

    #[test]
    fn a_recording_is_told_of_in_the_call_and_beside_it() {
        let record =
            Record { longest: Duration::from_mins(2), finish: Key::Hash, silence: Duration::from_millis(4500) };
        assert_eq!(
            written(&["greeting"], Then::Record(record, "S".into())),
            concat!(
                r#"<Response>"#,
                r#"<Say language="cmn-CN" voice="Polly.Zhiyu-Neural">您好。</Say>"#,
                r##"<Record action="https://hotline.example/twilio/recorded/S" method="POST" finishOnKey="#" timeout="5" maxLength="120" playBeep="true" "##,
                r#"recordingStatusCallback="https://hotline.example/twilio/recording/S" recordingStatusCallbackMethod="POST" recordingStatusCallbackEvent="completed"/>"#,
                r#"<Redirect method="POST">https://hotline.example/twilio/recorded/S</Redirect>"#,
                r#"</Response>"#
            )
        );
    }

    #[test]
    fn a_hang_up_says_goodbye_first() {
        assert_eq!(
            written(&["greeting"], Then::HangUp),
            r#"<Response><Say language="cmn-CN" voice="Polly.Zhiyu-Neural">您好。</Say><Hangup/></Response>"#
        );
        assert_eq!(written(&[], Then::HangUp), "<Response><Hangup/></Response>");
    }

    #[test]
    fn the_voice_is_the_one_configured() {
        let settings: Settings = toml::from_str(r#"voices.zh-CN = { language = "zh-CN", voice = "a\"<b" }"#).unwrap();
        let markup = Markup::new(&TWILIO, &settings.voices, "https://hotline.example/twilio/");
        assert_eq!(
            String::from_utf8(markup.busy(Language::Mandarin, "再见。")).unwrap(),
            concat!(
                r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#,
                r#"<Say language="zh-CN" voice="a&quot;&lt;b">再见。</Say><Hangup/></Response>"#
            )
        );
    }

    #[test]
    fn a_break_is_heard_between_words() {
        let pieces = [
            Piece::Fragment { prompt: "p", part: 0, text: "请拨\u{1e}\u{0}" },
            Piece::Unit("幺二"),
            Piece::Break,
            Piece::Unit("三三三"),
        ];
        let voice = TWILIO.default_voice(Language::Mandarin);
        let mut page = Page::new(&TWILIO);
        page.say_one(&voice, &Speech::of_pieces(&pieces, Pace::Usual));
        assert_eq!(
            String::from_utf8(page.xml.finish()).unwrap().strip_prefix(DECLARATION).unwrap(),
            r#"<Response><Say language="cmn-CN" voice="Polly.Zhiyu-Neural">请拨幺二<break time="200ms"/>三三三</Say></Response>"#
        );
    }

    #[test]
    fn long_speech_is_split_at_the_end_of_a_sentence() {
        let sentence = format!("{}。", "一".repeat(99));
        // Five sentences are five hundred characters: exactly what fits.
        assert_eq!(lengths(&sentence.repeat(5)), [500]);
        assert_eq!(lengths(&sentence.repeat(6)), [500, 100]);
        assert_eq!(lengths(&format!("一{}", sentence.repeat(5))), [401, 100]);
        assert_eq!(
            lengths(&format!("{}，{}", "一".repeat(450), "一".repeat(450))),
            [451, 450],
            "no sentence: a clause"
        );
        assert_eq!(lengths(&"一".repeat(1001)), [500, 500, 1], "neither: anywhere");
        assert_eq!(lengths(&"a".repeat(3001)), [3000, 1], "the other limit");
    }

    /// Each space costs as much as three letters.
    #[test]
    fn long_english_is_split_at_the_end_of_a_sentence_too() {
        let sentence = "For a person, press zero. Our hours are eight thirty a.m. to noon, and to go back is to press the star key. ";
        // Twenty-seven times it is 4482 bytes URL-encoded; even one short sentence more is too long.
        assert_eq!(sentence.chars().map(USUAL.character).fold([0, 0], |[b, u], [x, y]| [b + x, u + y]), [108, 166]);
        let said = said(&markup().busy(Language::English, sentence.repeat(30).trim_end()));
        assert_eq!(said.len(), 2);
        assert!(
            said[0].trim_end().ends_with("to go back is to press the star key."),
            "{}",
            &said[0][said[0].len() - 60..]
        );
        assert_eq!(said.concat(), sentence.repeat(30).trim_end());
        for say in &said {
            let url_encoded: usize = form_urlencoded::byte_serialize(say.as_bytes()).map(str::len).sum();
            assert!(say.len() <= 3000 && url_encoded <= 4500, "{} {url_encoded}", say.len());
        }
    }

    #[test]
    fn each_language_is_said_by_its_voice() {
        let say = vec![
            prompt("greeting"),
            prompt("menu").in_language(Language::Mandarin),
            prompt("menu").in_language(Language::Cantonese),
            prompt("menu").in_language(Language::English),
            prompt("greeting").in_language(Language::English),
        ];
        let text = String::from_utf8(markup().reply(&reply(say, Then::HangUp))).unwrap();
        assert_eq!(
            text.strip_prefix(DECLARATION).unwrap(),
            concat!(
                r#"<Response><Say language="cmn-CN" voice="Polly.Zhiyu-Neural">您好。查询请按一。</Say>"#,
                r#"<Say language="yue-HK" voice="Google.yue-HK-Standard-A">查询请揿一。</Say>"#,
                r#"<Say language="en-US" voice="Polly.Joanna-Neural">For enquiries, press one. Hello.</Say>"#,
                r#"<Hangup/></Response>"#
            )
        );
    }

    fn lengths(text: &str) -> Vec<usize> {
        said(&markup().busy(Language::Mandarin, text)).iter().map(|say| say.chars().count()).collect()
    }

    /// What each `Say` of a document says, to an XML parser.
    fn said(markup: &[u8]) -> Vec<String> {
        let mut reader = Reader::from_str(std::str::from_utf8(markup).unwrap());
        let mut said = Vec::new();
        let mut path = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) => {
                    path.push(start.name().as_ref().to_owned());
                    if path == ["Response", "Say"] {
                        said.push(String::new());
                    }
                }
                Event::End(_) => drop(path.pop()),
                Event::Text(text) => said.last_mut().unwrap().push_str(&text.xml10_content()),
                Event::GeneralRef(entity) => {
                    let text = said.last_mut().unwrap();
                    match entity.resolve_char_ref().unwrap() {
                        Some(c) => text.push(c),
                        None => text.push_str(resolve_predefined_entity(&entity.into_inner()).unwrap()),
                    }
                }
                Event::Eof => break,
                Event::Decl(_) | Event::Empty(_) => {}
                other => panic!("{other:?}"),
            }
        }
        assert!(path.is_empty());
        said
    }

    #[test]
    fn characters_that_xml_has_no_way_to_write_are_dropped() {
        assert_eq!(
            said(&markup().busy(Language::Mandarin, "a\u{0}b\u{1e}c\u{b}d\u{fffe}e\u{ffff}f\t\r\n")),
            ["abcdef\t\r\n"]
        );
        assert_eq!(
            said(&markup().busy(Language::Mandarin, "</Say><Dial>+1</Dial><Say>]]>&amp;")),
            ["</Say><Dial>+1</Dial><Say>]]>&amp;"]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_said_as_it_is(text in any::<String>()) {
            let expected: String = legal(&text).collect();
            let said = said(&markup().busy(Language::Mandarin, &text)).concat();
            // What is all blank is not said at all.
            prop_assert!(said == expected || (said.is_empty() && expected.trim().is_empty()));
        }

        #[test]
        fn every_say_keeps_the_limits_and_loses_nothing(text in "[一二，。a<&' \u{1f600}]{0,4000}") {
            let said = said(&markup().busy(Language::Mandarin, &text));
            for say in &said {
                let url_encoded: usize = form_urlencoded::byte_serialize(say.as_bytes()).map(str::len).sum();
                prop_assert!(say.len() <= 3000 && url_encoded <= 4500);
            }
            // A `Say` of nothing but blanks is left out.
            prop_assert_eq!(said.concat().replace(' ', ""), text.replace(' ', ""));
        }
    }
}
