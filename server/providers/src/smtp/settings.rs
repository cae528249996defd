//! Settings of an SMTP provider.

use std::fmt;
use std::time::Duration;

use sendmux_rules::SmtpSecurity;

use super::timeouts::Timeouts;
use crate::net::{Host, certificates};

/// User name and password. Debug shows neither: for some services the user name is an API token.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(redacted)")
    }
}

/// An SMTP provider's settings. [`SmtpSettings::new`] fills in the defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpSettings {
    /// Name or address of the server.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// Protection of the connection.
    pub security: SmtpSecurity,
    /// Signs in with these; `None` when the server wants no sign-in.
    pub credentials: Option<Credentials>,
    /// The name in EHLO; the address literal of the connection's own end when unset (RFC 5321 section 4.1.4).
    pub helo_name: Option<String>,
    /// Most time for each step.
    pub timeouts: Timeouts,
    /// Most connections of this process at the same time.
    pub max_connections: u32,
    /// Most recipients of one transaction. Servers must take 100 (RFC 5321 section 4.5.3.1.8).
    pub max_recipients: u32,
    /// Most messages sent over one connection.
    pub max_messages: u32,
    /// Time for which an unused connection is kept open.
    pub max_idle: Duration,
    /// Takes any certificate, so that anyone in between can read and change the mail.
    pub accept_invalid_certs: bool,
    /// Certificates in PEM that are trusted beside the public authorities.
    pub extra_roots: Option<String>,
    /// Connects to private and local addresses too.
    pub allow_private_hosts: bool,
    /// Ports that are connected to; `None` for all.
    pub ports: Option<Vec<u16>>,
    /// Marks in the EHLO reply of this installation's own server. Nothing is handed to it.
    pub own_marks: Vec<String>,
}

impl SmtpSettings {
    /// Settings with all defaults and no sign-in.
    pub fn new(host: impl Into<String>, port: u16, security: SmtpSecurity) -> Self {
        Self {
            host: host.into(),
            port,
            security,
            credentials: None,
            helo_name: None,
            timeouts: Timeouts::default(),
            max_connections: 10,
            max_recipients: 100,
            max_messages: 100,
            max_idle: Duration::from_secs(30),
            accept_invalid_certs: false,
            extra_roots: None,
            allow_private_hosts: false,
            ports: None,
            own_marks: Vec::new(),
        }
    }

    /// Errors in the settings: the field's name, and advice. Empty when all is well.
    ///
    /// It looks at the form only; [`crate::Connector::test`] finds out whether the server is there.
    pub fn validate(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if let Err(error) = self.host.parse::<Host>() {
            wrong.push(("host", error.to_string()));
        }
        if self.port == 0 {
            wrong.push((
                "port",
                "Enter a port from 1 to 65535; usual are 587 and 465.".to_owned(),
            ));
        }
        if let Some(credentials) = &self.credentials {
            wrong.extend(credentials.validate());
        }
        if let Some(name) = &self.helo_name
            && !is_helo_name(name)
        {
            wrong.push(("helo_name", "Enter a domain name such as mail.example.com.".to_owned()));
        }
        for (field, value) in [
            ("max_connections", self.max_connections),
            ("max_recipients", self.max_recipients),
            ("max_messages", self.max_messages),
        ] {
            if value == 0 {
                wrong.push((field, "Enter a number from 1 up.".to_owned()));
            }
        }
        if let Some(pem) = &self.extra_roots
            && let Err(error) = certificates(pem)
        {
            wrong.push(("extra_roots", error));
        }
        wrong
    }
}

impl Credentials {
    fn validate(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if self.username.is_empty() {
            wrong.push((
                "username",
                "Enter the user name that goes with the password.".to_owned(),
            ));
        }
        if self.password.is_empty() {
            wrong.push((
                "password",
                "Enter the password that goes with the user name.".to_owned(),
            ));
        }
        // NUL separates the fields of AUTH PLAIN (RFC 4616); no server has the others in a name.
        for (field, value) in [("username", &self.username), ("password", &self.password)] {
            if value.contains(['\0', '\r', '\n']) {
                wrong.push((field, "Remove the line break or control character.".to_owned()));
            }
        }
        wrong
    }
}

/// A domain name or an address literal in brackets.
fn is_helo_name(name: &str) -> bool {
    match name.parse::<Host>() {
        Ok(Host::Name(_)) => name.trim() == name,
        Ok(Host::Ip(_)) => name.starts_with('['),
        Err(_) => name.starts_with("[IPv6:") && name.ends_with(']') && name.is_ascii() && !name.contains(' '),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(settings: &SmtpSettings) -> Vec<&'static str> {
        settings.validate().into_iter().map(|(field, _)| field).collect()
    }

    fn settings() -> SmtpSettings {
        SmtpSettings::new("smtp.example.com", 587, SmtpSecurity::StartTls)
    }

    fn credentials(username: &str, password: &str) -> Option<Credentials> {
        Some(Credentials {
            username: username.to_owned(),
            password: password.to_owned(),
        })
    }

    #[test]
    fn defaults_are_sound() {
        assert_eq!(settings().validate(), []);
        let signed_in = SmtpSettings {
            credentials: credentials("me", "secret"),
            helo_name: Some("mail.example.com".to_owned()),
            ..settings()
        };
        assert_eq!(signed_in.validate(), []);
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let wrong = SmtpSettings {
            host: "smtp://mail".to_owned(),
            port: 0,
            credentials: credentials("me", ""),
            helo_name: Some("my host".to_owned()),
            max_connections: 0,
            extra_roots: Some("hello".to_owned()),
            ..settings()
        };
        assert_eq!(
            fields(&wrong),
            [
                "host",
                "port",
                "password",
                "helo_name",
                "max_connections",
                "extra_roots"
            ]
        );
    }

    #[test]
    fn credentials_come_in_pairs_and_on_one_line() {
        let with = |username, password| SmtpSettings {
            credentials: credentials(username, password),
            ..settings()
        };
        assert_eq!(fields(&with("", "secret")), ["username"]);
        assert_eq!(fields(&with("", "")), ["username", "password"]);
        assert_eq!(fields(&with("me", "sec\0ret")), ["password"]);
        assert_eq!(fields(&with("me\r\n", "secret")), ["username"]);
    }

    #[test]
    fn names_for_ehlo() {
        for good in ["mail.example.com", "[192.0.2.1]", "[IPv6:2001:db8::1]"] {
            assert!(is_helo_name(good), "{good}");
        }
        for bad in ["", "192.0.2.1", "a b", "x\r\nMAIL", " mail.example.com"] {
            assert!(!is_helo_name(bad), "{bad}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!(
            "{:?}",
            SmtpSettings {
                credentials: credentials("token-abc", "hunter2"),
                ..settings()
            }
        );
        assert!(!shown.contains("hunter2") && !shown.contains("token-abc"), "{shown}");
    }
}
