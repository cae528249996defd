//! Failures of the database connections of one process, and the resulting state.

use super::failure::Failure;
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use sea_orm::DbErr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Time after a write that found the disk full for which the process is not ready.
const FULL_FOR: Duration = Duration::from_secs(5);

/// Label of [`State::failures`].
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct FailureLabel {
    /// [`Failure::as_str`].
    pub failure: &'static str,
}

/// Failures seen so far, shared by every clone of [`super::Db`].
#[derive(Debug)]
pub(super) struct State {
    /// A statement failed in SQLite: the writing connection is closed instead of reused, since SQLite may have rolled
    /// its transaction back by itself, which sqlx does not notice.
    suspect: AtomicBool,
    /// The reason why nothing may be written any more; see [`Failure::SyncFailed`].
    broken: watch::Sender<Option<String>>,
    full_at: Mutex<Option<Instant>>,
    failures: Family<FailureLabel, Counter>,
    /// Commits whose answer is lost, for tests.
    pub(super) lost: Mutex<Vec<Option<super::LostCommit>>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            suspect: AtomicBool::new(false),
            broken: watch::Sender::new(None),
            full_at: Mutex::new(None),
            failures: Family::default(),
            lost: Mutex::new(Vec::new()),
        }
    }
}

impl State {
    /// Records that a statement of a writing transaction, its begin or its end has failed.
    pub(super) fn failed(&self, error: &DbErr) {
        self.suspect.store(true, Ordering::Release);
        let failure = Failure::of(error);
        self.failures
            .get_or_create(&FailureLabel {
                failure: failure.as_str(),
            })
            .inc();
        match failure {
            Failure::Full => *self.full_at.lock() = Some(Instant::now()),
            Failure::SyncFailed => {
                let first = self.broken.send_if_modified(|broken| {
                    let first = broken.is_none();
                    broken.get_or_insert_with(|| error.to_string());
                    first
                });
                if first {
                    tracing::error!(%error, "the disk did not keep what was written; nothing more is accepted");
                }
            }
            Failure::Unavailable | Failure::Statement => {}
        }
    }

    /// True if the connection that returns to the pool may be used again. Called once for each return.
    pub(super) fn trusts_writer(&self) -> bool {
        !self.suspect.swap(false, Ordering::AcqRel)
    }

    /// The reason why nothing may be written any more.
    pub(super) fn broken(&self) -> Option<String> {
        self.broken.borrow().clone()
    }

    /// Waits until nothing may be written any more; returns the reason.
    pub(super) async fn until_broken(&self) -> String {
        let mut broken = self.broken.subscribe();
        match broken.wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or_default(),
            // The sender is part of `self`.
            Err(_) => std::future::pending().await,
        }
    }

    /// True if a write found the disk full a moment ago.
    pub(super) fn is_full(&self) -> bool {
        self.full_at.lock().is_some_and(|at| at.elapsed() < FULL_FOR)
    }

    pub(super) fn failures(&self) -> &Family<FailureLabel, Counter> {
        &self.failures
    }
}
