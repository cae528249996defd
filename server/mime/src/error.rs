//! Faults of a message that is to be built.

use std::fmt;

use crate::address::AddressError;

/// One fault of a message, with the path of the field as the HTTP API names it: `to[2].email`,
/// `attachments[1].type`, `custom_headers.X-Campaign`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct BuildError {
    /// Path of the field.
    pub field: String,
    /// The problem with it.
    pub problem: Problem,
}

impl BuildError {
    pub(crate) fn new(field: impl Into<String>, problem: impl Into<Problem>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

/// A problem with a field. Its text is for the caller of the API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Not an address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A control character, a line break among them, in a text that goes into a header.
    #[error("contains a control character (U+{:04X})", *.0 as u32)]
    Control(char),
    /// A value that must not be empty.
    #[error("must not be empty")]
    Empty,
    /// Neither body was given.
    #[error("a message needs a html_body or a text_body")]
    NoBody,
    /// Too long.
    #[error("is longer than {max} characters")]
    TooLong {
        /// The most characters allowed.
        max: usize,
    },
    /// Not the name of a header field (RFC 5322 section 2.2).
    #[error("is not a valid header name")]
    HeaderName,
    /// A header that is written from other fields, or that only a mail system may write.
    #[error("this header cannot be set directly")]
    ReservedHeader,
    /// The same header twice, names compared without case.
    #[error("this header is given twice")]
    DuplicateHeader,
    /// A header whose value software parses, which encoded words would break.
    #[error("only ASCII characters are allowed in this header")]
    AsciiOnly,
    /// A text without spaces that does not fit in a line of 998 octets and must not be altered.
    #[error("contains a word that is too long for a header line")]
    WordTooLong,
    /// Not a media type.
    #[error("is not a valid media type such as application/pdf")]
    MediaType,
    /// A media type that only makes sense with parts, or that fetches its content from elsewhere.
    #[error("this media type cannot be that of an attachment")]
    CompositeMediaType,
    /// Not a content id.
    #[error("is not a valid content id: use ASCII letters, digits and . _ - @, without spaces")]
    ContentId,
    /// Two attachments with one content id.
    #[error("this content id is already used by another attachment")]
    DuplicateContentId,
    /// Not a message id (RFC 5322 section 3.6.4).
    #[error("is not a valid message id such as <id@example.com>")]
    MessageId,
    /// A year that a header cannot show (RFC 5322 section 3.3).
    #[error("the year must be between 1900 and 9999")]
    Date,
}

/// All faults of a message; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildErrors(Vec<BuildError>);

impl BuildErrors {
    pub(crate) fn new(errors: Vec<BuildError>) -> Self {
        Self(errors)
    }

    /// The faults in the order of the fields.
    #[must_use]
    pub fn as_slice(&self) -> &[BuildError] {
        &self.0
    }

    /// The faults in the order of the fields.
    #[must_use]
    pub fn into_vec(self) -> Vec<BuildError> {
        self.0
    }
}

impl fmt::Display for BuildErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for BuildErrors {}
