//! A forgotten password: a link to a new one, by mail.

use super::sign_up::email_key;
use super::throttle;
use super::tokens::{self, Purpose};
use super::verify::mark_verified;
use super::{SignedIn, teams_of};
use crate::actor::Actor;
use crate::entities::users;
use crate::error::{Error, Result};
use crate::system_mail::{self, letters};
use crate::{Domain, audit, passwords};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sendmux_mime::ValidEmail;
use serde_json::json;
use std::net::IpAddr;

/// Sends the link to the account with this address, if there is one. Nobody learns whether there is: the answer is the same,
/// and so is what is counted.
///
/// # Errors
/// The database's.
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
    let letter = letters::password_reset(&domain.settings, &token);
    let mails = system_mail::to_address(&tx, domain, &user.email, &user.name, &letter).await?;
    tx.commit().await?;
    mails.wake(domain);
    Ok(())
}

/// Whether a link to a new password still works.
///
/// # Errors
/// The database's.
pub async fn can_reset(domain: &Domain, token: &str) -> Result<bool> {
    let user = tokens::user_of(domain.db.read(), token, Purpose::Reset, domain.clock.now()).await?;
    Ok(user.is_some())
}

/// Sets a new password by the link of a mail, which proves the address as well, and signs in.
///
/// # Errors
/// [`Error::Invalid`] on `password`; [`Error::NotFound`] when the link was used, has expired or never was.
pub async fn reset_password(
    domain: &Domain,
    token: &str,
    password: String,
    remote: Option<IpAddr>,
) -> Result<SignedIn> {
    const GONE: Error = Error::NotFound("link");
    let now = domain.clock.now();
    let db = domain.db.read();
    let user_id = tokens::user_of(db, token, Purpose::Reset, now).await?.ok_or(GONE)?;
    let user = users::Entity::find_by_id(user_id).one(db).await?.ok_or(GONE)?;
    passwords::check(&password, &user.email, &user.name).map_err(|error| Error::Invalid(vec![error]))?;
    let (team, role) = teams_of(domain, user.id)
        .await?
        .into_iter()
        .next()
        .ok_or(Error::Forbidden(
            "this account belongs to no team: ask for an invitation",
        ))?;
    let hash = passwords::hash(password).await?;
    system_mail::prepare(domain).await?;
    let tx = domain.db.begin().await?;
    tokens::redeem(&tx, token, Purpose::Reset, now).await?;
    users::Entity::update_many()
        .col_expr(users::Column::PasswordHash, Expr::value(hash))
        .filter(users::Column::Id.eq(user.id))
        .exec(&tx)
        .await?;
    mark_verified(&tx, &user, now, remote).await?;
    let actor = Actor {
        team_id: team.id,
        user_id: Some(user.id),
        label: user.email.clone(),
        remote,
        role,
    };
    audit::record(&tx, now, &actor, "user.password_reset", &user.public_id, json!({})).await?;
    let letter = letters::password_changed(&domain.settings);
    let mails = system_mail::to_address(&tx, domain, &user.email, &user.name, &letter).await?;
    tx.commit().await?;
    domain.signals.config_changed();
    mails.wake(domain);
    Ok(SignedIn {
        user: user.into(),
        team,
    })
}
