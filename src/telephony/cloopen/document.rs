//! How is it said? A reply as the platform's commands.

use crate::dialog::Collect;
use crate::secret::Key;
use crate::speech::prompt::Prompt;
use crate::telephony::spoken::{Limit, Part, Speech};
use crate::telephony::{Pace, Reply, Then, whole_seconds, xml};

/// How much may be said at a time is not told: five hundred characters are more than any menu has.
const LIMIT: Limit<1> = Limit { most: [500], around: [0], silence: [0], character: |_| [1] };
/// What each further key adds to the time for all, in seconds.
const EACH_KEY: u64 = 2;
/// The longest that is waited for all keys, in seconds.
const LONGEST_WAIT: u64 = 60;

/// Writes a reply. Its addresses are names alone: the platform knows what is before them.
#[must_use]
pub fn reply(reply: &Reply) -> Vec<u8> {
    let mut page = Page(xml::Page::new("Response", &[]));
    match &reply.then {
        Then::Collect(collect, step) => page.collect(collect, step, reply),
        // Whoever is to be transferred hears that nobody can be reached.
        Then::Transfer(_, step) | Then::Leave(step) => {
            page.say(reply, &reply.say);
            page.redirect("person", step);
        }
        Then::Record(_, step) => {
            page.say(reply, &reply.say);
            page.redirect("recorded", step);
        }
        Then::HangUp => {
            page.say(reply, &reply.say);
            page.0.empty("Hangup", &[]);
        }
    }
    page.0.finish()
}

/// Writes last words.
#[must_use]
pub fn busy(words: &str) -> Vec<u8> {
    let mut page = Page(xml::Page::new("Response", &[]));
    page.say_one(&Speech::of_text(words, Pace::Usual));
    page.0.empty("Hangup", &[]);
    page.0.finish()
}

/// Writes that there is nothing to do.
#[must_use]
pub fn nothing() -> Vec<u8> {
    xml::Page::new("Response", &[]).finish()
}

/// A document that is being written.
struct Page(xml::Page);

impl Page {
    /// Waits for keys. All is said meanwhile: nothing can be said before.
    fn collect(&mut self, collect: &Collect, step: &str, reply: &Reply) {
        let further = EACH_KEY * u64::from(collect.expected().saturating_sub(1));
        let timeout = (whole_seconds(collect.first_key) + further).min(LONGEST_WAIT).to_string();
        let digits = collect.max.max(1).to_string();
        let finish = collect.finish.unwrap_or(Key::Hash).as_char().to_string();
        // In a menu the key that ends an entry is one of those that are offered.
        let name = if collect.max <= 1 && collect.finish.is_none() { "menu" } else { "step" };
        self.0.start(
            "Get",
            &[
                ("action", &*format!("{name}-{step}")),
                // Keys must not stand in an address.
                ("method", "POST"),
                ("numdigits", &digits),
                ("finishkey", &finish),
                ("timeout", &timeout),
            ],
        );
        self.say(reply, &reply.say);
        self.0.end("Get");
        self.redirect("silence", step);
    }

    /// Goes on with what is to be had there.
    fn redirect(&mut self, name: &str, step: &str) {
        self.0.element("Redirect", &[], &format!("{name}-{step}"));
    }

    fn say(&mut self, reply: &Reply, prompts: &[Prompt]) {
        for (_, words) in reply.spoken(prompts) {
            self.say_one(&Speech::of_pieces(words.pieces(), Pace::Usual));
        }
    }

    /// Says `speech`; its breaks are left to the voice.
    fn say_one(&mut self, speech: &Speech) {
        for chunk in speech.chunks(&LIMIT) {
            self.0.start("PlayTTS", &[]);
            for part in chunk.parts() {
                if let Part::Words(words) = part {
                    self.0.text(words);
                }
            }
            self.0.end("PlayTTS");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::dialog::{BargeIn, Record, Transfer, TransferTarget};
    use crate::speech::language::Language;
    use crate::telephony::testing::{self, collect, prompt};

    const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

    fn text(document: Vec<u8>) -> String {
        String::from_utf8(document).unwrap().strip_prefix(DECLARATION).unwrap().to_owned()
    }

    fn written(say: &[&str], then: Then) -> String {
        text(reply(&testing::reply(say.iter().map(|id| prompt(id)).collect(), then)))
    }

    #[test]
    fn a_menu_and_an_entry_say_all_they_take() {
        assert_eq!(
            written(&["greeting", "menu"], collect(1, None, 6000, 4000, BargeIn::Always)),
            concat!(
                r##"<Response><Get action="menu-AbC-_9" method="POST" numdigits="1" finishkey="#" timeout="6">"##,
                r#"<PlayTTS>您好。查询请按一。</PlayTTS></Get><Redirect>silence-AbC-_9</Redirect></Response>"#
            )
        );
        // What should be heard out is heard while keys are.
        assert_eq!(
            written(&["greeting", "menu"], collect(37, Some(Key::Hash), 9500, 4000, BargeIn::AfterPrompts(1))),
            concat!(
                r##"<Response><Get action="step-AbC-_9" method="POST" numdigits="37" finishkey="#" timeout="46">"##,
                r#"<PlayTTS>您好。查询请按一。</PlayTTS></Get><Redirect>silence-AbC-_9</Redirect></Response>"#
            )
        );
        assert_eq!(
            written(&[], collect(64, Some(Key::Star), 20_000, 4000, BargeIn::Always)),
            concat!(
                r#"<Response><Get action="step-AbC-_9" method="POST" numdigits="64" finishkey="*" timeout="60"></Get>"#,
                r#"<Redirect>silence-AbC-_9</Redirect></Response>"#
            )
        );
    }

    #[test]
    fn what_cannot_be_done_goes_on_at_once() {
        let ring = Duration::from_secs(25);
        let person = "<Response><PlayTTS>您好。</PlayTTS><Redirect>person-S</Redirect></Response>";
        for to in [TransferTarget::Number("+861012333".into()), TransferTarget::Queue("agents".into())] {
            assert_eq!(written(&["greeting"], Then::Transfer(Transfer { to, ring }, "S".into())), person);
        }
        let record = Record { longest: ring, finish: Key::Hash, silence: ring };
        assert_eq!(
            written(&[], Then::Record(record, "S".into())),
            "<Response><Redirect>recorded-S</Redirect></Response>"
        );
        assert_eq!(written(&[], Then::Leave("S".into())), "<Response><Redirect>person-S</Redirect></Response>");
    }

    #[test]
    fn a_hang_up_says_goodbye_first_by_the_one_voice_there_is() {
        assert_eq!(written(&["greeting"], Then::HangUp), "<Response><PlayTTS>您好。</PlayTTS><Hangup/></Response>");
        assert_eq!(text(busy("再见<&>。")), "<Response><PlayTTS>再见&lt;&amp;&gt;。</PlayTTS><Hangup/></Response>");
        assert_eq!(text(busy(" ")), "<Response><Hangup/></Response>");
        assert_eq!(text(nothing()), "<Response></Response>");
        let each = vec![prompt("greeting"), prompt("menu").in_language(Language::English)];
        let slow = Reply { pace: Pace::Slow, ..testing::reply(each, Then::HangUp) };
        assert_eq!(
            text(reply(&slow)),
            "<Response><PlayTTS>您好。</PlayTTS><PlayTTS>For enquiries, press one.</PlayTTS><Hangup/></Response>"
        );
    }

    proptest! {
        #[test]
        fn every_piece_keeps_the_limit_and_loses_nothing(words in "[一二，。a\u{1e}\u{0}\u{1f600}]{0,2000}") {
            let text = text(busy(&words));
            let said: Vec<_> = text.split("<PlayTTS>").skip(1).map(|s| s.split_once("</PlayTTS>").unwrap().0).collect();
            for one in &said {
                prop_assert!(one.chars().count() <= 500);
            }
            let count = |text: &str, c: char| text.chars().filter(|x| *x == c).count();
            for c in ['一', '二', '，', '。', 'a', '\u{1f600}'] {
                prop_assert_eq!(count(&said.concat(), c), count(&words, c));
            }
        }
    }
}
