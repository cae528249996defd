//! `/api/v1/managed-route`: what the team has on the route that the installation runs, and asking for more.

use crate::answer::written;
use crate::auth::{Permitted, ToManage, ToRead};
use crate::error::{ApiError, ErrorAnswer};
use crate::parameters::Id;
use crate::state::Api;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sendmux_domain::managed::{self, Route};
use sendmux_rules::managed::{Feedback as Counted, threshold};
use serde::Serialize;
use utoipa::ToSchema;

/// The team's managed route. It is for transactional mail only.
#[derive(Debug, Serialize, ToSchema)]
pub struct ManagedRoute {
    /// Its provider.
    #[schema(pattern = "^prv_[a-z0-9]{24}$")]
    pub provider_id: String,
    /// The address that it sends as; the original sender stands in Reply-To.
    pub address: String,
    /// `active`, `inactive`, `pending` (the owner's address is not verified yet) or `suspended`.
    pub status: String,
    /// Recipients a day.
    pub daily_cap: u32,
    /// Recipients of this UTC day.
    pub used_today: u32,
    /// Time at which the count begins anew: 00:00 UTC.
    #[schema(format = "date-time")]
    pub resets_at: String,
    /// Recipients of a day from which on an increase can be requested, on that day and for 7 days after.
    pub threshold: u32,
    /// An increase can be requested now.
    pub can_request_increase: bool,
    /// The request that waits for the operator.
    pub pending_request: Option<IncreaseRequest>,
    /// Recipients sent to within 7 days, and what came back.
    pub feedback: Feedback,
    /// The suspension, while it is suspended.
    pub suspension: Option<Suspension>,
    /// The installation has no account to send with: what goes through this route is captured in the sandbox.
    pub to_sandbox: bool,
}

/// Recipients sent to through the managed route, and what came back.
#[derive(Debug, Serialize, ToSchema)]
pub struct Feedback {
    /// Recipients sent to.
    pub recipients: u64,
    /// Addresses that bounced for good. At 5%, and 10 of them, the route is suspended.
    pub hard_bounces: u64,
    /// People who complained. At 0.1%, and 3 of them, the route is suspended.
    pub complaints: u64,
}

impl From<Counted> for Feedback {
    fn from(counted: Counted) -> Self {
        Self {
            recipients: counted.recipients,
            hard_bounces: counted.hard_bounces,
            complaints: counted.complaints,
        }
    }
}

/// A suspension. Only the operator of the installation lifts it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Suspension {
    /// `bounces` or `complaints`.
    pub reason: String,
    /// The feedback that led to it.
    pub feedback: Feedback,
    /// Since when.
    #[schema(format = "date-time")]
    pub since: String,
}

/// A request for a higher cap.
#[derive(Debug, Serialize, ToSchema)]
pub struct IncreaseRequest {
    /// Its id.
    #[schema(pattern = "^qir_[a-z0-9]{24}$")]
    pub id: String,
    /// `pending`, `approved`, `denied` or `cancelled`.
    pub status: String,
    /// The cap when it was made.
    pub current_cap: u32,
    /// The cap that was granted.
    pub granted_cap: Option<u32>,
    /// The operator's note.
    pub note: Option<String>,
    /// Time of creation.
    #[schema(format = "date-time")]
    pub created_at: String,
    /// Time at which it was decided or taken back.
    #[schema(format = "date-time")]
    pub decided_at: Option<String>,
}

impl From<managed::IncreaseRequest> for IncreaseRequest {
    fn from(request: managed::IncreaseRequest) -> Self {
        Self {
            id: request.public_id,
            status: request.status.to_string(),
            current_cap: request.current_cap,
            granted_cap: request.granted_cap,
            note: request.note,
            created_at: written(request.created_at),
            decided_at: request.decided_at.map(written),
        }
    }
}

impl From<Route> for ManagedRoute {
    fn from(route: Route) -> Self {
        Self {
            provider_id: route.provider_id,
            address: route.address,
            status: route.status.to_string(),
            daily_cap: route.cap,
            used_today: route.used,
            resets_at: written(route.resets_at),
            threshold: threshold(route.cap),
            can_request_increase: route.can_request,
            pending_request: route.pending.map(IncreaseRequest::from),
            feedback: route.feedback.into(),
            suspension: route.suspension.map(|suspension| Suspension {
                reason: suspension.reason.to_string(),
                feedback: suspension.feedback.into(),
                since: written(suspension.since),
            }),
            to_sandbox: route.to_sandbox,
        }
    }
}

/// Shows the team's managed route: its cap, what is used of it today, and what came back.
#[utoipa::path(get, path = "/managed-route", operation_id = "getManagedRoute", tag = "Managed route",
    responses((status = 200, description = "The managed route", body = ManagedRoute)))]
pub(crate) async fn get(caller: Permitted<ToRead>, State(api): State<Api>) -> Result<Json<ManagedRoute>, ApiError> {
    Ok(Json(managed::route(&api.domain, caller.key.team_id).await?.into()))
}

/// Asks the operator for a higher cap. It can be asked once 80% of the day's cap was reached, today or within the last 7
/// days, and one request can be pending. The team's owner gets a mail with the outcome.
#[utoipa::path(post, path = "/managed-route/increase-requests", operation_id = "requestIncrease",
    tag = "Managed route",
    responses((status = 201, description = "The request", body = IncreaseRequest),
        (status = 409, description = "`conflict`: one is pending, or 80% were not reached", body = ErrorAnswer)))]
pub(crate) async fn request_increase(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
) -> Result<(StatusCode, Json<IncreaseRequest>), ApiError> {
    let request = managed::request_increase(&api.domain, &caller.actor()).await?;
    Ok((StatusCode::CREATED, Json(request.into())))
}

/// Takes back a pending request.
#[utoipa::path(delete, path = "/managed-route/increase-requests/{id}", operation_id = "cancelIncreaseRequest",
    tag = "Managed route",
    params(("id" = String, Path, description = "`qir_…`")),
    responses((status = 200, description = "The request, taken back", body = IncreaseRequest),
        (status = 409, description = "`conflict`: it was decided", body = ErrorAnswer)))]
pub(crate) async fn cancel_request(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<Json<IncreaseRequest>, ApiError> {
    let request = managed::cancel_request(&api.domain, &caller.actor(), &id).await?;
    Ok(Json(request.into()))
}
