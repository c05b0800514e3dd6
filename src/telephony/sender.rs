//! Who sends, where nothing is signed: whoever knows the secret in the address and calls from a place on the list.
//!
//! Both are weaker than a signature. A secret in an address lies in whatever the platform keeps of it, and a list of addresses
//! is as good as the network it is read from. So both are asked for, and neither is ever shown: a route is known by its
//! pattern (`/exotel/{secret}/voice`), in logs and in metrics.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, header};
use data_encoding::BASE64;
use ipnet::IpNet;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::secret::Secret;

/// What a proxy writes the addresses into that a request came by, the last one last.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// More than any chain of proxies has.
const MOST_HOPS: usize = 32;

/// The peer of a connection, as the server's edge saw it.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Addresses and networks: `203.0.113.7`, `198.51.100.0/24`, `2001:db8::/32`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Networks(Vec<IpNet>);

/// The text is neither an address nor a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("holds something that is no address; write \"203.0.113.7\" or \"198.51.100.0/24\"")]
pub struct NoNetwork;

impl Networks {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `address` is one of them. An IPv4 address counts as itself however it is written.
    #[must_use]
    pub fn have(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl TryFrom<Vec<String>> for Networks {
    type Error = NoNetwork;

    fn try_from(texts: Vec<String>) -> Result<Self, NoNetwork> {
        let network = |text: &String| {
            let text = text.trim();
            let alone = || text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
            text.parse::<IpNet>().or_else(|_| alone()).map_err(|_| NoNetwork)
        };
        texts.iter().map(network).collect::<Result<_, _>>().map(Self)
    }
}

/// Where a request came from: the peer, or if that is one of our own `proxies`, what they say of it.
///
/// What a proxy of ours was told by a stranger counts for nothing: of the addresses in `X-Forwarded-For` the last one counts
/// that is no proxy of ours. `None`: there is one among them that cannot be read.
#[must_use]
pub fn origin(peer: Peer, headers: &HeaderMap, proxies: &Networks) -> Option<IpAddr> {
    let mut origin = peer.0.ip().to_canonical();
    let lines: Vec<_> = headers.get_all(FORWARDED_FOR).into_iter().collect();
    let hops = lines.iter().rev().flat_map(|line| line.to_str().unwrap_or("?").rsplit(','));
    for (n, hop) in hops.enumerate() {
        if !proxies.have(origin) {
            return Some(origin);
        }
        origin = address(hop.trim()).filter(|_| n < MOST_HOPS)?;
    }
    Some(origin)
}

/// An address as proxies write it: some with the port it came from.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address| address.to_canonical())
}

/// Whether `secret` can stand in the path of an address as it is: letters, digits, `-` and `_`.
#[must_use]
pub fn fits_a_path(secret: &Secret) -> bool {
    secret.expose().bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

/// Where a platform calls from, perhaps by proxies of our own.
#[derive(Clone, Debug)]
pub struct Origins {
    addresses: Networks,
    proxies: Networks,
}

impl Origins {
    /// From `addresses`, or from anywhere if there are none.
    #[must_use]
    pub fn new(addresses: Networks, proxies: Networks) -> Self {
        Self { addresses, proxies }
    }

    /// Whether a request is from there that comes from `peer` and has these headers.
    #[must_use]
    pub fn have(&self, peer: Option<Peer>, headers: &HeaderMap) -> bool {
        let from = || peer.and_then(|peer| origin(peer, headers, &self.proxies));
        self.addresses.is_empty() || from().is_some_and(|address| self.addresses.have(address))
    }
}

/// What a platform sends as HTTP's basic authentication: `user:password`. There may be several while one is changed.
#[derive(Clone)]
pub struct Credentials(Vec<[u8; 32]>);

impl Credentials {
    /// Each is right; an empty one is none, and where there is none, nobody has them.
    #[must_use]
    pub fn new<'s>(each: impl IntoIterator<Item = &'s Secret>) -> Self {
        let each = each.into_iter().map(Secret::expose).filter(|both| !both.is_empty());
        // Hashed: what is compared has one length then, whatever was sent.
        Self(each.map(|both| Sha256::digest(both).into()).collect())
    }

    /// Whether these headers have them.
    #[must_use]
    pub fn are_in(&self, headers: &HeaderMap) -> bool {
        let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let sent = sent.and_then(|value| value.split_once(' '));
        let sent = sent.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
        let Some(sent) = sent.and_then(|(_, both)| BASE64.decode(both.trim().as_bytes()).ok()) else { return false };
        let sent = Sha256::digest(sent);
        self.0.iter().any(|right| right.ct_eq(sent.as_slice()).into())
    }
}

/// Whether `credentials` can be sent: a user, a colon, a password.
#[must_use]
pub fn can_be_sent(credentials: &Secret) -> bool {
    let both = credentials.expose().split_once(':');
    both.is_some_and(|(user, password)| !user.is_empty() && !password.is_empty())
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// How a platform proves itself that signs nothing.
#[derive(Clone)]
pub struct Sender {
    /// Hashed: what is compared has one length then, whatever was sent.
    secret: Option<[u8; 32]>,
    origins: Origins,
}

impl Sender {
    /// Knows `secret` and calls from `addresses` (from anywhere if there are none), perhaps by our own `proxies`. An empty
    /// secret is none: nobody knows it.
    #[must_use]
    pub fn new(secret: &Secret, addresses: Networks, proxies: Networks) -> Self {
        let secret = Some(secret.expose()).filter(|secret| !secret.is_empty());
        Self { secret: secret.map(|secret| Sha256::digest(secret).into()), origins: Origins::new(addresses, proxies) }
    }

    /// Whether a request is the platform's that has `secret` in its path, comes from `peer` and has these headers.
    #[must_use]
    pub fn is_proven(&self, secret: &str, peer: Option<Peer>, headers: &HeaderMap) -> bool {
        let Some(right) = self.secret else { return false };
        let knows: bool = right.ct_eq(Sha256::digest(secret).as_slice()).into();
        knows && self.origins.have(peer, headers)
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn networks(texts: &[&str]) -> Networks {
        texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>().try_into().unwrap()
    }

    fn peer(address: &str) -> Peer {
        Peer(SocketAddr::new(address.parse().unwrap(), 40_000))
    }

    fn forwarded(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (FORWARDED_FOR.try_into().unwrap(), line.parse().unwrap())).collect()
    }

    fn sender(addresses: &[&str], proxies: &[&str]) -> Sender {
        Sender::new(&Secret::new("geheim-0123456789"), networks(addresses), networks(proxies))
    }

    #[test]
    fn networks_are_addresses_and_ranges() {
        let known = networks(&["203.0.113.7", "198.51.100.0/24", "2001:db8::/32", " ::ffff:192.0.2.1 "]);
        for (address, is_known) in [
            ("203.0.113.7", true),
            ("203.0.113.8", false),
            ("::ffff:203.0.113.7", true),
            ("198.51.100.0", true),
            ("198.51.100.255", true),
            ("198.51.101.0", false),
            ("2001:db8:ffff::1", true),
            ("2001:db9::1", false),
            ("192.0.2.1", true),
        ] {
            assert_eq!(known.have(address.parse().unwrap()), is_known, "{address}");
        }
        assert!(networks(&["0.0.0.0/0"]).have("8.8.8.8".parse().unwrap()));
        assert!(!networks(&["0.0.0.0/0"]).have("2001:db8::1".parse().unwrap()));
        for odd in ["", "a", "198.51.100.0/33", "198.51.100", "203.0.113.7:80", "example.org"] {
            assert_eq!(Networks::try_from(vec![odd.to_owned()]), Err(NoNetwork), "{odd}");
        }
    }

    #[test]
    fn both_secret_and_address_are_asked_for() {
        let sender = sender(&["198.51.100.0/24"], &[]);
        let none = HeaderMap::new();
        let from = |address| Some(peer(address));
        assert!(sender.is_proven("geheim-0123456789", from("198.51.100.9"), &none));
        assert!(sender.is_proven("geheim-0123456789", from("::ffff:198.51.100.9"), &none));
        assert!(!sender.is_proven("geheim-0123456789", from("198.51.101.9"), &none));
        assert!(!sender.is_proven("geheim-0123456789", None, &none), "from nobody knows where");
        for secret in ["", "geheim-012345678", "geheim-01234567890", "Geheim-0123456789", "geheim-0123456789 "] {
            assert!(!sender.is_proven(secret, from("198.51.100.9"), &none), "{secret}");
        }
    }

    #[test]
    fn an_empty_secret_is_none_and_an_empty_list_is_anywhere() {
        let nobody = Sender::new(&Secret::new(""), Networks::default(), Networks::default());
        assert!(!nobody.is_proven("", Some(peer("127.0.0.1")), &HeaderMap::new()));
        let anywhere = sender(&[], &[]);
        assert!(anywhere.is_proven("geheim-0123456789", Some(peer("203.0.113.7")), &HeaderMap::new()));
        assert!(anywhere.is_proven("geheim-0123456789", None, &HeaderMap::new()));
        assert!(!anywhere.is_proven("", Some(peer("203.0.113.7")), &HeaderMap::new()));
    }

    #[test]
    fn only_our_own_proxies_tell_who_was_before_them() {
        let ours = networks(&["10.0.0.0/8", "127.0.0.1"]);
        for (from, lines, origin_is) in [
            ("203.0.113.7", &[][..], Some("203.0.113.7")),
            // A stranger says what they like.
            ("203.0.113.7", &["198.51.100.9"], Some("203.0.113.7")),
            ("127.0.0.1", &[], Some("127.0.0.1")),
            ("127.0.0.1", &["198.51.100.9"], Some("198.51.100.9")),
            ("127.0.0.1", &["198.51.100.9, 10.1.2.3"], Some("198.51.100.9")),
            ("127.0.0.1", &["198.51.100.9", "10.1.2.3"], Some("198.51.100.9")),
            // Before the first that is none of ours stands what it was told.
            ("127.0.0.1", &["198.51.100.9, 203.0.113.7"], Some("203.0.113.7")),
            ("127.0.0.1", &["198.51.100.9, 203.0.113.7, 10.1.2.3"], Some("203.0.113.7")),
            ("127.0.0.1", &["198.51.100.9", "203.0.113.7"], Some("203.0.113.7")),
            ("127.0.0.1", &["not read, 203.0.113.7"], Some("203.0.113.7")),
            ("127.0.0.1", &["10.1.2.3, 10.1.2.4"], Some("10.1.2.3")),
            ("::ffff:127.0.0.1", &["::ffff:198.51.100.9"], Some("198.51.100.9")),
            ("127.0.0.1", &["198.51.100.9:61234"], Some("198.51.100.9")),
            ("127.0.0.1", &["[2001:db8::1]:61234"], Some("2001:db8::1")),
            ("127.0.0.1", &["[2001:db8::1]"], Some("2001:db8::1")),
            ("127.0.0.1", &["unknown"], None),
            ("127.0.0.1", &[""], None),
            ("127.0.0.1", &["198.51.100.9,"], None),
            ("127.0.0.1", &["_hidden, 10.1.2.3"], None),
        ] {
            let found = origin(peer(from), &forwarded(lines), &ours).map(|address| address.to_string());
            assert_eq!(found.as_deref(), origin_is, "{from} {lines:?}");
        }
        let long = vec!["10.0.0.1"; MOST_HOPS + 1].join(",");
        assert_eq!(origin(peer("127.0.0.1"), &forwarded(&[&long]), &ours), None);
    }

    #[test]
    fn a_platform_behind_our_proxy_is_known_by_its_own_address() {
        let sender = sender(&["198.51.100.0/24"], &["127.0.0.1"]);
        let proven = |from, lines: &[&str]| sender.is_proven("geheim-0123456789", Some(peer(from)), &forwarded(lines));
        assert!(proven("127.0.0.1", &["198.51.100.9"]));
        assert!(!proven("127.0.0.1", &["203.0.113.7"]));
        assert!(!proven("127.0.0.1", &["198.51.100.9, 203.0.113.7"]), "pretended");
        assert!(!proven("203.0.113.7", &["198.51.100.9"]), "past the proxy");
        assert!(!proven("127.0.0.1", &[]));
    }

    #[test]
    fn credentials_are_sent_as_basic_authentication() {
        let right = ["", "fs:pass:wort", "new:one"].map(Secret::new);
        let credentials = Credentials::new(&right);
        let are_in = |authorization: &str| {
            let headers = [(header::AUTHORIZATION, authorization.parse().unwrap())].into_iter().collect();
            credentials.are_in(&headers)
        };
        let basic = |both: &str| format!("Basic {}", BASE64.encode(both.as_bytes()));
        assert!(are_in(&basic("fs:pass:wort")) && are_in(&basic("new:one")));
        assert!(are_in(&basic("fs:pass:wort").replace("Basic", "basic")));
        for wrong in
            [basic(""), basic("fs:"), basic("fs:pass:wor"), "Basic !".into(), "Basic".into(), "Bearer x".into()]
        {
            assert!(!are_in(&wrong), "{wrong}");
        }
        assert!(!credentials.are_in(&HeaderMap::new()));
        let none = [(header::AUTHORIZATION, basic("").parse().unwrap())].into_iter().collect();
        assert!(!Credentials::new(&[Secret::new("")]).are_in(&none));
        for (both, can) in [("a:b", true), ("a:b:c", true), ("a", false), (":b", false), ("a:", false)] {
            assert_eq!(can_be_sent(&Secret::new(both)), can, "{both}");
        }
        assert_eq!(format!("{credentials:?}"), "Credentials(…)");
    }

    #[test]
    fn nothing_is_shown() {
        assert_eq!(format!("{:?}", sender(&["198.51.100.9"], &[])), "Sender(…)");
        assert!(fits_a_path(&Secret::new("aZ09-_")));
        for odd in ["a/b", "a b", "a?", "a%2f", "王"] {
            assert!(!fits_a_path(&Secret::new(odd)), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn nobody_guesses_it(secret in "[A-Za-z0-9_-]{0,40}", lines in prop::collection::vec("[ -~]{0,40}", 0..4)) {
            prop_assume!(secret != "geheim-0123456789");
            let lines: Vec<_> = lines.iter().map(String::as_str).collect();
            let sender = sender(&[], &["127.0.0.1"]);
            prop_assert!(!sender.is_proven(&secret, Some(peer("127.0.0.1")), &forwarded(&lines)));
        }

        #[test]
        fn a_stranger_moves_nowhere(lines in prop::collection::vec("[ -~]{0,60}", 0..4)) {
            let lines: Vec<_> = lines.iter().map(String::as_str).collect();
            let found = origin(peer("203.0.113.7"), &forwarded(&lines), &networks(&["127.0.0.1"]));
            prop_assert_eq!(found, Some("203.0.113.7".parse().unwrap()));
        }
    }
}
