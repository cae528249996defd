//! SMTP submission: its listeners and its certificate.

use crate::config::Config;
use crate::tls::{self, Certificate};
use anyhow::Context;
use sendmux_domain::Domain;
use sendmux_smtp::{Handle, Security, Server};
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// The ports of submission, taken but not yet served.
pub struct Bound(Vec<(TcpListener, Security)>);

/// Submission under way.
pub struct Submission {
    /// Address that it is served on.
    pub addresses: Vec<(SocketAddr, Security)>,
    handle: Handle,
    watch: Option<AbortHandle>,
}

/// Listens where the configuration says, which may be nowhere.
pub async fn bind(config: &Config) -> anyhow::Result<Bound> {
    let mut listeners = Vec::new();
    for (address, security, key) in [
        (config.smtp_addr, Security::StartTls, "smtp_addr, SENDMUX_SMTP_ADDR"),
        (config.smtps_addr, Security::Implicit, "smtps_addr, SENDMUX_SMTPS_ADDR"),
    ] {
        let Some(address) = address else { continue };
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address} ({key}; off: no such listener)"))?;
        listeners.push((listener, security));
    }
    Ok(Bound(listeners))
}

/// Serves. None: there is no port to serve on.
pub fn start(Bound(listeners): Bound, config: &Config, domain: &Domain) -> anyhow::Result<Option<Submission>> {
    if listeners.is_empty() {
        return Ok(None);
    }
    let mut addresses = Vec::new();
    for (listener, security) in &listeners {
        addresses.push((listener.local_addr()?, *security));
    }
    let (certificate, watch) = match config.certificate() {
        Some(files) => {
            let certificate = Certificate::load(files).context("tls_cert, tls_key")?;
            let watch = tokio::spawn(certificate.clone().watch());
            (certificate, Some(watch.abort_handle()))
        }
        None => {
            let files = tls::self_signed(&config.data_dir, domain.settings.message_id_host())?;
            tracing::warn!(
                certificate = %files.certificate.display(),
                "SMTP shows a self-signed certificate, which clients do not trust; set tls_cert and tls_key"
            );
            (Certificate::load(files)?, None)
        }
    };
    let handle = Server::start(
        domain.clone(),
        listeners,
        config.smtp.clone(),
        certificate.server_config()?,
    );
    Ok(Some(Submission {
        addresses,
        handle,
        watch,
    }))
}

impl Submission {
    /// Stops, and lets messages that are being handed over finish.
    pub async fn shutdown(self) {
        self.handle.shutdown().await;
        if let Some(watch) = self.watch {
            watch.abort();
        }
    }
}
