//! `/sdk/v1/emails/logs`: messages, as the dialect shows them.
//!
//! It knows four states and speaks of at most 50 recipients of a message.

use super::{PageSize, found, text};
use crate::answer::{List, tagged, written};
use crate::auth::{Permitted, ToRead};
use crate::error::ApiError;
use crate::input::{Choice, Parameter, Word, input};
use crate::manage::messages::visible;
use crate::parameters::{self, Id};
use crate::state::Api;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use sendmux_domain::Timestamp;
use sendmux_domain::messages::RecipientField;
use sendmux_domain::messages::query::{self, MessageDetail, MessageFilter, MessageRow, RecipientView};
use sendmux_rules::{MessageStatus, RecipientStatus};
use serde::Serialize;

/// Most recipients that the dialect has room for, in lists and in counts.
const MAX_RECIPIENTS: u32 = 50;

/// One message.
#[derive(Debug, Serialize)]
pub(crate) struct LogItem {
    id: String,
    provider_id: Option<String>,
    provider_name: Option<String>,
    delivery_group: Option<Vec<String>>,
    message_id: Option<String>,
    from_email: Option<String>,
    sent_from_email: Option<String>,
    to_email: Option<String>,
    subject: Option<String>,
    status: &'static str,
    status_reason: Option<String>,
    attempts: u32,
    sent_at: Option<String>,
    size_bytes: Option<u64>,
    created_at: String,
    recipient_count: Option<u32>,
    accepted_recipient_count: Option<u32>,
    rejected_recipient_count: Option<u32>,
}

/// One message with its recipients.
#[derive(Debug, Serialize)]
pub(crate) struct LogDetail {
    #[serde(flatten)]
    item: LogItem,
    recipients: Option<Vec<LogRecipient>>,
}

#[derive(Debug, Serialize)]
struct LogRecipient {
    email: String,
    #[serde(rename = "type")]
    field: Option<String>,
    status: &'static str,
    reason: Option<String>,
}

/// The state of a message here, where `rejected` is one that was taken back before anybody got it.
fn state(status: MessageStatus) -> &'static str {
    match status {
        MessageStatus::Queued | MessageStatus::Sending => "pending",
        MessageStatus::Sent | MessageStatus::PartiallySent => "sent",
        MessageStatus::Failed => "failed",
        MessageStatus::Cancelled => "rejected",
    }
}

/// Statuses of messages that one status of the dialect stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct LogStatuses(&'static [MessageStatus]);

impl Choice for LogStatuses {
    fn words() -> Vec<(&'static str, Self)> {
        vec![
            ("pending", Self(&[MessageStatus::Queued, MessageStatus::Sending])),
            ("sent", Self(&[MessageStatus::Sent, MessageStatus::PartiallySent])),
            ("failed", Self(&[MessageStatus::Failed])),
            ("rejected", Self(&[MessageStatus::Cancelled])),
        ]
    }
}

input! {
    /// The query of the logs.
    struct LogsQuery {
        /// The status here.
        status: Option<Parameter<Word<LogStatuses>>>,
        /// The provider that last took it.
        provider_id: Option<Parameter<String>>,
        /// A message id, an address, or a part of the subject.
        search: Option<Parameter<String>>,
        /// Accepted at this time or later.
        from_date: Option<Parameter<Timestamp>>,
        /// Accepted before this time.
        to_date: Option<Parameter<Timestamp>>,
        /// The end of the page before.
        cursor: Option<Parameter<String>>,
        /// Entries of a page.
        limit: Option<PageSize>,
    }
}

impl From<MessageRow> for LogItem {
    fn from(row: MessageRow) -> Self {
        let counted = |count: u32| (row.recipient_count <= MAX_RECIPIENTS).then_some(count);
        let delivered = matches!(row.status, MessageStatus::Sent | MessageStatus::PartiallySent);
        Self {
            recipient_count: counted(row.recipient_count),
            accepted_recipient_count: counted(row.sent_count),
            rejected_recipient_count: counted(row.failed_count),
            message_id: Some(row.public_id.clone()),
            id: row.public_id,
            provider_id: row.provider_id,
            provider_name: row.provider,
            delivery_group: Some(row.delivery_groups).filter(|groups| !groups.is_empty()),
            sent_from_email: delivered.then(|| row.from_email.clone()),
            from_email: Some(row.from_email),
            to_email: Some(row.first_recipient).filter(|address| !address.is_empty()),
            subject: Some(row.subject),
            status: state(row.status),
            status_reason: row.last_error,
            attempts: row.attempt_count,
            sent_at: row.finished_at.filter(|_| delivered).map(written),
            size_bytes: Some(row.size),
            created_at: written(row.created_at),
        }
    }
}

impl From<MessageDetail> for LogDetail {
    fn from(detail: MessageDetail) -> Self {
        let few = detail.recipients.len() <= MAX_RECIPIENTS as usize;
        // A recipient here is accepted or rejected: while one is neither, there is no list yet.
        let settled = detail
            .recipients
            .iter()
            .all(|recipient| recipient.status != RecipientStatus::Pending);
        let recipients = (few && settled).then(|| detail.recipients.into_iter().map(LogRecipient::from).collect());
        Self {
            item: detail.row.into(),
            recipients,
        }
    }
}

impl From<RecipientView> for LogRecipient {
    fn from(view: RecipientView) -> Self {
        let accepted = view.status == RecipientStatus::Sent;
        Self {
            email: view.address,
            field: Some(view.field)
                .filter(|field| *field != RecipientField::Envelope)
                .map(|field| field.to_string()),
            status: if accepted { "accepted" } else { "rejected" },
            reason: view.reply.filter(|_| !accepted),
        }
    }
}

#[utoipa::path(get, path = "/emails/logs")]
pub(crate) async fn list(
    caller: Permitted<ToRead>,
    State(api): State<Api>,
    uri: Uri,
) -> Result<Json<List<LogItem>>, ApiError> {
    let time = |parameter: Option<Parameter<Timestamp>>| parameter.map(|Parameter(at)| at);
    let filter = parameters::tolerant_query(&uri).map(|asked: LogsQuery| MessageFilter {
        statuses: asked
            .status
            .map_or(Vec::new(), |Parameter(Word(LogStatuses(statuses)))| statuses.to_vec()),
        mode: Some(caller.key.mode),
        provider: text(asked.provider_id),
        search: text(asked.search),
        since: time(asked.from_date),
        until: time(asked.to_date),
        before: text(asked.cursor),
        limit: asked.limit.unwrap_or_default().0,
        ..MessageFilter::default()
    });
    let page = match filter {
        Some(filter) => found(query::list(&api.domain, caller.key.team_id, &filter).await)?,
        None => None,
    };
    Ok(Json(match page {
        Some(page) => List::page(page.rows.into_iter().map(LogItem::from).collect(), page.next),
        None => List::whole(Vec::new()),
    }))
}

#[utoipa::path(get, path = "/emails/logs/{id}")]
pub(crate) async fn get(
    caller: Permitted<ToRead>,
    State(api): State<Api>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let detail = LogDetail::from(visible(&api, &caller, &id).await?);
    Ok(tagged(&headers, &detail))
}
