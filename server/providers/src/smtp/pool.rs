//! Open sessions of one provider that wait for the next message.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::future::join_all;
use parking_lot::Mutex;
use tokio::time::{self, Instant};

use super::session::Session;

/// Counters of a pool, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Sessions that were opened, the sign-in included.
    pub opened: u64,
    /// Times that an open session was used again.
    pub reused: u64,
    /// Sessions that are open and unused.
    pub idle: usize,
}

/// The idle sessions. How many there are at once is bounded by whoever takes them out and puts them in.
pub(super) struct Pool {
    max_idle: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The one used last is at the end and goes out first, so that in quiet times the others grow old and close.
    idle: Vec<Session>,
    opened: u64,
    reused: u64,
    closed: bool,
    sweeping: bool,
}

impl Pool {
    pub fn new(max_idle: Duration) -> Arc<Self> {
        Arc::new(Self {
            max_idle,
            state: Mutex::default(),
        })
    }

    /// A session that is still good as far as can be told without asking.
    pub fn take(&self) -> Option<Session> {
        let mut state = self.state.lock();
        while let Some(mut session) = state.idle.pop() {
            if !session.wire.is_quiet() {
                continue;
            }
            if session.idle_since.elapsed() < self.max_idle {
                state.reused += 1;
                return Some(session);
            }
            dismiss(session);
        }
        None
    }

    /// Keeps a session for the next message.
    pub fn put(self: &Arc<Self>, mut session: Session) {
        session.idle_since = Instant::now();
        let mut state = self.state.lock();
        if state.closed {
            drop(state);
            dismiss(session);
            return;
        }
        state.idle.push(session);
        if !std::mem::replace(&mut state.sweeping, true) {
            tokio::spawn(sweep(Arc::downgrade(self), self.max_idle));
        }
    }

    pub fn count_opened(&self) {
        self.state.lock().opened += 1;
    }

    pub fn stats(&self) -> PoolStats {
        let state = self.state.lock();
        PoolStats {
            opened: state.opened,
            reused: state.reused,
            idle: state.idle.len(),
        }
    }

    /// Takes leave on all idle sessions and keeps none from now on.
    pub async fn close(&self) {
        let idle = {
            let mut state = self.state.lock();
            state.closed = true;
            std::mem::take(&mut state.idle)
        };
        join_all(idle.into_iter().map(Session::quit)).await;
    }

    /// Takes out what is too old. Returns how long until the next one is, `None` when the pool is empty.
    fn take_expired(&self) -> (Vec<Session>, Option<Duration>) {
        let mut state = self.state.lock();
        let fresh = state
            .idle
            .iter()
            .position(|session| session.idle_since.elapsed() < self.max_idle)
            .unwrap_or(state.idle.len());
        let expired = state.idle.drain(..fresh).collect();
        let next = state
            .idle
            .first()
            .map(|oldest| self.max_idle.saturating_sub(oldest.idle_since.elapsed()));
        state.sweeping = next.is_some();
        (expired, next)
    }
}

/// Closes sessions as they grow too old. Ends when none is left, or when the pool is gone.
async fn sweep(pool: Weak<Pool>, mut pause: Duration) {
    loop {
        time::sleep(pause).await;
        let Some(pool) = pool.upgrade() else { return };
        let (expired, next) = pool.take_expired();
        expired.into_iter().for_each(dismiss);
        match next {
            Some(next) => pause = next,
            None => return,
        }
    }
}

/// Takes leave without keeping anybody waiting.
fn dismiss(session: Session) {
    if !session.broken {
        tokio::spawn(session.quit());
    }
}
