//! What every webhook goes through, whosever it is.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};

/// How long an answer may take. Platforms wait for ten seconds or more, but nobody waits so long in silence.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// Forms, and their values percent-encoded.
pub const FORM: &str = "application/x-www-form-urlencoded";
/// JSON.
pub const JSON: &str = "application/json";

/// Reads a request with a body of `kind`, and of so many bytes at most.
///
/// # Errors
/// A bare status: it is of another kind, or larger, or did not come.
pub async fn read(request: Request, kind: &str, most: usize) -> Result<(Parts, Bytes), StatusCode> {
    let (parts, body) = request.into_parts();
    if !is_of(&parts.headers, kind) {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let body = to_bytes(body, most).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    Ok((parts, body))
}

/// What stands in a webhook's path. It is read before its sender has proved anything: so what cannot be read is empty, and not
/// refused in a way of its own.
pub struct PathParts(Option<RawPathParams>);

impl PathParts {
    /// What the route calls `name`.
    #[must_use]
    pub fn named(&self, name: &str) -> &str {
        self.0.iter().flatten().find(|(n, _)| *n == name).map_or("", |(_, value)| value)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathParts {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self(RawPathParams::from_request_parts(parts, state).await.ok()))
    }
}

/// Whether the content is of `kind`, whatever its parameters.
fn is_of(headers: &HeaderMap, kind: &str) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::post;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn what_cannot_be_read_in_a_path_is_empty() {
        let told = |path: PathParts| async move { [path.named("a"), path.named("b"), path.named("c")].join(" ") };
        let routes = Router::new().route("/{a}/x/{b}", post(told));
        for (path, read) in [("/1/x/A-b_%39", "1 A-b_9 "), ("/%E7%8E%8B/x/2", "王 2 "), ("/1/x/%FF", "  ")] {
            let response =
                routes.clone().oneshot(Request::post(path).body(axum::body::Body::empty()).unwrap()).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(to_bytes(response.into_body(), 99).await.unwrap(), read, "{path}");
        }
    }

    #[tokio::test]
    async fn other_kinds_and_sizes_are_refused() {
        let sent = async |kind: &str, body: &str| {
            let request = Request::post("/").header(header::CONTENT_TYPE, kind).body(body.to_owned().into()).unwrap();
            read(request, FORM, 4).await.map(|(_, body)| body)
        };
        for kind in [FORM, "application/x-www-form-urlencoded; charset=utf-8", " Application/X-WWW-Form-URLencoded ;"] {
            assert_eq!(sent(kind, "1234").await.unwrap(), "1234", "{kind}");
        }
        for kind in [
            "application/json",
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded2",
            "",
        ] {
            assert_eq!(sent(kind, "1234").await, Err(StatusCode::UNSUPPORTED_MEDIA_TYPE), "{kind}");
        }
        assert_eq!(sent(FORM, "12345").await, Err(StatusCode::PAYLOAD_TOO_LARGE));
    }
}
