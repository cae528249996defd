//! The bytes of a connection: replies in, commands and content out, each within its time.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use futures::FutureExt;
use sendmux_rules::IoFault;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{self, Instant};

use super::fault::ConnectionFailure;
use super::reply::{NotAReply, RawReply};

/// Carrier of a dialogue: TCP, TLS over TCP, or a pipe in a test.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// Result of writing content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// All of it was handed to the transport.
    All,
    /// The server spoke before it had all; the rest was not written.
    Interrupted,
}

/// A connection without knowledge of SMTP beyond the form of replies.
pub(super) struct Wire {
    transport: Box<dyn Transport>,
    input: BytesMut,
    limit: Option<Limit>,
}

/// Most time for several steps together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    total: Duration,
    until: Instant,
}

impl Limit {
    /// A limit that ends after this time from now on.
    pub fn of(total: Duration) -> Self {
        Self {
            total,
            until: Instant::now() + total,
        }
    }

    /// Time for a step that is allowed this much by itself.
    pub fn shorten(&self, within: Duration) -> Duration {
        self.until.saturating_duration_since(Instant::now()).min(within)
    }
}

impl Wire {
    pub fn new(transport: Box<dyn Transport>) -> Self {
        Self {
            transport,
            input: BytesMut::with_capacity(1024),
            limit: None,
        }
    }

    /// Lets all that follows take no longer than this together, besides the limit of each step; `None` ends that.
    pub fn limit(&mut self, limit: Option<Limit>) {
        self.limit = limit;
    }

    /// The transport, to be wrapped in TLS; `None` when the server has already said more than it was asked. Whatever
    /// came before the handshake may be from somebody in between and must not be taken for an answer under TLS
    /// (RFC 3207 section 4.2).
    pub fn into_transport(self) -> Option<Box<dyn Transport>> {
        self.input.is_empty().then_some(self.transport)
    }

    /// The next reply, which must be complete in this time: a server that drips bytes does not buy more.
    pub async fn read_reply(&mut self, within: Duration) -> Result<RawReply, ConnectionFailure> {
        let timeout = self.timeout(within);
        time::timeout(timeout.left, self.read_reply_untimed())
            .await
            .unwrap_or_else(|_| Err(timeout.error()))
    }

    fn timeout(&self, within: Duration) -> StepTimeout {
        let step = StepTimeout {
            left: within,
            allowed: within,
            together: false,
        };
        let Some(limit) = self.limit else { return step };
        let left = limit.shorten(within);
        match left < within {
            true => StepTimeout {
                left,
                allowed: limit.total,
                together: true,
            },
            false => step,
        }
    }

    async fn read_reply_untimed(&mut self) -> Result<RawReply, ConnectionFailure> {
        loop {
            match RawReply::take(&mut self.input) {
                Ok(Some(reply)) => return Ok(reply),
                Ok(None) => {}
                Err(NotAReply) => {
                    return Err(ConnectionFailure::new(
                        IoFault::Reset,
                        "the server's answer is not SMTP",
                    ));
                }
            }
            if self.transport.read_buf(&mut self.input).await? == 0 {
                return Err(ConnectionFailure::closed());
            }
        }
    }

    /// Writes commands.
    pub async fn write(&mut self, bytes: &[u8], within: Duration) -> Result<(), ConnectionFailure> {
        let timeout = self.timeout(within);
        let all = async {
            self.transport.write_all(bytes).await?;
            self.transport.flush().await
        };
        match time::timeout(timeout.left, all).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(timeout.error()),
        }
    }

    /// Writes a piece of content, and stops as soon as the server says something or hangs up.
    ///
    /// On an error not all of the piece has reached the operating system, so that a final dot at its end cannot have
    /// reached the server. That holds for TLS too: the bytes left over are the end of the piece's last record, and the
    /// server can make nothing of a part of a record. The connection must be dropped then, without QUIT and without
    /// closing TLS in form: either would flush what was held back.
    pub async fn write_content(&mut self, bytes: &[u8], within: Duration) -> Result<Written, ConnectionFailure> {
        let timeout = self.timeout(within);
        let mut left = bytes;
        let writing = poll_fn(|cx| self.poll_write_content(&mut left, cx));
        time::timeout(timeout.left, writing)
            .await
            .unwrap_or_else(|_| Err(timeout.error()))
    }

    fn poll_write_content(
        &mut self,
        left: &mut &[u8],
        cx: &mut Context<'_>,
    ) -> Poll<Result<Written, ConnectionFailure>> {
        loop {
            // Nothing is listened for once the last byte was taken: what comes then may be the reply to the final dot.
            if left.is_empty() {
                return Pin::new(&mut self.transport)
                    .poll_flush(cx)
                    .map(|result| result.map(|()| Written::All).map_err(ConnectionFailure::from));
            }
            match self.poll_hear(cx) {
                Poll::Ready(Ok(())) => return Poll::Ready(Ok(Written::Interrupted)),
                Poll::Ready(Err(failure)) => return Poll::Ready(Err(failure)),
                Poll::Pending => {}
            }
            match Pin::new(&mut self.transport).poll_write(cx, left) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into())),
                Poll::Ready(Ok(written)) => *left = &left[written..],
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error.into())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Ready when the server has said something.
    fn poll_hear(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectionFailure>> {
        if !self.input.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let mut space = [0; 1024];
        let mut heard = ReadBuf::new(&mut space);
        match Pin::new(&mut self.transport).poll_read(cx, &mut heard) {
            Poll::Ready(Ok(())) if heard.filled().is_empty() => Poll::Ready(Err(ConnectionFailure::closed())),
            Poll::Ready(Ok(())) => {
                self.input.extend_from_slice(heard.filled());
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
            Poll::Pending => Poll::Pending,
        }
    }

    /// True while an unused connection is still good: neither closed nor told anything (an idle server may say 421 before
    /// it hangs up). Does not wait.
    pub fn is_quiet(&mut self) -> bool {
        self.input.is_empty() && self.transport.read_buf(&mut self.input).now_or_never().is_none()
    }
}

/// Timeout of a step.
struct StepTimeout {
    left: Duration,
    allowed: Duration,
    /// It is what is left of the limit for several steps.
    together: bool,
}

impl StepTimeout {
    fn error(&self) -> ConnectionFailure {
        let seconds = self.allowed.as_secs_f32();
        let detail = match self.together {
            true => format!("the server is too slow: not done in {seconds} s altogether"),
            false => format!("no answer in {seconds} s"),
        };
        ConnectionFailure::new(IoFault::Timeout, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(30);

    /// A server that answers in the very moment in which it has so many bytes.
    struct Prompt {
        missing: usize,
        answer: &'static [u8],
    }

    impl AsyncRead for Prompt {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            if self.missing > 0 {
                return Poll::Pending;
            }
            out.put_slice(std::mem::take(&mut self.answer));
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Prompt {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            let taken = bytes.len().min(10);
            self.missing = self.missing.saturating_sub(taken);
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn prompt(missing: usize, answer: &'static [u8]) -> Wire {
        Wire::new(Box::new(Prompt { missing, answer }))
    }

    #[tokio::test]
    async fn an_answer_to_the_last_byte_is_no_interruption() {
        let mut wire = prompt(100, b"250 Ok\r\n");
        assert_eq!(wire.write_content(&[b'x'; 100], SOON).await, Ok(Written::All));
        assert_eq!(wire.read_reply(SOON).await.unwrap().code, 250);
    }

    #[tokio::test]
    async fn an_answer_before_the_last_byte_is_one() {
        let mut wire = prompt(90, b"552 Too big\r\n");
        assert_eq!(wire.write_content(&[b'x'; 100], SOON).await, Ok(Written::Interrupted));
        assert_eq!(wire.read_reply(SOON).await.unwrap().code, 552);
        // And so is hanging up.
        let mut wire = prompt(90, b"");
        assert_eq!(
            wire.write_content(&[b'x'; 100], SOON).await,
            Err(ConnectionFailure::closed())
        );
    }

    #[tokio::test]
    async fn an_unused_connection_is_quiet() {
        assert!(prompt(1, b"").is_quiet());
        assert!(!prompt(0, b"421 Idle\r\n").is_quiet());
        assert!(!prompt(0, b"").is_quiet());
    }

    #[tokio::test]
    async fn a_reply_that_drips_does_not_buy_time() {
        let (client, mut server) = tokio::io::duplex(64);
        let mut wire = Wire::new(Box::new(client));
        tokio::spawn(async move {
            loop {
                time::sleep(Duration::from_millis(5)).await;
                if server.write_all(b"250-more\r\n").await.is_err() {
                    return;
                }
            }
        });
        let failure = wire.read_reply(Duration::from_millis(50)).await.unwrap_err();
        assert_eq!(failure.fault, IoFault::Timeout);
    }

    #[tokio::test]
    async fn steps_that_are_each_in_time_do_not_buy_time_together() {
        let (client, mut server) = tokio::io::duplex(64);
        let mut wire = Wire::new(Box::new(client));
        wire.limit(Some(Limit::of(Duration::from_millis(100))));
        tokio::spawn(async move {
            while server.write_all(b"250 Ok\r\n").await.is_ok() {
                time::sleep(Duration::from_millis(5)).await;
            }
        });
        let failure = loop {
            if let Err(failure) = wire.read_reply(SOON).await {
                break failure;
            }
        };
        assert_eq!(failure.fault, IoFault::Timeout);
        assert!(failure.detail.contains("0.1 s altogether"), "{}", failure.detail);
        wire.limit(None);
        assert!(wire.read_reply(SOON).await.is_ok(), "its own limit alone counts again");
    }
}
