//! Timeouts of each step, and of all steps together.

use std::time::Duration;

/// Bytes a second that a connection is trusted to carry, at the least.
const SLOWEST: u64 = 64 * 1024;

/// Most time for each step.
///
/// Those of RFC 5321 section 4.5.3.2 are minutes, for a client that has nowhere else to go. This one has: up to the final
/// dot a server that does not answer soon holds up a message that another would take at once, so its limits are those of a
/// router. What becomes of a message after the final dot is unknown until the server says it, so that limit stays long.
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
        Self::new(
            Duration::from_secs(10),
            Duration::from_secs(30),
            Duration::from_secs(60),
        )
    }
}

impl Timeouts {
    /// The limits that follow from the three that are configured: for name resolution and TCP; for TLS, the greeting and
    /// each command; for DATA and each piece of the content.
    pub const fn new(connect: Duration, command: Duration, data: Duration) -> Self {
        Self {
            connect,
            tls: command,
            greeting: command,
            command,
            mail: command,
            rcpt: command,
            data,
            data_block: data,
            data_end: Duration::from_secs(10 * 60),
            farewell: Duration::from_secs(10),
        }
    }

    /// From nothing to a session that is ready for MAIL, whatever the steps: a server that takes its time with each of
    /// them does not get all of it.
    pub fn opening(&self) -> Duration {
        self.connect + 2 * self.greeting.max(self.command).max(self.tls)
    }

    /// From MAIL to the reply to the last RCPT. Servers slow down with the number of recipients, so there is a sixth of
    /// RCPT's own limit more for each.
    pub fn envelope(&self, recipients: usize) -> Duration {
        let more = u32::try_from(recipients).unwrap_or(u32::MAX);
        (self.mail + self.rcpt).saturating_add((self.rcpt / 6).saturating_mul(more))
    }

    /// The whole content of so many bytes, without the reply to the final dot.
    pub fn content(&self, bytes: usize) -> Duration {
        self.data_block + Duration::from_secs(bytes as u64 / SLOWEST)
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that hangs at any one step, and one that uses every step up to its limit.
    #[test]
    fn a_message_of_one_recipient_is_free_for_another_provider_within_minutes() {
        let timeouts = Timeouts::default();
        for step in [
            timeouts.connect,
            timeouts.tls,
            timeouts.greeting,
            timeouts.command,
            timeouts.mail,
            timeouts.rcpt,
            timeouts.farewell,
        ] {
            assert!(step <= Duration::from_secs(30), "{step:?}");
        }
        let all = timeouts.opening() + timeouts.envelope(1) + timeouts.data + timeouts.content(100_000);
        assert!(all < Duration::from_secs(5 * 60), "{all:?}");
        assert_eq!(timeouts.data_end, Duration::from_secs(600));
    }

    #[test]
    fn the_whole_grows_with_what_is_to_be_done() {
        let timeouts = Timeouts::default();
        assert_eq!(timeouts.envelope(100), Duration::from_secs(560));
        assert_eq!(timeouts.content(25 * 1024 * 1024), Duration::from_secs(460));
        assert!(timeouts.envelope(usize::MAX) > timeouts.envelope(1_000));
    }
}
