//! State of teams' managed routes, read together: the number of queries does not depend on the number of teams.

use super::{Suspension, suspension};
use crate::entities::providers;
use crate::error::Result;
use crate::runtime;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use sendmux_rules::caps::Usage;
use sendmux_rules::managed::Feedback;
use sendmux_rules::{ProviderKind, ProviderStatus, Timestamp};
use std::collections::HashMap;

/// State of a team's route.
pub(super) struct RouteState {
    /// Its provider.
    pub(super) row: providers::Model,
    /// Status: switched on, suspended, or pending until an address is verified.
    pub(super) status: ProviderStatus,
    /// Recent usage.
    pub(super) usage: Usage,
    /// Recipients of the last 7 days, and their bounces and complaints, as far as they count.
    pub(super) feedback: Feedback,
    /// The current suspension.
    pub(super) suspension: Option<Suspension>,
}

/// The routes of these teams, by team; a team without one is left out.
pub(super) async fn routes_of(
    db: &impl ConnectionTrait,
    team_ids: impl IntoIterator<Item = i64>,
    now: Timestamp,
) -> Result<HashMap<i64, RouteState>> {
    let rows = providers::Entity::find()
        .filter(providers::Column::TeamId.is_in(team_ids))
        .filter(providers::Column::Kind.eq(ProviderKind::ManagedSes))
        .filter(providers::Column::DeletedAt.is_null())
        .all(db)
        .await?;
    let mut runtimes = runtime::read(db, rows.iter().map(|row| row.id)).await?;
    let mut last = suspension::last_of(db, &rows).await?;
    let feedback = suspension::feedback_of(db, &rows, &last, now).await?;
    let mut routes = HashMap::with_capacity(rows.len());
    for row in rows {
        let suspension = last.remove(&row.id).filter(|row| row.lifted_at.is_none());
        let state = RouteState {
            status: row.status,
            usage: runtimes.remove(&row.id).map(|state| state.usage).unwrap_or_default(),
            feedback: feedback.get(&row.id).copied().unwrap_or_default(),
            suspension: suspension.map(Suspension::from),
            row,
        };
        routes.insert(state.row.team_id, state);
    }
    Ok(routes)
}
