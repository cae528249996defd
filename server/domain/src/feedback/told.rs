//! What was told of a message, for its page and the API.

use super::{Bounce, NoticeKind};
use crate::Domain;
use crate::entities::events;
use crate::error::Result;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use sendmux_rules::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that the provider told of a message after it took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// `message.bounced`, …
    pub kind: String,
    /// The details.
    pub data: ToldData,
    /// When it happened, by the provider's clock; when it was told, where the provider does not say.
    pub at: Timestamp,
}

/// The details of what was told, as they are stored with the event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToldData {
    /// The recipients that it is about.
    pub recipients: Vec<ToldRecipient>,
    /// What the provider says of it.
    pub detail: Option<String>,
    /// The provider's id of the message.
    pub provider_message_id: String,
    /// When it happened, by the provider's clock.
    pub at: Option<Timestamp>,
    /// Of a bounce, whether it is for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounce_type: Option<Bounce>,
}

/// A recipient of the message, as it was accepted, and what its server answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToldRecipient {
    /// The address.
    pub email: String,
    /// Enhanced status code.
    pub status: Option<String>,
    /// What its server answered.
    pub diagnostic: Option<String>,
}

/// What became of a recipient after the provider took the message. A later word outweighs an earlier one in this order,
/// in whatever order they came: who complained has got the message, and what bounced was not delivered after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Its server does not take it yet.
    Delayed,
    /// Its server took it.
    Delivered,
    /// It came back for a passing reason, and was given up.
    SoftBounced,
    /// It came back for good.
    Bounced,
    /// The provider did not send it after all.
    Rejected,
    /// The recipient called it spam.
    Complained,
}

impl Standing {
    /// The word of the API.
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

impl Told {
    /// Where this leaves the recipients that it is about.
    pub fn standing(&self) -> Standing {
        match self.kind.as_str() {
            NoticeKind::DELIVERED => Standing::Delivered,
            NoticeKind::BOUNCED if self.data.bounce_type == Some(Bounce::Hard) => Standing::Bounced,
            NoticeKind::BOUNCED => Standing::SoftBounced,
            NoticeKind::REJECTED => Standing::Rejected,
            NoticeKind::COMPLAINED => Standing::Complained,
            _ => Standing::Delayed,
        }
    }
}

/// Where a recipient stands after all that was told; none when nothing was.
pub fn standing_of(told: &[Told], address: &str) -> Option<Standing> {
    told.iter()
        .filter(|one| one.data.recipients.iter().any(|recipient| recipient.email == address))
        .map(Told::standing)
        .max()
}

/// What was told of a message, in the order in which it happened.
pub async fn of_message(domain: &Domain, message_id: i64) -> Result<Vec<Told>> {
    let rows = events::Entity::find()
        .filter(events::Column::MessageId.eq(message_id))
        .filter(events::Column::Kind.is_in(NoticeKind::EVENTS))
        .order_by_asc(events::Column::Id)
        .all(domain.db.read())
        .await?;
    let mut told: Vec<Told> = rows
        .into_iter()
        .map(|row| {
            // What cannot be read is still told of.
            let data: ToldData = serde_json::from_str(&row.data).unwrap_or_default();
            Told {
                at: data.at.unwrap_or_else(|| Timestamp::from_millis(row.created_at)),
                kind: row.kind,
                data,
            }
        })
        .collect();
    told.sort_by_key(|one| one.at);
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_in_which_things_are_told_does_not_matter() {
        let told = |kind: &str, bounce_type: Option<Bounce>| Told {
            kind: kind.to_owned(),
            data: ToldData {
                recipients: vec![ToldRecipient {
                    email: "a@example.com".to_owned(),
                    ..ToldRecipient::default()
                }],
                bounce_type,
                ..ToldData::default()
            },
            at: Timestamp::from_millis(0),
        };
        let delayed = told(NoticeKind::DELAYED, None);
        let delivered = told(NoticeKind::DELIVERED, None);
        let hard = told(NoticeKind::BOUNCED, Some(Bounce::Hard));
        let soft = told(NoticeKind::BOUNCED, Some(Bounce::Soft));
        let complained = told(NoticeKind::COMPLAINED, None);
        for (pair, expected) in [
            ([&delayed, &delivered], Standing::Delivered),
            ([&delivered, &hard], Standing::Bounced),
            ([&soft, &hard], Standing::Bounced),
            ([&delivered, &complained], Standing::Complained),
        ] {
            let forwards = pair.map(Told::clone);
            let mut backwards = forwards.clone();
            backwards.reverse();
            for told in [forwards, backwards] {
                assert_eq!(standing_of(&told, "a@example.com"), Some(expected));
                assert_eq!(standing_of(&told, "b@example.com"), None);
            }
        }
    }
}
