//! Captured messages.

use crate::model::{MailView, Moment};
use serde::{Deserialize, Serialize};

/// A captured message in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxItem {
    /// Public id of the message.
    pub id: String,
    /// Subject.
    pub subject: String,
    /// Sender, as the message was accepted.
    pub from: String,
    /// The first recipients and how many more there are.
    pub to: String,
    /// `live` (an unconfigured managed route) or `test`.
    pub mode: String,
    /// Time of capture.
    pub captured: Moment,
    /// Size in words.
    pub size: String,
}

/// A captured message's page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxView {
    /// Row of the list.
    pub item: SandboxItem,
    /// The From header as captured: the managed route puts the team's address in the place of the sender's.
    pub from: String,
    /// Return path; none is the null reverse-path.
    pub return_path: Option<String>,
    /// The envelope's recipients.
    pub recipients: Vec<String>,
    /// The content.
    pub mail: MailView,
}
