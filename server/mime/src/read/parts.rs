//! The tree of parts (RFC 2046 section 5.1), read in one pass whatever its depth.
//!
//! Nested messages are leaves: they are attachments to open, not part of the body. This, and the limits, keep a
//! malicious message from exhausting the reader.

use std::borrow::Cow;

use super::decode::{self, Encoding};
use super::parameters::Parameterised;
use super::{Stop, Stopped, cut, unstructured, without_brackets};
use crate::scan::{self, Fields, line_len};

/// Depth to which nested multiparts are opened.
const MAX_DEPTH: usize = 20;
/// Most parts listed.
const MAX_PARTS: usize = 500;
/// Lines between two checks of the stop signal.
const LINES: usize = 4096;

/// Use of a part without parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Text,
    Html,
    Attachment,
}

/// A part without parts.
#[derive(Debug)]
pub(super) struct Leaf<'a> {
    /// `type/subtype` in lower case, fit for a header.
    pub(super) media_type: String,
    pub(super) file_name: Option<String>,
    pub(super) content_id: Option<String>,
    /// True if shown in the body: its disposition says so, or it has a content id and no disposition.
    pub(super) is_inline: bool,
    is_attachment: bool,
    charset: Option<String>,
    encoding: Encoding,
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
        self.encoding.decode(self.body)
    }

    /// Octets after decoding.
    pub(super) fn len(&self) -> usize {
        self.encoding.decoded_len(self.body)
    }

    /// The text, of `max` octets at most, and true if it was cut.
    pub(super) fn text(&self, max: usize) -> (Cow<'_, str>, bool) {
        // Quoted-printable makes three octets of one, so this is enough for any encoding.
        let enough = &self.body[..self.body.len().min(4 * max + 4)];
        let decoded = self.encoding.decode(enough);
        let (text, was_cut) = cut(Cow::Owned(decode::charset(self.charset.as_deref(), &decoded)), max);
        (text, was_cut || enough.len() < self.body.len())
    }
}

/// All leaves in their order.
pub(super) fn leaves<'a>(raw: &'a [u8], stop: &Stop) -> Result<Vec<Leaf<'a>>, Stopped> {
    let mut tree = Tree {
        raw,
        open: Vec::new(),
        position: LinePosition::Head(0),
        default_type: TEXT,
        leaves: Vec::new(),
    };
    let mut at = 0;
    for count in 1_usize.. {
        if count.is_multiple_of(LINES) {
            stop.check()?;
        }
        if at == raw.len() || tree.leaves.len() >= MAX_PARTS {
            break;
        }
        let line = &raw[at..at + line_len(&raw[at..])];
        tree.line(at, line);
        at += line.len();
    }
    if at == raw.len() {
        tree.end_part(at);
        tree.close(0, at);
    }
    tree.leaves.truncate(MAX_PARTS);
    Ok(tree.leaves)
}

const TEXT: &str = "text/plain";

struct Tree<'a> {
    raw: &'a [u8],
    /// Multiparts that contain the current line, the outermost first.
    open: Vec<Multipart>,
    position: LinePosition,
    /// Media type of a part that names none.
    default_type: &'static str,
    leaves: Vec<Leaf<'a>>,
}

/// Position of a line in the structure of the message.
enum LinePosition {
    /// In the header section of a part that begins here.
    Head(usize),
    /// In the body, which begins here, of a part without parts.
    Body(Box<Head>, usize),
    /// Before the first delimiter of a multipart, or after its last.
    Between,
}

struct Multipart {
    head: Head,
    boundary: Vec<u8>,
    /// Offset of its body.
    body: usize,
    has_delimiter: bool,
}

impl<'a> Tree<'a> {
    fn line(&mut self, at: usize, line: &'a [u8]) {
        let after = at + line.len();
        if let Some((level, is_close)) = self.delimiter(line) {
            // The line break before it belongs to the delimiter.
            let before = &self.raw[..at];
            let end = before
                .strip_suffix(b"\r\n")
                .or_else(|| before.strip_suffix(b"\n"))
                .unwrap_or(before)
                .len();
            self.end_part(end);
            self.close(level + 1, end);
            if is_close {
                self.open.truncate(level);
                return;
            }
            self.open[level].has_delimiter = true;
            // RFC 2046 section 5.1.5.
            let is_digest = self.open[level].head.media_type == "multipart/digest";
            self.default_type = if is_digest { "message/rfc822" } else { TEXT };
            self.position = LinePosition::Head(after);
        } else if let LinePosition::Head(start) = self.position
            && scan::empty_line(line).is_some()
        {
            self.begin_body(start, after);
        }
    }

    /// Level of the multipart whose delimiter the line is, and true if it is the closing one. The outermost counts: a
    /// part cannot extend beyond its multipart.
    fn delimiter(&self, line: &[u8]) -> Option<(usize, bool)> {
        if !line.starts_with(b"--") {
            return None;
        }
        let mut levels = self.open.iter().enumerate();
        levels.find_map(|(level, multipart)| Some((level, delimiter(line, &multipart.boundary)?)))
    }

    /// Ends the header section of the part that begins at `start`, with the empty line before `after`.
    fn begin_body(&mut self, start: usize, after: usize) {
        let section = &self.raw[start..after];
        let head = Head::parse(section, self.default_type);
        let body = after - Fields::new(section).body().len();
        self.position = match head.boundary() {
            Some(boundary) if self.open.len() < MAX_DEPTH => {
                self.open.push(Multipart {
                    head,
                    boundary,
                    body,
                    has_delimiter: false,
                });
                LinePosition::Between
            }
            _ => LinePosition::Body(Box::new(head), body),
        };
    }

    /// Ends the current part.
    fn end_part(&mut self, end: usize) {
        match std::mem::replace(&mut self.position, LinePosition::Between) {
            LinePosition::Head(start) => {
                let part = &self.raw[start..end.max(start)];
                let head = Head::parse(part, self.default_type);
                self.leaves.push(head.into_leaf(Fields::new(part).body()));
            }
            LinePosition::Body(head, start) => self.leaves.push(head.into_leaf(&self.raw[start..end.max(start)])),
            LinePosition::Between => {}
        }
    }

    /// Closes the multiparts from this level on. One without parts is a leaf.
    fn close(&mut self, level: usize, end: usize) {
        while self.open.len() > level
            && let Some(multipart) = self.open.pop()
        {
            if !multipart.has_delimiter {
                let body = &self.raw[multipart.body..end.max(multipart.body)];
                self.leaves.push(multipart.head.into_leaf(body));
            }
        }
    }
}

/// Fields that describe a part.
struct Head {
    media_type: String,
    content_type: Option<Parameterised>,
    disposition: Option<Parameterised>,
    content_id: Option<String>,
    encoding: Option<Encoding>,
}

impl Head {
    fn parse(raw: &[u8], default_type: &str) -> Self {
        let mut head = Self {
            media_type: default_type.to_owned(),
            content_type: None,
            disposition: None,
            content_id: None,
            encoding: None,
        };
        for field in Fields::new(raw).take(super::MAX_FIELDS) {
            if field.is_blank() {
                continue;
            }
            if field.is("Content-Type") && head.content_type.is_none() {
                head.content_type = Some(Parameterised::parse(field.value()));
            } else if field.is("Content-Disposition") && head.disposition.is_none() {
                head.disposition = Some(Parameterised::parse(field.value()));
            } else if field.is("Content-Transfer-Encoding") && head.encoding.is_none() {
                head.encoding = Some(Encoding::named(&Parameterised::parse(field.value()).value));
            } else if field.is("Content-ID") && head.content_id.is_none() {
                head.content_id = Some(without_brackets(&unstructured(field.value()))).filter(|id| !id.is_empty());
            }
        }
        if let Some(content_type) = &head.content_type {
            head.media_type = media_type(&content_type.value);
        }
        head
    }

    fn boundary(&self) -> Option<Vec<u8>> {
        let content_type = self
            .content_type
            .as_ref()
            .filter(|_| self.media_type.starts_with("multipart/"))?;
        // A boundary never ends in a blank (RFC 2046 section 5.1.1).
        let boundary = content_type.bytes("boundary")?.trim_ascii_end().to_vec();
        (!boundary.is_empty()).then_some(boundary)
    }

    fn into_leaf(self, body: &[u8]) -> Leaf<'_> {
        let parameter = |field: &Option<Parameterised>, name: &str| {
            field
                .as_ref()
                .and_then(|field| field.text(name))
                .filter(|value| !value.is_empty())
        };
        let kind = self.disposition.as_ref().map(|disposition| disposition.value.clone());
        // A multipart in which no parts are found is shown as text.
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
            encoding: self.encoding.unwrap_or_default(),
            body,
        }
    }
}

/// The type in a form fit for a header; `application/octet-stream` if it is malformed.
fn media_type(value: &str) -> String {
    let is_token = |text: &str| {
        !text.is_empty()
            && text.len() <= 127
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    match value.split_once('/') {
        Some((kind, subtype)) if is_token(kind) && is_token(subtype) => value.to_owned(),
        // Once common, meaning text/plain (RFC 2045 section 5.2).
        None if value == "text" => TEXT.to_owned(),
        _ => "application/octet-stream".to_owned(),
    }
}

/// Parses a delimiter line: `Some(true)` for the closing one, `Some(false)` for one that opens a part.
fn delimiter(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    let padding = rest.strip_prefix(b"--").unwrap_or(rest);
    padding.trim_ascii().is_empty().then_some(padding.len() < rest.len())
}
