//! Lenient parsing of address lists (RFC 5322 section 3.4): group names, obsolete routes and comments are skipped, and
//! a mailbox without a valid address is shown as a name only.

use super::{MailboxView, unfolded, without_controls, words};

/// The mailboxes of a field's value.
pub(super) fn list(value: &[u8]) -> Vec<MailboxView> {
    let mut reader = Reader {
        rest: &unfolded(value),
        ..Reader::default()
    };
    reader.read();
    reader.list
}

/// A text built word by word.
#[derive(Default)]
struct Words {
    bytes: Vec<u8>,
    /// True if white space or a comment followed the last word.
    spaced: bool,
}

impl Words {
    fn push(&mut self, word: &[u8]) {
        if std::mem::take(&mut self.spaced) && !self.bytes.is_empty() {
            self.bytes.push(b' ');
        }
        self.bytes.extend_from_slice(word);
    }

    fn take(&mut self) -> Vec<u8> {
        self.spaced = false;
        std::mem::take(&mut self.bytes)
    }
}

#[derive(Default)]
struct Reader<'a> {
    rest: &'a [u8],
    /// The words so far, quotes resolved: a name, unless they turn out to be an address.
    phrase: Words,
    /// The same words with their quotes, and without the blanks that the obsolete syntax allows around dots and the
    /// `@`.
    bare: Words,
    /// Text in angle brackets.
    angle: Option<Vec<u8>>,
    /// True once a quote without an end was found: later ones are not examined, so that the cost stays linear. The next
    /// field is the same for parentheses.
    is_quote_open: bool,
    is_comment_open: bool,
    /// True once no further encoded word can end.
    is_word_open: bool,
    list: Vec<MailboxView>,
}

impl Reader<'_> {
    fn read(&mut self) {
        while let Some((&first, tail)) = self.rest.split_first() {
            match first {
                b'(' => {
                    self.skip_comment();
                    self.space();
                    continue;
                }
                b'"' => {
                    if let Some((content, quoted)) = self.quoted() {
                        self.phrase.push(&content);
                        self.push_bare(&quoted);
                    }
                    continue;
                }
                b'<' => {
                    self.rest = tail;
                    let angle = self.angle();
                    self.angle.get_or_insert(angle);
                    self.space();
                    continue;
                }
                b'[' if self.bare.bytes.ends_with(b"@") => {
                    let end = memchr::memchr(b']', tail).map_or(self.rest.len(), |at| at + 2);
                    let literal = &self.rest[..end];
                    self.rest = &self.rest[end..];
                    self.phrase.push(literal);
                    self.push_bare(literal);
                    continue;
                }
                b'=' if self.encoded_word() => continue,
                b',' | b';' => self.end(),
                // The name of a group.
                b':' if self.angle.is_none() => self.clear(),
                b' ' | b'\t' | b'\r' | b'\n' => self.space(),
                _ => {
                    self.phrase.push(&[first]);
                    self.push_bare(&[first]);
                }
            }
            self.rest = tail;
        }
        self.end();
    }

    fn space(&mut self) {
        self.phrase.spaced = true;
        self.bare.spaced = true;
    }

    fn push_bare(&mut self, word: &[u8]) {
        if word == b"." || word == b"@" || self.bare.bytes.ends_with(b".") || self.bare.bytes.ends_with(b"@") {
            self.bare.spaced = false;
        }
        self.bare.push(word);
    }

    /// Parses a quoted string: its content, and its source. A quote without an end is dropped.
    fn quoted(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut content = Vec::new();
        let mut at = 1;
        while let Some(&byte) = self.rest.get(at).filter(|_| !self.is_quote_open) {
            at += 1;
            match byte {
                b'"' => {
                    let (quoted, rest) = self.rest.split_at(at);
                    self.rest = rest;
                    return Some((content, quoted.to_vec()));
                }
                b'\\' => {
                    content.extend(self.rest.get(at));
                    at += 1;
                }
                byte => content.push(byte),
            }
        }
        self.is_quote_open = true;
        self.rest = &self.rest[1..];
        None
    }

    /// Parses an encoded word as a whole: some programs write colons and commas in it, which RFC 2047 section 5
    /// forbids.
    fn encoded_word(&mut self) -> bool {
        let mut has_ends = !self.is_word_open;
        let len = words::len(self.rest, &mut has_ends);
        self.is_word_open = !has_ends;
        let Some((word, rest)) = len.map(|len| self.rest.split_at(len)) else {
            return false;
        };
        if word.contains(&b'<') {
            return false;
        }
        self.phrase.push(word);
        self.push_bare(word);
        self.rest = rest;
        true
    }

    /// Skips a comment and the comments in it. Of a comment without an end, only the parenthesis is dropped.
    fn skip_comment(&mut self) {
        let (mut depth, mut at) = (0_usize, 0);
        while let Some(&byte) = self.rest.get(at).filter(|_| !self.is_comment_open) {
            at += 1;
            match byte {
                b'(' => depth += 1,
                b')' if depth == 1 => {
                    self.rest = &self.rest[at..];
                    return;
                }
                b')' => depth -= 1,
                b'\\' => at += 1,
                _ => {}
            }
        }
        self.is_comment_open = true;
        self.rest = &self.rest[1..];
    }

    /// Parses the text in angle brackets, after the opening one, without its route (RFC 5322 section 4.4), comments and
    /// blanks.
    fn angle(&mut self) -> Vec<u8> {
        let mut address = Vec::new();
        while let Some((&first, tail)) = self.rest.split_first() {
            let in_route = address.first() == Some(&b'@');
            match first {
                b'(' => {
                    self.skip_comment();
                    continue;
                }
                b'"' => {
                    address.extend(self.quoted().map(|(_, quoted)| quoted).unwrap_or_default());
                    continue;
                }
                b'>' => {
                    self.rest = tail;
                    break;
                }
                // The bracket was never closed.
                b',' if !in_route => break,
                b':' if in_route => address.clear(),
                b' ' | b'\t' | b'\r' | b'\n' => {}
                byte => address.push(byte),
            }
            self.rest = tail;
        }
        address
    }

    fn clear(&mut self) {
        self.phrase.take();
        self.bare.take();
        self.angle = None;
    }

    /// Ends a mailbox.
    fn end(&mut self) {
        let (phrase, bare) = (self.phrase.take(), self.bare.take());
        let (name, email) = match self.angle.take() {
            Some(address) => (phrase, address),
            None => match address_at_end(&bare) {
                // A name followed by an address, both bare.
                Some((0, _)) => (Vec::new(), bare),
                Some((at, end)) => (bare[..at].to_vec(), bare[at..end].to_vec()),
                None => (phrase, Vec::new()),
            },
        };
        let name = without_controls(&words::text(&name));
        let email = without_controls(&String::from_utf8_lossy(&email));
        if !name.is_empty() || !email.is_empty() {
            self.list.push(MailboxView {
                name: Some(name).filter(|name| !name.is_empty()),
                email,
            });
        }
    }
}

/// Range of the last word, if it is an address.
fn address_at_end(bare: &[u8]) -> Option<(usize, usize)> {
    let (mut start, mut quoted, mut escaped, mut at_sign) = (0, false, false, None);
    for (at, &byte) in bare.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b' ' if !quoted => start = at + 1,
            b'@' if !quoted => at_sign = Some(at),
            _ => {}
        }
    }
    at_sign.filter(|&at| at >= start).map(|_| (start, bare.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lists() {
        let cases: &[(&str, &[(&str, &str)])] = &[
            ("", &[]),
            ("a@b.example", &[("", "a@b.example")]),
            (
                " Ana <a@b.example>,\r\n <c@d>, , e@f ",
                &[("Ana", "a@b.example"), ("", "c@d"), ("", "e@f")],
            ),
            // Quoted strings in a phrase keep their spaces and lose their quotes.
            ("First \"M.\" Last <a@b>", &[("First M. Last", "a@b")]),
            ("\"Doe, \\\"J\\\" John\" <a@b>", &[("Doe, \"J\" John", "a@b")]),
            ("\"a\"\"b\"c <a@b>", &[("abc", "a@b")]),
            ("John Q. Public <a@b>", &[("John Q. Public", "a@b")]),
            // Encoded words, in quotes as well.
            (
                "=?utf-8?q?J=C3=B6rg?= \"M.\" =?utf-8?q?X?= <a@b>",
                &[("Jörg M. X", "a@b")],
            ),
            ("\"=?utf-8?b?SsO2cmc?=\" <a@b>", &[("Jörg", "a@b")]),
            (
                "=?utf-8?q?Doe, J:?= <a@b>, =?utf-8?q?x <c@d>, =?utf-8?q?y?= <e@f>",
                &[("Doe, J:", "a@b"), ("=?utf-8?q?x", "c@d"), ("y", "e@f")],
            ),
            // Comments are not part of names.
            ("a@b (Ana)", &[("", "a@b")]),
            ("(x) Ana (the (best\\)) one) B <a@(y)b(z)> (w)", &[("Ana B", "a@b")]),
            ("=?utf-8?q?A?= (=?utf-8?q?c?= d) <a@b>", &[("A", "a@b")]),
            // Routes, and blanks where the obsolete syntax allows them.
            ("Ana <@r1.example,@r2.example:a@b>, c@d", &[("Ana", "a@b"), ("", "c@d")]),
            (
                "a . b @ c . example, Ana <a @ b>",
                &[("", "a.b@c.example"), ("Ana", "a@b")],
            ),
            // Quoted local parts keep their quotes.
            (
                "\"john doe\"@b, J <\"a@\\\" b\"@c>",
                &[("", "\"john doe\"@b"), ("J", "\"a@\\\" b\"@c")],
            ),
            (
                "<a@[IPv6:::1]>, b@[IPv6:::1], c@[127.0.0.1]",
                &[("", "a@[IPv6:::1]"), ("", "b@[IPv6:::1]"), ("", "c@[127.0.0.1]")],
            ),
            // Groups.
            (
                "Team: Ana <a@b>, c@d;, e@f",
                &[("Ana", "a@b"), ("", "c@d"), ("", "e@f")],
            ),
            ("undisclosed-recipients:;", &[]),
            ("\"A: B\" : a@b; C:;", &[("", "a@b")]),
            // Malformed.
            ("Undisclosed", &[("Undisclosed", "")]),
            ("Ana <>", &[("Ana", "")]),
            ("a@b <c@d>", &[("a@b", "c@d")]),
            ("Ana a@b", &[("Ana", "a@b")]),
            ("a@b; c@d", &[("", "a@b"), ("", "c@d")]),
            ("Ana <a@b, c@d", &[("Ana", "a@b"), ("", "c@d")]),
            ("<a@b>> <x>", &[(">", "a@b")]),
            ("\"Ana <a@b>", &[("Ana", "a@b")]),
            ("Ana (x <a@b>", &[("Ana x", "a@b")]),
        ];
        for (value, expected) in cases {
            let list = list(value.as_bytes());
            let found: Vec<_> = list
                .iter()
                .map(|one| (one.name.as_deref().unwrap_or_default(), one.email.as_str()))
                .collect();
            assert_eq!(found, *expected, "{value:?}");
        }
    }
}
