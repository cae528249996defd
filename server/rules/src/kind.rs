//! The kinds of provider, and all that differs between them but their settings and connectors.

use serde::{Deserialize, Serialize};

use crate::caps::{Caps, DayRule};
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

/// Origin of a provider of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// A member of the team types its settings into a form.
    Form,
    /// A member of the team signs in to it in the browser, with OAuth.
    SignIn,
    /// The installation gives one to every team.
    Installation,
}

/// Properties of a kind.
struct Properties {
    /// The words for it on pages.
    label: &'static str,
    /// Its name in the API under `/sdk`; none where that API does not show it.
    sdk_name: Option<&'static str>,
    origin: Origin,
    capability: Capability,
    /// The caps of a new provider.
    default_caps: Caps,
    /// The caps count recipients, not messages.
    counts_recipients: bool,
}

/// A server must take 100 recipients a transaction (RFC 5321 section 4.5.3.1.8); more are not relied on.
const SMTP: Properties = Properties {
    label: "SMTP server",
    sdk_name: Some("smtp"),
    origin: Origin::Form,
    capability: Capability {
        recipients_per_call: Some(100),
        ..Capability::UNLIMITED
    },
    default_caps: Caps::NONE,
    counts_recipients: false,
};

/// Upload size of `users.messages.send` in Google's API reference; 500 recipients a message (Google Workspace sending
/// limits, external recipients) and 2,000 messages a day (the same).
const GMAIL: Properties = Properties {
    label: "Gmail mailbox",
    sdk_name: Some("gmail_api"),
    origin: Origin::SignIn,
    capability: Capability {
        max_bytes: Some(36_700_160),
        max_recipients: Some(500),
        rewrites_from: true,
        uses_header_recipients: true,
        ..Capability::UNLIMITED
    },
    default_caps: Caps::rolling(5, 100, 1_800, 2_000),
    counts_recipients: false,
};

/// Requests of 4 MB, so 3,000,000 bytes before base64; 500 recipients a message, 30 messages a minute and 10,000
/// recipients a day (Exchange Online limits); four concurrent requests a mailbox (Graph throttling limits of the Outlook
/// service).
const MICROSOFT365: Properties = Properties {
    label: "Microsoft 365 mailbox",
    sdk_name: Some("outlook_api"),
    origin: Origin::SignIn,
    capability: Capability {
        max_bytes: Some(3_000_000),
        max_recipients: Some(500),
        max_concurrent: Some(4),
        rewrites_from: true,
        uses_header_recipients: true,
        ..Capability::UNLIMITED
    },
    default_caps: Caps::rolling(5, 30, 1_800, 10_000),
    counts_recipients: false,
};

/// 40 MB, 50 recipients a call (Amazon SES service quotas).
const SES: Properties = Properties {
    label: "Amazon SES account",
    sdk_name: Some("amazon_ses"),
    origin: Origin::Form,
    capability: Capability {
        max_bytes: Some(40_000_000),
        recipients_per_call: Some(50),
        ..Capability::UNLIMITED
    },
    default_caps: Caps::rolling(5, 100, 1_800, 2_000),
    counts_recipients: false,
};

/// As [`SES`], under an address of the installation's.
const MANAGED_SES: Properties = Properties {
    label: "Run by this installation",
    sdk_name: Some("amazon_ses"),
    origin: Origin::Installation,
    capability: Capability {
        rewrites_from: true,
        ..SES.capability
    },
    default_caps: Caps {
        day: Some(50),
        day_rule: DayRule::UtcDay,
        ..Caps::NONE
    },
    counts_recipients: true,
};

const SANDBOX: Properties = Properties {
    label: "Keeps messages, sends none",
    sdk_name: None,
    origin: Origin::Installation,
    capability: Capability::UNLIMITED,
    default_caps: Caps::NONE,
    counts_recipients: false,
};

impl ProviderKind {
    const fn properties(self) -> &'static Properties {
        match self {
            Self::Smtp => &SMTP,
            Self::Gmail => &GMAIL,
            Self::Microsoft365 => &MICROSOFT365,
            Self::Ses => &SES,
            Self::ManagedSes => &MANAGED_SES,
            Self::Sandbox => &SANDBOX,
        }
    }

    /// The words for this kind on pages.
    pub const fn label(self) -> &'static str {
        self.properties().label
    }

    /// The name of this kind in the API under `/sdk`; none where that API does not show it.
    pub const fn sdk_name(self) -> Option<&'static str> {
        self.properties().sdk_name
    }

    /// Capability of this kind.
    pub const fn capability(self) -> Capability {
        self.properties().capability
    }

    /// The caps that a new provider of this kind has until somebody changes them. The rule for the day stays.
    pub const fn default_caps(self) -> Caps {
        self.properties().default_caps
    }

    /// True for the kinds that a team adds itself. The managed route is the operator's, and the sandbox sends nothing.
    pub const fn is_own(self) -> bool {
        !matches!(self.properties().origin, Origin::Installation)
    }

    /// True for the kinds that are connected by signing in with OAuth in the browser.
    pub const fn is_mailbox(self) -> bool {
        matches!(self.properties().origin, Origin::SignIn)
    }

    /// True where caps count recipients. Those of other kinds count messages.
    pub const fn counts_recipients(self) -> bool {
        self.properties().counts_recipients
    }

    /// Units that a message to this many recipients counts against the caps.
    pub const fn cap_units(self, recipients: u32) -> u32 {
        if self.counts_recipients() { recipients } else { 1 }
    }
}

named_enum! {
    /// Protection of the connection to an SMTP server.
    pub enum SmtpSecurity {
        /// Begins in plain text and must turn to TLS before anything else is said (RFC 3207); usually port 587.
        StartTls = "starttls",
        /// TLS from the first byte (RFC 8314); usually port 465.
        Implicit = "tls",
        /// No encryption. For servers on the same machine or a trusted network.
        None = "none",
    }
}

impl SmtpSecurity {
    /// The port that a server with this protection usually listens on.
    pub const fn usual_port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Implicit => 465,
            Self::None => 25,
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

    #[test]
    fn security_has_names() {
        for security in SmtpSecurity::ALL {
            assert_eq!(security.as_str().parse(), Ok(*security));
        }
        assert!("ssl".parse::<SmtpSecurity>().is_err());
    }
}
