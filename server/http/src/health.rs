//! `/healthz`: the process answers. `/readyz`: it can serve, its database answers too.

use crate::state::Api;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

/// How long the database may take.
const PATIENCE: Duration = Duration::from_secs(3);

pub(crate) async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

pub(crate) async fn readyz(State(api): State<Api>) -> (StatusCode, Json<Value>) {
    match tokio::time::timeout(PATIENCE, api.domain.db.ping()).await {
        Ok(Ok(())) => (StatusCode::OK, Json(json!({ "status": "ok" }))),
        failed => {
            match failed {
                Ok(Err(error)) => tracing::warn!(%error, "the database does not answer"),
                _ => tracing::warn!("the database does not answer in time"),
            }
            (
                StatusCode::SERVICE_UNAVAILABLE,
                Json(json!({ "status": "unavailable" })),
            )
        }
    }
}
