//! Recheck of messages whose sender a provider has begun to refuse.
//!
//! One that waited for that provider alone, for its cap or for the end of its block, has nowhere to go any more. Its lane
//! may not be looked at for hours, and it may stand deep in it; so those of that sender are looked for.

use crate::claim::Claimer;
use sendmux_domain::{Domain, Result};
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Rechecks whenever a sender is refused, until the engine stops.
pub(crate) async fn run(
    domain: Domain,
    claimer: Arc<Claimer>,
    progress: watch::Sender<u64>,
    stopping: CancellationToken,
) {
    while !stopping.is_cancelled() {
        recheck(&domain, &claimer).await;
        progress.send_modify(|count| *count = count.wrapping_add(1));
        tokio::select! {
            () = domain.signals.wait_for_refusal() => {}
            () = stopping.cancelled() => {}
        }
    }
}

/// Rechecks what waits from the senders that were refused since the last time.
pub(crate) async fn recheck(domain: &Domain, claimer: &Claimer) {
    for (team_id, sender_domain) in domain.signals.take_refusals() {
        if let Err(error) = recheck_sender(claimer, team_id, &sender_domain).await {
            // They are looked at when their time comes.
            tracing::error!(%error, team_id, sender_domain, "cannot look at messages whose sender is refused");
        }
    }
}

async fn recheck_sender(claimer: &Claimer, team_id: i64, sender_domain: &str) -> Result<()> {
    let mut after = i64::MIN;
    while let Some(last) = claimer.recheck_sender(team_id, sender_domain, after).await? {
        after = last;
    }
    Ok(())
}
