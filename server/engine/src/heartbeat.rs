//! Saying that this node lives, and taking over from those that do not.

use crate::recovery;
use parking_lot::Mutex;
use sendmux_domain::db::DbBackend;
use sendmux_domain::{Domain, Result, Timestamp, nodes};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Tells which incarnation this node is, and whether it may still believe in its leases: others take them over when it
/// has not been heard of for [`nodes::DEAD_AFTER`], so well before that it must stop to commit anything. The time since
/// then is counted from before the heartbeat was sent, by a clock that nobody sets; and by the one that is set as well,
/// since the other may stand while the machine is suspended. What is longer counts.
#[derive(Debug)]
pub(crate) struct Fence {
    domain: Domain,
    incarnation: AtomicI64,
    heard: Mutex<Heard>,
}

/// A moment before a heartbeat was sent that has been written.
#[derive(Clone, Copy, Debug)]
struct Heard {
    at: Timestamp,
    elapsed: Duration,
}

impl Heard {
    fn now(domain: &Domain) -> Self {
        Self {
            at: domain.clock.now(),
            elapsed: domain.clock.elapsed(),
        }
    }

    fn ago(self, domain: &Domain) -> Duration {
        let elapsed = domain.clock.elapsed().saturating_sub(self.elapsed);
        elapsed.max(domain.clock.now().since(self.at))
    }
}

impl Fence {
    pub(crate) fn new(domain: &Domain, incarnation: i64) -> Self {
        Self {
            incarnation: AtomicI64::new(incarnation),
            heard: Mutex::new(Heard::now(domain)),
            domain: domain.clone(),
        }
    }

    /// The incarnation that leases are taken for now.
    pub(crate) fn incarnation(&self) -> i64 {
        self.incarnation.load(Ordering::Relaxed)
    }

    /// True while a message that was leased by this incarnation may still be handed over for good.
    pub(crate) fn holds(&self, incarnation: i64) -> bool {
        // Nobody else can take over an embedded database.
        self.domain.db.backend() == DbBackend::Sqlite
            || incarnation == self.incarnation() && self.heard.lock().ago(&self.domain) < nodes::DEAD_AFTER / 2
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
    pub(crate) async fn run(self, stopping: CancellationToken) {
        while !stopping.is_cancelled() {
            let next = self.domain.clock.now().plus(nodes::HEARTBEAT_EVERY);
            self.beat().await;
            self.take_over().await;
            tokio::select! {
                () = self.domain.clock.sleep_until(next) => {}
                () = stopping.cancelled() => {}
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
        let db = &self.domain.db;
        let time = nodes::Time::of(&*self.domain.clock, db.backend());
        let sent = Heard::now(&self.domain);
        let dead = self.fence.incarnation();
        if !nodes::heartbeat(db, dead, time).await? {
            let reborn = nodes::register_again(db, dead, time).await?;
            self.fence.incarnation.store(reborn, Ordering::Relaxed);
            tracing::warn!(
                incarnation = reborn,
                "this node was not heard of for too long and the others took over what it was sending; it goes on anew"
            );
        }
        *self.fence.heard.lock() = sent;
        Ok(())
    }

    /// Takes over from nodes that have said nothing for too long.
    pub(crate) async fn take_over(&self) {
        if let Err(error) = recovery::take_over(&self.domain, self.fence.incarnation()).await {
            tracing::error!(%error, "cannot look for dead nodes");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendmux_domain::clock::Clock;
    use sendmux_domain::testing::databases;

    #[tokio::test]
    async fn a_fence_falls_by_the_time_that_passes_however_the_clock_is_set() {
        let half = nodes::DEAD_AFTER / 2;
        let second = Duration::from_secs(1);
        for test in databases().await {
            let embedded = test.db.backend() == DbBackend::Sqlite;
            let incarnation = nodes::register(&test.db, "test", test.clock.now()).await.unwrap();
            let fence = Arc::new(Fence::new(&test, incarnation));
            let heartbeat = Heartbeat::new(test.domain.clone(), fence.clone());
            test.clock.advance(half - second);
            assert!(fence.holds(incarnation));
            // Set back, it is no younger.
            test.clock.set_back(half);
            test.clock.advance(second);
            assert_eq!(fence.holds(incarnation), embedded);
            heartbeat.beat().await;
            assert!(fence.holds(incarnation));
        }
    }
}
