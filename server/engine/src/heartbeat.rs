//! Saying that this node lives, and taking over from those that do not.

use crate::recovery;
use sendmux_domain::db::DbBackend;
use sendmux_domain::{Domain, Result, Timestamp, nodes};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::watch;

/// Tells which incarnation this node is, and whether it may still believe in its leases: others take them over when it
/// has not been heard of for [`nodes::DEAD_AFTER`], so well before that it must stop to commit anything.
#[derive(Debug)]
pub(crate) struct Fence {
    domain: Domain,
    incarnation: AtomicI64,
    heard_at: AtomicI64,
}

impl Fence {
    pub(crate) fn new(domain: &Domain, incarnation: i64) -> Self {
        Self {
            incarnation: AtomicI64::new(incarnation),
            heard_at: AtomicI64::new(domain.clock.now().as_millis()),
            domain: domain.clone(),
        }
    }

    fn heard(&self, at: Timestamp) {
        self.heard_at.store(at.as_millis(), Ordering::Relaxed);
    }

    /// The incarnation that leases are taken for now.
    pub(crate) fn incarnation(&self) -> i64 {
        self.incarnation.load(Ordering::Relaxed)
    }

    /// Whether a message that was leased by this incarnation may still be handed over for good.
    pub(crate) fn holds(&self, incarnation: i64) -> bool {
        // Nobody else can take over an embedded database.
        self.domain.db.backend() == DbBackend::Sqlite
            || incarnation == self.incarnation() && {
                let heard_at = Timestamp::from_millis(self.heard_at.load(Ordering::Relaxed));
                self.domain.clock.now().since(heard_at) < nodes::DEAD_AFTER / 2
            }
    }
}

/// The heartbeat of a node.
pub(crate) struct Heartbeat {
    domain: Domain,
    fence: Arc<Fence>,
}

impl Heartbeat {
    pub(crate) fn new(domain: Domain, fence: Arc<Fence>) -> Self {
        Self { domain, fence }
    }

    /// Beats every few seconds until the engine stops.
    pub(crate) async fn run(self, mut stopped: watch::Receiver<bool>) {
        while !*stopped.borrow() {
            let next = self.domain.clock.now().plus(nodes::HEARTBEAT_EVERY);
            self.beat().await;
            self.take_over().await;
            tokio::select! {
                () = self.domain.clock.sleep_until(next) => {}
                _ = stopped.changed() => {}
            }
        }
    }

    /// Says that this node lives. When the others have declared it dead meanwhile (the machine stood still, the database
    /// could not be reached), what it had leased is theirs, and it goes on as a new incarnation.
    pub(crate) async fn beat(&self) {
        if let Err(error) = self.try_beat().await {
            tracing::error!(%error, "cannot write the heartbeat");
        }
    }

    async fn try_beat(&self) -> Result<()> {
        let (db, now) = (&self.domain.db, self.domain.clock.now());
        let dead = self.fence.incarnation();
        if !nodes::heartbeat(db, dead, now).await? {
            let reborn = nodes::register_again(db, dead, now).await?;
            self.fence.incarnation.store(reborn, Ordering::Relaxed);
            tracing::warn!(
                incarnation = reborn,
                "this node was not heard of for too long and the others took over what it was sending; it goes on anew"
            );
        }
        self.fence.heard(now);
        Ok(())
    }

    /// Takes over from nodes that have said nothing for too long.
    pub(crate) async fn take_over(&self) {
        if let Err(error) = recovery::take_over(&self.domain, self.fence.incarnation()).await {
            tracing::error!(%error, "cannot look for dead nodes");
        }
    }
}
