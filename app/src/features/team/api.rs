//! The team and its members.

use super::model::TeamPage;
use crate::model::{AppError, FormReply};
use leptos::prelude::*;

/// Invite somebody.
pub const INVITE: &str = "invite";
/// Change or remove a member, or take an invitation back.
pub const MEMBER: &str = "member";
/// Make another team.
pub const NEW_TEAM: &str = "new-team";

/// The members of the viewer's team, and the invitations that wait.
#[server(prefix = "/fn", endpoint = "team")]
pub async fn get_team() -> Result<TeamPage, AppError> {
    super::server::page().await
}

/// Invites somebody by mail.
#[server(prefix = "/fn", endpoint = "invite")]
pub async fn invite_member(
    #[server(default)] email: String,
    #[server(default)] role: String,
) -> Result<FormReply, AppError> {
    super::server::invite(email, role).await
}

/// Takes an invitation back.
#[server(prefix = "/fn", endpoint = "take_back_invitation")]
pub async fn take_back_invitation(#[server(default)] email: String) -> Result<FormReply, AppError> {
    super::server::take_back(email).await
}

/// Gives a member another role.
#[server(prefix = "/fn", endpoint = "set_role")]
pub async fn set_role(#[server(default)] id: String, #[server(default)] role: String) -> Result<FormReply, AppError> {
    super::server::set_role(id, role).await
}

/// Removes a member.
#[server(prefix = "/fn", endpoint = "remove_member")]
pub async fn remove_member(#[server(default)] id: String) -> Result<FormReply, AppError> {
    super::server::remove(id).await
}

/// Looks at another team of the viewer from now on.
#[server(prefix = "/fn", endpoint = "switch_team")]
pub async fn switch_team(#[server(default)] id: String) -> Result<(), AppError> {
    super::server::switch(id).await
}

/// Makes another team, and looks at it from now on.
#[server(prefix = "/fn", endpoint = "create_team")]
pub async fn create_team(#[server(default)] name: String) -> Result<FormReply, AppError> {
    super::server::create(name).await
}

/// Leaves the team that is being looked at.
#[server(prefix = "/fn", endpoint = "leave_team")]
pub async fn leave_team() -> Result<FormReply, AppError> {
    super::server::leave().await
}
