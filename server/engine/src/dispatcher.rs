//! The loop that keeps mail moving, and the engine's life from start to shutdown.

use crate::attempt::{self, Attempts};
use crate::channel::Channels;
use crate::claim::{self, Claimer, Next, Started, Turn};
use crate::lanes::Lanes;
use crate::recovery;
use crate::settler::Settler;
use crate::slots::Slots;
use sendmux_domain::db::DbBackend;
use sendmux_domain::{Domain, Result, nodes, queue};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;

/// Attempts under way at one provider at once, and so connections to it.
pub(crate) const ATTEMPTS_PER_PROVIDER: u32 = 20;

/// Sizes of the engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Attempts under way at one provider at once, where its kind sets no lower limit.
    pub attempts_per_provider: u32,
    /// Lanes that share one claiming transaction.
    pub lanes_per_claim: usize,
    /// Messages that one lane may start in one turn.
    pub messages_per_turn: u32,
    /// How often the queue is looked at anew.
    pub rescan_every: Duration,
    /// How long a shutdown waits for attempts under way.
    pub shutdown_grace: Duration,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            attempts_per_provider: ATTEMPTS_PER_PROVIDER,
            lanes_per_claim: 16,
            messages_per_turn: 64,
            rescan_every: Duration::from_secs(5),
            shutdown_grace: Duration::from_secs(25),
        }
    }
}

/// A running engine.
pub struct Engine {
    domain: Domain,
    incarnation: i64,
    config: EngineConfig,
    stop: watch::Sender<bool>,
    loops: TaskTracker,
    attempts: Arc<Attempts>,
    channels: Arc<dyn Channels>,
    drained: Arc<Notify>,
    progress: watch::Sender<u64>,
    tasks: Vec<AbortHandle>,
}

impl Engine {
    /// Takes over what dead nodes left, then starts to deliver.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn start(
        domain: Domain,
        incarnation: i64,
        channels: Arc<dyn Channels>,
        config: EngineConfig,
    ) -> Result<Self> {
        recovery::take_over(&domain, incarnation).await?;
        let drained = Arc::new(Notify::new());
        let slots = Arc::new(Slots::default());
        let fence = Arc::new(Fence::new(&domain));
        let progress = watch::Sender::new(0);
        let (settler, settling) = Settler::start(domain.clone(), incarnation, drained.clone(), progress.clone());
        let attempts = Arc::new(Attempts::new(domain.clone(), channels.clone(), settler, fence.clone()));
        let (stop, stopped) = watch::channel(false);
        let loops = TaskTracker::new();
        let dispatcher = Dispatcher {
            claimer: Claimer::new(domain.clone(), incarnation, slots.clone(), config.clone()),
            domain: domain.clone(),
            config: config.clone(),
            slots,
            lanes: Lanes::default(),
            attempts: attempts.clone(),
            stopped: stopped.clone(),
            progress: progress.clone(),
        };
        let tasks = vec![
            settling,
            loops.spawn(dispatcher.run()).abort_handle(),
            loops
                .spawn(heartbeat(domain.clone(), incarnation, fence, stopped))
                .abort_handle(),
        ];
        loops.close();
        Ok(Self {
            domain,
            incarnation,
            config,
            stop,
            loops,
            attempts,
            channels,
            drained,
            progress,
            tasks,
        })
    }

    /// Changes whenever the engine has claimed or settled something, so that one can look again.
    pub fn progress(&self) -> watch::Receiver<u64> {
        self.progress.subscribe()
    }

    /// Ends at once as a crash would: nothing is settled, no lease is given back. For tests.
    pub fn crash(self) {
        for task in &self.tasks {
            task.abort();
        }
        self.attempts.abort();
    }

    /// Claims nothing more, waits for the attempts under way (no longer than the grace), writes what came of them, and
    /// ends this incarnation. Attempts that are still under way then are for the next start to take over.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn shutdown(self) -> Result<()> {
        self.stop.send_replace(true);
        self.loops.wait().await;
        let finished = tokio::time::timeout(self.config.shutdown_grace, self.attempts.wait())
            .await
            .is_ok();
        self.channels.close().await;
        // The settler ends, and says so, when the last holder of its entrance is gone.
        drop(self.attempts);
        if !finished {
            tracing::warn!(
                "attempts were still under way after the grace period; they will be taken over at the next start"
            );
            return Ok(());
        }
        self.drained.notified().await;
        let tx = self.domain.db.begin().await?;
        nodes::stop(&tx, &[self.incarnation], self.domain.clock.now()).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Tells whether this incarnation may still believe in its leases: others take them over when it has not been heard of
/// for [`nodes::DEAD_AFTER`], so well before that it must stop to commit anything.
#[derive(Debug)]
pub(crate) struct Fence {
    domain: Domain,
    heard_at: AtomicI64,
}

impl Fence {
    fn new(domain: &Domain) -> Self {
        Self {
            heard_at: AtomicI64::new(domain.clock.now().as_millis()),
            domain: domain.clone(),
        }
    }

    fn heard(&self, at: sendmux_domain::Timestamp) {
        self.heard_at.store(at.as_millis(), Ordering::Relaxed);
    }

    /// Whether a message may still be handed over for good.
    pub(crate) fn holds(&self) -> bool {
        // Nobody else can take over an embedded database.
        self.domain.db.backend() == DbBackend::Sqlite || {
            let heard_at = sendmux_domain::Timestamp::from_millis(self.heard_at.load(Ordering::Relaxed));
            self.domain.clock.now().since(heard_at) < nodes::DEAD_AFTER / 2
        }
    }
}

struct Dispatcher {
    domain: Domain,
    config: EngineConfig,
    claimer: Claimer,
    slots: Arc<Slots>,
    lanes: Lanes,
    attempts: Arc<Attempts>,
    stopped: watch::Receiver<bool>,
    progress: watch::Sender<u64>,
}

/// After a failure of the database.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(500);

impl Dispatcher {
    async fn run(mut self) {
        let mut config_changed = self.domain.signals.watch_config();
        let mut rescan_at = self.domain.clock.now();
        while !*self.stopped.borrow() {
            let now = self.domain.clock.now();
            if now >= rescan_at {
                self.rescan().await;
                rescan_at = now.plus(self.config.rescan_every);
            }
            self.take_signals();
            let turns = self.lanes.take_turns(now, self.config.lanes_per_claim);
            if !turns.is_empty() {
                self.give_turns(turns).await;
                continue;
            }
            let wake_at = self.lanes.next_wake(now).map_or(rescan_at, |at| at.min(rescan_at));
            tokio::select! {
                () = self.domain.signals.wait_for_arrival() => {}
                () = self.slots.wait_for_free() => {}
                () = self.domain.clock.sleep_until(wake_at) => {}
                _ = config_changed.changed() => self.lanes.wake_all(self.domain.clock.now()),
                _ = self.stopped.changed() => {}
            }
        }
    }

    /// Finds lanes that no signal of this process speaks of: those of before the start, and those that other nodes
    /// filled.
    async fn rescan(&mut self) {
        match queue::lanes_due(&self.domain.db).await {
            Ok(lanes) => {
                for lane in lanes {
                    self.lanes.wake(lane.lane_id, lane.team_id, lane.due_at);
                }
            }
            Err(error) => tracing::error!(%error, "cannot look for waiting messages"),
        }
    }

    fn take_signals(&mut self) {
        for (lane_id, arrival) in self.domain.signals.take_arrivals() {
            self.lanes.wake(lane_id, arrival.team_id, arrival.due_at);
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
                Ok(pool) => turns.push(Turn { lane_id, pool }),
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
                        Next::Slot(providers) => self.lanes.park_for_slot(lane_id, providers),
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

/// Says every few seconds that this node lives, and takes over from those that do not.
async fn heartbeat(domain: Domain, incarnation: i64, fence: Arc<Fence>, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        let now = domain.clock.now();
        match nodes::heartbeat(&domain.db, incarnation, now).await {
            Ok(true) => fence.heard(now),
            Ok(false) => {
                tracing::error!(
                    "this node was declared dead by the others; it delivers nothing more until it is restarted"
                );
                return;
            }
            Err(error) => tracing::error!(%error, "cannot write the heartbeat"),
        }
        if let Err(error) = recovery::take_over(&domain, incarnation).await {
            tracing::error!(%error, "cannot look for dead nodes");
        }
        tokio::select! {
            () = domain.clock.sleep_until(now.plus(nodes::HEARTBEAT_EVERY)) => {}
            _ = stopped.changed() => {}
        }
    }
}
