//! Sources of a connector's access tokens.

use std::fmt;

use async_trait::async_trait;
use sendmux_rules::Class;

use crate::fault::ApiFault;

/// An access token. Debug does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(String);

impl AccessToken {
    /// The token itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for AccessToken {
    fn from(token: String) -> Self {
        Self(token)
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(redacted)")
    }
}

/// Gives access tokens out. Keeps them, and refreshes once however many wait.
#[async_trait]
pub trait TokenSource: Send + Sync + 'static {
    /// A token that is good for some time yet.
    ///
    /// # Errors
    /// The fault of [`super::OAuthClient::refresh`] when a new one was needed.
    async fn access_token(&self) -> Result<AccessToken, ApiFault>;

    /// Another token than one that was refused: one that somebody else has got in the meantime, or a fresh one.
    ///
    /// # Errors
    /// As above.
    async fn renew(&self, rejected: &AccessToken) -> Result<AccessToken, ApiFault>;
}

/// Makes a call with a token, and once more with a fresh one when the first is refused. A second refusal is confirmed.
pub(crate) async fn with_token<T, F>(tokens: &dyn TokenSource, call: impl Fn(AccessToken) -> F) -> Result<T, ApiFault>
where
    F: Future<Output = Result<T, ApiFault>>,
{
    let token = tokens.access_token().await?;
    match call(token.clone()).await {
        Err(refused) if refused.outcome.class == Class::Auth => {
            let fresh = tokens.renew(&token).await?;
            call(fresh).await.map_err(ApiFault::confirmed)
        }
        result => result,
    }
}
