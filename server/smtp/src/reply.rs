//! Replies: a code (RFC 5321 section 4.2), an enhanced code (RFC 3463, RFC 2034) and a text.

use std::borrow::Cow;
use std::fmt;

/// Most octets of a reply's line, its code and CRLF included (RFC 5321 section 4.5.3.1.5).
const MAX_LINE: usize = 512;

/// A reply of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    code: u16,
    /// Empty where RFC 2034 has none: in the greeting, the answer to EHLO, and 3xx.
    enhanced: &'static str,
    text: Cow<'static, str>,
}

impl Reply {
    /// A reply with a fixed text.
    pub(crate) const fn new(code: u16, enhanced: &'static str, text: &'static str) -> Self {
        Self {
            code,
            enhanced,
            text: Cow::Borrowed(text),
        }
    }

    /// A reply with a computed text. Characters that are not allowed in a reply are replaced when it is written.
    pub(crate) fn of(code: u16, enhanced: &'static str, text: impl Into<String>) -> Self {
        Self {
            code,
            enhanced,
            text: Cow::Owned(text.into()),
        }
    }

    /// The code.
    pub(crate) fn code(&self) -> u16 {
        self.code
    }

    /// The reply in the form that is sent.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        format!("{self}\r\n").into_bytes()
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = format!("{} ", self.code);
        if !self.enhanced.is_empty() {
            line.push_str(self.enhanced);
            line.push(' ');
        }
        push_text(&mut line, &self.text);
        f.write_str(&line)
    }
}

/// A reply of several lines, without enhanced codes: the answer to EHLO.
pub(crate) fn lines(code: u16, lines: &[&str]) -> Vec<u8> {
    let mut reply = String::new();
    for (at, text) in lines.iter().enumerate() {
        let separator = if at + 1 == lines.len() { ' ' } else { '-' };
        let mut line = format!("{code}{separator}");
        push_text(&mut line, text);
        reply.push_str(&line);
        reply.push_str("\r\n");
    }
    reply.into_bytes()
}

/// Appends any text, such as parts of the client's input, in printable form.
fn push_text(line: &mut String, text: &str) {
    let room = MAX_LINE - 2 - line.len();
    line.extend(
        text.chars()
            .take(room)
            .map(|c| if matches!(c, ' '..='~') { c } else { '?' }),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_one_line_whatever_its_text() {
        let text = |reply: Reply| String::from_utf8(reply.to_bytes()).unwrap();
        assert_eq!(text(Reply::new(250, "2.0.0", "Ok")), "250 2.0.0 Ok\r\n");
        assert_eq!(
            text(Reply::new(354, "", "End with <CRLF>.<CRLF>")),
            "354 End with <CRLF>.<CRLF>\r\n"
        );
        assert_eq!(text(Reply::of(553, "5.1.3", "a\r\n250 ü\0")), "553 5.1.3 a??250 ??\r\n");
        assert_eq!(text(Reply::of(553, "5.1.3", "ü".repeat(1_000))).len(), MAX_LINE);
        assert_eq!(lines(250, &["a", "b"]), b"250-a\r\n250 b\r\n");
    }
}
