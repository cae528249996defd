//! Content of a stored message.

use serde::{Deserialize, Serialize};

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
