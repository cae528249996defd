//! API keys: the list, and the forms.

use super::context::{Current, current, error_response, local_path};
use super::{convert, flash};
use crate::api::forms::{CREATE_KEY, KEY_SCOPE, REVOKE_KEY, ROTATE_KEY};
use crate::model::{AppError, FormExtra, FormReply, KeySecret, KeyView, KeysPage, ScopeChoices};
use sendmux_domain::error::FieldError;
use sendmux_domain::keys::{self, CreatedKey, NewKey, Permission, Scope};
use sendmux_domain::{Error, groups, providers};
use sendmux_rules::Mode;
use std::collections::BTreeMap;
use std::time::Duration;

const LIST: &str = "/keys";

/// The team's keys.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn list() -> Result<KeysPage, AppError> {
    let current = current().await?;
    let keys = keys::list(&current.domain, current.team_id())
        .await
        .map_err(error_response)?;
    Ok(convert::keys(keys, current.now()))
}

/// One key, with what its scope could be.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn get(id: String) -> Result<KeyView, AppError> {
    let current = current().await?;
    let key = keys::get(&current.domain, current.team_id(), &id)
        .await
        .map_err(error_response)?;
    Ok(KeyView {
        key: convert::key(key, current.now()),
        choices: choices_of(&current).await.map_err(error_response)?,
    })
}

/// What a scope can name.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn choices() -> Result<ScopeChoices, AppError> {
    let current = current().await?;
    choices_of(&current).await.map_err(error_response)
}

async fn choices_of(current: &Current) -> Result<ScopeChoices, Error> {
    let providers = providers::list(&current.domain, current.team_id()).await?;
    let groups = groups::list(&current.domain, current.team_id()).await?;
    Ok(convert::scope_choices(providers, groups))
}

/// The form of a key as it was typed.
pub struct TypedKey {
    /// Name.
    pub name: String,
    /// `live` or `test`.
    pub mode: String,
    /// The ticked permissions.
    pub permission: BTreeMap<String, String>,
    /// The scope.
    pub scope: TypedScope,
}

/// The picker of a scope as it was typed.
pub struct TypedScope {
    /// `all`, `providers` or `groups`.
    pub scope: String,
    /// The ticked providers.
    pub provider: BTreeMap<String, String>,
    /// The ticked groups.
    pub group: BTreeMap<String, String>,
}

impl TypedScope {
    /// What is ticked in the lists that are not chosen does not count.
    fn read(&self) -> Result<Scope, FieldError> {
        let ids = |ticked: &BTreeMap<String, String>| ticked.keys().cloned().collect();
        match self.scope.as_str() {
            "" | "all" => Ok(Scope::All),
            "providers" => Ok(Scope::Providers(ids(&self.provider))),
            "groups" => Ok(Scope::Groups(ids(&self.group))),
            _ => Err(FieldError::new(
                "scope",
                "invalid",
                "choose which providers the key may use",
            )),
        }
    }

    fn values(&self) -> impl Iterator<Item = (String, &str)> {
        let ticked = |list: &str, ids: &BTreeMap<String, String>| -> Vec<(String, &str)> {
            ids.keys().map(|id| (format!("{list}[{id}]"), "true")).collect()
        };
        std::iter::once(("scope".to_owned(), self.scope.as_str()))
            .chain(ticked("provider", &self.provider))
            .chain(ticked("group", &self.group))
    }
}

impl TypedKey {
    fn read(&self) -> Result<NewKey, Error> {
        let mut wrong = Vec::new();
        let mode = self.mode.parse::<Mode>().unwrap_or_else(|_| {
            wrong.push(FieldError::new("mode", "invalid", "choose live or test"));
            Mode::Live
        });
        let scope = self.scope.read().unwrap_or_else(|error| {
            wrong.push(error);
            Scope::All
        });
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        Ok(NewKey {
            name: self.name.clone(),
            mode,
            permissions: self
                .permission
                .keys()
                .map(|name| name.parse::<Permission>())
                .collect::<Result<_, _>>()
                .map_err(|_| Error::field("permissions", "invalid", "choose from the permissions shown"))?,
            scope,
        })
    }

    fn values(&self) -> Vec<(String, &str)> {
        [("name", &self.name), ("mode", &self.mode)]
            .into_iter()
            .map(|(field, value)| (field.to_owned(), value.as_str()))
            .chain(
                self.permission
                    .keys()
                    .map(|name| (format!("permission[{name}]"), "true")),
            )
            .chain(self.scope.values())
            .collect()
    }
}

/// Makes a key. `back` is the page of the form.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn create(typed: TypedKey, back: String) -> Result<FormReply, AppError> {
    let current = current().await?;
    let reply = match make(&current, &typed).await {
        Ok(created) => FormReply::done(CREATE_KEY, "").with_extra(secret_of(created)),
        Err(error) => refusal(CREATE_KEY, error)?,
    };
    let values = typed.values();
    let reply = reply.with_values(values.iter().map(|(field, value)| (field.as_str(), *value)));
    flash::answer(reply, local_path(&back, LIST)).await
}

async fn make(current: &Current, typed: &TypedKey) -> Result<CreatedKey, Error> {
    keys::create(&current.domain, &current.actor(), typed.read()?).await
}

/// Changes the scope of a key, on its page.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn set_scope(id: String, typed: TypedScope) -> Result<FormReply, AppError> {
    let current = current().await?;
    let page = page_of(&id);
    let changed = match typed.read() {
        Ok(scope) => keys::set_scope(&current.domain, &current.actor(), &id, scope).await,
        Err(error) => Err(Error::Invalid(vec![error])),
    };
    let reply = match changed {
        Ok(_) => FormReply::done(
            KEY_SCOPE,
            "Saved. It counts for messages that are accepted from now on; what was accepted before keeps its scope.",
        ),
        Err(error) => {
            let values: Vec<(String, &str)> = typed.values().collect();
            refusal(KEY_SCOPE, error)?.with_values(values.iter().map(|(field, value)| (field.as_str(), *value)))
        }
    };
    flash::answer(reply, local_path(&page, LIST)).await
}

/// Replaces a key by one with another secret.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn rotate(id: String, overlap_hours: u32, back: String) -> Result<FormReply, AppError> {
    let current = current().await?;
    let overlap = Duration::from_secs(u64::from(overlap_hours) * 60 * 60);
    let reply = match keys::rotate(&current.domain, &current.actor(), &id, overlap).await {
        Ok(created) => {
            let message = if overlap.is_zero() {
                "The old key is refused from now on."
            } else {
                "The old key goes on until its time is over, which the list shows. Change your clients over until then."
            };
            FormReply::done(ROTATE_KEY, message).with_extra(secret_of(created))
        }
        Err(error) => flash::refusal(ROTATE_KEY, error)?,
    };
    flash::answer(reply, local_path(&back, LIST)).await
}

/// Revokes a key.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn revoke(id: String, back: String) -> Result<FormReply, AppError> {
    let current = current().await?;
    let reply = match keys::revoke(&current.domain, &current.actor(), &id).await {
        Ok(()) => FormReply::done(
            REVOKE_KEY,
            "The key is revoked. Requests that use it are refused from now on.",
        ),
        Err(error) => flash::refusal(REVOKE_KEY, error)?,
    };
    flash::answer(reply, local_path(&back, LIST)).await
}

fn page_of(id: &str) -> String {
    format!("{LIST}/{id}")
}

fn secret_of(created: CreatedKey) -> FormExtra {
    FormExtra::Key(KeySecret {
        id: created.key.public_id,
        name: created.key.name,
        mode: created.key.mode.as_str().to_owned(),
        secret: created.secret,
    })
}

/// The domain names a target by its place (`scope.groups[1]`); the form shows what is wrong beneath the whole list.
fn refusal(form: &str, error: Error) -> Result<FormReply, AppError> {
    let mut reply = flash::refusal(form, error)?;
    for issue in &mut reply.errors {
        if let Some((list, _)) = issue.field.split_once('[') {
            issue.field = list.to_owned();
        }
    }
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticked(ids: &[&str]) -> BTreeMap<String, String> {
        ids.iter().map(|id| ((*id).to_owned(), "true".to_owned())).collect()
    }

    #[test]
    fn only_what_is_ticked_in_the_chosen_list_counts() {
        let scope = |kind: &str| TypedScope {
            scope: kind.to_owned(),
            provider: ticked(&["prv_a"]),
            group: ticked(&["grp_a", "grp_b"]),
        };
        assert_eq!(scope("all").read().unwrap(), Scope::All);
        assert_eq!(scope("").read().unwrap(), Scope::All);
        assert_eq!(
            scope("providers").read().unwrap(),
            Scope::Providers(vec!["prv_a".to_owned()])
        );
        let groups = Scope::Groups(vec!["grp_a".to_owned(), "grp_b".to_owned()]);
        assert_eq!(scope("groups").read().unwrap(), groups);
        assert_eq!(scope("everything").read().unwrap_err().field, "scope");
    }

    #[test]
    fn a_target_that_is_wrong_is_said_beneath_its_list() {
        let error = Error::field("scope.groups[1]", "unknown", "there is no such group");
        assert!(refusal("f", error).unwrap().error("scope.groups").is_some());
    }
}
