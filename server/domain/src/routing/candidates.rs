//! Candidates of a pool for a message: the input of the selection, for the engine's claims, for refusals on submission,
//! and for dry runs.

use super::{Pool, PoolMember};
use crate::Domain;
use crate::error::{Error, Result};
use crate::queue::{Progress, Row};
use crate::runtime::{self, Runtime};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use sendmux_rules::Timestamp;
use sendmux_rules::caps::CapFit;
use sendmux_rules::select::{Availability, Candidate, Need, Refusal, Selection, could_take, select};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The message for which a provider is to be selected.
#[derive(Clone, Copy, Debug)]
pub struct SelectionRequest<'a> {
    /// Its size and recipients.
    pub need: Need,
    /// The domain of the sender, in lower case.
    pub sender_domain: Option<&'a str>,
    /// Progress of the delivery; `None` for a message that was never tried.
    pub progress: Option<&'a Progress>,
}

impl<'a> SelectionRequest<'a> {
    /// A message that was never tried, to this many recipients.
    pub const fn fresh(bytes: u64, recipients: u32, sender_domain: Option<&'a str>) -> Self {
        Self {
            need: Need {
                bytes,
                recipients,
                headers_all_pending: true,
            },
            sender_domain,
            progress: None,
        }
    }

    /// The smallest possible message: a provider that cannot take it can take none.
    pub const fn smallest() -> Self {
        Self::fresh(0, 1, None)
    }

    /// A message in the queue, for its pending recipients.
    pub fn of(row: &'a Row, progress: &'a Progress) -> Self {
        let total = u32::try_from(row.recipient_count).unwrap_or(0);
        Self {
            need: Need {
                bytes: u64::try_from(row.size).unwrap_or(0),
                recipients: total.saturating_sub(progress.sent).saturating_sub(progress.failed),
                headers_all_pending: progress.sent == 0 && progress.failed == 0,
            },
            sender_domain: Some(&row.sender_domain),
            progress: Some(progress),
        }
    }
}

/// The members of a pool as candidates, in its order, in their state at `now`. `runtimes` and `refusals` are those of
/// the pool's providers; a provider without a runtime is open.
pub fn candidates(
    members: &[PoolMember],
    request: &SelectionRequest<'_>,
    runtimes: &BTreeMap<i64, Runtime>,
    refusals: &HashMap<(i64, String), Timestamp>,
    now: Timestamp,
) -> Vec<Candidate> {
    let refused = |id: i64| {
        // Nearly always there are none, which needs no key to find out.
        !refusals.is_empty()
            && request
                .sender_domain
                .is_some_and(|domain| refusals.contains_key(&(id, domain.to_owned())))
    };
    let candidate = |member: &PoolMember| {
        let id = member.provider_id;
        let mut candidate = Candidate::new(id, member.kind, member.weight);
        candidate.active = member.active;
        candidate.configured_at = member.configured_at;
        candidate.sender_refused = refused(id);
        if let Some(progress) = request.progress {
            candidate.tried = progress.tried.contains(&id);
            candidate.lacking = progress.lacking.get(&id).copied();
        }
        if let Some(runtime) = runtimes.get(&id) {
            let units = member.kind.cap_units(request.need.recipients);
            candidate.availability = Availability::of(&runtime.health, &member.caps, &runtime.usage, units, now);
        }
        candidate
    };
    members.iter().map(candidate).collect()
}

/// Refuses a message of a team that may not send yet, and one that no provider of the pool could ever take, so that it
/// is never left to wait. Blocks, pauses and usage are ignored: they pass.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NoActiveProviders`], [`Error::NeverDeliverable`].
pub fn check_deliverable(pool: &Pool, bytes: u64, recipients: u32) -> Result<()> {
    if pool.awaits_verification {
        return Err(Error::Forbidden(
            "verify the email address of this team's owner first: the link is in the mail that was sent there at sign-up, \
             and the dashboard sends it again; until then only test keys send",
        ));
    }
    let candidate = |member: &PoolMember| {
        let mut candidate = Candidate::new(member.provider_id, member.kind, member.weight);
        candidate.active = member.active;
        let most = member.caps.largest_charge();
        if most.is_some_and(|most| member.kind.cap_units(recipients) > most) {
            candidate.availability.cap_fit = CapFit::Never;
        }
        candidate
    };
    let candidates: Vec<Candidate> = pool.members.iter().map(candidate).collect();
    let need = SelectionRequest::fresh(bytes, recipients, None).need;
    could_take(&candidates, &need).map_err(|refusal| match refusal {
        Refusal::NoActiveProviders => Error::NoActiveProviders,
        Refusal::TooLarge(most) => Error::NeverDeliverable(format!(
            "the message has {bytes} bytes; the largest that a provider in the scope of this key takes has {most}"
        )),
        Refusal::TooManyRecipients => Error::NeverDeliverable(format!(
            "no provider in the scope of this key takes a message to {recipients} recipients; split it into smaller ones"
        )),
    })
}

/// A pool and the selection in it now.
#[derive(Debug)]
pub(crate) struct PoolSelection {
    pub pool: Arc<Pool>,
    /// The selection. Its `considered` are in the order of the pool's members. Its `chosen` is a fixed draw, and only
    /// shows that there is a provider to choose.
    pub selection: Selection,
}

/// Selects in a lane's pool like a claim, without writing anything.
pub(crate) async fn select_in_pool(
    domain: &Domain,
    lane_id: i64,
    request: &SelectionRequest<'_>,
) -> Result<PoolSelection> {
    let pool = domain.routes.pool(domain, lane_id).await?;
    let now = domain.clock.now();
    let ids = || pool.members.iter().map(|member| member.provider_id);
    let runtimes = runtime::read(domain.db.read(), ids()).await?;
    let refusals = match request.sender_domain {
        Some(_) => runtime::sender_refusals(domain.db.read(), ids(), now).await?,
        None => HashMap::new(),
    };
    let candidates = candidates(&pool.members, request, &runtimes, &refusals, now);
    Ok(PoolSelection {
        selection: select_for(&candidates, request, now),
        pool,
    })
}

/// The selection with a fixed draw, for callers that do not send.
pub(super) fn select_for(candidates: &[Candidate], request: &SelectionRequest<'_>, now: Timestamp) -> Selection {
    select(candidates, &request.need, now, &mut SmallRng::seed_from_u64(0))
}
