//! Delivery groups.

use crate::model::{AppError, FormReply, GroupItem, GroupView};
use leptos::prelude::*;
use std::collections::BTreeMap;

/// The team's groups.
#[server(prefix = "/fn", endpoint = "groups")]
pub async fn list_groups() -> Result<Vec<GroupItem>, AppError> {
    crate::server::groups::list().await
}

/// One group with the providers that could be in it; a new one without `id`.
#[server(prefix = "/fn", endpoint = "group")]
pub async fn get_group(#[server(default)] id: String) -> Result<GroupView, AppError> {
    crate::server::groups::get(id).await
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
    crate::server::groups::save(id, name, member, weight).await
}

/// Deletes a group. Its providers stay.
#[server(prefix = "/fn", endpoint = "delete_group")]
pub async fn delete_group(
    #[server(default)] id: String,
    #[server(default)] back: String,
) -> Result<FormReply, AppError> {
    crate::server::groups::delete(id, back).await
}
