//! Blocks that end by themselves: each is told as an event at the moment it ends, whether or not a message passes.

use sendmux_domain::{Domain, Timestamp, providers};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Blocks that other nodes have made are looked for this often.
const RECHECK_INTERVAL: Duration = Duration::from_secs(5);

/// Ends blocks when their time has come, until the engine stops.
pub(crate) async fn run(domain: Domain, stopping: CancellationToken) {
    while !stopping.is_cancelled() {
        let next = end_due(&domain).await;
        let recheck_at = domain.clock.now().plus(RECHECK_INTERVAL);
        tokio::select! {
            () = domain.clock.sleep_until(next.map_or(recheck_at, |next| next.min(recheck_at))) => {}
            () = stopping.cancelled() => {}
        }
    }
}

/// Ends the blocks whose time has come. Returns when the next one ends by itself, as far as this node can see.
pub(crate) async fn end_due(domain: &Domain) -> Option<Timestamp> {
    match providers::end_expired_blocks(domain).await {
        Ok(next) => next,
        Err(error) => {
            tracing::error!(%error, "cannot end the blocks whose time has come");
            None
        }
    }
}
