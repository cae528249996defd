//! The SMTP kind: any server that takes mail by SMTP submission or relays it.
//!
//! | module | what it is |
//! | --- | --- |
//! | `settings`, `timeouts` | what a user configures |
//! | `session`, `auth` | from nothing to a session that is ready for MAIL: TCP, TLS, EHLO, STARTTLS, AUTH |
//! | `transaction` | MAIL, RCPT, DATA and the content, with a verdict for each recipient |
//! | `send` | one attempt: recipients over transactions, transactions over sessions |
//! | `pool` | sessions that wait for the next message |
//! | `probe`, `advice` | the connection test, and what to do about a failed one |
//! | `stream`, `reply`, `body`, `tls` | bytes: timed reads and writes, replies, dot-stuffing, TLS |
//! | `capabilities`, `address`, `queue_id`, `fault` | what the others speak about |

mod address;
mod advice;
mod auth;
mod body;
mod capabilities;
mod fault;
mod pool;
mod probe;
mod queue_id;
mod reply;
mod send;
mod session;
mod settings;
mod stream;
mod timeouts;
mod tls;
mod transaction;

use std::sync::Arc;

use async_trait::async_trait;
use sendmux_rules::Stage;
use tokio::sync::Semaphore;

use crate::connector::{Connector, MayCommit, TestReport};
use crate::job::{SendJob, SendReport};
use crate::net::HostError;
use auth::FirstMechanism;
use fault::Fault;
use pool::Pool;
pub use pool::PoolStats;
use send::Attempt;
use session::Target;
pub use settings::{Credentials, SmtpSettings};
pub use timeouts::Timeouts;

/// A connector to one SMTP server. Holds its idle connections; make one for each provider and keep it.
pub struct SmtpConnector {
    inner: Inner,
}

/// State that attempts share.
struct Inner {
    /// Settings that cannot be used are an outcome of every attempt.
    target: Result<Target, Fault>,
    pool: Arc<Pool>,
    /// One for each connection that may be in use at the same time.
    slots: Arc<Semaphore>,
}

impl SmtpConnector {
    /// Prepares a connector; nothing is connected to yet.
    pub fn new(settings: SmtpSettings) -> Self {
        let slots = usize::try_from(settings.max_connections.max(1)).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            inner: Inner {
                pool: Pool::new(settings.max_idle),
                slots: Arc::new(Semaphore::new(slots.min(Semaphore::MAX_PERMITS))),
                target: prepare(settings),
            },
        }
    }

    /// Counters of the pool of connections.
    pub fn pool_stats(&self) -> PoolStats {
        self.inner.pool.stats()
    }
}

fn prepare(settings: SmtpSettings) -> Result<Target, Fault> {
    let bad = |detail: String| Fault::config(Stage::Connect, "local.bad_settings", detail);
    // Values that could break out of a command (the name in EHLO) never get that far.
    if let Some((field, wrong)) = settings.validate().into_iter().next() {
        return Err(bad(format!("{field}: {wrong}")));
    }
    let host = settings
        .host
        .parse()
        .map_err(|error: HostError| bad(error.to_string()))?;
    let tls = tls::client_config(&settings).map_err(bad)?;
    Ok(Target {
        settings,
        host,
        tls,
        first_mechanism: FirstMechanism::default(),
    })
}

#[async_trait]
impl Connector for SmtpConnector {
    async fn send_if(&self, job: &SendJob, may_commit: MayCommit<'_>) -> SendReport {
        let target = match &self.inner.target {
            Ok(target) => target,
            Err(fault) => return SendReport::same_for_all(job, fault.outcome(), Some(fault.detail())),
        };
        // The semaphore is never closed, so there always is a slot.
        let slot = Arc::clone(&self.inner.slots).acquire_owned().await.ok();
        Attempt::new(&self.inner, target, job, may_commit).run(slot).await
    }

    async fn test(&self) -> TestReport {
        match &self.inner.target {
            Ok(target) => probe::probe(target).await,
            Err(fault) => probe::bad_settings(fault),
        }
    }

    async fn close(&self) {
        self.inner.pool.close().await;
    }
}
