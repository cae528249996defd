//! The managed route: the operator's Amazon SES account, shared by all teams. Each team has a daily cap there, may
//! request a higher one, and is suspended for too many bounces or complaints.
//!
//! The route of a team is its provider of the kind `managed_ses`: the cap is that provider's, a suspension is its
//! status.

mod account;
mod overview;
mod requests;
mod routes;
mod suspension;
#[cfg(test)]
mod tests;

pub use account::{Account, account, alert, unblock};
pub use overview::{Busiest, Overview, TeamLine, overview, teams};
pub use requests::{
    Decision, IncreaseRequest, MAX_NOTE_CHARS, RequestStatus, Review, cancel_request, decide, pending_reviews, recent,
    request_increase,
};
pub(crate) use suspension::review;
pub use suspension::{Suspension, lift};

use crate::Domain;
use crate::entities::{providers, teams as team_rows};
use crate::error::{Error, Result};
use crate::runtime;
use routes::{RouteState, routes_of};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use sendmux_rules::caps::{DayRule, Usage};
use sendmux_rules::managed::{self as rule, Feedback};
use sendmux_rules::{ProviderKind, ProviderStatus, Timestamp};

const NO_ROUTE: Error = Error::NotFound("managed route");

/// A team's managed route.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Public id of its provider.
    pub provider_id: String,
    /// Address that the team sends as.
    pub address: String,
    /// Cap, in recipients a day.
    pub cap: u32,
    /// Recipients of this UTC day.
    pub used: u32,
    /// Start of the next UTC day.
    pub resets_at: Timestamp,
    /// Status: switched on, suspended, or pending until the owner's address is verified.
    pub status: ProviderStatus,
    /// True if an increase can be requested now.
    pub can_request: bool,
    /// The pending request.
    pub pending: Option<IncreaseRequest>,
    /// The last decided request.
    pub decided: Option<IncreaseRequest>,
    /// The current suspension.
    pub suspension: Option<Suspension>,
    /// Bounces and complaints of the last 7 days, as far as they count.
    pub feedback: Feedback,
    /// True if messages go to the sandbox: the installation has no Amazon SES account.
    pub to_sandbox: bool,
}

/// A team's managed route.
///
/// # Errors
/// [`Error::NotFound`] for an unknown team.
pub async fn route(domain: &Domain, team_id: i64) -> Result<Route> {
    let db = domain.db.read();
    let now = domain.clock.now();
    let RouteState {
        row,
        status,
        usage,
        feedback,
        suspension,
    } = routes_of(db, [team_id], now).await?.remove(&team_id).ok_or(NO_ROUTE)?;
    let team = team_rows::Entity::find_by_id(team_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound("team"))?;
    let pending = requests::pending(db, team_id).await?;
    Ok(Route {
        address: format!("{}@{}", team.slug, domain.settings.managed_domain),
        cap: cap_of(&row),
        used: usage.used(DayRule::UtcDay, now).day,
        resets_at: rule::next_day(now),
        status,
        can_request: pending.is_none() && rule::offers_increase(usage.near_day(), now),
        pending,
        decided: requests::last_decided(db, team_id).await?,
        suspension: suspension.filter(|_| status == ProviderStatus::Suspended),
        feedback,
        to_sandbox: domain.settings.managed_ses.is_none(),
        provider_id: row.public_id,
    })
}

/// The provider that is a team's managed route.
async fn provider_of(db: &impl ConnectionTrait, team_id: i64) -> Result<providers::Model> {
    providers::Entity::find()
        .filter(providers::Column::TeamId.eq(team_id))
        .filter(providers::Column::Kind.eq(ProviderKind::ManagedSes))
        .filter(providers::Column::DeletedAt.is_null())
        .one(db)
        .await?
        .ok_or(NO_ROUTE)
}

async fn usage_of(db: &impl ConnectionTrait, provider_id: i64) -> Result<Usage> {
    let state = runtime::read(db, [provider_id]).await?.remove(&provider_id);
    Ok(state.map(|state| state.usage).unwrap_or_default())
}

/// Daily cap of a route; 0 for a route without one.
fn cap_of(row: &providers::Model) -> u32 {
    row.cap_day.and_then(|cap| u32::try_from(cap).ok()).unwrap_or(0)
}
