//! Providers that are more than a server's name: mailboxes and Amazon SES accounts.

use super::{EndpointItem, Moment};
use serde::{Deserialize, Serialize};

/// The settings of an Amazon SES account, without its secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SesValues {
    /// The AWS region.
    pub region: String,
    /// The id of the access key; empty for a new account.
    pub access_key_id: String,
    /// A role; empty for none.
    pub role_arn: String,
    /// The external id that the role asks for; empty for none.
    pub external_id: String,
    /// The configuration set; empty for none.
    pub configuration_set: String,
    /// The address of the API; empty for Amazon's.
    pub endpoint: String,
}

/// What an Amazon SES account may send, by Amazon's word.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SesQuota {
    /// Recipients in 24 hours, in words.
    pub day: String,
    /// Recipients a second, in words.
    pub rate: String,
    /// What to know besides: the account's own sandbox, a review.
    pub notes: Vec<String>,
}

/// What is known of an Amazon SES account beside its settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SesFacts {
    /// What Amazon lets it send.
    pub quota: Option<SesQuota>,
    /// Why that is not known.
    pub no_quota: Option<String>,
    /// URL to which Amazon posts notifications.
    pub endpoint: EndpointItem,
}

/// A mailbox that is signed in to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxValues {
    /// Its address; none while it is not connected.
    pub email: Option<String>,
    /// Its other addresses, separated by commas.
    pub aliases: String,
    /// Since when it is connected.
    pub connected: Option<Moment>,
}

/// How providers can be added here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaysToAdd {
    /// Gmail mailboxes.
    pub gmail: Registration,
    /// Microsoft 365 mailboxes.
    pub microsoft: Registration,
    /// An address of Amazon's API can be given.
    pub may_set_endpoint: bool,
    /// The viewer operates this installation.
    pub is_operator: bool,
    /// Redirect URI, as it must be registered.
    pub redirect_uri: String,
}

/// This installation's application at an identity provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// There is one.
    pub is_there: bool,
    /// Address at which an administrator approves it for a whole organisation.
    pub admin_consent: Option<String>,
    /// It is refused, by the identity provider's word; only the operator is told which.
    pub fault: Option<String>,
}
