//! Folding of header values: unstructured text and lists of mailboxes.
//!
//! Lines stay within 76 columns wherever they can be broken (RFC 5322 section 2.1.1 recommends 78, RFC 2047 section 2
//! requires 76 for lines with an encoded word), and never exceed 998.

use crate::address::{ValidEmail, is_atext};
use crate::encoded_word::{self, looks_encoded};

/// Columns that a line should not exceed.
pub(crate) const LINE: usize = 76;
/// Columns that a line must not exceed.
pub(crate) const MAX_LINE: usize = 998;

/// Builds a value token by token, and breaks the line before a token that would not fit.
pub(crate) struct Folder {
    value: String,
    column: usize,
}

impl Folder {
    /// A folder for the value of the field `name`, which begins after the colon and one space.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            value: String::new(),
            column: name.len() + ": ".len(),
        }
    }

    /// Adds a token after `space`, at which the line may be broken. The first token of a value stays on the field's
    /// first line: some receivers misread an empty first line.
    pub(crate) fn push(&mut self, space: &str, token: &str) {
        if !space.is_empty() && !self.value.is_empty() && self.column + space.len() + token.len() > LINE {
            self.break_line();
        }
        self.value.push_str(space);
        self.value.push_str(token);
        self.column += space.len() + token.len();
    }

    /// Adds `text` as encoded words after `space`, which is one space or none. Here too the first token of a value
    /// stays on the field's first line, which exceeds the limit if the field's name leaves no space.
    fn push_encoded(&mut self, space: &str, text: &str) {
        let left = LINE.saturating_sub(self.column + space.len());
        let room = LINE - " ".len();
        let (space, first_room) = if left >= encoded_word::MIN_ROOM || self.value.is_empty() {
            (space, left.max(encoded_word::MIN_ROOM))
        } else {
            self.break_line();
            (" ", room)
        };
        for (index, word) in encoded_word::encode(text, first_room, room).iter().enumerate() {
            if index > 0 {
                self.break_line();
            }
            let space = if index == 0 { space } else { " " };
            self.value.push_str(space);
            self.value.push_str(word);
            self.column += space.len() + word.len();
        }
    }

    fn break_line(&mut self) {
        self.value.push_str("\r\n");
        self.column = 0;
    }

    pub(crate) fn finish(self) -> String {
        self.value
    }
}

/// Words of `text`, each with the spaces before it. Spaces at either end have no meaning in a header and are dropped.
fn words(text: &str) -> Vec<(&str, &str)> {
    let mut words = Vec::new();
    let mut rest = text.trim_matches(' ');
    while !rest.is_empty() {
        let word_at = rest.len() - rest.trim_start_matches(' ').len();
        let end = rest[word_at..].find(' ').map_or(rest.len(), |at| word_at + at);
        words.push((&rest[..word_at], &rest[word_at..end]));
        rest = &rest[end..];
    }
    words
}

/// A value that is only broken at its spaces.
pub(crate) fn verbatim(name: &str, text: &str) -> String {
    let mut folder = Folder::new(name);
    words(text).iter().for_each(|(space, word)| folder.push(space, word));
    folder.finish()
}

/// An unstructured value (RFC 5322 section 3.2.5), such as a subject. Plain words at either end stay readable. The text
/// from the first to the last word that needs encoding becomes encoded words, spaces included, since a receiver drops
/// white space between two of them.
/// drops white space between two of them.
///
/// `longest_word` is the length beyond which an ASCII word, too, is encoded so that it can be broken.
pub(crate) fn unstructured(name: &str, text: &str, longest_word: usize) -> String {
    let words = words(text);
    let needs_encoding = |(space, word): &(&str, &str)| {
        !word.is_ascii() || looks_encoded(word) || space.len() + word.len() > longest_word
    };
    let first = words.iter().position(needs_encoding);
    let last = words.iter().rposition(needs_encoding);
    let mut folder = Folder::new(name);
    match first.zip(last) {
        None => return verbatim(name, text),
        Some((first, last)) => {
            words[..first].iter().for_each(|(space, word)| folder.push(space, word));
            let mut span = String::from(words[first].1);
            for (space, word) in &words[first + 1..=last] {
                span.push_str(space);
                span.push_str(word);
            }
            // Only one space can precede the encoded words without being lost in some receivers; more go inside.
            let space = words[first].0;
            let (space, inside) = space.split_at(space.len().min(1));
            span.insert_str(0, inside);
            folder.push_encoded(space, &span);
            words[last + 1..]
                .iter()
                .for_each(|(space, word)| folder.push(space, word));
        }
    }
    folder.finish()
}

/// A mailbox of a header.
pub(crate) struct Mailbox<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) email: &'a ValidEmail,
}

/// A list of mailboxes (RFC 5322 section 3.4), broken between mailboxes and between the words of a name. Local parts
/// beyond ASCII stay as they are (RFC 6532 section 3.2).
pub(crate) fn mailboxes<'a>(name: &str, list: impl IntoIterator<Item = Mailbox<'a>>) -> String {
    let mut folder = Folder::new(name);
    let mut list = list.into_iter().peekable();
    let mut is_first = true;
    while let Some(mailbox) = list.next() {
        let comma = if list.peek().is_some() { "," } else { "" };
        // A mailbox that fits a line of its own is not broken.
        let mut alone = Folder {
            value: String::new(),
            column: " ".len(),
        };
        push_mailbox(&mut alone, "", &mailbox, comma);
        if is_first || alone.value.contains('\r') {
            push_mailbox(&mut folder, if is_first { "" } else { " " }, &mailbox, comma);
        } else {
            folder.push(" ", &alone.value);
        }
        is_first = false;
    }
    folder.finish()
}

fn push_mailbox(folder: &mut Folder, space: &str, mailbox: &Mailbox<'_>, comma: &str) {
    match mailbox
        .name
        .map(|name| name.trim_matches(' '))
        .filter(|name| !name.is_empty())
    {
        None => folder.push(space, &format!("{}{comma}", mailbox.email)),
        Some(name) => {
            phrase(folder, space, name);
            folder.push(" ", &format!("<{}>{comma}", mailbox.email));
        }
    }
}

/// Adds a display name: plain words, a quoted string, or encoded words, whichever is the simplest that is correct.
fn phrase(folder: &mut Folder, space: &str, name: &str) {
    let words = words(name);
    let too_long = |(space, word): &(&str, &str)| space.len() + word.len() > LINE - 4;
    if !name.is_ascii() || looks_encoded(name) || words.iter().any(too_long) {
        folder.push_encoded(space, name);
        return;
    }
    let is_atoms = words
        .iter()
        .all(|(space, word)| space.len() <= 1 && word.chars().all(is_atext));
    let (quote, escaped) = if is_atoms {
        ("", name.to_owned())
    } else {
        ("\"", escape(name))
    };
    let words = self::words(&escaped);
    for (index, (inner, word)) in words.iter().enumerate() {
        let opening = if index == 0 { quote } else { "" };
        let closing = if index + 1 == words.len() { quote } else { "" };
        folder.push(
            if index == 0 { space } else { inner },
            &format!("{opening}{word}{closing}"),
        );
    }
}

/// Content of a quoted string (RFC 5322 section 3.2.4), escaped.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects() {
        for (text, expected) in [
            ("", ""),
            ("   ", ""),
            ("Hello", "Hello"),
            (" padded ", "padded"),
            ("two  spaces", "two  spaces"),
            ("Grüße", "=?UTF-8?Q?Gr=C3=BC=C3=9Fe?="),
            (
                "Your order für Ökohaus is ready",
                "Your order =?UTF-8?Q?f=C3=BCr_=C3=96kohaus?= is ready",
            ),
            ("für mich und für dich", "=?UTF-8?Q?f=C3=BCr_mich_und_f=C3=BCr?= dich"),
            ("Re:   日本", "Re: =?UTF-8?B?ICDml6XmnKw=?="),
            (
                "literal =?UTF-8?Q?x?= word",
                "literal =?UTF-8?Q?=3D=3FUTF-8=3FQ=3Fx=3F=3D?= word",
            ),
            ("🎉", "=?UTF-8?B?8J+OiQ==?="),
        ] {
            assert_eq!(unstructured("Subject", text, LINE - 1), expected, "{text:?}");
        }
    }

    #[test]
    fn long_subjects_stay_within_lines() {
        for text in [
            "word ".repeat(199),
            "a".repeat(998),
            "ä".repeat(998),
            "😀".repeat(998),
            format!("{} ü", "word ".repeat(100)),
            format!("a{}ü", " ".repeat(900)),
            format!("a{}b", " ".repeat(900)),
        ] {
            for name in ["Subject", &"X".repeat(76)] {
                let value = unstructured(name, &text, LINE - 1);
                let field = format!("{name}: {value}");
                let first = value.split("\r\n").next().unwrap();
                assert!(!first.trim().is_empty() && first.len() <= LINE, "{first:?} of {text:?}");
                for line in field.split("\r\n").skip(1) {
                    assert!(line.len() <= LINE, "{line:?} of {text:?}");
                    assert!(line.starts_with(' ') && !line.trim().is_empty(), "{line:?} of {text:?}");
                }
                assert!(!field.replace("\r\n", "").contains(['\r', '\n']));
            }
        }
    }

    fn one(name: &str, email: &str) -> String {
        let email = ValidEmail::parse(email).unwrap();
        mailboxes(
            "To",
            [Mailbox {
                name: Some(name),
                email: &email,
            }],
        )
    }

    #[test]
    fn names() {
        for (name, expected) in [
            ("", "a@example.com"),
            ("  ", "a@example.com"),
            ("John Doe", "John Doe <a@example.com>"),
            ("Pony O.P.", "\"Pony O.P.\" <a@example.com>"),
            ("Doe, John", "\"Doe, John\" <a@example.com>"),
            ("John \"JD\" Doe", "\"John \\\"JD\\\" Doe\" <a@example.com>"),
            ("back\\slash", "\"back\\\\slash\" <a@example.com>"),
            ("ceo@bank.example", "\"ceo@bank.example\" <a@example.com>"),
            ("x <y@z.example>", "\"x <y@z.example>\" <a@example.com>"),
            ("two  spaces", "\"two  spaces\" <a@example.com>"),
            ("Jörg", "=?UTF-8?Q?J=C3=B6rg?= <a@example.com>"),
            ("Öhm, \"xyz\"", "=?UTF-8?Q?=C3=96hm=2C_=22xyz=22?= <a@example.com>"),
            ("=?UTF-8?Q?x?=", "=?UTF-8?Q?=3D=3FUTF-8=3FQ=3Fx=3F=3D?= <a@example.com>"),
        ] {
            assert_eq!(one(name, "a@example.com"), expected, "{name:?}");
        }
        assert_eq!(one("x", "用户@例え.テスト"), "x <用户@xn--r8jz45g.xn--zckzah>");
    }

    #[test]
    fn lists_fold_between_mailboxes() {
        let email = ValidEmail::parse("someone.with.a.long.name@subdomain.example.com").unwrap();
        for name in [
            "",
            "Doe, John",
            "Jörg",
            &"long ".repeat(50),
            &"x".repeat(900),
            &"\\\"".repeat(36),
            &"ж".repeat(300),
        ] {
            let value = mailboxes(
                "Cc",
                (0..100).map(|_| Mailbox {
                    name: Some(name),
                    email: &email,
                }),
            );
            for line in format!("Cc: {value}").split("\r\n") {
                assert!(line.len() <= 2 * LINE, "{line:?}");
            }
        }
    }
}
