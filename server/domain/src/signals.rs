//! In-process notifications: accepting a message wakes the delivery engine, and a change of the configuration empties
//! caches. Changes by other nodes are found by polling, so a lost signal only delays.

use parking_lot::Mutex;
use sendmux_rules::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tokio::sync::{Notify, watch};

/// The signals of one process.
#[derive(Debug, Default)]
pub struct Signals {
    arrivals: Mutex<BTreeMap<i64, Arrival>>,
    changes: Mutex<Changes>,
    arrived: Notify,
    refusals: Mutex<BTreeSet<(i64, String)>>,
    refused: Notify,
    config: watch::Sender<u64>,
    changed_at: Mutex<ChangedAt>,
}

/// Changes that concern waiting messages.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// True if everything may have changed.
    pub everything: bool,
    /// Teams whose providers, groups or scopes have changed.
    pub teams: BTreeSet<i64>,
    /// Providers that may accept more messages than before, or fewer.
    pub providers: BTreeSet<i64>,
}

/// Generations of the configuration at the last changes that affect routing.
#[derive(Debug, Default)]
struct ChangedAt {
    everything: u64,
    teams: HashMap<i64, u64>,
}

/// New work in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The team that the lane belongs to.
    pub team_id: i64,
    /// Due time of the earliest new message.
    pub due_at: Timestamp,
    /// True if the lane must be rechecked even if nothing can go: a round may have ended.
    pub recheck: bool,
}

impl Signals {
    /// Signals that messages of this lane were committed and are due at `due_at` or later.
    pub fn message_arrived(&self, lane_id: i64, team_id: i64, due_at: Timestamp) {
        self.arrive(lane_id, team_id, due_at, false);
    }

    /// Signals that a message has returned to this lane after an attempt, due at `due_at`.
    pub fn message_returned(&self, lane_id: i64, team_id: i64, due_at: Timestamp) {
        self.arrive(lane_id, team_id, due_at, true);
    }

    fn arrive(&self, lane_id: i64, team_id: i64, due_at: Timestamp, recheck: bool) {
        let mut arrivals = self.arrivals.lock();
        let arrival = arrivals.entry(lane_id).or_insert(Arrival {
            team_id,
            due_at,
            recheck,
        });
        arrival.due_at = arrival.due_at.min(due_at);
        arrival.recheck |= recheck;
        drop(arrivals);
        self.arrived.notify_one();
    }

    /// Takes the arrivals since the last call.
    pub fn take_arrivals(&self) -> BTreeMap<i64, Arrival> {
        std::mem::take(&mut *self.arrivals.lock())
    }

    /// Signals that this provider was blocked, has recovered, or has room under a cap again, so that waiting messages
    /// are checked. Unlike a change of the configuration it empties no cache.
    pub fn provider_changed(&self, provider_id: i64) {
        self.changes.lock().providers.insert(provider_id);
        self.arrived.notify_one();
    }

    /// Takes the changes since the last call.
    pub fn take_changes(&self) -> Changes {
        std::mem::take(&mut *self.changes.lock())
    }

    /// Waits for an arrival or change since the last return.
    pub async fn wait_for_arrival(&self) {
        self.arrived.notified().await;
    }

    /// Signals that a provider of this team has begun to refuse this sender domain: messages that waited for it alone
    /// have no other.
    pub fn sender_refused(&self, team_id: i64, sender_domain: String) {
        self.refusals.lock().insert((team_id, sender_domain));
        self.refused.notify_one();
    }

    /// Takes the teams and sender domains refused since the last call.
    pub fn take_refusals(&self) -> BTreeSet<(i64, String)> {
        std::mem::take(&mut *self.refusals.lock())
    }

    /// Waits for a refusal since the last return.
    pub async fn wait_for_refusal(&self) {
        self.refused.notified().await;
    }

    /// Signals a change of the configuration that may concern all teams.
    pub fn config_changed(&self) {
        let mut changed_at = self.changed_at.lock();
        changed_at.everything = self.next_generation();
        drop(changed_at);
        self.changes.lock().everything = true;
        self.arrived.notify_one();
    }

    /// Signals a change of a provider, group or scope of this team.
    pub fn team_changed(&self, team_id: i64) {
        let mut changed_at = self.changed_at.lock();
        let generation = self.next_generation();
        changed_at.teams.insert(team_id, generation);
        drop(changed_at);
        self.changes.lock().teams.insert(team_id);
        self.arrived.notify_one();
    }

    /// Signals a change of an API key, which does not affect accepted messages.
    pub fn keys_changed(&self) {
        self.next_generation();
    }

    fn next_generation(&self) -> u64 {
        let mut now = 0;
        self.config.send_modify(|generation| {
            *generation += 1;
            now = *generation;
        });
        now
    }

    /// True if the routing of this team has changed since that generation.
    pub fn team_changed_since(&self, team_id: i64, generation: u64) -> bool {
        let changed_at = self.changed_at.lock();
        let team = changed_at.teams.get(&team_id).copied().unwrap_or(0);
        team.max(changed_at.everything) > generation
    }

    /// Number of changes of the configuration in this process.
    pub fn config_generation(&self) -> u64 {
        *self.config.borrow()
    }

    /// Subscribes to changes of the configuration; the value is a generation that only grows.
    pub fn watch_config(&self) -> watch::Receiver<u64> {
        self.config.subscribe()
    }
}
