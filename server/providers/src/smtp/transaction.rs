//! One mail transaction: MAIL, a RCPT for each recipient, DATA, the content (RFC 5321 section 3.3).

use std::time::Duration;

use bytes::Bytes;
use lettre::transport::smtp::commands::Data;
use sendmux_rules::{Class, Hint, IoFault, Reply, Stage};

use super::body::{CHUNK, DotStuffing};
use super::fault::{Cause, ConnectionFailure, Fault, Refusal};
use super::reply::RawReply;
use super::session::Session;
use super::stream::{Limit, Written};
use crate::connector::MayCommit;

/// Transaction to be made.
pub(super) struct Request<'a> {
    /// The MAIL command with its CRLF.
    pub mail: String,
    /// The RCPT commands with their CRLF.
    pub rcpts: Vec<String>,
    /// The message.
    pub content: Bytes,
    /// Asked before the final dot goes out.
    pub may_commit: MayCommit<'a>,
}

/// Result of a transaction.
#[derive(Debug)]
pub(super) struct Done {
    /// One for each RCPT.
    pub verdicts: Vec<Verdict>,
    /// Fault that stopped the transaction as a whole. A further transaction of the same message would fare no better.
    pub stopped: Option<Fault>,
}

/// Result for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The server has taken the message; its reply to the final dot.
    Accepted(Reply),
    /// It has not.
    Refused(Fault),
    /// The recipient was one too many for this transaction, and others were accepted: it goes in another one.
    NextTransaction,
}

impl Done {
    /// The session was over before the server took up the transaction: nothing of it was accepted.
    pub fn never_began(&self) -> bool {
        self.stopped.as_ref().is_some_and(|fault| {
            fault.stage == Stage::MailFrom && (fault.is_421() || matches!(fault.cause, Cause::Io { .. }))
        })
    }
}

impl Session {
    /// Carries one transaction out. Leaves the session ready for another, or marked broken.
    pub async fn transact(&mut self, request: &Request<'_>) -> Done {
        self.transactions += 1;
        let pipelined = self.offered.pipelining;
        let mut transaction = Transaction {
            session: self,
            request,
            pipelined,
            rcpts: Vec::with_capacity(request.rcpts.len()),
        };
        let result = transaction.run().await;
        transaction.session.wire.limit(None);
        transaction.judge(result)
    }
}

/// State of one recipient after its RCPT.
enum Rcpt {
    Taken,
    Refused(Fault),
    OneTooMany(Fault),
}

struct Transaction<'t> {
    session: &'t mut Session,
    request: &'t Request<'t>,
    /// MAIL, RCPT and DATA are sent at once and their replies read afterwards (RFC 2920).
    pipelined: bool,
    /// The recipients whose RCPT was answered.
    rcpts: Vec<Rcpt>,
}

impl Transaction<'_> {
    /// The reply to the final dot; `None` when no recipient was accepted, so that there was nothing to send.
    async fn run(&mut self) -> Result<Option<Reply>, Fault> {
        let request = self.request;
        let timeouts = self.session.timeouts;
        let envelope = timeouts.envelope(request.rcpts.len());
        self.session.wire.limit(Some(Limit::of(envelope)));
        if self.pipelined {
            let mut group = request.mail.clone();
            group.extend(request.rcpts.iter().map(String::as_str));
            group.push_str(&Data.to_string());
            self.write(&group, Stage::MailFrom, timeouts.mail).await?;
        }
        let mail = self.ask(&request.mail, Stage::MailFrom, timeouts.mail).await?;
        if !mail.is_completion() {
            self.skip_group(request.rcpts.len()).await;
            return Err(Fault::reply(Stage::MailFrom, mail.reply()));
        }
        for rcpt in &request.rcpts {
            let answer = self.ask(rcpt, Stage::RcptTo, timeouts.rcpt).await?;
            if answer.code / 100 == 3 {
                self.session.broken = true;
                return Err(Fault::reply(Stage::RcptTo, answer.reply()));
            }
            self.rcpts.push(rcpt_of(&answer));
        }
        if !self.rcpts.iter().any(|rcpt| matches!(rcpt, Rcpt::Taken)) {
            self.skip_group(0).await;
            self.session.reset().await;
            return Ok(None);
        }
        self.session.wire.limit(None);
        let data = self.ask(&Data.to_string(), Stage::Data, timeouts.data).await?;
        if data.code != 354 {
            if data.is_completion() {
                // Neither "go ahead" nor "no": the dialogue is out of step.
                self.session.broken = true;
            }
            self.session.reset().await;
            return Err(Fault::reply(Stage::Data, data.reply()));
        }
        let content = timeouts.content(request.content.len());
        self.session.wire.limit(Some(Limit::of(content)));
        self.send_content().await?;
        self.session.wire.limit(None);
        let end = self.hear(Stage::AfterBody, timeouts.data_end).await?;
        match end.code / 100 {
            2 => Ok(Some(end.reply())),
            4 | 5 => Err(Fault::reply(Stage::Body, end.reply())),
            _ => {
                self.session.broken = true;
                Err(Fault::reply(Stage::Body, end.reply()))
            }
        }
    }

    /// Sends a command, unless it went out with the group, and reads its reply. 421 ends the dialogue.
    async fn ask(&mut self, command: &str, stage: Stage, within: Duration) -> Result<RawReply, Fault> {
        if !self.pipelined {
            self.write(command, stage, within).await?;
        }
        let reply = self.hear(stage, within).await?;
        if reply.code == 421 {
            return Err(Fault::reply(stage, reply.reply()));
        }
        Ok(reply)
    }

    async fn hear(&mut self, stage: Stage, within: Duration) -> Result<RawReply, Fault> {
        let heard = self.session.wire.read_reply(within).await;
        if heard.as_ref().map_or(true, |reply| reply.code == 421) {
            self.session.broken = true;
        }
        heard.map_err(|failure| failure.at(stage))
    }

    async fn write(&mut self, commands: &str, stage: Stage, within: Duration) -> Result<(), Fault> {
        match self.session.wire.write(commands.as_bytes(), within).await {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.last_words(failure, stage).await),
        }
    }

    /// Reads the answers to what was sent behind a refused command, so that the session stays in step: of so many RCPT,
    /// and of DATA.
    async fn skip_group(&mut self, rcpts: usize) {
        if !self.pipelined {
            return;
        }
        let timeouts = self.session.timeouts;
        for _ in 0..rcpts {
            if self.hear(Stage::RcptTo, timeouts.rcpt).await.is_err() || self.session.broken {
                return;
            }
        }
        // A server may say "go ahead" though it has no recipient, and then waits for content. An empty message to nobody
        // is what RFC 2920 section 3.1 asks for; the content itself must not go there.
        if let Ok(data) = self.hear(Stage::Data, timeouts.data).await
            && data.code == 354
        {
            match self.session.wire.write(b".\r\n", timeouts.data_block).await {
                // Nothing can have become of a message to nobody: this is not the final dot that is worth a long wait.
                Ok(()) => drop(self.hear(Stage::Data, timeouts.command).await),
                Err(_) => self.session.broken = true,
            }
        }
    }

    async fn send_content(&mut self) -> Result<(), Fault> {
        let within = self.session.timeouts.data_block;
        let mut stuffing = DotStuffing::new(&self.request.content);
        let mut piece = Vec::with_capacity(self.request.content.len().min(CHUNK) + 1024);
        loop {
            let last = stuffing.next_piece(&mut piece);
            if last && !(self.request.may_commit)() {
                self.session.broken = true;
                return Err(abandoned());
            }
            match self.session.wire.write_content(&piece, within).await {
                Ok(Written::All) if last => return Ok(()),
                Ok(Written::All) => {}
                Ok(Written::Interrupted) => {
                    let early =
                        ConnectionFailure::new(IoFault::Reset, "the server broke in before it had the whole message");
                    return Err(self.last_words(early, Stage::Data).await);
                }
                Err(failure) => return Err(self.last_words(failure, Stage::Data).await),
            }
        }
    }

    /// The connection is of no more use. A server that hangs up often says why first, and that is worth more than the
    /// error of the socket.
    async fn last_words(&mut self, failure: ConnectionFailure, stage: Stage) -> Fault {
        self.session.broken = true;
        if failure.fault != IoFault::Timeout
            && let Ok(reply) = self.session.wire.read_reply(self.session.timeouts.farewell).await
            && reply.code >= 400
        {
            // What is said about the content while it comes, for example that it is too large, is the answer to it.
            let stage = if stage == Stage::Data { Stage::Body } else { stage };
            return Fault::reply(stage, reply.reply());
        }
        failure.at(stage)
    }

    fn judge(self, result: Result<Option<Reply>, Fault>) -> Done {
        let stopped = result.as_ref().err().cloned();
        let taken = result.as_ref().ok().and_then(Option::as_ref);
        let mut verdicts: Vec<_> = self
            .rcpts
            .into_iter()
            .map(|rcpt| match (rcpt, taken, &stopped) {
                (Rcpt::Refused(fault), ..) => Verdict::Refused(fault),
                (Rcpt::OneTooMany(_), Some(_), _) => Verdict::NextTransaction,
                (Rcpt::Taken, Some(reply), _) => Verdict::Accepted(reply.clone()),
                (Rcpt::OneTooMany(_) | Rcpt::Taken, None, Some(fault)) => Verdict::Refused(fault.clone()),
                (Rcpt::OneTooMany(fault), None, None) => Verdict::Refused(fault),
                // A taken recipient means that DATA was said, and then there is a reply or a fault.
                (Rcpt::Taken, None, None) => Verdict::NextTransaction,
            })
            .collect();
        if let Some(fault) = &stopped {
            verdicts.resize(self.request.rcpts.len(), Verdict::Refused(fault.clone()));
        }
        Done { verdicts, stopped }
    }
}

/// Meaning of a reply to RCPT for its recipient.
fn rcpt_of(answer: &RawReply) -> Rcpt {
    if answer.is_completion() {
        return Rcpt::Taken;
    }
    let fault = Fault::reply(Stage::RcptTo, answer.reply());
    match fault.outcome().hint {
        Some(Hint::SplitRecipients) => Rcpt::OneTooMany(fault),
        _ => Rcpt::Refused(fault),
    }
}

/// The caller took the message back before the final dot.
fn abandoned() -> Fault {
    Fault {
        stage: Stage::Data,
        cause: Cause::Here(Box::new(Refusal {
            class: Class::Deferred,
            permanent: false,
            hint: None,
            rule: "local.abandoned",
            reply: None,
            detail: "the attempt was abandoned before the message was handed over".to_owned(),
        })),
    }
}
