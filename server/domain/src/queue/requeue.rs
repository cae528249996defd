//! Requeueing: waiting messages are made due early, because their wait is over or can no longer end.
//!
//! There may be a million of them. So a change of the configuration only marks the lanes, in its own transaction; the
//! engine requeues the messages of marked lanes page by page and records when it is done. A requeue mark is a time that
//! only grows, so it also shows if a pool was read before the last change.

use super::HELD_BACK;
use crate::batch::in_list;
use crate::db::{Db, Transaction};
use crate::entities::lanes;
use crate::entities::queue::{Column, Entity};
use crate::error::Result;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, LockBehavior, LockType};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use sendmux_rules::{Timestamp, WaitReason};
use std::collections::BTreeMap;

/// Position of requeueing within a lane: the last examined message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueCursor {
    due_at: Timestamp,
    message_id: i64,
}

/// Marks a team's lanes for requeueing: messages that wait for a provider to open are tried at once, because one was
/// opened by hand, or is gone. Messages that wait for their next round keep waiting.
///
/// Must be the last lock that a transaction takes.
pub async fn mark_for_requeue(tx: &Transaction, team_id: i64, now: Timestamp) -> Result<()> {
    mark(tx, lanes::Column::TeamId.eq(team_id).into(), now).await
}

/// [`mark_for_requeue`] for all teams, after the account of the managed route was opened by hand.
pub async fn mark_all_for_requeue(tx: &Transaction, now: Timestamp) -> Result<()> {
    mark(tx, Condition::all(), now).await
}

async fn mark(tx: &Transaction, which: Condition, now: Timestamp) -> Result<()> {
    use lanes::Column::{Id, RequeueMark};
    // A second change within a millisecond is another change.
    let mark = CaseStatement::new()
        .case(Expr::col(RequeueMark).gte(now), Expr::col(RequeueMark).add(1))
        .finally(now);
    let mut update = lanes::Entity::update_many().col_expr(RequeueMark, mark.into());
    update = match tx.get_database_backend() {
        // In order of ids, so that two transactions that mark the same lanes do not deadlock.
        DbBackend::Postgres => update.filter(
            Id.in_subquery(
                lanes::Entity::find()
                    .select_only()
                    .column(Id)
                    .filter(which)
                    .order_by_asc(Id)
                    .lock(LockType::NoKeyUpdate)
                    .into_query(),
            ),
        ),
        _ => update.filter(which),
    };
    update.exec(tx).await?;
    Ok(())
}

/// True if these lanes still have these requeue marks, so that decisions made with pools read at that time follow the
/// current configuration. In PostgreSQL the marks stay locked until the transaction ends; no other lock may be taken
/// after this.
pub async fn requeue_marks_hold(
    tx: &Transaction,
    backend: DbBackend,
    marks: &BTreeMap<i64, Timestamp>,
) -> Result<bool> {
    let mut find = lanes::Entity::find()
        .select_only()
        .columns([lanes::Column::Id, lanes::Column::RequeueMark])
        .filter(lanes::Column::Id.is_in(in_list(marks.keys().copied())))
        .order_by_asc(lanes::Column::Id);
    if backend == DbBackend::Postgres {
        find = find.lock(LockType::Share);
    }
    let rows: Vec<(i64, Timestamp)> = find.into_tuple().all(tx).await?;
    let holds = |(lane_id, mark): &(i64, Timestamp)| marks.get(lane_id) == Some(mark);
    Ok(rows.len() == marks.len() && rows.iter().all(holds))
}

/// Requeues one page of a marked lane: examines up to `limit` messages that are not due at `now`, by due time and after
/// the cursor, and makes those due that wait for a provider to open. Returns the cursor of the next page; `None` when
/// there are no more. Rows locked by another node are skipped.
pub async fn requeue_page(
    tx: &Transaction,
    backend: DbBackend,
    lane_id: i64,
    after: Option<QueueCursor>,
    now: Timestamp,
    limit: u64,
) -> Result<Option<QueueCursor>> {
    let mut find = Entity::find()
        .select_only()
        .columns([Column::MessageId, Column::DueAt, Column::WaitReason])
        .filter(Column::LaneId.eq(lane_id))
        .filter(Column::Lease.is_null())
        .filter(Column::DueAt.gt(now));
    if let Some(cursor) = after {
        let behind = Condition::any()
            .add(Column::DueAt.gt(cursor.due_at))
            .add(Column::MessageId.gt(cursor.message_id));
        find = find.filter(Column::DueAt.gte(cursor.due_at)).filter(behind);
    }
    find = find
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::MessageId)
        .limit(limit);
    if backend == DbBackend::Postgres {
        find = find.lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked);
    }
    let rows: Vec<(i64, Timestamp, Option<WaitReason>)> = find.into_tuple().all(tx).await?;
    let last = rows.last().map(|(message_id, due_at, _)| QueueCursor {
        due_at: *due_at,
        message_id: *message_id,
    });
    let all_seen = (rows.len() as u64) < limit;
    let ids = rows
        .into_iter()
        .filter(|(_, _, reason)| reason.is_some_and(|reason| HELD_BACK.contains(&reason)))
        .map(|(message_id, ..)| message_id)
        .collect();
    requeue_messages(tx, ids, now).await?;
    Ok(last.filter(|_| !all_seen))
}

/// Records that the messages of these lanes were requeued up to these marks.
pub async fn note_requeued(db: &Db, done: &BTreeMap<i64, Timestamp>) -> Result<()> {
    if done.is_empty() {
        return Ok(());
    }
    let tx = db.begin().await?;
    // In the order in which they are marked.
    for (lane_id, mark) in done {
        lanes::Entity::update_many()
            .col_expr(lanes::Column::RequeuedMark, Expr::value(*mark))
            .filter(lanes::Column::Id.eq(*lane_id))
            .filter(lanes::Column::RequeuedMark.lt(*mark))
            .exec(&tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Requeues these messages: they become due at `now`, whatever their wait reason.
pub async fn requeue_messages(tx: &Transaction, message_ids: Vec<i64>, now: Timestamp) -> Result<()> {
    if message_ids.is_empty() {
        return Ok(());
    }
    Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(now))
        .filter(Column::MessageId.is_in(in_list(message_ids)))
        .filter(Column::Lease.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Scope;
    use crate::routing::tests::{key, relay, submit};
    use crate::testing::{START, TestDomain, databases};
    use std::collections::BTreeSet;
    use std::time::Duration;

    const HOUR: Duration = Duration::from_secs(3_600);

    async fn waits(test: &TestDomain, id: i64, reason: Option<WaitReason>, due_at: Timestamp) {
        let tx = test.db.begin().await.unwrap();
        Entity::update_many()
            .col_expr(Column::DueAt, Expr::value(due_at))
            .col_expr(Column::WaitReason, Expr::value(reason))
            .filter(Column::MessageId.eq(id))
            .exec(&tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    async fn due_now(test: &TestDomain) -> BTreeSet<i64> {
        let due: Vec<i64> = Entity::find()
            .select_only()
            .column(Column::MessageId)
            .filter(Column::DueAt.lte(START))
            .into_tuple()
            .all(test.db.read())
            .await
            .unwrap();
        due.into_iter().collect()
    }

    /// Accepts this many messages for one lane; returns the lane, its team and the messages' ids, in order.
    async fn accepted(test: &TestDomain, count: usize) -> (i64, i64, Vec<i64>) {
        let session = test.owner("Acme").await;
        relay(test, &session, "relay").await;
        let secret = key(test, &session, "all", Scope::All).await.secret;
        for _ in 0..count {
            submit(test, &secret).await.unwrap();
        }
        let rows = Entity::find()
            .order_by_asc(Column::MessageId)
            .all(test.db.read())
            .await
            .unwrap();
        let ids = rows.iter().map(|row| row.message_id).collect();
        (session.team.id, rows[0].lane_id, ids)
    }

    async fn mark_of(test: &TestDomain, lane_id: i64) -> Option<Timestamp> {
        test.routes.forget(lane_id);
        test.routes.pool(test, lane_id).await.unwrap().marked_at()
    }

    #[tokio::test]
    async fn a_marked_lane_is_made_due_page_by_page_each_message_once() {
        for test in databases().await {
            let (_, lane_id, ids) = accepted(&test, 9).await;
            let later = START.plus(HOUR);
            // Many open at the same time, like those that wait for one window.
            for id in &ids[..5] {
                waits(&test, *id, Some(WaitReason::Cap), later).await;
            }
            waits(&test, ids[5], Some(WaitReason::Blocked), later.plus(HOUR)).await;
            waits(&test, ids[6], Some(WaitReason::Retry), later).await;
            waits(&test, ids[7], None, later).await;
            assert_eq!(due_now(&test).await, BTreeSet::from([ids[8]]));

            let backend = test.db.backend();
            let mut cursor = None;
            let mut pages = 0;
            loop {
                let tx = test.db.begin().await.unwrap();
                cursor = requeue_page(&tx, backend, lane_id, cursor, START, 3).await.unwrap();
                tx.commit().await.unwrap();
                pages += 1;
                assert!(due_now(&test).await.len() <= 1 + 3 * pages);
                let Some(QueueCursor { message_id, .. }) = cursor else {
                    break;
                };
                // It is tried and must keep waiting: it is not requeued again.
                waits(&test, message_id, Some(WaitReason::Cap), later).await;
            }
            assert_eq!(pages, 3);
            let waiting_on = BTreeSet::from([ids[2], ids[6], ids[7]]);
            let due = ids.iter().copied().filter(|id| !waiting_on.contains(id)).collect();
            assert_eq!(due_now(&test).await, due);
        }
    }

    #[tokio::test]
    async fn marks_are_kept_until_what_they_ask_for_is_done_and_tell_changes_apart() {
        for test in databases().await {
            let (team_id, lane_id, _) = accepted(&test, 1).await;
            let backend = test.db.backend();
            let mark = async || {
                let tx = test.db.begin().await.unwrap();
                mark_for_requeue(&tx, team_id, START).await.unwrap();
                tx.commit().await.unwrap();
                mark_of(&test, lane_id).await.unwrap()
            };
            let first = mark().await;
            let second = mark().await;
            assert!(second > first, "even within one millisecond");
            let holds = async |mark| {
                let tx = test.db.begin().await.unwrap();
                requeue_marks_hold(&tx, backend, &BTreeMap::from([(lane_id, mark)]))
                    .await
                    .unwrap()
            };
            assert_eq!((holds(first).await, holds(second).await), (false, true));

            let done = async |mark| {
                note_requeued(&test.db, &BTreeMap::from([(lane_id, mark)]))
                    .await
                    .unwrap();
                mark_of(&test, lane_id).await
            };
            assert_eq!(done(first).await, Some(second));
            assert_eq!(done(second).await, None);
            assert_eq!(done(first).await, None, "a slow node takes nothing back");
            assert!(holds(second).await);
        }
    }
}
