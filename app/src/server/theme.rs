//! The theme, kept in a cookie so that the server renders the page in it and nothing flashes.

use crate::layout::model::Theme;
use crate::model::AppError;
use crate::server::context::{local_path, navigates, parts};
use crate::server::cookies::Cookie;
use std::time::Duration;

const THEME: Cookie = Cookie::new("theme", Duration::from_secs(365 * 24 * 3_600));

/// The theme of the request that is being answered.
pub fn chosen() -> Theme {
    THEME.get().as_deref().map(Theme::parse).unwrap_or_default()
}

/// Sets the cookie and goes back to `back`.
///
/// # Errors
/// [`AppError::Internal`] outside a request.
pub async fn choose(theme: String, back: String) -> Result<String, AppError> {
    let theme = Theme::parse(&theme);
    THEME.set(match theme {
        Theme::System => "",
        Theme::Light | Theme::Dark => theme.as_str(),
    });
    if navigates(&parts()?) {
        leptos_axum::redirect(local_path(&back, "/settings"));
    }
    Ok(theme.as_str().to_owned())
}
