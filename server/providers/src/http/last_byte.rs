//! The point of no return of a request: the last piece of its body.

use std::fmt;
use std::pin::pin;

use bytes::Bytes;
use futures::stream::{self, Stream};
use tokio::sync::oneshot;

use super::{Answer, RequestFailure};
use crate::connector::MayCommit;

/// Bytes of a body that are handed over at a time.
const CHUNK: usize = 64 * 1024;

/// The caller's side of a request's last byte: decides whether it may be handed over.
pub(crate) struct CommitGate {
    asked: oneshot::Receiver<oneshot::Sender<bool>>,
}

/// The request's side of its last byte.
pub(crate) struct LastByte {
    ask: oneshot::Sender<oneshot::Sender<bool>>,
}

/// The caller took the message back before the last byte was handed over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Abandoned;

impl fmt::Display for Abandoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the attempt was abandoned before the message was handed over")
    }
}

impl std::error::Error for Abandoned {}

/// Progress of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The last byte was not handed over.
    Begun,
    /// It never will be.
    Abandoned,
    /// It was.
    Sent,
}

/// Both sides of a request's last byte.
pub(crate) fn commit_gate() -> (CommitGate, LastByte) {
    let (ask, asked) = oneshot::channel();
    (CommitGate { asked }, LastByte { ask })
}

impl CommitGate {
    /// Runs the request, and asks `may_commit` when it comes to its last byte.
    pub async fn watch(
        self,
        may_commit: MayCommit<'_>,
        sending: impl Future<Output = Result<Answer, RequestFailure>>,
    ) -> Result<Answer, RequestFailure> {
        match self.follow(may_commit, sending).await {
            (Ok(answer), progress) => Ok(answer.after(progress)),
            (Err(failure), progress) => Err(failure.after(progress)),
        }
    }

    /// Like [`CommitGate::watch`], for what makes the request within something else.
    pub async fn follow<T>(self, may_commit: MayCommit<'_>, sending: impl Future<Output = T>) -> (T, Progress) {
        let mut sending = pin!(sending);
        let progress = tokio::select! {
            biased;
            done = &mut sending => return (done, Progress::Begun),
            Ok(leave) = self.asked => {
                let may = may_commit();
                // When nobody takes the answer, the request is over already.
                match leave.send(may) {
                    Ok(()) if may => Progress::Sent,
                    Ok(()) => Progress::Abandoned,
                    Err(_) => Progress::Begun,
                }
            }
        };
        (sending.await, progress)
    }
}

impl LastByte {
    /// Waits for leave to hand over the last byte.
    pub async fn ask(self) -> Result<(), Abandoned> {
        let (leave, answer) = oneshot::channel();
        // When nobody is there to be asked, the caller has dropped the request.
        self.ask.send(leave).map_err(|_| Abandoned)?;
        match answer.await {
            Ok(true) => Ok(()),
            _ => Err(Abandoned),
        }
    }

    /// The body in pieces, of which the last waits for leave.
    pub fn body(self, body: Bytes) -> impl Stream<Item = Result<Bytes, Abandoned>> + Send {
        stream::try_unfold(Some((self, body)), |state| async move {
            let Some((last_byte, mut rest)) = state else {
                return Ok(None);
            };
            let piece = rest.split_to(rest.len().min(CHUNK));
            if rest.is_empty() {
                last_byte.ask().await?;
                return Ok(Some((piece, None)));
            }
            Ok(Some((piece, Some((last_byte, rest)))))
        })
    }
}
