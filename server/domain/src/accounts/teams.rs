//! Teams of a person, their current team, and new teams.

use super::sign_up::{insert_member, sign_up_state};
use super::{Session, Team, User, daily, provision};
use crate::actor::{Actor, Role};
use crate::entities::{memberships, teams, users};
use crate::error::{Error, Result};
use crate::ids::IdKind;
use crate::names::check_name;
use crate::{Domain, audit, system_mail};
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;
use std::collections::HashMap;
use std::net::IpAddr;

/// Most teams that a person may own: each has its own daily cap on the managed route, whose account all share.
const MOST_OWNED: u64 = 10;

/// The teams that a user belongs to and their role there, in the order in which they joined.
pub async fn teams_of(domain: &Domain, user_id: i64) -> Result<Vec<(Team, Role)>> {
    let db = domain.db.read();
    let memberships = memberships::Entity::find()
        .filter(memberships::Column::UserId.eq(user_id))
        .order_by_asc(memberships::Column::CreatedAt)
        .order_by_asc(memberships::Column::TeamId)
        .all(db)
        .await?;
    let ids = memberships.iter().map(|membership| membership.team_id);
    let mut teams: HashMap<i64, teams::Model> = teams::Entity::find()
        .filter(teams::Column::Id.is_in(ids))
        .all(db)
        .await?
        .into_iter()
        .map(|team| (team.id, team))
        .collect();
    Ok(memberships
        .into_iter()
        .filter_map(|membership| Some((teams.remove(&membership.team_id)?.into(), membership.role)))
        .collect())
}

/// One of the teams that a user belongs to, by its public id, as their current team.
///
/// # Errors
/// [`Error::NotFound`] for a team that they do not belong to, existing or not.
pub async fn own_team(domain: &Domain, user_id: i64, public_id: &str) -> Result<Team> {
    teams_of(domain, user_id)
        .await?
        .into_iter()
        .map(|(team, _)| team)
        .find(|team| team.public_id == public_id)
        .ok_or(Error::NotFound("team"))
}

/// True if a user may create another team: everybody where sign-up is open, elsewhere the operator.
///
/// # Errors
/// Errors of the database.
pub async fn may_create_team(domain: &Domain, user: &User) -> Result<bool> {
    Ok(user.is_operator || sign_up_state(domain).await?.open)
}

/// Creates another team, owned by the user. Its managed route opens like that of the first one: at once, or, if the
/// installation can send mail, when the owner's address is verified.
///
/// # Errors
/// [`Error::Invalid`] on `name`; [`Error::Conflict`] for somebody who owns too many, or made many within a day;
/// [`Error::Forbidden`] where signing up is closed.
pub async fn create_team(domain: &Domain, session: &Session, name: &str, remote: Option<IpAddr>) -> Result<Team> {
    if !may_create_team(domain, &session.user).await? {
        return Err(Error::Forbidden(
            "on this installation only its operator makes teams: ask them for one",
        ));
    }
    let name = check_name("name", "the team's name", name).map_err(|error| Error::Invalid(vec![error]))?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    let user = users::Entity::find_by_id(session.user.id)
        // Of two teams created at once, the second is counted after the first.
        .lock(LockType::NoKeyUpdate)
        .one(&tx)
        .await?
        .ok_or(Error::NotFound("account"))?;
    let owned = memberships::Entity::find()
        .filter(memberships::Column::UserId.eq(user.id))
        .filter(memberships::Column::Role.eq(Role::Owner))
        .count(&tx)
        .await?;
    if owned >= MOST_OWNED {
        return Err(Error::Conflict(format!(
            "you own {owned} teams already: use one of them, or make somebody else its owner"
        )));
    }
    daily::count_team(&tx, domain, user.id).await?;
    let vouched = user.email_verified_at.is_some() || !system_mail::leaves(domain);
    let team = provision::team(&tx, &domain.settings, now, &name, vouched).await?;
    insert_member(&tx, team.id, user.id, Role::Owner, now).await?;
    let actor = Actor {
        team_id: team.id,
        role: Role::Owner,
        ..session.actor(remote)
    };
    let detail = json!({ "name": team.name, "slug": team.slug });
    audit::record(&tx, now, &actor, "team.created", &team.public_id, detail).await?;
    tx.commit().await?;
    Ok(team)
}

/// A team by its public id or its short name, for the command line.
pub async fn find_team(domain: &Domain, id_or_slug: &str) -> Result<Option<Team>> {
    let column = if IdKind::Team.matches(id_or_slug) {
        teams::Column::PublicId
    } else {
        teams::Column::Slug
    };
    let found = teams::Entity::find()
        .filter(column.eq(id_or_slug))
        .one(domain.db.read())
        .await?;
    Ok(found.map(Team::from))
}

/// Address that a team sends as on the managed route.
///
/// # Errors
/// [`Error::NotFound`] for an unknown team.
pub async fn managed_address(domain: &Domain, team_id: i64) -> Result<String> {
    let team = teams::Entity::find_by_id(team_id)
        .one(domain.db.read())
        .await?
        .ok_or(Error::NotFound("team"))?;
    Ok(format!("{}@{}", team.slug, domain.settings.managed_domain))
}

/// Renames the actor's team. Its address on the managed route stays.
///
/// # Errors
/// [`Error::Invalid`] on `name`; [`Error::Forbidden`] for those who may not.
pub async fn rename_team(domain: &Domain, actor: &Actor, name: &str) -> Result<()> {
    actor.require_manage_team()?;
    let name = check_name("name", "the team's name", name).map_err(|error| Error::Invalid(vec![error]))?;
    let tx = domain.db.begin().await?;
    let team = teams::Entity::find_by_id(actor.team_id)
        .one(&tx)
        .await?
        .ok_or(Error::NotFound("team"))?;
    teams::Entity::update_many()
        .col_expr(teams::Column::Name, Expr::value(name.as_str()))
        .filter(teams::Column::Id.eq(team.id))
        .exec(&tx)
        .await?;
    let detail = json!({ "from": team.name, "to": name });
    audit::record(&tx, domain.clock.now(), actor, "team.renamed", &team.public_id, detail).await?;
    tx.commit().await?;
    Ok(())
}
