//! Issues of a request, field by field: everything that is wrong is collected before it is answered.

use crate::error::{ApiError, Code};
use std::collections::HashSet;
use std::fmt::Write as _;

/// One thing that is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Path of the field: `subject`, `to[2].email`, `custom_headers.X-Campaign`; `body` for the request's body as a
    /// whole, the name of a header for that header.
    pub field: String,
    /// The kind of fault, for programs.
    pub code: IssueCode,
    /// The fault, for people.
    pub message: String,
}

/// The codes of single issues, and with them the one table that decides the code of the whole answer.
///
/// | issues | answer |
/// | --- | --- |
/// | the body is not JSON, or not of the right shape: an unknown field, a value of the wrong type | 400 `invalid_parameter` |
/// | nothing but missing fields | 400 `missing_parameter` |
/// | fields of the right type with a value that cannot be | 422 `validation_error` |
/// | several of these kinds | 422 `validation_error` |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IssueCode {
    /// A field that must be there is not.
    Missing,
    /// The body cannot be read as JSON.
    MalformedBody,
    /// A field that does not exist.
    UnknownField,
    /// A value of the wrong JSON type.
    InvalidType,
    /// Nothing in it.
    Empty,
    /// Too many characters or bytes.
    TooLong,
    /// Too many entries.
    TooMany,
    /// A value that is none of those allowed.
    InvalidValue,
    /// Characters that cannot stand there.
    InvalidCharacters,
    /// Not an email address.
    InvalidAddress,
    /// Not the base64 of RFC 4648 section 4.
    InvalidBase64,
    /// Not a media type that an attachment can have.
    InvalidMediaType,
    /// A header that may not be set.
    HeaderNotAllowed,
    /// A delivery group that is not in the scope of the key.
    OutsideScope,
    /// The same thing twice.
    Duplicate,
    /// The whole request is larger than allowed.
    PayloadTooLarge,
    /// A media type or content coding that is not understood.
    UnsupportedMediaType,
    /// As the domain calls it.
    Domain(&'static str),
}

/// The three kinds of issue that decide the code of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Missing,
    Shape,
    Value,
}

impl IssueCode {
    /// The code as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing_parameter",
            Self::MalformedBody => "malformed_body",
            Self::UnknownField => "unknown_field",
            Self::InvalidType => "invalid_type",
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::TooMany => "too_many",
            Self::InvalidValue => "invalid_value",
            Self::InvalidCharacters => "invalid_characters",
            Self::InvalidAddress => "invalid_address",
            Self::InvalidBase64 => "invalid_base64",
            Self::InvalidMediaType => "invalid_media_type",
            Self::HeaderNotAllowed => "header_not_allowed",
            Self::OutsideScope => "outside_scope",
            Self::Duplicate => "duplicate",
            Self::PayloadTooLarge => "payload_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Domain(code) => code,
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Missing => Kind::Missing,
            Self::MalformedBody | Self::UnknownField | Self::InvalidType => Kind::Shape,
            _ => Kind::Value,
        }
    }
}

/// The issues of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Issues(Vec<Issue>);

/// Issues that are listed; a message with more says so.
const MAX_ISSUES: usize = 1_000;

impl Issues {
    pub(crate) fn add(&mut self, field: impl Into<String>, code: IssueCode, message: impl Into<String>) {
        if self.0.len() < MAX_ISSUES {
            self.0.push(Issue {
                field: field.into(),
                code,
                message: message.into(),
            });
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what else was found, but for fields of which something wrong is known already.
    pub(crate) fn extend(&mut self, Issues(others): Issues) {
        for Issue { field, code, message } in others {
            if !self.covers(&field) {
                self.add(field, code, message);
            }
        }
    }

    /// True when something is wrong with this field or with what it is part of, so that more about it would only confuse.
    pub(crate) fn covers(&self, field: &str) -> bool {
        self.0.iter().any(|issue| {
            field
                .strip_prefix(issue.field.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }
}

impl From<Issues> for ApiError {
    fn from(Issues(issues): Issues) -> Self {
        let kinds: HashSet<Kind> = issues.iter().map(|issue| issue.code.kind()).collect();
        let only = |kind| kinds.len() == 1 && kinds.contains(&kind);
        let code = if only(Kind::Missing) {
            Code::MissingParameter
        } else if only(Kind::Shape) {
            Code::InvalidParameter
        } else {
            Code::ValidationError
        };
        let mut message = String::new();
        if let Some(first) = issues.first() {
            let _ = write!(message, "{}: {}", first.field, first.message);
        }
        match issues.len() {
            0 | 1 => {}
            MAX_ISSUES.. => message.push_str(" (and many more)"),
            several => {
                let _ = write!(message, " (and {} more, listed in `errors`)", several - 1);
            }
        }
        Self::new(code, message).with_issues(issues)
    }
}
