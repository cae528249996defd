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

use crate::error::{ApiError, Code, ErrorDetail};
use crate::input::{self, Parameter, Value};
use crate::issue::Issues;
use crate::json::Json;
use crate::operation::{Declared, operations};
use crate::request::{RequestId, write_json};
use crate::{me, send, send_batch};
use axum::body::{Body, to_bytes};
use axum::extract::{Extension, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sendmux_domain::Error;
use serde::Serialize;
use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

/// True for a path of this dialect.
pub(crate) fn is_below(path: &str) -> bool {
    path == "/sdk/v1" || path.starts_with("/sdk/v1/")
}

/// The operations of the dialect.
pub(crate) fn operations() -> Vec<Declared> {
    operations![
        me::get,
        send::send,
        send_batch::send_batch,
        logs::list,
        logs::get,
        metrics::metrics,
        providers::list,
        providers::create,
        providers::stats,
        providers::usage,
        limits::limits,
        limits::shared_request,
        limits::request_shared,
        limits::cancel_shared,
        limits::request_increase,
        providers::get,
        providers::update,
        providers::delete,
        providers::activate,
        providers::deactivate,
        providers::test,
    ]
}

/// The end of the path where batches are sent.
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
    let mut answer: serde_json::Value = serde_json::from_str(answer).ok()?;
    for result in answer["results"].as_array_mut()? {
        let result = result.as_object_mut()?;
        result.entry("message_id").or_insert(serde_json::Value::Null);
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

/// Entries of a page of a list: the number that is asked for, as near as it may be.
#[derive(Clone, Copy, PartialEq)]
struct PageSize(u64);

impl Default for PageSize {
    fn default() -> Self {
        Self(50)
    }
}

impl Value for PageSize {
    fn schema() -> RefOr<Schema> {
        input::whole(1, 100).into()
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        let Parameter(text) = Parameter::<String>::read(json, at, issues)?;
        let asked = text.parse::<f64>().ok().filter(|asked| !asked.is_nan());
        Some(asked.map_or_else(Self::default, |asked| Self(asked.clamp(1.0, 100.0) as u64)))
    }
}

/// The text of a parameter.
fn text(parameter: Option<Parameter<String>>) -> Option<String> {
    parameter.map(|Parameter(text)| text)
}

/// The thing that was looked for, or nothing, where an id that names nothing matches nothing.
fn found<T>(found: sendmux_domain::Result<T>) -> Result<Option<T>, ApiError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound(_) | Error::Invalid(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
