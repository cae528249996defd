//! The HTTP API of Sendmux.
//!
//! Layers that a request to an authenticated path passes, from the outside in:
//!
//! 1. `request`: its id, the log's span, the shape of errors, panics;
//! 2. `drain`: the rest of a body that is refused unread is discarded, so that the answer arrives;
//! 3. `auth`: the key, then the rate limit;
//! 4. the handler: permission, then the `body` within its bounds, then `json`, then the fields, all of them, so that
//!    everything that is wrong is answered at once (`issue`, `error`), then the domain.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")
)]

mod accepting;
mod answer;
mod auth;
mod body;
mod docs;
mod drain;
mod email;
mod error;
mod fields;
mod health;
mod input;
mod issue;
mod json;
mod manage;
mod me;
mod openapi;
mod operation;
mod parameters;
mod request;
mod sdk;
mod send;
mod send_batch;
mod sns;
mod state;
#[cfg(test)]
mod tests;

pub use body::{MAX_BODY, is_misplaced};
pub use error::{ApiError, Code, ErrorAnswer, ErrorDetail, ErrorIssue};
pub use issue::{Issue, IssueCode};
pub use send::{Queued, QueuedStatus};
pub use send_batch::{BatchAnswer, BatchResult, BatchStatus, BatchSummary};

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, any, get, post};
use manage::{groups, keys, managed_route, messages, providers, routing, statistics};
use operation::{Declared, operations};
use sendmux_domain::Domain;
use state::Api;

/// A router that answers every request with 404, as an error of the API. For programs that came to
/// the right server at the wrong path, where the dashboard would answer with a page for people.
pub fn nothing(domain: Domain) -> Router {
    let api = Api::new(domain);
    Router::new()
        .fallback(not_found)
        .layer(from_fn(drain::drain_unread_body))
        .layer(from_fn_with_state(api.clone(), request::with_context))
        .with_state(api)
}

/// The public API under `/api/v1`, its enveloped dialect under `/sdk/v1`, its documentation, and the two health checks. It
/// has no fallback of its own outside of them, so that it
/// can be merged with the dashboard. Serve it with a [`ClientAddress`](sendmux_domain::ClientAddress) in each request.
pub fn router(domain: Domain) -> Router {
    let api = Api::new(domain);
    let authenticated = from_fn_with_state(api.clone(), auth::authenticate);
    // On the methods that there are, so that what there is not is told without a key.
    let open = |methods: MethodRouter<Api>| methods.route_layer(from_fn(body::refuse_misplaced));
    let keyed = |methods: MethodRouter<Api>| open(methods.route_layer(authenticated.clone()));
    let v1 = Router::from(operation::router(operations(), keyed))
        .route("/openapi.json", open(get(openapi::document)))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed);
    let sdk = Router::from(operation::router(sdk::operations(), keyed))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(sdk::envelope));
    Router::new()
        .nest("/api/v1", v1)
        // The one path below that a nested router leaves to the outer fallback.
        .route("/api/v1/", any(not_found))
        .nest("/sdk/v1", sdk)
        .route("/sdk/v1/", any(not_found))
        .route("/docs", open(get(docs::page)))
        .route("/docs/style.css", open(get(docs::style)))
        .route("/llms.txt", open(get(docs::llms)))
        .route("/hooks/ses/{token}", post(sns::receive))
        .route("/healthz", open(get(health::healthz)))
        .route("/readyz", open(get(health::readyz)))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(drain::drain_unread_body))
        .layer(from_fn_with_state(api.clone(), request::with_context))
        .with_state(api)
}

/// The operations of `/api/v1`: what is here is served, documented and behind authentication.
fn operations() -> Vec<Declared> {
    operations![
        send::send,
        send_batch::send_batch,
        messages::list,
        messages::get,
        messages::raw,
        messages::cancel,
        messages::resend,
        providers::list,
        providers::create,
        providers::get,
        providers::update,
        providers::delete,
        providers::set_routing,
        providers::activate,
        providers::deactivate,
        providers::test,
        providers::unblock,
        groups::list,
        groups::create,
        groups::get,
        groups::update,
        groups::delete,
        keys::list,
        keys::create,
        keys::get,
        keys::update,
        keys::revoke,
        keys::rotate,
        me::get,
        managed_route::get,
        managed_route::request_increase,
        managed_route::cancel_request,
        statistics::statistics,
        routing::dry_run,
    ]
}

async fn not_found() -> ApiError {
    ApiError::new(
        Code::NotFound,
        "there is nothing at this path: the API begins with /api/v1, see /api/v1/openapi.json for what there is",
    )
}

async fn method_not_allowed() -> ApiError {
    ApiError::new(
        Code::MethodNotAllowed,
        "this path has no such method; `Allow` names those it has",
    )
}
