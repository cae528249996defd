//! What happened, recorded in the transaction in which it happened: webhooks and the dashboard read from here.

use crate::Domain;
use crate::db::Transaction;
use crate::entities::events;
use crate::error::{Error, Result};
use crate::ids::IdKind;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use sendmux_rules::Timestamp;

/// Something that happened to a message after a provider took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageEvent {
    /// `message.bounced`, …
    pub kind: String,
    /// The details.
    pub data: serde_json::Value,
    /// When it was told.
    pub at: Timestamp,
}

/// What was told of a message, in order.
pub async fn of_message(domain: &Domain, message_id: i64) -> Result<Vec<MessageEvent>> {
    let rows = events::Entity::find()
        .filter(events::Column::MessageId.eq(message_id))
        .order_by_asc(events::Column::Id)
        .all(domain.db.read())
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| MessageEvent {
            data: serde_json::from_str(&row.data).unwrap_or_default(),
            kind: row.kind,
            at: Timestamp::from_millis(row.created_at),
        })
        .collect())
}

/// An event that is about to be recorded.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The team it concerns.
    pub team_id: i64,
    /// Its kind, as webhooks name it: `provider.blocked`.
    pub kind: &'static str,
    /// The message it is about.
    pub message_id: Option<i64>,
    /// The provider it is about.
    pub provider_id: Option<i64>,
    /// The details.
    pub data: serde_json::Value,
}

/// Records an event.
pub async fn record(tx: &Transaction, domain: &Domain, event: NewEvent, now: Timestamp) -> Result<()> {
    let data =
        serde_json::to_string(&event.data).map_err(|error| Error::Internal(format!("event as JSON: {error}")))?;
    events::Entity::insert(events::ActiveModel {
        id: Set(domain.row_ids.next(now)),
        public_id: Set(IdKind::Event.generate()),
        team_id: Set(event.team_id),
        kind: Set(event.kind.to_owned()),
        message_id: Set(event.message_id),
        provider_id: Set(event.provider_id),
        data: Set(data),
        created_at: Set(now.as_millis()),
    })
    .exec_without_returning(tx)
    .await?;
    Ok(())
}
