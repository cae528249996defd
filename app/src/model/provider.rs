//! Providers.

use super::{MailboxValues, Moment, SesValues};
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
    /// What people call it.
    pub name: String,
    /// `active`, `paused`, `blocked`, `inactive` or `pending`.
    pub state: String,
    /// Why it is not simply active.
    pub reason: Option<String>,
    /// When that ends.
    pub until: Option<Moment>,
    /// The weight outside groups; none is 100.
    pub weight: Option<u32>,
    /// Its part of what is sent under the scope `all` now, as `33%`.
    pub share: Option<String>,
    /// When a message last went through.
    pub last_used: Option<Moment>,
    /// Run by the operator; the team can only switch it.
    pub managed: bool,
    /// What it is given ends in the sandbox.
    pub to_sandbox: bool,
    /// The team can change it.
    pub editable: bool,
    /// Its settings when it is an SMTP server.
    pub smtp: Option<SmtpValues>,
    /// Its settings when it is an Amazon SES account.
    pub ses: Option<SesValues>,
    /// Whose mailbox it is, when it is one.
    pub mailbox: Option<MailboxValues>,
    /// How the last connection test went.
    pub last_test: Option<ConnectionTest>,
    /// The version that an edit is made on.
    pub version: i32,
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
}

/// What a connection test found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionTest {
    /// Public id of the provider.
    pub provider_id: String,
    /// Its name.
    pub provider: String,
    /// It could send.
    pub ok: bool,
    /// What was tried, in order.
    pub steps: Vec<TestStepItem>,
    /// What to do about it.
    pub advice: Option<String>,
    /// When it ran.
    pub at: Option<Moment>,
}

/// One step of a connection test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestStepItem {
    /// What was tried.
    pub name: String,
    /// It worked.
    pub ok: bool,
    /// What was seen.
    pub detail: String,
}
