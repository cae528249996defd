//! `POST /api/v1/emails/send`.

use crate::accepting::{self, Admitted, Answered, parse};
use crate::auth::Caller;
use crate::email::{Draft, EmailRequest};
use crate::error::{ApiError, ErrorAnswer};
use crate::request::RequestId;
use crate::state::Api;
use axum::extract::{Extension, Request, State};
use sendmux_domain::idempotency::Operation;
use sendmux_domain::messages::{self, Intake};
use serde::Serialize;
use utoipa::ToSchema;

/// The receipt of an email: it is on disk, and is delivered whatever happens.
#[derive(Debug, Serialize, ToSchema)]
pub struct Queued {
    /// The id of the message.
    #[schema(pattern = "^eml_[a-z0-9]{24}$", example = "eml_x7k2m9q4w1z8c5v3b6n0a2s4")]
    pub message_id: String,
    /// Always `queued`.
    pub status: QueuedStatus,
}

/// Where a message stands that was just accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueuedStatus {
    /// Waiting to be sent.
    Queued,
}

/// Sends an email.
///
/// The answer comes once the message is stored durably. With a test key (`smx_test_…`) it goes no further than the
/// sandbox of the dashboard.
#[utoipa::path(
    post,
    path = "/api/v1/emails/send",
    operation_id = "sendEmail",
    tag = "Emails",
    params(("Idempotency-Key" = inline(Option<String>), Header, min_length = 1, max_length = 255,
        description = "Makes repeating this request safe: within 24 hours the same key and body get the first answer. Bodies are the same when they say the same: the order of members and blanks between them do not count.")),
    request_body = EmailRequest,
    responses(
        (status = 202, description = "The message is queued.", body = Queued,
            headers(("Idempotent-Replayed" = String, description = "`true` when this is the answer of an earlier request"))),
        (status = 409, description = "`idempotency_conflict`: the key was used for another request, or (`retryable`) \
            its request is still in flight", body = ErrorAnswer),
        (status = 503, description = "`no_active_providers` or `service_unavailable`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn send(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Extension(request_id): Extension<RequestId>,
    request: Request,
) -> Result<Answered, ApiError> {
    let mut sending = match accepting::admit(&api, caller, request_id, Operation::Send, request).await? {
        Admitted::Sending(sending) => sending,
        Admitted::Answered(answered) => return Ok(answered),
    };
    let public_id = messages::new_message_id();
    let mint = sending.mint();
    let body = std::mem::take(&mut sending.payload.bytes);
    let composed = api.bodies.work(body, move |body| {
        let draft = Draft::read(parse(&body)?, mint.stamp(&public_id))?;
        drop(body);
        Ok::<_, ApiError>(draft.compose(public_id))
    });
    let composed = composed.await??;

    let mut intake = Intake::new(&api.domain);
    let accepted = sending.accept(&mut intake, composed).await?;
    let answer = Queued {
        message_id: accepted.message_id,
        status: QueuedStatus::Queued,
    };
    sending.conclude(intake, &answer).await
}
