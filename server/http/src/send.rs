//! `POST /api/v1/emails/send`.

use crate::accepting::{self, Admitted, Answered, Repeatable, parse};
use crate::auth::{Permitted, ToSend};
use crate::email::{Draft, EmailRequest};
use crate::error::{ApiError, ErrorAnswer};
use crate::request::RequestId;
use crate::state::Api;
use axum::extract::{Extension, State};
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

/// The state of a message that was just accepted.
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
    path = "/emails/send",
    operation_id = "sendEmail",
    tag = "Emails",
    responses(
        (status = 202, description = "The message is queued.", body = Queued,
            headers(("Idempotent-Replayed" = String, description = "`true` when this is the answer of an earlier request"))),
        (status = 503, description = "`no_active_providers` or `service_unavailable`", body = ErrorAnswer),
    ),
)]
pub(crate) async fn send(
    caller: Permitted<ToSend>,
    State(api): State<Api>,
    Extension(request_id): Extension<RequestId>,
    email: Repeatable<EmailRequest>,
) -> Result<Answered, ApiError> {
    let mut sending = match accepting::admit(&api, caller.into_caller(), request_id, Operation::Send, email).await? {
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
