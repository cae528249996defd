//! Injected time: everything that depends on the time takes it from a [`Clock`], so that tests can skip hours.

use async_trait::async_trait;
use sendmux_rules::Timestamp;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The current time, and waiting for a time.
#[async_trait]
pub trait Clock: Debug + Send + Sync + 'static {
    /// Current time.
    fn now(&self) -> Timestamp;
    /// Time since some fixed moment, by a clock that is never set. It may stand still while the machine is suspended.
    fn elapsed(&self) -> Duration;
    /// True if this is a machine's own clock, so that for several machines the clock of the database server is better.
    fn is_a_machines(&self) -> bool;
    /// Returns once `now() >= at`, or, when the clock is set back meanwhile, after the time that was left at first.
    async fn sleep_until(&self, at: Timestamp);
}

/// A clock shared by everything in one process.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock, shifted to the database server's where several nodes share one, so that windows and leases are
/// the same on every node.
#[derive(Debug)]
pub struct SystemClock {
    offset_ms: AtomicI64,
    began: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            offset_ms: AtomicI64::default(),
            began: Instant::now(),
        }
    }
}

impl SystemClock {
    /// Sets the number of milliseconds that is added to the machine's time.
    pub fn set_offset(&self, millis: i64) {
        self.offset_ms.store(millis, Ordering::Relaxed);
    }

    /// Milliseconds that are added to the machine's time.
    pub fn offset(&self) -> i64 {
        self.offset_ms.load(Ordering::Relaxed)
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
        Timestamp::from_millis(machine.saturating_add(self.offset()))
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn is_a_machines(&self) -> bool {
        true
    }

    async fn sleep_until(&self, at: Timestamp) {
        let mut left = at.since(self.now());
        // In steps, to notice a shifted clock or a suspended machine.
        while !left.is_zero() {
            let step = left.min(Duration::from_secs(30));
            tokio::time::sleep(step).await;
            // Time slept counts even if the clock has been set back meanwhile.
            left = (left - step).min(at.since(self.now()));
        }
    }
}

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct ManualClock {
    now: watch::Sender<Timestamp>,
    elapsed_ms: AtomicU64,
    /// Those who wait for their time.
    sleepers: watch::Sender<usize>,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn new(start: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            now: watch::Sender::new(start),
            elapsed_ms: AtomicU64::new(0),
            sleepers: watch::Sender::new(0),
        })
    }

    /// Moves the clock forward and wakes those whose time has come.
    pub fn advance(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.elapsed_ms.fetch_add(millis, Ordering::Relaxed);
        self.now.send_modify(|now| *now = now.plus(by));
    }

    /// Returns once somebody sleeps until a time that has not come.
    pub async fn slept_for(&self) {
        let _ = self.sleepers.subscribe().wait_for(|sleepers| *sleepers > 0).await;
    }

    /// Sets the clock back, as when it was ahead and is corrected.
    pub fn set_back(&self, by: Duration) {
        self.now.send_modify(|now| *now = now.minus(by));
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.elapsed_ms.load(Ordering::Relaxed))
    }

    fn is_a_machines(&self) -> bool {
        false
    }

    async fn sleep_until(&self, at: Timestamp) {
        if self.now() >= at {
            return;
        }
        let _sleeper = Sleeper::new(&self.sleepers);
        // The sender lives as long as `self`, so the wait cannot fail.
        let _ = self.now.subscribe().wait_for(|now| *now >= at).await;
    }
}

/// Counts as one who sleeps, until it is dropped.
struct Sleeper<'a>(&'a watch::Sender<usize>);

impl<'a> Sleeper<'a> {
    fn new(sleepers: &'a watch::Sender<usize>) -> Self {
        sleepers.send_modify(|sleepers| *sleepers += 1);
        Self(sleepers)
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|sleepers| *sleepers -= 1);
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
