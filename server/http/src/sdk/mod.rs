//! `/sdk/v1`: the enveloped dialect that the existing client libraries speak.
//!
//! Sending is the very same handlers; [`envelope`] wraps their answers. What has other fields there
//! (providers, logs, metrics) is shown in those, from the same calls of the domain.
//!
//! Its lists have no answer for a parameter that is wrong (200, 401 and 403 are all there is), so they read them
//! tolerantly: a page is as large as it may be, and what cannot be matches nothing.

mod limits;
mod logs;
mod metrics;
mod providers;

use crate::auth::Caller;
use crate::error::{ApiError, Code, ErrorDetail};
use crate::me;
use crate::parameters::Parameters;
use crate::request::{RequestId, write_json};
use crate::send::send;
use crate::send_batch::send_batch;
use crate::state::Api;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Extension, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
use sendmux_domain::Error;
use serde::Serialize;
use serde_json::{Value, json};

/// Whether a path speaks this dialect.
pub(crate) fn is_below(path: &str) -> bool {
    path == "/sdk/v1" || path.starts_with("/sdk/v1/")
}

/// The paths of the dialect; `keyed` is the authentication.
pub(crate) fn routes(keyed: &impl Fn(MethodRouter<Api>) -> MethodRouter<Api>) -> Router<Api> {
    Router::new()
        .route("/me", keyed(get(me::get)))
        .route("/emails/send", keyed(post(send)))
        .route(BATCH, keyed(post(send_batch)))
        .route("/emails/logs", keyed(get(logs::list)))
        .route("/emails/logs/{id}", keyed(get(logs::get)))
        .route("/emails/metrics", keyed(get(metrics::metrics)))
        .route("/providers", keyed(get(providers::list).post(providers::create)))
        .route("/providers/stats", keyed(get(providers::stats)))
        .route("/providers/usage", keyed(get(providers::usage)))
        .route("/providers/limits", keyed(get(limits::limits)))
        .route(
            "/providers/shared-amazon-ses-limit-request",
            keyed(get(limits::shared_request).post(limits::request_shared)),
        )
        .route(
            "/providers/shared-amazon-ses-limit-request/{id}",
            keyed(delete(limits::cancel_shared)),
        )
        .route(
            "/providers/limits/sending-accounts/request-increase",
            keyed(post(limits::request_increase)),
        )
        .route(
            "/providers/{id}",
            keyed(get(providers::get).patch(providers::update).delete(providers::delete)),
        )
        .route("/providers/{id}/activate", keyed(post(providers::activate)))
        .route("/providers/{id}/deactivate", keyed(post(providers::deactivate)))
        .route("/providers/{id}/test", keyed(post(providers::test)))
}

const BATCH: &str = "/emails/send/batch";

/// Most bytes of an answer that is put into an envelope. The largest, a batch with everything wrong, has less.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Layer: puts what succeeded into its envelope; 202 is 200 here. Errors are written by the outermost layer.
pub(crate) async fn envelope(Extension(id): Extension<RequestId>, request: Request, next: Next) -> Response {
    let batch = request.uri().path().ends_with(BATCH);
    let response = next.run(request).await;
    if !response.status().is_success() || response.extensions().get::<std::sync::Arc<ApiError>>().is_some() {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let body = match to_bytes(body, MAX_ANSWER).await {
        Ok(body) => body,
        Err(error) => return ApiError::internal(error).into_response(),
    };
    let Ok(mut answer) = String::from_utf8(body.into()) else {
        return ApiError::internal("an answer that is not UTF-8").into_response();
    };
    if batch {
        answer = with_null_ids(&answer).unwrap_or(answer);
    }
    // A list brings its own `data` and `pagination`.
    let inner = match answer.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(members) if members.starts_with("\"data\":[") => members.to_owned(),
        _ => format!("\"data\":{answer}"),
    };
    let enveloped = format!("{{\"ok\":true,{inner},\"meta\":{}}}", json!({"request_id": &*id.0}));
    if head.status == StatusCode::ACCEPTED {
        head.status = StatusCode::OK;
    }
    head.headers.remove(CONTENT_LENGTH);
    head.headers
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response::from_parts(head, Body::from(enveloped))
}

/// The results of a batch, where here a refused message has an id that is null.
fn with_null_ids(answer: &str) -> Option<String> {
    let mut answer: Value = serde_json::from_str(answer).ok()?;
    for result in answer["results"].as_array_mut()? {
        let result = result.as_object_mut()?;
        result.entry("message_id").or_insert(Value::Null);
    }
    serde_json::to_string(&answer).ok()
}

#[derive(Serialize)]
struct ErrorEnvelope {
    ok: bool,
    error: ErrorDetail,
    meta: Meta,
}

#[derive(Serialize)]
struct Meta {
    request_id: String,
}

/// Writes an error in its envelope. The dialect has neither 405 nor 415 among its codes.
pub(crate) fn write_error(response: &mut Response, error: &ApiError, id: &str, public_url: &str) {
    let mut detail = error.detail(public_url);
    match error.code() {
        Code::UnsupportedMediaType => {
            *response.status_mut() = StatusCode::BAD_REQUEST;
            Code::InvalidParameter.as_str().clone_into(&mut detail.code);
        }
        Code::MethodNotAllowed => Code::InvalidParameter.as_str().clone_into(&mut detail.code),
        _ => {}
    }
    let envelope = ErrorEnvelope {
        ok: false,
        error: detail,
        meta: Meta {
            request_id: id.to_owned(),
        },
    };
    write_json(response, &envelope);
}

/// How many entries a page of a list has: the number that is asked for, as near as it may be.
fn page_size(parameters: &mut Parameters<'_>) -> u64 {
    const DEFAULT: u64 = 50;
    const MOST: f64 = 100.0;
    let asked = parameters.text("limit").and_then(|text| text.parse::<f64>().ok());
    asked
        .filter(|asked| !asked.is_nan())
        .map_or(DEFAULT, |asked| asked.clamp(1.0, MOST) as u64)
}

/// What is there, or nothing, where an id that names nothing matches nothing.
fn found<T>(found: sendmux_domain::Result<T>) -> Result<Option<T>, ApiError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound(_) | Error::Invalid(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What the dialect calls a permission is what this key's permission is: reading.
fn require_read(caller: &Caller) -> Result<(), ApiError> {
    caller.require(sendmux_domain::keys::Permission::Read)
}
