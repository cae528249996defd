//! Signing up, in and out.

use crate::model::{AppError, FormReply, Viewer, VisitorState};
use leptos::prelude::*;

/// The signed-in viewer. Sends everybody else to the sign-in page.
#[server(prefix = "/fn", endpoint = "viewer")]
pub async fn viewer_of() -> Result<Viewer, AppError> {
    crate::server::team::viewer().await
}

/// State of the visitor, for the pages outside the dashboard. Sends the signed-in to the overview.
#[server(prefix = "/fn", endpoint = "gate")]
pub async fn current_visitor() -> Result<VisitorState, AppError> {
    crate::server::authentication::visitor_state().await
}

/// Signs in with email address and password.
#[server(prefix = "/fn", endpoint = "sign_in")]
pub async fn sign_in(
    #[server(default)] email: String,
    #[server(default)] password: String,
    #[server(default)] next: String,
) -> Result<FormReply, AppError> {
    crate::server::authentication::sign_in(email, password, next).await
}

/// Makes an account with its team, and signs in.
#[server(prefix = "/fn", endpoint = "sign_up")]
pub async fn sign_up(
    #[server(default)] name: String,
    #[server(default)] email: String,
    #[server(default)] password: String,
    #[server(default)] team_name: String,
) -> Result<FormReply, AppError> {
    crate::server::authentication::sign_up(name, email, password, team_name).await
}

/// Ends the session.
#[server(prefix = "/fn", endpoint = "sign_out")]
pub async fn sign_out() -> Result<(), AppError> {
    crate::server::authentication::sign_out().await
}
