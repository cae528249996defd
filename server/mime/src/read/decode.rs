//! Decoding that makes the best of damaged input: what is shown to a person need not be perfect, but must be something.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use mail_parser::decoders::charsets::map::charset_decoder;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Undoes a `Content-Transfer-Encoding`; an unknown one is taken for none.
pub(super) fn transfer<'a>(encoding: &str, body: &'a [u8]) -> Cow<'a, [u8]> {
    match encoding.trim().to_ascii_lowercase().as_str() {
        "base64" => Cow::Owned(base64(body)),
        "quoted-printable" => Cow::Owned(quoted_printable(body)),
        _ => Cow::Borrowed(body),
    }
}

/// Skips what is not of the alphabet (RFC 2045 section 6.8) and stops at the padding.
fn base64(body: &[u8]) -> Vec<u8> {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'+' || *byte == b'/';
    let mut digits: Vec<u8> = body
        .iter()
        .copied()
        .take_while(|&byte| byte != b'=')
        .filter(is_digit)
        .collect();
    if digits.len() % 4 == 1 {
        digits.pop();
    }
    LENIENT.decode(digits).unwrap_or_default()
}

/// Leaves a malformed escape as it stands (RFC 2045 section 6.7).
fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'=' {
            decoded.push(first);
        } else if let Some(after) = tail.strip_prefix(b"\r\n").or_else(|| tail.strip_prefix(b"\n")) {
            rest = after;
        } else if let Some(octet) = tail.get(..2).and_then(hex) {
            decoded.push(octet);
            rest = &tail[2..];
        } else {
            decoded.push(first);
        }
    }
    decoded
}

fn hex(digits: &[u8]) -> Option<u8> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    let octet = value(digits[0])? * 16 + value(digits[1])?;
    u8::try_from(octet).ok()
}

/// Text in a named charset; UTF-8, which contains ASCII, when it has none or one that nobody knows.
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
            ("quoted-printable", "a=3Db=\r\nc=\nd==e=G1=4", "a=bcd==e=G1=4"),
            ("x-unknown", "a=3D", "a=3D"),
            ("7bit", "a=3D", "a=3D"),
        ] {
            assert_eq!(
                String::from_utf8(transfer(encoding, body.as_bytes()).into_owned()).unwrap(),
                expected
            );
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
