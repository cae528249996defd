//! The OpenAPI document, generated from the handlers.

use crate::email::{Address, Attachment, EmailRequest};
use crate::error::{Code, ErrorAnswer, ErrorDetail, ErrorIssue};
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
    paths(send::send, send_batch::send_batch),
    components(schemas(
        EmailRequest, Address, Attachment, Queued, QueuedStatus, BatchRequest, BatchAnswer, BatchSummary, BatchResult,
        BatchStatus, ErrorAnswer, ErrorDetail, ErrorIssue,
    )),
    modifiers(&BearerAuth),
    tags((name = "Emails", description = "Sending"))
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

    let said = |body: &str| json!({"required": [body], "properties": {body: {"type": "string", "minLength": 1}}});
    schemas["EmailRequest"]["anyOf"] = json!([said("html_body"), said("text_body")]);
    let headers = &mut schemas["EmailRequest"]["properties"]["custom_headers"];
    headers["maxProperties"] = 100.into();
    headers["propertyNames"] = json!({
        "pattern": "^(?:[Xx]-(?![Ss][Ee][Nn][Dd][Mm][Uu][Xx]-)[!-9;-~]+|List-Unsubscribe|List-Unsubscribe-Post)$",
        "maxLength": 76,
    });
    headers["additionalProperties"]["maxLength"] = 998.into();
    headers["additionalProperties"]["pattern"] = r"^[^\u0000-\u001f\u007f-\u009f]*$".into();
    // An unknown field is an error.
    for request in ["EmailRequest", "BatchRequest", "Address", "Attachment"] {
        schemas[request]["additionalProperties"] = false.into();
    }
    schemas["ErrorDetail"]["properties"]["code"]["enum"] = Code::ALL.map(Code::as_str).to_vec().into();
    document
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
