//! The access tokens of connected mailboxes, for their connectors. They are kept, and renewed, by
//! [`sendmux_domain::providers::access_token`].

use async_trait::async_trait;
use sendmux_domain::Domain;
use sendmux_domain::providers::{self, TokenFault};
use sendmux_domain::secrets::Secret;
use sendmux_providers::ApiFault;
use sendmux_providers::oauth::{AccessToken, TokenSource};

/// The tokens of one mailbox.
pub(crate) struct StoredTokens {
    pub(crate) domain: Domain,
    pub(crate) provider_id: i64,
}

#[async_trait]
impl TokenSource for StoredTokens {
    async fn access_token(&self) -> Result<AccessToken, ApiFault> {
        given(providers::access_token(&self.domain, self.provider_id).await)
    }

    async fn renew(&self, rejected: &AccessToken) -> Result<AccessToken, ApiFault> {
        let rejected = Secret::from(rejected.expose());
        given(providers::other_access_token(&self.domain, self.provider_id, &rejected).await)
    }
}

fn given(token: Result<Secret, TokenFault>) -> Result<AccessToken, ApiFault> {
    match token {
        Ok(token) => Ok(token.expose().to_owned().into()),
        Err(fault) => Err(ApiFault {
            outcome: fault.outcome,
            detail: fault.detail,
        }),
    }
}
