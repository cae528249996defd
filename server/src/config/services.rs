//! The keys of the services outside: identity providers, Amazon SES, the installation's own mail.

use super::Reader;
use anyhow::{Context, anyhow, bail};
use percent_encoding::percent_decode_str;
use sendmux_domain::providers::SmtpSecurity;
use sendmux_domain::secrets::Secret;
use sendmux_domain::settings::{GoogleSettings, MailServer, MailSettings, MicrosoftSettings, OAuthApp, SesAccess};
use sendmux_mime::address::ValidEmail;
use url::Url;

impl Reader<'_> {
    pub(super) fn google(&mut self) -> GoogleSettings {
        GoogleSettings {
            app: self.oauth_app("google_client_id", "google_client_secret"),
            url: self.parse("google_url", None, service_url),
        }
    }

    pub(super) fn microsoft(&mut self) -> MicrosoftSettings {
        MicrosoftSettings {
            app: self.oauth_app("microsoft_client_id", "microsoft_client_secret"),
            tenant: self.parse("microsoft_tenant", String::new(), tenant),
            login_url: self.parse("microsoft_login_url", None, service_url),
            graph_url: self.parse("microsoft_graph_url", None, service_url),
        }
    }

    fn oauth_app(&mut self, id: &str, secret: &str) -> Option<OAuthApp> {
        let (client_id, client_secret) = (self.text(id), self.text(secret));
        if client_id.is_empty() && client_secret.is_empty() {
            return None;
        }
        if client_id.is_empty() || client_secret.is_empty() {
            self.errors.push(format!("{id} and {secret}: give both or none"));
        }
        Some(OAuthApp {
            client_id,
            client_secret: client_secret.into(),
        })
    }

    pub(super) fn managed_ses(&mut self) -> Option<SesAccess> {
        const NEEDED: [&str; 3] = ["ses_region", "ses_access_key_id", "ses_secret_access_key"];
        const OTHERS: [&str; 4] = [
            "ses_role_arn",
            "ses_external_id",
            "ses_endpoint",
            "ses_configuration_set",
        ];
        if NEEDED.iter().chain(&OTHERS).all(|name| self.text(name).is_empty()) {
            return None;
        }
        for name in NEEDED {
            if !self.text(name).is_empty() {
                continue;
            }
            self.errors.push(format!(
                "{name}: the managed route needs {} together",
                NEEDED.join(", ")
            ));
        }
        Some(SesAccess {
            region: self.text("ses_region"),
            access_key_id: self.text("ses_access_key_id"),
            secret_access_key: self.text("ses_secret_access_key").into(),
            role_arn: self.optional("ses_role_arn"),
            external_id: self.optional("ses_external_id"),
            configuration_set: self.optional("ses_configuration_set"),
            endpoint: self.parse("ses_endpoint", None, service_url),
        })
    }

    pub(super) fn sns_url(&mut self) -> Option<String> {
        self.parse("sns_url", None, service_url)
    }

    pub(super) fn mail(&mut self) -> MailSettings {
        let from = self.parse("mail_from", None, |text| match text {
            "" => Ok(None),
            text => ValidEmail::parse(text)
                .map(|_| Some(text.to_owned()))
                .map_err(|error| anyhow!("`{text}` is not an email address: {error}")),
        });
        let server = self.parse("mail_smtp_url", None, |text| match text {
            "" => Ok(None),
            text => mail_server(text).map(Some),
        });
        if server.is_some() && from.is_none() {
            self.errors
                .push("mail_from (SENDMUX_MAIL_FROM): mail_smtp_url needs an address to send from".to_owned());
        }
        MailSettings { from, server }
    }

    fn optional(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }
}

/// The address of an HTTP service, without a trailing slash; empty for none.
fn service_url(text: &str) -> anyhow::Result<Option<String>> {
    if text.is_empty() {
        return Ok(None);
    }
    let sound = Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none());
    if !sound {
        bail!("`{text}` is not an address such as https://host or https://host/path");
    }
    Ok(Some(text.trim_end_matches('/').to_owned()))
}

/// A tenant stands in the path of addresses: a word, an id or a domain.
fn tenant(text: &str) -> anyhow::Result<String> {
    let sound = !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    if !sound {
        bail!("`{text}` must be common, organizations, or a tenant's id or domain");
    }
    Ok(text.to_owned())
}

/// Reads `smtp://user:password@host:port`; no error repeats it, as it holds a password.
fn mail_server(text: &str) -> anyhow::Result<MailServer> {
    let wrong = || anyhow!("it must be like smtp://user:password@host:587, smtps://… or smtp://host:25?tls=none");
    let url = Url::parse(text).map_err(|_| wrong())?;
    let (security, usual_port) = match (url.scheme(), url.query()) {
        ("smtp", None) => (SmtpSecurity::StartTls, 587),
        ("smtp", Some("tls=none")) => (SmtpSecurity::None, 25),
        ("smtps", None) => (SmtpSecurity::Implicit, 465),
        _ => return Err(wrong()),
    };
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
        return Err(wrong());
    }
    let decoded = |text: &str| {
        percent_decode_str(text)
            .decode_utf8()
            .map(|text| text.into_owned())
            .context("user name and password must be UTF-8 when percent-decoded")
    };
    let credentials = match (url.username(), url.password()) {
        ("", None) => None,
        (user, Some(password)) if !user.is_empty() => Some((decoded(user)?, Secret::from(decoded(password)?))),
        _ => bail!("give both user name and password, or none; write @, : and / in them as %40, %3A and %2F"),
    };
    Ok(MailServer {
        host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port: url.port().unwrap_or(usual_port),
        security,
        credentials,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::load;
    use super::*;

    #[test]
    fn services_are_off_until_they_are_configured() {
        let settings = load(&[], &[]).unwrap().settings;
        assert_eq!(settings.google, GoogleSettings::default());
        assert_eq!(settings.microsoft, MicrosoftSettings::default());
        assert_eq!((settings.managed_ses, settings.mail), (None, MailSettings::default()));
    }

    #[test]
    fn a_service_is_configured_whole() {
        let file = [
            ("google_client_id", "id"),
            ("google_url", "localhost:80"),
            ("microsoft_tenant", "a/b"),
            ("ses_region", "eu-central-1"),
            ("mail_smtp_url", "smtp://me:planted@example.com"),
        ];
        let error = load(&file, &[]).err().unwrap().to_string();
        for part in [
            "google_client_id and google_client_secret: give both or none",
            "google_url (SENDMUX_GOOGLE_URL, from file)",
            "microsoft_tenant (SENDMUX_MICROSOFT_TENANT, from file)",
            "ses_access_key_id: the managed route needs",
            "ses_secret_access_key: the managed route needs",
            "mail_from (SENDMUX_MAIL_FROM)",
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(!error.contains("ses_region: "), "{error}");
    }

    #[test]
    fn the_managed_route_reads_its_account() {
        let file = [
            ("ses_region", "eu-central-1"),
            ("ses_access_key_id", "AKIA"),
            ("ses_secret_access_key", "planted"),
            ("ses_endpoint", "http://127.0.0.1:4579/"),
        ];
        let access = load(&file, &[]).unwrap().settings.managed_ses.unwrap();
        assert_eq!(access.endpoint.as_deref(), Some("http://127.0.0.1:4579"));
        assert_eq!(access.secret_access_key.expose(), "planted");
        assert!(!format!("{access:?}").contains("planted"));
    }

    #[test]
    fn mail_servers_are_read_from_addresses() {
        let server = mail_server("smtps://me%40example.com:p%3Aw@mail.example.com").unwrap();
        assert_eq!((server.host.as_str(), server.port), ("mail.example.com", 465));
        assert_eq!(server.security, SmtpSecurity::Implicit);
        let (user, password) = server.credentials.unwrap();
        assert_eq!((user.as_str(), password.expose()), ("me@example.com", "p:w"));

        let plain = mail_server("smtp://[::1]:1025?tls=none").unwrap();
        assert_eq!((plain.host.as_str(), plain.port), ("::1", 1025));
        assert_eq!((plain.security, plain.credentials), (SmtpSecurity::None, None));

        for wrong in [
            "mail.example.com",
            "http://me:planted@example.com",
            "smtp://me@example.com",
            "smtp://example.com/planted",
            "smtp://me:planted@example.com?tls=maybe",
        ] {
            let error = mail_server(wrong).err().unwrap().to_string();
            assert!(!error.contains("planted"), "{error}");
        }
    }
}
