//! State of a connection beside samotop's session, and the state shared by all connections.

use crate::auth::Sasl;
use crate::config::{SmtpConfig, Timeouts};
use crate::message::Envelope;
use crate::receive::Incoming;
use crate::reply::Reply;
use crate::tls::Handshake;
use crate::trace;
use samotop_core::smtp::{DriverControl, SmtpContext, SmtpSession};
use sendmux_domain::Domain;
use sendmux_domain::keys::KeyContext;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The submission agent (RFC 6409): the state shared by all connections.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) domain: Domain,
    pub(crate) config: SmtpConfig,
    /// Name in the greeting.
    pub(crate) name: String,
    /// Host name for Message-IDs.
    pub(crate) host: String,
    /// Mark by which the installation recognises itself, in `Received` and in the answer to EHLO.
    pub(crate) mark: String,
    /// Budget for content in memory, in octets.
    pub(crate) content_memory: Arc<Semaphore>,
}

impl Agent {
    pub(crate) fn new(domain: Domain, config: SmtpConfig) -> Self {
        let host = domain.settings.message_id_host().to_owned();
        let mark = domain.sealer.marks().next().unwrap_or_default().to_owned();
        Self {
            name: trace::spoken(&host),
            host,
            mark,
            content_memory: Arc::new(Semaphore::new(config.content_memory.min(Semaphore::MAX_PERMITS))),
            domain,
            config,
        }
    }
}

/// The actions of samotop's interpreter.
#[derive(Clone, Debug)]
pub(crate) struct Actions(pub(crate) Arc<Agent>);

/// State of one connection. It is stored in samotop's context and taken out while an action works on it.
#[derive(Debug)]
pub(crate) struct Dialogue {
    /// The session's id (`req_…`).
    pub(crate) id: String,
    /// The client's address.
    pub(crate) peer: IpAddr,
    /// Result of the TLS handshake, once it is over.
    pub(crate) tls: Handshake,
    /// Time of the connection.
    pub(crate) connected: Instant,
    /// True after `EHLO`, false after `HELO`.
    pub(crate) extended: bool,
    /// State of a login that takes several lines.
    pub(crate) sasl: Option<Sasl>,
    /// The key that logged in.
    pub(crate) login: Option<Login>,
    /// The envelope, from `MAIL` on.
    pub(crate) envelope: Option<Envelope>,
    /// True if the last `MAIL` was refused: commands that the client pipelined after it are then no errors of their
    /// own.
    pub(crate) mail_refused: bool,
    /// The content, from `DATA` on.
    pub(crate) incoming: Option<Incoming>,
    /// Code of the reply with which the server closes the connection.
    pub(crate) farewell: Option<u16>,
    /// Counts.
    pub(crate) tally: Tally,
}

/// A login.
pub(crate) struct Login {
    pub(crate) key: Arc<KeyContext>,
    /// The key itself: it is authenticated again for each message, so that a revoked key takes effect here too.
    pub(crate) secret: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("key", &self.key.public_id)
            .finish_non_exhaustive()
    }
}

/// Counts of a connection, for its limits and its log line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Accepted messages.
    pub(crate) accepted: u32,
    /// Public id of the last accepted message.
    pub(crate) message_id: Option<String>,
    /// Octets of the accepted contents.
    pub(crate) bytes: u64,
    /// Commands since the last accepted message.
    pub(crate) commands: u32,
    /// Invalid commands.
    pub(crate) errors: u32,
    /// Refused logins.
    pub(crate) failed_logins: u32,
    /// Replies of class 4 or 5, by code.
    pub(crate) refusals: BTreeMap<u16, u64>,
    /// The last of these replies.
    pub(crate) refusal: Option<Reply>,
}

/// Slot of samotop's context that holds the dialogue; empty while an action works on it.
struct DialogueSlot(Option<Box<Dialogue>>);

impl Dialogue {
    pub(crate) fn new(id: String, peer: IpAddr, tls: Handshake) -> Self {
        Self {
            id,
            peer,
            tls,
            connected: Instant::now(),
            extended: false,
            sasl: None,
            login: None,
            envelope: None,
            mail_refused: false,
            incoming: None,
            farewell: None,
            tally: Tally::default(),
        }
    }

    /// Puts the dialogue into the context, at first or again.
    pub(crate) fn put(self: Box<Self>, context: &mut SmtpContext) {
        context.get_or_insert(|| DialogueSlot(None)).0 = Some(self);
    }

    /// Takes the dialogue out of the context. It must be put back.
    pub(crate) fn take(context: &mut SmtpContext) -> Option<Box<Self>> {
        context.get_mut::<DialogueSlot>().and_then(|slot| slot.0.take())
    }

    /// The dialogue in the context.
    pub(crate) fn of(context: &SmtpContext) -> Option<&Self> {
        context.get::<DialogueSlot>().and_then(|slot| slot.0.as_deref())
    }

    /// True if the connection is encrypted.
    pub(crate) fn is_secure(&self) -> bool {
        self.tls.get().is_some()
    }

    /// Time by which the next octet must arrive.
    pub(crate) fn deadline(&self, timeouts: &Timeouts, now: Instant) -> Instant {
        let login = self.connected + timeouts.login;
        let login = if self.login.is_none() { Some(login) } else { None };
        let content = self.incoming.as_ref().map(|incoming| incoming.deadline(timeouts));
        let idle = (now + timeouts.idle).min(self.connected + timeouts.session);
        [login, content].into_iter().flatten().fold(idle, Instant::min)
    }

    /// Queues a reply.
    pub(crate) fn say(&mut self, session: &mut SmtpSession, reply: Reply) {
        session.say(DriverControl::Response(reply.to_bytes()));
        if reply.code() >= 400 {
            tracing::debug!(?reply, "refused");
            *self.tally.refusals.entry(reply.code()).or_default() += 1;
            self.tally.refusal = Some(reply);
        }
    }

    /// Queues a reply and closes the connection.
    pub(crate) fn end(&mut self, session: &mut SmtpSession, reply: Reply) {
        self.farewell = Some(reply.code());
        self.say(session, reply);
        self.reset(session);
        session.shutdown();
    }

    /// Replies to an invalid command, and ends the session after too many of them.
    pub(crate) fn wrong(&mut self, session: &mut SmtpSession, agent: &Agent, reply: Reply) {
        self.tally.errors += 1;
        if self.tally.errors > agent.config.max_errors {
            self.end(
                session,
                Reply::new(421, "4.7.0", "Too many errors; closing the connection"),
            );
        } else {
            self.say(session, reply);
        }
    }

    /// Discards the current message.
    pub(crate) fn reset(&mut self, session: &mut SmtpSession) {
        session.reset();
        self.sasl = None;
        self.envelope = None;
        self.mail_refused = false;
        self.incoming = None;
    }
}
