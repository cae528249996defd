//! Changing a password: by a link in a mail when it was forgotten, or in the settings with the current one. Either ends
//! every session begun with the old password.

use super::sign_in::confirm;
use super::sign_up::email_key;
use super::throttle;
use super::tokens::{self, Purpose};
use super::verify::mark_verified;
use super::{Session, SignedIn, teams_of};
use crate::actor::Actor;
use crate::db::Transaction;
use crate::entities::users;
use crate::error::{Error, Result};
use crate::system_mail::{self, Mail, Mails};
use crate::{Domain, audit, passwords, sessions};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sendmux_mime::ValidEmail;
use serde_json::json;
use std::net::IpAddr;

/// Sends a link to the account with this address, if there is one. Nobody learns if there is: the answer is the same,
/// and so is the throttling.
///
/// # Errors
/// Errors of the database.
pub async fn forgot_password(domain: &Domain, email: &str, remote: Option<IpAddr>) -> Result<()> {
    let Ok(email) = ValidEmail::parse(email.trim()) else {
        return Ok(());
    };
    system_mail::prepare(domain).await?;
    let key = email_key(&email);
    if throttle::count_mail(domain, &key, remote).await?.is_err() {
        tracing::warn!("links to a new password were asked for too often");
        return Ok(());
    }
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    let user = users::Entity::find()
        .filter(users::Column::EmailKey.eq(key))
        .filter(users::Column::DisabledAt.is_null())
        .one(&tx)
        .await?;
    let Some(user) = user else {
        return Ok(());
    };
    let token = tokens::issue(&tx, user.id, Purpose::Reset, now).await?;
    let letter = Mail::PasswordReset { token: &token }.letter(&domain.settings)?;
    let mails = system_mail::to_address(&tx, domain, &user.email, &letter).await?;
    tx.commit().await?;
    mails.wake(domain);
    Ok(())
}

/// True if a link to a new password still works.
///
/// # Errors
/// Errors of the database.
pub async fn can_reset(domain: &Domain, token: &str) -> Result<bool> {
    let user = tokens::user_of(domain.db.read(), token, Purpose::Reset, domain.clock.now()).await?;
    Ok(user.is_some())
}

/// Sets a new password by the link of a mail, which also proves the address, and signs in. A person without a team is
/// not signed in; the password is set all the same, since an invitation asks for it.
///
/// # Errors
/// [`Error::Invalid`] on `password`; [`Error::NotFound`] when the link was used, has expired or never was.
pub async fn reset_password(
    domain: &Domain,
    token: &str,
    password: String,
    remote: Option<IpAddr>,
) -> Result<Option<SignedIn>> {
    const GONE: Error = Error::NotFound("link");
    let now = domain.clock.now();
    let db = domain.db.read();
    let user_id = tokens::user_of(db, token, Purpose::Reset, now).await?.ok_or(GONE)?;
    let mut user = users::Entity::find_by_id(user_id).one(db).await?.ok_or(GONE)?;
    passwords::check(&password, &user.email, &user.name).map_err(|error| Error::Invalid(vec![error]))?;
    let first_team = teams_of(domain, user.id).await?.into_iter().next();
    let hash = passwords::hash(password).await?;
    system_mail::prepare(domain).await?;
    let tx = domain.db.begin().await?;
    tokens::redeem(&tx, token, Purpose::Reset, now).await?;
    let mails = store(&tx, domain, &mut user, hash).await?;
    mark_verified(&tx, &user, now, remote).await?;
    if let Some((team, role)) = &first_team {
        let actor = Actor::user(&user, team.id, *role, remote);
        audit::record(&tx, now, &actor, "user.password_reset", &user.public_id, json!({})).await?;
    }
    tx.commit().await?;
    domain.signals.config_changed();
    mails.wake(domain);
    Ok(first_team.map(|(team, _)| SignedIn::new(user, team)))
}

/// Replaces the password of the signed-in user, who must enter the current one.
///
/// # Errors
/// [`Error::Invalid`] on `current_password` and `password`; [`Error::Conflict`] after too many wrong ones, which count
/// together with failed sign-ins.
pub async fn change_password(
    domain: &Domain,
    session: &Session,
    current: &str,
    password: String,
    remote: Option<IpAddr>,
) -> Result<SignedIn> {
    passwords::check(&password, &session.user.email, &session.user.name)
        .map_err(|error| Error::Invalid(vec![error]))?;
    let key = users::Entity::find_by_id(session.user.id)
        .one(domain.db.read())
        .await?
        .ok_or(Error::NotFound("account"))?
        .email_key;
    let mut user = confirm(domain, &key, current, "current_password", remote).await?;
    let hash = passwords::hash(password).await?;
    system_mail::prepare(domain).await?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    tokens::end_all(&tx, user.id, Purpose::Reset, now).await?;
    let mails = store(&tx, domain, &mut user, hash).await?;
    let actor = session.actor(remote);
    audit::record(&tx, now, &actor, "user.password_changed", &user.public_id, json!({})).await?;
    tx.commit().await?;
    mails.wake(domain);
    Ok(SignedIn::new(user, session.team.clone()))
}

/// Stores a new password, and notifies the owner of the account.
async fn store(tx: &Transaction, domain: &Domain, user: &mut users::Model, hash: String) -> Result<Mails> {
    users::Entity::update_many()
        .col_expr(users::Column::PasswordHash, Expr::value(hash.as_str()))
        .filter(users::Column::Id.eq(user.id))
        .exec(tx)
        .await?;
    user.password_hash = hash;
    sessions::end_all(tx, user.id).await?;
    let letter = Mail::PasswordChanged.letter(&domain.settings)?;
    system_mail::to_address(tx, domain, &user.email, &letter).await
}
