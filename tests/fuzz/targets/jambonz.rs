//! What jambonz posts, and its signature.
#![no_main]

use std::hint::black_box;
use std::sync::LazyLock;

use hotline::config::Settings;
use hotline::secret::Secret;
use hotline::telephony::jambonz::{Hook, Secrets};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

static SECRETS: LazyLock<Secrets> = LazyLock::new(|| {
    let environment = [("HOTLINE_JAMBONZ__SECRET".to_owned(), "wh_secret_12345".to_owned())];
    Secrets::new(&Settings::load(None, environment).unwrap().jambonz)
});

fuzz_target!(|input: &[u8]| {
    let ([header], body) = held::parts(input);
    assert!(!SECRETS.verify(header, body, Timestamp::UNIX_EPOCH));
    let Some(hook) = Hook::parse(body) else { return };
    held::call(hook.call());
    for event in
        [hook.keys(), hook.transfer(), hook.recorded(Secret::new("jambonz:name")), hook.queue(), hook.waiting()]
    {
        held::event(event);
    }
    black_box((hook.is_of_another_leg(), hook.is_silence(), hook.ended()));
});
