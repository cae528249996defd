//! The answer to a form, with and without scripts.

use crate::model::{AppError, FormExtra};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Fault of one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldIssue {
    /// The `name` of the input.
    pub field: String,
    /// The fault and its remedy.
    pub message: String,
}

/// Reply of a form that was sent. With scripts it is the server function's result; without, it waits in the
/// session (as a flash) for the page that the browser is redirected to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FormReply {
    /// The name of the form.
    pub form: String,
    /// True: it was done.
    pub ok: bool,
    /// For the form as a whole; empty when the fields say it all.
    pub message: String,
    /// Faults, field by field.
    pub errors: Vec<FieldIssue>,
    /// Typed values, to fill the form again. Passwords and secrets are never among these.
    pub values: BTreeMap<String, String>,
    /// Result that is more than a message.
    pub extra: Option<FormExtra>,
}

impl FormReply {
    /// It was done.
    pub fn done(form: &str, message: impl Into<String>) -> Self {
        Self {
            form: form.to_owned(),
            ok: true,
            message: message.into(),
            ..Self::default()
        }
    }

    /// It was not done.
    pub fn failed(form: &str, message: impl Into<String>) -> Self {
        Self {
            form: form.to_owned(),
            message: message.into(),
            ..Self::default()
        }
    }

    /// The server function itself failed.
    pub fn from_error(form: &str, error: &AppError) -> Self {
        Self::failed(form, error.to_string())
    }

    /// Keeps what was typed.
    #[must_use]
    pub fn with_values<'a>(mut self, values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.values = values
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        self
    }

    /// Adds what else came of it.
    #[must_use]
    pub fn with_extra(mut self, extra: FormExtra) -> Self {
        self.extra = Some(extra);
        self
    }

    /// Fault of this field.
    pub fn error(&self, field: &str) -> Option<&str> {
        self.errors
            .iter()
            .find(|issue| issue.field == field)
            .map(|issue| issue.message.as_str())
    }
}
