//! The driver between the connection and samotop's interpreter. It reads within bounds and deadlines, passes on whole
//! lines only, writes replies, starts TLS, and ends the connection.
//!
//! Unlike samotop's own driver it discards all plain-text input when TLS starts, limits the length of lines, and never
//! waits without a time limit.

use crate::config::Timeouts;
use crate::content;
use crate::dialogue::Dialogue;
use crate::line::{self, Line};
use crate::reply::Reply;
use futures::io::{AsyncReadExt, AsyncWriteExt};
use samotop_core::io::tls::MayBeTls;
use samotop_core::smtp::{DriverControl, Interpret, Interpretter, ParseError, SmtpContext};
use sendmux_domain::metrics::SmtpEnd;
use std::io;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

/// Octets of one read while commands are expected, and while content is: the most in a TLS record.
const READ_COMMANDS: usize = 4 * 1024;
const READ_CONTENT: usize = 16 * 1024;
/// Octets of replies that are collected for pipelined commands (RFC 2920).
const MAX_OUTPUT: usize = 8 * 1024;
/// Octets that are discarded of a client that goes on after its connection was ended.
const MAX_LINGER: usize = 1024 * 1024;

/// End of a connection.
#[derive(Debug)]
pub(crate) enum End {
    /// The server closed it: after `QUIT`, or with a refusal.
    Closed,
    /// The client went away.
    Gone,
    /// The client did not send or read in time.
    TimedOut,
    /// The server stops.
    Stopping,
    /// The server stops, and the client did not finish in time.
    CutOff,
    /// The TLS handshake failed.
    NoTls(io::Error),
    /// The connection failed.
    Broken(io::Error),
}

impl End {
    /// Kind of the end, for metrics. `farewell` is the code of the reply with which the server closed, if it did.
    pub(crate) fn kind(&self, farewell: Option<u16>) -> SmtpEnd {
        match self {
            Self::Closed if farewell == Some(221) => SmtpEnd::Quit,
            Self::Closed => SmtpEnd::Refused,
            Self::Gone => SmtpEnd::ClientGone,
            Self::TimedOut => SmtpEnd::TimedOut,
            Self::Stopping => SmtpEnd::Stopping,
            Self::CutOff => SmtpEnd::CutOff,
            Self::NoTls(_) => SmtpEnd::TlsFailed,
            Self::Broken(_) => SmtpEnd::Broken,
        }
    }

    /// The error of the connection, if there was one.
    pub(crate) fn error(&self) -> Option<&io::Error> {
        match self {
            Self::NoTls(error) | Self::Broken(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

/// A connection in progress.
pub(crate) struct Driver<'a> {
    pub(crate) io: Box<dyn MayBeTls>,
    pub(crate) interpreter: &'a Interpretter,
    pub(crate) timeouts: &'a Timeouts,
    /// Cancelled when the server stops.
    pub(crate) stopping: &'a CancellationToken,
    /// Replies not yet written.
    pub(crate) output: Vec<u8>,
}

impl<'a> Driver<'a> {
    pub(crate) fn new(
        io: Box<dyn MayBeTls>,
        interpreter: &'a Interpretter,
        timeouts: &'a Timeouts,
        stopping: &'a CancellationToken,
    ) -> Self {
        Self {
            io,
            interpreter,
            timeouts,
            stopping,
            output: Vec::new(),
        }
    }

    /// Serves the client until the connection ends.
    pub(crate) async fn drive(mut self, context: &mut SmtpContext) -> End {
        let end = match self.converse(context).await {
            Ok(end) | Err(end) => end,
        };
        if matches!(end, End::Closed | End::TimedOut | End::Stopping) {
            self.close().await;
        }
        end
    }

    /// Starts TLS, with implicit TLS before anything else.
    pub(crate) async fn start_tls(&mut self) -> Result<(), End> {
        Pin::new(&mut *self.io).encrypt();
        // The handshake is made by the next use of the connection.
        match timeout(self.timeouts.handshake, self.io.flush()).await {
            Ok(done) => done.map_err(End::NoTls),
            Err(_) => Err(End::NoTls(io::ErrorKind::TimedOut.into())),
        }
    }

    async fn converse(&mut self, context: &mut SmtpContext) -> Result<End, End> {
        loop {
            if self.obey(context).await? {
                return Ok(End::Closed);
            }
            let step = if content::expected(&context.session) {
                self.interpreter.interpret(context).await
            } else {
                match line::first(&context.session.input) {
                    Line::Complete(_) => self.interpreter.interpret(context).await,
                    Line::Incomplete => Err(ParseError::Incomplete),
                    Line::Bare => {
                        end(context, Reply::new(500, "5.5.2", "A bare CR or LF: lines end in CRLF"));
                        continue;
                    }
                    Line::TooLong => {
                        end(context, Reply::new(500, "5.5.6", "The line is too long"));
                        continue;
                    }
                }
            };
            match step {
                Ok(Some(taken)) => drop(context.session.input.drain(..taken)),
                Ok(None) => {}
                Err(ParseError::Incomplete) => {
                    if let Some(end) = self.listen(context).await? {
                        return Ok(end);
                    }
                }
                // The strict parser of contents is the only one that fails.
                Err(ParseError::Failed(_) | ParseError::Mismatch(_)) => {
                    end(
                        context,
                        Reply::new(554, "5.6.0", "A bare CR or LF in the content: lines end in CRLF"),
                    );
                }
            }
        }
    }

    /// Carries out the session's output: writes, starts TLS. Returns true if the connection is to be closed.
    async fn obey(&mut self, context: &mut SmtpContext) -> Result<bool, End> {
        for control in std::mem::take(&mut context.session.output) {
            match control {
                DriverControl::Response(reply) => {
                    self.output.extend_from_slice(&reply);
                    if self.output.len() > MAX_OUTPUT {
                        self.write().await?;
                    }
                }
                DriverControl::StartTls => {
                    // No plain-text input survives (RFC 3207 section 4.2): neither what the client said about itself,
                    // nor what somebody else may have injected after the command.
                    context.session.input.clear();
                    context.session.peer_name = None;
                    self.write().await?;
                    self.start_tls().await?;
                }
                // Remaining replies are sent with the end of TLS, in `close`.
                DriverControl::Shutdown => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Writes the pending output and reads on. Returns the end of the connection, if it has ended.
    async fn listen(&mut self, context: &mut SmtpContext) -> Result<Option<End>, End> {
        self.write().await?;
        let in_content = content::expected(&context.session);
        let now = Instant::now();
        let deadline = Dialogue::of(context).map_or(now, |dialogue| dialogue.deadline(self.timeouts, now));
        let input = &mut context.session.input;
        let start = input.len();
        let read = {
            input.resize(start + if in_content { READ_CONTENT } else { READ_COMMANDS }, 0);
            let read = timeout_at(deadline, self.io.read(&mut input[start..]));
            tokio::select! {
                biased;
                // A message in DATA may be finished.
                () = self.stopping.cancelled(), if !in_content => None,
                read = read => Some(read),
            }
        };
        let taken = match &read {
            Some(Ok(Ok(taken))) => *taken,
            _ => 0,
        };
        input.truncate(start + taken);
        match read {
            Some(Ok(Ok(0))) => Ok(Some(End::Gone)),
            Some(Ok(Ok(_))) => Ok(None),
            Some(Ok(Err(error))) if is_gone(&error) => Ok(Some(End::Gone)),
            Some(Ok(Err(error))) => Err(End::Broken(error)),
            Some(Err(_)) => {
                end(context, Reply::new(421, "4.4.2", "Timeout; closing the connection"));
                self.obey(context).await?;
                Ok(Some(End::TimedOut))
            }
            None => {
                end(
                    context,
                    Reply::new(421, "4.3.2", "The server is shutting down; try again"),
                );
                self.obey(context).await?;
                Ok(Some(End::Stopping))
            }
        }
    }

    async fn write(&mut self) -> Result<(), End> {
        if self.output.is_empty() {
            return Ok(());
        }
        let write = async {
            self.io.write_all(&self.output).await?;
            self.io.flush().await
        };
        match timeout(self.timeouts.write, write).await {
            Ok(written) => written?,
            Err(_) => return Err(End::Broken(io::ErrorKind::TimedOut.into())),
        }
        self.output.clear();
        Ok(())
    }

    /// Closes in a way that lets the last reply arrive: closing a socket with unread input resets the connection, and
    /// the client may lose what it has not read yet.
    async fn close(&mut self) {
        let linger: Duration = self.timeouts.linger;
        let farewell = async {
            self.io.write_all(&self.output).await?;
            self.io.close().await?;
            let mut sink = vec![0; READ_COMMANDS];
            let mut left = MAX_LINGER;
            while left > 0 {
                match self.io.read(&mut sink).await? {
                    0 => break,
                    read => left = left.saturating_sub(read),
                }
            }
            io::Result::Ok(())
        };
        // The connection is over in any case.
        drop(timeout(linger, farewell).await);
    }
}

/// Queues a reply and ends the connection.
fn end(context: &mut SmtpContext, reply: Reply) {
    match Dialogue::take(context) {
        Some(mut dialogue) => {
            dialogue.end(&mut context.session, reply);
            dialogue.put(context);
        }
        None => context.session.shutdown(),
    }
}

/// True if the client disconnected, orderly or not.
fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(
        error.kind(),
        UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe
    )
}
