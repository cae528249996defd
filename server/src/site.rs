//! The dashboard's files: WebAssembly, script, styles, icons.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use std::path::Path;
use tower::ServiceBuilder;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// Serves what was built into `root`. Names stay the same from build to build, so a browser asks whether its copy is
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
    let pkg = ServeDir::new(root.join("pkg")).precompressed_gzip();
    let mut router = Router::new().nest_service("/pkg", headers.clone().service(pkg));
    for name in ["favicon.ico", "favicon.svg"] {
        let file = tower_http::services::ServeFile::new(root.join(name));
        router = router.route_service(&format!("/{name}"), headers.clone().service(file));
    }
    let fonts = ServeDir::new(root.join("fonts"));
    router.nest_service("/fonts", headers.service(fonts))
}
