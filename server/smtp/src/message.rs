//! The stored message, from content and envelope: the content unchanged, except for `Bcc`, a missing `Message-ID` or
//! `Date`, and one `Received` line.

use bytes::Bytes;
use sendmux_domain::messages::{NewRecipient, RecipientField};
use sendmux_mime::header::{self, NoField};
use sendmux_mime::{MailboxView, ValidEmail, View, read, rewrite};
use time::OffsetDateTime;

/// Octets of a Message-ID that are kept for lists and search.
const MAX_MESSAGE_ID: usize = 998;

/// Envelope of a message (RFC 5321 section 3.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// `None` is the null reverse-path.
    pub(crate) return_path: Option<ValidEmail>,
    /// Each address once.
    pub(crate) recipients: Vec<ValidEmail>,
    /// True if the client asked for SMTPUTF8.
    pub(crate) smtputf8: bool,
    /// The announced size; 0 without one.
    pub(crate) size: usize,
}

/// Values that this server adds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp<'a> {
    /// The message's public id.
    pub(crate) public_id: &'a str,
    /// Host name for Message-IDs. The greeting and the trace line show it as [`crate::trace::spoken`].
    pub(crate) host: &'a str,
    /// Mark by which the installation recognises its own trace line.
    pub(crate) mark: &'a str,
    /// Time of acceptance.
    pub(crate) date: OffsetDateTime,
}

/// A message ready to be stored.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) content: Bytes,
    pub(crate) subject: String,
    pub(crate) from_email: String,
    pub(crate) from_name: String,
    pub(crate) header_message_id: String,
    pub(crate) recipients: Vec<NewRecipient>,
    pub(crate) smtputf8: bool,
}

/// Makes a message from `raw`: the `Received` line, which has `prefix` octets, and the unchanged content.
///
/// # Errors
/// [`NoField`] when a line in the header section is not a field.
pub(crate) fn finish(
    mut raw: Vec<u8>,
    prefix: usize,
    envelope: &Envelope,
    stamp: Stamp<'_>,
) -> Result<Message, NoField> {
    let end = prefix + header_len(&raw[prefix..]);
    let edited = edit(header::accepted(&raw[prefix..end])?, stamp);
    // Only the header is copied; the body is moved at most.
    if edited != raw[prefix..end] {
        raw.splice(prefix..end, edited.iter().copied());
    }
    let view = read::read(&edited);
    let needs_smtputf8 = envelope
        .return_path
        .iter()
        .chain(&envelope.recipients)
        .any(ValidEmail::needs_smtputf8);
    let author = view.from.first().cloned().unwrap_or_default();
    Ok(Message {
        subject: view.subject.clone().unwrap_or_default(),
        from_email: match &envelope.return_path {
            // Only for a message without an author its envelope's sender is shown.
            Some(return_path) if !has_from(&view) => return_path.to_string(),
            _ => author.email,
        },
        from_name: author.name.unwrap_or_default(),
        header_message_id: message_id(&view),
        recipients: recipients(envelope, &view),
        // Headers beyond ASCII from a client that did not ask for SMTPUTF8 are an old bad habit that mostly works: they
        // are sent unchanged.
        smtputf8: needs_smtputf8 || envelope.smtputf8 && !edited.is_ascii(),
        content: raw.into(),
    })
}

fn has_from(view: &View) -> bool {
    let mut fields = view.headers.iter();
    fields.any(|(name, value)| name.eq_ignore_ascii_case("From") && !value.is_empty())
}

/// Octets of the header section with the empty line after it; of the whole content when there is none.
fn header_len(content: &[u8]) -> usize {
    if content.starts_with(b"\r\n") {
        return 2;
    }
    memchr::memmem::find(content, b"\r\n\r\n").map_or(content.len(), |at| at + 4)
}

fn edit(header: &[u8], stamp: Stamp<'_>) -> Vec<u8> {
    let header = rewrite::strip_bcc(header);
    let add = |host: &str| {
        let id = format!("<{}@{host}>", stamp.public_id);
        rewrite::ensure_message_id_and_date(&header, &id, stamp.date).map(|edited| edited.into_owned())
    };
    // A host name that is not valid in a Message-ID is replaced.
    add(stamp.host)
        .or_else(|_| add("localhost"))
        .unwrap_or_else(|_| header.to_vec())
}

fn message_id(view: &View) -> String {
    let id = view.message_id.as_deref().unwrap_or_default();
    let end = id.floor_char_boundary(MAX_MESSAGE_ID);
    format!("<{}>", &id[..end])
}

/// Recipients of the envelope, each with the field and the name that the header gives it.
fn recipients(envelope: &Envelope, view: &View) -> Vec<NewRecipient> {
    let addressed = |list: &[MailboxView]| -> Vec<(ValidEmail, String)> {
        let known = |mailbox: &MailboxView| {
            let email = ValidEmail::parse(&mailbox.email).ok()?;
            Some((email, mailbox.name.clone().unwrap_or_default()))
        };
        list.iter().filter_map(known).collect()
    };
    let (to, cc) = (addressed(&view.to), addressed(&view.cc));
    // Almost no host distinguishes capitals from small letters before the @: an address that differs only in them is
    // taken for the same, unless the exact one is also present.
    let is_meant = |one: &ValidEmail, other: &ValidEmail| {
        one.domain() == other.domain() && one.local_part().to_lowercase() == other.local_part().to_lowercase()
    };
    let name_in = |list: &[(ValidEmail, String)], address: &ValidEmail| {
        let exact = list.iter().find(|(email, _)| email == address);
        let found = exact.or_else(|| list.iter().find(|(email, _)| is_meant(email, address)));
        found.map(|(_, name)| name.clone())
    };
    let place = |address: &ValidEmail| {
        let (field, name) = if let Some(name) = name_in(&to, address) {
            (RecipientField::To, name)
        } else if let Some(name) = name_in(&cc, address) {
            (RecipientField::Cc, name)
        } else {
            (RecipientField::Envelope, String::new())
        };
        NewRecipient {
            field,
            address: address.to_string(),
            name,
        }
    };
    envelope.recipients.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::tests::STAMP;

    fn email(text: &str) -> ValidEmail {
        ValidEmail::parse(text).unwrap()
    }

    fn envelope(recipients: &[&str]) -> Envelope {
        Envelope {
            return_path: Some(email("bounce@example.com")),
            recipients: recipients.iter().map(|text| email(text)).collect(),
            ..Envelope::default()
        }
    }

    fn finished(content: &[u8], envelope: &Envelope) -> (Message, Vec<u8>) {
        const TRACE: &[u8] = b"Received: x\r\n";
        let message = finish([TRACE, content].concat(), TRACE.len(), envelope, STAMP).unwrap();
        let content = message.content.strip_prefix(TRACE).unwrap().to_vec();
        (message, content)
    }

    #[test]
    fn complete_messages_are_kept_byte_for_byte() {
        let body = b"From: a@b\r\nDATE : x\r\nMessage-Id:\r\n <x@y>\r\nX: \xff\0\r\n\r\nBcc: \xff\0body\r\n.\r\n";
        let (message, content) = finished(body, &envelope(&["a@example.com"]));
        assert_eq!(content, body);
        assert_eq!(message.header_message_id, "<x@y>");
        assert_eq!(message.from_email, "a@b");
        assert!(!message.smtputf8);
    }

    #[test]
    fn bcc_goes_and_what_is_missing_comes() {
        let added = "Date: Fri, 2 Jan 2026 03:04:05 +0000\r\nMessage-ID: <eml_1@mail.example.com>\r\n";
        for (content, expected) in [
            (
                "From: a@b\r\nBcc: x@y,\r\n z@y\r\n\r\nBcc: body\r\n",
                format!("{added}From: a@b\r\n\r\nBcc: body\r\n"),
            ),
            ("just text\r\n", format!("{added}\r\njust text\r\n")),
            ("\r\nSubject: body\r\n", format!("{added}\r\nSubject: body\r\n")),
            ("", format!("{added}\r\n")),
            (
                "From me Mon Jan 1 10:00:00 2026\r\nFrom: a@b\r\nBcc: x@y\r\n\r\nx",
                format!("{added}From: a@b\r\n\r\nx"),
            ),
            (
                "From now on\r\n\r\nBcc: body",
                format!("{added}\r\nFrom now on\r\n\r\nBcc: body"),
            ),
        ] {
            let (message, content) = finished(content.as_bytes(), &envelope(&["a@example.com"]));
            assert_eq!(String::from_utf8(content).unwrap(), expected);
            assert_eq!(message.header_message_id, "<eml_1@mail.example.com>");
        }
    }

    #[test]
    fn an_mbox_line_goes_from_a_message_that_is_complete() {
        let body = "From: a@b\r\nDate: x\r\nMessage-ID: <x@y>\r\n\r\nx";
        for mbox in ["From me Mon Jan 1 10:00:00 2026\r\n", ">From me\r\n"] {
            let (_, content) = finished(format!("{mbox}{body}").as_bytes(), &envelope(&["a@example.com"]));
            assert_eq!(String::from_utf8(content).unwrap(), body);
        }
    }

    #[test]
    fn a_line_that_is_no_field_is_refused() {
        for (content, line) in [
            ("X Mailer: PHP\r\nFrom: a@b\r\nBcc: x@y\r\n\r\nx", 1),
            (" \r\nFrom: a@b\r\n\r\nx", 1),
            ("From: a@b\r\nno field\r\n\r\nx", 2),
            ("From: a@b\r\nBcc\r\n : x@y\r\n\r\nx", 2),
        ] {
            let refused = finish(content.into(), 0, &envelope(&["a@example.com"]), STAMP).unwrap_err();
            assert_eq!(refused.line, line, "{content:?}");
        }
    }

    #[test]
    fn only_a_message_without_from_is_from_its_return_path() {
        let from = |content: &[u8]| finished(content, &envelope(&["a@example.com"])).0.from_email;
        assert_eq!(from(b"Subject: x\r\n\r\n"), "bounce@example.com");
        assert_eq!(from(b"From:\r\n\r\n"), "bounce@example.com");
        for without_address in [
            "From: Undisclosed\r\n\r\n",
            "From: Ana <>\r\n\r\n",
            "From: team:;\r\n\r\n",
        ] {
            assert_eq!(from(without_address.as_bytes()), "", "{without_address}");
        }
    }

    #[test]
    fn recipients_are_found_in_the_header_whatever_their_capitals() {
        let content = b"To: Ana <Ana.Lopez@example.org>, ana <ANA.LOPEZ@example.org>\r\n\r\n";
        let (message, _) = finished(content, &envelope(&["ana.lopez@example.org", "ANA.LOPEZ@Example.org"]));
        let shown: Vec<_> = message
            .recipients
            .iter()
            .map(|one| (one.field, one.name.as_str()))
            .collect();
        assert_eq!(shown, [(RecipientField::To, "Ana"), (RecipientField::To, "ana")]);
    }

    #[test]
    fn lists_show_what_the_header_says_and_the_envelope_decides() {
        let content = "From: =?utf-8?q?J=C3=B6rg?= <j@example.com>\r\nTo: Ana <ana@EXAMPLE.org>, gone@example.org\r\n\
                       Cc: info@b\u{fc}cher.example\r\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\r\n\r\nHi\r\n";
        let to = ["secret@example.org", "ana@example.org", "info@bücher.example"];
        let (message, _) = finished(content.as_bytes(), &envelope(&to));
        assert_eq!(
            (message.from_name.as_str(), message.from_email.as_str()),
            ("Jörg", "j@example.com")
        );
        assert_eq!(message.subject, "Grüße");
        let shown: Vec<_> = message
            .recipients
            .iter()
            .map(|recipient| (recipient.field, recipient.address.as_str(), recipient.name.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                (RecipientField::Envelope, "secret@example.org", ""),
                (RecipientField::To, "ana@example.org", "Ana"),
                (RecipientField::Cc, "info@xn--bcher-kva.example", ""),
            ]
        );
        assert_eq!(
            finished(b"\r\n", &envelope(&["a@b.example"])).0.from_email,
            "bounce@example.com"
        );
        assert_eq!(finished(b"\r\n", &Envelope::default()).0.from_email, "");
    }

    #[test]
    fn smtputf8_is_needed_for_addresses_and_for_headers_that_were_announced() {
        let plain = envelope(&["a@example.com"]);
        let announced = Envelope {
            smtputf8: true,
            ..plain.clone()
        };
        let umlaut = "Subject: Grüße\r\n\r\n".as_bytes();
        assert!(!finished(umlaut, &plain).0.smtputf8);
        assert!(finished(umlaut, &announced).0.smtputf8);
        assert!(!finished("\r\nGrüße".as_bytes(), &announced).0.smtputf8);
        assert!(finished(b"\r\n", &envelope(&["jörg@example.com"])).0.smtputf8);
    }
}
