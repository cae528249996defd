//! The OpenAPI document, generated from the handlers.

use crate::operation::{self, BEARER};
use crate::operations;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::Value;
use std::sync::LazyLock;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Sendmux API",
        version = "1.0.0",
        description = "Send email through the providers of your team. Every answer carries `X-Request-Id`; every \
                       authenticated one `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset` (Unix \
                       time in seconds)."
    ),
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
        components.add_security_scheme(BEARER, SecurityScheme::Http(scheme));
    }
}

/// The whole document.
pub(crate) fn complete() -> Value {
    let operations = operation::router(operations(), |methods| methods);
    let document = OpenApiRouter::with_openapi(Document::openapi()).nest("/api/v1", operations);
    // Maps and strings always serialize.
    serde_json::to_value(document.into_openapi()).unwrap_or_default()
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
