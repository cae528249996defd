//! Correction of times that a clock wrote while it was ahead, before it was set right by hand, by NTP, or by a start on
//! another machine. Left alone, they would bind until the wrong time comes, which may be days: a cap that is used up, a
//! retry, a message that was accepted then. Here they are made to count from now, so that each binds for its own length
//! at most.
//!
//! What lies ahead by less than clocks wobble (`CLOCK_TOLERANCE`) is left as it is: it is waited for, and keeps caps and
//! limits exact. Sessions, links and tokens last longer by what the clock was ahead; they end, so nothing is done to them.

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

/// Providers that are looked at in one transaction.
const AT_ONCE: usize = 100;

/// Notices when a clock goes back, by comparing it with one that only goes forward.
#[derive(Debug)]
pub struct Watch {
    began: Instant,
    /// How far the clock was ahead of the time since `began`, at the most.
    lead: i64,
}

impl Watch {
    /// Begins at this time of the clock.
    pub fn new(now: Timestamp) -> Self {
        Self {
            began: Instant::now(),
            lead: now.as_millis(),
        }
    }

    /// How far the clock has gone back, when it is more than clocks wobble. To be called now and then.
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

/// Makes what lies ahead of the clock count from now, and says so in the log. To be called at the start, when the clock
/// has gone back, and now and then for what other nodes wrote.
///
/// # Errors
/// The database's; what was done until then is done.
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

/// Each in a transaction of its own, so that none waits for others' rows while it holds some.
async fn update<E: EntityTrait>(domain: &Domain, update: UpdateMany<E>) -> Result<u64> {
    let tx = domain.db.begin().await?;
    let updated = update.exec(&tx).await?;
    tx.commit().await?;
    Ok(updated.rows_affected)
}

/// Usage of the cap windows, blocks and pauses.
async fn providers(domain: &Domain, now: Timestamp) -> Result<u64> {
    use provider_runtime::{Column, Entity};
    let policy = HealthPolicy::default();
    let after = |longest: Duration| now.plus(longest).plus(CLOCK_TOLERANCE).as_millis();
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
    // It is never used itself, and has the health of those that are.
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
        // What waits for them was told that they open later.
        if count > before {
            queue::mark_all_for_requeue(&tx, now).await?;
        }
        tx.commit().await?;
    }
    Ok(count)
}

/// Messages that were accepted by the clock that was ahead, and those whose next round is further off than its delay.
/// What waits for a provider is looked at when something was found at one.
async fn messages(domain: &Domain, now: Timestamp) -> Result<u64> {
    use queue_entity::{Column, Entity};
    let due = |due_at: Timestamp| {
        Entity::update_many()
            .col_expr(Column::DueAt, Expr::value(due_at.as_millis()))
            .filter(Column::Lease.is_null())
            .filter(Column::DueAt.gt(due_at.plus(CLOCK_TOLERANCE).as_millis()))
    };
    let mut count = update(domain, due(now).filter(Column::WaitReason.is_null())).await?;
    // The first delay is that before the second round. There may be rounds beyond the last, from when more were configured.
    let delays = &domain.settings.retry_delays;
    for (round, delay) in (2_i32..).zip(delays) {
        let of_round = if usize::try_from(round).is_ok_and(|round| round > delays.len()) {
            Column::Round.gte(round)
        } else {
            Column::Round.eq(round)
        };
        let retries = due(now.plus(*delay))
            .filter(Column::WaitReason.eq(WaitReason::Retry.as_str()))
            .filter(of_round);
        count += update(domain, retries).await?;
    }
    Ok(count)
}

fn refusals(now: Timestamp) -> UpdateMany<sender_refusals::Entity> {
    use sender_refusals::{Column, Entity};
    let until = now.plus(runtime::SENDER_LEFT_OUT);
    Entity::update_many()
        .col_expr(Column::RefusedUntil, Expr::value(until.as_millis()))
        .filter(Column::RefusedUntil.gt(until.plus(CLOCK_TOLERANCE).as_millis()))
}

fn records(now: Timestamp) -> UpdateMany<idempotency::Entity> {
    use idempotency::{Column, Entity};
    let until = now.plus(idempotent::KEPT);
    Entity::update_many()
        .col_expr(Column::ExpiresAt, Expr::value(until.as_millis()))
        .filter(Column::ExpiresAt.gt(until.plus(CLOCK_TOLERANCE).as_millis()))
}

fn notices(now: Timestamp) -> UpdateMany<parked_notices::Entity> {
    use parked_notices::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::ReceivedAt, Expr::value(now.as_millis()))
        .col_expr(Column::DueAt, Expr::value(now.as_millis()))
        .filter(Column::ReceivedAt.gt(now.plus(CLOCK_TOLERANCE).as_millis()))
}

#[cfg(test)]
mod tests;
