//! The edge of the server: who may take how long, how much and what, and how it starts and stops.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::calls::{BALANCE, GREETING, MAIN, TOLD};
use crate::support::caller::{Answer, Caller, FORM, Wire, signature};
use crate::support::served::{AUTH_TOKEN, BROWSER_TOKEN, DEADLINE, People, Setup, line_with, wait};

/// A client that speaks bytes.
struct Client {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Client {
    fn new(address: SocketAddr, first: &[u8]) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        stream.write_all(first).unwrap();
        Self { stream, received: Vec::new() }
    }

    /// Listens for a moment. False: the server has closed.
    fn listens(&mut self) -> bool {
        let mut chunk = [0; 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => false,
            Ok(n) => {
                self.received.extend_from_slice(&chunk[..n]);
                true
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => true,
            Err(_) => false,
        }
    }

    /// Until the server closes; meanwhile `dribble` is sent at every moment. Gives what came back.
    fn until_cut(mut self, dribble: &[u8]) -> String {
        let end = Instant::now() + DEADLINE;
        while self.listens() {
            assert!(Instant::now() < end, "still open");
            let _ = self.stream.write_all(dribble);
        }
        String::from_utf8(self.received).unwrap()
    }

    fn until_received(&mut self, what: &str) {
        let end = Instant::now() + DEADLINE;
        while !String::from_utf8_lossy(&self.received).contains(what) {
            assert!(self.listens(), "closed before {what:?}");
            assert!(Instant::now() < end, "no {what:?}");
        }
    }
}

/// Hundreds who only hold on are cut, and the caller in the middle of them notices nothing.
#[test]
fn those_who_dribble_are_cut_while_a_call_goes_on() {
    let setup = Setup::new().env("SERVER__HEADER_TIMEOUT", "1s").env("SERVER__BODY_TIMEOUT", "1s");
    let served = setup.serve();
    let body = format!(
        "POST /twilio/voice HTTP/1.1\r\nhost: x\r\ncontent-type: {FORM}\r\ncontent-length: 9999\r\n\r\nCallSid="
    );
    let kinds: [(&str, &[u8], &str); 3] = [
        ("", b"", ""),
        ("POST /twilio/voice HTTP/1.1\r\nx-slow: ", b"a", ""),
        (&body, b"C", "HTTP/1.1 408 Request Timeout\r\n"),
    ];
    std::thread::scope(|scope| {
        let clients: Vec<_> = kinds
            .iter()
            .flat_map(|kind| std::iter::repeat_n(*kind, 20))
            .map(|(first, dribble, answered)| {
                let client = Client::new(served.address, first.as_bytes());
                (answered, scope.spawn(move || client.until_cut(dribble)))
            })
            .collect();
        let mut caller = Caller::dial(&served, "CA-genuine");
        caller.press_all(&["1", "1", "11010519491231002*#", "1", "739154#"]);
        assert_eq!(caller.press("1"), [BALANCE, TOLD].concat());
        for (answered, client) in clients {
            let received = client.join().unwrap();
            assert!(received.starts_with(answered), "{received:?}");
            assert!(answered.is_empty() == received.is_empty() || received.starts_with("HTTP/1.1 408"), "{received:?}");
        }
    });
}

/// Whoever asks and asks and never reads an answer is cut too.
#[test]
fn those_who_never_read_are_cut() {
    let setup = Setup::new().env("SERVER__BODY_TIMEOUT", "1s");
    let served = setup.serve();
    let mut deaf = wait(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        // So that the answers soon have no room.
        socket.set_recv_buffer_size(4096).unwrap();
        socket.connect(served.address).await.unwrap().into_std().unwrap()
    });
    deaf.set_nonblocking(false).unwrap();
    deaf.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
    // The longest answer there is.
    let request = format!("GET /metrics HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {BROWSER_TOKEN}\r\n\r\n");
    let requests = request.repeat(100);
    let end = Instant::now() + DEADLINE;
    let cut = loop {
        assert!(Instant::now() < end, "still open");
        match deaf.write(requests.as_bytes()) {
            Ok(_) => {}
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
            Err(e) => break e.kind(),
        }
    };
    assert!(matches!(cut, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{cut:?}");
}

fn bare(status: u16) -> (u16, String) {
    (status, String::new())
}

fn content(answer: Answer) -> (u16, String) {
    assert_eq!(answer.header("cache-control"), "no-store", "{answer:?}");
    (answer.status, answer.body)
}

#[test]
fn what_is_no_webhook_is_turned_away_with_a_bare_status() {
    let setup = Setup::new();
    let served = setup.serve();
    let wire = Wire::from(&served);
    let form = "CallSid=CA-forged&To=12333";
    let post = |path: &str, headers: &[(&str, &str)], body: &str| content(wire.send("POST", path, headers, body));
    let signed = signature("/twilio/voice", form);
    // Nothing, nonsense, and what signs something else.
    assert_eq!(post("/twilio/voice", &[("content-type", FORM)], form), bare(403));
    assert_eq!(post("/twilio/voice", &[("content-type", FORM), ("x-twilio-signature", "AAAA")], form), bare(403));
    assert_eq!(
        post("/twilio/voice", &[("content-type", FORM), ("x-twilio-signature", &signed)], "CallSid=CA-other"),
        bare(403)
    );
    assert_eq!(post("/twilio/status", &[("content-type", FORM), ("x-twilio-signature", &signed)], form), bare(403));
    // A proxy's word for where it was sent counts for nothing.
    let elsewhere = [("content-type", FORM), ("x-twilio-signature", "AAAA"), ("x-forwarded-host", "hotline.test")];
    assert_eq!(post("/twilio/voice", &elsewhere, form), bare(403));
    // Neither a form, nor small, nor posted, nor there.
    assert_eq!(
        post("/twilio/voice", &[("content-type", "application/json"), ("x-twilio-signature", &signed)], "{}"),
        bare(415)
    );
    let giant = format!("CallSid=CA-giant&x={}", "a".repeat(16 * 1024));
    let giant_signed = signature("/twilio/voice", &giant);
    assert_eq!(
        post("/twilio/voice", &[("content-type", FORM), ("x-twilio-signature", &giant_signed)], &giant),
        bare(413)
    );
    for path in [
        "/twilio/voice",
        "/twilio/step/x",
        "/twilio/transferred/x",
        "/twilio/status",
        "/twilio/fallback",
        "/browser/call",
    ] {
        assert_eq!(content(wire.get(path)), bare(405), "{path}");
    }
    for path in ["/", "/twilio", "/twilio/nothing", "/../etc/passwd", "/.env"] {
        assert_eq!(content(wire.get(path)), bare(404), "{path}");
    }
    // The genuine one is answered, in the midst of all that.
    assert_eq!(wire.post("/twilio/voice", form).status, 200);
}

#[test]
fn http_2_and_nonsense_are_no_language_here() {
    let setup = Setup::new();
    let served = setup.serve();
    for opening in ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0", "\u{16}\u{3}\u{1}\0\u{5}hello\r\n\r\n"] {
        let received = Client::new(served.address, opening.as_bytes()).until_cut(b"");
        assert!(received.is_empty() || received.starts_with("HTTP/1.1 4"), "{received:?}");
    }
}

#[test]
fn health_readiness_and_metrics() {
    let setup = Setup::new();
    let served = setup.serve();
    let wire = Wire::from(&served);
    assert_eq!(content(wire.get("/healthz")), (200, "ok\n".to_owned()));
    assert_eq!(content(wire.get("/readyz")), (200, "ready\n".to_owned()));
    let mut caller = Caller::dial(&served, "CA-counted");
    caller.press_all(&["1", "1", "11010519491231002*#", "1", "739154#", "1"]);
    let metrics = wire.get("/metrics");
    assert_eq!(metrics.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let (_, metrics) = content(metrics);
    for line in [
        "hotline_calls_total{dialect=\"twilio\"} 1",
        "hotline_turns_total{dialect=\"twilio\"} 7",
        "hotline_answers_total{answer=\"granted\"} 1",
        "hotline_answers_total{answer=\"personal_balance\"} 1",
        "hotline_requests_total{route=\"/twilio/step/{step}\",status=\"200\"} 6",
        "hotline_live_calls 1",
    ] {
        assert!(metrics.lines().any(|l| l == line), "no {line} in {metrics}");
    }
    caller.hang_up();
    assert!(wire.get("/metrics").body.lines().any(|l| l == "hotline_live_calls 0"));
}

/// `/healthz` is for everybody, the others are for whoever may come in at `/browser`.
#[test]
fn readiness_and_metrics_are_not_for_strangers() {
    let asked = |setup: &Setup, headers: &[(&str, &str)]| {
        let served = setup.serve();
        ["/healthz", "/readyz", "/metrics"].map(|path| Wire::from(&served).send("GET", path, headers, "").status)
    };
    let at_a_public_address = Setup::new();
    assert_eq!(asked(&at_a_public_address, &[]), [200, 403, 403]);
    assert_eq!(asked(&at_a_public_address, &[("authorization", "Bearer wrong")]), [200, 403, 403]);
    for address in ["", "http://localhost:8080", "https://[::1]:8443"] {
        let at_home = Setup::new().env("SERVER__PUBLIC_URL", address);
        assert_eq!(asked(&at_home, &[]), [200, 200, 200], "{address}");
        assert_eq!(asked(&at_home, &[("x-forwarded-for", "198.51.100.7")]), [200, 403, 403], "{address}");
    }
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn the_json_way_in_is_for_this_machine() {
    let setup = Setup::new().env("SERVER__PUBLIC_URL", "");
    let served = setup.serve();
    let wire = Wire::from(&served);
    let dial =
        |headers: &[(&str, &str)]| content(wire.send("POST", "/browser/call", &[&[JSON], headers].concat(), "{}"));
    let (status, body) = dial(&[]);
    let turn: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, &turn["heard"][0]["text"]),
        (200, &"您好，欢迎致电幺二三三三人力资源和社会保障服务热线。".into())
    );
    for headers in [
        [("x-forwarded-for", "127.0.0.1")],
        [("forwarded", "for=127.0.0.1")],
        [("x-real-ip", "127.0.0.1")],
        [("via", "1.1 proxy")],
        [("host", "hotline.example")],
        [("authorization", "Bearer ")],
    ] {
        let expected = if headers[0].0 == "authorization" { 200 } else { 403 };
        assert_eq!(dial(&headers).0, expected, "{headers:?}");
    }
    // A page of another site can send this without asking first, so it is not taken.
    assert_eq!(content(wire.send("POST", "/browser/call", &[("content-type", "text/plain")], "{}")).0, 415);
    assert_eq!(dial(&[("content-type", "text/plain")]).0, 200, "the first content type counts");
}

/// A plain proxy in front of a public address passes everybody's requests on as this machine's.
#[test]
fn behind_a_public_address_the_json_way_in_needs_its_token() {
    let setup = Setup::new();
    let served = setup.serve();
    let wire = Wire::from(&served);
    let bearer = format!("Bearer {BROWSER_TOKEN}");
    assert_eq!(content(wire.send("POST", "/browser/call", &[JSON], "{}")), bare(403));
    assert_eq!(content(wire.send("POST", "/browser/call", &[JSON, ("authorization", &bearer)], "{}")).0, 200);
}

#[test]
fn a_call_of_the_json_way_in_has_an_id_like_ours() {
    let setup = Setup::new().env("SERVER__PUBLIC_URL", "");
    let served = setup.serve();
    let wire = Wire::from(&served);
    for (id, hung_up) in [
        ("A7".repeat(32), 204),
        ("A".repeat(65), 400),
        (String::new(), 400),
        ("A-7".to_owned(), 400),
        ("七".to_owned(), 400),
    ] {
        let body = serde_json::json!({ "call": id }).to_string();
        assert_eq!(content(wire.send("POST", "/browser/hang-up", &[JSON], &body)).0, hung_up, "{id}");
        let body = serde_json::json!({ "call": id, "keys": "1" }).to_string();
        let stepped = if hung_up == 204 { 200 } else { 400 };
        assert_eq!(content(wire.send("POST", "/browser/step/x", &[JSON], &body)).0, stepped, "{id}");
    }
}

/// Settings that are fit to be in public.
pub fn production() -> Setup {
    Setup::new()
        .line(&line_with(People::Never).replace("sip:agents@pbx.invalid", "+861012333"))
        .env("PROFILE", "production")
        .env("STORE__SAMPLE_MEMBERS", "false")
}

#[test]
fn in_production_the_json_way_in_needs_its_token() {
    let token = "3a1f5c7e9b2d4f60";
    let setup = production().env("BROWSER__TOKEN", token);
    let served = setup.serve();
    let wire = Wire::from(&served);
    let dial =
        |headers: &[(&str, &str)]| content(wire.send("POST", "/browser/call", &[&[JSON], headers].concat(), "{}"));
    assert_eq!(dial(&[]), bare(403));
    assert_eq!(dial(&[("authorization", "Bearer 3a1f5c7e9b2d4f61")]), bare(403));
    assert_eq!(dial(&[("authorization", token)]), bare(403));
    let bearer = format!("Bearer {token}");
    assert_eq!(dial(&[("authorization", &bearer)]).0, 200);
    assert_eq!(dial(&[("authorization", &bearer), ("x-forwarded-for", "198.51.100.7")]).0, 200);
    let heard = Caller::dial(&served, "CA-production").heard.said;
    assert_eq!(heard, [GREETING, MAIN].concat());
}

/// Without a token nobody gets in, and without an auth token no webhook does.
#[test]
fn without_secrets_nobody_is_let_in() {
    let setup = production().env("BROWSER__TOKEN", "");
    let served = setup.serve();
    let wire = Wire::from(&served);
    assert_eq!(content(wire.send("POST", "/browser/call", &[JSON, ("authorization", "Bearer ")], "{}")), bare(403));
    let setup = Setup::new().env("TWILIO__AUTH_TOKEN", "");
    let served = setup.serve();
    assert_eq!(content(Wire::from(&served).post("/twilio/voice", "CallSid=CA-1")), bare(403));
}

/// On SIGTERM what is under way is finished, nothing new is taken, and the process ends well.
#[test]
fn a_webhook_under_way_is_finished_before_the_end() {
    let setup = Setup::new().env("LOG__LEVEL", "info");
    let mut served = setup.serve();
    let form = "CallSid=CA-drained&To=12333";
    let signature = signature("/twilio/voice", form);
    // The server asks for the body once it has the headers: so it is known to be under way.
    let head = format!(
        "POST /twilio/voice HTTP/1.1\r\nhost: x\r\ncontent-type: {FORM}\r\nx-twilio-signature: {signature}\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        form.len()
    );
    let mut client = Client::new(served.address, head.as_bytes());
    client.until_received("HTTP/1.1 100 Continue\r\n\r\n");
    served.signal("-TERM");
    crate::support::served::until("nobody listens", || TcpStream::connect(served.address).is_err());
    client.stream.write_all(form.as_bytes()).unwrap();
    let received = client.until_cut(b"");
    assert!(received.contains("HTTP/1.1 200 OK\r\n"), "{received}");
    assert!(received.contains("您好"), "{received}");
    assert_eq!(served.ended().code(), Some(0));
    assert!(served.log().contains("stopped"));
}

#[test]
fn what_is_said_at_the_start() {
    let setup = Setup::new().env("SERVER__PUBLIC_URL", "");
    let served = setup.serve();
    let address = served.address.to_string();
    insta::assert_snapshot!("start_up", served.welcome().replace(&address, "ADDRESS"));
    let setup = Setup::new().env("TWILIO__AUTH_TOKEN", "").env("STORE__SAMPLE_MEMBERS", "false");
    insta::assert_snapshot!("start_up_without_token_and_members", setup.serve().welcome());
}

/// Two cannot listen at one address; the second says so and what to do.
#[test]
fn an_address_that_is_taken() {
    let setup = Setup::new();
    let served = setup.serve();
    let address = served.address.to_string();
    let second = Setup::new().env("SERVER__LISTEN", &address);
    let output = second.command(&["serve"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap().replace(&address, "ADDRESS");
    let (_, said) = said.split_once("error: ").unwrap();
    assert!(said.starts_with(
        "cannot listen at ADDRESS; is another hotline running? HOTLINE_SERVER__LISTEN sets another address"
    ));
    assert!(!said.contains(AUTH_TOKEN));
}
