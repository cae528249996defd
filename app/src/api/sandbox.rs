//! The sandbox.

use crate::model::{AppError, Page, SandboxItem, SandboxView};
use leptos::prelude::*;

/// What the sandbox captured, newest first.
#[server(prefix = "/fn", endpoint = "sandbox")]
pub async fn list_sandbox(#[server(default)] before: String) -> Result<Page<SandboxItem>, AppError> {
    crate::server::messages::sandbox_list(before).await
}

/// One captured message.
#[server(prefix = "/fn", endpoint = "sandbox_message")]
pub async fn get_sandbox_message(id: String) -> Result<SandboxView, AppError> {
    crate::server::messages::sandbox_get(id).await
}
