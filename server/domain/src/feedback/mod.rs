//! Feedback about messages after a provider took them: bounces, complaints, deliveries, as Amazon SES reports them through
//! Amazon SNS. The notifications are verified and read in the HTTP crate; here they become events, counts, and, on the
//! managed route, suspensions.

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

use sendmux_rules::Timestamp;
use serde::{Deserialize, Serialize};

/// What SES tells of one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What became of it.
    pub kind: NoticeKind,
    /// SES's id of the message.
    pub provider_message_id: String,
    /// Our id of the message (`eml_…`), when it was sent with that tag.
    pub message_id: Option<String>,
    /// Told apart from another of the same kind about the same message; the same however often and through whatever
    /// channel SES tells it.
    pub key: String,
    /// The recipients it is about, with what their servers answered.
    pub recipients: Vec<NoticeRecipient>,
    /// When it happened, by SES's clock.
    pub at: Option<Timestamp>,
}

/// A recipient of a notice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRecipient {
    /// The address.
    pub address: String,
    /// Enhanced status code.
    pub status: Option<String>,
    /// What the server answered.
    pub diagnostic: Option<String>,
}

/// Whether a bounce is for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bounce {
    /// For good: the address does not work.
    Hard,
    /// For a passing reason (a full mailbox); this message was given up.
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

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoticeKind {
    /// It came back.
    Bounced {
        /// Whether for good.
        bounce: Bounce,
        /// In SES's words: `Permanent/General`.
        detail: String,
    },
    /// A recipient called it spam.
    Complained {
        /// In the words of the recipient's provider: `abuse`.
        detail: Option<String>,
    },
    /// The recipient's server took it.
    Delivered {
        /// What the server answered.
        detail: Option<String>,
    },
    /// SES took it and then did not send it (a virus).
    Rejected {
        /// Why.
        detail: Option<String>,
    },
    /// The recipient's server does not take it yet.
    Delayed {
        /// Why.
        detail: Option<String>,
    },
}

impl NoticeKind {
    pub(crate) const BOUNCED: &'static str = "message.bounced";
    pub(crate) const COMPLAINED: &'static str = "message.complained";
    const DELIVERED: &'static str = "message.delivered";
    pub(crate) const REJECTED: &'static str = "message.rejected";
    const DELAYED: &'static str = "message.delivery_delayed";

    /// The kinds of their events.
    pub const EVENTS: [&'static str; 5] = [
        Self::BOUNCED,
        Self::COMPLAINED,
        Self::DELIVERED,
        Self::REJECTED,
        Self::DELAYED,
    ];

    /// The kind of the event.
    pub const fn event(&self) -> &'static str {
        match self {
            Self::Bounced { .. } => Self::BOUNCED,
            Self::Complained { .. } => Self::COMPLAINED,
            Self::Delivered { .. } => Self::DELIVERED,
            Self::Rejected { .. } => Self::REJECTED,
            Self::Delayed { .. } => Self::DELAYED,
        }
    }

    /// Delivery status of the recipients that it is about.
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
