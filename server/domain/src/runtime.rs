//! Runtime state of providers: usage in the cap windows, health, pauses. One row a provider, read and written under its
//! lock, so that caps are exact on any number of nodes.

use crate::Domain;
use crate::column::{self, Json};
use crate::db::Transaction;
use crate::entities::{provider_runtime, sender_refusals};
use crate::error::Result;
use sea_orm::sea_query::{Expr, ExprTrait, LockBehavior, LockType, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    UpdateMany,
};
use sendmux_rules::caps::Usage;
use sendmux_rules::health::Health;
use sendmux_rules::{ProviderKind, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// The row with the health of the operator's Amazon SES account, which the managed routes of all teams share.
pub const MANAGED_ACCOUNT: i64 = 0;

/// Time for which a provider is left out for a sender domain that it refused.
pub const SENDER_LEFT_OUT: Duration = Duration::from_secs(60 * 60);

/// The state of one provider.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// Database id of the provider.
    pub provider_id: i64,
    /// Recent usage.
    pub usage: Usage,
    /// Its recent failures, its block and its pause.
    pub health: Health,
    /// Time of its last attempt.
    pub last_used_at: Option<Timestamp>,
    /// The account whose health it shares with others, if it does.
    shared: Option<Shared>,
}

/// Owner of a provider's health.
#[derive(Clone, Debug)]
struct Shared {
    row: i64,
    /// Health as read.
    health: Health,
}

impl Runtime {
    /// Copies the health of another provider that was changed in this transaction, if both belong to one account.
    pub fn share_health(&mut self, other: &Self) {
        if self.shared.as_ref().map(|shared| shared.row) == other.shared.as_ref().map(|shared| shared.row)
            && self.shared.is_some()
        {
            self.health = other.health.clone();
        }
    }

    /// True if its health is that of an account shared with others.
    pub const fn has_shared_health(&self) -> bool {
        self.shared.is_some()
    }
}

/// The states of these providers. In PostgreSQL their rows are locked until the transaction ends, in order of their ids
/// and then that of a shared account; in SQLite the transaction is the only one that writes.
pub async fn lock(
    tx: &Transaction,
    backend: DbBackend,
    provider_ids: impl IntoIterator<Item = i64>,
) -> Result<BTreeMap<i64, Runtime>> {
    let mut find = provider_runtime::Entity::find()
        .filter(provider_runtime::Column::ProviderId.is_in(provider_ids))
        .order_by_asc(provider_runtime::Column::ProviderId);
    if backend == DbBackend::Postgres {
        find = find.lock_exclusive();
    }
    let mut rows = find.all(tx).await?;
    let shared = shared_by(&rows).map(|row| {
        let find = provider_runtime::Entity::find_by_id(row);
        if backend == DbBackend::Postgres {
            find.lock_exclusive()
        } else {
            find
        }
    });
    if let Some(find) = shared {
        lend(&mut rows, find.one(tx).await?);
    }
    Ok(collect(rows))
}

/// The states of these providers, for reading only.
pub async fn read(
    db: &impl ConnectionTrait,
    provider_ids: impl IntoIterator<Item = i64>,
) -> Result<BTreeMap<i64, Runtime>> {
    let find = provider_runtime::Entity::find().filter(provider_runtime::Column::ProviderId.is_in(provider_ids));
    let mut rows = find.all(db).await?;
    if let Some(row) = shared_by(&rows) {
        lend(&mut rows, provider_runtime::Entity::find_by_id(row).one(db).await?);
    }
    Ok(collect(rows))
}

/// Replaces the health of rows with that of the account they share.
pub(crate) async fn readable(
    db: &impl ConnectionTrait,
    provider_ids: impl IntoIterator<Item = i64>,
) -> Result<Vec<provider_runtime::Model>> {
    use provider_runtime::{Column, Entity};
    let mut rows = column::readable(db, Entity::find().filter(Column::ProviderId.is_in(provider_ids))).await?;
    if let Some(row) = shared_by(&rows) {
        let account = column::readable(db, Entity::find_by_id(row)).await?.pop();
        lend(&mut rows, account);
    }
    Ok(rows)
}

/// The row whose health some of these have; there is at most one.
fn shared_by(rows: &[provider_runtime::Model]) -> Option<i64> {
    rows.iter().find_map(|row| row.health_of)
}

fn lend(rows: &mut [provider_runtime::Model], account: Option<provider_runtime::Model>) {
    let Some(account) = account else { return };
    for row in rows.iter_mut().filter(|row| row.health_of == Some(account.provider_id)) {
        row.health.clone_from(&account.health);
        row.block_kind = account.block_kind;
        row.block_until = account.block_until;
        row.pause_until = account.pause_until;
    }
}

/// True if a provider's health is that of the operator's Amazon SES account, or it is that account.
pub(crate) async fn is_of_managed_account(db: &impl ConnectionTrait, provider_id: i64) -> Result<bool> {
    use provider_runtime::{Column, Entity};
    let health_of: Option<Option<i64>> = Entity::find_by_id(provider_id)
        .select_only()
        .column(Column::HealthOf)
        .into_tuple()
        .one(db)
        .await?;
    Ok(provider_id == MANAGED_ACCOUNT || health_of.flatten() == Some(MANAGED_ACCOUNT))
}

/// End of the first block that ends by itself, even if it is past.
pub async fn next_block_end(db: &impl ConnectionTrait) -> Result<Option<Timestamp>> {
    use provider_runtime::{Column, Entity};
    Ok(Entity::find()
        .select_only()
        .column(Column::BlockUntil)
        .filter(Column::BlockUntil.is_not_null())
        .order_by_asc(Column::BlockUntil)
        .limit(1)
        .into_tuple()
        .one(db)
        .await?)
}

/// At most `limit` states with an expired block that was not removed yet. In PostgreSQL they are locked, and rows
/// locked by another node are skipped.
pub async fn lock_expired(tx: &Transaction, backend: DbBackend, now: Timestamp, limit: u64) -> Result<Vec<Runtime>> {
    use provider_runtime::{Column, Entity};
    let mut find = Entity::find()
        .filter(Column::BlockUntil.lte(now))
        .order_by_asc(Column::BlockUntil)
        .order_by_asc(Column::ProviderId)
        .limit(limit);
    if backend == DbBackend::Postgres {
        find = find.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    Ok(collect(find.all(tx).await?).into_values().collect())
}

fn collect(rows: Vec<provider_runtime::Model>) -> BTreeMap<i64, Runtime> {
    rows.into_iter()
        .map(|row| {
            let Json(health) = row.health;
            let runtime = Runtime {
                provider_id: row.provider_id,
                usage: row.usage.0,
                shared: row.health_of.map(|row| Shared {
                    row,
                    health: health.clone(),
                }),
                health,
                last_used_at: row.last_used_at,
            };
            (row.provider_id, runtime)
        })
        .collect()
}

/// Inserts the runtime row of a new provider of this kind: unused and healthy. Managed routes share their health.
pub(crate) async fn insert(tx: &Transaction, provider_id: i64, kind: ProviderKind) -> Result<()> {
    let row = provider_runtime::ActiveModel {
        provider_id: Set(provider_id),
        usage: Set(Json::default()),
        health: Set(Json::default()),
        block_kind: Set(None),
        block_until: Set(None),
        pause_until: Set(None),
        last_used_at: Set(None),
        last_test: Set(None),
        version: Set(1),
        health_of: Set((kind == ProviderKind::ManagedSes).then_some(MANAGED_ACCOUNT)),
    };
    provider_runtime::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Writes a state back. The caller holds its lock.
pub async fn save(tx: &Transaction, runtime: &Runtime) -> Result<()> {
    use provider_runtime::{Column, Entity};
    let mut update = Entity::update_many()
        .col_expr(Column::Usage, Expr::value(Json(runtime.usage.clone())))
        .col_expr(Column::LastUsedAt, Expr::value(runtime.last_used_at))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::ProviderId.eq(runtime.provider_id));
    match &runtime.shared {
        None => update = with_health(update, &runtime.health),
        Some(shared) if shared.health != runtime.health => {
            with_health(Entity::update_many(), &runtime.health)
                .col_expr(Column::Version, Expr::col(Column::Version).add(1))
                .filter(Column::ProviderId.eq(shared.row))
                .exec(tx)
                .await?;
        }
        Some(_) => {}
    }
    update.exec(tx).await?;
    Ok(())
}

fn with_health(update: UpdateMany<provider_runtime::Entity>, health: &Health) -> UpdateMany<provider_runtime::Entity> {
    use provider_runtime::Column;
    let block = health.block.as_ref();
    update
        .col_expr(Column::Health, Expr::value(Json(health.clone())))
        .col_expr(Column::BlockKind, Expr::value(block.map(|block| block.kind)))
        .col_expr(Column::BlockUntil, Expr::value(block.and_then(|block| block.until)))
        .col_expr(
            Column::PauseUntil,
            Expr::value(health.pause.as_ref().map(|pause| pause.until)),
        )
}

/// Sender domains that these providers currently refuse, and the ends of the refusals.
pub async fn sender_refusals(
    db: &impl ConnectionTrait,
    provider_ids: impl IntoIterator<Item = i64>,
    now: Timestamp,
) -> Result<HashMap<(i64, String), Timestamp>> {
    let rows: Vec<(i64, String, Timestamp)> = sender_refusals::Entity::find()
        .select_only()
        .column(sender_refusals::Column::ProviderId)
        .column(sender_refusals::Column::SenderDomain)
        .column(sender_refusals::Column::RefusedUntil)
        .filter(sender_refusals::Column::ProviderId.is_in(provider_ids))
        .filter(sender_refusals::Column::RefusedUntil.gt(now))
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(provider_id, domain, until)| ((provider_id, domain), until))
        .collect())
}

/// Removes expired refusals of senders and returns their number. To be called regularly.
pub async fn forget_old_refusals(domain: &Domain) -> Result<u64> {
    domain
        .db
        .delete_where::<sender_refusals::Entity>(sender_refusals::Column::RefusedUntil.lte(domain.clock.now()))
        .await
}

/// Leaves a provider out for a sender domain until this time. Returns true if it was not left out before.
pub async fn refuse_sender(
    tx: &Transaction,
    provider_id: i64,
    sender_domain: &str,
    now: Timestamp,
    until: Timestamp,
    advice: &str,
) -> Result<bool> {
    use sender_refusals::Column;
    let before = sender_refusals::Entity::find_by_id((provider_id, sender_domain.to_owned()))
        .filter(Column::RefusedUntil.gt(now))
        .one(tx)
        .await?;
    sender_refusals::Entity::insert(sender_refusals::ActiveModel {
        provider_id: Set(provider_id),
        sender_domain: Set(sender_domain.to_owned()),
        refused_until: Set(until),
        advice: Set(advice.to_owned()),
    })
    .on_conflict(
        OnConflict::columns([Column::ProviderId, Column::SenderDomain])
            .update_columns([Column::RefusedUntil, Column::Advice])
            .to_owned(),
    )
    .exec_without_returning(tx)
    .await?;
    Ok(before.is_none())
}
