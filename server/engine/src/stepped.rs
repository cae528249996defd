//! An engine that moves only when it is told to, for simulations: its parts are those of [`crate::Engine`], without the
//! loops that wait. Nothing happens at a time that the caller has not chosen.

use crate::blocks;
use crate::channel::Channels;
use crate::engine::{EngineConfig, Parts};
use crate::refusals;
use sendmux_domain::{Domain, Result, Timestamp, nodes};
use std::sync::Arc;
use tokio::sync::watch;

/// An engine that is moved step by step.
pub struct Stepped {
    domain: Domain,
    parts: Parts,
    take_over_at: Timestamp,
}

/// Result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It gave lanes their turns: there may be more to do at once.
    Moved,
    /// Nothing can move now; this is when something moves by itself, if anything does. Heartbeats, and looks at what
    /// other nodes may have done, are not told.
    Quiet(Option<Timestamp>),
}

impl Stepped {
    /// Takes over what dead nodes left, as [`crate::Engine::start`] does.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn start(
        domain: Domain,
        incarnation: i64,
        channels: Arc<dyn Channels>,
        config: EngineConfig,
    ) -> Result<Self> {
        let parts = Parts::new(domain.clone(), incarnation, channels, config).await?;
        let now = domain.clock.now();
        Ok(Self {
            domain,
            parts,
            take_over_at: now,
        })
    }

    /// Says that the node lives, as it does every few seconds. Where there are several, each does before any of them
    /// makes its next step at a new time.
    pub async fn beat(&mut self) {
        self.parts.heartbeat.beat().await;
    }

    /// Does what is due, but gives lanes no more than one turn.
    pub async fn step(&mut self) -> Step {
        let now = self.domain.clock.now();
        if now >= self.take_over_at {
            self.parts.heartbeat.take_over().await;
            self.take_over_at = now.plus(nodes::HEARTBEAT_EVERY);
        }
        let block_ends = blocks::end_due(&self.domain).await;
        refusals::recheck(&self.domain, &self.parts.claimer).await;
        match self.parts.dispatcher.step().await {
            None => Step::Moved,
            Some(next) => Step::Quiet([next, block_ends].into_iter().flatten().min()),
        }
    }

    /// Number of attempts under way.
    pub fn under_way(&self) -> usize {
        self.parts.slots.under_way()
    }

    /// Number of attempts that are finished and not written yet.
    pub fn unwritten(&self) -> usize {
        self.parts.settler.unwritten()
    }

    /// As [`crate::Engine::progress`].
    pub fn progress(&self) -> watch::Receiver<u64> {
        self.parts.progress.subscribe()
    }

    /// As [`crate::Engine::crash`].
    pub fn crash(self) {
        self.parts.settling.abort();
        self.parts.attempts.abort();
    }
}
