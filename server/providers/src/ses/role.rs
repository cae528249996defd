//! Credentials of an assumed role, from AWS STS. The SDK keeps them, and asks for new ones before they expire.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_sts::Client;
use aws_sdk_sts::config::{BehaviorVersion, Config, Region, StalledStreamProtectionConfig};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use sendmux_rules::ProviderKind;

use super::fault::fault_of;
use super::settings::{AssumedRole, SesSettings};
use super::transport::Transport;
use crate::http::Http;

/// Name of the sessions in the account's logs.
const SESSION: &str = "sendmux";

#[derive(Debug)]
pub(super) struct Role {
    client: Client,
    role: AssumedRole,
    kind: ProviderKind,
}

impl Role {
    pub fn new(settings: &SesSettings, role: &AssumedRole, http: Http) -> Self {
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(settings.region.clone()))
            .credentials_provider(settings.keys.credentials())
            .http_client(Transport::new(http))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        config.set_endpoint_url(settings.sts_endpoint.clone());
        Self {
            client: Client::from_conf(config.build()),
            role: role.clone(),
            kind: settings.kind(),
        }
    }

    async fn assume(&self) -> Result<Credentials, CredentialsError> {
        let output = self
            .client
            .assume_role()
            .role_arn(&self.role.arn)
            .role_session_name(SESSION)
            .set_external_id(self.role.external_id.clone())
            .send()
            .await
            .map_err(|error| CredentialsError::provider_error(fault_of(self.kind, &error).while_signing_in()))?;
        let given = output
            .credentials
            .ok_or_else(|| CredentialsError::unhandled("STS gave no credentials"))?;
        let expiry = SystemTime::try_from(given.expiration).map_err(CredentialsError::unhandled)?;
        Ok(Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            Some(expiry),
            "sts",
        ))
    }
}

impl ProvideCredentials for Role {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.assume())
    }
}
