//! The sandbox.

use super::model::{SandboxItem, SandboxView};
use crate::model::{AppError, Page};
use leptos::prelude::*;

/// Captured messages, newest first.
#[server(prefix = "/fn", endpoint = "sandbox")]
pub async fn list_sandbox(#[server(default)] before: String) -> Result<Page<SandboxItem>, AppError> {
    super::server::list(before).await
}

/// One captured message.
#[server(prefix = "/fn", endpoint = "sandbox_message")]
pub async fn get_sandbox_message(id: String) -> Result<SandboxView, AppError> {
    super::server::get(id).await
}
