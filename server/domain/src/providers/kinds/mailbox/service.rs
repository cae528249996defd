//! Services of Google and Microsoft for mailboxes: sign people in, issue tokens, revoke them. The program that holds the
//! clients brings this ([`Domain::set_mailbox_services`](crate::Domain::set_mailbox_services)).

use crate::secrets::Secret;
use async_trait::async_trait;
use sendmux_rules::{Class, Hint, Outcome, ProviderKind, Stage};
use std::fmt::{self, Debug};
use std::time::Duration;

/// The clients of the identity providers, for the kinds that have one.
#[async_trait]
pub trait MailboxServices: Debug + Send + Sync + 'static {
    /// Begins a sign-in; `login_hint` is the address that is to sign in again. None: the installation has no application
    /// registered for this kind.
    fn begin(&self, kind: ProviderKind, login_hint: Option<&str>) -> Option<SignIn>;

    /// Address at which an administrator approves the application for a whole organisation, if there is one.
    fn admin_consent_url(&self, kind: ProviderKind) -> Option<String>;

    /// Sentence for the user about an error that the browser came back with instead of a code. Both texts
    /// come from the browser.
    fn callback_error(&self, kind: ProviderKind, error: &str, description: &str) -> String;

    /// Turns the code that came back into tokens, and finds out whose they are.
    ///
    /// # Errors
    /// A sentence for the user.
    async fn connect(&self, kind: ProviderKind, code: &str, verifier: &Secret) -> Result<Granted, String>;

    /// Gets a new access token.
    ///
    /// # Errors
    /// Fault for a message that needed the token.
    async fn refresh(&self, kind: ProviderKind, refresh_token: &Secret) -> Result<Renewed, TokenFault>;

    /// Gives a token back, and the whole consent with it. False: there is no place for that, and the user can only do it
    /// in the settings of the account.
    ///
    /// # Errors
    /// Error for the log.
    async fn revoke(&self, kind: ProviderKind, refresh_token: &Secret) -> Result<bool, String>;
}

/// A sign-in that has begun.
#[derive(Clone)]
pub struct SignIn {
    /// Address that the browser is sent to.
    pub url: String,
    /// Comes back with the browser.
    pub state: Secret,
    /// Goes to the identity provider with the code (PKCE).
    pub verifier: Secret,
}

/// Grant of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The account's own id, which stays when the address changes.
    pub subject: String,
    /// The address of its mailbox.
    pub email: String,
    /// The organisation, when the identity provider says.
    pub tenant: Option<String>,
    /// Granted scopes; empty when the identity provider did not say.
    pub scopes: Vec<String>,
    /// For new access tokens.
    pub refresh: Secret,
    /// The first access token.
    pub access: Secret,
    /// Lifetime of that token.
    pub expires_in: Duration,
}

/// A new access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// The token.
    pub access: Secret,
    /// The refresh token that replaces the old one, when there is one.
    pub refresh: Option<Secret>,
    /// Lifetime of the access token.
    pub expires_in: Duration,
}

/// Failure to get an access token, with the outcome for the message that needed one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFault {
    /// Outcome for the message.
    pub outcome: Outcome,
    /// Detail that the outcome lacks when nothing was answered.
    pub detail: Option<String>,
}

impl TokenFault {
    /// It was found on this side.
    pub(super) fn here(class: Class, rule: &'static str, detail: impl Into<String>) -> Self {
        Self {
            outcome: Outcome {
                class,
                stage: Stage::Auth,
                reply: None,
                fault: None,
                retry_after: None,
                permanent: false,
                hint: None,
                confirmed: false,
                rule,
            },
            detail: Some(detail.into()),
        }
    }

    /// The installation has no application registered any more; no mailbox is at fault.
    pub fn no_application(kind: ProviderKind) -> Self {
        let detail = format!("this installation has no application registered for {kind}");
        let mut fault = Self::here(Class::Config, "local.no_application", detail);
        fault.outcome.hint = Some(Hint::Installation);
        fault
    }
}

impl fmt::Display for TokenFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            Some(detail) => f.write_str(detail),
            None => f.write_str(&self.outcome.cause()),
        }
    }
}
