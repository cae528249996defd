//! The team's name, the user's password and the browser's theme.

use crate::model::{AppError, FormReply};
use leptos::prelude::*;

/// Renames the team. Its address on the managed route stays.
#[server(prefix = "/fn", endpoint = "rename_team")]
pub async fn rename_team(#[server(default)] name: String) -> Result<FormReply, AppError> {
    use super::forms::TEAM;
    use crate::server::context::current;
    use crate::server::flash;
    let current = current().await?;
    let reply = match sendmux_domain::accounts::rename_team(&current.domain, &current.actor(), &name).await {
        Ok(()) => FormReply::done(TEAM, "The team is renamed."),
        Err(error) => flash::refusal(TEAM, error)?,
    };
    flash::answer(reply.with_values([("name", name.as_str())]), "/settings").await
}

/// Changes the password of the signed-in user. Their other sessions end with the old one.
#[server(prefix = "/fn", endpoint = "change_password")]
pub async fn change_password(
    #[server(default)] current_password: String,
    #[server(default)] password: String,
) -> Result<FormReply, AppError> {
    crate::server::authentication::change_password(current_password, password).await
}

/// Remembers the theme in a cookie of this browser, and goes back to the page it was chosen on.
#[server(prefix = "/fn", endpoint = "set_theme")]
pub async fn set_theme(#[server(default)] theme: String, #[server(default)] back: String) -> Result<String, AppError> {
    crate::server::theme::choose(theme, back).await
}
