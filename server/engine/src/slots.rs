//! How many attempts are under way at each provider. One that hangs fills its own slots and nobody else's.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Notify;

/// The attempts under way, by provider.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    in_use: Mutex<HashMap<i64, u32>>,
    freed: Mutex<Vec<i64>>,
    changed: Notify,
}

/// A slot at a provider; dropping it frees it.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Arc<Slots>,
    provider_id: i64,
}

impl Slots {
    /// How many slots are free at a provider that has `limit`.
    pub(crate) fn free(&self, provider_id: i64, limit: u32) -> u32 {
        limit.saturating_sub(self.in_use.lock().get(&provider_id).copied().unwrap_or(0))
    }

    /// Takes a slot. The caller has seen that one is free, and is the only one who takes them.
    pub(crate) fn take(self: &Arc<Self>, provider_id: i64) -> Slot {
        *self.in_use.lock().entry(provider_id).or_insert(0) += 1;
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
        let mut in_use = self.slots.in_use.lock();
        if let Some(count) = in_use.get_mut(&self.provider_id) {
            *count -= 1;
            if *count == 0 {
                in_use.remove(&self.provider_id);
            }
        }
        drop(in_use);
        self.slots.freed.lock().push(self.provider_id);
        self.slots.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dropped_slot_is_free_again_and_announced() {
        let slots = Arc::new(Slots::default());
        let slot = slots.take(7);
        assert_eq!((slots.free(7, 2), slots.free(8, 2)), (1, 2));
        drop(slot);
        slots.wait_for_free().await;
        assert_eq!(slots.take_freed(), [7]);
        assert_eq!(slots.free(7, 2), 2);
    }
}
