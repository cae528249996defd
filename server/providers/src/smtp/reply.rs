//! Replies as they come over the wire (RFC 5321 section 4.2).
//!
//! More forms are read than the grammar has, since real servers send them: a code without a space and text, lines that
//! end in LF alone, a tab after the code, text that is not UTF-8, and lines of one reply that disagree about the code
//! (the last one counts, as it does for Postfix).

use bytes::{Buf, BytesMut};
use sendmux_rules::Reply;

/// Largest reply that is read, in bytes, all lines together.
pub(super) const MAX_REPLY: usize = 64 * 1024;

/// A reply, line by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawReply {
    /// 200 to 599.
    pub code: u16,
    /// The text of each line, without the code.
    pub lines: Vec<String>,
}

/// The text in the buffer is not an SMTP reply. It is not kept: a user who names the host of another service is not to
/// read what that says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotAReply;

impl RawReply {
    /// Takes one whole reply out of the buffer; `None` while it is incomplete.
    pub fn take(buffer: &mut BytesMut) -> Result<Option<Self>, NotAReply> {
        let mut lines = Vec::new();
        let mut start = 0;
        while let Some(length) = memchr::memchr(b'\n', &buffer[start..]) {
            let line = &buffer[start..start + length];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let (code, last, text) = split_line(line)?;
            lines.push(text);
            start += length + 1;
            if last {
                buffer.advance(start);
                return Ok(Some(Self { code, lines }));
            }
        }
        if buffer.len() >= MAX_REPLY {
            return Err(NotAReply);
        }
        Ok(None)
    }

    /// 2yz.
    pub fn is_completion(&self) -> bool {
        self.code / 100 == 2
    }

    /// The reply as the rules read it.
    pub fn reply(&self) -> Reply {
        Reply::parse(self.code, &self.lines)
    }
}

/// The code, whether the line is the reply's last, and the text.
fn split_line(line: &[u8]) -> Result<(u16, bool, String), NotAReply> {
    let [a @ b'2'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] = line else {
        return Err(NotAReply);
    };
    let code = [a, b, c]
        .iter()
        .fold(0, |code, digit| code * 10 + u16::from(**digit - b'0'));
    match rest {
        [] => Ok((code, true, String::new())),
        [b' ' | b'\t', text @ ..] => Ok((code, true, printable(text))),
        [b'-', text @ ..] => Ok((code, false, printable(text))),
        _ => Err(NotAReply),
    }
}

/// Text that is safe to store, log and show: valid UTF-8, no control characters.
fn printable(text: &[u8]) -> String {
    String::from_utf8_lossy(text)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(bytes: &[u8]) -> (Result<Option<RawReply>, NotAReply>, Vec<u8>) {
        let mut buffer = BytesMut::from(bytes);
        (RawReply::take(&mut buffer), buffer.to_vec())
    }

    fn reply(bytes: &[u8]) -> RawReply {
        take(bytes).0.unwrap().unwrap()
    }

    #[test]
    fn lines_are_gathered_and_the_rest_is_left() {
        let (taken, rest) = take(b"250-mail.example.com\r\n250-SIZE 1000\r\n250 HELP\r\n354 Go\r\n");
        let taken = taken.unwrap().unwrap();
        assert_eq!(taken.code, 250);
        assert_eq!(taken.lines, ["mail.example.com", "SIZE 1000", "HELP"]);
        assert_eq!(rest, b"354 Go\r\n");
    }

    #[test]
    fn an_incomplete_reply_waits_untouched() {
        for bytes in [&b""[..], b"25", b"250", b"250 ok\r", b"250-a\r\n", b"250-a\r\n250 b"] {
            assert_eq!(take(bytes), (Ok(None), bytes.to_vec()));
        }
    }

    #[test]
    fn odd_forms_are_read() {
        assert_eq!(reply(b"250\r\n").lines, [""]);
        assert_eq!(reply(b"250-\r\n250 \r\n").lines, ["", ""]);
        assert_eq!(reply(b"220-banner\n220 ready\n").lines, ["banner", "ready"]);
        assert_eq!(reply(b"250\tok\r\n").lines, ["ok"]);
        assert_eq!(reply(b"550-5.1.1 no\r\n250 changed its mind\r\n").code, 250);
        assert_eq!(reply(b"550 caf\xe9\r\n").lines, ["caf\u{fffd}"]);
        assert_eq!(reply(b"550 a\x1b[31mb\x00\r\n").lines, ["a [31mb "]);
    }

    #[test]
    fn enhanced_codes_reach_the_rules() {
        let parsed = reply(b"550-5.1.1 No such\r\n550 5.1.1 user\r\n").reply();
        assert_eq!(parsed.to_string(), "550 5.1.1 No such user");
    }

    #[test]
    fn what_is_not_smtp_is_refused() {
        for bytes in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"\r\n",
            b"99 x\r\n",
            b"650 x\r\n",
            b"150 x\r\n",
            b"2500 x\r\n",
            b"250+x\r\n",
            b"+OK ready\r\n",
        ] {
            assert!(take(bytes).0.is_err(), "{bytes:?}");
        }
        assert!(take(&vec![b'2'; MAX_REPLY]).0.is_err());
    }
}
