//! The audit log.

use super::model::{AuditItem, AuditQuery};
use crate::model::{AppError, Page};
use leptos::prelude::*;

/// Entries of the team, newest first; `before` is the cursor of an earlier answer.
#[server(prefix = "/fn", endpoint = "audit_log")]
pub async fn list_team_audit(
    #[server(default)] filter: AuditQuery,
    #[server(default)] before: String,
) -> Result<Page<AuditItem>, AppError> {
    super::server::of_team(filter, before).await
}

/// Entries of all teams and of the installation, for its operator.
#[server(prefix = "/fn", endpoint = "operator_audit_log")]
pub async fn list_installation_audit(
    #[server(default)] filter: AuditQuery,
    #[server(default)] before: String,
) -> Result<Page<AuditItem>, AppError> {
    super::server::of_installation(filter, before).await
}
