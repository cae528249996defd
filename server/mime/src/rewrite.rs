//! Changes of single header fields in a stored message. Every other byte, above all of the body, stays as it is; a
//! message that needs no change is returned unchanged.

use std::borrow::Cow;

use time::OffsetDateTime;

use crate::address::ValidEmail;
use crate::error::Problem;
use crate::fold::{self, Mailbox};
use crate::read::{first_mailbox, read};
use crate::scan::{Field, Fields};
use crate::{date, message_id};

/// Handling of `Reply-To` in [`replace_from`], so that answers reach the author.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyTo {
    /// Leaves `Reply-To` as it is, or absent.
    Leave,
    /// Makes the original `From` the `Reply-To`, if the message has none, or an empty one, and `From` has an address.
    OriginalFrom,
}

/// Removes `Bcc` and `Resent-Bcc`, which no recipient may see (RFC 5322 section 3.6.3).
#[must_use]
pub fn strip_bcc(raw: &[u8]) -> Cow<'_, [u8]> {
    edit(raw, &[], |field| if is_bcc(field) { Edit::Drop } else { Edit::Keep })
}

/// Removes every field whose name has this prefix, in any case: for fields that only the provider's own customer may
/// set.
#[must_use]
pub fn strip_prefixed<'a>(raw: &'a [u8], prefix: &str) -> Cow<'a, [u8]> {
    edit(raw, &[], |field| {
        let begins = field.name().get(..prefix.len()).unwrap_or_default();
        let is_meant = begins.eq_ignore_ascii_case(prefix.as_bytes());
        if is_meant { Edit::Drop } else { Edit::Keep }
    })
}

/// Puts the given recipients into one `Bcc` field, in place of any existing one, for interfaces that take recipients
/// from the header and remove the field themselves, as the Gmail API does. Without recipients there is no field.
#[must_use]
pub fn set_bcc<'a>(raw: &'a [u8], recipients: &[ValidEmail]) -> Cow<'a, [u8]> {
    let list = recipients.iter().map(|email| Mailbox { name: None, email });
    let new = if recipients.is_empty() {
        String::new()
    } else {
        line("Bcc", &fold::mailboxes("Bcc", list))
    };
    edit(
        raw,
        new.as_bytes(),
        |field| if is_bcc(field) { Edit::Drop } else { Edit::Keep },
    )
}

/// Adds `Message-ID` and `Date` where the message lacks them or has them empty, as a submission server may (RFC 6409
/// sections 8.2 and 8.3). The id may have angle brackets or not.
///
/// # Errors
/// [`Problem::MessageId`] when the id is invalid.
pub fn ensure_message_id_and_date<'a>(raw: &'a [u8], id: &str, date: OffsetDateTime) -> Result<Cow<'a, [u8]>, Problem> {
    let id = message_id::bracketed(id).ok_or(Problem::MessageId)?;
    let has = |name: &str| Fields::new(raw).any(|field| field.is(name) && !field.is_blank());
    let (has_id, has_date) = (has("Message-ID"), has("Date"));
    let mut new = String::new();
    if !has_date {
        new.push_str(&line("Date", &date::rfc5322(date)));
    }
    if !has_id {
        new.push_str(&line("Message-ID", &id));
    }
    Ok(edit(raw, new.as_bytes(), |field| {
        let replaced = !has_id && field.is("Message-ID") || !has_date && field.is("Date");
        if replaced { Edit::Drop } else { Edit::Keep }
    }))
}

/// Makes `new_from` the only author, for providers that send only as their own mailbox. The display name stays. A
/// `Sender` that is not `new_from` is removed, since the provider would not accept it either. A message from `new_from`
/// alone keeps its `From`.
#[must_use]
pub fn replace_from<'a>(raw: &'a [u8], new_from: &ValidEmail, reply_to: ReplyTo) -> Cow<'a, [u8]> {
    let originals: Vec<Field<'_>> = Fields::new(raw).filter(|field| field.is("From")).collect();
    let is_own = |field: &Field<'_>| {
        first_mailbox(field.value()).is_some_and(|author| {
            author.is_alone && ValidEmail::parse(&author.email).is_ok_and(|email| email == *new_from)
        })
    };
    if let [only] = &originals[..]
        && is_own(only)
    {
        return edit(raw, &[], |field| match field.is("Sender") && !is_own(field) {
            true => Edit::Drop,
            false => Edit::Keep,
        });
    }
    let name = originals
        .first()
        .and_then(|field| first_mailbox(field.value()))
        .and_then(|author| author.name);
    let mailbox = Mailbox {
        name: name.as_deref(),
        email: new_from,
    };
    let mut from = line("From", &fold::mailboxes("From", [mailbox])).into_bytes();
    let has_reply_to = Fields::new(raw).any(|field| field.is("Reply-To") && !field.is_blank());
    let answers = match reply_to {
        ReplyTo::OriginalFrom if !has_reply_to => answers_to(&originals),
        ReplyTo::OriginalFrom | ReplyTo::Leave => None,
    };
    from.extend_from_slice(answers.as_deref().unwrap_or_default());
    let at_top = if originals.is_empty() { from.clone() } else { Vec::new() };
    let mut in_place = Some(from);
    edit(raw, &at_top, |field| match field {
        field if field.is("From") => in_place.take().map_or(Edit::Drop, Edit::Replace),
        field if field.is("Sender") => Edit::Drop,
        // Only one is allowed (RFC 5322 section 3.6); the existing ones are empty.
        field if answers.is_some() && field.is("Reply-To") => Edit::Drop,
        _ => Edit::Keep,
    })
}

/// A `Reply-To` field with the authors of these fields; copied unchanged from a single field of which each address can
/// be used. `None` when there is no such address.
fn answers_to(originals: &[Field<'_>]) -> Option<Vec<u8>> {
    let authors: Vec<_> = originals.iter().flat_map(|field| read(field.raw).from).collect();
    let usable: Vec<_> = authors
        .iter()
        .filter_map(|author| Some((author.name.as_deref(), ValidEmail::parse(&author.email).ok()?)))
        .collect();
    if usable.is_empty() {
        return None;
    }
    if let [only] = originals
        && usable.len() == authors.len()
    {
        let mut field = b"Reply-To:".to_vec();
        field.extend_from_slice(only.value());
        if !only.value().ends_with(b"\n") {
            field.extend_from_slice(b"\r\n");
        }
        return Some(field);
    }
    let mailboxes = usable.iter().map(|(name, email)| Mailbox { name: *name, email });
    Some(line("Reply-To", &fold::mailboxes("Reply-To", mailboxes)).into_bytes())
}

enum Edit {
    Keep,
    Drop,
    Replace(Vec<u8>),
}

/// Writes `at_top` before the first field, then each field as `decide` returns, then the rest untouched.
fn edit<'a>(raw: &'a [u8], at_top: &[u8], mut decide: impl FnMut(&Field<'_>) -> Edit) -> Cow<'a, [u8]> {
    let mut header = at_top.to_vec();
    let mut changed = !at_top.is_empty();
    let mut fields = Fields::new(raw);
    for field in fields.by_ref() {
        match decide(&field) {
            Edit::Keep => header.extend_from_slice(field.raw),
            Edit::Drop => changed = true,
            Edit::Replace(new) => {
                changed = true;
                header.extend_from_slice(&new);
            }
        }
    }
    if !changed {
        return Cow::Borrowed(raw);
    }
    let rest = fields.rest();
    let has_separator = rest.starts_with(b"\r\n") || rest.starts_with(b"\n");
    // Without the empty line, a body that begins like a field would become one.
    if !has_separator && (!rest.is_empty() || header.len() == at_top.len()) {
        header.extend_from_slice(b"\r\n");
    }
    header.extend_from_slice(rest);
    Cow::Owned(header)
}

fn is_bcc(field: &Field<'_>) -> bool {
    field.is("Bcc") || field.is("Resent-Bcc")
}

fn line(name: &str, value: &str) -> String {
    format!("{name}: {value}\r\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const DATE: OffsetDateTime = datetime!(2026-03-01 12:00:00 UTC);

    fn text(raw: Cow<'_, [u8]>) -> String {
        String::from_utf8(raw.into_owned()).unwrap()
    }

    #[test]
    fn strips_bcc() {
        for (raw, expected) in [
            (
                "To: a\r\nBcc: b,\r\n c\r\nCc: d\r\n\r\nBcc: body\r\n",
                "To: a\r\nCc: d\r\n\r\nBcc: body\r\n",
            ),
            ("bCC : b\nTo: a\n\nx", "To: a\n\nx"),
            ("To: a\r\nResent-Bcc: b\r\nBcc:\r\n\r\n", "To: a\r\n\r\n"),
            ("Bcc: b\r\n\r\nSubject: body", "\r\nSubject: body"),
            // A line that is not a field hides nothing, and stays; an mbox line is removed with the change.
            (
                "To: a\r\nno field\r\nBcc: b\r\nCc: d\r\n\r\nx",
                "To: a\r\nno field\r\nCc: d\r\n\r\nx",
            ),
            (" \r\nBcc: b\r\nTo: a\r\n\r\nx", " \r\nTo: a\r\n\r\nx"),
            ("X Mailer: y\r\nBcc: b\r\n c\r\n\r\nx", "X Mailer: y\r\n\r\nx"),
            (">From me 10:00\r\nBcc: b\r\nTo: a\r\n\r\nx", "To: a\r\n\r\nx"),
            ("Bcc: b", "\r\n"),
        ] {
            assert_eq!(text(strip_bcc(raw.as_bytes())), expected, "{raw:?}");
        }
        for untouched in [
            "",
            "To: a\r\n\r\nBcc: x",
            "no header",
            "\r\nBcc: x\r\n",
            "X-Bcc: a\r\n\r\n",
        ] {
            assert!(
                matches!(strip_bcc(untouched.as_bytes()), Cow::Borrowed(_)),
                "{untouched:?}"
            );
        }
    }

    #[test]
    fn strips_by_prefix() {
        let raw = b"X-SES-A: 1\r\nTo: a\r\nx-ses-b:\r\n 2\r\nX-SE: 3\r\n\r\nX-SES-C: body";
        assert_eq!(
            text(strip_prefixed(raw, "X-SES-")),
            "To: a\r\nX-SE: 3\r\n\r\nX-SES-C: body"
        );
        assert!(matches!(strip_prefixed(b"To: a\r\n\r\n", "X-SES-"), Cow::Borrowed(_)));
    }

    #[test]
    fn sets_bcc() {
        let list = [
            ValidEmail::parse("x@bücher.example").unwrap(),
            ValidEmail::parse("y@example.com").unwrap(),
        ];
        let raw = b"To: a\r\nBcc: old\r\n\r\nbody";
        assert_eq!(
            text(set_bcc(raw, &list)),
            "Bcc: x@xn--bcher-kva.example, y@example.com\r\nTo: a\r\n\r\nbody"
        );
        assert_eq!(text(set_bcc(raw, &[])), "To: a\r\n\r\nbody");
        assert_eq!(text(set_bcc(b"body", &list[1..])), "Bcc: y@example.com\r\n\r\nbody");
    }

    #[test]
    fn adds_message_id_and_date() {
        let ensure = |raw: &str| text(ensure_message_id_and_date(raw.as_bytes(), "1@example.com", DATE).unwrap());
        let date = "Date: Sun, 1 Mar 2026 12:00:00 +0000\r\n";
        let id = "Message-ID: <1@example.com>\r\n";
        for (raw, expected) in [
            ("Subject: x\r\n\r\nb", format!("{date}{id}Subject: x\r\n\r\nb")),
            ("date: now\r\n\r\nb", format!("{id}date: now\r\n\r\nb")),
            (
                "Message-Id: <x@y>\r\n\r\nb",
                format!("{date}Message-Id: <x@y>\r\n\r\nb"),
            ),
            ("Message-ID:\r\n \r\nDate: d\r\n\r\nb", format!("{id}Date: d\r\n\r\nb")),
            ("just text", format!("{date}{id}\r\njust text")),
            ("\r\njust text", format!("{date}{id}\r\njust text")),
            ("", format!("{date}{id}\r\n")),
        ] {
            assert_eq!(ensure(raw), expected, "{raw:?}");
        }
        let complete = b"Message-ID: <x@y>\r\nDate: d\r\n\r\n";
        assert!(matches!(
            ensure_message_id_and_date(complete, "1@example.com", DATE),
            Ok(Cow::Borrowed(_))
        ));
        assert_eq!(ensure_message_id_and_date(b"", "a b", DATE), Err(Problem::MessageId));
    }

    #[test]
    fn replaces_from() {
        let new = ValidEmail::parse("box@gmail.com").unwrap();
        let replace = |raw: &str, reply_to| text(replace_from(raw.as_bytes(), &new, reply_to));
        let original = ReplyTo::OriginalFrom;
        for (raw, reply_to, expected) in [
            (
                "To: a\r\nFrom: \"Doe, John\" <j@example.com>\r\nX: 1\r\n\r\nb",
                original,
                "To: a\r\nFrom: \"Doe, John\" <box@gmail.com>\r\nReply-To: \"Doe, John\" <j@example.com>\r\nX: 1\r\n\r\nb",
            ),
            (
                "From: =?utf-8?b?SsO2cmc=?=\r\n <j@example.com>\r\n\r\nb",
                original,
                "From: =?UTF-8?Q?J=C3=B6rg?= <box@gmail.com>\r\nReply-To: =?utf-8?b?SsO2cmc=?=\r\n <j@example.com>\r\n\r\nb",
            ),
            ("From: j@example.com\n\nb", ReplyTo::Leave, "From: box@gmail.com\r\n\nb"),
            (
                "From: j@example.com\r\nReply-To: r@example.com\r\nSender: s@example.com\r\n\r\n",
                original,
                "From: box@gmail.com\r\nReply-To: r@example.com\r\n\r\n",
            ),
            (
                "From: a@example.com, b@example.com\r\nFrom: c@example.com\r\n\r\n",
                original,
                "From: box@gmail.com\r\nReply-To: a@example.com, b@example.com, c@example.com\r\n\r\n",
            ),
            // Whoever the first author is, the others are not the mailbox.
            (
                "From: box@gmail.com, b@example.com\r\n\r\n",
                original,
                "From: box@gmail.com\r\nReply-To: box@gmail.com, b@example.com\r\n\r\n",
            ),
            (
                "From: box@gmail.com\r\nTo: a\r\nFrom: b@example.com\r\n\r\n",
                original,
                "From: box@gmail.com\r\nReply-To: box@gmail.com, b@example.com\r\nTo: a\r\n\r\n",
            ),
            // A single Reply-To, and only with an address.
            (
                "Reply-To:\r\nFrom: j@example.com\r\nReply-To: \r\n \r\n\r\nb",
                original,
                "From: box@gmail.com\r\nReply-To: j@example.com\r\n\r\nb",
            ),
            (
                "From: Shop <>\r\nReply-To:\r\n\r\nb",
                original,
                "From: Shop <box@gmail.com>\r\nReply-To:\r\n\r\nb",
            ),
            (
                "From: Shop <shop>, Jo <j@example.com>\r\n\r\nb",
                original,
                "From: Shop <box@gmail.com>\r\nReply-To: Jo <j@example.com>\r\n\r\nb",
            ),
            (
                "Subject: x\r\n\r\nb",
                original,
                "From: box@gmail.com\r\nSubject: x\r\n\r\nb",
            ),
            ("text", original, "From: box@gmail.com\r\n\r\ntext"),
            // A name cannot inject a field.
            (
                "From: =?utf-8?q?a=0D=0ABcc:_x?= <j@example.com>\r\n\r\n",
                ReplyTo::Leave,
                "From: \"a  Bcc: x\" <box@gmail.com>\r\n\r\n",
            ),
        ] {
            assert_eq!(replace(raw, reply_to), expected, "{raw:?}");
        }
        for nobody in [
            "From: Shop\r\n\r\n",
            "From:\r\n\r\n",
            "From: Friends:;\r\n\r\n",
            "From: <shop>\r\n\r\n",
        ] {
            assert!(!replace(nobody, original).contains("Reply-To"), "{nobody:?}");
        }
        for same in [
            "From: Me <box@GMAIL.com>\r\n\r\n",
            "From: box@gmail.com\r\nSender: Me <box@gmail.com>\r\n\r\n",
        ] {
            assert!(matches!(
                replace_from(same.as_bytes(), &new, original),
                Cow::Borrowed(_)
            ));
        }
        assert_eq!(
            replace(
                "From: Me <box@GMAIL.com>\r\nSender: x@y.example\r\nTo: a\r\n\r\nb",
                original
            ),
            "From: Me <box@GMAIL.com>\r\nTo: a\r\n\r\nb"
        );
    }

    /// Messages that are nearly well-formed, and some that are not at all.
    fn messages() -> impl Strategy<Value = Vec<u8>> {
        let line = prop_oneof![
            Just("Bcc: a@example.com\r\n".to_owned()),
            Just("From: A <a@example.com>\r\n".to_owned()),
            Just("From: a@example.com,\r\n b@example.com\n".to_owned()),
            Just("Date: x\n".to_owned()),
            Just("Reply-To:\r\n".to_owned()),
            Just("Sender: s@example.com\r\n".to_owned()),
            Just("From: box@example.org\r\n".to_owned()),
            Just("Message-ID:\r\n".to_owned()),
            Just("\r\n".to_owned()),
            Just("no field\r\n".to_owned()),
            "[A-Z][a-z]{0,5} ?: [ -~]{0,20}(\r\n|\n|\r\n [a-z]{1,5}\r\n)",
        ];
        let lines = prop::collection::vec(line, 0..8).prop_map(|lines| lines.concat().into_bytes());
        // With a field that stays, the result still has a header section.
        let start = prop::sample::select(vec!["", "X Mailer: y\r\n", ">From me 10:00\r\n"]);
        (start, lines, prop::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(start, lines, tail)| [start.as_bytes(), b"X-Kept: 1\r\n", &lines, &tail].concat())
    }

    fn others(raw: &[u8], changed: &[&str]) -> Vec<Vec<u8>> {
        let is_changed = |field: &Field<'_>| changed.iter().any(|name| field.is(name));
        Fields::new(raw)
            .filter(|field| !is_changed(field))
            .map(|field| field.raw.to_vec())
            .collect()
    }

    /// Asserts that the other fields are equal byte for byte; the last may have gained a missing line break.
    fn assert_kept(raw: &[u8], rewritten: &[u8], changed: &[&str]) {
        assert_eq!(
            others(raw, changed),
            others(rewritten, changed),
            "{:?}",
            String::from_utf8_lossy(raw)
        );
        assert_eq!(
            Fields::new(raw).body(),
            Fields::new(rewritten).body(),
            "{:?}",
            String::from_utf8_lossy(raw)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn everything_else_is_kept(raw in messages()) {
            let email = ValidEmail::parse("box@example.org").unwrap();
            let stripped = strip_bcc(&raw);
            assert_kept(&raw, &stripped, &["Bcc", "Resent-Bcc"]);
            prop_assert!(!Fields::new(&stripped).any(|field| is_bcc(&field)));
            let set = set_bcc(&raw, std::slice::from_ref(&email));
            assert_kept(&raw, &set, &["Bcc", "Resent-Bcc"]);
            prop_assert_eq!(Fields::new(&set).filter(is_bcc).count(), 1);
            let ensured = ensure_message_id_and_date(&raw, "1@example.com", DATE).unwrap();
            assert_kept(&raw, &ensured, &["Message-ID", "Date"]);
            let replaced = replace_from(&raw, &email, ReplyTo::OriginalFrom);
            assert_kept(&raw, &replaced, &["From", "Sender", "Reply-To"]);
            prop_assert_eq!(Fields::new(&replaced).filter(|field| field.is("From")).count(), 1);
            // Only the mailbox is left as author or sender, and there is one field for answers.
            for field in Fields::new(&replaced).filter(|field| field.is("From") || field.is("Sender")) {
                let author = first_mailbox(field.value()).unwrap();
                prop_assert!(author.is_alone && author.email == email.as_str());
            }
            let answers = |raw: &[u8]| Fields::new(raw).filter(|field| field.is("Reply-To")).count();
            prop_assert!(answers(&replaced) <= answers(&raw).max(1));
        }
    }
}
