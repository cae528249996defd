//! One HTTP client for all kinds that are reached over HTTP, and for OAuth.
//!
//! The question after a fault is whether the provider may hold the message. So the last piece of a request's body is
//! held back until everything before it was handed over and the caller agrees ([`last_byte`]): a fault before that is
//! known to have changed nothing, a fault after it leaves the message's fate unknown.
//!
//! HTTP/1.1 only: connections are not shared between requests, so that one that breaks takes one message with it.
//! Redirects are not followed, since they would carry credentials elsewhere.

mod answer;
mod error_body;
mod failure;
mod last_byte;
mod resolver;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::ClientConfig;
use rustls::crypto::ring;
use tokio::time;

use crate::connector::MayCommit;
use crate::net::{NetError, certificates, is_public, verifier};
pub(crate) use answer::Answer;
pub(crate) use error_body::error_of;
pub(crate) use failure::RequestFailure;
pub(crate) use last_byte::{LastByte, commit_gate};

/// Time for which an idle connection is kept. Shorter than what servers allow, so that a request rarely meets a connection
/// that the server has just closed, which would leave its fate unknown.
const MAX_IDLE: Duration = Duration::from_secs(15);
/// Most time for the body of an answer after its head, which has said all that matters.
const REST: Duration = Duration::from_secs(10);
/// Bytes a second that a connection is trusted to carry, at the least.
const SLOWEST: u64 = 64 * 1024;

/// Settings of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// Most time for name resolution, TCP and TLS together.
    pub connect_timeout: Duration,
    /// Most time until a server answers a request that hands a message over, which gets a second more for each 64 KiB
    /// of its body.
    pub answer_timeout: Duration,
    /// Most time until a server answers any other request.
    pub ask_timeout: Duration,
    /// Certificates in PEM that are trusted beside the public authorities.
    pub extra_roots: Option<String>,
    /// Connects to private and local addresses too. For addresses that the operator of the installation chose, never
    /// for those that users give.
    pub allow_private_hosts: bool,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(60),
            ask_timeout: Duration::from_secs(30),
            extra_roots: None,
            allow_private_hosts: false,
        }
    }
}

impl HttpSettings {
    /// Errors in the settings: the field's name, and advice.
    pub fn validate(&self) -> Vec<(&'static str, String)> {
        let roots = self.extra_roots.as_deref().map(certificates);
        roots
            .and_then(Result::err)
            .map(|error| ("extra_roots", error))
            .into_iter()
            .collect()
    }
}

/// The client. Holds the connections that wait for the next request: make one and clone it.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    settings: Arc<HttpSettings>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Http {
    /// Prepares a client; nothing is connected to yet.
    ///
    /// # Errors
    /// In plain words, when [`HttpSettings::extra_roots`] are not certificates.
    pub fn new(settings: HttpSettings) -> Result<Self, String> {
        // Named, not the process default: this crate then works in every binary and test.
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(verifier(settings.extra_roots.as_deref())?)
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .use_preconfigured_tls(tls)
            .http1_only()
            .no_proxy()
            .referer(false)
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(resolver::Resolver {
                allow_private_hosts: settings.allow_private_hosts,
            }))
            .connect_timeout(settings.connect_timeout)
            .pool_idle_timeout(MAX_IDLE)
            .user_agent(concat!("Sendmux/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            client,
            settings: Arc::new(settings),
        })
    }

    /// Makes a request that hands a message over. `may_commit` is asked before the last of its body goes out.
    pub(crate) async fn send(
        &self,
        request: http::Request<Bytes>,
        may_commit: MayCommit<'_>,
    ) -> Result<Answer, RequestFailure> {
        let (gate, last_byte) = commit_gate();
        gate.watch(may_commit, self.exchange(request, last_byte)).await
    }

    /// Makes a request that hands nothing over.
    pub(crate) async fn ask(&self, request: http::Request<Bytes>) -> Result<Answer, RequestFailure> {
        let (gate, last_byte) = commit_gate();
        let asking = self.exchange_within(self.settings.ask_timeout, request, last_byte);
        gate.watch(&|| true, asking).await
    }

    /// Makes a request whose body asks for leave through `last_byte`. What becomes of it, and how far it got, is known
    /// to the gate.
    pub(crate) async fn exchange(
        &self,
        request: http::Request<Bytes>,
        last_byte: LastByte,
    ) -> Result<Answer, RequestFailure> {
        let more = Duration::from_secs(request.body().len() as u64 / SLOWEST);
        self.exchange_within(self.settings.answer_timeout + more, request, last_byte)
            .await
    }

    async fn exchange_within(
        &self,
        allowed: Duration,
        request: http::Request<Bytes>,
        last_byte: LastByte,
    ) -> Result<Answer, RequestFailure> {
        let (mut parts, body) = request.into_parts();
        self.guard(&parts.uri)?;
        let body = if body.is_empty() {
            last_byte.ask().await?;
            reqwest::Body::from(body)
        } else {
            // A stream does not know its length; without the header it would be sent in chunks.
            parts
                .headers
                .insert(http::header::CONTENT_LENGTH, http::HeaderValue::from(body.len()));
            reqwest::Body::wrap_stream(last_byte.body(body))
        };
        let request =
            reqwest::Request::try_from(http::Request::from_parts(parts, body)).map_err(RequestFailure::request)?;
        let host = request.url().host_str().unwrap_or_default().to_owned();
        let answered = time::timeout(allowed, self.client.execute(request)).await;
        let response = answered
            .map_err(|_| RequestFailure::late(allowed))?
            .map_err(|error| RequestFailure::of(&error, &host))?;
        Ok(Answer::read(response, allowed.min(REST)).await)
    }

    /// An address in place of a name never comes to the resolver.
    fn guard(&self, uri: &http::Uri) -> Result<(), RequestFailure> {
        let host = uri.host().unwrap_or_default();
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        match literal {
            Ok(address) if !self.settings.allow_private_hosts && !is_public(address) => {
                Err(RequestFailure::net(&NetError::Internal))
            }
            _ => Ok(()),
        }
    }
}
