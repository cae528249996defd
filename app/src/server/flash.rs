//! Replies to forms that must survive a redirect.
//!
//! With scripts a form gets its [`FormReply`] as the result of the call. A plain POST is redirected back to a page, and
//! its reply waits until that page takes it, once: in the session of who is signed in, and in a cookie of who is not, so
//! that strangers store nothing here. It is sealed in both: it may carry the secret of a key, which is stored nowhere in
//! clear.

use crate::model::{AppError, FieldIssue, FormReply};
use crate::server::context::{
    USER, domain, error_response, internal_error, navigates, parts, session, session_failed, to_app_error,
};
use crate::server::cookies::Cookie;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sendmux_domain::error::capitalised;
use sendmux_domain::{Domain, Error};
use sendmux_rules::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tower_sessions::Session;

const KEY: &str = "flash";

/// The reply to a visitor who is not signed in.
const COOKIE: Cookie = Cookie::bound("sendmux_flash", MAX_AGE);
/// Longest value of that cookie.
const MAX_COOKIE: usize = 2_048;

/// A flash that nobody took is not shown to somebody who comes back much later.
const MAX_AGE: Duration = Duration::from_secs(600);

#[derive(Serialize, Deserialize)]
struct Kept {
    /// Time of the reply, in milliseconds.
    at: i64,
    reply: FormReply,
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

/// Takes the flash of this browser.
///
/// # Errors
/// [`AppError::Internal`] when the session cannot be read.
pub async fn take() -> Result<Option<FormReply>, AppError> {
    let parts = parts()?;
    let (domain, session) = (domain(&parts)?, session(&parts)?);
    if let Some(sealed) = COOKIE.get() {
        COOKIE.set("");
        return Ok(open(&domain, &sealed));
    }
    let Some(sealed) = session.remove::<String>(KEY).await.map_err(session_failed)? else {
        return Ok(None);
    };
    // At once: a page may be rendered after its session was saved.
    session.save().await.map_err(session_failed)?;
    Ok(open(&domain, &sealed))
}

async fn store(reply: &FormReply) -> Result<(), AppError> {
    let parts = parts()?;
    let (domain, session) = (domain(&parts)?, session(&parts)?);
    let is_signed_in = session.get::<String>(USER).await.map_err(session_failed)?.is_some();
    if is_signed_in {
        return keep(&domain, &session, reply).await;
    }
    COOKIE.set(&within(&domain, reply, MAX_COOKIE)?);
    Ok(())
}

/// A reply sealed in so many characters: where it has more, without what was typed, and then with its message alone.
fn within(domain: &Domain, reply: &FormReply, most: usize) -> Result<String, AppError> {
    let mut reply = reply.clone();
    let whole = seal(domain, &reply)?;
    if whole.len() <= most {
        return Ok(whole);
    }
    reply.values.clear();
    let without_values = seal(domain, &reply)?;
    if without_values.len() <= most {
        return Ok(without_values);
    }
    seal(
        domain,
        &FormReply::failed(
            &reply.form,
            "This could not be done: the form has too many or too long values.",
        ),
    )
}

/// Keeps a reply for the page that this session sees next.
///
/// # Errors
/// [`AppError::Internal`] when the session cannot be written.
pub async fn keep(domain: &Domain, session: &Session, reply: &FormReply) -> Result<(), AppError> {
    session.insert(KEY, seal(domain, reply)?).await.map_err(session_failed)
}

/// Context that the sealed text is bound to.
const CONTEXT: &str = "flash";

fn seal(domain: &Domain, reply: &FormReply) -> Result<String, AppError> {
    let kept = Kept {
        at: domain.clock.now().as_millis(),
        reply: reply.clone(),
    };
    let json = serde_json::to_vec(&kept).map_err(internal_error)?;
    Ok(URL_SAFE_NO_PAD.encode(domain.sealer.seal(&json, CONTEXT).map_err(error_response)?))
}

/// A reply that cannot be opened (sealed with a key that is gone), or is too old, counts as absent.
fn open(domain: &Domain, sealed: &str) -> Option<FormReply> {
    let json = domain
        .sealer
        .open(&URL_SAFE_NO_PAD.decode(sealed).ok()?, CONTEXT)
        .ok()?;
    let kept: Kept = serde_json::from_slice(&json).ok()?;
    let age = domain.clock.now().since(Timestamp::from_millis(kept.at));
    (age <= MAX_AGE).then_some(kept.reply)
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
    use sendmux_domain::Settings;
    use sendmux_domain::testing::sqlite;

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

    #[tokio::test]
    async fn a_visitors_reply_fits_a_cookie() {
        let test = sqlite(Settings::default()).await;
        let reply = |typed: usize, wrong: usize| FormReply {
            errors: vec![FieldIssue {
                field: "email".to_owned(),
                message: "x".repeat(wrong),
            }],
            ..FormReply::failed("sign_up", "").with_values([("name", "y".repeat(typed).as_str())])
        };
        for (typed, wrong, keeps_values, keeps_errors) in [
            (100, 100, true, true),
            (100_000, 100, false, true),
            (100, 100_000, false, false),
        ] {
            let sealed = within(&test, &reply(typed, wrong), MAX_COOKIE).unwrap();
            assert!(sealed.len() <= MAX_COOKIE, "{}", sealed.len());
            let opened = open(&test, &sealed).unwrap();
            assert_eq!(
                (!opened.values.is_empty(), !opened.errors.is_empty()),
                (keeps_values, keeps_errors)
            );
            assert_eq!((opened.form.as_str(), opened.ok), ("sign_up", false));
        }
        let sealed = within(&test, &reply(1, 1), MAX_COOKIE).unwrap();
        test.clock.advance(MAX_AGE + Duration::from_millis(1));
        assert_eq!(open(&test, &sealed), None, "too old");
        assert_eq!(open(&test, "planted"), None);
    }
}
