//! The address the platforms know us by.

use std::net::IpAddr;

use axum::http::Uri;

/// The configured address that webhooks are sent to: `https://hotline.example`, perhaps with a port and a path.
///
/// Every address we hand out begins with it, and every signature is checked over it. What a request says about its own
/// host (`Host`, `X-Forwarded-*`) is never asked: a client can write anything there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    text: Box<str>,
    host: Box<str>,
    without_port: Box<str>,
    with_port: Box<str>,
}

impl PublicUrl {
    /// Reads the address; a `/` at its end is dropped.
    ///
    /// # Errors
    /// Not `http` or `https`, no host, or a query or fragment.
    pub fn parse(text: &str) -> Result<Self, InvalidPublicUrl> {
        let text = text.trim_end_matches('/');
        let uri: Uri = text.parse().map_err(|_| InvalidPublicUrl)?;
        let (scheme, rest) = text.split_once("://").ok_or(InvalidPublicUrl)?;
        let standard_port = match scheme {
            "https" => 443,
            "http" => 80,
            _ => return Err(InvalidPublicUrl),
        };
        // `Uri` drops a fragment without a word, so it is looked for here.
        let host_alone = uri.host().filter(|host| !host.is_empty()).ok_or(InvalidPublicUrl)?;
        if text.contains(['?', '#']) {
            return Err(InvalidPublicUrl);
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = uri.port().map_or(authority, |port| {
            authority.strip_suffix(port.as_str()).and_then(|a| a.strip_suffix(':')).unwrap_or(authority)
        });
        let port = uri.port_u16().unwrap_or(standard_port);
        Ok(Self {
            text: text.into(),
            host: host_alone.trim_matches(['[', ']']).to_ascii_lowercase().into(),
            without_port: format!("{scheme}://{host}{path}").into(),
            with_port: format!("{scheme}://{host}:{port}{path}").into(),
        })
    }

    /// As configured, without a `/` at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is an address of the machine that uses it.
    #[must_use]
    pub fn is_this_machine(&self) -> bool {
        let name = self.host.trim_end_matches('.');
        match name.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
            Ok(ip) => ip.is_loopback() || ip.is_unspecified(),
            Err(_) => name == "localhost" || name.ends_with(".localhost"),
        }
    }

    /// Whether a platform could call it, by HTTPS and without a password in it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        let authority = self.text.strip_prefix("https://").and_then(|rest| rest.split('/').next());
        authority.is_some_and(|authority| !authority.contains('@')) && !self.is_this_machine()
    }

    /// Without its port, and with it (the scheme's own if none is configured): platforms sign either, whatever they call.
    #[must_use]
    pub fn signed_forms(&self) -> [&str; 2] {
        [&self.without_port, &self.with_port]
    }
}

/// The text is no address that webhooks can be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no public address; write it as https://hotline.example, without ? and #")]
pub struct InvalidPublicUrl;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_known_with_and_without_its_port() {
        for (text, without, with) in [
            ("https://hotline.example", "https://hotline.example", "https://hotline.example:443"),
            ("https://hotline.example/", "https://hotline.example", "https://hotline.example:443"),
            ("https://hotline.example:443", "https://hotline.example", "https://hotline.example:443"),
            ("https://hotline.example:8443/a", "https://hotline.example/a", "https://hotline.example:8443/a"),
            ("http://u:p@hotline.example", "http://u:p@hotline.example", "http://u:p@hotline.example:80"),
            ("http://[::1]:8080", "http://[::1]", "http://[::1]:8080"),
        ] {
            assert_eq!(PublicUrl::parse(text).unwrap().signed_forms(), [without, with], "{text}");
        }
    }

    #[test]
    fn this_machine_and_passwords_are_not_public() {
        let public = |text: &str| PublicUrl::parse(text).unwrap().is_public();
        for text in ["https://hotline.example/a@b", "https://localhost.example", "https://198.51.100.7:8443"] {
            assert!(public(text), "{text}");
        }
        for text in [
            "http://hotline.example",
            "https://u:p@hotline.example",
            "https://LocalHost:8443",
            "https://localhost./a",
            "https://a.localhost",
            "https://127.9.9.9",
            "https://0.0.0.0",
            "https://[::1]:8443",
            "https://[::]",
            "https://[::ffff:127.0.0.1]",
        ] {
            assert!(!public(text), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "hotline.example",
            "ftp://hotline.example",
            "https://",
            "https:///a",
            "https://h?a=b",
            "https://h#a",
            "wss://h",
        ] {
            assert_eq!(PublicUrl::parse(text), Err(InvalidPublicUrl), "{text}");
        }
    }
}
