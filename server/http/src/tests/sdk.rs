use super::manage::{Managed, managed};
use super::support::{Answer, minimal};
use axum::body::Body;
use axum::http::Request;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sendmux_domain::entities::messages;
use sendmux_domain::keys::Permission;
use sendmux_rules::Mode;
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
                "updated_at",
                "variables"
            ]
        );
        assert_eq!(item["variables"], json!({}));
        let actions = ["activate", "deactivate", "delete", "test", "update", "update_variables"];
        assert_eq!(names(&item["allowed_actions"]), actions);
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

        let listed = data(&test.ask("GET", "/sdk/v1/providers", Value::Null).await, 200);
        for one in listed.as_array().unwrap() {
            assert_eq!(one.get("variables"), None, "a list has none");
            assert_eq!(names(&one["allowed_actions"]), actions);
            assert_eq!(one["allowed_actions"]["update_variables"], one["is_editable"]);
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
            "delivery_group",
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
        fields.insert(10, "recipients");
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
                json!({"total": 1, "sent": 0, "failed": 0, "rejected": 1, "pending": 0})
            );
            assert_eq!(metrics["comparison"]["change_pct"]["total"], 100.0);
        }
    }
}

#[tokio::test]
async fn a_word_of_the_dialect_stands_for_all_states_that_it_means() {
    for test in managed().await {
        let mut by_status = Vec::new();
        for status in ["queued", "sent", "partially_sent", "failed", "cancelled"] {
            let id = test.send(status).await;
            set_status(&test, &id, status).await;
            by_status.push(id);
        }
        for (word, expected) in [
            ("pending", &by_status[..1]),
            ("sent", &by_status[1..3]),
            ("failed", &by_status[3..4]),
            ("rejected", &by_status[4..]),
        ] {
            let list = test
                .ask("GET", &format!("/sdk/v1/emails/logs?status={word}"), Value::Null)
                .await;
            let items = data(&list, 200);
            let items = items.as_array().unwrap();
            let mut ids: Vec<&str> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
            ids.reverse();
            assert_eq!(ids, expected, "{word}");
            assert!(items.iter().all(|item| item["status"] == word), "{items:?}");
        }
    }
}

/// As if the engine had brought a message there.
async fn set_status(test: &Managed, id: &str, status: &str) {
    let tx = test.server.domain.db.begin().await.unwrap();
    messages::Entity::update_many()
        .col_expr(messages::Column::Status, Expr::value(status))
        .filter(messages::Column::PublicId.eq(id))
        .exec(&tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_matches_nothing() {
    for test in managed().await {
        test.send("Hello").await;
        for (path, query, entries) in [
            ("emails/logs", "limit=0", 1),
            ("emails/logs", "limit=1e9", 1),
            ("emails/logs", "limit=many", 1),
            ("emails/logs", "limit=1&limit=2", 1),
            ("emails/logs", "colour=red", 1),
            ("emails/logs", "cursor=zz", 0),
            ("emails/logs", "status=lost", 0),
            ("emails/logs", "from_date=yesterday", 0),
            ("emails/logs", "provider_id=x", 0),
            ("emails/logs", "search=%00", 0),
            ("providers", "limit=0", 1),
            ("providers", "limit=NaN", 1),
            ("providers", "cursor=zz", 0),
            ("providers", "status=lost", 0),
            ("providers", "type=fax", 0),
        ] {
            let list = test.ask("GET", &format!("/sdk/v1/{path}?{query}"), Value::Null).await;
            assert_eq!(data(&list, 200).as_array().unwrap().len(), entries, "{path}?{query}");
        }
        for (query, points, total) in [
            ("from_date=2027-01-01", 0, 0),
            ("from_date=2025-12-31&to_date=2025-12-30", 0, 0),
            ("window=century", 24, 0),
            ("provider_id=prv_none", 24, 0),
            ("to_date=2999-01-01", 24, 1),
            ("from_date=1970-01-01&granularity=hourly", 10_000, 1),
        ] {
            let metrics = test
                .ask("GET", &format!("/sdk/v1/emails/metrics?{query}"), Value::Null)
                .await;
            let metrics = data(&metrics, 200);
            assert_eq!(metrics["timeseries"].as_array().unwrap().len(), points, "{query}");
            assert_eq!(metrics["summary"]["total"], total, "{query}");
        }
    }
}

#[tokio::test]
async fn the_number_of_providers_has_no_limit_to_be_raised() {
    for test in managed().await {
        let path = "/sdk/v1/providers/limits/sending-accounts/request-increase";
        let answer = test.ask("POST", path, Value::Null).await;
        assert_eq!(error(&answer), (409, "conflict".to_owned()));
    }
}

#[tokio::test]
async fn variables_are_kept_and_replaced_as_a_whole() {
    for test in managed().await {
        let body = json!({
            "name": "Post", "smtp_host": "smtp.example.com", "smtp_port": 465, "smtp_protocol": "ssl",
            "smtp_username": "u", "smtp_password": "p", "variables": {"first_name": "Ana", "b2": "\u{0}ü"},
        });
        let item = data(&test.ask("POST", "/sdk/v1/providers", body.clone()).await, 201);
        assert_eq!(item["variables"], body["variables"]);
        let path = format!("/sdk/v1/providers/{}", item["id"].as_str().unwrap());
        for (change, expected) in [
            (json!({"name": "Mail"}), &body["variables"]),
            (json!({"variables": null}), &body["variables"]),
            (json!({"variables": {"c": ""}}), &json!({"c": ""})),
            (json!({"variables": {}}), &json!({})),
            (json!({"variables": {"d": "1"}, "percentage": 7}), &json!({"d": "1"})),
        ] {
            let changed = data(&test.ask("PATCH", &path, change.clone()).await, 200);
            assert_eq!(&changed["variables"], expected, "{change}");
            let shown = data(&test.ask("GET", &path, Value::Null).await, 200);
            assert_eq!(shown, changed);
        }
        let many: serde_json::Map<String, Value> = (0..51).map(|n| (format!("v{n}"), json!(""))).collect();
        for (variables, status, param) in [
            (json!([]), 400, "variables"),
            (json!({"a": 1}), 400, "variables.a"),
            (json!({"A": ""}), 422, "variables.A"),
            (json!({"a": "x".repeat(4_097)}), 422, "variables.a"),
            (Value::Object(many), 422, "variables"),
        ] {
            let answer = test
                .ask("PATCH", &path, json!({"name": "No", "variables": variables}))
                .await;
            assert_eq!(
                (answer.status.as_u16(), &answer.json()["error"]["param"]),
                (status, &json!(param))
            );
            let mut new = body.clone();
            new["variables"] = variables;
            let answer = test.ask("POST", "/sdk/v1/providers", new).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.json()["error"]["param"]),
                (400, &json!(param))
            );
        }
        let shown = data(&test.ask("GET", &path, Value::Null).await, 200);
        assert_eq!(
            (&shown["name"], &shown["variables"]),
            (&json!("Mail"), &json!({"d": "1"}))
        );

        let all = data(&test.ask("GET", "/sdk/v1/providers", Value::Null).await, 200);
        let route = all
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["is_shared"] == true)
            .unwrap();
        let path = format!("/sdk/v1/providers/{}", route["id"].as_str().unwrap());
        let refused = test.ask("PATCH", &path, json!({"variables": {"a": "b"}})).await;
        assert_eq!(error(&refused), (409, "conflict".to_owned()));
    }
}

#[tokio::test]
async fn every_key_learns_whose_it_is() {
    for test in managed().await {
        let (id, sender) = test.server.new_key(Mode::Test, Permission::Send).await;
        for base in ["/api/v1", "/sdk/v1"] {
            let path = format!("{base}/me");
            let answer = test.ask_with(&sender, "GET", &path, Value::Null).await;
            let about = if base == "/sdk/v1" {
                data(&answer, 200)
            } else {
                answer.json()
            };
            let team = &test.server.owner.team;
            let expected = json!({
                "team": {"id": team.public_id, "name": "Acme"},
                "credential": {"id": id, "type": "api_key", "name": "Key"},
                "label": "Acme: Key",
                "permissions": ["send"],
                "mailboxes": [],
            });
            assert_eq!(about, expected);
            assert_eq!(answer.header("content-type"), "application/json");
            assert_eq!(answer.header("cache-control"), "no-store");
        }
    }
}

#[tokio::test]
async fn what_the_client_has_already_is_not_sent_again() {
    for test in managed().await {
        let provider = test.add_provider("Own").await;
        let message = test.send("Hello").await;
        let conditional = async |method: &str, path: &str, condition: (&str, String), body: &str| {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header("authorization", format!("Bearer {}", test.key))
                .header("content-type", "application/json")
                .header(condition.0, condition.1);
            test.server
                .call(request.body(Body::from(body.to_owned())).unwrap())
                .await
        };
        let provider = format!("/sdk/v1/providers/{provider}");
        for path in [
            "/sdk/v1/me",
            "/api/v1/me",
            &provider,
            &format!("/sdk/v1/emails/logs/{message}"),
        ] {
            let tag = test.ask("GET", path, Value::Null).await.header("etag").to_owned();
            for (condition, status) in [
                (tag.clone(), 304),
                (format!("W/{tag}"), 304),
                (format!("\"other\", {tag}"), 304),
                ("*".to_owned(), 304),
                ("\"other\"".to_owned(), 200),
            ] {
                let answer = conditional("GET", path, ("if-none-match", condition.clone()), "").await;
                assert_eq!(answer.status, status, "{path} with {condition}");
                assert_eq!(answer.body.is_empty(), status == 304);
                assert_eq!(answer.header("etag"), tag);
                assert_eq!(answer.header("cache-control"), "no-store");
                assert!(answer.header("x-request-id").starts_with("req_"));
            }
        }
        let tag = test.ask("GET", &provider, Value::Null).await.header("etag").to_owned();
        for (name, condition, status) in [
            ("New", tag.clone(), 200),
            ("Newer", tag, 409),
            ("Newest", "*".to_owned(), 200),
        ] {
            let body = json!({"name": name}).to_string();
            let answer = conditional("PATCH", &provider, ("if-match", condition), &body).await;
            assert_eq!(answer.status, status, "{name}: {:?}", answer.body);
        }
    }
}
