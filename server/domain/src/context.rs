//! [`Domain`]: the context that is passed to every domain function.

use crate::clock::SharedClock;
use crate::db::Db;
use crate::ids::RowIds;
use crate::messages::Committer;
use crate::metrics::Metrics;
use crate::providers::{ConnectionTester, MailboxServices, Renewals, SesAccounts, TESTS_AT_ONCE};
use crate::rate_limit::RateLimiter;
use crate::readiness::Readiness;
use crate::routing::RouteCache;
use crate::secrets::Sealer;
use crate::settings::Settings;
use crate::signals::Signals;
use crate::throttle::Throttle;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use tokio::sync::Semaphore;

/// The database, the clock, the secrets and the caches of one process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Domain(Arc<Inner>);

/// Contents of a [`Domain`].
#[derive(Debug)]
pub struct Inner {
    /// The database connections.
    pub db: Db,
    /// The clock.
    pub clock: SharedClock,
    /// Generator of the keys of rows that are written in batches.
    pub row_ids: RowIds,
    /// Encryption of credentials at rest.
    pub sealer: Sealer,
    /// Settings of the installation.
    pub settings: Settings,
    /// In-process notifications.
    pub signals: Arc<Signals>,
    /// Counters and measurements.
    pub metrics: Metrics,
    /// Pools of providers by lane.
    pub routes: RouteCache,
    /// Addresses that recently presented wrong API keys, over HTTP or SMTP.
    pub failed_authentication: Throttle,
    /// Requests of the current minute by key; see [`crate::rate_limit::take`].
    pub(crate) rate_limiter: RateLimiter,
    /// The last result of the readiness check.
    pub(crate) readiness: Readiness,
    /// API keys that were looked up recently.
    pub(crate) key_cache: crate::keys::KeyCache,
    /// Scopes of single messages that were looked up recently.
    pub(crate) narrowed_scopes: crate::keys::NarrowedScopes,
    /// Requests with an idempotency key in progress.
    pub(crate) in_flight: crate::idempotency::InFlight,
    /// Group commit of accepted messages.
    pub(crate) committer: Committer,
    /// Renewals of mailboxes' access tokens in progress.
    pub(crate) renewals: Renewals,
    /// The team of the system's mail.
    pub(crate) system_team: tokio::sync::OnceCell<crate::system_mail::SystemTeam>,
    /// Recent answers of Amazon about SES accounts.
    pub(crate) ses_accounts: SesAccounts,
    /// Turns of sign-ins whose answers are delayed.
    pub(crate) delayed_sign_ins: Semaphore,
    /// Turns of connection tests.
    pub(crate) connection_tests: Semaphore,
    tester: OnceLock<Arc<dyn ConnectionTester>>,
    mailbox_services: OnceLock<Arc<dyn MailboxServices>>,
}

impl Deref for Domain {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Domain {
    /// Creates a domain. `incarnation` is the number of this start from the `nodes` table (see [`crate::nodes`]); 0 for
    /// a process that accepts no messages.
    pub fn new(db: Db, clock: SharedClock, incarnation: i64, sealer: Sealer, settings: Settings) -> Self {
        let signals = Arc::new(Signals::default());
        Self(Arc::new(Inner {
            committer: Committer::new(db.clone(), clock.clone(), signals.clone()),
            rate_limiter: RateLimiter::new(db.clone()),
            readiness: Readiness::default(),
            metrics: Metrics::new(&db),
            db,
            clock,
            row_ids: RowIds::new(incarnation),
            sealer,
            settings,
            signals,
            routes: RouteCache::default(),
            failed_authentication: Throttle::default(),
            key_cache: crate::keys::KeyCache::default(),
            narrowed_scopes: crate::keys::NarrowedScopes::default(),
            in_flight: crate::idempotency::InFlight::default(),
            renewals: Renewals::default(),
            system_team: tokio::sync::OnceCell::new(),
            ses_accounts: SesAccounts::default(),
            delayed_sign_ins: Semaphore::new(crate::accounts::DELAYED_AT_ONCE),
            connection_tests: Semaphore::new(TESTS_AT_ONCE),
            tester: OnceLock::new(),
            mailbox_services: OnceLock::new(),
        }))
    }

    /// Sets the services for signing in to mailboxes; only the first call counts.
    pub fn set_mailbox_services(&self, services: Arc<dyn MailboxServices>) {
        drop(self.mailbox_services.set(services));
    }

    /// The services for signing in to mailboxes, once set.
    pub fn mailbox_services(&self) -> Option<&Arc<dyn MailboxServices>> {
        self.mailbox_services.get()
    }

    /// Sets the connection tester; only the first call counts.
    pub fn set_tester(&self, tester: Arc<dyn ConnectionTester>) {
        drop(self.tester.set(tester));
    }

    /// The connection tester, once set.
    pub fn tester(&self) -> Option<&Arc<dyn ConnectionTester>> {
        self.tester.get()
    }
}
