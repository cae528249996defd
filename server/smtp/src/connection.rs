//! A connection from its beginning to its log line.

use crate::auth::{Response, ResponseParser};
use crate::command::{Command, CommandParser};
use crate::content::ContentParser;
use crate::dialogue::{Actions, Agent, Dialogue};
use crate::driver::{Driver, End};
use crate::reply::Reply;
use crate::tls::{Handshake, Upgrade};
use crate::transaction;
use crate::wire::Wire;
use samotop_core::io::ConnectionInfo;
use samotop_core::io::tls::{MayBeTls, TlsCapable};
use samotop_core::smtp::command::MailBody;
use samotop_core::smtp::{Interpretter, SmtpContext, SmtpSession};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Start of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// With `STARTTLS`, which must precede the login: port 587.
    StartTls,
    /// At the beginning of the connection: port 465 (RFC 8314 section 3.3).
    Implicit,
}

impl Security {
    fn as_str(self) -> &'static str {
        match self {
            Self::StartTls => "starttls",
            Self::Implicit => "implicit",
        }
    }
}

/// Everything needed to serve a connection.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) agent: Arc<Agent>,
    pub(crate) interpreter: Arc<Interpretter>,
    pub(crate) acceptor: TlsAcceptor,
    /// Cancelled when the server stops: clients that are not in `DATA` are disconnected.
    pub(crate) stopping: CancellationToken,
    /// Cancelled when the shutdown grace is over.
    pub(crate) cut: CancellationToken,
}

impl Service {
    pub(crate) fn new(agent: Arc<Agent>, acceptor: TlsAcceptor) -> Self {
        Self {
            interpreter: Arc::new(interpreter(&agent)),
            agent,
            acceptor,
            stopping: CancellationToken::new(),
            cut: CancellationToken::new(),
        }
    }

    /// Serves a connection to its end. `id` is the session's, for the log and for its messages.
    pub(crate) async fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + Sync + 'static,
        id: String,
        peer: SocketAddr,
        local: SocketAddr,
        security: Security,
    ) {
        let _open = self.agent.domain.metrics.smtp.open();
        let handshake = Handshake::default();
        let upgrade = Upgrade {
            acceptor: self.acceptor.clone(),
            handshake: handshake.clone(),
        };
        let wire = Wire::new(stream, handshake.clone());
        let io = TlsCapable::enabled(Box::new(wire), Box::new(upgrade), String::new());
        let info = ConnectionInfo::new(local.to_string(), peer.to_string());
        let mut context = self.greet(info, id, peer.ip().to_canonical(), handshake, security);
        let started = Instant::now();
        let mut driver = self.driver(Box::new(io));
        let talk = async {
            if security == Security::Implicit
                && let Err(end) = driver.start_tls().await
            {
                return end;
            }
            driver.drive(&mut context).await
        };
        let end = tokio::select! {
            () = self.cut.cancelled() => End::CutOff,
            end = talk => end,
        };
        self.report(&context, security, &end, started);
    }

    /// A new session, with the greeting as first output.
    pub(crate) fn greet(
        &self,
        info: ConnectionInfo,
        id: String,
        peer: IpAddr,
        handshake: Handshake,
        security: Security,
    ) -> SmtpContext {
        let mut context = SmtpContext::default();
        context.session = SmtpSession::new(info);
        context.session.service_name.clone_from(&self.agent.name);
        transaction::offer(&mut context.session, &self.agent, security == Security::StartTls);
        let mut dialogue = Box::new(Dialogue::new(id, peer, handshake));
        let greeting = format!("{} ESMTP Sendmux", self.agent.name);
        dialogue.say(&mut context.session, Reply::of(220, "", greeting));
        dialogue.put(&mut context);
        context
    }

    pub(crate) fn driver(&self, io: Box<dyn MayBeTls>) -> Driver<'_> {
        Driver::new(io, &self.interpreter, &self.agent.config.timeouts, &self.stopping)
    }

    /// Counts the session and writes its log line. Sessions that never tried to log in (health checks, scanners) are logged at
    /// debug level only.
    fn report(&self, context: &SmtpContext, security: Security, end: &End, started: Instant) {
        let metrics = &self.agent.domain.metrics.smtp;
        // A session that is cut off during an action has no dialogue in its context.
        let Some(dialogue) = Dialogue::of(context) else {
            return metrics.ended(security.as_str(), end.kind(None), None, []);
        };
        let tally = &dialogue.tally;
        let kind = end.kind(dialogue.farewell);
        let agreed = dialogue.tls.get();
        let tls = agreed.map(|agreed| agreed.version.as_str());
        let refusals = tally.refusals.iter().map(|(code, count)| (*code, *count));
        metrics.ended(security.as_str(), kind, tls, refusals);
        let key = dialogue.login.as_ref().map(|login| login.key.public_id.as_str());
        let refusal = tally.refusal.as_ref().map(ToString::to_string);
        macro_rules! tell {
            ($level:ident) => {
                tracing::$level!(
                    security = security.as_str(),
                    tls,
                    cipher = agreed.map(|agreed| agreed.cipher.as_str()),
                    hello = context.session.peer_name,
                    key,
                    messages = tally.accepted,
                    message_id = tally.message_id,
                    bytes = tally.bytes,
                    refusals = tally.refusals.values().sum::<u64>(),
                    refusal,
                    errors = tally.errors,
                    failed_logins = tally.failed_logins,
                    milliseconds = started.elapsed().as_millis() as u64,
                    end = kind.as_str(),
                    error = end.error().map(tracing::field::display),
                    "connection ended"
                )
            };
        }
        if key.is_some() || tally.failed_logins > 0 {
            tell!(info);
        } else {
            tell!(debug);
        }
    }
}

/// Parsers and actions of the session. Each parser matches in one mode only, so their order does not matter.
fn interpreter(agent: &Arc<Agent>) -> Interpretter {
    let actions = || Actions(agent.clone());
    Interpretter::default()
        .parse::<Command>()
        .with(CommandParser)
        .and_apply(actions())
        .parse::<MailBody<Vec<u8>>>()
        .with(ContentParser)
        .and_apply(actions())
        .parse::<Response>()
        .with(ResponseParser)
        .and_apply(actions())
}
