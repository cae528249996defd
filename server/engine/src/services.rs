//! The services outside that connectors of one process share: the clients of Google and Microsoft, and the HTTP clients
//! beneath them and beneath Amazon SES.

use async_trait::async_trait;
use sendmux_domain::providers::{Granted, MailboxAccess, MailboxServices, Renewed, SignIn, TokenFault};
use sendmux_domain::secrets::Secret;
use sendmux_domain::settings::{GoogleSettings, MicrosoftSettings, OAuthApp as Registered};
use sendmux_domain::{Settings, settings};
use sendmux_providers::oauth::{CallbackError, OAuthApp, OAuthClient, OAuthEndpoints, OAuthService, TokenSource};
use sendmux_providers::ses::{AssumedRole, AwsKeys, SendAs};
use sendmux_providers::{
    ApiFault, GmailConnector, GmailSettings, GraphConnector, GraphSettings, Http, HttpSettings, MailboxIdentity,
    SesConnector, SesSettings,
};
use sendmux_rules::ProviderKind;
use std::sync::Arc;
use std::time::Duration;

/// An administrator who has approved the application comes back with this state. It means nothing to anybody.
const ADMIN_STATE: &str = "admin-consent";

/// A sign-in or a token must not take as long as a message may.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(20);

/// The services outside. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Services {
    google: Option<OAuthClient>,
    microsoft: Option<OAuthClient>,
    gmail_api: Option<String>,
    google_endpoints: OAuthEndpoints,
    graph_api: Option<String>,
    /// For addresses that the operator chose, or that are the services' own.
    installation: Http,
    /// For addresses that users gave.
    users: Http,
}

impl Services {
    /// Prepares the clients; nothing is connected to yet.
    ///
    /// # Errors
    /// In plain words, when a setting cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, String> {
        let http = |allow_private_hosts, ask_timeout| {
            Http::new(HttpSettings {
                extra_roots: settings.extra_ca.clone(),
                allow_private_hosts,
                ask_timeout,
                ..HttpSettings::default()
            })
        };
        let ask_timeout = HttpSettings::default().ask_timeout;
        let sign_in = http(true, TOKEN_TIMEOUT)?;
        let client = |registered: &Option<Registered>, service, endpoints: &OAuthEndpoints| {
            let app = registered.as_ref().map(|registered| OAuthApp {
                service,
                client_id: registered.client_id.clone(),
                client_secret: registered.client_secret.expose().to_owned(),
                redirect_uri: settings.oauth_redirect_uri(),
                endpoints: endpoints.clone(),
            });
            app.map(|app| OAuthClient::new(app, sign_in.clone())).transpose()
        };
        let google_endpoints = google_endpoints(&settings.google);
        let microsoft_endpoints = microsoft_endpoints(&settings.microsoft);
        Ok(Self {
            google: client(&settings.google.app, OAuthService::Google, &google_endpoints)?,
            microsoft: client(&settings.microsoft.app, OAuthService::Microsoft, &microsoft_endpoints)?,
            gmail_api: settings.google.url.clone(),
            google_endpoints,
            graph_api: settings.microsoft.graph_url.as_ref().map(|url| format!("{url}/v1.0")),
            installation: http(true, ask_timeout)?,
            users: http(settings.allow_private_hosts, ask_timeout)?,
        })
    }

    fn client(&self, kind: ProviderKind) -> Option<&OAuthClient> {
        match kind {
            ProviderKind::Gmail => self.google.as_ref(),
            ProviderKind::Microsoft365 => self.microsoft.as_ref(),
            _ => None,
        }
    }

    fn client_or_fault(&self, kind: ProviderKind) -> Result<&OAuthClient, String> {
        self.client(kind)
            .ok_or_else(|| format!("this installation has no application registered for {kind}"))
    }

    /// A connector to a Gmail mailbox.
    pub(crate) fn gmail(&self, mailbox: &MailboxAccess, tokens: Arc<dyn TokenSource>) -> GmailConnector {
        let mut settings = GmailSettings::new(identity(mailbox));
        self.google_endpoints.identity.clone_into(&mut settings.identity);
        if let Some(api) = &self.gmail_api {
            api.clone_into(&mut settings.api);
        }
        GmailConnector::new(settings, tokens, self.installation.clone())
    }

    /// A connector to a Microsoft 365 mailbox.
    pub(crate) fn microsoft365(&self, mailbox: &MailboxAccess, tokens: Arc<dyn TokenSource>) -> GraphConnector {
        let mut settings = GraphSettings::new(identity(mailbox));
        if let Some(api) = &self.graph_api {
            api.clone_into(&mut settings.api);
        }
        GraphConnector::new(settings, tokens, self.installation.clone())
    }

    /// A connector to a team's SES account.
    pub(crate) fn ses(&self, access: &settings::SesAccess) -> SesConnector {
        SesConnector::new(ses_settings(access, None), self.users.clone())
    }

    /// A connector that only asks an SES account for its quota.
    pub(crate) fn account(&self, access: &settings::SesAccess, of_installation: bool) -> SesConnector {
        match of_installation {
            true => SesConnector::new(ses_settings(access, None), self.installation.clone()),
            false => self.ses(access),
        }
    }

    /// A connector to the SES account of the managed route, which sends as this address.
    pub(crate) fn managed_ses(&self, access: &settings::SesAccess, send_as: String) -> SesConnector {
        let send_as = SendAs {
            address: send_as,
            return_path: None,
        };
        SesConnector::new(ses_settings(access, Some(send_as)), self.installation.clone())
    }
}

fn identity(mailbox: &MailboxAccess) -> MailboxIdentity {
    MailboxIdentity {
        address: mailbox.email.clone(),
        aliases: mailbox.aliases.clone(),
    }
}

fn google_endpoints(settings: &GoogleSettings) -> OAuthEndpoints {
    match &settings.url {
        Some(url) => OAuthEndpoints {
            authorization: format!("{url}/o/oauth2/v2/auth"),
            token: format!("{url}/token"),
            identity: format!("{url}/v1/userinfo"),
            revocation: Some(format!("{url}/revoke")),
            admin_consent: None,
        },
        None => OAuthEndpoints::google(),
    }
}

fn microsoft_endpoints(settings: &MicrosoftSettings) -> OAuthEndpoints {
    let own = OAuthEndpoints::microsoft(&settings.tenant);
    let moved = |address: &str, from: &str, to: &Option<String>| match (address.strip_prefix(from), to) {
        (Some(path), Some(to)) => format!("{to}{path}"),
        _ => address.to_owned(),
    };
    let login = |address: &str| moved(address, "https://login.microsoftonline.com", &settings.login_url);
    OAuthEndpoints {
        authorization: login(&own.authorization),
        token: login(&own.token),
        identity: moved(&own.identity, "https://graph.microsoft.com", &settings.graph_url),
        admin_consent: own.admin_consent.as_deref().map(login),
        revocation: own.revocation,
    }
}

fn ses_settings(access: &settings::SesAccess, send_as: Option<SendAs>) -> SesSettings {
    let keys = AwsKeys {
        access_key_id: access.access_key_id.clone(),
        secret_access_key: access.secret_access_key.expose().to_owned(),
    };
    SesSettings {
        role: access.role_arn.clone().map(|arn| AssumedRole {
            arn,
            external_id: access.external_id.clone(),
        }),
        configuration_set: access.configuration_set.clone(),
        send_as,
        // Who stands in for SES stands in for the service that gives out its roles.
        sts_endpoint: access.endpoint.clone(),
        endpoint: access.endpoint.clone(),
        ..SesSettings::new(access.region.clone(), keys)
    }
}

#[async_trait]
impl MailboxServices for Services {
    fn begin(&self, kind: ProviderKind, login_hint: Option<&str>) -> Option<SignIn> {
        let begun = self.client(kind)?.begin(login_hint);
        Some(SignIn {
            url: begun.url,
            state: begun.state.into(),
            verifier: begun.pkce_verifier.into(),
        })
    }

    fn admin_consent_url(&self, kind: ProviderKind) -> Option<String> {
        self.client(kind)?.admin_consent_url(ADMIN_STATE)
    }

    fn callback_error(&self, kind: ProviderKind, error: &str, description: &str) -> String {
        // Of kinds without a service nobody comes back.
        let service = OAuthService::of(kind).unwrap_or(OAuthService::Google);
        let error = CallbackError::read(service, error, description);
        if matches!(error, CallbackError::Application(_)) {
            tracing::error!(%kind, "the identity provider does not accept this installation's application");
        }
        error.to_string()
    }

    async fn connect(&self, kind: ProviderKind, code: &str, verifier: &Secret) -> Result<Granted, String> {
        let grant = self.client_or_fault(kind)?.connect(code, verifier.expose()).await;
        let grant = grant.map_err(|error| {
            tracing::warn!(%kind, %error, "a mailbox could not be connected");
            error.to_string()
        })?;
        Ok(Granted {
            subject: grant.identity.subject,
            email: grant.identity.email,
            tenant: grant.identity.tenant,
            scopes: grant.tokens.scopes,
            refresh: grant.refresh_token.0.into(),
            access: grant.tokens.access.expose().into(),
            expires_in: grant.tokens.expires_in,
        })
    }

    async fn refresh(&self, kind: ProviderKind, refresh_token: &Secret) -> Result<Renewed, TokenFault> {
        let client = self.client(kind).ok_or_else(|| TokenFault::no_application(kind))?;
        let tokens = client.refresh(refresh_token.expose()).await.map_err(token_fault)?;
        Ok(Renewed {
            access: tokens.access.expose().into(),
            refresh: tokens.refresh.map(Secret::from),
            expires_in: tokens.expires_in,
        })
    }

    async fn revoke(&self, kind: ProviderKind, refresh_token: &Secret) -> Result<bool, String> {
        let client = self.client_or_fault(kind)?;
        client
            .revoke(refresh_token.expose())
            .await
            .map_err(|fault| fault.to_string())
    }
}

fn token_fault(fault: ApiFault) -> TokenFault {
    TokenFault {
        outcome: fault.outcome,
        detail: fault.detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_stands_in_for_all_of_googles() {
        let settings = GoogleSettings {
            url: Some("http://127.0.0.1:9".to_owned()),
            ..GoogleSettings::default()
        };
        let endpoints = google_endpoints(&settings);
        assert_eq!(endpoints.token, "http://127.0.0.1:9/token");
        assert_eq!(google_endpoints(&GoogleSettings::default()), OAuthEndpoints::google());
    }

    #[test]
    fn national_clouds_have_hosts_of_their_own() {
        let settings = MicrosoftSettings {
            tenant: "contoso.onmicrosoft.us".to_owned(),
            login_url: Some("https://login.microsoftonline.us".to_owned()),
            graph_url: Some("https://graph.microsoft.us".to_owned()),
            ..MicrosoftSettings::default()
        };
        let endpoints = microsoft_endpoints(&settings);
        assert_eq!(
            endpoints.token,
            "https://login.microsoftonline.us/contoso.onmicrosoft.us/oauth2/v2.0/token"
        );
        assert!(endpoints.identity.starts_with("https://graph.microsoft.us/v1.0/me"));
        assert!(
            endpoints
                .admin_consent
                .unwrap()
                .starts_with("https://login.microsoftonline.us/")
        );
        let own = microsoft_endpoints(&MicrosoftSettings::default());
        assert_eq!(own, OAuthEndpoints::microsoft("common"));
    }
}
