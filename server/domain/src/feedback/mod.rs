//! What becomes of messages after a provider took them: bounces, complaints, deliveries, as Amazon SES tells them through
//! Amazon SNS. The notifications are verified and read in the HTTP crate; here they become events, counts, and, on the
//! managed route, suspensions.

mod endpoint;
mod record;
#[cfg(test)]
mod tests;

pub use endpoint::{
    Endpoint, EndpointView, confirm, endpoint_by_token, endpoint_of_provider, managed_endpoint, unsubscribed,
};
pub use record::{Recorded, forget_old, record};

use sendmux_rules::Timestamp;

/// What SES tells of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoticeRecipient {
    /// The address.
    pub address: String,
    /// Enhanced status code.
    pub status: Option<String>,
    /// What the server answered.
    pub diagnostic: Option<String>,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// It came back.
    Bounced {
        /// For good: the address does not work.
        hard: bool,
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
    /// The kind of the event.
    pub const fn event(&self) -> &'static str {
        match self {
            Self::Bounced { .. } => "message.bounced",
            Self::Complained { .. } => "message.complained",
            Self::Delivered { .. } => "message.delivered",
            Self::Rejected { .. } => "message.rejected",
            Self::Delayed { .. } => "message.delivery_delayed",
        }
    }
}
