//! Feedback events of a message, for its page and the API.

use super::{Bounce, NoticeKind};
use crate::Domain;
use crate::column::Json;
use crate::entities::events;
use crate::error::Result;
use crate::events::EventKind;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sendmux_rules::Timestamp;
use serde::{Deserialize, Serialize};

/// A feedback event: a provider's report about a message after it took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedbackEvent {
    /// Its kind.
    pub kind: EventKind,
    /// The details.
    pub data: FeedbackData,
    /// Time of the event by the provider's clock; time of the report, if the provider gives none.
    pub at: Timestamp,
}

/// Details of a feedback event, as they are stored with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FeedbackData {
    /// The recipients concerned.
    pub recipients: Vec<FeedbackRecipient>,
    /// Details by the provider.
    pub detail: Option<String>,
    /// The provider's id of the message.
    pub provider_message_id: String,
    /// Time of the event by the provider's clock.
    pub at: Option<Timestamp>,
    /// Hard or soft, for a bounce.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounce_type: Option<Bounce>,
}

/// A recipient as it was accepted, and the reply of its server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FeedbackRecipient {
    /// The address.
    pub email: String,
    /// Enhanced status code.
    pub status: Option<String>,
    /// Reply of its server.
    pub diagnostic: Option<String>,
}

/// Delivery status of a recipient after the provider took the message. A greater status outweighs a lesser one, in
/// whatever order they arrive: a recipient who complained has got the message, and a bounced message was not delivered
/// after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeliveryStatus {
    /// Not yet accepted by the recipient's server.
    Delayed,
    /// Accepted by the recipient's server.
    Delivered,
    /// Soft bounce: given up for a temporary reason.
    SoftBounced,
    /// Hard bounce.
    Bounced,
    /// Not sent by the provider after all.
    Rejected,
    /// Reported as spam by the recipient.
    Complained,
}

impl DeliveryStatus {
    /// Name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::SoftBounced => "soft_bounced",
            Self::Bounced => "bounced",
            Self::Rejected => "rejected",
            Self::Complained => "complained",
        }
    }
}

impl FeedbackEvent {
    /// Delivery status of its recipients.
    pub fn delivery_status(&self) -> DeliveryStatus {
        match self.kind {
            EventKind::MessageDelivered => DeliveryStatus::Delivered,
            EventKind::MessageBounced if self.data.bounce_type == Some(Bounce::Hard) => DeliveryStatus::Bounced,
            EventKind::MessageBounced => DeliveryStatus::SoftBounced,
            EventKind::MessageRejected => DeliveryStatus::Rejected,
            EventKind::MessageComplained => DeliveryStatus::Complained,
            _ => DeliveryStatus::Delayed,
        }
    }
}

/// Delivery status of a recipient by all of these events; `None` when none concerns it.
pub fn delivery_status_of(events: &[FeedbackEvent], address: &str) -> Option<DeliveryStatus> {
    events
        .iter()
        .filter(|one| one.data.recipients.iter().any(|recipient| recipient.email == address))
        .map(FeedbackEvent::delivery_status)
        .max()
}

/// Feedback events of a message, in the order in which they happened.
pub async fn of_message(domain: &Domain, message_id: i64) -> Result<Vec<FeedbackEvent>> {
    let rows: Vec<(EventKind, Json<FeedbackData>, Timestamp)> = events::Entity::find()
        .filter(events::Column::MessageId.eq(message_id))
        .filter(events::Column::Kind.is_in(NoticeKind::EVENTS))
        .order_by_asc(events::Column::Id)
        .select_only()
        .columns([events::Column::Kind, events::Column::Data, events::Column::CreatedAt])
        .into_tuple()
        .all(domain.db.read())
        .await?;
    let mut feedback: Vec<FeedbackEvent> = rows
        .into_iter()
        .map(|(kind, Json(data), created_at)| FeedbackEvent {
            at: data.at.unwrap_or(created_at),
            kind,
            data,
        })
        .collect();
    feedback.sort_by_key(|one| one.at);
    Ok(feedback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_in_which_things_are_told_does_not_matter() {
        let event = |kind: EventKind, bounce_type: Option<Bounce>| FeedbackEvent {
            kind,
            data: FeedbackData {
                recipients: vec![FeedbackRecipient {
                    email: "a@example.com".to_owned(),
                    ..FeedbackRecipient::default()
                }],
                bounce_type,
                ..FeedbackData::default()
            },
            at: Timestamp::from_millis(0),
        };
        let delayed = event(EventKind::MessageDelayed, None);
        let delivered = event(EventKind::MessageDelivered, None);
        let hard = event(EventKind::MessageBounced, Some(Bounce::Hard));
        let soft = event(EventKind::MessageBounced, Some(Bounce::Soft));
        let complained = event(EventKind::MessageComplained, None);
        for (pair, expected) in [
            ([&delayed, &delivered], DeliveryStatus::Delivered),
            ([&delivered, &hard], DeliveryStatus::Bounced),
            ([&soft, &hard], DeliveryStatus::Bounced),
            ([&delivered, &complained], DeliveryStatus::Complained),
        ] {
            let forwards = pair.map(FeedbackEvent::clone);
            let mut backwards = forwards.clone();
            backwards.reverse();
            for events in [forwards, backwards] {
                assert_eq!(delivery_status_of(&events, "a@example.com"), Some(expected));
                assert_eq!(delivery_status_of(&events, "b@example.com"), None);
            }
        }
    }
}
