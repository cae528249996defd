//! Creating, changing and deleting groups.

use super::{Group, Members, NOT_FOUND, get, group_lanes, members, of_team, used_by};
use crate::actor::Actor;
use crate::db::Transaction;
use crate::entities::{delivery_groups, group_members, queue};
use crate::error::{Error, FieldError, Result};
use crate::ids::IdKind;
use crate::names::check_name;
use crate::routing::lock_configuration;
use crate::{Domain, audit, quotas};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use sendmux_rules::Timestamp;
use sendmux_rules::shares::Member;
use serde_json::json;

/// Creates a group for the actor's team with these members, of which there may be none.
///
/// # Errors
/// [`Error::Invalid`] with every wrong field (`name`, `members[1].weight`); [`Error::Forbidden`]; [`Error::Conflict`] when
/// the team has as many as it may have.
pub async fn create(domain: &Domain, actor: &Actor, name: &str, members: Members) -> Result<Group> {
    actor.require_configure()?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    quotas::one_more_group(&tx, domain, actor.team_id).await?;
    let checked = Change::check(&tx, actor.team_id, None, Some(name), Some(&members)).await?;
    let public_id = IdKind::Group.generate();
    let name = checked.name.unwrap_or_default();
    let row = delivery_groups::ActiveModel {
        id: NotSet,
        public_id: Set(public_id.clone()),
        team_id: Set(actor.team_id),
        name: Set(name.clone()),
        created_at: Set(now),
        updated_at: Set(now),
    };
    let group_id = delivery_groups::Entity::insert(row).exec(&tx).await?.last_insert_id;
    write_members(&tx, group_id, &checked.members.unwrap_or_default()).await?;
    let detail = json!({ "name": name, "members": in_words(&members) });
    audit::record(&tx, now, actor, "group.created", &public_id, detail).await?;
    tx.commit().await?;
    domain.signals.team_changed(actor.team_id);
    get(domain, actor.team_id, &public_id).await
}

/// Renames a group.
///
/// # Errors
/// As [`update`].
pub async fn rename(domain: &Domain, actor: &Actor, public_id: &str, name: &str) -> Result<Group> {
    update(domain, actor, public_id, Some(name), None).await
}

/// Sets the members of a group and their weights. This takes effect at once, also for waiting messages.
///
/// # Errors
/// As [`update`].
pub async fn set_members(domain: &Domain, actor: &Actor, public_id: &str, members: Members) -> Result<Group> {
    update(domain, actor, public_id, None, Some(members)).await
}

/// Changes the name of a group, its members, or both; `None` leaves them as they are.
///
/// # Errors
/// [`Error::Invalid`] with every wrong field (`name`, `members[1].provider`, `members[1].weight`);
/// [`Error::NotFound`]; [`Error::Forbidden`].
pub async fn update(
    domain: &Domain,
    actor: &Actor,
    public_id: &str,
    name: Option<&str>,
    members: Option<Members>,
) -> Result<Group> {
    actor.require_configure()?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    lock_configuration(&tx, actor.team_id).await?;
    let row = of_team(actor.team_id, public_id).one(&tx).await?.ok_or(NOT_FOUND)?;
    let change = Change::check(&tx, actor.team_id, Some(row.id), name, members.as_deref()).await?;
    let mut detail = json!({ "name": change.name.as_ref().unwrap_or(&row.name) });
    touch(&tx, row.id, now, change.name).await?;
    if let (Some(checked), Some(members)) = (&change.members, &members) {
        group_members::Entity::delete_many()
            .filter(group_members::Column::GroupId.eq(row.id))
            .exec(&tx)
            .await?;
        write_members(&tx, row.id, checked).await?;
        detail["members"] = in_words(members);
        // Waiting messages may have a provider to go through now.
        crate::queue::mark_for_requeue(&tx, actor.team_id, now).await?;
    }
    audit::record(&tx, now, actor, "group.updated", &row.public_id, detail).await?;
    tx.commit().await?;
    domain.signals.team_changed(actor.team_id);
    get(domain, actor.team_id, public_id).await
}

/// Deletes a group that is not in use. Its providers stay.
///
/// A group cannot be deleted while keys name it: their messages would be refused, or go another way, without a decision
/// by anybody. Nor while messages wait that were accepted for it alone: they could never be sent.
///
/// # Errors
/// [`Error::Conflict`] while keys in force name it, or messages wait for it alone, naming them; [`Error::NotFound`];
/// [`Error::Forbidden`].
pub async fn delete(domain: &Domain, actor: &Actor, public_id: &str) -> Result<()> {
    actor.require_configure()?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    lock_configuration(&tx, actor.team_id).await?;
    let row = of_team(actor.team_id, public_id).one(&tx).await?.ok_or(NOT_FOUND)?;
    let keys = used_by(&tx, actor.team_id).await?.remove(&row.id).unwrap_or_default();
    if !keys.is_empty() {
        let names: Vec<String> = keys.iter().map(|key| format!("{:?}", key.name)).collect();
        return Err(Error::Conflict(format!(
            "this group is in the scope of the API keys {}: give them another scope or revoke them first",
            names.join(", ")
        )));
    }
    if has_exclusive_messages(&tx, actor.team_id, row.id).await? {
        return Err(Error::Conflict(
            "messages still wait that can only go through this group: let them be sent first, by adding a provider to \
             the group if need be"
                .to_owned(),
        ));
    }
    group_members::Entity::delete_many()
        .filter(group_members::Column::GroupId.eq(row.id))
        .exec(&tx)
        .await?;
    delivery_groups::Entity::delete_by_id(row.id).exec(&tx).await?;
    audit::record(
        &tx,
        now,
        actor,
        "group.deleted",
        &row.public_id,
        json!({ "name": row.name }),
    )
    .await?;
    tx.commit().await?;
    domain.signals.team_changed(actor.team_id);
    Ok(())
}

/// True if messages wait that can only go through this group.
async fn has_exclusive_messages(tx: &Transaction, team_id: i64, group_id: i64) -> Result<bool> {
    let others: Vec<i64> = delivery_groups::Entity::find()
        .select_only()
        .column(delivery_groups::Column::Id)
        .filter(delivery_groups::Column::TeamId.eq(team_id))
        .filter(delivery_groups::Column::Id.ne(group_id))
        .into_tuple()
        .all(tx)
        .await?;
    let lanes = group_lanes(tx, team_id).await?;
    let alone = lanes
        .into_iter()
        .filter(|(_, groups)| groups.contains(&group_id) && !groups.iter().any(|group| others.contains(group)))
        .map(|(lane_id, _)| lane_id);
    let waits = queue::Entity::find()
        .filter(queue::Column::LaneId.is_in(alone))
        .limit(1)
        .one(tx)
        .await?;
    Ok(waits.is_some())
}

/// A validated change.
struct Change {
    name: Option<String>,
    members: Option<Vec<Member>>,
}

impl Change {
    async fn check(
        tx: &Transaction,
        team_id: i64,
        group_id: Option<i64>,
        name: Option<&str>,
        members: Option<&[(String, Option<i64>)]>,
    ) -> Result<Self> {
        let mut errors = Vec::new();
        let name = match name.map(|name| check_name("name", "a name for the group", name)) {
            Some(Ok(name)) if is_taken(tx, team_id, group_id, &name).await? => {
                errors.push(FieldError::new(
                    "name",
                    "taken",
                    format!("there is a group {name:?} already: choose another name"),
                ));
                None
            }
            Some(Ok(name)) => Some(name),
            Some(Err(error)) => {
                errors.push(error);
                None
            }
            None => None,
        };
        let members = match members {
            Some(members) => members::check(tx, team_id, members)
                .await?
                .map_err(|wrong| errors.extend(wrong))
                .ok(),
            None => None,
        };
        if errors.is_empty() {
            Ok(Self { name, members })
        } else {
            Err(Error::Invalid(errors))
        }
    }
}

async fn is_taken(tx: &Transaction, team_id: i64, group_id: Option<i64>, name: &str) -> Result<bool> {
    let same = delivery_groups::Entity::find()
        .filter(delivery_groups::Column::TeamId.eq(team_id))
        .filter(delivery_groups::Column::Name.eq(name))
        .one(tx)
        .await?;
    Ok(same.is_some_and(|same| Some(same.id) != group_id))
}

async fn touch(tx: &Transaction, group_id: i64, now: Timestamp, name: Option<String>) -> Result<()> {
    use delivery_groups::Column;
    let mut update = delivery_groups::Entity::update_many()
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.eq(group_id));
    if let Some(name) = name {
        update = update.col_expr(Column::Name, Expr::value(name));
    }
    update.exec(tx).await?;
    Ok(())
}

async fn write_members(tx: &Transaction, group_id: i64, members: &[Member]) -> Result<()> {
    if members.is_empty() {
        return Ok(());
    }
    let rows = members.iter().map(|member| group_members::ActiveModel {
        group_id: Set(group_id),
        provider_id: Set(member.id),
        // Validated before: no weight is above a million.
        weight: Set(member.weight.and_then(|weight| i32::try_from(weight).ok())),
    });
    group_members::Entity::insert_many(rows)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// The members as stored in the audit log.
fn in_words(members: &[(String, Option<i64>)]) -> serde_json::Value {
    members
        .iter()
        .map(|(provider, weight)| json!({ "provider": provider, "weight": weight }))
        .collect()
}
