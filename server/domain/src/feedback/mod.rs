//! Feedback about messages after a provider took them: bounces, complaints and deliveries, which Amazon SES reports
//! through Amazon SNS. The HTTP crate verifies and parses the notifications; here they become events, counts, and, on
//! the managed route, suspensions.

mod endpoint;
mod events;
mod parked;
mod record;
#[cfg(test)]
mod tests;

pub use endpoint::{
    Endpoint, EndpointView, confirm, endpoint_by_token, endpoint_of_provider, managed_endpoint, unsubscribed,
};
pub use events::{DeliveryStatus, FeedbackData, FeedbackEvent, FeedbackRecipient, delivery_status_of, of_message};
pub use parked::take_up_parked;
pub use record::{Recorded, forget_old, record};

use crate::events::EventKind;
use sendmux_rules::Timestamp;
use serde::{Deserialize, Serialize};

/// A notice of SES about one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Kind of the notice.
    pub kind: NoticeKind,
    /// SES's id of the message.
    pub provider_message_id: String,
    /// Our id of the message (`eml_…`), if it was sent with that tag.
    pub message_id: Option<String>,
    /// Key that distinguishes it from others of the same kind about the same message; the same however often and
    /// through whatever channel SES sends it.
    pub key: String,
    /// The recipients concerned, with the replies of their servers.
    pub recipients: Vec<NoticeRecipient>,
    /// Time of the event by SES's clock.
    pub at: Option<Timestamp>,
}

/// A recipient of a notice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRecipient {
    /// The address.
    pub address: String,
    /// Enhanced status code.
    pub status: Option<String>,
    /// Reply of its server.
    pub diagnostic: Option<String>,
}

/// Type of a bounce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bounce {
    /// Hard: the address does not work.
    Hard,
    /// Soft: a temporary reason (a full mailbox), for which this message was given up.
    Soft,
}

impl Bounce {
    /// Its written name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
        }
    }
}

/// Kind of a notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoticeKind {
    /// The message bounced.
    Bounced {
        /// Hard or soft.
        bounce: Bounce,
        /// SES's words: `Permanent/General`.
        detail: String,
    },
    /// A recipient reported it as spam.
    Complained {
        /// Words of the recipient's provider: `abuse`.
        detail: Option<String>,
    },
    /// The recipient's server accepted it.
    Delivered {
        /// Reply of the server.
        detail: Option<String>,
    },
    /// SES took it and then did not send it (a virus).
    Rejected {
        /// Reason.
        detail: Option<String>,
    },
    /// The recipient's server does not accept it yet.
    Delayed {
        /// Reason.
        detail: Option<String>,
    },
}

impl NoticeKind {
    /// The kinds of their events.
    pub const EVENTS: [EventKind; 5] = [
        EventKind::MessageBounced,
        EventKind::MessageComplained,
        EventKind::MessageDelivered,
        EventKind::MessageRejected,
        EventKind::MessageDelayed,
    ];

    /// Kind of the event.
    pub const fn event(&self) -> EventKind {
        match self {
            Self::Bounced { .. } => EventKind::MessageBounced,
            Self::Complained { .. } => EventKind::MessageComplained,
            Self::Delivered { .. } => EventKind::MessageDelivered,
            Self::Rejected { .. } => EventKind::MessageRejected,
            Self::Delayed { .. } => EventKind::MessageDelayed,
        }
    }

    /// Delivery status of its recipients.
    pub const fn delivery_status(&self) -> DeliveryStatus {
        match self {
            Self::Bounced {
                bounce: Bounce::Hard, ..
            } => DeliveryStatus::Bounced,
            Self::Bounced {
                bounce: Bounce::Soft, ..
            } => DeliveryStatus::SoftBounced,
            Self::Complained { .. } => DeliveryStatus::Complained,
            Self::Delivered { .. } => DeliveryStatus::Delivered,
            Self::Rejected { .. } => DeliveryStatus::Rejected,
            Self::Delayed { .. } => DeliveryStatus::Delayed,
        }
    }
}
