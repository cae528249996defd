//! Dialogue settings of an SMTP provider: the name in EHLO, and the timeouts.

use crate::error::FieldError;
use crate::providers::host;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// How long an SMTP server may take up to the final dot, in whole seconds. Afterwards it has ten minutes, since nobody
/// else may be handed the message until it is known what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmtpTimeouts {
    /// Name resolution and TCP.
    pub connect: u32,
    /// TLS, the greeting, and the answer to each command.
    pub command: u32,
    /// The answer to DATA, and each 64 KiB of the content.
    pub data: u32,
}

impl Default for SmtpTimeouts {
    fn default() -> Self {
        Self {
            connect: 10,
            command: 30,
            data: 60,
        }
    }
}

impl SmtpTimeouts {
    /// The most that any of them may be: what RFC 5321 section 4.5.3.2 asks of a client that has no other server.
    pub const MAX: u32 = 300;

    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Checks a field of a time limit; an empty one is the default.
pub(super) fn check_timeout(field: &'static str, text: &str, default: u32) -> Result<u32, FieldError> {
    match text.trim() {
        "" => Ok(default),
        text => match text.parse() {
            Ok(seconds @ 1..=SmtpTimeouts::MAX) => Ok(seconds),
            _ => {
                let max = SmtpTimeouts::MAX;
                let message = format!("enter whole seconds from 1 to {max}; empty is {default}");
                Err(FieldError::new(field, "invalid", message))
            }
        },
    }
}

/// Checks a name for EHLO: a full domain name, or an address in brackets (RFC 5321 section 4.1.4). None for an empty one.
///
/// # Errors
/// Names the field `helo_name`, and says what to enter.
pub fn check_helo_name(text: &str) -> Result<Option<String>, FieldError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
        && let Ok(address) = inner.strip_prefix("IPv6:").unwrap_or(inner).parse()
    {
        return Ok(Some(match address {
            IpAddr::V4(v4) => format!("[{v4}]"),
            IpAddr::V6(v6) => format!("[IPv6:{v6}]"),
        }));
    }
    // Many servers refuse whoever names itself by one label.
    match host::domain_name(text) {
        Some(name) if name.contains('.') => Ok(Some(name)),
        _ => {
            let message = "enter a full domain name such as mail.example.com, or an address in brackets";
            Err(FieldError::new("helo_name", "invalid", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_ehlo_are_full_domain_names_or_addresses_in_brackets() {
        for (text, name) in [
            (" Mail.Example.com. ", "mail.example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("[192.0.2.1]", "[192.0.2.1]"),
            ("[IPv6:2001:DB8::1]", "[IPv6:2001:db8::1]"),
            ("[2001:db8::1]", "[IPv6:2001:db8::1]"),
        ] {
            assert_eq!(check_helo_name(text).unwrap().unwrap(), name, "{text}");
        }
        assert_eq!(check_helo_name("  ").unwrap(), None);
        for text in [
            "localhost",
            "192.0.2.1",
            "mail example.com",
            "mail.example.com\r\nMAIL",
            "https://mail.example.com",
            "[mail.example.com]",
            "-a.example",
        ] {
            let error = check_helo_name(text).unwrap_err();
            assert_eq!((error.field.as_str(), error.code), ("helo_name", "invalid"), "{text}");
        }
    }

    #[test]
    fn time_limits_are_whole_seconds_and_an_empty_one_is_the_default() {
        let check = |text| check_timeout("command_timeout", text, 30);
        assert_eq!(
            (check(" ").unwrap(), check(" 45 ").unwrap(), check("300").unwrap()),
            (30, 45, 300)
        );
        for text in ["0", "301", "-1", "1.5", "30s", "99999999999"] {
            let error = check(text).unwrap_err();
            assert_eq!(error.field, "command_timeout", "{text}");
            assert!(
                error.message.contains("from 1 to 300; empty is 30"),
                "{}",
                error.message
            );
        }
    }
}
