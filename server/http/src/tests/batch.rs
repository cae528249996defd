use super::support::{Answer, Server, minimal, servers};
use axum::body::Body;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sendmux_domain::messages::query::{self, MessageFilter};
use serde_json::{Value, json};

const PATH: &str = "/api/v1/emails/send/batch";

async fn batch(server: &Server, body: impl Into<Body>) -> Answer {
    server.post_to(PATH, &[], body).await
}

async fn stored(server: &Server) -> Vec<String> {
    let filter = MessageFilter {
        limit: 200,
        ..MessageFilter::default()
    };
    let page = query::list(&server.domain, server.owner.team.id, &filter)
        .await
        .unwrap();
    page.rows.into_iter().rev().map(|row| row.public_id).collect()
}

fn subjects(count: usize) -> Vec<Value> {
    (0..count)
        .map(|n| {
            let mut message = minimal();
            message["subject"] = format!("Number {n}").into();
            message
        })
        .collect()
}

#[tokio::test]
async fn a_batch_is_stored_in_order() {
    for server in servers().await {
        let answer = batch(&server, json!({"messages": subjects(100)}).to_string()).await;
        assert_eq!(answer.status, 202, "{:?}", answer.body);
        let json = answer.json();
        assert_eq!(json["summary"], json!({"total": 100, "queued": 100, "failed": 0}));
        let results = json["results"].as_array().unwrap();
        let ids: Vec<String> = (0..)
            .zip(results)
            .map(|(index, result)| {
                assert_eq!(result["index"], index);
                assert_eq!(result["status"], "queued");
                assert_eq!(result.as_object().unwrap().len(), 3);
                result["message_id"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(stored(&server).await, ids);
        assert_eq!(answer.header("x-ratelimit-remaining"), "1799", "a batch is one request");
        let detail = query::get(&server.domain, server.owner.team.id, &ids[41])
            .await
            .unwrap();
        assert_eq!(detail.row.subject, "Number 41");
        assert_eq!(detail.origin.request_id.as_deref(), Some(answer.header("x-request-id")));
        let raw = query::raw(&server.domain, server.owner.team.id, &ids[41])
            .await
            .unwrap();
        assert!(String::from_utf8_lossy(&raw).contains(&format!("Message-ID: <{}@localhost>", ids[41])));
    }
}

#[tokio::test]
async fn one_bad_message_fails_alone() {
    for server in servers().await {
        let mut unknown = minimal();
        unknown["colour"] = "red".into();
        let mut many = minimal();
        many["to"] = (0..51).map(|n| json!({"email": format!("u{n}@example.org")})).collect();
        let mut injected = minimal();
        injected["subject"] = "Hi\r\nBcc: eve@example.net".into();
        let messages = json!([minimal(), unknown, {}, "text", many, injected, minimal()]);
        let answer = batch(&server, json!({"messages": messages}).to_string()).await;
        assert_eq!(answer.status, 202);
        let json = answer.json();
        assert_eq!(json["summary"], json!({"total": 7, "queued": 2, "failed": 5}));
        let failed: Vec<_> = (0..)
            .zip(json["results"].as_array().unwrap())
            .filter(|(_, result)| result["status"] == "failed")
            .map(|(index, result): (usize, _)| {
                assert!(result.get("message_id").is_none());
                let error = &result["error"];
                assert_eq!(error["errors"][0]["field"], error["param"]);
                (index, error["code"].as_str().unwrap(), error["param"].as_str())
            })
            .collect();
        assert_eq!(
            failed,
            [
                (1, "invalid_parameter", Some("colour")),
                (2, "missing_parameter", Some("from")),
                (3, "invalid_parameter", Some("messages[3]")),
                // The managed route takes 50 recipients a day.
                (4, "validation_error", None),
                (5, "validation_error", Some("subject")),
            ]
        );
        let ids: Vec<&str> = [0, 6]
            .map(|at| json["results"][at]["message_id"].as_str().unwrap())
            .into();
        assert_eq!(stored(&server).await, ids);
    }
}

#[tokio::test]
async fn a_batch_is_refused_as_a_whole_for_its_own_faults() {
    for server in servers().await {
        for (body, status, code, param) in [
            (String::new(), 400, "invalid_parameter", "body"),
            (r#"{"messages": ["#.to_owned(), 400, "invalid_parameter", "body"),
            ("[]".to_owned(), 400, "invalid_parameter", "body"),
            ("{}".to_owned(), 400, "missing_parameter", "messages"),
            (
                json!({"messages": {}}).to_string(),
                400,
                "invalid_parameter",
                "messages",
            ),
            (
                json!({"messages": [minimal()], "x": 1}).to_string(),
                400,
                "invalid_parameter",
                "x",
            ),
            (json!({"messages": []}).to_string(), 422, "validation_error", "messages"),
            (
                json!({"messages": subjects(101)}).to_string(),
                422,
                "validation_error",
                "messages",
            ),
        ] {
            let answer = batch(&server, body).await;
            assert_eq!(answer.error(), (status, code.to_owned()));
            assert_eq!(answer.json()["error"]["param"], param);
        }
        assert!(stored(&server).await.is_empty());
    }
}

#[tokio::test]
async fn without_providers_every_message_fails() {
    for server in servers().await {
        server.switch_providers_off().await;
        let answer = batch(&server, json!({"messages": subjects(2)}).to_string()).await;
        assert_eq!(answer.status, 202);
        let json = answer.json();
        assert_eq!(json["summary"], json!({"total": 2, "queued": 0, "failed": 2}));
        assert_eq!(json["results"][1]["error"]["code"], "no_active_providers");
        assert!(stored(&server).await.is_empty());
    }
}

#[tokio::test]
async fn large_messages_in_a_batch_arrive_whole() {
    for server in servers().await {
        let messages: Vec<Value> = [1, 200, 300, 200, 1_000, 200, 200, 200]
            .into_iter()
            .map(|kilobytes| {
                let mut message = minimal();
                message["text_body"] = "x".repeat(kilobytes * 1024).into();
                message
            })
            .collect();
        let answer = batch(&server, json!({"messages": messages}).to_string()).await;
        assert_eq!(answer.json()["summary"]["queued"], 8);
        for (id, message) in stored(&server).await.iter().zip(&messages) {
            let raw = query::raw(&server.domain, server.owner.team.id, id).await.unwrap();
            let length = message["text_body"].as_str().unwrap().len();
            assert!(raw.len() > length && raw.len() < length * 2 + 1_000);
        }
    }
}

/// Any JSON, mostly of the shape of a batch.
fn nearly_a_batch() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(json!("a@example.com")),
        Just(json!({"email": "a@example.com"})),
    ];
    let name = || {
        prop_oneof![
            Just("messages"),
            Just("from"),
            Just("to"),
            Just("cc"),
            Just("subject"),
            Just("text_body"),
            Just("html_body"),
            Just("attachments"),
            Just("content"),
            Just("custom_headers"),
            Just("email"),
            Just("X-A"),
        ]
    };
    let value = leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(name().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    prop_oneof![
        value.clone(),
        value.prop_map(|value| json!({"messages": [value, minimal()]}))
    ]
}

#[tokio::test]
async fn no_json_is_more_than_the_callers_fault() {
    for server in servers().await {
        let mut runner = TestRunner::deterministic();
        let strategy = nearly_a_batch();
        for _ in 0..150 {
            let body = strategy.new_tree(&mut runner).unwrap().current();
            let answer = batch(&server, body.to_string()).await;
            let status = answer.status.as_u16();
            if status == 202 {
                let summary = &answer.json()["summary"];
                let sum = summary["queued"].as_u64().unwrap() + summary["failed"].as_u64().unwrap();
                assert_eq!(summary["total"], sum);
            } else {
                assert!((400..500).contains(&answer.error().0), "{body}");
            }
        }
    }
}
