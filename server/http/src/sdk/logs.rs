//! `/sdk/v1/emails/logs`: messages, as the dialect shows them.
//!
//! It knows four states and speaks of at most 50 recipients of a message.

use super::{found, page_size, require_read};
use crate::answer::{List, tagged, written};
use crate::auth::Caller;
use crate::error::ApiError;
use crate::manage::messages::visible;
use crate::parameters::{self, Id};
use crate::state::Api;
use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use sendmux_domain::messages::RecipientField;
use sendmux_domain::messages::query::{self, MessageDetail, MessageFilter, MessageRow, RecipientView};
use sendmux_rules::{MessageStatus, RecipientStatus};
use serde::Serialize;
use std::str::FromStr;

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
struct LogStatuses(&'static [MessageStatus]);

impl FromStr for LogStatuses {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Ok(Self(match word {
            "pending" => &[MessageStatus::Queued, MessageStatus::Sending],
            "sent" => &[MessageStatus::Sent, MessageStatus::PartiallySent],
            "failed" => &[MessageStatus::Failed],
            "rejected" => &[MessageStatus::Cancelled],
            _ => return Err(()),
        }))
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

pub(crate) async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<List<LogItem>>, ApiError> {
    require_read(&caller)?;
    let filter = parameters::tolerant_query(&uri, |parameters| MessageFilter {
        statuses: parameters
            .word("status")
            .map_or(Vec::new(), |LogStatuses(statuses)| statuses.to_vec()),
        mode: Some(caller.key.mode),
        provider: parameters.text("provider_id"),
        search: parameters.text("search"),
        since: parameters.time("from_date"),
        until: parameters.time("to_date"),
        before: parameters.text("cursor"),
        limit: page_size(parameters),
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

pub(crate) async fn get(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    require_read(&caller)?;
    let detail = LogDetail::from(visible(&api, &caller, &id).await?);
    Ok(tagged(&headers, &detail))
}
