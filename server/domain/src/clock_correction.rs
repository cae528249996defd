//! Correction of times that were written by a clock that was ahead, before it was corrected by hand, by NTP, or by a
//! start on another machine. Uncorrected, they would apply until the wrong time comes, which may be days: a used-up
//! cap, a retry, a message accepted at that time. They are dated back to now, so that each applies for its own length
//! at most.
//!
//! Times that lie ahead by no more than `CLOCK_TOLERANCE` are left alone: they are waited for, which keeps caps and
//! limits exact. Sessions, links and tokens last longer by the error of the clock; they end by themselves, so they are
//! not corrected.

use crate::Domain;
use crate::entities::{idempotency, parked_notices, provider_runtime, queue as queue_entity, sender_refusals};
use crate::error::Result;
use crate::runtime::{self, MANAGED_ACCOUNT};
use crate::{accounts, idempotency as idempotent, queue, rate_limit};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, UpdateMany};
use sendmux_rules::health::{self, HealthPolicy};
use sendmux_rules::time::CLOCK_TOLERANCE;
use sendmux_rules::{Timestamp, WaitReason};
use std::time::{Duration, Instant};

/// Providers corrected in one transaction.
const AT_ONCE: usize = 100;

/// Detects that the clock was set back, by comparing it with a monotonic one.
#[derive(Debug)]
pub struct Watch {
    began: Instant,
    /// Largest lead of the clock over the time since `began`, in milliseconds.
    lead: i64,
}

impl Watch {
    /// Starts watching at this time of the clock.
    pub fn new(now: Timestamp) -> Self {
        Self {
            began: Instant::now(),
            lead: now.as_millis(),
        }
    }

    /// Time by which the clock was set back, if it is more than the tolerance. To be called regularly.
    pub fn went_back(&mut self, now: Timestamp) -> Option<Duration> {
        self.went_back_after(now, self.began.elapsed())
    }

    fn went_back_after(&mut self, now: Timestamp, elapsed: Duration) -> Option<Duration> {
        let lead = now.minus(elapsed).as_millis();
        let back = Timestamp::from_millis(self.lead).since(Timestamp::from_millis(lead));
        if back > CLOCK_TOLERANCE {
            self.lead = lead;
            return Some(back);
        }
        self.lead = self.lead.max(lead);
        None
    }
}

/// Dates times that lie ahead of the clock back to now, and logs it. To be called at the start, when the clock was set
/// back, and regularly for rows written by other nodes.
///
/// # Errors
/// Errors of the database; corrections already made are kept.
pub async fn apply(domain: &Domain) -> Result<()> {
    let now = domain.clock.now();
    let providers = providers(domain, now).await?;
    let rates = update(domain, rate_limit::set_back(now)).await?;
    let sign_ins = update(domain, accounts::set_back_failures(now)).await?;
    let refusals = update(domain, refusals(now)).await?;
    let records = update(domain, records(now)).await?;
    let notices = update(domain, notices(now)).await?;
    let messages = messages(domain, now).await?;
    let found = [providers, rates, sign_ins, refusals, records, notices, messages];
    if found.iter().any(|count| *count > 0) {
        tracing::warn!(
            providers,
            rate_limits = rates,
            sign_in_throttles = sign_ins,
            refused_senders = refusals,
            idempotency_keys = records,
            notices,
            messages,
            "the clock was ahead for a while: what was written then counts from now"
        );
        domain.signals.config_changed();
    }
    Ok(())
}

/// Runs an update in a transaction of its own, so that it never waits for rows while it holds others.
async fn update<E: EntityTrait>(domain: &Domain, update: UpdateMany<E>) -> Result<u64> {
    let tx = domain.db.begin().await?;
    let updated = update.exec(&tx).await?;
    tx.commit().await?;
    Ok(updated.rows_affected)
}

/// Corrects usage of the cap windows, blocks and pauses.
async fn providers(domain: &Domain, now: Timestamp) -> Result<u64> {
    use provider_runtime::{Column, Entity};
    let policy = HealthPolicy::default();
    let after = |longest: Duration| now.plus(longest).plus(CLOCK_TOLERANCE);
    let suspect = Condition::any()
        .add(Column::LastUsedAt.gt(after(Duration::ZERO)))
        .add(Column::BlockUntil.gt(after(policy.quota.max(policy.connection))))
        .add(Column::PauseUntil.gt(after(policy.longest_asked)));
    let mut ids: Vec<i64> = Entity::find()
        .select_only()
        .column(Column::ProviderId)
        .filter(suspect)
        .into_tuple()
        .all(domain.db.read())
        .await?;
    if ids.is_empty() {
        return Ok(0);
    }
    // It is never used itself, but holds the health of the managed routes.
    ids.push(MANAGED_ACCOUNT);
    ids.sort_unstable();
    ids.dedup();
    let mut count = 0;
    for some in ids.chunks(AT_ONCE) {
        let tx = domain.db.begin().await?;
        let before = count;
        let states = runtime::lock(&tx, domain.db.backend(), some.iter().copied()).await?;
        for mut state in states.into_values() {
            let used = state.usage.set_back(now);
            let health = health::set_back(&policy, &mut state.health, now);
            let last_used_at = state.last_used_at.map(|at| if at.is_ahead_of(now) { now } else { at });
            if used || health || last_used_at != state.last_used_at {
                state.last_used_at = last_used_at;
                runtime::save(&tx, &state).await?;
                count += 1;
            }
        }
        // Messages that wait for these providers have a due time that is too late.
        if count > before {
            queue::mark_all_for_requeue(&tx, now).await?;
        }
        tx.commit().await?;
    }
    Ok(count)
}

/// Corrects messages that were accepted by the clock that was ahead, and those whose next round is further off than its
/// delay. Messages that wait for a provider are requeued when a correction was made there.
async fn messages(domain: &Domain, now: Timestamp) -> Result<u64> {
    use queue_entity::{Column, Entity};
    let due = |due_at: Timestamp| {
        Entity::update_many()
            .col_expr(Column::DueAt, Expr::value(due_at))
            .filter(Column::Lease.is_null())
            .filter(Column::DueAt.gt(due_at.plus(CLOCK_TOLERANCE)))
    };
    let mut count = update(domain, due(now).filter(Column::WaitReason.is_null())).await?;
    // The first delay precedes the second round. There may be rounds beyond the last, from when more were configured.
    let delays = &domain.settings.retry_delays;
    for (round, delay) in (2_i32..).zip(delays) {
        let of_round = if usize::try_from(round).is_ok_and(|round| round > delays.len()) {
            Column::Round.gte(round)
        } else {
            Column::Round.eq(round)
        };
        let retries = due(now.plus(*delay))
            .filter(Column::WaitReason.eq(WaitReason::Retry))
            .filter(of_round);
        count += update(domain, retries).await?;
    }
    Ok(count)
}

fn refusals(now: Timestamp) -> UpdateMany<sender_refusals::Entity> {
    use sender_refusals::{Column, Entity};
    let until = now.plus(runtime::SENDER_LEFT_OUT);
    Entity::update_many()
        .col_expr(Column::RefusedUntil, Expr::value(until))
        .filter(Column::RefusedUntil.gt(until.plus(CLOCK_TOLERANCE)))
}

fn records(now: Timestamp) -> UpdateMany<idempotency::Entity> {
    use idempotency::{Column, Entity};
    let until = now.plus(idempotent::KEPT);
    Entity::update_many()
        .col_expr(Column::ExpiresAt, Expr::value(until))
        .filter(Column::ExpiresAt.gt(until.plus(CLOCK_TOLERANCE)))
}

fn notices(now: Timestamp) -> UpdateMany<parked_notices::Entity> {
    use parked_notices::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::ReceivedAt, Expr::value(now))
        .col_expr(Column::DueAt, Expr::value(now))
        .filter(Column::ReceivedAt.gt(now.plus(CLOCK_TOLERANCE)))
}

#[cfg(test)]
mod tests;
