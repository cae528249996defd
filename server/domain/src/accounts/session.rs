//! Account of a browser's session: a person, one of their teams, and the password with which it was begun.

use super::{Team, User, teams_of};
use crate::Domain;
use crate::actor::{Actor, Role};
use crate::entities::users;
use crate::error::Result;
use crate::ids::IdKind;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use subtle::ConstantTimeEq;

/// A person who has just signed up or in, and their current team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The person.
    pub user: User,
    /// The team.
    pub team: Team,
    /// Mark of the password that the session keeps, for [`session_user`].
    pub mark: String,
}

impl SignedIn {
    pub(super) fn new(user: users::Model, team: Team) -> Self {
        Self {
            mark: mark(&user.password_hash),
            user: user.into(),
            team,
        }
    }
}

/// The person behind a request from a browser, their current team, and their role in it.
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
    /// The person as the actor of a change in this team.
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

/// The session of a signed-in browser. It is looked up for every request, so that a disabled account, a new password or
/// an ended membership takes effect at once. Without a team, or with one that the user does not belong to, it is their
/// first team. `None` if the user does not exist, belongs to no team, or has changed the password of `mark`.
pub async fn session_user(
    domain: &Domain,
    user_public_id: &str,
    mark: &str,
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
    let Some(user) = user.filter(|user| is_mark(mark, &user.password_hash)) else {
        return Ok(None);
    };
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

/// Mark of the password with which a session was begun. The hash of a password has a salt of its own, so that every
/// change gives another mark, even to the same password.
fn mark(password_hash: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(password_hash))
}

fn is_mark(kept: &str, password_hash: &str) -> bool {
    kept.as_bytes().ct_eq(mark(password_hash).as_bytes()).into()
}
