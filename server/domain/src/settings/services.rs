//! The services outside that the operator of the installation signs up for, with what they gave to log in there.

use crate::providers::SmtpSecurity;
use crate::secrets::Secret;

/// The installation as an application of an identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthApp {
    /// The id that the application was given.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
}

/// Google, for Gmail mailboxes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoogleSettings {
    /// The installation's application; without one no Gmail mailbox can be connected.
    pub app: Option<OAuthApp>,
    /// An address that stands in for all of Google's hosts, without a trailing slash.
    pub url: Option<String>,
}

/// Microsoft, for Microsoft 365 mailboxes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MicrosoftSettings {
    /// The installation's application; without one no Microsoft 365 mailbox can be connected.
    pub app: Option<OAuthApp>,
    /// Whose mailboxes may be connected: `common`, `organizations`, or one tenant's id or domain.
    pub tenant: String,
    /// Instead of `https://login.microsoftonline.com`, without a trailing slash.
    pub login_url: Option<String>,
    /// Instead of `https://graph.microsoft.com`, without a trailing slash.
    pub graph_url: Option<String>,
}

impl Default for MicrosoftSettings {
    fn default() -> Self {
        Self {
            app: None,
            tenant: "common".to_owned(),
            login_url: None,
            graph_url: None,
        }
    }
}

/// What it takes to use an Amazon SES account: a team's own, or the operator's for the managed route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SesAccess {
    /// The AWS region: `eu-central-1`.
    pub region: String,
    /// The id of the access key.
    pub access_key_id: String,
    /// The secret that belongs to it.
    pub secret_access_key: Secret,
    /// A role that is assumed with the key.
    pub role_arn: Option<String>,
    /// The external id that the role asks for.
    pub external_id: Option<String>,
    /// The configuration set that messages are sent with.
    pub configuration_set: Option<String>,
    /// The address of the API instead of Amazon's, without a trailing slash.
    pub endpoint: Option<String>,
}

/// How the installation sends mail of its own: verifications, invitations, outcomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailSettings {
    /// The address it sends from; none for one on the managed domain.
    pub from: Option<String>,
    /// The server it sends through; none for the managed route, or the sandbox.
    pub server: Option<MailServer>,
}

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailServer {
    /// Its name or address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// User name and password; none where there is no login.
    pub credentials: Option<(String, Secret)>,
}
