//! The loop that keeps mail moving.

use crate::attempt::{self, Attempts};
use crate::claim::{self, Claimer, LaneTurn, Next, Started};
use crate::engine::EngineConfig;
use crate::lanes::Lanes;
use crate::slots::Slots;
use sendmux_domain::{Domain, Timestamp, queue};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Gives lanes their turns, and begins the attempts that come of it.
pub(crate) struct Dispatcher {
    domain: Domain,
    config: EngineConfig,
    claimer: Arc<Claimer>,
    slots: Arc<Slots>,
    lanes: Lanes,
    attempts: Arc<Attempts>,
    rescan_at: Timestamp,
    progress: watch::Sender<u64>,
}

/// After a failure of the database.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(500);

impl Dispatcher {
    pub(crate) fn new(
        domain: Domain,
        claimer: Arc<Claimer>,
        slots: Arc<Slots>,
        attempts: Arc<Attempts>,
        config: EngineConfig,
        progress: watch::Sender<u64>,
    ) -> Self {
        Self {
            claimer,
            config,
            slots,
            lanes: Lanes::default(),
            attempts,
            rescan_at: domain.clock.now(),
            progress,
            domain,
        }
    }

    /// Keeps mail moving until the engine stops.
    pub(crate) async fn run(mut self, stopping: CancellationToken) {
        while !stopping.is_cancelled() {
            let Some(wake_at) = self.step().await else { continue };
            let wake_at = wake_at.map_or(self.rescan_at, |at| at.min(self.rescan_at));
            tokio::select! {
                () = self.domain.signals.wait_for_arrival() => {}
                () = self.slots.wait_for_free() => {}
                () = self.domain.clock.sleep_until(wake_at) => {}
                () = stopping.cancelled() => {}
            }
        }
        if let Err(error) = self.claimer.settle_doubts().await {
            tracing::warn!(%error, "what a claim may have leased is left to be taken over");
        }
    }

    /// Gives the lanes whose turn it is one turn. None when it did; when there were none, the time at which the next
    /// lane moves by itself, if there is one.
    pub(crate) async fn step(&mut self) -> Option<Option<Timestamp>> {
        let now = self.domain.clock.now();
        // Further ahead than it is ever set: the clock was.
        if now >= self.rescan_at || self.rescan_at > now.plus(self.config.rescan_every) {
            self.rescan(now).await;
            self.rescan_at = now.plus(self.config.rescan_every);
        }
        self.take_signals(now);
        let turns = self.lanes.take_turns(now, self.config.lanes_per_claim);
        if turns.is_empty() {
            return Some(self.lanes.next_wake(now));
        }
        self.give_turns(turns).await;
        None
    }

    /// Finds lanes that no signal of this process speaks of: those of before the start, and those that other nodes
    /// filled.
    async fn rescan(&mut self, now: Timestamp) {
        match queue::lanes_due(&self.domain.db).await {
            Ok(lanes) => {
                for lane in lanes {
                    self.lanes.wake(lane.lane_id, lane.team_id, lane.due_at);
                    if lane.marked {
                        self.lanes.recheck(lane.lane_id, now);
                    }
                }
            }
            Err(error) => tracing::error!(%error, "cannot look for waiting messages"),
        }
    }

    fn take_signals(&mut self, now: Timestamp) {
        for (lane_id, arrival) in self.domain.signals.take_arrivals() {
            self.lanes.wake(lane_id, arrival.team_id, arrival.due_at);
            if arrival.recheck {
                self.lanes.recheck(lane_id, now);
            }
        }
        // With every turn, not only while asleep: a lane that was opened must not wait until the others have no more work.
        let changes = self.domain.signals.take_changes();
        if changes.everything {
            self.lanes.wake_all(now);
        }
        for team_id in changes.teams {
            self.lanes.wake_team(team_id, now);
        }
        for provider_id in changes.providers {
            self.lanes.wake_served(provider_id, now);
        }
        for provider_id in self.slots.take_freed() {
            self.lanes.slot_freed(provider_id);
        }
    }

    async fn give_turns(&mut self, lane_ids: Vec<i64>) {
        let generation = self.domain.signals.config_generation();
        let mut turns = Vec::with_capacity(lane_ids.len());
        for lane_id in lane_ids {
            match self.domain.routes.pool(&self.domain, lane_id).await {
                Ok(pool) => {
                    let serving = pool.members.iter().map(|member| member.provider_id).collect();
                    self.lanes.serve(lane_id, serving);
                    turns.push(LaneTurn { lane_id, pool });
                }
                Err(error) => {
                    tracing::error!(%error, lane_id, "cannot resolve a scope");
                    self.park_after_error(lane_id);
                }
            }
        }
        match self.claimer.claim(&turns, generation).await {
            Ok(claim::Claimed { started, lanes }) => {
                for (lane_id, next) in lanes {
                    match next {
                        Next::Again => self.lanes.again(lane_id),
                        Next::DueAt(due_at) => self.lanes.due_at(lane_id, due_at),
                        Next::ClosedUntil(until) => self.lanes.closed_until(lane_id, until),
                        Next::Slot { providers, until } => self.lanes.park_for_slot(lane_id, providers, until),
                        Next::Idle => self.lanes.idle(lane_id),
                    }
                }
                self.begin(started);
                self.progress.send_modify(|count| *count = count.wrapping_add(1));
            }
            Err(error) => {
                tracing::error!(%error, "cannot claim messages");
                for turn in turns {
                    self.park_after_error(turn.lane_id);
                }
            }
        }
    }

    fn park_after_error(&mut self, lane_id: i64) {
        self.lanes
            .closed_until(lane_id, self.domain.clock.now().plus(PAUSE_AFTER_ERROR));
    }

    fn begin(&self, started: Vec<Started>) {
        if !started.is_empty() {
            attempt::begin(self.attempts.clone(), started);
        }
    }
}
