//! Lists and contents of messages.

use super::context::{current, error_response};
use super::convert;
use super::mail::{self, Reader};
use crate::model::{AppError, MailView, MessageItem, MessageView, Page, SandboxItem, SandboxView};
use sendmux_domain::messages::query::{self, MessageFilter};
use sendmux_domain::{Error, dry_run, sandbox};
use sendmux_rules::MessageStatus;

/// Rows of a page.
const ROWS: u64 = 25;

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
    Ok(Page {
        rows: page
            .rows
            .into_iter()
            .map(|row| convert::message_item(row, now))
            .collect(),
        older: page.next,
    })
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

/// What the sandbox holds.
///
/// # Errors
/// [`AppError::SignedOut`], [`AppError::Refused`] for a cursor that is none, or [`AppError::Internal`].
pub async fn sandbox_list(before: String) -> Result<Page<SandboxItem>, AppError> {
    let current = current().await?;
    let before = filled(before);
    let page = sandbox::list(&current.domain, current.team_id(), before.as_deref(), ROWS)
        .await
        .map_err(error_response)?;
    let now = current.now();
    Ok(Page {
        rows: page
            .rows
            .into_iter()
            .map(|row| convert::sandbox_item(row, now))
            .collect(),
        older: page.next,
    })
}

/// One captured message.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn sandbox_get(id: String) -> Result<SandboxView, AppError> {
    let current = current().await?;
    let reader = Reader::new().await;
    let message = sandbox::get(&current.domain, current.team_id(), &id)
        .await
        .map_err(error_response)?;
    let mail = mail::view(reader, message.raw).await?;
    let item = convert::sandbox_item(message.row.clone(), current.now());
    Ok(SandboxView {
        from: mail::header(&mail, "From").unwrap_or(&item.from).to_owned(),
        recipients: message.row.recipients,
        return_path: message.return_path,
        mail,
        item,
    })
}

fn filled(text: String) -> Option<String> {
    if text.trim().is_empty() { None } else { Some(text) }
}
