//! Statuses of messages, recipients and providers, wait reasons, and modes.

use crate::names::named_enum;

named_enum! {
    /// Status of a message.
    pub enum MessageStatus {
        /// Ready, or waiting for a [`WaitReason`].
        Queued = "queued",
        /// An attempt is under way.
        Sending = "sending",
        /// Every recipient was accepted.
        Sent = "sent",
        /// Some recipients were accepted, the others failed.
        PartiallySent = "partially_sent",
        /// No recipient was accepted.
        Failed = "failed",
        /// Withdrawn before it was sent.
        Cancelled = "cancelled",
    }
}

impl MessageStatus {
    /// True if nothing more will happen to the message.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Sent | Self::PartiallySent | Self::Failed | Self::Cancelled)
    }
}

named_enum! {
    /// Status of one recipient of a message. A deferred recipient is pending.
    pub enum RecipientStatus {
        /// Neither accepted nor refused for good.
        Pending = "pending",
        /// A provider accepted the message for this recipient.
        Sent = "sent",
        /// Refused for good, or given up.
        Failed = "failed",
    }
}

impl RecipientStatus {
    /// Status after `next` was learned: a final status stays, so nobody is sent to twice or revived.
    #[must_use]
    pub const fn settle(self, next: Self) -> Self {
        match self {
            Self::Pending => next,
            Self::Sent | Self::Failed => self,
        }
    }
}

named_enum! {
    /// Reason why a queued message does not go now.
    pub enum WaitReason {
        /// The caps of its providers do not permit it.
        Cap = "cap",
        /// Its providers are paused.
        Throttled = "throttled",
        /// Its providers are blocked, switched off or drained.
        Blocked = "blocked",
        /// A round ended without success; the next one is due later.
        Retry = "retry",
        /// The sender asked for a later time.
        Scheduled = "scheduled",
    }
}

named_enum! {
    /// Mode of a key or message: sent, or captured in the sandbox.
    pub enum Mode {
        /// Sent through the team's providers.
        Live = "live",
        /// Accepted, counted and stored the same way, never sent.
        Test = "test",
    }
}

named_enum! {
    /// Status of a provider.
    pub enum ProviderStatus {
        /// Switched on; it may be blocked or paused all the same.
        Active = "active",
        /// Switched off.
        Inactive = "inactive",
        /// Not yet authorised, and cannot be switched on; the managed route of a new team, until its owner's address is
        /// verified.
        Pending = "pending",
        /// The managed route of a team that too much came back of, until the operator lifts it.
        Suspended = "suspended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for status in MessageStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(*status));
            assert_eq!(serde_json::to_string(status).unwrap(), format!("{:?}", status.as_str()));
        }
        let unknown = "gone".parse::<MessageStatus>().unwrap_err();
        assert_eq!(unknown.to_string(), "\"gone\" is not a MessageStatus");
    }

    #[test]
    fn a_settled_recipient_stays_settled() {
        for first in [RecipientStatus::Sent, RecipientStatus::Failed] {
            for next in RecipientStatus::ALL {
                assert_eq!(first.settle(*next), first);
                assert_eq!(RecipientStatus::Pending.settle(*next), *next);
            }
        }
    }
}
