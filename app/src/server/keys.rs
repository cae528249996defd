//! Making a key from the form.

use super::context::{current, local_path};
use super::flash;
use crate::api::forms::CREATE_KEY;
use crate::model::{AppError, FieldIssue, FormExtra, FormReply, KeySecret};
use sendmux_domain::keys::{self, NewKey, Permission, Scope};
use sendmux_rules::Mode;

/// Makes a key that may send, in every scope. `back` is the page of the form.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn create(name: String, mode: String, back: String) -> Result<FormReply, AppError> {
    let current = current().await?;
    let reply = match mode.parse::<Mode>() {
        Ok(mode) => {
            let new = NewKey {
                name: name.clone(),
                mode,
                permissions: vec![Permission::Send],
                scope: Scope::All,
            };
            match keys::create(&current.domain, &current.actor(), new).await {
                Ok(created) => {
                    let key = KeySecret {
                        id: created.key.public_id,
                        name: created.key.name,
                        mode: created.key.mode.as_str().to_owned(),
                        secret: created.secret,
                    };
                    FormReply::done(CREATE_KEY, "The key is ready.").with_extra(FormExtra::Key(key))
                }
                Err(error) => flash::refusal(CREATE_KEY, error)?,
            }
        }
        Err(_) => FormReply {
            errors: vec![FieldIssue {
                field: "mode".to_owned(),
                message: "Choose live or test.".to_owned(),
            }],
            ..FormReply::failed(CREATE_KEY, "")
        },
    };
    let reply = reply.with_values([("name", name.as_str()), ("mode", mode.as_str())]);
    flash::answer(reply, local_path(&back, "/keys")).await
}
