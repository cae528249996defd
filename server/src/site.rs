//! The dashboard's files: WebAssembly, script, styles, icons.

use axum::Router;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS};
use std::path::Path;
use tower::ServiceBuilder;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// Serves what was built into `root`, compressed as it was there where the browser takes that: brotli before gzip. Names stay the same from build to build, so a browser asks whether its copy is
/// still good; that costs one small answer.
pub fn files<S: Clone + Send + Sync + 'static>(root: &Path) -> Router<S> {
    let headers = ServiceBuilder::new()
        .layer(SetResponseHeaderLayer::overriding(
            CACHE_CONTROL,
            HeaderValue::from_static("no-cache"),
        ))
        .layer(SetResponseHeaderLayer::overriding(
            X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ));
    let pkg = ServeDir::new(root.join("pkg")).precompressed_br().precompressed_gzip();
    // A cache between here and the browser is not to give one what another takes.
    let varies = SetResponseHeaderLayer::overriding(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
    let pkg = ServiceBuilder::new().layer(varies).service(pkg);
    let mut router = Router::new().nest_service("/pkg", headers.clone().service(pkg));
    for name in ["favicon.ico", "favicon.svg"] {
        let file = tower_http::services::ServeFile::new(root.join(name));
        router = router.route_service(&format!("/{name}"), headers.clone().service(file));
    }
    let fonts = ServeDir::new(root.join("fonts"));
    router.nest_service("/fonts", headers.service(fonts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
    use sendmux_domain::testing::TestDir;
    use tower::ServiceExt;

    #[tokio::test]
    async fn a_browser_gets_the_smallest_that_it_takes() {
        let root = TestDir::new();
        std::fs::create_dir(root.path().join("pkg")).unwrap();
        for (file, content) in [
            ("a.wasm", "plain"),
            ("a.wasm.gz", "gzip"),
            ("a.wasm.br", "br"),
            ("b.js", "alone"),
        ] {
            std::fs::write(root.path().join("pkg").join(file), content).unwrap();
        }
        let site: Router = files(root.path());
        for (file, accepted, content, encoding) in [
            ("a.wasm", "gzip, deflate, br, zstd", "br", Some("br")),
            ("a.wasm", "gzip, deflate", "gzip", Some("gzip")),
            ("a.wasm", "br;q=0, gzip", "gzip", Some("gzip")),
            ("a.wasm", "", "plain", None),
            ("b.js", "gzip, br", "alone", None),
        ] {
            let request = Request::get(format!("/pkg/{file}")).header(ACCEPT_ENCODING, accepted);
            let answer = site
                .clone()
                .oneshot(request.body(Body::empty()).unwrap())
                .await
                .unwrap();
            let header = |name| answer.headers().get(name).map(|value| value.to_str().unwrap());
            assert_eq!(header(CONTENT_ENCODING), encoding, "{file} {accepted}");
            assert_eq!(header(VARY), Some("accept-encoding"));
            if file == "a.wasm" {
                assert_eq!(header(CONTENT_TYPE), Some("application/wasm"));
            }
            let body = to_bytes(answer.into_body(), 100).await.unwrap();
            assert_eq!(body, content, "{file} {accepted}");
        }
    }
}
