//! What documents of VoiceXML have a gateway post.
#![no_main]

use hotline::secret::Secret;
use hotline::telephony::voicexml::Request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let ([id], body) = held::parts(input);
    let request = Request::parse(body);
    held::call(request.call(id));
    for event in [request.keys(), request.transfer(), request.recorded(Secret::new("voicexml:name"))] {
        held::event(event);
    }
});
