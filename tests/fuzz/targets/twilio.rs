//! What Twilio and its family post, by each profile, and their signatures.
#![no_main]

use std::hint::black_box;
use std::sync::LazyLock;

use hotline::secret::Secret;
use hotline::telephony::public_url::PublicUrl;
use hotline::telephony::twilio::{Form, PROFILES, PublicKeys, SigningKeys, Tokens};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

static URL: LazyLock<PublicUrl> = LazyLock::new(|| PublicUrl::parse("https://hotline.example").unwrap());
static TOKENS: LazyLock<Tokens> = LazyLock::new(|| Tokens::of_another([&Secret::new("12345")]));
static SIGNALWIRE: LazyLock<SigningKeys> = LazyLock::new(|| SigningKeys::new([&Secret::new("PSK_12345")]));
static TELNYX: LazyLock<PublicKeys> =
    LazyLock::new(|| PublicKeys::new(["DfDMwtr3IJZOKrzbbYZ2SLfep04M0MkLZmYp6ZbODIY="]));

fuzz_target!(|input: &[u8]| {
    let ([path, header, second], body) = held::parts(input);
    for profile in PROFILES {
        let form = Form::parse(profile, body);
        held::call(form.call());
        for event in [form.keys(), form.transfer(), form.recorded(), form.queue(), form.waiting()] {
            held::event(event);
        }
        form.completed_recording().iter().for_each(held::recording);
        black_box(form.ended());
    }
    // Nobody guesses one.
    let form = Form::parse(PROFILES[0], body);
    assert!(!TOKENS.verify(&URL, path, &form, header, Some(second)));
    assert!(!SIGNALWIRE.verify(&URL, path, body, &form, header));
    assert!(!TELNYX.verify(header, second, body, Timestamp::UNIX_EPOCH));
});
