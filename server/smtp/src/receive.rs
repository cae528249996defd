//! `DATA`: receiving the content within bounds, and answering the final dot.
//!
//! A message is collected in one buffer, which becomes the stored content. Messages of more than 64 KB draw on a budget
//! that all connections share, for the announced size before the first octet is asked for, so that 25 MB are refused
//! (452) rather than make the process grow.

use crate::config::{MAX_MESSAGE, Timeouts};
use crate::content;
use crate::dialogue::{Actions, Agent, Dialogue};
use crate::message::{self, Message, Stamp};
use crate::reply::Reply;
use crate::trace;
use crate::transaction::unavailable;
use samotop_core::common::S1Fut;
use samotop_core::smtp::command::MailBody;
use samotop_core::smtp::{Action, SmtpContext, SmtpSession};
use sendmux_domain::error::capitalised;
use sendmux_domain::messages::{self, Origin, Source, Submission};
use sendmux_domain::{Error, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// Octets of content that are not counted: the connection itself costs about as much.
const UNCOUNTED: usize = 64 * 1024;
/// Octets of the first permit of a message without an announced size.
const FIRST_STEP: usize = 1024 * 1024;
/// Most octets of content that are read of a refused message before the connection ends.
const MAX_DISCARDED: usize = 4 * MAX_MESSAGE;
/// Octets a second that content must arrive with on average.
const OCTETS_PER_SECOND: f64 = 32.0 * 1024.0;
/// Size from which work on the header is done on a thread of its own, so that it does not delay other connections.
const LARGE_HEADER: usize = 256 * 1024;

/// A message that is being received.
#[derive(Debug)]
pub(crate) struct Incoming {
    public_id: String,
    at: Timestamp,
    started: Instant,
    /// The `Received` line and the content so far.
    raw: Vec<u8>,
    /// Octets of the `Received` line.
    prefix: usize,
    /// Octets of received content, kept or not.
    size: usize,
    permit: ContentPermit,
    /// The reply to the final dot, once the message is refused.
    refusal: Option<Reply>,
}

impl Incoming {
    /// Time by which the next octet must arrive.
    pub(crate) fn deadline(&self, timeouts: &Timeouts) -> Instant {
        self.started + timeouts.content_grace + Duration::from_secs_f64(self.size as f64 / OCTETS_PER_SECOND)
    }

    async fn take(&mut self, agent: &Agent, data: &[u8]) {
        self.size += data.len();
        if self.refusal.is_some() {
            return;
        }
        if self.size > MAX_MESSAGE {
            let text = format!("The message is larger than {MAX_MESSAGE} octets");
            return self.refuse(Reply::of(552, "5.3.4", text));
        }
        if !self.permit.grow_to(agent, self.size).await {
            return self.refuse(NO_MEMORY);
        }
        if self.raw.len() + data.len() > self.raw.capacity() {
            // Grow to the permitted size rather than to twice the current one.
            let whole = self.prefix + self.size.max(self.permit.octets);
            self.raw.reserve_exact(whole - self.raw.len());
        }
        self.raw.extend_from_slice(data);
    }

    /// Frees the memory of the message; the rest of it is read and discarded.
    fn refuse(&mut self, reply: Reply) {
        self.refusal = Some(reply);
        self.raw = Vec::new();
        self.permit = ContentPermit::default();
    }
}

const NO_MEMORY: Reply = Reply::new(452, "4.3.1", "Too many large messages at once; try again in a moment");

/// Permit of a message for its share of the memory for contents.
#[derive(Debug, Default)]
struct ContentPermit {
    octets: usize,
    permit: Option<OwnedSemaphorePermit>,
}

impl ContentPermit {
    /// Takes a permit for the announced size.
    async fn reserve(&mut self, agent: &Agent, octets: usize) -> bool {
        octets <= UNCOUNTED || self.take(agent, octets).await
    }

    /// Extends the permit to the received size. A message without an announced size, or with one that is too small,
    /// takes memory in at most two steps, the second for the largest size: many messages that grow little by little
    /// would end up waiting for each other.
    async fn grow_to(&mut self, agent: &Agent, octets: usize) -> bool {
        if octets <= self.octets.max(UNCOUNTED) {
            return true;
        }
        let step = if octets <= FIRST_STEP { FIRST_STEP } else { MAX_MESSAGE };
        self.take(agent, step - self.octets).await
    }

    async fn take(&mut self, agent: &Agent, octets: usize) -> bool {
        let wanted = u32::try_from(octets).unwrap_or(u32::MAX);
        let memory: Arc<Semaphore> = agent.content_memory.clone();
        // The semaphore is never closed: only the timeout can fail.
        let Ok(Ok(permit)) = timeout(agent.config.timeouts.content_memory, memory.acquire_many_owned(wanted)).await
        else {
            return false;
        };
        self.octets += octets;
        match &mut self.permit {
            Some(held) => held.merge(permit),
            None => self.permit = Some(permit),
        }
        true
    }
}

impl Action<MailBody<Vec<u8>>> for Actions {
    fn apply<'a, 's, 'f>(&'a self, part: MailBody<Vec<u8>>, context: &'s mut SmtpContext) -> S1Fut<'f, ()>
    where
        'a: 'f,
        's: 'f,
    {
        Box::pin(async move {
            let Some(mut dialogue) = Dialogue::take(context) else {
                return context.session.shutdown();
            };
            let session = &mut context.session;
            match part {
                MailBody::Chunk {
                    data,
                    ends_with_new_line,
                } => {
                    content::expect(session, ends_with_new_line);
                    dialogue.content(session, &self.0, &data).await;
                }
                MailBody::End => dialogue.final_dot(session, &self.0).await,
            }
            dialogue.put(context);
        })
    }
}

impl Dialogue {
    /// Handles `DATA`.
    pub(crate) async fn data(&mut self, session: &mut SmtpSession, agent: &Agent) {
        let Some(envelope) = &self.envelope else {
            return self.out_of_turn(session, agent, Reply::new(503, "5.5.1", "Send MAIL first"));
        };
        if envelope.recipients.is_empty() {
            return self.say(session, Reply::new(554, "5.5.1", "No valid recipients"));
        }
        let mut permit = ContentPermit::default();
        if !permit.reserve(agent, envelope.size).await {
            return self.say(session, NO_MEMORY);
        }
        let public_id = messages::new_message_id();
        let at = agent.domain.clock.now();
        let stamp = Stamp {
            public_id: &public_id,
            host: &agent.host,
            mark: &agent.mark,
            date: date(at),
        };
        let hello = session.peer_name.as_deref().unwrap_or_default();
        let raw = trace::received(hello, self.peer, self.tls.get(), envelope, stamp).into_bytes();
        self.incoming = Some(Incoming {
            public_id,
            at,
            started: Instant::now(),
            prefix: raw.len(),
            raw,
            size: 0,
            permit,
            refusal: None,
        });
        content::expect(session, true);
        self.say(session, Reply::new(354, "", "End data with <CRLF>.<CRLF>"));
    }

    /// Handles a part of the content.
    async fn content(&mut self, session: &mut SmtpSession, agent: &Agent, data: &[u8]) {
        let Some(incoming) = &mut self.incoming else {
            return session.shutdown();
        };
        incoming.take(agent, data).await;
        if incoming.size > MAX_DISCARDED {
            let refusal = incoming.refusal.take().unwrap_or(NO_MEMORY);
            self.end(session, refusal);
        }
    }

    /// Handles the final dot. The reply is always true: 250 comes after the commit.
    async fn final_dot(&mut self, session: &mut SmtpSession, agent: &Agent) {
        let reply = match self.incoming.take() {
            Some(Incoming {
                refusal: Some(refusal), ..
            }) => refusal,
            Some(incoming) => self.accept(agent, incoming).await,
            None => return session.shutdown(),
        };
        self.reset(session);
        self.say(session, reply);
    }

    async fn accept(&mut self, agent: &Agent, incoming: Incoming) -> Reply {
        let Incoming {
            public_id,
            at,
            raw,
            prefix,
            size,
            permit,
            ..
        } = incoming;
        let (Some(envelope), Some(login)) = (self.envelope.take(), &self.login) else {
            return Reply::new(503, "5.5.1", "Send MAIL first");
        };
        let max_hops = agent.config.max_hops as usize;
        if let Some(refusal) = trace::loop_of(&raw[prefix..], max_hops, agent.domain.sealer.marks()) {
            return refusal;
        }
        let return_path = envelope.return_path.as_ref().map(ToString::to_string);
        let finish = {
            let (public_id, host, mark) = (public_id.clone(), agent.host.clone(), agent.mark.clone());
            move || {
                let stamp = Stamp {
                    public_id: &public_id,
                    host: &host,
                    mark: &mark,
                    date: date(at),
                };
                message::finish(raw, prefix, &envelope, stamp)
            }
        };
        let message = if size > LARGE_HEADER {
            match tokio::task::spawn_blocking(finish).await {
                Ok(finished) => finished,
                Err(error) => return unavailable(&Error::Internal(error.to_string())),
            }
        } else {
            finish()
        };
        let message = match message {
            Ok(message) => message,
            Err(refused) => return Reply::of(554, "5.6.0", capitalised(&refused.to_string())),
        };
        let recipients = message.recipients.len();
        let submission = self.submission(login.key.clone(), public_id, return_path, message);
        let outcome = messages::submit(&agent.domain, submission).await;
        drop(permit);
        match outcome {
            Ok(accepted) => {
                self.tally.accepted += 1;
                self.tally.bytes += size as u64;
                self.tally.commands = 0;
                let message_id = accepted.message_id;
                tracing::debug!(message_id, recipients, bytes = size, "accepted a message");
                let reply = Reply::of(250, "2.0.0", format!("Ok: queued as {message_id}"));
                self.tally.message_id = Some(message_id);
                reply
            }
            Err(error) => refusal(&error),
        }
    }

    fn submission(
        &self,
        key: Arc<sendmux_domain::keys::KeyContext>,
        public_id: String,
        return_path: Option<String>,
        message: Message,
    ) -> Submission {
        let origin = Origin {
            remote_address: Some(self.peer.to_string()),
            request_id: Some(self.id.clone()),
            tls: self.tls.get().map(|agreed| agreed.version.clone()),
        };
        Submission {
            public_id,
            key,
            source: Source::Smtp,
            origin,
            subject: message.subject,
            from_email: message.from_email,
            from_name: message.from_name,
            return_path,
            header_message_id: message.header_message_id,
            recipients: message.recipients,
            content: message.content,
            smtputf8: message.smtputf8,
        }
    }
}

/// The reply to a message that was not stored.
fn refusal(error: &Error) -> Reply {
    match error {
        Error::NoActiveProviders => Reply::of(451, "4.3.0", capitalised(&error.to_string())),
        // Too large, or too many recipients, for every provider: RFC 5321 has one code for both.
        Error::NeverDeliverable(text) => Reply::of(552, "5.3.4", capitalised(text)),
        // RFC 3463 section 3.8: delivery not authorized.
        Error::Forbidden(text) => Reply::of(550, "5.7.1", capitalised(text)),
        Error::Invalid(_) | Error::Conflict(_) | Error::NotFound(_) | Error::Gone(_) => {
            Reply::of(554, "5.6.0", capitalised(&error.to_string()))
        }
        Error::Unavailable(_)
        | Error::DatabaseUnavailable(_)
        | Error::StorageFull(_)
        | Error::Database(_)
        | Error::Internal(_) => unavailable(error),
    }
}

/// A time as a date for a header. One outside the calendar becomes the beginning of Unix time.
fn date(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.as_millis().div_euclid(1_000)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
