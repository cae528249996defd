//! `cid:` URLs in HTML (RFC 2392).

use std::ops::Range;

use crate::read::decode;

/// Octets of an id that are read.
const MAX_ID: usize = 1024;

/// A `cid:` URL.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// Its range in the HTML, `cid:` included.
    pub(crate) range: Range<usize>,
    /// The id, with character references resolved.
    id: String,
}

impl Reference {
    /// The id as written, and percent-decoded.
    pub(crate) fn ids(&self) -> impl Iterator<Item = String> + '_ {
        let decoded = || {
            let mut decoded = Vec::with_capacity(self.id.len());
            decode::percent(self.id.as_bytes(), &mut decoded);
            String::from_utf8(decoded).ok()
        };
        std::iter::once(self.id.clone()).chain(std::iter::once_with(decoded).flatten())
    }
}

/// All references in their order.
pub(crate) fn references(html: &str) -> impl Iterator<Item = Reference> + '_ {
    let mut from = 0;
    memchr::memchr_iter(b':', html.as_bytes()).filter_map(move |colon| {
        let start = colon.checked_sub("cid".len()).filter(|&start| start >= from)?;
        let before = html.as_bytes()[..start].last().copied();
        let is_url = html.as_bytes()[start..colon].eq_ignore_ascii_case(b"cid");
        if !is_url || before.is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let (len, id) = id(&html.as_bytes()[colon + 1..], before);
        from = colon + 1 + len;
        (!id.is_empty()).then_some(Reference { range: start..from, id })
    })
}

/// Parses the id at the start of the text: its length in octets, and the id. `before` is the byte before the URL, which
/// decides how it ends.
fn id(text: &[u8], before: Option<u8>) -> (usize, String) {
    let ends = |byte: u8| match before {
        Some(quote @ (b'"' | b'\'')) => byte == quote,
        _ => b"\"'<>(),;\\".contains(&byte),
    };
    let mut id = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text[..text.len().min(MAX_ID)].get(at) {
        let (len, value) = match byte {
            b'&' => character_reference(&text[at..]).unwrap_or((1, b'&')),
            byte => (1, byte),
        };
        // A quote written as a character reference ends a URL that began with one.
        if byte.is_ascii_whitespace() || ends(byte) || len > 1 && b"\"'<>".contains(&value) {
            break;
        }
        id.push(value);
        at += len;
    }
    (at, String::from_utf8(id).unwrap_or_default())
}

/// Parses an HTML character reference for a character that an id may have: its length in octets, and the character.
fn character_reference(text: &[u8]) -> Option<(usize, u8)> {
    let end = text.iter().take(10).position(|&byte| byte == b';')?;
    let name = std::str::from_utf8(&text[1..end]).ok()?;
    let value = match name {
        "amp" | "AMP" => b'&',
        "quot" => b'"',
        "apos" => b'\'',
        "lt" => b'<',
        "gt" => b'>',
        "commat" => b'@',
        name => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u8::from_str_radix(hex, 16),
                None => number.parse(),
            };
            code.ok().filter(u8::is_ascii_graphic)?
        }
    };
    Some((end + 1, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_references() {
        for (html, expected) in [
            ("", &[][..]),
            ("cid:", &[]),
            ("<img src=\"cid:\">", &[]),
            ("<img src=\"cid:logo\"> <img src='CID:logo2'>", &["logo", "logo2"]),
            ("<img src=cid:logo>", &["logo"]),
            ("<img src=\"cid:it's;(1)\">", &["it's;(1)"]),
            ("<img src=\"cid:a&amp;b\"><img src=\"cid:a&b\">", &["a&b", "a&b"]),
            ("<img src=\"cid:a&#38;b&#x40;c&copy;\">", &["a&b@c&copy;"]),
            ("<td style=\"background:url(cid:bg); color:red\">", &["bg"]),
            ("<td style=\"background:url(&quot;cid:bg&quot;)\">", &["bg"]),
            ("<td style=\"background:url('cid:bg')\">", &["bg"]),
            ("<img src=\"cid:ü\">", &["ü"]),
            ("acid:x cidcid:cid:y", &["y"]),
        ] {
            let found: Vec<_> = references(html).map(|reference| reference.id).collect();
            assert_eq!(found, expected, "{html}");
        }
    }
}
