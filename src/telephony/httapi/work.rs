//! How is it said? A reply as work to be done.

use std::time::Duration;

use super::request::{DIALECT, DISPOSITION, KEYS, RECORDED};
use super::settings::{Settings, Voice};
use crate::dialog::{Collect, Record, Transfer, TransferTarget};
use crate::secret::Key;
use crate::speech::language::Language;
use crate::speech::prompt::Prompt;
use crate::speech::words::Words;
use crate::telephony::spoken::{Chunk, Limit, Part, Speech};
use crate::telephony::xml::Page;
use crate::telephony::{Pace, Reply, Then, recording_name, whole_seconds};

/// All at once: of several pieces only the last could be stopped by a key.
const LIMIT: Limit<1> = Limit { most: [usize::MAX], around: [0], silence: [0], character: |_| [0] };
/// All keys of an entry are waited for together: what each further one may take, at most so long in all.
const EACH_KEY: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_mins(2);
/// Tells that it is recorded now.
const TONE: &str = "tone_stream://%(250,0,1000)";
/// What is quieter than this is silence; the module's own value.
const THRESHOLD: u16 = 200;

/// Writes replies, in the voices and with the addresses of the settings.
pub struct Work {
    base: Box<str>,
    settings: Settings,
}

impl Work {
    /// Addresses begin with `base`, which ends with `/`.
    #[must_use]
    pub fn new(settings: &Settings, base: &str) -> Self {
        Self { base: base.into(), settings: settings.clone() }
    }

    /// Writes a reply in the call `call`.
    #[must_use]
    pub fn reply(&self, reply: &Reply, call: &str) -> Vec<u8> {
        let mut page = begun();
        match &reply.then {
            Then::Collect(collect, step) => self.collect(&mut page, reply, collect, &self.at("step", step)),
            Then::Record(record, step) => {
                self.say(&mut page, self.voiced(reply, &reply.say));
                let to = self.at("recorded", step);
                match self.settings.recordings.path() {
                    Some(folder) => record_into(&mut page, record, folder, &recording_name(DIALECT, call, step), &to),
                    None => go_on(&mut page, &to),
                }
            }
            Then::Transfer(Transfer { to, ring }, step) => {
                self.say(&mut page, self.voiced(reply, &reply.say));
                let person = match to {
                    TransferTarget::Number(number) => Some(self.settings.number(number)),
                    TransferTarget::Sip(uri) => Some(self.settings.sip(uri)),
                    TransferTarget::Queue(_) => None,
                };
                match person {
                    Some(person) => dial(&mut page, &person, *ring, &self.at("transferred", step)),
                    // Told no way in which waiting ended, the conversation goes on as if nobody had answered.
                    None => go_on(&mut page, &self.at("queued", step)),
                }
            }
            // Nobody waits in a queue that could be left.
            Then::Leave(step) => {
                self.say(&mut page, self.voiced(reply, &reply.say));
                go_on(&mut page, &self.at("queued", step));
            }
            Then::HangUp => {
                self.say(&mut page, self.voiced(reply, &reply.say));
                hang_up(&mut page);
            }
        }
        ended(page)
    }

    /// Writes last words.
    #[must_use]
    pub fn busy(&self, language: Language, words: &str) -> Vec<u8> {
        let mut page = begun();
        self.say(&mut page, vec![(self.settings.voice(language), Speech::of_text(words, Pace::Usual))]);
        hang_up(&mut page);
        ended(page)
    }

    /// Waits for keys with the last that is said; what was keyed before is kept for it.
    fn collect(&self, page: &mut Page, reply: &Reply, collect: &Collect, to: &str) {
        let (before, during) = reply.heard_out(collect);
        let (mut said, mut stopped) = (self.voiced(reply, before), self.voiced(reply, during));
        let last = stopped.pop();
        said.append(&mut stopped);
        self.say(page, said);
        let further = EACH_KEY * u32::from(collect.expected().saturating_sub(1));
        let wait = millis((collect.first_key + further).min(LONGEST_WAIT));
        let (between, finish) = (millis(collect.between_keys), collect.finish.map(|key| key.as_char().to_string()));
        let mut keys = vec![("name", KEYS), ("action", to), ("digit-timeout", &*between)];
        if let Some(finish) = &finish {
            keys.push(("terminators", finish.as_str()));
        }
        let texts = last.and_then(|(voice, speech)| Some((voice, self.texts(&speech).pop()?)));
        if let Some((voice, text)) = &texts {
            let speech = [("engine", &*voice.engine), ("voice", &*voice.voice), ("text", text.as_str())];
            page.start("speak", &[&speech[..], &keys, &[("input-timeout", &*wait)]].concat());
            bind(page, collect);
            page.end("speak");
        } else {
            page.start("pause", &[&[("milliseconds", &*wait)][..], &keys].concat());
            bind(page, collect);
            page.end("pause");
        }
    }

    /// Says what each voice has to say, whatever is keyed.
    fn say(&self, page: &mut Page, said: Vec<(Voice, Speech)>) {
        for (voice, speech) in said {
            for text in self.texts(&speech) {
                page.empty("speak", &[("engine", &*voice.engine), ("voice", &*voice.voice), ("text", &*text)]);
            }
        }
    }

    /// What is spoken, voice by voice.
    fn voiced(&self, reply: &Reply, prompts: &[Prompt]) -> Vec<(Voice, Speech)> {
        let said = |words: Words<'_>| Speech::of_pieces(words.pieces(), reply.pace);
        let voiced = reply.spoken(prompts).map(|(language, words)| (self.settings.voice(language), said(words)));
        // What is all silence has no text.
        voiced.filter(|(_, speech)| !self.texts(speech).is_empty()).collect()
    }

    /// `speech` as an engine takes it: plain, or with its breaks and its pace where that is understood.
    fn texts(&self, speech: &Speech) -> Vec<String> {
        let text = |chunk: Chunk<'_>| {
            let is_slow = speech.pace == Pace::Slow;
            if !self.settings.ssml || (chunk.plain().is_some() && !is_slow) {
                return chunk.parts().fold(String::new(), |text, part| match part {
                    Part::Words(words) => text + words,
                    Part::Break(_) => text,
                });
            }
            let (open, close) = if is_slow {
                (format!(r#"<prosody rate="-{}%">"#, 100 - Pace::SLOW), "</prosody>")
            } else {
                (String::new(), "")
            };
            let inside = chunk.parts().fold(open, |text, part| match part {
                Part::Words(words) => text + &quick_xml::escape::partial_escape(words),
                Part::Break(time) => text + &format!(r#"<break time="{}ms"/>"#, time.as_millis()),
            });
            format!(r#"<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis">{inside}{close}</speak>"#)
        };
        speech.chunks(&LIMIT).map(text).collect()
    }

    fn at(&self, path: &str, step: &str) -> String {
        format!("{}{path}/{step}", self.base)
    }
}

fn begun() -> Page {
    let mut page = Page::new("document", &[("type", "xml/freeswitch-httapi")]);
    page.start("work", &[]);
    page
}

fn ended(mut page: Page) -> Vec<u8> {
    page.end("work");
    page.finish()
}

/// What may be keyed. A pattern that stands alone is taken as soon as it fits, one of two when time is up or the terminator is
/// pressed, with which it must fit, too.
fn bind(page: &mut Page, collect: &Collect) {
    let most = collect.max.max(1);
    let Some(finish) = collect.finish else {
        return page.element("bind", &[], &format!("~^[0-9*#]{{{most}}}$"));
    };
    let (others, end) = match finish {
        Key::Hash => ("[0-9*]", "#"),
        Key::Star => ("[0-9#]", r"\*"),
        Key::Digit(_) => ("[0-9*#]", ""),
    };
    let finish = finish.as_char().to_string();
    let end = if end.is_empty() { finish.as_str() } else { end };
    // Where terminators are not known, the key is taken off here.
    let strip = [("strip", &*finish)];
    page.element("bind", &strip, &format!("~^{others}{{0,{most}}}{end}?$"));
    // Too many are told as well, and not lost as if nothing had been keyed.
    page.element("bind", &strip, &format!("~^{others}{{{},}}{end}?$", u16::from(most) + 1));
}

/// Records onto FreeSWITCH' own disk, and tells how long it is, even when the caller has hung up.
fn record_into(page: &mut Page, record: &Record, folder: &str, name: &str, to: &str) {
    let name = name.replace(':', "-");
    let (longest, silence) = (whole_seconds(record.longest), whole_seconds(record.silence));
    let data = format!("{folder}/{name}.wav {longest} {THRESHOLD} {silence}");
    // Of an earlier recording of the call nothing must be told here.
    page.empty("execute", &[("application", "unset"), ("data", RECORDED), ("action", to)]);
    page.empty("playback", &[("file", TONE)]);
    page.empty("execute", &[("application", "record"), ("data", &data)]);
    page.empty("getVar", &[("name", RECORDED)]);
}

/// Rings at a person's; the call comes back.
fn dial(page: &mut Page, person: &str, ring: Duration, to: &str) {
    page.empty("execute", &[("application", "unset"), ("data", DISPOSITION), ("action", to)]);
    page.element("dial", &[], &format!("[leg_timeout={}]{person}", whole_seconds(ring)));
    page.empty("getVar", &[("name", DISPOSITION)]);
}

/// Goes on at once with what is to be had at `to`.
fn go_on(page: &mut Page, to: &str) {
    page.empty("continue", &[("action", to)]);
}

fn hang_up(page: &mut Page) {
    page.empty("hangup", &[("cause", "NORMAL_CLEARING")]);
}

/// At least one: none would be taken for a mistake, and the module's own time be waited.
fn millis(time: Duration) -> String {
    time.as_millis().max(1).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dialog::BargeIn;
    use crate::telephony::testing::{collect, prompt, reply};

    const ID: &str = "5d0c4f4e-7c1b-4a53-9a77-0242ac120002";
    const VOICE: &str = r#"<speak engine="unimrcp" voice="zh-CN""#;

    fn work(settings: &str) -> Work {
        Work::new(&toml::from_str(settings).unwrap(), "https://hotline.example/httapi/geheim/")
    }

    fn says(say: &[&str], pace: Pace, then: Then) -> Reply {
        Reply { pace, ..reply(say.iter().map(|id| prompt(id)).collect(), then) }
    }

    /// The work of a reply, `…` for its addresses.
    fn done(settings: &str, reply: &Reply) -> String {
        let text = String::from_utf8(work(settings).reply(reply, ID)).unwrap();
        let begin = r#"<?xml version="1.0" encoding="UTF-8"?><document type="xml/freeswitch-httapi"><work>"#;
        let inside = text.strip_prefix(begin).and_then(|rest| rest.strip_suffix("</work></document>"));
        inside.unwrap_or_else(|| panic!("{text}")).replace("https://hotline.example/httapi/geheim", "…")
    }

    #[test]
    fn a_menu_takes_one_key_at_once() {
        assert_eq!(
            done("", &says(&["greeting", "menu"], Pace::Usual, collect(1, None, 6000, 4500, BargeIn::Always))),
            format!(
                "{VOICE} text=\"您好。查询请按一。\" name=\"keys\" action=\"…/step/AbC-_9\" digit-timeout=\"4500\" input-timeout=\"6000\">\
                 <bind>~^[0-9*#]{{1}}$</bind></speak>"
            )
        );
    }

    #[test]
    fn an_entry_takes_what_was_keyed_when_time_is_up() {
        assert_eq!(
            done(
                "",
                &says(
                    &["greeting", "menu"],
                    Pace::Usual,
                    collect(37, Some(Key::Hash), 6000, 4500, BargeIn::AfterPrompts(1))
                )
            ),
            format!(
                "{VOICE} text=\"您好。\"/>\
                 {VOICE} text=\"查询请按一。\" name=\"keys\" action=\"…/step/AbC-_9\" digit-timeout=\"4500\" terminators=\"#\" input-timeout=\"42000\">\
                 <bind strip=\"#\">~^[0-9*]{{0,37}}#?$</bind><bind strip=\"#\">~^[0-9*]{{38,}}#?$</bind></speak>"
            )
        );
        assert_eq!(
            done("", &says(&[], Pace::Usual, collect(4, Some(Key::Star), 6000, 4500, BargeIn::Always))),
            "<pause milliseconds=\"10000\" name=\"keys\" action=\"…/step/AbC-_9\" digit-timeout=\"4500\" terminators=\"*\">\
             <bind strip=\"*\">~^[0-9#]{0,4}\\*?$</bind><bind strip=\"*\">~^[0-9#]{5,}\\*?$</bind></pause>"
        );
        let long = done("", &says(&[], Pace::Usual, collect(200, None, 6000, 4500, BargeIn::Always)));
        assert!(long.contains("milliseconds=\"120000\"") && long.contains("~^[0-9*#]{200}$"), "{long}");
    }

    #[test]
    fn of_several_voices_the_last_waits_for_keys() {
        let say = vec![
            prompt("menu"),
            prompt("menu").in_language(Language::Cantonese),
            prompt("menu").in_language(Language::English),
        ];
        let text = done(
            r#"voices.en-US = { engine = "flite", voice = "s\"lt" }"#,
            &reply(say, collect(1, None, 6000, 4500, BargeIn::Always)),
        );
        let expected = format!(
            "{VOICE} text=\"查询请按一。\"/><speak engine=\"unimrcp\" voice=\"zh-HK\" text=\"查询请揿一。\"/>\
             <speak engine=\"flite\" voice=\"s&quot;lt\" text=\"For enquiries, press one.\" name=\"keys\""
        );
        assert!(text.starts_with(&expected), "{text}");
        assert_eq!(text.matches("<bind").count(), 1);
    }

    #[test]
    fn a_transfer_comes_back_and_a_queue_is_none() {
        let transfer = |to| Then::Transfer(Transfer { to, ring: Duration::from_secs(25) }, "S".into());
        let dialled = |person: &str| {
            format!(
                "<execute application=\"unset\" data=\"originate_disposition\" action=\"…/transferred/S\"/>\
                 <dial>[leg_timeout=25]{person}</dial><getVar name=\"originate_disposition\"/>"
            )
        };
        let number = says(&["greeting"], Pace::Usual, transfer(TransferTarget::Number("+861012333".into())));
        let said = format!("{VOICE} text=\"您好。\"/>");
        assert_eq!(done("", &number), format!("{said}{}", dialled("sofia/gateway/hotline/+861012333")));
        let sip = says(&[], Pace::Usual, transfer(TransferTarget::Sip("sip:agents@pbx.example".into())));
        assert_eq!(done("dial_sip = \"sofia/internal/{to}\"", &sip), dialled("sofia/internal/agents@pbx.example"));
        let queue = says(&["greeting"], Pace::Usual, transfer(TransferTarget::Queue("agents".into())));
        assert_eq!(done("", &queue), format!("{said}<continue action=\"…/queued/S\"/>"));
        assert_eq!(done("", &says(&["greeting"], Pace::Usual, Then::Leave("S".into()))), done("", &queue));
    }

    #[test]
    fn a_recording_stays_there_or_there_is_none() {
        let record =
            Record { longest: Duration::from_mins(2), finish: Key::Hash, silence: Duration::from_millis(4500) };
        let reply = says(&[], Pace::Usual, Then::Record(record, "S".into()));
        assert_eq!(done("", &reply), "<continue action=\"…/recorded/S\"/>");
        assert_eq!(
            done("recordings = \"/var/lib/hotline/\"", &reply),
            "<execute application=\"unset\" data=\"record_seconds\" action=\"…/recorded/S\"/>\
             <playback file=\"tone_stream://%(250,0,1000)\"/>\
             <execute application=\"record\" data=\"/var/lib/hotline/httapi-5d0c4f4e-7c1b-4a53-9a77-0242ac120002-8de0b3c47f112c59.wav 120 200 5\"/>\
             <getVar name=\"record_seconds\"/>"
        );
    }

    #[test]
    fn a_hang_up_says_goodbye_first_and_so_do_last_words() {
        let goodbye = says(&["greeting"], Pace::Usual, Then::HangUp);
        assert_eq!(done("", &goodbye), format!("{VOICE} text=\"您好。\"/><hangup cause=\"NORMAL_CLEARING\"/>"));
        let busy = String::from_utf8(work("").busy(Language::Mandarin, "再见。<&\u{0}")).unwrap();
        assert!(
            busy.ends_with("text=\"再见。&lt;&amp;\"/><hangup cause=\"NORMAL_CLEARING\"/></work></document>"),
            "{busy}"
        );
    }

    #[test]
    fn slow_speech_is_slow_where_marks_are_read() {
        let slow = says(&["greeting", "menu"], Pace::Slow, Then::HangUp);
        assert!(done("", &slow).starts_with(&format!("{VOICE} text=\"您好。查询请按一。\"/>")));
        let text = done("ssml = true", &slow);
        let marked = "&lt;speak version=&quot;1.0&quot; xmlns=&quot;http://www.w3.org/2001/10/synthesis&quot;&gt;\
            &lt;prosody rate=&quot;-15%&quot;&gt;您好。&lt;break time=&quot;400ms&quot;/&gt;查询请按一。&lt;/prosody&gt;&lt;/speak&gt;";
        assert!(text.starts_with(&format!("{VOICE} text=\"{marked}\"/>")), "{text}");
        let usual = says(&["greeting"], Pace::Usual, Then::HangUp);
        assert_eq!(done("ssml = true", &usual), done("", &usual));
    }

    proptest! {
        #[test]
        fn any_text_is_said_and_is_no_markup(text in any::<String>(), ssml: bool) {
            let work = work(&format!("ssml = {ssml}"));
            let document = String::from_utf8(work.busy(Language::Mandarin, &text)).unwrap();
            let mut reader = quick_xml::Reader::from_str(&document);
            let mut elements = Vec::new();
            loop {
                match reader.read_event().unwrap() {
                    quick_xml::events::Event::Start(e) | quick_xml::events::Event::Empty(e) => {
                        elements.push(e.name().as_ref().to_owned());
                    }
                    quick_xml::events::Event::Eof => break,
                    _ => {}
                }
            }
            elements.retain(|name| name != "speak");
            prop_assert_eq!(elements, ["document", "work", "hangup"]);
        }
    }
}
