//! Signing up, in and out.

use super::model::{InvitedView, VisitorState};
use crate::model::{AppError, FormReply};
use leptos::prelude::*;

/// Sign in.
pub const SIGN_IN: &str = "sign-in";
/// Sign up.
pub const SIGN_UP: &str = "sign-up";
/// Verify an address.
pub const VERIFY: &str = "verify";
/// Ask for a link to a new password.
pub const FORGOT: &str = "forgot";
/// Set a new password.
pub const RESET: &str = "reset";
/// Accept an invitation.
pub const ACCEPT: &str = "accept";

/// State of the visitor, for the pages outside the dashboard. Sends the signed-in to the overview.
#[server(prefix = "/fn", endpoint = "gate")]
pub async fn current_visitor() -> Result<VisitorState, AppError> {
    super::server::visitor_state().await
}

/// Signs in with email address and password.
#[server(prefix = "/fn", endpoint = "sign_in")]
pub async fn sign_in(
    #[server(default)] email: String,
    #[server(default)] password: String,
    #[server(default)] next: String,
) -> Result<FormReply, AppError> {
    super::server::sign_in(email, password, next).await
}

/// Makes an account with its team, and signs in.
#[server(prefix = "/fn", endpoint = "sign_up")]
pub async fn sign_up(
    #[server(default)] name: String,
    #[server(default)] email: String,
    #[server(default)] password: String,
    #[server(default)] team_name: String,
    #[server(default)] setup_token: String,
) -> Result<FormReply, AppError> {
    super::server::sign_up(name, email, password, team_name, setup_token).await
}

/// Ends the session.
#[server(prefix = "/fn", endpoint = "sign_out")]
pub async fn sign_out() -> Result<(), AppError> {
    super::server::sign_out().await
}

/// Sends the link that verifies the viewer's address once more.
#[server(prefix = "/fn", endpoint = "send_verification")]
pub async fn send_verification(#[server(default)] back: String) -> Result<FormReply, AppError> {
    super::server::links::send_verification(back).await
}

/// Verifies an address by the link of a mail.
#[server(prefix = "/fn", endpoint = "verify_email")]
pub async fn verify_email(#[server(default)] token: String) -> Result<FormReply, AppError> {
    super::server::links::verify(token).await
}

/// Sends a link to a new password, if there is such an account.
#[server(prefix = "/fn", endpoint = "forgot_password")]
pub async fn forgot_password(#[server(default)] email: String) -> Result<FormReply, AppError> {
    super::server::links::forgot(email).await
}

/// True while the link to a new password works.
#[server(prefix = "/fn", endpoint = "can_reset")]
pub async fn can_reset(#[server(default)] token: String) -> Result<bool, AppError> {
    super::server::links::can_reset(token).await
}

/// Sets a new password by the link of a mail, and signs in.
#[server(prefix = "/fn", endpoint = "reset_password")]
pub async fn reset_password(
    #[server(default)] token: String,
    #[server(default)] password: String,
) -> Result<FormReply, AppError> {
    super::server::links::reset(token, password).await
}

/// The invitation behind a link.
#[server(prefix = "/fn", endpoint = "invited")]
pub async fn get_invited(#[server(default)] token: String) -> Result<InvitedView, AppError> {
    super::server::links::invited(token).await
}

/// Accepts an invitation: as the signed-in user, with the password of an account, or with a new account.
#[server(prefix = "/fn", endpoint = "accept_invitation")]
pub async fn accept_invitation(
    #[server(default)] token: String,
    #[server(default)] name: String,
    #[server(default)] password: String,
) -> Result<FormReply, AppError> {
    super::server::links::accept(token, name, password).await
}
