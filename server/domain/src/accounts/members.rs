//! The members of a team, and invitations.

use super::sign_in::confirm;
use super::sign_up::{SignUp, email_key, insert_member, insert_user, validate_person};
use super::throttle;
use super::tokens;
use super::verify::mark_verified;
use super::{Session, SignedIn, Team, daily};
use crate::actor::{Actor, Role};
use crate::db::Transaction;
use crate::entities::{invitations, memberships, teams, users};
use crate::error::{Error, Result};
use crate::routing::lock_configuration;
use crate::system_mail::{self, Mail};
use crate::{Domain, audit, passwords};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use sendmux_mime::ValidEmail;
use sendmux_rules::Timestamp;
use serde_json::json;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// Time for which an invitation can be accepted.
const LASTS: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Most pending invitations of a team: they are mails to people who did not ask for them.
const MOST_WAITING: u64 = 50;

const GONE: Error = Error::NotFound("invitation");

/// A member of a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Public id (`usr_…`).
    pub user_id: String,
    /// Display name.
    pub name: String,
    /// Email address.
    pub email: String,
    /// Their role.
    pub role: Role,
    /// Time at which they joined.
    pub since: Timestamp,
}

/// A pending invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Address that it was sent to.
    pub email: String,
    /// Role that it gives.
    pub role: Role,
    /// Time at which it was sent.
    pub created_at: Timestamp,
    /// Time until which it can be accepted.
    pub expires_at: Timestamp,
}

/// An invitation, for the person who opens its link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// Name of the team.
    pub team: String,
    /// Address that it was sent to.
    pub email: String,
    /// Role that it gives.
    pub role: Role,
    /// True if there is an account with that address.
    pub has_account: bool,
}

/// The members of a team, in the order in which they joined.
pub async fn members(domain: &Domain, team_id: i64) -> Result<Vec<Member>> {
    let db = domain.db.read();
    let rows = memberships::Entity::find()
        .filter(memberships::Column::TeamId.eq(team_id))
        .order_by_asc(memberships::Column::CreatedAt)
        .order_by_asc(memberships::Column::UserId)
        .all(db)
        .await?;
    let mut people: HashMap<i64, users::Model> = users::Entity::find()
        .filter(users::Column::Id.is_in(rows.iter().map(|row| row.user_id)))
        .all(db)
        .await?
        .into_iter()
        .map(|user| (user.id, user))
        .collect();
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((people.remove(&row.user_id)?, row)))
        .map(|(user, row)| Member {
            user_id: user.public_id,
            name: user.name,
            email: user.email,
            role: row.role,
            since: row.created_at,
        })
        .collect())
}

/// Pending invitations of a team, the newest first.
pub async fn invitations(domain: &Domain, team_id: i64) -> Result<Vec<Invitation>> {
    let rows = invitations::Entity::find()
        .filter(invitations::Column::TeamId.eq(team_id))
        .filter(invitations::Column::AcceptedAt.is_null())
        .filter(invitations::Column::ExpiresAt.gt(domain.clock.now()))
        .order_by_desc(invitations::Column::Id)
        .all(domain.db.read())
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| Invitation {
            email: row.email,
            role: row.role,
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
        .collect())
}

/// Requires the rights to manage a member with this role: only owners make owners, and only they change them.
fn require_above(actor: &Actor, role: Role) -> Result<()> {
    actor.require_manage_team()?;
    if role == Role::Owner && actor.role != Role::Owner {
        return Err(Error::Forbidden("only an owner of this team can do this"));
    }
    Ok(())
}

fn read_role(role: &str) -> Result<Role> {
    role.parse()
        .map_err(|_| Error::field("role", "invalid", "choose owner, admin, developer or member"))
}

/// Invites somebody by mail. A repeated invitation gets a new link, and the old link becomes invalid. Where the
/// installation can send mail, only those invite whose own address is verified: the mail names them by it.
///
/// # Errors
/// [`Error::Invalid`] on `email` and `role`; [`Error::Conflict`] when too many invitations wait, or were sent within a
/// day; [`Error::Forbidden`].
pub async fn invite(domain: &Domain, actor: &Actor, email: &str, role: &str) -> Result<()> {
    actor.require_manage_team()?;
    let role = read_role(role)?;
    require_above(actor, role)?;
    let email = ValidEmail::parse(email.trim()).map_err(|error| match error {
        sendmux_mime::AddressError::Empty => Error::field("email", "required", "enter an email address"),
        error => Error::field("email", "invalid", error.to_string()),
    })?;
    system_mail::prepare(domain).await?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    lock_configuration(&tx, actor.team_id).await?;
    let team = team_of(&tx, actor.team_id).await?;
    let inviter = users::Entity::find_by_id(actor.user_id.unwrap_or_default())
        .one(&tx)
        .await?
        .ok_or(Error::NotFound("account"))?;
    if system_mail::leaves(domain) && inviter.email_verified_at.is_none() {
        return Err(Error::Forbidden(
            "verify your own email address before you invite others: the link is in the mail that was sent to you",
        ));
    }
    if let Some(user) = user_by_email(&tx, &email).await?
        && role_of(&tx, actor.team_id, user.id).await?.is_some()
    {
        return Err(Error::field(
            "email",
            "taken",
            "this person is a member of the team already",
        ));
    }
    end_invitation(&tx, actor.team_id, email.as_str()).await?;
    let waiting = invitations::Entity::find()
        .filter(invitations::Column::TeamId.eq(actor.team_id))
        .filter(invitations::Column::AcceptedAt.is_null())
        .filter(invitations::Column::ExpiresAt.gt(now))
        .count(&tx)
        .await?;
    if waiting >= MOST_WAITING {
        return Err(Error::Conflict(format!(
            "{MOST_WAITING} invitations of this team wait already: take some back first"
        )));
    }
    daily::count_invitation(&tx, domain, actor, inviter.id, &email_key(&email)).await?;
    let token = tokens::generate();
    invitations::Entity::insert(invitations::ActiveModel {
        id: NotSet,
        team_id: Set(actor.team_id),
        email: Set(email.to_string()),
        role: Set(role),
        token_hash: Set(tokens::hash(&token).unwrap_or_default()),
        invited_by: Set(inviter.id),
        created_at: Set(now),
        expires_at: Set(now.plus(LASTS)),
        accepted_at: Set(None),
    })
    .exec_without_returning(&tx)
    .await?;
    let detail = json!({ "email": email.as_str(), "role": role.as_str() });
    audit::record(&tx, now, actor, "team.invited", &team.public_id, detail).await?;
    let letter = Mail::Invitation {
        by: &inviter.email,
        role: role.as_str(),
        token: &token,
    }
    .letter(&domain.settings)?;
    let mails = system_mail::to_address(&tx, domain, email.as_str(), &letter).await?;
    tx.commit().await?;
    mails.wake(domain);
    Ok(())
}

/// Withdraws an invitation.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`].
pub async fn take_back_invitation(domain: &Domain, actor: &Actor, email: &str) -> Result<()> {
    actor.require_manage_team()?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    if end_invitation(&tx, actor.team_id, email).await? == 0 {
        return Err(GONE);
    }
    let team = team_of(&tx, actor.team_id).await?;
    let detail = json!({ "email": email });
    audit::record(&tx, now, actor, "team.invitation_taken_back", &team.public_id, detail).await?;
    tx.commit().await?;
    Ok(())
}

async fn end_invitation(tx: &Transaction, team_id: i64, email: &str) -> Result<u64> {
    let deleted = invitations::Entity::delete_many()
        .filter(invitations::Column::TeamId.eq(team_id))
        .filter(invitations::Column::Email.eq(email))
        .filter(invitations::Column::AcceptedAt.is_null())
        .exec(tx)
        .await?;
    Ok(deleted.rows_affected)
}

/// Changes the role of a member. A team always keeps an owner.
///
/// # Errors
/// [`Error::Conflict`] for the last owner; [`Error::NotFound`]; [`Error::Invalid`] on `role`; [`Error::Forbidden`].
pub async fn set_role(domain: &Domain, actor: &Actor, user_id: &str, role: &str) -> Result<()> {
    let role = read_role(role)?;
    require_above(actor, role)?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    let (user, before) = member_of(&tx, actor, user_id).await?;
    if before == Role::Owner && role != Role::Owner {
        require_another_owner(&tx, actor.team_id, user.id).await?;
    }
    memberships::Entity::update_many()
        .col_expr(memberships::Column::Role, Expr::value(role))
        .filter(memberships::Column::TeamId.eq(actor.team_id))
        .filter(memberships::Column::UserId.eq(user.id))
        .exec(&tx)
        .await?;
    let detail = json!({ "from": before.as_str(), "to": role.as_str() });
    audit::record(&tx, now, actor, "team.role_changed", &user.public_id, detail).await?;
    tx.commit().await?;
    Ok(())
}

/// Removes a member; everybody may remove themselves. A team always keeps an owner.
///
/// # Errors
/// [`Error::Conflict`] for the last owner; [`Error::NotFound`]; [`Error::Forbidden`].
pub async fn remove_member(domain: &Domain, actor: &Actor, user_id: &str) -> Result<()> {
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    let (user, role) = member_of(&tx, actor, user_id).await?;
    if role == Role::Owner {
        require_another_owner(&tx, actor.team_id, user.id).await?;
    }
    memberships::Entity::delete_by_id((actor.team_id, user.id))
        .exec(&tx)
        .await?;
    let detail = json!({ "email": user.email, "role": role.as_str() });
    audit::record(&tx, now, actor, "team.member_removed", &user.public_id, detail).await?;
    tx.commit().await?;
    Ok(())
}

/// A member whom the actor may change, under the lock of the team.
async fn member_of(tx: &Transaction, actor: &Actor, user_id: &str) -> Result<(users::Model, Role)> {
    const NO_MEMBER: Error = Error::NotFound("member");
    lock_configuration(tx, actor.team_id).await?;
    let user = users::Entity::find()
        .filter(users::Column::PublicId.eq(user_id))
        .one(tx)
        .await?
        .ok_or(NO_MEMBER)?;
    let role = role_of(tx, actor.team_id, user.id).await?.ok_or(NO_MEMBER)?;
    if actor.user_id != Some(user.id) {
        require_above(actor, role)?;
    }
    Ok((user, role))
}

async fn role_of(db: &impl ConnectionTrait, team_id: i64, user_id: i64) -> Result<Option<Role>> {
    let row = memberships::Entity::find_by_id((team_id, user_id)).one(db).await?;
    Ok(row.map(|row| row.role))
}

async fn require_another_owner(tx: &Transaction, team_id: i64, user_id: i64) -> Result<()> {
    let others = memberships::Entity::find()
        .filter(memberships::Column::TeamId.eq(team_id))
        .filter(memberships::Column::Role.eq(Role::Owner))
        .filter(memberships::Column::UserId.ne(user_id))
        .count(tx)
        .await?;
    if others > 0 {
        return Ok(());
    }
    Err(Error::Conflict(
        "this is the only owner: make somebody else an owner first".to_owned(),
    ))
}

async fn team_of(tx: &Transaction, team_id: i64) -> Result<teams::Model> {
    teams::Entity::find_by_id(team_id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound("team"))
}

async fn user_by_email(db: &impl ConnectionTrait, email: &ValidEmail) -> Result<Option<users::Model>> {
    Ok(users::Entity::find()
        .filter(users::Column::EmailKey.eq(email_key(email)))
        .one(db)
        .await?)
}

async fn open_invitation(db: &impl ConnectionTrait, token: &str, now: Timestamp) -> Result<invitations::Model> {
    let hash = tokens::hash(token).ok_or(GONE)?;
    invitations::Entity::find()
        .filter(invitations::Column::TokenHash.eq(hash))
        .filter(invitations::Column::AcceptedAt.is_null())
        .filter(invitations::Column::ExpiresAt.gt(now))
        .one(db)
        .await?
        .ok_or(GONE)
}

/// The invitation of a link.
///
/// # Errors
/// [`Error::NotFound`] when it was accepted, withdrawn, has expired or never existed.
pub async fn invited(domain: &Domain, token: &str) -> Result<Invited> {
    let db = domain.db.read();
    let row = open_invitation(db, token, domain.clock.now()).await?;
    let team = teams::Entity::find_by_id(row.team_id).one(db).await?.ok_or(GONE)?;
    let email = ValidEmail::parse(&row.email).map_err(|_| GONE)?;
    Ok(Invited {
        team: team.name,
        has_account: user_by_email(db, &email).await?.is_some(),
        role: row.role,
        email: row.email,
    })
}

/// Accepts an invitation as the signed-in user.
///
/// # Errors
/// [`Error::NotFound`] for a link that does not work; [`Error::Conflict`] when it was sent to another address.
pub async fn accept_invitation(
    domain: &Domain,
    session: &Session,
    token: &str,
    remote: Option<IpAddr>,
) -> Result<SignedIn> {
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    let row = open_invitation(&tx, token, now).await?;
    let user = users::Entity::find_by_id(session.user.id).one(&tx).await?.ok_or(GONE)?;
    let same = ValidEmail::parse(&row.email).is_ok_and(|email| email_key(&email) == user.email_key);
    if !same {
        return Err(Error::Conflict(format!(
            "this invitation was sent to {}: sign in with that address to accept it",
            row.email
        )));
    }
    enter(domain, tx, &row, user, remote).await
}

/// Accepts an invitation while signed out: with the password of the account that has its address, or with a new
/// account, which has no other team. The link proves the address.
///
/// # Errors
/// [`Error::NotFound`] for a link that does not work; [`Error::Invalid`] with every wrong field; [`Error::Conflict`] after
/// too many tries.
pub async fn accept_invitation_signed_out(
    domain: &Domain,
    token: &str,
    name: String,
    password: String,
    remote: Option<IpAddr>,
) -> Result<SignedIn> {
    let now = domain.clock.now();
    let db = domain.db.read();
    let row = open_invitation(db, token, now).await?;
    let email = ValidEmail::parse(&row.email).map_err(|_| GONE)?;
    if user_by_email(db, &email).await?.is_some() {
        let user = confirm(domain, &email_key(&email), &password, "password", remote).await?;
        let tx = domain.db.begin().await?;
        return enter(domain, tx, &row, user, remote).await;
    }
    throttle::count_mail(domain, &row.email.to_lowercase(), remote)
        .await?
        .map_err(|_| Error::Conflict("too many tries: wait a while and try again".to_owned()))?;
    let form = SignUp {
        name,
        email: row.email.clone(),
        password,
        ..SignUp::default()
    };
    let person = validate_person(domain, &form).await?;
    let hash = passwords::hash(form.password).await?;
    let tx = domain.db.begin().await?;
    let user = insert_user(&tx, now, &person, hash, false, None).await?;
    enter(domain, tx, &row, user, remote).await
}

/// Makes somebody a member, commits, and signs them in to the team.
async fn enter(
    domain: &Domain,
    tx: Transaction,
    row: &invitations::Model,
    user: users::Model,
    remote: Option<IpAddr>,
) -> Result<SignedIn> {
    let team = join(&tx, row, &user, domain.clock.now(), remote).await?;
    tx.commit().await?;
    domain.signals.config_changed();
    Ok(SignedIn::new(user, team))
}

/// Makes somebody a member, and marks the invitation as accepted.
async fn join(
    tx: &Transaction,
    row: &invitations::Model,
    user: &users::Model,
    now: Timestamp,
    remote: Option<IpAddr>,
) -> Result<Team> {
    lock_configuration(tx, row.team_id).await?;
    let used = invitations::Entity::update_many()
        .col_expr(invitations::Column::AcceptedAt, Expr::value(now))
        .filter(invitations::Column::Id.eq(row.id))
        .filter(invitations::Column::AcceptedAt.is_null())
        .exec(tx)
        .await?;
    if used.rows_affected != 1 {
        return Err(GONE);
    }
    let role = row.role;
    if role_of(tx, row.team_id, user.id).await?.is_none() {
        insert_member(tx, row.team_id, user.id, role, now).await?;
    }
    mark_verified(tx, user, now, remote).await?;
    let team = team_of(tx, row.team_id).await?;
    let actor = Actor::user(user, team.id, role, remote);
    let detail = json!({ "role": role.as_str() });
    audit::record(tx, now, &actor, "team.joined", &team.public_id, detail).await?;
    Ok(team.into())
}
