//! The team and its members, and what links in mails lead to.

use crate::model::{AppError, FormReply, InvitedView, TeamPage};
use leptos::prelude::*;

/// The members of the viewer's team, and the invitations that wait.
#[server(prefix = "/fn", endpoint = "team")]
pub async fn get_team() -> Result<TeamPage, AppError> {
    crate::server::team::page().await
}

/// Invites somebody by mail.
#[server(prefix = "/fn", endpoint = "invite")]
pub async fn invite_member(
    #[server(default)] email: String,
    #[server(default)] role: String,
) -> Result<FormReply, AppError> {
    crate::server::team::invite(email, role).await
}

/// Takes an invitation back.
#[server(prefix = "/fn", endpoint = "take_back_invitation")]
pub async fn take_back_invitation(#[server(default)] email: String) -> Result<FormReply, AppError> {
    crate::server::team::take_back(email).await
}

/// Gives a member another role.
#[server(prefix = "/fn", endpoint = "set_role")]
pub async fn set_role(#[server(default)] id: String, #[server(default)] role: String) -> Result<FormReply, AppError> {
    crate::server::team::set_role(id, role).await
}

/// Removes a member.
#[server(prefix = "/fn", endpoint = "remove_member")]
pub async fn remove_member(#[server(default)] id: String) -> Result<FormReply, AppError> {
    crate::server::team::remove(id).await
}

/// Looks at another team of the viewer from now on.
#[server(prefix = "/fn", endpoint = "switch_team")]
pub async fn switch_team(#[server(default)] id: String) -> Result<(), AppError> {
    crate::server::team::switch(id).await
}

/// Makes another team, and looks at it from now on.
#[server(prefix = "/fn", endpoint = "create_team")]
pub async fn create_team(#[server(default)] name: String) -> Result<FormReply, AppError> {
    crate::server::team::create(name).await
}

/// Leaves the team that is being looked at.
#[server(prefix = "/fn", endpoint = "leave_team")]
pub async fn leave_team() -> Result<FormReply, AppError> {
    crate::server::team::leave().await
}

/// Sends the link that verifies the viewer's address once more.
#[server(prefix = "/fn", endpoint = "send_verification")]
pub async fn send_verification(#[server(default)] back: String) -> Result<FormReply, AppError> {
    crate::server::links::send_verification(back).await
}

/// Verifies an address by the link of a mail.
#[server(prefix = "/fn", endpoint = "verify_email")]
pub async fn verify_email(#[server(default)] token: String) -> Result<FormReply, AppError> {
    crate::server::links::verify(token).await
}

/// Sends a link to a new password, if there is such an account.
#[server(prefix = "/fn", endpoint = "forgot_password")]
pub async fn forgot_password(#[server(default)] email: String) -> Result<FormReply, AppError> {
    crate::server::links::forgot(email).await
}

/// Whether the link to a new password still works.
#[server(prefix = "/fn", endpoint = "can_reset")]
pub async fn can_reset(#[server(default)] token: String) -> Result<bool, AppError> {
    crate::server::links::can_reset(token).await
}

/// Sets a new password by the link of a mail, and signs in.
#[server(prefix = "/fn", endpoint = "reset_password")]
pub async fn reset_password(
    #[server(default)] token: String,
    #[server(default)] password: String,
) -> Result<FormReply, AppError> {
    crate::server::links::reset(token, password).await
}

/// What an invitation's link is for.
#[server(prefix = "/fn", endpoint = "invited")]
pub async fn get_invited(#[server(default)] token: String) -> Result<InvitedView, AppError> {
    crate::server::links::invited(token).await
}

/// Accepts an invitation: as the signed-in user, with the password of an account, or with a new account.
#[server(prefix = "/fn", endpoint = "accept_invitation")]
pub async fn accept_invitation(
    #[server(default)] token: String,
    #[server(default)] name: String,
    #[server(default)] password: String,
) -> Result<FormReply, AppError> {
    crate::server::links::accept(token, name, password).await
}
