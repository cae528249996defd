//! The theme, kept in a cookie so that the server renders the page in it and nothing flashes.

use crate::layout::model::Theme;
use crate::model::AppError;
use crate::server::context::{local_path, navigates, parts};
use axum::http::HeaderMap;
use axum::http::header::{COOKIE, HeaderValue, SET_COOKIE};
use axum::http::request::Parts;
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

/// The theme of the request that is being answered.
pub fn chosen() -> Theme {
    use_context::<Parts>()
        .map(|parts| of(&parts.headers))
        .unwrap_or_default()
}

fn of(headers: &HeaderMap) -> Theme {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix("theme="))
        .map(Theme::parse)
        .unwrap_or_default()
}

/// Sets the cookie and goes back to `back`.
///
/// # Errors
/// [`AppError::Internal`] outside a request.
pub async fn choose(theme: String, back: String) -> Result<String, AppError> {
    let theme = Theme::parse(&theme);
    let cookie = match theme {
        Theme::System => "theme=; Path=/; Max-Age=0; SameSite=Lax; HttpOnly",
        Theme::Light => "theme=light; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly",
        Theme::Dark => "theme=dark; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly",
    };
    if let Some(options) = use_context::<ResponseOptions>() {
        options.append_header(SET_COOKIE, HeaderValue::from_static(cookie));
    }
    if navigates(&parts()?) {
        leptos_axum::redirect(local_path(&back, "/settings"));
    }
    Ok(theme.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let headers = |value| HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(value))]);
        assert_eq!(of(&headers("id=x; theme=dark")), Theme::Dark);
        assert_eq!(of(&headers("theme=light; id=x")), Theme::Light);
        assert_eq!(of(&headers("mytheme=dark")), Theme::System);
        assert_eq!(of(&HeaderMap::new()), Theme::System);
    }
}
