//! The telephones themselves, on a dialplan that answers by itself: what they hear, press and are told.

use std::time::Duration;

use crate::asterisk::{Asterisk, Site, free_udp};
use crate::ear::{Clip, Ear};
use crate::phone::{End, Manner, Pace, Phone, Stage};
use crate::voice;

const DIALPLAN: &str = "
[from-trunk](+)
exten = 100,1,Answer()
 same = n,Playback(one&two)
 same = n,Playback(three)
 same = n,Hangup()
exten = 101,1,Answer()
 same = n,Read(KEYS,one,24,,1,5)
 same = n,Set(GLOBAL(PRESSED)=${KEYS})
 same = n,Playback(two)
 same = n,Hangup()
exten = 102,1,Dial(PJSIP/4000@trunk,30)
exten = 103,1,Dial(PJSIP/4000@trunk,1)
exten = 104,1,Ringing()
 same = n,Wait(60)
";

/// Clips of one, two and three seconds.
fn clips() -> [Clip; 3] {
    [1, 2, 3].map(|n| voice::clip(n, 8000 * n))
}

fn start(person: Option<&Phone>) -> Asterisk {
    let folder = tempfile::tempdir().unwrap();
    let mut site = Site::new(free_udp());
    site.person = person.map_or(site.person, |person| person.address);
    site.additions.push(("extensions.conf", DIALPLAN.to_owned()));
    site.additions.push(("modules.conf", "load = app_read.so\nload = func_global.so\n".to_owned()));
    for (name, clip) in ["one", "two", "three"].into_iter().zip(clips()) {
        let path = folder.path().join(name);
        voice::write(&path, &clip.sound());
        site.sounds.push((name.to_owned(), path));
    }
    Asterisk::start(&site)
}

/// There is no hotline in these tests.
const NO_HOTLINE: &str = "hotline-connection: Websocket connection to";

#[test]
fn what_is_played_is_heard() {
    let asterisk = start(None);
    let phone = Phone::dial(asterisk.sip, "100", "13800000001");
    assert_eq!(phone.ended(), End::Theirs);
    let heard = Ear::new(clips()).hears(&phone.heard());
    let names: Vec<&str> = heard.iter().map(|heard| heard.name.as_str()).collect();
    assert_eq!(names, ["1", "2", "3"]);
    assert!(heard.iter().all(|heard| heard.whole && heard.likeness > 0.99), "{heard:?}");
    asterisk.stop(&[NO_HOTLINE], &[]);
}

#[test]
fn keys_arrive_as_they_are_pressed() {
    let asterisk = start(None);
    let ear = Ear::new(clips());
    for (keys, pace) in [("11010519491231002*7391", Pace::MACHINE), ("0011223344556677889*", Pace::FINGER)] {
        let phone = Phone::dial(asterisk.sip, "101", "13800000001");
        phone.answered();
        phone.press(keys, pace);
        phone.press("#", pace);
        assert_eq!(phone.ended(), End::Theirs);
        assert!(asterisk.command("dialplan show globals").contains(&format!("PRESSED={keys}\n")));
        // The first key stopped what was playing.
        assert_eq!(ear.names(&phone.heard()).last().unwrap(), "2");
        assert_eq!(phone.pressed().len(), keys.len() + 1);
    }
    // This dialplan writes down what was pressed; the one we ship does not, and the calls through it look.
    asterisk.stop(&[NO_HOTLINE], &[]);
}

#[test]
fn two_telephones_hear_each_other() {
    let theirs = voice::clip(4, 16000);
    let ours = voice::clip(5, 16000);
    let after = Duration::from_millis(300);
    let person = Phone::answering(Manner::Answers { after, saying: theirs.sound().into() });
    let asterisk = start(Some(&person));
    let phone = Phone::dial_saying(asterisk.sip, "102", "13800000001", ours.sound().into());
    assert_eq!(person.called_by(), "13800000001");
    phone.answered();
    let ear = Ear::new([ours, theirs]);
    let until = |phone: &Phone, name: &str| while !ear.names(&phone.heard()).contains(&name.to_owned()) {};
    until(&phone, "4");
    until(&person, "5");
    phone.hang_up();
    assert_eq!((phone.ended(), person.ended()), (End::Ours, End::Theirs));
    asterisk.stop(&[NO_HOTLINE], &[]);
}

#[test]
fn calls_that_are_not_answered_end() {
    let person = Phone::answering(Manner::Away);
    let asterisk = start(Some(&person));
    // Rings too long: the exchange takes it back.
    let phone = Phone::dial(asterisk.sip, "103", "13800000001");
    assert_eq!(person.ended(), End::Theirs);
    assert!(matches!(phone.ended(), End::Refused(_)));
    // There is no such number.
    assert_eq!(Phone::dial(asterisk.sip, "999", "13800000001").ended(), End::Refused(404));
    // The caller puts the telephone down before anybody answers.
    let phone = Phone::dial(asterisk.sip, "104", "13800000001");
    while phone.stage() != Stage::Ringing {}
    phone.hang_up();
    assert_eq!(phone.ended(), End::Ours);
    asterisk.stop(&[NO_HOTLINE], &[]);
    let busy = Phone::answering(Manner::Busy);
    let asterisk = start(Some(&busy));
    assert!(matches!(Phone::dial(asterisk.sip, "102", "13800000001").ended(), End::Refused(_)));
    asterisk.stop(&[NO_HOTLINE], &[]);
}
