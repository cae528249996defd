//! The Amazon SES kinds: an account of the team, or the operator's for the managed route.
//!
//! `SendEmail` of the SES API v2 takes the message as it is and the recipients beside it, 50 a call; a message with more
//! is split into calls, each with its own outcome. SES puts its own Message-ID in, so its id is kept, and every message
//! carries a tag ([`MESSAGE_TAG`]) by which events are tied to it. Retries are off: the schedule is the engine's.
//!
//! | module | what it is |
//! | --- | --- |
//! | `settings` | what a user configures |
//! | `transport` | the SDK's HTTP client: ours |
//! | `fault` | what the SDK's errors mean |
//! | `role` | credentials of an assumed role |
//! | `send` | one attempt: recipients over calls |
//! | `account` | the account's quota, and the connection test |

mod account;
mod fault;
mod role;
mod send;
mod settings;
mod transport;

use std::fmt;

use async_trait::async_trait;
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::{BehaviorVersion, Config, Region, StalledStreamProtectionConfig};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use sendmux_rules::{Class, ProviderKind, Stage};

pub use account::AccountQuota;
pub use settings::{AssumedRole, AwsKeys, SendAs, SesSettings};

use crate::connector::{Connector, MayCommit, TestReport};
use crate::fault::ApiFault;
use crate::http::Http;
use crate::job::{SendJob, SendReport};
use transport::Transport;

/// The name of the tag that holds the message's public id. Events of a configuration set carry it back.
pub const MESSAGE_TAG: &str = "sendmux-message";

/// A connector to one SES account in one region. Keep it: it holds the credentials of an assumed role.
pub struct SesConnector {
    /// Settings that cannot be used are an outcome of every attempt.
    ready: Result<Ready, ApiFault>,
}

impl fmt::Debug for SesConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = self.ready.as_ref().map(|ready| &ready.settings);
        f.debug_struct("SesConnector")
            .field("settings", &settings)
            .finish_non_exhaustive()
    }
}

/// State that attempts share.
struct Ready {
    settings: SesSettings,
    client: Client,
    http: Http,
}

impl SesConnector {
    /// Prepares a connector; nothing is connected to yet.
    pub fn new(settings: SesSettings, http: Http) -> Self {
        let wrong = settings.validate().into_iter().next();
        let ready = match wrong {
            Some((field, wrong)) => Err(ApiFault::here(
                Class::Config,
                Stage::Connect,
                "local.bad_settings",
                format!("{field}: {wrong}"),
            )),
            None => Ok(Ready::new(settings, http)),
        };
        Self { ready }
    }

    /// Sending quota and usage of the account.
    ///
    /// # Errors
    /// The refusal of SES; [`Class::Auth`] too when the keys are only allowed to send.
    pub async fn quota(&self) -> Result<AccountQuota, ApiFault> {
        self.ready.as_ref().map_err(Clone::clone)?.quota().await
    }
}

impl Ready {
    fn new(settings: SesSettings, http: Http) -> Self {
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(settings.region.clone()))
            .http_client(Transport::new(http.clone()))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        config.set_endpoint_url(settings.endpoint.clone());
        config = match &settings.role {
            Some(role) => config.credentials_provider(role::Role::new(&settings, role, http.clone())),
            None => config.credentials_provider(settings.keys.credentials()),
        };
        Self {
            client: Client::from_conf(config.build()),
            settings,
            http,
        }
    }

    fn kind(&self) -> ProviderKind {
        self.settings.kind()
    }
}

#[async_trait]
impl Connector for SesConnector {
    async fn send_if(&self, job: &SendJob, may_commit: MayCommit<'_>) -> SendReport {
        match &self.ready {
            Ok(ready) => ready.send(job, may_commit).await,
            Err(fault) => fault.clone().report(job),
        }
    }

    async fn test(&self) -> TestReport {
        match &self.ready {
            Ok(ready) => ready.probe().await,
            Err(fault) => account::bad_settings(fault),
        }
    }

    /// Connections belong to the client, which other connectors use too, and are dropped when they stay idle.
    async fn close(&self) {}
}
