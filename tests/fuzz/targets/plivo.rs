//! What Plivo posts, and its signature.
#![no_main]

use std::hint::black_box;
use std::sync::LazyLock;

use hotline::secret::Secret;
use hotline::telephony::plivo::{Form, Tokens};
use libfuzzer_sys::fuzz_target;

static TOKENS: LazyLock<Tokens> = LazyLock::new(|| Tokens::new([&Secret::new("12345")]));

fuzz_target!(|input: &[u8]| {
    let ([path, header, nonce], body) = held::parts(input);
    let form = Form::parse(body);
    held::call(form.call());
    for event in [form.keys(), form.transfer(), form.queue(), form.recorded()] {
        held::event(event);
    }
    form.ready_recording().iter().for_each(held::recording);
    black_box(form.ended());
    assert!(!TOKENS.verify("https://hotline.example", path, &form, nonce, header));
});
