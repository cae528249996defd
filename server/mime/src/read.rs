//! Reading a stored message for display. Its bytes may be anything that was submitted over SMTP: reading never fails,
//! and its cost is bounded by limits on depth, parts, fields and text.

use std::borrow::Cow;

use mail_parser::HeaderValue;
use mail_parser::parsers::MessageStream;
use time::OffsetDateTime;

use crate::scan::{Field, Fields};

pub(crate) mod decode;
mod mailboxes;
mod page;
mod parameters;
mod parts;
mod stop;
mod words;

use parts::{Leaf, Role};
pub use stop::{Stop, Stopped};

/// Most octets of text, and of HTML, in a view.
pub const MAX_TEXT: usize = 1024 * 1024;
/// Most header fields in a view.
const MAX_FIELDS: usize = 1000;
/// Octets of a field that are read.
const MAX_FIELD: usize = 64 * 1024;

/// A message as its page shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// The header fields in their order, values unfolded and decoded.
    pub headers: Vec<(String, String)>,
    /// The authors.
    pub from: Vec<MailboxView>,
    /// The recipients in `To`.
    pub to: Vec<MailboxView>,
    /// The recipients in `Cc`.
    pub cc: Vec<MailboxView>,
    /// Reply-To addresses.
    pub reply_to: Vec<MailboxView>,
    /// The decoded subject.
    pub subject: Option<String>,
    /// The date of the message, in UTC.
    pub date: Option<OffsetDateTime>,
    /// The message id without its angle brackets.
    pub message_id: Option<String>,
    /// The text body, of [`MAX_TEXT`] octets at most.
    pub text: Option<String>,
    /// The HTML body as sent, including scripts, of [`MAX_TEXT`] octets at most.
    pub html: Option<String>,
    /// True if part of `text`, `html` or `headers` was left out.
    pub truncated: bool,
    /// The attachments in their order.
    pub attachments: Vec<AttachmentView>,
}

/// A mailbox in a header field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailboxView {
    /// The decoded display name.
    pub name: Option<String>,
    /// The address as written in the message.
    pub email: String,
}

/// An attachment in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentView {
    /// Index to pass to [`attachment`] for the bytes.
    pub index: usize,
    /// The decoded file name without directories; made up when the message has none.
    pub filename: String,
    /// `type/subtype` in lower case.
    pub content_type: String,
    /// Octets after decoding.
    pub size: usize,
    /// The content id without angle brackets.
    pub content_id: Option<String>,
    /// True if the part is meant to be shown within the body rather than as a file.
    pub inline: bool,
}

/// A message whose parts were found, once for all that is read from it.
#[derive(Debug)]
pub struct Message<'a> {
    raw: &'a [u8],
    leaves: Vec<Leaf<'a>>,
}

impl<'a> Message<'a> {
    /// Finds the parts.
    ///
    /// # Errors
    /// [`Stopped`] when the reading was stopped.
    pub fn parse(raw: &'a [u8], stop: &Stop) -> Result<Self, Stopped> {
        let leaves = parts::leaves(raw, stop)?;
        Ok(Self { raw, leaves })
    }

    /// The view of the message for its page.
    ///
    /// # Errors
    /// [`Stopped`] when the reading was stopped.
    pub fn view(&self, stop: &Stop) -> Result<View, Stopped> {
        let mut view = View::default();
        for (index, field) in Fields::new(self.raw).enumerate() {
            stop.check()?;
            if index == MAX_FIELDS {
                view.truncated = true;
                break;
            }
            view.add_field(&field);
        }
        for (index, leaf) in self.leaves.iter().enumerate() {
            stop.check()?;
            match leaf.role() {
                Role::Text => view.truncated |= append(&mut view.text, leaf),
                Role::Html => view.truncated |= append(&mut view.html, leaf),
                Role::Attachment => view.attachments.push(AttachmentView {
                    index,
                    filename: file_name(leaf, index),
                    content_type: leaf.media_type.clone(),
                    size: leaf.len(),
                    content_id: leaf.content_id.clone(),
                    inline: leaf.is_inline,
                }),
            }
        }
        Ok(view)
    }

    /// File name, media type and bytes of the attachment with this [`AttachmentView::index`]. The bytes are those that
    /// the sender attached, whatever their charset.
    #[must_use]
    pub fn attachment(&self, index: usize) -> Option<(String, String, Vec<u8>)> {
        let leaf = self.leaves.get(index).filter(|leaf| leaf.role() == Role::Attachment)?;
        Some((
            file_name(leaf, index),
            leaf.media_type.clone(),
            leaf.decoded().into_owned(),
        ))
    }
}

/// Reads a message for display.
#[must_use]
pub fn read(raw: &[u8]) -> View {
    let stop = Stop::default();
    let view = Message::parse(raw, &stop).and_then(|message| message.view(&stop));
    view.unwrap_or_default()
}

/// One attachment, as [`Message::attachment`] returns it.
#[must_use]
pub fn attachment(raw: &[u8], index: usize) -> Option<(String, String, Vec<u8>)> {
    Message::parse(raw, &Stop::default()).ok()?.attachment(index)
}

/// The message id without its angle brackets. Only the header is read.
#[must_use]
pub fn message_id(raw: &[u8]) -> Option<String> {
    let field = Fields::new(raw).find(|field| field.is("Message-ID") && !field.is_blank())?;
    Some(without_brackets(&unstructured(field.value())))
}

/// The addresses in `To`, `Cc` and `Bcc`, to which an interface without an envelope sends. Only the header is read.
#[must_use]
pub fn recipients(raw: &[u8]) -> Vec<String> {
    Fields::new(raw)
        .filter(|field| ["To", "Cc", "Bcc"].iter().any(|name| field.is(name)))
        .flat_map(|field| mailboxes::list(field.value()))
        .map(|mailbox| mailbox.email)
        .filter(|email| !email.is_empty())
        .collect()
}

impl View {
    fn add_field(&mut self, field: &Field<'_>) {
        if field.is_none() {
            return;
        }
        let value = unstructured(field.value());
        let first = |list: &mut Vec<MailboxView>| {
            if list.is_empty() {
                *list = mailboxes::list(field.value());
            }
        };
        let name = String::from_utf8_lossy(field.name()).into_owned();
        match name.to_ascii_lowercase().as_str() {
            "from" => first(&mut self.from),
            "to" => first(&mut self.to),
            "cc" => first(&mut self.cc),
            "reply-to" => first(&mut self.reply_to),
            "subject" if self.subject.is_none() => self.subject = Some(value.clone()),
            "date" if self.date.is_none() => self.date = parse_date(field.value()),
            "message-id" if self.message_id.is_none() && !field.is_blank() => {
                self.message_id = Some(without_brackets(&value));
            }
            _ => {}
        }
        self.truncated |= field.value().len() > MAX_FIELD;
        self.headers.push((name, value));
    }
}

/// Adds a text part to a body; returns true if it had to be cut.
fn append(body: &mut Option<String>, leaf: &Leaf<'_>) -> bool {
    let body = body.get_or_insert_default();
    if !body.is_empty() && !body.ends_with('\n') {
        body.push('\n');
    }
    let room = MAX_TEXT.saturating_sub(body.len());
    let (text, was_cut) = leaf.text(room);
    body.push_str(&text);
    was_cut
}

fn file_name(leaf: &Leaf<'_>, index: usize) -> String {
    let given = leaf.file_name.as_deref().unwrap_or_default();
    let base = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = base.chars().filter(|c| !c.is_control()).take(255).collect();
    match clean.trim() {
        "" | "." | ".." => {
            let extension = if leaf.media_type == "message/rfc822" {
                ".eml"
            } else {
                ""
            };
            format!("attachment-{}{extension}", index + 1)
        }
        clean => clean.to_owned(),
    }
}

/// The author of a message, for [`crate::rewrite`].
pub(crate) struct Author {
    /// Display name, free of control characters whatever the message contains.
    pub(crate) name: Option<String>,
    pub(crate) email: String,
    /// True if the field has no other mailbox.
    pub(crate) is_alone: bool,
}

/// The first mailbox of an address field's value.
pub(crate) fn first_mailbox(value: &[u8]) -> Option<Author> {
    let list = mailboxes::list(value);
    let is_alone = list.len() == 1;
    let first = list.into_iter().next()?;
    Some(Author {
        name: first.name,
        email: first.email,
        is_alone,
    })
}

fn parse_date(value: &[u8]) -> Option<OffsetDateTime> {
    // The library's parser expects a field that ends in a line break.
    let mut field = value[..value.len().min(MAX_FIELD)].trim_ascii().to_vec();
    field.extend_from_slice(b"\r\n");
    let HeaderValue::DateTime(date) = MessageStream::new(&field).parse_date() else {
        return None;
    };
    let timestamp = date.is_valid().then(|| date.to_timestamp())?;
    OffsetDateTime::from_unix_timestamp(timestamp).ok()
}

fn unstructured(value: &[u8]) -> String {
    without_controls(&words::text(&unfolded(value)))
}

/// A field's value on one line, of at most [`MAX_FIELD`] octets: the line breaks of its folds are removed, the white
/// space stays (RFC 5322 section 2.2.3).
fn unfolded(value: &[u8]) -> Vec<u8> {
    let value = value[..value.len().min(MAX_FIELD)].trim_ascii();
    let lines = value.split(|&byte| byte == b'\n');
    lines.fold(Vec::with_capacity(value.len()), |mut unfolded, line| {
        unfolded.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        unfolded
    })
}

fn without_controls(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .trim()
        .to_owned()
}

fn without_brackets(id: &str) -> String {
    id.trim_start_matches('<').trim_end_matches('>').to_owned()
}

/// Cuts a text to `max` octets between two characters; returns true if it was cut.
fn cut(text: Cow<'_, str>, max: usize) -> (Cow<'_, str>, bool) {
    if text.len() <= max {
        return (text, false);
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    (Cow::Owned(text[..end].to_owned()), true)
}

#[cfg(test)]
mod tests;
