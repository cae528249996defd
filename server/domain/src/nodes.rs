//! Incarnations: one start of one node. Leases name the incarnation that holds them, so that work of a dead one can be
//! told from work in progress.

use crate::db::{Db, Transaction};
use crate::entities::nodes::{ActiveModel, Column, Entity};
use crate::entities::queue;
use crate::error::Result;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, Condition, DbBackend, EntityTrait, QueryFilter, QuerySelect};
use sendmux_rules::Timestamp;
use std::time::Duration;

/// How often a node says that it lives.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(3);
/// A node that has said nothing for this long is dead: its leases are taken over and its settlements refused.
pub const DEAD_AFTER: Duration = Duration::from_secs(20);

/// Registers a start of this node and gives its incarnation number.
pub async fn register(db: &Db, name: &str, now: Timestamp) -> Result<i64> {
    let tx = db.begin().await?;
    let row = ActiveModel {
        id: NotSet,
        name: Set(name.to_owned()),
        started_at: Set(now.as_millis()),
        heartbeat_at: Set(now.as_millis()),
        stopped_at: Set(None),
    };
    let id = Entity::insert(row).exec(&tx).await?.last_insert_id;
    tx.commit().await?;
    Ok(id)
}

/// Registers a node again that was declared dead and is not.
pub async fn register_again(db: &Db, dead: i64, now: Timestamp) -> Result<i64> {
    let before = Entity::find_by_id(dead).one(db.read()).await?;
    register(db, before.as_ref().map_or("", |row| &row.name), now).await
}

/// Says that this incarnation lives. False: others have declared it dead and taken over what it had leased.
pub async fn heartbeat(db: &Db, incarnation: i64, now: Timestamp) -> Result<bool> {
    let tx = db.begin().await?;
    let updated = Entity::update_many()
        .col_expr(Column::HeartbeatAt, Expr::value(now.as_millis()))
        .filter(Column::Id.eq(incarnation))
        .filter(Column::StoppedAt.is_null())
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(updated.rows_affected == 1)
}

/// Ends incarnations: this one when it shuts down, or dead ones.
pub async fn stop(tx: &Transaction, incarnations: &[i64], now: Timestamp) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::StoppedAt, Expr::value(now.as_millis()))
        .filter(Column::Id.is_in(incarnations.iter().copied()))
        .filter(Column::StoppedAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// Whether this incarnation may still settle what it leased, that is, has not been declared dead. In PostgreSQL the row
/// is locked in share mode, so that nobody can declare it dead before the transaction ends.
pub async fn is_alive(tx: &Transaction, backend: DbBackend, incarnation: i64) -> Result<bool> {
    let mut find = Entity::find_by_id(incarnation).filter(Column::StoppedAt.is_null());
    if backend == DbBackend::Postgres {
        find = find.lock_shared();
    }
    Ok(find.one(tx).await?.is_some())
}

/// The incarnations whose leases are to be taken over: those that have ended and still hold some (a claim whose commit
/// was made after all), and those that are dead but not yet ended, which are all others where the database belongs to
/// this process alone (SQLite), else those without a heartbeat for [`DEAD_AFTER`].
pub async fn dead(tx: &Transaction, backend: DbBackend, own: i64, now: Timestamp) -> Result<Vec<i64>> {
    let mut dead = Condition::all().add(Column::StoppedAt.is_null());
    if backend != DbBackend::Sqlite {
        dead = dead.add(Column::HeartbeatAt.lt(now.minus(DEAD_AFTER).as_millis()));
    }
    let holders = Query::select()
        .distinct()
        .column(queue::Column::Lease)
        .from(queue::Entity)
        .and_where(queue::Column::Lease.is_not_null())
        .to_owned();
    let ended = Condition::all()
        .add(Column::StoppedAt.is_not_null())
        .add(Column::Id.in_subquery(holders));
    let mut find = Entity::find()
        .filter(Column::Id.ne(own))
        .filter(Condition::any().add(dead).add(ended));
    if backend == DbBackend::Postgres {
        find = find.lock_with_behavior(
            sea_orm::sea_query::LockType::Update,
            sea_orm::sea_query::LockBehavior::SkipLocked,
        );
    }
    Ok(find.all(tx).await?.into_iter().map(|row| row.id).collect())
}
