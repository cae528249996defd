use super::manage::{Managed, managed};
use super::support::{Answer, minimal};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

/// Checks the envelope of a success, and gives what is in it.
fn data(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{:?}", answer.body);
    let json = answer.json();
    let mut names: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    names.retain(|name| *name != "pagination");
    assert_eq!(names, ["data", "meta", "ok"]);
    assert_eq!(json["ok"], true);
    assert_eq!(json["meta"], json!({"request_id": answer.header("x-request-id")}));
    assert_eq!(answer.header("content-type"), "application/json");
    json["data"].clone()
}

/// Checks the envelope of an error, and gives status and code.
fn error(answer: &Answer) -> (u16, String) {
    let json = answer.json();
    let names: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["error", "meta", "ok"], "{json}");
    assert_eq!(json["ok"], false);
    assert_eq!(json["meta"], json!({"request_id": answer.header("x-request-id")}));
    for name in json["error"].as_object().unwrap().keys() {
        let known = ["code", "message", "param", "errors", "doc_url", "retryable"];
        assert!(known.contains(&name.as_str()), "{name}");
    }
    (
        answer.status.as_u16(),
        json["error"]["code"].as_str().unwrap().to_owned(),
    )
}

fn names(json: &Value) -> Vec<&str> {
    json.as_object().unwrap().keys().map(String::as_str).collect()
}

async fn send(test: &Managed, path: &str, key: Option<&str>, body: &Value) -> Answer {
    let mut request = Request::post(path)
        .header("authorization", format!("Bearer {}", test.key))
        .header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    test.server
        .call(request.body(Body::from(body.to_string())).unwrap())
        .await
}

#[tokio::test]
async fn sending_is_the_same_in_an_envelope() {
    for test in managed().await {
        let sent = data(&send(&test, "/sdk/v1/emails/send", None, &minimal()).await, 200);
        assert_eq!(names(&sent), ["message_id", "status"]);
        let messages = json!({"messages": [minimal(), {}]});
        let batch = data(&send(&test, "/sdk/v1/emails/send/batch", None, &messages).await, 200);
        assert_eq!(batch["summary"], json!({"total": 2, "queued": 1, "failed": 1}));
        assert_eq!(names(&batch["results"][0]), ["index", "message_id", "status"]);
        assert_eq!(names(&batch["results"][1]), ["error", "index", "message_id", "status"]);
        assert_eq!(batch["results"][1]["message_id"], Value::Null);
        let wrong = send(&test, "/sdk/v1/emails/send", None, &json!({})).await;
        assert_eq!(error(&wrong), (400, "missing_parameter".to_owned()));
    }
}

#[tokio::test]
async fn an_answer_is_replayed_in_either_dialect() {
    for test in managed().await {
        for path in ["emails/send", "emails/send/batch"] {
            let body = if path.ends_with("batch") {
                json!({"messages": [minimal(), {}]})
            } else {
                minimal()
            };
            let first = send(&test, &format!("/api/v1/{path}"), Some(path), &body).await;
            let replay = send(&test, &format!("/sdk/v1/{path}"), Some(path), &body).await;
            assert_eq!(replay.header("idempotent-replayed"), "true");
            let mut expected = first.json();
            if let Some(results) = expected.get_mut("results") {
                results[1]["message_id"] = Value::Null;
            }
            assert_eq!(data(&replay, 200), expected);
            let back = send(&test, &format!("/api/v1/{path}"), Some(path), &body).await;
            assert_eq!((back.status, back.body), (first.status, first.body));
        }
    }
}

#[tokio::test]
async fn errors_outside_of_handlers_have_the_envelope_too() {
    for test in managed().await {
        for (method, path, key, expected) in [
            ("GET", "/sdk/v1/", true, (404, "not_found")),
            ("GET", "/sdk/v1/nothing", true, (404, "not_found")),
            ("GET", "/sdk/v1/emails/send", true, (405, "invalid_parameter")),
            ("POST", "/sdk/v1/emails/send", false, (401, "authentication_required")),
            ("POST", "/sdk/v1/emails/send", true, (400, "invalid_parameter")),
        ] {
            let mut request = Request::builder().method(method).uri(path);
            if key {
                request = request.header("authorization", format!("Bearer {}", test.key));
            }
            let answer = test.server.call(request.body(Body::empty()).unwrap()).await;
            let (status, code) = error(&answer);
            assert_eq!((status, code.as_str()), expected, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn providers_have_the_fields_of_the_reference() {
    for test in managed().await {
        let body = json!({
            "name": "Post", "smtp_host": "smtp.example.com", "smtp_port": 465, "smtp_protocol": "ssl",
            "smtp_username": "u", "smtp_password": "p", "percentage": 40, "from_email": null,
            "quotas": {"per_minute": 30, "per_day": {"min": 1, "max": 500}, "per_hour": null},
        });
        let created = test.ask("POST", "/sdk/v1/providers", body).await;
        let item = data(&created, 201);
        let id = item["id"].as_str().unwrap();
        assert_eq!(created.header("location"), format!("/sdk/v1/providers/{id}"));
        assert_eq!(
            names(&item),
            [
                "allowed_actions",
                "created_at",
                "from_email",
                "from_name",
                "has_refresh_token",
                "has_smtp_password",
                "id",
                "is_active",
                "is_editable",
                "is_shared",
                "last_tested_at",
                "last_used_at",
                "name",
                "oauth_email",
                "percentage",
                "quotas",
                "reply_to_email",
                "reply_to_name",
                "smtp_host",
                "smtp_port",
                "smtp_protocol",
                "smtp_username",
                "status",
                "status_reason",
                "tracking_domain",
                "type",
                "updated_at"
            ]
        );
        assert_eq!((&item["type"], &item["status"]), (&json!("smtp"), &json!("active")));
        assert_eq!(
            (&item["smtp_protocol"], &item["percentage"]),
            (&json!("ssl"), &json!(40))
        );
        let quotas = json!({
            "per_second": null, "per_minute": {"min": 30, "max": 30}, "per_hour": null,
            "per_day": {"min": 500, "max": 500},
        });
        assert_eq!(item["quotas"], quotas);

        let path = format!("/sdk/v1/providers/{id}");
        let shown = test.ask("GET", &path, Value::Null).await;
        assert_eq!(data(&shown, 200)["name"], "Post");
        assert!(shown.header("etag").starts_with('"'));
        let changed = test
            .ask("PATCH", &path, json!({"name": "Mail", "percentage": 50}))
            .await;
        let changed = data(&changed, 200);
        assert_eq!(
            (&changed["name"], &changed["percentage"], &changed["quotas"]),
            (&json!("Mail"), &json!(50), &quotas)
        );
        for (action, active) in [("deactivate", false), ("activate", true)] {
            let answer = test.ask("POST", &format!("{path}/{action}"), Value::Null).await;
            assert_eq!(data(&answer, 200)["is_active"], active);
        }

        let first = test.ask("GET", "/sdk/v1/providers?limit=1", Value::Null).await;
        let pagination = first.json()["pagination"].clone();
        assert_eq!(
            (data(&first, 200)[0]["is_shared"].clone(), &pagination["has_more"]),
            (json!(true), &json!(true))
        );
        let cursor = pagination["next_cursor"].as_str().unwrap();
        let second = test
            .ask(
                "GET",
                &format!("/sdk/v1/providers?limit=1&cursor={cursor}"),
                Value::Null,
            )
            .await;
        assert_eq!(data(&second, 200)[0]["id"], *id);
        assert_eq!(second.json()["pagination"], json!({"has_more": false}));
        let stats = data(&test.ask("GET", "/sdk/v1/providers/stats", Value::Null).await, 200);
        assert_eq!((&stats["total"], &stats["by_type"]["smtp"]), (&json!(2), &json!(1)));
        let usage = data(&test.ask("GET", "/sdk/v1/providers/usage", Value::Null).await, 200);
        assert_eq!(
            (&usage["window_days"], usage["providers"].as_array().unwrap().len()),
            (&json!(7), 2)
        );
        let limits = data(&test.ask("GET", "/sdk/v1/providers/limits", Value::Null).await, 200);
        assert_eq!(limits["sending_accounts"]["usage"], 1);
        assert_eq!(limits["shared_amazon_ses"]["daily_limit"], 50);
        assert_eq!(limits["shared_amazon_ses"]["usage_ratio"], 0.0);
        let deleted = data(&test.ask("DELETE", &path, Value::Null).await, 200);
        assert_eq!(deleted, json!({"id": id, "deleted": true}));
    }
}

#[tokio::test]
async fn a_provider_that_is_refused_is_not_half_made() {
    for test in managed().await {
        let valid = json!({
            "name": "Post", "smtp_host": "smtp.example.com", "smtp_port": 587, "smtp_protocol": "tls",
            "smtp_username": "u", "smtp_password": "p",
        });
        for (field, value, named) in [
            ("smtp_host", json!("a b"), "smtp_host"),
            ("smtp_port", json!(0), "smtp_port"),
            ("smtp_protocol", json!("quic"), "smtp_protocol"),
            ("percentage", json!(101), "percentage"),
            ("quotas", json!({"per_minute": 0}), "quotas.per_minute"),
            (
                "quotas",
                json!({"per_minute": {"min": 5, "max": 1}}),
                "quotas.per_minute",
            ),
            ("from_email", json!("a@example.com"), "from_email"),
        ] {
            let mut body = valid.clone();
            body[field] = value;
            let answer = test.ask("POST", "/sdk/v1/providers", body).await;
            assert_eq!(error(&answer), (400, "validation_error".to_owned()), "{field}");
            assert_eq!(answer.json()["error"]["param"], named);
        }
        let left = test.get("/api/v1/providers").await;
        assert_eq!(left["data"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn logs_and_metrics_have_the_fields_of_the_reference() {
    for test in managed().await {
        let sent = data(&send(&test, "/sdk/v1/emails/send", None, &minimal()).await, 200);
        let id = sent["message_id"].as_str().unwrap();
        let list = test
            .ask("GET", "/sdk/v1/emails/logs?status=pending&limit=1", Value::Null)
            .await;
        let item = data(&list, 200)[0].clone();
        let mut fields = vec![
            "accepted_recipient_count",
            "attempts",
            "created_at",
            "from_email",
            "id",
            "message_id",
            "provider_id",
            "provider_name",
            "recipient_count",
            "rejected_recipient_count",
            "sent_at",
            "sent_from_email",
            "size_bytes",
            "status",
            "status_reason",
            "subject",
            "to_email",
        ];
        assert_eq!(names(&item), fields);
        assert_eq!((&item["id"], &item["status"]), (&json!(id), &json!("pending")));
        assert_eq!(list.json()["pagination"], json!({"has_more": false}));
        let shown = test.ask("GET", &format!("/sdk/v1/emails/logs/{id}"), Value::Null).await;
        fields.insert(9, "recipients");
        assert_eq!(names(&data(&shown, 200)), fields);
        test.ask("POST", &format!("/api/v1/messages/{id}/cancel"), Value::Null)
            .await;
        let shown = data(
            &test.ask("GET", &format!("/sdk/v1/emails/logs/{id}"), Value::Null).await,
            200,
        );
        assert_eq!(shown["status"], "rejected");
        let recipient = json!({"email": "ana@example.org", "type": "to", "status": "rejected", "reason": "cancelled"});
        assert_eq!(shown["recipients"], json!([recipient]));

        for (query, points) in [
            ("", 24),
            ("?window=7d", 7),
            ("?window=24h&granularity=daily", 1),
            ("?from_date=2025-12-30", 49),
        ] {
            let metrics = test
                .ask("GET", &format!("/sdk/v1/emails/metrics{query}"), Value::Null)
                .await;
            let metrics = data(&metrics, 200);
            assert_eq!(metrics["timeseries"].as_array().unwrap().len(), points, "{query}");
            assert_eq!(
                metrics["summary"],
                json!({"total": 1, "sent": 0, "failed": 0, "rejected": 0, "pending": 1})
            );
            assert_eq!(metrics["comparison"]["change_pct"]["total"], 100.0);
        }
        let wrong = test
            .ask("GET", "/sdk/v1/emails/metrics?from_date=2027-01-01", Value::Null)
            .await;
        assert_eq!(error(&wrong), (422, "validation_error".to_owned()));
    }
}
