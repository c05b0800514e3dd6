//! The edge: HTTP/1 only, so long for headers, so long for a body, so long unread, so many bytes, so many connections.
//!
//! `axum::serve` knows no header time-out (measured: 300 of 300 dribbling connections alive after 40 s), and hyper's
//! automatic protocol choice lets silent ones live; HTTP/1 alone with a timer does neither.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

use crate::telephony::held::Held;
use crate::telephony::promptly::Promptly;
use crate::telephony::sender::Peer;

/// What a connection may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For the headers of a request, and idle before the next.
    pub header_timeout: Duration,
    /// For the body of a request, and for a client to read any of its answer.
    pub body_timeout: Duration,
    /// Bytes of a body.
    pub body_bytes: usize,
    /// At once.
    pub connections: usize,
    /// For what is under way when the server stops.
    pub drain: Duration,
}

/// Listens and serves.
#[derive(Debug)]
pub struct Edge {
    listener: TcpListener,
    limits: Limits,
}

impl Edge {
    /// Listens at `address`.
    ///
    /// # Errors
    /// The address is taken, or not this machine's.
    pub async fn bind(address: SocketAddr, limits: Limits) -> std::io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await?, limits })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves `routes` until `stop` is done, then lets what is under way finish.
    pub async fn serve(self, routes: Router, stop: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let (stop_all, stopping) = watch::channel(false);
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = accept(&self.listener, &places) => accepted,
            };
            let Some((stream, peer, place)) = accepted else { continue };
            let held = Held::new(place, stopping.clone());
            tokio::spawn(connection(stream, Peer(peer), held, routes.clone(), self.limits));
        }
        drop(self.listener);
        let _ = stop_all.send(true);
        // Whoever is still there holds a place, and gives it back at the end.
        let all = places.acquire_many(u32::try_from(self.limits.connections).unwrap_or(u32::MAX));
        if tokio::time::timeout(self.limits.drain, all).await.is_err() {
            tracing::warn!("some connections were cut at the end of the drain time");
        }
    }
}

/// Serves one connection to its end; one that is upgraded is held by whoever upgraded it.
async fn connection(stream: TcpStream, peer: Peer, mut held: Held, routes: Router, limits: Limits) {
    let promptly = Promptly::default();
    let stream = Acknowledging { stream, promptly: promptly.clone() };
    let service = hyper::service::service_fn({
        let held = held.clone();
        move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(promptly.clone());
            answer(routes.clone(), request.map(Body::new), peer, held.clone(), limits)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(impatient(stream, limits.body_timeout)), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    // A client that breaks off, or talks no HTTP, is no news.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = held.until_stopping() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// A stream that fails when nothing of what is written gets away for so long: whoever sends and never reads would hold
/// a connection for ever.
fn impatient(stream: Acknowledging, patience: Duration) -> Pin<Box<TimeoutStream<Acknowledging>>> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(patience));
    Box::pin(stream)
}

/// A stream that acknowledges what it reads at once, where that is asked for.
#[derive(Debug)]
struct Acknowledging {
    stream: TcpStream,
    promptly: Promptly,
}

impl AsyncRead for Acknowledging {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, into);
        // The system forgets it with the next acknowledgement, so it is told after each read.
        #[cfg(target_os = "linux")]
        if read.is_ready() && self.promptly.is_asked() {
            let _ = self.stream.set_quickack(true);
        }
        read
    }
}

impl AsyncWrite for Acknowledging {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Answers are small and single: waiting for more to send only delays a caller.
            let _ = stream.set_nodelay(true);
            Some((stream, peer, place))
        }
        Err(trouble) => {
            // Out of file handles, most likely: better to wait than to spin.
            tracing::warn!(%trouble, "connection not accepted");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

/// Reads the whole body, within its time and size, before anything looks at the request.
async fn answer(
    routes: Router,
    request: Request,
    peer: Peer,
    held: Held,
    limits: Limits,
) -> Result<Response, std::convert::Infallible> {
    let (mut parts, body) = request.into_parts();
    let body = match tokio::time::timeout(limits.body_timeout, to_bytes(body, limits.body_bytes)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return Ok(close(StatusCode::PAYLOAD_TOO_LARGE)),
        Err(_) => return Ok(close(StatusCode::REQUEST_TIMEOUT)),
    };
    parts.extensions.insert(peer);
    parts.extensions.insert(held);
    routes.oneshot(Request::from_parts(parts, Body::from(body))).await
}

/// What is left of the request is not read: the connection ends with the answer.
fn close(status: StatusCode) -> Response {
    (status, [(header::CONNECTION, "close"), (header::CACHE_CONTROL, "no-store")]).into_response()
}
