//! Captured messages.

use super::convert;
use super::model::{SandboxItem, SandboxView};
use crate::model::{AppError, Page};
use crate::server::context::{current, error_response};
use crate::server::list::{ROWS, filled, page_of};
use crate::server::mail::{self, Reader};
use sendmux_domain::sandbox;

/// A page of the captured messages.
///
/// # Errors
/// [`AppError::SignedOut`], [`AppError::Refused`] for a cursor that is none, or [`AppError::Internal`].
pub async fn list(before: String) -> Result<Page<SandboxItem>, AppError> {
    let current = current().await?;
    let before = filled(before);
    let page = sandbox::list(&current.domain, current.team_id(), before.as_deref(), ROWS)
        .await
        .map_err(error_response)?;
    let now = current.now();
    Ok(page_of(page.rows, page.next, |row| convert::sandbox_item(row, now)))
}

/// One captured message.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn get(id: String) -> Result<SandboxView, AppError> {
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
