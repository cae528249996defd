//! Cookies besides that of the session. Scripts cannot read them.

use crate::server::context::{domain, parts};
use axum::http::HeaderMap;
use axum::http::header::{COOKIE, HeaderValue, SET_COOKIE};
use axum::http::request::Parts;
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use sendmux_domain::Settings;
use std::time::Duration;

/// A cookie of this site.
#[derive(Clone, Copy, Debug)]
pub struct Cookie {
    name: &'static str,
    /// Time for which browsers keep it.
    keep: Duration,
    /// True if it is bound to this very host, by [`prefix`].
    bound: bool,
}

impl Cookie {
    /// A cookie that anybody may choose.
    pub const fn new(name: &'static str, keep: Duration) -> Self {
        Self {
            name,
            keep,
            bound: false,
        }
    }

    /// A cookie that no other host may set.
    pub const fn bound(name: &'static str, keep: Duration) -> Self {
        Self {
            name,
            keep,
            bound: true,
        }
    }

    fn prefix(self, parts: &Parts) -> &'static str {
        match domain(parts) {
            Ok(domain) if self.bound => prefix(&domain.settings),
            _ => "",
        }
    }

    /// Its value in the request that is being answered.
    pub fn get(self) -> Option<String> {
        let parts = parts().ok()?;
        find(&parts.headers, self.prefix(&parts), self.name).map(str::to_owned)
    }

    /// Sets it with the answer; an empty value removes it. The value is of characters that may stand in a cookie
    /// (RFC 6265 section 4.1.1).
    pub fn set(self, value: &str) {
        let (Some(options), Ok(parts)) = (use_context::<ResponseOptions>(), parts()) else {
            return;
        };
        let prefix = self.prefix(&parts);
        let age = if value.is_empty() { 0 } else { self.keep.as_secs() };
        let secure = if prefix.is_empty() { "" } else { "; Secure" };
        let text = format!(
            "{prefix}{}={value}; Path=/; Max-Age={age}; SameSite=Lax; HttpOnly{secure}",
            self.name
        );
        match HeaderValue::from_str(&text) {
            Ok(header) => options.append_header(SET_COOKIE, header),
            Err(error) => tracing::error!(cookie = self.name, %error, "a cookie could not be set"),
        }
    }
}

/// The beginning of the names of cookies that no other host may set: where the installation is reached by https, browsers take
/// them from this very host alone, and over TLS (RFC 6265bis section 4.1.3.2).
pub fn prefix(settings: &Settings) -> &'static str {
    if settings.is_https() { "__Host-" } else { "" }
}

fn find<'a>(headers: &'a HeaderMap, prefix: &str, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| {
            cookie
                .trim()
                .strip_prefix(prefix)?
                .strip_prefix(name)?
                .strip_prefix('=')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let headers = |value| HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(value))]);
        for (value, prefix, found) in [
            ("id=x; theme=dark", "", Some("dark")),
            ("theme=light; id=x", "", Some("light")),
            ("mytheme=dark", "", None),
            ("themes=dark", "", None),
            ("theme=dark", "__Host-", None),
            ("theme=planted; __Host-theme=dark", "__Host-", Some("dark")),
        ] {
            assert_eq!(find(&headers(value), prefix, "theme"), found, "{value}");
        }
        assert_eq!(find(&HeaderMap::new(), "", "theme"), None);
    }
}
