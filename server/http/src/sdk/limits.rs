//! `/sdk/v1/providers/limits`: how many providers there may be, what the managed route has left of its day, and asking
//! for more of that.

use crate::answer::written;
use crate::auth::{Caller, Permitted, ToManage, ToRead};
use crate::error::{ApiError, Code};
use crate::parameters::Id;
use crate::state::Api;
use axum::Json;
use axum::extract::State;
use sendmux_domain::managed::{self, IncreaseRequest, Route};
use sendmux_domain::providers;
use sendmux_rules::managed::{is_near, threshold};
use serde::Serialize;
use serde_json::{Value, json};

/// Sendmux has no limit to the number of providers; the dialect wants one.
const MOST_PROVIDERS: usize = 1_000_000;

/// The rest of the managed route's day.
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
#[utoipa::path(get, path = "/providers/shared-amazon-ses-limit-request")]
pub(crate) async fn shared_request(caller: Permitted<ToRead>, State(api): State<Api>) -> Result<Json<Value>, ApiError> {
    let route = managed::route(&api.domain, caller.key.team_id).await?;
    let pending = route.pending.clone().map(|request| LimitRequest::of(request, &route));
    Ok(Json(
        json!({ "limit": Managed::from(&route), "pending_request": pending }),
    ))
}

/// Asks for more of the managed route.
#[utoipa::path(post, path = "/providers/shared-amazon-ses-limit-request")]
pub(crate) async fn request_shared(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
) -> Result<Json<Value>, ApiError> {
    let request = managed::request_increase(&api.domain, &caller.actor()).await?;
    with_limit(&api, &caller, request).await
}

/// Takes the pending request back.
#[utoipa::path(delete, path = "/providers/shared-amazon-ses-limit-request/{id}")]
pub(crate) async fn cancel_shared(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<Json<Value>, ApiError> {
    let request = managed::cancel_request(&api.domain, &caller.actor(), &id).await?;
    with_limit(&api, &caller, request).await
}

async fn with_limit(api: &Api, caller: &Caller, request: IncreaseRequest) -> Result<Json<Value>, ApiError> {
    let route = managed::route(&api.domain, caller.key.team_id).await?;
    let request = LimitRequest::of(request, &route);
    Ok(Json(json!({ "request": request, "limit": Managed::from(&route) })))
}

/// There is nothing to ask for: no installation limits how many providers a team has.
#[utoipa::path(post, path = "/providers/limits/sending-accounts/request-increase")]
pub(crate) async fn request_increase(_caller: Permitted<ToManage>) -> ApiError {
    let message = "the number of providers has no limit here, so there is none to be raised";
    ApiError::new(Code::Conflict, message)
}

#[utoipa::path(get, path = "/providers/limits")]
pub(crate) async fn limits(caller: Permitted<ToRead>, State(api): State<Api>) -> Result<Json<Value>, ApiError> {
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
