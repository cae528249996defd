//! Identity of a connected mailbox, and whether it may send.

use std::fmt;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION};
use sendmux_rules::{Class, Stage};
use serde::Deserialize;

use super::app::OAuthService;
use super::client::{OAuthClient, Tokens, bad_request};
use super::source::AccessToken;
use crate::fault::ApiFault;
use crate::http::{Answer, Http, RequestFailure, error_of};

/// An account at Google or Microsoft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The service's own id of the account, which stays when the address changes.
    pub subject: String,
    /// The address of its mailbox, as the service writes it.
    pub email: String,
    /// The organisation: Google's `hd` (a domain), Microsoft's `tid` (an id). `None` for a personal account, or when the
    /// service does not say.
    pub tenant: Option<String>,
}

/// A mailbox that was connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its account.
    pub identity: Identity,
    /// The refresh token; there always is one here.
    pub refresh_token: RefreshToken,
    /// The first access token, and what was granted.
    pub tokens: Tokens,
}

/// A refresh token. Debug does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken(pub String);

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(redacted)")
    }
}

/// Reason that a mailbox was not connected. Displays as a sentence for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectError {
    /// The user did not tick the box, or an administrator took the right away.
    MayNotSend(OAuthService),
    /// Nothing to go on with once the access token has run out.
    NoRefreshToken(OAuthService),
    /// The account has no mailbox.
    NoMailbox(OAuthService),
    /// The service refused, or could not be reached.
    Fault(OAuthService, ApiFault),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MayNotSend(service) => write!(
                f,
                "{} did not give Sendmux the right to send mail. Connect again, and leave that box ticked.",
                service.name()
            ),
            Self::NoRefreshToken(service) => write!(
                f,
                "{} did not let Sendmux stay connected. Remove Sendmux from the apps of the account, and connect again.",
                service.name()
            ),
            Self::NoMailbox(service) => write!(f, "This {} account has no mailbox to send from.", service.name()),
            Self::Fault(service, fault) => write!(f, "{} could not complete the sign-in: {fault}.", service.name()),
        }
    }
}

impl std::error::Error for ConnectError {}

impl OAuthClient {
    /// Completes a sign-in: turns the code into tokens, and asks whose they are.
    ///
    /// # Errors
    /// See [`ConnectError`]. Tokens that are of no use are given back.
    pub async fn connect(&self, code: &str, pkce_verifier: &str) -> Result<Grant, ConnectError> {
        let service = self.app.service;
        let fault = |fault| ConnectError::Fault(service, fault);
        let mut tokens = self.exchange_code(code, pkce_verifier).await.map_err(fault)?;
        if !tokens.scopes.is_empty() && !service.may_send(&tokens.scopes) {
            return Err(self.give_back(&tokens, ConnectError::MayNotSend(service)).await);
        }
        let Some(refresh_token) = tokens.refresh.take() else {
            return Err(self.give_back(&tokens, ConnectError::NoRefreshToken(service)).await);
        };
        let mut identity = self.identity(&tokens.access).await.map_err(fault)?;
        if identity.email.is_empty() {
            return Err(self.give_back(&tokens, ConnectError::NoMailbox(service)).await);
        }
        identity.tenant = identity.tenant.or_else(|| tokens.tenant.take());
        Ok(Grant {
            identity,
            refresh_token: RefreshToken(refresh_token),
            tokens,
        })
    }

    async fn give_back(&self, tokens: &Tokens, why: ConnectError) -> ConnectError {
        if let Err(error) = self.revoke(tokens.access.expose()).await {
            tracing::debug!(%error, "a token that is of no use could not be given back");
        }
        why
    }

    /// Account of the access token.
    ///
    /// # Errors
    /// The service's refusal, or a fault of the network.
    pub async fn identity(&self, token: &AccessToken) -> Result<Identity, ApiFault> {
        identity_at(&self.http, self.app.service, &self.app.endpoints.identity, token).await
    }
}

/// Asks a service whose access token it is. The address is empty for an account without a mailbox.
pub(crate) async fn identity_at(
    http: &Http,
    service: OAuthService,
    address: &str,
    token: &AccessToken,
) -> Result<Identity, ApiFault> {
    let request = http::Request::get(address)
        .header(AUTHORIZATION, format!("Bearer {}", token.expose()))
        .header(ACCEPT, "application/json")
        .body(Bytes::new())
        .map_err(|error| bad_request(&error))?;
    let mut answer = http.ask(request).await.map_err(RequestFailure::while_signing_in)?;
    if answer.status == 200 {
        let unreadable = || {
            let text = format!("{} did not say whose account it is", service.name());
            ApiFault::here(Class::Connection, Stage::Auth, "local.unreadable", text)
        };
        return read(service, &answer).ok_or_else(unreadable);
    }
    let (code, message) = error_of(service.kind(), &answer);
    // There is no message whose fate a 5xx could leave unknown.
    answer.request_was_sent = false;
    Err(answer.outcome(service.kind(), &code, &message).into())
}

fn read(service: OAuthService, answer: &Answer) -> Option<Identity> {
    match service {
        OAuthService::Google => {
            #[derive(Deserialize)]
            struct UserInfo {
                sub: String,
                #[serde(default)]
                email: String,
                hd: Option<String>,
            }
            answer.json().map(|UserInfo { sub, email, hd }| Identity {
                subject: sub,
                email,
                tenant: hd,
            })
        }
        OAuthService::Microsoft => {
            #[derive(Deserialize)]
            #[serde(rename_all = "camelCase")]
            struct User {
                id: String,
                mail: Option<String>,
                user_principal_name: Option<String>,
            }
            answer.json().map(|user: User| Identity {
                subject: user.id,
                email: address_of(user.mail, user.user_principal_name),
                tenant: None,
            })
        }
    }
}

/// The address of a Microsoft mailbox. A personal account has no `mail`; the name that it signs in with is its address. A
/// guest's is none (`me_example.com#EXT#@tenant.onmicrosoft.com`): its mailbox is elsewhere.
fn address_of(mail: Option<String>, principal: Option<String>) -> String {
    let is_address = |text: &String| text.contains('@') && !text.contains("#EXT#");
    mail.filter(|mail| !mail.trim().is_empty())
        .or(principal.filter(is_address))
        .unwrap_or_default()
}
