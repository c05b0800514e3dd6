//! The address the platforms know us by.

use axum::http::Uri;

/// The configured address that webhooks are sent to: `https://hotline.example`, perhaps with a port and a path.
///
/// Every address we hand out begins with it, and every signature is checked over it. What a request says about its own
/// host (`Host`, `X-Forwarded-*`) is never asked: a client can write anything there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    text: Box<str>,
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
        if uri.host().is_none_or(str::is_empty) || text.contains(['?', '#']) {
            return Err(InvalidPublicUrl);
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = uri.port().map_or(authority, |port| {
            authority.strip_suffix(port.as_str()).and_then(|a| a.strip_suffix(':')).unwrap_or(authority)
        });
        let port = uri.port_u16().unwrap_or(standard_port);
        Ok(Self {
            text: text.into(),
            without_port: format!("{scheme}://{host}{path}").into(),
            with_port: format!("{scheme}://{host}:{port}{path}").into(),
        })
    }

    /// As configured, without a `/` at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
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
