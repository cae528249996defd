//! Signing up, in and out: what the browser's session holds.

pub mod links;

use crate::features::account::api::{SIGN_IN, SIGN_UP};
use crate::features::account::model::VisitorState;
use crate::model::{AppError, FormReply};
use crate::server::client;
use crate::server::context::{
    MARK, TEAM, USER, account, domain, error_response, local_path, parts, session, session_failed, unavailable,
};
use crate::server::cookies::Cookie;
use crate::server::form::Sent;
use crate::url::query_value;
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use sendmux_domain::accounts::{self, Client, SignInError, SignUp, SignedIn, Team};
use sendmux_domain::{Error, sessions};
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
        needs_setup_token: state.needs_setup_token,
    })
}

/// Checks the password and begins a session.
///
/// # Errors
/// [`AppError::Internal`].
pub async fn sign_in(email: String, password: String, next: String) -> Result<FormReply, AppError> {
    let parts = parts()?;
    let domain = domain(&parts)?;
    let client = Client {
        remote: client::address(&parts.extensions),
        browser: KNOWN_BROWSER.get(),
    };
    let message = match accounts::sign_in(&domain, &email, &password, client).await {
        Ok(signed_in) => {
            begin(&parts, &signed_in).await?;
            leptos_axum::redirect(local_path(&next, "/overview"));
            return Ok(FormReply::done(SIGN_IN, ""));
        }
        Err(SignInError::WrongCredentials) => "Email address or password is wrong.".to_owned(),
        Err(SignInError::Throttled { retry_after }) => {
            format!(
                "Too many attempts failed. Try again in {}.",
                accounts::minutes(retry_after)
            )
        }
        Err(SignInError::Failed(error)) => return Err(error_response(unless_busy(error)?)),
    };
    let page = match local_path(&next, "") {
        "" => "/sign-in".to_owned(),
        next => format!("/sign-in?next={}", query_value(next)),
    };
    let sent = Sent::on(SIGN_IN, &page).typed([("email", email)]);
    sent.refuse(Error::Conflict(message)).await
}

/// Makes the account and begins a session.
///
/// # Errors
/// [`AppError::Internal`].
pub async fn sign_up(
    name: String,
    email: String,
    password: String,
    team_name: String,
    setup_token: String,
) -> Result<FormReply, AppError> {
    let parts = parts()?;
    let sent = Sent::on(SIGN_UP, "/sign-up").typed([("name", &name), ("email", &email), ("team_name", &team_name)]);
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
        setup_token,
    };
    match accounts::sign_up(&domain(&parts)?, form, client::address(&parts.extensions)).await {
        Ok(signed_in) => {
            begin(&parts, &signed_in).await?;
            leptos_axum::redirect("/overview");
            Ok(FormReply::done(SIGN_UP, ""))
        }
        Err(error) => sent.refuse(unless_busy(error)?).await,
    }
}

/// The error, unless too many passwords are being checked: that is answered with 503, and passes.
///
/// # Errors
/// [`AppError::Unavailable`].
pub fn unless_busy(error: Error) -> Result<Error, AppError> {
    match error {
        Error::Unavailable(why) => Err(unavailable(why)),
        error => Ok(error),
    }
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

/// The token of an account that this browser signed in to: the failures of others do not keep it out.
const KNOWN_BROWSER: Cookie = Cookie::bound("sendmux_browser", Duration::from_secs(365 * 24 * 3_600));

/// A session under a new id, so that one that was planted before sign-in is worth nothing.
pub async fn begin(parts: &Parts, signed_in: &SignedIn) -> Result<(), AppError> {
    let session = session(parts)?;
    let token = accounts::known_browser_token(&domain(parts)?, &signed_in.user).map_err(error_response)?;
    KNOWN_BROWSER.set(&token);
    session.cycle_id().await.map_err(session_failed)?;
    session
        .insert(USER, &signed_in.user.public_id)
        .await
        .map_err(session_failed)?;
    session.insert(MARK, &signed_in.mark).await.map_err(session_failed)?;
    switch_team(&session, &signed_in.team).await?;
    // Stored now, so that there is a session to give to the person.
    session.save().await.map_err(session_failed)?;
    let id = session.id().map(|id| id.to_string()).unwrap_or_default();
    let agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    let remote = client::address(&parts.extensions);
    sessions::begin(&domain(parts)?, &id, signed_in.user.id, remote, agent)
        .await
        .map_err(error_response)
}

/// Makes this the session's current team.
pub async fn switch_team(session: &Session, team: &Team) -> Result<(), AppError> {
    session.insert(TEAM, &team.public_id).await.map_err(session_failed)
}

/// Ends the session, and says why on the sign-in page.
pub async fn leave(why: &str) -> Result<FormReply, AppError> {
    session(&parts()?)?.flush().await.map_err(session_failed)?;
    Sent::to(SIGN_IN, "/sign-in").finish(Ok(why)).await
}
