//! Events, recorded in the transaction of what happened, and read by webhooks and the dashboard.

use crate::Domain;
use crate::batch::insert;
use crate::db::Transaction;
use crate::entities::events;
use crate::error::{Error, Result};
use crate::ids::IdKind;
use sea_orm::ActiveValue::Set;
use sendmux_rules::Timestamp;

/// An event to be recorded.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The team it concerns.
    pub team_id: i64,
    /// Kind, in the words of webhooks: `provider.blocked`.
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
    record_all(tx, domain, vec![event], now).await
}

/// Records events.
pub async fn record_all(tx: &Transaction, domain: &Domain, events: Vec<NewEvent>, now: Timestamp) -> Result<()> {
    let rows: Result<Vec<_>> = events.into_iter().map(|event| row(domain, event, now)).collect();
    insert::<events::Entity, _>(tx, rows?).await
}

fn row(domain: &Domain, event: NewEvent, now: Timestamp) -> Result<events::ActiveModel> {
    let data =
        serde_json::to_string(&event.data).map_err(|error| Error::Internal(format!("event as JSON: {error}")))?;
    Ok(events::ActiveModel {
        id: Set(domain.row_ids.next(now)),
        public_id: Set(IdKind::Event.generate()),
        team_id: Set(event.team_id),
        kind: Set(event.kind.to_owned()),
        message_id: Set(event.message_id),
        provider_id: Set(event.provider_id),
        data: Set(data),
        created_at: Set(now.as_millis()),
    })
}
