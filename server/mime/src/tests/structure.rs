//! Structure of a built message.

use mail_parser::{MessageParser, MimeHeaders as _};

use super::{address, built, message, png};
use crate::{Attachment, Outgoing, build, needs_smtputf8, read};

#[test]
fn a_text_message_byte_for_byte() {
    let mut message = message();
    message.cc = vec![
        address("Doe, John", "john@bücher.example"),
        address("日本", "jp@example.net"),
    ];
    message.bcc = vec![address("Secret", "secret@example.org")];
    message.reply_to = vec![address("", "a@example.com"), address("", "b@example.com")];
    message.headers = vec![("X-Campaign".to_owned(), "spring".to_owned())];
    assert_eq!(
        built(&message),
        "Date: Sun, 1 Mar 2026 12:00:00 +0000\r\n\
         From: Sender <sender@example.com>\r\n\
         Reply-To: a@example.com, b@example.com\r\n\
         To: to@example.net\r\n\
         Cc: \"Doe, John\" <john@xn--bcher-kva.example>,\r\n =?UTF-8?B?5pel5pys?= <jp@example.net>\r\n\
         Subject: Hello\r\n\
         Message-ID: <eml_1@mail.example.com>\r\n\
         X-Campaign: spring\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 7bit\r\n\
         \r\n\
         Hello, world!\r\n"
    );
}

#[test]
fn the_full_structure_byte_for_byte() {
    let mut message = message();
    message.html_body = Some("<p>Hallo <b>Jörg</b></p><img src=\"cid:logo\">".to_owned());
    message.attachments = vec![png("logo.png", Some("<logo>")), png("Übersicht.png", None)];
    let raw = built(&message);
    let seed = raw.split_once("boundary=\"").unwrap().1.split_once("_1\"").unwrap().0;
    assert!(seed.starts_with("=_") && seed.len() <= 66, "{seed}");
    assert_eq!(
        raw.replace(seed, "SEED"),
        "Date: Sun, 1 Mar 2026 12:00:00 +0000\r\n\
         From: Sender <sender@example.com>\r\n\
         To: to@example.net\r\n\
         Subject: Hello\r\n\
         Message-ID: <eml_1@mail.example.com>\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed;\r\n boundary=\"SEED_1\"\r\n\
         \r\n\
         --SEED_1\r\n\
         Content-Type: multipart/alternative;\r\n boundary=\"SEED_2\"\r\n\
         \r\n\
         --SEED_2\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 7bit\r\n\
         \r\n\
         Hello, world!\r\n\
         \r\n\
         --SEED_2\r\n\
         Content-Type: multipart/related;\r\n boundary=\"SEED_3\"; type=\"text/html\"\r\n\
         \r\n\
         --SEED_3\r\n\
         Content-Type: text/html; charset=utf-8\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\
         \r\n\
         <p>Hallo <b>J=C3=B6rg</b></p><img src=3D\"cid:logo\">\r\n\
         --SEED_3\r\n\
         Content-Type: image/png; name=\"logo.png\"\r\n\
         Content-Disposition: inline; filename=\"logo.png\"\r\n\
         Content-ID: <logo>\r\n\
         Content-Transfer-Encoding: base64\r\n\
         \r\n\
         iVBORw0KGgo=\r\n\
         --SEED_3--\r\n\
         --SEED_2--\r\n\
         --SEED_1\r\n\
         Content-Type: image/png; name=\"=?UTF-8?Q?=C3=9Cbersicht=2Epng?=\"\r\n\
         Content-Disposition: attachment; filename*=UTF-8''%C3%9Cbersicht.png\r\n\
         Content-Transfer-Encoding: base64\r\n\
         \r\n\
         iVBORw0KGgo=\r\n\
         --SEED_1--\r\n"
    );
}

/// The tree of media types, for example `mixed(alternative(plain, html), png)`.
fn structure(raw: &str) -> String {
    fn show(message: &mail_parser::Message<'_>, id: u32) -> String {
        let part = message.part(id).unwrap();
        let kind = part.content_type().unwrap().subtype().unwrap();
        match part.sub_parts() {
            Some(parts) => {
                let parts: Vec<_> = parts.iter().map(|&id| show(message, id)).collect();
                format!("{kind}({})", parts.join(", "))
            }
            None => kind.to_owned(),
        }
    }
    show(&MessageParser::new().parse(raw.as_bytes()).unwrap(), 0)
}

#[test]
fn structures() {
    let text = || Some("text".to_owned());
    let html = || Some("<img src='cid:a@b'>".to_owned());
    let shown = || png("a.png", Some("a@b"));
    let unused = || png("b.png", Some("other"));
    for (text_body, html_body, attachments, expected) in [
        (text(), None, vec![], "plain"),
        (None, html(), vec![], "html"),
        (text(), html(), vec![], "alternative(plain, html)"),
        (Some(String::new()), html(), vec![], "html"),
        (text(), Some(String::new()), vec![], "plain"),
        (Some(String::new()), None, vec![], "plain"),
        (None, Some(String::new()), vec![], "html"),
        (Some(String::new()), Some(String::new()), vec![], "plain"),
        (text(), None, vec![png("a", None)], "mixed(plain, png)"),
        (text(), None, vec![shown()], "mixed(plain, png)"),
        (None, html(), vec![shown()], "related(html, png)"),
        (None, html(), vec![unused()], "mixed(html, png)"),
        (None, html(), vec![shown(), unused()], "mixed(related(html, png), png)"),
        (text(), html(), vec![shown()], "alternative(plain, related(html, png))"),
        (
            text(),
            html(),
            vec![unused(), shown(), png("c", None)],
            "mixed(alternative(plain, related(html, png)), png, png)",
        ),
    ] {
        let message = Outgoing {
            text_body,
            html_body,
            attachments,
            ..message()
        };
        assert_eq!(structure(&built(&message)), expected);
    }
}

#[test]
fn no_recipient_is_shown_when_all_are_blind() {
    let message = Outgoing {
        to: Vec::new(),
        bcc: vec![address("", "b@example.com")],
        ..message()
    };
    let raw = built(&message);
    assert!(raw.contains("\r\nTo: undisclosed-recipients:;\r\n"), "{raw}");
    assert!(!raw.contains("b@example.com"));
}

#[test]
fn smtputf8_is_for_local_parts_alone() {
    let mut message = message();
    message.to = vec![address("", "用户@例え.テスト")];
    let result = build(&message).unwrap();
    assert!(result.smtputf8 && needs_smtputf8(&message));
    assert!(
        String::from_utf8(result.raw)
            .unwrap()
            .contains("\r\nTo: 用户@xn--r8jz45g.xn--zckzah\r\n")
    );
    message.to = vec![address("日本", "user@例え.テスト")];
    let result = build(&message).unwrap();
    assert!(!result.smtputf8 && !needs_smtputf8(&message));
    assert!(result.raw.is_ascii());
    message.bcc = vec![address("", "用户@example.com")];
    assert!(build(&message).unwrap().smtputf8 && needs_smtputf8(&message));
}

#[test]
fn a_boundary_in_the_content_is_passed_over() {
    let mut message = message();
    message.attachments = vec![png("a.png", None)];
    let boundary = |raw: &str| {
        raw.split_once("boundary=\"")
            .unwrap()
            .1
            .split_once('"')
            .unwrap()
            .0
            .to_owned()
    };
    let first = boundary(&built(&message));
    assert_eq!(first, boundary(&built(&message)), "the same each time");
    message.text_body = Some(format!("--{first}\n--{first}--\n"));
    let raw = built(&message);
    assert_ne!(boundary(&raw), first);
    assert_eq!(
        read(raw.as_bytes()).text.unwrap(),
        format!("--{first}\r\n--{first}--\r\n")
    );
    let eml = |content: &str| Attachment {
        filename: "a.eml".to_owned(),
        content: content.as_bytes().to_vec(),
        content_type: "message/rfc822".to_owned(),
        content_id: None,
    };
    message.attachments = vec![eml(&format!("Subject: x\n\n--{first}\n"))];
    let raw = built(&message);
    assert_eq!(structure(&raw).split('(').next(), Some("mixed"));
    assert_ne!(boundary(&raw), first);
}

#[test]
fn attached_messages_are_not_encoded() {
    let mut message = message();
    let eml = |content: &[u8]| Attachment {
        filename: "a.eml".to_owned(),
        content: content.to_vec(),
        content_type: "message/rfc822".to_owned(),
        content_id: None,
    };
    message.attachments = vec![eml(b"Subject: inner\n\nbody\n"), eml(b"Subject: \xff\n\nbody\n")];
    let raw = built(&message);
    let plain = "Content-Type: message/rfc822; name=\"a.eml\"\r\nContent-Disposition: attachment; filename=\"a.eml\"\r\n\
                 Content-Transfer-Encoding: 7bit\r\n\r\nSubject: inner\r\n\r\nbody\r\n\r\n--";
    assert!(raw.contains(plain), "{raw}");
    assert!(
        raw.contains("Content-Type: application/octet-stream; name=\"a.eml\"\r\n"),
        "{raw}"
    );
}

#[test]
fn text_files_name_their_charset() {
    let mut message = message();
    let file = |content_type: &str, content: &[u8]| Attachment {
        filename: "a".to_owned(),
        content: content.to_vec(),
        content_type: content_type.to_owned(),
        content_id: None,
    };
    message.attachments = vec![
        file("text/csv", "ü".as_bytes()),
        file("text/csv", b"\xfc"),
        file("text/calendar; charset=iso-8859-1", "ü".as_bytes()),
        file("text/x-log", b"plain"),
    ];
    let raw = built(&message);
    for expected in [
        "text/csv; charset=utf-8; name=",
        "text/csv; name=",
        "text/calendar; charset=iso-8859-1; name=",
        "text/x-log; name=",
    ] {
        assert!(raw.contains(&format!("Content-Type: {expected}")), "{expected}: {raw}");
    }
}

#[test]
fn custom_headers() {
    let mut message = message();
    let unsubscribe = format!(
        "<mailto:u@example.com?subject=a=?b?=>, <https://example.com/{}>",
        "u".repeat(200)
    );
    message.headers = [
        ("X-Name", "Grüße"),
        ("X-Json", r#"{"a": "b", "c": "d"}"#),
        ("List-Unsubscribe", &unsubscribe),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("X-Empty", ""),
        ("References", "<a@b> <c@d>"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let raw = built(&message);
    assert!(raw.contains("\r\nX-Name: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=\r\n"), "{raw}");
    assert!(raw.contains("\r\nX-Json: {\"a\": \"b\", \"c\": \"d\"}\r\n"), "{raw}");
    assert!(raw.contains("\r\nX-Empty: \r\n"), "{raw}");
    assert!(
        raw.replace("\r\n <https", " <https")
            .contains(&format!("\r\nList-Unsubscribe: {unsubscribe}\r\n")),
        "{raw}"
    );
}
