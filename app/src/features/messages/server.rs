//! Lists and contents of messages.

use super::convert;
use super::model::{MessageItem, MessageView};
use crate::model::{AppError, MailView, Page};
use crate::server::context::{current, error_response};
use crate::server::list::{ROWS, filled, page_of};
use crate::server::mail::{self, Reader};
use sendmux_domain::messages::query::{self, MessageFilter};
use sendmux_domain::{Error, dry_run, sandbox};
use sendmux_rules::MessageStatus;

/// The messages that match. A filter that nobody can have chosen from the page matches everything.
///
/// # Errors
/// [`AppError::SignedOut`], [`AppError::Refused`] for a cursor that is none, or [`AppError::Internal`].
pub async fn list(status: String, mode: String, search: String, before: String) -> Result<Page<MessageItem>, AppError> {
    let current = current().await?;
    let filter = MessageFilter {
        statuses: status.parse().into_iter().collect(),
        feedback: status.parse().ok(),
        mode: mode.parse().ok(),
        search: filled(search),
        before: filled(before),
        limit: ROWS,
        ..MessageFilter::default()
    };
    let page = query::list(&current.domain, current.team_id(), &filter)
        .await
        .map_err(error_response)?;
    let now = current.now();
    Ok(page_of(page.rows, page.next, |row| convert::message_item(row, now)))
}

/// One message, and whether the sandbox holds it.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn get(id: String) -> Result<MessageView, AppError> {
    let current = current().await?;
    let detail = query::get(&current.domain, current.team_id(), &id)
        .await
        .map_err(error_response)?;
    let was_sent = matches!(detail.row.status, MessageStatus::Sent | MessageStatus::PartiallySent);
    let in_sandbox = was_sent
        && sandbox::has(&current.domain, current.team_id(), &id)
            .await
            .unwrap_or(false);
    // It only explains: where it cannot be had, the message is shown without it.
    let would = match &detail.waiting {
        Some(_) => dry_run::of_message(&current.domain, current.team_id(), &id)
            .await
            .ok()
            .flatten(),
        None => None,
    };
    Ok(convert::message(detail, would, in_sandbox, current.now()))
}

/// The content of a message, as it was accepted; none when retention removed it.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn mail(id: String) -> Result<Option<MailView>, AppError> {
    let current = current().await?;
    let detail = query::get(&current.domain, current.team_id(), &id)
        .await
        .map_err(error_response)?;
    if detail.content_removed_at.is_some() {
        return Ok(None);
    }
    let reader = Reader::new().await;
    match query::raw(&current.domain, current.team_id(), &id).await {
        Ok(raw) => mail::view(reader, raw).await.map(Some),
        // Removed just now.
        Err(Error::NotFound(_) | Error::Gone(_)) => Ok(None),
        Err(error) => Err(error_response(error)),
    }
}
