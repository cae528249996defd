//! Dry runs: the provider that a message would go to now, and the reasons. They select with the real state of the
//! providers and write nothing.

use crate::Domain;
use crate::entities::{api_keys, messages, queue};
use crate::error::{Error, Result};
use crate::queue::Progress;
use crate::routing::{PoolSelection, SelectionRequest, check_deliverable, select_in_pool};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sendmux_rules::shares::{Member, shares};
use sendmux_rules::{LeftOut, ProviderKind, Timestamp, WaitReason};
use std::collections::HashMap;

/// Result of a dry run.
#[derive(Clone, Debug, PartialEq)]
pub struct DryRun {
    /// The providers in the scope, in the order in which they were added.
    pub candidates: Vec<DryRunCandidate>,
    /// Expected wait, when no provider can take the message now.
    pub waiting: Option<ExpectedWait>,
    /// Reason why the message would be refused on submission, or, for an accepted one, why no provider could ever take
    /// it.
    pub refusal: Option<String>,
}

/// A provider in the scope, in its state for the message.
#[derive(Clone, Debug, PartialEq)]
pub struct DryRunCandidate {
    /// `prv_…`
    pub public_id: String,
    /// Name of the provider.
    pub name: String,
    /// Kind of the provider.
    pub kind: ProviderKind,
    /// Weight in this scope.
    pub weight: u32,
    /// Share of the scope's traffic, 0 to 100, while all providers that are switched on are open.
    pub share: f64,
    /// Probability, 0 to 100, that it would take the message now.
    pub chance: f64,
    /// Reason why it is left out; `None` if it takes part in the draw.
    pub left_out: Option<LeftOut>,
    /// Time at which it opens, if only time keeps it out.
    pub opens_at: Option<Timestamp>,
}

/// Expected wait of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedWait {
    /// Wait reason of the provider that opens first.
    pub reason: WaitReason,
    /// Time at which it opens; `None` when it opens only by hand.
    pub opens_at: Option<Timestamp>,
}

/// Dry run of a message of `size` bytes to this many recipients, sent with this key from an address of `sender_domain`.
/// An empty domain means no sender in particular.
///
/// # Errors
/// [`Error::Conflict`] for a revoked key; [`Error::NotFound`], for those of other teams too.
pub async fn dry_run(
    domain: &Domain,
    team_id: i64,
    key_public_id: &str,
    size: u64,
    recipients: u32,
    sender_domain: &str,
) -> Result<DryRun> {
    let key = api_keys::Entity::find()
        .filter(api_keys::Column::PublicId.eq(key_public_id))
        .filter(api_keys::Column::TeamId.eq(team_id))
        .one(domain.db.read())
        .await?
        .ok_or(Error::NotFound("API key"))?;
    if key.revoked_at.is_some() {
        return Err(Error::Conflict("this key was revoked: it sends nothing".to_owned()));
    }
    let sender_domain = sender_domain.trim().to_lowercase();
    let sender = (!sender_domain.is_empty()).then_some(sender_domain.as_str());
    let request = SelectionRequest::fresh(size, recipients.max(1), sender);
    run(domain, key.lane_id, &request).await
}

/// Dry run of an accepted message, with the providers already tried; `None` when it is being sent or is finished.
///
/// # Errors
/// [`Error::NotFound`], for those of other teams too.
pub async fn of_message(domain: &Domain, team_id: i64, message_public_id: &str) -> Result<Option<DryRun>> {
    let db = domain.db.read();
    let message = messages::Entity::find()
        .filter(messages::Column::PublicId.eq(message_public_id))
        .filter(messages::Column::TeamId.eq(team_id))
        .one(db)
        .await?
        .ok_or(Error::NotFound("message"))?;
    let Some(row) = queue::Entity::find_by_id(message.id).one(db).await? else {
        return Ok(None);
    };
    if row.lease.is_some() {
        return Ok(None);
    }
    let progress = Progress::of(&row);
    run(domain, row.lane_id, &SelectionRequest::of(&row, &progress))
        .await
        .map(Some)
}

async fn run(domain: &Domain, lane_id: i64, request: &SelectionRequest<'_>) -> Result<DryRun> {
    let PoolSelection { pool, selection } = select_in_pool(domain, lane_id, request).await?;
    let considered = || pool.members.iter().zip(&selection.considered);
    let percents = |counts: &dyn Fn(bool, Option<LeftOut>) -> bool| -> HashMap<i64, f64> {
        let members: Vec<Member> = considered()
            .filter(|(member, one)| counts(member.active, one.left_out))
            .map(|(member, _)| Member {
                id: member.provider_id,
                weight: Some(i64::from(member.weight)),
            })
            .collect();
        shares(&members)
            .into_iter()
            .map(|share| (share.id, share.percent))
            .collect()
    };
    let share = percents(&|active, _| active);
    let chance = percents(&|_, left_out| left_out.is_none());
    let candidates = considered()
        .map(|(member, one)| DryRunCandidate {
            public_id: member.public_id.clone(),
            name: member.name.clone(),
            kind: member.kind,
            weight: member.weight,
            share: share.get(&member.provider_id).copied().unwrap_or(0.0),
            chance: chance.get(&member.provider_id).copied().unwrap_or(0.0),
            left_out: one.left_out,
            opens_at: one.opens_at,
        })
        .collect();
    let refusal = match check_deliverable(&pool, request.need.bytes, request.need.recipients) {
        Ok(()) => None,
        Err(error @ (Error::Forbidden(_) | Error::NoActiveProviders | Error::NeverDeliverable(_))) => {
            Some(error.to_string())
        }
        Err(error) => return Err(error),
    };
    let waiting = selection
        .waiting
        .filter(|_| selection.chosen.is_none())
        .map(|waiting| ExpectedWait {
            reason: waiting.reason,
            opens_at: waiting.opens_at,
        });
    Ok(DryRun {
        candidates,
        waiting,
        refusal,
    })
}

#[cfg(test)]
mod tests;
