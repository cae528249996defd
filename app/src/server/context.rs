//! Context of a request: the account that makes it, the domain, the session.

use crate::model::AppError;
use crate::server::client;
use crate::url::query_value;
use axum::http::header::{REFERER, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, Uri};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use sendmux_domain::accounts::{self, Session as Account};
use sendmux_domain::{Actor, Domain, Error, Operator};
use sendmux_rules::Timestamp;
use std::net::IpAddr;
use tower_sessions::Session;

/// Session entry of the user's public id.
pub const USER: &str = "user";
/// Session entry of the mark of the password that the session was begun with.
pub const MARK: &str = "mark";
/// Session entry of the current team's public id.
pub const TEAM: &str = "team";

/// The path under which server functions are called.
const FUNCTIONS: &str = "/fn/";

/// A signed-in request.
pub struct Current {
    /// The domain.
    pub domain: Domain,
    /// User, team and role.
    pub account: Account,
    remote: Option<IpAddr>,
}

impl Current {
    /// The team's database key.
    pub fn team_id(&self) -> i64 {
        self.account.team.id
    }

    /// The actor of changes.
    pub fn actor(&self) -> Actor {
        self.account.actor(self.remote)
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.domain.clock.now()
    }
}

/// The signed-in user of this request; sends the browser to the sign-in page when there is none.
///
/// # Errors
/// [`AppError::SignedOut`], or [`AppError::Internal`] when the session cannot be read.
pub async fn current() -> Result<Current, AppError> {
    let parts = parts()?;
    let domain = domain(&parts)?;
    match account(&parts, &domain).await? {
        Some(account) => Ok(Current {
            domain,
            account,
            remote: client::address(&parts.extensions),
        }),
        None => {
            status(StatusCode::UNAUTHORIZED);
            // A browser that navigates gets a redirect in place of that status.
            leptos_axum::redirect(&sign_in_path(&parts));
            Err(AppError::SignedOut)
        }
    }
}

/// The signed-in operator; for everybody else the page does not exist.
///
/// # Errors
/// [`AppError::NotFound`] for all but operators; [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn operator() -> Result<(Current, Operator), AppError> {
    let current = current().await?;
    let operator = Operator::of(&current.account.user, current.remote).map_err(error_response)?;
    Ok((current, operator))
}

/// The user and team of a request's session, read anew from the database.
///
/// # Errors
/// [`AppError::Internal`] when the session or the database cannot be read.
pub async fn account(parts: &Parts, domain: &Domain) -> Result<Option<Account>, AppError> {
    let session = session(parts)?;
    let Some(user) = session.get::<String>(USER).await.map_err(session_failed)? else {
        return Ok(None);
    };
    let mark = session
        .get::<String>(MARK)
        .await
        .map_err(session_failed)?
        .unwrap_or_default();
    let team = session.get::<String>(TEAM).await.map_err(session_failed)?;
    accounts::session_user(domain, &user, &mark, team.as_deref())
        .await
        .map_err(error_response)
}

/// The request that is being answered.
///
/// # Errors
/// [`AppError::Internal`] outside a request.
pub fn parts() -> Result<Parts, AppError> {
    use_context::<Parts>().ok_or(AppError::Internal)
}

/// The domain that the server put into the request.
///
/// # Errors
/// [`AppError::Internal`] when it did not.
pub fn domain(parts: &Parts) -> Result<Domain, AppError> {
    parts
        .extensions
        .get::<Domain>()
        .cloned()
        .ok_or_else(|| internal_error("no Domain in the request's extensions"))
}

/// The browser's session.
///
/// # Errors
/// [`AppError::Internal`] when the session layer is missing.
pub fn session(parts: &Parts) -> Result<Session, AppError> {
    parts
        .extensions
        .get::<Session>()
        .cloned()
        .ok_or_else(|| internal_error("no Session in the request's extensions"))
}

/// Response to an error of the domain: sets the status code and returns what the browser is shown.
pub fn error_response(error: Error) -> AppError {
    let error = to_app_error(error);
    match error {
        AppError::NotFound(_) => status(StatusCode::NOT_FOUND),
        AppError::Forbidden(_) => status(StatusCode::FORBIDDEN),
        AppError::Refused(_) => status(StatusCode::BAD_REQUEST),
        AppError::SignedOut | AppError::Unavailable | AppError::Internal | AppError::Unreachable => {}
    }
    error
}

/// Error that the browser is shown for an error of the domain; faults of the installation go to the log.
pub fn to_app_error(error: Error) -> AppError {
    match error {
        Error::NotFound(what) => AppError::NotFound(what.to_owned()),
        Error::Forbidden(why) => AppError::Forbidden(why.to_owned()),
        error if error.is_outage() => unavailable(error),
        error if error.is_internal() => internal_error(error),
        error => AppError::Refused(error.to_string()),
    }
}

/// An outage of the database: logged here, and answered so that clients try again.
pub fn unavailable(error: impl std::fmt::Display) -> AppError {
    tracing::warn!(%error, "the dashboard could not answer");
    status(StatusCode::SERVICE_UNAVAILABLE);
    if let Some(options) = use_context::<ResponseOptions>() {
        options.insert_header(RETRY_AFTER, HeaderValue::from_static("5"));
    }
    AppError::Unavailable
}

/// A browser session that could not be read or written. Its store is the database.
pub fn session_failed(error: tower_sessions::session::Error) -> AppError {
    match error {
        tower_sessions::session::Error::Store(tower_sessions::session_store::Error::Backend(why)) => unavailable(why),
        error => internal_error(error),
    }
}

/// A fault of the installation: logged here, shown to the browser without its details.
pub fn internal_error(error: impl std::fmt::Display) -> AppError {
    tracing::error!(%error, "the dashboard could not answer");
    status(StatusCode::INTERNAL_SERVER_ERROR);
    AppError::Internal
}

/// True for the request of a browser that navigates (a page, or a form without scripts), false for that of a script.
pub fn navigates(parts: &Parts) -> bool {
    let accept = parts
        .headers
        .get(axum::http::header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// A path of this site, as it may stand in a form or a query; anything else is replaced, so that nobody is led away.
pub fn local_path<'a>(path: &'a str, otherwise: &'a str) -> &'a str {
    let is_local = path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_local { path } else { otherwise }
}

fn status(code: StatusCode) {
    if let Some(options) = use_context::<ResponseOptions>() {
        options.set_status(code);
    }
}

fn sign_in_path(parts: &Parts) -> String {
    let wanted = if parts.uri.path().starts_with(FUNCTIONS) {
        let referer = parts.headers.get(REFERER).and_then(|value| value.to_str().ok());
        referer
            .and_then(|url| url.parse::<Uri>().ok())
            .and_then(|uri| Some(uri.path_and_query()?.to_string()))
    } else {
        parts.uri.path_and_query().map(ToString::to_string)
    };
    match wanted.as_deref() {
        None | Some("/" | "/overview") => "/sign-in".to_owned(),
        Some(path) => format!("/sign-in?next={}", query_value(local_path(path, "/"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site() {
        for path in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "",
            "javascript:alert(1)",
            "/a b",
        ] {
            assert_eq!(local_path(path, "/overview"), "/overview", "{path}");
        }
        assert_eq!(
            local_path("/messages?status=failed", "/overview"),
            "/messages?status=failed"
        );
    }
}
