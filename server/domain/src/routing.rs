//! Scopes and the pools of providers that they stand for, resolved without a query on the hot path.

use crate::Domain;
use crate::entities::{group_members, lanes, providers};
use crate::error::{Error, Result};
use parking_lot::Mutex;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sendmux_rules::caps::{Caps, DayRule};
use sendmux_rules::{Mode, ProviderKind, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// The providers that messages of one lane may go through, and with which weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The lane.
    pub lane_id: i64,
    /// Its team.
    pub team_id: i64,
    /// In order of their ids.
    pub members: Vec<PoolMember>,
}

/// A provider in a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolMember {
    /// Database id.
    pub provider_id: i64,
    /// Public id.
    pub public_id: String,
    /// Display name.
    pub name: String,
    /// Its kind.
    pub kind: ProviderKind,
    /// Switched on (blocked ones count as active).
    pub active: bool,
    /// The weight in this pool.
    pub weight: u32,
    /// Its caps, in the units that its kind counts.
    pub caps: Caps,
    /// The version of its settings, to notice that a connection is outdated.
    pub version: i32,
}

/// The weight of a provider that has none.
pub const DEFAULT_WEIGHT: u32 = 100;

/// How old a cached pool may be: a change made on another node takes effect within two seconds.
const MAX_AGE: Duration = Duration::from_millis(1_500);

/// Pools by lane.
#[derive(Debug, Default)]
pub struct RouteCache {
    pools: Mutex<HashMap<i64, Cached>>,
}

#[derive(Clone, Debug)]
struct Cached {
    pool: Arc<Pool>,
    read_at: Timestamp,
    generation: u64,
}

impl RouteCache {
    /// The pool of a lane.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown lane, or the database's.
    pub async fn pool(&self, domain: &Domain, lane_id: i64) -> Result<Arc<Pool>> {
        let now = domain.clock.now();
        let generation = domain.signals.config_generation();
        if let Some(cached) = self.pools.lock().get(&lane_id)
            && cached.generation == generation
            && now.since(cached.read_at) <= MAX_AGE
        {
            return Ok(cached.pool.clone());
        }
        let pool = Arc::new(resolve(domain, lane_id).await?);
        self.pools.lock().insert(
            lane_id,
            Cached {
                pool: pool.clone(),
                read_at: now,
                generation,
            },
        );
        Ok(pool)
    }
}

async fn resolve(domain: &Domain, lane_id: i64) -> Result<Pool> {
    let db = domain.db.read();
    let lane = lanes::Entity::find_by_id(lane_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound("lane"))?;
    let rows = providers::Entity::find()
        .filter(providers::Column::TeamId.eq(lane.team_id))
        .filter(providers::Column::DeletedAt.is_null())
        .all(db)
        .await?;
    let targets: Vec<i64> = lane.targets.split(',').filter_map(|id| id.parse().ok()).collect();
    let mut group_weights = BTreeMap::new();
    if lane.scope == "groups" {
        let members = group_members::Entity::find()
            .filter(group_members::Column::GroupId.is_in(targets.iter().copied()))
            .all(db)
            .await?;
        for member in members {
            *group_weights.entry(member.provider_id).or_insert(0) += weight_of(member.weight);
        }
    }
    Ok(Pool {
        lane_id,
        team_id: lane.team_id,
        members: members(&lane, &targets, &group_weights, rows),
    })
}

fn members(
    lane: &lanes::Model,
    targets: &[i64],
    group_weights: &BTreeMap<i64, u32>,
    mut rows: Vec<providers::Model>,
) -> Vec<PoolMember> {
    rows.sort_unstable_by_key(|row| row.id);
    let members: Vec<PoolMember> = rows.into_iter().filter_map(member).collect();
    let own = |member: &PoolMember| !matches!(member.kind, ProviderKind::ManagedSes | ProviderKind::Sandbox);
    if lane.mode == Mode::Test.as_str() {
        return members
            .into_iter()
            .filter(|member| member.kind == ProviderKind::Sandbox)
            .collect();
    }
    match lane.scope.as_str() {
        // The managed route changes the sender, so it only stands in while the team has nothing of its own.
        "all" if members.iter().any(|member| own(member) && member.active) => members.into_iter().filter(own).collect(),
        "all" => members
            .into_iter()
            .filter(|member| member.kind != ProviderKind::Sandbox)
            .collect(),
        "providers" => members
            .into_iter()
            .filter(|member| targets.contains(&member.provider_id) && member.kind != ProviderKind::Sandbox)
            .collect(),
        _ => members
            .into_iter()
            .filter_map(|mut member| {
                member.weight = *group_weights.get(&member.provider_id)?;
                Some(member)
            })
            .collect(),
    }
}

fn member(row: providers::Model) -> Option<PoolMember> {
    let Ok(kind) = row.kind.parse() else {
        tracing::error!(
            provider = row.public_id,
            kind = row.kind,
            "unknown kind of provider; left out"
        );
        return None;
    };
    Some(PoolMember {
        provider_id: row.id,
        public_id: row.public_id,
        name: row.name,
        kind,
        active: row.status == "active",
        weight: weight_of(row.weight),
        caps: caps_of(kind, [row.cap_second, row.cap_minute, row.cap_hour, row.cap_day]),
        version: row.version,
    })
}

/// The caps of a provider of this kind, from its columns. The managed route counts UTC days.
pub(crate) fn caps_of(kind: ProviderKind, columns: [Option<i32>; 4]) -> Caps {
    let [second, minute, hour, day] = columns.map(|cap| cap.map(|cap| u32::try_from(cap).unwrap_or(0)));
    let day_rule = if kind == ProviderKind::ManagedSes {
        DayRule::UtcDay
    } else {
        DayRule::Rolling
    };
    Caps {
        second,
        minute,
        hour,
        day,
        day_rule,
    }
}

fn weight_of(stored: Option<i32>) -> u32 {
    stored.map_or(DEFAULT_WEIGHT, |weight| u32::try_from(weight).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, kind: &str, status: &str) -> providers::Model {
        providers::Model {
            id,
            public_id: format!("prv_{id}"),
            team_id: 1,
            kind: kind.to_owned(),
            name: kind.to_owned(),
            status: status.to_owned(),
            weight: None,
            cap_second: None,
            cap_minute: None,
            cap_hour: None,
            cap_day: None,
            config: "{}".to_owned(),
            secret: None,
            version: 1,
            created_at: 0,
            updated_at: 0,
            deleted_at: None,
        }
    }

    fn ids(mode: &str, scope: &str, targets: &[i64], weights: &[(i64, u32)], rows: &[providers::Model]) -> Vec<i64> {
        let lane = lanes::Model {
            id: 1,
            team_id: 1,
            mode: mode.into(),
            scope: scope.into(),
            targets: String::new(),
        };
        members(&lane, targets, &weights.iter().copied().collect(), rows.to_vec())
            .into_iter()
            .map(|member| member.provider_id)
            .collect()
    }

    #[test]
    fn each_scope_has_its_pool() {
        let rows = [
            row(1, "managed_ses", "active"),
            row(2, "sandbox", "active"),
            row(3, "smtp", "active"),
            row(4, "smtp", "inactive"),
        ];
        assert_eq!(ids("live", "all", &[], &[], &rows), [3, 4]);
        assert_eq!(ids("test", "all", &[], &[], &rows), [2]);
        assert_eq!(ids("test", "providers", &[3], &[], &rows), [2]);
        assert_eq!(ids("live", "providers", &[1, 3, 99], &[], &rows), [1, 3]);
        assert_eq!(ids("live", "providers", &[2], &[], &rows), Vec::<i64>::new());
        assert_eq!(ids("live", "groups", &[7], &[(4, 5)], &rows), [4]);
    }

    #[test]
    fn the_managed_route_serves_all_only_while_nothing_else_is_active() {
        let rows = [
            row(1, "managed_ses", "active"),
            row(2, "sandbox", "active"),
            row(4, "smtp", "inactive"),
        ];
        assert_eq!(ids("live", "all", &[], &[], &rows), [1, 4]);
    }
}
