//! Defence against cross-site request forgery.
//!
//! The session cookie is `SameSite=Lax`; on top of it every request that may change something must come from a page of
//! this site. Browsers say so themselves (`Sec-Fetch-Site`, and `Origin` where that is missing), so forms need no tokens
//! and work without scripts.

use crate::server::client;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, HOST, LOCATION, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use http_body_util::Limited;
use leptos::server_fn::redirect::REDIRECT_HEADER;

/// The most that a form of the dashboard may weigh.
const MAX_FORM_BYTES: usize = 128 * 1024;

/// Address of this installation, for the guard.
#[derive(Clone, Debug)]
pub struct Guard {
    public_authority: Option<String>,
}

impl Guard {
    /// A guard for an installation that is reached at this URL.
    pub fn new(public_url: &str) -> Self {
        Self {
            public_authority: authority_of(public_url),
        }
    }

    /// True for the headers of a request from a page of this site.
    fn is_own(&self, headers: &HeaderMap) -> bool {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        match text("sec-fetch-site") {
            // `none`: the user's own doing, such as repeating a request.
            Some("same-origin" | "none") => return true,
            Some(_) => return false,
            None => {}
        }
        let Some(origin) = text(ORIGIN.as_str()).and_then(authority_of) else {
            return false;
        };
        let host = text(HOST.as_str()).map(str::to_ascii_lowercase);
        Some(&origin) == host.as_ref() || Some(&origin) == self.public_authority.as_ref()
    }
}

/// Middleware for the dashboard's routes (not for the API, which knows no cookies): makes redirects of pages real, refuses what another site may have
/// made the browser send, bounds the size of forms, and keeps answers to them out of caches.
pub async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return redirected(next.run(request).await);
    }
    if !guard.is_own(request.headers()) {
        let remote = client::address(request.extensions()).map(tracing::field::display);
        tracing::warn!(
            remote,
            path = request.uri().path(),
            "refused a request from another site"
        );
        return (StatusCode::FORBIDDEN, Html(REFUSED)).into_response();
    }
    let declared = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > MAX_FORM_BYTES) {
        return (StatusCode::PAYLOAD_TOO_LARGE, "This form is too large.").into_response();
    }
    let request = request.map(|body| Body::new(Limited::new(body, MAX_FORM_BYTES)));
    let mut response = next.run(request).await;
    response
        .headers_mut()
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A page that redirects does so for every client. The framework only does for those that say they accept HTML, since
/// others may be its own scripts; those never ask for pages.
fn redirected(mut response: Response) -> Response {
    if matches!(response.status(), StatusCode::OK | StatusCode::UNAUTHORIZED)
        && response.headers().contains_key(LOCATION)
    {
        *response.status_mut() = StatusCode::FOUND;
        response.headers_mut().remove(REDIRECT_HEADER);
    }
    response
}

fn authority_of(url: &str) -> Option<String> {
    url.parse::<Uri>()
        .ok()?
        .authority()
        .map(|authority| authority.as_str().to_ascii_lowercase())
}

const REFUSED: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Refused · Sendmux</title>\
<h1>This request was refused</h1><p>It did not come from a page of this Sendmux, so nothing was changed. If you sent a \
form here, go back, reload the page and send it again. Behind a proxy, the <code>Host</code> header or the configured \
public URL must be the address in your browser.</p><p><a href=\"/\">Back to Sendmux</a></p></html>";

#[cfg(test)]
mod tests {
    use super::*;

    fn is_own(headers: &[(&'static str, &str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| {
            (
                axum::http::HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )
        });
        Guard::new("https://mail.example.com").is_own(&headers.collect())
    }

    #[test]
    fn the_browsers_word_counts_first() {
        assert!(is_own(&[("sec-fetch-site", "same-origin"), ("host", "a.example")]));
        assert!(is_own(&[("sec-fetch-site", "none"), ("host", "a.example")]));
        for site in ["cross-site", "same-site"] {
            let origin = ("origin", "https://mail.example.com");
            assert!(
                !is_own(&[("sec-fetch-site", site), origin, ("host", "mail.example.com")]),
                "{site}"
            );
        }
    }

    #[test]
    fn without_it_the_origin_must_be_ours() {
        assert!(is_own(&[("origin", "http://10.0.0.5:3000"), ("host", "10.0.0.5:3000")]));
        assert!(is_own(&[
            ("origin", "https://Mail.example.com"),
            ("host", "127.0.0.1:3000")
        ]));
        assert!(!is_own(&[
            ("origin", "http://10.0.0.5:3001"),
            ("host", "10.0.0.5:3000")
        ]));
        assert!(!is_own(&[("origin", "null"), ("host", "10.0.0.5:3000")]));
        assert!(!is_own(&[("host", "10.0.0.5:3000")]));
    }
}
