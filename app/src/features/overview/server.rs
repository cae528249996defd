//! The overview.

use super::convert;
use super::model::OverviewView;
use crate::model::AppError;
use crate::server::context::{Current, current, error_response};
use sendmux_domain::{Result, groups, installation, overview, providers, routing};

/// Counts, chart, health, what waits and what to do next, for the viewer's team.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn get() -> Result<OverviewView, AppError> {
    let current = current().await?;
    read(&current).await.map_err(error_response)
}

async fn read(current: &Current) -> Result<OverviewView> {
    let (domain, team) = (&current.domain, current.team_id());
    let seen = convert::Seen {
        overview: overview::overview(domain, team).await?,
        providers: providers::list(domain, team).await?,
        groups: groups::list(domain, team).await?,
        waiting: routing::waiting_by_reason(domain, team).await?,
        faults: if current.account.user.is_operator {
            installation::faults(domain).await?
        } else {
            Vec::new()
        },
    };
    Ok(convert::overview(seen, current.now()))
}
