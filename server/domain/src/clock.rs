//! Time, injected: everything that depends on it takes it from a [`Clock`], so that tests let hours pass at once.

use async_trait::async_trait;
use sendmux_rules::Timestamp;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// Tells the time and waits for a time to come.
#[async_trait]
pub trait Clock: Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
    /// Returns once `now() >= at`.
    async fn sleep_until(&self, at: Timestamp);
}

/// A clock that is shared by everything in one process.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock, shifted to the database server's where several nodes share one (so that windows and leases mean
/// the same on every node).
#[derive(Debug, Default)]
pub struct SystemClock {
    offset_ms: AtomicI64,
}

impl SystemClock {
    /// From now on, tells the machine's time plus this many milliseconds.
    pub fn set_offset(&self, millis: i64) {
        self.offset_ms.store(millis, Ordering::Relaxed);
    }

    /// The machine's own time, unshifted.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the machine is asked for the time"
    )]
    pub fn machine_now() -> Timestamp {
        let since_epoch = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let machine = Self::machine_now().as_millis();
        Timestamp::from_millis(machine.saturating_add(self.offset_ms.load(Ordering::Relaxed)))
    }

    async fn sleep_until(&self, at: Timestamp) {
        // In steps, so that a shifted clock or a suspended machine is noticed.
        loop {
            let left = at.as_millis() - self.now().as_millis();
            if left <= 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(left.unsigned_abs()).min(Duration::from_secs(30))).await;
        }
    }
}

/// A clock that stands until a test moves it.
#[derive(Debug)]
pub struct ManualClock {
    now: watch::Sender<Timestamp>,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn new(start: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            now: watch::Sender::new(start),
        })
    }

    /// Moves the clock forward; everyone whose time has come wakes.
    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now = now.plus(by));
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep_until(&self, at: Timestamp) {
        // The sender lives as long as `self`, so the wait cannot fail.
        let _ = self.now.subscribe().wait_for(|now| *now >= at).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleepers_wake_when_their_time_has_come_and_not_before() {
        let clock = ManualClock::new(Timestamp::from_millis(1_000));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(Timestamp::from_millis(3_000)).await }
        });
        clock.advance(Duration::from_millis(1_999));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_millis(1));
        sleeper.await.unwrap();
    }
}
