//! The tree of parts (RFC 2046 section 5.1), gone through in one pass a level.
//!
//! Nested messages are leaves: they are attachments to look into, not part of the body. That, and the limits, keep a
//! message made to exhaust a reader from doing so.

use std::borrow::Cow;

use mail_parser::{ContentType, HeaderValue};

use super::{cut, decode, parsed, unstructured, without_brackets, without_controls};
use crate::scan::{Fields, line_len};

/// Multiparts inside multiparts that are opened.
const MAX_DEPTH: usize = 20;
/// Parts that are listed.
const MAX_PARTS: usize = 500;

/// What a part without parts is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Text,
    Html,
    Attachment,
}

/// A part that has no parts.
#[derive(Debug)]
pub(super) struct Leaf<'a> {
    /// `type/subtype` in lower case, fit for a header.
    pub(super) media_type: String,
    pub(super) file_name: Option<String>,
    pub(super) content_id: Option<String>,
    /// Shown in the body: its disposition says so, or it has a content id and no disposition.
    pub(super) is_inline: bool,
    is_attachment: bool,
    charset: Option<String>,
    encoding: String,
    body: &'a [u8],
}

impl Leaf<'_> {
    pub(super) fn role(&self) -> Role {
        match self.media_type.as_str() {
            _ if self.is_attachment || self.file_name.is_some() => Role::Attachment,
            "text/plain" => Role::Text,
            "text/html" => Role::Html,
            _ => Role::Attachment,
        }
    }

    pub(super) fn decoded(&self) -> Cow<'_, [u8]> {
        decode::transfer(&self.encoding, self.body)
    }

    /// The text, of `max` octets at most, and whether that cut it.
    pub(super) fn text(&self, max: usize) -> (Cow<'_, str>, bool) {
        // Quoted-printable makes three octets of one, so this much is enough whatever the encoding.
        let enough = &self.body[..self.body.len().min(4 * max + 4)];
        let decoded = decode::transfer(&self.encoding, enough);
        let (text, was_cut) = cut(Cow::Owned(decode::charset(self.charset.as_deref(), &decoded)), max);
        (text, was_cut || enough.len() < self.body.len())
    }
}

/// All leaves in their order.
pub(super) fn leaves(raw: &[u8]) -> Vec<Leaf<'_>> {
    let mut leaves = Vec::new();
    collect(raw, "text/plain", 0, &mut leaves);
    leaves
}

fn collect<'a>(raw: &'a [u8], default_type: &str, depth: usize, leaves: &mut Vec<Leaf<'a>>) {
    let head = Head::parse(raw, default_type);
    let body = Fields::new(raw).body();
    match head.boundary() {
        Some(boundary) if depth < MAX_DEPTH => {
            // RFC 2046 section 5.1.5.
            let default_type = if head.media_type == "multipart/digest" {
                "message/rfc822"
            } else {
                "text/plain"
            };
            let has_parts = split(body, boundary.as_bytes(), |part| {
                if leaves.len() < MAX_PARTS {
                    collect(part, default_type, depth + 1, leaves);
                }
                leaves.len() < MAX_PARTS
            });
            if !has_parts {
                leaves.push(head.into_leaf(body));
            }
        }
        _ => leaves.push(head.into_leaf(body)),
    }
}

/// The fields of a part that say what it is.
struct Head {
    media_type: String,
    content_type: Option<Parameterised>,
    disposition: Option<Parameterised>,
    content_id: Option<String>,
    encoding: String,
}

impl Head {
    fn parse(raw: &[u8], default_type: &str) -> Self {
        let mut head = Self {
            media_type: default_type.to_owned(),
            content_type: None,
            disposition: None,
            content_id: None,
            encoding: String::new(),
        };
        for field in Fields::new(raw).take(super::MAX_FIELDS) {
            if field.is("Content-Type") && head.content_type.is_none() {
                head.content_type = Parameterised::parse(field.value());
            } else if field.is("Content-Disposition") && head.disposition.is_none() {
                head.disposition = Parameterised::parse(field.value());
            } else if field.is("Content-Transfer-Encoding") && head.encoding.is_empty() {
                head.encoding = unstructured(field.value());
            } else if field.is("Content-ID") && head.content_id.is_none() {
                head.content_id = Some(without_brackets(&unstructured(field.value()))).filter(|id| !id.is_empty());
            }
        }
        if let Some(content_type) = &head.content_type {
            head.media_type = media_type(&content_type.value);
        }
        head
    }

    fn boundary(&self) -> Option<&str> {
        let content_type = self
            .content_type
            .as_ref()
            .filter(|_| self.media_type.starts_with("multipart/"))?;
        // A boundary never ends in a blank (RFC 2046 section 5.1.1).
        content_type
            .value
            .attribute("boundary")
            .map(str::trim_end)
            .filter(|boundary| !boundary.is_empty())
    }

    fn into_leaf(self, body: &[u8]) -> Leaf<'_> {
        let parameter = |field: &Option<Parameterised>, name: &str| {
            field
                .as_ref()
                .and_then(|field| field.text(name))
                .filter(|value| !value.is_empty())
        };
        let kind = self
            .disposition
            .as_ref()
            .map(|disposition| disposition.value.ctype().to_ascii_lowercase());
        // What claims to be parts but has none to find is text to look at.
        let is_broken_multipart = self.media_type.starts_with("multipart/");
        Leaf {
            file_name: parameter(&self.disposition, "filename").or_else(|| parameter(&self.content_type, "name")),
            is_inline: match kind.as_deref() {
                Some(kind) => kind == "inline",
                None => self.content_id.is_some(),
            },
            is_attachment: kind.as_deref() == Some("attachment"),
            charset: parameter(&self.content_type, "charset"),
            media_type: if is_broken_multipart {
                "text/plain".to_owned()
            } else {
                self.media_type
            },
            content_id: self.content_id,
            encoding: self.encoding,
            body,
        }
    }
}

/// A value with parameters (RFC 2045 section 5.1, RFC 2183).
struct Parameterised {
    value: ContentType<'static>,
    has_encoded_words: bool,
}

impl Parameterised {
    fn parse(value: &[u8]) -> Option<Self> {
        let has_encoded_words = value.windows(2).any(|window| window == b"=?");
        match parsed(value, |stream| stream.parse_content_type()) {
            HeaderValue::ContentType(value) => Some(Self {
                value,
                has_encoded_words,
            }),
            _ => None,
        }
    }

    /// A parameter as text. Encoded words have no place in one, and are found in many.
    fn text(&self, name: &str) -> Option<String> {
        let value = self.value.attribute(name)?;
        Some(if self.has_encoded_words {
            unstructured(value.as_bytes())
        } else {
            without_controls(value)
        })
    }
}

/// The type in lower case; what is no type becomes the one for any bytes.
fn media_type(content_type: &ContentType<'_>) -> String {
    let is_token = |text: &str| {
        !text.is_empty()
            && text.len() <= 127
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    let subtype = content_type.subtype().unwrap_or_default();
    match content_type.ctype() {
        kind if is_token(kind) && is_token(subtype) => format!("{kind}/{subtype}").to_ascii_lowercase(),
        // Once common, and meant as text/plain (RFC 2045 section 5.2).
        kind if kind.eq_ignore_ascii_case("text") => "text/plain".to_owned(),
        _ => "application/octet-stream".to_owned(),
    }
}

/// Gives the parts between the delimiter lines, each without the line break that belongs to the delimiter after it,
/// until `take` wants no more, and says whether there was a delimiter. A part that is never closed ends with the body.
fn split<'a>(body: &'a [u8], boundary: &[u8], mut take: impl FnMut(&'a [u8]) -> bool) -> bool {
    let mut start = None;
    let mut at = 0;
    while at < body.len() {
        let line = &body[at..at + line_len(&body[at..])];
        let after = at + line.len();
        if let Some(is_close) = delimiter(line, boundary) {
            if let Some(start) = start
                && !take(without_line_break(&body[start..at.max(start)]))
            {
                return true;
            }
            if is_close {
                return true;
            }
            start = Some(after);
        }
        at = after;
    }
    if let Some(start) = start {
        take(&body[start..]);
    }
    start.is_some()
}

/// `Some(true)` for the delimiter that closes, `Some(false)` for one that opens a part.
fn delimiter(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    let padding = rest.strip_prefix(b"--").unwrap_or(rest);
    padding.trim_ascii().is_empty().then_some(padding.len() < rest.len())
}

fn without_line_break(part: &[u8]) -> &[u8] {
    part.strip_suffix(b"\r\n")
        .or_else(|| part.strip_suffix(b"\n"))
        .unwrap_or(part)
}
