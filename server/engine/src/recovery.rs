//! Taking over what a dead node left.
//!
//! A message is leased in the transaction that chooses its provider, and its attempt begins right after: whatever a dead
//! incarnation holds may have been sent. So each becomes an attempt with the outcome `unknown`, charged and no failure
//! of the provider, and goes to the retry schedule with the same Message-ID.

use crate::decide;
use sendmux_domain::messages::Choice;
use sendmux_domain::queue::{self, AttemptRecord, Disposition, Progress, Recipients, Row, Settlement};
use sendmux_domain::{Domain, Result, Timestamp, nodes};
use sendmux_rules::Mode;

/// Messages of one transaction.
const BATCH: u64 = 500;

/// Takes over everything that dead incarnations hold, and ends them. Returns how many messages were taken over.
pub(crate) async fn take_over(domain: &Domain, incarnation: i64) -> Result<usize> {
    let db = &domain.db;
    let mut taken = 0;
    loop {
        let now = domain.clock.now();
        let tx = db.begin().await?;
        let time = nodes::Time::of(&*domain.clock, db.backend());
        let dead = nodes::dead(&tx, db.backend(), incarnation, time).await?;
        if dead.is_empty() {
            return Ok(taken);
        }
        let rows = queue::leased_by(&tx, &dead, BATCH).await?;
        if rows.is_empty() {
            nodes::stop(&tx, &dead, now).await?;
            tx.commit().await?;
            tracing::info!(incarnations = ?dead, messages = taken, "took over from dead nodes");
            return Ok(taken);
        }
        taken += rows.len();
        // Leased to this incarnation first, since only the holder may settle.
        let ids: Vec<i64> = rows.iter().map(|row| row.message_id).collect();
        queue::transfer(&tx, &ids, incarnation).await?;
        let modes = queue::modes(&tx, &ids).await?;
        let lanes: Vec<i64> = rows.iter().map(|row| row.lane_id).collect();
        let settlements = rows
            .into_iter()
            .map(|row| {
                let mode = modes.get(&row.message_id).copied().unwrap_or(Mode::Live);
                unknown(domain, row, mode, now)
            })
            .collect::<Vec<_>>();
        let returned: Vec<_> = lanes
            .into_iter()
            .zip(&settlements)
            .filter_map(|(lane_id, settlement)| match settlement.disposition {
                Disposition::Queued { due_at, .. } => Some((lane_id, settlement.team_id, due_at)),
                Disposition::Finished { .. } => None,
            })
            .collect();
        queue::settle(&tx, db.backend(), incarnation, now, settlements).await?;
        tx.commit().await?;
        for (lane_id, team_id, due_at) in returned {
            domain.signals.message_arrived(lane_id, team_id, due_at);
        }
    }
}

fn unknown(domain: &Domain, row: Row, mode: Mode, now: Timestamp) -> Settlement {
    let outcome = decide::unknown("node_died");
    let started_at = row.started_at.unwrap_or(row.due_at);
    let disposition = decide::after_node_death(&domain.settings, &row, &outcome, now);
    let progress = Progress::of(&row);
    let served = progress.sent + progress.failed;
    let recipient_count = row
        .recipient_count
        .saturating_sub(i32::try_from(served).unwrap_or(i32::MAX));
    Settlement {
        message_id: row.message_id,
        claim_id: row.claim_id,
        team_id: row.team_id,
        mode,
        attempt: row.provider_id.map(|provider_id| AttemptRecord {
            id: domain.row_ids.next(now),
            provider_id,
            round: row.round,
            outcome,
            detail: Some("the node that was sending it stopped before the outcome was known".to_owned()),
            provider_message_id: None,
            duration_ms: i32::try_from(now.since(started_at).as_millis()).unwrap_or(i32::MAX),
            recipient_count,
            accepted_count: 0,
            choice: Choice::default(),
            started_at,
        }),
        recipients: match disposition {
            Disposition::Finished { .. } => Recipients::RestFailed,
            Disposition::Queued { .. } => Recipients::Unchanged,
        },
        disposition,
    }
}
