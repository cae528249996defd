//! `POST /api/v1/routing/dry-run`: where a message would go now, and why. Nothing is sent or counted.

use super::messages::when;
use crate::auth::{Permitted, ToRead};
use crate::error::{ApiError, ErrorAnswer};
use crate::fields::Object;
use crate::input::{self, TEXT, Whole, input};
use crate::issue::{IssueCode, Issues};
use crate::parameters::{Body, is_id};
use crate::state::Api;
use axum::Json;
use axum::extract::State;
use sendmux_domain::dry_run::{self, DryRun};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

input! {
    /// A message that is only thought of.
    pub(crate) struct DryRunRequest {
        /// The key it would be sent with; the one of this request when absent.
        key_id: Option<String> as input::id("key"),
        /// Its size in bytes; 10,000 when absent.
        size: Option<Whole<1, 1_000_000_000>>,
        /// Its number of recipients; 1 when absent.
        recipients: Option<Whole<1, 201>>,
        /// The domain of its sender's address.
        sender_domain: Option<String> as input::pattern(TEXT),
    }
    check has_a_plain_domain;
}

fn has_a_plain_domain(request: &DryRunRequest, object: &Object<'_>, issues: &mut Issues) {
    let domain = request.sender_domain.as_deref().unwrap_or_default();
    if domain.chars().any(char::is_control) {
        let message = "must not have control characters";
        issues.add(object.path("sender_domain"), IssueCode::InvalidCharacters, message);
    }
}

/// The selection's answer about a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DryRun)]
pub struct DryRunAnswer {
    /// The providers in the scope.
    pub candidates: Vec<CandidateAnswer>,
    /// The wait, when none of them can take it now.
    pub waiting: Option<WouldWait>,
    /// The reason why it would be refused when handed in.
    pub refusal: Option<String>,
}

/// A provider in the scope.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Candidate)]
pub struct CandidateAnswer {
    /// The provider.
    pub provider_id: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its weight in this scope.
    pub weight: u32,
    /// Its part of the scope's traffic, 0 to 100.
    pub share: f64,
    /// The probability, 0 to 100, that it would take the message now.
    pub chance: f64,
    /// The reason why it is left out; null when it takes part in the draw.
    pub left_out: Option<Value>,
    /// Time at which it opens, if only time keeps it out.
    #[schema(format = "date-time")]
    pub opens_at: Option<String>,
}

/// The wait of a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct WouldWait {
    /// `cap`, `throttled` or `blocked`.
    pub reason: String,
    /// Time at which that opens; null when only somebody's hand opens it.
    #[schema(format = "date-time")]
    pub opens_at: Option<String>,
}

impl From<DryRun> for DryRunAnswer {
    fn from(run: DryRun) -> Self {
        Self {
            candidates: run
                .candidates
                .into_iter()
                .map(|candidate| CandidateAnswer {
                    provider_id: candidate.public_id,
                    name: candidate.name,
                    kind: candidate.kind.to_string(),
                    weight: candidate.weight,
                    share: candidate.share,
                    chance: candidate.chance,
                    left_out: candidate
                        .left_out
                        .map(|left_out| serde_json::to_value(left_out).unwrap_or(Value::Null)),
                    opens_at: when(candidate.opens_at),
                })
                .collect(),
            waiting: run.waiting.map(|waiting| WouldWait {
                reason: waiting.reason.to_string(),
                opens_at: when(waiting.opens_at),
            }),
            refusal: run.refusal,
        }
    }
}

/// Tells where a message would go now, and why, without sending anything.
#[utoipa::path(post, path = "/routing/dry-run", operation_id = "dryRun", tag = "Routing",
    responses((status = 200, description = "What the selection says", body = DryRunAnswer),
        (status = 409, description = "`conflict`: the key was revoked", body = ErrorAnswer)))]
pub(crate) async fn dry_run(
    caller: Permitted<ToRead>,
    State(api): State<Api>,
    Body(request): Body<DryRunRequest>,
) -> Result<Json<DryRunAnswer>, ApiError> {
    let size = request.size.map_or(10_000, |Whole(size)| size.unsigned_abs());
    let recipients = request.recipients.map_or(1, |Whole(count)| count);
    let key = request.key_id.unwrap_or_else(|| caller.key.public_id.clone());
    if !is_id(&key) {
        return Err(sendmux_domain::Error::NotFound("API key").into());
    }
    let run = dry_run::dry_run(
        &api.domain,
        caller.key.team_id,
        &key,
        size,
        u32::try_from(recipients).unwrap_or(1),
        &request.sender_domain.unwrap_or_default(),
    )
    .await?;
    Ok(Json(run.into()))
}
