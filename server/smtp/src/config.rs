//! Limits of the listener, with defaults for production use.

use sendmux_domain::TrustedProxies;
use std::time::Duration;

/// Most octets of a message, without dot-stuffing and the final dot: the announced `SIZE` (RFC 1870).
pub const MAX_MESSAGE: usize = 26_214_400;

/// Most recipients of a message.
pub const MAX_RECIPIENTS: usize = 201;

sendmux_domain::settings! {
    /// Settings of the listener.
    #[derive(Clone, Debug)]
    pub struct SmtpConfig {
        in "SMTP submission" {
            /// Most messages of one SMTP connection; the next `MAIL` ends it with 421 4.7.0. Raise it for clients that are
            /// relays and reuse connections.
            messages_per_connection: u32 = "1" as "smtp_messages_per_connection",
            /// Most open SMTP connections.
            max_connections: usize = "10000" as "smtp_max_connections",
            /// Most open SMTP connections from one IPv4 address or one IPv6 network of 64 bits.
            max_connections_per_address: usize = "100" as "smtp_max_connections_per_address",
            /// Most `Received` fields of a message; one with more is refused as a mail loop (554 5.4.6; RFC 5321 section
            /// 6.3).
            max_hops: u32 = "100" as "smtp_max_hops",
        }
        with {
            /// Most commands of one connection between two messages.
            max_commands: u32 = 1_000,
            /// Most invalid commands of one connection; one more ends it with 421 4.7.0.
            max_errors: u32 = 10,
            /// Wrong logins of one connection; the last of them ends it with 421 4.7.0.
            max_failed_logins: u32 = 3,
            /// Octets of content that all connections together may hold in memory, for messages of more than 64 KB.
            content_memory: usize = 256 * 1024 * 1024,
            /// Proxies whose connections begin with a header of the PROXY protocol, which names the client; none by
            /// default.
            proxies: TrustedProxies = TrustedProxies::default(),
            /// Timeouts of a connection.
            timeouts: Timeouts = Timeouts::default(),
        }
    }
}

/// Timeouts of a connection.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// Time for a proxy to send the PROXY header.
    pub proxy_header: Duration,
    /// Time for the whole TLS handshake.
    pub handshake: Duration,
    /// Time from the connection to the login.
    pub login: Duration,
    /// Time until the next octet (RFC 5321 section 4.5.3.2.7 requires at least five minutes).
    pub idle: Duration,
    /// Time for the client to read what is written to it.
    pub write: Duration,
    /// Time by which content may be behind an average of 32 KB a second, so that nobody holds memory by trickling.
    pub content_grace: Duration,
    /// Time for the whole connection.
    pub session: Duration,
    /// Time to wait until other connections free the memory that a large message needs.
    pub content_memory: Duration,
    /// Time for a client to disconnect after the last reply, before the rest of its input is cut off.
    pub linger: Duration,
    /// Time for messages in `DATA` when the server stops.
    pub shutdown: Duration,
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
