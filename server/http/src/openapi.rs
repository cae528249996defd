//! The OpenAPI document, generated from the handlers.

use crate::email::{Address, Attachment, EmailRequest};
use crate::error::{Code, ErrorAnswer, ErrorDetail, ErrorIssue};
use crate::manage::{groups, keys, managed_route, messages, providers, routing, statistics};
use crate::me;
use crate::send::{self, Queued, QueuedStatus};
use crate::send_batch::{self, BatchAnswer, BatchRequest, BatchResult, BatchStatus, BatchSummary};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::{Value, json};
use std::sync::LazyLock;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Sendmux API",
        version = "1.0.0",
        description = "Send email through the providers of your team. Every answer carries `X-Request-Id`; every \
                       authenticated one `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset` (Unix \
                       time in seconds)."
    ),
    paths(
        send::send, send_batch::send_batch,
        messages::list, messages::get, messages::raw, messages::cancel, messages::resend,
        providers::list, providers::get, providers::create, providers::update, providers::delete,
        providers::set_routing, providers::activate, providers::deactivate, providers::test, providers::unblock,
        groups::list, groups::get, groups::create, groups::update, groups::delete,
        keys::list, keys::get, keys::create, keys::update, keys::rotate, keys::revoke, me::get,
        managed_route::get, managed_route::request_increase, managed_route::cancel_request,
        statistics::statistics, routing::dry_run,
    ),
    components(schemas(
        EmailRequest, Address, Attachment, Queued, QueuedStatus, BatchRequest, BatchAnswer, BatchSummary, BatchResult,
        BatchStatus, ErrorAnswer, ErrorDetail, ErrorIssue,
    )),
    modifiers(&BearerAuth),
    tags(
        (name = "Emails", description = "Sending, for keys with the permission `send`"),
        (name = "Messages", description = "What was accepted, and what became of it: `read` to look, `send` to act"),
        (name = "Providers", description = "The accounts that the team sends through: `read` to look, `manage` to change"),
        (name = "Delivery groups", description = "Pools of providers that keys can be scoped to"),
        (name = "Keys", description = "API keys"),
        (name = "Managed route", description = "The route that the installation runs for every team"),
        (name = "Statistics", description = "Counts over time"),
        (name = "Routing", description = "What the selection would do"),
    )
)]
pub(crate) struct Document;

struct BearerAuth;

impl Modify for BearerAuth {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "An API key: `smx_live_…`, or `smx_test_…`, whose messages are captured and never sent.",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("BearerAuth", SecurityScheme::Http(scheme));
    }
}

/// The document, with what attributes of fields cannot say.
pub(crate) fn complete() -> Value {
    // Maps and strings always serialize.
    let mut document = serde_json::to_value(Document::openapi()).unwrap_or_default();
    let schemas = &mut document["components"]["schemas"];

    let requires_text =
        |body: &str| json!({"required": [body], "properties": {body: {"type": "string", "minLength": 1}}});
    schemas["EmailRequest"]["anyOf"] = json!([requires_text("html_body"), requires_text("text_body")]);
    let headers = &mut schemas["EmailRequest"]["properties"]["custom_headers"];
    headers["maxProperties"] = 100.into();
    headers["propertyNames"] = json!({
        "pattern": concat!(
            "^(?:[Xx]-(?![Ss][Ee][Nn][Dd][Mm][Uu][Xx]-)[!-9;-~]+|",
            "List-Unsubscribe|List-Unsubscribe-Post|In-Reply-To|References)$"
        ),
        "maxLength": 76,
    });
    headers["additionalProperties"]["maxLength"] = 998.into();
    headers["additionalProperties"]["pattern"] = TEXT.into();
    for name in ["List-Unsubscribe", "List-Unsubscribe-Post"] {
        headers["properties"][name] = json!({"type": "string", "maxLength": 998, "pattern": "^[ -~]*$"});
    }
    // Each word fits on a line of 998 characters, behind the name.
    for (name, longest, word) in [("In-Reply-To", 998, 985), ("References", 8_000, 986)] {
        let words = format!("^ *[!-~]{{1,{word}}}(?: +[!-~]{{1,{word}}})* *$");
        headers["properties"][name] = json!({"type": "string", "maxLength": longest, "pattern": words});
    }
    let attachment = &mut schemas["Attachment"]["properties"];
    attachment["type"]["pattern"] = MEDIA_TYPE.into();
    attachment["content_id"]["pattern"] = CONTENT_ID.into();
    // An unknown field is an error.
    for request in ["EmailRequest", "BatchRequest", "Address", "Attachment"] {
        schemas[request]["additionalProperties"] = false.into();
    }
    schemas["ErrorDetail"]["properties"]["code"]["enum"] = Code::ALL.map(Code::as_str).to_vec().into();
    if let Some(schemas) = schemas.as_object_mut() {
        for (_, schema) in schemas.iter_mut().filter(|(name, _)| STRICT.contains(&name.as_str())) {
            schema["additionalProperties"] = false.into();
        }
    }
    complete_configuration(schemas);
    complete_operations(&mut document);
    document
}

/// Requests whose unknown fields are an error, besides those of emails.
const STRICT: [&str; 14] = [
    "DryRunRequest",
    "NewSmtpProvider",
    "NewSesProvider",
    "NewMailbox",
    "ProviderChange",
    "ProviderRouting",
    "CapsRequest",
    "NewGroup",
    "GroupChange",
    "NewMember",
    "NewKeyRequest",
    "KeyChange",
    "ScopeRequest",
    "Rotation",
];

/// No control characters, and something to be seen.
const VISIBLE: &str = concat!(
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f]",
    r"[^\u0000-\u001f\u007f-\u009f]*$"
);
/// No control characters.
const TEXT: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";

/// A media type with its parameters (RFC 2045 section 5.1), or nothing; none that has parts.
const MEDIA_TYPE: &str = concat!(
    "^ *(?:(?!multipart/|message/(?:partial|external-body) *(?:;|$))",
    r"[!#-'*+\-.0-9A-Z^-~]+/[!#-'*+\-.0-9A-Z^-~]+",
    r"(?: *; *(?:[!#-'*+\-.0-9A-Z^-~]+=[!#-'*+\-.0-9A-Z^-~]+)?)* *)?$"
);
/// A content id (RFC 2392), with angle brackets or without.
const CONTENT_ID: &str = r"^(?:<[!#-'*+\--:=?-\[\]-~]+>|[!#-'*+\--:=?-\[\]-~]+)$";
/// A domain name: labels of letters, digits, hyphens and underscores, the last of them no number.
const HOST: &str = concat!(
    r"^(?=[^.]{1,63}(?:\.[^.]{1,63}){0,3}\.?$)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?\.)*",
    r"(?![0-9]+\.?$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?\.?$"
);

/// What attributes cannot say of the requests that change the configuration.
fn complete_configuration(schemas: &mut Value) {
    // Each message of a batch is judged on its own: one that does not fit fails alone.
    let email = schemas["BatchRequest"]["properties"]["messages"]["items"].take();
    schemas["BatchRequest"]["properties"]["messages"]["items"] = json!({"anyOf": [email, {}]});
    for (schema, field) in [
        ("NewSmtpProvider", "name"),
        ("NewSesProvider", "name"),
        ("NewMailbox", "name"),
        ("ProviderChange", "name"),
        ("NewGroup", "name"),
        ("GroupChange", "name"),
        ("NewKeyRequest", "name"),
    ] {
        let field = &mut schemas[schema]["properties"][field];
        field["pattern"] = VISIBLE.into();
        field["minLength"] = 1.into();
        field["maxLength"] = 100.into();
    }
    for schema in ["NewSmtpProvider", "ProviderChange"] {
        let field = &mut schemas[schema]["properties"]["host"];
        field["anyOf"] = json!([{"pattern": HOST}, {"format": "ipv4"}, {"format": "ipv6"}]);
    }
    // A secret that is left empty in a change stays as it is.
    for (schema, credential, pattern) in [
        ("NewSmtpProvider", "username", TEXT),
        ("NewSmtpProvider", "password", TEXT),
        ("NewSesProvider", "secret_access_key", VISIBLE),
        ("ProviderChange", "username", TEXT),
        ("ProviderChange", "password", TEXT),
        ("ProviderChange", "secret_access_key", TEXT),
    ] {
        let field = &mut schemas[schema]["properties"][credential];
        field["pattern"] = pattern.into();
        field["maxLength"] = 1_024.into();
    }
    for schema in ["NewMailbox", "ProviderChange"] {
        schemas[schema]["properties"]["aliases"]["items"]["format"] = "email".into();
    }
    // What a new account is described by, it can be changed to.
    let of_new = schemas["NewSesProvider"]["properties"].clone();
    for field in [
        "region",
        "access_key_id",
        "role_arn",
        "external_id",
        "configuration_set",
        "endpoint",
    ] {
        for rule in ["pattern", "maxLength"] {
            if let Some(value) = of_new[field].get(rule) {
                schemas["ProviderChange"]["properties"][field][rule] = value.clone();
            }
        }
    }
    // Either both of user name and password, or neither.
    schemas["NewSmtpProvider"]["anyOf"] = json!([
        {
            "properties": {"username": {"type": "string", "pattern": r"\S"}, "password": {"type": "string", "minLength": 1}},
            "required": ["username", "password"],
        },
        {"properties": {"username": {"pattern": "^ *$"}, "password": {"maxLength": 0}}},
    ]);
    schemas["DryRunRequest"]["properties"]["sender_domain"]["pattern"] = TEXT.into();
    schemas["NewKeyRequest"]["properties"]["permissions"]["minItems"] = 1.into();
    schemas["NewKeyRequest"]["properties"]["permissions"]["maxItems"] = 3.into();
    schemas["NewKeyRequest"]["properties"]["permissions"]["items"] =
        json!({"type": "string", "enum": ["send", "read", "manage"]});
    for (field, prefix) in [("providers", "prv"), ("groups", "d?grp")] {
        schemas["ScopeRequest"]["properties"][field]["items"]["pattern"] = format!("^{prefix}_[a-z0-9]{{24}}$").into();
    }
    let named = |kind: &str, other: &str| {
        json!({
            "properties": {"kind": {"const": kind}, kind: {"type": "array", "minItems": 1, "maxItems": 100}, other: {"maxItems": 0}},
            "required": [kind],
        })
    };
    schemas["ScopeRequest"]["anyOf"] = json!([
        {"properties": {"kind": {"const": "all"}, "providers": {"maxItems": 0}, "groups": {"maxItems": 0}}},
        named("providers", "groups"),
        named("groups", "providers"),
    ]);
}

/// The values that a parameter of a query string has, where its type does not say them.
fn values_of(parameter: &str) -> Option<Value> {
    Some(match parameter {
        "status" => json!({"enum": ["queued", "sending", "sent", "partially_sent", "failed", "cancelled"]}),
        "delivery" => json!({"enum": ["bounced", "complained", "rejected"]}),
        "window" => json!({"enum": ["24h", "7d", "30d"]}),
        "since" | "until" => json!({"format": "date-time"}),
        "cursor" => json!({"pattern": "^[0-7][0-9a-f]{15}$"}),
        "provider_id" => json!({"pattern": "^prv_[a-z0-9]{24}$"}),
        "group_id" => json!({"pattern": "^d?grp_[a-z0-9]{24}$"}),
        "key_id" => json!({"pattern": "^key_[a-z0-9]{24}$"}),
        "recipient" | "subject" => json!({"pattern": TEXT, "minLength": 1}),
        "Idempotency-Key" => json!({"pattern": TEXT}),
        _ => return None,
    })
}

/// Adds to every operation what all of them have: the key, and the errors that any request can meet.
fn complete_operations(document: &mut Value) {
    let error = |description: &str| {
        json!({
            "description": description,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}},
        })
    };
    let Some(paths) = document["paths"].as_object_mut() else {
        return;
    };
    for (path, operations) in paths {
        let Some(operations) = operations.as_object_mut() else {
            continue;
        };
        for operation in operations.values_mut() {
            for parameter in operation
                .get_mut("parameters")
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                if (parameter["in"] == "query" || parameter["in"] == "header")
                    && let Some(values) = parameter["name"].as_str().and_then(values_of)
                    && let Some(values) = values.as_object()
                {
                    parameter["schema"]["type"] = "string".into();
                    for (name, value) in values {
                        parameter["schema"][name] = value.clone();
                    }
                }
            }
            operation["security"] = json!([{"BearerAuth": []}]);
            let reads_body = operation.get("requestBody").is_some();
            let reads_query = operation["parameters"]
                .as_array()
                .is_some_and(|all| all.iter().any(|one| one["in"] == "query"));
            let mut errors = vec![
                ("401", "`authentication_required`"),
                ("403", "`insufficient_permissions`: the key lacks the permission"),
                ("429", "`rate_limit_exceeded`"),
                ("500", "`internal_error`"),
                ("503", "`service_unavailable`"),
            ];
            if reads_body || reads_query {
                errors.push(("400", "`invalid_parameter` or `missing_parameter`"));
                errors.push(("422", "`validation_error`"));
            }
            if reads_body {
                errors.push(("413", "`payload_too_large`"));
                errors.push(("415", "`unsupported_media_type`"));
            }
            if path.contains('{') || reads_query || reads_body {
                errors.push(("404", "`not_found`: it does not exist, or is another team's"));
            }
            if reads_body {
                errors.push(("409", "`conflict`: it clashes with what is there"));
            }
            if path.ends_with("/resend") {
                errors.push(("422", "`validation_error`: no provider could ever take it now"));
            }
            for (status, description) in errors {
                if operation["responses"].get(status).is_none() {
                    operation["responses"][status] = error(description);
                }
            }
        }
    }
}

static JSON: LazyLock<String> = LazyLock::new(|| complete().to_string());

/// `GET /api/v1/openapi.json`.
pub(crate) async fn document() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], JSON.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_has_its_schema() {
        let document = complete();
        assert_eq!(document["openapi"], "3.1.0");
        for operations in document["paths"].as_object().unwrap().values() {
            for (method, operation) in operations.as_object().unwrap() {
                assert!(operation.get("parameters").is_none_or(Value::is_array), "{method}");
                assert!(operation["responses"]["401"].is_object(), "{method}");
            }
        }
        let text = document.to_string();
        let references: Vec<&str> = text
            .split(r##""$ref":"#/components/schemas/"##)
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert!(!references.is_empty());
        for name in references {
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
        for field in ["html_body", "custom_headers", "to", "reply_to"] {
            assert!(
                document["components"]["schemas"]["EmailRequest"]["properties"][field].is_object(),
                "{field}"
            );
        }
    }
}
