//! Delivery groups: pools of a team's providers that keys can be scoped to, with a weight for each member.
//!
//! A group is an isolated pool: messages sent with a key of a group never go through a provider outside it. Members and
//! weights are read live, so a change also applies to waiting messages.
//!
//! An empty group is allowed, so that it can be created before its providers and emptied before they are deleted.
//! Messages sent with its keys are answered 503 `no_active_providers` until it has a member; messages accepted before
//! wait.

mod change;
mod members;
#[cfg(test)]
mod tests;

pub use change::{create, delete, rename, set_members, update};
pub use members::Members;
pub(crate) use members::left_all_zero;

use crate::entities::{api_keys, delivery_groups, group_members, lanes, providers};
use crate::error::{Error, Result};
use crate::lanes::ScopeKind;
use crate::{Domain, ids};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use sendmux_rules::shares::{Member, shares};
use sendmux_rules::{ProviderKind, ProviderStatus, Timestamp};
use std::collections::HashMap;

const NOT_FOUND: Error = Error::NotFound("delivery group");

/// A delivery group with its members.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Database id.
    pub id: i64,
    /// Public id (`dgrp_…`).
    pub public_id: String,
    /// Name, unique among the team's groups.
    pub name: String,
    /// Its members, in the order in which the providers were added.
    pub members: Vec<GroupMember>,
    /// Keys in force whose scope names it. It cannot be deleted while there are any.
    pub used_by: Vec<KeyName>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change of its name or members.
    pub updated_at: Timestamp,
}

/// A provider in a group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupMember {
    /// Public id (`prv_…`) of the provider.
    pub public_id: String,
    /// Name of the provider.
    pub name: String,
    /// Its kind.
    pub kind: ProviderKind,
    /// Status: switched on or off.
    pub status: ProviderStatus,
    /// Its weight in this group. Either every member has one, or none has, which is an equal split.
    pub weight: Option<u32>,
    /// Share of the group's traffic, 0 to 100, while all members that are switched on are open.
    pub share: f64,
}

/// Id and name of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName {
    /// `key_…`
    pub public_id: String,
    /// Name of the key.
    pub name: String,
}

/// The groups of a team, by name.
pub async fn list(domain: &Domain, team_id: i64) -> Result<Vec<Group>> {
    let db = domain.db.read();
    let rows = delivery_groups::Entity::find()
        .filter(delivery_groups::Column::TeamId.eq(team_id))
        .order_by_asc(delivery_groups::Column::Name)
        .all(db)
        .await?;
    views(db, team_id, rows).await
}

/// One group of a team.
///
/// # Errors
/// [`Error::NotFound`], for those of other teams too.
pub async fn get(domain: &Domain, team_id: i64, public_id: &str) -> Result<Group> {
    let db = domain.db.read();
    let row = of_team(team_id, public_id).one(db).await?.ok_or(NOT_FOUND)?;
    views(db, team_id, vec![row]).await?.pop().ok_or(NOT_FOUND)
}

fn of_team(team_id: i64, public_id: &str) -> sea_orm::Select<delivery_groups::Entity> {
    delivery_groups::Entity::find()
        .filter(delivery_groups::Column::PublicId.eq(&*ids::group(public_id)))
        .filter(delivery_groups::Column::TeamId.eq(team_id))
}

async fn views(db: &impl ConnectionTrait, team_id: i64, rows: Vec<delivery_groups::Model>) -> Result<Vec<Group>> {
    let ids = || rows.iter().map(|row| row.id);
    let mut members: HashMap<i64, Vec<group_members::Model>> = HashMap::new();
    let found = group_members::Entity::find()
        .filter(group_members::Column::GroupId.is_in(ids()))
        .order_by_asc(group_members::Column::ProviderId)
        .all(db)
        .await?;
    for member in found {
        members.entry(member.group_id).or_default().push(member);
    }
    let providers: HashMap<i64, providers::Model> = providers::Entity::find()
        .filter(providers::Column::TeamId.eq(team_id))
        .filter(providers::Column::DeletedAt.is_null())
        .all(db)
        .await?
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let mut used_by = used_by(db, team_id).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Group {
                members: member_views(members.remove(&row.id).unwrap_or_default(), &providers),
                used_by: used_by.remove(&row.id).unwrap_or_default(),
                id: row.id,
                public_id: row.public_id,
                name: row.name,
                created_at: row.created_at,
                updated_at: row.updated_at,
            })
        })
        .collect()
}

fn member_views(members: Vec<group_members::Model>, providers: &HashMap<i64, providers::Model>) -> Vec<GroupMember> {
    let active = |id: i64| {
        providers
            .get(&id)
            .is_some_and(|row| row.status == ProviderStatus::Active)
    };
    let counted: Vec<Member> = members
        .iter()
        .filter(|member| active(member.provider_id))
        .map(|member| Member {
            id: member.provider_id,
            weight: member.weight.map(i64::from),
        })
        .collect();
    let percent: HashMap<i64, f64> = shares(&counted)
        .into_iter()
        .map(|share| (share.id, share.percent))
        .collect();
    members
        .into_iter()
        .filter_map(|member| Some((providers.get(&member.provider_id)?, member.weight)))
        .map(|(row, weight)| GroupMember {
            public_id: row.public_id.clone(),
            name: row.name.clone(),
            kind: row.kind,
            status: row.status,
            weight: weight.map(|weight| u32::try_from(weight).unwrap_or(0)),
            share: percent.get(&row.id).copied().unwrap_or(0.0),
        })
        .collect()
}

/// Keys in force that name each group of a team, by the group's database id.
async fn used_by(db: &impl ConnectionTrait, team_id: i64) -> Result<HashMap<i64, Vec<KeyName>>> {
    let lanes: HashMap<i64, Vec<i64>> = group_lanes(db, team_id).await?.into_iter().collect();
    let mut used_by: HashMap<i64, Vec<KeyName>> = HashMap::new();
    if lanes.is_empty() {
        return Ok(used_by);
    }
    let keys = api_keys::Entity::find()
        .filter(api_keys::Column::TeamId.eq(team_id))
        .filter(api_keys::Column::RevokedAt.is_null())
        .filter(api_keys::Column::LaneId.is_in(lanes.keys().copied()))
        .order_by_asc(api_keys::Column::Name)
        .all(db)
        .await?;
    for key in keys {
        for group_id in lanes.get(&key.lane_id).into_iter().flatten() {
            used_by.entry(*group_id).or_default().push(KeyName {
                public_id: key.public_id.clone(),
                name: key.name.clone(),
            });
        }
    }
    Ok(used_by)
}

/// Lanes of a team with groups, with the groups' database ids; deleted groups are included.
async fn group_lanes(db: &impl ConnectionTrait, team_id: i64) -> Result<Vec<(i64, Vec<i64>)>> {
    let rows = lanes::Entity::find()
        .filter(lanes::Column::TeamId.eq(team_id))
        .filter(lanes::Column::Scope.eq(ScopeKind::Groups))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|lane| (lane.id, lane.targets.0)).collect())
}
