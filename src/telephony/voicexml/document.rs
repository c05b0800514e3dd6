//! How is it said? A reply as a document.

use std::time::Duration;

use super::request::DIALECT;
use super::settings::{Settings, Voice};
use crate::dialog::{Collect, Record, Transfer, TransferTarget};
use crate::secret::Key;
use crate::speech::language::Language;
use crate::speech::prompt::Prompt;
use crate::speech::words::Words;
use crate::telephony::spoken::{Limit, Part, Speech};
use crate::telephony::xml::Page;
use crate::telephony::{Pace, Reply, Then, recording_name};

/// Characters, since engines take no more at a time than they please.
const LIMIT: Limit<1> = Limit { most: [1000], around: [0], silence: [0], character: |_| [1] };
/// How long a gateway waits for a document. One is answered within three seconds.
const FETCH: &str = "10s";

/// The numbers of a call. A gateway need not have them; one that has none must not stop at the question.
const CALLER: &str = "session.connection && session.connection.remote ? session.connection.remote.uri : ''";
const DIALLED: &str = "session.connection && session.connection.local ? session.connection.local.uri : ''";
/// What was keyed where it matched nothing, if the gateway tells it.
const UNMATCHED: &str = "application.lastresult$ ? application.lastresult$.utterance : ''";
/// Whole seconds, told in milliseconds.
const SECONDS: &str = "Math.ceil(message$.duration / 1000)";

/// What every request tells of its call.
const OF_CALL: &str = "caller dialled";
/// The same, and what happened.
const HOW: &str = "how caller dialled";

/// Writes replies, in the voices and with the addresses of the settings.
pub struct Documents {
    base: Box<str>,
    recorder: Option<Box<str>>,
    mandarin: Voice,
    cantonese: Voice,
    english: Voice,
}

/// What is said when nothing else can be, and its language: every document has it with it.
pub type LastWords = (Language, Box<str>);

impl Documents {
    /// Addresses begin with `base`, which ends with `/`.
    #[must_use]
    pub fn new(settings: &Settings, base: &str) -> Self {
        Self {
            base: base.into(),
            recorder: settings.recorder().map(Into::into),
            mandarin: settings.voice(Language::Mandarin),
            cantonese: settings.voice(Language::Cantonese),
            english: settings.voice(Language::English),
        }
    }

    /// Writes the first document, which gives the call its id and asks for its numbers.
    #[must_use]
    pub fn start(&self, call: &str, last_words: &LastWords) -> Vec<u8> {
        let mut page = self.page(last_words.0, call, last_words, true);
        page.start("form", &[]);
        page.start("block", &[]);
        submit(&mut page, &self.at(call, "dialled"), OF_CALL);
        page.end("block");
        page.end("form");
        page.finish()
    }

    /// Writes a reply in the call `call`.
    #[must_use]
    pub fn reply(&self, reply: &Reply, call: &str, last_words: &LastWords) -> Vec<u8> {
        self.written(reply, call, last_words, true)
    }

    /// Writes a reply to whom something failed. What fails again has no other way on: a gateway that cannot speak a document
    /// can speak none, and would ask for ever.
    #[must_use]
    pub fn resumed(&self, reply: &Reply, call: &str, last_words: &LastWords) -> Vec<u8> {
        self.written(reply, call, last_words, false)
    }

    fn written(&self, reply: &Reply, call: &str, last_words: &LastWords, falls_back: bool) -> Vec<u8> {
        let mut page = self.page(reply.language, call, last_words, falls_back);
        page.start("form", &[]);
        match &reply.then {
            Then::Collect(collect, step) => self.field(&mut page, reply, collect, &self.step(call, "step", step)),
            Then::Record(record, step) => {
                let to = self.step(call, "recorded", step);
                match &self.recorder {
                    Some(recorder) => self.record(&mut page, reply, record, recorder, &to, (call, &**step)),
                    None => self.go_on(&mut page, reply, &to, "silence"),
                }
            }
            Then::Transfer(Transfer { to, ring }, step) => {
                let to = match to {
                    TransferTarget::Number(number) => Some(format!("tel:{number}")),
                    TransferTarget::Sip(uri) => Some(uri.to_string()),
                    TransferTarget::Queue(_) => None,
                };
                match to {
                    Some(to) => {
                        self.transfer(&mut page, reply, &to, *ring, &self.step(call, "transferred", step));
                    }
                    // Told no way in which waiting ended, the conversation goes on as if nobody had answered.
                    None => self.go_on(&mut page, reply, &self.step(call, "queued", step), "unknown"),
                }
            }
            // Nobody waits in a queue that could be left.
            Then::Leave(step) => self.go_on(&mut page, reply, &self.step(call, "queued", step), "unknown"),
            Then::HangUp => {
                page.start("block", &[]);
                self.say(&mut page, reply, &reply.say, false);
                page.empty("disconnect", &[]);
                page.end("block");
            }
        }
        page.end("form");
        page.finish()
    }

    /// Writes last words.
    #[must_use]
    pub fn busy(&self, last_words: &LastWords) -> Vec<u8> {
        let mut page = bare(&self.voice(last_words.0).language);
        page.start("form", &[]);
        page.start("block", &[]);
        self.say_last_words(&mut page, last_words);
        page.end("block");
        page.end("form");
        page.finish()
    }

    /// Writes the end, for a call that is over.
    #[must_use]
    pub fn end() -> Vec<u8> {
        let mut page = bare("");
        page.start("form", &[]);
        page.start("block", &[]);
        page.empty("exit", &[]);
        page.end("block");
        page.end("form");
        page.finish()
    }

    /// Begins a document: what holds all through it, the end of the call, and what to do when something fails: at first ask for
    /// another way on, if it `falls_back`, and then have the last words.
    fn page(&self, language: Language, call: &str, last_words: &LastWords, falls_back: bool) -> Page {
        let mut page = bare(&self.voice(language).language);
        property(&mut page, "inputmodes", "dtmf");
        property(&mut page, "fetchtimeout", FETCH);
        page.empty("var", &[("name", "caller"), ("expr", CALLER)]);
        page.empty("var", &[("name", "dialled"), ("expr", DIALLED)]);
        page.empty("var", &[("name", "how"), ("expr", "''")]);
        page.start("catch", &[("event", "connection.disconnect")]);
        submit(&mut page, &self.at(call, "ended"), OF_CALL);
        page.end("catch");
        if falls_back {
            page.start("catch", &[("event", "error"), ("count", "1")]);
            submit(&mut page, &self.at(call, "fallback"), OF_CALL);
            page.end("catch");
        }
        page.start("catch", &[("event", "error"), ("count", if falls_back { "2" } else { "1" })]);
        self.say_last_words(&mut page, last_words);
        page.end("catch");
        page
    }

    /// Waits for keys.
    fn field(&self, page: &mut Page, reply: &Reply, collect: &Collect, to: &str) {
        let finish = collect.finish.map(|key| key.as_char().to_string()).unwrap_or_default();
        page.start("field", &[("name", "keys")]);
        property(page, "timeout", &time(collect.first_key));
        property(page, "interdigittimeout", &time(collect.between_keys));
        // Empty, every key is data; where it is missing, it is `#`.
        property(page, "termchar", &finish);
        // An entry ends by itself at its last key.
        property(page, "termtimeout", "0s");
        grammar(page, collect);
        let (before, during) = reply.heard_out(collect);
        self.say(page, reply, before, false);
        self.say(page, reply, during, true);
        page.start("noinput", &[]);
        tell(page, "silence", to, HOW);
        page.end("noinput");
        page.start("nomatch", &[]);
        page.empty("assign", &[("name", "keys"), ("expr", UNMATCHED)]);
        tell(page, "nomatch", to, "keys how caller dialled");
        page.end("nomatch");
        page.start("filled", &[]);
        tell(page, "keys", to, "keys how caller dialled");
        page.end("filled");
        page.end("field");
    }

    /// Records after a tone, and posts it to the recorder under the name it is to be kept as. It is told even when the caller has
    /// hung up: then the gateway goes on for as long as it need not wait for anything.
    fn record(
        &self,
        page: &mut Page,
        reply: &Reply,
        record: &Record,
        recorder: &str,
        to: &str,
        (call, step): (&str, &str),
    ) {
        let told = "seconds how caller dialled";
        let name = format!("'{}'", recording_name(DIALECT, call, step));
        let post = |page: &mut Page, how: &str| {
            let upload = [
                ("src", recorder),
                ("method", "post"),
                ("enctype", "multipart/form-data"),
                ("namelist", "recording message"),
            ];
            page.empty("assign", &[("name", "seconds"), ("expr", SECONDS)]);
            page.empty("data", &upload);
            tell(page, how, to, told);
        };
        page.empty("var", &[("name", "recording"), ("expr", &name)]);
        page.empty("var", &[("name", "seconds"), ("expr", "0")]);
        let (longest, silence) = (time(record.longest), time(record.silence));
        let attributes = [
            ("name", "message"),
            ("beep", "true"),
            ("maxtime", &*longest),
            ("finalsilence", &*silence),
            // Any key ends it: with some gateways one cannot be told from another here.
            ("dtmfterm", "true"),
        ];
        page.start("record", &attributes);
        property(page, "timeout", &silence);
        self.say(page, reply, &reply.say, false);
        page.start("noinput", &[]);
        tell(page, "silence", to, told);
        page.end("noinput");
        page.start("catch", &[("event", "connection.disconnect")]);
        page.start("if", &[("cond", "message != undefined")]);
        post(page, "hangup");
        page.empty("else", &[]);
        submit(page, &self.at(call, "ended"), OF_CALL);
        page.end("if");
        page.end("catch");
        // The recorder did not take it: nothing was recorded.
        page.start("catch", &[("event", "error"), ("count", "1")]);
        tell(page, "error", to, told);
        page.end("catch");
        page.start("filled", &[]);
        post(page, "recorded");
        page.end("filled");
        page.end("record");
    }

    /// Rings at a person's; the call comes back.
    fn transfer(&self, page: &mut Page, reply: &Reply, to: &str, ring: Duration, step: &str) {
        let ring = time(ring);
        let attributes = [("name", "person"), ("dest", to), ("bridge", "true"), ("connecttimeout", &*ring)];
        page.start("transfer", &attributes);
        self.say(page, reply, &reply.say, false);
        page.start("catch", &[("event", "error"), ("count", "1")]);
        tell(page, "error", step, HOW);
        page.end("catch");
        page.start("filled", &[]);
        page.empty("assign", &[("name", "how"), ("expr", "person")]);
        submit(page, step, HOW);
        page.end("filled");
        page.end("transfer");
    }

    /// Goes on at once with what is to be had at `to`.
    fn go_on(&self, page: &mut Page, reply: &Reply, to: &str, how: &str) {
        page.start("block", &[]);
        self.say(page, reply, &reply.say, false);
        tell(page, how, to, HOW);
        page.end("block");
    }

    /// Says `prompts`, each voice in as many pieces as the limit asks for.
    fn say(&self, page: &mut Page, reply: &Reply, prompts: &[Prompt], keys_stop_it: bool) {
        let said = |words: Words<'_>| Speech::of_pieces(words.pieces(), reply.pace);
        for (language, words) in reply.spoken(prompts) {
            say_one(page, self.voice(language), &said(words), keys_stop_it);
        }
    }

    fn say_last_words(&self, page: &mut Page, (language, words): &LastWords) {
        say_one(page, self.voice(*language), &Speech::of_text(words, Pace::Usual), false);
        page.empty("disconnect", &[]);
    }

    fn voice(&self, language: Language) -> &Voice {
        match language {
            Language::Mandarin => &self.mandarin,
            Language::Cantonese => &self.cantonese,
            Language::English => &self.english,
        }
    }

    fn at(&self, call: &str, path: &str) -> String {
        format!("{}{call}/{path}", self.base)
    }

    fn step(&self, call: &str, path: &str, step: &str) -> String {
        format!("{}{call}/{path}/{step}", self.base)
    }
}

/// A document with nothing in it.
fn bare(language: &str) -> Page {
    let mut attributes = vec![("version", "2.1"), ("xmlns", "http://www.w3.org/2001/vxml")];
    if !language.is_empty() {
        attributes.push(("xml:lang", language));
    }
    Page::new("vxml", &attributes)
}

fn property(page: &mut Page, name: &str, value: &str) {
    page.empty("property", &[("name", name), ("value", value)]);
}

fn submit(page: &mut Page, to: &str, names: &str) {
    page.empty("submit", &[("next", to), ("method", "post"), ("namelist", names)]);
}

/// Tells what happened.
fn tell(page: &mut Page, how: &str, to: &str, names: &str) {
    page.empty("assign", &[("name", "how"), ("expr", &format!("'{how}'"))]);
    submit(page, to, names);
}

/// One key after the other, as many as there may be: each one of a keypad but the one that ends the entry.
fn grammar(page: &mut Page, collect: &Collect) {
    let most = collect.max.max(1);
    let repeat = format!("1-{most}");
    page.start("grammar", &[("mode", "dtmf"), ("version", "1.0"), ("root", "entry")]);
    page.start("rule", &[("id", "entry"), ("scope", "public")]);
    page.start("item", &[("repeat", if most == 1 { "1" } else { &repeat })]);
    page.empty("ruleref", &[("uri", "#key")]);
    page.end("item");
    page.end("rule");
    page.start("rule", &[("id", "key")]);
    page.start("one-of", &[]);
    for key in Key::ALL.into_iter().filter(|key| Some(*key) != collect.finish) {
        page.element("item", &[], &key.as_char().to_string());
    }
    page.end("one-of");
    page.end("rule");
    page.end("grammar");
}

fn say_one(page: &mut Page, voice: &Voice, speech: &Speech, keys_stop_it: bool) {
    let is_slow = speech.pace == Pace::Slow;
    // SSML 1.0 has no other way to write a share: 85 % of the usual speed.
    let slower = format!("-{}%", 100 - Pace::SLOW);
    let mut attributes = vec![("bargein", if keys_stop_it { "true" } else { "false" })];
    if !voice.language.is_empty() {
        attributes.push(("xml:lang", &*voice.language));
    }
    for chunk in speech.chunks(&LIMIT) {
        page.start("prompt", &attributes);
        if !voice.voice.is_empty() {
            page.start("voice", &[("name", &*voice.voice)]);
        }
        if is_slow {
            page.start("prosody", &[("rate", &*slower)]);
        }
        for part in chunk.parts() {
            match part {
                Part::Words(words) => page.text(words),
                Part::Break(length) => page.empty("break", &[("time", &*time(length))]),
            }
        }
        if is_slow {
            page.end("prosody");
        }
        if !voice.voice.is_empty() {
            page.end("voice");
        }
        page.end("prompt");
    }
}

/// As the language writes times; none is nothing, which would not be waited for at all.
fn time(time: Duration) -> String {
    let millis = time.as_millis().max(1);
    if millis.is_multiple_of(1000) { format!("{}s", millis / 1000) } else { format!("{millis}ms") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dialog::BargeIn;
    use crate::telephony::spoken::legal;
    use crate::telephony::testing::{collect, prompt, reply};

    const ID: &str = "ABCDEFGHIJKLMNOPQRST2345";
    const HERE: &str = "https://hotline.example/voicexml/geheim/";
    /// What every document begins with, `…` for the addresses.
    const HEAD: &str = concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?>"#,
        r#"<vxml version="2.1" xmlns="http://www.w3.org/2001/vxml" xml:lang="zh-CN">"#,
        r#"<property name="inputmodes" value="dtmf"/><property name="fetchtimeout" value="10s"/>"#,
        r#"<var name="caller" expr="session.connection &amp;&amp; session.connection.remote ? session.connection.remote.uri : &apos;&apos;"/>"#,
        r#"<var name="dialled" expr="session.connection &amp;&amp; session.connection.local ? session.connection.local.uri : &apos;&apos;"/>"#,
        r#"<var name="how" expr="&apos;&apos;"/>"#,
        r#"<catch event="connection.disconnect"><submit next="…/ended" method="post" namelist="caller dialled"/></catch>"#,
        r#"<catch event="error" count="1"><submit next="…/fallback" method="post" namelist="caller dialled"/></catch>"#,
        r#"<catch event="error" count="2"><prompt bargein="false" xml:lang="zh-CN">系统繁忙。</prompt><disconnect/></catch>"#,
    );

    fn documents(settings: &str) -> Documents {
        let settings: Settings = toml::from_str(settings).unwrap();
        Documents::new(&settings, HERE)
    }

    fn last_words() -> LastWords {
        (Language::Mandarin, "系统繁忙。".into())
    }

    fn says(say: &[&str], pace: Pace, then: Then) -> Reply {
        Reply { pace, ..reply(say.iter().map(|id| prompt(id)).collect(), then) }
    }

    /// What stands in the form of a reply.
    fn form(settings: &str, reply: &Reply) -> String {
        let text = String::from_utf8(documents(settings).reply(reply, ID, &last_words())).unwrap();
        let text = text.replace(&format!("{HERE}{ID}"), "…");
        let (head, form) = text.split_once("<form>").unwrap();
        assert!(head == HEAD || settings.contains("voices"), "{head}");
        form.strip_suffix("</form></vxml>").unwrap_or_else(|| panic!("{text}")).to_owned()
    }

    #[test]
    fn the_first_document_asks_for_the_numbers() {
        let text =
            String::from_utf8(documents("").start(ID, &last_words())).unwrap().replace(&format!("{HERE}{ID}"), "…");
        let form = r#"<form><block><submit next="…/dialled" method="post" namelist="caller dialled"/></block></form>"#;
        assert_eq!(text, format!("{HEAD}{form}</vxml>"));
    }

    #[test]
    fn a_menu_takes_one_key_of_all() {
        let items: String =
            "0123456789*#".chars().flat_map(|key| ["<item>".into(), key.to_string(), "</item>".into()]).collect();
        let expected = [
            r#"<field name="keys"><property name="timeout" value="6s"/><property name="interdigittimeout" value="4500ms"/>"#,
            r#"<property name="termchar" value=""/><property name="termtimeout" value="0s"/>"#,
            r##"<grammar mode="dtmf" version="1.0" root="entry"><rule id="entry" scope="public"><item repeat="1"><ruleref uri="#key"/></item></rule>"##,
            r#"<rule id="key"><one-of>"#,
            &items,
            "</one-of></rule></grammar>",
            r#"<prompt bargein="true" xml:lang="zh-CN">您好。查询请按一。</prompt>"#,
            r#"<noinput><assign name="how" expr="&apos;silence&apos;"/><submit next="…/step/AbC-_9" method="post" namelist="how caller dialled"/></noinput>"#,
            r#"<nomatch><assign name="keys" expr="application.lastresult$ ? application.lastresult$.utterance : &apos;&apos;"/>"#,
            r#"<assign name="how" expr="&apos;nomatch&apos;"/><submit next="…/step/AbC-_9" method="post" namelist="keys how caller dialled"/></nomatch>"#,
            r#"<filled><assign name="how" expr="&apos;keys&apos;"/><submit next="…/step/AbC-_9" method="post" namelist="keys how caller dialled"/></filled>"#,
            "</field>",
        ]
        .concat();
        assert_eq!(
            form("", &says(&["greeting", "menu"], Pace::Usual, collect(1, None, 6000, 4500, BargeIn::Always))),
            expected
        );
    }

    #[test]
    fn an_entry_has_a_key_that_ends_it_and_no_other_is_missing() {
        let text = form(
            "",
            &says(
                &["greeting", "menu"],
                Pace::Usual,
                collect(18, Some(Key::Hash), 6000, 4500, BargeIn::AfterPrompts(1)),
            ),
        );
        assert!(text.contains(r##"<property name="termchar" value="#"/>"##), "{text}");
        assert!(text.contains(r#"<item repeat="1-18">"#) && text.contains("<item>*</item></one-of>"), "{text}");
        assert!(
            text.contains(concat!(
                r#"<prompt bargein="false" xml:lang="zh-CN">您好。</prompt>"#,
                r#"<prompt bargein="true" xml:lang="zh-CN">查询请按一。</prompt>"#
            )),
            "{text}"
        );
        let star = form("", &says(&[], Pace::Usual, collect(4, Some(Key::Star), 6000, 4500, BargeIn::Always)));
        assert!(star.contains("<item>9</item><item>#</item></one-of>"), "{star}");
        assert!(!star.contains("<prompt"), "{star}");
    }

    #[test]
    fn a_transfer_comes_back() {
        let transfer = |to| Then::Transfer(Transfer { to, ring: Duration::from_secs(25) }, "S".into());
        let number = says(&["greeting"], Pace::Usual, transfer(TransferTarget::Number("+861012333".into())));
        assert_eq!(
            form("", &number),
            concat!(
                r#"<transfer name="person" dest="tel:+861012333" bridge="true" connecttimeout="25s">"#,
                r#"<prompt bargein="false" xml:lang="zh-CN">您好。</prompt>"#,
                r#"<catch event="error" count="1"><assign name="how" expr="&apos;error&apos;"/><submit next="…/transferred/S" method="post" namelist="how caller dialled"/></catch>"#,
                r#"<filled><assign name="how" expr="person"/><submit next="…/transferred/S" method="post" namelist="how caller dialled"/></filled>"#,
                r#"</transfer>"#
            )
        );
        let sip = says(&[], Pace::Usual, transfer(TransferTarget::Sip("sip:a@b.example?c=1&d=<2>".into())));
        assert!(form("", &sip).contains(r#"dest="sip:a@b.example?c=1&amp;d=&lt;2&gt;""#));
    }

    #[test]
    fn there_is_no_queue() {
        let transfer = Transfer { to: TransferTarget::Queue("agents".into()), ring: Duration::from_secs(25) };
        let expected = concat!(
            r#"<block><prompt bargein="false" xml:lang="zh-CN">您好。</prompt><assign name="how" expr="&apos;unknown&apos;"/>"#,
            r#"<submit next="…/queued/S" method="post" namelist="how caller dialled"/></block>"#
        );
        assert_eq!(form("", &says(&["greeting"], Pace::Usual, Then::Transfer(transfer, "S".into()))), expected);
        assert_eq!(form("", &says(&["greeting"], Pace::Usual, Then::Leave("S".into()))), expected);
    }

    #[test]
    fn a_recording_goes_to_the_recorder_or_there_is_none() {
        let record =
            Record { longest: Duration::from_mins(2), finish: Key::Hash, silence: Duration::from_millis(4500) };
        let reply = says(&["greeting"], Pace::Usual, Then::Record(record, "S".into()));
        assert_eq!(
            form("", &reply),
            concat!(
                r#"<block><prompt bargein="false" xml:lang="zh-CN">您好。</prompt><assign name="how" expr="&apos;silence&apos;"/>"#,
                r#"<submit next="…/recorded/S" method="post" namelist="how caller dialled"/></block>"#
            )
        );
        let told = r#"<submit next="…/recorded/S" method="post" namelist="seconds how caller dialled"/>"#;
        let how = |how: &str| format!(r#"<assign name="how" expr="&apos;{how}&apos;"/>{told}"#);
        let post = concat!(
            r#"<assign name="seconds" expr="Math.ceil(message$.duration / 1000)"/>"#,
            r#"<data src="https://recorder.example/a?b=1&amp;c" method="post" enctype="multipart/form-data" namelist="recording message"/>"#
        );
        let expected = [
            // Of the step `S` the first eight bytes of its SHA-256.
            r#"<var name="recording" expr="&apos;voicexml:ABCDEFGHIJKLMNOPQRST2345:8de0b3c47f112c59&apos;"/>"#,
            r#"<var name="seconds" expr="0"/>"#,
            r#"<record name="message" beep="true" maxtime="120s" finalsilence="4500ms" dtmfterm="true">"#,
            r#"<property name="timeout" value="4500ms"/><prompt bargein="false" xml:lang="zh-CN">您好。</prompt>"#,
            &format!("<noinput>{}</noinput>", how("silence")),
            r#"<catch event="connection.disconnect"><if cond="message != undefined">"#,
            &format!("{post}{}", how("hangup")),
            r#"<else/><submit next="…/ended" method="post" namelist="caller dialled"/></if></catch>"#,
            &format!(r#"<catch event="error" count="1">{}</catch>"#, how("error")),
            &format!("<filled>{post}{}</filled>", how("recorded")),
            "</record>",
        ]
        .concat();
        assert_eq!(form(r#"recorder = "https://recorder.example/a?b=1&c""#, &reply), expected);
    }

    #[test]
    fn a_hang_up_says_goodbye_first_and_so_do_last_words() {
        let goodbye = r#"<block><prompt bargein="false" xml:lang="zh-CN">您好。</prompt><disconnect/></block>"#;
        assert_eq!(form("", &says(&["greeting"], Pace::Usual, Then::HangUp)), goodbye);
        assert_eq!(
            String::from_utf8(documents("").busy(&last_words())).unwrap(),
            concat!(
                r#"<?xml version="1.0" encoding="UTF-8"?><vxml version="2.1" xmlns="http://www.w3.org/2001/vxml" xml:lang="zh-CN">"#,
                r#"<form><block><prompt bargein="false" xml:lang="zh-CN">系统繁忙。</prompt><disconnect/></block></form></vxml>"#
            )
        );
        assert_eq!(
            String::from_utf8(Documents::end()).unwrap(),
            concat!(
                r#"<?xml version="1.0" encoding="UTF-8"?><vxml version="2.1" xmlns="http://www.w3.org/2001/vxml">"#,
                r#"<form><block><exit/></block></form></vxml>"#
            )
        );
    }

    #[test]
    fn each_language_has_its_voice_and_slow_speech_is_slow() {
        let say = vec![
            prompt("menu"),
            prompt("menu").in_language(Language::Cantonese),
            prompt("greeting").in_language(Language::English),
        ];
        let settings = r#"voices.zh-CN = { language = "zh-CN", voice = "Ting\"ting" }"#;
        assert_eq!(
            form(settings, &reply(say, Then::HangUp)),
            concat!(
                r#"<block><prompt bargein="false" xml:lang="zh-CN"><voice name="Ting&quot;ting">查询请按一。</voice></prompt>"#,
                r#"<prompt bargein="false" xml:lang="zh-HK">查询请揿一。</prompt>"#,
                r#"<prompt bargein="false" xml:lang="en-US">Hello.</prompt><disconnect/></block>"#
            )
        );
        assert_eq!(
            form("", &says(&["greeting", "menu"], Pace::Slow, Then::HangUp)),
            concat!(
                r#"<block><prompt bargein="false" xml:lang="zh-CN"><prosody rate="-15%">您好。<break time="400ms"/>查询请按一。</prosody></prompt>"#,
                r#"<disconnect/></block>"#
            )
        );
    }

    proptest! {
        /// What is said is what is read back, whatever it is, and nothing of it is markup.
        #[test]
        fn any_text_is_said_as_it_is(text in any::<String>()) {
            let document = documents("").busy(&(Language::Mandarin, text.clone().into()));
            let document = String::from_utf8(document).unwrap();
            let mut reader = quick_xml::Reader::from_str(&document);
            let (mut elements, mut said) = (Vec::new(), String::new());
            loop {
                match reader.read_event().unwrap() {
                    quick_xml::events::Event::Start(start) => elements.push(start.name().as_ref().to_owned()),
                    quick_xml::events::Event::Text(text) => said.push_str(&text.xml10_content()),
                    quick_xml::events::Event::GeneralRef(entity) => match entity.resolve_char_ref().unwrap() {
                        Some(c) => said.push(c),
                        None => said.push_str(quick_xml::escape::resolve_predefined_entity(&entity.into_inner()).unwrap()),
                    },
                    quick_xml::events::Event::Eof => break,
                    _ => {}
                }
            }
            prop_assert!(elements.iter().all(|name| ["vxml", "form", "block", "prompt"].contains(&name.as_str())));
            let expected: String = legal(&text).collect();
            prop_assert!(said == expected || expected.trim().is_empty() || expected.chars().count() > 1000);
        }
    }
}
