//! Lenient parsing of values with parameters: `Content-Type` and `Content-Disposition` (RFC 2045 section 5.1, RFC 2183,
//! RFC 2231).

use std::borrow::Cow;

use super::{decode, unfolded, without_controls, words};

/// A value with its parameters.
#[derive(Debug, Default)]
pub(super) struct Parameterised {
    /// The text before the first semicolon, in lower case and without blanks and comments.
    pub(super) value: String,
    parameters: Vec<Parameter>,
}

/// A parameter `name=value`, or one section of a value in several (RFC 2231 section 3).
#[derive(Debug)]
struct Parameter {
    /// Name in lower case, without the suffix of RFC 2231.
    name: String,
    section: Option<u32>,
    /// True if octets are written as `%XX`.
    is_encoded: bool,
    value: Vec<u8>,
}

impl Parameterised {
    pub(super) fn parse(value: &[u8]) -> Self {
        let value = unfolded(value);
        let mut sections = Sections { rest: &value };
        let main = sections.next().unwrap_or_default();
        let (main, unseparated) = main_value(&main[..memchr::memchr(b'(', main).unwrap_or(main.len())]);
        Self {
            value: String::from_utf8_lossy(&main).to_ascii_lowercase(),
            parameters: std::iter::once(unseparated)
                .chain(sections)
                .filter_map(Parameter::parse)
                .collect(),
        }
    }

    /// Octets of a parameter.
    pub(super) fn bytes(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let mut own = self.parameters.iter().filter(|parameter| parameter.name == name);
        if own.clone().any(Parameter::is_extended) {
            return Some(Cow::Owned(self.extended(name).1));
        }
        own.next().map(|parameter| Cow::Borrowed(parameter.value.as_slice()))
    }

    /// Text of a parameter. Encoded words are not allowed in parameters, but common.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let mut own = self.parameters.iter().filter(|parameter| parameter.name == name);
        let text = if own.clone().any(Parameter::is_extended) {
            // The plain form beside the extended one is for software without RFC 2231.
            let (charset, bytes) = self.extended(name);
            decode::charset(charset.as_deref(), &bytes)
        } else {
            words::text(&own.next()?.value)
        };
        Some(without_controls(&text))
    }

    /// Charset and octets of a value in the form of RFC 2231. Sections are joined before they are decoded: one may end
    /// within a character.
    fn extended(&self, name: &str) -> (Option<String>, Vec<u8>) {
        let mut sections: Vec<&Parameter> = self
            .parameters
            .iter()
            .filter(|parameter| parameter.name == name && parameter.is_extended())
            .collect();
        // Sections are ordered by number. Of several with one number the first counts; a value in one piece comes
        // before sections.
        sections.sort_by_key(|parameter| parameter.section.map_or(0, |section| section.saturating_add(1)));
        sections.dedup_by_key(|parameter| parameter.section);
        if sections.first().is_some_and(|parameter| parameter.section.is_none()) {
            sections.truncate(1);
        }
        let mut charset = None;
        let mut bytes = Vec::new();
        for (index, section) in sections.into_iter().enumerate() {
            let mut value = section.value.as_slice();
            if !section.is_encoded {
                bytes.extend_from_slice(value);
                continue;
            }
            let mut quotes = value.splitn(3, |&byte| byte == b'\'');
            if let (0, Some(label), Some(_), Some(rest)) = (index, quotes.next(), quotes.next(), quotes.next()) {
                charset = Some(String::from_utf8_lossy(label).into_owned()).filter(|label| !label.is_empty());
                value = rest;
            }
            decode::percent(value, &mut bytes);
        }
        (charset, bytes)
    }
}

impl Parameter {
    fn is_extended(&self) -> bool {
        self.section.is_some() || self.is_encoded
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let equals = memchr::memchr(b'=', text)?;
        let name = String::from_utf8_lossy(text[..equals].trim_ascii()).to_ascii_lowercase();
        let value = text[equals + 1..].trim_ascii();
        let mut parts = name.split('*');
        let base = parts.next().unwrap_or_default().to_owned();
        let (section, is_encoded) = match (parts.next(), parts.next()) {
            (None, _) => (None, false),
            (Some(""), _) => (None, true),
            (Some(number), encoded) => (Some(number.parse().ok()?), encoded.is_some()),
        };
        let value = if value.first() == Some(&b'"') {
            unquoted(value)
        } else if base == "name" || base == "filename" {
            // Many programs forget the quotes of `a (1).txt`.
            value.to_vec()
        } else {
            let words = value.split(|&byte| byte == b' ' || byte == b'\t');
            let before_comment = words.take_while(|word| !word.starts_with(b"("));
            before_comment.collect::<Vec<_>>().join(&b' ').trim_ascii().to_vec()
        };
        Some(Self {
            name: base,
            section,
            is_encoded,
            value,
        })
    }
}

/// The value without blanks around its slash, and the text after it if a semicolon was forgotten.
fn main_value(section: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut value = Vec::new();
    let mut rest = section.trim_ascii();
    while !rest.is_empty() && (value.is_empty() || value.ends_with(b"/") || rest.starts_with(b"/")) {
        let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        value.extend_from_slice(&rest[..end]);
        rest = rest[end..].trim_ascii_start();
    }
    (value, rest)
}

/// Content of a quoted string. A backslash only escapes `"` and `\`: others stay, since some programs send paths.
fn unquoted(text: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(text.len());
    let mut rest = &text[1..];
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail.first()) {
            (b'"', _) => break,
            (b'\\', Some(&escaped @ (b'"' | b'\\'))) => {
                content.push(escaped);
                rest = &tail[1..];
            }
            _ => content.push(first),
        }
    }
    content
}

/// Iterates over the sections between the semicolons outside quoted strings.
struct Sections<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Sections<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let (mut quoted, mut escaped) = (false, false);
        let end = self.rest.iter().position(|&byte| {
            let ends = byte == b';' && !quoted;
            let escapes = byte == b'\\' && quoted && !escaped;
            if byte == b'"' && !escaped {
                quoted = !quoted;
            }
            escaped = escapes;
            ends
        });
        let (section, rest) = match end {
            Some(end) => (&self.rest[..end], &self.rest[end + 1..]),
            None => (self.rest, &[][..]),
        };
        self.rest = rest;
        Some(section)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_parameters() {
        for (value, name, expected) in [
            ("text/plain", "charset", None),
            ("text/plain; charset=utf-8", "charset", Some("utf-8")),
            ("text/plain; CHARSET = \"utf-8\" ; x=y", "charset", Some("utf-8")),
            ("text/plain; charset=us-ascii (Plain text)", "charset", Some("us-ascii")),
            ("text/plain; charset=a; charset=b", "charset", Some("a")),
            ("multipart/mixed; boundary=a(1 b (c)", "boundary", Some("a(1 b")),
            (
                "multipart/mixed\r\n boundary=\"b 1\"; charset=x",
                "boundary",
                Some("b 1"),
            ),
            // Folded after the equals sign, and elsewhere.
            (
                "multipart/mixed; boundary=\r\n \"b;\\\" 1\"",
                "boundary",
                Some("b;\" 1"),
            ),
            ("multipart/mixed; boundary=\r\n\tb1", "boundary", Some("b1")),
            ("multipart/mixed;\r\n boundary\r\n =\r\n b1\r\n", "boundary", Some("b1")),
            // File names.
            ("a; filename=report (1).pdf", "filename", Some("report (1).pdf")),
            ("a; filename=\"C:\\new\\a.txt\"", "filename", Some("C:\\new\\a.txt")),
            ("a; filename=\"a\\\\b\\\"c\"", "filename", Some("a\\b\"c")),
            ("a; filename=\"never closed; x=y", "filename", Some("never closed; x=y")),
            ("a; filename=\"=?utf-8?q?=C3=BC?=\"", "filename", Some("ü")),
            ("a; filename==?utf-8?q?=C3=BC?=", "filename", Some("ü")),
            (
                "a; filename=\"=?utf-8?q?a_b?=  =?utf-8?q?c.txt?=\"",
                "filename",
                Some("a bc.txt"),
            ),
            (
                "a; filename=\"=?utf-8?b?w4c?=\r\n\t =?utf-8?b?LnR4dA?=\"",
                "filename",
                Some("Ç.txt"),
            ),
            (
                "a; filename=\"=?utf-8?q?a=C3?= =?utf-8?q?=BC?=\"",
                "filename",
                Some("aü"),
            ),
            ("a; filename=\"ü.txt\"", "filename", Some("ü.txt")),
            // RFC 2231.
            ("a; filename*=utf-8'de'%C3%BC%20x.txt", "filename", Some("ü x.txt")),
            ("a; filename=x; filename*=iso-8859-1''%FC", "filename", Some("ü")),
            ("a; filename*=x.txt", "filename", Some("x.txt")),
            ("a; filename*0=a; filename*1=\" b.txt\"", "filename", Some("a b.txt")),
            (
                "a; filename*1*=%20b; filename*0*=utf-8''a; filename*2=\".t%20t\"",
                "filename",
                Some("a b.t%20t"),
            ),
            (
                "a; filename*0*=utf-8''%C3; filename*1*=%BC.txt",
                "filename",
                Some("ü.txt"),
            ),
            (
                "a; filename*0*=gb2312''%C8%D5%B1; filename*1*=%BE",
                "filename",
                Some("日本"),
            ),
            (
                "a; filename*0*=utf-8''a; filename*0*=utf-8''b; filename*1*=c",
                "filename",
                Some("ac"),
            ),
            ("a; filename*=utf-8''a%2", "filename", Some("a%2")),
            ("a; filename*x=a", "filename", None),
        ] {
            let parsed = Parameterised::parse(value.as_bytes());
            assert_eq!(parsed.text(name).as_deref(), expected, "{value:?}");
        }
        assert_eq!(Parameterised::parse(b" Text / HTML (x); a=b").value, "text/html");
        assert_eq!(Parameterised::parse(b"text/html charset=a").value, "text/html");
        assert_eq!(Parameterised::parse(b"").value, "");
    }
}
