//! How is it said? A reply as Plivo's XML.

use std::collections::BTreeMap;
use std::time::Duration;

use super::settings::{Settings, Voice};
use crate::dialog::{Collect, Record, TransferTarget};
use crate::speech::language::Language;
use crate::speech::prompt::Prompt;
use crate::speech::words::Words;
use crate::telephony::public_url::PublicUrl;
use crate::telephony::spoken::{Limit, Part, Speech};
use crate::telephony::{Pace, Reply, Then, whole_seconds, xml};

/// Three thousand characters are said at a time. Whether those of XML count is not said, and Amazon's voices count bytes: so
/// bytes are counted, as they are written.
const LIMIT: Limit<1> = Limit {
    most: [3000],
    // <prosody rate="85%"></prosody>
    around: [30],
    // <break time="200ms"/>
    silence: [21],
    character: |c| match c {
        // &quot; at most
        '<' | '>' | '&' | '\'' | '"' | '\r' => [6],
        c => [c.len_utf8()],
    },
};

/// How long input may be looked for, in seconds: for all keys of an entry together.
const EXECUTION: std::ops::RangeInclusive<u64> = 5..=60;
/// How long may pass between two keys, in seconds.
const BETWEEN: std::ops::RangeInclusive<u64> = 2..=10;
/// What each further key adds to the time for all, in seconds.
const EACH_KEY: u64 = 2;

/// Writes replies, in the voices and with the addresses of the settings.
pub struct Documents {
    base: Box<str>,
    voices: BTreeMap<Language, Voice>,
}

impl Documents {
    /// Addresses begin with `public_url`.
    #[must_use]
    pub fn new(settings: &Settings, public_url: &PublicUrl) -> Self {
        Self {
            base: format!("{}/plivo/", public_url.as_str()).into(),
            voices: Language::ALL.into_iter().map(|language| (language, settings.voice(language))).collect(),
        }
    }

    /// Writes a reply.
    #[must_use]
    pub fn reply(&self, reply: &Reply) -> Vec<u8> {
        let mut page = Page(xml::Page::new("Response", &[]));
        let say = |prompts| self.voiced(reply, prompts);
        match &reply.then {
            Then::Collect(collect, step) => {
                let (before, during) = reply.heard_out(collect);
                page.say(&say(before));
                page.collect(collect, &self.at("step", step), &say(during));
            }
            Then::Record(record, step) => {
                page.say(&say(&reply.say));
                page.record(record, &self.at("recorded", step), &self.at("recording", step));
            }
            Then::Transfer(transfer, step) => {
                page.say(&say(&reply.say));
                let transferred = self.at("transferred", step);
                match &transfer.to {
                    // As the platform writes numbers: without the plus.
                    TransferTarget::Number(number) => {
                        page.dial("Number", number.trim_start_matches('+'), transfer.ring, &transferred);
                    }
                    TransferTarget::Sip(uri) => page.dial("User", uri, transfer.ring, &transferred),
                    // Told no way in which waiting ended, the conversation goes on as if nobody had answered.
                    TransferTarget::Queue(_) => page.redirect(&self.at("queued", step)),
                }
            }
            // Nobody waits in a queue; should somebody leave it, they are told what whoever was never in one is.
            Then::Leave(step) => {
                page.say(&say(&reply.say));
                page.redirect(&self.at("queued", step));
            }
            Then::HangUp => {
                page.say(&say(&reply.say));
                page.0.empty("Hangup", &[]);
            }
        }
        page.0.finish()
    }

    /// Writes last words.
    #[must_use]
    pub fn busy(&self, language: Language, words: &str) -> Vec<u8> {
        let mut page = Page(xml::Page::new("Response", &[]));
        page.say_one(&self.voices[&language], &Speech::of_text(words, Pace::Usual));
        page.0.empty("Hangup", &[]);
        page.0.finish()
    }

    /// The address of `hook` at `step`: a whole one.
    fn at(&self, hook: &str, step: &str) -> String {
        format!("{}{hook}/{step}", self.base)
    }

    /// What is spoken, voice by voice.
    fn voiced(&self, reply: &Reply, prompts: &[Prompt]) -> Vec<(&Voice, Speech)> {
        let said = |words: Words<'_>| Speech::of_pieces(words.pieces(), reply.pace);
        reply.spoken(prompts).map(|(language, words)| (&self.voices[&language], said(words))).collect()
    }
}

/// A document that is being written.
struct Page(xml::Page);

impl Page {
    /// Waits for keys.
    fn collect(&mut self, collect: &Collect, step: &str, said: &[(&Voice, Speech)]) {
        let within = |seconds: u64, bounds: std::ops::RangeInclusive<u64>| {
            seconds.clamp(*bounds.start(), *bounds.end()).to_string()
        };
        let further = EACH_KEY * u64::from(collect.expected().saturating_sub(1));
        let execution = within(whole_seconds(collect.first_key) + further, EXECUTION);
        let between = within(whole_seconds(collect.between_keys), BETWEEN);
        let finish = collect.finish.map(|key| key.as_char().to_string());
        let digits = collect.max.max(1).to_string();
        self.0.start(
            "GetInput",
            &[
                ("action", step),
                ("method", "POST"),
                ("inputType", "dtmf"),
                ("executionTimeout", &execution),
                ("digitEndTimeout", &between),
                // Where it is missing, it is `#`.
                ("finishOnKey", finish.as_deref().unwrap_or("none")),
                ("numDigits", &digits),
                ("redirect", "true"),
                // Keys are not to be in the platform's own logs.
                ("log", "false"),
            ],
        );
        self.say(said);
        self.0.end("GetInput");
        // Silence goes on here. A document that ended here would end the call.
        self.redirect(step);
    }

    /// Records after a tone. What was recorded is told to `step`; and to `beside`, even when the caller has hung up.
    fn record(&mut self, record: &Record, step: &str, beside: &str) {
        let finish = record.finish.as_char().to_string();
        let (silence, longest) = (whole_seconds(record.silence).to_string(), whole_seconds(record.longest).to_string());
        self.0.empty(
            "Record",
            &[
                ("action", step),
                ("method", "POST"),
                ("redirect", "true"),
                ("finishOnKey", &finish),
                ("timeout", &silence),
                ("maxLength", &longest),
                ("playBeep", "true"),
                ("callbackUrl", beside),
                ("callbackMethod", "POST"),
            ],
        );
        self.redirect(step);
    }

    /// Goes on with what is to be had at `step`.
    fn redirect(&mut self, step: &str) {
        self.0.element("Redirect", &[("method", "POST")], step);
    }

    /// Rings at a person's; what comes after is told to `step`.
    fn dial(&mut self, noun: &str, target: &str, ring: Duration, step: &str) {
        let ring = whole_seconds(ring).to_string();
        let attributes = [("action", step), ("method", "POST"), ("redirect", "true"), ("timeout", &*ring)];
        self.0.start("Dial", &attributes);
        self.0.element(noun, &[], target);
        self.0.end("Dial");
        // A document that ended here would end the call.
        self.redirect(step);
    }

    /// Says what each voice has to say.
    fn say(&mut self, said: &[(&Voice, Speech)]) {
        for (voice, speech) in said {
            self.say_one(voice, speech);
        }
    }

    /// Says `speech`, in as many pieces as the limit asks for. Where marks in it are not understood, its breaks are left to the
    /// voice, and it is not slow.
    fn say_one(&mut self, voice: &Voice, speech: &Speech) {
        let marked = voice.voice.starts_with("Polly.");
        let slow = (marked && speech.pace == Pace::Slow).then(|| format!("{}%", Pace::SLOW));
        let mut attributes = Vec::with_capacity(2);
        for (name, value) in [("language", &voice.language), ("voice", &voice.voice)] {
            if !value.is_empty() {
                attributes.push((name, &**value));
            }
        }
        for chunk in speech.chunks(&LIMIT) {
            self.0.start("Speak", &attributes);
            if let Some(slow) = &slow {
                self.0.start("prosody", &[("rate", slow)]);
            }
            for part in chunk.parts() {
                match part {
                    Part::Words(words) => self.0.text(words),
                    Part::Break(time) if marked => {
                        self.0.empty("break", &[("time", &format!("{}ms", time.as_millis()))]);
                    }
                    Part::Break(_) => {}
                }
            }
            if slow.is_some() {
                self.0.end("prosody");
            }
            self.0.end("Speak");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quick_xml::Reader;
    use quick_xml::events::Event;

    use super::*;
    use crate::dialog::{BargeIn, Transfer};
    use crate::secret::Key;
    use crate::telephony::testing::{collect, prompt, reply};

    const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
    const SPEAK: &str = r#"<Speak language="cmn-CN" voice="Polly.Zhiyu">"#;

    fn documents(settings: &str) -> Documents {
        Documents::new(&toml::from_str(settings).unwrap(), &PublicUrl::parse("https://hotline.example/").unwrap())
    }

    fn text(document: Vec<u8>) -> String {
        let text = String::from_utf8(document).unwrap();
        text.strip_prefix(DECLARATION).unwrap().replace(SPEAK, "<Speak>")
    }

    fn says(say: &[&str], pace: Pace, then: Then) -> Reply {
        Reply { pace, ..reply(say.iter().map(|id| prompt(id)).collect(), then) }
    }

    fn written(say: &[&str], then: Then) -> String {
        text(documents("").reply(&says(say, Pace::Usual, then)))
    }

    #[test]
    fn a_menu_takes_one_key_at_any_time() {
        assert_eq!(
            written(&["greeting", "menu"], collect(1, None, 6000, 3000, BargeIn::Always)),
            concat!(
                r#"<Response><GetInput action="https://hotline.example/plivo/step/AbC-_9" method="POST" inputType="dtmf" "#,
                r#"executionTimeout="6" digitEndTimeout="3" finishOnKey="none" numDigits="1" redirect="true" log="false">"#,
                r#"<Speak>您好。查询请按一。</Speak></GetInput>"#,
                r#"<Redirect method="POST">https://hotline.example/plivo/step/AbC-_9</Redirect></Response>"#
            )
        );
    }

    #[test]
    fn an_entry_has_time_for_all_its_keys_and_what_is_important_is_heard_out() {
        assert_eq!(
            written(&["greeting", "menu"], collect(37, Some(Key::Hash), 10_000, 4500, BargeIn::AfterPrompts(1))),
            concat!(
                r#"<Response><Speak>您好。</Speak>"#,
                r#"<GetInput action="https://hotline.example/plivo/step/AbC-_9" method="POST" inputType="dtmf" "#,
                r##"executionTimeout="46" digitEndTimeout="5" finishOnKey="#" numDigits="37" redirect="true" log="false">"##,
                r#"<Speak>查询请按一。</Speak></GetInput>"#,
                r#"<Redirect method="POST">https://hotline.example/plivo/step/AbC-_9</Redirect></Response>"#
            )
        );
    }

    #[test]
    fn times_are_those_the_platform_takes() {
        let times = |then| {
            let written = written(&[], then);
            let value = |name: &str| {
                let (_, rest) = written.split_once(&format!("{name}=\"")).unwrap();
                rest.split_once('"').unwrap().0.to_owned()
            };
            (value("executionTimeout"), value("digitEndTimeout"))
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(times(collect(0, None, 0, 0, BargeIn::Always)), pair("5", "2"));
        assert_eq!(times(collect(64, None, 20_000, 60_000, BargeIn::Always)), pair("60", "10"));
    }

    #[test]
    fn a_transfer_dials_a_number_or_a_sip_address_and_a_queue_is_none() {
        let transfer = |to| Then::Transfer(Transfer { to, ring: Duration::from_secs(25) }, "S".into());
        let dial = |target: &str| {
            format!(
                "<Response><Speak>您好。</Speak>\
                 <Dial action=\"https://hotline.example/plivo/transferred/S\" method=\"POST\" redirect=\"true\" timeout=\"25\">\
                 {target}</Dial><Redirect method=\"POST\">https://hotline.example/plivo/transferred/S</Redirect></Response>"
            )
        };
        let number = TransferTarget::Number("+861012333".into());
        assert_eq!(written(&["greeting"], transfer(number)), dial("<Number>861012333</Number>"));
        let sip = TransferTarget::Sip("sip:agents@pbx.example?a=1&b=<2>".into());
        assert_eq!(
            written(&["greeting"], transfer(sip)),
            dial("<User>sip:agents@pbx.example?a=1&amp;b=&lt;2&gt;</User>")
        );
        let on = "<Response><Redirect method=\"POST\">https://hotline.example/plivo/queued/S</Redirect></Response>";
        assert_eq!(written(&[], transfer(TransferTarget::Queue("agents".into()))), on);
        assert_eq!(written(&[], Then::Leave("S".into())), on);
    }

    #[test]
    fn a_recording_is_told_of_in_the_call_and_beside_it() {
        let record =
            Record { longest: Duration::from_mins(2), finish: Key::Hash, silence: Duration::from_millis(4500) };
        assert_eq!(
            written(&["greeting"], Then::Record(record, "S".into())),
            concat!(
                r#"<Response><Speak>您好。</Speak>"#,
                r##"<Record action="https://hotline.example/plivo/recorded/S" method="POST" redirect="true" finishOnKey="#" "##,
                r#"timeout="5" maxLength="120" playBeep="true" "#,
                r#"callbackUrl="https://hotline.example/plivo/recording/S" callbackMethod="POST"/>"#,
                r#"<Redirect method="POST">https://hotline.example/plivo/recorded/S</Redirect></Response>"#
            )
        );
    }

    #[test]
    fn a_hang_up_says_goodbye_first() {
        assert_eq!(written(&["greeting"], Then::HangUp), "<Response><Speak>您好。</Speak><Hangup/></Response>");
        assert_eq!(written(&[], Then::HangUp), "<Response><Hangup/></Response>");
        assert_eq!(
            text(documents("").busy(Language::Mandarin, "再见。")),
            "<Response><Speak>再见。</Speak><Hangup/></Response>"
        );
        assert_eq!(text(documents("").busy(Language::Mandarin, " ")), "<Response><Hangup/></Response>");
    }

    #[test]
    fn only_voices_that_understand_marks_get_them() {
        let slow = says(&["greeting", "menu"], Pace::Slow, Then::HangUp);
        assert_eq!(
            text(documents("").reply(&slow)),
            concat!(
                r#"<Response><Speak><prosody rate="85%">您好。<break time="400ms"/>查询请按一。</prosody></Speak>"#,
                r#"<Hangup/></Response>"#
            )
        );
        let plain = documents(r#"voices.zh-CN = { language = "", voice = "WOMAN" }"#);
        assert_eq!(
            text(plain.reply(&slow)),
            r#"<Response><Speak voice="WOMAN">您好。查询请按一。</Speak><Hangup/></Response>"#
        );
        let each = vec![
            prompt("greeting"),
            prompt("menu").in_language(Language::Cantonese),
            prompt("menu").in_language(Language::English),
        ];
        assert_eq!(
            text(documents("").reply(&reply(each, Then::HangUp))),
            concat!(
                r#"<Response><Speak>您好。</Speak><Speak>查询请揿一。</Speak>"#,
                r#"<Speak language="en-US" voice="Polly.Joanna">For enquiries, press one.</Speak><Hangup/></Response>"#
            )
        );
    }

    /// What each `Speak` of a document says, to an XML parser.
    fn said(document: &[u8]) -> Vec<String> {
        let mut reader = Reader::from_str(std::str::from_utf8(document).unwrap());
        let (mut said, mut open) = (Vec::new(), 0);
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) => {
                    open += 1;
                    if start.name().as_ref() == "Speak" {
                        said.push(String::new());
                    }
                }
                Event::End(_) => open -= 1,
                Event::Text(text) => said.last_mut().unwrap().push_str(&text.xml10_content()),
                Event::GeneralRef(_) => said.last_mut().unwrap().push('&'),
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(open, 0);
        said
    }

    proptest! {
        #[test]
        fn every_piece_keeps_the_limit_and_loses_nothing(text in "[一二，。a<&' \u{1e}\u{0}\u{1f600}]{0,3000}") {
            let said = said(&documents("").busy(Language::Mandarin, &text));
            for one in &said {
                prop_assert!(one.len() <= 3000, "{}", one.len());
            }
            let count = |text: &str, c: char| text.chars().filter(|x| *x == c).count();
            for c in ['一', '二', '，', '。', 'a', '\u{1f600}'] {
                prop_assert_eq!(count(&said.concat(), c), count(&text, c));
            }
        }
    }
}
