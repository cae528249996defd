//! Numbers of the Overview page. None of them requires a scan of messages.

use crate::Domain;
use crate::entities::{api_keys, messages, providers, queue, stats_hourly};
use crate::error::Result;
use crate::stats;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};
use sendmux_rules::{ProviderKind, Timestamp, WaitReason};
use std::collections::BTreeMap;
use std::time::Duration;

/// The last 24 hours and the present of a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// Live messages accepted in the last 24 hours.
    pub accepted: u64,
    /// Messages of the last 24 hours that a provider accepted for at least one recipient.
    pub sent: u64,
    /// Messages of the last 24 hours that failed.
    pub failed: u64,
    /// Recipients of the last 24 hours whose mail bounced, hard or soft.
    pub bounced: u64,
    /// Recipients of the last 24 hours who complained.
    pub complained: u64,
    /// Messages that are ready, or wait for anything but their next round.
    pub waiting: u64,
    /// Messages that wait for their next round after a failed one.
    pub retrying: u64,
    /// Messages that are being sent.
    pub sending: u64,
    /// The last 24 hours, the oldest first; always 24.
    pub by_hour: Vec<HourPoint>,
    /// First steps of a new team.
    pub checklist: Checklist,
}

/// One hour of the chart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HourPoint {
    /// Start of the hour.
    pub at: Timestamp,
    /// Messages accepted.
    pub accepted: u64,
    /// Messages sent.
    pub sent: u64,
    /// Messages failed.
    pub failed: u64,
    /// Recipients whose mail bounced, by the hour of the notice.
    pub bounced: u64,
    /// Recipients who complained.
    pub complained: u64,
}

/// First steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checklist {
    /// True if an API key was made.
    pub has_key: bool,
    /// True if a message was accepted.
    pub has_sent: bool,
    /// True if the team has added a provider of its own.
    pub has_provider: bool,
}

const HOURS: u32 = 24;
const HOUR: Duration = Duration::from_secs(3_600);

/// The overview of a team.
pub async fn overview(domain: &Domain, team_id: i64) -> Result<Overview> {
    let now = domain.clock.now();
    let first = stats::hour_of(now).minus(HOUR * (HOURS - 1));
    let mut by_hour: BTreeMap<Timestamp, HourPoint> = (0..HOURS)
        .map(|step| first.plus(HOUR * step))
        .map(|at| {
            (
                at,
                HourPoint {
                    at,
                    ..HourPoint::default()
                },
            )
        })
        .collect();
    let db = domain.db.read();
    let rows = stats_hourly::Entity::find()
        .filter(stats_hourly::Column::TeamId.eq(team_id))
        .filter(stats_hourly::Column::HourAt.gte(first))
        .all(db)
        .await?;
    for row in rows {
        if let Some(point) = by_hour.get_mut(&row.hour_at) {
            point.accepted += count(row.accepted);
            point.sent += count(row.sent);
            point.failed += count(row.failed);
            point.bounced += count(row.bounced) + count(row.soft_bounced);
            point.complained += count(row.complained);
        }
    }
    let by_hour: Vec<HourPoint> = by_hour.into_values().collect();

    let queued = queued(domain, team_id).await?;
    Ok(Overview {
        accepted: by_hour.iter().map(|point| point.accepted).sum(),
        sent: by_hour.iter().map(|point| point.sent).sum(),
        failed: by_hour.iter().map(|point| point.failed).sum(),
        bounced: by_hour.iter().map(|point| point.bounced).sum(),
        complained: by_hour.iter().map(|point| point.complained).sum(),
        waiting: queued.waiting,
        retrying: queued.retrying,
        sending: queued.sending,
        by_hour,
        checklist: checklist(domain, team_id).await?,
    })
}

/// Unfinished messages of a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Messages that are ready, or wait for anything but their next round.
    pub waiting: u64,
    /// Messages that wait for their next round after a failed one.
    pub retrying: u64,
    /// Messages that are being sent.
    pub sending: u64,
}

/// Counts the unfinished messages of a team.
pub async fn queued(domain: &Domain, team_id: i64) -> Result<Queued> {
    let db = domain.db.read();
    let queued = queue::Entity::find().filter(queue::Column::TeamId.eq(team_id));
    let sending = queued
        .clone()
        .filter(queue::Column::Lease.is_not_null())
        .count(db)
        .await?;
    let retrying = queued
        .clone()
        .filter(queue::Column::Lease.is_null())
        .filter(queue::Column::WaitReason.eq(WaitReason::Retry))
        .count(db)
        .await?;
    let all = queued.count(db).await?;
    Ok(Queued {
        waiting: all.saturating_sub(sending).saturating_sub(retrying),
        retrying,
        sending,
    })
}

async fn checklist(domain: &Domain, team_id: i64) -> Result<Checklist> {
    let db = domain.db.read();
    let has_key = api_keys::Entity::find()
        .filter(api_keys::Column::TeamId.eq(team_id))
        .limit(1)
        .one(db)
        .await?;
    let has_sent = messages::Entity::find()
        .filter(messages::Column::TeamId.eq(team_id))
        .limit(1)
        .one(db)
        .await?;
    let own = ProviderKind::ALL
        .iter()
        .filter(|kind| kind.is_own())
        .map(|kind| kind.as_str());
    let has_provider = providers::Entity::find()
        .filter(providers::Column::TeamId.eq(team_id))
        .filter(providers::Column::DeletedAt.is_null())
        .filter(providers::Column::Kind.is_in(own))
        .limit(1)
        .one(db)
        .await?;
    Ok(Checklist {
        has_key: has_key.is_some(),
        has_sent: has_sent.is_some(),
        has_provider: has_provider.is_some(),
    })
}

fn count(stored: i32) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}
