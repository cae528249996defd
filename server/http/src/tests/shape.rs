use super::support::servers;
use crate::request::with_context;
use crate::state::Api;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use sendmux_domain::ids::IdKind;

#[tokio::test]
async fn unknown_paths_and_methods_are_errors_of_the_same_shape() {
    for server in servers().await {
        for path in [
            "/api/v1",
            "/api/v1/",
            "/api/v1/emails",
            "/api/v1/emails/send/x",
            "/api/v1/%ff",
            "/api/v1/emails/send/",
        ] {
            for method in [Method::GET, Method::POST, Method::DELETE] {
                let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
                assert_eq!(
                    server.call(request).await.error(),
                    (404, "not_found".to_owned()),
                    "{path}"
                );
            }
        }
        for (method, path, allowed) in [
            (Method::GET, "/api/v1/emails/send", "POST"),
            (Method::PUT, "/api/v1/emails/send", "POST"),
            (Method::OPTIONS, "/api/v1/emails/send", "POST"),
            (Method::POST, "/api/v1/openapi.json", "GET,HEAD"),
            (Method::POST, "/api/v1/me", "GET,HEAD"),
            (Method::POST, "/docs", "GET,HEAD"),
            (Method::POST, "/healthz", "GET,HEAD"),
            (Method::GET, "/hooks/ses/x", "POST"),
        ] {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            let answer = server.call(request).await;
            assert_eq!(answer.error(), (405, "method_not_allowed".to_owned()));
            assert_eq!(answer.header("allow"), allowed);
        }
    }
}

#[tokio::test]
async fn nothing_is_at_any_path() {
    for mut server in servers().await {
        server.router = crate::nothing(server.domain.domain.clone());
        for (method, path) in [("GET", "/"), ("POST", "/emails/send"), ("PUT", "/api/v1/emails/send")] {
            let request = Request::builder().method(method).uri(path);
            let answer = server.call(request.body(Body::from("{}")).unwrap()).await;
            assert_eq!(answer.error(), (404, "not_found".to_owned()), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn what_needs_no_key() {
    for server in servers().await {
        for path in ["/healthz", "/readyz", "/api/v1/openapi.json"] {
            let answer = server.call(Request::get(path).body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(answer.header("content-type"), "application/json");
            assert!(IdKind::Request.matches(answer.header("x-request-id")));
        }
    }
}

#[tokio::test]
async fn the_router_can_join_one_with_a_fallback_of_its_own() {
    for mut server in servers().await {
        server.router = Router::new()
            .route("/", get(async || "home"))
            .fallback(async || "page")
            .merge(server.router);
        let answer = server
            .call(Request::get("/somewhere").body(Body::empty()).unwrap())
            .await;
        assert_eq!(&answer.body[..], b"page");
        let answer = server
            .call(Request::get("/api/v1/somewhere").body(Body::empty()).unwrap())
            .await;
        assert_eq!(answer.error().0, 404);
    }
}

#[tokio::test]
async fn a_panic_is_an_internal_error_that_tells_nothing() {
    for mut server in servers().await {
        let api = Api::new(server.domain.domain.clone());
        let panics = get(async || -> &'static str { panic!("a secret") });
        server.router = Router::new()
            .route("/", panics)
            .layer(from_fn_with_state(api, with_context));
        let answer = server.call(Request::get("/").body(Body::empty()).unwrap()).await;
        assert_eq!(answer.error(), (500, "internal_error".to_owned()));
        assert!(!answer.json().to_string().contains("secret"));
    }
}
