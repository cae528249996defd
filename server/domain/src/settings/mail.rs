//! The mails that the installation sends itself: their sender, and the server they go through.

use super::{Reader, Value};
use crate::secrets::Secret;
use crate::settings;
use percent_encoding::percent_decode_str;
use sendmux_mime::address::ValidEmail;
use sendmux_rules::SmtpSecurity;
use url::Url;

settings! {
    /// Sending of the installation's own mails: verifications, invitations, outcomes.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct MailSettings {
        in "Mails of the installation" {
            /// Address that this installation's own mails come from. Empty: one on `managed_domain`.
            from: Option<String> = "" as "mail_from" by sender,
            /// Server for this installation's own mails: `smtp://user:password@host:587` (STARTTLS), `smtps://…` (TLS), or
            /// `smtp://host:25?tls=none`. Empty: the managed route, or the sandbox.
            server: Option<MailServer> = "" as "mail_smtp_url",
        }
    }
}

impl MailSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mail = Self::declared(reader);
        if mail.server.is_some() && mail.from.is_none() {
            reader.wrong("mail_from (SENDMUX_MAIL_FROM): mail_smtp_url needs an address to send from");
        }
        mail
    }
}

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailServer {
    /// Its name or address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Protection of the connection.
    pub security: SmtpSecurity,
    /// User name and password; none where there is no login.
    pub credentials: Option<(String, Secret)>,
}

/// `smtp://user:password@host:port`; no error repeats it, as it holds a password.
impl Value for MailServer {
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        const WRONG: &str = "it must be like smtp://user:password@host:587, smtps://… or smtp://host:25?tls=none";
        let url = Url::parse(text).map_err(|_| WRONG)?;
        let (security, usual_port) = match (url.scheme(), url.query()) {
            ("smtp", None) => (SmtpSecurity::StartTls, 587),
            ("smtp", Some("tls=none")) => (SmtpSecurity::None, 25),
            ("smtps", None) => (SmtpSecurity::Implicit, 465),
            _ => return Err(WRONG.to_owned()),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(WRONG)?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(WRONG.to_owned());
        }
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() => Some((decoded(user)?, Secret::from(decoded(password)?))),
            _ => {
                return Err(
                    "give both user name and password, or none; write @, : and / in them as %40, %3A and %2F"
                        .to_owned(),
                );
            }
        };
        Ok(Self {
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port().unwrap_or(usual_port),
            security,
            credentials,
        })
    }
}

fn decoded(text: &str) -> Result<String, String> {
    match percent_decode_str(text).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err("user name and password must be UTF-8 when percent-decoded".to_owned()),
    }
}

fn sender(text: &str) -> Result<Option<String>, String> {
    match text {
        "" => Ok(None),
        text => ValidEmail::parse(text)
            .map(|_| Some(text.to_owned()))
            .map_err(|error| format!("`{text}` is not an email address: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::load;
    use super::*;

    #[test]
    fn mail_servers_are_read_from_addresses() {
        let server = MailServer::parse("smtps://me%40example.com:p%3Aw@mail.example.com").unwrap();
        assert_eq!((server.host.as_str(), server.port), ("mail.example.com", 465));
        assert_eq!(server.security, SmtpSecurity::Implicit);
        let (user, password) = server.credentials.unwrap();
        assert_eq!((user.as_str(), password.expose()), ("me@example.com", "p:w"));

        let plain = MailServer::parse("smtp://[::1]:1025?tls=none").unwrap();
        assert_eq!((plain.host.as_str(), plain.port), ("::1", 1025));
        assert_eq!((plain.security, plain.credentials), (SmtpSecurity::None, None));

        for wrong in [
            "mail.example.com",
            "http://me:planted@example.com",
            "smtp://me@example.com",
            "smtp://example.com/planted",
            "smtp://me:planted@example.com?tls=maybe",
        ] {
            let error = MailServer::parse(wrong).unwrap_err();
            assert!(!error.contains("planted"), "{error}");
        }
    }

    #[test]
    fn a_server_needs_a_sender() {
        let server = ("mail_smtp_url", "smtp://me:planted@example.com");
        let error = load(&[server]).unwrap_err();
        assert!(
            error.contains("mail_from (SENDMUX_MAIL_FROM)") && !error.contains("planted"),
            "{error}"
        );
        let mail = load(&[server, ("mail_from", "me@example.com")]).unwrap().mail;
        assert_eq!(mail.from.as_deref(), Some("me@example.com"));
        let error = load(&[("mail_from", "me")]).unwrap_err();
        assert!(error.contains("`me` is not an email address"), "{error}");
        assert_eq!(load(&[]).unwrap().mail, MailSettings::default());
    }
}
