//! Messages.

use super::model::{MessageItem, MessageView};
use crate::model::{AppError, MailView, Page};
use leptos::prelude::*;

/// Messages that match, newest first. Empty filters match everything; `before` is the cursor of an earlier answer.
#[server(prefix = "/fn", endpoint = "messages")]
pub async fn list_messages(
    #[server(default)] status: String,
    #[server(default)] mode: String,
    #[server(default)] query: String,
    #[server(default)] before: String,
) -> Result<Page<MessageItem>, AppError> {
    super::server::list(status, mode, query, before).await
}

/// One message with its recipients, attempts and timeline.
#[server(prefix = "/fn", endpoint = "message")]
pub async fn get_message(id: String) -> Result<MessageView, AppError> {
    super::server::get(id).await
}

/// The content of a message, read for people; none when retention removed it.
#[server(prefix = "/fn", endpoint = "message_mail")]
pub async fn get_message_mail(id: String) -> Result<Option<MailView>, AppError> {
    super::server::mail(id).await
}
