//! The way to each provider: a connector for those that mail leaves through, or the sandbox.

use async_trait::async_trait;
use parking_lot::Mutex;
use sendmux_domain::accounts;
use sendmux_domain::providers::{self, Access, ProviderConnection};
use sendmux_domain::{Domain, Error, Result, system_mail};
use sendmux_providers::Connector;
use sendmux_providers::smtp::{Credentials, Security, SmtpConnector, SmtpSettings};
use sendmux_rules::ProviderKind;
use std::collections::HashMap;
use std::sync::Arc;

/// Where an attempt goes.
#[derive(Clone)]
pub enum Channel {
    /// To a provider.
    Connector(Arc<dyn Connector>),
    /// Into the sandbox, under the address that a managed route would send as, when there is one.
    Sandbox {
        /// The address that replaces the one in From.
        send_as: Option<String>,
    },
}

/// Opens channels. Tests put scripted providers here.
#[async_trait]
pub trait Channels: Send + Sync + 'static {
    /// The channel to a provider at this version of its settings.
    ///
    /// # Errors
    /// When its settings cannot be read or its kind cannot send yet; the attempt then counts as a `config` fault.
    async fn channel(&self, provider_id: i64, version: i32) -> Result<Channel>;

    /// Closes idle connections, at shutdown.
    async fn close(&self);
}

/// The channels to the configured providers, kept open while their settings stand.
pub struct ProviderChannels {
    domain: Domain,
    open: Mutex<HashMap<i64, (i32, Channel)>>,
}

impl ProviderChannels {
    /// Channels of the providers that this domain knows.
    pub fn new(domain: Domain) -> Self {
        Self {
            domain,
            open: Mutex::default(),
        }
    }
}

#[async_trait]
impl Channels for ProviderChannels {
    async fn channel(&self, provider_id: i64, version: i32) -> Result<Channel> {
        if let Some((known, channel)) = self.open.lock().get(&provider_id)
            && *known == version
        {
            return Ok(channel.clone());
        }
        let connection = providers::connection(&self.domain, provider_id).await?;
        let channel = open(&self.domain, &connection).await?;
        let outdated = self
            .open
            .lock()
            .insert(provider_id, (connection.version, channel.clone()));
        if let Some((_, Channel::Connector(connector))) = outdated {
            connector.close().await;
        }
        Ok(channel)
    }

    async fn close(&self) {
        let open = std::mem::take(&mut *self.open.lock());
        for (_, channel) in open.into_values() {
            if let Channel::Connector(connector) = channel {
                connector.close().await;
            }
        }
    }
}

pub(crate) async fn open(domain: &Domain, connection: &ProviderConnection) -> Result<Channel> {
    match connection.kind {
        ProviderKind::Sandbox => Ok(Channel::Sandbox { send_as: None }),
        ProviderKind::ManagedSes => Ok(Channel::Sandbox {
            send_as: Some(accounts::managed_address(domain, connection.team_id).await?),
        }),
        ProviderKind::Smtp => {
            let settings = smtp_settings(domain, connection)?;
            Ok(Channel::Connector(Arc::new(SmtpConnector::new(settings))))
        }
        ProviderKind::Gmail | ProviderKind::Microsoft365 | ProviderKind::Ses => Err(Error::Unavailable(format!(
            "providers of the kind {} cannot send yet",
            connection.kind
        ))),
    }
}

fn smtp_settings(domain: &Domain, connection: &ProviderConnection) -> Result<SmtpSettings> {
    let Access::Smtp(smtp) = &connection.access else {
        return Err(Error::Internal(format!(
            "provider {} has no SMTP settings",
            connection.public_id
        )));
    };
    let security: Security = smtp.security.as_str().parse().map_err(Error::Internal)?;
    let mut settings = SmtpSettings::new(smtp.host.clone(), smtp.port, security);
    // The engine takes a slot before it takes a connection, so none waits for one.
    settings.max_connections = crate::dispatcher::ATTEMPTS_PER_PROVIDER;
    settings.extra_roots = domain.settings.extra_ca.clone();
    // The operator's own mail server may be on the operator's own network.
    settings.allow_private_hosts =
        domain.settings.allow_private_hosts || system_mail::is_system(domain, connection.team_id);
    settings.credentials = smtp.credentials.as_ref().map(|(username, password)| Credentials {
        username: username.clone(),
        password: password.expose().to_owned(),
    });
    Ok(settings)
}
