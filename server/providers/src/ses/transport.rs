//! The SDK's HTTP client: ours, so that TLS, timeouts and the point of no return are the same for all kinds.

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use parking_lot::Mutex;

use crate::http::{Answer, Http, LastByte, RequestFailure};

/// Carries the SDK's requests.
#[derive(Clone)]
pub(super) struct Transport {
    http: Http,
    /// Side of the one request of a guarded call that asks before its last byte.
    last_byte: Option<Arc<Mutex<Option<LastByte>>>>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl Transport {
    pub fn new(http: Http) -> Self {
        Self { http, last_byte: None }
    }

    /// For one call of one request, which asks before its last byte.
    pub fn guarded(http: Http, last_byte: LastByte) -> Self {
        Self {
            http,
            last_byte: Some(Arc::new(Mutex::new(Some(last_byte)))),
        }
    }

    async fn carry(self, request: http::Request<Bytes>) -> Result<Answer, RequestFailure> {
        let last_byte = self.last_byte.and_then(|last_byte| last_byte.lock().take());
        match last_byte {
            Some(last_byte) => self.http.exchange(request, last_byte).await,
            None => self.http.ask(request).await,
        }
    }
}

impl HttpClient for Transport {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let transport = self.clone();
        HttpConnectorFuture::new(async move {
            let user = |error: aws_smithy_runtime_api::http::HttpError| ConnectorError::user(error.into());
            let request = request.try_into_http1x().map_err(user)?;
            // The SDK makes these requests in memory.
            let request = request.map(|body| body.bytes().map(Bytes::copy_from_slice).unwrap_or_default());
            let answer = transport
                .carry(request)
                .await
                .map_err(|failure| ConnectorError::io(failure.into()))?;
            let mut response = http::Response::new(SdkBody::from(answer.body.to_vec()));
            *response.status_mut() = http::StatusCode::from_u16(answer.status).unwrap_or_default();
            *response.headers_mut() = answer.headers;
            HttpResponse::try_from(response).map_err(user)
        })
    }
}
