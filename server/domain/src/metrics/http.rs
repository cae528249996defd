//! HTTP requests.

use super::{Histograms, moments};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

/// Metrics of HTTP requests.
#[derive(Debug)]
pub struct HttpMetrics {
    requests: Family<Request, Counter>,
    seconds: Histograms<Route>,
}

impl Default for HttpMetrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(moments),
        }
    }
}

impl HttpMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Requests that were answered";
        registry.register("http_requests", help, self.requests.clone());
        registry.register_with_unit(
            "http_request",
            "From a request's head to the head of its answer",
            Unit::Seconds,
            self.seconds.clone(),
        );
    }

    /// Counts an answered request. `route` is the pattern that it matched (`/api/v1/messages/{id}`), never the path
    /// itself.
    pub fn answered(&self, method: &str, route: &str, status: u16, elapsed: Duration) {
        let label = Request {
            method: known(method),
            route: route.to_owned(),
            status,
        };
        self.requests.get_or_create(&label).inc();
        let Request { route, .. } = label;
        self.seconds
            .get_or_create(&Route { route })
            .observe(elapsed.as_secs_f64());
    }
}

/// The method if it is a known one: clients can send any word.
fn known(method: &str) -> &'static str {
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}
