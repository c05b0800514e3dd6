//! Messages that callers leave: Asterisk keeps what they said.

use std::time::Duration;

use crate::asterisk::{Recording, recordings};
use crate::ear::Ear;
use crate::stand::{Line, Plan, until_said};
use crate::voice;

/// A caller who leaves a message.
fn leaves_a_message(plan: Plan) -> Line {
    let line = plan.open().connected();
    let call = line.number().call_saying("13800000035", voice::clip(9, 16000).sound().into());
    call.answers(&["5", "1", "1"]);
    until_said(&call, "message.record.2-on");
    // The tone, and then they speak.
    std::thread::sleep(Duration::from_secs(8));
    call.press("#");
    until_said(&call, "message.review.1-on");
    call.press("1");
    until_said(&call, "message.sent.1-on");
    call.hang_up();
    line
}

/// It lies there as it was spoken, under a name that begins like this, and nothing else does.
fn lies(line: Line, recordings: &[Recording], begins: &str) {
    let [(name, sound)] = recordings else { panic!("{} recordings", recordings.len()) };
    assert!(name.starts_with(begins) && name.strip_suffix(".wav").is_some(), "{name}");
    assert!(Ear::new([voice::clip(9, 16000)]).names(sound).contains(&"9".to_owned()), "something else was recorded");
    assert_eq!(line.setup.audit().iter().filter(|event| *event == "message_left").count(), 1);
    line.close(&[], &[]);
}

#[test]
fn a_message_lies_with_asterisk() {
    let line = leaves_a_message(Plan::new());
    let recordings = line.asterisk.recordings();
    lies(line, &recordings, "asterisk-");
}

#[test]
fn who_is_not_recorded_by_agi_hears_so() {
    let line = Plan::new().by_agi().setup(|setup| setup.env("ASTERISK__AGI_RECORDINGS", "/nowhere/hotline"));
    let line = line.open().connected();
    let call = line.call("13800000042");
    call.answers(&["5", "1", "1"]);
    until_said(&call, "message.nothing-recorded.1");
    call.hang_up();
    line.close(&["file.c: Unable to open file"], &[]);
}

#[test]
fn by_agi_a_message_lies_where_the_settings_say() {
    let folder = tempfile::Builder::new().prefix("hotline").tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let line = leaves_a_message(Plan::new().by_agi().setup(|setup| setup.env("ASTERISK__AGI_RECORDINGS", path)));
    lies(line, &recordings(folder.path()), "fastagi-");
}
