//! SIP as far as a telephone needs it: messages (RFC 3261), and the one audio line of their SDP (RFC 4566).

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A request or a response.
#[derive(Clone, Debug)]
pub struct Message {
    first: String,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Message {
    pub fn parse(datagram: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(datagram).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let first = lines.next()?.to_owned();
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.trim().to_owned(), value.trim().to_owned()))
        };
        Some(Self { first, headers: lines.map(header).collect::<Option<_>>()?, body: body.to_owned() })
    }

    pub fn request(method: &str, uri: &str) -> Self {
        let headers = vec![("Max-Forwards".to_owned(), "70".to_owned())];
        Self { first: format!("{method} {uri} SIP/2.0"), headers, body: String::new() }
    }

    /// What is answered to `request`; `tag` is the answering side's.
    pub fn response(request: &Self, status: &str, tag: &str) -> Self {
        let same = ["Via", "Record-Route", "From", "To", "Call-ID", "CSeq"];
        let mut headers: Vec<_> = request
            .headers
            .iter()
            .filter(|(name, _)| same.iter().any(|s| s.eq_ignore_ascii_case(name)))
            .cloned()
            .collect();
        for (name, value) in &mut headers {
            if name.eq_ignore_ascii_case("To") && !value.contains(";tag=") {
                let _ = write!(value, ";tag={tag}");
            }
        }
        Self { first: format!("SIP/2.0 {status}"), headers, body: String::new() }
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn with_sdp(mut self, sdp: String) -> Self {
        self.body = sdp;
        self.with("Content-Type", "application/sdp")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    /// Of a request.
    pub fn method(&self) -> Option<&str> {
        (!self.first.starts_with("SIP/2.0 ")).then(|| self.first.split(' ').next()).flatten()
    }

    /// Of a response.
    pub fn status(&self) -> Option<u16> {
        self.first.strip_prefix("SIP/2.0 ")?.split(' ').next()?.parse().ok()
    }

    /// The method of the request that this belongs to, and its number.
    pub fn sequence(&self) -> (u32, &str) {
        let (number, method) = self.header("CSeq").split_once(' ').unwrap_or_default();
        (number.parse().unwrap_or_default(), method)
    }

    /// Where the other side wants to be reached from now on.
    pub fn contact(&self) -> Option<&str> {
        let contact = self.header("Contact");
        let uri = contact.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(contact, |(uri, _)| uri);
        (!uri.is_empty()).then_some(uri)
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.first);
        for (name, value) in &self.headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        let _ = write!(text, "Content-Length: {}\r\n\r\n{}", self.body.len(), self.body);
        text.into_bytes()
    }
}

/// Where the other side's sound is to go, and how it wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Media {
    pub address: SocketAddr,
    /// 0: G.711 μ-law, 8: A-law.
    pub codec: u8,
    /// The payload type of keys: RFC 4733 `telephone-event`.
    pub keys: u8,
}

/// The type of keys that we offer.
const KEYS: u8 = 101;

/// What we offer, or answer `codecs` of the offer.
pub fn sdp(rtp: SocketAddr, codecs: &[u8]) -> String {
    let (ip, port) = (rtp.ip(), rtp.port());
    let formats: String = codecs.iter().fold(String::new(), |formats, codec| format!("{formats}{codec} "));
    let maps: String = codecs.iter().fold(String::new(), |maps, codec| {
        format!("{maps}a=rtpmap:{codec} {}/8000\r\n", if *codec == 8 { "PCMA" } else { "PCMU" })
    });
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP {formats}{KEYS}\r\n{maps}\
         a=rtpmap:{KEYS} telephone-event/8000\r\na=fmtp:{KEYS} 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}

impl Media {
    pub fn parse(sdp: &str) -> Option<Self> {
        let value = |prefix: &str| sdp.lines().find_map(|line| line.trim_end().strip_prefix(prefix));
        let ip: Ipv4Addr = value("c=IN IP4 ")?.parse().ok()?;
        let mut audio = value("m=audio ")?.split(' ');
        let port = audio.next()?.parse().ok()?;
        let codec = audio.skip(1).filter_map(|format| format.parse().ok()).find(|codec| matches!(codec, 0 | 8))?;
        let event = |line: &str| {
            let (number, name) = line.trim_end().strip_prefix("a=rtpmap:")?.split_once(' ')?;
            name.starts_with("telephone-event/8000").then(|| number.parse().ok())?
        };
        let keys = sdp.lines().find_map(event)?;
        Some(Self { address: SocketAddr::new(IpAddr::V4(ip), port), codec, keys })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_answers_its_request() {
        let request = Message::parse(
            b"BYE sip:13800000001@127.0.0.1:5062 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\n\
              Via: SIP/2.0/UDP 127.0.0.2\r\nFrom: <sip:12333@127.0.0.1>;tag=a\r\nTo: <sip:13800000001@127.0.0.1>;tag=b\r\n\
              Call-ID: one\r\nCSeq: 7 BYE\r\nContent-Length: 0\r\n\r\n",
        )
        .unwrap();
        assert_eq!((request.method(), request.status(), request.sequence()), (Some("BYE"), None, (7, "BYE")));
        assert_eq!(
            String::from_utf8(Message::response(&request, "200 OK", "c").to_bytes()).unwrap(),
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\nVia: SIP/2.0/UDP 127.0.0.2\r\n\
             From: <sip:12333@127.0.0.1>;tag=a\r\nTo: <sip:13800000001@127.0.0.1>;tag=b\r\nCall-ID: one\r\nCSeq: 7 BYE\r\n\
             Content-Length: 0\r\n\r\n"
        );
        assert!(Message::parse(b"no message").is_none());
    }

    #[test]
    fn an_offer_is_read_as_it_is_written() {
        let address = "127.0.0.1:40000".parse().unwrap();
        assert_eq!(Media::parse(&sdp(address, &[8, 0])), Some(Media { address, codec: 8, keys: 101 }));
        assert_eq!(Media::parse(&sdp(address, &[0])), Some(Media { address, codec: 0, keys: 101 }));
    }
}
