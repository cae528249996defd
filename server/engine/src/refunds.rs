//! Refunds of charges: messages that wait for a cap are requeued when a refund lets them go earlier.

use sendmux_domain::db::Transaction;
use sendmux_domain::queue::{self, Progress, Row};
use sendmux_domain::routing::{PoolMember, SelectionRequest};
use sendmux_domain::{Domain, Result, Timestamp};
use sendmux_rules::caps::{self, Usage};

/// Waiting messages that are looked at, at most, to find those that fit now. The others are looked at when they
/// are due.
const MAX_EXAMINED: u64 = 512;

/// Messages woken beyond those that fit: some find another provider, or have to wait for the end of a block first.
const MORE: u64 = 8;

/// Usage of a provider's caps before and after charges were refunded.
pub(crate) struct CapRefund<'a> {
    pub(crate) provider: &'a PoolMember,
    pub(crate) before: &'a Usage,
    pub(crate) after: &'a Usage,
}

impl CapRefund<'_> {
    /// Requeues messages of the team that wait by themselves, for whatever provider opens first, and that this one takes
    /// earlier now: as many as fit, however many wait. A lane that waits as a whole is woken by the
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
        for row in queue::held_back(tx, team_id, now, MAX_EXAMINED).await? {
            if woken.len() as u64 >= units + MORE {
                break;
            }
            if self.concerns(&row, now) && self.serves(domain, row.lane_id).await? {
                woken.push(row.message_id);
            }
        }
        queue::requeue_messages(tx, woken, now).await
    }

    /// True if the provider would take the message earlier than before.
    fn concerns(&self, row: &Row, now: Timestamp) -> bool {
        let progress = Progress::of(row);
        let id = &self.provider.provider_id;
        if progress.tried.contains(id) || progress.lacking.contains_key(id) {
            return false;
        }
        let units = self
            .provider
            .kind
            .cap_units(SelectionRequest::of(row, &progress).need.recipients);
        let fit = |usage| caps::cap_fit(&self.provider.caps, usage, now, units);
        fit(self.before) != fit(self.after)
    }

    async fn serves(&self, domain: &Domain, lane_id: i64) -> Result<bool> {
        let pool = domain.routes.pool(domain, lane_id).await?;
        Ok(pool
            .members
            .iter()
            .any(|member| member.provider_id == self.provider.provider_id))
    }
}
