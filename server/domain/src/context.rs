//! [`Domain`]: what every domain function works with.

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

/// What a [`Domain`] holds.
#[derive(Debug)]
pub struct Inner {
    /// The database connections.
    pub db: Db,
    /// The time.
    pub clock: SharedClock,
    /// Makes the keys of rows that are written in batches.
    pub row_ids: RowIds,
    /// Encrypts credentials at rest.
    pub sealer: Sealer,
    /// Settings of the installation.
    pub settings: Settings,
    /// In-process notifications.
    pub signals: Arc<Signals>,
    /// What is counted and measured.
    pub metrics: Metrics,
    /// Pools of providers by lane.
    pub routes: RouteCache,
    /// Addresses that presented wrong API keys lately, by HTTP or SMTP.
    pub failed_authentication: Throttle,
    /// Requests of the current minute by key; see [`crate::rate_limit::take`].
    pub(crate) rate_limiter: RateLimiter,
    /// Whether messages could be accepted when somebody last asked.
    pub(crate) readiness: Readiness,
    /// API keys that were looked up lately.
    pub(crate) key_cache: crate::keys::KeyCache,
    /// Scopes of single messages that were looked up lately.
    pub(crate) narrowed_scopes: crate::keys::NarrowedScopes,
    /// Requests with an idempotency key that are being carried out.
    pub(crate) in_flight: crate::idempotency::InFlight,
    /// Commits accepted messages in groups.
    pub(crate) committer: Committer,
    /// Access tokens of mailboxes that are being renewed.
    pub(crate) renewals: Renewals,
    /// The team that the system's mail belongs to.
    pub(crate) system_team: tokio::sync::OnceCell<crate::system_mail::SystemTeam>,
    /// What Amazon said lately about SES accounts.
    pub(crate) ses_accounts: SesAccounts,
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
    /// Puts a domain together. `incarnation` is this start's number from the `nodes` table (see [`crate::nodes`]); 0
    /// will do for a process that accepts no messages.
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
            connection_tests: Semaphore::new(TESTS_AT_ONCE),
            tester: OnceLock::new(),
            mailbox_services: OnceLock::new(),
        }))
    }

    /// Sets what mailboxes are signed in to with; the first call counts.
    pub fn set_mailbox_services(&self, services: Arc<dyn MailboxServices>) {
        drop(self.mailbox_services.set(services));
    }

    /// What mailboxes are signed in to with, once set.
    pub fn mailbox_services(&self) -> Option<&Arc<dyn MailboxServices>> {
        self.mailbox_services.get()
    }

    /// Sets what connection tests are made with; the first call counts.
    pub fn set_tester(&self, tester: Arc<dyn ConnectionTester>) {
        drop(self.tester.set(tester));
    }

    /// What connection tests are made with, once set.
    pub fn tester(&self) -> Option<&Arc<dyn ConnectionTester>> {
        self.tester.get()
    }
}
