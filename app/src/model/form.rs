//! The answer to a form, with and without scripts.

use super::{AppError, ConnectionTest, KeySecret};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldIssue {
    /// The `name` of the input.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// What a form shows after it was sent. With scripts it is the server function's result; without, it waits in the
/// session (as a flash) for the page that the browser is redirected to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FormReply {
    /// The name of the form.
    pub form: String,
    /// Whether it was done.
    pub ok: bool,
    /// For the form as a whole; empty when the fields say it all.
    pub message: String,
    /// What is wrong, field by field.
    pub errors: Vec<FieldIssue>,
    /// What was typed, to fill the form again. Passwords and secrets are never among these.
    pub values: BTreeMap<String, String>,
    /// What else came of it.
    pub extra: Option<FormExtra>,
}

/// What a form can bring besides a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FormExtra {
    /// A key that was just made. The only time that its secret is shown.
    Key(KeySecret),
    /// The result of a connection test.
    Test(ConnectionTest),
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

    /// What is wrong with this field.
    pub fn error(&self, field: &str) -> Option<&str> {
        self.errors
            .iter()
            .find(|issue| issue.field == field)
            .map(|issue| issue.message.as_str())
    }
}
