//! Strict reading of message content: it ends at CRLF.CRLF and nowhere else, and every CR and LF is part of a CRLF. If
//! one server accepted `LF.LF` or `CR.CR` as the end and the next did not, a second message with a forged sender could
//! be smuggled through both inside the content of the first.

use samotop_core::smtp::command::MailBody;
use samotop_core::smtp::{ParseError, ParseResult, Parser, SmtpContext, SmtpSession};

/// The beginning of the input.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// Content, dot-stuffing removed (RFC 5321 section 4.5.2), from `taken` octets of input.
    Content {
        taken: usize,
        data: Vec<u8>,
        /// True if the next octet begins a line.
        at_line_start: bool,
    },
    /// The final dot, `taken` octets long.
    End { taken: usize },
    /// More input is needed to decide.
    Incomplete,
}

/// A CR or LF that is not part of a CRLF.
#[derive(Debug, PartialEq, Eq)]
struct BareLineEnd;

/// Reads as much of the input as possible. At most its last two octets are left, when they could be the beginning of
/// the final dot.
fn read(input: &[u8], mut at_line_start: bool) -> Result<Piece, BareLineEnd> {
    let mut data = Vec::with_capacity(input.len());
    let mut taken = 0;
    while taken < input.len() {
        let rest = &input[taken..];
        if at_line_start && rest[0] == b'.' {
            match rest {
                [b'.'] | [b'.', b'\r'] => break,
                [b'.', b'\r', b'\n', ..] if taken == 0 => return Ok(Piece::End { taken: 3 }),
                // The content before it comes first.
                [b'.', b'\r', b'\n', ..] => break,
                _ => {
                    taken += 1;
                    at_line_start = false;
                    continue;
                }
            }
        }
        let line = memchr::memchr2(b'\r', b'\n', rest);
        let text = line.unwrap_or(rest.len());
        data.extend_from_slice(&rest[..text]);
        taken += text;
        at_line_start &= text == 0;
        match &rest[text..] {
            [] | [b'\r'] => break,
            [b'\r', b'\n', ..] => {
                data.extend_from_slice(b"\r\n");
                taken += 2;
                at_line_start = true;
            }
            _ => return Err(BareLineEnd),
        }
    }
    if taken == 0 {
        return Ok(Piece::Incomplete);
    }
    Ok(Piece::Content {
        taken,
        data,
        at_line_start,
    })
}

/// Parses content for the interpreter; matches only after the 354 to `DATA`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ContentParser;

/// True if the session is between 354 and the final dot.
pub(crate) fn expected(session: &SmtpSession) -> bool {
    matches!(
        session.mode,
        Some(SmtpSession::DATA_MODE | SmtpSession::DATA_PARTIAL_MODE)
    )
}

/// Expects content from here on. `at_line_start` is true if its next octet begins a line.
pub(crate) fn expect(session: &mut SmtpSession, at_line_start: bool) {
    session.mode = Some(if at_line_start {
        SmtpSession::DATA_MODE
    } else {
        SmtpSession::DATA_PARTIAL_MODE
    });
}

impl Parser<MailBody<Vec<u8>>> for ContentParser {
    fn parse(&self, input: &[u8], state: &SmtpContext) -> ParseResult<MailBody<Vec<u8>>> {
        if !expected(&state.session) {
            return Err(ParseError::Mismatch(String::new()));
        }
        match read(input, state.session.mode == Some(SmtpSession::DATA_MODE)) {
            Ok(Piece::Content {
                taken,
                data,
                at_line_start,
            }) => Ok((
                taken,
                MailBody::Chunk {
                    data,
                    ends_with_new_line: at_line_start,
                },
            )),
            Ok(Piece::End { taken }) => Ok((taken, MailBody::End)),
            Ok(Piece::Incomplete) => Err(ParseError::Incomplete),
            Err(BareLineEnd) => Err(ParseError::Failed(String::new())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Content, and the input after it.
    type Ended = (Vec<u8>, Vec<u8>);

    /// The result of reading the pieces; `None` when the end has not come.
    fn feed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<Ended>, BareLineEnd> {
        let (mut input, mut content) = (Vec::new(), Vec::new());
        let (mut at_start, mut ended) = (true, false);
        for piece in pieces {
            input.extend_from_slice(piece);
            while !ended {
                match read(&input, at_start)? {
                    Piece::Incomplete => break,
                    Piece::End { taken } => {
                        input.drain(..taken);
                        ended = true;
                    }
                    Piece::Content {
                        taken,
                        data,
                        at_line_start,
                    } => {
                        assert!(taken > 0 && input.len() - taken <= input.len());
                        input.drain(..taken);
                        content.extend_from_slice(&data);
                        at_start = at_line_start;
                    }
                }
            }
            assert!(ended || input.len() <= 2, "more than two octets are held back");
        }
        Ok(ended.then_some((content, input)))
    }

    #[test]
    fn only_crlf_dot_crlf_ends_the_content() {
        for (wire, content, rest) in [
            (&b".\r\n"[..], &b""[..], &b""[..]),
            (b"a\r\n.\r\nQUIT\r\n", b"a\r\n", b"QUIT\r\n"),
            (b"..\r\n.\r\n", b".\r\n", b""),
            (b"...\r\n.a\r\n. \r\n.\r\n", b"..\r\na\r\n \r\n", b""),
            (b"a.\r\n.\r\n", b"a.\r\n", b""),
            (b"\r\n\r\n.\r\n", b"\r\n\r\n", b""),
            (b"\0\xff\xfe\r\n.\r\n", b"\0\xff\xfe\r\n", b""),
        ] {
            let expected = Ok(Some((content.to_vec(), rest.to_vec())));
            assert_eq!(feed([wire]), expected, "{wire:?}");
            assert_eq!(feed(wire.chunks(1)), expected, "{wire:?}");
        }
        for unfinished in [&b""[..], b"a", b".", b".\r", b"a\r", b"a.\r\n", b"a\r\n.", b"..\r\n"] {
            assert_eq!(feed([unfinished]), Ok(None), "{unfinished:?}");
        }
    }

    #[test]
    fn a_bare_cr_or_lf_is_refused_wherever_it_stands() {
        for smuggled in [
            &b"a\n.\nb"[..],
            b"a\n.\r\nb",
            b"a\r\n.\nb",
            b"a\r.\rb",
            b"a\r\n.\rb",
            b"a\r.\r\nb",
            b"a\r\n.\r\r\nb",
            b"a\r\r\n.\r\n",
            b"\n",
            b".\n",
            b".\rx",
            b"\r\r",
        ] {
            assert_eq!(feed([smuggled]), Err(BareLineEnd), "{smuggled:?}");
            assert_eq!(feed(smuggled.chunks(1)), Err(BareLineEnd), "{smuggled:?}");
        }
    }

    fn wire() -> impl Strategy<Value = Vec<u8>> {
        let token = prop_oneof![
            4 => Just(&b"\r\n"[..]),
            3 => Just(&b"."[..]),
            2 => Just(&b"a"[..]),
            1 => Just(&b"\0\xff"[..]),
            1 => Just(&b"\r"[..]),
            1 => Just(&b"\n"[..]),
        ];
        proptest::collection::vec(token, 0..30).prop_map(|tokens| tokens.concat())
    }

    proptest! {
        #[test]
        fn how_it_comes_makes_no_difference(wire in wire(), size in 1..7_usize) {
            // Input after the end is left as it came, so only the end itself is compared.
            let whole = feed([&wire[..]]);
            let pieces = feed(wire.chunks(size));
            prop_assert_eq!(whole, pieces);
        }

        #[test]
        fn stuffed_content_comes_back(lines in proptest::collection::vec(proptest::collection::vec(
            any::<u8>().prop_filter("a line end", |byte| !b"\r\n".contains(byte)), 0..5), 0..20), size in 1..9_usize) {
            let (mut wire, mut content) = (Vec::new(), Vec::new());
            for line in &lines {
                if line.first() == Some(&b'.') {
                    wire.push(b'.');
                }
                for into in [&mut wire, &mut content] {
                    into.extend_from_slice(line);
                    into.extend_from_slice(b"\r\n");
                }
            }
            wire.extend_from_slice(b".\r\n");
            prop_assert_eq!(feed(wire.chunks(size)), Ok(Some((content, Vec::new()))));
        }
    }
}
