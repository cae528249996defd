//! Notices that arrived before their message's attempt was written.
//!
//! SES may report a delivery while its attempt is still being settled here, or while another node takes over the work
//! of a dead one. SNS could be asked to retry, but by default it does so three times within a minute and then never
//! again (Amazon SNS Developer Guide, "Set the delivery policy for the subscription"). So such a notice is stored,
//! answered, and retried until its message is known. A notice about another system's mail (SES publishes those of a
//! whole account) is dropped in the end.

use super::record::{Found, Lock, find, tell};
use super::{Endpoint, Notice, Recorded};
use crate::Domain;
use crate::db::Transaction;
use crate::entities::notification_endpoints;
use crate::entities::parked_notices::{ActiveModel, Column, Entity, Model};
use crate::error::{Error, Result};
use crate::system_mail;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sendmux_rules::Timestamp;
use std::time::Duration;

/// Time for which a notice is kept. An attempt is written within moments, that of a dead node within a minute.
const KEPT: Duration = Duration::from_secs(15 * 60);
/// Delay of the first retry.
const FIRST: Duration = Duration::from_secs(5);
/// Factor of each delay over the notice's age, so that notices of other systems cost little.
const GROWTH: u32 = 3;
/// Notices retried in one batch.
const BATCH: u64 = 100;

/// Stores a notice in the transaction in which it arrived.
pub(super) async fn park(
    tx: &Transaction,
    domain: &Domain,
    endpoint: &Endpoint,
    notice: &Notice,
    now: Timestamp,
) -> Result<()> {
    let notice =
        serde_json::to_string(notice).map_err(|error| Error::Internal(format!("a notice as JSON: {error}")))?;
    Entity::insert(ActiveModel {
        id: Set(domain.row_ids.next(now)),
        endpoint_id: Set(endpoint.id),
        notice: Set(notice),
        received_at: Set(now),
        due_at: Set(now.plus(FIRST)),
    })
    .exec_without_returning(tx)
    .await?;
    Ok(())
}

/// Records the parked notices whose messages are known by now, and returns their number. To be called every few
/// seconds, on any number of nodes.
pub async fn take_up_parked(domain: &Domain) -> Result<u64> {
    let mut taken_up = 0;
    loop {
        let now = domain.clock.now();
        let due = Entity::find()
            .filter(Column::DueAt.lte(now))
            .order_by_asc(Column::DueAt)
            .limit(BATCH)
            .all(domain.db.read())
            .await?;
        if due.is_empty() {
            return Ok(taken_up);
        }
        let mut again = Vec::new();
        let mut expired = Vec::new();
        for row in due {
            match retry(domain, &row, now).await? {
                Retried::TakenUp => taken_up += 1,
                Retried::NotYet if now.since(row.received_at) < KEPT => again.push(row),
                Retried::NotYet | Retried::Never => expired.push(row),
            }
        }
        put_back(domain, &again, &expired, now).await?;
    }
}

/// Result of retrying a parked notice.
enum Retried {
    /// It is now an event, recorded by this node or another.
    TakenUp,
    /// Its message is not known yet.
    NotYet,
    /// Its message will never be known.
    Never,
}

async fn retry(domain: &Domain, row: &Model, now: Timestamp) -> Result<Retried> {
    let endpoint = notification_endpoints::Entity::find_by_id(row.endpoint_id)
        .one(domain.db.read())
        .await?
        .map(Endpoint::from);
    let notice: Option<Notice> = serde_json::from_str(&row.notice)
        .inspect_err(|error| tracing::error!(%error, id = row.id, "a parked notice cannot be read"))
        .ok();
    let (Some(endpoint), Some(notice)) = (endpoint, notice) else {
        return Ok(Retried::Never);
    };
    match find(domain.db.read(), domain, &endpoint, &notice, Lock::None).await? {
        Found::Sent(_) => {}
        Found::NotYet => return Ok(Retried::NotYet),
        Found::Foreign => return Ok(Retried::Never),
    }
    system_mail::prepare(domain).await?;
    let tx = domain.db.begin().await?;
    // Deleting the row decides which node records the notice.
    let deleted = Entity::delete_by_id(row.id).exec(&tx).await?;
    if deleted.rows_affected == 1
        && let Found::Sent(sent) = find(&tx, domain, &endpoint, &notice, Lock::Route).await?
    {
        let recorded = tell(tx, domain, &endpoint, &notice, *sent, now).await?;
        domain.metrics.notice(recorded);
    } else {
        tx.rollback().await?;
    }
    Ok(Retried::TakenUp)
}

/// Postpones the notices whose messages are not known yet, and deletes expired ones.
async fn put_back(domain: &Domain, again: &[Model], expired: &[Model], now: Timestamp) -> Result<()> {
    if again.is_empty() && expired.is_empty() {
        return Ok(());
    }
    let tx = domain.db.begin().await?;
    for row in again {
        let waited = now.since(row.received_at);
        let due_at = now.plus((waited * GROWTH).max(FIRST));
        Entity::update_many()
            .col_expr(Column::DueAt, Expr::value(due_at))
            .filter(Column::Id.eq(row.id))
            .exec(&tx)
            .await?;
    }
    let forgotten = Entity::delete_many()
        .filter(Column::Id.is_in(expired.iter().map(|row| row.id)))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    for _ in 0..forgotten.rows_affected {
        domain.metrics.notice(Recorded::UnknownMessage);
    }
    if forgotten.rows_affected > 0 {
        tracing::debug!(
            notices = forgotten.rows_affected,
            "forgot notices about messages that were not sent from here"
        );
    }
    Ok(())
}
