//! What a client of the JSON way in posts.
#![no_main]

use std::hint::black_box;

use hotline::call::caller::Caller;
use hotline::telephony::browser::{Dial, HangUp, Happened};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    if let Ok(dial) = serde_json::from_slice::<Dial>(body) {
        black_box(Caller::parse(&dial.from));
    }
    if let Ok(happened) = serde_json::from_slice::<Happened>(body) {
        happened.event("step").into_iter().for_each(held::event);
    }
    let _ = serde_json::from_slice::<HangUp>(body);
});
