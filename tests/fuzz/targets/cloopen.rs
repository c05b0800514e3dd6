//! What Cloopen sends, in the address and in the body.
#![no_main]

use hotline::telephony::cloopen::Form;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let ([query], body) = held::parts(input);
    let form = Form::parse(query.as_bytes(), body);
    held::call(form.call());
    held::event(form.key());
    held::event(form.keys());
});
