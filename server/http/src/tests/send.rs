use super::support::{Server, minimal, servers};
use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sendmux_domain::keys::Permission;
use sendmux_domain::messages::query::{self, MessageFilter};
use sendmux_rules::Mode;
use serde_json::json;

async fn stored(server: &Server) -> Vec<String> {
    let page = query::list(&server.domain, server.owner.team.id, &MessageFilter::default())
        .await
        .unwrap();
    page.rows.into_iter().map(|row| row.public_id).collect()
}

#[tokio::test]
async fn an_accepted_message_is_stored_as_it_was_sent() {
    for server in servers().await {
        let pdf = b"%PDF-1.7 \x00\x01\xff".repeat(100);
        let message = json!({
            "from": {"email": "shop@example.com", "name": "小店"},
            "to": [{"email": "ana@example.org", "name": "Ana Müller"}, {"email": "bo@bücher.example"}],
            "cc": [{"email": "cy@example.net"}],
            "bcc": [{"email": "hidden@example.net"}],
            "reply_to": [{"email": "help@example.com"}],
            "subject": "Заказ № 7 готов",
            "html_body": "<p>Grüße</p>",
            "text_body": "Grüße",
            "custom_headers": {"X-Campaign": "spring"},
            "return_path": "bounces@example.com",
            "attachments": [{"filename": "счёт.pdf", "content": STANDARD.encode(&pdf), "type": "application/pdf"}],
        });
        let answer = server.send(&message).await;
        assert_eq!(answer.status, 202, "{:?}", answer.body);
        let json = answer.json();
        assert_eq!(json.as_object().unwrap().len(), 2);
        assert_eq!(json["status"], "queued");
        assert!(answer.header("x-request-id").starts_with("req_"));
        assert_eq!(answer.header("cache-control"), "no-store");
        let id = json["message_id"].as_str().unwrap();

        let team = server.owner.team.id;
        let detail = query::get(&server.domain, team, id).await.unwrap();
        assert_eq!((detail.row.mode, detail.row.source.as_str()), (Mode::Live, "http"));
        assert_eq!(
            (detail.row.subject.as_str(), detail.row.from_name.as_str()),
            ("Заказ № 7 готов", "小店")
        );
        assert_eq!(detail.return_path.as_deref(), Some("bounces@example.com"));
        assert_eq!(detail.header_message_id, format!("<{id}@localhost>"));
        assert_eq!(detail.origin.request_id.as_deref(), Some(answer.header("x-request-id")));
        let recipients: Vec<_> = detail
            .recipients
            .iter()
            .map(|recipient| (recipient.field.as_str(), recipient.address.as_str()))
            .collect();
        assert_eq!(
            recipients,
            [
                ("to", "ana@example.org"),
                ("to", "bo@xn--bcher-kva.example"),
                ("cc", "cy@example.net"),
                ("bcc", "hidden@example.net")
            ]
        );

        let raw = query::raw(&server.domain, team, id).await.unwrap();
        let text = String::from_utf8(raw.to_vec()).unwrap();
        assert!(text.contains(&format!("Message-ID: <{id}@localhost>\r\n")), "{text}");
        assert!(text.contains("Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n"), "{text}");
        assert!(text.contains("X-Campaign: spring\r\n"), "{text}");
        assert!(!text.contains("hidden@example.net"), "{text}");
        let content: String = text.replace("\r\n", "");
        assert!(content.contains(&STANDARD.encode(&pdf)), "{text}");
    }
}

#[tokio::test]
async fn a_test_key_makes_test_messages() {
    for server in servers().await {
        let (_, key) = server.new_key(Mode::Test, Permission::Send).await;
        assert!(key.starts_with("smx_test_"));
        let answer = server.post_with(&key, minimal().to_string()).await;
        assert_eq!(answer.status, 202);
        let id = answer.json()["message_id"].as_str().unwrap().to_owned();
        assert_eq!(
            query::get(&server.domain, server.owner.team.id, &id)
                .await
                .unwrap()
                .row
                .mode,
            Mode::Test
        );
    }
}

#[tokio::test]
async fn the_largest_request_is_accepted() {
    for server in servers().await {
        let around = minimal().to_string().len() + r#","attachments":[{"filename":"a","content":""}]"#.len();
        let content = "QUJD".repeat((crate::MAX_BODY - around) / 4);
        let mut message = minimal();
        message["attachments"] = json!([{"filename": "a", "content": content}]);
        let mut body = message.to_string();
        body.push_str(&" ".repeat(crate::MAX_BODY - body.len()));
        let answer = server.post(body.clone()).await;
        assert_eq!(answer.status, 202, "{:?}", answer.body);
        body.push(' ');
        assert_eq!(server.post(body).await.error(), (413, "payload_too_large".to_owned()));
        assert_eq!(stored(&server).await.len(), 1);
    }
}

#[tokio::test]
async fn what_is_refused_leaves_nothing_behind() {
    for server in servers().await {
        let mut bad_address = minimal();
        bad_address["to"] = json!([{"email": "ana@example.org"}, {"email": "nobody"}]);
        for (body, status, code, param) in [
            (String::new(), 400, "invalid_parameter", Some("body")),
            ("{".to_owned(), 400, "invalid_parameter", Some("body")),
            ("\u{0}".to_owned(), 400, "invalid_parameter", Some("body")),
            ("[]".to_owned(), 400, "invalid_parameter", Some("body")),
            (r#"{"to":1,"to":2}"#.to_owned(), 400, "invalid_parameter", Some("body")),
            ("[".repeat(100_000), 400, "invalid_parameter", Some("body")),
            ("{}".to_owned(), 400, "missing_parameter", Some("from")),
            (bad_address.to_string(), 422, "validation_error", Some("to[1].email")),
        ] {
            let answer = server.post(body).await;
            assert_eq!(answer.error(), (status, code.to_owned()));
            assert_eq!(answer.json()["error"]["param"].as_str(), param);
            assert_eq!(answer.json()["error"]["retryable"], false);
        }
        for content_type in ["text/plain", "application/xml"] {
            let request = Request::post("/api/v1/emails/send")
                .header("authorization", format!("Bearer {}", server.key))
                .header("content-type", content_type)
                .body(Body::from(minimal().to_string()))
                .unwrap();
            assert_eq!(
                server.call(request).await.error(),
                (415, "unsupported_media_type".to_owned())
            );
        }
        assert!(stored(&server).await.is_empty());
    }
}

#[tokio::test]
async fn a_malformed_body_is_told_where() {
    for server in servers().await {
        let answer = server.post("{\n  \"to\": }").await;
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert_eq!(message, "the body is not valid JSON: expected value at line 2 column 9");
    }
}

#[tokio::test]
async fn a_scope_without_active_providers_is_told_at_once() {
    for server in servers().await {
        server.switch_providers_off().await;
        let answer = server.send(&minimal()).await;
        assert_eq!(answer.error(), (503, "no_active_providers".to_owned()));
        assert!(stored(&server).await.is_empty());
    }
}

#[tokio::test]
async fn a_message_that_no_provider_could_ever_take_is_told_at_once() {
    for server in servers().await {
        // The managed route takes 50 recipients a day.
        let mut message = minimal();
        message["to"] = (0..51).map(|n| json!({"email": format!("u{n}@example.org")})).collect();
        assert_eq!(
            server.send(&message).await.error(),
            (422, "validation_error".to_owned())
        );
        message["to"].as_array_mut().unwrap().pop();
        assert_eq!(server.send(&message).await.status, 202);
        assert_eq!(stored(&server).await.len(), 1);
    }
}

#[tokio::test]
async fn any_bytes_are_the_callers_fault() {
    for server in servers().await {
        let mut runner = TestRunner::deterministic();
        let bytes = proptest::collection::vec(any::<u8>(), 0..300);
        for _ in 0..100 {
            let body = bytes.new_tree(&mut runner).unwrap().current();
            let (status, _) = server.post(body).await.error();
            assert!((400..500).contains(&status));
        }
        assert!(stored(&server).await.is_empty());
    }
}
