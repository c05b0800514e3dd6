//! The address Asterisk connects to.

use std::sync::Arc;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::session::{Ended, Link, REPLACED, Received, serve};
use super::settings::Settings;
use super::talk::Line;
use super::wire;
use crate::secret::Secret;
use crate::telephony::Conversation;
use crate::telephony::held::Held;
use crate::telephony::promptly::Promptly;
use crate::telephony::sender::Credentials;

/// What Asterisk speaks.
const PROTOCOL: &str = "ari";
/// A list of ten thousand channels, and some.
const MOST: usize = 16 * 1024 * 1024;

/// The address that Asterisk connects to, if it has a password.
pub fn router<C: Conversation>(line: Arc<Line<C>>, settings: &Settings) -> Option<Router> {
    let both = Secret::new(format!("{}:{}", settings.user, settings.password()?.expose()));
    let way_in = WayIn { line, credentials: Credentials::new(&[both]), app: settings.app.clone() };
    Some(Router::new().route("/asterisk/ari", get(connect)).with_state(Arc::new(way_in)))
}

struct WayIn<C> {
    line: Arc<Line<C>>,
    credentials: Credentials,
    app: Box<str>,
}

/// Whoever cannot prove to be Asterisk learns nothing, not even what is spoken here.
async fn connect<C: Conversation>(State(way_in): State<Arc<WayIn<C>>>, request: Request) -> Response {
    if !way_in.credentials.are_in(request.headers()) {
        let challenge = HeaderValue::from_static("Basic realm=\"hotline\"");
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response();
    }
    let (mut parts, _) = request.into_parts();
    let promptly = parts.extensions.get::<Promptly>().cloned().unwrap_or_default();
    let mut held = parts.extensions.get::<Held>().cloned();
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade.protocols([PROTOCOL]).max_message_size(MOST).max_frame_size(MOST),
        Err(refused) => return refused.into_response(),
    };
    upgrade.on_upgrade(async move |socket| {
        promptly.ask();
        let stop = async {
            match &mut held {
                Some(held) => held.until_stopping().await,
                None => std::future::pending().await,
            }
        };
        match serve(Socket(socket), Arc::clone(&way_in.line), &way_in.app, stop).await {
            Ended::Stopped => {}
            Ended::Lost => tracing::info!("Asterisk has gone"),
            Ended::Replaced => tracing::warn!("{REPLACED}"),
        }
    })
}

/// Events come by it, and requests go, and their answers come.
struct Socket(WebSocket);

impl Link for Socket {
    async fn receive(&mut self) -> Option<Received> {
        match self.0.recv().await?.ok()? {
            Message::Text(text) => Some(Received::Text(text.as_str().to_owned())),
            Message::Close(_) => None,
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => Some(Received::Nothing),
        }
    }

    async fn ask(&mut self, id: &str, request: &wire::Request) -> Option<()> {
        self.0.send(Message::Text(request.text(id).into())).await.ok()
    }

    async fn ping(&mut self) -> Option<()> {
        self.0.send(Message::Ping(Vec::new().into())).await.ok()
    }

    async fn close(mut self) {
        let _ = self.0.send(Message::Close(None)).await;
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;
    use futures_util::{SinkExt, StreamExt};
    use serde_json::{Value, json};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;
    use tokio_tungstenite::tungstenite::{Error, Message as Frame};
    use tokio_tungstenite::{WebSocketStream, client_async};

    use super::*;
    use crate::telephony::asterisk::testing::{Written, entry, line};

    /// What Asterisk connects with that says it is `both`; the status it is refused with.
    async fn connected(settings: &str, both: Option<&str>) -> Result<WebSocketStream<TcpStream>, u16> {
        let settings = toml::from_str(settings).unwrap();
        let routes = router(line(&Written::new([entry()])), &settings).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let mut request = format!("ws://{address}/asterisk/ari").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "ari".parse().unwrap());
        if let Some(both) = both {
            let value = format!("Basic {}", BASE64.encode(both.as_bytes()));
            request.headers_mut().insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        match client_async(request, TcpStream::connect(address).await.unwrap()).await {
            Ok((socket, answer)) => {
                assert_eq!(answer.headers()["sec-websocket-protocol"], "ari");
                Ok(socket)
            }
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }

    async fn next(socket: &mut WebSocketStream<TcpStream>) -> Value {
        loop {
            if let Frame::Text(text) = socket.next().await.unwrap().unwrap() {
                return serde_json::from_str(text.as_str()).unwrap();
            }
        }
    }

    #[tokio::test]
    async fn whoever_is_not_asterisk_is_told_nothing() {
        let settings = "user = \"pbx\"\npassword = \"geheim\"";
        for wrong in [None, Some("pbx:geheim2"), Some("pbx:"), Some(":geheim"), Some("asterisk:geheim")] {
            assert_eq!(connected(settings, wrong).await.err(), Some(401), "{wrong:?}");
        }
        assert!(connected(settings, Some("pbx:geheim")).await.is_ok());
        assert!(router(line(&Written::new([])), &Settings::default()).is_none(), "no password, no way in");
    }

    /// The first capture is what Asterisk 22 says first; it is asked for its channels then, in the form it reads.
    #[tokio::test]
    async fn requests_go_by_the_same_socket() {
        let mut socket = connected("password = \"geheim\"", Some("asterisk:geheim")).await.unwrap();
        let capture =
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/asterisk/captures/connect.jsonl")).lines().last();
        let first: Value = serde_json::from_str(capture.unwrap()).unwrap();
        socket.send(Frame::Text(first["msg"].to_string().into())).await.unwrap();
        assert_eq!(
            next(&mut socket).await,
            json!({
                "type": "RESTRequest",
                "transaction_id": "hotline",
                "request_id": "1",
                "method": "PUT",
                "uri": "applications/ivr/eventFilter",
                "content_type": "application/json",
                "message_body": "{\"disallowed\":[{\"type\":\"ChannelVarset\"},{\"type\":\"ChannelDialplan\"},\
                    {\"type\":\"ChannelStateChange\"},{\"type\":\"PlaybackStarted\"},{\"type\":\"PlaybackContinuing\"}]}",
            })
        );
        assert_eq!(
            next(&mut socket).await,
            json!({
                "type": "RESTRequest",
                "transaction_id": "hotline",
                "request_id": "2",
                "method": "GET",
                "uri": "channels",
            })
        );
    }
}
