use proptest::prelude::*;
use time::macros::datetime;

use super::*;

fn crlf(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

#[test]
fn reads_a_usual_message() {
    let raw = crlf(
        "Received: from x\n by y\nFrom: =?iso-8859-1?q?J=F6rg?= <j@example.com>\nTo: \"Doe, John\" <d@example.com>, e@example.com\n\
         Cc: team: a@example.com, b@example.com;\nSubject: =?utf-8?b?5pel5pys?= =?utf-8?b?6Kqe?= mail\n\
         Date: Sun, 1 Mar 2026 13:00:00 +0100\nMessage-ID: <1@example.com>\nMIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=\"b 1\"\n\npreamble\n--b 1\n\
         Content-Type: multipart/alternative; boundary=b2\n\n--b2\nContent-Type: text/plain; charset=iso-8859-1\n\
         Content-Transfer-Encoding: quoted-printable\n\ncaf=E9=\n!\n--b2\nContent-Type: text/html\n\n<b>x</b>\n--b2--\n\
         --b 1\nContent-Type: image/png; name=\"=?utf-8?q?=C3=BC.png?=\"\nContent-ID: <logo>\n\
         Content-Transfer-Encoding: base64\n\niVBORw==\n--b 1\nContent-Type: text/csv; charset=iso-8859-1\n\
         Content-Disposition: attachment; filename*0*=utf-8''a%20; filename*1=\"b.csv\"\n\nx,y\n\n--b 1\n\
         Content-Type: message/rfc822\n\nSubject: inner\n\nhello\n--b 1--\nepilogue\n",
    );
    let view = read(&raw);
    assert_eq!(
        view.from,
        [MailboxView {
            name: Some("Jörg".into()),
            email: "j@example.com".into()
        }]
    );
    assert_eq!(view.to[0].name.as_deref(), Some("Doe, John"));
    assert_eq!(view.to[1].email, "e@example.com");
    assert_eq!(
        view.cc.iter().map(|m| m.email.as_str()).collect::<Vec<_>>(),
        ["a@example.com", "b@example.com"]
    );
    assert_eq!(view.subject.as_deref(), Some("日本語 mail"));
    assert_eq!(view.date, Some(datetime!(2026-03-01 12:00 UTC)));
    assert_eq!(view.message_id.as_deref(), Some("1@example.com"));
    assert_eq!(view.text.as_deref(), Some("café!"));
    assert_eq!(view.html.as_deref(), Some("<b>x</b>"));
    assert!(!view.truncated);
    assert_eq!(view.headers[0], ("Received".to_owned(), "from x by y".to_owned()));
    let files: Vec<_> = view
        .attachments
        .iter()
        .map(|a| (a.index, a.filename.as_str(), a.content_type.as_str(), a.size, a.inline))
        .collect();
    assert_eq!(
        files,
        [
            (2, "ü.png", "image/png", 4, true),
            (3, "a b.csv", "text/csv", 5, false),
            (4, "attachment-5.eml", "message/rfc822", 23, false),
        ]
    );
    assert_eq!(view.attachments[0].content_id.as_deref(), Some("logo"));
    assert_eq!(
        attachment(&raw, 2),
        Some(("ü.png".into(), "image/png".into(), b"\x89PNG".to_vec()))
    );
    assert_eq!(attachment(&raw, 3).unwrap().2, b"x,y\r\n");
    assert_eq!(attachment(&raw, 0), None, "a body is no attachment");
    assert_eq!(attachment(&raw, 9), None);
}

#[test]
fn reads_damaged_messages() {
    assert_eq!(
        read(b""),
        View {
            text: Some(String::new()),
            ..View::default()
        }
    );
    assert_eq!(read(b"just text").text.as_deref(), Some("just text"));
    assert_eq!(read(b"\r\n\xff").text.as_deref(), Some("\u{fffd}"));
    // No boundary, a boundary that never comes, a part that never ends.
    assert_eq!(
        read(b"Content-Type: multipart/mixed\n\nhello").text.as_deref(),
        Some("hello")
    );
    let view = read(b"Content-Type: multipart/mixed; boundary=x\n\nhello");
    assert_eq!(view.text.as_deref(), Some("hello"));
    assert_eq!(
        read(b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\nhello")
            .text
            .as_deref(),
        Some("hello")
    );
    // A path is not a file name.
    let raw = b"Content-Disposition: attachment; filename=\"../../etc/pass\x01wd\"\n\nx";
    assert_eq!(read(raw).attachments[0].filename, "pass wd");
    // A malformed type.
    let raw = b"Content-Type: a\"b/c<d>\n\nx";
    assert_eq!(read(raw).attachments[0].content_type, "application/octet-stream");
}

#[test]
fn a_boundary_that_begins_another_is_told_apart() {
    let raw = crlf(
        "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=ab\n\n--ab\n\none\n--ab--\n--a\n\ntwo\n--a--\n",
    );
    assert_eq!(read(&raw).text.as_deref(), Some("one\ntwo"));
}

#[test]
fn is_bounded() {
    // Long texts are cut between characters.
    let long = format!(
        "Content-Type: text/plain; charset=utf-8\r\n\r\n{}",
        "é".repeat(MAX_TEXT)
    );
    let view = read(long.as_bytes());
    assert!(view.truncated);
    assert_eq!(view.text.unwrap().len(), MAX_TEXT);
    // Many text parts together do not exceed the limit.
    let part = format!("--x\r\n\r\n{}\r\n", "a".repeat(MAX_TEXT / 2));
    let many = format!("Content-Type: multipart/mixed; boundary=x\r\n\r\n{}", part.repeat(5));
    assert!(read(many.as_bytes()).text.unwrap().len() <= MAX_TEXT + 5);
    // Very many fields and parts.
    let view = read("A: b\r\n".repeat(200_000).as_bytes());
    assert!(view.truncated);
    assert_eq!(view.headers.len(), MAX_FIELDS);
    let parts = format!(
        "Content-Type: multipart/mixed; boundary=x\r\n\r\n{}",
        "--x\r\nContent-Type: a/b\r\n\r\n".repeat(20_000)
    );
    assert!(read(parts.as_bytes()).attachments.len() <= 500);
    // Nested messages and multiparts, deeper than a stack allows.
    let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(200_000);
    assert_eq!(read(nested.as_bytes()).attachments.len(), 1);
    let nested = "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n".repeat(100_000);
    let _ = read(nested.as_bytes());
    let long_field = format!("Subject: {}\r\n\r\n", "=?utf-8?q?a?= ".repeat(100_000));
    assert!(read(long_field.as_bytes()).truncated);
    let addresses = format!("To: {}\r\n\r\n", "(".repeat(200_000));
    let _ = read(addresses.as_bytes());
}

/// Pieces that are difficult for a parser of mail.
fn near_messages() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: [&[u8]; 22] = [
        b"Content-Type: multipart/mixed; boundary=\"x\"\r\n",
        b"Content-Type: text/plain; charset=iso-2022-jp\r\n",
        b"Content-Type: message/rfc822\n",
        b"Content-Type: ;=\"\"\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n",
        b"Content-Disposition: attachment; filename*0*=utf-8''%; filename*1*=%4\r\n",
        b"Content-Disposition: inline; filename*=x'",
        b"Subject: =?utf-8?b?",
        b"Subject: =?utf-7?q?+=?= =?x?\r\n",
        b"From: \"a\\",
        b"To: a:b<c@d>,;(((\r\n",
        b"Date: 99 Foo 99999 99:99:99 +9999\r\n",
        b"Date: Fri, 31 Dec 999999999999 1:2\r\n",
        b"Content-ID: <>\r\n",
        b"--x\r\n",
        b"--x--\r\n",
        b"\r\n",
        b"\n",
        b" ",
        b"=C3=\r\n=A9",
        b"\x1b$B\xff\xfe\x00",
    ];
    let piece = prop::sample::select(&PIECES[..]);
    let noise = prop::collection::vec(any::<u8>(), 0..12);
    prop::collection::vec((piece, noise, any::<bool>()), 0..20).prop_map(|pieces| {
        pieces
            .into_iter()
            .flat_map(|(piece, noise, noisy)| if noisy { noise } else { piece.to_vec() })
            .collect()
    })
}

/// Found by the fuzz target.
#[test]
fn an_empty_message_id_is_none() {
    let raw = b"Message-ID:\r\nMessage-ID: <1@example.com>\r\n\r\n";
    assert_eq!(read(raw).message_id, message_id(raw));
    assert_eq!(read(raw).message_id.as_deref(), Some("1@example.com"));
    assert_eq!(read(b"Message-ID: \r\n\r\n").message_id, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn never_panics(raw in prop_oneof![near_messages(), prop::collection::vec(any::<u8>(), 0..200)]) {
        let view = read(&raw);
        for file in &view.attachments {
            let (name, media_type, bytes) = attachment(&raw, file.index).unwrap();
            prop_assert_eq!(&name, &file.filename);
            prop_assert!(!name.contains(|c: char| c.is_control() || c == '/' || c == '\\') && !name.is_empty());
            prop_assert_eq!(&media_type, &file.content_type);
            prop_assert_eq!(bytes.len(), file.size);
        }
        for mailbox in view.from.iter().chain(&view.to) {
            prop_assert!(!mailbox.email.contains(char::is_control));
        }
        prop_assert!(view.headers.iter().all(|(_, value)| !value.contains(char::is_control)));
        let _ = message_id(&raw);
    }
}
