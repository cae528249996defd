//! What the engine knows of a provider while it runs: usage in the cap windows, health, pauses. One row a provider, read
//! and written under its lock, so that caps are exact however many nodes there are.

use crate::Domain;
use crate::entities::{provider_runtime, sender_refusals};
use crate::error::{Error, Result};
use sea_orm::sea_query::{Expr, ExprTrait, LockBehavior, LockType, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use sendmux_rules::Timestamp;
use sendmux_rules::caps::Usage;
use sendmux_rules::health::Health;
use std::collections::{BTreeMap, HashMap};

/// The state of one provider.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// Database id of the provider.
    pub provider_id: i64,
    /// What went through it lately.
    pub usage: Usage,
    /// Its recent failures, its block and its pause.
    pub health: Health,
    /// When it was last handed a message.
    pub last_used_at: Option<Timestamp>,
}

/// The states of these providers. In PostgreSQL their rows are locked, in order of their ids, until the transaction
/// ends; in SQLite the transaction is the only one that writes.
pub async fn lock(
    tx: &DatabaseTransaction,
    backend: DbBackend,
    provider_ids: impl IntoIterator<Item = i64>,
) -> Result<BTreeMap<i64, Runtime>> {
    let mut find = provider_runtime::Entity::find()
        .filter(provider_runtime::Column::ProviderId.is_in(provider_ids))
        .order_by_asc(provider_runtime::Column::ProviderId);
    if backend == DbBackend::Postgres {
        find = find.lock_exclusive();
    }
    collect(find.all(tx).await?)
}

/// The states of these providers, to look at.
pub async fn read(
    db: &impl ConnectionTrait,
    provider_ids: impl IntoIterator<Item = i64>,
) -> Result<BTreeMap<i64, Runtime>> {
    let find = provider_runtime::Entity::find().filter(provider_runtime::Column::ProviderId.is_in(provider_ids));
    collect(find.all(db).await?)
}

/// When the first block ends that ends by itself, be it over already.
pub async fn next_block_end(db: &impl ConnectionTrait) -> Result<Option<Timestamp>> {
    use provider_runtime::{Column, Entity};
    let until: Option<i64> = Entity::find()
        .select_only()
        .column(Column::BlockUntil)
        .filter(Column::BlockUntil.is_not_null())
        .order_by_asc(Column::BlockUntil)
        .limit(1)
        .into_tuple()
        .one(db)
        .await?;
    Ok(until.map(Timestamp::from_millis))
}

/// At most `limit` of the states whose block has ended by itself but was not taken away yet. In PostgreSQL they are
/// locked, and what another node holds is passed over.
pub async fn lock_expired(
    tx: &DatabaseTransaction,
    backend: DbBackend,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<Runtime>> {
    use provider_runtime::{Column, Entity};
    let mut find = Entity::find()
        .filter(Column::BlockUntil.lte(now.as_millis()))
        .order_by_asc(Column::BlockUntil)
        .order_by_asc(Column::ProviderId)
        .limit(limit);
    if backend == DbBackend::Postgres {
        find = find.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    Ok(collect(find.all(tx).await?)?.into_values().collect())
}

fn collect(rows: Vec<provider_runtime::Model>) -> Result<BTreeMap<i64, Runtime>> {
    rows.into_iter()
        .map(|row| {
            let unreadable = |column: &str, error: serde_json::Error| {
                Error::Internal(format!("{column} of provider {}: {error}", row.provider_id))
            };
            let runtime = Runtime {
                provider_id: row.provider_id,
                usage: serde_json::from_str(&row.usage).map_err(|error| unreadable("usage", error))?,
                health: serde_json::from_str(&row.health).map_err(|error| unreadable("health", error))?,
                last_used_at: row.last_used_at.map(Timestamp::from_millis),
            };
            Ok((row.provider_id, runtime))
        })
        .collect()
}

/// Writes a state back. The caller holds its lock.
pub async fn save(tx: &DatabaseTransaction, runtime: &Runtime) -> Result<()> {
    let json = |column: &str, result: serde_json::Result<String>| {
        result.map_err(|error| Error::Internal(format!("{column} as JSON: {error}")))
    };
    let block = runtime.health.block.as_ref();
    provider_runtime::Entity::update_many()
        .col_expr(
            provider_runtime::Column::Usage,
            Expr::value(json("usage", serde_json::to_string(&runtime.usage))?),
        )
        .col_expr(
            provider_runtime::Column::Health,
            Expr::value(json("health", serde_json::to_string(&runtime.health))?),
        )
        .col_expr(
            provider_runtime::Column::BlockKind,
            Expr::value(block.map(|block| block.kind.as_str().to_owned())),
        )
        .col_expr(
            provider_runtime::Column::BlockUntil,
            Expr::value(block.and_then(|block| block.until).map(Timestamp::as_millis)),
        )
        .col_expr(
            provider_runtime::Column::PauseUntil,
            Expr::value(runtime.health.pause.as_ref().map(|pause| pause.until.as_millis())),
        )
        .col_expr(
            provider_runtime::Column::LastUsedAt,
            Expr::value(runtime.last_used_at.map(Timestamp::as_millis)),
        )
        .col_expr(
            provider_runtime::Column::Version,
            Expr::col(provider_runtime::Column::Version).add(1),
        )
        .filter(provider_runtime::Column::ProviderId.eq(runtime.provider_id))
        .exec(tx)
        .await?;
    Ok(())
}

/// The sender domains that these providers refused and still refuse, and until when.
pub async fn sender_refusals(
    db: &impl ConnectionTrait,
    provider_ids: impl IntoIterator<Item = i64>,
    now: Timestamp,
) -> Result<HashMap<(i64, String), Timestamp>> {
    let rows: Vec<(i64, String, i64)> = sender_refusals::Entity::find()
        .select_only()
        .column(sender_refusals::Column::ProviderId)
        .column(sender_refusals::Column::SenderDomain)
        .column(sender_refusals::Column::RefusedUntil)
        .filter(sender_refusals::Column::ProviderId.is_in(provider_ids))
        .filter(sender_refusals::Column::RefusedUntil.gt(now.as_millis()))
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(provider_id, domain, until)| ((provider_id, domain), Timestamp::from_millis(until)))
        .collect())
}

/// Removes the refusals of senders that are over, and says how many. To be called now and then.
pub async fn forget_old_refusals(domain: &Domain) -> Result<u64> {
    let tx = domain.db.begin().await?;
    let deleted = sender_refusals::Entity::delete_many()
        .filter(sender_refusals::Column::RefusedUntil.lte(domain.clock.now().as_millis()))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(deleted.rows_affected)
}

/// Leaves a provider out for a sender domain until then. Whether it was not left out yet.
pub async fn refuse_sender(
    tx: &DatabaseTransaction,
    provider_id: i64,
    sender_domain: &str,
    now: Timestamp,
    until: Timestamp,
    advice: &str,
) -> Result<bool> {
    use sender_refusals::Column;
    let before = sender_refusals::Entity::find_by_id((provider_id, sender_domain.to_owned()))
        .filter(Column::RefusedUntil.gt(now.as_millis()))
        .one(tx)
        .await?;
    sender_refusals::Entity::insert(sender_refusals::ActiveModel {
        provider_id: Set(provider_id),
        sender_domain: Set(sender_domain.to_owned()),
        refused_until: Set(until.as_millis()),
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
