//! Changes of a provider's health from outside of deliveries, and their events.

use super::rows::{NOT_FOUND, of_team};
use super::test_result::TestResult;
use crate::actor::Actor;
use crate::db::Transaction;
use crate::entities::providers;
use crate::error::{Error, Result};
use crate::events::{self, EventKind, NewEvent};
use crate::{Domain, audit, queue, runtime};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use sendmux_rules::outcome::{Class, Outcome, Stage, truncate};
use sendmux_rules::{HealthEvent, HealthPolicy, ProviderKind, Timestamp, health};
use serde_json::json;
use std::collections::HashMap;

/// Lets the result of a connection test count for the provider's health, under its lock, and gives what changed.
pub async fn apply_test(
    tx: &Transaction,
    domain: &Domain,
    now: Timestamp,
    provider_id: i64,
    result: &TestResult,
) -> Result<Vec<HealthEvent>> {
    let mut states = runtime::lock(tx, domain.db.backend(), [provider_id]).await?;
    let Some(mut state) = states.remove(&provider_id) else {
        return Ok(Vec::new());
    };
    let failure = (!result.ok).then(|| failure(result.class.unwrap_or(Class::Other)));
    let verdict = match &failure {
        Some(outcome) => Err(outcome),
        None => Ok(()),
    };
    let (mut health, mut events) = health::on_test(&HealthPolicy::default(), state.health, verdict, now);
    for event in &mut events {
        if let HealthEvent::Blocked(block) = event {
            truncate(&result.cause()).clone_into(&mut block.cause);
            health.block = Some(block.clone());
        }
    }
    if !events.is_empty() {
        state.health = health;
        runtime::save(tx, &state).await?;
    }
    Ok(events)
}

/// A failed test as the outcome of an attempt. Somebody asked about just these credentials, so a refusal of them counts
/// as confirmed.
fn failure(class: Class) -> Outcome {
    Outcome {
        class,
        stage: Stage::Connect,
        reply: None,
        fault: None,
        retry_after: None,
        permanent: false,
        hint: None,
        confirmed: true,
        rule: "connection_test",
    }
}

/// Puts a pulled or paused provider of the actor's team back into rotation by hand, with a clean record.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`]; [`Error::Conflict`] for the managed route, whose account all teams share.
pub async fn unblock(domain: &Domain, actor: &Actor, public_id: &str) -> Result<()> {
    actor.require_configure()?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    let row = of_team(actor.team_id, public_id).one(&tx).await?.ok_or(NOT_FOUND)?;
    if row.kind == ProviderKind::ManagedSes {
        return Err(Error::Conflict(
            "the managed route's account is shared by all teams: only the operator of this installation puts it back"
                .to_owned(),
        ));
    }
    let states = runtime::lock(&tx, domain.db.backend(), [row.id]).await?;
    for mut state in states.into_values() {
        let (health, events) = health::unblock(state.health);
        state.health = health;
        runtime::save(&tx, &state).await?;
        record_events(&tx, domain, now, row.team_id, row.id, &events).await?;
    }
    let detail = json!({ "name": row.name });
    audit::record(&tx, now, actor, "provider.unblocked", &row.public_id, detail).await?;
    queue::mark_for_requeue(&tx, actor.team_id, now).await?;
    tx.commit().await?;
    domain.signals.team_changed(actor.team_id);
    Ok(())
}

/// Blocks that are ended in one transaction.
const BATCH: u64 = 100;

/// Ends the blocks whose time has come, each with its event and a clean record, exactly once however many nodes do this.
/// Returns when the next block ends by itself, if one does.
pub async fn end_expired_blocks(domain: &Domain) -> Result<Option<Timestamp>> {
    loop {
        let now = domain.clock.now();
        let next = runtime::next_block_end(domain.db.read()).await?;
        if next.is_none_or(|next| next > now) {
            return Ok(next);
        }
        let tx = domain.db.begin().await?;
        let expired = runtime::lock_expired(&tx, domain.db.backend(), now, BATCH).await?;
        if expired.is_empty() {
            // Another node is ending them at this moment.
            return Ok(None);
        }
        let teams = teams_of(&tx, expired.iter().map(|state| state.provider_id)).await?;
        for mut state in expired {
            let (health, events) = health::expire(state.health, now);
            state.health = health;
            runtime::save(&tx, &state).await?;
            // One that was deleted comes back for nobody; the account of the managed routes is of no team.
            let team_id = match teams.get(&state.provider_id) {
                Some(team_id) => *team_id,
                None if state.provider_id == runtime::MANAGED_ACCOUNT => 0,
                None => continue,
            };
            tracing::info!(provider_id = state.provider_id, "a block has ended by itself");
            record_events(&tx, domain, now, team_id, state.provider_id, &events).await?;
        }
        tx.commit().await?;
    }
}

/// The teams of those of these providers that were not deleted.
async fn teams_of(tx: &Transaction, provider_ids: impl Iterator<Item = i64>) -> Result<HashMap<i64, i64>> {
    let rows: Vec<(i64, i64)> = providers::Entity::find()
        .select_only()
        .column(providers::Column::Id)
        .column(providers::Column::TeamId)
        .filter(providers::Column::Id.is_in(provider_ids))
        .filter(providers::Column::DeletedAt.is_null())
        .into_tuple()
        .all(tx)
        .await?;
    Ok(rows.into_iter().collect())
}

/// Records what changed in a provider's health, as far as webhooks tell of it: for its team, or for every team whose
/// managed route has the account whose health it is. Returns the providers that it was recorded for.
pub async fn record_events(
    tx: &Transaction,
    domain: &Domain,
    now: Timestamp,
    team_id: i64,
    provider_id: i64,
    changes: &[HealthEvent],
) -> Result<Vec<i64>> {
    let mut told = Vec::new();
    for change in changes {
        let kind = match change {
            HealthEvent::Blocked(block) => {
                domain.metrics.blocked(block.kind);
                EventKind::ProviderBlocked
            }
            HealthEvent::Recovered { .. } => EventKind::ProviderRecovered,
            HealthEvent::Paused(_) | HealthEvent::OperatorFault(_) => continue,
        };
        told.push((kind, json!(change)));
    }
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let concerned = if runtime::is_of_managed_account(tx, provider_id).await? {
        managed_routes(tx).await?
    } else {
        vec![(team_id, provider_id)]
    };
    let mut new = Vec::with_capacity(told.len() * concerned.len());
    for (kind, data) in told {
        new.extend(concerned.iter().map(|(team_id, provider_id)| NewEvent {
            team_id: *team_id,
            kind,
            message_id: None,
            provider_id: Some(*provider_id),
            data: data.clone(),
        }));
    }
    events::record_all(tx, domain, new, now).await?;
    Ok(concerned.into_iter().map(|(_, provider_id)| provider_id).collect())
}

/// The teams and their managed routes.
async fn managed_routes(tx: &Transaction) -> Result<Vec<(i64, i64)>> {
    Ok(providers::Entity::find()
        .select_only()
        .column(providers::Column::TeamId)
        .column(providers::Column::Id)
        .filter(providers::Column::Kind.eq(ProviderKind::ManagedSes))
        .filter(providers::Column::DeletedAt.is_null())
        .into_tuple()
        .all(tx)
        .await?)
}
