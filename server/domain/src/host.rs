//! Names of servers, as people type them.

use crate::error::FieldError;
use sendmux_mime::host::{Host, HostError};
use std::net::IpAddr;

/// Checks the field `host`: a domain name (as A-labels, lower case, in the result) or an IP address. Names are looked at
/// again when they are resolved, for every connection; this only says early what would be refused then.
pub(crate) fn check(text: &str, allow_private: bool) -> Result<String, FieldError> {
    let host: Host = text.parse().map_err(|error: HostError| {
        let code = if error == HostError::Empty {
            "required"
        } else {
            "invalid"
        };
        FieldError::new("host", code, error.to_string())
    })?;
    if !allow_private && host.is_internal() {
        return Err(FieldError::new("host", "private", PRIVATE));
    }
    Ok(match host {
        Host::Name(name) => name,
        Host::Ip(address) => address.to_string(),
    })
}

const PRIVATE: &str = "this installation does not connect to private or local addresses: enter a public server";

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
    match text.parse() {
        Ok(Host::Name(name)) if name.contains('.') => Ok(Some(name)),
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
    fn names_and_addresses_are_taken() {
        for (text, host) in [
            ("smtp.example.com", "smtp.example.com"),
            (" SMTP.Example.com. ", "smtp.example.com"),
            ("localhost", "localhost"),
            ("mail_relay", "mail_relay"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("192.0.2.7", "192.0.2.7"),
            ("127.0.0.1", "127.0.0.1"),
            ("[2001:DB8::7]", "2001:db8::7"),
        ] {
            assert_eq!(check(text, true).unwrap(), host, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_says_what_to_do() {
        let long = format!("{}.example", "a".repeat(64));
        for (text, advice) in [
            (" ", "enter the server's name, for example"),
            ("smtp://mail.example.com", "without smtp://"),
            ("me@example.com", "not an email address"),
            ("example.com/mail", "slash"),
            ("example.com:587", "the port has a field of its own"),
            ("[2001:db8::7]:587", "the port has a field of its own"),
            ("mail example.com", "no spaces"),
            ("mail\r\n.example.com", "no spaces"),
            ("300.1.2.3", "not a valid"),
            ("-mail.example.com", "not a valid"),
            ("mail..example.com", "not a valid"),
            (&long, "not a valid"),
        ] {
            let error = check(text, true).unwrap_err();
            assert!(error.message.contains(advice), "{text}: {}", error.message);
        }
    }

    #[test]
    fn internal_addresses_are_refused_where_they_are_not_allowed() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "::1",
            "fd00::1",
            "::ffff:192.168.0.1",
            "169.254.169.254",
            "100.100.100.200",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "localhost",
        ] {
            assert_eq!(check(text, false).unwrap_err().code, "private", "{text}");
        }
        assert!(check("198.20.0.7", false).is_ok());
    }

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
}
