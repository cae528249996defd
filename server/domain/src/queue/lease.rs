//! Finding due messages, and leasing them.

use super::{HELD_BACK, Row, StoredProgress};
use crate::batch::in_list;
use crate::column::Json;
use crate::db::{Db, Transaction};
use crate::entities::messages;
use crate::entities::queue::{Column, Entity};
use crate::error::Result;
use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
};
use sendmux_rules::caps::Charge;
use sendmux_rules::{Mode, Timestamp};
use std::collections::{BTreeMap, HashMap};

/// Next due time of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneDue {
    /// The lane.
    pub lane_id: i64,
    /// Its team.
    pub team_id: i64,
    /// Due time of its earliest unleased message.
    pub due_at: Timestamp,
    /// True if its messages are marked for requeueing.
    pub marked: bool,
}

/// All lanes with unleased messages. One index seek a lane, however many messages wait.
pub async fn lanes_due(db: &Db) -> Result<Vec<LaneDue>> {
    let sql = "SELECT id, team_id, due_at, marked FROM (\
                 SELECT id, team_id, hasten_at > hastened_at AS marked, \
                        (SELECT MIN(due_at) FROM queue WHERE lane_id = lanes.id AND lease IS NULL) AS due_at \
                 FROM lanes) AS heads \
               WHERE due_at IS NOT NULL";
    let rows = db
        .read()
        .query_all_raw(Statement::from_string(db.backend(), sql))
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(LaneDue {
                lane_id: row.try_get("", "id")?,
                team_id: row.try_get("", "team_id")?,
                due_at: row.try_get("", "due_at")?,
                marked: row.try_get("", "marked")?,
            })
        })
        .collect()
}

/// Due time of the earliest unleased message of a lane that is not due at `now`, if there is one.
pub async fn next_due_after(tx: &Transaction, lane_id: i64, now: Timestamp) -> Result<Option<Timestamp>> {
    Ok(Entity::find()
        .select_only()
        .column(Column::DueAt)
        .filter(Column::LaneId.eq(lane_id))
        .filter(Column::Lease.is_null())
        .filter(Column::DueAt.gt(now))
        .order_by_asc(Column::DueAt)
        .limit(1)
        .into_tuple()
        .one(tx)
        .await?)
}

/// The first `limit` due messages of a lane, the longest due first. In PostgreSQL they are locked, and rows locked by
/// another node are skipped.
pub async fn ready(tx: &Transaction, backend: DbBackend, lane_id: i64, now: Timestamp, limit: u64) -> Result<Vec<Row>> {
    let mut find = Entity::find()
        .filter(Column::LaneId.eq(lane_id))
        .filter(Column::Lease.is_null())
        .filter(Column::DueAt.lte(now))
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::MessageId)
        .limit(limit);
    if backend == DbBackend::Postgres {
        find = find.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    Ok(find.all(tx).await?)
}

/// Waiting messages of a team from senders of this domain, except those that wait for their next round or their
/// scheduled time: at most `limit`, in order of their ids, after this one. Each with its lane.
pub async fn of_sender(
    db: &Db,
    team_id: i64,
    sender_domain: &str,
    now: Timestamp,
    after: i64,
    limit: u64,
) -> Result<Vec<(i64, i64)>> {
    let in_this_round = Condition::any()
        .add(Column::DueAt.lte(now))
        .add(Column::WaitReason.is_in(HELD_BACK));
    Ok(Entity::find()
        .select_only()
        .columns([Column::MessageId, Column::LaneId])
        .filter(Column::TeamId.eq(team_id))
        .filter(Column::SenderDomain.eq(sender_domain))
        .filter(Column::Lease.is_null())
        .filter(Column::MessageId.gt(after))
        .filter(in_this_round)
        .order_by_asc(Column::MessageId)
        .limit(limit)
        .into_tuple()
        .all(db.read())
        .await?)
}

/// Up to `limit` messages of a team that wait, each for itself, until a provider opens.
pub async fn held_back(tx: &Transaction, team_id: i64, now: Timestamp, limit: u64) -> Result<Vec<Row>> {
    Ok(Entity::find()
        .filter(Column::TeamId.eq(team_id))
        .filter(Column::WaitReason.is_in(HELD_BACK))
        .filter(Column::Lease.is_null())
        .filter(Column::DueAt.gt(now))
        .limit(limit)
        .all(tx)
        .await?)
}

/// Those of these messages that still wait. In PostgreSQL they are locked, and rows locked by another node are skipped.
pub async fn waiting(tx: &Transaction, backend: DbBackend, message_ids: &[i64]) -> Result<Vec<Row>> {
    let mut find = Entity::find()
        .filter(Column::MessageId.is_in(in_list(message_ids.iter().copied())))
        .filter(Column::Lease.is_null())
        .order_by_asc(Column::MessageId);
    if backend == DbBackend::Postgres {
        find = find.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    Ok(find.all(tx).await?)
}

/// A message that is about to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The message.
    pub message_id: i64,
    /// The selected provider.
    pub provider_id: i64,
    /// The charge for it, for a refund.
    pub charge: Option<Charge>,
    /// The round that begins with this attempt, and the progress to be written.
    pub round: Option<(i32, StoredProgress)>,
}

/// Leases messages to an incarnation. From the commit on they count as started: if the node dies, nobody can know
/// whether they were sent.
///
/// `claim_id` distinguishes this claim from all others of the incarnation.
pub async fn lease(tx: &Transaction, incarnation: i64, claim_id: i64, now: Timestamp, starts: &[Start]) -> Result<()> {
    // Messages with the same provider and charge (nearly always none) share a statement.
    let mut groups: BTreeMap<(i64, Option<&Charge>), Vec<i64>> = BTreeMap::new();
    for start in starts {
        groups
            .entry((start.provider_id, start.charge.as_ref()))
            .or_default()
            .push(start.message_id);
    }
    for ((provider_id, charge), message_ids) in groups {
        Entity::update_many()
            .col_expr(Column::Lease, Expr::value(incarnation))
            .col_expr(Column::ClaimId, Expr::value(claim_id))
            .col_expr(Column::ProviderId, Expr::value(provider_id))
            .col_expr(Column::StartedAt, Expr::value(now))
            .col_expr(Column::Charge, Expr::value(charge.cloned().map(Json)))
            .filter(Column::MessageId.is_in(in_list(message_ids)))
            .exec(tx)
            .await?;
    }
    for start in starts {
        let Some((round, progress)) = &start.round else {
            continue;
        };
        Entity::update_many()
            .col_expr(Column::Round, Expr::value(*round))
            .col_expr(Column::Progress, Expr::value(progress.clone()))
            .filter(Column::MessageId.eq(start.message_id))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// Messages leased by these incarnations, at most `limit`, in order of their ids.
pub async fn leased_by(tx: &Transaction, incarnations: &[i64], limit: u64) -> Result<Vec<Row>> {
    Ok(Entity::find()
        .filter(Column::Lease.is_in(incarnations.iter().copied()))
        .order_by_asc(Column::MessageId)
        .limit(limit)
        .all(tx)
        .await?)
}

/// These messages, after any write in progress is committed or rolled back. In PostgreSQL they are locked, whoever
/// holds their lease.
pub async fn locked(tx: &Transaction, backend: DbBackend, message_ids: &[i64]) -> Result<Vec<Row>> {
    // By id alone: a condition on a column that is being changed would skip a row without waiting for it.
    let mut find = Entity::find()
        .filter(Column::MessageId.is_in(in_list(message_ids.iter().copied())))
        .order_by_asc(Column::MessageId);
    if backend == DbBackend::Postgres {
        find = find.lock_exclusive();
    }
    Ok(find.all(tx).await?)
}

/// Transfers leases to another incarnation, which may then settle them.
pub async fn transfer(tx: &Transaction, message_ids: &[i64], incarnation: i64) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::Lease, Expr::value(incarnation))
        .filter(Column::MessageId.is_in(in_list(message_ids.iter().copied())))
        .exec(tx)
        .await?;
    Ok(())
}

/// Modes of these messages.
pub async fn modes(tx: &Transaction, message_ids: &[i64]) -> Result<HashMap<i64, Mode>> {
    let rows: Vec<(i64, Mode)> = messages::Entity::find()
        .select_only()
        .column(messages::Column::Id)
        .column(messages::Column::Mode)
        .filter(messages::Column::Id.is_in(in_list(message_ids.iter().copied())))
        .into_tuple()
        .all(tx)
        .await?;
    Ok(rows.into_iter().collect())
}
