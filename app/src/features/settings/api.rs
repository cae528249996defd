//! The team's name and the user's password.

use crate::model::{AppError, FormReply};
use leptos::prelude::*;

/// Rename the team.
pub const TEAM: &str = "team";
/// Change one's password.
pub const PASSWORD: &str = "password";

/// Renames the team. Its address on the managed route stays.
#[server(prefix = "/fn", endpoint = "rename_team")]
pub async fn rename_team(#[server(default)] name: String) -> Result<FormReply, AppError> {
    super::server::rename_team(name).await
}

/// Changes the password of the signed-in user. Their other sessions end with the old one.
#[server(prefix = "/fn", endpoint = "change_password")]
pub async fn change_password(
    #[server(default)] current_password: String,
    #[server(default)] password: String,
) -> Result<FormReply, AppError> {
    super::server::change_password(current_password, password).await
}
