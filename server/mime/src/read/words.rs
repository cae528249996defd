//! Lenient decoding of encoded words (RFC 2047): beside other text, in quoted strings and file names, with characters
//! split over two words. White space is kept, except between two words.

use super::decode;

/// Most characters of the name of a charset, its language included.
const MAX_CHARSET: usize = 80;

/// Consecutive words of one charset.
struct Run<'a> {
    charset: &'a str,
    words: Vec<Vec<u8>>,
}

impl Run<'_> {
    /// Text of the run. Each word is decoded by itself, since its charset may start anew with each (as ISO-2022-JP
    /// does); or all together, when a character begins in one and ends in the next.
    fn text(&self) -> String {
        let decode = |bytes: &[u8]| decode::charset(Some(self.charset), bytes);
        let text: String = self.words.iter().map(|word| decode(word)).collect();
        if self.words.len() > 1 && text.contains(char::REPLACEMENT_CHARACTER) {
            decode(&self.words.concat())
        } else {
            text
        }
    }
}

/// Text of an unfolded value.
pub(super) fn text(value: &[u8]) -> String {
    let mut text = String::new();
    let mut run: Option<Run<'_>> = None;
    let mut plain = 0;
    let mut at = 0;
    let mut has_ends = true;
    while let Some(found) = memchr::memmem::find(&value[at..], b"=?").filter(|_| has_ends) {
        let start = at + found;
        let Some(word) = Word::parse(&value[start..], &mut has_ends) else {
            at = start + 1;
            continue;
        };
        let between = &value[plain..start];
        at = start + word.len;
        plain = at;
        let bytes = word.decoded();
        match &mut run {
            Some(run) if between.trim_ascii().is_empty() && run.charset.eq_ignore_ascii_case(word.charset) => {
                run.words.push(bytes);
                continue;
            }
            Some(run) => {
                text.push_str(&run.text());
                // White space between two words is not part of the text.
                if !between.trim_ascii().is_empty() {
                    text.push_str(&String::from_utf8_lossy(between));
                }
            }
            None => text.push_str(&String::from_utf8_lossy(between)),
        }
        run = Some(Run {
            charset: word.charset,
            words: vec![bytes],
        });
    }
    text.extend(run.map(|run| run.text()));
    text.push_str(&String::from_utf8_lossy(&value[plain..]));
    text
}

/// Octets of the encoded word at the start of the value. `has_ends` is true at first; it becomes false when no word can
/// end any more, so that the search stays linear.
pub(super) fn len(value: &[u8], has_ends: &mut bool) -> Option<usize> {
    Word::parse(value, has_ends).map(|word| word.len)
}

struct Word<'a> {
    charset: &'a str,
    /// `q` or `b`.
    encoding: u8,
    payload: &'a [u8],
    /// Octets of the whole word.
    len: usize,
}

impl<'a> Word<'a> {
    fn parse(value: &'a [u8], has_ends: &mut bool) -> Option<Self> {
        let rest = value.strip_prefix(b"=?").filter(|_| *has_ends)?;
        let label = &rest[..memchr::memchr(b'?', &rest[..rest.len().min(MAX_CHARSET)])?];
        let label = std::str::from_utf8(label).ok()?;
        if label.is_empty() || !label.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let [encoding, b'?', payload @ ..] = &rest[label.len() + 1..] else {
            return None;
        };
        let encoding = encoding.to_ascii_lowercase();
        if encoding != b'q' && encoding != b'b' {
            return None;
        }
        let Some(end) = memchr::memmem::find(payload, b"?=") else {
            *has_ends = false;
            return None;
        };
        Some(Self {
            // RFC 2231 section 5 allows a language after the charset.
            charset: label.split('*').next().unwrap_or_default(),
            encoding,
            payload: &payload[..end],
            len: value.len() - payload.len() + end + "?=".len(),
        })
    }

    fn decoded(&self) -> Vec<u8> {
        match self.encoding {
            b'q' => q(self.payload),
            _ => decode::base64(self.payload),
        }
    }
}

/// Decodes RFC 2047 section 4.2; malformed escapes stay as written.
fn q(payload: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(payload.len());
    let mut rest = payload;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'_' => decoded.push(b' '),
            b'=' => match tail.get(..2).and_then(decode::hex) {
                Some(octet) => {
                    decoded.push(octet);
                    rest = &tail[2..];
                }
                None => decoded.push(b'='),
            },
            other => decoded.push(other),
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    #[test]
    fn decodes() {
        for (value, expected) in [
            ("", ""),
            ("plain  text", "plain  text"),
            ("=?utf-8?q?J=C3=B6rg?=", "Jörg"),
            ("=?UTF-8*de?Q?a_b?= c", "a b c"),
            // RFC 2047 section 8.
            ("(=?ISO-8859-1?Q?a?=)", "(a)"),
            ("(=?ISO-8859-1?Q?a?= b)", "(a b)"),
            ("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"),
            ("(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"),
            ("(=?ISO-8859-1?Q?a_b?=)", "(a b)"),
            ("(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"),
            ("x=?utf-8?q?y?=z", "xyz"),
            // Missing or superfluous padding.
            ("=?utf-8?b?SGVsbG8?=", "Hello"),
            ("=?utf-8?b?SGVsbG8===?=", "Hello"),
            // A character in two words, in either encoding.
            ("=?utf-8?q?J=C3?= =?utf-8?q?=B6rg?=", "Jörg"),
            ("=?UTF-8?B?w4c=?=\t =?utf-8?q?=C3?=   =?utf-8?B?tg==?=", "Çö"),
            ("=?gb2312?B?yNU=?= =?gb2312?B?sQ==?= =?gb2312?B?vg==?=", "日本"),
            ("=?iso-2022-jp?B?GyRCRnwbKEI=?= =?iso-2022-jp?B?GyRCS1wbKEI=?=", "日本"),
            // Not encoded words.
            ("=?utf-8?q?a", "=?utf-8?q?a"),
            ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
            ("=??q?a?=", "=??q?a?="),
            ("=?ut f?q?a?= =?utf-8?q?b?=", "=?ut f?q?a?= b"),
            ("=?utf-8?q?a=G1=?=", "a=G1="),
            ("=?x-unknown?q?=C3=B6?=", "ö"),
            ("=?utf-8?q?what?_now?=", "what? now"),
        ] {
            assert_eq!(super::text(value.as_bytes()), expected, "{value:?}");
        }
    }

    #[test]
    fn costs_no_more_than_its_length() {
        for piece in ["=?utf-8?q?", "=?", "=?utf-8?q?a?= ", "=?a?b?=?"] {
            let _ = super::text(piece.repeat(1_000_000 / piece.len()).as_bytes());
        }
    }
}
