//! Transfer encodings of bodies (RFC 2045 section 6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::message::Body;
use lettre::message::header::ContentTransferEncoding;
use memchr::memchr2;

use crate::fold::MAX_LINE;

/// Columns of a line of quoted-printable or base64 (RFC 2045 sections 6.7 and 6.8).
const LINE: usize = 76;

/// Encodes a text body: unchanged when it is plain and short-lined, else quoted-printable or base64, whichever is
/// shorter.
pub(crate) fn text(text: &str) -> Body {
    let text = with_crlf(text);
    if travels_as_it_is(&text) {
        return Body::dangerous_pre_encoded(text.into_bytes(), ContentTransferEncoding::SevenBit);
    }
    if quoted_printable_len(&text) <= base64_len(text.len()) {
        Body::dangerous_pre_encoded(quoted_printable(&text), ContentTransferEncoding::QuotedPrintable)
    } else {
        binary(text.as_bytes())
    }
}

/// Encodes bytes in base64.
pub(crate) fn binary(bytes: &[u8]) -> Body {
    let mut encoded = String::with_capacity(base64_len(bytes.len()));
    for chunk in bytes.chunks(LINE / 4 * 3) {
        if !encoded.is_empty() {
            encoded.push_str("\r\n");
        }
        STANDARD.encode_string(chunk, &mut encoded);
    }
    Body::dangerous_pre_encoded(encoded.into_bytes(), ContentTransferEncoding::Base64)
}

/// Encodes a nested message, which may only be 7bit (RFC 2046 section 5.2.1); `None` when its bytes are not.
pub(crate) fn message(bytes: &[u8]) -> Option<Body> {
    let text = with_crlf(std::str::from_utf8(bytes).ok()?);
    let is_seven_bit = text.is_ascii() && !text.contains('\0') && lines(&text).all(|line| line.len() <= MAX_LINE);
    is_seven_bit.then(|| Body::dangerous_pre_encoded(text.into_bytes(), ContentTransferEncoding::SevenBit))
}

/// The text with every line break as CRLF, the only line break in mail (RFC 5321 section 2.3.8).
fn with_crlf(text: &str) -> String {
    let mut normalised = String::with_capacity(text.len() + text.len() / 32);
    let mut rest = text;
    while let Some(at) = memchr2(b'\r', b'\n', rest.as_bytes()) {
        normalised.push_str(&rest[..at]);
        normalised.push_str("\r\n");
        rest = &rest[at..];
        rest = rest.strip_prefix("\r\n").unwrap_or(&rest[1..]);
    }
    normalised.push_str(rest);
    normalised
}

/// The lines of a text in which every line break is CRLF.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line))
}

/// True if the text needs no encoding: printable ASCII, lines of 76 at most, no trailing blanks, and none of the line
/// beginnings that old software mangles (RFC 2049 section 3).
fn travels_as_it_is(text: &str) -> bool {
    lines(text).all(|line| {
        line.len() <= LINE
            && line.bytes().all(|b| b == b'\t' || (b' '..=b'~').contains(&b))
            && !line.ends_with([' ', '\t'])
            && !line.starts_with('.')
            && !line.starts_with("From ")
    })
}

fn base64_len(len: usize) -> usize {
    let encoded = len.div_ceil(3) * 4;
    encoded + encoded / LINE * 2
}

fn is_literal(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte) && byte != b'=' || byte == b'\t'
}

/// Length in quoted-printable, estimated closely, soft line breaks included.
fn quoted_printable_len(text: &str) -> usize {
    let len: usize = text
        .bytes()
        .map(|b| {
            if is_literal(b) || b == b'\r' || b == b'\n' {
                1
            } else {
                3
            }
        })
        .sum();
    len + len / LINE * 3
}

/// Encodes in quoted-printable. Beyond the standard's requirements, a dot or `From ` at the start of a line is encoded,
/// so that neither dot stuffing nor a mailbox file can alter it, and no character is split over two lines.
fn quoted_printable(text: &str) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(quoted_printable_len(text));
    for (index, line) in lines(text).enumerate() {
        if index > 0 {
            out.extend_from_slice(b"\r\n");
        }
        let mut column = 0;
        for (at, c) in line.char_indices() {
            let rest = &line[at..];
            let is_last = rest.len() == c.len_utf8();
            let is_blank = c == ' ' || c == '\t';
            let octets = &rest.as_bytes()[..c.len_utf8()];
            let mut literal = octets.len() == 1 && is_literal(octets[0]) && !(is_last && is_blank);
            let mut width = if literal { 1 } else { 3 * octets.len() };
            // The last column is kept for the `=` of a soft line break, unless the line ends here.
            if column + width > if is_last { LINE } else { LINE - 1 } {
                out.extend_from_slice(b"=\r\n");
                column = 0;
            }
            if column == 0 && literal && (c == '.' || rest.starts_with("From ")) {
                literal = false;
                width = 3;
            }
            if literal {
                out.push(octets[0]);
            } else {
                for &octet in octets {
                    out.extend([b'=', HEX[usize::from(octet >> 4)], HEX[usize::from(octet & 15)]]);
                }
            }
            column += width;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(given: &str) -> (String, String) {
        let body = text(given);
        (body.encoding().to_string(), String::from_utf8(body.into_vec()).unwrap())
    }

    #[test]
    fn picks_the_plainest_encoding() {
        for (given, encoding, expected) in [
            ("", "7bit", ""),
            ("Hello\nworld\n", "7bit", "Hello\r\nworld\r\n"),
            ("a\rb\r\nc\n\rd", "7bit", "a\r\nb\r\nc\r\n\r\nd"),
            ("-- \nJohn", "quoted-printable", "--=20\r\nJohn"),
            (".\n..a", "quoted-printable", "=2E\r\n=2E.a"),
            ("From me\n>From me", "quoted-printable", "=46rom me\r\n>From me"),
            (
                "Mit vielen lieben Grüßen = \t",
                "quoted-printable",
                "Mit vielen lieben Gr=C3=BC=C3=9Fen =3D =09",
            ),
            (
                "nul\0 and enough of plain text",
                "quoted-printable",
                "nul=00 and enough of plain text",
            ),
            ("日本語", "base64", "5pel5pys6Kqe"),
        ] {
            assert_eq!(encoded(given), (encoding.to_owned(), expected.to_owned()), "{given:?}");
        }
    }

    #[test]
    fn breaks_long_lines_softly() {
        let (encoding, body) = encoded(&"x".repeat(77));
        assert_eq!(encoding, "quoted-printable");
        assert_eq!(body, format!("{}=\r\nxx", "x".repeat(75)));
        let (_, body) = encoded(&format!("{}é{}", "x".repeat(74), "y".repeat(50)));
        assert_eq!(body, format!("{}=\r\n=C3=A9{}", "x".repeat(74), "y".repeat(50)));
        let (_, body) = encoded(&format!("{}.{}", "x".repeat(75), "y".repeat(9)));
        assert_eq!(body, format!("{}=\r\n=2E{}", "x".repeat(75), "y".repeat(9)));
    }

    #[test]
    fn wraps_base64() {
        let body = binary(&[0; 58]);
        assert_eq!(body.as_ref(), format!("{}\r\nAA==", "A".repeat(76)).as_bytes());
        assert_eq!(binary(&[0; 57]).len(), 76);
        assert!(binary(&[]).is_empty());
    }

    #[test]
    fn messages_travel_unencoded_or_not_at_all() {
        assert_eq!(
            message(b"Subject: x\n\nbody").unwrap().as_ref(),
            b"Subject: x\r\n\r\nbody"
        );
        assert!(message("Subject: ü\n\nbody".as_bytes()).is_none());
        assert!(message(&[b'a'; 999]).is_none());
        assert!(message(b"\0").is_none());
        assert!(message(b"\xff").is_none());
    }

    fn decode_quoted_printable(encoded: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = encoded.as_bytes();
        while let Some((&first, tail)) = rest.split_first() {
            if first != b'=' {
                bytes.push(first);
                rest = tail;
            } else {
                if !tail.starts_with(b"\r\n") {
                    bytes.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
                }
                rest = &tail[2..];
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    proptest! {
        #[test]
        fn quoted_printable_round_trips(given in "([a-zA-Z =.é日😀\t\r\n\\x00]|From |[ -~]{20}){0,60}") {
            let text = with_crlf(&given);
            let encoded = String::from_utf8(quoted_printable(&text)).unwrap();
            for line in encoded.split("\r\n") {
                prop_assert!(line.len() <= LINE, "{line:?}");
                prop_assert!(line.bytes().all(|b| b == b'\t' || (b' '..=b'~').contains(&b)), "{line:?}");
                prop_assert!(!line.ends_with([' ', '\t']) && !line.starts_with('.') && !line.starts_with("From "), "{line:?}");
            }
            prop_assert_eq!(decode_quoted_printable(&encoded), text);
        }

        #[test]
        fn no_bare_line_breaks(given in "[a\r\n]{0,20}") {
            let text = with_crlf(&given);
            prop_assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
        }
    }
}
