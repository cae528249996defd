//! API keys: the list, and the forms.

use super::api::{CREATE_KEY, KEY_SCOPE, REVOKE_KEY, ROTATE_KEY};
use super::convert;
use super::model::{KeyView, KeysPage, ScopeChoices};
use crate::model::{AppError, FormExtra, FormReply, KeySecret};
use crate::server::context::{Current, current, error_response};
use crate::server::form::{Done, Sent, renamed};
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

/// Providers and groups that a scope can name.
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
    /// The scope of the chosen list; ticks in the others do not count.
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
    let sent = Sent::back(CREATE_KEY, &back, LIST).typed(typed.values());
    sent.run(|current| async move {
        let created = keys::create(&current.domain, &current.actor(), typed.read()?).await;
        Ok(Done::from("").with(secret_of(created.map_err(at_the_lists)?)))
    })
    .await
}

/// Changes the scope of a key, on its page.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn set_scope(id: String, typed: TypedScope) -> Result<FormReply, AppError> {
    let sent = Sent::back(KEY_SCOPE, &format!("{LIST}/{id}"), LIST).typed(typed.values());
    sent.run(|current| async move {
        let scope = typed.read().map_err(|fault| Error::Invalid(vec![fault]))?;
        keys::set_scope(&current.domain, &current.actor(), &id, scope)
            .await
            .map_err(at_the_lists)?;
        Ok("Saved. It counts for messages that are accepted from now on; what was accepted before keeps its scope.")
    })
    .await
}

/// Replaces a key by one with another secret.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn rotate(id: String, overlap_hours: u32, back: String) -> Result<FormReply, AppError> {
    let sent = Sent::back(ROTATE_KEY, &back, LIST);
    sent.run(|current| async move {
        let overlap = Duration::from_secs(u64::from(overlap_hours) * 60 * 60);
        let created = keys::rotate(&current.domain, &current.actor(), &id, overlap).await?;
        let message = if overlap.is_zero() {
            "The old key is refused from now on."
        } else {
            "The old key goes on until its time is over, which the list shows. Change your clients over until then."
        };
        Ok(Done::from(message).with(secret_of(created)))
    })
    .await
}

/// Revokes a key.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn revoke(id: String, back: String) -> Result<FormReply, AppError> {
    let sent = Sent::back(REVOKE_KEY, &back, LIST);
    sent.run(|current| async move {
        keys::revoke(&current.domain, &current.actor(), &id).await?;
        Ok("The key is revoked. Requests that use it are refused from now on.")
    })
    .await
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
fn at_the_lists(error: Error) -> Error {
    renamed(error, |field| field.split_once('[').map(|(list, _)| list.to_owned()))
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
        let Error::Invalid(faults) = at_the_lists(error) else {
            panic!("it is about a field")
        };
        assert_eq!(faults[0].field, "scope.groups");
    }
}
