//! Browser sessions of the viewer.

use super::api::SESSIONS;
use super::model::SessionItem;
use crate::model::{AppError, FormReply};
use crate::server::context::{current, error_response, parts, session};
use crate::server::form::Sent;
use crate::server::words::moment;
use sendmux_domain::sessions;

const PAGE: &str = "/settings/sessions";

/// Names of browsers in the User-Agent field, the more telling first: most of them also name those that they are like.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Names of systems there, the more telling first.
const SYSTEMS: &[(&str, &str)] = &[
    ("Windows", "Windows"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// The viewer's sessions.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn list() -> Result<Vec<SessionItem>, AppError> {
    let current = current().await?;
    let now = current.now();
    let all = sessions::of_user(&current.domain, current.account.user.id, &own_id()?)
        .await
        .map_err(error_response)?;
    Ok(all
        .into_iter()
        .map(|session| SessionItem {
            id: session.handle,
            browser: browser(session.agent.as_deref().unwrap_or_default()),
            address: session.address,
            signed_in: moment(session.created_at, now),
            last_used: moment(session.last_seen_at, now),
            is_current: session.is_current,
        })
        .collect())
}

/// Ends a session.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn end(id: String) -> Result<FormReply, AppError> {
    Sent::on(SESSIONS, PAGE)
        .run(|current| async move {
            sessions::end(&current.domain, &current.account, &id, current.actor().remote).await?;
            Ok("That browser is signed out.")
        })
        .await
}

/// Ends all other sessions.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn end_others() -> Result<FormReply, AppError> {
    let own = own_id()?;
    Sent::on(SESSIONS, PAGE)
        .run(|current| async move {
            let remote = current.actor().remote;
            sessions::end_others(&current.domain, &current.account, &own, remote).await?;
            Ok("Everywhere else you are signed out.")
        })
        .await
}

fn own_id() -> Result<String, AppError> {
    let id = session(&parts()?)?.id();
    Ok(id.map(|id| id.to_string()).unwrap_or_default())
}

/// Browser and system in short words.
fn browser(agent: &str) -> String {
    let named = |names: &[(&str, &'static str)]| {
        names
            .iter()
            .find(|(mark, _)| agent.contains(mark))
            .map(|(_, name)| *name)
    };
    match (named(BROWSERS), named(SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) => "A browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_apart_though_they_name_one_another() {
        for (agent, words) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0 Mobile/15E148 Safari/604.1",
                "Chrome on iOS",
            ),
            ("curl/8.0", "A browser"),
            ("", "A browser"),
        ] {
            assert_eq!(browser(agent), words);
        }
    }
}
