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
mod issue;
mod json;
mod manage;
mod me;
mod openapi;
mod parameters;
mod request;
mod sdk;
mod send;
mod send_batch;
mod sns;
mod state;
#[cfg(test)]
mod tests;

pub use body::MAX_BODY;
pub use error::{ApiError, Code, ErrorAnswer, ErrorDetail, ErrorIssue};
pub use issue::{Issue, IssueCode};
pub use send::{Queued, QueuedStatus};
pub use send_batch::{BatchAnswer, BatchResult, BatchStatus, BatchSummary};

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, any, delete, get, post, put};
use manage::{groups, keys, managed_route, messages, providers, routing, statistics};
use sendmux_domain::Domain;
use state::Api;

/// What any request gets that asks for something which is not there: 404, as an error of the API. For programs that came to
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
    let keyed = |methods: MethodRouter<Api>| methods.route_layer(authenticated.clone());
    let v1 = Router::new()
        .route("/emails/send", keyed(post(send::send)))
        .route("/emails/send/batch", keyed(post(send_batch::send_batch)))
        .route("/messages", keyed(get(messages::list)))
        .route("/messages/{id}", keyed(get(messages::get)))
        .route("/messages/{id}/raw", keyed(get(messages::raw)))
        .route("/messages/{id}/cancel", keyed(post(messages::cancel)))
        .route("/messages/{id}/resend", keyed(post(messages::resend)))
        .route("/providers", keyed(get(providers::list).post(providers::create)))
        .route(
            "/providers/{id}",
            keyed(get(providers::get).patch(providers::update).delete(providers::delete)),
        )
        .route("/providers/{id}/routing", keyed(put(providers::set_routing)))
        .route("/providers/{id}/activate", keyed(post(providers::activate)))
        .route("/providers/{id}/deactivate", keyed(post(providers::deactivate)))
        .route("/providers/{id}/test", keyed(post(providers::test)))
        .route("/providers/{id}/unblock", keyed(post(providers::unblock)))
        .route("/groups", keyed(get(groups::list).post(groups::create)))
        .route(
            "/groups/{id}",
            keyed(get(groups::get).patch(groups::update).delete(groups::delete)),
        )
        .route("/keys", keyed(get(keys::list).post(keys::create)))
        .route(
            "/keys/{id}",
            keyed(get(keys::get).patch(keys::update).delete(keys::revoke)),
        )
        .route("/keys/{id}/rotate", keyed(post(keys::rotate)))
        .route("/me", keyed(get(me::get)))
        .route("/managed-route", keyed(get(managed_route::get)))
        .route(
            "/managed-route/increase-requests",
            keyed(post(managed_route::request_increase)),
        )
        .route(
            "/managed-route/increase-requests/{id}",
            keyed(delete(managed_route::cancel_request)),
        )
        .route("/statistics", keyed(get(statistics::statistics)))
        .route("/routing/dry-run", keyed(post(routing::dry_run)))
        .route("/openapi.json", get(openapi::document))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed);
    let sdk = sdk::routes(&keyed)
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(sdk::envelope));
    Router::new()
        .nest("/api/v1", v1)
        // The one path below that a nested router leaves to the outer fallback.
        .route("/api/v1/", any(not_found))
        .nest("/sdk/v1", sdk)
        .route("/sdk/v1/", any(not_found))
        .route("/docs", get(docs::page))
        .route("/docs/style.css", get(docs::style))
        .route("/llms.txt", get(docs::llms))
        .route("/hooks/ses/{token}", post(sns::receive))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(drain::drain_unread_body))
        .layer(from_fn_with_state(api.clone(), request::with_context))
        .with_state(api)
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
