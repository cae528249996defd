//! `msg-id` of RFC 5322 section 3.6.4.

use crate::address::is_atext;

/// Most characters of an id, so that its field fits one line of 998 in any header.
const MAX: usize = 900;

/// The id with angle brackets, given with or without them; `None` unless it is a `dot-atom-text "@" (dot-atom-text /
/// no-fold-literal)`.
pub(crate) fn bracketed(id: &str) -> Option<String> {
    let inner = id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id);
    let (left, right) = inner.split_once('@')?;
    let literal = right.strip_prefix('[').and_then(|right| right.strip_suffix(']'));
    let right_is_valid = match literal {
        Some(text) => text.bytes().all(|b| b.is_ascii_graphic() && !b"[]\\<>".contains(&b)),
        None => is_dot_atom(right),
    };
    (inner.len() <= MAX && is_dot_atom(left) && right_is_valid).then(|| format!("<{inner}>"))
}

fn is_dot_atom(text: &str) -> bool {
    text.split('.')
        .all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

#[cfg(test)]
mod tests {
    use super::bracketed;

    #[test]
    fn brackets_and_refuses() {
        assert_eq!(bracketed("a.1@example.com").as_deref(), Some("<a.1@example.com>"));
        assert_eq!(bracketed("<a@[192.0.2.1]>").as_deref(), Some("<a@[192.0.2.1]>"));
        for bad in [
            "",
            "a",
            "@",
            "a@",
            "a b@c",
            "<a@b",
            "a@b>",
            "a@b\r\nX: y",
            "a@b@c",
            "a..b@c",
            "ü@b",
            "a@[<>]",
        ] {
            assert_eq!(bracketed(bad), None, "{bad:?}");
        }
        assert_eq!(bracketed(&format!("{}@b", "a".repeat(900))), None);
    }
}
