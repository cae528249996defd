//! The engine's life, from start to shutdown.

use crate::attempt::Attempts;
use crate::blocks;
use crate::channel::Channels;
use crate::claim::Claimer;
use crate::dispatcher::Dispatcher;
use crate::heartbeat::{Fence, Heartbeat};
use crate::recovery;
use crate::refusals;
use crate::settler::Settler;
use crate::slots::Slots;
use sendmux_domain::{Domain, Result, nodes};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
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
    /// Messages of one lane that are requeued in one turn when the configuration has changed.
    pub requeued_per_turn: u64,
    /// Interval between two looks at the queue.
    pub rescan_every: Duration,
    /// Time that a shutdown waits for attempts under way.
    pub shutdown_grace: Duration,
    /// Time that a shutdown waits for a database that does not take the outcomes of attempts.
    pub settle_grace: Duration,
    /// Seed of the draws among providers; without one, the draws of each start are unlike those of any other.
    pub draws: Option<u64>,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            attempts_per_provider: ATTEMPTS_PER_PROVIDER,
            lanes_per_claim: 16,
            messages_per_turn: 64,
            requeued_per_turn: 1_000,
            rescan_every: Duration::from_secs(5),
            shutdown_grace: Duration::from_secs(25),
            settle_grace: Duration::from_secs(30),
            draws: None,
        }
    }
}

/// Parts of an engine, put together; of them only the settler runs yet.
pub(crate) struct Parts {
    pub(crate) dispatcher: Dispatcher,
    pub(crate) claimer: Arc<Claimer>,
    pub(crate) heartbeat: Heartbeat,
    fence: Arc<Fence>,
    pub(crate) attempts: Arc<Attempts>,
    pub(crate) settler: Settler,
    pub(crate) settling: AbortHandle,
    pub(crate) slots: Arc<Slots>,
    drained: Arc<Notify>,
    pub(crate) progress: watch::Sender<u64>,
}

impl Parts {
    /// Takes over what dead nodes left, and puts the parts together.
    pub(crate) async fn new(
        domain: Domain,
        incarnation: i64,
        channels: Arc<dyn Channels>,
        config: EngineConfig,
    ) -> Result<Self> {
        recovery::take_over(&domain, incarnation).await?;
        let drained = Arc::new(Notify::new());
        let slots = Arc::new(Slots::new(domain.clock.clone()));
        let fence = Arc::new(Fence::new(&domain, incarnation));
        let progress = watch::Sender::new(0);
        let (settler, settling) = Settler::start(domain.clone(), fence.clone(), drained.clone(), progress.clone());
        let attempts = Attempts::new(domain.clone(), channels, settler.clone(), fence.clone());
        let attempts = Arc::new(attempts);
        let claimer = Arc::new(Claimer::new(
            domain.clone(),
            fence.clone(),
            slots.clone(),
            settler.clone(),
            config.clone(),
        ));
        Ok(Self {
            dispatcher: Dispatcher::new(
                domain.clone(),
                claimer.clone(),
                slots.clone(),
                attempts.clone(),
                config,
                progress.clone(),
            ),
            claimer,
            heartbeat: Heartbeat::new(domain, fence.clone()),
            fence,
            attempts,
            settler,
            settling,
            slots,
            drained,
            progress,
        })
    }
}

/// A running engine. Its loops end when it is dropped.
pub struct Engine {
    domain: Domain,
    fence: Arc<Fence>,
    config: EngineConfig,
    stop: DropGuard,
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
    /// The database does not answer.
    pub async fn start(
        domain: Domain,
        incarnation: i64,
        channels: Arc<dyn Channels>,
        config: EngineConfig,
    ) -> Result<Self> {
        let parts = Parts::new(domain.clone(), incarnation, channels.clone(), config.clone()).await?;
        let stopping = CancellationToken::new();
        let loops = TaskTracker::new();
        let tasks = vec![
            parts.settling,
            loops.spawn(parts.dispatcher.run(stopping.clone())).abort_handle(),
            loops.spawn(parts.heartbeat.run(stopping.clone())).abort_handle(),
            loops
                .spawn(refusals::run(
                    domain.clone(),
                    parts.claimer,
                    parts.progress.clone(),
                    stopping.clone(),
                ))
                .abort_handle(),
            loops
                .spawn(blocks::run(domain.clone(), stopping.clone()))
                .abort_handle(),
        ];
        loops.close();
        Ok(Self {
            domain,
            fence: parts.fence,
            config,
            stop: stopping.drop_guard(),
            loops,
            attempts: parts.attempts,
            channels,
            drained: parts.drained,
            progress: parts.progress,
            tasks,
        })
    }

    /// Changes whenever the engine has claimed or settled something, so that one can look again.
    pub fn progress(&self) -> watch::Receiver<u64> {
        self.progress.subscribe()
    }

    /// Ends at once as a crash would: nothing is settled, no lease is given back. For a database that cannot be trusted
    /// any more, and for tests.
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
    /// The database does not answer.
    pub async fn shutdown(self) -> Result<()> {
        drop(self.stop);
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
        // The database may be away, and may come back.
        if tokio::time::timeout(self.config.settle_grace, self.drained.notified())
            .await
            .is_err()
        {
            tracing::error!(
                "what came of attempts could not be written to the database; these messages may be sent again"
            );
            return Ok(());
        }
        let tx = self.domain.db.begin().await?;
        nodes::stop(&tx, &[self.fence.incarnation()], self.domain.clock.now()).await?;
        tx.commit().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Channel;
    use async_trait::async_trait;
    use sendmux_domain::clock::Clock;
    use sendmux_domain::testing::databases;

    struct Sandboxes;

    #[async_trait]
    impl Channels for Sandboxes {
        async fn channel(&self, _provider_id: i64, _version: i32) -> Result<Channel> {
            Ok(Channel::Sandbox { send_as: None })
        }

        async fn close(&self) {}
    }

    #[tokio::test]
    async fn an_engine_that_is_dropped_leaves_no_loop_behind() {
        for test in databases().await {
            let now = test.clock.now();
            let incarnation = nodes::register(&test.db, "test", now).await.unwrap();
            let config = EngineConfig::default();
            let engine = Engine::start(test.domain.clone(), incarnation, Arc::new(Sandboxes), config)
                .await
                .unwrap();
            let loops = engine.loops.clone();
            drop(engine);
            loops.wait().await;
        }
    }
}
