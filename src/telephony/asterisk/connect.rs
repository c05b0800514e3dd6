//! An Asterisk that cannot connect to us: we connect to it. Its events come by a websocket, requests go by HTTP.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Uri, header};
use data_encoding::BASE64;
use futures_util::{SinkExt, StreamExt};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::session::{Ended, Link, REPLACED, Received, serve};
use super::settings::Settings;
use super::talk::Line;
use super::wire::{Answered, Request};
use crate::telephony::Conversation;

/// Requests of one call keep their order, those of several go by several connections.
const LANES: usize = 4;
/// How long connecting, and an answer, may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// A connection that was idle for so long is not used again: Asterisk closes it after 15 s.
const IDLE: Duration = Duration::from_secs(5);
/// Between tries.
const AGAIN: Duration = Duration::from_secs(1);
/// How long another who has the application is left with it: two would take it from each other for ever.
const YIELD: Duration = Duration::from_mins(1);
/// A list of ten thousand channels, and some.
const MOST: usize = 16 * 1024 * 1024;

/// Where Asterisk's ARI is, and who we are there.
struct There {
    host: Box<str>,
    port: u16,
    /// Before `/events` and all requests.
    path: Box<str>,
    authorization: HeaderValue,
    app: Box<str>,
}

/// Connects, and again whenever the connection is lost, until `stop` says so.
pub async fn keep_connected<C: Conversation>(line: Arc<Line<C>>, settings: Settings, mut stop: watch::Receiver<bool>) {
    let Some(there) = There::new(&settings).map(Arc::new) else { return };
    let mut told = false;
    loop {
        let mut again = AGAIN;
        let connected = tokio::select! {
            connected = timeout(PATIENCE, Connection::open(Arc::clone(&there))) => connected.ok().flatten(),
            () = until(&mut stop) => return,
        };
        match connected {
            Some(connection) => {
                told = false;
                let stopped = async {
                    until(&mut stop).await;
                };
                match serve(connection, Arc::clone(&line), &settings.app, stopped).await {
                    Ended::Stopped => return,
                    Ended::Lost => tracing::warn!("Asterisk has gone"),
                    Ended::Replaced => {
                        again = YIELD;
                        tracing::warn!("{REPLACED}");
                    }
                }
            }
            // Once, and not every second.
            None if !told => {
                told = true;
                tracing::warn!("Asterisk cannot be reached, or does not let us in; it is tried again every second");
            }
            None => {}
        }
        tokio::select! {
            () = sleep(again) => {}
            () = until(&mut stop) => return,
        }
    }
}

/// Until `stop` says so, or nobody is left to say it.
pub async fn until(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

impl There {
    /// `None`: we do not connect, or nowhere that can be connected to; the settings were checked for that.
    fn new(settings: &Settings) -> Option<Self> {
        let url: Uri = settings.connect_to()?.parse().ok()?;
        let both = format!("{}:{}", settings.connect_user, settings.connect_password.expose());
        let mut authorization = HeaderValue::try_from(format!("Basic {}", BASE64.encode(both.as_bytes()))).ok()?;
        authorization.set_sensitive(true);
        Some(Self {
            host: url.host()?.into(),
            port: url.port_u16().unwrap_or(80),
            path: url.path().trim_end_matches('/').into(),
            authorization,
            app: settings.app.clone(),
        })
    }

    /// The request as it goes by HTTP.
    fn http(&self, request: &Request) -> Option<axum::http::Request<Body>> {
        // A long list of sounds is longer than a line that Asterisk reads.
        let (in_body, in_line): (Vec<_>, Vec<_>) = request.query.iter().partition(|(name, _)| *name == "media");
        let media = in_body.first().map(|(_, media)| {
            let media: Vec<_> = media.split(',').collect();
            json!({ "media": media }).to_string()
        });
        let body = request.body.clone().or(media);
        let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(in_line).finish();
        let Self { host, port, path, authorization, .. } = self;
        let mut http = axum::http::Request::builder()
            .method(request.method)
            .uri(format!("{path}/{}?{query}", request.path))
            .header(header::HOST, format!("{host}:{port}"))
            .header(header::AUTHORIZATION, authorization);
        if body.is_some() {
            http = http.header(header::CONTENT_TYPE, "application/json");
        }
        http.body(body.map_or_else(Body::empty, Body::from)).ok()
    }

    /// What Asterisk calls itself: part of the ids of its calls, which must be the same after we were away.
    async fn name(&self) -> Option<Box<str>> {
        #[derive(Deserialize)]
        struct Info {
            system: System,
        }
        #[derive(Deserialize)]
        struct System {
            entity_id: Box<str>,
        }
        let mut sender = open(self).await?;
        let (_, body) = send(&mut sender, self.http(&Request::system())?).await?;
        serde_json::from_str::<Info>(&body).ok().map(|info| info.system.entity_id)
    }

    async fn dial(&self) -> Option<TcpStream> {
        let host = self.host.trim_matches(['[', ']']);
        let stream = TcpStream::connect((host, self.port)).await.ok()?;
        stream.set_nodelay(true).ok()?;
        Some(stream)
    }
}

/// Events come by one, requests go by others.
struct Connection {
    events: WebSocketStream<TcpStream>,
    lanes: Vec<mpsc::Sender<(String, axum::http::Request<Body>)>>,
    /// As many at the most as were asked for: whoever waits until a lane takes more must not be waited for by it.
    answers: mpsc::UnboundedReceiver<Answered>,
    there: Arc<There>,
    /// What Asterisk itself says first only to those whom it connects to.
    first: Option<String>,
}

impl Connection {
    async fn open(there: Arc<There>) -> Option<Self> {
        let There { host, port, path, app, .. } = &*there;
        let mut request = format!("ws://{host}:{port}{path}/events?app={app}").into_client_request().ok()?;
        request.headers_mut().insert(header::AUTHORIZATION, there.authorization.clone());
        let limits = WebSocketConfig::default().max_message_size(Some(MOST)).max_frame_size(Some(MOST));
        let (events, _) = client_async_with_config(request, there.dial().await?, Some(limits)).await.ok()?;
        let (answered, answers) = mpsc::unbounded_channel();
        let open_lane = |_| {
            let (asks, asked) = mpsc::channel(1024);
            tokio::spawn(lane(Arc::clone(&there), asked, answered.clone()));
            asks
        };
        let lanes = (0..LANES).map(open_lane).collect();
        let name = there.name().await?;
        let first = json!({ "type": "ApplicationRegistered", "application": there.app, "asterisk_id": name });
        Some(Self { events, lanes, answers, there, first: Some(first.to_string()) })
    }
}

impl Link for Connection {
    async fn receive(&mut self) -> Option<Received> {
        if let Some(first) = self.first.take() {
            return Some(Received::Text(first));
        }
        tokio::select! {
            event = self.events.next() => match event?.ok()? {
                Message::Text(text) => Some(Received::Text(text.as_str().to_owned())),
                Message::Close(_) => None,
                _ => Some(Received::Nothing),
            },
            answered = self.answers.recv() => answered.map(Received::Answered),
        }
    }

    async fn ask(&mut self, id: &str, request: &Request) -> Option<()> {
        let lane = self.lanes.get(lane_of(&request.path, LANES))?;
        lane.send((id.to_owned(), self.there.http(request)?)).await.ok()
    }

    async fn ping(&mut self) -> Option<()> {
        self.events.send(Message::Ping(Vec::new().into())).await.ok()
    }

    async fn close(mut self) {
        // What was asked last is sent: where calls stand is kept with it. A lane ends when it has nothing more to send.
        self.lanes.clear();
        let sent = async { while self.answers.recv().await.is_some() {} };
        if timeout(PATIENCE, sent).await.is_err() {
            tracing::warn!("Asterisk does not take what is said of calls last");
        }
        let _ = timeout(PATIENCE, self.events.close(None)).await;
    }
}

/// The lane of the call that a request is about: `channels/ID/…`, `playbacks/ID.…`.
fn lane_of(path: &str, lanes: usize) -> usize {
    let mut segments = path.split('/');
    let (kind, id) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
    let channel = if kind == "playbacks" { id.rsplit_once('.').map_or(id, |(channel, _)| channel) } else { id };
    let mut hasher = DefaultHasher::new();
    channel.hash(&mut hasher);
    usize::try_from(hasher.finish() % lanes.max(1) as u64).unwrap_or(0)
}

/// Sends requests one after the other, each when the one before is answered.
async fn lane(
    there: Arc<There>,
    mut asked: mpsc::Receiver<(String, axum::http::Request<Body>)>,
    answers: mpsc::UnboundedSender<Answered>,
) {
    let mut sender: Option<(SendRequest<Body>, Instant)> = None;
    while let Some((id, request)) = asked.recv().await {
        let reused = sender.take().filter(|(sender, used)| !sender.is_closed() && used.elapsed() < IDLE);
        let opened = match reused {
            Some((sender, _)) => Some(sender),
            None => timeout(PATIENCE, open(&there)).await.ok().flatten(),
        };
        // What is not answered counts as refused.
        let mut answered = Answered { request: id.into(), status: 503, body: None };
        if let Some(mut opened) = opened
            && let Ok(Some((status, body))) = timeout(PATIENCE, send(&mut opened, request)).await
        {
            answered.status = status;
            answered.body = Some(body);
            sender = Some((opened, Instant::now()));
        }
        if answers.send(answered).is_err() {
            return;
        }
    }
}

async fn open(there: &There) -> Option<SendRequest<Body>> {
    let (sender, connection) = handshake(TokioIo::new(there.dial().await?)).await.ok()?;
    tokio::spawn(async move {
        // Whoever waits for an answer hears of its end.
        let _ = connection.await;
    });
    Some(sender)
}

async fn send(sender: &mut SendRequest<Body>, request: axum::http::Request<Body>) -> Option<(u16, Box<str>)> {
    sender.ready().await.ok()?;
    let response = sender.send_request(request).await.ok()?;
    let status = response.status().as_u16();
    let body = to_bytes(Body::new(response.into_body()), MOST).await.ok()?;
    Some((status, std::str::from_utf8(&body).ok()?.into()))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use axum::Router;
    use axum::extract::ws::{Message as Frame, WebSocketUpgrade};
    use axum::http::{HeaderMap, StatusCode};
    use axum::response::IntoResponse;
    use axum::routing::{any, get};
    use tokio::net::TcpListener;

    use super::*;
    use crate::telephony::asterisk::testing::{Written, line, menu};

    /// An Asterisk that answers all requests, and writes them down.
    async fn asterisk(asked: Arc<Mutex<Vec<String>>>) -> u16 {
        let events = async |headers: HeaderMap, upgrade: WebSocketUpgrade| {
            assert_eq!(headers[header::AUTHORIZATION], format!("Basic {}", BASE64.encode(b"hotline:geheim")));
            upgrade.on_upgrade(async |mut socket| {
                let channel = json!({ "id": "c1", "state": "Up", "dialplan": { "exten": "12333" } });
                let event = json!({ "type": "StasisStart", "args": [], "channel": channel, "asterisk_id": "02:fc" });
                socket.send(Frame::Text(event.to_string().into())).await.unwrap();
                while socket.recv().await.is_some_and(|frame| frame.is_ok()) {}
            })
        };
        let answer = async move |request: axum::extract::Request| {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, MOST).await.unwrap();
            let at = format!("{} {}", parts.method, parts.uri);
            asked.lock().unwrap().push(format!("{at} {}", String::from_utf8_lossy(&body)).trim().to_owned());
            match at.as_str() {
                "GET /ari/asterisk/info?only=system" => return r#"{"system":{"entity_id":"02:fc"}}"#.into_response(),
                "GET /ari/channels?" => return "[]".into_response(),
                _ => {}
            }
            StatusCode::NO_CONTENT.into_response()
        };
        let routes = Router::new().route("/ari/events", get(events)).route("/ari/{*path}", any(answer));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        port
    }

    #[tokio::test]
    async fn events_come_by_a_socket_and_requests_go_by_http() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let port = asterisk(Arc::clone(&asked)).await;
        let settings = format!("connect_to = \"http://127.0.0.1:{port}/ari\"\nconnect_password = \"geheim\"");
        let (stop, stopped) = watch::channel(false);
        let conversation = Written::new([menu()]);
        let connected = tokio::spawn(keep_connected(line(&conversation), toml::from_str(&settings).unwrap(), stopped));
        let play = "POST /ari/channels/c1/play/c1.e3b0c442-1a? {\"media\":[\"sound:http://h/prompts/zh-CN/";
        for _ in 0..1000 {
            if asked.lock().unwrap().iter().any(|asked| asked.starts_with(play)) {
                break;
            }
            sleep(Duration::from_millis(5)).await;
        }
        let asked = std::mem::take(&mut *asked.lock().unwrap());
        let of_call: Vec<_> = asked.iter().filter(|asked| asked.contains("/c1/")).map(String::as_str).collect();
        assert_eq!(
            of_call[..2],
            [
                "GET /ari/channels/c1/variable?variable=HOTLINE_STATE",
                "POST /ari/channels/c1/variable?variable=HOTLINE_STATE&value=k.AbC-_9.e3b0c442-1",
            ]
        );
        assert!(of_call[2].starts_with(play), "{of_call:?}");
        assert_eq!(conversation.told(), ["02fc-c1 dialled 12333 Withheld"]);
        stop.send_replace(true);
        timeout(PATIENCE, connected).await.unwrap().unwrap();
    }

    /// A sound that is stopped was asked for before.
    #[test]
    fn requests_of_one_call_keep_their_order() {
        let of = |path: &str| lane_of(path, 1_000_000);
        let call = of("channels/pbx-1795289216.6/answer");
        assert_eq!(of("channels/pbx-1795289216.6/play/pbx-1795289216.6.0a1b2c3d-7b"), call);
        assert_eq!(of("playbacks/pbx-1795289216.6.0a1b2c3d-7b"), call);
        assert_eq!(of("channels/pbx-1795289216.6"), call);
        assert_ne!(of("channels/pbx-1795289216.7/answer"), call);
    }
}
