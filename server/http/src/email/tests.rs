use super::{Draft, Email, Stamp};
use crate::error::{ApiError, Code};
use crate::issue::Issues;
use crate::json::Json;
use proptest::prelude::*;
use sendmux_domain::messages::RecipientField;
use serde_json::{Value, json};
use time::macros::datetime;

const STAMP: Stamp<'static> = Stamp {
    public_id: "eml_abcdefghijklmnopqrstuvwx",
    host: "mail.example.com",
    date: datetime!(2026-01-02 03:04:05 UTC),
};

fn read(json: Json<'_>) -> Result<Email, Issues> {
    Draft::read(json, STAMP)?.finish()
}

fn compose(value: &Value) -> Result<Email, Issues> {
    let body = serde_json::to_vec(value).unwrap();
    read(Json::parse(&body).unwrap())
}

/// A message with everything optional left out.
fn minimal() -> Value {
    json!({
        "from": {"email": "shop@example.com", "name": "The Shop"},
        "to": {"email": "ana@example.org"},
        "subject": "Hello",
        "text_body": "Hi",
    })
}

/// The minimal message with these fields instead.
fn with(fields: Value) -> Value {
    let mut message = minimal();
    let (Value::Object(message_fields), Value::Object(fields)) = (&mut message, fields) else {
        panic!("objects")
    };
    for (name, value) in fields {
        // A JSON null stands for "left out" in these tests.
        if value.is_null() {
            message_fields.remove(&name);
        } else {
            message_fields.insert(name, value);
        }
    }
    message
}

fn addresses(domain: &str, count: usize) -> Value {
    (0..count).map(|n| json!({"email": format!("u{n}@{domain}")})).collect()
}

fn refused(value: &Value) -> (Code, Vec<(String, &'static str)>) {
    let error: ApiError = compose(value).expect_err("refused").into();
    let fields = error
        .issues()
        .iter()
        .map(|issue| (issue.field.clone(), issue.code.as_str()))
        .collect();
    (error.code(), fields)
}

#[test]
fn composes_a_message() {
    let email = compose(&with(json!({
        "to": [{"email": "ana@example.org", "name": "Ana"}, {"email": "bo@例え.テスト"}],
        "cc": [{"email": "ANA@example.org"}, {"email": "cy@example.net"}],
        "bcc": [{"email": "cy@EXAMPLE.net"}, {"email": "hidden@example.net"}],
        "reply_to": {"email": "help@example.com"},
        "subject": "Grüße",
        "html_body": "<p>Hi</p>",
        "custom_headers": {"X-Campaign": "spring", "List-Unsubscribe": "<https://example.com/u>"},
        "attachments": [{"filename": "Übersicht.pdf", "content": "SGk="}],
    })))
    .unwrap();
    let recipients: Vec<_> = email
        .recipients
        .iter()
        .map(|recipient| (recipient.field, recipient.address.as_str()))
        .collect();
    assert_eq!(
        recipients,
        [
            (RecipientField::To, "ana@example.org"),
            (RecipientField::To, "bo@xn--r8jz45g.xn--zckzah"),
            (RecipientField::Cc, "ANA@example.org"),
            (RecipientField::Cc, "cy@example.net"),
            (RecipientField::Bcc, "hidden@example.net"),
        ]
    );
    assert_eq!(email.recipients[0].name, "Ana");
    assert_eq!(
        (email.from_email.as_str(), email.from_name.as_str()),
        ("shop@example.com", "The Shop")
    );
    assert_eq!(
        (email.return_path.as_str(), email.subject.as_str()),
        ("shop@example.com", "Grüße")
    );
    assert_eq!(
        email.header_message_id,
        "<eml_abcdefghijklmnopqrstuvwx@mail.example.com>"
    );
    assert!(!email.smtputf8);
    let raw = String::from_utf8(email.raw).unwrap();
    for line in [
        "Message-ID: <eml_abcdefghijklmnopqrstuvwx@mail.example.com>\r\n",
        "Date: Fri, 2 Jan 2026 03:04:05 +0000\r\n",
        "From: The Shop <shop@example.com>\r\n",
        "Reply-To: help@example.com\r\n",
        "X-Campaign: spring\r\n",
        "List-Unsubscribe: <https://example.com/u>\r\n",
        "Content-Type: application/pdf",
    ] {
        assert!(raw.contains(line), "{line} in {raw}");
    }
    assert!(!raw.contains("hidden@"), "{raw}");
}

#[test]
fn null_is_absent() {
    let message = json!({
        "from": {"email": "shop@example.com", "name": null}, "to": {"email": "ana@example.org"}, "cc": null, "bcc": null,
        "reply_to": null, "subject": "Hello", "html_body": null, "text_body": "Hi", "custom_headers": null,
        "return_path": null, "attachments": null,
    });
    let email = compose(&message).unwrap();
    assert_eq!(
        email,
        compose(&with(json!({"from": {"email": "shop@example.com"}}))).unwrap()
    );
}

#[test]
fn a_return_path_of_its_own() {
    let email = compose(&with(json!({"return_path": "bounces@Example.com"}))).unwrap();
    assert_eq!(
        (email.return_path.as_str(), email.smtputf8),
        ("bounces@example.com", false)
    );
    let email = compose(&with(json!({"return_path": "rückläufer@example.com"}))).unwrap();
    assert!(email.smtputf8);
}

#[test]
fn the_limits_themselves_are_allowed() {
    let message = with(json!({
        "to": addresses("to.example", 100), "cc": addresses("cc.example", 100), "bcc": addresses("bcc.example", 1),
        "subject": "é".repeat(998),
        "custom_headers": {"X-Long": "v".repeat(990)},
        "attachments": vec![json!({"filename": "a", "content": "QQ==", "encoding": "base64"}); 10],
    }));
    assert_eq!(compose(&message).unwrap().recipients.len(), 201);
}

#[test]
fn each_fault_names_its_field() {
    let attachment = |fields: Value| {
        let mut attachment = json!({"filename": "a.txt", "content": "QQ=="});
        attachment
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        with(json!({"attachments": [{"filename": "b.txt", "content": "Qg=="}, attachment]}))
    };
    let header = |name: &str, value: Value| with(json!({"custom_headers": {name: value}}));
    let missing = Code::MissingParameter;
    let shape = Code::InvalidParameter;
    let value = Code::ValidationError;
    let long_name = "n".repeat(256);
    let many_headers: Value = (0..101)
        .map(|n| (format!("X-{n}"), json!("v")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    #[rustfmt::skip]
    let cases = [
        (json!([]), shape, "body", "invalid_type"),
        (json!("text"), shape, "body", "invalid_type"),
        (with(json!({"from": null})), missing, "from", "missing_parameter"),
        (with(json!({"from": {}})), missing, "from.email", "missing_parameter"),
        (with(json!({"from": []})), shape, "from", "invalid_type"),
        (with(json!({"from": "shop@example.com"})), shape, "from", "invalid_type"),
        (with(json!({"from": {"email": 1}})), shape, "from.email", "invalid_type"),
        (with(json!({"from": {"email": "a@b.example", "name": true}})), shape, "from.name", "invalid_type"),
        (with(json!({"from": {"email": "a@b.example", "nick": "x"}})), shape, "from.nick", "unknown_field"),
        (with(json!({"from": {"email": "a@b.example\r\nBcc: x@y.z"}})), value, "from.email", "invalid_address"),
        (with(json!({"from": {"email": "a@b.example", "name": "A\r\nBcc: x@y.z"}})), value, "from.name", "invalid_characters"),
        (with(json!({"to": null})), missing, "to", "missing_parameter"),
        (with(json!({"to": []})), value, "to", "empty"),
        (with(json!({"to": 7})), shape, "to", "invalid_type"),
        (with(json!({"to": {"email": "nobody"}})), value, "to.email", "invalid_address"),
        (with(json!({"to": {"email": ""}})), value, "to.email", "invalid_address"),
        (with(json!({"to": [{"email": "a@b.example"}, null]})), shape, "to[1]", "invalid_type"),
        (with(json!({"to": [{"email": "a@b.example"}, {"name": "x"}]})), missing, "to[1].email", "missing_parameter"),
        (with(json!({"to": [{"email": "a@b.example"}, {"email": "x@"}]})), value, "to[1].email", "invalid_address"),
        (with(json!({"to": addresses("to.example", 101)})), value, "to", "too_many"),
        (with(json!({"cc": addresses("cc.example", 101)})), value, "cc", "too_many"),
        (with(json!({"bcc": addresses("bcc.example", 101)})), value, "bcc", "too_many"),
        (with(json!({"cc": {"email": "a@b.example"}})), shape, "cc", "invalid_type"),
        (with(json!({"to": addresses("a.example", 2), "cc": addresses("b.example", 100), "bcc": addresses("c.example", 100)})), value, "bcc", "too_many"),
        (with(json!({"subject": null})), missing, "subject", "missing_parameter"),
        (with(json!({"subject": ""})), value, "subject", "empty"),
        (with(json!({"subject": " \u{a0}\u{3000}"})), value, "subject", "empty"),
        (with(json!({"subject": 5})), shape, "subject", "invalid_type"),
        (with(json!({"subject": "s".repeat(999)})), value, "subject", "too_long"),
        (with(json!({"subject": "a\r\nBcc: x@y.z"})), value, "subject", "invalid_characters"),
        (with(json!({"subject": "a\u{0}"})), value, "subject", "invalid_characters"),
        (with(json!({"text_body": null})), missing, "html_body", "missing_parameter"),
        (with(json!({"text_body": ""})), value, "text_body", "empty"),
        (with(json!({"html_body": ""})), value, "html_body", "empty"),
        (with(json!({"text_body": 1})), shape, "text_body", "invalid_type"),
        (with(json!({"html_body": ["<p>"]})), shape, "html_body", "invalid_type"),
        (with(json!({"custom_headers": ["X-A: b"]})), shape, "custom_headers", "invalid_type"),
        (with(json!({"custom_headers": many_headers})), value, "custom_headers", "too_many"),
        (header("Bcc", json!("x@y.example")), value, "custom_headers.Bcc", "header_not_allowed"),
        (header("Subject", json!("x")), value, "custom_headers.Subject", "header_not_allowed"),
        (header("X-", json!("x")), value, "custom_headers.X-", "header_not_allowed"),
        (header("x-sendmux-id", json!("x")), value, "custom_headers.x-sendmux-id", "header_not_allowed"),
        (header("X-A b", json!("x")), value, "custom_headers.X-A b", "invalid_characters"),
        (header("X-A\r\nBcc", json!("x")), value, "custom_headers.X-A\\r\\nBcc", "invalid_characters"),
        (header("X-A:", json!("x")), value, "custom_headers.X-A:", "invalid_characters"),
        (header("X-A", json!(1)), shape, "custom_headers.X-A", "invalid_type"),
        (header("X-A", json!("x\nBcc: x@y.z")), value, "custom_headers.X-A", "invalid_characters"),
        (header("X-A", json!("v".repeat(999))), value, "custom_headers.X-A", "too_long"),
        (with(json!({"custom_headers": {"X-A": "1", "x-a": "2"}})), value, "custom_headers.x-a", "duplicate"),
        (with(json!({"reply_to": {"email": "x"}})), value, "reply_to.email", "invalid_address"),
        (with(json!({"reply_to": [{"email": "x"}]})), value, "reply_to[0].email", "invalid_address"),
        (with(json!({"return_path": ""})), value, "return_path", "invalid_address"),
        (with(json!({"return_path": {"email": "a@b.example"}})), shape, "return_path", "invalid_type"),
        (with(json!({"attachments": {}})), shape, "attachments", "invalid_type"),
        (with(json!({"attachments": ["a.txt"]})), shape, "attachments[0]", "invalid_type"),
        (with(json!({"attachments": vec![json!({"filename": "a", "content": "QQ=="}); 11]})), value, "attachments", "too_many"),
        (with(json!({"attachments": [{"content": "QQ=="}]})), missing, "attachments[0].filename", "missing_parameter"),
        (with(json!({"attachments": [{"filename": "a"}]})), missing, "attachments[0].content", "missing_parameter"),
        (attachment(json!({"filename": ""})), value, "attachments[1].filename", "empty"),
        (attachment(json!({"filename": "../a"})), value, "attachments[1].filename", "invalid_characters"),
        (attachment(json!({"filename": "a\\b"})), value, "attachments[1].filename", "invalid_characters"),
        (attachment(json!({"filename": "a\r\nX: y"})), value, "attachments[1].filename", "invalid_characters"),
        (attachment(json!({"filename": long_name})), value, "attachments[1].filename", "too_long"),
        (attachment(json!({"content": "QQ"})), value, "attachments[1].content", "invalid_base64"),
        (attachment(json!({"content": "QQ==\u{b}"})), value, "attachments[1].content", "invalid_base64"),
        (attachment(json!({"content": "Q\nQ"})), value, "attachments[1].content", "invalid_base64"),
        (attachment(json!({"content": null})), missing, "attachments[1].content", "missing_parameter"),
        (attachment(json!({"content": "Q-__"})), value, "attachments[1].content", "invalid_base64"),
        (attachment(json!({"content": "QR=="})), value, "attachments[1].content", "invalid_base64"),
        (attachment(json!({"content": [81]})), shape, "attachments[1].content", "invalid_type"),
        (attachment(json!({"type": "pdf"})), value, "attachments[1].type", "invalid_media_type"),
        (attachment(json!({"type": "text/plain\r\nX: y"})), value, "attachments[1].type", "invalid_media_type"),
        (attachment(json!({"type": "multipart/mixed"})), value, "attachments[1].type", "invalid_media_type"),
        (attachment(json!({"content_id": "a b"})), value, "attachments[1].content_id", "invalid_characters"),
        (attachment(json!({"content_id": "<a>\r\n"})), value, "attachments[1].content_id", "invalid_characters"),
        (attachment(json!({"encoding": "hex"})), value, "attachments[1].encoding", "invalid_value"),
        (attachment(json!({"attachment_id": "att_1"})), shape, "attachments[1].attachment_id", "unknown_field"),
        (with(json!({"html": "<p>"})), shape, "html", "unknown_field"),
    ];
    for (message, code, field, issue) in cases {
        assert_eq!(
            refused(&message),
            (code, vec![(field.to_owned(), issue)]),
            "{message:.300}"
        );
    }
}

#[test]
fn everything_wrong_is_told_at_once() {
    let message = json!({
        "to": [{"email": "ok@example.com"}, {"email": "x"}, 3, {"mail": "y@example.com"}],
        "bcc": "z",
        "subject": "a\nb",
        "custom_headers": {"From": "x@example.com", "X-Ok": 1, "X-Bad": "a\r\nb"},
        "attachments": [{"filename": "a/b", "content": "?", "type": "t", "content_id": " "}],
        "sender": "x",
        "weird\u{0}\"field": 1,
    });
    let (code, issues) = refused(&message);
    assert_eq!(code, Code::ValidationError);
    let issues: Vec<_> = issues.iter().map(|(field, code)| (field.as_str(), *code)).collect();
    let mut expected = vec![
        ("from", "missing_parameter"),
        ("to[2]", "invalid_type"),
        ("to[3].email", "missing_parameter"),
        ("to[3].mail", "unknown_field"),
        ("bcc", "invalid_type"),
        ("html_body", "missing_parameter"),
        ("custom_headers.From", "header_not_allowed"),
        ("custom_headers.X-Ok", "invalid_type"),
        ("attachments[0].filename", "invalid_characters"),
        ("attachments[0].content", "invalid_base64"),
        ("sender", "unknown_field"),
        ("weird\\u{0}\\\"field", "unknown_field"),
        ("to[1].email", "invalid_address"),
        ("subject", "invalid_characters"),
        ("custom_headers.X-Bad", "invalid_characters"),
        ("attachments[0].type", "invalid_media_type"),
        ("attachments[0].content_id", "invalid_characters"),
    ];
    expected.sort_unstable();
    let mut issues = issues;
    issues.sort_unstable();
    assert_eq!(issues, expected);
}

#[test]
fn the_code_follows_from_the_kinds_of_issues() {
    for (message, code) in [
        (json!({}), Code::MissingParameter),
        (with(json!({"x": 1, "subject": 2})), Code::InvalidParameter),
        (
            with(json!({"to": {"email": "x"}, "subject": ""})),
            Code::ValidationError,
        ),
        (with(json!({"subject": null, "x": 1})), Code::ValidationError),
    ] {
        assert_eq!(refused(&message).0, code, "{message}");
    }
}

#[test]
fn a_flood_of_faults_is_cut() {
    let fields: serde_json::Map<_, _> = (0..5_000).map(|n| (format!("f{n}"), json!(1))).collect();
    assert_eq!(refused(&fields.into()).1.len(), 1_000);
}

#[test]
fn the_schema_has_the_fields_that_are_read() {
    let document = crate::openapi::complete();
    for (schema, path, probe) in [
        ("EmailRequest", "zz", json!({"zz": 1})),
        ("Address", "from.zz", with(json!({"from": {"zz": 1}}))),
        (
            "Attachment",
            "attachments[0].zz",
            with(json!({"attachments": [{"zz": 1}]})),
        ),
    ] {
        let schema = &document["components"]["schemas"][schema];
        let mut documented: Vec<&str> = schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        documented.sort_unstable();
        let error: ApiError = compose(&probe).unwrap_err().into();
        let issue = error.issues().iter().find(|issue| issue.field == path).unwrap();
        let mut read: Vec<&str> = issue.message.split_once("it has ").unwrap().1.split(", ").collect();
        read.sort_unstable();
        assert_eq!(documented, read);

        let mut required: Vec<String> = schema["required"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| format!("{}{}", path.trim_end_matches("zz"), name.as_str().unwrap()))
            .collect();
        required.sort_unstable();
        let mut missing: Vec<String> = error
            .issues()
            .iter()
            // Of the two bodies either will do, which the schema can only say in words.
            .filter(|issue| issue.code.as_str() == "missing_parameter" && issue.field != "html_body")
            .map(|issue| issue.field.clone())
            .collect();
        missing.sort_unstable();
        assert_eq!(required, missing);
    }
}

/// Any JSON, of which some looks like a message.
fn any_json() -> impl Strategy<Value = Value> {
    let names = prop_oneof![
        prop::sample::select(vec![
            "from",
            "to",
            "cc",
            "bcc",
            "reply_to",
            "subject",
            "html_body",
            "text_body",
            "custom_headers",
            "return_path",
            "attachments",
            "delivery_group",
            "email",
            "name",
            "filename",
            "content",
            "type",
            "content_id",
            "X-A",
            "List-Unsubscribe",
        ])
        .prop_map(str::to_owned),
        ".{0,8}",
    ];
    let texts = prop_oneof![
        Just("a@example.com".to_owned()),
        Just("QQ==".to_owned()),
        Just("text/plain".to_owned()),
        Just("a\r\nBcc: x@example.com".to_owned()),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        any::<i64>().prop_map(Value::from),
        texts.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 12, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..14)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

fn assert_sound(result: Result<Email, Issues>) {
    match result {
        Ok(email) => {
            let text = String::from_utf8_lossy(&email.raw).into_owned();
            let headers = text.split("\r\n\r\n").next().unwrap();
            assert!(
                !headers
                    .lines()
                    .any(|line| line.to_ascii_lowercase().starts_with("bcc:")),
                "{headers}"
            );
            assert!(!email.recipients.is_empty());
        }
        Err(issues) => {
            let error: ApiError = issues.into();
            assert!(error.code().status().is_client_error());
            assert!(!error.issues().is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_value_is_composed_or_refused(value in any_json()) {
        assert_sound(compose(&value));
    }

    #[test]
    fn any_value_in_place_of_a_field_is_composed_or_refused(
        field in prop::sample::select(vec![
            "from", "to", "cc", "bcc", "reply_to", "subject", "html_body", "text_body", "custom_headers", "return_path",
            "attachments", "delivery_group",
        ]),
        value in any_json(),
    ) {
        assert_sound(compose(&with(json!({field: value}))));
    }

    #[test]
    fn any_bytes_are_parsed_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(json) = Json::parse(&body) {
            assert_sound(read(json));
        }
    }

    #[test]
    fn a_damaged_message_is_composed_or_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = serde_json::to_vec(&with(json!({"attachments": [{"filename": "a", "content": "QQ=="}]}))).unwrap();
        let at = at.index(body.len());
        body[at] = byte;
        if let Ok(json) = Json::parse(&body) {
            assert_sound(read(json));
        }
    }
}

/// The content of the only attachment, as it was encoded into the message.
fn attached(email: &Email) -> String {
    let raw = String::from_utf8_lossy(&email.raw);
    let (_, part) = raw.split_once("Content-Disposition: attachment").unwrap();
    let (_, content) = part.split_once("\r\n\r\n").unwrap();
    content.split("\r\n--").next().unwrap().trim().to_owned()
}

#[test]
fn an_attachment_may_be_empty_or_in_lines() {
    for (content, encoded) in [
        ("", ""),
        (" \r\n\t", ""),
        ("QQ==", "QQ=="),
        ("QQ==\n", "QQ=="),
        ("Q\r\nQ =\t=", "QQ=="),
        ("AAEC\r\nAwQF\r\n/w==\r\n", "AAECAwQF/w=="),
    ] {
        let file = json!({"filename": "a.bin", "content": content});
        let email = compose(&with(json!({"attachments": [file]}))).unwrap();
        assert_eq!(attached(&email), encoded, "{content:?}");
    }
}

#[test]
fn an_answer_can_join_its_conversation() {
    let references = (0..80)
        .map(|n| format!("<{n}.{}@mail.example.com>", "x".repeat(60)))
        .collect::<Vec<_>>()
        .join(" ");
    let headers = json!({"In-Reply-To": "<79@mail.example.com>", "references": references});
    let email = compose(&with(json!({"custom_headers": headers}))).unwrap();
    let raw = String::from_utf8(email.raw).unwrap();
    assert!(raw.contains("In-Reply-To: <79@mail.example.com>\r\n"), "{raw}");
    let unfolded = raw.replace("\r\n ", " ");
    assert!(
        unfolded.contains(&format!("references: {references}\r\n")),
        "{unfolded}"
    );
    assert!(raw.lines().all(|line| line.len() <= 998));
    for (name, value, code) in [
        ("In-Reply-To", " ".to_owned(), "empty"),
        ("References", String::new(), "empty"),
        ("In-Reply-To", "<a@b>\r\nBcc: x@y.z".to_owned(), "invalid_characters"),
        ("In-Reply-To", "<ü@b>".to_owned(), "invalid_characters"),
        ("In-Reply-To", "a ".repeat(500), "too_long"),
        ("References", "a ".repeat(4_001), "too_long"),
        ("References", "a".repeat(987), "too_long"),
        ("Message-ID", "<a@b>".to_owned(), "header_not_allowed"),
    ] {
        let (_, fields) = refused(&with(json!({"custom_headers": {name: value}})));
        assert_eq!(fields, [(format!("custom_headers.{name}"), code)], "{value}");
    }
}
