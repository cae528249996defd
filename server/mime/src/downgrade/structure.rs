//! Structure of a part, and positions of the parts of a multipart (RFC 2046 section 5.1).

use std::ops::Range;

use crate::scan::{Fields, line_len};

/// Fields of a message or part that matter for its encoding.
#[derive(Debug)]
pub(super) struct Head {
    /// `type/subtype` in lower case.
    pub(super) media_type: String,
    pub(super) has_content_type: bool,
    pub(super) boundary: Option<Vec<u8>>,
    /// The transfer encoding in lower case; empty when there is none.
    pub(super) encoding: String,
    /// Range of the encoding's field, from the beginning of the part.
    pub(super) encoding_at: Option<Range<usize>>,
    /// Number of such fields.
    pub(super) encodings: usize,
    pub(super) has_mime_version: bool,
    /// True if there is a signature over the message.
    pub(super) is_signed: bool,
}

impl Head {
    pub(super) fn read(raw: &[u8], default_type: &str) -> Self {
        let mut head = Self {
            media_type: default_type.to_owned(),
            has_content_type: false,
            boundary: None,
            encoding: String::new(),
            encoding_at: None,
            encodings: 0,
            has_mime_version: false,
            is_signed: false,
        };
        let mut fields = Fields::new(raw);
        while let Some(field) = fields.next() {
            let end = raw.len() - fields.rest().len();
            if field.is("Content-Type") && !head.has_content_type {
                head.has_content_type = true;
                let mut sections = Sections(field.value());
                head.media_type = lower(sections.next().unwrap_or_default());
                head.boundary = sections.find_map(boundary);
            } else if field.is("Content-Transfer-Encoding") {
                head.encodings += 1;
                head.encoding = lower(field.value());
                head.encoding_at = Some(end - field.raw.len()..end);
            } else if field.is("MIME-Version") {
                head.has_mime_version = true;
            } else if ["DKIM-Signature", "ARC-Message-Signature", "DomainKey-Signature"]
                .iter()
                .any(|name| field.is(name))
            {
                head.is_signed = true;
            }
        }
        head
    }
}

/// A token in lower case, without surrounding blanks, line breaks and comments.
fn lower(value: &[u8]) -> String {
    let value = &value[..memchr::memchr(b'(', value).unwrap_or(value.len())];
    String::from_utf8_lossy(value.trim_ascii()).to_ascii_lowercase()
}

/// Sections of a value between the semicolons outside quotes.
struct Sections<'a>(&'a [u8]);

impl<'a> Iterator for Sections<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let (mut is_quoted, mut is_escaped) = (false, false);
        let end = self.0.iter().position(|&byte| {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_quoted => is_escaped = true,
                b'"' => is_quoted = !is_quoted,
                b';' => return !is_quoted,
                _ => {}
            }
            false
        });
        let (section, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest.get(1..).unwrap_or_default();
        Some(section)
    }
}

/// Value of a section `boundary=…`.
fn boundary(section: &[u8]) -> Option<Vec<u8>> {
    let equals = memchr::memchr(b'=', section)?;
    let (name, value) = (&section[..equals], section[equals + 1..].trim_ascii());
    if !name.trim_ascii().eq_ignore_ascii_case(b"boundary") {
        return None;
    }
    let value = match value.strip_prefix(b"\"") {
        Some(quoted) => {
            let mut text = Vec::with_capacity(quoted.len());
            let mut bytes = quoted.iter();
            while let Some(&byte) = bytes.next() {
                match byte {
                    b'"' => break,
                    b'\\' => text.extend(bytes.next()),
                    b'\r' | b'\n' => {}
                    byte => text.push(byte),
                }
            }
            text
        }
        None => value.split(u8::is_ascii_whitespace).next()?.to_vec(),
    };
    // A boundary never ends in a blank (RFC 2046 section 5.1.1).
    let value = value.trim_ascii_end().to_vec();
    (!value.is_empty()).then_some(value)
}

/// Ranges of the parts in the body of a multipart. The line break before a delimiter belongs to the delimiter.
pub(super) fn parts(body: &[u8], boundary: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut begun = None;
    let mut at = 0;
    while at < body.len() {
        let end = at + line_len(&body[at..]);
        if let Some(is_last) = delimiter(&body[at..end], boundary) {
            if let Some(start) = begun {
                let text: &[u8] = &body[start..at];
                let text = text.strip_suffix(b"\n").unwrap_or(text);
                let text = text.strip_suffix(b"\r").unwrap_or(text);
                found.push(start..start + text.len());
            }
            begun = (!is_last).then_some(end);
            if is_last {
                break;
            }
        }
        at = end;
    }
    // The body ends before the last delimiter.
    if let Some(start) = begun {
        found.push(start..body.len());
    }
    found
}

/// Parses a delimiter line: `Some(true)` for the last one, `Some(false)` for the others, `None` for any other line.
fn delimiter(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    let is_last = rest.starts_with(b"--");
    // Anything may follow the last one; the others may only be followed by blanks.
    (is_last || rest.trim_ascii().is_empty()).then_some(is_last)
}
