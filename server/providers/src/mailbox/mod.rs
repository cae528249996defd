//! Common parts of Gmail and Microsoft 365: a mailbox that sends as itself, to the recipients in the headers.

mod message;
mod probe;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use sendmux_rules::{Class, ProviderKind, Stage};
use serde::Deserialize;

use crate::connector::MayCommit;
use crate::fault::ApiFault;
use crate::http::{Answer, Http, RequestFailure};
use crate::job::{SendJob, SendReport};
use crate::oauth::{TokenSource, with_token};
pub(crate) use message::{check_size, prepare, unsuited};
pub(crate) use probe::probe;

/// Senders that a mailbox may send as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxIdentity {
    /// Its address. Any other From is rewritten to it.
    pub address: String,
    /// Addresses that the service has verified as its own too.
    pub aliases: Vec<String>,
}

/// Interface through which a kind of mailbox takes messages.
pub(crate) struct Way<'a> {
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

/// The code and the message of an error, in the form that Google's APIs and Graph share: `{"error": {…}}`.
pub(crate) fn error_of(kind: ProviderKind, answer: &Answer) -> (String, String) {
    let Some(Envelope { error }) = answer.json() else {
        return Default::default();
    };
    match error {
        Error::Object(error) => (error.code_for(kind), error.message),
        // OAuth's form (RFC 6750 section 3), from userinfo for example.
        Error::Word(code) => (code, String::new()),
    }
}

#[derive(Deserialize)]
struct Envelope {
    error: Error,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Error {
    Object(Box<ErrorObject>),
    Word(String),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorObject {
    /// A name at Graph, the HTTP status at Google.
    code: serde_json::Value,
    message: String,
    /// Google's canonical code.
    status: String,
    /// Google's reasons, in the form of its older APIs.
    errors: Vec<Reason>,
    /// Google's reasons (google.rpc.ErrorInfo), in the form of its newer APIs.
    details: Vec<Reason>,
    /// Graph's more specific error.
    #[serde(alias = "innererror", rename = "innerError")]
    inner: Option<Inner>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reason {
    reason: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Inner {
    code: serde_json::Value,
}

impl ErrorObject {
    fn code_for(&self, kind: ProviderKind) -> String {
        let found = match kind {
            ProviderKind::Gmail => {
                let reasons = self.errors.iter().chain(&self.details);
                let mut words = reasons.map(|found| found.reason.as_str()).chain([self.status.as_str()]);
                words.find(|word| !word.is_empty())
            }
            _ => {
                let inner = self.inner.as_ref().and_then(|inner| inner.code.as_str());
                let outer = self.code.as_str();
                // "BadRequest" and the like say no more than the status; the error inside does.
                match outer {
                    Some("BadRequest" | "Forbidden" | "generalException" | "UnknownError") | None => inner.or(outer),
                    named => named,
                }
            }
        };
        found.unwrap_or_default().to_owned()
    }
}
