//! `/api/v1/groups`: delivery groups, their members and weights.

use super::providers::Named;
use crate::answer::{Deleted, List, written};
use crate::auth::{Permitted, ToManage, ToRead};
use crate::error::{ApiError, ErrorAnswer};
use crate::input::{self, UpTo, input};
use crate::parameters::{Body, Id};
use crate::state::Api;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sendmux_domain::groups;
use serde::Serialize;
use utoipa::ToSchema;

/// A delivery group.
#[derive(Debug, Serialize, ToSchema)]
pub struct Group {
    /// Its id.
    #[schema(pattern = "^dgrp_[a-z0-9]{24}$")]
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its members.
    pub members: Vec<Member>,
    /// The keys whose scope names it. While there are any it cannot be deleted.
    pub used_by: Vec<Named>,
    /// Time of creation.
    #[schema(format = "date-time")]
    pub created_at: String,
    /// Time of the last change.
    #[schema(format = "date-time")]
    pub updated_at: String,
}

/// A provider in a group.
#[derive(Debug, Serialize, ToSchema)]
pub struct Member {
    /// The provider.
    #[schema(pattern = "^prv_[a-z0-9]{24}$")]
    pub provider_id: String,
    /// Its name.
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

input! {
    /// A delivery group to be made.
    pub(crate) struct NewGroup {
        /// Its name; no other group of the team has it.
        name: String as input::name(),
        /// Its members.
        members: Option<Members> as input::list_of::<NewMember>(100),
    }

    /// A change of a group; what is absent stays.
    pub(crate) struct GroupChange {
        /// Its name.
        name: Option<String> as input::name(),
        /// All of its members.
        members: Option<Members> as input::list_of::<NewMember>(100),
    }

    /// A member of a group.
    pub(crate) struct NewMember {
        /// The provider.
        provider: String as input::id("prv"),
        /// Its weight, from 0 up: for every member, or for none.
        weight: Option<i64> as input::whole(0, 1_000_000),
    }
}

/// Members in a request: one more is looked at than a group can have, so that the domain says that it is too many.
type Members = UpTo<101, NewMember>;

fn members(members: Option<Members>) -> Option<groups::Members> {
    let member = |member: NewMember| (member.provider, member.weight);
    members.map(|UpTo(members)| members.into_iter().map(member).collect())
}

/// Lists the delivery groups of the team, by name.
#[utoipa::path(get, path = "/groups", operation_id = "listGroups", tag = "Delivery groups",
    responses((status = 200, description = "The groups", body = List<Group>)))]
pub(crate) async fn list(caller: Permitted<ToRead>, State(api): State<Api>) -> Result<Json<List<Group>>, ApiError> {
    let found = groups::list(&api.domain, caller.key.team_id).await?;
    Ok(Json(List::whole(found.into_iter().map(Group::from).collect())))
}

/// Shows a delivery group.
#[utoipa::path(get, path = "/groups/{id}", operation_id = "getGroup", tag = "Delivery groups",
    params(("id" = String, Path, description = "`dgrp_…`")),
    responses((status = 200, description = "The group", body = Group)))]
pub(crate) async fn get(
    caller: Permitted<ToRead>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<Json<Group>, ApiError> {
    let group = groups::get(&api.domain, caller.key.team_id, &id).await?;
    Ok(Json(group.into()))
}

/// Makes a delivery group.
#[utoipa::path(post, path = "/groups", operation_id = "createGroup", tag = "Delivery groups",
    responses((status = 201, description = "The group", body = Group)))]
pub(crate) async fn create(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
    Body(new): Body<NewGroup>,
) -> Result<(StatusCode, Json<Group>), ApiError> {
    let members = members(new.members).unwrap_or_default();
    let group = groups::create(&api.domain, &caller.actor(), &new.name, members).await?;
    Ok((StatusCode::CREATED, Json(group.into())))
}

/// Changes the name or the members of a delivery group.
#[utoipa::path(patch, path = "/groups/{id}", operation_id = "updateGroup", tag = "Delivery groups",
    params(("id" = String, Path, description = "`dgrp_…`")),
    responses((status = 200, description = "The group", body = Group)))]
pub(crate) async fn update(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
    Id(id): Id,
    Body(change): Body<GroupChange>,
) -> Result<Json<Group>, ApiError> {
    let members = members(change.members);
    let group = groups::update(&api.domain, &caller.actor(), &id, change.name.as_deref(), members).await?;
    Ok(Json(group.into()))
}

/// Deletes a delivery group that no key is scoped to.
#[utoipa::path(delete, path = "/groups/{id}", operation_id = "deleteGroup", tag = "Delivery groups",
    params(("id" = String, Path, description = "`dgrp_…`")),
    responses((status = 200, description = "It is gone.", body = Deleted),
        (status = 409, description = "`conflict`: keys are scoped to it", body = ErrorAnswer)))]
pub(crate) async fn delete(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<Json<Deleted>, ApiError> {
    groups::delete(&api.domain, &caller.actor(), &id).await?;
    Ok(Json(Deleted::of(id)))
}
