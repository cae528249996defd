//! Verification of an account's address. Where the installation can send mail, a new team sends nothing live, through
//! whatever provider, until its owner's address is verified. The state of its managed route tells: it is pending until
//! then.

use super::tokens::{self, Purpose};
use crate::actor::{Actor, Role};
use crate::db::Transaction;
use crate::entities::{memberships, providers, users};
use crate::error::{Error, Result};
use crate::providers::change;
use crate::system_mail::{self, Mail, Mails};
use crate::{Domain, audit, queue};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sendmux_rules::{ProviderKind, ProviderStatus, Timestamp};
use serde_json::json;
use std::net::IpAddr;

/// Sends the link to an account, in the transaction that makes the account or later.
pub(super) async fn send_link(
    tx: &Transaction,
    domain: &Domain,
    user_id: i64,
    email: &str,
    now: Timestamp,
) -> Result<Mails> {
    let token = tokens::issue(tx, user_id, Purpose::Verify, now).await?;
    let letter = Mail::Verification { email, token: &token }.letter(&domain.settings)?;
    system_mail::to_address(tx, domain, email, &letter).await
}

/// Sends the link again to an account that is not verified, at most a few times within the window of sign-in
/// throttling.
///
/// # Errors
/// [`Error::Conflict`] when it is already verified, or too many links were requested.
pub async fn send_verification_again(domain: &Domain, user_id: i64) -> Result<()> {
    system_mail::prepare(domain).await?;
    let user = users::Entity::find_by_id(user_id)
        .one(domain.db.read())
        .await?
        .ok_or(Error::NotFound("account"))?;
    if user.email_verified_at.is_some() {
        return Err(Error::Conflict("your address is verified already".to_owned()));
    }
    super::throttle::count_mail(domain, &user.email_key, None)
        .await?
        .map_err(|_| {
            Error::Conflict(
                "the link was sent several times already: look into your mailbox, and try again later".to_owned(),
            )
        })?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    let mails = send_link(&tx, domain, user.id, &user.email, now).await?;
    tx.commit().await?;
    mails.wake(domain);
    Ok(())
}

/// Uses up the link of a mail: verifies the address, and opens the managed routes that waited for it. Returns the
/// address.
///
/// # Errors
/// [`Error::NotFound`] when the link was used, has expired or never existed.
pub async fn verify_email(domain: &Domain, token: &str, remote: Option<IpAddr>) -> Result<String> {
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    let user_id = tokens::redeem(&tx, token, Purpose::Verify, now).await?;
    let user = users::Entity::find_by_id(user_id)
        .one(&tx)
        .await?
        .ok_or(Error::NotFound("link"))?;
    mark_verified(&tx, &user, now, remote).await?;
    tx.commit().await?;
    domain.signals.config_changed();
    Ok(user.email)
}

/// Marks the address as verified, since a link sent there was used.
pub(super) async fn mark_verified(
    tx: &Transaction,
    user: &users::Model,
    now: Timestamp,
    remote: Option<IpAddr>,
) -> Result<()> {
    if user.email_verified_at.is_some() {
        return Ok(());
    }
    users::Entity::update_many()
        .col_expr(users::Column::EmailVerifiedAt, Expr::value(now))
        .filter(users::Column::Id.eq(user.id))
        .exec(tx)
        .await?;
    let owned = memberships::Entity::find()
        .filter(memberships::Column::UserId.eq(user.id))
        .filter(memberships::Column::Role.eq(Role::Owner))
        .all(tx)
        .await?;
    for team_id in owned.into_iter().map(|membership| membership.team_id) {
        let waiting = providers::Entity::find()
            .filter(providers::Column::TeamId.eq(team_id))
            .filter(providers::Column::Kind.eq(ProviderKind::ManagedSes))
            .filter(providers::Column::Status.eq(ProviderStatus::Pending))
            .all(tx)
            .await?;
        for route in waiting {
            change(&route, now)
                .col_expr(providers::Column::Status, Expr::value(ProviderStatus::Active))
                .exec(tx)
                .await?;
            queue::mark_for_requeue(tx, team_id, now).await?;
        }
        let actor = Actor::user(user, team_id, Role::Owner, remote);
        audit::record(tx, now, &actor, "user.verified", &user.public_id, json!({})).await?;
    }
    Ok(())
}

/// True while a team may not send because its owner's address is not verified. A team from before the installation could
/// send mail does not wait.
pub(crate) async fn awaits_verification(domain: &Domain, team_id: i64) -> Result<bool> {
    if !system_mail::leaves(domain) {
        return Ok(false);
    }
    let pending = providers::Entity::find()
        .filter(providers::Column::TeamId.eq(team_id))
        .filter(providers::Column::Kind.eq(ProviderKind::ManagedSes))
        .filter(providers::Column::Status.eq(ProviderStatus::Pending))
        .one(domain.db.read())
        .await?;
    Ok(pending.is_some())
}

/// True if an account's address is verified.
pub async fn is_verified(domain: &Domain, user_id: i64) -> Result<bool> {
    let user = users::Entity::find_by_id(user_id).one(domain.db.read()).await?;
    Ok(user.is_some_and(|user| user.email_verified_at.is_some()))
}
