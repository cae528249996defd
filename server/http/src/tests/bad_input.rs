//! Whatever comes in: an answer below 500 in the one shape there is, and nothing half stored.

use super::isolation::{Operation, Things, operations};
use super::manage::{Managed, managed};
use super::support::{Answer, Server, minimal, servers_with};
use axum::body::{Body, Bytes};
use axum::http::Request;
use futures::stream;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sea_orm::{EntityTrait, PaginatorTrait};
use sendmux_domain::Settings;
use sendmux_domain::entities::{content_chunks, idempotency, messages, queue, recipients};
use serde_json::{Value, json};
use std::io;

const SEND: &str = "/api/v1/emails/send";
const BATCH: &str = "/api/v1/emails/send/batch";

/// A message with everything that a message can have.
fn full() -> Value {
    json!({
        "from": {"email": "shop@example.com", "name": "Shop"},
        "to": [{"email": "ana@example.org", "name": "Ana"}],
        "cc": [{"email": "bo@example.org", "name": "Bo"}],
        "bcc": [{"email": "cy@example.org", "name": "Cy"}],
        "reply_to": [{"email": "help@example.com", "name": "Help"}],
        "subject": "Hello",
        "html_body": "<p>Hi <img src=\"cid:logo\"></p>",
        "text_body": "Hi",
        "custom_headers": {"X-Campaign": "spring", "List-Unsubscribe": "<https://example.com/u>"},
        "return_path": "bounces@example.com",
        "attachments": [{"filename": "logo.png", "content": "QUJD", "type": "image/png", "content_id": "logo", "encoding": "base64"}],
    })
}

/// Servers that do not mind how much they are asked.
async fn patient() -> Vec<Server> {
    servers_with(Settings {
        rate_limit_per_minute: 1_000_000,
        ..Settings::default()
    })
    .await
}

/// The number of rows in the tables that sending writes to.
async fn rows(server: &Server) -> [u64; 5] {
    let db = server.domain.db.read();
    [
        messages::Entity::find().count(db).await.unwrap(),
        recipients::Entity::find().count(db).await.unwrap(),
        content_chunks::Entity::find().count(db).await.unwrap(),
        queue::Entity::find().count(db).await.unwrap(),
        idempotency::Entity::find().count(db).await.unwrap(),
    ]
}

/// Checks that a request was refused as the caller's fault.
fn refused(answer: &Answer, what: &str) -> String {
    let (status, code) = answer.error();
    assert!((400..500).contains(&status), "{what}: {status} {code}");
    code
}

/// The pointers to all values in a document.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                pointers(member, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                pointers(entry, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Bodies that are no JSON, or none that anybody should send.
fn malformed() -> Vec<(&'static str, Vec<u8>)> {
    let nested = |open: &str, depth: usize| open.repeat(depth).into_bytes();
    vec![
        ("nothing", Vec::new()),
        ("space", b" \r\n".to_vec()),
        ("cut off", b"{\"name\": \"A".to_vec()),
        ("two documents", b"{} {}".to_vec()),
        ("a list", b"[]".to_vec()),
        ("null", b"null".to_vec()),
        ("a string", b"\"name\"".to_vec()),
        ("a number", b"7".to_vec()),
        ("a huge number", b"1e999".to_vec()),
        ("a long number", nested("9", 100_000)),
        ("not a number", b"{\"version\": NaN}".to_vec()),
        ("deep lists", nested("[", 100_000)),
        ("deep objects", nested("{\"a\":", 100_000)),
        ("many values", format!("[{}0]", "0,".repeat(300_000)).into_bytes()),
        ("not UTF-8", b"{\"name\": \"\xff\xfe\"}".to_vec()),
        ("half a surrogate pair", b"{\"name\": \"\\ud800\"}".to_vec()),
        (
            "a name that stands twice",
            b"{\"name\": \"A\", \"name\": \"A\"}".to_vec(),
        ),
        (
            "the same name in other letters",
            b"{\"name\": \"A\", \"n\\u0061me\": \"A\"}".to_vec(),
        ),
        ("a byte order mark", b"\xef\xbb\xbf{}".to_vec()),
        ("UTF-16", "{}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a form", b"name=A&version=1".to_vec()),
        ("NULs", vec![0; 100]),
        ("an unknown field", b"{\"colour\": \"red\"}".to_vec()),
        (
            "a field of objects' own",
            b"{\"__proto__\": {\"name\": \"A\"}}".to_vec(),
        ),
    ]
}

#[tokio::test]
async fn malformed_bodies_are_refused_by_every_operation() {
    for test in managed().await {
        let things = Things::of(&test).await;
        let (before, shown) = (rows(&test.server).await, things.shown(&test).await);
        let with_body: Vec<Operation> = operations()
            .into_iter()
            .filter(|operation| operation.has_body)
            .collect();
        assert!(with_body.len() >= 11);
        for operation in &with_body {
            for (what, body) in malformed() {
                let what = format!("{} with {what}", operation.id);
                let answer = call(&test, operation, &things, Some("application/json"), body).await;
                assert_eq!(answer.status.as_u16() / 100, 4, "{what}: {:?}", answer.body);
            }
            for kind in [
                None,
                Some("text/plain"),
                Some("multipart/form-data; boundary=a"),
                Some("application/json; charset=latin1"),
            ] {
                let answer = call(&test, operation, &things, kind, b"{}".to_vec()).await;
                assert!(
                    [400, 415].contains(&answer.status.as_u16()),
                    "{} as {kind:?}: {:?}",
                    operation.id,
                    answer.body
                );
            }
        }
        assert_eq!(rows(&test.server).await, before);
        assert_eq!(things.shown(&test).await, shown, "nothing was changed by all of that");
    }
}

async fn call(test: &Managed, operation: &Operation, things: &Things, kind: Option<&str>, body: Vec<u8>) -> Answer {
    let mut request = Request::builder()
        .method(operation.method.as_str())
        .uri(operation.at(things))
        .header("authorization", format!("Bearer {}", test.key));
    if let Some(kind) = kind {
        request = request.header("content-type", kind);
    }
    test.server.call(request.body(body.into()).unwrap()).await
}

/// Each entry: what is wrong, where, and the value that makes it so; no value takes the field away.
fn faults() -> Vec<(&'static str, &'static str, Option<Value>)> {
    let addresses = |count: usize| {
        let address = |number| json!({"email": format!("a{number}@example.org")});
        Some((0..count).map(address).collect())
    };
    vec![
        ("unknown field", "/colour", Some(json!(1))),
        (
            "unknown field of an address",
            "/to/0/mail",
            Some(json!("a@example.org")),
        ),
        (
            "unknown field of an attachment",
            "/attachments/0/path",
            Some(json!("/etc/passwd")),
        ),
        ("no sender", "/from", None),
        ("no recipient", "/to", None),
        ("no subject", "/subject", None),
        ("no address", "/from/email", None),
        ("no file name", "/attachments/0/filename", None),
        ("no content", "/attachments/0/content", None),
        ("empty list", "/to", Some(json!([]))),
        ("101 recipients", "/to", addresses(101)),
        ("101 copies", "/cc", addresses(101)),
        (
            "11 attachments",
            "/attachments",
            Some(vec![json!({"filename": "a", "content": "QUJD"}); 11].into()),
        ),
        (
            "101 headers",
            "/custom_headers",
            Some(
                (0..101)
                    .map(|n| (format!("X-{n}"), json!("a")))
                    .collect::<serde_json::Map<_, _>>()
                    .into(),
            ),
        ),
        ("a subject of 999 characters", "/subject", Some("x".repeat(999).into())),
        (
            "an address of 300 characters",
            "/to/0/email",
            Some(format!("{}@example.org", "x".repeat(300)).into()),
        ),
        ("no base64", "/attachments/0/content", Some(json!("%%%"))),
        ("base64 for URLs", "/attachments/0/content", Some(json!("_-_-"))),
        ("base64 without padding", "/attachments/0/content", Some(json!("QUI"))),
        (
            "no base64 between lines",
            "/attachments/0/content",
            Some(json!("QUJD\u{b}QUJD")),
        ),
        (
            "base64 with bits to spare",
            "/attachments/0/content",
            Some(json!("QUJ=")),
        ),
        ("no content at all", "/attachments/0/content", None),
        ("a subject of blanks", "/subject", Some(json!(" \u{2003} "))),
        ("an answer to nothing", "/custom_headers/In-Reply-To", Some(json!(" "))),
        ("no delivery group", "/delivery_group", Some(json!([]))),
        ("no such delivery group", "/delivery_group", Some(json!("dgrp_none"))),
        (
            "a way to elsewhere",
            "/attachments/0/filename",
            Some(json!("../../etc/passwd")),
        ),
        ("a way of Windows", "/attachments/0/filename", Some(json!("C:\\a.txt"))),
        (
            "a multipart file",
            "/attachments/0/type",
            Some(json!("multipart/mixed")),
        ),
        ("another encoding", "/attachments/0/encoding", Some(json!("gzip"))),
        (
            "a header that is ours",
            "/custom_headers/X-Sendmux-Id",
            Some(json!("a")),
        ),
        (
            "a header of a mail system",
            "/custom_headers/Received",
            Some(json!("a")),
        ),
        (
            "a recipient by the back door",
            "/custom_headers/Bcc",
            Some(json!("a@example.org")),
        ),
        ("a header that is none", "/custom_headers/X- A:", Some(json!("a"))),
        (
            "a header that breaks its line",
            "/custom_headers/X-A\r\nBcc",
            Some(json!("a@example.org")),
        ),
        (
            "two headers of one name",
            "/custom_headers/x-campaign",
            Some(json!("a")),
        ),
        ("a local address", "/to/0/email", Some(json!("root"))),
        (
            "two addresses in one",
            "/to/0/email",
            Some(json!("a@example.org, b@example.org")),
        ),
        (
            "an address with a comment",
            "/to/0/email",
            Some(json!("a@example.org (x)")),
        ),
        ("an address in brackets", "/from/email", Some(json!("<a@example.org>"))),
        ("no return path", "/return_path", Some(json!(""))),
        ("nothing to read", "/html_body", Some(json!(""))),
    ]
}

/// The message with this value at a pointer, whose last part may be new.
fn with(pointer: &str, value: Option<Value>) -> Value {
    let mut message = full();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = message.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => parent.insert(name.to_owned(), value),
        None => parent.remove(name),
    };
    message
}

/// Sends a message that must be refused: alone in both dialects, and as one of a batch.
async fn refused_everywhere(server: &Server, message: &Value, what: &str) {
    for headers in [&[][..], &[("idempotency-key", "k")]] {
        let alone = server.post_to(SEND, headers, message.to_string()).await;
        let code = refused(&alone, what);
        let enveloped = server
            .post_to("/sdk/v1/emails/send", headers, message.to_string())
            .await;
        assert_eq!(
            (enveloped.status, &enveloped.json()["error"]["code"]),
            (alone.status, &json!(code)),
            "{what}"
        );
        let batch = server
            .post_to(BATCH, headers, json!({"messages": [message]}).to_string())
            .await;
        assert_eq!(
            batch.json()["summary"],
            json!({"total": 1, "queued": 0, "failed": 1}),
            "{what}"
        );
        assert_eq!(batch.json()["results"][0]["error"]["code"], code, "{what}");
    }
}

#[tokio::test]
async fn every_fault_of_a_message_is_refused_and_leaves_nothing() {
    for server in patient().await {
        let fine = server.send(&full()).await;
        assert_eq!(fine.status, 202, "{:?}", fine.body);
        let before = rows(&server).await;
        for (what, pointer, value) in faults() {
            refused_everywhere(&server, &with(pointer, value), what).await;
        }
        assert_eq!(rows(&server).await, before);
    }
}

#[tokio::test]
async fn no_value_of_another_type_is_taken_for_what_it_is_not() {
    for server in patient().await {
        let mut everywhere = Vec::new();
        pointers(&full(), "", &mut everywhere);
        let before = rows(&server).await;
        for pointer in everywhere.iter().filter(|pointer| !pointer.is_empty()) {
            for value in [
                json!(7),
                json!(true),
                json!(-1e300),
                json!([[]]),
                json!({"a": {}}),
                json!(["a"]),
            ] {
                let mut message = full();
                *message.pointer_mut(pointer).unwrap() = value.clone();
                refused_everywhere(&server, &message, &format!("{value} at {pointer}")).await;
            }
        }
        assert_eq!(rows(&server).await, before);
    }
}

#[tokio::test]
async fn no_string_brings_a_line_of_its_own_into_the_header() {
    // What is text and not header, or is decoded first.
    const BODIES: [&str; 3] = ["/html_body", "/text_body", "/attachments/0/content"];
    for server in patient().await {
        let mut everywhere = Vec::new();
        pointers(&full(), "", &mut everywhere);
        let strings = everywhere
            .iter()
            .filter(|pointer| full().pointer(pointer).is_some_and(Value::is_string));
        let strings: Vec<_> = strings.filter(|pointer| !BODIES.contains(&pointer.as_str())).collect();
        assert_eq!(strings.len(), 18);
        let before = rows(&server).await;
        for pointer in strings {
            for evil in [
                "\r\nBcc: x@example.net",
                "\nBcc: x@example.net",
                "\rX: y",
                "\r\n\r\nbody",
                "\0",
                "\u{b}",
                "\u{7f}",
                "\u{85}",
            ] {
                for (begin, end) in [(evil, ""), ("", evil)] {
                    let mut message = full();
                    let string = message.pointer_mut(pointer).unwrap();
                    *string = format!("{begin}{}{end}", string.as_str().unwrap()).into();
                    refused_everywhere(&server, &message, &format!("{evil:?} in {pointer}")).await;
                }
            }
        }
        assert_eq!(rows(&server).await, before);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing() {
    for server in patient().await {
        let before = rows(&server).await;
        for (path, body) in [(SEND, full()), (BATCH, json!({"messages": [full(), minimal()]}))] {
            let body = body.to_string();
            for length in [0, 1, body.len() / 2, body.len() - 1] {
                let start = Bytes::copy_from_slice(&body.as_bytes()[..length]);
                let breaks = [Ok(start.clone()), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
                for body in [Body::from_stream(stream::iter(breaks)), Body::from(start)] {
                    let answer = server.post_to(path, &[("idempotency-key", "k")], body).await;
                    assert_eq!(
                        answer.error(),
                        (400, "invalid_parameter".to_owned()),
                        "{path} after {length} bytes"
                    );
                }
            }
        }
        assert_eq!(rows(&server).await, before);
    }
}

/// A change of a document.
#[derive(Clone, Debug)]
enum Change {
    Replace(Index, Value),
    Remove(Index),
    Insert(Index, String, Value),
    Damage(Index, u8),
    Cut(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let value = || {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            Just(json!({"email": "a@example.com"})),
            Just(json!([])),
            "[^ -~]{1,3}".prop_map(Value::from),
        ]
    };
    let index = any::<Index>;
    prop_oneof![
        6 => (index(), value()).prop_map(|(at, value)| Change::Replace(at, value)),
        2 => index().prop_map(Change::Remove),
        2 => (index(), any::<String>(), value()).prop_map(|(at, name, value)| Change::Insert(at, name, value)),
        3 => (index(), any::<u8>()).prop_map(|(at, byte)| Change::Damage(at, byte)),
        1 => index().prop_map(Change::Cut),
    ]
}

/// The bytes of a message after these changes.
fn changed(changes: &[Change]) -> Vec<u8> {
    let mut message = full();
    for change in changes {
        let mut everywhere = Vec::new();
        pointers(&message, "", &mut everywhere);
        let at = |index: &Index| everywhere[index.index(everywhere.len())].clone();
        match change {
            Change::Replace(index, value) => *message.pointer_mut(&at(index)).unwrap() = value.clone(),
            Change::Remove(index) => {
                let at = at(index);
                let (parent, name) = at.rsplit_once('/').unwrap_or_default();
                if let Some(Value::Object(members)) = message.pointer_mut(parent) {
                    members.remove(name);
                }
            }
            Change::Insert(index, name, value) => {
                if let Some(Value::Object(members)) = message.pointer_mut(&at(index)) {
                    members.insert(name.replace(['/', '~'], ""), value.clone());
                }
            }
            Change::Damage(..) | Change::Cut(_) => {}
        }
    }
    let mut body = message.to_string().into_bytes();
    for change in changes {
        match change {
            Change::Damage(index, byte) => {
                let at = index.index(body.len().max(1));
                if let Some(there) = body.get_mut(at) {
                    *there = *byte;
                }
            }
            Change::Cut(index) => body.truncate(index.index(body.len().max(1))),
            _ => {}
        }
    }
    body
}

#[tokio::test]
async fn a_message_that_was_tampered_with_is_accepted_whole_or_not_at_all() {
    for server in patient().await {
        let mut runner = TestRunner::deterministic();
        let strategy = proptest::collection::vec(change(), 1..4);
        let mut accepted = 0;
        for _ in 0..300 {
            let changes = strategy.new_tree(&mut runner).unwrap().current();
            let answer = server.post(changed(&changes)).await;
            if answer.status == 202 {
                accepted += 1;
            } else {
                refused(&answer, &format!("{changes:?}"));
            }
            let [messages, _, chunks, queued, _] = rows(&server).await;
            assert_eq!([messages, chunks, queued], [accepted; 3], "{changes:?}");
        }
        assert!(accepted > 0 && accepted < 300, "{accepted}");
    }
}
