//! `POST /api/v1/emails/send/batch`.

use crate::accepting::{self, Admitted, Answered, Mint, Repeatable, parse};
use crate::auth::{Permitted, ToSend};
use crate::email::{Composed, Draft, EmailRequest};
use crate::error::{ApiError, Code, ErrorAnswer, ErrorDetail};
use crate::fields::{self, Object};
use crate::input::{self, Property, Schemas, Value};
use crate::issue::{IssueCode, Issues};
use crate::json::Json;
use crate::request::RequestId;
use crate::state::Api;
use axum::extract::{Extension, State};
use sendmux_domain::idempotency::Operation;
use sendmux_domain::messages::{self, Intake};
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, ObjectBuilder, Schema, SchemaType};
use utoipa::{PartialSchema, ToSchema};

/// Messages of one batch.
pub(crate) const MAX_MESSAGES: usize = 100;
/// Issues that are listed for one message: a hundred messages with all of theirs would be a body of many megabytes.
const MAX_ISSUES: usize = 100;

/// Emails to be sent.
pub(crate) struct BatchRequest;

impl BatchRequest {
    const FIELD: &str = "messages";
}

impl PartialSchema for BatchRequest {
    fn schema() -> RefOr<Schema> {
        // One that does not fit fails alone.
        let anything = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
        let email = AnyOfBuilder::new()
            .item(<EmailRequest as Value>::schema())
            .item(anything);
        let list = ArrayBuilder::new()
            .items(email)
            .min_items(Some(1))
            .max_items(Some(MAX_MESSAGES));
        let messages = Property {
            name: Self::FIELD,
            schema: list.into(),
            optional: false,
            about: "The emails. Each is accepted or refused on its own.".to_owned(),
        };
        input::object("Emails to be sent.", vec![messages]).into()
    }
}

impl ToSchema for BatchRequest {
    fn schemas(schemas: &mut Schemas) {
        <EmailRequest as Value>::schemas(schemas);
    }
}

/// The outcome of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchAnswer {
    /// The numbers.
    pub summary: BatchSummary,
    /// One result for each message, in the order of the request.
    pub results: Vec<BatchResult>,
}

/// The numbers of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct BatchSummary {
    /// Messages in the request.
    pub total: u32,
    /// Messages that are queued.
    pub queued: u32,
    /// Messages that are refused.
    pub failed: u32,
}

/// The outcome of one message of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchResult {
    /// Its place in the request, from 0.
    pub index: u32,
    /// Its status.
    pub status: BatchStatus,
    /// The id of the message, when it is queued.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        pattern = "^eml_[a-z0-9]{24}$",
        example = "eml_x7k2m9q4w1z8c5v3b6n0a2s4"
    )]
    pub message_id: Option<String>,
    /// The error, when it is not queued. Fields are those of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<ErrorDetail>,
}

/// The state of one message of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BatchStatus {
    /// It waits to be sent.
    Queued,
    /// It was refused, and nothing of it is kept.
    Failed,
}

/// Sends up to 100 emails.
///
/// The messages that are queued are stored together, in one commit; one that cannot be is `failed`, alone, with the error
/// that sending it by itself would have met: `validation_error`, or `no_active_providers`, which then is the fate of all.
/// The batch as a whole is refused only for a malformed body, for the key, or for limits on the request: so look at
/// `summary`, not at the status alone. It counts as one request. When no message is queued, nothing is kept under the
/// Idempotency-Key.
#[utoipa::path(
    post,
    path = "/emails/send/batch",
    operation_id = "sendEmailBatch",
    tag = "Emails",
    responses(
        (status = 202, description = "The batch is accepted; `results` tells of each message.", body = BatchAnswer,
            headers(("Idempotent-Replayed" = String, description = "`true` when this is the answer of an earlier request"))),
        (status = 422, description = "`validation_error`: no messages, or more than 100", body = ErrorAnswer),
        (status = 503, description = "`service_unavailable`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn send_batch(
    caller: Permitted<ToSend>,
    State(api): State<Api>,
    Extension(request_id): Extension<RequestId>,
    batch: Repeatable<BatchRequest>,
) -> Result<Answered, ApiError> {
    let mut sending =
        match accepting::admit(&api, caller.into_caller(), request_id, Operation::SendBatch, batch).await? {
            Admitted::Sending(sending) => sending,
            Admitted::Answered(answered) => return Ok(answered),
        };
    let mint = sending.mint();
    let body = std::mem::take(&mut sending.payload.bytes);
    let composed = api.bodies.work(body, move |body| compose(parse(&body)?, &mint));
    let composed = composed.await??;

    let mut intake = Intake::new(&api.domain);
    let mut results = Vec::with_capacity(composed.len());
    for (index, composed) in (0..).zip(composed) {
        let added = match composed {
            Ok(composed) => sending.accept(&mut intake, composed).await,
            Err(error) => Err(error),
        };
        results.push(match added {
            Ok(accepted) => BatchResult {
                index,
                status: BatchStatus::Queued,
                message_id: Some(accepted.message_id),
                error: None,
            },
            // What is no fault of this one message is the fate of all.
            Err(error) if matches!(error.code(), Code::InternalError | Code::ServiceUnavailable) => return Err(error),
            Err(error) => BatchResult {
                index,
                status: BatchStatus::Failed,
                message_id: None,
                error: Some(error.detail_with(&api.domain.settings.public_url, MAX_ISSUES)),
            },
        });
    }
    let count = |status| results.iter().filter(|result| result.status == status).count() as u32;
    let summary = BatchSummary {
        total: results.len() as u32,
        queued: count(BatchStatus::Queued),
        failed: count(BatchStatus::Failed),
    };
    sending.conclude(intake, &BatchAnswer { summary, results }).await
}

/// Builds every message of a batch, or tells why it is no batch at all.
fn compose(body: Json<'_>, mint: &Mint) -> Result<Vec<Result<Composed, ApiError>>, ApiError> {
    const FIELD: &str = BatchRequest::FIELD;
    let mut issues = Issues::default();
    let Some(mut request) = Object::read(body, "", &mut issues) else {
        return Err(issues.into());
    };
    let list = match request.take(FIELD) {
        Some(json) => fields::list(json, FIELD, MAX_MESSAGES, &mut issues),
        None => {
            issues.add(FIELD, IssueCode::Missing, "is required");
            Vec::new()
        }
    };
    if list.is_empty() && !issues.covers(FIELD) {
        issues.add(FIELD, IssueCode::Empty, "must have at least one message");
    }
    request.finish(&mut issues);
    if !issues.is_empty() {
        return Err(issues.into());
    }
    Ok((0..)
        .zip(list)
        .map(|(index, json)| message(index, json, mint))
        .collect())
}

fn message(index: usize, json: Json<'_>, mint: &Mint) -> Result<Composed, ApiError> {
    if !matches!(json, Json::Object(_)) {
        let mut issues = Issues::default();
        fields::wrong_type(&mut issues, &format!("messages[{index}]"), "an object", &json);
        return Err(issues.into());
    }
    let public_id = messages::new_message_id();
    let draft = Draft::read(json, mint.stamp(&public_id))?;
    Ok(draft.compose(public_id))
}
