//! Who may call: the trunk, and nobody who only says that they are.

use crate::asterisk::{Asterisk, Site, free_udp};
use crate::phone::{End, Phone};

/// Somebody who answers at once, and hangs up.
const ANSWERS: &str = "
[from-trunk](+)
exten = 100,1,Answer()
 same = n,Hangup()
";

#[test]
fn whoever_calls_from_elsewhere_is_not_the_trunk() {
    let mut site = Site::new(free_udp());
    site.additions.push(("extensions.conf", ANSWERS.to_owned()));
    let asterisk = Asterisk::start(&site);
    for name in ["trunk", "people"] {
        let stranger = Phone::dial_from("127.0.0.2", asterisk.sip, "100", name);
        assert_eq!(stranger.ended(), End::Refused(401), "{name}");
    }
    // Nor is it by its name that the trunk is known.
    assert_eq!(Phone::dial(asterisk.sip, "100", "people").ended(), End::Theirs);
    asterisk.stop(&["hotline-connection: Websocket connection to"], &[]);
}
