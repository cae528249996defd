//! Maintenance: recurring tasks beside serving and delivering. Safe to run on every node concurrently.

use crate::boot;
use sendmux_domain::clock::SystemClock;
use sendmux_domain::messages::{content, retention};
use sendmux_domain::{Domain, accounts, clock_correction, feedback, idempotency, keys, runtime, sessions};
use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Starts the maintenance tasks, which run until the returned set is dropped.
pub fn start(domain: &Domain, clock: Arc<SystemClock>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(housekeeping(domain.clone(), clock));
    tasks.spawn(watch_clock(domain.clone()));
    tasks.spawn(remove_expired(domain.clone()));
    tasks.spawn(enforce_retention(domain.clone()));
    tasks
}

/// Writes when keys were last used, follows the database's clock, and looks at notifications that came early.
async fn housekeeping(domain: Domain, clock: Arc<SystemClock>) {
    loop {
        tokio::time::sleep(Duration::from_secs(10)).await;
        warn(
            "cannot write when keys were last used",
            keys::flush_last_used(&domain).await,
        );
        warn(
            "cannot ask the database for the time",
            boot::align(&domain.db, &clock).await,
        );
        warn(
            "cannot look at the notifications that came early",
            feedback::take_up_parked(&domain).await,
        );
    }
}

/// Detects that the clock was set back, and corrects what was written while it was ahead; every hour for other nodes too.
async fn watch_clock(domain: Domain) {
    let mut watch = clock_correction::Watch::new(domain.clock.now());
    let mut looked_at = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let back = watch.went_back(domain.clock.now());
        if let Some(back) = back {
            tracing::warn!(seconds = back.as_secs(), "the clock has gone back");
        }
        if back.is_some() || looked_at.elapsed() > Duration::from_secs(3_600) {
            looked_at = Instant::now();
            warn(
                "cannot mend what a clock that was ahead has left",
                clock_correction::apply(&domain).await,
            );
        }
    }
}

/// Removes what has expired.
async fn remove_expired(domain: Domain) {
    loop {
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        warn(
            "cannot remove expired sessions",
            sessions::delete_expired(&domain).await,
        );
        warn(
            "cannot remove expired idempotency records",
            idempotency::sweep(&domain).await,
        );
        warn(
            "cannot remove content without a message",
            content::sweep_orphans(&domain).await,
        );
        warn("cannot remove old notifications", feedback::forget_old(&domain).await);
        warn("cannot remove old links", accounts::forget_old_links(&domain).await);
        warn(
            "cannot remove old failed sign-ins",
            accounts::forget_old_failures(&domain).await,
        );
        warn(
            "cannot remove old refusals of senders",
            runtime::forget_old_refusals(&domain).await,
        );
    }
}

/// Removes the content of messages whose retention has ended.
async fn enforce_retention(domain: Domain) {
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let mut all = 0;
        loop {
            let began = Instant::now();
            match retention::remove_some(&domain).await {
                Ok(0) => break,
                Ok(removed) => all += removed,
                Err(error) => {
                    tracing::warn!(%error, "cannot remove the content of old messages");
                    break;
                }
            }
            // As long again, so that the writing connection is the others' for half of the time at least.
            tokio::time::sleep(began.elapsed()).await;
        }
        if all > 0 {
            tracing::info!(messages = all, "removed the content of messages whose time was over");
        }
    }
}

fn warn<T, E: Display>(what: &'static str, done: Result<T, E>) {
    if let Err(error) = done {
        tracing::warn!(%error, "{what}");
    }
}
