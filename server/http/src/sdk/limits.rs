//! `/sdk/v1/providers/limits`: how many providers there may be, what the managed route has left of its day, and asking
//! for more of that.

use super::require_read;
use crate::answer::written;
use crate::auth::Caller;
use crate::error::{ApiError, Code};
use crate::parameters::Id;
use crate::state::Api;
use axum::Json;
use axum::extract::{Extension, State};
use sendmux_domain::keys::Permission;
use sendmux_domain::managed::{self, IncreaseRequest, Route};
use sendmux_domain::providers;
use sendmux_rules::managed::{is_near, threshold};
use serde::Serialize;
use serde_json::{Value, json};

/// Sendmux has no limit to the number of providers; the dialect wants one.
const MOST_PROVIDERS: usize = 1_000_000;

/// What the managed route has left of its day.
#[derive(Debug, Serialize)]
struct Managed {
    provider_id: String,
    daily_limit: u32,
    sent_today: u32,
    threshold_usage: u32,
    usage_ratio: Option<f64>,
    is_near_limit: bool,
    can_request_increase: bool,
    pending_request_id: Option<String>,
}

impl From<&Route> for Managed {
    fn from(route: &Route) -> Self {
        Self {
            provider_id: route.provider_id.clone(),
            daily_limit: route.cap,
            sent_today: route.used,
            threshold_usage: threshold(route.cap),
            usage_ratio: (route.cap > 0).then(|| f64::from(route.used) / f64::from(route.cap)),
            is_near_limit: is_near(route.used, route.cap),
            can_request_increase: route.can_request,
            pending_request_id: route.pending.as_ref().map(|request| request.public_id.clone()),
        }
    }
}

/// A request for more of the managed route.
#[derive(Debug, Serialize)]
struct LimitRequest {
    id: String,
    status: String,
    current_daily_limit: u32,
    current_daily_sent: u32,
    approved_daily_limit: Option<u32>,
    decision_note: Option<String>,
    created_at: String,
    decided_at: Option<String>,
}

impl LimitRequest {
    fn of(request: IncreaseRequest, route: &Route) -> Self {
        Self {
            id: request.public_id,
            status: request.status.to_string(),
            current_daily_limit: request.current_cap,
            current_daily_sent: route.used,
            approved_daily_limit: request.granted_cap,
            decision_note: request.note,
            created_at: written(request.created_at),
            decided_at: request.decided_at.map(written),
        }
    }
}

/// The route, and the request that is pending.
pub(crate) async fn shared_request(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, ApiError> {
    require_read(&caller)?;
    let route = managed::route(&api.domain, caller.key.team_id).await?;
    let pending = route.pending.clone().map(|request| LimitRequest::of(request, &route));
    Ok(Json(
        json!({ "limit": Managed::from(&route), "pending_request": pending }),
    ))
}

/// Asks for more of the managed route.
pub(crate) async fn request_shared(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, ApiError> {
    caller.require(Permission::Manage)?;
    let request = managed::request_increase(&api.domain, &caller.actor()).await?;
    with_limit(&api, &caller, request).await
}

/// Takes the pending request back.
pub(crate) async fn cancel_shared(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
) -> Result<Json<Value>, ApiError> {
    caller.require(Permission::Manage)?;
    let request = managed::cancel_request(&api.domain, &caller.actor(), &id).await?;
    with_limit(&api, &caller, request).await
}

async fn with_limit(api: &Api, caller: &Caller, request: IncreaseRequest) -> Result<Json<Value>, ApiError> {
    let route = managed::route(&api.domain, caller.key.team_id).await?;
    let request = LimitRequest::of(request, &route);
    Ok(Json(json!({ "request": request, "limit": Managed::from(&route) })))
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
    let route = managed::route(&api.domain, caller.key.team_id).await?;
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
        "shared_amazon_ses": Managed::from(&route),
    })))
}
