//! The outermost layer: gives each request its id, writes errors in the shape of the API, and turns a panic into one.

use crate::auth::client_address;
use crate::error::{ApiError, ErrorAnswer};
use crate::sdk;
use crate::state::Api;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use sendmux_domain::audit;
use sendmux_domain::ids::IdKind;
use serde::Serialize;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument;

/// The id of a request, `req_…`, in its extensions.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

/// Layer: gives a request its id and its span, and writes its error.
pub(crate) async fn with_context(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let id: Arc<str> = IdKind::Request.generate().into();
    // The path, not the query: that may carry what does not belong in a log.
    let enveloped = sdk::is_below(request.uri().path());
    let remote = client_address(request.extensions()).map(tracing::field::display);
    let span =
        tracing::info_span!("request", id = %id, remote, method = %request.method(), path = request.uri().path());
    request.extensions_mut().insert(RequestId(id.clone()));
    async {
        let started = Instant::now();
        let mut response = match AssertUnwindSafe(audit::in_request(id.clone(), next.run(request)))
            .catch_unwind()
            .await
        {
            Ok(response) => response,
            Err(panic) => ApiError::internal(panic_text(&*panic)).into_response(),
        };
        tracing::debug!(status = response.status().as_u16(), elapsed = ?started.elapsed(), "answered");
        if let Some(error) = response.extensions_mut().remove::<Arc<ApiError>>() {
            let url = &api.domain.settings.public_url;
            if enveloped {
                sdk::write_error(&mut response, &error, &id, url);
            } else {
                write_error(&mut response, &error, &id, url);
            }
        }
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().insert("x-request-id", id);
        }
        response
    }
    .instrument(span)
    .await
}

fn write_error(response: &mut Response, error: &ApiError, id: &str, public_url: &str) {
    let answer = ErrorAnswer {
        error: error.detail(public_url),
        request_id: id.to_owned(),
    };
    write_json(response, &answer);
}

/// Writes a body. Strings and booleans always serialize.
pub(crate) fn write_json(response: &mut Response, answer: &impl Serialize) {
    let body = serde_json::to_vec(answer).unwrap_or_default();
    *response.body_mut() = Body::from(body);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("without a text"))
}
