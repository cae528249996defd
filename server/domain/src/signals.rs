//! Who tells whom inside one process: the accepting side wakes the delivery engine, a changed configuration empties
//! caches. What other nodes do is found by looking again after a short while, so a lost signal delays, never loses.

use parking_lot::Mutex;
use sendmux_rules::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::{Notify, watch};

/// The signals of one process.
#[derive(Debug, Default)]
pub struct Signals {
    arrivals: Mutex<BTreeMap<i64, Arrival>>,
    reopened: Mutex<BTreeSet<i64>>,
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
    /// Something is to be decided about it even if nothing can go: a round may have ended.
    pub look: bool,
}

impl Signals {
    /// Messages of this lane were committed and are due at `due_at` or later.
    pub fn message_arrived(&self, lane_id: i64, team_id: i64, due_at: Timestamp) {
        self.arrive(lane_id, team_id, due_at, false);
    }

    /// A message came back to this lane after an attempt, due at `due_at`.
    pub fn message_returned(&self, lane_id: i64, team_id: i64, due_at: Timestamp) {
        self.arrive(lane_id, team_id, due_at, true);
    }

    fn arrive(&self, lane_id: i64, team_id: i64, due_at: Timestamp, look: bool) {
        let mut arrivals = self.arrivals.lock();
        let arrival = arrivals.entry(lane_id).or_insert(Arrival { team_id, due_at, look });
        arrival.due_at = arrival.due_at.min(due_at);
        arrival.look |= look;
        drop(arrivals);
        self.arrived.notify_one();
    }

    /// Takes what has arrived since the last call.
    pub fn take_arrivals(&self) -> BTreeMap<i64, Arrival> {
        std::mem::take(&mut *self.arrivals.lock())
    }

    /// Providers of this team may take more than they did: what waits looks again. Unlike a change of the configuration
    /// it empties no cache.
    pub fn team_reopened(&self, team_id: i64) {
        self.reopened.lock().insert(team_id);
        self.arrived.notify_one();
    }

    /// Takes the teams that were reopened since the last call.
    pub fn take_reopened(&self) -> BTreeSet<i64> {
        std::mem::take(&mut *self.reopened.lock())
    }

    /// Returns when something has arrived or was reopened since the last time this returned.
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
