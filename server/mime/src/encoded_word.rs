//! Encoded words (RFC 2047): text beyond ASCII in a header.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// An encoded word has at most 75 characters (RFC 2047 section 2).
const MAX: usize = 75;
const END: &str = "?=";
/// `=?UTF-8?Q?` and `?=`.
const OVERHEAD: usize = 12;

/// Space that any single character fits in: the frame and four octets of UTF-8 as `=XX`.
pub(crate) const MIN_ROOM: usize = OVERHEAD + 12;

/// True if ASCII text could be taken for an encoded word, and so must be encoded itself.
pub(crate) fn looks_encoded(text: &str) -> bool {
    text.split_once("=?").is_some_and(|(_, rest)| rest.contains("?="))
}

#[derive(Clone, Copy)]
enum Encoding {
    /// Readable for mostly Latin text, for which it may be somewhat longer.
    Q,
    /// Shorter for the other scripts.
    B,
}

/// Splits `text` into encoded words, none longer than its line allows, each of whole characters (RFC 2047 section 5).
/// `first_room` is the space left on the first line, `room` that of a new line; both must be at least [`MIN_ROOM`].
pub(crate) fn encode(text: &str, first_room: usize, room: usize) -> Vec<String> {
    let encoding = if 5 * q_len(text) <= 7 * (text.len().div_ceil(3) * 4) {
        Encoding::Q
    } else {
        Encoding::B
    };
    let mut words = Vec::new();
    let mut rest = text;
    let mut available = first_room.min(MAX) - OVERHEAD;
    while !rest.is_empty() {
        let (chunk, remaining) = rest.split_at(prefix_that_fits(rest, encoding, available));
        words.push(match encoding {
            Encoding::Q => q_word(chunk),
            Encoding::B => format!("=?UTF-8?B?{}{END}", STANDARD.encode(chunk)),
        });
        rest = remaining;
        available = room.min(MAX) - OVERHEAD;
    }
    words
}

fn prefix_that_fits(text: &str, encoding: Encoding, available: usize) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += match encoding {
            Encoding::Q => q_char_len(c),
            Encoding::B => c.len_utf8(),
        };
        let encoded = match encoding {
            Encoding::Q => used,
            Encoding::B => used.div_ceil(3) * 4,
        };
        // The first character is taken whatever its size, so that a caller's mistake cannot cause an endless loop.
        if encoded > available && at > 0 {
            return at;
        }
    }
    text.len()
}

/// True for characters that are allowed unencoded in a phrase (RFC 2047 section 5, rule 3), which are safe everywhere.
fn is_literal(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!*+-/".contains(c)
}

fn q_char_len(c: char) -> usize {
    if is_literal(c) || c == ' ' { 1 } else { 3 * c.len_utf8() }
}

fn q_len(text: &str) -> usize {
    text.chars().map(q_char_len).sum()
}

fn q_word(text: &str) -> String {
    let mut word = String::from("=?UTF-8?Q?");
    for c in text.chars() {
        match c {
            ' ' => word.push('_'),
            c if is_literal(c) => word.push(c),
            c => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    // Writing to a String cannot fail.
                    let _ = write!(word, "={byte:02X}");
                }
            }
        }
    }
    word.push_str(END);
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picks_the_shorter_encoding() {
        assert_eq!(encode("Jürgen Groß", 75, 75), ["=?UTF-8?Q?J=C3=BCrgen_Gro=C3=9F?="]);
        assert_eq!(encode("日本", 75, 75), ["=?UTF-8?B?5pel5pys?="]);
        assert_eq!(encode("=?x?=", 75, 75), ["=?UTF-8?B?PT94Pz0=?="]);
    }

    #[test]
    fn words_are_whole_characters_within_their_room() {
        for text in ["😀".repeat(60), "é".repeat(100), "aé".repeat(90), "日本語".repeat(40)] {
            let words = encode(&text, MIN_ROOM, 75);
            assert!(words[0].len() <= MIN_ROOM, "{words:?}");
            assert!(words.iter().all(|word| word.len() <= 75), "{words:?}");
            let decoded: String = words
                .iter()
                .map(|word| {
                    let form = word.as_bytes()[8];
                    let payload = &word[10..word.len() - 2];
                    let bytes = if form == b'B' {
                        STANDARD.decode(payload).unwrap()
                    } else {
                        decode_q(payload)
                    };
                    String::from_utf8(bytes).expect("whole characters")
                })
                .collect();
            assert_eq!(decoded, text);
        }
    }

    fn decode_q(payload: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = payload.as_bytes();
        while let Some((&first, tail)) = rest.split_first() {
            if first == b'=' {
                bytes.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
                rest = &tail[2..];
            } else {
                bytes.push(if first == b'_' { b' ' } else { first });
                rest = tail;
            }
        }
        bytes
    }
}
