//! What FreeSWITCH' `mod_httapi` posts.
#![no_main]

use std::hint::black_box;

use hotline::secret::Secret;
use hotline::telephony::httapi::Request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let request = Request::parse(body);
    held::call(request.call());
    for event in [request.keys(), request.transfer(), request.recorded(Secret::new("httapi:name"))] {
        held::event(event);
    }
    black_box(request.is_exiting());
});
