//! Saying that this node lives, and taking over from those that do not.

use crate::recovery;
use sendmux_domain::db::DbBackend;
use sendmux_domain::{Domain, Timestamp, nodes};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::watch;

/// Tells whether this incarnation may still believe in its leases: others take them over when it has not been heard of
/// for [`nodes::DEAD_AFTER`], so well before that it must stop to commit anything.
#[derive(Debug)]
pub(crate) struct Fence {
    domain: Domain,
    heard_at: AtomicI64,
}

impl Fence {
    pub(crate) fn new(domain: &Domain) -> Self {
        Self {
            heard_at: AtomicI64::new(domain.clock.now().as_millis()),
            domain: domain.clone(),
        }
    }

    fn heard(&self, at: Timestamp) {
        self.heard_at.store(at.as_millis(), Ordering::Relaxed);
    }

    /// Whether a message may still be handed over for good.
    pub(crate) fn holds(&self) -> bool {
        // Nobody else can take over an embedded database.
        self.domain.db.backend() == DbBackend::Sqlite || {
            let heard_at = Timestamp::from_millis(self.heard_at.load(Ordering::Relaxed));
            self.domain.clock.now().since(heard_at) < nodes::DEAD_AFTER / 2
        }
    }
}

/// The heartbeat of one incarnation.
pub(crate) struct Heartbeat {
    domain: Domain,
    incarnation: i64,
    fence: Arc<Fence>,
}

impl Heartbeat {
    pub(crate) fn new(domain: Domain, incarnation: i64, fence: Arc<Fence>) -> Self {
        Self {
            domain,
            incarnation,
            fence,
        }
    }

    /// Beats every few seconds until the engine stops, or the others have declared this node dead.
    pub(crate) async fn run(self, mut stopped: watch::Receiver<bool>) {
        while !*stopped.borrow() {
            let next = self.domain.clock.now().plus(nodes::HEARTBEAT_EVERY);
            if !self.beat().await {
                return;
            }
            self.take_over().await;
            tokio::select! {
                () = self.domain.clock.sleep_until(next) => {}
                _ = stopped.changed() => {}
            }
        }
    }

    /// Says that this node lives. False when the others have declared it dead.
    pub(crate) async fn beat(&self) -> bool {
        let now = self.domain.clock.now();
        match nodes::heartbeat(&self.domain.db, self.incarnation, now).await {
            Ok(true) => self.fence.heard(now),
            Ok(false) => {
                tracing::error!(
                    "this node was declared dead by the others; it delivers nothing more until it is restarted"
                );
                return false;
            }
            Err(error) => tracing::error!(%error, "cannot write the heartbeat"),
        }
        true
    }

    /// Takes over from nodes that have said nothing for too long.
    pub(crate) async fn take_over(&self) {
        if let Err(error) = recovery::take_over(&self.domain, self.incarnation).await {
            tracing::error!(%error, "cannot look for dead nodes");
        }
    }
}
