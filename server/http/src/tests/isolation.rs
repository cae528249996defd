//! Teams are kept apart, and permissions: for every operation of our document and of the published one, whatever is added.

use super::manage::{Managed, id, managed};
use super::support::{Answer, minimal};
use crate::operation::{self, PERMISSION};
use crate::{openapi, sdk};
use sendmux_domain::keys::Permission;
use sendmux_rules::Mode;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// An operation of a document.
pub(super) struct Operation {
    /// `/api/v1` or `/sdk/v1`.
    base: &'static str,
    pub(super) id: String,
    pub(super) method: String,
    /// Below the base, with `{…}` for ids.
    path: String,
    /// The names of its parameters in the query string.
    query: Vec<String>,
    pub(super) has_body: bool,
    /// The permission that it takes; none where every key may ask.
    permission: Option<Permission>,
}

impl Operation {
    fn all_of(document: &Value, base: &'static str) -> Vec<Self> {
        let mut operations = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, about) in methods.as_object().unwrap() {
                let parameters = about["parameters"].as_array().into_iter().flatten();
                operations.push(Self {
                    base,
                    id: about["operationId"].as_str().unwrap().to_owned(),
                    method: method.to_uppercase(),
                    path: path.strip_prefix(base).unwrap_or(path).to_owned(),
                    query: parameters
                        .filter(|parameter| parameter["in"] == "query")
                        .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
                        .collect(),
                    has_body: about.get("requestBody").is_some(),
                    permission: about[PERMISSION].as_str().map(|word| word.parse().unwrap()),
                });
            }
        }
        operations
    }

    /// The path with these ids in it.
    pub(super) fn at(&self, things: &Things) -> String {
        let Some((before, rest)) = self.path.split_once('{') else {
            return format!("{}{}", self.base, self.path);
        };
        let (_, after) = rest.split_once('}').unwrap();
        let thing = match before {
            "/messages/" | "/emails/logs/" => &things.message,
            "/providers/" => &things.provider,
            "/groups/" => &things.group,
            "/keys/" => &things.key,
            "/managed-route/increase-requests/" | "/providers/shared-amazon-ses-limit-request/" => &things.request,
            _ => panic!("{}: say here what stands in {}", self.id, self.path),
        };
        format!("{}{before}{thing}{after}", self.base)
    }

    /// The method, and the path without the names of what stands in it.
    fn route(&self) -> (&str, String) {
        let between = |part: &str| part.split_once('}').map_or(part, |(_, after)| after).to_owned();
        let parts: Vec<_> = self.path.split('{').map(between).collect();
        (&self.method, parts.join("{}"))
    }

    fn names_a_thing(&self) -> bool {
        self.path.contains('{')
    }

    /// A body that would be right if the thing were there.
    fn body(&self) -> Value {
        match self.id.as_str() {
            "updateKey" => json!({"scope": {"kind": "all"}}),
            _ if self.has_body => json!({}),
            _ => Value::Null,
        }
    }
}

/// The operations that clients of the published interface know, those that there are.
fn published() -> (Vec<Value>, BTreeSet<String>) {
    let read = |text| serde_json::from_str::<Value>(text).unwrap();
    let documents = vec![
        read(include_str!("../../../../end2end/reference/sending-api.json")),
        read(include_str!("../../../../end2end/reference/management-api.json")),
        read(include_str!("../../../../end2end/reference/mailbox-api.json")),
    ];
    let later = read(include_str!("../../../../end2end/reference/later.json"));
    let later = later.as_array().unwrap().iter();
    (documents, later.map(|id| id.as_str().unwrap().to_owned()).collect())
}

/// All operations that there are, as they are declared: with them a route that is not here is none. What those of `/sdk/v1`
/// take the published documents say, which have the same operations.
pub(super) fn operations() -> Vec<Operation> {
    let declared = operation::router(sdk::operations(), |methods| methods).into_openapi();
    let declared = Operation::all_of(&serde_json::to_value(declared).unwrap(), "/sdk/v1");
    let (documents, later) = published();
    let mut published: Vec<_> = documents
        .iter()
        .flat_map(|document| Operation::all_of(document, "/sdk/v1"))
        .filter(|operation| !later.contains(&operation.id))
        .collect();
    for operation in &mut published {
        let ours = declared.iter().find(|ours| ours.route() == operation.route());
        operation.permission = ours.expect(&operation.id).permission;
    }
    for ours in &declared {
        let known = published.iter().any(|operation| operation.route() == ours.route());
        assert!(known, "{:?} is not published", ours.route());
    }
    let mut all = Operation::all_of(&openapi::complete(), "/api/v1");
    all.extend(published);
    all
}

/// One of each, of one team.
#[derive(Clone)]
pub(super) struct Things {
    message: String,
    provider: String,
    group: String,
    key: String,
    request: String,
}

impl Things {
    pub(super) async fn of(test: &Managed) -> Self {
        let group = test.ask("POST", "/api/v1/groups", json!({"name": "G"})).await;
        let key = test.ask("POST", "/api/v1/keys", json!({"name": "K"})).await;
        Self {
            message: test.send("Hello").await,
            provider: test.add_provider("Own").await,
            group: id(&group.json()),
            key: id(&key.json()),
            request: {
                test.nearly_use_up_the_managed_route().await;
                let path = "/api/v1/managed-route/increase-requests";
                id(&test.ask("POST", path, Value::Null).await.json())
            },
        }
    }

    fn all_being(text: &str) -> Self {
        Self {
            message: text.to_owned(),
            provider: text.to_owned(),
            group: text.to_owned(),
            key: text.to_owned(),
            request: text.to_owned(),
        }
    }

    fn unknown() -> Self {
        let id = |prefix: &str| format!("{prefix}_{}", "a".repeat(24));
        Self {
            message: id("eml"),
            provider: id("prv"),
            group: id("dgrp"),
            key: id("key"),
            request: id("qir"),
        }
    }

    fn list(&self) -> [&str; 4] {
        [&self.message, &self.provider, &self.group, &self.key]
    }

    /// The thing that a parameter or field of this name names, if it names one.
    fn named(&self, name: &str) -> Option<&str> {
        Some(match name {
            "provider_id" => &self.provider,
            "group_id" => &self.group,
            "key_id" => &self.key,
            _ => {
                assert!(!name.ends_with("_id"), "say here what {name} is");
                return None;
            }
        })
    }

    /// Their team's view of them.
    pub(super) async fn shown(&self, test: &Managed) -> Vec<Value> {
        let mut shown = Vec::new();
        for (place, id) in [
            ("messages", &self.message),
            ("providers", &self.provider),
            ("groups", &self.group),
            ("keys", &self.key),
        ] {
            shown.push(test.get(&format!("/api/v1/{place}/{id}")).await);
        }
        shown
    }
}

/// Requests whose body names things: the operation, the field that is wrong, the body.
fn naming(things: &Things) -> Vec<(&'static str, &'static str, Value)> {
    let mut message = minimal();
    message["delivery_group"] = things.group.as_str().into();
    let scope = |kind: &str, id: &str| json!({"kind": kind, kind: [id]});
    vec![
        (
            "POST /api/v1/groups",
            "NewMember.provider",
            json!({"name": "Mine", "members": [{"provider": things.provider}]}),
        ),
        (
            "POST /api/v1/keys",
            "ScopeRequest.providers",
            json!({"name": "Mine", "scope": scope("providers", &things.provider)}),
        ),
        (
            "POST /api/v1/keys",
            "ScopeRequest.groups",
            json!({"name": "Mine", "scope": scope("groups", &things.group)}),
        ),
        (
            "POST /api/v1/emails/send",
            "EmailRequest.delivery_group",
            message.clone(),
        ),
        ("POST /sdk/v1/emails/send", "EmailRequest.delivery_group", message),
        (
            "POST /api/v1/routing/dry-run",
            "DryRunRequest.key_id",
            json!({"key_id": things.key}),
        ),
    ]
}

/// The fields of requests that name things, as our document has them.
fn naming_fields() -> BTreeSet<String> {
    const ANSWERS: [&str; 12] = [
        "Credential",
        "Group",
        "Member",
        "Key",
        "KeyWithSecret",
        "Message",
        "MessageItem",
        "Attempt",
        "Provider",
        "Queued",
        "BatchResult",
        "ManagedRoute",
    ];
    let names = |schema: &Value| {
        let pattern = schema["pattern"].as_str().unwrap_or_default();
        ["^eml_", "^prv_", "^d?grp_", "^dgrp_", "^key_"]
            .iter()
            .any(|prefix| pattern.starts_with(prefix))
    };
    let document = openapi::complete();
    let mut fields = BTreeSet::new();
    for (schema, about) in document["components"]["schemas"].as_object().unwrap() {
        for (field, about) in about["properties"].as_object().into_iter().flatten() {
            let one_of = about["oneOf"].as_array();
            let any = names(about) || names(&about["items"]) || one_of.is_some_and(|all| all.iter().any(names));
            if !ANSWERS.contains(&schema.as_str()) && any {
                fields.insert(format!("{schema}.{field}"));
            }
        }
    }
    fields
}

/// True when a list or a count of `/sdk/v1` has nothing in it, which is how it says that a filter names nothing.
fn is_empty(answer: &Answer) -> bool {
    let data = &answer.json()["data"];
    answer.status == 200 && (data == &json!([]) || data["summary"]["total"] == 0)
}

#[tokio::test]
async fn another_teams_things_are_not_there() {
    for test in managed().await {
        let things = Things::of(&test).await;
        let before = things.shown(&test).await;
        let rival = test.server.domain.owner("Rival").await;
        let rival = test.server.full_key(&rival, Mode::Live).await;
        for asked in [things.clone(), Things::unknown()] {
            for operation in operations() {
                let path = operation.at(&asked);
                if operation.names_a_thing() {
                    let answer = test.ask_with(&rival, &operation.method, &path, operation.body()).await;
                    assert_eq!(answer.status, 404, "{} {path}: {:?}", operation.id, answer.body);
                }
                for name in &operation.query {
                    let Some(thing) = asked.named(name) else { continue };
                    let path = format!("{path}?{name}={thing}");
                    let answer = test.ask_with(&rival, &operation.method, &path, Value::Null).await;
                    let nothing = answer.status == 404 || operation.base == "/sdk/v1" && is_empty(&answer);
                    assert!(nothing, "{} {path}: {:?}", operation.id, answer.body);
                }
            }
            for (operation, field, body) in naming(&asked) {
                let (method, path) = operation.split_once(' ').unwrap();
                let answer = test.ask_with(&rival, method, path, body).await;
                // The published interface has no 404 where messages are sent.
                let status = if field.starts_with("EmailRequest") { 422 } else { 404 };
                assert_eq!(answer.status, status, "{operation} with {field}: {:?}", answer.body);
            }
        }
        let fields = naming(&things).into_iter().map(|(_, field, _)| field.to_owned());
        assert_eq!(
            fields.collect::<BTreeSet<_>>(),
            naming_fields(),
            "every field that names a thing is tried"
        );
        assert_eq!(things.shown(&test).await, before, "nothing was changed by all of that");
    }
}

#[tokio::test]
async fn no_list_shows_what_is_another_teams() {
    for test in managed().await {
        let things = Things::of(&test).await;
        let rival = test.server.domain.owner("Rival").await;
        let rival = test.server.full_key(&rival, Mode::Live).await;
        let mut lists = 0;
        for operation in operations() {
            if operation.method != "GET" || operation.names_a_thing() {
                continue;
            }
            let answer = test.ask_with(&rival, "GET", &operation.at(&things), Value::Null).await;
            assert_eq!(answer.status, 200, "{}: {:?}", operation.id, answer.body);
            let text = answer.json().to_string();
            for thing in things.list() {
                assert!(!text.contains(thing), "{} shows {thing}", operation.id);
            }
            lists += 1;
        }
        assert!(lists >= 11);
    }
}

#[tokio::test]
async fn what_cannot_be_an_id_names_nothing() {
    for test in managed().await {
        for odd in ["%00", "%ff", "..%2f", &"a".repeat(300)] {
            let odd = Things::all_being(odd);
            for operation in operations().iter().filter(|operation| operation.names_a_thing()) {
                let path = operation.at(&odd);
                let answer = test.ask(&operation.method, &path, operation.body()).await;
                assert_eq!(answer.status, 404, "{} {path}: {:?}", operation.id, answer.body);
                assert!(!answer.body.is_empty());
            }
        }
    }
}

#[tokio::test]
async fn every_operation_wants_a_key_and_its_permission() {
    for test in managed().await {
        let (_, sender) = test.server.new_key(Mode::Live, Permission::Send).await;
        let (_, reader) = test.server.new_key(Mode::Live, Permission::Read).await;
        let (_, manager) = test.server.new_key(Mode::Live, Permission::Manage).await;
        let (_, writer) = test.server.new_key(Mode::Live, Permission::KeysWrite).await;
        for operation in operations() {
            let path = operation.at(&Things::unknown());
            let nobody = test
                .ask_with("nonsense", &operation.method, &path, operation.body())
                .await;
            assert_eq!(nobody.status, 401, "{} {path}", operation.id);
            for (key, permission) in [
                (&sender, Permission::Send),
                (&reader, Permission::Read),
                (&manager, Permission::Manage),
                (&writer, Permission::KeysWrite),
            ] {
                let status = test
                    .ask_with(key, &operation.method, &path, operation.body())
                    .await
                    .status;
                let may = operation.permission.is_none_or(|wanted| wanted == permission);
                assert_eq!(status != 403, may, "{} with {permission}: {status}", operation.id);
            }
        }
    }
}

#[test]
fn what_changes_something_takes_more_than_reading() {
    for operation in operations() {
        let reads = operation.method == "GET" || operation.id == "dryRun";
        match operation.permission {
            Some(permission) => assert_eq!(permission == Permission::Read, reads, "{}", operation.id),
            None => assert!(operation.path == "/me" && reads, "{}", operation.id),
        }
    }
}

#[tokio::test]
async fn what_is_for_later_is_not_there_yet() {
    let (documents, later) = published();
    let all: Vec<_> = documents
        .iter()
        .flat_map(|document| Operation::all_of(document, "/sdk/v1"))
        .collect();
    assert!(later.iter().all(|id| all.iter().any(|operation| operation.id == *id)));
    for test in managed().await {
        for operation in all.iter().filter(|operation| later.contains(&operation.id)) {
            let path = format!("{}{}", operation.base, operation.path.replace(['{', '}'], ""));
            let status = test.ask(&operation.method, &path, operation.body()).await.status;
            assert!(
                [404, 405].contains(&status.as_u16()),
                "{} is there ({status}): take it off end2end/reference/later.json",
                operation.id
            );
        }
    }
}
