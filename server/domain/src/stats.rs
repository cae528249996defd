//! Counts by hour, for charts and cards: written with what they count, so that no page ever counts messages.

use crate::entities::stats_hourly::{self, Column};
use crate::error::Result;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{DatabaseTransaction, EntityTrait};
use sendmux_rules::Timestamp;
use std::collections::HashMap;

/// Stands for no provider: counts that concern only the team.
pub const NO_PROVIDER: i64 = 0;

/// Which row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The team.
    pub team_id: i64,
    /// The begin of the hour, milliseconds since the epoch.
    pub hour_at: i64,
    /// The provider, or [`NO_PROVIDER`].
    pub provider_id: i64,
}

/// What is added to a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HourlyCounts {
    /// Messages accepted.
    pub accepted: i32,
    /// Messages that reached at least one recipient's provider.
    pub sent: i32,
    /// Messages that failed.
    pub failed: i32,
    /// Attempts made.
    pub attempts: i32,
    /// Attempts that no recipient was accepted in.
    pub attempts_failed: i32,
}

/// The begin of the hour of `at`, in milliseconds.
pub fn hour_of(at: Timestamp) -> i64 {
    const HOUR_MS: i64 = 3_600_000;
    at.as_millis().div_euclid(HOUR_MS) * HOUR_MS
}

/// Adds counts, in the order of their keys so that two transactions never lock each other out.
pub async fn add(tx: &DatabaseTransaction, counts: HashMap<Key, HourlyCounts>) -> Result<()> {
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
        attempts: Set(counts.attempts),
        attempts_failed: Set(counts.attempts_failed),
    });
    let mut on_conflict = OnConflict::columns([Column::TeamId, Column::HourAt, Column::ProviderId]);
    for column in [
        Column::Accepted,
        Column::Sent,
        Column::Failed,
        Column::Attempts,
        Column::AttemptsFailed,
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
