//! Forms that were sent: the work is done for the session's user, and the reply goes back to a page.

use super::context::{Current, current, local_path, operator};
use super::flash;
use crate::model::{AppError, ConnectionTest, FormExtra, FormReply};
use sendmux_domain::error::FieldError;
use sendmux_domain::{Error, Operator};
use std::collections::BTreeMap;

/// A form that was sent, and the page that shows its reply.
pub struct Sent {
    form: &'static str,
    page: String,
    leads_away: bool,
    typed: BTreeMap<String, String>,
}

impl Sent {
    /// The form `form` of this page.
    pub fn on(form: &'static str, page: &str) -> Self {
        Self {
            form,
            page: page.to_owned(),
            leads_away: false,
            typed: BTreeMap::new(),
        }
    }

    /// The form `form` of the page `back`, which the browser names; of `otherwise` when that is no page of this site.
    pub fn back(form: &'static str, back: &str, otherwise: &str) -> Self {
        Self::on(form, local_path(back, otherwise))
    }

    /// The form `form`, whose reply is shown on this other page.
    pub fn to(form: &'static str, page: &str) -> Self {
        Self {
            leads_away: true,
            ..Self::on(form, page)
        }
    }

    /// Values to fill the form with again. Passwords and secrets are never among these.
    #[must_use]
    pub fn typed<K: Into<String>, V: Into<String>>(mut self, values: impl IntoIterator<Item = (K, V)>) -> Self {
        self.typed = values
            .into_iter()
            .map(|(field, value)| (field.into(), value.into()))
            .collect();
        self
    }

    /// Does the work for the signed-in user, and answers.
    ///
    /// # Errors
    /// [`AppError::SignedOut`] or [`AppError::Internal`].
    pub async fn run<W, D>(self, work: impl FnOnce(Current) -> W) -> Result<FormReply, AppError>
    where
        W: Future<Output = Result<D, Error>>,
        D: Into<Done>,
    {
        let done = work(current().await?).await;
        self.finish(done).await
    }

    /// Does the work for the signed-in operator, and answers.
    ///
    /// # Errors
    /// [`AppError::NotFound`] for all but operators; [`AppError::SignedOut`] or [`AppError::Internal`].
    pub async fn run_as_operator<W, D>(self, work: impl FnOnce(Current, Operator) -> W) -> Result<FormReply, AppError>
    where
        W: Future<Output = Result<D, Error>>,
        D: Into<Done>,
    {
        let (current, operator) = operator().await?;
        let done = work(current, operator).await;
        self.finish(done).await
    }

    /// Answers with the result of work that was done already.
    ///
    /// # Errors
    /// [`AppError::Internal`].
    pub async fn finish<D: Into<Done>>(self, done: Result<D, Error>) -> Result<FormReply, AppError> {
        let done = match done {
            Ok(done) => done.into(),
            Err(error) => return self.refuse(error).await,
        };
        let reply = FormReply {
            form: self.form.to_owned(),
            ok: done.ok,
            message: done.message,
            extra: done.extra,
            values: self.typed,
            ..FormReply::default()
        };
        match done.page {
            Some(page) if page != self.page => flash::answer_on(reply, &page).await,
            _ if self.leads_away => flash::answer_on(reply, &self.page).await,
            _ => flash::answer(reply, &self.page).await,
        }
    }

    /// Answers that the domain refused it.
    ///
    /// # Errors
    /// Faults of the installation, as [`AppError::Internal`].
    pub async fn refuse(self, error: Error) -> Result<FormReply, AppError> {
        let reply = FormReply {
            values: self.typed,
            ..flash::refusal(self.form, error)?
        };
        if self.leads_away {
            flash::answer_on(reply, &self.page).await
        } else {
            flash::answer(reply, &self.page).await
        }
    }
}

/// The result of a form that was done.
pub struct Done {
    ok: bool,
    message: String,
    extra: Option<FormExtra>,
    page: Option<String>,
}

impl Done {
    /// A connection test that ran to its end, whatever it found.
    pub fn tested(test: ConnectionTest) -> Self {
        Self {
            ok: test.ok,
            ..Self::from("").with(FormExtra::Test(test))
        }
    }

    /// Adds a result that is more than a message.
    #[must_use]
    pub fn with(self, extra: FormExtra) -> Self {
        Self {
            extra: Some(extra),
            ..self
        }
    }

    /// Shows the reply on another page than the form's.
    #[must_use]
    pub fn on(self, page: impl Into<String>) -> Self {
        Self {
            page: Some(page.into()),
            ..self
        }
    }
}

impl<M: Into<String>> From<M> for Done {
    fn from(message: M) -> Self {
        Self {
            ok: true,
            message: message.into(),
            extra: None,
            page: None,
        }
    }
}

/// The same faults with the names that a form has for its fields; `name` gives those that differ from the domain's.
pub fn renamed(error: Error, name: impl Fn(&str) -> Option<String>) -> Error {
    let Error::Invalid(faults) = error else { return error };
    let renamed = faults.into_iter().map(|fault| match name(&fault.field) {
        Some(field) => FieldError { field, ..fault },
        None => fault,
    });
    Error::Invalid(renamed.collect())
}
