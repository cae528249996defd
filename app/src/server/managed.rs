//! The managed route of a team.

use super::context::{current, local_path, refused};
use super::{convert, flash};
use crate::api::forms::INCREASE;
use crate::model::{AppError, FormReply, ManagedRoute};
use sendmux_domain::managed;

/// The managed route of the viewer's team.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn route() -> Result<ManagedRoute, AppError> {
    let current = current().await?;
    let route = managed::route(&current.domain, current.team_id())
        .await
        .map_err(refused)?;
    let may_request = current.account.role.can_configure();
    Ok(convert::managed_route(route, may_request, current.now()))
}

/// Asks for a higher cap. `back` is the page of the form.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn request_increase(back: String) -> Result<FormReply, AppError> {
    let current = current().await?;
    let reply = match managed::request_increase(&current.domain, &current.actor()).await {
        Ok(_) => FormReply::done(
            INCREASE,
            "The request is with the operator of this installation. You get a mail with the outcome.",
        ),
        Err(error) => flash::refusal(INCREASE, error)?,
    };
    flash::answer(reply, local_path(&back, "/providers")).await
}
