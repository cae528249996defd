//! Server functions for the operator of the installation. For everybody else none of this exists.

use super::model::{ManagedPage, RequestsPage, SystemMailItem, SystemMailPage, TeamItem};
use crate::model::{AppError, FormReply, MailView, Page};
use leptos::prelude::*;

/// Put the managed route's account back into rotation.
pub const UNBLOCK_ACCOUNT: &str = "unblock-account";
/// Test the mail server of the configuration, or put it back into rotation.
pub const MAIL_SERVER: &str = "mail-server";
/// Decide on a request for a higher cap.
pub const DECIDE: &str = "decide";
/// Lift a team's suspension.
pub const LIFT: &str = "lift";

/// The queue of requests for a higher cap.
#[server(prefix = "/fn", endpoint = "operator_requests")]
pub async fn list_requests() -> Result<RequestsPage, AppError> {
    super::server::requests().await
}

/// Approves a request with a new cap, or denies it with a note; `decision` is `approve` or `deny`.
#[server(prefix = "/fn", endpoint = "decide_request")]
pub async fn decide_request(
    #[server(default)] id: String,
    #[server(default)] decision: String,
    #[server(default)] cap: String,
    #[server(default)] note: String,
) -> Result<FormReply, AppError> {
    super::server::decide(id, decision, cap, note).await
}

/// Every team, the newest first.
#[server(prefix = "/fn", endpoint = "operator_teams")]
pub async fn list_teams(
    #[server(default)] search: String,
    #[server(default)] before: String,
) -> Result<Page<TeamItem>, AppError> {
    super::server::teams(search, before).await
}

/// Lifts the suspension of a team.
#[server(prefix = "/fn", endpoint = "lift_suspension")]
pub async fn lift_suspension(#[server(default)] id: String) -> Result<FormReply, AppError> {
    super::server::lift(id).await
}

/// The managed route as a whole.
#[server(prefix = "/fn", endpoint = "operator_managed")]
pub async fn get_managed_overview() -> Result<ManagedPage, AppError> {
    super::server::managed().await
}

/// Puts the managed route's Amazon SES account back into rotation for all teams.
#[server(prefix = "/fn", endpoint = "unblock_managed_account")]
pub async fn unblock_managed_account() -> Result<FormReply, AppError> {
    super::server::unblock_account().await
}

/// Puts the mail server of the configuration back into rotation.
#[server(prefix = "/fn", endpoint = "unblock_mail_server")]
pub async fn unblock_mail_server() -> Result<FormReply, AppError> {
    super::server::unblock_mail_server().await
}

/// Connects to the mail server of the configuration, logs in, and tells what was seen. Sends nothing.
#[server(prefix = "/fn", endpoint = "test_mail_server")]
pub async fn test_mail_server() -> Result<FormReply, AppError> {
    super::server::test_mail_server().await
}

/// The mails that the system sent.
#[server(prefix = "/fn", endpoint = "system_mails")]
pub async fn list_system_mail(#[server(default)] before: String) -> Result<SystemMailPage, AppError> {
    super::server::mails(before).await
}

/// One of them, with its content while that is kept.
#[server(prefix = "/fn", endpoint = "system_mail")]
pub async fn get_system_mail(id: String) -> Result<(SystemMailItem, Option<MailView>), AppError> {
    super::server::mail(id).await
}
