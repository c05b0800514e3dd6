//! Messages that callers leave: Asterisk keeps what they said.

use std::time::Duration;

use crate::ear::Ear;
use crate::stand::{Plan, until_said};
use crate::voice;

#[test]
fn a_message_lies_with_asterisk_as_it_was_spoken() {
    let line = Plan::new().open().connected();
    let call = line.number().call_saying("13800000035", voice::clip(9, 16000).sound().into());
    for keys in ["5", "1", "1"] {
        call.hears_something();
        call.press(keys);
    }
    until_said(&call, "message.record.2-on");
    // The tone, and then they speak.
    std::thread::sleep(Duration::from_secs(8));
    call.press("#");
    until_said(&call, "message.review.1-on");
    call.press("1");
    until_said(&call, "message.sent.1-on");
    call.hang_up();
    let recordings = line.asterisk.recordings();
    let [(name, sound)] = &recordings[..] else { panic!("{} recordings", recordings.len()) };
    assert!(name.starts_with("asterisk-") && name.strip_suffix(".wav").is_some(), "{name}");
    assert!(Ear::new([voice::clip(9, 16000)]).names(sound).contains(&"9".to_owned()), "something else was recorded");
    assert_eq!(line.setup.audit().iter().filter(|event| *event == "message_left").count(), 1);
    line.close(&[], &[]);
}
