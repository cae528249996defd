//! Ids of the dashboard's requests.

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use sendmux_domain::audit;
use sendmux_domain::ids::IdKind;
use std::sync::Arc;
use tracing::Instrument;

/// Middleware: gives a request an id (`req_…`), which stands in the audit log, in the log, and on the answer.
pub async fn with_id(request: Request, next: Next) -> Response {
    let id: Arc<str> = IdKind::Request.generate().into();
    let span = tracing::info_span!("request", id = %id);
    let mut response = audit::in_request(id.clone(), next.run(request)).instrument(span).await;
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}
