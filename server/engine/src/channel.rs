//! The way to each provider: a connector for those that mail leaves through, or the sandbox.

use crate::services::Services;
use crate::tokens::StoredTokens;
use async_trait::async_trait;
use parking_lot::Mutex;
use sendmux_domain::accounts;
use sendmux_domain::providers::{self, Access, ProviderConnection, SmtpAccess, SmtpTimeouts};
use sendmux_domain::{Domain, Result, system_mail};
use sendmux_providers::Connector;
use sendmux_providers::smtp::{Credentials, SmtpConnector, SmtpSettings, Timeouts};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Channel that an attempt goes through.
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
    /// Its settings cannot be read, or it is a mailbox that is not connected; the attempt then counts as a `config` fault.
    async fn channel(&self, provider_id: i64, version: i32) -> Result<Channel>;

    /// Closes idle connections, at shutdown.
    async fn close(&self);
}

/// The channels to the configured providers, kept open while their settings stand.
pub struct ProviderChannels {
    domain: Domain,
    services: Services,
    open: Mutex<HashMap<i64, (i32, Channel)>>,
}

impl ProviderChannels {
    /// Channels of the providers that this domain knows.
    pub fn new(domain: Domain, services: Services) -> Self {
        Self {
            domain,
            services,
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
        let channel = open(&self.domain, &self.services, &connection).await?;
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

pub(crate) async fn open(domain: &Domain, services: &Services, connection: &ProviderConnection) -> Result<Channel> {
    let tokens = || {
        Arc::new(StoredTokens {
            domain: domain.clone(),
            provider_id: connection.provider_id,
        })
    };
    let connector: Arc<dyn Connector> = match &connection.access {
        Access::Smtp(smtp) => Arc::new(SmtpConnector::new(smtp_settings(domain, smtp, connection.team_id))),
        Access::Gmail(mailbox) => Arc::new(services.gmail(mailbox, tokens())),
        Access::Microsoft365(mailbox) => Arc::new(services.microsoft365(mailbox, tokens())),
        Access::Ses(access) => Arc::new(services.ses(access)),
        Access::ManagedSes => {
            let send_as = accounts::managed_address(domain, connection.team_id).await?;
            match &domain.settings.managed_ses {
                Some(access) => Arc::new(services.managed_ses(access, send_as)),
                None => return Ok(Channel::Sandbox { send_as: Some(send_as) }),
            }
        }
        Access::Sandbox => return Ok(Channel::Sandbox { send_as: None }),
    };
    Ok(Channel::Connector(connector))
}

fn smtp_settings(domain: &Domain, smtp: &SmtpAccess, team_id: i64) -> SmtpSettings {
    let SmtpAccess { config, password } = smtp;
    let mut settings = SmtpSettings::new(config.host.clone(), config.port, config.security);
    // The engine takes a slot before it takes a connection, so none waits for one.
    settings.max_connections = crate::engine::ATTEMPTS_PER_PROVIDER;
    settings.helo_name = config.helo_name.clone().or_else(|| domain.settings.helo_name());
    settings.timeouts = timeouts(config.timeouts);
    settings.extra_roots = domain.settings.extra_ca.clone();
    // The operator's own mail server may be on the operator's own network, and on any port.
    if system_mail::is_system(domain, team_id) {
        settings.allow_private_hosts = true;
    } else {
        settings.allow_private_hosts = domain.settings.allow_private_hosts;
        settings.ports = domain.settings.allowed_smtp_ports().map(<[u16]>::to_vec);
    }
    settings.own_marks = domain.sealer.marks().map(ToOwned::to_owned).collect();
    settings.credentials = password.as_ref().map(|password| Credentials {
        username: config.username.clone(),
        password: password.expose().to_owned(),
    });
    settings
}

fn timeouts(limits: SmtpTimeouts) -> Timeouts {
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    Timeouts::new(seconds(limits.connect), seconds(limits.command), seconds(limits.data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_without_time_limits_has_the_usual_ones() {
        assert_eq!(timeouts(SmtpTimeouts::default()), Timeouts::default());
    }
}
