//! Providers.

use crate::features::operator::model::EndpointItem;
use crate::model::{ConnectionTest, Moment, Named};
use serde::{Deserialize, Serialize};

/// A provider in the list and on its page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProviderItem {
    /// Public id.
    pub id: String,
    /// `smtp`, `ses`, …
    pub kind: String,
    /// The kind in words.
    pub kind_label: String,
    /// Name given by people.
    pub name: String,
    /// `active`, `full` (at a cap), `paused`, `blocked`, `inactive` or `setup`.
    pub state: String,
    /// Reason for a state other than active.
    pub reason: Option<String>,
    /// End of that state.
    pub until: Option<Moment>,
    /// Reason for which it is pulled from rotation.
    pub block: Option<BlockItem>,
    /// The weight outside groups; none is 100.
    pub weight: Option<u32>,
    /// Its part, 0 to 100, of what keys of the scope `all` send while nothing is wrong.
    pub share: f64,
    /// The same now: a blocked one is sent nothing.
    pub share_now: f64,
    /// Second, minute, hour and day.
    pub caps: Vec<CapItem>,
    /// Unit of its caps: `messages` or `recipients`.
    pub caps_count: String,
    /// The groups it is in.
    pub groups: Vec<Named>,
    /// Time of the last message that went through.
    pub last_used: Option<Moment>,
    /// Run by the operator; the team can only switch it.
    pub managed: bool,
    /// Its messages end in the sandbox.
    pub to_sandbox: bool,
    /// The team can change it.
    pub editable: bool,
    /// Its settings when it is an SMTP server.
    pub smtp: Option<SmtpValues>,
    /// Its settings when it is an Amazon SES account.
    pub ses: Option<SesValues>,
    /// Address of the mailbox, when it is one.
    pub mailbox: Option<MailboxValues>,
    /// Result of the last connection test.
    pub last_test: Option<ConnectionTest>,
    /// The version that an edit is made on.
    pub version: i32,
}

/// Block of a provider: the reason for which it is pulled from rotation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockItem {
    /// The kind of fault, as a clause.
    pub fault: String,
    /// Reply or behaviour of the provider.
    pub cause: String,
    /// Time of the block.
    pub since: Moment,
    /// Time at which it comes back by itself; none: by hand only.
    pub until: Option<Moment>,
}

/// The use of a provider in a window, and its cap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapItem {
    /// `second`, `minute`, `hour` or `day`.
    pub window: String,
    /// The window that counts now, in words.
    pub label: String,
    /// The most that goes through in it; none is no cap.
    pub cap: Option<u32>,
    /// Number used in the window.
    pub used: u32,
    /// The cap that a new provider of this kind begins with.
    pub default: Option<u32>,
}

impl CapItem {
    /// Used part of the cap, 0 to 100; none without a cap.
    pub fn percent(&self) -> Option<f64> {
        let cap = self.cap.filter(|cap| *cap > 0)?;
        Some((f64::from(self.used) * 100.0 / f64::from(cap)).min(100.0))
    }
}

/// A provider's page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProviderPage {
    /// The provider.
    pub provider: ProviderItem,
    /// The weights of the other active providers of the team, for the share that a weight would give.
    pub others: Vec<Option<u32>>,
}

/// The settings of an SMTP provider, without its password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmtpValues {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: String,
    /// `starttls`, `tls` or `none`.
    pub security: String,
    /// User name; empty for a server that wants no login.
    pub username: String,
    /// A password is stored.
    pub has_password: bool,
    /// The name in EHLO; empty for the installation's.
    pub helo_name: String,
    /// Seconds to connect.
    pub connect_timeout: String,
    /// Seconds for the greeting and each command.
    pub command_timeout: String,
    /// Seconds for DATA and each piece of the content.
    pub data_timeout: String,
}

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

/// Quota of an Amazon SES account, by Amazon's word.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SesQuota {
    /// Recipients in 24 hours, in words.
    pub day: String,
    /// Recipients a second, in words.
    pub rate: String,
    /// Notes: the account's own sandbox, a review.
    pub notes: Vec<String>,
}

/// Facts about an Amazon SES account beside its settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SesFacts {
    /// Quota.
    pub quota: Option<SesQuota>,
    /// Error for which the quota is not known.
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

/// Ways in which providers can be added here.
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
