//! The viewer and the theme.

use super::model::Viewer;
use crate::model::AppError;
use leptos::prelude::*;

/// The signed-in viewer. Sends everybody else to the sign-in page.
#[server(prefix = "/fn", endpoint = "viewer")]
pub async fn viewer_of() -> Result<Viewer, AppError> {
    super::server::viewer().await
}

/// Remembers the theme in a cookie of this browser, and goes back to the page it was chosen on.
#[server(prefix = "/fn", endpoint = "set_theme")]
pub async fn set_theme(#[server(default)] theme: String, #[server(default)] back: String) -> Result<String, AppError> {
    crate::server::theme::choose(theme, back).await
}
