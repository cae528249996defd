//! Quotas of a team: the most keys, providers and groups that it may have at a time.
//!
//! The rows are counted where one is added, under the lock of the team's configuration. That is exact on both databases,
//! and nothing that accepts or delivers messages counts anything.

use crate::Domain;
use crate::db::Transaction;
use crate::entities::{api_keys, delivery_groups, providers};
use crate::error::{Error, Result};
use crate::routing::lock_configuration;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use sendmux_rules::ProviderKind;

/// Refuses one more key than the team may have. Keys that were revoked, or that end by themselves after a rotation, do not
/// count.
///
/// # Errors
/// [`Error::Conflict`] at the limit.
pub(crate) async fn one_more_key(tx: &Transaction, domain: &Domain, team_id: i64) -> Result<()> {
    lock_configuration(tx, team_id).await?;
    let has = api_keys::Entity::find()
        .filter(api_keys::Column::TeamId.eq(team_id))
        .filter(api_keys::Column::RevokedAt.is_null())
        .filter(api_keys::Column::ExpiresAt.is_null())
        .count(tx)
        .await?;
    at_most(domain.settings.max_keys_per_team, has, "API keys", "revoke one")
}

/// Refuses one more provider than the team may have. The managed route and the sandbox do not count.
///
/// # Errors
/// [`Error::Conflict`] at the limit.
pub(crate) async fn one_more_provider(tx: &Transaction, domain: &Domain, team_id: i64) -> Result<()> {
    lock_configuration(tx, team_id).await?;
    let not_added = [ProviderKind::ManagedSes, ProviderKind::Sandbox].map(ProviderKind::as_str);
    let has = providers::Entity::find()
        .filter(providers::Column::TeamId.eq(team_id))
        .filter(providers::Column::DeletedAt.is_null())
        .filter(providers::Column::Kind.is_not_in(not_added))
        .count(tx)
        .await?;
    at_most(domain.settings.max_providers_per_team, has, "providers", "delete one")
}

/// Refuses one more group than the team may have.
///
/// # Errors
/// [`Error::Conflict`] at the limit.
pub(crate) async fn one_more_group(tx: &Transaction, domain: &Domain, team_id: i64) -> Result<()> {
    lock_configuration(tx, team_id).await?;
    let has = delivery_groups::Entity::find()
        .filter(delivery_groups::Column::TeamId.eq(team_id))
        .count(tx)
        .await?;
    at_most(domain.settings.max_groups_per_team, has, "groups", "delete one")
}

fn at_most(limit: u32, has: u64, what: &str, remedy: &str) -> Result<()> {
    match has < u64::from(limit) {
        true => Ok(()),
        false => Err(Error::Conflict(format!(
            "the team has reached its limit of {what} ({limit}): {remedy}, or ask the operator of this installation for more"
        ))),
    }
}

#[cfg(test)]
mod tests;
