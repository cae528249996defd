//! Common parts of Gmail and Microsoft 365: a mailbox that sends as itself, to the recipients in the headers.

mod gmail;
mod graph;
mod message;
mod probe;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use sendmux_rules::{Class, ProviderKind, Stage};

use crate::connector::MayCommit;
use crate::fault::ApiFault;
use crate::http::{Answer, Http, RequestFailure, error_of};
use crate::job::{SendJob, SendReport};
use crate::oauth::{TokenSource, with_token};
pub use gmail::{GmailConnector, GmailSettings};
pub use graph::{GraphConnector, GraphSettings};
use message::prepare;
use probe::probe;

/// Senders that a mailbox may send as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxIdentity {
    /// Its address. Any other From is rewritten to it.
    pub address: String,
    /// Addresses that the service has verified as its own too.
    pub aliases: Vec<String>,
}

/// Interface through which a kind of mailbox takes messages.
struct Way<'a> {
    pub kind: ProviderKind,
    pub url: &'a str,
    pub content_type: &'static str,
    pub http: &'a Http,
    pub tokens: &'a dyn TokenSource,
}

impl Way<'_> {
    /// Hands a prepared message over in one call. `id` finds what the service calls the message.
    pub async fn send(
        &self,
        job: &SendJob,
        body: Bytes,
        may_commit: MayCommit<'_>,
        id: fn(&Answer) -> Option<String>,
    ) -> SendReport {
        let call = |token: crate::oauth::AccessToken| {
            let body = body.clone();
            async move {
                let request = http::Request::post(self.url)
                    .header(AUTHORIZATION, format!("Bearer {}", token.expose()))
                    .header(CONTENT_TYPE, self.content_type)
                    .body(body)
                    .map_err(|error| {
                        ApiFault::here(Class::Config, Stage::Connect, "local.bad_settings", error.to_string())
                    })?;
                let answer = self
                    .http
                    .send(request, may_commit)
                    .await
                    .map_err(RequestFailure::fault)?;
                let (code, message) = match answer.status {
                    200..300 => Default::default(),
                    _ => error_of(self.kind, &answer),
                };
                let outcome = answer.outcome(self.kind, &code, &message);
                match outcome.class {
                    Class::Accepted => Ok((outcome, id(&answer))),
                    _ => Err(ApiFault::from(outcome)),
                }
            }
        };
        match with_token(self.tokens, call).await {
            Ok((outcome, id)) => SendReport {
                provider_message_id: id,
                ..SendReport::same_for_all(job, outcome, None)
            },
            Err(fault) => fault.report(job),
        }
    }
}
