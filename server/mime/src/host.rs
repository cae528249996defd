//! Names of servers, as people type them. Used by forms and by connections.

use crate::reach::is_public;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A server's name or address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A domain name in its ASCII form (A-labels of RFC 5890), lower case, without a final dot.
    Name(String),
    /// An address literal.
    Ip(IpAddr),
}

/// Reason why a text is not the name of a host. Displays as advice for a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostError {
    /// Nothing was given.
    Empty,
    /// `smtp://…`, `https://…`.
    HasScheme,
    /// `someone@example.com`.
    HasUser,
    /// `example.com/path`.
    HasPath,
    /// `example.com:587`.
    HasPort,
    /// White space or control characters inside.
    HasSpace,
    /// Something like `300.1.2.3`.
    BadAddress,
    /// Not a domain name (RFC 1123 section 2.1).
    BadName,
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "enter the server's name, for example smtp.example.com",
            Self::HasScheme => "enter only the server's name, without smtp:// or https:// before it",
            Self::HasUser => "enter the server's name, not an email address",
            Self::HasPath => "enter only the server's name, without a slash and what follows it",
            Self::HasPort => "enter only the server's name here; the port has a field of its own",
            Self::HasSpace => "a server's name has no spaces",
            Self::BadAddress | Self::BadName => "this is not a valid domain name or IP address",
        })
    }
}

impl std::error::Error for HostError {}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(IpAddr::V4(v4)) => write!(f, "{v4}"),
            Self::Ip(IpAddr::V6(v6)) => write!(f, "[{v6}]"),
        }
    }
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(HostError::Empty);
        }
        if text.contains("://") {
            return Err(HostError::HasScheme);
        }
        if text.contains('@') {
            return Err(HostError::HasUser);
        }
        if text.contains(['/', '\\']) {
            return Err(HostError::HasPath);
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(HostError::HasSpace);
        }
        let bare = text
            .strip_prefix('[')
            .and_then(|inner| inner.strip_suffix(']'))
            .unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Ok(Self::Ip(address));
        }
        if text.contains(':') {
            return Err(HostError::HasPort);
        }
        domain_name(text).map(Self::Name)
    }
}

impl Host {
    /// True if it is certainly not on the public Internet, by itself: an address that is not public, or `localhost`. Other
    /// names are looked at when they are resolved, for every connection.
    pub fn is_internal(&self) -> bool {
        match self {
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
            Self::Ip(address) => !is_public(*address),
        }
    }
}

/// Longest domain name (RFC 1035 section 2.3.4, as text without the final dot).
const MAX_NAME: usize = 253;

/// A domain name in ASCII, or the reason why it is none. Underscores are let through: they occur in names on private networks.
fn domain_name(text: &str) -> Result<String, HostError> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let ascii = idna::domain_to_ascii(text).map_err(|_| HostError::BadName)?;
    let label_is_sound = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if ascii.len() > MAX_NAME || !ascii.split('.').all(label_is_sound) {
        return Err(HostError::BadName);
    }
    // No top-level domain is a number (RFC 3696 section 2), so this was meant to be an address.
    let last = ascii.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return Err(HostError::BadAddress);
    }
    Ok(ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_read() {
        for (text, host) in [
            ("smtp.example.com", "smtp.example.com"),
            (" SMTP.Example.com. ", "smtp.example.com"),
            ("localhost", "localhost"),
            ("mail_relay", "mail_relay"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("192.0.2.7", "192.0.2.7"),
            ("2001:db8::7", "[2001:db8::7]"),
            ("[2001:db8::7]", "[2001:db8::7]"),
        ] {
            assert_eq!(text.parse::<Host>().unwrap().to_string(), host, "{text}");
        }
    }

    #[test]
    fn hosts_of_this_machine_and_of_private_networks_are_internal() {
        let is_internal = |text: &str| text.parse::<Host>().unwrap().is_internal();
        for text in [
            "localhost",
            "app.localhost",
            "127.0.0.1",
            "::1",
            "fd00::1",
            "::ffff:192.168.0.1",
            "169.254.169.254",
        ] {
            assert!(is_internal(text), "{text}");
        }
        for text in ["smtp.example.com", "8.8.8.8", "2600:1f18::1"] {
            assert!(!is_internal(text), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_host_is_told_apart() {
        for (text, error) in [
            ("", HostError::Empty),
            ("   ", HostError::Empty),
            ("smtp://mail.example.com", HostError::HasScheme),
            ("me@example.com", HostError::HasUser),
            ("example.com/mail", HostError::HasPath),
            ("example.com:587", HostError::HasPort),
            ("[2001:db8::7]:587", HostError::HasPort),
            ("mail example.com", HostError::HasSpace),
            ("mail\r\n.example.com", HostError::HasSpace),
            ("300.1.2.3", HostError::BadAddress),
            ("192.168.1", HostError::BadAddress),
            ("-mail.example.com", HostError::BadName),
            ("mail..example.com", HostError::BadName),
            ("mail!.example.com", HostError::BadName),
        ] {
            assert_eq!(text.parse::<Host>(), Err(error), "{text}");
        }
        let long = format!("{}.example", "a".repeat(64));
        assert_eq!(long.parse::<Host>(), Err(HostError::BadName));
    }
}
