//! Forms of the settings.

use super::api::{PASSWORD, TEAM};
use crate::features::account::server::{begin, unless_busy};
use crate::model::{AppError, FormReply};
use crate::server::context::{current, parts};
use crate::server::form::Sent;
use sendmux_domain::accounts;

const PAGE: &str = "/settings";

/// Renames the team.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn rename_team(name: String) -> Result<FormReply, AppError> {
    let sent = Sent::on(TEAM, PAGE).typed([("name", &name)]);
    sent.run(|current| async move {
        accounts::rename_team(&current.domain, &current.actor(), &name).await?;
        Ok("The team is renamed.")
    })
    .await
}

/// Changes the password of the signed-in user. This session goes on with the new one, all others end.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn change_password(current_password: String, password: String) -> Result<FormReply, AppError> {
    let current = current().await?;
    let remote = current.actor().remote;
    let changed =
        accounts::change_password(&current.domain, &current.account, &current_password, password, remote).await;
    if let Ok(signed_in) = &changed {
        begin(&parts()?, signed_in).await?;
    }
    let changed = match changed {
        Err(error) => Err(unless_busy(error)?),
        changed => changed,
    };
    let changed = changed.map(|_| "Your password is changed. Everywhere else you are signed out.");
    Sent::on(PASSWORD, PAGE).finish(changed).await
}
