//! Refusals, and the fields and problems they name.

use time::macros::datetime;

use super::{address, message};
use crate::{AddressError as E, Attachment, BuildError, Outgoing, Problem, build, check, read};

fn faults(message: &Outgoing) -> Vec<(String, Problem)> {
    let errors = check(message).expect_err("a fault");
    errors
        .into_vec()
        .into_iter()
        .map(|BuildError { field, problem }| (field, problem))
        .collect()
}

#[test]
fn every_fault_is_named_at_once() {
    let file = |filename: &str, content_type: &str, content_id: Option<&str>| Attachment {
        filename: filename.to_owned(),
        content: Vec::new(),
        content_type: content_type.to_owned(),
        content_id: content_id.map(str::to_owned),
    };
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let message = Outgoing {
        from: address("a\r\nBcc: x@example.com", "nobody"),
        to: vec![address("", "a@example.com"), address("\0", "b@example.com")],
        cc: vec![address("", "")],
        bcc: vec![address("", "a@b c.example")],
        reply_to: vec![address("", "<r@example.com>")],
        subject: "a\nb".to_owned(),
        text_body: None,
        headers: vec![
            header("X-A", "1"),
            header("x-a", "2"),
            header("X B", "1"),
            header("X:B", "1"),
            header("", "1"),
            header("X-C\r\n", "1"),
            header("X-D", "1\r\nBcc: x"),
            header("Bcc", "1"),
            header("Content-Type", "1"),
            header("List-Help", "ü"),
            header("References", &"a".repeat(990)),
            header(&"X".repeat(77), "1"),
        ],
        attachments: vec![
            file("a", "", Some("id")),
            file("", "png", Some("<id>")),
            file("a\rb", "multipart/mixed", Some("a b")),
            file(&"a".repeat(999), "a/b\r\nX: y", Some("")),
        ],
        message_id: "x".to_owned(),
        date: datetime!(1815-06-18 12:00 UTC),
        ..message()
    };
    let expected = [
        ("from.name", Problem::Control('\r')),
        ("from.email", E::NoAt.into()),
        ("to[1].name", Problem::Control('\0')),
        ("cc[0].email", E::Empty.into()),
        ("bcc[0].email", E::Space.into()),
        ("reply_to[0].email", E::DisplayName.into()),
        ("subject", Problem::Control('\n')),
        ("html_body", Problem::NoBody),
        ("custom_headers.x-a", Problem::DuplicateHeader),
        ("custom_headers.X B", Problem::HeaderName),
        ("custom_headers.X:B", Problem::HeaderName),
        ("custom_headers.", Problem::HeaderName),
        ("custom_headers.X-C\\r\\n", Problem::HeaderName),
        ("custom_headers.X-D", Problem::Control('\r')),
        ("custom_headers.Bcc", Problem::ReservedHeader),
        ("custom_headers.Content-Type", Problem::ReservedHeader),
        ("custom_headers.List-Help", Problem::AsciiOnly),
        ("custom_headers.References", Problem::WordTooLong),
        (
            &format!("custom_headers.{}", "X".repeat(77)),
            Problem::TooLong { max: 76 },
        ),
        ("attachments[1].filename", Problem::Empty),
        ("attachments[1].type", Problem::MediaType),
        ("attachments[1].content_id", Problem::DuplicateContentId),
        ("attachments[2].filename", Problem::Control('\r')),
        ("attachments[2].type", Problem::CompositeMediaType),
        ("attachments[2].content_id", Problem::ContentId),
        ("attachments[3].filename", Problem::TooLong { max: 998 }),
        ("attachments[3].type", Problem::MediaType),
        ("attachments[3].content_id", Problem::Empty),
        ("message_id", Problem::MessageId),
        ("date", Problem::Date),
    ];
    let expected: Vec<_> = expected.map(|(field, problem)| (field.to_owned(), problem)).to_vec();
    assert_eq!(faults(&message), expected);
    assert!(build(&message).is_err());
    let shown = check(&message).unwrap_err().to_string();
    assert!(
        shown.starts_with("from.name: contains a control character (U+000D); from.email: "),
        "{shown}"
    );
}

#[test]
fn subjects_up_to_998_characters() {
    for subject in ["a".repeat(998), "é".repeat(998), "😀 ".repeat(499)] {
        let message = Outgoing {
            subject: subject.clone(),
            ..message()
        };
        assert_eq!(
            read(super::built(&message).as_bytes()).subject.as_deref(),
            Some(subject.trim())
        );
    }
    let message = Outgoing {
        subject: "a".repeat(999),
        ..message()
    };
    assert_eq!(
        faults(&message),
        [("subject".to_owned(), Problem::TooLong { max: 998 })]
    );
}
