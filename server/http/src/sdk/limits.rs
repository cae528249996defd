//! `/sdk/v1/providers/limits`: how many providers there may be, and what the managed route has left of its day.

use super::require_read;
use crate::auth::Caller;
use crate::error::{ApiError, Code};
use crate::state::Api;
use axum::Json;
use axum::extract::{Extension, State};
use sendmux_domain::keys::Permission;
use sendmux_domain::providers::{self, ProviderView};
use serde::Serialize;
use serde_json::{Value, json};

/// From this part of a limit on it is told that it is near.
const NEAR: f64 = 0.8;
/// Sendmux has no limit to the number of providers; the dialect wants one.
const MOST_PROVIDERS: usize = 1_000_000;

/// What the managed route has left of its day.
#[derive(Debug, Serialize)]
struct Managed {
    provider_id: Option<String>,
    daily_limit: Option<u32>,
    sent_today: u32,
    threshold_usage: Option<u32>,
    usage_ratio: Option<f64>,
    is_near_limit: bool,
    can_request_increase: bool,
    pending_request_id: Option<String>,
}

impl Managed {
    fn of(route: Option<&ProviderView>) -> Self {
        let limit = route.and_then(|route| route.caps.day);
        let used = route.map_or(0, |route| route.used.day);
        let ratio = limit
            .filter(|limit| *limit > 0)
            .map(|limit| f64::from(used) / f64::from(limit));
        Self {
            provider_id: route.map(|route| route.public_id.clone()),
            daily_limit: limit,
            sent_today: used,
            threshold_usage: limit.map(|limit| (f64::from(limit) * NEAR).ceil() as u32),
            usage_ratio: ratio,
            is_near_limit: ratio.is_some_and(|ratio| ratio >= NEAR),
            can_request_increase: false,
            pending_request_id: None,
        }
    }
}

/// There is nothing to ask for: no installation limits how many providers a team has.
pub(crate) async fn request_increase(Extension(caller): Extension<Caller>) -> ApiError {
    if let Err(error) = caller.require(Permission::Manage) {
        return error;
    }
    let message = "the number of providers has no limit here, so there is none to be raised";
    ApiError::new(Code::Conflict, message)
}

pub(crate) async fn limits(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, ApiError> {
    require_read(&caller)?;
    let views = providers::list(&api.domain, caller.key.team_id).await?;
    let own = views.iter().filter(|view| view.kind.is_own()).count();
    Ok(Json(json!({
        "sending_accounts": {
            "resource_type": "sending_accounts",
            "usage": own,
            "max_allowed": MOST_PROVIDERS,
            "reserved": 0,
            "threshold_usage": MOST_PROVIDERS / 10 * 8,
            "usage_ratio": own as f64 / MOST_PROVIDERS as f64,
            "is_at_limit": own >= MOST_PROVIDERS,
            "is_near_limit": own >= MOST_PROVIDERS / 10 * 8,
            "can_request_increase": false,
            "pending_request_id": null,
        },
        "shared_amazon_ses": Managed::of(views.iter().find(|view| view.managed)),
    })))
}
