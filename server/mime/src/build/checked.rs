//! Checks made before building, so that building itself cannot fail.

use lettre::message::header::HeaderName;

use super::{Address, Attachment, Outgoing};
use crate::address::ValidEmail;
use crate::cid;
use crate::error::{BuildError, BuildErrors, Problem};
use crate::fold::MAX_LINE;
use crate::message_id;
use crate::parameter::MediaType;

/// Most characters of a display name or file name: far more than anyone uses, and a bound on the length of a header.
const MAX_NAME: usize = 998;
/// Most characters of a subject, the limit of the API.
const MAX_SUBJECT: usize = 998;
/// Most characters of a content id.
const MAX_CONTENT_ID: usize = 255;
/// Most characters of a header name, so that its line has room for the value.
const MAX_HEADER_NAME: usize = 76;

/// Fields that are written from other members of the message, or that only a mail system writes.
const RESERVED: [&str; 16] = [
    "apparently-to",
    "arc-authentication-results",
    "authentication-results",
    "bcc",
    "cc",
    "date",
    "delivered-to",
    "dkim-signature",
    "from",
    "message-id",
    "mime-version",
    "received",
    "reply-to",
    "sender",
    "subject",
    "to",
];
const RESERVED_PREFIXES: [&str; 4] = ["arc-", "content-", "resent-", "return-path"];

/// Fields that software parses by their grammar, where encoded words are not allowed (RFC 2047 section 5).
const STRUCTURED: [&str; 6] = [
    "auto-submitted",
    "in-reply-to",
    "precedence",
    "references",
    "tls-required",
    "importance",
];

pub(super) struct CheckedMailbox<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) email: ValidEmail,
}

pub(super) struct CheckedAttachment<'a> {
    pub(super) filename: &'a str,
    pub(super) content: &'a [u8],
    pub(super) media_type: MediaType,
    /// Without angle brackets.
    pub(super) content_id: Option<&'a str>,
    /// True if the HTML body shows it. One that has an id and is not shown stays an ordinary attachment: several
    /// clients do not list related parts.
    pub(super) inline: bool,
}

pub(super) struct CheckedHeader<'a> {
    pub(super) name: HeaderName,
    pub(super) value: &'a str,
    /// True if software parses the value, which is then folded at most.
    pub(super) structured: bool,
}

/// A message that was checked and has no faults.
pub(super) struct Checked<'a> {
    pub(super) from: CheckedMailbox<'a>,
    pub(super) to: Vec<CheckedMailbox<'a>>,
    pub(super) cc: Vec<CheckedMailbox<'a>>,
    bcc: Vec<CheckedMailbox<'a>>,
    pub(super) reply_to: Vec<CheckedMailbox<'a>>,
    pub(super) text: Option<&'a str>,
    pub(super) html: Option<&'a str>,
    pub(super) headers: Vec<CheckedHeader<'a>>,
    pub(super) attachments: Vec<CheckedAttachment<'a>>,
    pub(super) message_id: String,
}

impl<'a> Checked<'a> {
    pub(super) fn new(message: &'a Outgoing) -> Result<Self, BuildErrors> {
        let mut faults = Faults::default();
        let from = faults.mailbox("from", &message.from);
        let to = faults.mailboxes("to", &message.to);
        let cc = faults.mailboxes("cc", &message.cc);
        let bcc = faults.mailboxes("bcc", &message.bcc);
        let reply_to = faults.mailboxes("reply_to", &message.reply_to);
        faults.text("subject", &message.subject, MAX_SUBJECT);
        if message.html_body.is_none() && message.text_body.is_none() {
            faults.add("html_body", Problem::NoBody);
        }
        let headers = faults.headers(&message.headers);
        // An empty alternative would be shown by a client that prefers its type.
        let html = message.html_body.as_deref().filter(|html| !html.is_empty());
        let text = message
            .text_body
            .as_deref()
            .filter(|text| !text.is_empty() || html.is_none());
        let html = html.or(message.html_body.as_deref().filter(|_| text.is_none()));
        let attachments = faults.attachments(&message.attachments, html);
        let message_id = message_id::bracketed(&message.message_id);
        if message_id.is_none() {
            faults.add("message_id", Problem::MessageId);
        }
        if !(1900..=9999).contains(&message.date.year()) {
            faults.add("date", Problem::Date);
        }
        match (from, message_id) {
            (Some(from), Some(message_id)) if faults.0.is_empty() => Ok(Self {
                from,
                to,
                cc,
                bcc,
                reply_to,
                text,
                html,
                headers,
                attachments,
                message_id,
            }),
            _ => Err(BuildErrors::new(faults.0)),
        }
    }

    pub(super) fn needs_smtputf8(&self) -> bool {
        let lists = [&self.to, &self.cc, &self.bcc, &self.reply_to];
        std::iter::once(&self.from)
            .chain(lists.into_iter().flatten())
            .any(|mailbox| mailbox.email.needs_smtputf8())
    }
}

/// Collects the faults of all fields.
#[derive(Default)]
struct Faults(Vec<BuildError>);

impl Faults {
    fn add(&mut self, field: impl Into<String>, problem: impl Into<Problem>) {
        self.0.push(BuildError::new(field, problem));
    }

    /// Checks a text that goes into a header: any script, no control characters.
    fn text(&mut self, field: impl Into<String>, text: &str, max: usize) {
        if let Some(c) = text.chars().find(|c| c.is_control()) {
            self.add(field, Problem::Control(c));
        } else if text.chars().count() > max {
            self.add(field, Problem::TooLong { max });
        }
    }

    fn mailbox<'a>(&mut self, field: &str, address: &'a Address) -> Option<CheckedMailbox<'a>> {
        let name = address.name.as_deref();
        if let Some(name) = name {
            self.text(format!("{field}.name"), name, MAX_NAME);
        }
        match ValidEmail::parse(&address.email) {
            Ok(email) => Some(CheckedMailbox { name, email }),
            Err(error) => {
                self.add(format!("{field}.email"), error);
                None
            }
        }
    }

    fn mailboxes<'a>(&mut self, field: &str, list: &'a [Address]) -> Vec<CheckedMailbox<'a>> {
        list.iter()
            .enumerate()
            .filter_map(|(index, address)| self.mailbox(&format!("{field}[{index}]"), address))
            .collect()
    }

    fn headers<'a>(&mut self, headers: &'a [(String, String)]) -> Vec<CheckedHeader<'a>> {
        let mut checked: Vec<CheckedHeader<'a>> = Vec::new();
        for (name, value) in headers {
            // The name itself may contain anything: it is shown escaped.
            let field = || format!("custom_headers.{}", name.escape_default());
            let lower = name.to_ascii_lowercase();
            let is_ftext = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
            let parsed = HeaderName::new_from_ascii(name.clone()).ok().filter(|_| is_ftext);
            match parsed {
                None if is_ftext => self.add(field(), Problem::TooLong { max: MAX_HEADER_NAME }),
                None => self.add(field(), Problem::HeaderName),
                Some(_) if is_reserved(&lower) => self.add(field(), Problem::ReservedHeader),
                Some(_) if checked.iter().any(|other| other.name.eq_ignore_ascii_case(name)) => {
                    self.add(field(), Problem::DuplicateHeader);
                }
                Some(name) => checked.push(CheckedHeader {
                    name,
                    value,
                    structured: is_structured(&lower),
                }),
            }
            if let Some(c) = value.chars().find(|c| c.is_control()) {
                self.add(field(), Problem::Control(c));
            } else if is_structured(&lower) {
                let longest_word = value.split(' ').map(str::len).max().unwrap_or_default();
                if !value.is_ascii() {
                    self.add(field(), Problem::AsciiOnly);
                } else if longest_word + name.len() + ": ".len() > MAX_LINE {
                    self.add(field(), Problem::WordTooLong);
                }
            }
        }
        checked
    }

    fn attachments<'a>(&mut self, attachments: &'a [Attachment], html: Option<&str>) -> Vec<CheckedAttachment<'a>> {
        let mut checked: Vec<CheckedAttachment<'a>> = Vec::new();
        for (index, attachment) in attachments.iter().enumerate() {
            let field = |name: &str| format!("attachments[{index}].{name}");
            if attachment.filename.trim().is_empty() {
                self.add(field("filename"), Problem::Empty);
            }
            self.text(field("filename"), &attachment.filename, MAX_NAME);
            let media_type = MediaType::parse(&attachment.content_type).unwrap_or_else(|problem| {
                self.add(field("type"), problem);
                MediaType::octet_stream()
            });
            let content_id = attachment.content_id.as_deref().map(without_brackets);
            if let Some(id) = content_id {
                if let Some(problem) = content_id_problem(id) {
                    self.add(field("content_id"), problem);
                } else if checked.iter().any(|other| other.content_id == Some(id)) {
                    self.add(field("content_id"), Problem::DuplicateContentId);
                }
            }
            let inline = content_id.zip(html).is_some_and(|(id, html)| shows(html, id));
            let content = attachment.content.as_slice();
            checked.push(CheckedAttachment {
                filename: &attachment.filename,
                content,
                media_type,
                content_id,
                inline,
            });
        }
        checked
    }
}

fn is_reserved(lower: &str) -> bool {
    RESERVED.contains(&lower) || RESERVED_PREFIXES.iter().any(|prefix| lower.starts_with(prefix))
}

/// True if the field is parsed by its grammar. `lower` is its name in lower case.
fn is_structured(lower: &str) -> bool {
    STRUCTURED.contains(&lower) || lower.starts_with("list-")
}

fn without_brackets(id: &str) -> &str {
    id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id)
}

/// Fault of a content id. RFC 2392 requires an `addr-spec`, but ids without an `@` are common and work, so only
/// characters that would break the field or its URL are refused.
fn content_id_problem(id: &str) -> Option<Problem> {
    if id.is_empty() {
        Some(Problem::Empty)
    } else if id.len() > MAX_CONTENT_ID {
        Some(Problem::TooLong { max: MAX_CONTENT_ID })
    } else if !id.bytes().all(|b| b.is_ascii_graphic() && !b"()<>,;\"\\".contains(&b)) {
        Some(Problem::ContentId)
    } else {
        None
    }
}

/// True if the HTML has the URL `cid:id`.
fn shows(html: &str, id: &str) -> bool {
    cid::references(html).any(|reference| reference.ids().any(|shown| shown == id))
}

#[cfg(test)]
mod tests {
    use super::shows;

    #[test]
    fn finds_content_ids() {
        for (html, id, expected) in [
            ("<img src=\"cid:logo\">", "logo", true),
            ("<img src='CID:logo'>", "logo", true),
            ("<img src=cid:logo>", "logo", true),
            ("<img src=\"cid:logo2\">", "logo", false),
            ("<img src=\"cid:a%40b\">", "a@b", true),
            ("<img src=\"cid:a@b\">", "a@b", true),
            ("<td style=\"background:url(cid:bg)\">", "bg", true),
            ("<img src=\"cid:%zz\">", "%zz", true),
            ("<img src=\"cid:a&amp;b\">", "a&b", true),
            ("<img src=\"cid:a&b\">", "a&b", true),
            ("<img src=\"cid:a&amp;b\">", "a", false),
            ("cid:", "logo", false),
            ("", "logo", false),
        ] {
            assert_eq!(shows(html, id), expected, "{html} {id}");
        }
    }
}
