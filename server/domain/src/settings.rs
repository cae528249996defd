//! Settings of the whole installation, read once at start.

mod services;
mod submission;

pub use services::{GoogleSettings, MailServer, MailSettings, MicrosoftSettings, OAuthApp, SesAccess};
pub use submission::Submission;

use crate::providers;
use std::time::Duration;

/// Settings of the installation that the domain goes by.
#[derive(Clone, Debug)]
pub struct Settings {
    /// URL at which people and clients reach this installation, without a trailing slash: `https://mail.example.com`.
    pub public_url: String,
    /// The domain that the managed route sends from; each team has one address there.
    pub managed_domain: String,
    /// Requests a key may make in a fixed minute, HTTP and SMTP together.
    pub rate_limit_per_minute: u32,
    /// Recipients a day that the managed route gives a new team.
    pub managed_daily_cap: u32,
    /// Whether hosts given by users may resolve to private or local addresses.
    pub allow_private_hosts: bool,
    /// Certificates in PEM that providers' servers may show beside those of the public authorities.
    pub extra_ca: Option<String>,
    /// The name that this installation gives itself towards SMTP servers, in EHLO; none for that of the public URL.
    pub helo_name: Option<String>,
    /// Waits before the second, third, … round of a message. One round more than there are waits is made.
    pub retry_delays: Vec<Duration>,
    /// After this long of waiting for nothing but blocked providers a message fails as expired.
    pub blocked_expiry: Duration,
    /// How long the content of a message is kept after its end; none: for ever.
    pub content_retention: Option<Duration>,
    /// Policy of who may sign up.
    pub sign_up: SignUpPolicy,
    /// Google, for Gmail mailboxes.
    pub google: GoogleSettings,
    /// Microsoft, for Microsoft 365 mailboxes.
    pub microsoft: MicrosoftSettings,
    /// The operator's Amazon SES account, which the managed route sends through; without one it delivers into the
    /// sandbox.
    pub managed_ses: Option<SesAccess>,
    /// The address that Amazon SNS signs and confirms with, instead of Amazon's own hosts.
    pub sns_url: Option<String>,
    /// How the installation sends mail of its own.
    pub mail: MailSettings,
    /// Addresses of SMTP submission.
    pub submission: Submission,
}

/// Policy of who may make an account in the browser. The first account of an installation can always be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignUpPolicy {
    /// Everyone who can reach the page.
    Open,
    /// Nobody: the operator makes accounts, or invites.
    Closed,
}

impl Default for Settings {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        Self {
            public_url: "http://localhost:3000".to_owned(),
            managed_domain: "sendmux.localhost".to_owned(),
            rate_limit_per_minute: 1_800,
            managed_daily_cap: 50,
            allow_private_hosts: true,
            extra_ca: None,
            helo_name: None,
            retry_delays: [5 * MINUTE, 2 * HOUR, 12 * HOUR].map(Duration::from_secs).to_vec(),
            blocked_expiry: Duration::from_secs(72 * HOUR),
            content_retention: Some(Duration::from_secs(30 * 24 * HOUR)),
            sign_up: SignUpPolicy::Open,
            google: GoogleSettings::default(),
            microsoft: MicrosoftSettings::default(),
            managed_ses: None,
            sns_url: None,
            mail: MailSettings::default(),
            submission: Submission::default(),
        }
    }
}

impl Settings {
    /// Where browsers come back to from the sign-in pages of identity providers, exactly as it is registered there.
    pub fn oauth_redirect_uri(&self) -> String {
        format!("{}/oauth/callback", self.public_url)
    }

    /// The host of the public URL, as it stands there: an IPv6 address is in brackets.
    pub fn public_host(&self) -> &str {
        let after_scheme = self
            .public_url
            .split_once("://")
            .map_or(self.public_url.as_str(), |(_, rest)| rest);
        let authority = after_scheme.split('/').next().unwrap_or(after_scheme);
        match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        }
    }

    /// The name in EHLO towards SMTP servers that have none of their own (RFC 5321 section 4.1.1.1): what is set, else the
    /// public host. None where that is no name that means anything elsewhere.
    pub fn helo_name(&self) -> Option<String> {
        let is_local = |name: &str| name == "localhost" || name.ends_with(".localhost");
        let of_url = || providers::check_helo_name(self.public_host()).ok().flatten();
        self.helo_name
            .clone()
            .or_else(|| of_url().filter(|name| !name.starts_with('[') && !is_local(name)))
    }

    /// The host name in Message-IDs that this installation makes (RFC 5322 section 3.6.4: a domain it answers for).
    pub fn message_id_host(&self) -> &str {
        let host = self.public_host();
        if host.is_empty() || host.starts_with('[') {
            "localhost"
        } else {
            host
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_id_host_is_the_public_host() {
        let host = |url: &str| {
            Settings {
                public_url: url.to_owned(),
                ..Settings::default()
            }
            .message_id_host()
            .to_owned()
        };
        assert_eq!(host("https://mail.example.com"), "mail.example.com");
        assert_eq!(host("http://localhost:3000"), "localhost");
        assert_eq!(host("http://[::1]:3000/x"), "localhost");
    }

    #[test]
    fn servers_are_greeted_with_the_public_host_where_it_means_something_elsewhere() {
        let name = |url: &str, set: Option<&str>| {
            Settings {
                public_url: url.to_owned(),
                helo_name: set.map(str::to_owned),
                ..Settings::default()
            }
            .helo_name()
        };
        let public = "https://mail.example.com:8443";
        assert_eq!(name(public, None).as_deref(), Some("mail.example.com"));
        assert_eq!(
            name(public, Some("out.example.com")).as_deref(),
            Some("out.example.com")
        );
        for local in [
            "http://localhost:3000",
            "http://sendmux.localhost",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
            "http://mailer",
        ] {
            assert_eq!(name(local, None), None, "{local}");
        }
    }

    #[test]
    fn the_public_host_has_no_port() {
        let host = |url: &str| {
            Settings {
                public_url: url.to_owned(),
                ..Settings::default()
            }
            .public_host()
            .to_owned()
        };
        assert_eq!(host("https://mail.example.com/"), "mail.example.com");
        assert_eq!(host("http://[::1]:3000"), "[::1]");
        assert_eq!(host("http://[::1]"), "[::1]");
    }
}
