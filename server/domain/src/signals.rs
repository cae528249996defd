//! Who tells whom inside one process: the accepting side wakes the delivery engine, a changed configuration empties
//! caches. What other nodes do is found by looking again after a short while, so a lost signal delays, never loses.

use parking_lot::Mutex;
use sendmux_rules::Timestamp;
use std::collections::HashMap;
use tokio::sync::{Notify, watch};

/// The signals of one process.
#[derive(Debug, Default)]
pub struct Signals {
    arrivals: Mutex<HashMap<i64, Arrival>>,
    arrived: Notify,
    config: watch::Sender<u64>,
}

/// New work in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The team that the lane belongs to.
    pub team_id: i64,
    /// When the earliest of it is due.
    pub due_at: Timestamp,
}

impl Signals {
    /// Messages of this lane were committed and are due at `due_at` or later.
    pub fn message_arrived(&self, lane_id: i64, team_id: i64, due_at: Timestamp) {
        let mut arrivals = self.arrivals.lock();
        let arrival = arrivals.entry(lane_id).or_insert(Arrival { team_id, due_at });
        arrival.due_at = arrival.due_at.min(due_at);
        drop(arrivals);
        self.arrived.notify_one();
    }

    /// Takes what has arrived since the last call.
    pub fn take_arrivals(&self) -> HashMap<i64, Arrival> {
        std::mem::take(&mut *self.arrivals.lock())
    }

    /// Returns when something has arrived since the last time this returned.
    pub async fn wait_for_arrival(&self) {
        self.arrived.notified().await;
    }

    /// A key, a provider, a group or a scope has changed.
    pub fn config_changed(&self) {
        self.config.send_modify(|generation| *generation += 1);
    }

    /// How often the configuration has changed in this process.
    pub fn config_generation(&self) -> u64 {
        *self.config.borrow()
    }

    /// Follows changes of the configuration; the value is a generation that only grows.
    pub fn watch_config(&self) -> watch::Receiver<u64> {
        self.config.subscribe()
    }
}
