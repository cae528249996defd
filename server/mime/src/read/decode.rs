//! Lenient decoding of damaged input: what is shown to a person need not be perfect, but should not be empty.

use std::borrow::Cow;

use mail_parser::decoders::charsets::map::charset_decoder;

/// A `Content-Transfer-Encoding`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    /// None, or an unknown one.
    #[default]
    Identity,
    Base64,
    QuotedPrintable,
}

impl Encoding {
    pub(super) fn named(name: &str) -> Self {
        match name.trim().to_ascii_lowercase().as_str() {
            "base64" => Self::Base64,
            "quoted-printable" => Self::QuotedPrintable,
            _ => Self::Identity,
        }
    }

    pub(super) fn decode(self, body: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Identity => Cow::Borrowed(body),
            Self::Base64 => Cow::Owned(base64(body)),
            Self::QuotedPrintable => {
                let mut decoded = Vec::with_capacity(body.len());
                quoted_printable(body, |octet| decoded.push(octet));
                Cow::Owned(decoded)
            }
        }
    }

    /// Octets of the decoded body, counted without decoding it into memory.
    pub(super) fn decoded_len(self, body: &[u8]) -> usize {
        match self {
            Self::Identity => body.len(),
            Self::Base64 => digits(body).count() * 3 / 4,
            Self::QuotedPrintable => {
                let mut len = 0;
                quoted_printable(body, |_| len += 1);
                len
            }
        }
    }
}

/// Decodes base64, with or without padding. Stops at the padding, and drops incomplete octets.
pub(super) fn base64(body: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(body.len() / 4 * 3 + 3);
    let mut group = 0_u32;
    let mut count = 0;
    for digit in digits(body) {
        group = group << 6 | u32::from(digit);
        count += 1;
        if count == 4 {
            decoded.extend_from_slice(&group.to_be_bytes()[1..]);
            (group, count) = (0, 0);
        }
    }
    match count {
        2 => decoded.extend_from_slice(&(group << 12).to_be_bytes()[1..2]),
        3 => decoded.extend_from_slice(&(group << 6).to_be_bytes()[1..3]),
        _ => {}
    }
    decoded
}

/// Values of the base64 digits up to the padding. Characters outside the alphabet are skipped (RFC 2045 section 6.8).
fn digits(body: &[u8]) -> impl Iterator<Item = u8> {
    let end = memchr::memchr(b'=', body).unwrap_or(body.len());
    body[..end].iter().filter_map(|&byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    })
}

/// Decodes quoted-printable. Malformed escapes stay as written. A soft break may be followed by blanks, and may end the
/// body (RFC 2045 section 6.7).
fn quoted_printable(body: &[u8], mut put: impl FnMut(u8)) {
    let mut rest = body;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'=' {
            put(first);
        } else if let Some(octet) = tail.get(..2).and_then(hex) {
            put(octet);
            rest = &tail[2..];
        } else if let Some(after) = after_soft_break(tail) {
            rest = after;
        } else {
            put(first);
        }
    }
}

fn after_soft_break(text: &[u8]) -> Option<&[u8]> {
    let blanks = text.iter().take_while(|&&byte| byte == b' ' || byte == b'\t').count();
    let rest = &text[blanks..];
    if rest.is_empty() {
        return Some(rest);
    }
    rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n"))
}

/// Decodes `%XX` (RFC 2231 section 4); malformed escapes stay as written.
pub(crate) fn percent(text: &[u8], decoded: &mut Vec<u8>) {
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let octet = (first == b'%').then(|| tail.get(..2).and_then(hex)).flatten();
        decoded.push(octet.unwrap_or(first));
        rest = if octet.is_some() { &tail[2..] } else { tail };
    }
}

/// Value of two hexadecimal digits.
pub(super) fn hex(digits: &[u8]) -> Option<u8> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    let octet = value(digits[0])? * 16 + value(digits[1])?;
    u8::try_from(octet).ok()
}

/// Text in a named charset; in UTF-8, which contains ASCII, without a name or with an unknown one.
pub(super) fn charset(label: Option<&str>, bytes: &[u8]) -> String {
    let label = label.filter(|label| !label.eq_ignore_ascii_case("us-ascii"));
    match label.and_then(|label| charset_decoder(label.as_bytes())) {
        Some(decode) => decode(bytes),
        None => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_it_can() {
        for (encoding, body, expected) in [
            ("BASE64 ", "SGVs\r\nbG8=\r\n", "Hello"),
            ("base64", "SGVsbG8", "Hello"),
            ("base64", "SGV*sbG8=trailing", "Hello"),
            ("base64", "S", ""),
            ("base64", "SGVsbG8==", "Hello"),
            ("base64", "SGVsbA\r\n", "Hell"),
            ("base64", "S G\tV", "He"),
            ("quoted-printable", "a=3Db=\r\nc=\nd==e=G1=4", "a=bcd==e=G1=4"),
            ("quoted-printable", "a= \t\r\nb= c", "ab= c"),
            // A soft break at the end, where the line break belongs to the delimiter.
            ("quoted-printable", "a=", "a"),
            ("quoted-printable", "a=3D= ", "a="),
            ("x-unknown", "a=3D", "a=3D"),
            ("7bit", "a=3D", "a=3D"),
        ] {
            let encoding = Encoding::named(encoding);
            let decoded = encoding.decode(body.as_bytes()).into_owned();
            assert_eq!(encoding.decoded_len(body.as_bytes()), decoded.len(), "{body:?}");
            assert_eq!(String::from_utf8(decoded).unwrap(), expected, "{body:?}");
        }
    }

    #[test]
    fn decodes_charsets() {
        for (label, bytes, expected) in [
            (Some("iso-8859-1"), &b"caf\xe9"[..], "café"),
            (Some("ISO-2022-JP"), b"\x1b$BF|K\\\x1b(B", "日本"),
            (Some("shift_jis"), b"\x93\xfa\x96\x7b", "日本"),
            (Some("gb18030"), b"\xc8\xd5\xb1\xbe", "日本"),
            (Some("koi8-r"), b"\xf2", "Р"),
            (None, "é".as_bytes(), "é"),
            (None, b"\xff", "\u{fffd}"),
            (Some("nonsense"), b"x", "x"),
            (Some("us-ascii"), "é".as_bytes(), "é"),
        ] {
            assert_eq!(charset(label, bytes), expected, "{label:?}");
        }
    }
}
