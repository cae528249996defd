//! Replies to forms that must survive a redirect.
//!
//! With scripts a form gets its [`FormReply`] as the result of the call. A plain POST is redirected back to a page, and
//! its reply waits in the session until that page takes it, once. It is sealed there: it may carry the secret of a key,
//! which is stored nowhere in clear.

use crate::model::{AppError, FieldIssue, FormReply};
use crate::server::context::{
    domain, error_response, internal_error, navigates, parts, session, session_failed, to_app_error,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sendmux_domain::error::capitalised;
use sendmux_domain::{Domain, Error};
use sendmux_rules::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tower_sessions::Session;

const KEY: &str = "flash";

/// A flash that nobody took is not shown to somebody who comes back much later.
const MAX_AGE: Duration = Duration::from_secs(600);

#[derive(Serialize, Deserialize)]
struct Stored {
    at: i64,
    sealed: String,
}

/// The reply of a form that stays on its page: returned to a script; kept for `page`, to which a plain POST is
/// redirected.
///
/// # Errors
/// [`AppError::Internal`] when the session cannot be written.
pub async fn answer(reply: FormReply, page: &str) -> Result<FormReply, AppError> {
    let parts = parts()?;
    if navigates(&parts) {
        store(&reply).await?;
        leptos_axum::redirect(page);
    }
    Ok(reply)
}

/// The reply of a form that leads to another page, which shows it.
///
/// # Errors
/// [`AppError::Internal`] when the session cannot be written.
pub async fn answer_on(reply: FormReply, page: &str) -> Result<FormReply, AppError> {
    store(&reply).await?;
    leptos_axum::redirect(page);
    Ok(reply)
}

/// Reply to a form that the domain refused.
///
/// # Errors
/// Faults of the installation, as [`AppError::Internal`].
pub fn refusal(form: &str, error: Error) -> Result<FormReply, AppError> {
    match error {
        Error::Invalid(fields) => Ok(FormReply {
            errors: fields
                .into_iter()
                .map(|field| FieldIssue {
                    field: field.field,
                    message: sentence(&field.message),
                })
                .collect(),
            ..FormReply::failed(form, "")
        }),
        error if error.is_internal() => Err(to_app_error(error)),
        error => Ok(FormReply::failed(form, sentence(&to_app_error(error).to_string()))),
    }
}

/// Takes the flash of this session.
///
/// # Errors
/// [`AppError::Internal`] when the session cannot be read.
pub async fn take() -> Result<Option<FormReply>, AppError> {
    let parts = parts()?;
    let (domain, session) = (domain(&parts)?, session(&parts)?);
    let Some(stored) = session.remove::<Stored>(KEY).await.map_err(session_failed)? else {
        return Ok(None);
    };
    // At once: a page may be rendered after its session was saved.
    session.save().await.map_err(session_failed)?;
    let age = domain.clock.now().since(Timestamp::from_millis(stored.at));
    Ok(if age <= MAX_AGE {
        open(&domain, &stored.sealed)
    } else {
        None
    })
}

async fn store(reply: &FormReply) -> Result<(), AppError> {
    let parts = parts()?;
    keep(&domain(&parts)?, &session(&parts)?, reply).await
}

/// Keeps a reply for the page that this session sees next.
///
/// # Errors
/// [`AppError::Internal`] when the session cannot be written.
pub async fn keep(domain: &Domain, session: &Session, reply: &FormReply) -> Result<(), AppError> {
    let stored = Stored {
        at: domain.clock.now().as_millis(),
        sealed: seal(domain, reply)?,
    };
    session.insert(KEY, stored).await.map_err(session_failed)
}

/// Context that the sealed text is bound to.
const CONTEXT: &str = "flash";

fn seal(domain: &Domain, reply: &FormReply) -> Result<String, AppError> {
    let json = serde_json::to_vec(reply).map_err(internal_error)?;
    Ok(STANDARD.encode(domain.sealer.seal(&json, CONTEXT).map_err(error_response)?))
}

/// A reply that cannot be opened (sealed with a key that is gone) counts as absent.
fn open(domain: &Domain, sealed: &str) -> Option<FormReply> {
    let json = domain.sealer.open(&STANDARD.decode(sealed).ok()?, CONTEXT).ok()?;
    serde_json::from_slice(&json).ok()
}

/// The domain speaks in clauses; a page speaks in sentences.
fn sentence(text: &str) -> String {
    let mut sentence = capitalised(text);
    if !sentence.is_empty() && !sentence.ends_with(['.', '!', '?', '…']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_become_sentences() {
        assert_eq!(sentence("enter a name"), "Enter a name.");
        assert_eq!(sentence("Done."), "Done.");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn an_internal_fault_is_no_reply_to_a_form() {
        assert_eq!(
            refusal("f", Error::Internal("secret".to_owned())),
            Err(AppError::Internal)
        );
        let refused = refusal("f", Error::field("port", "invalid", "use a port from 1 to 65535")).unwrap();
        assert_eq!(refused.error("port"), Some("Use a port from 1 to 65535."));
    }
}
