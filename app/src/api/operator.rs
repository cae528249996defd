//! Server functions for the operator of the installation. For everybody else none of this exists.

use crate::model::{
    AppError, FormReply, MailView, ManagedPage, Page, RequestsPage, SystemMailItem, SystemMailPage, TeamItem,
};
use leptos::prelude::*;

/// The queue of requests for a higher cap.
#[server(prefix = "/fn", endpoint = "operator_requests")]
pub async fn list_requests() -> Result<RequestsPage, AppError> {
    crate::server::operator::requests().await
}

/// Approves a request with a new cap, or denies it with a note; `decision` is `approve` or `deny`.
#[server(prefix = "/fn", endpoint = "decide_request")]
pub async fn decide_request(
    #[server(default)] id: String,
    #[server(default)] decision: String,
    #[server(default)] cap: String,
    #[server(default)] note: String,
) -> Result<FormReply, AppError> {
    crate::server::operator::decide(id, decision, cap, note).await
}

/// Every team, the newest first.
#[server(prefix = "/fn", endpoint = "operator_teams")]
pub async fn list_teams(
    #[server(default)] search: String,
    #[server(default)] before: String,
) -> Result<Page<TeamItem>, AppError> {
    crate::server::operator::teams(search, before).await
}

/// Lifts the suspension of a team.
#[server(prefix = "/fn", endpoint = "lift_suspension")]
pub async fn lift_suspension(#[server(default)] id: String) -> Result<FormReply, AppError> {
    crate::server::operator::lift(id).await
}

/// The managed route as a whole.
#[server(prefix = "/fn", endpoint = "operator_managed")]
pub async fn get_managed_overview() -> Result<ManagedPage, AppError> {
    crate::server::operator::managed().await
}

/// Puts the managed route's Amazon SES account back into rotation for all teams.
#[server(prefix = "/fn", endpoint = "unblock_managed_account")]
pub async fn unblock_managed_account() -> Result<FormReply, AppError> {
    crate::server::operator::unblock_account().await
}

/// Puts the mail server of the configuration back into rotation.
#[server(prefix = "/fn", endpoint = "unblock_mail_server")]
pub async fn unblock_mail_server() -> Result<FormReply, AppError> {
    crate::server::operator::unblock_mail_server().await
}

/// Connects to the mail server of the configuration, logs in, and tells what was seen. Sends nothing.
#[server(prefix = "/fn", endpoint = "test_mail_server")]
pub async fn test_mail_server() -> Result<FormReply, AppError> {
    crate::server::operator::test_mail_server().await
}

/// The mails that the system sent.
#[server(prefix = "/fn", endpoint = "system_mails")]
pub async fn list_system_mail(#[server(default)] before: String) -> Result<SystemMailPage, AppError> {
    crate::server::operator::mails(before).await
}

/// One of them, with its content while that is kept.
#[server(prefix = "/fn", endpoint = "system_mail")]
pub async fn get_system_mail(id: String) -> Result<(SystemMailItem, Option<MailView>), AppError> {
    crate::server::operator::mail(id).await
}
