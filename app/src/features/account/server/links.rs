//! Handlers of links in mails.

use super::{begin, leave, unless_busy};
use crate::features::account::api::{ACCEPT, FORGOT, RESET, VERIFY};
use crate::features::account::model::InvitedView;
use crate::model::{AppError, FormReply};
use crate::server::client;
use crate::server::context::{account, domain, error_response, internal_error, parts};
use crate::server::form::Sent;
use crate::url::query_value;
use sendmux_domain::Error;
use sendmux_domain::accounts::{self, SignedIn};

/// Sends the link that verifies the viewer's address once more.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn send_verification(back: String) -> Result<FormReply, AppError> {
    let sent = Sent::back(VERIFY, &back, "/settings");
    sent.run(|current| async move {
        accounts::send_verification_again(&current.domain, current.account.user.id).await?;
        Ok("The link is on its way to your address.")
    })
    .await
}

/// Verifies an address.
///
/// # Errors
/// [`AppError::Internal`].
pub async fn verify(token: String) -> Result<FormReply, AppError> {
    let parts = parts()?;
    let verified = accounts::verify_email(&domain(&parts)?, &token, client::address(&parts.extensions)).await;
    let verified = verified.map(|email| format!("{email} is verified.")).map_err(gone);
    Sent::on(VERIFY, "/verify").finish(verified).await
}

/// A link that leads to nothing any more.
fn gone(error: Error) -> Error {
    match error {
        Error::NotFound(_) => Error::Gone("This link does not work: it was used, has expired, or is not whole."),
        error => error,
    }
}

/// Sends a link to a new password. The answer, and when it comes, is the same whether or not there is such an account.
///
/// # Errors
/// [`AppError::Internal`].
pub async fn forgot(email: String) -> Result<FormReply, AppError> {
    let parts = parts()?;
    let domain = domain(&parts)?;
    let remote = client::address(&parts.extensions);
    let address = email.clone();
    tokio::spawn(async move {
        if let Err(error) = accounts::forgot_password(&domain, &address, remote).await {
            drop(internal_error(error));
        }
    });
    let sent = Sent::on(FORGOT, "/forgot-password").typed([("email", email)]);
    sent.finish(Ok(
        "If there is an account with this address, a mail with a link is on its way to it.",
    ))
    .await
}

/// True while a link to a new password works.
///
/// # Errors
/// [`AppError::Internal`].
pub async fn can_reset(token: String) -> Result<bool, AppError> {
    accounts::can_reset(&domain(&parts()?)?, &token)
        .await
        .map_err(error_response)
}

/// Sets a new password, and signs in.
///
/// # Errors
/// [`AppError::Internal`].
pub async fn reset(token: String, password: String) -> Result<FormReply, AppError> {
    let parts = parts()?;
    let remote = client::address(&parts.extensions);
    let done = match accounts::reset_password(&domain(&parts)?, &token, password, remote).await {
        Ok(Some(signed_in)) => Ok(signed_in),
        Ok(None) => {
            return leave("Your password is changed. You belong to no team: accept an invitation with it.").await;
        }
        Err(error) => Err(error),
    };
    enter(RESET, "/reset-password", &token, &[], done).await
}

/// The invitation behind a link.
///
/// # Errors
/// [`AppError::NotFound`] when it does not work; [`AppError::Internal`].
pub async fn invited(token: String) -> Result<InvitedView, AppError> {
    let parts = parts()?;
    let domain = domain(&parts)?;
    let invited = accounts::invited(&domain, &token).await.map_err(error_response)?;
    Ok(InvitedView {
        team: invited.team,
        email: invited.email,
        role: invited.role.as_str().to_owned(),
        has_account: invited.has_account,
        signed_in_as: account(&parts, &domain).await?.map(|account| account.user.email),
    })
}

/// Accepts an invitation: as the signed-in user, with the password of an account, or with a new account.
///
/// # Errors
/// [`AppError::Internal`].
pub async fn accept(token: String, name: String, password: String) -> Result<FormReply, AppError> {
    let parts = parts()?;
    let domain = domain(&parts)?;
    let remote = client::address(&parts.extensions);
    let done = match account(&parts, &domain).await? {
        Some(session) => accounts::accept_invitation(&domain, &session, &token, remote).await,
        None => accounts::accept_invitation_signed_out(&domain, &token, name.clone(), password, remote).await,
    };
    enter(ACCEPT, "/invitation", &token, &[("name", name.as_str())], done).await
}

/// Begins a session with what came of a link, or says why not.
async fn enter(
    form: &'static str,
    page: &str,
    token: &str,
    typed: &[(&str, &str)],
    done: Result<SignedIn, Error>,
) -> Result<FormReply, AppError> {
    match done {
        Ok(signed_in) => {
            begin(&parts()?, &signed_in).await?;
            leptos_axum::redirect("/overview");
            Ok(FormReply::done(form, ""))
        }
        Err(error) => {
            let page = format!("{page}?token={}", query_value(token));
            let sent = Sent::on(form, &page).typed(typed.iter().copied());
            sent.refuse(unless_busy(gone(error))?).await
        }
    }
}
