//! Errors in the bodies of answers of Google's APIs and Microsoft Graph.

use sendmux_rules::ProviderKind;
use serde::Deserialize;

use super::Answer;

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
