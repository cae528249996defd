//! Conversion of eight-bit content for servers that take seven bits (RFC 6152 section 3): bodies of parts are encoded
//! in quoted-printable or base64, whichever is shorter, and every other byte is kept.
//!
//! Signed content is left alone, since a signature covers the encoded form: parts of a `multipart/signed` (RFC 1847
//! section 2.1), and all of a message with a DKIM signature (RFC 6376) or an ARC set (RFC 8617). Also left alone are
//! parts that may not be encoded, parts that are already encoded and yet have bytes beyond ASCII, and header fields,
//! since RFC 6152 is about bodies.

mod encode;
mod structure;
#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::scan::Fields;
use encode::Encoding;
use structure::{Head, parts};

/// Depth to which nested multiparts and messages are opened.
const MAX_DEPTH: usize = 20;

/// Result of a downgrade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downgraded {
    /// The converted message; `None` when nothing was converted.
    pub content: Option<Vec<u8>>,
    /// Number of converted parts.
    pub converted: usize,
    /// Reason why bytes beyond ASCII are left; `None` when none are.
    pub left: Option<Left>,
}

/// Reason why bytes beyond ASCII were left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// The structure of a part does not allow encoding it.
    Structure,
    /// They are in a header.
    Header,
    /// They are signed.
    Signed,
}

/// Converts all parts that can be converted. Needs about the memory of the result, which is at most one and a half
/// times the size of the message.
pub fn to_seven_bit(raw: &[u8]) -> Downgraded {
    let mut plan = Plan {
        raw,
        edits: Vec::new(),
        converted: 0,
        left: None,
    };
    plan.entity(0..raw.len(), "text/plain", true, 0);
    Downgraded {
        converted: plan.converted,
        left: plan.left,
        content: (plan.converted > 0).then(|| plan.carry_out()),
    }
}

/// A range of the message to replace.
struct Edit {
    at: Range<usize>,
    by: By,
}

enum By {
    Text(String),
    Encoded(Encoding),
}

/// The edits to make, found in one pass for each level.
struct Plan<'a> {
    raw: &'a [u8],
    edits: Vec<Edit>,
    converted: usize,
    left: Option<Left>,
}

impl Plan<'_> {
    /// Plans a message or part. Returns true if its body will be free of bytes beyond ASCII.
    fn entity(&mut self, at: Range<usize>, default_type: &str, is_message: bool, depth: usize) -> bool {
        let raw = &self.raw[at.clone()];
        if raw.is_ascii() {
            return true;
        }
        let body = at.end - Fields::new(raw).body().len()..at.end;
        let head = Head::read(raw, default_type);
        if is_message && head.is_signed {
            return self.leave(Left::Signed);
        }
        if !self.raw[at.start..body.start].is_ascii() {
            self.leave(Left::Header);
        }
        if self.raw[body.clone()].is_ascii() {
            return true;
        }
        // Without an empty line there is no place to add a field.
        let has_end = self.raw[..body.start].ends_with(b"\n\r\n")
            || self.raw[..body.start].ends_with(b"\n\n")
            || [b"\r\n".as_slice(), b"\n"].contains(&&self.raw[at.start..body.start]);
        if !has_end || head.encodings > 1 || depth >= MAX_DEPTH {
            return self.leave(Left::Structure);
        }
        let is_done = match head.media_type.as_str() {
            "multipart/signed" => return self.leave(Left::Signed),
            "message/rfc822" | "message/news" => self.entity(body, "text/plain", true, depth + 1),
            kind if kind.starts_with("multipart/") => self.multipart(body, &head, depth),
            // These may be encoded (RFC 6532 section 3.7), other messages may not (RFC 2046 section 5.2).
            "message/global" | "message/global-headers" | "message/global-delivery-status" => {
                return self.leaf(at, body, &head, is_message);
            }
            kind if kind.starts_with("message/") => return self.leave(Left::Structure),
            _ => return self.leaf(at, body, &head, is_message),
        };
        if is_done && let Some(field) = &head.encoding_at {
            let field = at.start + field.start..at.start + field.end;
            self.replace(field, "Content-Transfer-Encoding: 7bit\r\n");
        }
        is_done
    }

    fn multipart(&mut self, body: Range<usize>, head: &Head, depth: usize) -> bool {
        let Some(boundary) = &head.boundary else {
            return self.leave(Left::Structure);
        };
        let found = parts(&self.raw[body.clone()], boundary);
        let mut outside = body.start;
        let mut is_done = true;
        for part in found {
            let part = body.start + part.start..body.start + part.end;
            is_done &= self.outside(outside..part.start);
            outside = part.end;
            // RFC 2046 section 5.1.5.
            let default_type = match head.media_type.as_str() {
                "multipart/digest" => "message/rfc822",
                _ => "text/plain",
            };
            is_done &= self.entity(part, default_type, false, depth + 1);
        }
        is_done & self.outside(outside..body.end)
    }

    /// Handles the text between and around the parts, which cannot be encoded.
    fn outside(&mut self, at: Range<usize>) -> bool {
        self.raw[at].is_ascii() || self.leave(Left::Structure)
    }

    fn leaf(&mut self, at: Range<usize>, body: Range<usize>, head: &Head, is_message: bool) -> bool {
        if !matches!(head.encoding.as_str(), "" | "7bit" | "8bit" | "binary") {
            return self.leave(Left::Structure);
        }
        let content = &self.raw[body.clone()];
        let encoding = Encoding::of(content, head.media_type.starts_with("text/"));
        let mut fields = String::new();
        if is_message && !head.has_mime_version {
            fields.push_str("MIME-Version: 1.0\r\n");
            if !head.has_content_type {
                // RFC 1428 section 3: a message from before MIME does not name its charset.
                let charset = std::str::from_utf8(content).map_or("unknown-8bit", |_| "utf-8");
                fields.push_str(&format!("Content-Type: text/plain; charset={charset}\r\n"));
            }
        }
        let field = format!("Content-Transfer-Encoding: {}\r\n", encoding.name());
        match &head.encoding_at {
            Some(place) => self.replace(at.start + place.start..at.start + place.end, &field),
            None => fields.push_str(&field),
        }
        let empty_line = if self.raw[..body.start].ends_with(b"\r\n") {
            2
        } else {
            1
        };
        let end_of_header = body.start - empty_line;
        self.replace(end_of_header..end_of_header, &fields);
        self.edits.push(Edit {
            at: body,
            by: By::Encoded(encoding),
        });
        self.converted += 1;
        true
    }

    fn replace(&mut self, at: Range<usize>, by: &str) {
        let by = By::Text(by.to_owned());
        self.edits.push(Edit { at, by });
    }

    fn leave(&mut self, why: Left) -> bool {
        self.left = self.left.max(Some(why));
        false
    }

    fn carry_out(mut self) -> Vec<u8> {
        self.edits.sort_by_key(|edit| edit.at.start);
        let mut out = Vec::with_capacity(self.raw.len() + self.raw.len() / 2);
        let mut done = 0;
        for edit in self.edits {
            out.extend_from_slice(&self.raw[done..edit.at.start]);
            match edit.by {
                By::Text(text) => out.extend_from_slice(text.as_bytes()),
                By::Encoded(encoding) => encoding.write(&self.raw[edit.at.clone()], &mut out),
            }
            done = edit.at.end;
        }
        out.extend_from_slice(&self.raw[done..]);
        out
    }
}
