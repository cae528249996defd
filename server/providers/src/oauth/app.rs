//! OAuth application that the operator registered with Google or Microsoft.

use std::fmt;

use sendmux_rules::ProviderKind;

/// The scope to send, without which nothing else is of use (Gmail API, Choose scopes).
const GMAIL_SEND: &str = "https://www.googleapis.com/auth/gmail.send";
/// The same of Microsoft Graph (permissions reference).
const MAIL_SEND: &str = "Mail.Send";

/// Service that signs the user in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OAuthService {
    /// Google, for Gmail and Google Workspace.
    Google,
    /// Microsoft Entra, for Microsoft 365.
    Microsoft,
}

impl OAuthService {
    /// The service that mailboxes of this kind sign in with.
    pub const fn of(kind: ProviderKind) -> Option<Self> {
        match kind {
            ProviderKind::Gmail => Some(Self::Google),
            ProviderKind::Microsoft365 => Some(Self::Microsoft),
            _ => None,
        }
    }

    /// The kind of provider that its mailboxes are.
    pub const fn kind(self) -> ProviderKind {
        match self {
            Self::Google => ProviderKind::Gmail,
            Self::Microsoft => ProviderKind::Microsoft365,
        }
    }

    /// The name that people know.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Google => "Google",
            Self::Microsoft => "Microsoft",
        }
    }

    /// Scopes that are requested: to send, to know whose mailbox it is, and to go on while the user is away.
    pub const fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Google => &[GMAIL_SEND, "openid", "email"],
            Self::Microsoft => &[MAIL_SEND, "User.Read", "offline_access", "openid", "email"],
        }
    }

    /// True when one of the granted scopes is that to send. Microsoft names its own in any case, with or without the
    /// address of the API before them.
    pub(super) fn may_send(self, granted: &[String]) -> bool {
        granted.iter().any(|scope| match self {
            Self::Google => scope == GMAIL_SEND,
            Self::Microsoft => scope
                .rsplit('/')
                .next()
                .is_some_and(|last| last.eq_ignore_ascii_case(MAIL_SEND)),
        })
    }
}

/// Endpoints of a service. [`OAuthEndpoints::google`] and [`OAuthEndpoints::microsoft`] are the real ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthEndpoints {
    /// Authorization endpoint, which the browser is sent to.
    pub authorization: String,
    /// Token endpoint, which turns codes and refresh tokens into access tokens.
    pub token: String,
    /// Says whose access token it is: OpenID Connect's userinfo at Google, `/me` of Graph at Microsoft.
    pub identity: String,
    /// Revocation endpoint (RFC 7009). Microsoft has none.
    pub revocation: Option<String>,
    /// Admin-consent endpoint, for a whole organisation. Google has none.
    pub admin_consent: Option<String>,
}

impl OAuthEndpoints {
    /// Google's (its OpenID Connect discovery document).
    pub fn google() -> Self {
        Self {
            authorization: "https://accounts.google.com/o/oauth2/v2/auth".to_owned(),
            token: "https://oauth2.googleapis.com/token".to_owned(),
            identity: "https://openidconnect.googleapis.com/v1/userinfo".to_owned(),
            revocation: Some("https://oauth2.googleapis.com/revoke".to_owned()),
            admin_consent: None,
        }
    }

    /// Microsoft's, for those who may sign in: a tenant's id or domain, `organizations`, or `common` with personal
    /// accounts too (Microsoft identity platform, authorization code flow and admin consent).
    pub fn microsoft(tenant: &str) -> Self {
        let login = format!("https://login.microsoftonline.com/{tenant}");
        // Consent is of one organisation; who does not name it signs in to it first.
        let organisation = if tenant == "common" { "organizations" } else { tenant };
        Self {
            authorization: format!("{login}/oauth2/v2.0/authorize"),
            token: format!("{login}/oauth2/v2.0/token"),
            identity: "https://graph.microsoft.com/v1.0/me".to_owned(),
            revocation: None,
            admin_consent: Some(format!(
                "https://login.microsoftonline.com/{organisation}/v2.0/adminconsent"
            )),
        }
    }
}

/// An application that the operator registered. Debug does not show its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct OAuthApp {
    /// Service that it is registered with.
    pub service: OAuthService,
    /// The public id.
    pub client_id: String,
    /// The secret that goes with it.
    pub client_secret: String,
    /// Redirect URI, exactly as registered.
    pub redirect_uri: String,
    /// Endpoints of the service.
    pub endpoints: OAuthEndpoints,
}

impl fmt::Debug for OAuthApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthApp")
            .field("service", &self.service)
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .field("endpoints", &self.endpoints)
            .finish_non_exhaustive()
    }
}
