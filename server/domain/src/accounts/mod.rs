//! Accounts: people, their teams, and signing up and in.

#[cfg(test)]
mod links_tests;
mod members;
mod provision;
mod reset;
mod sign_in;
mod sign_up;
#[cfg(test)]
mod tests;
mod throttle;
mod tokens;
mod verify;

pub use crate::actor::Role;
pub use members::{
    Invitation, Invited, Member, accept_invitation, accept_invitation_with_account, invitations, invite, invited,
    members, remove_member, set_role, take_back_invitation,
};
pub(crate) use provision::{insert_runtime, system_team as provision_system_team};
pub use reset::{can_reset, forgot_password, reset_password};
pub use sign_in::{SignInError, sign_in};
pub use sign_up::{NewUser, SignUp, SignUpState, create_user, sign_up, sign_up_state};
pub use throttle::forget_old_failures;
pub use tokens::forget_old_links;
pub use verify::{is_verified, send_verification_again, verify_email};

use crate::actor::Actor;
use crate::entities::{memberships, teams, users};
use crate::error::{Error, FieldError, Result};
use crate::ids::IdKind;
use crate::{Domain, audit};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::json;
use std::collections::HashMap;
use std::net::IpAddr;

/// Most characters in the name of a person, a team, a provider or a key.
pub const MAX_NAME_CHARS: usize = 100;

/// A person with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Database id.
    pub id: i64,
    /// Public id (`usr_…`).
    pub public_id: String,
    /// The address they sign in with.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// Operates the installation.
    pub is_operator: bool,
}

/// A team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Database id.
    pub id: i64,
    /// Public id (`team_…`).
    pub public_id: String,
    /// What it is called.
    pub name: String,
    /// The local part of its address on the managed route.
    pub slug: String,
}

/// Somebody who has just signed up or in, and the team they look at first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The person.
    pub user: User,
    /// The team.
    pub team: Team,
}

/// Who makes a request from a browser: a person, the team that they look at, and their role in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The person.
    pub user: User,
    /// The team.
    pub team: Team,
    /// Their role in that team.
    pub role: Role,
}

impl Session {
    /// The person as the one who makes a change in this team.
    pub fn actor(&self, remote: Option<IpAddr>) -> Actor {
        Actor {
            team_id: self.team.id,
            user_id: Some(self.user.id),
            label: self.user.email.clone(),
            remote,
            role: self.role,
        }
    }
}

impl From<users::Model> for User {
    fn from(row: users::Model) -> Self {
        Self {
            id: row.id,
            public_id: row.public_id,
            email: row.email,
            name: row.name,
            is_operator: row.is_operator,
        }
    }
}

impl From<teams::Model> for Team {
    fn from(row: teams::Model) -> Self {
        Self {
            id: row.id,
            public_id: row.public_id,
            name: row.name,
            slug: row.slug,
        }
    }
}

/// The session of a signed-in browser, looked up anew for every request, so that a disabled account or an ended
/// membership counts at once. Without a team, or with one that the user is no member of, it is their first team. None
/// when there is no such user, or they belong to no team.
pub async fn session_user(
    domain: &Domain,
    user_public_id: &str,
    team_public_id: Option<&str>,
) -> Result<Option<Session>> {
    if !IdKind::User.matches(user_public_id) {
        return Ok(None);
    }
    let user = users::Entity::find()
        .filter(users::Column::PublicId.eq(user_public_id))
        .filter(users::Column::DisabledAt.is_null())
        .one(domain.db.read())
        .await?;
    let Some(user) = user else { return Ok(None) };
    let mut teams = teams_of(domain, user.id).await?;
    let chosen = teams
        .iter()
        .position(|(team, _)| Some(team.public_id.as_str()) == team_public_id)
        .unwrap_or(0);
    if teams.is_empty() {
        return Ok(None);
    }
    let (team, role) = teams.swap_remove(chosen);
    Ok(Some(Session {
        user: user.into(),
        team,
        role,
    }))
}

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
    memberships
        .into_iter()
        .filter_map(|membership| Some((teams.remove(&membership.team_id)?, membership.role)))
        .map(|(team, role)| Ok((team.into(), role.parse()?)))
        .collect()
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

/// The address that a team sends as on the managed route.
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

/// Gives the actor's team another name. Its address on the managed route stays.
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

/// Checks the name of a person or thing: 1 to [`MAX_NAME_CHARS`] characters, none of them a control character. Gives it
/// without space around it.
pub(crate) fn check_name(field: &'static str, what: &str, name: &str) -> Result<String, FieldError> {
    let name = name.trim();
    if name.is_empty() {
        return Err(FieldError::new(field, "required", format!("enter {what}")));
    }
    if name.chars().count() > MAX_NAME_CHARS {
        let message = format!("{what} is too long: use at most {MAX_NAME_CHARS} characters");
        return Err(FieldError::new(field, "too_long", message));
    }
    if name.chars().any(char::is_control) {
        return Err(FieldError::new(
            field,
            "invalid",
            format!("{what} contains a control character: remove it"),
        ));
    }
    Ok(name.to_owned())
}
