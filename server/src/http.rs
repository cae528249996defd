//! Serving HTTP to clients that may be slow, or stuck, or many: what one of them costs is bounded, and so is for how long.
//!
//! - The head of a request must have come within [`CLIENT_TIMEOUT`], counted from the end of the one before: so that is also
//!   how long a connection is kept open for nothing.
//! - A client that takes no byte of an answer for [`CLIENT_TIMEOUT`] is gone.
//! - Bodies of the API are read within bounds of their own (`sendmux-http`); those of the dashboard are small forms, see
//!   [`small_body`].
//! - A connection holds no more than [`BUFFER`] bytes of what it was sent, and there are no more than [`CONNECTIONS`], of which
//!   one client has [`CONNECTIONS_OF_A_CLIENT`].

use crate::clients::Clients;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONNECTION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use sendmux_domain::connections::{Slot, Slots};
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Sleep, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// Time that a client may take for the head of a request, stay idle between two requests, or read nothing of an answer.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(75);
/// Bytes that a connection holds of what it was sent and nobody has read yet; and so the size of the largest head.
const BUFFER: usize = 64 * 1024;
/// Connections at once. More have to wait until one of them ends.
const CONNECTIONS: usize = 10_000;
/// Connections at once from one client's network. Those of a trusted proxy are many clients', and not counted. More are
/// closed unread.
const CONNECTIONS_OF_A_CLIENT: usize = 500;
/// Wait when the system has no more connections to give.
const RETRY_ACCEPT: Duration = Duration::from_millis(500);

/// Bytes of a form of the dashboard, and how long it may take to come.
const SMALL_BODY: usize = 128 * 1024;
const SMALL_BODY_TIME: Duration = Duration::from_secs(30);

/// Serves until `stopping`, then answers what was asked before and ends. `clients` tells each request its client.
pub async fn serve(listener: TcpListener, router: Router, clients: Arc<Clients>, stopping: CancellationToken) {
    let turns = Arc::new(Semaphore::new(CONNECTIONS));
    let slots = Slots::new(CONNECTIONS, CONNECTIONS_OF_A_CLIENT);
    let connections = TaskTracker::new();
    loop {
        let next = async {
            // Nobody closes the semaphore.
            let turn = turns.clone().acquire_owned().await.ok();
            (turn, accept(&listener).await)
        };
        let (turn, (stream, address)) = tokio::select! {
            next = next => next,
            () = stopping.cancelled() => break,
        };
        let Some(slot) = slot(&slots, address.ip(), &clients) else {
            tracing::debug!(%address, "a connection too many of one client was closed");
            continue;
        };
        let (router, clients, stopping) = (router.clone(), clients.clone(), stopping.clone());
        connections.spawn(async move {
            connection(stream, address, router, clients, stopping).await;
            drop((turn, slot));
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// The slot of a connection from this address; none when its client has too many.
fn slot(slots: &Slots, peer: IpAddr, clients: &Clients) -> Option<Slot> {
    let slot = slots.take()?;
    if clients.is_proxy(peer) {
        Some(slot)
    } else {
        slot.of(peer)
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "cannot set TCP_NODELAY");
                }
                return (stream, address);
            }
            // The client's, of a connection that it gave up meanwhile.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::ConnectionReset
                        | io::ErrorKind::ConnectionRefused
                ) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept a connection");
                sleep(RETRY_ACCEPT).await;
            }
        }
    }
}

/// Serves one connection from `address`.
pub async fn connection<S>(
    stream: S,
    address: SocketAddr,
    router: Router,
    clients: Arc<Clients>,
    stopping: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = router.map_request(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        let client = clients.of(address.ip(), request.headers());
        request.extensions_mut().insert(client);
        request
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(CLIENT_TIMEOUT)
        .max_buf_size(BUFFER)
        .serve_connection(
            TokioIo::new(WriteTimeout::new(stream)),
            TowerToHyperService::new(service),
        );
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %address, "a connection broke off");
    }
}

/// Layer: refuses a body where none belongs, and closes the connection.
pub async fn no_body_where_none_belongs(request: Request, next: Next) -> Response {
    if sendmux_http::is_misplaced(&request) {
        let text = format!(
            "a {} request has no body: leave it out, or use POST\n",
            request.method()
        );
        return (StatusCode::BAD_REQUEST, [(CONNECTION, "close")], text).into_response();
    }
    next.run(request).await
}

/// Layer: reads the body before anybody else does, small and in time or not at all.
pub async fn small_body(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    match timeout(SMALL_BODY_TIME, to_bytes(body, SMALL_BODY)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(head, bytes.into())).await,
        Ok(Err(_)) => (StatusCode::PAYLOAD_TOO_LARGE, "the form is too large, or broke off").into_response(),
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "the form came too slowly").into_response(),
    }
}

/// A stream that fails once nothing could be written to it for [`CLIENT_TIMEOUT`].
struct WriteTimeout<S> {
    stream: S,
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<S: Unpin> WriteTimeout<S> {
    fn new(stream: S) -> Self {
        Self { stream, stuck: None }
    }

    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let written = write(Pin::new(&mut self.stream), context);
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(CLIENT_TIMEOUT)));
        ready!(stuck.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteTimeout<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.watch(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.watch(context, |stream, context| stream.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.watch(context, |stream, context| stream.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.watch(context, |stream, context| stream.poll_shutdown(context))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Extension;
    use axum::middleware::from_fn;
    use axum::routing::{get, post};
    use sendmux_domain::ClientAddress;
    use sendmux_domain::TrustedProxies;
    use std::net::Ipv4Addr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::sync::Notify;
    use tokio::time::Instant;

    #[test]
    fn a_client_has_its_share_of_the_connections_and_a_proxy_all_of_them() {
        let slots = Slots::new(10, 2);
        let clients = Clients::new(TrustedProxies::loopback());
        let client = IpAddr::from([192, 0, 2, 1]);
        let held: Vec<_> = (0..2).map(|_| slot(&slots, client, &clients).unwrap()).collect();
        assert!(slot(&slots, client, &clients).is_none());
        assert!(slot(&slots, [192, 0, 2, 2].into(), &clients).is_some());
        let behind: Vec<_> = (0..5).map(|_| slot(&slots, [127, 0, 0, 1].into(), &clients)).collect();
        assert!(behind.iter().all(Option::is_some));
        drop(held);
        assert!(slot(&slots, client, &clients).is_some());
    }

    #[tokio::test]
    async fn a_body_where_none_belongs_is_refused() {
        let router = hello().layer(from_fn(no_body_where_none_belongs));
        for (head, status) in [
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody", "400"),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "400",
            ),
            ("HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody", "400"),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                "200",
            ),
        ] {
            let mut stream = connect(router.clone(), &CancellationToken::new());
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{head:?}: {answer}");
            assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
        }
    }

    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    fn connect(router: Router, stopping: &CancellationToken) -> DuplexStream {
        let (ours, theirs) = duplex(4096);
        let address = (Ipv4Addr::LOCALHOST, 1).into();
        tokio::spawn(connection(theirs, address, router, Arc::default(), stopping.clone()));
        ours
    }

    fn hello() -> Router {
        Router::new().route(
            "/",
            get(async |Extension(ClientAddress(from)): Extension<ClientAddress>| format!("hello {from}")),
        )
    }

    async fn rest(client: &mut DuplexStream) -> String {
        let mut text = String::new();
        client.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_comes_in_drops_is_not_waited_for() {
        let mut client = connect(hello(), &CancellationToken::new());
        let began = Instant::now();
        for byte in GET.iter().cycle() {
            sleep(Duration::from_secs(10)).await;
            // No answer, and sooner or later nobody to write to.
            if client.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
        assert!(
            began.elapsed() <= CLIENT_TIMEOUT + Duration::from_secs(10),
            "{:?}",
            began.elapsed()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_closed_after_a_while() {
        let mut client = connect(hello(), &CancellationToken::new());
        client.write_all(GET).await.unwrap();
        sleep(CLIENT_TIMEOUT - Duration::from_secs(1)).await;
        let asked = Instant::now();
        client.write_all(GET).await.unwrap();
        let answers = rest(&mut client).await;
        assert_eq!(answers.matches("hello 127.0.0.1").count(), 2, "{answers}");
        assert_eq!(asked.elapsed().as_secs(), CLIENT_TIMEOUT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        struct Dropped(Arc<Notify>);
        impl Drop for Dropped {
            fn drop(&mut self) {
                self.0.notify_one();
            }
        }
        let gone = Arc::new(Notify::new());
        let held = Arc::new(Dropped(gone.clone()));
        let large = get(async move || {
            let _held = &held;
            vec![b'x'; 1024 * 1024]
        });
        let mut client = connect(Router::new().route("/", large), &CancellationToken::new());
        let began = Instant::now();
        client.write_all(GET).await.unwrap();
        gone.notified().await;
        assert_eq!(began.elapsed().as_secs(), CLIENT_TIMEOUT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_asked_is_answered_and_nothing_else_waited_for() {
        let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let slow = get({
            let (asked, go) = (asked.clone(), go.clone());
            async move || {
                asked.notify_one();
                go.notified().await;
                "done"
            }
        });
        let stopping = CancellationToken::new();
        let router = Router::new().route("/", slow);
        let (mut busy, mut idle) = (connect(router.clone(), &stopping), connect(router, &stopping));
        busy.write_all(GET).await.unwrap();
        asked.notified().await;
        let began = Instant::now();
        stopping.cancel();
        assert_eq!(rest(&mut idle).await, "");
        go.notify_one();
        assert!(rest(&mut busy).await.ends_with("done"));
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn forms_are_small_and_come_in_time() {
        let router = Router::new()
            .route("/", post(async |body: String| body))
            .layer(from_fn(small_body));
        for (length, sent, status) in [
            (3, 3, "200 OK"),
            (SMALL_BODY, SMALL_BODY, "200 OK"),
            (SMALL_BODY + 1, SMALL_BODY + 1, "413 Payload Too Large"),
            (3, 2, "408 Request Timeout"),
        ] {
            let mut client = connect(router.clone(), &CancellationToken::new());
            let (mut answers, mut asks) = tokio::io::split(&mut client);
            let head = format!("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
            let ask = async {
                asks.write_all(head.as_bytes()).await.unwrap();
                // It need not take all of a body that it refuses.
                drop(asks.write_all(&vec![b'x'; sent]).await);
            };
            let mut answer = String::new();
            let (_, read) = tokio::join!(ask, answers.read_to_string(&mut answer));
            read.unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{:.60}", answer);
        }
    }
}
