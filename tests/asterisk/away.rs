//! A hotline that is away, and a proxy in front of it that is not.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::phone::End;
use crate::stand::{Plan, until_said};

/// Answers everybody as a proxy does whose hotline is away.
fn proxy() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let body = "<html lang=\"en\"><title>502 \"Bad\" (Gateway]</title> ok, ${no} {page}</html>";
            let head =
                format!("HTTP/1.1 502 Bad Gateway\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    address
}

#[test]
fn what_a_proxy_says_is_no_hotline() {
    for plan in [Plan::new(), Plan::new().by_agi()] {
        let health = format!("HOTLINE_HEALTH=http://{}/?", proxy());
        let line = plan.change("extensions.conf", "HOTLINE_HEALTH=http://", &health).open().connected();
        let call = line.call("13800000033");
        until_said(&call, "call.busy.1");
        assert_eq!(call.ended(), End::Theirs);
        line.close(&[], &[]);
    }
}
