//! `POST /api/v1/emails/send`.

use crate::auth::Caller;
use crate::body::Payload;
use crate::email::{Draft, EmailRequest, Stamp};
use crate::error::{ApiError, Code, ErrorAnswer};
use crate::issue::IssueCode;
use crate::json::Json as JsonValue;
use crate::request::RequestId;
use crate::state::Api;
use axum::Json;
use axum::extract::{Extension, Request, State};
use axum::http::StatusCode;
use sendmux_domain::Timestamp;
use sendmux_domain::keys::Permission;
use sendmux_domain::messages::{self, Origin, Source, Submission};
use serde::Serialize;
use time::OffsetDateTime;
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
    request_body = EmailRequest,
    responses(
        (status = 202, description = "The message is queued.", body = Queued),
        (status = 400, description = "`invalid_parameter` or `missing_parameter`", body = ErrorAnswer),
        (status = 401, description = "`authentication_required`", body = ErrorAnswer),
        (status = 403, description = "`insufficient_permissions`: the key lacks `send`", body = ErrorAnswer),
        (status = 413, description = "`payload_too_large`: more than 26,214,400 bytes", body = ErrorAnswer),
        (status = 415, description = "`unsupported_media_type`", body = ErrorAnswer),
        (status = 422, description = "`validation_error`", body = ErrorAnswer),
        (status = 429, description = "`rate_limit_exceeded`", body = ErrorAnswer),
        (status = 500, description = "`internal_error`", body = ErrorAnswer),
        (status = 503, description = "`no_active_providers` or `service_unavailable`", body = ErrorAnswer),
    ),
    security(("BearerAuth" = []))
)]
pub(crate) async fn send(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Extension(request_id): Extension<RequestId>,
    request: Request,
) -> Result<(StatusCode, Json<Queued>), ApiError> {
    caller.require(Permission::Send)?;
    let Payload { bytes, room } = api.bodies.read(request).await?;

    let public_id = messages::new_message_id();
    let host = api.domain.settings.message_id_host().to_owned();
    let date = date(api.domain.clock.now());
    let email = api.bodies.work(bytes, {
        let public_id = public_id.clone();
        move |body| {
            let stamp = Stamp {
                public_id: &public_id,
                host: &host,
                date,
            };
            let draft = Draft::read(parse(&body)?, stamp)?;
            drop(body);
            draft.finish().map_err(ApiError::from)
        }
    });
    let email = email.await??;

    let origin = Origin {
        remote_address: caller.remote.map(|address| address.to_string()),
        request_id: Some(request_id.0.to_string()),
        tls: None,
    };
    let submission = Submission {
        public_id,
        key: caller.key,
        source: Source::Http,
        origin,
        subject: email.subject,
        from_email: email.from_email,
        from_name: email.from_name,
        return_path: Some(email.return_path),
        header_message_id: email.header_message_id,
        recipients: email.recipients,
        content: email.raw.into(),
        smtputf8: email.smtputf8,
    };
    let accepted = messages::submit(&api.domain, submission).await?;
    drop(room);
    Ok((
        StatusCode::ACCEPTED,
        Json(Queued {
            message_id: accepted.message_id,
            status: QueuedStatus::Queued,
        }),
    ))
}

/// The body as JSON, or where it is not.
fn parse(body: &[u8]) -> Result<JsonValue<'_>, ApiError> {
    JsonValue::parse(body).map_err(|error| {
        let message = if body.is_empty() {
            "the body is empty".to_owned()
        } else {
            format!("the body is not valid JSON: {error}")
        };
        ApiError::about(Code::InvalidParameter, "body", IssueCode::MalformedBody, message)
    })
}

/// A time as a Date header has it. One that no calendar has becomes the beginning of Unix time.
fn date(now: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(now.as_millis().div_euclid(1_000)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
