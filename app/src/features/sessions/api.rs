//! Browser sessions of the viewer.

use super::model::SessionItem;
use crate::model::{AppError, FormReply};
use leptos::prelude::*;

/// End sessions.
pub const SESSIONS: &str = "sessions";

/// The viewer's sessions, the last used first.
#[server(prefix = "/fn", endpoint = "sessions")]
pub async fn list_sessions() -> Result<Vec<SessionItem>, AppError> {
    super::server::list().await
}

/// Ends one of the viewer's sessions.
#[server(prefix = "/fn", endpoint = "end_session")]
pub async fn end_session(#[server(default)] id: String) -> Result<FormReply, AppError> {
    super::server::end(id).await
}

/// Ends all sessions of the viewer but this one.
#[server(prefix = "/fn", endpoint = "end_other_sessions")]
pub async fn end_other_sessions() -> Result<FormReply, AppError> {
    super::server::end_others().await
}
