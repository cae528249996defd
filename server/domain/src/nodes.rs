//! Incarnations: one start of one node. Leases name the incarnation that holds them, so that leases of a dead one can
//! be told from work in progress.

use crate::clock::Clock;
use crate::db::{Db, Transaction};
use crate::entities::nodes::{ActiveModel, Column, Entity};
use crate::entities::queue;
use crate::error::Result;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition, DbBackend, EntityTrait, QueryFilter, QuerySelect};
use sendmux_rules::Timestamp;
use std::time::Duration;

/// Interval of heartbeats.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(3);
/// Time without a heartbeat after which a node is dead: its leases are taken over and its settlements refused.
pub const DEAD_AFTER: Duration = Duration::from_secs(20);

/// Time by which liveness is judged. Where several machines share a database it is the database server's, taken by the
/// statement itself: a node with a wrong clock is neither considered dead nor considers others dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// The PostgreSQL server's.
    Server,
    /// This one: for a process that has its database for itself, or for a test.
    At(Timestamp),
}

impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Self {
        Self::At(at)
    }
}

impl Time {
    /// The time to judge by, with this clock and on this database.
    pub fn of(clock: &dyn Clock, backend: DbBackend) -> Self {
        if backend == DbBackend::Postgres && clock.is_a_machines() {
            Self::Server
        } else {
            Self::At(clock.now())
        }
    }

    fn millis(self) -> Expr {
        match self {
            Self::Server => Expr::cust("CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"),
            Self::At(at) => Expr::value(at),
        }
    }
}

/// Registers a start of this node and returns its incarnation number.
pub async fn register(db: &Db, name: &str, time: impl Into<Time>) -> Result<i64> {
    let time = time.into();
    let tx = db.begin().await?;
    let row = ActiveModel {
        id: NotSet,
        name: Set(name.to_owned()),
        started_at: Set(Timestamp::default()),
        heartbeat_at: Set(Timestamp::default()),
        stopped_at: Set(None),
    };
    let id = Entity::insert(row).exec(&tx).await?.last_insert_id;
    Entity::update_many()
        .col_expr(Column::StartedAt, time.millis())
        .col_expr(Column::HeartbeatAt, time.millis())
        .filter(Column::Id.eq(id))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(id)
}

/// Registers a node again that was declared dead although it lives.
pub async fn register_again(db: &Db, dead: i64, time: impl Into<Time>) -> Result<i64> {
    let before = Entity::find_by_id(dead).one(db.read()).await?;
    register(db, before.as_ref().map_or("", |row| &row.name), time).await
}

/// Records a heartbeat. Returns false if others have declared this incarnation dead and taken over its leases.
pub async fn heartbeat(db: &Db, incarnation: i64, time: impl Into<Time>) -> Result<bool> {
    let tx = db.begin().await?;
    let updated = Entity::update_many()
        .col_expr(Column::HeartbeatAt, time.into().millis())
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
        .col_expr(Column::StoppedAt, Expr::value(now))
        .filter(Column::Id.is_in(incarnations.iter().copied()))
        .filter(Column::StoppedAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// True if this incarnation may still settle its leases, that is, has not been declared dead. In PostgreSQL the row is
/// locked in share mode, so that nobody can declare it dead before the transaction ends.
pub async fn is_alive(tx: &Transaction, backend: DbBackend, incarnation: i64) -> Result<bool> {
    let mut find = Entity::find_by_id(incarnation).filter(Column::StoppedAt.is_null());
    if backend == DbBackend::Postgres {
        find = find.lock_shared();
    }
    Ok(find.one(tx).await?.is_some())
}

/// Incarnations whose leases are to be taken over: ended ones that still hold some (a claim whose commit was made after
/// all), and dead ones that have not ended. On SQLite, where the database belongs to this process alone, all others are
/// dead; elsewhere those without a heartbeat for [`DEAD_AFTER`].
pub async fn dead(tx: &Transaction, backend: DbBackend, own: i64, time: impl Into<Time>) -> Result<Vec<i64>> {
    let mut dead = Condition::all().add(Column::StoppedAt.is_null());
    if backend != DbBackend::Sqlite {
        let silence = i64::try_from(DEAD_AFTER.as_millis()).unwrap_or(i64::MAX);
        dead = dead.add(Expr::col(Column::HeartbeatAt).lt(time.into().millis().sub(silence)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::testing::{START, databases};

    async fn silent(db: &Db, own: i64, time: Time) -> Vec<i64> {
        let tx = db.begin().await.unwrap();
        dead(&tx, db.backend(), own, time).await.unwrap()
    }

    #[tokio::test]
    async fn the_silent_are_dead_by_the_one_clock_that_all_share() {
        for test in databases().await {
            let db = &test.db;
            let own = register(db, "own", START).await.unwrap();
            let other = register(db, "other", START).await.unwrap();
            let late = START.plus(DEAD_AFTER + Duration::from_millis(1));
            if db.backend() == DbBackend::Sqlite {
                assert_eq!(silent(db, own, START.into()).await, [other], "nobody else can be there");
                continue;
            }
            assert!(silent(db, own, START.plus(DEAD_AFTER).into()).await.is_empty());
            assert_eq!(silent(db, own, late.into()).await, [other]);
            assert!(heartbeat(db, other, late).await.unwrap());
            assert!(silent(db, own, late.into()).await.is_empty());
        }
    }

    /// Two clocks that are days apart and both wrong do not matter.
    #[tokio::test]
    async fn a_node_whose_clock_is_wrong_neither_dies_nor_kills() {
        for test in databases()
            .await
            .into_iter()
            .filter(|test| test.db.backend() == DbBackend::Postgres)
        {
            let db = &test.db;
            let (fast, slow) = (SystemClock::default(), SystemClock::default());
            fast.set_offset(5 * 86_400_000);
            slow.set_offset(-5 * 86_400_000);
            let [fast, slow] = [&fast, &slow].map(|clock| Time::of(clock, db.backend()));
            let one = register(db, "one", fast).await.unwrap();
            let two = register(db, "two", slow).await.unwrap();
            for (own, time) in [(one, fast), (two, slow)] {
                assert!(heartbeat(db, own, time).await.unwrap());
                assert!(silent(db, own, time).await.is_empty());
            }
        }
    }
}
