//! Settings of the whole installation, declared once each, and read at start.

mod declare;
mod mail;
mod oauth;
mod reader;
mod ses;
mod submission;
mod value;

pub use declare::Key;
pub use mail::{MailServer, MailSettings};
pub use oauth::{GoogleSettings, MicrosoftSettings, OAuthApp};
pub use reader::{InForce, Reader, Source};
pub use ses::SesAccess;
pub use submission::Submission;
pub use value::Value;

use crate::host;
use std::time::Duration;
use url::Url;

crate::settings! {
    /// Settings of the installation that the domain goes by.
    #[derive(Clone, Debug)]
    pub struct Settings {
        in "Accounts and keys" {
            /// Policy of who may make an account: `open` (everyone) or `closed` (only the first account; operators make the
            /// others, or invite).
            sign_up: SignUpPolicy = "open",
            /// Accounts that may be made by signing up within 24 hours, from everywhere together.
            sign_ups_per_day: u32 = "200",
            /// Mails with links (verifications, new passwords, invitations) that the installation sends within 24 hours. Its
            /// alerts are not counted.
            system_mails_per_day: u32 = "1000",
            /// Requests a key may make in a minute, HTTP and SMTP together.
            rate_limit_per_minute: u32 = "1800" as "rate_limit",
            /// Requests that all keys of a team may make in a minute together. Empty: four times `rate_limit`.
            rate_limit_per_team: Option<u32> = "",
            /// API keys that a team may have at a time.
            max_keys_per_team: u32 = "500",
            /// Providers that a team may have at a time, besides the managed route and the sandbox.
            max_providers_per_team: u32 = "200",
            /// Groups of providers that a team may have at a time.
            max_groups_per_team: u32 = "200",
        }
        in "Delivery" {
            /// Waits before the second, third and fourth round of a message, by commas. One round more than there are waits
            /// is made.
            retry_delays: Vec<Duration> = "5m,2h,12h",
            /// Time after which a message fails that has every provider blocked, switched off or drained, counted from when
            /// the last of them was.
            blocked_expiry: Duration = "72h",
            /// Time that the content of a message is kept after its end: `30d`, `12h`; `0d`: not at all; `never`: it is never
            /// removed.
            content_retention: Option<Duration> = "30d" by retention,
            /// Permission for providers on private or local addresses, and on any port. Empty: `true` while `http_addr`,
            /// `smtp_addr` and `smtps_addr` are all on loopback, else `false`.
            private_hosts: Option<bool> = "" as "allow_private_hosts",
            /// Ports of SMTP servers, by commas, that providers may be on where private hosts are not allowed.
            smtp_ports: Vec<u16> = "25,465,587,2525",
            /// PEM file of certificates to trust besides the public authorities: those of private authorities, or of
            /// providers' servers themselves.
            extra_ca: Option<String> = "" by certificates,
            /// Name that this installation gives itself towards providers' SMTP servers (EHLO): one that resolves to the
            /// address it sends from. Empty: the host of `public_url`.
            helo_name: Option<String> = "" by helo_name,
        }
        in "Managed route" {
            /// Domain that the managed route sends from, as `<team>@<managed_domain>`.
            managed_domain: String = "sendmux.localhost",
            /// Recipients a day on the managed route for a new team.
            managed_daily_cap: u32 = "50",
            /// Address that Amazon SNS signs and confirms with, instead of `https://sns.<region>.amazonaws.com`, for tests.
            sns_url: Option<String> = "" by service_url,
        }
        with {
            /// Providers may be on private or local addresses, and on any port: what `private_hosts` says, or what follows
            /// from the listeners.
            allow_private_hosts: bool = true,
            /// URL at which people and clients reach this installation, without a trailing slash: `https://mail.example.com`.
            public_url: String = "http://localhost:3000".to_owned(),
            /// True if the first account needs the setup token, since not only this machine reaches the dashboard.
            needs_setup_token: bool = false,
            /// Google, for Gmail mailboxes.
            google: GoogleSettings = GoogleSettings::default(),
            /// Microsoft, for Microsoft 365 mailboxes.
            microsoft: MicrosoftSettings = MicrosoftSettings::default(),
            /// The operator's Amazon SES account, which the managed route sends through; without one it delivers into the
            /// sandbox.
            managed_ses: Option<SesAccess> = None,
            /// Sending of the installation's own mails.
            mail: MailSettings = MailSettings::default(),
            /// Addresses of SMTP submission.
            submission: Submission = Submission::default(),
        }
    }
}

/// Policy of who may make an account in the browser. The first account of an installation can always be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignUpPolicy {
    /// Everyone who can reach the page.
    Open,
    /// Nobody: the operator makes accounts, or invites.
    Closed,
}

impl Value for SignUpPolicy {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            other => Err(format!("`{other}` must be open or closed")),
        }
    }
}

fn retention(text: &str) -> Result<Option<Duration>, String> {
    match text {
        "never" => Ok(None),
        text => Duration::parse(text)
            .map(Some)
            .map_err(|_| format!("`{text}` must be a length of time such as 30d or 12h, or never")),
    }
}

/// The content of a file.
fn certificates(path: &str) -> Result<Option<String>, String> {
    match path {
        "" => Ok(None),
        path => std::fs::read_to_string(path)
            .map(Some)
            .map_err(|error| format!("cannot read `{path}`: {error}")),
    }
}

fn helo_name(text: &str) -> Result<Option<String>, String> {
    host::check_helo_name(text).map_err(|error| format!("`{text}`: {}", error.message))
}

/// The address of an HTTP service, without a trailing slash; empty for none.
fn service_url(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let is_sound = Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none());
    match is_sound {
        true => Ok(Some(text.trim_end_matches('/').to_owned())),
        false => Err(format!(
            "`{text}` is not an address such as https://host or https://host/path"
        )),
    }
}

impl Settings {
    /// True if the installation is reached by https, so that cookies are for TLS alone.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// Reads all settings but `public_url`, `submission` and `allow_private_hosts`, which follow from the listeners.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let settings = Self::declared(reader);
        Self {
            managed_ses: SesAccess::read(reader),
            google: GoogleSettings::read(reader),
            microsoft: MicrosoftSettings::read(reader),
            mail: MailSettings::read(reader),
            ..settings
        }
    }

    /// Requests a minute of all keys of a team together.
    pub fn team_rate_limit(&self) -> u32 {
        self.rate_limit_per_team
            .unwrap_or_else(|| self.rate_limit_per_minute.saturating_mul(4))
    }

    /// Ports of SMTP servers that providers of teams may be on. None where every port is allowed.
    pub fn allowed_smtp_ports(&self) -> Option<&[u16]> {
        (!self.allow_private_hosts).then_some(self.smtp_ports.as_slice())
    }

    /// Address that browsers come back to from the sign-in pages of identity providers, exactly as it is registered there.
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
        let of_url = || host::check_helo_name(self.public_host()).ok().flatten();
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
mod tests;
