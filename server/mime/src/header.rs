//! Requirements on the header section of a message.

use crate::scan::{self, Fields};

/// Octets of a line that an error shows.
const SHOWN: usize = 60;

/// A line in the header section that is not a field (RFC 5322 section 2.2). Some receivers end the section there and
/// show the fields after it, a Bcc among them, in the body; others do not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line} of the header is no header field (\"{text}\"): a field is a name without spaces, a colon and a value, and an \
     empty line ends the header"
)]
pub struct NoField {
    /// Number of the line from 1, in the message as received.
    pub line: usize,
    /// Beginning of the line, in printable ASCII.
    pub text: String,
}

/// The message without the `From ` lines of an mbox before its header section (RFC 4155), which are not part of it. A
/// message without any header field is returned unchanged: all of it is body.
///
/// # Errors
/// [`NoField`] for the first line of the section that is not a field.
pub fn accepted(raw: &[u8]) -> Result<&[u8], NoField> {
    let Some(start) = scan::start(raw) else {
        return Ok(raw);
    };
    let mut fields = Fields::new(raw);
    let mut before = fields.rest().len();
    while let Some(field) = fields.next() {
        if field.is_none() {
            return Err(no_field(&raw[..raw.len() - before], field.raw));
        }
        before = fields.rest().len();
    }
    Ok(&raw[start..])
}

fn no_field(before: &[u8], raw: &[u8]) -> NoField {
    let line = raw[..scan::line_len(raw)].trim_ascii_end();
    let shown = &line[..line.len().min(SHOWN)];
    NoField {
        line: memchr::memchr_iter(b'\n', before).count() + 1,
        text: shown.escape_ascii().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_no_field_are_told() {
        for (raw, line, text) in [
            ("X Mailer: PHP\r\nFrom: a\r\n\r\n", 1, "X Mailer: PHP"),
            ("From: a,\r\n b\r\nHello there\r\nBcc: x\r\n\r\n", 3, "Hello there"),
            ("From me 10:00\r\n \r\nFrom: a\r\n", 2, ""),
            ("\u{feff}From: a\r\nTo: b\r\n\r\n", 1, "\\xef\\xbb\\xbfFrom: a"),
            ("To: a\r\nBcc\r\n : x\r\n\r\n", 2, "Bcc"),
            ("To: a\r\n: x\r\n\r\n", 2, ": x"),
            ("To: a\r\nFrom me 10:00\r\n\r\n", 2, "From me 10:00"),
        ] {
            let expected = NoField {
                line,
                text: text.to_owned(),
            };
            assert_eq!(accepted(raw.as_bytes()), Err(expected), "{raw:?}");
        }
        let long = format!("To: a\r\n{}\r\n\r\n", "\u{fc}".repeat(10_000));
        assert!(accepted(long.as_bytes()).unwrap_err().to_string().len() < 500);
    }

    #[test]
    fn mbox_lines_go_and_the_rest_stays() {
        for (raw, expected) in [
            ("From: a\r\n\r\nHello there", "From: a\r\n\r\nHello there"),
            (
                "From me Mon Jan 1 10:00:00 2026\r\nFrom: a\r\n\r\nx",
                "From: a\r\n\r\nx",
            ),
            (
                ">From me Mon Jan 1 10:00:00 2026\r\nFrom: a\r\n\r\nx",
                "From: a\r\n\r\nx",
            ),
            ("From : a\r\n \r\n b\r\n\r\nx", "From : a\r\n \r\n b\r\n\r\nx"),
            ("From now on\r\n\r\nall: is well", "From now on\r\n\r\nall: is well"),
            ("just text\r\n", "just text\r\n"),
            ("", ""),
        ] {
            assert_eq!(accepted(raw.as_bytes()), Ok(expected.as_bytes()), "{raw:?}");
        }
    }
}
