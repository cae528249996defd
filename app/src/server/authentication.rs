//! Signing up, in and out: what the browser's session holds.

use super::client;
use super::context::{
    MARK, TEAM, USER, account, current, domain, error_response, local_path, parts, session, session_failed,
};
use super::flash;
use crate::api::forms;
use crate::model::{AppError, FormReply, VisitorState};
use crate::url::query_value;
use axum::http::request::Parts;
use sendmux_domain::accounts::{self, SignInError, SignUp, SignedIn, Team};
use std::time::Duration;
use tower_sessions::Session;

/// State of a visitor, for the pages outside the dashboard.
///
/// # Errors
/// [`AppError::Internal`].
pub async fn visitor_state() -> Result<VisitorState, AppError> {
    let parts = parts()?;
    let domain = domain(&parts)?;
    let signed_in = account(&parts, &domain).await?.is_some();
    let state = accounts::sign_up_state(&domain).await.map_err(error_response)?;
    Ok(VisitorState {
        signed_in,
        sign_up_open: state.open,
        first_account: state.first_account,
    })
}

/// Checks the password and begins a session.
///
/// # Errors
/// [`AppError::Internal`].
pub async fn sign_in(email: String, password: String, next: String) -> Result<FormReply, AppError> {
    let parts = parts()?;
    let domain = domain(&parts)?;
    let remote = client::address(&parts.extensions);
    let message = match accounts::sign_in(&domain, &email, &password, remote).await {
        Ok(signed_in) => {
            begin(&parts, &signed_in).await?;
            leptos_axum::redirect(local_path(&next, "/overview"));
            return Ok(FormReply::done(forms::SIGN_IN, ""));
        }
        Err(SignInError::WrongCredentials) => "Email address or password is wrong.".to_owned(),
        Err(SignInError::Throttled { retry_after }) => {
            format!("Too many attempts failed. Try again in {}.", minutes(retry_after))
        }
        Err(SignInError::Failed(error)) => return Err(error_response(error)),
    };
    let page = match local_path(&next, "") {
        "" => "/sign-in".to_owned(),
        next => format!("/sign-in?next={}", query_value(next)),
    };
    let reply = FormReply::failed(forms::SIGN_IN, message).with_values([("email", email.as_str())]);
    flash::answer(reply, &page).await
}

/// Makes the account and begins a session.
///
/// # Errors
/// [`AppError::Internal`].
pub async fn sign_up(name: String, email: String, password: String, team_name: String) -> Result<FormReply, AppError> {
    let parts = parts()?;
    let domain = domain(&parts)?;
    let remote = client::address(&parts.extensions);
    let typed = [
        ("name", name.as_str()),
        ("email", email.as_str()),
        ("team_name", team_name.as_str()),
    ]
    .map(|(field, value)| (field, value.to_owned()));
    // A team of one is called like its founder, until it is renamed.
    let team_name = if team_name.trim().is_empty() {
        name.clone()
    } else {
        team_name
    };
    let form = SignUp {
        name,
        email,
        password,
        team_name,
    };
    match accounts::sign_up(&domain, form, remote).await {
        Ok(signed_in) => {
            begin(&parts, &signed_in).await?;
            leptos_axum::redirect("/overview");
            Ok(FormReply::done(forms::SIGN_UP, ""))
        }
        Err(error) => {
            let values = typed.iter().map(|(field, value)| (*field, value.as_str()));
            flash::answer(flash::refusal(forms::SIGN_UP, error)?.with_values(values), "/sign-up").await
        }
    }
}

/// Changes the password of the signed-in user. This session goes on with the new one, all others end.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn change_password(current_password: String, password: String) -> Result<FormReply, AppError> {
    let now = current().await?;
    let remote = now.actor().remote;
    let changed = accounts::change_password(&now.domain, &now.account, &current_password, password, remote).await;
    let reply = match changed {
        Ok(signed_in) => {
            begin(&parts()?, &signed_in).await?;
            FormReply::done(
                forms::PASSWORD,
                "Your password is changed. Everywhere else you are signed out.",
            )
        }
        Err(error) => flash::refusal(forms::PASSWORD, error)?,
    };
    flash::answer(reply, "/settings").await
}

/// Ends the session, and goes to the sign-in page.
///
/// # Errors
/// [`AppError::Internal`].
pub async fn sign_out() -> Result<(), AppError> {
    session(&parts()?)?.flush().await.map_err(session_failed)?;
    leptos_axum::redirect("/sign-in");
    Ok(())
}

/// A session under a new id, so that one that was planted before sign-in is worth nothing.
pub(super) async fn begin(parts: &Parts, signed_in: &SignedIn) -> Result<(), AppError> {
    let session = session(parts)?;
    session.cycle_id().await.map_err(session_failed)?;
    session
        .insert(USER, &signed_in.user.public_id)
        .await
        .map_err(session_failed)?;
    session.insert(MARK, &signed_in.mark).await.map_err(session_failed)?;
    switch_team(&session, &signed_in.team).await
}

/// Makes this the session's current team.
pub(super) async fn switch_team(session: &Session, team: &Team) -> Result<(), AppError> {
    session.insert(TEAM, &team.public_id).await.map_err(session_failed)
}

/// Ends the session, and says why on the sign-in page.
pub(super) async fn leave(why: &str) -> Result<FormReply, AppError> {
    let session = session(&parts()?)?;
    for key in [USER, MARK, TEAM] {
        session.remove::<String>(key).await.map_err(session_failed)?;
    }
    flash::answer_on(FormReply::done(forms::SIGN_IN, why), "/sign-in").await
}

fn minutes(wait: Duration) -> String {
    match wait.as_secs().div_ceil(60) {
        0 | 1 => "a minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}
