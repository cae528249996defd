//! Bodies of any bytes in quoted-printable and base64 (RFC 2045 section 6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Columns of a line.
const LINE: usize = 76;

/// Encoding of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    QuotedPrintable,
    Base64,
}

impl Encoding {
    /// The shorter encoding for text; base64 for everything else, whose line breaks are not line breaks of text.
    pub(super) fn of(body: &[u8], is_text: bool) -> Self {
        let escaped = body.iter().filter(|byte| !is_literal(**byte)).count();
        // Three octets for one, against four for three.
        match is_text && escaped * 6 <= body.len() {
            true => Self::QuotedPrintable,
            false => Self::Base64,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::QuotedPrintable => "quoted-printable",
            Self::Base64 => "base64",
        }
    }

    pub(super) fn write(self, body: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::QuotedPrintable => quoted_printable(body, out),
            Self::Base64 => base64(body, out),
        }
    }
}

fn is_literal(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\r' | b'\n' | b' '..=b'~') && byte != b'='
}

/// Writes lines of 76 columns. The last has no line break unless it is the message's last line, which is sent with one
/// anyway.
fn base64(body: &[u8], out: &mut Vec<u8>) {
    let mut line = String::with_capacity(LINE);
    for (index, chunk) in body.chunks(LINE / 4 * 3).enumerate() {
        if index > 0 {
            out.extend_from_slice(b"\r\n");
        }
        line.clear();
        STANDARD.encode_string(chunk, &mut line);
        out.extend_from_slice(line.as_bytes());
    }
}

/// Writes every line break as CRLF, as it is sent to the server.
fn quoted_printable(body: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut column = 0;
    let mut rest = body;
    while let Some((&byte, after)) = rest.split_first() {
        if matches!(byte, b'\r' | b'\n') {
            out.extend_from_slice(b"\r\n");
            column = 0;
            rest = rest.strip_prefix(b"\r\n").unwrap_or(after);
            continue;
        }
        let is_last = matches!(after.first(), None | Some(b'\r' | b'\n'));
        let is_blank = matches!(byte, b' ' | b'\t');
        let literal = is_literal(byte) && !(is_last && is_blank);
        let width = if literal { 1 } else { 3 };
        // The last column is kept for the `=` of a soft line break, unless the line ends here.
        if column + width > if is_last { LINE } else { LINE - 1 } {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        match literal {
            true => out.push(byte),
            false => out.extend([b'=', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
        }
        column += width;
        rest = after;
    }
}
