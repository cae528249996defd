//! Parameters of `Content-Type` and `Content-Disposition`: callers' media types, and file names.

use std::fmt::Write as _;

use crate::encoded_word::{self, looks_encoded};
use crate::error::Problem;
use crate::fold::{Folder, LINE};

/// Most characters of a caller's media type, parameters included.
const MAX_MEDIA_TYPE: usize = 255;

/// A media type (RFC 2045 section 5.1) of an attachment, with its grammar checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MediaType {
    /// `type/subtype` in lower case.
    pub(crate) essence: String,
    /// Parameters as written, without `name`: the file name is kept apart.
    parameters: Vec<(String, String)>,
}

impl MediaType {
    pub(crate) fn octet_stream() -> Self {
        Self {
            essence: "application/octet-stream".to_owned(),
            parameters: Vec::new(),
        }
    }

    /// Parses a caller's media type; empty means `application/octet-stream`.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let text = text.trim_matches(' ');
        if text.is_empty() {
            return Ok(Self::octet_stream());
        }
        if text.len() > MAX_MEDIA_TYPE {
            return Err(Problem::TooLong { max: MAX_MEDIA_TYPE });
        }
        let mut sections = split_parameters(text).into_iter();
        let essence = sections
            .next()
            .unwrap_or_default()
            .trim_matches(' ')
            .to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/').ok_or(Problem::MediaType)?;
        if !is_token(kind) || !is_token(subtype) {
            return Err(Problem::MediaType);
        }
        // A multipart has parts, which a file has not; the other two refer to content elsewhere.
        if kind == "multipart" || matches!(essence.as_str(), "message/partial" | "message/external-body") {
            return Err(Problem::CompositeMediaType);
        }
        let mut parameters = Vec::new();
        for section in sections
            .map(|section| section.trim_matches(' '))
            .filter(|section| !section.is_empty())
        {
            let (name, value) = section.split_once('=').ok_or(Problem::MediaType)?;
            if !is_token(name) || !(is_token(value) || is_quoted_string(value)) {
                return Err(Problem::MediaType);
            }
            let name = name.to_ascii_lowercase();
            if name != "name" && !name.starts_with("name*") {
                parameters.push((name, value.to_owned()));
            }
        }
        Ok(Self { essence, parameters })
    }

    /// Sets the charset of a text that names none, since the default is ASCII (RFC 2046 section 4.1.2).
    pub(crate) fn default_charset(&mut self, charset: &str) {
        if !self.parameters.iter().any(|(name, _)| name == "charset") {
            self.parameters.push(("charset".to_owned(), charset.to_owned()));
        }
    }

    /// The value of `Content-Type`, with the file name in `name`. RFC 2183 made that parameter obsolete, and RFC 2047
    /// section 5 forbids encoded words in it, yet Outlook and other receivers without RFC 2231 read it, and most
    /// senders write it. The standard form is in `Content-Disposition`.
    pub(crate) fn with_file_name(&self, file_name: &str) -> String {
        let mut folder = Folder::new("Content-Type");
        let parameters = self.parameters.iter().map(|(name, value)| format!("{name}={value}"));
        let mut token = self.essence.clone();
        let mut space = "";
        for parameter in parameters.chain([name_parameter(file_name)]) {
            folder.push(space, &format!("{token};"));
            token = parameter;
            space = " ";
        }
        folder.push(space, &token);
        folder.finish()
    }
}

fn name_parameter(file_name: &str) -> String {
    if is_plain(file_name) && file_name.len() <= LINE - " name=\"\"".len() {
        return format!("name=\"{file_name}\"");
    }
    let first_room = LINE - " name=\"\"".len();
    let words = encoded_word::encode(file_name, first_room, LINE - " \"".len());
    format!("name=\"{}\"", words.join("\r\n "))
}

/// The value of `Content-Disposition` with the file name by RFC 2231: plain if possible, else percent-encoded, in
/// numbered sections when it is longer than a line.
pub(crate) fn disposition(kind: &str, file_name: &str) -> String {
    let mut folder = Folder::new("Content-Disposition");
    folder.push("", &format!("{kind};"));
    let (star, units): (&str, Vec<String>) = if is_plain(file_name) {
        ("", file_name.chars().map(String::from).collect())
    } else {
        ("*", file_name.chars().map(percent).collect())
    };
    let length: usize = units.iter().map(String::len).sum();
    let (quote, charset) = if star.is_empty() { ("\"", "") } else { ("", "UTF-8''") };
    if " filename*=;".len() + charset.len() + 2 * quote.len() + length <= LINE {
        folder.push(
            " ",
            &format!("filename{star}={quote}{charset}{}{quote}", units.concat()),
        );
        return folder.finish();
    }
    let mut value = folder.finish();
    let mut units = units.into_iter().peekable();
    let mut section = 0;
    while units.peek().is_some() {
        let charset = if section == 0 { charset } else { "" };
        let mut line = format!(" filename*{section}{star}={quote}{charset}");
        while let Some(unit) = units.next_if(|unit| line.len() + unit.len() + quote.len() + ";".len() <= LINE) {
            line.push_str(&unit);
        }
        let end = if units.peek().is_some() { ";" } else { "" };
        let _ = write!(value, "\r\n{line}{quote}{end}");
        section += 1;
    }
    value
}

/// True if a file name can be quoted without escapes, which are legal and widely misread.
fn is_plain(name: &str) -> bool {
    name.bytes()
        .all(|b| (b' '..=b'~').contains(&b) && b != b'"' && b != b'\\')
        && !looks_encoded(name)
}

/// A character in the extended form: itself if it is an `attribute-char` (RFC 2231 section 7), else percent-encoded.
fn percent(c: char) -> String {
    if c.is_ascii_alphanumeric() || "!#$&+-.^_`{|}~".contains(c) {
        return c.to_string();
    }
    let mut octets = String::new();
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        let _ = write!(octets, "%{byte:02X}");
    }
    octets
}

/// Sections between the semicolons outside quotes.
fn split_parameters(text: &str) -> Vec<&str> {
    let mut sections = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => {
                sections.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    sections.push(&text[start..]);
    sections
}

/// True for a `token` of RFC 2045 section 5.1.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b))
}

fn is_quoted_string(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return false;
    };
    let mut escaped = false;
    for byte in inner.bytes() {
        match byte {
            b' '..=b'~' if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return false,
            b' '..=b'~' => {}
            _ => return false,
        }
    }
    !escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types() {
        let shown = |text: &str| MediaType::parse(text).map(|media| media.with_file_name("a.bin"));
        for (given, expected) in [
            ("", "application/octet-stream; name=\"a.bin\""),
            ("Image/PNG", "image/png; name=\"a.bin\""),
            ("text/csv;charset=UTF-8", "text/csv; charset=UTF-8; name=\"a.bin\""),
            (
                "text/calendar; method=REQUEST; name=x; charset=\"utf-8\"",
                "text/calendar; method=REQUEST; charset=\"utf-8\"; name=\"a.bin\"",
            ),
            (
                "application/x; a=\"b;c\\\"d\"",
                "application/x; a=\"b;c\\\"d\"; name=\"a.bin\"",
            ),
        ] {
            assert_eq!(shown(given).as_deref(), Ok(expected), "{given}");
        }
        for bad in [
            "png",
            "/png",
            "image/",
            "image/p ng",
            "a/b/c",
            "a/b; c",
            "a/b; c=",
            "a/b; c=d e",
            "a/b; c=\"d",
            "ü/b",
            "a/b\r\nX: y",
        ] {
            assert_eq!(shown(bad), Err(Problem::MediaType), "{bad}");
        }
        for bad in [
            "multipart/mixed; boundary=x",
            "message/partial",
            "Message/External-Body",
        ] {
            assert_eq!(shown(bad), Err(Problem::CompositeMediaType), "{bad}");
        }
        assert_eq!(
            shown(&format!("a/{}", "b".repeat(300))),
            Err(Problem::TooLong { max: 255 })
        );
    }

    #[test]
    fn long_parameters_are_folded() {
        let media = MediaType::parse(&format!(
            "application/x; a=\"{}\"; b={}",
            "a".repeat(70),
            "b".repeat(70)
        ))
        .unwrap();
        for name in ["a.bin".to_owned(), "c".repeat(66), "c".repeat(67), "ü".repeat(200)] {
            let value = media.with_file_name(&name);
            assert!(
                value.contains(";\r\n a=\"a") && value.contains(";\r\n b=b") && value.contains(";\r\n name="),
                "{value}"
            );
            assert!(
                value
                    .split("\r\n")
                    .skip(1)
                    .all(|line| line.starts_with(' ') && line.len() <= 77),
                "{value}"
            );
        }
    }

    #[test]
    fn file_names() {
        for (name, expected) in [
            ("report.pdf", "attachment; filename=\"report.pdf\""),
            ("my report; final.pdf", "attachment; filename=\"my report; final.pdf\""),
            ("a\"b.txt", "attachment; filename*=UTF-8''a%22b.txt"),
            (
                "Übersicht 2026.pdf",
                "attachment; filename*=UTF-8''%C3%9Cbersicht%202026.pdf",
            ),
        ] {
            assert_eq!(disposition("attachment", name), expected, "{name}");
        }
        let long = disposition("inline", &format!("{}.txt", "名".repeat(20)));
        assert!(long.starts_with("inline;\r\n filename*0*=UTF-8''%E5%90%8D"), "{long}");
        assert!(long.contains(";\r\n filename*1*=%E5%90%8D"), "{long}");
        for line in long
            .split("\r\n")
            .chain(disposition("inline", &"a".repeat(500)).split("\r\n"))
        {
            assert!(line.len() <= 76, "{line}");
        }
        let media = MediaType::parse("image/png").unwrap();
        assert_eq!(
            media.with_file_name("Übersicht.png"),
            "image/png; name=\"=?UTF-8?Q?=C3=9Cbersicht=2Epng?=\""
        );
    }
}
