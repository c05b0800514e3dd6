//! What Vonage posts, and its token.
#![no_main]

use std::hint::black_box;
use std::sync::LazyLock;

use hotline::config::Settings;
use hotline::secret::Secret;
use hotline::telephony::vonage::{Hook, Secrets};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

static SECRETS: LazyLock<Secrets> = LazyLock::new(|| {
    let environment = [("HOTLINE_VONAGE__SIGNATURE_SECRET".to_owned(), "signature-secret-12345".to_owned())];
    Secrets::new(&Settings::load(None, environment).unwrap().vonage)
});

fuzz_target!(|input: &[u8]| {
    let ([token], body) = held::parts(input);
    assert!(!SECRETS.verify(&format!("Bearer {token}"), body, Timestamp::UNIX_EPOCH));
    let Some(hook) = Hook::parse(body) else { return };
    held::call(hook.call());
    held::event(hook.keys());
    hook.transfer().into_iter().for_each(held::event);
    held::event(hook.recorded(Secret::new("vonage:name")));
    black_box(hook.ended());
});
