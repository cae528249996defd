//! Messages read back by three independent parsers: ours, `mail-parser` and Python's.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_parser::{MessageParser, MimeHeaders as _};
use proptest::prelude::*;

use super::{address, message, png};
use crate::{Address, Attachment, MailboxView, Outgoing, ValidEmail, attachment, build, check, read};

/// Texts as people write them, well and badly.
const TEXTS: [&str; 24] = [
    "",
    "Plain ASCII",
    "Grüße aus Köln",
    "Всем привет, друзья мои хорошие и далёкие",
    "日本語の件名はとても長いので複数の符号化語に分けられます。これで十分でしょうか。",
    "مرحبا بالعالم",
    "שלום עולם",
    "नमस्ते दुनिया",
    "สวัสดีชาวโลก",
    "안녕하세요 세계",
    "🎉 Party 👨‍👩‍👧‍👦 time 🏳️‍🌈",
    "Mixed: ASCII, then 日本語, then ASCII again, and so on until it is longer than one line",
    "Doe, John",
    "John \"JD\" Doe",
    "back\\slash \\\" mix",
    "ceo@bank.example",
    "Fake <real@bank.example>",
    "=?UTF-8?B?SGVsbG8=?=",
    "a (comment) b",
    "semi; colon: and, comma",
    "two  spaces and   three",
    "'single'",
    "a_b=c?d",
    "x.y.z",
];

#[test]
fn round_trips_through_three_parsers() {
    let mut messages = Vec::new();
    for (index, text) in TEXTS.iter().enumerate() {
        let file_name = if text.is_empty() {
            "empty.txt".to_owned()
        } else {
            format!("{}.bin", text.replace(['/', '\\'], "_"))
        };
        let content: Vec<u8> = (0..=255).cycle().take(index * 37).collect();
        messages.push(Outgoing {
            from: address(text, "sender@example.com"),
            to: TEXTS.iter().map(|name| address(name, "to@bücher.example")).collect(),
            subject: (*text).to_owned(),
            html_body: (index % 3 != 0).then(|| format!("<p>{text}</p>\r\n<img src='cid:x'>\n.\nFrom here")),
            text_body: (index % 3 != 1).then(|| format!("{text}\n.\n..\nFrom here \n\n-- \nend\n")),
            headers: vec![("X-Text".to_owned(), (*text).to_owned())],
            attachments: vec![
                Attachment {
                    filename: file_name,
                    content,
                    content_type: String::new(),
                    content_id: None,
                },
                png("logo.png", Some("x")),
            ],
            message_id: format!("{index}@example.com"),
            ..message()
        });
    }
    let raws: Vec<Vec<u8>> = messages.iter().map(|message| build(message).unwrap().raw).collect();
    for (message, raw) in messages.iter().zip(&raws) {
        assert_well_formed(raw);
        by_this_crate(message, raw);
        by_mail_parser(message, raw);
    }
    let Some(answers) = python(&raws) else { return };
    for (message, answer) in messages.iter().zip(answers) {
        assert_eq!(answer, expected_of_python(message));
    }
}

/// Checks the invariants of the bytes of every message.
fn assert_well_formed(raw: &[u8]) {
    let text = std::str::from_utf8(raw).unwrap();
    assert!(text.ends_with("\r\n"));
    assert!(!text.replace("\r\n", "").contains(['\r', '\n', '\0']));
    assert!(text.split("\r\n").all(|line| line.len() <= 998));
    let header = text.split("\r\n\r\n").next().unwrap();
    assert!(!header.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")));
}

fn shown_name(address: &Address) -> Option<String> {
    address.name.clone().filter(|name| !name.trim().is_empty())
}

fn crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

fn by_this_crate(message: &Outgoing, raw: &[u8]) {
    let view = read(raw);
    assert_eq!(view.subject.as_deref(), Some(message.subject.as_str()));
    let shown = |address: &Address| MailboxView {
        name: shown_name(address),
        email: ValidEmail::parse(&address.email).unwrap().to_string(),
    };
    assert_eq!(view.from, [shown(&message.from)]);
    assert_eq!(view.to, message.to.iter().map(shown).collect::<Vec<_>>());
    assert_eq!(view.text, message.text_body.as_deref().map(crlf));
    assert_eq!(view.html, message.html_body.as_deref().map(crlf));
    assert_eq!(view.date, Some(message.date));
    assert_eq!(view.message_id.as_deref(), Some(message.message_id.as_str()));
    let mut files: Vec<_> = view
        .attachments
        .iter()
        .map(|file| attachment(raw, file.index).unwrap())
        .collect();
    files.sort_by_key(|(name, ..)| name == "logo.png");
    for (file, (name, _, bytes)) in message.attachments.iter().zip(files) {
        assert_eq!((&file.filename, &file.content), (&name, &bytes));
    }
}

fn by_mail_parser(message: &Outgoing, raw: &[u8]) {
    let parsed = MessageParser::new().parse(raw).unwrap();
    assert_eq!(parsed.subject().unwrap_or_default(), message.subject);
    let names: Vec<_> = parsed
        .to()
        .unwrap()
        .iter()
        .map(|addr| addr.name().map(str::to_owned))
        .collect();
    assert_eq!(names, message.to.iter().map(shown_name).collect::<Vec<_>>());
    let file = &message.attachments[0];
    let part = parsed
        .attachments()
        .find(|part| part.attachment_name() == Some(&file.filename))
        .expect("the file");
    assert_eq!(part.contents(), file.content);
}

/// Reads messages with Python's `email` package under its modern policy; `None` without Python. The answers have the
/// form of [`expected_of_python`]: fields in base64, one a line, since JSON strings would need a parser here.
fn python(raws: &[Vec<u8>]) -> Option<Vec<Vec<String>>> {
    const SCRIPT: &str = r#"
import base64, email, email.header, email.policy, email.utils, sys
def show(value):
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    print(base64.b64encode(value).decode())
for line in sys.stdin:
    message = email.message_from_bytes(base64.b64decode(line), policy=email.policy.default)
    show(message["Subject"])
    show(message["X-Text"])
    plain = email.message_from_bytes(base64.b64decode(line), policy=email.policy.compat32)
    for name in ("From", "To"):
        # Several releases of the modern policy keep the white space between encoded words of a name: only the addresses
        # are taken from it, the names from the older functions.
        names = [name for name, _ in email.utils.getaddresses([plain[name]])]
        for name, address in zip(names, message[name].addresses, strict=True):
            show(str(email.header.make_header(email.header.decode_header(name))))
            show(address.addr_spec)
    for kind in ("plain", "html"):
        body = message.get_body((kind,))
        show("" if body is None else body.get_content())
    for part in message.walk():
        if part.get_filename():
            show(part.get_filename())
            show(part.get_payload(decode=True))
        if part.defects:
            show("DEFECT " + repr(part.defects))
    show("".join(str(header.defects) for header in message.values() if header.defects))
    print("end")
"#;
    let spawned = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        eprintln!("python3 is not there: its reading of the messages is not compared");
        return None;
    };
    let input: String = raws.iter().map(|raw| STANDARD.encode(raw) + "\n").collect();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let mut answers = vec![Vec::new()];
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        if line == "end" {
            answers.push(Vec::new());
        } else {
            let bytes = STANDARD.decode(line).unwrap();
            answers
                .last_mut()
                .unwrap()
                .push(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    answers.pop();
    Some(answers)
}

fn expected_of_python(message: &Outgoing) -> Vec<String> {
    let mut expected = vec![message.subject.clone(), message.headers[0].1.clone()];
    for address in std::iter::once(&message.from).chain(&message.to) {
        expected.push(shown_name(address).unwrap_or_default());
        expected.push(ValidEmail::parse(&address.email).unwrap().to_string());
    }
    for body in [&message.text_body, &message.html_body] {
        expected.push(body.as_deref().map(crlf).unwrap_or_default());
    }
    let mut files: Vec<_> = message.attachments.iter().collect();
    // Parts shown by the HTML come before the others.
    files.sort_by_key(|file| file.content_id.is_none() || message.html_body.is_none());
    for file in files {
        expected.push(file.filename.clone());
        expected.push(String::from_utf8_lossy(&file.content).into_owned());
    }
    expected.push(String::new());
    expected
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,40}",
        "\\PC{0,40}",
        "([ -~]{0,10}|[éß日😀]{1,30}| {1,3}|a{70,90}){0,12}",
        prop::sample::select(&TEXTS[..]).prop_map(str::to_owned),
        any::<String>(),
    ]
}

prop_compose! {
    fn any_message()(
        names in prop::collection::vec(any_text(), 1..6),
        subject in any_text(),
        text_body in prop::option::of(any_text()),
        html_body in prop::option::of(any_text()),
        header in (prop_oneof![Just("X-A".to_owned()), "[!-~]{0,80}", any::<String>()], any_text()),
        files in prop::collection::vec((any_text(), any_text(), prop::option::of(any_text()), prop::collection::vec(any::<u8>(), 0..200)), 0..3),
        email in prop_oneof![Just("a@example.com".to_owned()), Just("\"a b\"@example.com".to_owned()), any_text()],
        message_id in prop_oneof![Just("a@example.com".to_owned()), any_text()],
    ) -> Outgoing {
        Outgoing {
            from: address(&names[0], &email),
            to: names.iter().map(|name| address(name, "to@example.com")).collect(),
            subject,
            text_body,
            html_body,
            headers: vec![header],
            attachments: files.into_iter().map(|(filename, content_type, content_id, content)| Attachment {
                filename,
                content,
                content_type: if content_type.len() % 3 == 0 { content_type } else { "a/b".to_owned() },
                content_id,
            }).collect(),
            message_id,
            ..message()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Any input is built correctly or refused, and cannot inject a header.
    #[test]
    fn any_input_is_built_right_or_refused(message in any_message()) {
        let Ok(result) = build(&message) else {
            prop_assert!(check(&message).is_err());
            return Ok(());
        };
        assert_well_formed(&result.raw);
        let view = read(&result.raw);
        let known = ["Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"];
        for (name, _) in &view.headers {
            prop_assert!(known.contains(&name.as_str()) || *name == message.headers[0].0, "{}", name);
        }
        prop_assert_eq!(view.to.len(), message.to.len());
        prop_assert_eq!(view.attachments.len(), message.attachments.len());
    }

    /// Accepted subjects and names round-trip unchanged.
    #[test]
    fn texts_round_trip(subject in "([a-zA-Z,\"\\\\=?_<>@().é日😀]{1,12} ?){1,12}", name in "([a-zA-Z,\"\\\\=?_<>@().;:é日😀]{1,12} {0,2}){1,9}") {
        let message = Outgoing { subject: subject.clone(), from: address(&name, "a@example.com"), ..message() };
        let raw = build(&message).unwrap().raw;
        let view = read(&raw);
        prop_assert_eq!(view.subject.as_deref(), Some(subject.trim()));
        prop_assert_eq!(view.from[0].name.as_deref(), Some(name.trim()));
    }
}
