//! Scopes and the pools of providers they resolve to, without a query on the hot path; and the state of a pool's
//! members for a message.

mod candidates;
#[cfg(test)]
pub(crate) mod tests;
mod waiting;

pub(crate) use candidates::{PoolSelection, select_in_pool};
pub use candidates::{SelectionRequest, candidates, check_deliverable};
pub use waiting::{LaneWaiting, QueueNow, WaitingNow, queue_now, waiting_by_reason, waiting_of};

use crate::column::{self, Joined};
use crate::db::Transaction;
use crate::entities::{delivery_groups, group_members, lanes, providers, teams};
use crate::error::{Error, Result};
use crate::lanes::ScopeKind;
use crate::signals::Signals;
use crate::{Domain, accounts};
use parking_lot::Mutex;
use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sendmux_rules::caps::Caps;
use sendmux_rules::select::prefer_own_providers;
use sendmux_rules::shares::{Member, merge_groups};
use sendmux_rules::{Mode, ProviderKind, ProviderStatus, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// The providers, with their weights, that messages of one lane may go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The lane.
    pub lane_id: i64,
    /// Its team.
    pub team_id: i64,
    /// Members, in order of their ids.
    pub members: Vec<PoolMember>,
    /// True if members may be added later: an existing group may get new members, and `all` is every provider of the
    /// team. A scope of named providers only loses them.
    pub can_grow: bool,
    /// True for live messages of a team that waits for its owner to verify their address: none is accepted.
    pub awaits_verification: bool,
    /// Requeue mark of the lane: time of the last request for requeueing. It identifies a pool that was read before the
    /// last change of the configuration.
    pub requeue_mark: Timestamp,
    /// Requeue mark up to which the messages were requeued.
    pub requeued_mark: Timestamp,
}

impl Pool {
    /// Requeue mark of the lane, while the requeueing is not finished.
    pub fn marked_at(&self) -> Option<Timestamp> {
        (self.requeue_mark > self.requeued_mark).then_some(self.requeue_mark)
    }

    /// True if every target of the scope was deleted: there is no provider left to wait for.
    pub fn is_gone(&self) -> bool {
        self.members.is_empty() && !self.can_grow
    }
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
    /// True if switched on; blocked providers count as active.
    pub active: bool,
    /// Weight in this pool.
    pub weight: u32,
    /// Caps, in the units of its kind.
    pub caps: Caps,
    /// Version of its settings, to detect outdated connections.
    pub version: i32,
    /// Time of the last change of its settings, or of those of the scope's groups: if it is switched off or drained, it
    /// has been so since then or longer.
    pub configured_at: Timestamp,
}

/// Weight of a provider without one.
pub const DEFAULT_WEIGHT: u32 = sendmux_rules::shares::DEFAULT_WEIGHT;

/// Maximum age of a cached pool: a change made on another node takes effect within two seconds.
const MAX_AGE: Duration = Duration::from_millis(1_500);
/// Most pools in the cache.
const MAX_ENTRIES: usize = 10_000;

/// Recently used pools of lanes. Group membership, weights and caps are read live: a pool older than a change on this
/// node, or than [`MAX_AGE`], is read again.
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

impl Cached {
    fn is_fresh(&self, now: Timestamp, signals: &Signals) -> bool {
        self.read_at <= now
            && now.since(self.read_at) <= MAX_AGE
            && !signals.team_changed_since(self.pool.team_id, self.generation)
    }
}

impl RouteCache {
    /// The pool of a lane.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown lane; errors of the database.
    pub async fn pool(&self, domain: &Domain, lane_id: i64) -> Result<Arc<Pool>> {
        let now = domain.clock.now();
        let generation = domain.signals.config_generation();
        if let Some(cached) = self.pools.lock().get(&lane_id)
            && cached.is_fresh(now, &domain.signals)
        {
            return Ok(cached.pool.clone());
        }
        // Time and generation are read before the query: a change while it runs makes its result outdated.
        let pool = Arc::new(resolve(domain, lane_id).await?);
        let cached = Cached {
            pool: pool.clone(),
            read_at: now,
            generation,
        };
        self.put(&domain.signals, lane_id, cached);
        Ok(pool)
    }

    /// Drops the cached pool of this lane.
    pub fn forget(&self, lane_id: i64) {
        self.pools.lock().remove(&lane_id);
    }

    /// Makes room by dropping expired entries, or all entries if none has expired.
    fn put(&self, signals: &Signals, lane_id: i64, cached: Cached) {
        let mut pools = self.pools.lock();
        if pools.len() >= MAX_ENTRIES && !pools.contains_key(&lane_id) {
            pools.retain(|_, old| old.is_fresh(cached.read_at, signals));
            if pools.len() >= MAX_ENTRIES {
                pools.clear();
            }
        }
        pools.insert(lane_id, cached);
    }
}

/// Locks a team's providers, groups and scopes against changes by others until the transaction ends, so that conditions
/// on them together (weights that are not all 0, groups that keys name) still hold when they are written. Taken before
/// any other lock of the configuration. Deliveries do not wait for it.
pub(crate) async fn lock_configuration(tx: &Transaction, team_id: i64) -> Result<()> {
    // In SQLite the transaction is the only one that writes.
    if tx.get_database_backend() == DbBackend::Postgres {
        teams::Entity::find_by_id(team_id)
            .lock(LockType::NoKeyUpdate)
            .one(tx)
            .await?;
    }
    Ok(())
}

async fn resolve(domain: &Domain, lane_id: i64) -> Result<Pool> {
    let db = domain.db.read();
    let lane = lanes::Entity::find_by_id(lane_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound("lane"))?;
    let Joined(targets) = &lane.targets;
    let (group_weights, groups) = if lane.scope == ScopeKind::Groups {
        let rows = group_members::Entity::find()
            .filter(group_members::Column::GroupId.is_in(targets.iter().copied()))
            .all(db)
            .await?;
        (weights_of(rows), groups_changed_at(db, targets).await?)
    } else {
        (BTreeMap::new(), None)
    };
    let mut find = providers::Entity::find()
        .filter(providers::Column::TeamId.eq(lane.team_id))
        .filter(providers::Column::DeletedAt.is_null());
    // The providers of a large team are not all read for each of its scopes.
    if lane.mode != Mode::Test {
        if lane.scope == ScopeKind::Providers {
            find = find.filter(providers::Column::Id.is_in(targets.iter().copied()));
        } else if lane.scope == ScopeKind::Groups {
            find = find.filter(providers::Column::Id.is_in(group_weights.keys().copied()));
        }
    }
    let rows = column::readable(db, find).await?;
    let awaits_verification = lane.mode == Mode::Live && accounts::awaits_verification(domain, lane.team_id).await?;
    let mut members = members(&lane, &group_weights, rows);
    for member in &mut members {
        member.configured_at = member.configured_at.max(groups.unwrap_or(Timestamp::MIN));
    }
    Ok(Pool {
        lane_id,
        team_id: lane.team_id,
        members,
        can_grow: match lane.scope {
            ScopeKind::All => true,
            ScopeKind::Providers => false,
            ScopeKind::Groups => groups.is_some(),
        },
        awaits_verification,
        requeue_mark: lane.requeue_mark,
        requeued_mark: lane.requeued_mark,
    })
}

/// Time of the last change of one of these groups; `None` when all of them are deleted.
async fn groups_changed_at(db: &impl ConnectionTrait, group_ids: &[i64]) -> Result<Option<Timestamp>> {
    let times: Vec<Timestamp> = delivery_groups::Entity::find()
        .select_only()
        .column(delivery_groups::Column::UpdatedAt)
        .filter(delivery_groups::Column::Id.is_in(group_ids.iter().copied()))
        .into_tuple()
        .all(db)
        .await?;
    Ok(times.into_iter().max())
}

/// Combined weights of the members of several groups.
fn weights_of(rows: Vec<group_members::Model>) -> BTreeMap<i64, u32> {
    let mut groups: BTreeMap<i64, Vec<Member>> = BTreeMap::new();
    for row in rows {
        groups.entry(row.group_id).or_default().push(Member {
            id: row.provider_id,
            weight: row.weight.map(i64::from),
        });
    }
    merge_groups(groups.values().map(Vec::as_slice)).into_iter().collect()
}

fn members(
    lane: &lanes::Model,
    group_weights: &BTreeMap<i64, u32>,
    mut rows: Vec<providers::Model>,
) -> Vec<PoolMember> {
    rows.sort_unstable_by_key(|row| row.id);
    let mut members: Vec<PoolMember> = rows.into_iter().map(member).collect();
    let in_test = lane.mode == Mode::Test;
    // Test messages go to the sandbox, and no others do.
    members.retain(|member| (member.kind == ProviderKind::Sandbox) == in_test);
    if in_test {
        return members;
    }
    match lane.scope {
        ScopeKind::All => prefer_own_providers(&mut members, |member| member.kind, |member| member.active),
        ScopeKind::Providers => members.retain(|member| lane.targets.0.contains(&member.provider_id)),
        ScopeKind::Groups => members.retain_mut(|member| match group_weights.get(&member.provider_id) {
            Some(weight) => {
                member.weight = *weight;
                member.kind.is_own()
            }
            None => false,
        }),
    }
    members
}

fn member(row: providers::Model) -> PoolMember {
    PoolMember {
        provider_id: row.id,
        public_id: row.public_id,
        name: row.name,
        kind: row.kind,
        active: row.status == ProviderStatus::Active,
        weight: weight_of(row.weight),
        caps: caps_of(row.kind, [row.cap_second, row.cap_minute, row.cap_hour, row.cap_day]),
        version: row.version,
        configured_at: row.updated_at,
    }
}

/// Caps of a provider of this kind, from its columns.
pub(crate) fn caps_of(kind: ProviderKind, columns: [Option<i32>; 4]) -> Caps {
    let [second, minute, hour, day] = columns.map(|cap| cap.map(|cap| u32::try_from(cap).unwrap_or(0)));
    Caps {
        second,
        minute,
        hour,
        day,
        day_rule: kind.default_caps().day_rule,
    }
}

/// Those of these providers that have a cap, with their own weights: a refund makes room there.
pub async fn capped(tx: &Transaction, provider_ids: impl IntoIterator<Item = i64>) -> Result<Vec<PoolMember>> {
    use providers::Column;
    let provider_ids: Vec<i64> = provider_ids.into_iter().collect();
    if provider_ids.is_empty() {
        return Ok(Vec::new());
    }
    let capped = [Column::CapSecond, Column::CapMinute, Column::CapHour, Column::CapDay]
        .into_iter()
        .fold(Condition::any(), |any, cap| any.add(cap.is_not_null()));
    let find = providers::Entity::find()
        .filter(Column::Id.is_in(provider_ids))
        .filter(capped)
        .order_by_asc(Column::Id);
    let rows = column::readable(tx, find).await?;
    Ok(rows.into_iter().map(member).collect())
}

fn weight_of(stored: Option<i32>) -> u32 {
    stored.map_or(DEFAULT_WEIGHT, |weight| u32::try_from(weight).unwrap_or(0))
}

#[cfg(test)]
mod pools {
    use super::*;

    fn row(id: i64, kind: ProviderKind, status: ProviderStatus) -> providers::Model {
        providers::Model {
            id,
            public_id: format!("prv_{id}"),
            team_id: 1,
            kind,
            name: kind.to_string(),
            status,
            weight: None,
            cap_second: None,
            cap_minute: None,
            cap_hour: None,
            cap_day: None,
            config: "{}".to_owned(),
            secret: None,
            version: 1,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
            deleted_at: None,
        }
    }

    fn ids(
        mode: Mode,
        scope: ScopeKind,
        targets: &[i64],
        weights: &[(i64, u32)],
        rows: &[providers::Model],
    ) -> Vec<i64> {
        let lane = lanes::Model {
            id: 1,
            team_id: 1,
            mode,
            scope,
            targets: Joined(targets.to_vec()),
            requeue_mark: Timestamp::default(),
            requeued_mark: Timestamp::default(),
        };
        members(&lane, &weights.iter().copied().collect(), rows.to_vec())
            .into_iter()
            .map(|member| member.provider_id)
            .collect()
    }

    #[test]
    fn each_scope_has_its_pool() {
        let rows = [
            row(1, ProviderKind::ManagedSes, ProviderStatus::Active),
            row(2, ProviderKind::Sandbox, ProviderStatus::Active),
            row(3, ProviderKind::Smtp, ProviderStatus::Active),
            row(4, ProviderKind::Smtp, ProviderStatus::Inactive),
        ];
        assert_eq!(ids(Mode::Live, ScopeKind::All, &[], &[], &rows), [3, 4]);
        assert_eq!(ids(Mode::Test, ScopeKind::All, &[], &[], &rows), [2]);
        assert_eq!(ids(Mode::Test, ScopeKind::Providers, &[3], &[], &rows), [2]);
        assert_eq!(ids(Mode::Live, ScopeKind::Providers, &[1, 3, 99], &[], &rows), [1, 3]);
        assert_eq!(
            ids(Mode::Live, ScopeKind::Providers, &[2], &[], &rows),
            Vec::<i64>::new()
        );
        assert_eq!(ids(Mode::Live, ScopeKind::Groups, &[7], &[(4, 5)], &rows), [4]);
        assert_eq!(
            ids(Mode::Live, ScopeKind::Groups, &[7], &[(1, 5), (2, 5), (3, 5)], &rows),
            [3],
            "neither the managed route nor the sandbox is ever in a group"
        );
    }

    #[test]
    fn a_member_of_several_groups_counts_with_the_sum_of_its_weights() {
        let row = |group_id, provider_id, weight| group_members::Model {
            group_id,
            provider_id,
            weight,
        };
        let rows = vec![
            row(1, 10, Some(30)),
            row(1, 11, Some(70)),
            row(2, 11, None),
            row(2, 12, None),
        ];
        assert_eq!(weights_of(rows), BTreeMap::from([(10, 30), (11, 170), (12, 100)]));
    }

    #[test]
    fn the_cache_is_bounded_and_drops_the_stale_first() {
        let cache = RouteCache::default();
        let start = Timestamp::from_millis(0);
        let entry = |lane_id, read_at| Cached {
            pool: Arc::new(Pool {
                lane_id,
                team_id: 1,
                members: Vec::new(),
                can_grow: true,
                awaits_verification: false,
                requeue_mark: start,
                requeued_mark: start,
            }),
            read_at,
            generation: 0,
        };
        let signals = Signals::default();
        let later = start.plus(MAX_AGE * 2);
        let limit = i64::try_from(MAX_ENTRIES).unwrap();
        for id in 0..limit {
            cache.put(&signals, id, entry(id, if id < 10 { later } else { start }));
        }
        cache.put(&signals, limit, entry(limit, later));
        assert_eq!(cache.pools.lock().len(), 11);
        for id in 0..limit * 2 {
            cache.put(&signals, id, entry(id, later));
            assert!(cache.pools.lock().len() <= MAX_ENTRIES);
        }
    }

    #[test]
    fn the_managed_route_serves_all_only_while_nothing_else_is_active() {
        let rows = [
            row(1, ProviderKind::ManagedSes, ProviderStatus::Active),
            row(2, ProviderKind::Sandbox, ProviderStatus::Active),
            row(4, ProviderKind::Smtp, ProviderStatus::Inactive),
        ];
        assert_eq!(ids(Mode::Live, ScopeKind::All, &[], &[], &rows), [1, 4]);
    }
}
