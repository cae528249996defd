//! The kinds of provider and their capabilities.

use serde::{Deserialize, Serialize};

use crate::names::named_enum;

named_enum! {
    /// The kind of account that messages are sent through.
    pub enum ProviderKind {
        /// An SMTP submission server or relay.
        Smtp = "smtp",
        /// A Gmail or Google Workspace mailbox, through the Gmail API.
        Gmail = "gmail",
        /// A Microsoft 365 mailbox, through Microsoft Graph.
        Microsoft365 = "microsoft365",
        /// An Amazon SES account of the team.
        Ses = "ses",
        /// The operator's Amazon SES account, shared by all teams.
        ManagedSes = "managed_ses",
        /// An inbox that keeps messages instead of sending them.
        Sandbox = "sandbox",
    }
}

/// Capability of a provider: the limits and peculiarities of its kind ([`ProviderKind::capability`]), which the limits
/// that a server announces (SIZE, RFC 1870) may narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    /// Largest message in bytes, as stored (headers and encoded attachments included).
    pub max_bytes: Option<u64>,
    /// Most recipients of one message.
    pub max_recipients: Option<u32>,
    /// Most recipients of one call or SMTP transaction; a message with more is split into several.
    pub recipients_per_call: Option<u32>,
    /// Most concurrent calls.
    pub max_concurrent: Option<u32>,
    /// True if it sends only as its own address: another From is rewritten and kept in Reply-To.
    pub rewrites_from: bool,
    /// True if it has no envelope: it sends to the recipients in To, Cc and Bcc, all in one call.
    pub uses_header_recipients: bool,
}

impl Capability {
    /// No limits.
    pub const UNLIMITED: Self = Self {
        max_bytes: None,
        max_recipients: None,
        recipients_per_call: None,
        max_concurrent: None,
        rewrites_from: false,
        uses_header_recipients: false,
    };
}

impl ProviderKind {
    /// Capability of this kind.
    ///
    /// - SMTP: a server must take 100 recipients a transaction (RFC 5321 section 4.5.3.1.8); more are not relied on.
    /// - Gmail: upload size of `users.messages.send` in Google's API reference; 500 recipients a message
    ///   (Google Workspace sending limits, external recipients).
    /// - Microsoft 365: requests of 4 MB, so 3,000,000 bytes before base64; 500 recipients a message and four
    ///   concurrent requests a mailbox (Exchange Online limits, Graph throttling limits of the Outlook service).
    /// - SES: 40 MB, 50 recipients a call (Amazon SES service quotas).
    pub const fn capability(self) -> Capability {
        match self {
            Self::Smtp => Capability {
                recipients_per_call: Some(100),
                ..Capability::UNLIMITED
            },
            Self::Gmail => Capability {
                max_bytes: Some(36_700_160),
                max_recipients: Some(500),
                rewrites_from: true,
                uses_header_recipients: true,
                ..Capability::UNLIMITED
            },
            Self::Microsoft365 => Capability {
                max_bytes: Some(3_000_000),
                max_recipients: Some(500),
                max_concurrent: Some(4),
                rewrites_from: true,
                uses_header_recipients: true,
                ..Capability::UNLIMITED
            },
            Self::Ses => Capability {
                max_bytes: Some(40_000_000),
                recipients_per_call: Some(50),
                ..Capability::UNLIMITED
            },
            Self::ManagedSes => Capability {
                max_bytes: Some(40_000_000),
                recipients_per_call: Some(50),
                rewrites_from: true,
                ..Capability::UNLIMITED
            },
            Self::Sandbox => Capability::UNLIMITED,
        }
    }

    /// True for the kinds that a team adds itself. The managed route is the operator's, and the sandbox sends nothing.
    pub const fn is_own(self) -> bool {
        !matches!(self, Self::ManagedSes | Self::Sandbox)
    }

    /// True for the kinds that are connected by signing in with OAuth in the browser.
    pub const fn is_mailbox(self) -> bool {
        matches!(self, Self::Gmail | Self::Microsoft365)
    }

    /// Units that a message to this many recipients counts against the caps: one, or on the managed route the number of
    /// recipients.
    pub const fn cap_units(self, recipients: u32) -> u32 {
        match self {
            Self::ManagedSes => recipients,
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graph_requests_stay_under_four_megabytes() {
        let raw = ProviderKind::Microsoft365.capability().max_bytes.unwrap();
        assert!(raw.div_ceil(3) * 4 <= 4_000_000);
    }

    #[test]
    fn only_the_managed_route_counts_recipients() {
        for kind in ProviderKind::ALL {
            let units = kind.cap_units(7);
            assert_eq!(units, if *kind == ProviderKind::ManagedSes { 7 } else { 1 });
        }
    }
}
