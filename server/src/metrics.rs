//! The metrics: counting the requests of the public listener, and serving what is counted on a listener of its own, so
//! that a firewall, and not a forgotten setting, decides who reads it.

use crate::config::Config;
use anyhow::Context;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sendmux_domain::Domain;
use sendmux_domain::metrics::{self, CONTENT_TYPE as OPENMETRICS};
use std::time::Instant;
use tokio::net::TcpListener;

/// Listens where the configuration says, which may be nowhere.
pub async fn bind(config: &Config) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = config.metrics_addr else {
        return Ok(None);
    };
    let listener = TcpListener::bind(address).await;
    let wrong = || format!("cannot listen on {address} (metrics_addr, SENDMUX_METRICS_ADDR; off: no metrics)");
    listener.map(Some).with_context(wrong)
}

/// The routes that are served there.
pub fn router(domain: Domain) -> Router {
    Router::new().route("/metrics", get(scrape)).with_state(domain)
}

async fn scrape(State(domain): State<Domain>) -> Response {
    match metrics::render(&domain).await {
        Ok(text) => ([(CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Layer: counts requests by the route that they matched.
pub async fn count(State(domain): State<Domain>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    // What matches nothing is the files of the dashboard, and whatever else somebody asks for.
    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    let status = response.status().as_u16();
    domain
        .metrics
        .http
        .answered(method.as_str(), route, status, began.elapsed());
    response
}
