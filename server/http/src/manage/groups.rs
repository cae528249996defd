//! `/api/v1/groups`: delivery groups, their members and weights.

use super::providers::Named;
use crate::answer::{Deleted, List, written};
use crate::auth::Caller;
use crate::error::{ApiError, ErrorAnswer};
use crate::fields::{self, Object};
use crate::issue::Issues;
use crate::json::Json as JsonValue;
use crate::parameters::{self, Id};
use crate::state::Api;
use axum::Json;
use axum::extract::{Extension, Request, State};
use axum::http::StatusCode;
use sendmux_domain::groups::{self, Members};
use sendmux_domain::keys::Permission;
use serde::Serialize;
use utoipa::ToSchema;

/// Members of a list that are looked at: one more than a group can have, so that the domain says that it is too many.
const MAX_MEMBERS: usize = 101;

/// A delivery group.
#[derive(Debug, Serialize, ToSchema)]
pub struct Group {
    /// Its id.
    #[schema(pattern = "^dgrp_[a-z0-9]{24}$")]
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Its members.
    pub members: Vec<Member>,
    /// The keys whose scope names it. While there are any it cannot be deleted.
    pub used_by: Vec<Named>,
    /// When it was made.
    #[schema(format = "date-time")]
    pub created_at: String,
    /// When it was last changed.
    #[schema(format = "date-time")]
    pub updated_at: String,
}

/// A provider in a group.
#[derive(Debug, Serialize, ToSchema)]
pub struct Member {
    /// The provider.
    #[schema(pattern = "^prv_[a-z0-9]{24}$")]
    pub provider_id: String,
    /// What it is called.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// `active`, `inactive` or `pending`.
    pub status: String,
    /// Its weight: every member has one, or none has, which is an equal split.
    pub weight: Option<u32>,
    /// Its part of the group's traffic, 0 to 100.
    pub share: f64,
}

impl From<groups::Group> for Group {
    fn from(group: groups::Group) -> Self {
        Self {
            id: group.public_id,
            name: group.name,
            members: group
                .members
                .into_iter()
                .map(|member| Member {
                    provider_id: member.public_id,
                    name: member.name,
                    kind: member.kind.to_string(),
                    status: member.status.to_string(),
                    weight: member.weight,
                    share: member.share,
                })
                .collect(),
            used_by: group
                .used_by
                .into_iter()
                .map(|key| Named {
                    id: key.public_id,
                    name: key.name,
                })
                .collect(),
            created_at: written(group.created_at),
            updated_at: written(group.updated_at),
        }
    }
}

/// A delivery group to be made.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used: requests are read field by field")]
pub(crate) struct NewGroup {
    /// What it is called; no other group of the team has this name.
    name: String,
    /// Its members.
    #[schema(max_items = 100, nullable = true)]
    members: Option<Vec<NewMember>>,
}

/// What to change of a group; what is absent stays.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct GroupChange {
    /// What it is called.
    name: Option<String>,
    /// All of its members.
    #[schema(max_items = 100, nullable = true)]
    members: Option<Vec<NewMember>>,
}

/// A member of a group.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct NewMember {
    /// The provider.
    #[schema(pattern = "^prv_[a-z0-9]{24}$")]
    provider: String,
    /// Its weight, from 0 up: for every member, or for none.
    #[schema(minimum = 0, maximum = 1_000_000)]
    weight: Option<u32>,
}

fn read_name(object: &mut Object<'_>, issues: &mut Issues) -> Option<String> {
    object.take_text("name", issues).map(|name| name.into_owned())
}

fn read_members(object: &mut Object<'_>, issues: &mut Issues) -> Option<Members> {
    let json = object.take("members")?;
    let list = fields::list(json, "members", MAX_MEMBERS, issues);
    Some(
        (0..)
            .zip(list)
            .filter_map(|(index, json)| read_member(index, json, issues))
            .collect(),
    )
}

fn read_member(index: usize, json: JsonValue<'_>, issues: &mut Issues) -> Option<(String, Option<i64>)> {
    let mut member = Object::read(json, &format!("members[{index}]"), issues)?;
    let provider = member.take_required_text("provider", issues);
    let weight = member.take_integer("weight", issues);
    member.finish(issues);
    Some((provider?.into_owned(), weight))
}

/// Lists the delivery groups of the team, by name.
#[utoipa::path(get, path = "/api/v1/groups", operation_id = "listGroups", tag = "Delivery groups",
    responses((status = 200, description = "The groups", body = List<Group>)))]
pub(crate) async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<List<Group>>, ApiError> {
    caller.require(Permission::Read)?;
    let found = groups::list(&api.domain, caller.key.team_id).await?;
    Ok(Json(List::whole(found.into_iter().map(Group::from).collect())))
}

/// Shows a delivery group.
#[utoipa::path(get, path = "/api/v1/groups/{id}", operation_id = "getGroup", tag = "Delivery groups",
    params(("id" = String, Path, description = "`dgrp_…`")),
    responses((status = 200, description = "The group", body = Group)))]
pub(crate) async fn get(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
) -> Result<Json<Group>, ApiError> {
    caller.require(Permission::Read)?;
    let group = groups::get(&api.domain, caller.key.team_id, &id).await?;
    Ok(Json(group.into()))
}

/// Makes a delivery group.
#[utoipa::path(post, path = "/api/v1/groups", operation_id = "createGroup", tag = "Delivery groups",
    request_body = NewGroup,
    responses((status = 201, description = "The group", body = Group)))]
pub(crate) async fn create(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<(StatusCode, Json<Group>), ApiError> {
    caller.require(Permission::Manage)?;
    let (name, members) = parameters::body(&api, request, |object, issues| {
        let name = object.take_required_text("name", issues).map(|name| name.into_owned());
        (name, read_members(object, issues))
    })
    .await?;
    let (name, members) = (name.unwrap_or_default(), members.unwrap_or_default());
    let group = groups::create(&api.domain, &caller.actor(), &name, members).await?;
    Ok((StatusCode::CREATED, Json(group.into())))
}

/// Changes the name or the members of a delivery group.
#[utoipa::path(patch, path = "/api/v1/groups/{id}", operation_id = "updateGroup", tag = "Delivery groups",
    params(("id" = String, Path, description = "`dgrp_…`")),
    request_body = GroupChange,
    responses((status = 200, description = "The group", body = Group)))]
pub(crate) async fn update(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    request: Request,
) -> Result<Json<Group>, ApiError> {
    caller.require(Permission::Manage)?;
    let (name, members) = parameters::body(&api, request, |object, issues| {
        (read_name(object, issues), read_members(object, issues))
    })
    .await?;
    let group = groups::update(&api.domain, &caller.actor(), &id, name.as_deref(), members).await?;
    Ok(Json(group.into()))
}

/// Deletes a delivery group that no key is scoped to.
#[utoipa::path(delete, path = "/api/v1/groups/{id}", operation_id = "deleteGroup", tag = "Delivery groups",
    params(("id" = String, Path, description = "`dgrp_…`")),
    responses((status = 200, description = "It is gone.", body = Deleted),
        (status = 409, description = "`conflict`: keys are scoped to it", body = ErrorAnswer)))]
pub(crate) async fn delete(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
) -> Result<Json<Deleted>, ApiError> {
    caller.require(Permission::Manage)?;
    groups::delete(&api.domain, &caller.actor(), &id).await?;
    Ok(Json(Deleted::of(id)))
}
