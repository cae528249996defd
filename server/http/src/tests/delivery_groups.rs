//! `delivery_group`: a message narrows the scope of its key, in both dialects.

use super::manage::{Managed, id, managed};
use super::support::{Answer, minimal};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sendmux_domain::entities::{delivery_groups, lanes, messages};
use sendmux_domain::ids::IdKind;
use sendmux_domain::lanes::ScopeKind;
use serde_json::{Value, json};

/// A team with the groups `a` and `b` of a provider each, and a key for each scope.
struct Groups {
    a: String,
    b: String,
    everything: String,
    of_a: String,
    of_both: String,
    of_providers: String,
}

impl Groups {
    async fn of(test: &Managed) -> Self {
        let (one, two) = (test.add_provider("one").await, test.add_provider("two").await);
        let a = group(test, "a", &one).await;
        let b = group(test, "b", &two).await;
        let key = async |scope: Value| {
            let body = json!({"name": "K", "permissions": ["send", "read"], "scope": scope});
            let made = test.ask("POST", "/api/v1/keys", body).await;
            assert_eq!(made.status, 201, "{:?}", made.body);
            made.json()["secret"].as_str().unwrap().to_owned()
        };
        Self {
            everything: key(json!({"kind": "all"})).await,
            of_a: key(json!({"kind": "groups", "groups": [a]})).await,
            of_both: key(json!({"kind": "groups", "groups": [b, a]})).await,
            of_providers: key(json!({"kind": "providers", "providers": [one, two]})).await,
            a,
            b,
        }
    }
}

async fn group(test: &Managed, name: &str, provider: &str) -> String {
    let body = json!({"name": name, "members": [{"provider": provider}]});
    let made = id(&test.ask("POST", "/api/v1/groups", body).await.json());
    assert!(IdKind::Group.matches(&made) && made.starts_with("dgrp_"), "{made}");
    made
}

fn to(groups: &Value) -> Value {
    let mut message = minimal();
    message["delivery_group"] = groups.clone();
    message
}

async fn send(test: &Managed, key: &str, groups: &Value) -> Answer {
    test.ask_with(key, "POST", "/api/v1/emails/send", to(groups)).await
}

/// The groups of the lane that a message waits in; none where its scope is no scope of groups.
async fn lane_of(test: &Managed, message: &str) -> Option<Vec<String>> {
    let db = test.server.domain.db.read();
    let message = messages::Entity::find()
        .filter(messages::Column::PublicId.eq(message))
        .one(db)
        .await;
    let lane = lanes::Entity::find_by_id(message.unwrap().unwrap().lane_id)
        .one(db)
        .await
        .unwrap()
        .unwrap();
    if lane.scope != ScopeKind::Groups {
        return None;
    }
    let mut ids = Vec::new();
    for target in lane.targets.0 {
        let group = delivery_groups::Entity::find_by_id(target).one(db).await;
        ids.push(group.unwrap().unwrap().public_id);
    }
    Some(ids)
}

#[tokio::test]
async fn a_message_goes_within_the_groups_that_it_names() {
    for test in managed().await {
        let groups = Groups::of(&test).await;
        let Groups {
            a,
            b,
            everything,
            of_a,
            of_both,
            ..
        } = &groups;
        let old = a.strip_prefix('d').unwrap();
        for (key, named, expected, lane) in [
            (everything, json!(a), json!([a]), Some(vec![a])),
            (everything, json!([a]), json!([a]), Some(vec![a])),
            (everything, json!([b, a, b]), json!([b, a]), Some(vec![a, b])),
            (everything, json!(old), json!([a]), Some(vec![a])),
            (everything, Value::Null, Value::Null, None),
            (of_a, json!(a), json!([a]), Some(vec![a])),
            (of_a, Value::Null, Value::Null, Some(vec![a])),
            (of_both, json!(b), json!([b]), Some(vec![b])),
            (of_both, Value::Null, Value::Null, Some(vec![a, b])),
        ] {
            let sent = send(&test, key, &named).await;
            assert_eq!(sent.status, 202, "{named}: {:?}", sent.body);
            let sent = sent.json()["message_id"].as_str().unwrap().to_owned();
            let lane = lane.map(|ids| ids.into_iter().cloned().collect::<Vec<_>>());
            assert_eq!(lane_of(&test, &sent).await, lane, "{named}");
            for path in [
                format!("/api/v1/messages/{sent}"),
                format!("/sdk/v1/emails/logs/{sent}"),
            ] {
                let shown = test.get(&path).await;
                let shown = shown.get("data").unwrap_or(&shown);
                assert_eq!(shown["delivery_group"], expected, "{path}: {named}");
            }
            for path in ["/api/v1/messages?limit=1", "/sdk/v1/emails/logs?limit=1"] {
                assert_eq!(
                    test.get(path).await["data"][0]["delivery_group"],
                    expected,
                    "{path}: {named}"
                );
            }
        }
        for filter in [a.as_str(), old] {
            let narrowed = test.get(&format!("/api/v1/messages?group_id={filter}")).await;
            assert_eq!(narrowed["data"].as_array().unwrap().len(), 7);
        }
    }
}

#[tokio::test]
async fn what_is_outside_of_the_scope_is_refused_with_everything_else() {
    for test in managed().await {
        let groups = Groups::of(&test).await;
        let Groups {
            a,
            b,
            everything,
            of_a,
            of_providers,
            ..
        } = &groups;
        let unknown = IdKind::Group.generate();
        for (key, named, fields) in [
            (of_a, json!(b), vec!["delivery_group"]),
            (
                of_a,
                json!([a, b, unknown]),
                vec!["delivery_group[1]", "delivery_group[2]"],
            ),
            (everything, json!(unknown), vec!["delivery_group"]),
            (everything, json!(""), vec!["delivery_group"]),
            (everything, json!([a, "no id\u{0}"]), vec!["delivery_group[1]"]),
            (of_providers, json!(a), vec!["delivery_group"]),
        ] {
            for base in ["/api/v1", "/sdk/v1"] {
                let path = format!("{base}/emails/send");
                let refused = test.ask_with(key, "POST", &path, to(&named)).await;
                assert_eq!(refused.status, 422, "{named}: {:?}", refused.body);
                let error = refused.json()["error"].clone();
                assert_eq!(
                    (&error["code"], &error["param"]),
                    (&json!("validation_error"), &json!(fields[0]))
                );
                let errors = error["errors"].as_array().unwrap();
                let wrong: Vec<_> = errors.iter().map(|one| (&one["field"], &one["code"])).collect();
                let outside = json!("outside_scope");
                let expected: Vec<_> = fields.iter().map(|field| json!(field)).collect();
                assert_eq!(
                    wrong,
                    expected.iter().map(|field| (field, &outside)).collect::<Vec<_>>()
                );
            }
        }
        for (named, code) in [
            (json!([]), "empty"),
            (json!(7), "invalid_type"),
            (json!({"id": a}), "invalid_type"),
            (json!(vec![a; 51]), "too_many"),
        ] {
            let refused = send(&test, everything, &named).await.json();
            assert_eq!(
                (&refused["error"]["param"], &refused["error"]["errors"][0]["code"]),
                (&json!("delivery_group"), &json!(code))
            );
        }
        let entry = send(&test, everything, &json!([7, unknown])).await.json();
        let wrong: Vec<_> = entry["error"]["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["code"].clone())
            .collect();
        assert_eq!(wrong, ["invalid_type", "outside_scope"], "each field once");
        let mut wrong = to(&json!(unknown));
        wrong["subject"] = " \t".into();
        wrong["to"]["email"] = "nobody".into();
        let refused = test
            .ask_with(everything, "POST", "/api/v1/emails/send", wrong)
            .await
            .json();
        let fields: Vec<_> = refused["error"]["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["field"])
            .collect();
        assert_eq!(fields.len(), 3, "{refused}");
        assert!(fields.contains(&&json!("delivery_group")));
        assert_eq!(test.get("/api/v1/messages").await["data"], json!([]));
    }
}

#[tokio::test]
async fn each_message_of_a_batch_names_its_own() {
    for test in managed().await {
        let groups = Groups::of(&test).await;
        let messages = json!({"messages": [to(&json!(groups.a)), to(&json!(groups.b)), minimal()]});
        let answer = test
            .ask_with(&groups.of_a, "POST", "/api/v1/emails/send/batch", messages)
            .await
            .json();
        assert_eq!(answer["summary"], json!({"total": 3, "queued": 2, "failed": 1}));
        assert_eq!(answer["results"][1]["error"]["param"], "delivery_group");
        let named: Vec<_> = test.get("/api/v1/messages").await["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| message["delivery_group"].clone())
            .collect();
        assert_eq!(named, [Value::Null, json!([groups.a])]);
    }
}

#[tokio::test]
async fn a_message_that_is_sent_again_stays_in_its_groups() {
    for test in managed().await {
        let groups = Groups::of(&test).await;
        let Groups {
            a, b, everything, of_a, ..
        } = &groups;
        let sent = send(&test, everything, &json!([a, b])).await.json();
        let sent = sent["message_id"].as_str().unwrap();
        test.ask("POST", &format!("/api/v1/messages/{sent}/cancel"), Value::Null)
            .await;
        let again = async |key: &str| {
            test.ask_with(key, "POST", &format!("/api/v1/messages/{sent}/resend"), Value::Null)
                .await
        };
        for (key, expected) in [(everything, vec![a, b]), (of_a, vec![a])] {
            let answer = again(key).await;
            assert_eq!(answer.status, 202, "{:?}", answer.body);
            let answer = answer.json();
            let resent = answer["message_id"].as_str().unwrap();
            let expected: Vec<String> = expected.into_iter().cloned().collect();
            assert_eq!(lane_of(&test, resent).await, Some(expected.clone()));
            assert_eq!(
                test.get(&format!("/api/v1/messages/{resent}")).await["delivery_group"],
                json!(expected)
            );
        }
        let other = group(&test, "c", &test.add_provider("three").await).await;
        let body = json!({"name": "K", "permissions": ["send"], "scope": {"kind": "groups", "groups": [other]}});
        let outside = test.ask("POST", "/api/v1/keys", body).await.json();
        let refused = again(outside["secret"].as_str().unwrap()).await;
        assert_eq!(refused.error(), (409, "conflict".to_owned()));
    }
}

#[tokio::test]
async fn an_old_id_of_a_group_works_wherever_a_group_is_named() {
    for test in managed().await {
        let provider = test.add_provider("one").await;
        let group = group(&test, "a", &provider).await;
        let old = group.strip_prefix('d').unwrap();
        let shown = test.get(&format!("/api/v1/groups/{old}")).await;
        assert_eq!(shown["id"], group.as_str());
        let renamed = test
            .ask("PATCH", &format!("/api/v1/groups/{old}"), json!({"name": "b"}))
            .await;
        assert_eq!((renamed.status.as_u16(), &renamed.json()["id"]), (200, &json!(group)));
        let scope = json!({"kind": "groups", "groups": [old]});
        let key = test
            .ask("POST", "/api/v1/keys", json!({"name": "K", "scope": scope}))
            .await;
        assert_eq!(key.json()["scope"]["groups"], json!([group]));
        let key = id(&key.json());
        test.ask("DELETE", &format!("/api/v1/keys/{key}"), Value::Null).await;
        let gone = test.ask("DELETE", &format!("/api/v1/groups/{old}"), Value::Null).await;
        assert_eq!(gone.status, 200, "{:?}", gone.body);
        assert_eq!(
            test.ask("GET", &format!("/api/v1/groups/{group}"), Value::Null)
                .await
                .status,
            404
        );
    }
}

/// The groups that were named stay in the history of the message.
#[tokio::test]
async fn a_group_that_is_deleted_is_still_shown() {
    for test in managed().await {
        let groups = Groups::of(&test).await;
        let sent = send(&test, &groups.everything, &json!(groups.b)).await.json();
        let sent = sent["message_id"].as_str().unwrap();
        let path = format!("/api/v1/groups/{}", groups.b);
        let waits = test.ask("DELETE", &path, Value::Null).await;
        assert_eq!(waits.error(), (409, "conflict".to_owned()), "a key names it");
        for key in test.get("/api/v1/keys").await["data"].as_array().unwrap() {
            if key["scope"]["kind"] == "groups" {
                test.ask("DELETE", &format!("/api/v1/keys/{}", id(key)), Value::Null)
                    .await;
            }
        }
        let waits = test.ask("DELETE", &path, Value::Null).await;
        assert_eq!(waits.error(), (409, "conflict".to_owned()), "a message waits for it");
        test.ask("POST", &format!("/api/v1/messages/{sent}/cancel"), Value::Null)
            .await;
        assert_eq!(test.ask("DELETE", &path, Value::Null).await.status, 200);
        let shown = test.get(&format!("/api/v1/messages/{sent}")).await;
        assert_eq!(shown["delivery_group"], json!([groups.b]));
        let refused = send(&test, &groups.everything, &json!(groups.b)).await;
        assert_eq!(refused.error(), (422, "validation_error".to_owned()));
        let again = test
            .ask("POST", &format!("/api/v1/messages/{sent}/resend"), Value::Null)
            .await;
        assert_eq!(again.error(), (409, "conflict".to_owned()));
    }
}

#[tokio::test]
async fn a_group_can_be_empty_or_switched_off_and_says_so() {
    for test in managed().await {
        let groups = Groups::of(&test).await;
        let tx = test.server.domain.db.begin().await.unwrap();
        sendmux_domain::entities::providers::Entity::update_many()
            .col_expr(
                sendmux_domain::entities::providers::Column::Status,
                Expr::value("inactive"),
            )
            .filter(sendmux_domain::entities::providers::Column::Name.eq("two"))
            .exec(&tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let refused = send(&test, &groups.everything, &json!(groups.b)).await;
        assert_eq!(refused.error(), (503, "no_active_providers".to_owned()));
        assert_eq!(
            send(&test, &groups.everything, &json!([groups.a, groups.b]))
                .await
                .status,
            202
        );
    }
}
