//! The limits of the listener, each with a default that an installation can run with.

use sendmux_domain::TrustedProxies;
use std::time::Duration;

/// Octets that a message may have, without its dot-stuffing and the final dot: the `SIZE` that is announced (RFC 1870).
pub const MAX_MESSAGE: usize = 26_214_400;

/// Recipients that one message may have.
pub const MAX_RECIPIENTS: usize = 201;

/// How the listener behaves.
#[derive(Clone, Debug)]
pub struct SmtpConfig {
    /// Messages that one connection may bring; the next `MAIL` ends it with 421 4.7.0.
    pub messages_per_connection: u32,
    /// Connections that may be open at once.
    pub max_connections: usize,
    /// Connections that may be open at once from one IPv4 address or one IPv6 network of 64 bits.
    pub max_connections_per_address: usize,
    /// Commands of one connection between two messages.
    pub max_commands: u32,
    /// Commands of one connection that may be wrong; one more ends it with 421 4.7.0.
    pub max_errors: u32,
    /// Wrong logins of one connection; the last of them ends it with 421 4.7.0.
    pub max_failed_logins: u32,
    /// Octets of content that all connections together may hold in memory, for messages of more than 64 KB.
    pub content_memory: usize,
    /// `Received` fields that a message may come with; one with more goes round (RFC 5321 section 6.3).
    pub max_hops: u32,
    /// Whose connections begin with a header of the PROXY protocol, which says who the client is; nobody's by default.
    pub proxies: TrustedProxies,
    /// How long things may take.
    pub timeouts: Timeouts,
}

/// How long a client is waited for.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// For a proxy to say whose the connection is.
    pub proxy_header: Duration,
    /// For the whole TLS handshake.
    pub handshake: Duration,
    /// From the connection to the login.
    pub login: Duration,
    /// For the next octet (RFC 5321 section 4.5.3.2.7 asks for five minutes at least).
    pub idle: Duration,
    /// For the client to take what is written to it.
    pub write: Duration,
    /// Content has to come at 32 KB a second by all but this long, so that nobody holds memory by trickling.
    pub content_grace: Duration,
    /// For the whole connection.
    pub session: Duration,
    /// For other connections to give back memory that a large message needs.
    pub content_memory: Duration,
    /// For clients that were told, to go away before what they still send is cut off.
    pub linger: Duration,
    /// For what is in `DATA` when the server stops.
    pub shutdown: Duration,
}

impl Default for SmtpConfig {
    fn default() -> Self {
        Self {
            messages_per_connection: 1,
            max_connections: 10_000,
            max_connections_per_address: 100,
            max_commands: 1_000,
            max_errors: 10,
            max_failed_logins: 3,
            content_memory: 256 * 1024 * 1024,
            max_hops: 100,
            proxies: TrustedProxies::default(),
            timeouts: Timeouts::default(),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            proxy_header: seconds(5),
            handshake: seconds(30),
            login: seconds(120),
            idle: seconds(300),
            write: seconds(60),
            content_grace: seconds(120),
            session: seconds(3_600),
            content_memory: seconds(10),
            linger: seconds(2),
            shutdown: seconds(15),
        }
    }
}
