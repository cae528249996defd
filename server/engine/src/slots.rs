//! Slots of attempts under way, by provider. A provider that hangs fills its own slots and nobody else's.

use parking_lot::Mutex;
use sendmux_domain::Timestamp;
use sendmux_domain::clock::SharedClock;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Time that a message drawn for a provider without a free slot waits for one, while slots become free faster than this.
/// Drawing anew at once would shift the shares towards whoever has room; waiting for one that hangs would hold up
/// messages that others could take.
pub(crate) const SLOT_TIMEOUT: Duration = Duration::from_secs(1);

/// The attempts under way, by provider.
#[derive(Debug)]
pub(crate) struct Slots {
    clock: SharedClock,
    providers: Mutex<HashMap<i64, InUse>>,
    freed: Mutex<Vec<i64>>,
    changed: Notify,
}

/// The slots of one provider.
#[derive(Clone, Copy, Debug)]
struct InUse {
    count: u32,
    /// Time at which one was last taken or freed.
    moved_at: Timestamp,
    /// Time at which one was last freed.
    freed_at: Option<Timestamp>,
    /// The time between the last two that were freed.
    pace: Duration,
}

/// A slot at a provider; dropping it frees it.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Arc<Slots>,
    provider_id: i64,
}

impl Slots {
    pub(crate) fn new(clock: SharedClock) -> Self {
        Self {
            clock,
            providers: Mutex::default(),
            freed: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Number of free slots at a provider that has `limit`.
    pub(crate) fn free(&self, provider_id: i64, limit: u32) -> u32 {
        let providers = self.providers.lock();
        limit.saturating_sub(providers.get(&provider_id).map_or(0, |in_use| in_use.count))
    }

    /// Number of attempts under way.
    pub(crate) fn under_way(&self) -> usize {
        self.providers.lock().values().map(|in_use| in_use.count as usize).sum()
    }

    /// Time until which to wait for a slot at a provider that has none free: `now` or earlier when it hangs.
    pub(crate) fn wait_until(&self, provider_id: i64) -> Timestamp {
        match self.providers.lock().get(&provider_id) {
            Some(in_use) if in_use.pace >= SLOT_TIMEOUT => Timestamp::MIN,
            Some(in_use) => in_use.moved_at.plus(SLOT_TIMEOUT),
            // Emptied while the caller was looking.
            None => self.clock.now().plus(SLOT_TIMEOUT),
        }
    }

    /// Takes a slot. The caller has seen that one is free, and is the only one who takes them.
    pub(crate) fn take(self: &Arc<Self>, provider_id: i64) -> Slot {
        let now = self.clock.now();
        let mut providers = self.providers.lock();
        let in_use = providers.entry(provider_id).or_insert(InUse {
            count: 0,
            moved_at: now,
            freed_at: None,
            pace: Duration::ZERO,
        });
        in_use.count += 1;
        in_use.moved_at = now;
        Slot {
            slots: self.clone(),
            provider_id,
        }
    }

    /// The providers where slots were freed since the last call.
    pub(crate) fn take_freed(&self) -> Vec<i64> {
        std::mem::take(&mut *self.freed.lock())
    }

    /// Returns when a slot was freed since the last time this returned.
    pub(crate) async fn wait_for_free(&self) {
        self.changed.notified().await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let now = self.slots.clock.now();
        let mut providers = self.slots.providers.lock();
        if let Some(in_use) = providers.get_mut(&self.provider_id) {
            in_use.count -= 1;
            if in_use.count == 0 {
                providers.remove(&self.provider_id);
            } else {
                in_use.pace = now.since(in_use.freed_at.unwrap_or(in_use.moved_at));
                in_use.freed_at = Some(now);
                in_use.moved_at = now;
            }
        }
        drop(providers);
        self.slots.freed.lock().push(self.provider_id);
        self.slots.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendmux_domain::clock::{Clock, ManualClock};

    #[tokio::test]
    async fn a_dropped_slot_is_free_again_and_announced() {
        let slots = Arc::new(Slots::new(ManualClock::new(Timestamp::from_millis(0))));
        let slot = slots.take(7);
        assert_eq!((slots.free(7, 2), slots.free(8, 2), slots.under_way()), (1, 2, 1));
        drop(slot);
        slots.wait_for_free().await;
        assert_eq!(slots.take_freed(), [7]);
        assert_eq!((slots.free(7, 2), slots.under_way()), (2, 0));
    }

    #[tokio::test]
    async fn waiting_for_a_slot_ends_with_a_provider_that_hangs() {
        let clock = ManualClock::new(Timestamp::from_millis(0));
        let slots = Arc::new(Slots::new(clock.clone()));
        let mut held = vec![slots.take(7), slots.take(7), slots.take(7), slots.take(7)];
        assert_eq!(slots.wait_until(7), clock.now().plus(SLOT_TIMEOUT));
        clock.advance(SLOT_TIMEOUT / 2);
        held.pop();
        held.pop();
        assert_eq!(
            slots.wait_until(7),
            clock.now().plus(SLOT_TIMEOUT),
            "they are freed quickly"
        );
        clock.advance(SLOT_TIMEOUT * 60);
        assert!(slots.wait_until(7) <= clock.now(), "it hangs");
        held.pop();
        assert!(slots.wait_until(7) <= clock.now(), "one a minute is hanging still");
    }
}
