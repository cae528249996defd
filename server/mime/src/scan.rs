//! A read-only scanner for header sections: it finds the beginning and end of each field, in any bytes.
//!
//! One rule applies wherever messages are read or changed: the section ends at the first empty line, whatever precedes
//! it. The `From ` line of an mbox is skipped, and a line that is not a field does not end the section: the lines after
//! it are read as fields. Text without any field before its first empty line is a body without a header section.

use memchr::memchr;

/// A line of a header section with its folded lines and line break: a field, or a line that is not one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    /// The whole field as in the message.
    pub(crate) raw: &'a [u8],
    /// Offset of the colon; `None` if this is not a field.
    colon: Option<usize>,
}

impl<'a> Field<'a> {
    /// The name, without the blanks that the obsolete syntax allows before the colon (RFC 5322 section 4.5); empty if
    /// this is not a field.
    pub(crate) fn name(&self) -> &'a [u8] {
        self.raw[..self.colon.unwrap_or_default()].trim_ascii_end()
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name.as_bytes())
    }

    /// True if this is a line without a field name, which is kept where it is and has no meaning.
    pub(crate) fn is_none(&self) -> bool {
        self.colon.is_none()
    }

    /// The text after the colon, folds and line break included.
    pub(crate) fn value(&self) -> &'a [u8] {
        &self.raw[self.colon.map_or(0, |colon| colon + 1)..]
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.value().trim_ascii().is_empty()
    }
}

/// Iterates over the fields of a message or part. Lines end in LF, with or without CR.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    raw: &'a [u8],
    at: usize,
    has_section: bool,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(raw: &'a [u8]) -> Self {
        let start = start(raw);
        Self {
            raw,
            at: start.unwrap_or_default(),
            has_section: start.is_some(),
        }
    }

    /// The rest after the fields taken so far; after the last one it begins with the empty line.
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.raw[self.at..]
    }

    /// Skips to the end of the section and returns the body, without the empty line.
    pub(crate) fn body(mut self) -> &'a [u8] {
        self.by_ref().for_each(drop);
        let rest = self.rest();
        &rest[empty_line(rest).unwrap_or_default()..]
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let rest = self.rest();
        if !self.has_section || rest.is_empty() || empty_line(rest).is_some() {
            return None;
        }
        let mut end = line_len(rest);
        let colon = colon(&rest[..end]);
        while rest.get(end).is_some_and(|&byte| byte == b' ' || byte == b'\t') {
            end += line_len(&rest[end..]);
        }
        self.at += end;
        Some(Field {
            raw: &rest[..end],
            colon,
        })
    }
}

/// Octets of the first line, its line break included.
pub(crate) fn line_len(text: &[u8]) -> usize {
    memchr(b'\n', text).map_or(text.len(), |at| at + 1)
}

/// Octets of the empty line at the start of the text.
pub(crate) fn empty_line(text: &[u8]) -> Option<usize> {
    match text {
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => None,
    }
}

/// Offset of the header section, after the lines of an mbox; `None` when no line before the first empty one is a field.
pub(crate) fn start(raw: &[u8]) -> Option<usize> {
    let mut start = 0;
    while is_mbox_line(&raw[start..]) {
        start += line_len(&raw[start..]);
    }
    let mut at = start;
    while at < raw.len() && empty_line(&raw[at..]).is_none() {
        let line = &raw[at..at + line_len(&raw[at..])];
        if colon(line).is_some() {
            return Some(start);
        }
        at += line.len();
    }
    None
}

/// True if the text begins with the separator line of an mbox, possibly quoted (RFC 4155). `From : a@example.com` is a
/// field.
fn is_mbox_line(text: &[u8]) -> bool {
    let quotes = text.iter().take_while(|&&byte| byte == b'>').count();
    text[quotes..].starts_with(b"From ") && colon(&text[..line_len(text)]).is_none()
}

/// Offset of the colon of a field; `None` when the line does not begin with a field name (RFC 5322 section 2.2).
fn colon(line: &[u8]) -> Option<usize> {
    let colon = memchr(b':', line)?;
    let name = line[..colon].trim_ascii_end();
    (!name.is_empty() && name.iter().all(u8::is_ascii_graphic)).then_some(colon)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(raw: &[u8]) -> (Vec<String>, String) {
        let mut fields = Fields::new(raw);
        let names = fields
            .by_ref()
            .map(|field| String::from_utf8_lossy(field.name()).into_owned())
            .collect();
        (names, String::from_utf8_lossy(fields.body()).into_owned())
    }

    #[test]
    fn scans() {
        for (raw, expected, body) in [
            ("", &[][..], ""),
            ("body only", &[], "body only"),
            ("\r\nbody", &[], "body"),
            ("\n\nbody", &[], "\nbody"),
            ("A: 1\r\nB:2\r\n\r\nbody\r\n", &["A", "B"], "body\r\n"),
            ("A: 1\nB: 2\n\nbody", &["A", "B"], "body"),
            ("A: 1\r\n folded\r\n\tagain\r\nB: 2\r\n\r\n", &["A", "B"], ""),
            ("A : 1\r\nB\t:\r\n\r\n", &["A", "B"], ""),
            ("A: 1\r\n \r\nB: 2\r\n\r\nx", &["A", "B"], "x"),
            ("A: 1", &["A"], ""),
            ("A: 1\r\nnot a field\r\n folded\r\nB: 2\r\n\r\nx", &["A", "", "B"], "x"),
            ("X Mailer: PHP\r\nA: 1\r\n\r\nx", &["", "A"], "x"),
            (" \r\nA: 1\r\n\r\nx", &["", "A"], "x"),
            (" A: 1\r\nB: 2\r\n\r\nx", &["", "B"], "x"),
            ("\u{feff}A: 1\r\nB: 2\r\n\r\nx", &["", "B"], "x"),
            ("Bcc\r\n : x\r\nB: 2\r\n\r\nx", &["", "B"], "x"),
            // Lines of an mbox, and fields and texts that begin like one.
            ("From me Mon Jan 1 10:00:00\r\nA: 1\r\n\r\nx", &["A"], "x"),
            (">From me Mon Jan 1 10:00:00\nA: 1\n\nx", &["A"], "x"),
            (
                "From me 10:00\r\n>From you 10:00\r\n>>From x\r\nA: 1\r\n\r\nx",
                &["A"],
                "x",
            ),
            ("From : a\r\n\r\nx", &["From"], "x"),
            ("From: a\r\nFrom me 10:00\r\nA: 1\r\n\r\nx", &["From", "", "A"], "x"),
            (
                "From now on\r\nall is well\r\n\r\nA: 1",
                &[],
                "From now on\r\nall is well\r\n\r\nA: 1",
            ),
            // No field at all: no header section.
            ("no field\r\n\r\nA: 1\r\n", &[], "no field\r\n\r\nA: 1\r\n"),
            (" A: 1\r\n\r\n", &[], " A: 1\r\n\r\n"),
            (": 1\r\n\r\n", &[], ": 1\r\n\r\n"),
        ] {
            let (names, rest) = names(raw.as_bytes());
            assert_eq!(names, expected, "{raw:?}");
            assert_eq!(rest, body, "{raw:?}");
        }
    }
}
