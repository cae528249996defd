//! In-process notifications: the accepting side wakes the delivery engine, a changed configuration empties
//! caches. What other nodes do is found by looking again after a short while, so a lost signal delays, never loses.

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

/// What has changed for messages that wait.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Everything may have.
    pub everything: bool,
    /// Teams whose providers, groups or scopes have changed.
    pub teams: BTreeSet<i64>,
    /// Providers that may take more than they did, or less.
    pub providers: BTreeSet<i64>,
}

/// The generations of the configuration in which what messages are routed by changed last.
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
    /// When the earliest of it is due.
    pub due_at: Timestamp,
    /// It must be rechecked even if nothing can go: a round may have ended.
    pub recheck: bool,
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

    /// Takes what has arrived since the last call.
    pub fn take_arrivals(&self) -> BTreeMap<i64, Arrival> {
        std::mem::take(&mut *self.arrivals.lock())
    }

    /// This provider was pulled or has come back, or has room under a cap: what waits for it looks again. Unlike a change
    /// of the configuration it empties no cache.
    pub fn provider_changed(&self, provider_id: i64) {
        self.changes.lock().providers.insert(provider_id);
        self.arrived.notify_one();
    }

    /// Takes what has changed since the last call.
    pub fn take_changes(&self) -> Changes {
        std::mem::take(&mut *self.changes.lock())
    }

    /// Returns when something has arrived or changed since the last time this returned.
    pub async fn wait_for_arrival(&self) {
        self.arrived.notified().await;
    }

    /// A provider of this team has begun to refuse this sender domain: what waited for it alone has nowhere to go.
    pub fn sender_refused(&self, team_id: i64, sender_domain: String) {
        self.refusals.lock().insert((team_id, sender_domain));
        self.refused.notify_one();
    }

    /// Takes the teams and sender domains that were refused since the last call.
    pub fn take_refusals(&self) -> BTreeSet<(i64, String)> {
        std::mem::take(&mut *self.refusals.lock())
    }

    /// Returns when a sender was refused since the last time this returned.
    pub async fn wait_for_refusal(&self) {
        self.refused.notified().await;
    }

    /// Something of the configuration has changed that may concern everybody.
    pub fn config_changed(&self) {
        let mut changed_at = self.changed_at.lock();
        changed_at.everything = self.next_generation();
        drop(changed_at);
        self.changes.lock().everything = true;
        self.arrived.notify_one();
    }

    /// A provider, a group or a scope of this team has changed.
    pub fn team_changed(&self, team_id: i64) {
        let mut changed_at = self.changed_at.lock();
        let generation = self.next_generation();
        changed_at.teams.insert(team_id, generation);
        drop(changed_at);
        self.changes.lock().teams.insert(team_id);
        self.arrived.notify_one();
    }

    /// An API key has changed, which changes nothing for messages that were accepted already.
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

    /// Whether what this team's messages are routed by has changed since that generation.
    pub fn team_changed_since(&self, team_id: i64, generation: u64) -> bool {
        let changed_at = self.changed_at.lock();
        let team = changed_at.teams.get(&team_id).copied().unwrap_or(0);
        team.max(changed_at.everything) > generation
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
