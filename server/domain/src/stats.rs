//! Hourly counts for charts and cards, written together with the rows they count, so that no page counts messages.

use crate::Domain;
use crate::db::Transaction;
use crate::entities::stats_hourly::{self, Column};
use crate::error::Result;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sendmux_rules::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Provider id of counts without a provider, for the team alone.
pub const NO_PROVIDER: i64 = 0;

/// Key of a row of hourly counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CountsKey {
    /// The team.
    pub team_id: i64,
    /// The begin of the hour.
    pub hour_at: Timestamp,
    /// The provider, or [`NO_PROVIDER`].
    pub provider_id: i64,
}

impl CountsKey {
    /// Key of the counts without a provider, in the hour of this time.
    pub fn of_team(team_id: i64, at: Timestamp) -> Self {
        Self {
            team_id,
            hour_at: hour_of(at),
            provider_id: NO_PROVIDER,
        }
    }
}

/// Counts to add to a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HourlyCounts {
    /// Messages accepted.
    pub accepted: i32,
    /// Messages accepted by a provider for at least one recipient.
    pub sent: i32,
    /// Messages that failed.
    pub failed: i32,
    /// Messages cancelled before they were sent.
    pub cancelled: i32,
    /// Attempts made.
    pub attempts: i32,
    /// Attempts in which no recipient was accepted.
    pub attempts_failed: i32,
    /// Recipients accepted by providers.
    pub recipients: i32,
    /// Recipients with a hard bounce.
    pub bounced: i32,
    /// Recipients with a soft bounce (a full mailbox) that was given up.
    pub soft_bounced: i32,
    /// Recipients who complained.
    pub complained: i32,
    /// Recipients whose mail the provider accepted and then did not send (a virus).
    pub rejected: i32,
}

impl HourlyCounts {
    /// The sum of both.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            accepted: self.accepted.saturating_add(other.accepted),
            sent: self.sent.saturating_add(other.sent),
            failed: self.failed.saturating_add(other.failed),
            cancelled: self.cancelled.saturating_add(other.cancelled),
            attempts: self.attempts.saturating_add(other.attempts),
            attempts_failed: self.attempts_failed.saturating_add(other.attempts_failed),
            recipients: self.recipients.saturating_add(other.recipients),
            bounced: self.bounced.saturating_add(other.bounced),
            soft_bounced: self.soft_bounced.saturating_add(other.soft_bounced),
            complained: self.complained.saturating_add(other.complained),
            rejected: self.rejected.saturating_add(other.rejected),
        }
    }
}

impl From<&stats_hourly::Model> for HourlyCounts {
    fn from(row: &stats_hourly::Model) -> Self {
        Self {
            accepted: row.accepted,
            sent: row.sent,
            failed: row.failed,
            cancelled: row.cancelled,
            attempts: row.attempts,
            attempts_failed: row.attempts_failed,
            recipients: row.recipients,
            bounced: row.bounced,
            soft_bounced: row.soft_bounced,
            complained: row.complained,
            rejected: row.rejected,
        }
    }
}

/// The begin of the hour of `at`.
pub fn hour_of(at: Timestamp) -> Timestamp {
    const HOUR_MS: i64 = 3_600_000;
    Timestamp::from_millis(at.as_millis().div_euclid(HOUR_MS) * HOUR_MS)
}

/// Adds counts, in the order of their keys to avoid deadlocks.
pub async fn add(tx: &Transaction, counts: HashMap<CountsKey, HourlyCounts>) -> Result<()> {
    if counts.is_empty() {
        return Ok(());
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable_by_key(|(key, _)| *key);
    let rows = counts.into_iter().map(|(key, counts)| stats_hourly::ActiveModel {
        team_id: Set(key.team_id),
        hour_at: Set(key.hour_at),
        provider_id: Set(key.provider_id),
        accepted: Set(counts.accepted),
        sent: Set(counts.sent),
        failed: Set(counts.failed),
        cancelled: Set(counts.cancelled),
        attempts: Set(counts.attempts),
        attempts_failed: Set(counts.attempts_failed),
        recipients: Set(counts.recipients),
        bounced: Set(counts.bounced),
        soft_bounced: Set(counts.soft_bounced),
        complained: Set(counts.complained),
        rejected: Set(counts.rejected),
    });
    let mut on_conflict = OnConflict::columns([Column::TeamId, Column::HourAt, Column::ProviderId]);
    for column in [
        Column::Accepted,
        Column::Sent,
        Column::Failed,
        Column::Cancelled,
        Column::Attempts,
        Column::AttemptsFailed,
        Column::Recipients,
        Column::Bounced,
        Column::SoftBounced,
        Column::Complained,
        Column::Rejected,
    ] {
        let sum = Expr::col((stats_hourly::Entity, column)).add(Expr::cust(format!("excluded.{}", name(column))));
        on_conflict.value(column, sum);
    }
    stats_hourly::Entity::insert_many(rows)
        .on_conflict(on_conflict)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

fn name(column: Column) -> String {
    use sea_orm::Iden;
    column.unquoted().to_string()
}

/// Counts of one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// The begin of the hour, milliseconds since the epoch.
    pub hour_at: Timestamp,
    /// The counts, of all providers together unless one was asked for.
    pub counts: HourlyCounts,
}

/// Counts of a team by hour, from one hour up to and without another; hours without counts are left out. With
/// `provider_id`, the counts of one provider, which are attempts and their results.
///
/// # Errors
/// The database's.
pub async fn hours(
    domain: &Domain,
    team_id: i64,
    provider_id: Option<i64>,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<Hour>> {
    let mut find = stats_hourly::Entity::find()
        .filter(Column::TeamId.eq(team_id))
        .filter(Column::HourAt.gte(from))
        .filter(Column::HourAt.lt(until));
    if let Some(provider_id) = provider_id {
        find = find.filter(Column::ProviderId.eq(provider_id));
    }
    let mut hours: BTreeMap<Timestamp, HourlyCounts> = BTreeMap::new();
    for row in find.all(domain.db.read()).await? {
        let counts = hours.entry(row.hour_at).or_default();
        *counts = counts.plus(HourlyCounts::from(&row));
    }
    Ok(hours
        .into_iter()
        .map(|(hour_at, counts)| Hour { hour_at, counts })
        .collect())
}
