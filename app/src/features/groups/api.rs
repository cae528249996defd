//! Delivery groups.

use super::model::{GroupItem, GroupView};
use crate::model::{AppError, FormReply};
use leptos::prelude::*;
use std::collections::BTreeMap;

/// Make or change a group.
pub const GROUP: &str = "group";
/// Delete a group.
pub const DELETE_GROUP: &str = "delete-group";

/// The team's groups.
#[server(prefix = "/fn", endpoint = "groups")]
pub async fn list_groups() -> Result<Vec<GroupItem>, AppError> {
    super::server::list().await
}

/// One group with the providers that could be in it; a new one without `id`.
#[server(prefix = "/fn", endpoint = "group")]
pub async fn get_group(#[server(default)] id: String) -> Result<GroupView, AppError> {
    super::server::get(id).await
}

/// Makes a group (without `id`) or changes one. `member` holds the providers that are ticked, `weight` what is typed for
/// each provider, ticked or not; both by public id.
#[server(prefix = "/fn", endpoint = "save_group")]
pub async fn save_group(
    #[server(default)] id: String,
    #[server(default)] name: String,
    #[server(default)] member: BTreeMap<String, String>,
    #[server(default)] weight: BTreeMap<String, String>,
) -> Result<FormReply, AppError> {
    super::server::save(id, name, member, weight).await
}

/// Deletes a group. Its providers stay.
#[server(prefix = "/fn", endpoint = "delete_group")]
pub async fn delete_group(
    #[server(default)] id: String,
    #[server(default)] back: String,
) -> Result<FormReply, AppError> {
    super::server::delete(id, back).await
}
