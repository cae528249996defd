//! From nothing to a connection that is ready for MAIL.
//!
//! Of lettre's transport this uses the commands, parameters and mechanisms, not `AsyncSmtpConnection`. That one writes a
//! command and reads its reply as one step (no PIPELINING), gives content and final dot to the transport in the same
//! call that waits for the reply (so a fault before the final dot cannot be told from one after it), reads only strict
//! UTF-8 replies, hides which address is connected to, and copies the whole content.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use lettre::transport::smtp::commands::{Ehlo, Noop, Quit, Rset, Starttls};
use lettre::transport::smtp::extension::ClientId;
use rustls::ClientConfig;
use sendmux_rules::{IoFault, Reply, SmtpSecurity, Stage};
use tokio::time::Instant;

use super::auth::{FirstMechanism, SignedIn, sign_in};
use super::capabilities::Capabilities;
use super::fault::{Cause, ConnectionFailure, Fault};
use super::reply::RawReply;
use super::settings::SmtpSettings;
use super::stream::{Limit, Wire};
use super::timeouts::Timeouts;
use super::tls::{TlsFacts, handshake};
use crate::net::{self, Host, NetError};

/// The rule that stops what would go round.
pub(super) const OWN_SERVER: &str = "local.own_server";
/// The rule that keeps the network inside from strangers.
pub(super) const PRIVATE_HOST: &str = "local.private_host";
/// The rule that keeps services that are no mail servers from strangers.
pub(super) const PORT: &str = "local.port";

/// Prerequisites of a session: the settings, checked and prepared once.
#[derive(Debug)]
pub(super) struct Target {
    pub settings: SmtpSettings,
    pub host: Host,
    pub tls: Arc<ClientConfig>,
    pub first_mechanism: FirstMechanism,
}

/// A step that was passed on the way, for the connection test.
pub(super) enum Passed<'a> {
    Connected(SocketAddr),
    Tls(TlsFacts),
    Ehlo(&'a Capabilities),
    SignedIn(SignedIn),
}

/// A connection to a server that has greeted, been greeted, and signed in to.
pub(super) struct Session {
    pub wire: Wire,
    pub offered: Capabilities,
    pub timeouts: Timeouts,
    /// Transactions begun.
    pub transactions: u32,
    /// Nothing more may be said: closed, out of step, or told 421.
    pub broken: bool,
    /// Since when nobody has used it.
    pub idle_since: Instant,
}

impl Session {
    /// Opens a session; `passed` hears of every step.
    pub async fn open(target: &Target, passed: &mut (dyn FnMut(Passed<'_>) + Send)) -> Result<Self, Fault> {
        let settings = &target.settings;
        let timeouts = settings.timeouts;
        let limit = Limit::of(timeouts.opening());
        let tcp = connect(target).await?;
        let greeter = Greeter::new(settings, tcp.local_addr().ok().map(|address| address.ip()));
        if let Ok(address) = tcp.peer_addr() {
            passed(Passed::Connected(address));
        }

        let mut wire = Wire::new(Box::new(tcp));
        wire.limit(Some(limit));
        if settings.security == SmtpSecurity::Implicit {
            wire = to_tls(wire, target, limit, passed).await?;
        }
        expect(&mut wire, Stage::Greeting, timeouts.greeting).await?;
        let mut offered = greeter.greet(&mut wire, timeouts).await?;
        if offered
            .installation
            .as_ref()
            .is_some_and(|mark| settings.own_marks.contains(mark))
        {
            return Err(Fault::config(
                Stage::Ehlo,
                OWN_SERVER,
                "this host is this server itself: mail that it is handed would come back here",
            ));
        }
        if settings.security == SmtpSecurity::StartTls {
            if !offered.starttls {
                passed(Passed::Ehlo(&offered));
                return Err(Fault::config(
                    Stage::StartTls,
                    "local.starttls_not_offered",
                    "the server does not offer STARTTLS, and nothing is sent without encryption",
                ));
            }
            say(&mut wire, &Starttls.to_string(), Stage::StartTls, timeouts).await?;
            wire = to_tls(wire, target, limit, passed).await?;
            // What was offered before is void (RFC 3207 section 4.2).
            offered = greeter.greet(&mut wire, timeouts).await?;
        }
        passed(Passed::Ehlo(&offered));
        if let Some(credentials) = &settings.credentials {
            let signed_in = sign_in(&mut wire, &offered, credentials, timeouts, &target.first_mechanism).await?;
            passed(Passed::SignedIn(signed_in));
        }
        wire.limit(None);
        Ok(Self {
            wire,
            offered,
            timeouts,
            transactions: 0,
            broken: false,
            idle_since: Instant::now(),
        })
    }

    /// Ends a transaction that was begun and not finished, so that the next finds a clean session.
    pub async fn reset(&mut self) {
        if !self.broken {
            self.broken = self.farewell(&Rset.to_string()).await.is_err();
        }
    }

    /// NOOP, for the connection test.
    pub async fn noop(&mut self) -> Result<Reply, Fault> {
        self.farewell(&Noop.to_string()).await
    }

    /// Takes leave. The server's answer changes nothing.
    pub async fn quit(mut self) {
        if !self.broken {
            let _ = self.farewell(&Quit.to_string()).await;
        }
    }

    async fn farewell(&mut self, command: &str) -> Result<Reply, Fault> {
        let within = self.timeouts.farewell;
        // The rules have no stage for commands outside of a transaction; EHLO is the nearest.
        let at = |failure: ConnectionFailure| failure.at(Stage::Ehlo);
        self.wire.write(command.as_bytes(), within).await.map_err(at)?;
        expect(&mut self.wire, Stage::Ehlo, within)
            .await
            .map(|reply| reply.reply())
    }
}

async fn connect(target: &Target) -> Result<tokio::net::TcpStream, Fault> {
    let settings = &target.settings;
    let started = Instant::now();
    let within = settings.timeouts.connect;
    if let Some(allowed) = &settings.ports
        && !allowed.contains(&settings.port)
    {
        let allowed: Vec<_> = allowed.iter().map(ToString::to_string).collect();
        let allowed = allowed.join(", ");
        let detail = format!(
            "port {} is not allowed: this installation connects only to these ports: {allowed}",
            settings.port
        );
        return Err(Fault::config(Stage::Connect, PORT, detail));
    }
    let at_connect = |error: NetError| match error {
        NetError::Io { fault, detail } => ConnectionFailure::new(fault, detail).at(Stage::Connect),
        NetError::Internal => Fault::config(
            Stage::Connect,
            PRIVATE_HOST,
            format!(
                "{} has only private or local addresses, which this installation does not allow",
                target.host
            ),
        ),
    };
    let resolving = net::resolve(&target.host, settings.port, settings.allow_private_hosts);
    let addresses = match tokio::time::timeout(within, resolving).await {
        Ok(resolved) => resolved.map_err(at_connect)?,
        Err(_) => {
            let detail = format!("{} could not be resolved in {} s", target.host, within.as_secs_f32());
            return Err(ConnectionFailure::new(IoFault::Dns, detail).at(Stage::Connect));
        }
    };
    let left = within.saturating_sub(started.elapsed());
    net::connect(&addresses, left).await.map_err(at_connect)
}

async fn to_tls(
    wire: Wire,
    target: &Target,
    limit: Limit,
    passed: &mut (dyn FnMut(Passed<'_>) + Send),
) -> Result<Wire, Fault> {
    let Some(transport) = wire.into_transport() else {
        let detail = "the server said more than it was asked before TLS began";
        return Err(ConnectionFailure::new(IoFault::Tls, detail).at(Stage::StartTls));
    };
    let within = limit.shorten(target.settings.timeouts.tls);
    let stream = tokio::time::timeout(within, handshake(&target.tls, &target.host, transport))
        .await
        .unwrap_or_else(|_| {
            let detail = format!("the TLS handshake was not done in {} s", within.as_secs_f32());
            Err(ConnectionFailure::new(IoFault::Timeout, detail))
        })
        .map_err(|failure| failure.at(Stage::Tls))?;
    passed(Passed::Tls(TlsFacts::of(stream.get_ref().1)));
    let mut wire = Wire::new(Box::new(stream));
    wire.limit(Some(limit));
    Ok(wire)
}

/// Reads a reply that has to be 2yz.
async fn expect(wire: &mut Wire, stage: Stage, within: std::time::Duration) -> Result<RawReply, Fault> {
    let reply = wire.read_reply(within).await.map_err(|failure| failure.at(stage))?;
    if reply.is_completion() {
        Ok(reply)
    } else {
        Err(Fault::reply(stage, reply.reply()))
    }
}

/// Says a command outside of a transaction, whose reply has to be 2yz.
async fn say(wire: &mut Wire, command: &str, stage: Stage, timeouts: Timeouts) -> Result<RawReply, Fault> {
    let within = timeouts.command;
    wire.write(command.as_bytes(), within)
        .await
        .map_err(|failure| failure.at(stage))?;
    expect(wire, stage, within).await
}

/// Says EHLO.
struct Greeter {
    name: ClientId,
    /// HELO will do: neither STARTTLS nor AUTH is needed.
    plain: bool,
}

impl Greeter {
    fn new(settings: &SmtpSettings, local: Option<IpAddr>) -> Self {
        let name = match (&settings.helo_name, local) {
            (Some(name), _) => ClientId::Domain(match name.parse() {
                Ok(Host::Name(ascii)) => ascii,
                _ => name.clone(),
            }),
            (None, Some(IpAddr::V4(v4))) => ClientId::Ipv4(v4),
            (None, Some(IpAddr::V6(v6))) => ClientId::Ipv6(v6),
            (None, None) => ClientId::default(),
        };
        Self {
            name,
            plain: settings.security != SmtpSecurity::StartTls && settings.credentials.is_none(),
        }
    }

    async fn greet(&self, wire: &mut Wire, timeouts: Timeouts) -> Result<Capabilities, Fault> {
        let ehlo = Ehlo::new(self.name.clone()).to_string();
        match say(wire, &ehlo, Stage::Ehlo, timeouts).await {
            Ok(reply) => Ok(Capabilities::parse(&reply.lines)),
            // RFC 5321 section 3.2: a server of before 1995.
            Err(Fault {
                cause: Cause::Reply(Reply { code: 500..=504, .. }),
                ..
            }) if self.plain => {
                say(wire, &format!("HELO {}\r\n", self.name), Stage::Ehlo, timeouts).await?;
                Ok(Capabilities::default())
            }
            Err(fault) => Err(fault),
        }
    }
}
