//! How long a server may take for each step.

use std::time::Duration;

/// How long each step may take. The defaults are those of RFC 5321 section 4.5.3.2 where it names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Name resolution and TCP, all addresses together.
    pub connect: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// The server's 220.
    pub greeting: Duration,
    /// The reply to EHLO, STARTTLS, and each step of AUTH.
    pub command: Duration,
    /// The reply to MAIL.
    pub mail: Duration,
    /// The reply to each RCPT.
    pub rcpt: Duration,
    /// The reply to DATA.
    pub data: Duration,
    /// Each piece of the content (64 KiB) that the server is slow to take.
    pub data_block: Duration,
    /// The reply to the final dot.
    pub data_end: Duration,
    /// The replies to RSET, NOOP and QUIT, on which nothing depends.
    pub farewell: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        const fn minutes(n: u64) -> Duration {
            Duration::from_secs(n * 60)
        }
        Self {
            connect: Duration::from_secs(30),
            tls: minutes(1),
            greeting: minutes(5),
            command: minutes(5),
            mail: minutes(5),
            rcpt: minutes(5),
            data: minutes(2),
            data_block: minutes(3),
            data_end: minutes(10),
            farewell: Duration::from_secs(10),
        }
    }
}

impl Timeouts {
    /// The same, but no step longer than `limit`: for somebody who waits at a screen.
    #[must_use]
    pub fn at_most(self, limit: Duration) -> Self {
        Self {
            connect: self.connect.min(limit),
            tls: self.tls.min(limit),
            greeting: self.greeting.min(limit),
            command: self.command.min(limit),
            mail: self.mail.min(limit),
            rcpt: self.rcpt.min(limit),
            data: self.data.min(limit),
            data_block: self.data_block.min(limit),
            data_end: self.data_end.min(limit),
            farewell: self.farewell.min(limit),
        }
    }
}
