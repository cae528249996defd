//! API keys.

use super::model::{KeyView, KeysPage, ScopeChoices};
use crate::model::{AppError, FormReply};
use leptos::prelude::*;
use std::collections::BTreeMap;

/// Make a key.
pub const CREATE_KEY: &str = "create-key";
/// Revoke a key.
pub const REVOKE_KEY: &str = "revoke-key";
/// Replace a key by one with another secret.
pub const ROTATE_KEY: &str = "rotate-key";
/// Change the scope of a key.
pub const KEY_SCOPE: &str = "key-scope";

/// The team's keys.
#[server(prefix = "/fn", endpoint = "keys")]
pub async fn list_keys() -> Result<KeysPage, AppError> {
    super::server::list().await
}

/// One key, with what its scope could be.
#[server(prefix = "/fn", endpoint = "key")]
pub async fn get_key(id: String) -> Result<KeyView, AppError> {
    super::server::get(id).await
}

/// Providers and groups that a scope can name.
#[server(prefix = "/fn", endpoint = "scope_choices")]
pub async fn list_scope_choices() -> Result<ScopeChoices, AppError> {
    super::server::choices().await
}

/// Makes a key. Its secret is in the reply, and nowhere after. `scope` is `all` (also when empty), `providers` or
/// `groups`; `provider`, `group` and `permission` hold what is ticked.
#[server(prefix = "/fn", endpoint = "create_key")]
pub async fn create_key(
    #[server(default)] name: String,
    #[server(default)] mode: String,
    #[server(default)] permission: BTreeMap<String, String>,
    #[server(default)] scope: String,
    #[server(default)] provider: BTreeMap<String, String>,
    #[server(default)] group: BTreeMap<String, String>,
    #[server(default)] back: String,
) -> Result<FormReply, AppError> {
    use super::server::{TypedKey, TypedScope, create};
    let scope = TypedScope { scope, provider, group };
    let typed = TypedKey {
        name,
        mode,
        permission,
        scope,
    };
    create(typed, back).await
}

/// Changes the scope of a key, for what is accepted from now on.
#[server(prefix = "/fn", endpoint = "set_key_scope")]
pub async fn set_key_scope(
    #[server(default)] id: String,
    #[server(default)] scope: String,
    #[server(default)] provider: BTreeMap<String, String>,
    #[server(default)] group: BTreeMap<String, String>,
) -> Result<FormReply, AppError> {
    use super::server::{TypedScope, set_scope};
    set_scope(id, TypedScope { scope, provider, group }).await
}

/// Replaces a key by one with another secret; the old one ends after so many hours.
#[server(prefix = "/fn", endpoint = "rotate_key")]
pub async fn rotate_key(
    #[server(default)] id: String,
    #[server(default)] overlap_hours: u32,
    #[server(default)] back: String,
) -> Result<FormReply, AppError> {
    super::server::rotate(id, overlap_hours, back).await
}

/// Revokes a key: within two seconds no node takes it any more.
#[server(prefix = "/fn", endpoint = "revoke_key")]
pub async fn revoke_key(#[server(default)] id: String, #[server(default)] back: String) -> Result<FormReply, AppError> {
    super::server::revoke(id, back).await
}
