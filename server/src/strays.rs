//! Programs that come to the dashboard: a client of the API at a wrong path gets an error of the API, and neither a page for
//! people nor the suspicion that another site has sent it.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::header::{AUTHORIZATION, COOKIE, ORIGIN};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower::ServiceExt;

/// Layer for the dashboard's routes: hands over to `nothing` what no browser has sent.
pub async fn turn_away(State(nothing): State<Router>, request: Request, next: Next) -> Response {
    if is_stray(&request) {
        nothing.oneshot(request).await.into_response()
    } else {
        next.run(request).await
    }
}

fn is_stray(request: &Request) -> bool {
    let headers = request.headers();
    let path = request.uri().path();
    let is_below = |prefix: &str| {
        path.strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    // One of our keys: proxies in front of the dashboard may send tokens of their own.
    let has_key = headers.get(AUTHORIZATION).is_some_and(|value| {
        let value = value.to_str().unwrap_or_default();
        value.split_once(' ').is_some_and(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("bearer") && token.trim_start().starts_with("smx_")
        })
    });
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    // A browser says where a request comes from that may change something.
    let is_of_browser =
        headers.contains_key("sec-fetch-site") || headers.contains_key(ORIGIN) || headers.contains_key(COOKIE);
    is_below("/api") || is_below("/sdk") || has_key || !is_safe && !is_of_browser
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;

    async fn asked(method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
        let nothing = Router::new().fallback(async || axum::http::StatusCode::NOT_FOUND);
        let pages = Router::new()
            .route("/providers", get(async || "page"))
            .fallback(async || "page")
            .layer(from_fn_with_state(nothing, turn_away));
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = pages.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        answer.status().as_u16()
    }

    #[tokio::test]
    async fn programs_are_told_that_there_is_nothing() {
        let key = [("authorization", "bearer smx_test_a")];
        for (method, path, headers) in [
            ("GET", "/api", &[][..]),
            ("GET", "/api/v2/emails/send", &[]),
            ("GET", "/sdk/v2/emails/send", &[]),
            ("POST", "/emails/send", &[]),
            ("POST", "/emails/send", &key),
            ("GET", "/providers", &key),
            ("POST", "/providers", &[("content-type", "application/json")]),
            ("DELETE", "/providers", &key),
            (
                "POST",
                "/providers",
                &[
                    ("authorization", "Bearer smx_live_a"),
                    ("origin", "https://app.example.com"),
                ],
            ),
        ] {
            assert_eq!(asked(method, path, headers).await, 404, "{method} {path}");
        }
    }

    #[tokio::test]
    async fn browsers_are_left_to_the_dashboard() {
        for (method, path, headers) in [
            ("GET", "/", &[][..]),
            ("GET", "/apis", &[]),
            (
                "GET",
                "/providers",
                &[("authorization", "Bearer eyJh.token.of-a-proxy")],
            ),
            ("GET", "/providers", &[("authorization", "Basic YTpi")]),
            ("POST", "/fn/sign_in", &[("sec-fetch-site", "cross-site")]),
            ("POST", "/fn/sign_in", &[("origin", "https://mail.example.com")]),
            ("POST", "/fn/sign_in", &[("cookie", "sendmux_session=a")]),
        ] {
            assert_eq!(asked(method, path, headers).await, 200, "{method} {path} {headers:?}");
        }
    }
}
