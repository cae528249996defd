//! The socket beneath driver and TLS. Output is buffered until it is flushed, so that a flight of a TLS handshake is
//! one packet rather than one a record, and so are the last reply and the end of TLS. The tickets after a handshake are
//! held back until the first reply. While more input arrives than is asked for, more is read at once: rustls asks for 4
//! KB at a time.

use crate::tls::Handshake;
use futures::io::{AsyncRead, AsyncWrite};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::ReadBuf;

/// Octets of a read while much arrives.
const READ_AHEAD: usize = 32 * 1024;
/// Octets of output that are buffered before they are written without a flush.
const MAX_OUTPUT: usize = 16 * 1024;
/// Type of records with encrypted content (RFC 8446 section 5.1).
const APPLICATION_DATA: u8 = 23;
/// Capacity of the output buffer that a connection keeps: enough for any reply.
const KEPT_OUTPUT: usize = 512;

/// A stream that buffers output and reads ahead.
#[derive(Debug)]
pub(crate) struct Wire<S: tokio::io::AsyncWrite + Unpin> {
    stream: S,
    /// Set once the TLS handshake is done.
    handshake: Handshake,
    /// Output not yet flushed.
    output: Vec<u8>,
    /// Octets of it that may wait for the next output.
    held: usize,
    /// True if the output begins in the middle of a write.
    cut: bool,
    /// Input read ahead; empty while little arrives.
    ahead: Vec<u8>,
    /// Range of it that was not taken yet.
    from: usize,
    to: usize,
    /// True if the last read filled its buffer.
    busy: bool,
}

impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn new(stream: S, handshake: Handshake) -> Self {
        Self {
            stream,
            handshake,
            output: Vec::new(),
            held: 0,
            cut: false,
            ahead: Vec::new(),
            from: 0,
            to: 0,
            busy: false,
        }
    }

    /// Reads straight into the buffer, or ahead when the last read filled it.
    fn poll_fill(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let ahead = self.busy && buffer.len() < READ_AHEAD;
        if ahead {
            self.ahead.resize(READ_AHEAD, 0);
        } else {
            self.ahead = Vec::new();
        }
        let mut into = ReadBuf::new(if ahead { &mut self.ahead } else { &mut *buffer });
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut into))?;
        let read = into.filled().len();
        self.busy = read >= buffer.len();
        if !ahead {
            return Poll::Ready(Ok(read));
        }
        (self.from, self.to) = (0, read);
        Poll::Ready(Ok(self.take(buffer)))
    }

    /// Copies out input that was read ahead.
    fn take(&mut self, buffer: &mut [u8]) -> usize {
        let taken = buffer.len().min(self.to - self.from);
        buffer[..taken].copy_from_slice(&self.ahead[self.from..self.from + taken]);
        self.from += taken;
        taken
    }
}

impl<S: tokio::io::AsyncWrite + Unpin> Wire<S> {
    /// Writes the buffered output.
    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut written = 0;
        let outcome = loop {
            if written == self.output.len() {
                break Poll::Ready(Ok(()));
            }
            match Pin::new(&mut self.stream).poll_write(cx, &self.output[written..]) {
                Poll::Ready(Ok(0)) => break Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(more)) => written += more,
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Pending => break Poll::Pending,
            }
        };
        self.output.drain(..written);
        self.output.shrink_to(KEPT_OUTPUT);
        if written > 0 {
            self.held = 0;
            self.cut = !self.output.is_empty();
        }
        outcome
    }

    /// True if the buffered output may wait: the tickets of TLS 1.3, with which a client may shorten its next
    /// handshake. Only these begin a server's output during a handshake with a record of this type: its other flights
    /// begin with the record of a plain handshake message, and so does the last flight of TLS 1.2.
    fn can_wait(&mut self) -> bool {
        let tickets = self.handshake.get().is_none() && !self.cut && self.output.first() == Some(&APPLICATION_DATA);
        if tickets {
            self.held = self.output.len();
        }
        self.held > 0 && self.held == self.output.len()
    }
}

impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        if wire.from < wire.to {
            return Poll::Ready(Ok(wire.take(buffer)));
        }
        wire.poll_fill(cx, buffer)
    }
}

impl<S: tokio::io::AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        if wire.output.len() >= MAX_OUTPUT {
            ready!(wire.poll_write_out(cx))?;
        }
        wire.output.extend_from_slice(octets);
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        if wire.can_wait() {
            return Poll::Ready(Ok(()));
        }
        ready!(wire.poll_write_out(cx))?;
        Pin::new(&mut wire.stream).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        ready!(wire.poll_write_out(cx))?;
        Pin::new(&mut wire.stream).poll_shutdown(cx)
    }
}

impl<S: tokio::io::AsyncWrite + Unpin> Drop for Wire<S> {
    /// Flushes the alert that rustls writes after a failed handshake, which nobody else does. What the socket does not
    /// take now is lost, as it would be without this.
    fn drop(&mut self) {
        let mut nobody = Context::from_waker(std::task::Waker::noop());
        drop(self.poll_write_out(&mut nobody));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    #[tokio::test]
    async fn what_is_written_comes_with_the_flush_the_close_or_the_drop() {
        let (near, mut far) = duplex(64);
        let mut wire = Wire::new(near, Handshake::default());
        let mut buffer = [0; 64];
        wire.write_all(b"one ").await.unwrap();
        wire.write_all(b"two").await.unwrap();
        assert!(futures::poll!(std::pin::pin!(far.read(&mut buffer))).is_pending());
        wire.flush().await.unwrap();
        let read = far.read(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..read], b"one two", "at once");

        wire.write_all(b"bye").await.unwrap();
        wire.close().await.unwrap();
        let read = far.read(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..read], b"bye");
        assert_eq!(far.read(&mut buffer).await.unwrap(), 0);

        let (near, mut far) = duplex(64);
        let mut wire = Wire::new(near, Handshake::default());
        wire.write_all(b"alert").await.unwrap();
        drop(wire);
        let read = far.read(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..read], b"alert");
    }

    #[tokio::test]
    async fn tickets_come_with_the_first_reply_and_nothing_else_waits() {
        let (near, mut far) = duplex(64);
        let handshake = Handshake::default();
        let mut wire = Wire::new(near, handshake.clone());
        let mut buffer = [0; 64];
        for flight in [&[22, 3, 3, 23][..], &[20, 3, 3]] {
            wire.write_all(flight).await.unwrap();
            wire.flush().await.unwrap();
            let read = far.read(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..read], flight);
        }
        wire.write_all(&[23, 3, 3, 1]).await.unwrap();
        wire.flush().await.unwrap();
        let agreed = crate::tls::Agreed {
            version: "TLSv1.3".to_owned(),
            cipher: String::new(),
        };
        handshake.set(agreed).unwrap();
        wire.flush().await.unwrap();
        assert!(futures::poll!(std::pin::pin!(far.read(&mut buffer))).is_pending());
        for reply in [&[23, 3, 3, 2][..], &[23, 3, 3, 3]] {
            wire.write_all(reply).await.unwrap();
            wire.flush().await.unwrap();
        }
        let read = far.read(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..read], [23, 3, 3, 1, 23, 3, 3, 2, 23, 3, 3, 3]);
    }

    /// The rest of a flight that the socket did not take at once may begin with any octet.
    #[tokio::test]
    async fn the_rest_of_a_flight_never_waits() {
        let (near, mut far) = duplex(4);
        let mut wire = Wire::new(near, Handshake::default());
        let flight = [22, 3, 3, 0, 23, 23, 23, 23, 23, 23];
        let send = async {
            wire.write_all(&flight).await.unwrap();
            wire.flush().await.unwrap();
        };
        let mut received = [0; 10];
        let receive = async {
            tokio::io::AsyncReadExt::read_exact(&mut far, &mut received)
                .await
                .unwrap();
        };
        tokio::join!(send, receive);
        assert_eq!(received, flight);
    }

    #[tokio::test]
    async fn output_that_is_never_flushed_is_bounded() {
        let (near, far) = duplex(1024);
        let mut wire = Wire::new(near, Handshake::default());
        let all = async {
            loop {
                wire.write_all(&[b'x'; 1000]).await.unwrap();
            }
        };
        assert!(futures::poll!(std::pin::pin!(all)).is_pending());
        assert!(wire.output.len() <= MAX_OUTPUT + 1000);
        drop(far);
    }

    #[tokio::test]
    async fn every_octet_is_read_once_and_in_order_and_the_room_is_given_back() {
        let sent: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
        let (near, mut far) = duplex(100_000);
        let mut wire = Wire::new(near, Handshake::default());
        let mut received = Vec::new();
        let mut most = 0;
        let send = async {
            far.write_all(&sent).await.unwrap();
            // A client that sends little again.
            for octet in [1_u8, 2] {
                far.flush().await.unwrap();
                tokio::task::yield_now().await;
                far.write_all(&[octet]).await.unwrap();
            }
            far.shutdown().await.unwrap();
        };
        let receive = async {
            let mut buffer = [0; 4096];
            loop {
                match wire.read(&mut buffer).await.unwrap() {
                    0 => break,
                    read => received.extend_from_slice(&buffer[..read]),
                }
                most = most.max(wire.ahead.len());
            }
        };
        tokio::join!(send, receive);
        assert_eq!(received, [&sent[..], &[1, 2]].concat());
        assert_eq!(most, READ_AHEAD);
        assert_eq!(wire.ahead.capacity(), 0);
    }
}
