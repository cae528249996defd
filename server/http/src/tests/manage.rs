use super::support::{Answer, Server, minimal, servers};
use axum::body::Body;
use axum::http::Request;
use sea_orm::EntityTrait;
use sea_orm::sea_query::Expr;
use sendmux_domain::clock::Clock;
use sendmux_domain::entities::{messages, queue};
use sendmux_domain::messages::retention;
use sendmux_domain::{providers, runtime};
use sendmux_rules::{Mode, caps};
use serde_json::{Value, json};
use std::time::Duration;

/// A server with a key that may do everything.
pub(super) struct Managed {
    pub(super) server: Server,
    pub(super) key: String,
}

pub(super) async fn managed() -> Vec<Managed> {
    let mut all = Vec::new();
    for server in servers().await {
        let key = server.full_key(&server.owner, Mode::Live).await;
        all.push(Managed { server, key });
    }
    all
}

impl Managed {
    pub(super) async fn ask(&self, method: &str, path: &str, body: Value) -> Answer {
        self.ask_with(&self.key, method, path, body).await
    }

    pub(super) async fn ask_with(&self, key: &str, method: &str, path: &str, body: Value) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {key}"));
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        };
        self.server.call(request.body(body).unwrap()).await
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path, Value::Null).await;
        assert_eq!(answer.status, 200, "{path}: {:?}", answer.body);
        answer.json()
    }

    pub(super) async fn add_provider(&self, name: &str) -> String {
        let answer = self.ask("POST", "/api/v1/providers", smtp(name)).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        id(&answer.json())
    }

    pub(super) async fn send(&self, subject: &str) -> String {
        let mut message = minimal();
        message["subject"] = subject.into();
        let answer = self.ask("POST", "/api/v1/emails/send", message).await;
        assert_eq!(answer.status, 202, "{:?}", answer.body);
        answer.json()["message_id"].as_str().unwrap().to_owned()
    }
}

impl Managed {
    /// 40 of the 50 recipients of the day.
    pub(super) async fn nearly_use_up_the_managed_route(&self) {
        let (domain, team_id) = (&self.server.domain, self.server.owner.team.id);
        let views = providers::list(domain, team_id).await.unwrap();
        let route = views.iter().find(|view| view.managed).unwrap();
        let tx = domain.db.begin().await.unwrap();
        let mut states = runtime::lock(&tx, domain.db.backend(), [route.id]).await.unwrap();
        let state = states.get_mut(&route.id).unwrap();
        caps::charge_under(&route.caps, &mut state.usage, domain.clock.now(), 40);
        runtime::save(&tx, state).await.unwrap();
        tx.commit().await.unwrap();
    }
}

fn smtp(name: &str) -> Value {
    json!({"name": name, "host": "smtp.example.com", "port": 587, "security": "starttls", "username": "u", "password": "p"})
}

pub(super) fn id(json: &Value) -> String {
    json["id"].as_str().unwrap().to_owned()
}

fn ids(list: &Value) -> Vec<String> {
    list["data"].as_array().unwrap().iter().map(id).collect()
}

#[tokio::test]
async fn providers_are_added_changed_switched_and_deleted() {
    for test in managed().await {
        let provider = test.add_provider("Post").await;
        let path = format!("/api/v1/providers/{provider}");
        let found = test.get(&path).await;
        assert_eq!(found["smtp"]["host"], "smtp.example.com");
        assert_eq!(found["smtp"]["has_password"], true);
        assert!(!found.to_string().contains("\"p\""));
        let list = test.get("/api/v1/providers").await;
        assert_eq!(
            list["data"].as_array().unwrap().len(),
            3,
            "with the managed route and the sandbox"
        );
        assert_eq!(list["pagination"], json!({"has_more": false}));

        let changed = test
            .ask("PATCH", &path, json!({"name": "Mail", "version": found["version"]}))
            .await;
        assert_eq!(
            (changed.status.as_u16(), &changed.json()["name"]),
            (200, &json!("Mail"))
        );
        let stale = test
            .ask("PATCH", &path, json!({"name": "X", "version": found["version"]}))
            .await;
        assert_eq!(stale.error(), (409, "conflict".to_owned()));
        let routing = json!({"weight": 7, "caps": {"minute": 10, "day": 2.0}});
        let routed = test.ask("PUT", &format!("{path}/routing"), routing).await;
        assert_eq!(routed.status, 200, "{:?}", routed.body);
        assert_eq!(routed.json()["weight"], 7);
        let caps = json!({"second": null, "minute": 10, "hour": null, "day": 2});
        assert_eq!(routed.json()["caps"], caps);
        for (action, status) in [
            ("deactivate", "inactive"),
            ("activate", "active"),
            ("unblock", "active"),
        ] {
            let answer = test.ask("POST", &format!("{path}/{action}"), Value::Null).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.json()["status"]),
                (200, &json!(status))
            );
        }
        let all = test.get("/api/v1/providers").await;
        let all = all["data"].as_array().unwrap();
        let managed = all.iter().find(|one| one["kind"] == "managed_ses").unwrap();
        let path_of_managed = format!("/api/v1/providers/{}/unblock", managed["id"].as_str().unwrap());
        let refused = test.ask("POST", &path_of_managed, Value::Null).await;
        assert_eq!(
            refused.error(),
            (409, "conflict".to_owned()),
            "all teams share its account"
        );
        let untested = test.ask("POST", &format!("{path}/test"), Value::Null).await;
        assert_eq!(
            untested.error(),
            (503, "service_unavailable".to_owned()),
            "no tester here"
        );
        assert_eq!(
            test.ask("DELETE", &path, Value::Null).await.json(),
            json!({"id": provider, "deleted": true})
        );
        assert_eq!(test.ask("GET", &path, Value::Null).await.error().0, 404);
    }
}

#[tokio::test]
async fn ses_accounts_are_added_and_changed_and_keep_their_secret_to_themselves() {
    for test in managed().await {
        let body = json!({"kind": "ses", "name": "SES", "region": "eu-central-1",
            "access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "planted-secret"});
        let added = test.ask("POST", "/api/v1/providers", body).await;
        assert_eq!(added.status, 201, "{:?}", added.body);
        let added = added.json();
        assert_eq!((&added["kind"], &added["status"]), (&json!("ses"), &json!("active")));
        assert_eq!(added["ses"]["access_key_id"], "AKIAIOSFODNN7EXAMPLE");
        assert_eq!(added["caps"]["day"], 2_000);
        let path = format!("/api/v1/providers/{}", id(&added));
        let changed = test.ask("PATCH", &path, json!({"region": "us-east-1"})).await;
        assert_eq!(changed.json()["ses"]["region"], "us-east-1", "{:?}", changed.body);
        let refused = test
            .ask("PATCH", &path, json!({"access_key_id": "AKIAIOSFODNN7ANOTHER"}))
            .await;
        assert_eq!(refused.json()["error"]["errors"][0]["field"], "secret_access_key");
        let foreign = test.ask("PATCH", &path, json!({"host": "a.example"})).await;
        assert_eq!(foreign.json()["error"]["errors"][0]["field"], "host");
        assert!(
            !test
                .get("/api/v1/providers")
                .await
                .to_string()
                .contains("planted-secret")
        );

        let sdk = format!("/sdk/v1/providers/{}", id(&added));
        let renamed = test.ask("PATCH", &sdk, json!({"name": "Mine", "percentage": 10})).await;
        assert_eq!(renamed.status, 200, "{:?}", renamed.body);
        let item = &renamed.json()["data"];
        assert_eq!((&item["name"], &item["type"]), (&json!("Mine"), &json!("amazon_ses")));
    }
}

#[tokio::test]
async fn a_mailbox_is_pending_until_somebody_connects_it() {
    for test in managed().await {
        let body = json!({"kind": "gmail", "name": "Ada", "aliases": ["news@example.com"]});
        let added = test.ask("POST", "/api/v1/providers", body).await;
        assert_eq!(added.status, 201, "{:?}", added.body);
        let added = added.json();
        assert_eq!(added["status"], "pending");
        assert_eq!(added["mailbox"]["aliases"], json!(["news@example.com"]));
        let connect = added["mailbox"]["connect_url"].as_str().unwrap();
        assert!(connect.ends_with(&format!("/providers/{}", id(&added))), "{connect}");
        let path = format!("/api/v1/providers/{}", id(&added));
        for action in ["activate", "test"] {
            let answer = test.ask("POST", &format!("{path}/{action}"), Value::Null).await;
            assert_eq!(answer.error().0, 409, "{action}: {:?}", answer.body);
        }
        let changed = test.ask("PATCH", &path, json!({"aliases": []})).await;
        assert_eq!(changed.json()["mailbox"]["aliases"], json!([]), "{:?}", changed.body);
        let unknown = json!({"kind": "carrier_pigeon", "name": "P"});
        let refused = test.ask("POST", "/api/v1/providers", unknown).await;
        let why = refused.json().to_string();
        assert!(why.contains("must be smtp, gmail, microsoft365 or ses"), "{why}");
    }
}

#[tokio::test]
async fn an_smtp_server_has_a_name_to_be_greeted_with_and_time_limits() {
    for test in managed().await {
        let provider = test.add_provider("Post").await;
        let path = format!("/api/v1/providers/{provider}");
        let found = test.get(&path).await;
        let limits = |found: &Value| {
            ["connect_timeout", "command_timeout", "data_timeout"].map(|field| found["smtp"][field].as_u64().unwrap())
        };
        assert_eq!(
            (limits(&found), &found["smtp"]["helo_name"]),
            ([10, 30, 60], &Value::Null)
        );

        let change = json!({"helo_name": "Out.example.com", "command_timeout": 120});
        let changed = test.ask("PATCH", &path, change).await.json();
        assert_eq!(
            (limits(&changed), &changed["smtp"]["helo_name"]),
            ([10, 120, 60], &json!("out.example.com"))
        );
        // What is absent stays; an empty name is the installation's again.
        let changed = test.ask("PATCH", &path, json!({"helo_name": ""})).await.json();
        assert_eq!(
            (limits(&changed), &changed["smtp"]["helo_name"]),
            ([10, 120, 60], &Value::Null)
        );

        let wrong = json!({"helo_name": "mailer", "connect_timeout": 0, "data_timeout": 301});
        let answer = test.ask("PATCH", &path, wrong).await;
        assert_eq!(answer.status, 422);
        let answer = answer.json().to_string();
        for field in ["helo_name", "connect_timeout", "data_timeout"] {
            assert!(answer.contains(field), "{answer}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_provider_is_told_field_by_field() {
    for test in managed().await {
        for (body, status, fields) in [
            (json!({}), 422, vec!["name", "host", "port", "security"]),
            (
                json!({"name": 1, "port": "587", "x": 0}),
                400,
                vec!["name", "port", "x"],
            ),
            (
                json!({"name": "A", "host": "a:b", "port": 0, "security": "ssl"}),
                422,
                vec!["host", "port", "security"],
            ),
            (
                json!({"name": "A", "host": "bücher.example", "port": 25, "security": "none"}),
                422,
                vec!["host"],
            ),
            (
                json!({"kind": "gmail", "name": "A", "aliases": ["", "a@example.com,b@example.com"]}),
                422,
                vec!["aliases[0]", "aliases[1]"],
            ),
        ] {
            let answer = test.ask("POST", "/api/v1/providers", body).await;
            assert_eq!(answer.error().0, status, "{:?}", answer.body);
            let json = answer.json();
            let named: Vec<&str> = json["error"]["errors"]
                .as_array()
                .unwrap()
                .iter()
                .map(|error| error["field"].as_str().unwrap())
                .collect();
            assert_eq!(named, fields);
        }
        assert_eq!(test.get("/api/v1/providers").await["data"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn groups_are_made_changed_and_deleted() {
    for test in managed().await {
        let (one, two) = (test.add_provider("One").await, test.add_provider("Two").await);
        let members = json!([{"provider": one, "weight": 1}, {"provider": two, "weight": 3}]);
        let made = test
            .ask("POST", "/api/v1/groups", json!({"name": "Main", "members": members}))
            .await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        assert_eq!(made.json()["members"][1]["share"], 75.0);
        let path = format!("/api/v1/groups/{}", id(&made.json()));
        let half = json!({"members": [{"provider": one, "weight": 1}, {"provider": two}]});
        let refused = test.ask("PATCH", &path, half).await;
        assert_eq!(refused.error(), (422, "validation_error".to_owned()));
        let taken = test.ask("POST", "/api/v1/groups", json!({"name": "Main"})).await;
        assert_eq!(taken.error(), (409, "conflict".to_owned()));
        assert_eq!(taken.json()["error"]["param"], "name");
        let renamed = test.ask("PATCH", &path, json!({"name": "Other"})).await;
        assert_eq!(renamed.json()["name"], "Other");
        assert_eq!(renamed.json()["members"].as_array().unwrap().len(), 2);
        assert_eq!(ids(&test.get("/api/v1/groups").await), [id(&made.json())]);

        // A key of the group keeps it, and its messages are found by it.
        let key = json!({"name": "K", "scope": {"kind": "groups", "groups": [id(&made.json())]}});
        let key = test.ask("POST", "/api/v1/keys", key).await.json();
        assert_eq!(key["scope"]["groups"], json!([id(&made.json())]));
        assert_eq!(test.ask("DELETE", &path, Value::Null).await.error().0, 409);
        let secret = key["secret"].as_str().unwrap();
        let sent = test.ask_with(secret, "POST", "/api/v1/emails/send", minimal()).await;
        let message = sent.json()["message_id"].as_str().unwrap().to_owned();
        test.send("Elsewhere").await;
        for filter in [format!("group_id={}", id(&made.json())), format!("key_id={}", id(&key))] {
            let found = test.get(&format!("/api/v1/messages?{filter}")).await;
            assert_eq!(ids(&found), [message.as_str()]);
        }
        let key_path = format!("/api/v1/keys/{}", id(&key));
        let all = test.ask("PATCH", &key_path, json!({"scope": {"kind": "all"}})).await;
        assert_eq!(all.json()["scope"], json!({"kind": "all"}));
        // What was accepted for the group alone still waits for it.
        assert_eq!(test.ask("DELETE", &path, Value::Null).await.error().0, 409);
        let cancel = format!("/api/v1/messages/{message}/cancel");
        assert_eq!(test.ask("POST", &cancel, Value::Null).await.status, 200);
        assert_eq!(test.ask("DELETE", &path, Value::Null).await.status, 200);
    }
}

#[tokio::test]
async fn a_key_gives_nothing_that_it_does_not_have() {
    for test in managed().await {
        let make = async |secret: &str, body: Value| test.ask_with(secret, "POST", "/api/v1/keys", body).await;
        let only_keys = json!({"name": "M", "mode": "test", "permissions": ["keys:write"]});
        let full = test.ask(
            "POST",
            "/api/v1/keys",
            json!({"name": "F", "permissions": ["send", "read", "manage"]}),
        );
        let full = full.await.json();
        let leaked = test.ask("POST", "/api/v1/keys", only_keys.clone()).await.json();
        let secret = leaked["secret"].as_str().unwrap();
        for body in [
            json!({"name": "K", "mode": "test", "permissions": ["send", "read", "manage"]}),
            json!({"name": "K", "mode": "test"}),
            json!({"name": "K", "mode": "live", "permissions": ["keys:write"]}),
            json!({"name": "K", "permissions": ["keys:write"]}),
        ] {
            let answer = make(secret, body.clone()).await;
            assert_eq!(answer.error(), (403, "insufficient_permissions".to_owned()), "{body}");
        }
        assert_eq!(make(secret, only_keys).await.status, 201);
        let rotate = |key: &Value| format!("/api/v1/keys/{}/rotate", id(key));
        let stolen = test.ask_with(secret, "POST", &rotate(&full), json!({})).await;
        assert_eq!(stolen.error(), (403, "insufficient_permissions".to_owned()));
        let own = test
            .ask_with(secret, "POST", &rotate(&leaked), json!({"overlap_seconds": 60}))
            .await;
        assert_eq!(own.status, 201, "{:?}", own.body);

        // Nor does a narrow one widen itself, or others.
        let provider = test.add_provider("One").await;
        let scope = json!({"kind": "providers", "providers": [provider]});
        let body = json!({"name": "N", "permissions": ["send", "keys:write"], "scope": scope});
        let narrow = test.ask("POST", "/api/v1/keys", body).await.json();
        let secret = narrow["secret"].as_str().unwrap();
        let widen = json!({"scope": {"kind": "all"}});
        for key in [&narrow, &full] {
            let path = format!("/api/v1/keys/{}", id(key));
            let answer = test.ask_with(secret, "PATCH", &path, widen.clone()).await;
            assert_eq!(answer.error(), (403, "insufficient_permissions".to_owned()));
        }
        let answer = make(secret, json!({"name": "K"})).await;
        assert_eq!(answer.error(), (403, "insufficient_permissions".to_owned()));
        assert_eq!(make(secret, json!({"name": "K", "scope": scope})).await.status, 201);
    }
}

#[tokio::test]
async fn keys_are_changed_by_their_own_permission_and_never_by_a_weaker_key() {
    for test in managed().await {
        let make = async |body: Value| test.ask("POST", "/api/v1/keys", body).await.json();
        let full = json!({"name": "F", "permissions": ["send", "read", "manage", "keys:write"]});
        let full = make(full).await;
        let manager = make(json!({"name": "M", "permissions": ["send", "read", "manage"]})).await;
        let tester =
            make(json!({"name": "T", "mode": "test", "permissions": ["send", "read", "manage", "keys:write"]})).await;
        let writer = make(json!({"name": "W", "permissions": ["send", "keys:write"]})).await;
        let scope = json!({"scope": {"kind": "all"}});
        for key in [&manager, &tester, &writer] {
            let secret = key["secret"].as_str().unwrap();
            let path = format!("/api/v1/keys/{}", id(&full));
            for (method, path, body) in [
                ("PATCH", path.clone(), scope.clone()),
                ("POST", format!("{path}/rotate"), json!({})),
                ("DELETE", path.clone(), Value::Null),
            ] {
                let answer = test.ask_with(secret, method, &path, body).await;
                assert_eq!(
                    answer.error(),
                    (403, "insufficient_permissions".to_owned()),
                    "{method} {path}"
                );
            }
        }
        let manage = manager["secret"].as_str().unwrap();
        let body = json!({"name": "K", "mode": "test"});
        let answer = test.ask_with(manage, "POST", "/api/v1/keys", body.clone()).await;
        assert_eq!(answer.error(), (403, "insufficient_permissions".to_owned()));

        let write = writer["secret"].as_str().unwrap();
        let sender = test.ask_with(write, "POST", "/api/v1/keys", body).await;
        assert_eq!(sender.status, 201, "{:?}", sender.body);
        for key in [&sender.json(), &writer] {
            let path = format!("/api/v1/keys/{}", id(key));
            assert_eq!(test.ask_with(write, "DELETE", &path, Value::Null).await.status, 200);
        }
    }
}

#[tokio::test]
async fn a_test_key_changes_nothing_that_live_messages_depend_on() {
    for test in managed().await {
        let provider = test.add_provider("One").await;
        let key = test.server.full_key(&test.server.owner, Mode::Test).await;
        let path = format!("/api/v1/providers/{provider}");
        assert_eq!(test.ask_with(&key, "GET", &path, Value::Null).await.status, 200);
        for (method, path, body) in [
            ("DELETE", path.clone(), Value::Null),
            ("POST", format!("{path}/deactivate"), Value::Null),
            ("POST", "/api/v1/groups".to_owned(), json!({"name": "G"})),
        ] {
            let answer = test.ask_with(&key, method, &path, body).await;
            assert_eq!(
                answer.error(),
                (403, "insufficient_permissions".to_owned()),
                "{method} {path}"
            );
        }
        let body = json!({"name": "K", "mode": "test"});
        assert_eq!(test.ask_with(&key, "POST", "/api/v1/keys", body).await.status, 201);
    }
}

#[tokio::test]
async fn keys_are_made_rotated_and_revoked() {
    for test in managed().await {
        let body = json!({"name": "App", "mode": "test", "permissions": ["send", "read"]});
        let made = test.ask("POST", "/api/v1/keys", body).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        let made = made.json();
        let secret = made["secret"].as_str().unwrap();
        assert!(secret.starts_with("smx_test_"));
        assert_eq!(made["permissions"], json!(["send", "read"]));
        let path = format!("/api/v1/keys/{}", id(&made));
        assert!(test.get(&path).await.get("secret").is_none());

        let rotated = test
            .ask("POST", &format!("{path}/rotate"), json!({"overlap_seconds": 60}))
            .await;
        assert_eq!(rotated.status, 201, "{:?}", rotated.body);
        let rotated = rotated.json();
        let successor = rotated["secret"].as_str().unwrap();
        assert_eq!(rotated["permissions"], made["permissions"]);
        let works = async |secret: &str| test.ask_with(secret, "GET", "/api/v1/keys", Value::Null).await.status == 200;
        assert!(works(secret).await && works(successor).await);
        test.server.domain.clock.advance(Duration::from_secs(61));
        assert!(!works(secret).await && works(successor).await);
        let again = test.ask("POST", &format!("{path}/rotate"), json!({})).await;
        assert_eq!(again.error(), (409, "conflict".to_owned()));

        let revoked = test
            .ask("DELETE", &format!("/api/v1/keys/{}", id(&rotated)), Value::Null)
            .await;
        assert!(revoked.json()["revoked_at"].is_string());
        assert!(!works(successor).await);
        for body in [
            json!({"name": "K", "permissions": ["fly"]}),
            json!({"name": "K", "permissions": []}),
            json!({"name": "K", "mode": "both"}),
            json!({"name": "K", "scope": {"kind": "providers"}}),
            json!({"name": "K", "scope": {"kind": "all", "groups": ["grp_aaaaaaaaaaaaaaaaaaaaaaaa"]}}),
        ] {
            assert_eq!(
                test.ask("POST", "/api/v1/keys", body.clone()).await.error().0,
                422,
                "{body}"
            );
        }
        let unknown = json!({"name": "K", "scope": {"kind": "groups", "groups": ["grp_aaaaaaaaaaaaaaaaaaaaaaaa"]}});
        let answer = test.ask("POST", "/api/v1/keys", unknown).await;
        assert_eq!(answer.error(), (404, "not_found".to_owned()));
        assert_eq!(answer.json()["error"]["param"], "scope.groups[0]");
    }
}

#[tokio::test]
async fn messages_are_listed_in_pages_that_do_not_move() {
    for test in managed().await {
        let mut sent = Vec::new();
        for n in 0..7 {
            sent.insert(0, test.send(&format!("Number {n}%")).await);
            test.server.domain.clock.advance(Duration::from_secs(60));
        }
        let mut seen = Vec::new();
        let mut path = "/api/v1/messages?limit=3".to_owned();
        loop {
            let page = test.get(&path).await;
            seen.extend(ids(&page));
            test.send("Meanwhile").await;
            let Some(cursor) = page["pagination"]["next_cursor"].as_str() else {
                break;
            };
            assert_eq!(page["pagination"]["has_more"], true);
            path = format!("/api/v1/messages?limit=3&cursor={cursor}");
        }
        assert_eq!(seen, sent);
        for (query, expected) in [
            ("subject=number%203%25", &sent[3..4]),
            ("subject=Number%203%25", &sent[3..4]),
            ("recipient=ana@example.org&until=2026-01-01T00:02:00Z", &sent[5..]),
            ("since=2026-01-01T00:03:00Z&until=2026-01-01T00:05:00Z", &sent[2..4]),
            ("recipient=nobody@example.org", &[]),
            ("status=sent", &[]),
            ("since=9999-12-31", &[]),
        ] {
            let found = ids(&test.get(&format!("/api/v1/messages?{query}")).await);
            // Whether letters are told apart in subjects is up to the database.
            if query.contains("number") && found.is_empty() {
                continue;
            }
            assert_eq!(found, expected, "{query}");
        }
        for query in [
            "limit=0",
            "limit=101",
            "limit=x",
            "cursor=zz",
            "status=gone",
            "since=yesterday",
            "colour=red",
            "limit=1&limit=2",
            "subject=%00",
        ] {
            let answer = test.ask("GET", &format!("/api/v1/messages?{query}"), Value::Null).await;
            assert!(matches!(answer.error().0, 400 | 422), "{query}");
        }
    }
}

#[tokio::test]
async fn a_message_whose_content_was_removed_says_so() {
    for test in managed().await {
        let message = test.send("Hello").await;
        let path = format!("/api/v1/messages/{message}");
        let cancelled = test.ask("POST", &format!("{path}/cancel"), Value::Null).await;
        assert_eq!(cancelled.json()["has_content"], true);
        assert_eq!(cancelled.json()["content_removed_at"], Value::Null);
        test.server.domain.clock.advance(Duration::from_secs(31 * 24 * 3_600));
        assert_eq!(retention::remove_some(&test.server.domain).await.unwrap(), 1);

        let shown = test.get(&path).await;
        assert_eq!(
            (&shown["has_content"], &shown["subject"]),
            (&json!(false), &json!("Hello"))
        );
        assert_eq!(shown["content_removed_at"], "2026-02-01T00:00:00Z");
        for (method, call, code) in [
            ("GET", "raw", (404, "not_found")),
            ("POST", "resend", (409, "conflict")),
        ] {
            let answer = test.ask(method, &format!("{path}/{call}"), Value::Null).await;
            assert_eq!(answer.error(), (code.0, code.1.to_owned()));
            let text = answer.json()["error"]["message"].to_string();
            assert!(text.contains("no longer kept"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_message_is_shown_cancelled_and_sent_again() {
    for test in managed().await {
        let message = test.send("Hello").await;
        let path = format!("/api/v1/messages/{message}");
        let shown = test.get(&path).await;
        assert_eq!(shown["status"], "queued");
        assert_eq!(shown["recipients"][0]["email"], "ana@example.org");
        assert_eq!(shown["created_at"], "2026-01-01T00:00:00Z");
        let raw = test.ask("GET", &format!("{path}/raw"), Value::Null).await;
        assert_eq!(raw.header("content-type"), "message/rfc822");
        assert!(String::from_utf8_lossy(&raw.body).contains("Subject: Hello\r\n"));
        let early = test.ask("POST", &format!("{path}/resend"), Value::Null).await;
        assert_eq!(early.error(), (409, "conflict".to_owned()));

        let cancelled = test.ask("POST", &format!("{path}/cancel"), Value::Null).await;
        assert_eq!(cancelled.status, 200, "{:?}", cancelled.body);
        assert_eq!(cancelled.json()["status"], "cancelled");
        assert_eq!(cancelled.json()["recipients"][0]["status"], "failed");
        let twice = test.ask("POST", &format!("{path}/cancel"), Value::Null).await;
        assert_eq!(twice.error(), (409, "conflict".to_owned()));
        assert!(
            queue::Entity::find()
                .one(test.server.domain.db.read())
                .await
                .unwrap()
                .is_none()
        );

        let again = test.ask("POST", &format!("{path}/resend"), Value::Null).await;
        assert_eq!(again.status, 202, "{:?}", again.body);
        let copy = again.json()["message_id"].as_str().unwrap().to_owned();
        let copy_path = format!("/api/v1/messages/{copy}");
        let raw_of_copy = test.ask("GET", &format!("{copy_path}/raw"), Value::Null).await;
        assert_eq!(raw_of_copy.body, raw.body);
        let rows = messages::Entity::find()
            .all(test.server.domain.db.read())
            .await
            .unwrap();
        assert_eq!(rows.iter().filter(|row| row.resend_of.is_some()).count(), 1);

        // What is being sent cannot be taken back.
        let tx = test.server.domain.db.begin().await.unwrap();
        queue::Entity::update_many()
            .col_expr(queue::Column::Lease, Expr::value(1))
            .exec(&tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(test.get(&copy_path).await["status"], "sending");
        let sending = test.ask("POST", &format!("{copy_path}/cancel"), Value::Null).await;
        assert_eq!(sending.error(), (409, "conflict".to_owned()));
    }
}

#[tokio::test]
async fn statistics_and_the_dry_run_tell_of_the_team() {
    for test in managed().await {
        test.send("One").await;
        let statistics = test.get("/api/v1/statistics").await;
        assert_eq!(statistics["points"].as_array().unwrap().len(), 24);
        assert_eq!(statistics["points"][23]["accepted"], 1);
        assert_eq!(
            (&statistics["total"]["accepted"], &statistics["queue"]["waiting"]),
            (&json!(1), &json!(1))
        );
        for (window, points) in [("7d", 7), ("30d", 30)] {
            let statistics = test.get(&format!("/api/v1/statistics?window={window}")).await;
            assert_eq!(statistics["points"].as_array().unwrap().len(), points);
            assert_eq!(statistics["total"]["accepted"], 1);
        }
        let run = test
            .ask("POST", "/api/v1/routing/dry-run", json!({"recipients": 51}))
            .await;
        assert_eq!(run.status, 200, "{:?}", run.body);
        assert!(run.json()["refusal"].is_string());
        let provider = test.add_provider("Own").await;
        let run = test
            .ask("POST", "/api/v1/routing/dry-run", json!({"recipients": 51}))
            .await
            .json();
        assert_eq!(
            (&run["refusal"], &run["candidates"][0]["provider_id"]),
            (&Value::Null, &json!(provider))
        );
        assert_eq!(run["candidates"][0]["chance"], 100.0);
        for body in [
            json!({"recipients": 0}),
            json!({"size": -1}),
            json!({"sender_domain": "a\u{0}b"}),
        ] {
            assert_eq!(test.ask("POST", "/api/v1/routing/dry-run", body).await.error().0, 422);
        }
    }
}

#[tokio::test]
async fn a_test_key_sees_test_messages_alone() {
    for test in managed().await {
        let live = test.send("Live").await;
        let key = test.server.full_key(&test.server.owner, Mode::Test).await;
        let captured = test
            .ask_with(&key, "POST", "/api/v1/emails/send", minimal())
            .await
            .json();
        let list = test.ask_with(&key, "GET", "/api/v1/messages", Value::Null).await.json();
        assert_eq!(ids(&list), [captured["message_id"].as_str().unwrap()]);
        assert_eq!(ids(&test.get("/api/v1/messages").await), [live.as_str()]);
        for (method, action) in [("GET", ""), ("GET", "/raw"), ("POST", "/cancel"), ("POST", "/resend")] {
            let path = format!("/api/v1/messages/{live}{action}");
            assert_eq!(test.ask_with(&key, method, &path, Value::Null).await.error().0, 404);
        }
    }
}

#[tokio::test]
async fn the_documentation_needs_no_key_and_runs_nothing() {
    for test in managed().await {
        for (path, kind) in [
            ("/docs", "text/html; charset=utf-8"),
            ("/docs/style.css", "text/css; charset=utf-8"),
            ("/llms.txt", "text/plain; charset=utf-8"),
        ] {
            let answer = test.server.call(Request::get(path).body(Body::empty()).unwrap()).await;
            assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, kind));
            if path == "/docs" {
                assert!(
                    answer
                        .header("content-security-policy")
                        .starts_with("default-src 'none';")
                );
            }
        }
    }
}

#[tokio::test]
async fn more_of_the_managed_route_is_asked_for_and_taken_back() {
    for test in managed().await {
        let route = test.get("/api/v1/managed-route").await;
        assert_eq!((&route["daily_cap"], &route["used_today"]), (&json!(50), &json!(0)));
        assert_eq!(route["resets_at"], "2026-01-02T00:00:00Z");
        assert_eq!(
            (&route["threshold"], &route["can_request_increase"]),
            (&json!(40), &json!(false))
        );
        assert_eq!(
            (&route["status"], &route["to_sandbox"]),
            (&json!("active"), &json!(true))
        );
        let requests = "/api/v1/managed-route/increase-requests";
        let refused = test.ask("POST", requests, Value::Null).await;
        assert_eq!(
            (refused.status.as_u16(), refused.json()["error"]["code"].clone()),
            (409, json!("conflict"))
        );

        test.nearly_use_up_the_managed_route().await;
        assert_eq!(test.get("/api/v1/managed-route").await["can_request_increase"], true);
        let made = test.ask("POST", requests, Value::Null).await;
        assert_eq!(made.status, 201);
        let made = made.json();
        assert_eq!((&made["status"], &made["current_cap"]), (&json!("pending"), &json!(50)));
        assert_eq!(test.ask("POST", requests, Value::Null).await.status, 409);
        let route = test.get("/api/v1/managed-route").await;
        assert_eq!(route["pending_request"], made);

        // The other dialect shows the same, and takes it back.
        let shared = "/sdk/v1/providers/shared-amazon-ses-limit-request";
        let seen = test.get(shared).await;
        assert_eq!(seen["data"]["pending_request"]["id"], made["id"]);
        assert_eq!(seen["data"]["limit"]["pending_request_id"], made["id"]);
        assert_eq!(seen["data"]["limit"]["sent_today"], 40);
        let path = format!("{shared}/{}", id(&made));
        let taken_back = test.ask("DELETE", &path, Value::Null).await;
        assert_eq!(taken_back.status, 200);
        assert_eq!(taken_back.json()["data"]["request"]["status"], "cancelled");
        assert_eq!(test.ask("DELETE", &path, Value::Null).await.status, 409);
        let again = test.ask("POST", shared, Value::Null).await;
        assert_eq!(again.status, 200);
        assert_eq!(again.json()["data"]["request"]["status"], "pending");
    }
}
