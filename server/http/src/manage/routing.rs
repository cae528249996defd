//! `POST /api/v1/routing/dry-run`: where a message would go now, and why. Nothing is sent or counted.

use super::messages::when;
use crate::auth::Caller;
use crate::error::{ApiError, ErrorAnswer};
use crate::issue::IssueCode;
use crate::parameters::{self, is_id};
use crate::state::Api;
use axum::Json;
use axum::extract::{Extension, Request, State};
use sendmux_domain::dry_run::{self, DryRun};
use sendmux_domain::keys::Permission;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A message that is only thought of.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used: requests are read field by field")]
pub(crate) struct DryRunRequest {
    /// The key it would be sent with; the one of this request when absent.
    #[schema(pattern = "^key_[a-z0-9]{24}$")]
    key_id: Option<String>,
    /// Its size in bytes; 10,000 when absent.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    size: Option<u64>,
    /// How many recipients it has; 1 when absent.
    #[schema(minimum = 1, maximum = 201)]
    recipients: Option<u32>,
    /// The domain of its sender's address.
    sender_domain: Option<String>,
}

/// What the selection says about it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DryRun)]
pub struct DryRunAnswer {
    /// The providers in the scope.
    pub candidates: Vec<CandidateAnswer>,
    /// What it would wait for, when none of them can take it now.
    pub waiting: Option<WouldWait>,
    /// Why it would be refused when handed in.
    pub refusal: Option<String>,
}

/// A provider in the scope.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Candidate)]
pub struct CandidateAnswer {
    /// The provider.
    pub provider_id: String,
    /// What it is called.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its weight in this scope.
    pub weight: u32,
    /// Its part of the scope's traffic, 0 to 100.
    pub share: f64,
    /// How probable it is, 0 to 100, that it would take the message now.
    pub chance: f64,
    /// Why it is left out; null when it takes part in the draw.
    pub left_out: Option<Value>,
    /// When it opens, if only time keeps it out.
    #[schema(format = "date-time")]
    pub opens_at: Option<String>,
}

/// What a message would wait for.
#[derive(Debug, Serialize, ToSchema)]
pub struct WouldWait {
    /// `cap`, `throttled` or `blocked`.
    pub reason: String,
    /// When that opens; null when only somebody's hand opens it.
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
#[utoipa::path(post, path = "/api/v1/routing/dry-run", operation_id = "dryRun", tag = "Routing",
    request_body = DryRunRequest,
    responses((status = 200, description = "What the selection says", body = DryRunAnswer),
        (status = 409, description = "`conflict`: the key was revoked", body = ErrorAnswer)))]
pub(crate) async fn dry_run(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Json<DryRunAnswer>, ApiError> {
    caller.require(Permission::Read)?;
    let (key, size, recipients, sender) = parameters::body(&api, request, |object, issues| {
        let key = object.take_text("key_id", issues).map(|id| id.into_owned());
        let mut number = |name, absent: i64, most: i64| {
            let number = object.take_integer(name, issues).unwrap_or(absent);
            if !(1..=most).contains(&number) {
                issues.add(name, IssueCode::InvalidValue, format!("must be from 1 to {most}"));
            }
            number
        };
        let size = number("size", 10_000, 1_000_000_000);
        let recipients = number("recipients", 1, 201);
        let sender = object
            .take_text("sender_domain", issues)
            .map(|domain| domain.into_owned());
        if sender
            .as_deref()
            .is_some_and(|domain| domain.chars().any(char::is_control))
        {
            let message = "must not have control characters";
            issues.add("sender_domain", IssueCode::InvalidCharacters, message);
        }
        (key, size, recipients, sender.unwrap_or_default())
    })
    .await?;
    let key = key.unwrap_or_else(|| caller.key.public_id.clone());
    if !is_id(&key) {
        return Err(sendmux_domain::Error::NotFound("API key").into());
    }
    let run = dry_run::dry_run(
        &api.domain,
        caller.key.team_id,
        &key,
        u64::try_from(size).unwrap_or_default(),
        u32::try_from(recipients).unwrap_or(1),
        &sender,
    )
    .await?;
    Ok(Json(run.into()))
}
