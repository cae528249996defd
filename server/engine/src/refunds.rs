//! Room under a cap that a refunded charge leaves, and the messages that can use it.

use sendmux_domain::db::Transaction;
use sendmux_domain::queue::{self, Progress, Row};
use sendmux_domain::routing::{Asked, PoolMember};
use sendmux_domain::{Domain, Result, Timestamp};
use sendmux_rules::caps::{self, Usage};

/// Waiting messages that are looked at, at most, to find those that can use the room. The others are looked at when
/// their time comes.
const LOOK_AT: u64 = 512;

/// Woken besides those that there is room for: some find another provider, or have to wait for the end of a block first.
const MORE: u64 = 8;

/// What a provider's windows hold before and after charges were given back.
pub(crate) struct Room<'a> {
    pub(crate) provider: &'a PoolMember,
    pub(crate) before: &'a Usage,
    pub(crate) after: &'a Usage,
}

impl Room<'_> {
    /// Makes messages of the team due that wait by themselves, for whatever provider opens first, and that this one takes
    /// earlier now: as many as there is room for, however many wait. A lane that waits as a whole is woken by the
    /// signal that its provider has changed.
    pub(crate) async fn wake(
        &self,
        tx: &Transaction,
        domain: &Domain,
        team_id: i64,
        units: u64,
        now: Timestamp,
    ) -> Result<()> {
        let most = self.provider.kind.cap_units(u32::MAX);
        if caps::headroom(&self.provider.caps, self.before, now) >= most {
            // Nobody was kept waiting by its caps.
            return Ok(());
        }
        let mut woken = Vec::new();
        for row in queue::held_back(tx, team_id, now, LOOK_AT).await? {
            if woken.len() as u64 >= units + MORE {
                break;
            }
            if self.concerns(&row, now)? && self.serves(domain, row.lane_id).await? {
                woken.push(row.message_id);
            }
        }
        queue::requeue_messages(tx, woken, now).await
    }

    /// Whether the provider would take the message earlier than before.
    fn concerns(&self, row: &Row, now: Timestamp) -> Result<bool> {
        let progress = Progress::of(row)?;
        let id = &self.provider.provider_id;
        if progress.tried.contains(id) || progress.lacking.contains_key(id) {
            return Ok(false);
        }
        let units = self.provider.kind.cap_units(Asked::of(row, &progress).need.recipients);
        let room = |usage| caps::room(&self.provider.caps, usage, now, units);
        Ok(room(self.before) != room(self.after))
    }

    async fn serves(&self, domain: &Domain, lane_id: i64) -> Result<bool> {
        let pool = domain.routes.pool(domain, lane_id).await?;
        Ok(pool
            .members
            .iter()
            .any(|member| member.provider_id == self.provider.provider_id))
    }
}
