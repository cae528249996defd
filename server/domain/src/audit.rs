//! The audit log of changes and sign-ins. An entry is written in the transaction of its change.

pub mod list;

use crate::actor::Actor;
use crate::column::Json;
use crate::db::Transaction;
use crate::entities::audit_log::{ActiveModel, Entity};
use crate::error::Result;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::EntityTrait;
use sendmux_rules::Timestamp;
use std::sync::Arc;

tokio::task_local! {
    /// Id of the request that the running task answers.
    static REQUEST: Arc<str>;
}

/// Runs `work`, which answers the request with this id (`req_…`): the entries that it makes carry the id. It does not
/// reach tasks that `work` spawns.
pub async fn in_request<F: Future>(id: Arc<str>, work: F) -> F::Output {
    REQUEST.scope(id, work).await
}

/// Records that `actor` did `action` (`provider.updated`) to `target` (a public id). `detail` describes the change, and
/// never contains a secret.
pub async fn record(
    tx: &Transaction,
    now: Timestamp,
    actor: &Actor,
    action: &'static str,
    target: &str,
    detail: serde_json::Value,
) -> Result<()> {
    let entry = ActiveModel {
        id: NotSet,
        team_id: Set(Some(actor.team_id)),
        user_id: Set(actor.user_id),
        actor: Set(actor.label.clone()),
        action: Set(action.to_owned()),
        target: Set(target.to_owned()),
        detail: Set(Json(detail)),
        remote_address: Set(actor.remote.map(|remote| remote.to_canonical().to_string())),
        request_id: Set(REQUEST.try_with(|id| id.to_string()).ok()),
        created_at: Set(now),
    };
    Entity::insert(entry).exec_without_returning(tx).await?;
    Ok(())
}
