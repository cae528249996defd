//! Building the bytes of a message from a plain description.
//!
//! The structure is the one that clients expect:
//!
//! ```text
//! multipart/mixed                 when there are attachments
//!   multipart/alternative         when there are both a text and an HTML body
//!     text/plain
//!     multipart/related           when the HTML shows attachments by their content id
//!       text/html
//!       image/png …
//!   application/pdf …
//! ```
//!
//! A message with only one body keeps it: no second one is made up. The output is a function of the input: boundaries
//! are derived from the message id, and one that occurs in the content is skipped.

use std::fmt::Write as _;

use lettre::message::header::{ContentTransferEncoding, Header, HeaderName, HeaderValue, Headers, MIME_VERSION_1_0};
use lettre::message::{Body, MultiPart, SinglePart};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use crate::error::BuildErrors;
use crate::fold::{self, LINE, MAX_LINE, Mailbox};
use crate::parameter::{self, MediaType};
use crate::{body, date};

mod checked;

use checked::{Checked, CheckedAttachment, CheckedHeader, CheckedMailbox};

/// An email address with its display name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// The `addr-spec`, as [`ValidEmail::parse`](crate::ValidEmail::parse) accepts it.
    pub email: String,
    /// The display name; an empty one counts as none.
    pub name: Option<String>,
}

/// An attached file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attachment {
    /// Name shown to the receiver, in any script.
    pub filename: String,
    /// The bytes of the file.
    pub content: Vec<u8>,
    /// The media type, parameters allowed; empty means `application/octet-stream`.
    pub content_type: String,
    /// The id by which the HTML body shows this file (`<img src="cid:logo">`), with or without angle brackets.
    pub content_id: Option<String>,
}

/// A message to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The author.
    pub from: Address,
    /// Recipients shown in `To`.
    pub to: Vec<Address>,
    /// Recipients shown in `Cc`.
    pub cc: Vec<Address>,
    /// Recipients in no header: they are checked here, and belong in the envelope alone.
    pub bcc: Vec<Address>,
    /// Reply-To addresses, if other than the author's.
    pub reply_to: Vec<Address>,
    /// The subject. Spaces at its ends are dropped, since a header cannot carry them.
    pub subject: String,
    /// The HTML body.
    pub html_body: Option<String>,
    /// The text body.
    pub text_body: Option<String>,
    /// Further header fields, each name once. Values beyond ASCII become encoded words.
    pub headers: Vec<(String, String)>,
    /// Files, in order.
    pub attachments: Vec<Attachment>,
    /// The message id, with or without angle brackets.
    pub message_id: String,
    /// Date of the message.
    pub date: OffsetDateTime,
}

/// A built message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The message in internet message format: lines end in CRLF and have at most 998 octets, and all is ASCII unless
    /// an address in a header needs SMTPUTF8. Dots are not stuffed; the SMTP client does that.
    pub raw: Vec<u8>,
    /// True if an address of the message, in a header or among the blind copies, has a local part beyond ASCII, so that
    /// the server must offer SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
}

/// Builds the message. It never contains a `Bcc` field.
///
/// # Errors
/// All faults of the message, as [`check`] finds them.
pub fn build(message: &Outgoing) -> Result<Built, BuildErrors> {
    let checked = Checked::new(message)?;
    let mut headers = Headers::new();
    set(&mut headers, "Date", date::rfc5322(message.date));
    set_mailboxes(&mut headers, "From", std::slice::from_ref(&checked.from));
    set_mailboxes(&mut headers, "Reply-To", &checked.reply_to);
    set_mailboxes(&mut headers, "To", &checked.to);
    set_mailboxes(&mut headers, "Cc", &checked.cc);
    if checked.to.is_empty() && checked.cc.is_empty() {
        // May be absent since RFC 5322, but filters count that against the message; this is the customary group.
        set(&mut headers, "To", "undisclosed-recipients:;".to_owned());
    }
    set(
        &mut headers,
        "Subject",
        fold::unstructured("Subject", &message.subject, LINE - 1),
    );
    set(&mut headers, "Message-ID", checked.message_id.clone());
    for CheckedHeader {
        name,
        value,
        structured,
    } in &checked.headers
    {
        let value = if *structured {
            fold::verbatim(name, value)
        } else {
            // Long ASCII words stay whole, since software reads the value.
            fold::unstructured(name, value, MAX_LINE - name.len() - ": ".len())
        };
        headers.insert_raw(HeaderValue::dangerous_new_pre_encoded(
            name.clone(),
            String::new(),
            value,
        ));
    }
    headers.set(MIME_VERSION_1_0);

    let mut raw = headers.to_string().into_bytes();
    content(&checked).write(&message.message_id, &mut raw);
    Ok(Built {
        raw,
        smtputf8: checked.needs_smtputf8(),
    })
}

/// Checks for every fault that [`build`] would refuse the message for.
///
/// # Errors
/// All faults, with the path of the field of each.
pub fn check(message: &Outgoing) -> Result<(), BuildErrors> {
    Checked::new(message).map(|_| ())
}

/// True if sending the message requires a server with SMTPUTF8: an address has a local part beyond ASCII. Domains do
/// not count, they are sent as A-labels.
#[must_use]
pub fn needs_smtputf8(message: &Outgoing) -> bool {
    let lists = [&message.to, &message.cc, &message.bcc, &message.reply_to];
    std::iter::once(&message.from)
        .chain(lists.into_iter().flatten())
        .any(|address| {
            address
                .email
                .rsplit_once('@')
                .is_some_and(|(local, _)| !local.is_ascii())
        })
}

/// Sets a field whose value is already folded and encoded.
fn set(headers: &mut Headers, name: &'static str, value: String) {
    let name = HeaderName::new_from_ascii_str(name);
    headers.insert_raw(HeaderValue::dangerous_new_pre_encoded(name, String::new(), value));
}

fn set_mailboxes(headers: &mut Headers, name: &'static str, list: &[CheckedMailbox<'_>]) {
    if !list.is_empty() {
        let list = list.iter().map(|mailbox| Mailbox {
            name: mailbox.name,
            email: &mailbox.email,
        });
        set(headers, name, fold::mailboxes(name, list));
    }
}

/// A part of the message before its boundaries are known.
enum Node {
    Leaf(SinglePart),
    Branch { subtype: &'static str, parts: Vec<Node> },
}

/// A multipart of `parts`, or the only part.
fn branch(subtype: &'static str, mut parts: Vec<Node>) -> Node {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            Node::Branch { subtype, parts }
        }
    }
}

fn content(checked: &Checked<'_>) -> Node {
    let (inline, attached): (Vec<_>, Vec<_>) = checked.attachments.iter().partition(|attachment| attachment.inline);
    let text = checked
        .text
        .map(|text| leaf("text/plain; charset=utf-8", body::text(text)));
    let html = checked.html.map(|html| {
        let html = leaf("text/html; charset=utf-8", body::text(html));
        branch(
            "related",
            std::iter::once(html).chain(inline.into_iter().map(file)).collect(),
        )
    });
    // The last alternative is the preferred one (RFC 2046 section 5.1.4).
    let bodies = branch("alternative", text.into_iter().chain(html).collect());
    branch(
        "mixed",
        std::iter::once(bodies).chain(attached.into_iter().map(file)).collect(),
    )
}

fn leaf(media_type: &str, body: Body) -> Node {
    let builder = SinglePart::builder().header(ContentType(value_of("Content-Type", media_type.to_owned())));
    Node::Leaf(builder.body(body))
}

fn file(attachment: &CheckedAttachment<'_>) -> Node {
    let mut media_type = attachment.media_type.clone();
    let content = attachment.content;
    let body = if matches!(media_type.essence.as_str(), "message/rfc822" | "message/global") {
        // Base64 is forbidden for a message (RFC 2046 section 5.2.1): one that needs it goes as a file.
        body::message(content).unwrap_or_else(|| {
            media_type = MediaType::octet_stream();
            body::binary(content)
        })
    } else {
        if media_type.essence.starts_with("text/") && !content.is_ascii() && std::str::from_utf8(content).is_ok() {
            media_type.default_charset("utf-8");
        }
        body::binary(content)
    };
    let kind = if attachment.inline { "inline" } else { "attachment" };
    let mut builder = SinglePart::builder()
        .header(ContentType(value_of(
            "Content-Type",
            media_type.with_file_name(attachment.filename),
        )))
        .header(ContentDisposition(value_of(
            "Content-Disposition",
            parameter::disposition(kind, attachment.filename),
        )));
    if let Some(id) = attachment.content_id {
        builder = builder.header(ContentId(value_of("Content-ID", format!("<{id}>"))));
    }
    Node::Leaf(builder.body(body))
}

impl Node {
    /// Formats the part under boundaries that do not occur in it.
    fn write(self, message_id: &str, raw: &mut Vec<u8>) {
        let Self::Branch { .. } = self else {
            return self.assemble("", &mut 0).write_to(raw);
        };
        let seed = (0_u32..)
            .map(|attempt| seed(message_id, attempt))
            .find(|seed| !self.contains(seed))
            .unwrap_or_default();
        self.assemble(&seed, &mut 0).write_to(raw);
    }

    /// True if the seed of a boundary occurs in the content. Boundaries begin with `=_`, which quoted-printable and
    /// base64 cannot contain; unencoded content can.
    fn contains(&self, seed: &str) -> bool {
        match self {
            Self::Leaf(part) => {
                let is_plain =
                    part.headers().get::<ContentTransferEncoding>() == Some(ContentTransferEncoding::SevenBit);
                is_plain
                    && part
                        .raw_body()
                        .windows(seed.len())
                        .any(|window| window == seed.as_bytes())
            }
            Self::Branch { parts, .. } => parts.iter().any(|part| part.contains(seed)),
        }
    }

    fn assemble(self, seed: &str, count: &mut u32) -> Part {
        match self {
            Self::Leaf(part) => Part::Single(part),
            Self::Branch { subtype, parts } => {
                *count += 1;
                // All suffixes have the same length, so that no boundary is a prefix of another.
                let mut media_type = format!("multipart/{subtype};\r\n boundary=\"{seed}_{count}\"");
                let raw_media_type = format!("multipart/{subtype}; boundary=\"{seed}_{count}\"");
                if subtype == "related" {
                    // RFC 2387 section 3.1 requires the type of the root.
                    media_type.push_str("; type=\"text/html\"");
                }
                let value = HeaderValue::dangerous_new_pre_encoded(
                    HeaderName::new_from_ascii_str("Content-Type"),
                    raw_media_type,
                    media_type,
                );
                let mut multipart = MultiPart::builder().header(ContentType(value)).build();
                for part in parts {
                    multipart = match part.assemble(seed, count) {
                        Part::Single(part) => multipart.singlepart(part),
                        Part::Multi(part) => multipart.multipart(part),
                    };
                }
                Part::Multi(multipart)
            }
        }
    }
}

enum Part {
    Single(SinglePart),
    Multi(MultiPart),
}

impl Part {
    fn write_to(self, raw: &mut Vec<u8>) {
        match self {
            Self::Multi(part) => raw.extend(part.formatted()),
            Self::Single(part) => {
                raw.extend(part.formatted());
                // Formatting a part ends it with a line break, which is one too many for a text that already ends in
                // one.
                if part.raw_body().ends_with(b"\r\n") {
                    raw.truncate(raw.len() - "\r\n".len());
                }
            }
        }
    }
}

fn seed(message_id: &str, attempt: u32) -> String {
    let digest = Sha256::new()
        .chain_update(message_id)
        .chain_update(attempt.to_be_bytes())
        .finalize();
    let mut seed = String::from("=_");
    for byte in &digest[..15] {
        // Writing to a String cannot fail.
        let _ = write!(seed, "{byte:02x}");
    }
    seed
}

fn value_of(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), value.clone(), value)
}

/// Fields of parts whose values are written by this crate.
macro_rules! written_here {
    ($($type:ident = $name:literal),*) => {$(
        #[derive(Clone)]
        struct $type(HeaderValue);

        impl Header for $type {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($name)
            }

            fn parse(value: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok(Self(value_of($name, value.to_owned())))
            }

            fn display(&self) -> HeaderValue {
                self.0.clone()
            }
        }
    )*};
}

written_here!(
    ContentType = "Content-Type",
    ContentDisposition = "Content-Disposition",
    ContentId = "Content-ID"
);
