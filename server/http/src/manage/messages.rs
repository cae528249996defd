//! `/api/v1/messages`: what was accepted, and what became of it.
//!
//! A key sees the messages of its own mode: a test key those of test keys, a live key those that were really sent.

use crate::answer::{List, written};
use crate::auth::{Caller, Permitted, ToRead, ToSend};
use crate::body::held;
use crate::error::ApiError;
use crate::input::{self, Choice, Parameter, Whole, Word, input};
use crate::parameters::{Id, Query};
use crate::request::RequestId;
use crate::send::{Queued, QueuedStatus};
use crate::state::Api;
use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::IntoResponse;
use sendmux_domain::feedback::FeedbackEvent;
use sendmux_domain::messages::query::{
    self, AttemptView, FeedbackFilter, MessageDetail, MessageFilter, MessageRow, RecipientView,
};
use sendmux_domain::messages::{self, Origin};
use sendmux_domain::{Error, Timestamp};
use sendmux_rules::MessageStatus;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A message in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageItem {
    /// Its id.
    #[schema(pattern = "^eml_[a-z0-9]{24}$")]
    pub id: String,
    /// `queued`, `sending`, `sent`, `partially_sent`, `failed` or `cancelled`.
    pub status: String,
    /// `live` or `test`.
    pub mode: String,
    /// `http`, `smtp` or `system`.
    pub source: String,
    /// The subject.
    pub subject: String,
    /// The address in From.
    pub from_email: String,
    /// The name in From; may be empty.
    pub from_name: String,
    /// The first recipient.
    pub to_email: String,
    /// Number of its recipients.
    pub recipient_count: u32,
    /// Number of those that a provider accepted.
    pub sent_count: u32,
    /// Number of those that failed.
    pub failed_count: u32,
    /// Number of attempts made.
    pub attempt_count: u32,
    /// Its size in bytes.
    pub size: u64,
    /// The key it was sent with.
    pub key_id: Option<String>,
    /// The provider that last took it.
    pub provider_id: Option<String>,
    /// The name of that provider.
    pub provider_name: Option<String>,
    /// The last error.
    pub last_error: Option<String>,
    /// The delivery groups that it named itself, those deleted since too; null when it named none, and had the whole scope
    /// of its key.
    pub delivery_group: Option<Vec<String>>,
    /// Time of acceptance.
    #[schema(format = "date-time")]
    pub created_at: String,
    /// Time at which it was finished.
    #[schema(format = "date-time")]
    pub finished_at: Option<String>,
}

impl From<MessageRow> for MessageItem {
    fn from(row: MessageRow) -> Self {
        Self {
            id: row.public_id,
            status: row.status.to_string(),
            mode: row.mode.to_string(),
            source: row.source.to_string(),
            subject: row.subject,
            from_email: row.from_email,
            from_name: row.from_name,
            to_email: row.first_recipient,
            recipient_count: row.recipient_count,
            sent_count: row.sent_count,
            failed_count: row.failed_count,
            attempt_count: row.attempt_count,
            size: row.size,
            key_id: row.key_id,
            provider_id: row.provider_id,
            provider_name: row.provider,
            last_error: row.last_error,
            delivery_group: Some(row.delivery_groups).filter(|groups| !groups.is_empty()),
            created_at: written(row.created_at),
            finished_at: row.finished_at.map(written),
        }
    }
}

/// A message with its timeline.
#[derive(Debug, Serialize, ToSchema)]
pub struct Message {
    /// The message.
    #[serde(flatten)]
    pub item: MessageItem,
    /// The reverse-path; null for the null one.
    pub return_path: Option<String>,
    /// The Message-ID header.
    pub header_message_id: String,
    /// The reason for its wait, while it waits.
    pub waiting: Option<Waiting>,
    /// Its recipients.
    pub recipients: Vec<Recipient>,
    /// The attempts, in order.
    pub attempts: Vec<Attempt>,
    /// The provider's news of the message after it took it, in the order in which it happened. Amazon SES and the managed
    /// route tell, once their notifications are set up.
    pub events: Vec<MessageEvent>,
    /// True while its content is kept: without it there is no source, and it cannot be sent again.
    pub has_content: bool,
    /// Time at which its content was removed because its time was over; null while it is kept.
    #[schema(format = "date-time")]
    pub content_removed_at: Option<String>,
}

/// The reason for a message's wait.
#[derive(Debug, Serialize, ToSchema)]
pub struct Waiting {
    /// `cap`, `throttled`, `blocked`, `retry` or `scheduled`; null when it is simply next.
    pub reason: Option<String>,
    /// Time at which it is expected to go; null when only somebody's hand opens what it waits for.
    #[schema(format = "date-time")]
    pub expected_at: Option<String>,
    /// The round that it waits for, from 1.
    pub round: u32,
}

/// A recipient and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Recipient {
    /// `to`, `cc`, `bcc` or `envelope`.
    pub field: String,
    /// The address.
    pub email: String,
    /// The name; may be empty.
    pub name: String,
    /// `pending`, `sent` or `failed`.
    pub status: String,
    /// The last reply about it.
    pub reply: Option<String>,
    /// Time at which it was settled.
    #[schema(format = "date-time")]
    pub settled_at: Option<String>,
    /// The outcome after a provider took it, where the provider tells: `delivered`, `delayed`, `soft_bounced`,
    /// `bounced`, `rejected` or `complained`.
    pub delivery: Option<String>,
}

/// Something that the provider told of a message after it took it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageEvent {
    /// `message.delivered`, `message.delivery_delayed`, `message.bounced`, `message.complained` or `message.rejected`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of a bounce: `hard` (the address does not work) or `soft` (a passing reason, such as a full mailbox).
    pub bounce_type: Option<String>,
    /// The provider's description.
    pub detail: Option<String>,
    /// The recipients that it is about.
    pub recipients: Vec<EventRecipient>,
    /// Time at which it happened.
    #[schema(format = "date-time")]
    pub at: String,
}

/// A recipient of an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventRecipient {
    /// The address.
    pub email: String,
    /// The enhanced status code.
    pub status: Option<String>,
    /// The answer of its server.
    pub diagnostic: Option<String>,
}

impl From<FeedbackEvent> for MessageEvent {
    fn from(event: FeedbackEvent) -> Self {
        Self {
            kind: event.kind.to_string(),
            bounce_type: event.data.bounce_type.map(|bounce| bounce.as_str().to_owned()),
            detail: event.data.detail,
            recipients: event
                .data
                .recipients
                .into_iter()
                .map(|recipient| EventRecipient {
                    email: recipient.email,
                    status: recipient.status,
                    diagnostic: recipient.diagnostic,
                })
                .collect(),
            at: written(event.at),
        }
    }
}

impl From<RecipientView> for Recipient {
    fn from(view: RecipientView) -> Self {
        Self {
            field: view.field.to_string(),
            email: view.address,
            name: view.name,
            status: view.status.to_string(),
            reply: view.reply,
            settled_at: view.settled_at.map(written),
            delivery: view
                .delivery_status
                .map(|delivery_status| delivery_status.as_str().to_owned()),
        }
    }
}

/// One try of a message at one provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct Attempt {
    /// Its id.
    #[schema(pattern = "^try_[a-z0-9]{24}$")]
    pub id: String,
    /// The provider.
    pub provider_id: Option<String>,
    /// The name of the provider.
    pub provider_name: Option<String>,
    /// The round, from 1.
    pub round: u32,
    /// The class of the outcome: `accepted`, `throttled`, `connection`, …
    pub class: String,
    /// The stage that the dialogue reached.
    pub stage: String,
    /// The SMTP reply code or HTTP status.
    pub code: Option<u16>,
    /// The enhanced status code.
    pub enhanced_code: Option<String>,
    /// The text of the reply, or what went wrong.
    pub detail: String,
    /// The provider's own id of the message.
    pub provider_message_id: Option<String>,
    /// Its duration in milliseconds.
    pub duration_ms: u32,
    /// Recipients it was made for.
    pub recipient_count: u32,
    /// Recipients that were accepted.
    pub accepted_count: u32,
    /// The choice of this provider: the candidates, and why the others were left out.
    pub choice: Value,
    /// Time at which it began.
    #[schema(format = "date-time")]
    pub started_at: String,
}

impl From<AttemptView> for Attempt {
    fn from(view: AttemptView) -> Self {
        let (provider_id, provider_name) = view.provider.unzip();
        Self {
            id: view.public_id,
            provider_id,
            provider_name,
            round: view.round,
            class: view.class.to_string(),
            stage: view.stage.to_string(),
            code: view.code,
            enhanced_code: view.enhanced,
            detail: view.detail,
            provider_message_id: view.provider_message_id,
            duration_ms: view.duration_ms,
            recipient_count: view.recipients.0,
            accepted_count: view.recipients.1,
            choice: serde_json::json!(view.choice),
            started_at: written(view.started_at),
        }
    }
}

impl From<MessageDetail> for Message {
    fn from(detail: MessageDetail) -> Self {
        Self {
            item: detail.row.into(),
            return_path: detail.return_path,
            header_message_id: detail.header_message_id,
            waiting: detail.waiting.map(|waiting| Waiting {
                reason: waiting.reason.map(|reason| reason.to_string()),
                expected_at: (!waiting.by_hand).then(|| written(waiting.expected_at)),
                round: waiting.round,
            }),
            recipients: detail.recipients.into_iter().map(Recipient::from).collect(),
            attempts: detail.attempts.into_iter().map(Attempt::from).collect(),
            events: detail.feedback.into_iter().map(MessageEvent::from).collect(),
            has_content: detail.content_removed_at.is_none(),
            content_removed_at: detail.content_removed_at.map(written),
        }
    }
}

/// A message that this key may see.
pub(crate) async fn visible(api: &Api, caller: &Caller, id: &str) -> Result<MessageDetail, ApiError> {
    let detail = query::get(&api.domain, caller.key.team_id, id).await?;
    if detail.row.mode != caller.key.mode {
        return Err(Error::NotFound("message").into());
    }
    Ok(detail)
}

input! {
    /// The query of a list of messages.
    pub(crate) struct MessagesQuery {
        /// `queued`, `sending`, `sent`, `partially_sent`, `failed` or `cancelled`
        status: Option<Parameter<Word<MessageStatus>>>,
        /// Only those of which the provider told this after it took them: `bounced`, `complained` or `rejected`
        delivery: Option<Parameter<Word<FeedbackFilter>>>,
        /// The provider that last took it
        provider_id: Option<Parameter<String>> as input::id("prv"),
        /// A delivery group that its scope names
        group_id: Option<Parameter<String>> as input::id("d?grp"),
        /// The key it was sent with
        key_id: Option<Parameter<String>> as input::id("key"),
        /// The whole address of one of its recipients
        recipient: Option<Parameter<String>>,
        /// A part of its subject
        subject: Option<Parameter<String>>,
        /// Accepted at this time or later; RFC 3339 or a date
        since: Option<Parameter<Timestamp>>,
        /// Accepted before this time
        until: Option<Parameter<Timestamp>>,
        /// `next_cursor` of the page before
        cursor: Option<Parameter<String>> as input::pattern("^[0-7][0-9a-f]{15}$"),
        /// Entries of a page; 50 when absent
        limit: Option<Parameter<Whole<1, 100>>>,
    }
}

impl Choice for FeedbackFilter {
    fn words() -> Vec<(&'static str, Self)> {
        vec![
            ("bounced", Self::Bounced),
            ("complained", Self::Complained),
            ("rejected", Self::Rejected),
        ]
    }
}

/// Lists messages, the newest first.
#[utoipa::path(get, path = "/messages", operation_id = "listMessages", tag = "Messages",
    responses((status = 200, description = "A page of messages", body = List<MessageItem>)))]
pub(crate) async fn list(
    caller: Permitted<ToRead>,
    State(api): State<Api>,
    Query(asked): Query<MessagesQuery>,
) -> Result<Json<List<MessageItem>>, ApiError> {
    let text = |parameter: Option<Parameter<String>>| parameter.map(|Parameter(text)| text);
    let time = |parameter: Option<Parameter<Timestamp>>| parameter.map(|Parameter(at)| at);
    let filter = MessageFilter {
        statuses: asked.status.iter().map(|Parameter(Word(status))| *status).collect(),
        feedback: asked.delivery.map(|Parameter(Word(delivery))| delivery),
        mode: Some(caller.key.mode),
        provider: text(asked.provider_id),
        group: text(asked.group_id),
        key: text(asked.key_id),
        recipient: text(asked.recipient),
        subject: text(asked.subject),
        since: time(asked.since),
        until: time(asked.until),
        before: text(asked.cursor),
        limit: asked.limit.map_or(0, |Parameter(Whole(limit))| limit.unsigned_abs()),
        search: None,
    };
    let page = query::list(&api.domain, caller.key.team_id, &filter).await?;
    let rows = page.rows.into_iter().map(MessageItem::from).collect();
    Ok(Json(List::page(rows, page.next)))
}

/// Shows a message with its timeline.
#[utoipa::path(get, path = "/messages/{id}", operation_id = "getMessage", tag = "Messages",
    params(("id" = String, Path, description = "`eml_…`")),
    responses((status = 200, description = "The message", body = Message)))]
pub(crate) async fn get(
    caller: Permitted<ToRead>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<Json<Message>, ApiError> {
    Ok(Json(visible(&api, &caller, &id).await?.into()))
}

/// Gives the raw source of a message, as it was accepted.
#[utoipa::path(get, path = "/messages/{id}/raw", operation_id = "getMessageSource", tag = "Messages",
    params(("id" = String, Path, description = "`eml_…`")),
    responses((status = 200, description = "The message, RFC 5322", content_type = "message/rfc822", body = String),
        (status = 404, description = "`not_found`: there is no such message, or its content is no longer kept", body = crate::error::ErrorAnswer)))]
pub(crate) async fn raw(
    caller: Permitted<ToRead>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<impl IntoResponse, ApiError> {
    let detail = visible(&api, &caller, &id).await?;
    let size = usize::try_from(detail.row.size).unwrap_or(usize::MAX);
    let permit = api.bodies.reserve(size, Some(caller.key.team_id)).await?;
    let raw = query::raw(&api.domain, caller.key.team_id, &detail.row.public_id).await?;
    let headers = [
        (CONTENT_TYPE, "message/rfc822".to_owned()),
        (CONTENT_LENGTH, raw.len().to_string()),
        // A browser must not show it as a page of ours.
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{id}.eml\"")),
    ];
    Ok((headers, held(raw, permit)))
}

/// Takes a waiting message back.
#[utoipa::path(post, path = "/messages/{id}/cancel", operation_id = "cancelMessage", tag = "Messages",
    params(("id" = String, Path, description = "`eml_…`")),
    responses((status = 200, description = "The message, cancelled", body = Message),
        (status = 409, description = "`conflict`: it is being sent, or is finished", body = crate::error::ErrorAnswer)))]
pub(crate) async fn cancel(
    caller: Permitted<ToSend>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<Json<Message>, ApiError> {
    visible(&api, &caller, &id).await?;
    messages::cancel(&api.domain, &caller.actor(), &id).await?;
    Ok(Json(visible(&api, &caller, &id).await?.into()))
}

/// Sends a finished message once more, as a new message: to those who did not get it, or else to everyone.
#[utoipa::path(post, path = "/messages/{id}/resend", operation_id = "resendMessage", tag = "Messages",
    params(("id" = String, Path, description = "`eml_…`")),
    responses((status = 202, description = "The new message is queued.", body = Queued),
        (status = 409, description = "`conflict`: it is not finished, or its content is no longer kept", body = crate::error::ErrorAnswer),
        (status = 422, description = "`validation_error`: no provider could ever take it now", body = crate::error::ErrorAnswer)))]
pub(crate) async fn resend(
    caller: Permitted<ToSend>,
    State(api): State<Api>,
    Extension(request_id): Extension<RequestId>,
    Id(id): Id,
) -> Result<(StatusCode, Json<Queued>), ApiError> {
    visible(&api, &caller, &id).await?;
    let origin = Origin {
        remote_address: caller.remote.map(|address| address.to_string()),
        request_id: Some(request_id.0.to_string()),
        tls: None,
    };
    let accepted = messages::resend(&api.domain, caller.key.team_id, &id, Some(caller.key.clone()), origin).await?;
    let queued = Queued {
        message_id: accepted.message_id,
        status: QueuedStatus::Queued,
    };
    Ok((StatusCode::ACCEPTED, Json(queued)))
}

/// A time, when there is one.
pub(crate) fn when(at: Option<Timestamp>) -> Option<String> {
    at.map(written)
}
