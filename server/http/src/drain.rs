//! Draining of request bodies that were refused unread.
//!
//! A server that answers and closes while the client still writes makes the client's system drop the answer (RFC 9112
//! section 9.6): the caller sees a broken connection where it should read `payload_too_large`. So the rest of a refused
//! body is read and thrown away for a while. A client that asks before it sends (`Expect: 100-continue`) is spared.

use crate::body::MAX_BODY;
use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::Response;
use futures::{Stream, StreamExt};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Bounds within which a refused body is read: bytes, and time.
const MAX_DISCARDED: usize = 2 * MAX_BODY;
const MAX_TIME: Duration = Duration::from_secs(10);

/// Layer: reads and discards the rest of bodies that nobody reads.
pub(crate) async fn drain_unread_body(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() || request.headers().contains_key(EXPECT) {
        return next.run(request).await;
    }
    let request = request.map(|body| {
        Body::from_stream(DrainOnDrop {
            rest: Some(body.into_data_stream()),
        })
    });
    next.run(request).await
}

/// A body whose rest is drained when it is dropped unread.
struct DrainOnDrop {
    rest: Option<BodyDataStream>,
}

impl Stream for DrainOnDrop {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(rest) = &mut self.rest else {
            return Poll::Ready(None);
        };
        let polled = rest.poll_next_unpin(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.rest = None;
        }
        polled
    }
}

impl Drop for DrainOnDrop {
    fn drop(&mut self) {
        if let (Some(rest), Ok(runtime)) = (self.rest.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(MAX_TIME, discard(rest)));
        }
    }
}

async fn discard(mut rest: BodyDataStream) {
    let mut left = MAX_DISCARDED;
    while let Some(Ok(data)) = rest.next().await {
        match left.checked_sub(data.len()) {
            Some(less) => left = less,
            None => break,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::http::StatusCode;
    use axum::middleware::from_fn;
    use axum::routing::post;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    /// A client that writes all it has before it reads.
    async fn post_unread(length: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let refuse = post(async || StatusCode::PAYLOAD_TOO_LARGE);
        let app = Router::new().route("/", refuse).layer(from_fn(drain_unread_body));
        let server = tokio::spawn(async move { axum::serve(listener, app).await });
        let mut client = TcpStream::connect(address).await.unwrap();
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        client.write_all(head.as_bytes()).await.unwrap();
        client.write_all(&vec![b' '; length]).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        server.abort();
        answer
    }

    #[tokio::test]
    async fn the_answer_reaches_a_client_that_is_still_writing() {
        let answer = post_unread(MAX_BODY + 1).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    }
}
