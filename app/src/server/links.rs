//! Handlers of links in mails.

use super::authentication::{begin, leave};
use super::client;
use super::context::{account, current, domain, error_response, internal_error, local_path, parts};
use super::flash;
use crate::api::forms::{ACCEPT, FORGOT, RESET, VERIFY};
use crate::model::{AppError, FormReply, InvitedView};
use crate::url::query_value;
use sendmux_domain::Error;
use sendmux_domain::accounts::{self, SignedIn};

const GONE: &str = "This link does not work: it was used, has expired, or is not whole.";

/// Sends the link that verifies the viewer's address once more.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn send_verification(back: String) -> Result<FormReply, AppError> {
    let current = current().await?;
    let reply = match accounts::send_verification_again(&current.domain, current.account.user.id).await {
        Ok(()) => FormReply::done(VERIFY, "The link is on its way to your address."),
        Err(error) => flash::refusal(VERIFY, error)?,
    };
    flash::answer(reply, local_path(&back, "/settings")).await
}

/// Verifies an address.
///
/// # Errors
/// [`AppError::Internal`].
pub async fn verify(token: String) -> Result<FormReply, AppError> {
    let parts = parts()?;
    let remote = client::address(&parts.extensions);
    let reply = match accounts::verify_email(&domain(&parts)?, &token, remote).await {
        Ok(email) => FormReply::done(VERIFY, format!("{email} is verified.")),
        Err(Error::NotFound(_)) => FormReply::failed(VERIFY, GONE),
        Err(error) => flash::refusal(VERIFY, error)?,
    };
    flash::answer(reply, "/verify").await
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
    let reply = FormReply::done(
        FORGOT,
        "If there is an account with this address, a mail with a link is on its way to it.",
    );
    flash::answer(reply.with_values([("email", email.as_str())]), "/forgot-password").await
}

/// Whether a link to a new password still works.
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

/// What an invitation's link is for.
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
    form: &str,
    page: &str,
    token: &str,
    typed: &[(&str, &str)],
    done: Result<SignedIn, Error>,
) -> Result<FormReply, AppError> {
    let reply = match done {
        Ok(signed_in) => {
            begin(&parts()?, &signed_in).await?;
            leptos_axum::redirect("/overview");
            return Ok(FormReply::done(form, ""));
        }
        Err(Error::NotFound(_)) => FormReply::failed(form, GONE),
        Err(error) => flash::refusal(form, error)?,
    };
    let reply = reply.with_values(typed.iter().copied());
    flash::answer(reply, &format!("{page}?token={}", query_value(token))).await
}
