//! The sandbox, and the content of a stored message.

use super::Moment;
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
    /// When it was captured.
    pub captured: Moment,
    /// Size in words.
    pub size: String,
}

/// A captured message's page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxView {
    /// What the list shows.
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

/// A stored message, read for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailView {
    /// Header fields in their order, decoded.
    pub headers: Vec<HeaderItem>,
    /// It has an HTML part, which is served apart for the sandboxed frame.
    pub has_html: bool,
    /// The text part; cut when very long.
    pub text: Option<String>,
    /// Attachments.
    pub attachments: Vec<AttachmentItem>,
    /// The beginning of the raw source.
    pub source: String,
    /// The source shown is only its beginning.
    pub source_cut: bool,
}

/// A header field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderItem {
    /// Its name.
    pub name: String,
    /// Its value, decoded.
    pub value: String,
}

/// An attachment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentItem {
    /// Its number in the message, from 0.
    pub index: usize,
    /// Its file name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its size in words.
    pub size: String,
}
