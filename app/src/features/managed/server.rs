//! The managed route of a team.

use super::api::INCREASE;
use super::convert;
use super::model::ManagedRoute;
use crate::model::{AppError, FormReply};
use crate::server::context::{current, error_response};
use crate::server::form::Sent;
use sendmux_domain::{Role, accounts, managed};
use sendmux_rules::ProviderStatus;

/// The managed route of the viewer's team.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn route() -> Result<ManagedRoute, AppError> {
    let current = current().await?;
    let route = managed::route(&current.domain, current.team_id())
        .await
        .map_err(error_response)?;
    let role = current.account.role;
    let awaits_viewer = route.status == ProviderStatus::Pending
        && role == Role::Owner
        && !accounts::is_verified(&current.domain, current.account.user.id)
            .await
            .map_err(error_response)?;
    Ok(ManagedRoute {
        awaits_viewer,
        ..convert::managed_route(route, role.can_configure(), current.now())
    })
}

/// Asks for a higher cap. `back` is the page of the form.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn request_increase(back: String) -> Result<FormReply, AppError> {
    let sent = Sent::back(INCREASE, &back, "/providers");
    sent.run(|current| async move {
        managed::request_increase(&current.domain, &current.actor()).await?;
        Ok("The request is with the operator of this installation. You get a mail with the outcome.")
    })
    .await
}
