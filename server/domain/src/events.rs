//! Events, recorded in the transaction of what happened, and read by webhooks and the dashboard.

use crate::Domain;
use crate::batch::insert;
use crate::column::Json;
use crate::db::Transaction;
use crate::entities::events;
use crate::error::Result;
use crate::ids::IdKind;
use sea_orm::ActiveValue::Set;
use sendmux_rules::{Timestamp, named_enum};

named_enum! {
    /// Kind of an event, as webhooks name it.
    pub enum EventKind {
        /// A provider was pulled from rotation.
        ProviderBlocked = "provider.blocked",
        /// It is back.
        ProviderRecovered = "provider.recovered",
        /// A message came back.
        MessageBounced = "message.bounced",
        /// A recipient called it spam.
        MessageComplained = "message.complained",
        /// The recipient's server took it.
        MessageDelivered = "message.delivered",
        /// The provider took it and then did not send it.
        MessageRejected = "message.rejected",
        /// The recipient's server does not take it yet.
        MessageDelayed = "message.delivery_delayed",
    }
}

/// An event to be recorded.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The team it concerns.
    pub team_id: i64,
    /// Kind, in the words of webhooks: `provider.blocked`.
    pub kind: EventKind,
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
    let rows = events.into_iter().map(|event| row(domain, event, now)).collect();
    insert::<events::Entity, _>(tx, rows).await
}

fn row(domain: &Domain, event: NewEvent, now: Timestamp) -> events::ActiveModel {
    events::ActiveModel {
        id: Set(domain.row_ids.next(now)),
        public_id: Set(IdKind::Event.generate()),
        team_id: Set(event.team_id),
        kind: Set(event.kind),
        message_id: Set(event.message_id),
        provider_id: Set(event.provider_id),
        data: Set(Json(event.data)),
        created_at: Set(now),
    }
}
