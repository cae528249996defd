//! Errors of the API: one table of codes, one shape.
//!
//! A handler returns an [`ApiError`]. As a response it has its status and headers, but no body yet: the error itself
//! travels along in the response's extensions, and the outermost layer (see [`crate::request`]), which knows the id of
//! the request, writes it. So the shape is decided in one place, and another dialect is another way of writing.

use crate::input;
use crate::issue::{Issue, IssueCode};
use axum::http::header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sendmux_domain::FieldError;
use serde::Serialize;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;
use utoipa::openapi::schema::ObjectBuilder;

/// The code of an answer that is not a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// No key, or one that is not valid.
    AuthenticationRequired,
    /// The key may not do this.
    InsufficientPermissions,
    /// The request does not have the right shape.
    InvalidParameter,
    /// Something that is required is not there.
    MissingParameter,
    /// A value that cannot be.
    ValidationError,
    /// More than 26,214,400 bytes.
    PayloadTooLarge,
    /// The Idempotency-Key was used for something else, or its request is still in flight.
    IdempotencyConflict,
    /// The request clashes with what is there.
    Conflict,
    /// Too many requests.
    RateLimitExceeded,
    /// A body that is not JSON, or is compressed.
    UnsupportedMediaType,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// No provider in the scope of the key could send anything.
    NoActiveProviders,
    /// Not now; later it can work.
    ServiceUnavailable,
    /// No such path or thing.
    NotFound,
    /// A fault of the server.
    InternalError,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 15] = [
        Self::AuthenticationRequired,
        Self::InsufficientPermissions,
        Self::InvalidParameter,
        Self::MissingParameter,
        Self::ValidationError,
        Self::PayloadTooLarge,
        Self::IdempotencyConflict,
        Self::Conflict,
        Self::RateLimitExceeded,
        Self::UnsupportedMediaType,
        Self::MethodNotAllowed,
        Self::NoActiveProviders,
        Self::ServiceUnavailable,
        Self::NotFound,
        Self::InternalError,
    ];

    /// The table: the code as it is written, the status, and whether the same request may work a little later without
    /// anybody having changed anything.
    const fn row(self) -> (&'static str, StatusCode, bool) {
        match self {
            Self::AuthenticationRequired => ("authentication_required", StatusCode::UNAUTHORIZED, false),
            Self::InsufficientPermissions => ("insufficient_permissions", StatusCode::FORBIDDEN, false),
            Self::InvalidParameter => ("invalid_parameter", StatusCode::BAD_REQUEST, false),
            Self::MissingParameter => ("missing_parameter", StatusCode::BAD_REQUEST, false),
            Self::ValidationError => ("validation_error", StatusCode::UNPROCESSABLE_ENTITY, false),
            Self::PayloadTooLarge => ("payload_too_large", StatusCode::PAYLOAD_TOO_LARGE, false),
            Self::IdempotencyConflict => ("idempotency_conflict", StatusCode::CONFLICT, false),
            Self::Conflict => ("conflict", StatusCode::CONFLICT, false),
            Self::RateLimitExceeded => ("rate_limit_exceeded", StatusCode::TOO_MANY_REQUESTS, true),
            Self::UnsupportedMediaType => ("unsupported_media_type", StatusCode::UNSUPPORTED_MEDIA_TYPE, false),
            Self::MethodNotAllowed => ("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED, false),
            Self::NoActiveProviders => ("no_active_providers", StatusCode::SERVICE_UNAVAILABLE, false),
            Self::ServiceUnavailable => ("service_unavailable", StatusCode::SERVICE_UNAVAILABLE, true),
            Self::NotFound => ("not_found", StatusCode::NOT_FOUND, false),
            Self::InternalError => ("internal_error", StatusCode::INTERNAL_SERVER_ERROR, true),
        }
    }

    /// The code as it is written.
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status.
    pub const fn status(self) -> StatusCode {
        self.row().1
    }

    /// True when the same request may work a little later.
    pub const fn retryable(self) -> bool {
        self.row().2
    }
}

/// An answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    code: Code,
    message: Cow<'static, str>,
    issues: Vec<Issue>,
    retryable: bool,
    retry_after: Option<Duration>,
    challenge: Option<&'static str>,
    close: bool,
    status: Option<StatusCode>,
}

impl ApiError {
    /// An error with this code and text for people.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            issues: Vec::new(),
            retryable: code.retryable(),
            retry_after: None,
            challenge: None,
            close: false,
            status: None,
        }
    }

    /// With what is wrong field by field; the first is the `param` of the answer.
    #[must_use]
    pub fn with_issues(mut self, issues: Vec<Issue>) -> Self {
        self.issues = issues;
        self
    }

    /// About one field, whose text is the text of the error too.
    pub fn about(code: Code, field: &str, issue: IssueCode, message: impl Into<String>) -> Self {
        let message = message.into();
        let issue = Issue {
            field: field.to_owned(),
            code: issue,
            message: message.clone(),
        };
        Self::new(code, message).with_issues(vec![issue])
    }

    /// With `Retry-After`, rounded up to whole seconds, at least one.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retryable = true;
        self.retry_after = Some(after);
        self
    }

    /// Refused for want of credentials, or for bad ones: `parameters` are those of the Bearer challenge (RFC 6750
    /// section 3).
    pub(crate) fn challenge(mut self, challenge: &'static str) -> Self {
        self.challenge = Some(challenge);
        self
    }

    /// With another status, where it would have this one: not every dialect has every status everywhere.
    pub(crate) fn instead(mut self, of: StatusCode, status: StatusCode) -> Self {
        if self.code.status() == of {
            self.status = Some(status);
        }
        self
    }

    /// With other names for fields.
    pub(crate) fn rename(mut self, name: impl Fn(&str) -> Option<&'static str>) -> Self {
        for issue in &mut self.issues {
            if let Some(name) = name(&issue.field) {
                name.clone_into(&mut issue.field);
            }
        }
        self
    }

    /// The connection is of no further use, since its body will not be read to the end.
    pub(crate) fn close(mut self) -> Self {
        self.close = true;
        self
    }

    /// A fault of the server. `cause` goes to the log, under the id of the request, and never to the caller.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "request failed");
        Self::new(
            Code::InternalError,
            "something went wrong on our side; it was logged under the id of this request",
        )
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The faults, field by field.
    pub fn issues(&self) -> &[Issue] {
        &self.issues
    }

    /// The error as it is written, in an answer of its own or for one message of a batch.
    pub(crate) fn detail(&self, public_url: &str) -> ErrorDetail {
        self.detail_with(public_url, usize::MAX)
    }

    /// The same, with no more than so many issues.
    pub(crate) fn detail_with(&self, public_url: &str, issues: usize) -> ErrorDetail {
        ErrorDetail {
            code: self.code.as_str().to_owned(),
            message: self.message.clone().into_owned(),
            param: self.issues.first().map(|issue| issue.field.clone()),
            errors: self
                .issues
                .iter()
                .take(issues)
                .map(|issue| ErrorIssue {
                    field: issue.field.clone(),
                    code: issue.code.as_str().to_owned(),
                    message: issue.message.clone(),
                })
                .collect(),
            doc_url: format!("{public_url}/docs#error-{}", self.code.as_str()),
            retryable: self.retryable,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.unwrap_or(self.code.status()).into_response();
        let headers = response.headers_mut();
        if let Some(after) = self.retry_after {
            headers.insert(
                RETRY_AFTER,
                HeaderValue::from(after.as_millis().div_ceil(1_000).clamp(1, 86_400) as u64),
            );
        }
        if let Some(challenge) = self.challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if self.close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// The time that a client should wait when the installation cannot do it now.
const UNAVAILABLE_FOR: Duration = Duration::from_secs(5);

impl From<sendmux_domain::Error> for ApiError {
    fn from(error: sendmux_domain::Error) -> Self {
        use sendmux_domain::Error;
        let text = error.to_string();
        match error {
            Error::NotFound(_) | Error::Gone(_) => Self::new(Code::NotFound, text),
            Error::Invalid(fields) => {
                let issue = |FieldError { field, code, message }| Issue {
                    field,
                    code: IssueCode::Domain(code),
                    message,
                };
                let all = |codes: &[&str]| fields.iter().all(|field| codes.contains(&field.code));
                // Nothing is wrong with the request but for what there is, or is not, at this moment.
                let code = if all(&["unknown"]) {
                    Code::NotFound
                } else if all(&["taken", "unknown"]) {
                    Code::Conflict
                } else {
                    Code::ValidationError
                };
                Self::new(code, text).with_issues(fields.into_iter().map(issue).collect())
            }
            Error::Conflict(_) => Self::new(Code::Conflict, text),
            Error::Forbidden(_) => Self::new(Code::InsufficientPermissions, text),
            Error::NoActiveProviders => Self::new(Code::NoActiveProviders, text),
            Error::NeverDeliverable(_) => Self::new(Code::ValidationError, text),
            Error::Unavailable(_) => Self::new(Code::ServiceUnavailable, text).retry_after(UNAVAILABLE_FOR),
            Error::DatabaseUnavailable(_) | Error::StorageFull(_) => {
                tracing::warn!(cause = text, "request refused");
                Self::new(
                    Code::ServiceUnavailable,
                    "the server cannot reach its database or write to it at the moment; nothing was done, try again later",
                )
                .retry_after(UNAVAILABLE_FOR)
            }
            Error::Database(_) | Error::Internal(_) => Self::internal(text),
        }
    }
}

fn code_schema() -> ObjectBuilder {
    input::one_of(Code::ALL.map(Code::as_str))
        .description(Some("The kind of error, for programs."))
        .examples(["validation_error"])
}

/// An answer that is not a success.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorAnswer {
    /// The error.
    pub error: ErrorDetail,
    /// The id of the request, the same as in `X-Request-Id`: quote it when asking for help.
    #[schema(pattern = "^req_[a-z0-9]{24}$", example = "req_3k9x0b1h7m2q8z5w4c6v1n0d")]
    pub request_id: String,
}

/// The error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ErrorDetail {
    /// The kind of error, for programs.
    #[schema(schema_with = code_schema)]
    pub code: String,
    /// The fault, for people.
    pub message: String,
    /// The first field that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "to[0].email")]
    pub param: Option<String>,
    /// Everything that is wrong, field by field.
    pub errors: Vec<ErrorIssue>,
    /// The page that explains this code.
    #[schema(format = "uri")]
    pub doc_url: String,
    /// True when the same request may work a little later.
    pub retryable: bool,
}

/// One thing that is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ErrorIssue {
    /// Path of the field; `body` for the request's body as a whole.
    #[schema(example = "to[0].email")]
    pub field: String,
    /// The kind of fault, for programs.
    #[schema(example = "invalid_address")]
    pub code: String,
    /// The fault, for people.
    #[schema(example = "the address has no @ sign")]
    pub message: String,
}
