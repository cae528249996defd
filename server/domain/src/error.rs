//! Errors of the domain, worded so that the HTTP API, the forms and the command line can pass them on.

use crate::column;
use crate::db::Failure;
use sea_orm::DbErr;
use sendmux_rules::UnknownName;

/// One fault of one field of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Path of the field in the caller's input: `port`, `to[2].email`.
    pub field: String,
    /// A short constant for programs: `required`, `invalid`, `too_long`.
    pub code: &'static str,
    /// The fault and its remedy, for people.
    pub message: String,
}

impl FieldError {
    /// A field error with this path, code and text.
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            code,
            message: message.into(),
        }
    }
}

/// An error of the domain.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The thing does not exist, or belongs to another team; callers must not be able to tell these apart.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The input is invalid; every invalid field is named.
    #[error("{}", summary(.0))]
    Invalid(Vec<FieldError>),
    /// The thing existed, and was removed by retention.
    #[error("{0}")]
    Gone(&'static str),
    /// The input is valid but conflicts with the current state.
    #[error("{0}")]
    Conflict(String),
    /// The caller is not allowed to do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The scope holds no active provider with a weight above 0.
    #[error("no active provider in the scope of this key: add or switch on a provider, or widen the key's scope")]
    NoActiveProviders,
    /// No provider of the scope could ever take this message.
    #[error("{0}")]
    NeverDeliverable(String),
    /// The installation cannot do this now; a later attempt can succeed.
    #[error("temporarily unavailable: {0}")]
    Unavailable(String),
    /// The database cannot be reached, or cannot write, for now. Nothing was done; a later attempt can succeed. The
    /// text is for the log, never for the caller.
    #[error("the database is not available: {0}")]
    DatabaseUnavailable(DbErr),
    /// The disk of the database is full. Nothing was done. The text is for the log, never for the caller.
    #[error("the disk of the database is full: {0}")]
    StorageFull(DbErr),
    /// A statement failed. The text is for the log, never for the caller.
    #[error("database error: {0}")]
    Database(DbErr),
    /// Something that should not happen. The text is for the log.
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<UnknownName> for Error {
    /// A name that was stored is none of those known.
    fn from(error: UnknownName) -> Self {
        Self::Internal(error.to_string())
    }
}

impl Error {
    /// A single invalid field.
    pub fn field(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, code, message)])
    }

    /// True if the fault is the installation's, so that the text must not be shown to the caller.
    pub fn is_internal(&self) -> bool {
        self.is_outage() || matches!(self, Self::Database(_) | Self::Internal(_))
    }

    /// The same failure for another caller that shared the transaction.
    pub(crate) fn shared(&self) -> Self {
        match self {
            Self::DatabaseUnavailable(error) => Self::DatabaseUnavailable(DbErr::Custom(error.to_string())),
            Self::StorageFull(error) => Self::StorageFull(DbErr::Custom(error.to_string())),
            error => Self::Internal(error.to_string()),
        }
    }

    /// True if the database is absent or cannot write, which passes without a change of the request.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::DatabaseUnavailable(_) | Self::StorageFull(_))
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if let Some(unreadable) = column::unreadable(&error) {
            return unreadable;
        }
        match Failure::of(&error) {
            Failure::Full => Self::StorageFull(error),
            Failure::SyncFailed | Failure::Unavailable => Self::DatabaseUnavailable(error),
            Failure::Statement => Self::Database(error),
        }
    }
}

/// The result of a domain call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A text with a capital letter at its beginning. Errors are worded in clauses; some of those who show them speak in
/// sentences.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn summary(errors: &[FieldError]) -> String {
    match errors {
        [only] => only.message.clone(),
        _ => errors
            .iter()
            .map(|e| format!("{}: {}", e.field, e.message))
            .collect::<Vec<_>>()
            .join("; "),
    }
}
