//! What a client of the JSON way in posts.
#![no_main]

use hotline::call::caller::Caller;
use hotline::telephony::browser::{Dial, HangUp, Happened};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    if let Ok(dial) = serde_json::from_slice::<Dial>(body) {
        Caller::parse(&dial.from);
    }
    if let Ok(happened) = serde_json::from_slice::<Happened>(body) {
        happened.event("step").map(held::event);
    }
    let _ = serde_json::from_slice::<HangUp>(body);
});
