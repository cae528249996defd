//! `/healthz`: the process answers. `/readyz`: it can accept messages, which takes a commit to its database.

use crate::state::Api;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sendmux_domain::readiness;
use serde_json::{Value, json};

pub(crate) async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

pub(crate) async fn readyz(State(api): State<Api>) -> (StatusCode, Json<Value>) {
    match readiness::check(&api.domain).await {
        Ok(()) => (StatusCode::OK, Json(json!({ "status": "ok" }))),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                Json(json!({ "status": "unavailable" })),
            )
        }
    }
}
