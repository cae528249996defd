//! Providers.

use super::{MailboxValues, Moment, Named, SesValues};
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
    /// `active`, `full` (at a cap), `paused`, `blocked`, `inactive` or `setup`.
    pub state: String,
    /// Why it is not simply active.
    pub reason: Option<String>,
    /// When that ends.
    pub until: Option<Moment>,
    /// Why it is pulled from rotation.
    pub block: Option<BlockItem>,
    /// The weight outside groups; none is 100.
    pub weight: Option<u32>,
    /// Its part, 0 to 100, of what keys of the scope `all` send while nothing is wrong.
    pub share: f64,
    /// The same now: a blocked one is sent nothing.
    pub share_now: f64,
    /// Second, minute, hour and day.
    pub caps: Vec<CapItem>,
    /// What its caps count: `messages` or `recipients`.
    pub caps_count: String,
    /// The groups it is in.
    pub groups: Vec<Named>,
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
    /// Address of the mailbox, when it is one.
    pub mailbox: Option<MailboxValues>,
    /// How the last connection test went.
    pub last_test: Option<ConnectionTest>,
    /// The version that an edit is made on.
    pub version: i32,
}

/// Why a provider is pulled from rotation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockItem {
    /// The kind of fault, as a clause.
    pub fault: String,
    /// What the provider said or did.
    pub cause: String,
    /// When it was pulled.
    pub since: Moment,
    /// When it comes back by itself; none: by hand only.
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
    /// What went through in it.
    pub used: u32,
    /// The cap that a new provider of this kind begins with.
    pub default: Option<u32>,
}

impl CapItem {
    /// How much of the cap is used, 0 to 100; none without a cap.
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
